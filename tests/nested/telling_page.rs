//! A page that reports to its server, for a browser that cannot be inspected.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    time::Instant,
};

use super::process::PATIENCE;

/// Serves this page as `/`. The paths that it fetches below `/said/` are received.
pub fn serve(page: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, said) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Browsers open connections that they never use: each has its own thread.
            let sender = sender.clone();
            std::thread::spawn(move || answer(&stream.unwrap(), page, &sender));
        }
    });
    (port, said)
}

fn answer(mut stream: &TcpStream, page: &str, sender: &Sender<String>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    lines.find(String::is_empty);
    let path = request.split(' ').nth(1).unwrap_or_default();
    if let Some(words) = path.strip_prefix("/said/") {
        // The test may have ended.
        let _ = sender.send(words.to_owned());
    }
    let body = if path == "/" { page } else { "" };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", body.len());
    let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
}

/// Waits until the page reports what is wanted.
#[track_caller]
pub fn until<T>(said: &Receiver<String>, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut last = "nothing".to_owned();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match said.recv_timeout(left) {
            Ok(words) => match wanted(&words) {
                Some(found) => return found,
                None => last = words,
            },
            Err(_) => panic!("in vain waited for {what}; the page said last: {last}"),
        }
    }
}
