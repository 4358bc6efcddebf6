//! The X server in the event loop: watches the display, starts the server for the first client, connects it as a
//! Wayland client and to its window manager, and handles its end.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};
use smithay::reexports::{
    calloop::{
        Interest, Mode, PostAction, Readiness, RegistrationToken,
        channel::{self, Event as ChannelEvent},
        generic::{Generic, NoIoDrop},
    },
    wayland_server::{Client, backend::DisconnectReason},
};

use super::{
    Server,
    display::{self, Display},
    machine::Act,
    process,
    wm::{Manager, NEWS},
};
use crate::{kiosk::Kiosk, options::SessionChoice, privilege::Privilege};

/// The problem if it is not installed.
const ABSENT: &str = "X11 programs cannot run: Xwayland is not there (Debian: apt-get install xwayland)";

/// The problem with an external session, which runs as another user without access to the display; under systemd both
/// also have private `/tmp` directories.
const EXTERNAL: &str = "x11.enabled has no effect with --session external: X11 programs run where kioskd starts the \
                        session itself, or with `kioskd -- COMMAND`";
/// Delay before the next attempt after a failed accept.
const PAUSE: Duration = Duration::from_millis(200);
/// Time limit for the server to exit after its window manager has ended.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

/// The shell that X windows belong to: there is one X display, for the first shell.
pub(super) const SHELL: usize = 0;

impl Kiosk {
    /// Opens the X display, if the configuration or a command in cage's place needs it.
    pub(crate) fn offer_x11(&mut self) {
        let configured = self.settings.config.x11.enabled;
        if !configured && self.settings.options.command.is_empty() {
            return;
        }
        if self.settings.options.session == SessionChoice::External && self.settings.options.command.is_empty() {
            self.problem(EXTERNAL.to_owned());
            return;
        }
        let opened = match process::find() {
            None => Err(ABSENT.to_owned()),
            Some(_) => Display::open(Path::new(display::PLACE))
                .map_err(|error| format!("X11 programs cannot run: there is no place for them: {error}")),
        };
        match opened {
            Ok(display) => {
                let name = display.name();
                tracing::info!(name, "ready for X11 programs");
                self.clients.x11.display = Some(display);
                if let Err(error) = self.watch_display() {
                    self.problem(format!("X11 programs cannot run: their display is not watched: {error}"));
                    self.clients.x11.display = None;
                }
            }
            Err(sentence) if configured => self.problem(sentence),
            // Most commands need no X server.
            Err(sentence) => tracing::info!("{sentence}"),
        }
    }

