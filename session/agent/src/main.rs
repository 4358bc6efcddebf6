//! `kiosk-agent`: kioskctl's verbs over HTTP, on a Unix socket and on loopback, and metrics for Prometheus. A client of
//! both D-Bus services, with no state and no rights of its own beside its user's; it asks them when it is asked, and does
//! nothing otherwise. This file reads the command line and the sockets of systemd.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod answer;
mod boot_clock;
mod bucket;
mod configure;
mod console;
mod device;
mod enrol;
mod events;
mod guard;
mod inspect;
mod jitter;
mod metrics;
mod mqtt;
mod openapi;
mod places;
mod request;
mod role;
mod routes;
mod serve;
mod tls;
mod token;
mod verbs;
mod waiting;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use kiosk_core::config::{Agent, Config, Sources};
use kiosk_core::logging;
use kiosk_core::sockets::{self, Access, SocketFile};

use guard::Gate;
use serve::{Listener, Server};
use tls::Door;
use token::Token;

/// Most sockets that are taken from systemd.
const MAX_SOCKETS: usize = 8;
/// The exit status for wrong arguments and nothing to serve; a restart would not help.
const USAGE: u8 = 2;

/// Serves the kiosk's local HTTP interface and metrics, on the sockets that systemd hands in
/// (kiosk-agent.socket, kiosk-agent-loopback.socket).
#[derive(Debug, Parser)]
#[command(name = "kiosk-agent", version)]
struct Arguments {
    /// Serve on a Unix socket here, too: whoever may open it may do everything. For systems without systemd
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Serve on this loopback address, too; callers need the token in $CREDENTIALS_DIRECTORY/token
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    http: Option<SocketAddr>,
    /// Change the configuration for an agent, as root, on the socket that systemd hands in (kiosk-configure.socket)
    #[arg(long, conflicts_with_all = ["socket", "http", "mqtt"])]
    configure: bool,
    /// Put a signed file of settings in place, as root, and end (kiosk-bundle.service)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "http", "mqtt", "configure"])]
    bundle: Option<PathBuf>,
    /// Talk to the MQTT broker of agent.mqtt in the configuration (kiosk-agent-mqtt.service)
    #[arg(long)]
    mqtt: bool,
    /// Serve callers from the network that have a certificate; without an address at agent.listen-tls of the configuration
    /// (kiosk-agent-tls.service)
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1)]
    tls: Option<Option<SocketAddr>>,
    /// The folder of certificates, instead of agent.certificates of the configuration
    #[arg(long, value_name = "DIRECTORY")]
    certificates: Option<PathBuf>,
    /// With --tls: take orders to be enrolled on this socket (`kioskctl agent enrol --socket PATH`); without it in
    /// $RUNTIME_DIRECTORY, which kiosk-agent-tls.service has
    #[arg(long, value_name = "PATH", requires = "tls")]
    enrol_socket: Option<PathBuf>,
}

