//! What a web server answers the probe: it is up or not, in a sentence, after so many requests and no more. The server
//! is one of this process, and a proxy for all others that a redirection may name, so that no other server is asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock, PoisonError};

use kiosk_core::config::{Proxy, StatusRanges, Url};
use kiosk_session::probe::{ProbeSettings, probe};
use kiosk_session::sign_in::SignIn;

use super::bytes;
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "probe",
    run,
    seeds: || {
        bytes(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.0 503 Service Unavailable\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n",
            "HTTP/1.1 301 Moved\r\nLocation: http://other.example/\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n",
        ])
    },
    words: &["HTTP/1.1 ", "200", "302", "\r\n", "Location: ", "https://a.example/", "\0", "Transfer-Encoding: chunked"],
    longest: 1024,
};

/// Answers every connection with the input of the run under way; gives its port.
struct Server {
    port: u16,
    answer: Mutex<Vec<u8>>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static STARTED: OnceLock<()> = OnceLock::new();
    static LISTENER: Mutex<Option<TcpListener>> = Mutex::new(None);
    let server = SERVER.get_or_init(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        *LISTENER.lock().unwrap() = Some(listener);
        Server { port, answer: Mutex::default() }
    });
    STARTED.get_or_init(|| {
        let listener = LISTENER.lock().unwrap().take().unwrap();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, server)));
    });
    server
}

fn serve(mut stream: TcpStream, server: &Server) {
    // The request is one segment, and nothing follows it.
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(&server.answer.lock().unwrap_or_else(PoisonError::into_inner));
}

fn run(input: &[u8]) {
    // One at a time: the answer is everybody's.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server();
    // A redirection to another port of this machine would ask a program that listens there.
    let text = String::from_utf8_lossy(input);
    if text.contains("127.") || text.contains("localhost") || text.contains("[::") {
        return;
    }
    *server.answer.lock().unwrap() = input.to_vec();
    let proxy = Proxy::Server(format!("http://127.0.0.1:{}", server.port));
    let url = Url::parse("http://ann:geheim@signage.example/?token=geheim").unwrap();
    let sign_in = SignIn::load(None, None, &url);
    let terms = ProbeSettings { accepted: StatusRanges(vec![(200, 299)]), proxy, trust: Vec::new(), sign_in };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Err(why) = runtime.block_on(probe(&url, &terms)) {
        assert_valid_message(&why.to_string());
        assert!(!why.to_string().contains("geheim") || text.contains("geheim"), "{why}");
    }
}
