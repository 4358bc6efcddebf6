//! A listening socket and its connections, within limits that no caller can stretch: how many there are, how long their headers
//! take, how fast their requests come, and for how long they may leave an answer unread. Who has not shown the token yet waits
//! among such alone.

use std::convert::Infallible;
use std::net::{self, IpAddr};
use std::os::unix::net as unix;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use super::answer::{self, Answer, Problem};
use super::bucket::Bucket;
use super::enrol::Desk;
use super::guard::{self, Gate};
use super::inspect::{self, Next};
use super::places::{Place, Places};
use super::request::{Given, MAX_BODY, MAX_CERTIFICATES};
use super::role::{Caller, Role};
use super::routes::{self, Verb};
use super::waiting::{Seat, Waiting};
use super::{console, events, verbs};

/// Connections at a time, of each socket, and of one certificate.
const MAX_CONNECTIONS: usize = 64;
const MAX_CONNECTIONS_OF_ONE: usize = 16;
/// Streams of events at a time, of each socket, and of one certificate: each has a connection to each service.
const MAX_STREAMS: usize = 8;
const MAX_STREAMS_OF_ONE: usize = 4;
/// Pictures that are on their way at a time, of each socket, and of one certificate: kioskd's memory has them until they are read.
const MAX_PICTURES: usize = 4;
const MAX_PICTURES_OF_ONE: usize = 2;
/// Requests that ask the services at a time, of each socket; the others wait.
const MAX_AT_ONCE: usize = 8;
/// Until the headers of a request are there, which bounds idle connections, too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may leave an answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Of all headers of a request, bytes; hyper's least is 8 KiB.
const MAX_HEADERS: usize = 16 << 10;
/// Before it is said that a request has no token, comes from a page, or is one too many: the next waits behind it, and a flood of
/// such takes no processor.
const REFUSAL_PAUSE: Duration = Duration::from_millis(20);
/// Before the next try, where a connection can't be accepted: too many files are open.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A socket that is listened on.
#[derive(Debug)]
pub enum Listener {
    /// Whoever may open it may do everything.
    Unix(UnixListener),
    /// On loopback.
    Tcp(TcpListener),
}

impl Listener {
    /// Of the standard library's.
    pub fn unix(listener: unix::UnixListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::Unix(UnixListener::from_std(listener)?))
    }

    /// Of the standard library's.
    pub fn tcp(listener: net::TcpListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpListener::from_std(listener)?))
    }

    /// Whether callers must prove who they are: every user of the machine reaches loopback.
    pub fn wants_token(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }
}

/// What one socket's connections share.
#[derive(Clone)]
pub struct Server {
    gate: Gate,
    /// The folder of the device's.
    certificates: Arc<Path>,
    connections: Places,
    streams: Places,
    pictures: Places,
    waiting: Waiting,
    at_once: Arc<Semaphore>,
    /// Of the network's alone: who renews the device's certificate.
    desk: Option<Desk>,
}

impl Server {
    /// `gate`: what its callers have to prove; `certificates`: the folder of the device's.
    pub fn new(gate: Gate, certificates: Arc<Path>) -> Self {
        Server {
            gate,
            certificates,
            connections: Places::new(MAX_CONNECTIONS, MAX_CONNECTIONS_OF_ONE),
            streams: Places::new(MAX_STREAMS, MAX_STREAMS_OF_ONE),
            pictures: Places::new(MAX_PICTURES, MAX_PICTURES_OF_ONE),
            waiting: Waiting::default(),
            at_once: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            desk: None,
        }
    }

    /// With certificates that may be renewed.
    pub fn with_desk(self, desk: Desk) -> Self {
        Server { desk: Some(desk), ..self }
    }

    /// Accepts for ever.
    pub async fn run(self, listener: Listener) {
        loop {
            let accepted = match &listener {
                Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| self.take(stream)),
                Listener::Tcp(listener) => listener.accept().await.map(|(stream, from)| self.meet(stream, from.ip())),
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "HTTP connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            // Who is there already says what they want before the next ones come.
            tokio::task::yield_now().await;
        }
    }

    fn take(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let caller = Caller::local();
        let Some(place) = self.place(&caller) else {
            tokio::spawn(refuse(stream));
            return;
        };
        let server = self.clone();
        tokio::spawn(async move {
            server.connection(stream, caller, Standing::default()).await;
            drop(place);
        });
    }

    /// One who has yet to show the token: any user of the machine gets as far as this.
    fn meet(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, from: IpAddr) {
        let (seat, pushed_out) = self.waiting.enter(from);
        let standing = Standing(Arc::new(Mutex::new(Stands::Waits(seat))));
        let server = self.clone();
        tokio::spawn(async move {
            let gone = async {
                let _ = pushed_out.await;
                if standing.is_in() {
                    std::future::pending().await
                }
            };
            tokio::select! {
                () = server.connection(stream, Caller::local(), standing.clone()) => {}
                () = gone => {}
            }
        });
    }

    /// A place for a connection; `None`: all are taken.
    pub fn place(&self, caller: &Caller) -> Option<Place> {
        self.connections.take(caller)
    }

