//! Why a server does not count as up, for people.

use std::io;

/// The result of a probe that failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The host name, and what the resolver said.
    #[error("the host name {0} is not known ({1})")]
    Name(String, io::Error),
    /// The server: nothing listens there.
    #[error("{0}: connection refused")]
    Refused(String),
    /// The server, and what the kernel said.
    #[error("{0} can't be reached ({1})")]
    Unreachable(String, io::Error),
    /// The server: the time for an answer is over.
    #[error("{0} does not answer")]
    Silent(String),
    /// The server: the connection ended before an answer.
    #[error("{0} has cut the connection")]
    Cut(String),
    /// The server: something else listens there.
    #[error("{0} answers, but not by HTTP")]
    NotHttp(String),
    /// The server, and a status that does not count as up (`shell.ready.http-status`).
    #[error("{0} answers with status {1}")]
    Status(String, u16),
    /// A sentence of its own.
    #[error("{0}")]
    Password(String),
    /// The browser has the password, but the server asks in a way that only the browser supports.
    #[error("{0} asks for a password")]
    SignIn(String),
    /// The same.
    #[error("{0}")]
    ProxyPassword(&'static str),
    /// The server that was asked for, and what the proxy answered.
    #[error("the proxy can't reach {0}: it answers with status {1}")]
    ProxyStatus(String, u16),
    /// A script decides, or the proxy speaks another protocol than HTTP.
    #[error("only the browser knows which proxy leads to the page")]
    Proxy,
    /// The server that was asked first.
    #[error("{0} redirects for ever")]
    Redirects(String),
    /// The server: neither the system nor `browser.trust` knows who signed.
    #[error("the certificate of {0} has an unknown issuer: browser.trust can name its authority")]
    UnknownIssuer(String),
    /// The chain is incomplete, but the certificate names the issuer's address, which browsers fetch.
    #[error("{0} does not say who signed its certificate: its chain is incomplete")]
    IncompleteChain(String),
    /// The server.
    #[error("the certificate of {0} has expired, or the clock of this device is wrong")]
    Expired(String),
    /// The server.
    #[error("the certificate of {0} is not valid yet: is the clock of this device right?")]
    NotYet(String),
    /// The server, by the name in the URL.
    #[error("the certificate of {0} is for another name")]
    OtherName(String),
    /// The server, and what is wrong, in the library's words.
    #[error("the certificate of {0} is not good ({1})")]
    Certificate(String, String),
    /// The server.
    #[error("{0} asks for a certificate of this device")]
    ClientCertificate(String),
    /// The server: what it answered is no TLS.
    #[error("{0} does not speak TLS: is it http that is meant?")]
    NoTls(String),
}

impl ProbeError {
    /// Whether the browser may succeed nevertheless: it has its own name resolution, proxies, cookies and passwords,
    /// and longer timeouts.
    pub fn browser_may_know(&self) -> bool {
        use ProbeError as E;
        matches!(
            self,
            E::Name(..)
                | E::Silent(_)
                | E::SignIn(_)
                | E::Proxy
                | E::Redirects(_)
                | E::ClientCertificate(_)
                | E::IncompleteChain(_)
        )
    }

    /// Whether to probe again while the browser tries, as the server may come up at any moment.
    pub fn is_silence(&self) -> bool {
        matches!(self, ProbeError::Name(..) | ProbeError::Silent(_))
    }
}