/// Why the agent does not start, one sentence each.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(
        "there is nothing to serve: enable kiosk-agent.socket or kiosk-agent-loopback.socket, or use --socket or --tls"
    )]
    Nothing,
    #[error("--tls has no address to listen at: set agent.listen-tls in the configuration, such as to 0.0.0.0:8443")]
    NoAddress,
    #[error("{0} can't be served: it is neither a Unix socket nor on loopback")]
    Foreign(String),
    #[error("a socket of systemd's can't be used: {0}")]
    Inherited(std::io::Error),
    #[error("{0}")]
    Bind(#[from] sockets::BindError),
    #[error("{0} can't be listened at: {1}")]
    Listen(SocketAddr, std::io::Error),
    #[error(transparent)]
    Token(#[from] token::TokenError),
    #[error(transparent)]
    Mqtt(#[from] mqtt::SettingsError),
    #[error(transparent)]
    Bundle(#[from] configure::bundle::BundleError),
    #[error("the runtime can't start: {0}")]
    Runtime(std::io::Error),
}

/// The address to listen at is none, or other machines could reach it.
#[derive(Debug, thiserror::Error)]
#[error("allowed is a loopback address with a port, such as 127.0.0.1:8377 or [::1]:8377")]
struct NotLoopback;

fn loopback(text: &str) -> Result<SocketAddr, NotLoopback> {
    let address: Option<SocketAddr> = text.parse().ok();
    address.filter(|address| address.ip().is_loopback()).ok_or(NotLoopback)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start("info");
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "kiosk-agent ends");
            ExitCode::from(USAGE)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Runtime)?;
    runtime.block_on(async {
        if let Some(file) = &arguments.bundle {
            let taken = configure::bundle::take(file).await?;
            tracing::info!(?taken, file = %file.display(), "the bundle of settings is in place");
            return Ok(());
        }
        let mut listeners = inherited()?;
        if arguments.configure {
            let Some(Listener::Unix(listener)) = listeners.pop() else { return Err(StartError::Nothing) };
            configure::helper::serve(listener).await;
            return Ok(());
        }
        let mut file: Option<SocketFile> = None;
        if let Some(path) = &arguments.socket {
            let group = kiosk_core::authority::admin_group();
            let access = group.map_or(Access::OWNER, Access::of_group);
            let listener = sockets::bind(path, access, "kiosk-agent")?;
            file = SocketFile::of(path).ok();
            tracing::info!(at = %path.display(), "HTTP interface is up");
            listeners.push(Listener::unix(listener).map_err(StartError::Inherited)?);
        }
        if let Some(address) = arguments.http {
            let wrong = |error| StartError::Listen(address, error);
            let listener = std::net::TcpListener::bind(address).map_err(wrong)?;
            tracing::info!(at = %address, "HTTP interface is up");
            listeners.push(Listener::tcp(listener).map_err(wrong)?);
        }
        let mut orders: Option<SocketFile> = None;
        let mut enrolment = None;
        // Before the port: who reaches the device may have it enrolled.
        if let Some(path) = enrol_socket(arguments).filter(|_| arguments.tls.is_some()) {
            enrolment = Some(sockets::bind(&path, Access::OWNER, "kiosk-agent")?);
            orders = SocketFile::of(&path).ok();
        }
        let Agent { mqtt, listen_tls, certificates, enrol, renew_at } = settings();
        let folder: Arc<Path> = arguments.certificates.clone().unwrap_or(certificates).into();
        let tls = match arguments.tls {
            Some(address) => {
                let address = address.or(listen_tls).ok_or(StartError::NoAddress)?;
                Some((network(address)?, enrol, renew_at))
            }
            None => None,
        };
        if arguments.mqtt {
            tokio::spawn(mqtt::run(mqtt::Settings::of(mqtt, folder.clone())?));
        } else if listeners.is_empty() && tls.is_none() {
            return Err(StartError::Nothing);
        }
        // A port at which no request could be accepted is not served; the Unix socket needs no token.
        let token = if listeners.iter().any(Listener::wants_token) { Some(Arc::new(Token::read()?)) } else { None };
        for listener in listeners {
            let gate = token.clone().filter(|_| listener.wants_token()).map_or(Gate::File, Gate::Token);
            tokio::spawn(Server::new(gate, folder.clone()).run(listener));
        }
        if let Some((listener, standing, renew_at)) = tls {
            let door = Door::of(&folder);
            let port = listener.local_addr().map_or(0, |address| address.port());
            let desk = door.desk(port, standing, renew_at);
            if let Some(socket) = enrolment {
                tokio::spawn(enrol::local::serve(socket, desk.clone()));
            }
            tokio::spawn(desk.clone().ask_daily());
            let server = Server::new(Gate::Certificate, folder).with_desk(desk.clone());
            tokio::spawn(door.run(listener, server, desk));
        }
        stopped().await;
        drop((file, orders));
        Ok(())
    })
}

/// Where orders to be enrolled are taken; `None`: nowhere.
fn enrol_socket(arguments: &Arguments) -> Option<PathBuf> {
    let directory = || std::env::var_os("RUNTIME_DIRECTORY").filter(|directory| !directory.is_empty());
    arguments.enrol_socket.clone().or_else(|| Some(PathBuf::from(directory()?).join("enrol.sock")))
}

/// `[agent]`. A file with an error is skipped here as everywhere; kioskd shows it.
fn settings() -> Agent {
    let loaded = Config::load(&Sources::system());
    for error in &loaded.errors {
        tracing::warn!(%error, "configuration skipped");
    }
    loaded.config.agent
}

/// Listens for other machines.
fn network(address: SocketAddr) -> Result<tokio::net::TcpListener, StartError> {
    let wrong = |error| StartError::Listen(address, error);
    let listener = std::net::TcpListener::bind(address).map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    tracing::info!(at = %address, "TLS interface is up");
    tokio::net::TcpListener::from_std(listener).map_err(wrong)
}

/// The sockets that systemd listens on for us.
fn inherited() -> Result<Vec<Listener>, StartError> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed.len().min(MAX_SOCKETS) {
        // The one after the other: which kind it is, the kernel says.
        if let Ok(Some(listener)) = handed.take_unix_listener(index) {
            listeners.push(Listener::unix(listener).map_err(StartError::Inherited)?);
        } else if let Some(listener) = handed.take_tcp_listener(index).map_err(StartError::Inherited)? {
            let address = listener.local_addr().map_err(StartError::Inherited)?;
            if !address.ip().is_loopback() {
                return Err(StartError::Foreign(address.to_string()));
            }
            listeners.push(Listener::tcp(listener).map_err(StartError::Inherited)?);
        }
    }
    Ok(listeners)
}

/// Waits for the order to end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Then the signals' own effect remains.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
