//! `inspect`: DevTools of the page for a front end on the operator's machine. A listener on its loopback, at a port that the
//! system picks and below a path that nobody can guess, is the way to the kiosk's own: here by D-Bus, from afar by kiosk-agent.
//! It ends with Ctrl+C, which ends the inspection, or when the time is over.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kiosk_client::{Client, Exit, Failure, Outcome, devtools};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::outcome::print;
use crate::remote::Remote;

/// Connections at a time: a front end has a few.
const MAX_CONNECTIONS: usize = 16;
/// Until the headers of a request are there.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the path that nobody can guess.
const SECRET: usize = 16;
/// What Chromium's own front end comes from; pages of others have no access.
const FRONT_END: &str = "devtools://devtools";

/// The kiosk.
pub enum Kiosk {
    /// This machine.
    Here(Client),
    /// Another one.
    There(Remote),
}

/// One inspection there.
enum Way {
    Here(OwnedFd),
    There(TokioIo<Upgraded>),
}

impl Kiosk {
    async fn open(&self, shell: Option<&str>, time: Duration) -> Result<Way, Failure> {
        // Whole seconds, and at least one.
        let time = Duration::from_secs(time.as_secs().max(1));
        match self {
            Kiosk::Here(client) => Ok(Way::Here(devtools::inspect(client, shell, &who(), time).await?)),
            Kiosk::There(remote) => Ok(Way::There(remote.inspect(shell, time).await?)),
        }
    }
}

/// Who sits here, for the screen.
fn who() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "admin".into())
}

struct Bridge {
    kiosk: Kiosk,
    shell: Option<String>,
    /// As in an address.
    host: String,
    secret: String,
    until: Instant,
    /// Opened at the start, so that a refusal is told at once; for the first front end.
    first: Mutex<Option<Way>>,
}

/// Serves a front end until the time is over.
pub async fn run(kiosk: Kiosk, shell: Option<&str>, time: Duration, as_json: bool) -> Result<Outcome, Failure> {
    if !devtools::is_time(time) {
        return Err(Failure::new(Exit::Usage, "--expires is 1s to 1h"));
    }
    let first = kiosk.open(shell, time).await?;
    let wrong =
        |error: std::io::Error| Failure::new(Exit::Failed, format!("no port of this machine can be used: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
    let host = listener.local_addr().map_err(wrong)?.to_string();
    let mut random = [0; SECRET];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(|error| wrong(error.into()))?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let until = Instant::now() + time;
    let bridge = Arc::new(Bridge {
        kiosk,
        shell: shell.map(str::to_owned),
        host,
        secret,
        until,
        first: Mutex::new(Some(first)),
    });
    bridge.tell(as_json)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let serve = async {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { return };
            let bridge = bridge.clone();
            tokio::spawn(async move {
                bridge.serve(stream).await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = serve => Err(Failure::new(Exit::Failed, "connections can't be accepted any more")),
        () = sleep_until(until) => Ok(Outcome::new("the time is over", Value::Null)),
    }
}

impl Bridge {
    fn websocket(&self) -> String {
        format!("{}/{}", self.host, self.secret)
    }

    fn front_end(&self) -> String {
        format!("{FRONT_END}/bundled/inspector.html?ws={}", self.websocket())
    }

    fn tell(&self, as_json: bool) -> Result<(), Failure> {
        let (front_end, websocket) = (self.front_end(), format!("ws://{}", self.websocket()));
        print(&match as_json {
            true => json!({ "devtools": front_end, "websocket": websocket }).to_string(),
            false => format!(
                "Open this in a Chromium on this machine; Ctrl+C ends it. Whoever has it looks into the page.\n  \
                 {front_end}\nFor other programs:\n  {websocket}"
            ),
        })
    }

    async fn serve(&self, stream: TcpStream) {
        let next = Mutex::new(None);
        let service = service_fn(|request| {
            let next = &next;
            async move { Ok::<_, Infallible>(self.answer(request, next).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        if served.await.is_err() {
            return;
        }
        let Some((upgrade, way)) = next.into_inner() else { return };
        let carried = async {
            let Ok(upgraded) = upgrade.await else { return };
            let mut near = TokioIo::new(upgraded);
            // A connection that ends, ends.
            match way {
                Way::Here(socket) => drop(devtools::carry(socket, near).await),
                Way::There(mut far) => drop(tokio::io::copy_bidirectional(&mut near, &mut far).await),
            }
        };
        let _ = timeout_at(self.until, carried).await;
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        next: &Mutex<Option<(hyper::upgrade::OnUpgrade, Way)>>,
    ) -> Response<Full<Bytes>> {
        let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let meant = header(HOST) == Some(self.host.as_str());
        let foreign = header(ORIGIN).is_some_and(|origin| origin != FRONT_END);
        let path = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(self.secret.as_str()));
        let Some(path) = path.filter(|_| meant && !foreign && request.method() == "GET") else {
            return plain(StatusCode::NOT_FOUND, "text/plain", "there is nothing here".into());
        };
        match path {
            "/json/version" => {
                let told = json!({ "Browser": "kiosk", "Protocol-Version": "1.3" });
                plain(StatusCode::OK, "application/json", told.to_string())
            }
            "/json" | "/json/list" => {
                let told = json!([{
                    "id": "page", "type": "page", "title": "kiosk", "url": "",
                    "devtoolsFrontendUrl": self.front_end(),
                    "webSocketDebuggerUrl": format!("ws://{}", self.websocket()),
                }]);
                plain(StatusCode::OK, "application/json", told.to_string())
            }
            "" => {
                let Some(accept) = header(SEC_WEBSOCKET_KEY).and_then(devtools::accept) else {
                    return plain(StatusCode::UPGRADE_REQUIRED, "text/plain", "this is a WebSocket".into());
                };
                let way = match self.first.lock().await.take() {
                    Some(way) => Ok(way),
                    None => {
                        let left = self.until.saturating_duration_since(Instant::now());
                        self.kiosk.open(self.shell.as_deref(), left).await
                    }
                };
                match way {
                    Err(failure) => plain(StatusCode::CONFLICT, "text/plain", failure.message().to_owned()),
                    Ok(way) => {
                        *next.lock().await = Some((hyper::upgrade::on(&mut request), way));
                        upgraded(&accept)
                    }
                }
            }
            _ => plain(StatusCode::NOT_FOUND, "text/plain", "there is nothing here".into()),
        }
    }
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn upgraded(accept: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}
