//! Enrolment: how a device without a certificate gets one from the fleet's authority. It shows a code on its screen, and while
//! it does, who proves to know it may offer a certificate (`kioskctl agent ca enrol`). [`machine`] says when and how often,
//! [`conversation`] is one operator's connection, [`check`] looks at what is offered, [`place`] puts it in force, [`local`] is
//! the socket by which the device itself is told to begin. [`renewal`] is what an operator
//! renews, [`asking`] what the device does. This file shows the code and does what the machine says.

mod asking;
mod check;
pub mod conversation;
pub mod local;
mod machine;
mod place;
pub mod renewal;
mod schedule;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kiosk_client::state::CompositorState;
use kiosk_client::{Client, Link, Options, Service, screen};
use kiosk_core::config::RenewAt;
use kiosk_enrolment::{Code, PROTOCOL, Secret};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use tokio::sync::{mpsc, oneshot};

use crate::boot_clock;
use crate::tls::InForce;
pub use crate::tls::{AUTHORITIES, CERTIFICATE, KEY, REVOKED};
use machine::{LIFE, Machine, Screen};
pub use place::recover;

/// Orders that wait; each is answered before the next is looked at.
const MAX_ORDERS: usize = 16;
/// Until new certificates are in force, once they are in their place.
const IN_FORCE_TIMEOUT: Duration = Duration::from_secs(5);

/// kioskd's screens, as its property `SystemScreen` has them.
const PAIRING: &str = "pairing";
const MESSAGE: &str = "message";

/// Why no code is shown, one sentence each.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnrolError {
    /// kioskd.
    #[error("the screen can't show the code: {0}")]
    Screen(String),
    /// The system.
    #[error("no code can be made: {0}")]
    Code(String),
    /// The agent.
    #[error("kiosk-agent ends")]
    Ends,
}

/// What the screen shows.
#[derive(Debug, Clone)]
pub struct OnScreen {
    /// The code.
    pub code: Code,
    /// What the QR code says; empty: the device has no address yet.
    pub url: String,
}

/// What is asked of the desk's task.
enum Order {
    Start {
        standing: bool,
        shown: Option<oneshot::Sender<Result<OnScreen, EnrolError>>>,
    },
    Stop(Option<oneshot::Sender<bool>>),
    Screen(Screen),
    Tick,
    /// Something has changed with kioskd.
    Kioskd,
}

/// Where operators come to.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

struct Shared {
    folder: PathBuf,
    in_force: InForce,
    /// The network's port, for the address on the screen.
    port: u16,
    machine: Mutex<Machine>,
    /// While a code is shown; made anew for each.
    server: Mutex<Option<Arc<ServerConfig>>>,
    conversations: std::sync::atomic::AtomicU64,
    asked: renewal::Asked,
    /// Whom the device asks for its next certificate.
    renew_at: Option<RenewAt>,
    /// One question at a time.
    asking: tokio::sync::Mutex<()>,
}

impl Desk {
    /// Starts its task. `standing`: codes are shown without being asked for until the device has a certificate.
    pub fn open(folder: &Path, in_force: InForce, port: u16, standing: bool, renew_at: Option<RenewAt>) -> Self {
        let standing = standing && in_force.borrow().is_none();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            in_force,
            port,
            machine: Mutex::new(Machine::new()),
            server: Mutex::default(),
            conversations: 0.into(),
            asked: renewal::Asked::default(),
            renew_at,
            asking: tokio::sync::Mutex::default(),
        });
        let (orders, taken) = mpsc::channel(MAX_ORDERS);
        tokio::spawn(
            Task { shared: shared.clone(), client: Client::from_environment(), link: None, seen: false }.run(taken),
        );
        let desk = Desk { shared, orders };
        if standing {
            // There is room: nobody else has ordered anything yet.
            let _ = desk.orders.try_send(Order::Start { standing, shown: None });
        }
        desk
    }

    /// What a connection that speaks [`PROTOCOL`] is served with; `None`: the screen shows no code.
    pub fn server(&self) -> Option<Arc<ServerConfig>> {
        let server = self.shared.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        server.filter(|_| self.shared.machine().is_open())
    }

    /// Shows a code; one that is shown counts no more.
    pub async fn start(&self) -> Result<OnScreen, EnrolError> {
        let (shown, told) = oneshot::channel();
        let order = Order::Start { standing: false, shown: Some(shown) };
        self.orders.send(order).await.map_err(|_| EnrolError::Ends)?;
        told.await.map_err(|_| EnrolError::Ends)?
    }

    /// Takes the code away; whether there was one.
    pub async fn stop(&self) -> bool {
        let (stopped, told) = oneshot::channel();
        let sent = self.orders.send(Order::Stop(Some(stopped))).await;
        sent.is_ok() && told.await.unwrap_or(false)
    }

    /// Has the screen follow; not waited for.
    async fn screen(&self, screen: Screen) {
        if screen != Screen::Stays {
            let _ = self.orders.send(Order::Screen(screen)).await;
        }
    }
}

