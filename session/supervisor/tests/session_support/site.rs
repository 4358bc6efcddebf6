//! A web site for one test: pages by path, and what they report.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Status, further headers, body.
type Answer = (u16, String, String);

/// A server, which runs until the test ends.
#[derive(Clone)]
pub struct Site {
    pub port: u16,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    told: Arc<Mutex<Vec<String>>>,
    cookies: Arc<Mutex<Vec<String>>>,
    gone: Arc<AtomicBool>,
}

impl Site {
    /// With these HTML pages, by path. What a page posts to `/tell` is kept.
    pub fn start(pages: &[(&str, &str)]) -> Site {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let site =
            Site { port, answers: Arc::default(), told: Arc::default(), cookies: Arc::default(), gone: Arc::default() };
        for (path, body) in pages {
            site.answer(path, 200, "", body);
        }
        let serving = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.gone.load(Ordering::Relaxed) {
                    return;
                }
                let site = serving.clone();
                std::thread::spawn(move || site.serve(stream));
            }
        });
        site
    }

    /// Stops listening before it returns.
    pub fn go(&self) {
        self.gone.store(true, Ordering::Relaxed);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::yield_now();
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Sets the answer for `path`.
    pub fn answer(&self, path: &str, status: u16, headers: &str, body: &str) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, headers.to_owned(), body.to_owned()));
    }

    /// What the pages have reported.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// The cookies of all requests that had any.
    pub fn cookies(&self) -> Vec<String> {
        self.cookies.lock().unwrap().clone()
    }

    pub fn has_told(&self, what: &str) -> bool {
        self.told().iter().any(|told| told == what)
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        let (mut target, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
            if target.is_empty() {
                target = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if let Some(value) = line.strip_prefix("Cookie:") {
                self.cookies.lock().unwrap().push(value.trim().to_owned());
            }
            line.clear();
        }
        let mut body = String::new();
        let _ = reader.take(length).read_to_string(&mut body);
        let path = target.split('?').next().unwrap_or_default();
        if path == "/tell" {
            self.told.lock().unwrap().push(body);
        }
        let answer = self.answers.lock().unwrap().get(path).cloned();
        let (status, headers, body) = answer.unwrap_or((404, String::new(), "<h1>404</h1>".to_owned()));
        let kind = if path.ends_with(".js") { "text/javascript" } else { "text/html" };
        let length = body.len();
        // The browser may have closed the connection.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\n{headers}Content-Type: {kind}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
        );
    }
}