    fn watch_display(&mut self) -> io::Result<()> {
        let Some(display) = &self.clients.x11.display else { return Ok(()) };
        let source = Generic::new(display.listener.try_clone()?, Interest::READ, Mode::Level);
        let inserted = self.main_loop.handle.insert_source(source, |_, listener, kiosk| {
            match kiosk.clients.x11.machine.called(kiosk.now(), process::find().is_some()) {
                Act::Start => {
                    kiosk.start_x_server();
                    return Ok(PostAction::Disable);
                }
                Act::TurnAway => match listener.accept() {
                    // The waiting client's connection was closed.
                    Ok(_) => kiosk.x_problem(ABSENT.to_owned()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => {
                        // Without a free descriptor the waiting client would wake the loop all the time.
                        kiosk.after(PAUSE, |kiosk| kiosk.act_on_display(Act::Listen));
                        return Ok(PostAction::Disable);
                    }
                },
                _ => return Ok(PostAction::Disable),
            }
            Ok(PostAction::Continue)
        });
        self.clients.x11.listener = Some(inserted.map_err(|error| io::Error::other(error.to_string()))?);
        Ok(())
    }

    /// Reports a problem once.
    fn x_problem(&mut self, sentence: String) {
        if !self.status.problems.contains(&sentence) {
            self.problem(sentence);
        }
    }

    fn start_x_server(&mut self) {
        let started = match (process::find(), &self.clients.x11.display) {
            (Some(program), Some(display)) => process::start(&program, display),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let process::Server { child, wayland, manager } = match started {
            Ok(server) => server,
            Err(error) => {
                self.x_problem(format!("{} could not be started: {error}", process::PROGRAM));
                self.x_server_failed();
                return;
            }
        };
        tracing::info!(pid = child.id(), "Xwayland started for an X client");
        let connected = self.connect_x_server(wayland, manager, child);
        if let Err(error) = connected {
            self.x_problem(format!("Xwayland is not connected: {error}"));
            self.x_server_failed();
        }
    }

    /// Connects an X server: as a Wayland client, and to a new window manager.
    fn connect_x_server(&mut self, wayland: UnixStream, manager: UnixStream, child: Child) -> io::Result<()> {
        self.drop_x_server();
        self.clients.x11.servers += 1;
        let number = self.clients.x11.servers;
        let process = self.watch_x_server(child, number)?;
        match self.take_x_client(wayland, manager, number) {
            Ok((client, manager, news)) => {
                self.clients.x11.server = Some(Server { client, manager, news, process: Some(process) });
                Ok(())
            }
            Err(error) => {
                // Half a server would hold the display: its end is reaped and ignored.
                self.clients.x11.servers += 1;
                let _ = kill_process(process, Signal::KILL);
                Err(error)
            }
        }
    }

    fn take_x_client(
        &mut self,
        wayland: UnixStream,
        manager: UnixStream,
        number: u64,
    ) -> io::Result<(Client, Manager, RegistrationToken)> {
        let Some(client) = self.take_into(wayland, Privilege::Xwayland, SHELL, None) else {
            return Err(io::Error::other("it may not be a client: the log says why"));
        };
        match self.manage_x_windows(manager, number) {
            Ok((manager, news)) => Ok((client, manager, news)),
            Err(error) => {
                self.main_loop.display.backend_handle().kill_client(client.id(), DisconnectReason::ConnectionClosed);
                Err(error)
            }
        }
    }

    fn manage_x_windows(&mut self, manager: UnixStream, number: u64) -> io::Result<(Manager, RegistrationToken)> {
        let (sender, receiver) = channel::sync_channel(NEWS);
        let manager = Manager::start(manager, self.wanted_of_x(), sender)?;
        let news = self.main_loop.handle.insert_source(receiver, move |event, _, kiosk| {
            // Events of a replaced server are dropped.
            if let ChannelEvent::Msg(news) = event
                && kiosk.clients.x11.servers == number
            {
                kiosk.x_news(news);
            }
        });
        let news = news.map_err(|error| io::Error::other(error.to_string()))?;
        Ok((manager, news))
    }

    /// Watches for the process's exit and reaps it. If it cannot be watched, it is killed.
    fn watch_x_server(&mut self, mut child: Child, number: u64) -> io::Result<Pid> {
        let pid = Pid::from_child(&child);
        let ended = move |_: Readiness, _: &mut NoIoDrop<OwnedFd>, kiosk: &mut Kiosk| {
            let status = match child.try_wait() {
                Ok(None) => return Ok(PostAction::Continue),
                Ok(status) => status,
                Err(_) => None,
            };
            if kiosk.clients.x11.servers == number {
                kiosk.x_server_ended(status);
            }
            Ok(PostAction::Remove)
        };
        let watched = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from).and_then(|pidfd| {
            let source = Generic::new(pidfd, Interest::READ, Mode::Level);
            self.main_loop.handle.insert_source(source, ended).map_err(|error| io::Error::other(error.to_string()))
        });
        if watched.is_err() {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
        watched.map(|_| pid)
    }

    fn x_server_ended(&mut self, status: Option<ExitStatus>) {
        if let Some(server) = &mut self.clients.x11.server {
            server.process = None;
        }
        self.drop_x_server();
        let well = status.as_ref().is_some_and(ExitStatus::success);
        match status {
            Some(status) if !well => tracing::warn!(%status, "Xwayland failed"),
            _ => tracing::info!("Xwayland ended with its last client"),
        }
        let act = self.clients.x11.machine.ended(self.now(), well);
        self.act_on_display(act);
    }

    fn x_server_failed(&mut self) {
        let act = self.clients.x11.machine.ended(self.now(), false);
        self.act_on_display(act);
    }

    fn act_on_display(&mut self, act: Act) {
        match act {
            Act::Listen => {
                if let Some(listener) = &self.clients.x11.listener
                    && let Err(error) = self.main_loop.handle.enable(listener)
                {
                    tracing::error!(%error, "X display not watched any more");
                }
            }
            Act::RestFor(rest) => self.after(rest, |kiosk| {
                let act = kiosk.clients.x11.machine.rested();
                kiosk.act_on_display(act);
            }),
            Act::Start | Act::TurnAway | Act::Nothing => {}
        }
    }

    /// Starts no X server any more; called at shutdown.
    pub(crate) fn close_x11(&mut self) {
        if let Some(listener) = self.clients.x11.listener.take() {
            self.main_loop.handle.remove(listener);
        }
    }

    /// Ends the X server after its programs' grace time, and removes its display.
    pub(crate) fn end_x11(&mut self) {
        self.drop_x_server();
        self.clients.x11.display = None;
    }

    /// Ends the current X server and removes its windows from the stage.
    fn drop_x_server(&mut self) {
        let Some(Server { client, manager, news, process }) = self.clients.x11.server.take() else { return };
        self.main_loop.handle.remove(news);
        drop(manager);
        if let Some(process) = process {
            // It exits when its Wayland connection closes, unless it hangs.
            let _ = kill_process(process, Signal::KILL);
        }
        // Closes its connection, if it is still open.
        self.main_loop.display.backend_handle().kill_client(client.id(), DisconnectReason::ConnectionClosed);
        self.take_all_back_from_x();
        self.clients.x11.awaited.clear();
        self.clients.x11.numbered.clear();
        self.stage.windows.remove_all_x();
    }

    /// The window manager has lost its connection. A server process of ours is about to exit.
    pub(super) fn x_manager_ended(&mut self, reason: &str) {
        tracing::debug!(reason, "the X window manager ended");
        let Some(server) = &self.clients.x11.server else { return };
        if server.process.is_none() {
            self.drop_x_server();
            return;
        }
        let number = self.clients.x11.servers;
        self.after(LAST_MOMENTS, move |kiosk| {
            if kiosk.clients.x11.servers == number && kiosk.clients.x11.server.is_some() {
                kiosk.drop_x_server();
            }
        });
    }
}
