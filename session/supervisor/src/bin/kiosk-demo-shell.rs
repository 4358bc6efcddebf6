//! A page to look at and to test with: serves `assets/demo-shell`, on 127.0.0.1 unless told otherwise, and prints what the page saw
//! (loads, clicks, keys, touches, pointers, what is typed) and what was asked of the server, one JSON object a line.
//!
//! For `make run`, containers and the tests; a product brings its own server. It knows nothing of the kiosk, except
//! that with `--screen` it takes screenshots by kioskctl.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Parser;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../../assets/demo-shell/index.html");
/// Longest request, bytes; the page's events have about a hundred.
const MAX_REQUEST: u64 = 64 * 1024;
/// Idle timeout of a connection, as each has a thread.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// The kiosk's screen, a new picture every two seconds.
const SCREEN: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2>\
    <title>The kiosk's screen</title><style>body{margin:0;background:#222}img{max-width:100%}</style>\
    <img src=screen.png alt=\"The kiosk's screen\">";

/// A page that shows that the kiosk works, and tells what it sees.
#[derive(Parser)]
#[command(name = "kiosk-demo-shell", version)]
struct Arguments {
    /// 0: any free one, printed as the first line.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Where it listens; whoever can reach it sees the page.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Shows the kiosk's screen at /screen, as kioskctl photographs it.
    #[arg(long)]
    screen: bool,
    /// Appends the lines to FILE as well.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Stands on the page under "What next": WHAT, and below it the COMMAND; repeatable. Without it the page says what
    /// to do on a device.
    #[arg(long, value_name = "WHAT=COMMAND", value_parser = hint)]
    hint: Vec<(String, String)>,
}

/// The default hints for a device's owner.
const ON_A_DEVICE: [(&str, &str); 3] = [
    ("Another page", "sudo kioskctl config set shell.url http://localhost:8080"),
    ("Then", "sudo kioskctl config reload; sudo systemctl restart kiosk-session"),
    ("See it, turn it", "kioskctl status; kioskctl screenshot picture.png; sudo kioskctl rotate next"),
];

/// An argument that is no hint.
#[derive(Debug, thiserror::Error)]
#[error("it is written as WHAT=COMMAND, such as \"See it=kioskctl status\"")]
struct HintError;

fn hint(text: &str) -> Result<(String, String), HintError> {
    match text.split_once('=') {
        Some((what, command)) if !what.is_empty() && !command.is_empty() => Ok((what.to_owned(), command.to_owned())),
        _ => Err(HintError),
    }
}

/// The page with its hints.
fn page(hints: &[(String, String)]) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let line = |(what, command): (&str, &str)| format!("<dt>{}</dt><dd>{}</dd>", escaped(what), escaped(command));
    let hints: String = if hints.is_empty() {
        ON_A_DEVICE.into_iter().map(line).collect()
    } else {
        hints.iter().map(|(what, command)| line((what, command))).collect()
    };
    PAGE.replace("<!-- hints -->", &hints)
}

/// Where the lines go, and whether the screen is shown.
struct Log {
    file: Mutex<Option<File>>,
    screen: bool,
}

impl Log {
    fn write(&self, mut entry: Value) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        entry["time"] = json!(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let mut line = entry.to_string();
        line.push('\n');
        // One write for each line, so that readers see whole lines. A closed pipe does not stop the server.
        let _ = io::stdout().lock().write_all(line.as_bytes());
        if let Ok(mut file) = self.file.lock()
            && let Some(file) = file.as_mut()
            && let Err(error) = file.write_all(line.as_bytes())
        {
            eprintln!("kiosk-demo-shell: the log can't be written: {error}");
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let file = match &arguments.log {
        None => None,
        Some(path) => {
            let opened = File::options().create(true).append(true).open(path);
            Some(opened.with_context(|| format!("{} can't be written", path.display()))?)
        }
    };
    let (address, port) = (arguments.address, arguments.port);
    let listener = TcpListener::bind((address, port))
        .with_context(|| format!("port {port} of {address} can't be listened on: choose another with --port"))?;
    let log: &'static Log = Box::leak(Box::new(Log { file: Mutex::new(file), screen: arguments.screen }));
    let page: &'static str = page(&arguments.hint).leak();
    log.write(json!({ "event": "listening", "port": listener.local_addr()?.port() }));
    for stream in listener.incoming().flatten() {
        let started = std::thread::Builder::new().spawn(move || {
            // A closed connection is not an error.
            let _ = serve(stream, page, log);
        });
        if let Err(error) = started {
            eprintln!("kiosk-demo-shell: a connection was dropped: {error}");
        }
    }
    Ok(())
}

/// Answers the requests of one connection until it ends.
fn serve(stream: TcpStream, page: &str, log: &Log) -> io::Result<()> {
    stream.set_read_timeout(Some(KEEP_ALIVE))?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        answer(&request, page, &mut writer, log)?;
        if request.close {
            break;
        }
    }
    Ok(())
}

struct Request {
    method: String,
    target: String,
    agent: String,
    body: Vec<u8>,
    close: bool,
}

/// `None`: the connection has ended, or what came is no request.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut head = reader.take(MAX_REQUEST);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut request = Request { method, target, agent: String::new(), body: Vec::new(), close: false };
    let mut length = 0;
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "user-agent" => request.agent = value.trim().to_owned(),
            "connection" => request.close = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    if length > MAX_REQUEST {
        return Ok(None);
    }
    reader.take(length).read_to_end(&mut request.body)?;
    Ok(Some(request))
}

fn answer(request: &Request, page: &str, writer: &mut TcpStream, log: &Log) -> io::Result<()> {
    let path = request.target.split('?').next().unwrap_or_default();
    match (request.method.as_str(), path) {
        ("GET" | "HEAD", "/" | "/index.html") => {
            log.write(json!({ "event": "get", "path": request.target, "agent": request.agent }));
            reply(writer, "200 OK", "text/html; charset=utf-8", if request.method == "HEAD" { "" } else { page })
        }
        ("POST", "/event") => {
            let entry = serde_json::from_slice::<Value>(&request.body).ok().filter(Value::is_object);
            match entry {
                Some(entry) => {
                    log.write(entry);
                    reply(writer, "204 No Content", "text/plain", "")
                }
                None => reply(writer, "400 Bad Request", "text/plain", "a JSON object is expected\n"),
            }
        }
        ("GET", "/screen") if log.screen => reply(writer, "200 OK", "text/html; charset=utf-8", SCREEN),
        ("GET", "/screen.png") if log.screen => match Command::new("kioskctl").args(["screenshot", "-"]).output() {
            Ok(said) if said.status.success() => reply(writer, "200 OK", "image/png", said.stdout),
            Ok(said) => reply(writer, "503 Service Unavailable", "text/plain; charset=utf-8", said.stderr),
            Err(error) => reply(writer, "503 Service Unavailable", "text/plain", format!("no kioskctl: {error}\n")),
        },
        _ => {
            log.write(json!({ "event": "not-found", "path": request.target, "method": request.method }));
            reply(writer, "404 Not Found", "text/plain", "not here\n")
        }
    }
}

fn reply(writer: &mut TcpStream, status: &str, kind: &str, body: impl AsRef<[u8]>) -> io::Result<()> {
    let (body, length) = (body.as_ref(), body.as_ref().len());
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\r\n"
    );
    // One segment: the page and its head together.
    writer.write_all([head.as_bytes(), body].concat().as_slice())
}