    /// Serves one caller to the end.
    pub async fn connection(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        caller: Caller,
        standing: Standing,
    ) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let bucket = Mutex::new(Bucket::new(Instant::now()));
        let next = Next::default();
        let service = service_fn(|request| {
            let may = bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
            let (server, caller, next, standing) = (&self, &caller, &next, &standing);
            async move { Ok::<Answer, Infallible>(server.answer(request, may, caller, next, standing).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADERS)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "an HTTP connection ended early");
        }
        next.run().await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        may: bool,
        caller: &Caller,
        next: &Next,
        standing: &Standing,
    ) -> Answer {
        self.handle(request, may, caller, next, standing).await.unwrap_or_else(Problem::answer)
    }

    async fn handle(
        &self,
        mut request: Request<Incoming>,
        may: bool,
        caller: &Caller,
        next: &Next,
        standing: &Standing,
    ) -> Result<Answer, Problem> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        if let Err(refusal) = guard::check(&parts, &self.gate) {
            tokio::time::sleep(REFUSAL_PAUSE).await;
            return Err(refusal);
        }
        if !standing.prove(self, caller) {
            return Err(Problem::later(StatusCode::SERVICE_UNAVAILABLE, 1, &no_place()));
        }
        if !may {
            tokio::time::sleep(REFUSAL_PAUSE).await;
            let detail = "too many requests over this connection";
            return Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, 1, detail));
        }
        let (route, name) = routes::find(parts.method.as_str(), parts.uri.path())?;
        let verb = route.verb;
        if !caller.may(route.role) {
            return Err(Problem::role(route.role, caller.role));
        }
        if let (Some(caller), true) = (&caller.name, route.role > Role::View) {
            tracing::info!(caller, ?verb, name, "order from the network");
        }
        let limit = if matches!(verb, Verb::Certificate | Verb::Revoked) { MAX_CERTIFICATES } else { MAX_BODY };
        let given = Given::read(name, parts.uri.query(), &parts.headers, body, limit).await?;
        tracing::debug!(?verb, "HTTP request");
        if matches!(verb, Verb::Events | Verb::Console | Verb::Inspect) {
            given.nothing()?;
            given.only(match verb {
                Verb::Inspect => &["seconds", "shell"],
                Verb::Console => &["shell"],
                _ => &[],
            })?;
            let detail =
                format!("there are {MAX_STREAMS} streams of events, or {MAX_STREAMS_OF_ONE} of this certificate");
            let full = || Problem::later(StatusCode::SERVICE_UNAVAILABLE, 10, &detail);
            let place = self.streams.take(caller).ok_or_else(full)?;
            return match verb {
                Verb::Inspect => inspect::open(&given, &parts.headers, caller, upgrade, next, place).await,
                Verb::Console => console::start(place, given.query("shell")?).await,
                _ => Ok(events::start(place)),
            };
        }
        let picture = if verb == Verb::Screenshot {
            let detail =
                format!("there are {MAX_PICTURES} pictures on their way, or {MAX_PICTURES_OF_ONE} of this certificate");
            let full = || Problem::later(StatusCode::SERVICE_UNAVAILABLE, 1, &detail);
            Some(self.pictures.take(caller).ok_or_else(full)?)
        } else {
            None
        };
        let closed = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "kiosk-agent ends");
        let _turn = self.at_once.acquire().await.map_err(closed)?;
        match (verb, &self.desk) {
            (Verb::CertificateRequest, Some(desk)) => Ok(answer::json(&desk.request(&given)?)),
            (Verb::Certificate, Some(desk)) => Ok(answer::json(&desk.renew(&given).await?)),
            (Verb::Revoked, Some(desk)) => Ok(answer::json(&desk.revoke(&given)?)),
            _ => {
                let answer = verbs::carry(verb, &given, &self.certificates).await?;
                Ok(match picture {
                    Some(place) => answer::holding(answer, place),
                    None => answer,
                })
            }
        }
    }
}

/// Where a connection stands: those that have proven who they are have places of their own.
#[derive(Clone, Default)]
pub struct Standing(Arc<Mutex<Stands>>);

#[derive(Default)]
enum Stands {
    /// Among those who have not shown the token.
    Waits(#[expect(dead_code, reason = "held")] Seat),
    /// In.
    In(#[expect(dead_code, reason = "held")] Place),
    /// In, with a place that somebody else holds.
    #[default]
    Elsewhere,
}

impl Standing {
    fn is_in(&self) -> bool {
        !matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Stands::Waits(_))
    }

    /// The token was shown. Whether there is a place.
    fn prove(&self, server: &Server, caller: &Caller) -> bool {
        let mut stands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*stands, Stands::Waits(_)) {
            let Some(place) = server.place(caller) else { return false };
            // Before the seat is left, which tells that it has to go.
            let seat = std::mem::replace(&mut *stands, Stands::In(place));
            drop(stands);
            drop(seat);
        }
        true
    }
}

/// Says that there is no place, to one who listens at once.
pub async fn refuse(mut stream: impl AsyncWrite + Unpin) {
    let told = async {
        stream.write_all(full().as_bytes()).await?;
        stream.shutdown().await
    };
    // Without a place it is not waited for.
    let _ = tokio::time::timeout(ACCEPT_PAUSE, told).await;
}

fn no_place() -> String {
    format!("there are {MAX_CONNECTIONS} connections")
}

/// The answer to a connection that hyper never sees.
fn full() -> String {
    let detail = no_place();
    let body = json!({ "type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail });
    let body = body.to_string();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
