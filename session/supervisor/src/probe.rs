//! Asks a web server whether it is up: one HTTP/1.1 GET, of which only the status line is read. For `https`, and
//! so without a TLS library, an accepted connection is the answer.
//!
//! [`crate::daemon`] calls it while it waits for the page; never while the page is up. A name is looked up as
//! browsers do: `localhost` is this machine, without asking anybody.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use kiosk_core::config::{StatusRanges, Url};

/// For connecting to one address. A machine that is off does not answer at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// For the status line: a server that has just started may be busy with that.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// A status line is much shorter.
const MAX_LINE: usize = 4096;

/// Why the server does not count as up, in words for a person.
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
    #[error("{0} answers, but not by HTTP")]
    NotHttp(String),
    #[error("{0} answers with status {1}")]
    Status(String, u16),
}

/// Asks once. `Ok`: up. A URL without a server is always up.
pub async fn probe(url: &Url, accepted: &StatusRanges) -> Result<(), ProbeError> {
    let (Some(host), Some(port), Some(path)) = (url.host(), url.port(), url.path_and_query()) else { return Ok(()) };
    let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let stream = connect(&host, port, &name).await?;
    if url.scheme() == "https" {
        return Ok(());
    }
    let status = match timeout(ANSWER_LIMIT, ask(stream, &name, &path)).await {
        Err(_elapsed) => return Err(ProbeError::Silent(name)),
        Ok(Err(error)) => return Err(ProbeError::Unreachable(name, error)),
        Ok(Ok(None)) => return Err(ProbeError::NotHttp(name)),
        Ok(Ok(Some(status))) => status,
    };
    if accepted.contains(status) { Ok(()) } else { Err(ProbeError::Status(name, status)) }
}

/// A connection to the first of the host's addresses that takes one.
async fn connect(host: &str, port: u16, name: &str) -> Result<TcpStream, ProbeError> {
    let mut failure = ProbeError::Silent(name.to_owned());
    for address in addresses(host, port).await.map_err(|error| ProbeError::Name(host.to_owned(), error))? {
        match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                failure = ProbeError::Refused(name.to_owned());
            }
            // A refusal says more than the absence of the other address family.
            Ok(Err(error)) if !matches!(failure, ProbeError::Refused(_)) => {
                failure = ProbeError::Unreachable(name.to_owned(), error);
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(failure)
}

async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    if lower == "localhost" || lower.ends_with(".localhost") {
        return Ok(local.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// The status of the answer; `None`: what came is no HTTP.
async fn ask(mut stream: TcpStream, host: &str, path: &str) -> io::Result<Option<u16>> {
    let version = env!("CARGO_PKG_VERSION");
    // What a browser would accept, so that the server does not refuse the form of the question.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kiosk-session/{version} (probe)\r\n\
         Accept: text/html,*/*;q=0.8\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < MAX_LINE {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    Ok(status(&answer))
}

/// The code in `HTTP/1.1 200 OK`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let code = line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?;
    code.parse().ok().filter(|code| (100..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    /// A server that answers once with these bytes; gives its URL and, at the end, the request.
    fn server(answer: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://localhost:{}/a?b", listener.local_addr().unwrap().port());
        let request = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            stream.write_all(answer).unwrap();
            lines.join("\n")
        });
        (url, request)
    }

    fn ask_once(url: &str) -> Result<(), ProbeError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(probe(&Url::parse(url).unwrap(), &StatusRanges(vec![(200, 499)])))
    }

    #[test]
    fn an_answer_within_the_ranges_is_up() {
        let (url, request) = server(b"HTTP/1.1 404 Not Found\r\n\r\n");
        ask_once(&url).unwrap();
        let request = request.join().unwrap();
        assert!(request.starts_with("GET /a?b HTTP/1.1\nHost: localhost:"), "{request}");
    }

    #[test]
    fn other_answers_say_what_is_wrong() {
        let (url, _) = server(b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert!(ask_once(&url).unwrap_err().to_string().ends_with("answers with status 503"));
        let (url, _) = server(b"SSH-2.0-OpenSSH_9.2\r\n");
        assert!(ask_once(&url).unwrap_err().to_string().ends_with("answers, but not by HTTP"));
        let (url, _) = server(b"");
        assert!(matches!(ask_once(&url), Err(ProbeError::NotHttp(_) | ProbeError::Unreachable(..))));
    }

    #[test]
    fn nobody_listening_is_a_refusal() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = ask_once(&format!("http://localhost:{port}")).unwrap_err();
        assert_eq!(error.to_string(), format!("localhost:{port}: connection refused"));
    }

    #[test]
    fn what_has_no_server_is_up() {
        ask_once("file:///srv/index.html").unwrap();
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_fail(answer in prop::collection::vec(any::<u8>(), 0..200)) {
            status(&answer);
        }

        #[test]
        fn every_status_is_read(code in 100u16..600, minor in 0u8..2) {
            prop_assert_eq!(status(format!("HTTP/1.{minor} {code}\r\n").as_bytes()), Some(code));
        }
    }
}
