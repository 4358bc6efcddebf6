//! A web server whose answers a test sets. It listens on all addresses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A received request.
#[derive(Debug, Clone)]
pub struct Request {
    /// As in the request line: with a proxy, a whole URL.
    pub target: String,
    /// `name: value`, names in lower case.
    pub headers: Vec<String>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Whether it is a browser's, not the probe's.
    pub fn of_browser(&self) -> bool {
        self.header("user-agent").is_some_and(|agent| agent.contains("Mozilla"))
    }
}

/// End of the status line, further headers, body.
pub type Answer = (&'static str, String, String);

/// A page in this colour.
pub fn page(colour: &str) -> Answer {
    ("200 OK", "Content-Type: text/html\r\n".into(), format!("<body style='background:{colour}'>page"))
}

pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers by `answer`, until the test ends.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Server { port, requests }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves one request of a connection, over any transport.
pub fn serve(mut stream: impl Read + Write, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Answer) {
    let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let Some(first) = lines.next() else { return };
    let lower = |line: String| line.split_once(": ").map(|(name, value)| format!("{}: {value}", name.to_lowercase()));
    let headers = lines.filter_map(lower).collect();
    let request = Request { target: first.split(' ').nth(1).unwrap_or_default().into(), headers };
    seen.lock().unwrap().push(request.clone());
    let (status, more, body) = answer(&request);
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.flush();
}
