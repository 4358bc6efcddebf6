//! kiosk-agent on the network: TLS 1.3 and a client certificate, or nothing. A connection becomes one of [`super::serve`]'s
//! when its handshake is done, with the role that its certificate gives; it ends when the certificate does, or is revoked.
//! What the folder of certificates holds is read anew whenever a file in it changes.

mod clock;
mod identity;
mod material;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::config::RenewAt;
use kiosk_core::socket_watch::FolderWatch;
use kiosk_core::tcp;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::LazyConfigAcceptor;

use super::enrol::{self, Desk, conversation};
use super::serve::{ACCEPT_PAUSE, Server, Standing, refuse};
use super::waiting::Waiting;
pub use clock::Clock;
use identity::Identity;
pub use material::{AUTHORITIES, CERTIFICATE, KEY, Material, MaterialError, REVOKED, begins, own_end};

/// For a whole handshake; one over a bad mobile network takes a second.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is in force; `None`: nothing that can be used, and nobody gets in.
pub type InForce = watch::Receiver<Option<Arc<Material>>>;

/// The network's door.
pub struct Door {
    folder: PathBuf,
    in_force: InForce,
    waiting: Waiting,
}

impl Door {
    /// Reads the folder, and from then on whenever it changes.
    pub fn of(folder: &Path) -> Self {
        // Where it can't be made, reading it says why.
        let _ = std::fs::create_dir_all(folder);
        if let Err(error) = enrol::recover(folder) {
            tracing::error!(%error, folder = %folder.display(), "certificates that came before a power cut are not in their place");
        }
        // Watched first, so that nothing is missed in between.
        let changes = FolderWatch::new(folder);
        let first = Material::read(folder);
        match &first {
            Ok(_) => tracing::info!(folder = %folder.display(), "certificates are in force"),
            Err(error @ MaterialError::None(_)) => tracing::warn!(%error, "nobody gets in over the network"),
            Err(error) => tracing::error!(%error, "nobody gets in over the network"),
        }
        let (sender, in_force) = watch::channel(first.ok().map(Arc::new));
        match changes {
            Ok(changes) => drop(tokio::spawn(follow(folder.to_owned(), changes, sender))),
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "new certificates and revocations count from the next start on");
                // Connections wait for what can't come.
                tokio::spawn(async move { sender.closed().await });
            }
        }
        Door { folder: folder.to_owned(), in_force, waiting: Waiting::default() }
    }

    /// Where the device is enrolled; see [`Desk::open`].
    pub fn desk(&self, port: u16, standing: bool, renew_at: Option<RenewAt>) -> Desk {
        Desk::open(&self.folder, self.in_force.clone(), port, standing, renew_at)
    }

    /// Accepts for ever.
    pub async fn run(self, listener: TcpListener, server: Server, desk: Desk) {
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "TLS connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // An order is short, and its answer is waited for.
            let _ = stream.set_nodelay(true);
            // Who watches may be gone for days before there is something to be told, and would keep a place.
            if let Err(error) = tcp::notice_loss(&stream) {
                tracing::debug!(%error, "a connection that is lost would not be noticed");
            }
            let (seat, pushed_out) = self.waiting.enter(from.ip());
            let (in_force, server) = (self.in_force.clone(), server.clone());
            let desk = desk.clone();
            tokio::spawn(async move {
                let entered = tokio::select! {
                    _ = pushed_out => None,
                    entered = enter(stream, &in_force, &desk) => entered,
                };
                drop(seat);
                let (stream, chain) = match entered {
                    None => return,
                    Some(Entered::Operator(stream, hello)) => {
                        return desk.converse(*stream, hello, &from.ip().to_string()).await;
                    }
                    Some(Entered::Caller(stream, chain)) => (*stream, chain),
                };
                let Some(identity) = chain.first().and_then(Identity::of) else { return };
                let Some(_place) = server.place(&identity.caller) else {
                    refuse(stream).await;
                    return;
                };
                tracing::debug!(caller = ?identity.caller, %from, "TLS connection");
                tokio::select! {
                    () = server.connection(stream, identity.caller.clone(), Standing::default()) => {}
                    () = ended(in_force, &chain, &identity) => {
                        tracing::info!(caller = ?identity.caller.name, %from, "connection ended: its certificate counts no more");
                    }
                }
            });
        }
    }
}

type Chain = Vec<CertificateDer<'static>>;

type Stream = tokio_rustls::server::TlsStream<TcpStream>;

/// Who has come as far as to be spoken to.
enum Entered {
    /// With a certificate.
    Caller(Box<Stream>, Chain),
    /// With what proves, or does not, that they see the screen.
    Operator(Box<Stream>, kiosk_enrolment::Hello),
}

/// The stream and who is at its other end; `None`: there is nothing to be said to them.
async fn enter(stream: TcpStream, in_force: &InForce, desk: &Desk) -> Option<Entered> {
    // Where nobody could get in, nobody is listened to.
    if in_force.borrow().is_none() && desk.server().is_none() {
        return None;
    }
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(stream, in_force, desk)).await.ok()??;
    let connection = stream.get_ref().1;
    if connection.alpn_protocol() == Some(kiosk_enrolment::PROTOCOL) {
        let mut stream = Box::new(stream);
        let hello = conversation::hear(&mut stream).await?;
        return Some(Entered::Operator(stream, hello));
    }
    let chain = connection.peer_certificates()?.iter().cloned().map(CertificateDer::into_owned).collect();
    Some(Entered::Caller(Box::new(stream), chain))
}

async fn handshake(stream: TcpStream, in_force: &InForce, desk: &Desk) -> Option<Stream> {
    // Anybody can bring this about, as often as they like.
    let failed = |error: &std::io::Error| tracing::debug!(%error, "TLS handshake failed");
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await.inspect_err(failed).ok()?;
    let asked = start.client_hello().alpn().is_some_and(|mut all| all.any(|name| name == kiosk_enrolment::PROTOCOL));
    let config = if asked { desk.server() } else { in_force.borrow().as_ref().map(|material| material.config.clone()) };
    start.into_stream(config?).await.inspect_err(failed).ok()
}

/// Returns when the certificate is over or revoked.
async fn ended(mut in_force: InForce, chain: &Chain, identity: &Identity) {
    loop {
        let material = in_force.borrow_and_update().clone();
        if !material.is_some_and(|material| material.admits(chain)) {
            return;
        }
        tokio::select! {
            changed = in_force.changed() => if changed.is_err() { return },
            // One second later it is no more valid.
            () = clock::reaches(identity.not_after.as_secs().saturating_add(1)) => {}
        }
    }
}

/// Reads the folder whenever it changes. What can't be used changes nothing: what it replaces is still in force.
async fn follow(folder: PathBuf, mut changes: FolderWatch, sender: watch::Sender<Option<Arc<Material>>>) {
    loop {
        changes.changed().await;
        match Material::read(&folder) {
            Ok(material) => {
                tracing::info!(folder = %folder.display(), "certificates are in force");
                sender.send_replace(Some(Arc::new(material)));
            }
            Err(error) => tracing::warn!(%error, "certificates not taken; those from before are in force"),
        }
    }
}
