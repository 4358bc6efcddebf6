//! Finds the Xwayland program and starts it with its inherited sockets; the caller watches the process.
//! [`super::unit`] has it started as another user instead, where the service manager has a unit for it.

use std::{
    env, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::Pid,
};

use super::display::Display;
use crate::limits::descriptors;

/// The program's name.
pub const PROGRAM: &str = "Xwayland";
/// Seconds that it waits after its last client, so that a script that starts one program after another uses one server.
const LINGER: &str = "3";

/// Our ends of a server's sockets.
pub struct Ends {
    /// Its Wayland connection.
    pub wayland: UnixStream,
    /// Its connection for the window manager.
    pub manager: UnixStream,
}

/// The sockets that a server is started with.
pub struct Inherited {
    /// The Wayland connection.
    pub wayland: OwnedFd,
    /// The window manager's connection.
    pub manager: OwnedFd,
    /// Accepts X clients.
    pub listener: OwnedFd,
}

/// The sockets for a new server of this display, ours and its own.
pub fn sockets(display: &Display) -> io::Result<(Ends, Inherited)> {
    let (wayland, its_wayland) = UnixStream::pair()?;
    let (manager, its_manager) = UnixStream::pair()?;
    let listener = display.listener.try_clone()?.into();
    let inherited = Inherited { wayland: its_wayland.into(), manager: its_manager.into(), listener };
    Ok((Ends { wayland, manager }, inherited))
}

/// Finds the program.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    env::split_paths(&path).map(|directory| directory.join(PROGRAM)).find(is_program)
}

/// Starts the server for the display of this name; it accepts waiting clients.
pub fn start(program: &Path, display: &str, inherited: Inherited) -> io::Result<Child> {
    let inherited = [inherited.wayland, inherited.manager, inherited.listener];
    // Programs are started only on the main thread, so no other child inherits them.
    for fd in &inherited {
        fcntl_setfd(fd, FdFlags::empty())?;
    }
    let [for_wayland, for_manager, for_clients] = inherited.each_ref().map(|fd| fd.as_raw_fd().to_string());
    let child = Command::new(program)
        .arg(display)
        // Whoever may open the socket may use it: its mode decides. The server itself would allow its own user alone, and
        // as a unit it has another one than its clients.
        .args(["-rootless", "-ac", "-terminate", LINGER, "-listenfd", &for_clients, "-wm", &for_manager])
        .env("WAYLAND_SOCKET", for_wayland)
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DISPLAY")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::null())
        // Does not get our Ctrl+C.
        .process_group(0)
        .spawn()?;
    descriptors::restore_limit(Pid::from_child(&child));
    Ok(child)
}
