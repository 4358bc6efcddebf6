//! Finds the Xwayland program and starts it with its inherited sockets; the caller watches the process.

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

/// The server process and our ends of its sockets.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Its Wayland connection.
    pub wayland: UnixStream,
    /// Its connection for the window manager.
    pub manager: UnixStream,
}

/// Finds the program.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    env::split_paths(&path).map(|directory| directory.join(PROGRAM)).find(is_program)
}

/// Starts the server for this display; it accepts waiting clients.
pub fn start(program: &Path, display: &Display) -> io::Result<Server> {
    let (wayland, its_wayland) = UnixStream::pair()?;
    let (manager, its_manager) = UnixStream::pair()?;
    let its_listener = display.listener.try_clone()?;
    let inherited: [OwnedFd; 3] = [its_wayland.into(), its_manager.into(), its_listener.into()];
    // Programs are started only on the main thread, so no other child inherits them.
    for fd in &inherited {
        fcntl_setfd(fd, FdFlags::empty())?;
    }
    let [for_wayland, for_manager, for_clients] = inherited.each_ref().map(|fd| fd.as_raw_fd().to_string());
    let child = Command::new(program)
        .arg(display.name())
        .args(["-rootless", "-terminate", LINGER, "-listenfd", &for_clients, "-wm", &for_manager])
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
    Ok(Server { child, wayland, manager })
}
