//! A connection to another machine's kiosk-agent: TLS 1.3 with a certificate on both sides, HTTP/1.1 over it, and each error
//! as one sentence.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kiosk_client::{Exit, Failure};
use kiosk_core::files::read_regular;
use kiosk_core::tcp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription as Alert, CertificateError as Wrong, ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::RemoteArgs;

/// kiosk-agent's, where no other is given.
pub const PORT: u16 = 8443;
/// For the connection with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For an answer: the services have 30 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Of an answer, bytes: a picture of the largest screen.
const MAX_ANSWER: usize = 128 << 20;
/// Of a file with certificates, bytes.
const MAX_FILE: u64 = 256 << 10;

/// Another machine.
pub struct Remote {
    host: String,
    port: u16,
    config: Arc<ClientConfig>,
}

impl Remote {
    /// Reads the files; connects nowhere yet.
    pub fn new(args: &RemoteArgs) -> Result<Option<Self>, Failure> {
        let usage = |message: &str| Failure::new(Exit::Usage, message);
        let (host, certificate, key, authority) = match (&args.host, &args.cert, &args.key, &args.ca) {
            (None, None, None, None) => return Ok(None),
            (Some(host), Some(certificate), Some(key), Some(authority)) => (host, certificate, key, authority),
            (None, ..) => return Err(usage("--cert, --key and --ca go with --host")),
            _ => return Err(usage("--host needs --cert, --key and --ca: who you are, and who vouches for the device")),
        };
        let (host, port) = place(host).ok_or_else(|| {
            usage(&format!("{host:?} is no host, allowed is a name or an address, and :PORT behind it"))
        })?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authority)? {
            roots.add(certificate).map_err(|error| about(authority, &error))?;
        }
        let bytes = read(key)?;
        let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| about(key, &"it has no private key in PEM"))?;
        let config = config(roots, certificates(certificate)?, private)
            .map_err(|error| about(certificate, &format!("it does not go with {}: {error}", key.display())))?;
        Ok(Some(Remote { host, port, config }))
    }

    /// As somebody whose certificate and key are in no file. All PEM.
    pub fn of((host, port): (String, u16), certificate: &str, key: &str, authority: &str) -> Result<Self, Failure> {
        let made = || {
            let mut roots = RootCertStore::empty();
            for one in CertificateDer::pem_slice_iter(authority.as_bytes()).filter_map(Result::ok) {
                roots.add(one)?;
            }
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).filter_map(Result::ok).collect();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
            config(roots, chain, key.map_err(|error| rustls::Error::General(error.to_string()))?)
        };
        let config = made().map_err(|error| Failure::new(Exit::Failed, format!("TLS can't be started: {error}")))?;
        Ok(Remote { host, port, config })
    }

    /// A request, and an answer that is good. `accept`: the kind that is wanted.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Response<Incoming>, Failure> {
        self.send_with(method, path, body, accept, &[]).await
    }

    /// The same, with these headers; the connection may become another than HTTP's.
    pub async fn send_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        accept: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Response<Incoming>, Failure> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
        let stream = connected.map_err(|_| self.away(&"it does not answer"))??;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.lost(&error))?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{}:{}", bracketed(&self.host), self.port))
            .header(ACCEPT, accept);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request
            .body(Full::new(body))
            .map_err(|error| Failure::new(Exit::Usage, format!("this can't be asked for: {error}")))?;
        tokio::spawn(connection.with_upgrades());
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, sender.send_request(request)).await;
        let answer = answer.map_err(|_| self.away(&"it does not answer"))?.map_err(|error| self.lost(&error))?;
        let good = answer.status().is_success() || answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        if good { Ok(answer) } else { Err(self.problem(answer).await) }
    }

    /// All of an answer.
    pub async fn whole(&self, answer: Response<Incoming>) -> Result<Bytes, Failure> {
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect();
        let body =
            tokio::time::timeout(ANSWER_TIMEOUT, body).await.map_err(|_| self.away(&"its answer does not end"))?;
        Ok(body.map_err(|error| self.away(&error))?.to_bytes())
    }

    /// Not the answer of a kiosk-agent that this kioskctl knows.
    pub fn strange(&self) -> Failure {
        let message =
            format!("{} gave an answer that this kioskctl does not understand; are they of one version?", self.host);
        Failure::new(Exit::Failed, message)
    }

    async fn connect(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| self.away(&error))?;
        // Whoever watches is told that the device is gone, however it went.
        tcp::notice_loss(&stream).map_err(|error| self.away(&error))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| self.away(&error))?;
        let connected = TlsConnector::from(self.config.clone()).connect(name, stream).await;
        connected.map_err(|error| self.refused(&error))
    }

    async fn problem(&self, answer: Response<Incoming>) -> Failure {
        let status = answer.status();
        let body: Value = match self.whole(answer).await {
            Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
            Err(failure) => return failure,
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let exit = match status {
            StatusCode::BAD_REQUEST => Exit::Usage,
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Exit::NotAllowed,
            StatusCode::SERVICE_UNAVAILABLE => Exit::NotRunning,
            _ => Exit::Failed,
        };
        let name = text("name").unwrap_or_else(|| "org.kioskd.Error.Failed".into());
        let message = text("detail").unwrap_or_else(|| format!("it answered {status}"));
        Failure::told(exit, name, format!("{}: {message}", self.host))
    }

    fn away(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::new(Exit::NotRunning, format!("{} can't be reached at port {}: {why}", self.host, self.port))
    }

    /// In TLS 1.3 a client learns only after its handshake that its certificate was refused.
    fn lost(&self, error: &hyper::Error) -> Failure {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return self.refused(error);
            }
            source = error.source();
        }
        self.away(&"it ended the connection; it may have no place for more")
    }

    /// What TLS says, for a person.
    fn refused(&self, error: &std::io::Error) -> Failure {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return self.away(error);
        };
        let host = &self.host;
        let (exit, said) = match error {
            rustls::Error::AlertReceived(alert) => {
                let why = match alert {
                    Alert::CertificateRevoked => "it was revoked",
                    Alert::CertificateExpired => "it is not valid now, by the device's clock",
                    Alert::UnknownCA | Alert::DecryptError | Alert::BadCertificate => {
                        "its authority is none of the device's (ca.pem there)"
                    }
                    Alert::UnsupportedCertificate => "it is no client's (extendedKeyUsage clientAuth)",
                    _ => return Failure::new(Exit::NotAllowed, format!("{host} refused the connection: {error}")),
                };
                (Exit::NotAllowed, format!("{host} refused your certificate: {why}"))
            }
            rustls::Error::InvalidCertificate(wrong) => {
                let why = match wrong {
                    Wrong::UnknownIssuer => "its authority is not in the file of --ca".to_owned(),
                    Wrong::Expired | Wrong::ExpiredContext { .. } => "it has expired".to_owned(),
                    Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                        "it is not valid yet; is this machine's clock right?".to_owned()
                    }
                    Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                        "it is for other names; call the device by one of them".to_owned()
                    }
                    other => other.to_string(),
                };
                (Exit::Failed, format!("the certificate of {host} is not good: {why}"))
            }
            rustls::Error::InvalidMessage(_) => (Exit::Failed, format!("what answers at {host} speaks no TLS")),
            other => (Exit::Failed, format!("TLS with {host} failed: {other}")),
        };
        Failure::new(exit, said)
    }
}