impl Shared {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the code, and takes it away.
struct Task {
    shared: Arc<Shared>,
    client: Client,
    /// While a code is shown or waits to be: what happens with kioskd.
    link: Option<Link>,
    /// Whether kioskd has told that it shows the code: what it told before does not count.
    seen: bool,
}

impl Task {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let due = self.shared.machine().next();
            let order = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => order,
                    None => return,
                },
                () = boot_clock::sleep_until(due.unwrap_or_default()), if due.is_some() => Order::Tick,
                () = happens(&mut self.link) => Order::Kioskd,
            };
            match order {
                Order::Start { standing, shown } => {
                    let screen = self.shared.machine().start(standing);
                    let result = self.perform(screen).await;
                    match (shown, result) {
                        (Some(shown), result) => {
                            if result.is_err() {
                                self.shared.machine().stop();
                            }
                            let result = result.and_then(|code| code.ok_or(EnrolError::Ends));
                            let _ = shown.send(result);
                        }
                        (None, Err(error)) => tracing::warn!(%error, "the device waits to be enrolled"),
                        (None, Ok(_)) => {}
                    }
                }
                Order::Stop(stopped) => {
                    let (was_off, screen) = {
                        let mut machine = self.shared.machine();
                        (machine.is_off(), machine.stop())
                    };
                    self.then(screen).await;
                    if let Some(stopped) = stopped {
                        let _ = stopped.send(!was_off);
                    }
                }
                Order::Screen(screen) => self.then(screen).await,
                Order::Tick => {
                    let screen = self.shared.machine().tick(boot_clock::now());
                    // What is shown in its place by now is somebody else's.
                    if screen != Screen::Clears || self.system_screen().await.as_deref() == Some(PAIRING) {
                        self.then(screen).await;
                    }
                }
                Order::Kioskd => self.look().await,
            }
            if self.shared.machine().is_off() {
                self.link = None;
                *self.shared.server.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
    }

    async fn then(&mut self, screen: Screen) {
        if let Err(error) = self.perform(screen).await {
            tracing::warn!(%error, "the device can't be enrolled now");
        }
    }

    /// Does it; with the code, where one is shown now.
    async fn perform(&mut self, screen: Screen) -> Result<Option<OnScreen>, EnrolError> {
        match screen {
            Screen::Stays => Ok(None),
            Screen::Shows => self.show().await.map(Some),
            Screen::Clears => {
                tracing::info!("the code is off the screen");
                let cleared = screen::dismiss(&self.client).await;
                cleared.map(|_| None).map_err(|failure| EnrolError::Screen(failure.message().to_owned()))
            }
        }
    }

    async fn show(&mut self) -> Result<OnScreen, EnrolError> {
        self.seen = false;
        if self.link.is_none() {
            self.link = Some(Link::open(&self.client, Service::Compositor).await);
        }
        let code = Code::random().map_err(|error| EnrolError::Code(error.to_string()))?;
        let stretched = code.clone();
        // Some hundredths of a second on a slow device: the others do not wait for it.
        let secret = tokio::task::spawn_blocking(move || Secret::of(&stretched)).await;
        let secret = secret.map_err(|error| EnrolError::Code(error.to_string()))?;
        let server = self_made().map_err(EnrolError::Code)?;
        let text = code.to_string();
        let url = format!("https://{{address}}:{}/#{text}", self.shared.port);
        let seconds = u32::try_from(LIFE.as_secs()).unwrap_or(u32::MAX);
        let options = Options::from([("expires", seconds.into())]);
        let shown = screen::pairing(&self.client, &url, &text, options).await;
        let shown = shown.map_err(|failure| EnrolError::Screen(failure.message().to_owned()))?;
        // Before the code counts: what covers it from then on is news.
        self.seen = self.system_screen().await.as_deref() == Some(PAIRING);
        *self.shared.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        self.shared.machine().shown(secret, boot_clock::now());
        tracing::info!("the screen shows a code to enrol this device");
        let url = shown.json.get("url").and_then(|url| url.as_str()).unwrap_or_default().to_owned();
        Ok(OnScreen { code, url })
    }

    /// kioskd's own screen that is shown; `None`: kioskd says nothing.
    async fn system_screen(&self) -> Option<String> {
        let peer = self.link.as_ref()?.peer().ok()?;
        let state = CompositorState::read(peer).await.ok()?;
        Some(state.system_screen)
    }

    /// kioskd has come, gone, or has news: a code that no screen shows counts no more (kioskd ended, somebody dismissed it
    /// or shows a message), and one that is wanted is shown when it can be.
    async fn look(&mut self) {
        let Some(link) = &mut self.link else { return };
        let over = link.is_over();
        if over {
            // It may be back already, and knows of no code.
            link.refresh(&self.client).await;
        }
        let screen = self.system_screen().await;
        self.seen |= screen.as_deref() == Some(PAIRING);
        let covered = self.seen && screen.as_deref().is_some_and(|screen| screen != PAIRING);
        if !over && !covered {
            return;
        }
        let (lost, wanted) = {
            let mut machine = self.shared.machine();
            let lost = machine.is_open();
            if lost {
                machine.lost();
            }
            (lost, machine.waits())
        };
        if lost {
            tracing::info!("the code is no longer on the screen, and counts no more");
        }
        // An operator's message is not covered: its end is news, too.
        if wanted && screen.is_some_and(|screen| screen != MESSAGE) {
            self.then(Screen::Shows).await;
        }
    }
}

/// Something has changed with kioskd; never, where it is not looked at.
async fn happens(link: &mut Option<Link>) {
    match link {
        Some(link) => link.event().await,
        None => std::future::pending().await,
    }
}

/// TLS 1.3 with a certificate that nobody vouches for: who is at the other end, the proofs say.
fn self_made() -> Result<Arc<ServerConfig>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let key = KeyPair::generate().map_err(|error| text(&error))?;
    let certificate = CertificateParams::default().self_signed(&key).map_err(|error| text(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| text(&error))?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(|error| text(&error))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
