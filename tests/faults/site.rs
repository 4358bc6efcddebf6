//! The page that all is done to, and a server that goes and comes back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// It asks again and again where it is to go, and something in it moves.
const PAGE: &str = "<body style='background:#264'><h1 style='color:#fff'>The page</h1><script>
    const moves = () => { document.querySelector('h1').style.color = 'white'; requestAnimationFrame(moves); }; moves();
    setInterval(() => fetch('/next').then(answer => answer.text()).then(to => { if (to) location = to; }, () => {}), 100);
</script>";

#[derive(Clone)]
pub struct Site {
    port: u16,
    /// Where the page is to go, once.
    next: Arc<Mutex<String>>,
    /// Of the thread that listens now.
    gone: Arc<Mutex<Arc<AtomicBool>>>,
}

impl Site {
    pub fn start() -> Site {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let site = Site { port, next: Arc::default(), gone: Arc::default() };
        site.listen(listener);
        site
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    /// The page goes there by itself.
    pub fn lead(&self, to: &str) {
        to.clone_into(&mut self.next.lock().unwrap());
    }

    /// The port is closed when this returns.
    pub fn go(&self) {
        self.gone.lock().unwrap().store(true, Ordering::Relaxed);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            std::thread::yield_now();
        }
    }

    pub fn come_back(&self) {
        // Rust sets SO_REUSEADDR: connections that have ended are no hindrance.
        self.listen(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).unwrap());
    }

    fn listen(&self, listener: TcpListener) {
        let gone = Arc::new(AtomicBool::new(false));
        *self.gone.lock().unwrap() = gone.clone();
        let next = self.next.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if gone.load(Ordering::Relaxed) {
                    return;
                }
                let next = next.clone();
                std::thread::spawn(move || serve(stream, &next));
            }
        });
    }
}

fn serve(mut stream: TcpStream, next: &Mutex<String>) {
    let mut request = [0; 8192];
    let length = stream.read(&mut request).unwrap_or(0);
    let body = if request[..length].starts_with(b"GET /next") {
        std::mem::take(&mut *next.lock().unwrap())
    } else {
        PAGE.to_owned()
    };
    let length = body.len();
    // A browser that hangs up is no fault.
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{body}"
    );
}