fn config(
    roots: RootCertStore,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13])?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_client_auth_cert(chain, key)?))
}

/// A name or an address, and the port.
pub fn place(text: &str) -> Option<(String, u16)> {
    let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        (host, if rest.is_empty() { PORT } else { port(rest.strip_prefix(':')?)? })
    } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
        (text, PORT)
    } else {
        match text.split_once(':') {
            Some((host, rest)) => (host, port(rest)?),
            None => (text, PORT),
        }
    };
    ServerName::try_from(host).ok().map(|_| (host.to_owned(), port))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_regular(path, MAX_FILE).map_err(|error| about(path, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = read(path)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).collect();
    if all.is_empty() { Err(about(path, &"it has no certificate in PEM")) } else { Ok(all) }
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{} can't be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for (text, host, port) in [
            ("hall-3.local", "hall-3.local", 8443),
            ("hall-3:99", "hall-3", 99),
            ("192.168.1.5", "192.168.1.5", 8443),
            ("fe80::1", "fe80::1", 8443),
            ("[fe80::1]:443", "fe80::1", 443),
            ("[::1]", "::1", 8443),
        ] {
            assert_eq!(place(text), Some((host.to_owned(), port)), "{text}");
        }
        for wrong in ["", ":1", "a:", "a:0", "a:65536", "a:b:c", "[::1", "[::1]x", "[x]:", "a b", "https://a"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
