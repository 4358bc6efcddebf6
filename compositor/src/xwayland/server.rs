//! The X server in the event loop: watches the display, starts the server for the first client, connects it as a
//! Wayland client and to its window manager, and handles its end.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Child,
    time::Duration,
};

use kiosk_core::{api::X_SOCKET, sockets::SocketDir};
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
    Process, Server,
    display::{self, Display, OpenError},
    machine::Act,
    process::{self, Ends},
    unit,
    wm::{Manager, NEWS},
};
use crate::{kiosk::Kiosk, options::SessionChoice, pings::Pinged, privilege::Privilege};

/// The problem if it is not installed.
const ABSENT: &str = "X11 programs cannot run: Xwayland is not there (Debian: apt-get install xwayland)";

/// The problem with an external session where no service manager starts Xwayland.
const NO_UNIT: &str = "x11.enabled has no effect: with --session external, X11 programs need kiosk-xwayland.socket, \
                       which is not there";
/// Delay before the next attempt after a failed accept.
const PAUSE: Duration = Duration::from_millis(200);
/// Time limit for the server to exit after its window manager has ended.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

/// The shell that X windows belong to: there is one X display, for the first shell.
pub(super) const SHELL: usize = 0;

/// A server that is not connected yet.
enum Started {
    Child(Child),
    /// The connection to its unit.
    Unit(UnixStream),
}

impl Kiosk {
    /// Opens the X display, if the configuration or a command in cage's place needs it. `directory`: of the sockets.
    pub(crate) fn offer_x11(&mut self, directory: &SocketDir) {
        // Of an earlier run: kiosk-session would offer it.
        directory.remove_stale(X_SOCKET);
        let configured = self.settings.config.x11.enabled;
        if !configured && self.settings.options.command.is_empty() {
            return;
        }
        let opened = match process::find() {
            None => Err(ABSENT.to_owned()),
            Some(_) if self.is_external() && !directory.path().join(unit::SOCKET).exists() => Err(NO_UNIT.to_owned()),
            Some(_) => self.open_display(directory.path()).map_err(|error| format!("X11 programs cannot run: {error}")),
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

    /// A session that is a service of its own runs as another user, and both services have private `/tmp` directories.
    fn open_display(&self, runtime_dir: &Path) -> Result<Display, OpenError> {
        if self.is_external() {
            return Ok(Display::for_service(runtime_dir)?);
        }
        Ok(Display::open(Path::new(display::PLACE))?)
    }

    fn is_external(&self) -> bool {
        let options = &self.settings.options;
        options.session == SessionChoice::External && options.command.is_empty()
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
        let started = self.start_x_process();
        let connected = started.and_then(|(ends, process)| self.connect_x_server(ends, process));
        if let Err(error) = connected {
            self.x_problem(format!("{} could not be started: {error}", process::PROGRAM));
            self.x_server_failed();
        }
    }

    /// Starts it as a unit, where there is one, else as our child.
    fn start_x_process(&self) -> io::Result<(Ends, Started)> {
        let display = self.clients.x11.display.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let (ends, inherited) = process::sockets(display)?;
        let name = display.name();
        if let Some(unit) = display.unit() {
            let connection = unit::ask(unit, &name, &inherited)?;
            tracing::info!("Xwayland started as a unit for an X client");
            return Ok((ends, Started::Unit(connection)));
        }
        let program = process::find().ok_or(io::ErrorKind::NotFound)?;
        let child = process::start(&program, &name, inherited)?;
        tracing::info!(pid = child.id(), "Xwayland started for an X client");
        Ok((ends, Started::Child(child)))
    }

    /// Connects an X server: as a Wayland client, and to a new window manager.
    fn connect_x_server(&mut self, ends: Ends, started: Started) -> io::Result<()> {
        self.drop_x_server();
        self.clients.x11.servers += 1;
        let number = self.clients.x11.servers;
        let process = match started {
            Started::Child(child) => Process::Child(self.watch_x_child(child, number)?),
            Started::Unit(connection) => Process::Unit(self.watch_x_unit(connection, number)?),
        };
        match self.take_x_client(ends.wayland, ends.manager, number) {
            Ok((client, manager, news)) => {
                self.clients.x11.server = Some(Server { client, manager, news, process: Some(process) });
                Ok(())
            }
            Err(error) => {
                // Half a server would hold the display: its end is reaped and ignored.
                self.clients.x11.servers += 1;
                process.kill();
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
    fn watch_x_child(&mut self, mut child: Child, number: u64) -> io::Result<Pid> {
        let pid = Pid::from_child(&child);
        let ended = move |_: Readiness, _: &mut NoIoDrop<OwnedFd>, kiosk: &mut Kiosk| {
            let status = match child.try_wait() {
                Ok(None) => return Ok(PostAction::Continue),
                Ok(status) => status,
                Err(_) => None,
            };
            kiosk.x_server_ended(number, status.is_some_and(|status| status.success()));
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

    /// Watches for the end of a unit's server.
    fn watch_x_unit(&mut self, connection: UnixStream, number: u64) -> io::Result<UnixStream> {
        let source = Generic::new(connection.try_clone()?, Interest::READ, Mode::Level);
        let watched = self.main_loop.handle.insert_source(source, move |_, connection, kiosk| {
            let Some(well) = unit::ended(connection) else { return Ok(PostAction::Continue) };
            kiosk.x_server_ended(number, well);
            Ok(PostAction::Remove)
        });
        watched.map(|_| connection).map_err(|error| io::Error::other(error.to_string()))
    }

    /// The server with this number has ended. `well`: with success.
    fn x_server_ended(&mut self, number: u64, well: bool) {
        if self.clients.x11.servers != number {
            return;
        }
        if let Some(server) = &mut self.clients.x11.server {
            server.process = None;
        }
        self.drop_x_server();
        if well {
            tracing::info!("Xwayland ended with its last client");
        } else {
            tracing::warn!("Xwayland failed");
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
            process.kill();
        }
        // Closes its connection, if it is still open.
        self.main_loop.display.backend_handle().kill_client(client.id(), DisconnectReason::ConnectionClosed);
        self.take_all_back_from_x();
        self.clients.x11.awaited.clear();
        self.clients.x11.numbered.clear();
        self.stage.windows.remove_all_x();
        self.windows_answer(|window| matches!(window, Pinged::X(_)));
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
