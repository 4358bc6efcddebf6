//! Why a server does not count as up, in words for a person.

use std::io;

/// One answer of a probe that is not "up".
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the host name {0} is not known ({1})")]
    Name(String, io::Error),
    #[error("{0}: connection refused")]
    Refused(String),
    #[error("{0} can't be reached ({1})")]
    Unreachable(String, io::Error),
    #[error("{0} does not answer")]
    Silent(String),
    #[error("{0} has cut the connection")]
    Cut(String),
    #[error("{0} answers, but not by HTTP")]
    NotHttp(String),
    #[error("{0} answers with status {1}")]
    Status(String, u16),
    /// A sentence of its own.
    #[error("{0}")]
    Password(String),
    /// The browser has the password, and gives it in a way of its own.
    #[error("{0} asks for a password")]
    SignIn(String),
    /// The same.
    #[error("{0}")]
    ProxyPassword(&'static str),
    #[error("the proxy can't reach {0}: it answers with status {1}")]
    ProxyStatus(String, u16),
    #[error("only the browser knows which proxy leads to the page")]
    Proxy,
    #[error("{0} redirects for ever")]
    Redirects(String),
    #[error("the certificate of {0} is signed by nobody known: browser.trust can name its authority")]
    UnknownIssuer(String),
    /// And its certificate says where that one is: browsers fetch it.
    #[error("{0} does not say who signed its certificate: its chain is incomplete")]
    IncompleteChain(String),
    #[error("the certificate of {0} has expired, or the clock of this device is wrong")]
    Expired(String),
    #[error("the certificate of {0} is not valid yet: is the clock of this device right?")]
    NotYet(String),
    #[error("the certificate of {0} is for another name")]
    OtherName(String),
    #[error("the certificate of {0} is not good ({1})")]
    Certificate(String, String),
    #[error("{0} asks for a certificate of this device")]
    ClientCertificate(String),
    #[error("{0} does not speak TLS: is it http that is meant?")]
    NoTls(String),
}

impl ProbeError {
    /// Whether the browser may show the page all the same: it resolves names, finds proxies, keeps cookies and has
    /// passwords in ways of its own, and it waits longer.
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
}
