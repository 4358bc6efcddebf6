//! Connects to a server, directly or through a proxy, with TLS for https. Names are resolved as in browsers:
//! `localhost` is always the loopback address.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url as Address;

use crate::sign_in::Login;

use super::{ANSWER_LIMIT, MAX_HEAD, ProbeError, ProbeSettings, tls};

/// Time limit for connecting to one address: a machine that is off does not answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// A transport for requests.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection, ready for requests.
pub struct Connection {
    /// Direct, through a proxy, or TLS over either.
    pub stream: Box<dyn Stream>,
    /// The server requested a client certificate, and went on without one so far.
    pub asks_certificate: bool,
}

fn plain(stream: impl Stream + 'static) -> Connection {
    Connection { stream: Box::new(stream), asks_certificate: false }
}

/// The server to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As DNS has it; IPv6 without brackets.
    pub host: String,
    /// The URL's port, or its scheme's default.
    pub port: u16,
    /// The URL's scheme is one with TLS.
    pub tls: bool,
}

impl Target {
    /// Errors: it has no host, which no `http` URL is without.
    pub fn of(address: &Address) -> Result<Self, ProbeError> {
        let wrong = || ProbeError::NotHttp(String::new());
        let host = address.host_str().ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
        let port = address.port_or_known_default().ok_or_else(wrong)?;
        Ok(Target { host, port, tls: address.scheme() == "https" })
    }

    /// Whether it is the loopback address or `localhost`.
    pub fn is_loopback(&self) -> bool {
        self.is_local_name() || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    fn is_local_name(&self) -> bool {
        self.host == "localhost" || self.host.ends_with(".localhost")
    }

    /// The Host header, without a default port.
    pub fn host_header(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        let all = self.to_string();
        if self.port == usual { all.rsplit_once(':').map_or(all.clone(), |(host, _)| host.to_owned()) } else { all }
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Connects to the server directly.
pub async fn direct(target: &Target, terms: &ProbeSettings) -> Result<Connection, ProbeError> {
    let stream = tcp(target).await?;
    let stream = plain(stream);
    if target.tls { tls::wrap(stream, target, &terms.trust).await } else { Ok(stream) }
}

/// Connects to the server through a tunnel of the proxy, or for plain http to the proxy itself.
pub async fn through(proxy: &Target, target: &Target, terms: &ProbeSettings) -> Result<Connection, ProbeError> {
    let to_proxy = direct(proxy, terms).await?;
    if !target.tls {
        return Ok(to_proxy);
    }
    let tunnel = match timeout(ANSWER_LIMIT, tunnel(to_proxy, target, terms)).await {
        Err(_elapsed) => return Err(ProbeError::Silent(proxy.to_string())),
        Ok(Err(error)) if error.is_user() => return Err(ProbeError::NotHttp(proxy.to_string())),
        Ok(Err(_)) => return Err(ProbeError::Cut(proxy.to_string())),
        Ok(Ok(tunnel)) => tunnel,
    };
    match tunnel {
        Ok(stream) => tls::wrap(stream, target, &terms.trust).await,
        Err(407) => {
            if terms.sign_in.proxy_login().is_some() {
                terms.sign_in.proxy_refused();
            }
            Err(ProbeError::ProxyPassword(terms.sign_in.proxy_refusal()))
        }
        Err(status) => Err(ProbeError::ProxyStatus(target.to_string(), status)),
    }
}

/// Inner error: the proxy's status.
async fn tunnel(stream: Connection, target: &Target, terms: &ProbeSettings) -> hyper::Result<Result<Connection, u16>> {
    let (mut sender, driver) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream.stream)).await?;
    // The task ends with the tunnel.
    tokio::spawn(driver.with_upgrades());
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = hyper::Method::CONNECT;
    if let Ok(authority) = target.to_string().parse() {
        *request.uri_mut() = authority;
    }
    if let Ok(host) = target.to_string().parse() {
        request.headers_mut().insert(hyper::header::HOST, host);
    }
    let login = terms.sign_in.proxy_login().map(Login::basic);
    if let Some(login) = login.and_then(|login| login.parse().ok()) {
        request.headers_mut().insert(hyper::header::PROXY_AUTHORIZATION, login);
    }
    let answer = sender.send_request(request).await?;
    if !answer.status().is_success() {
        return Ok(Err(answer.status().as_u16()));
    }
    let upgraded = hyper::upgrade::on(answer).await?;
    Ok(Ok(plain(TokioIo::new(upgraded))))
}

/// Connects to the first of the host's addresses that accepts.
async fn tcp(target: &Target) -> Result<TcpStream, ProbeError> {
    let name = target.to_string();
    let mut failure = ProbeError::Silent(name.clone());
    for address in addresses(target).await.map_err(|error| ProbeError::Name(target.host.clone(), error))? {
        match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                failure = ProbeError::Refused(name.clone());
            }
            // A refusal is more specific than a missing address family.
            Ok(Err(error)) if !matches!(failure, ProbeError::Refused(_)) => {
                failure = ProbeError::Unreachable(name.clone(), error);
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(failure)
}

async fn addresses(target: &Target) -> io::Result<Vec<SocketAddr>> {
    if target.is_local_name() {
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(local.map(|address| SocketAddr::new(address, target.port)).to_vec());
    }
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    Ok(tokio::net::lookup_host((target.host.as_str(), target.port)).await?.collect())
}
