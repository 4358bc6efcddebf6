//! The Xwayland process: found, started with the sockets that it inherits, and looked after by who started it.

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
/// After its last client it waits so long for another, seconds: a script that starts one program after the other has one
/// server.
const LINGER: &str = "3";

/// The server, and our ends of what it was given.
pub struct Server {
    /// The process.
    pub child: Child,
    /// It is a Wayland client on the other end.
    pub wayland: UnixStream,
    /// It takes the window manager on the other end.
    pub manager: UnixStream,
}

/// Where the program is.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    env::split_paths(&path).map(|directory| directory.join(PROGRAM)).find(is_program)
}

/// Starts the server for this display: it takes who waits there already.
pub fn start(program: &Path, display: &Display) -> io::Result<Server> {
    let (wayland, its_wayland) = UnixStream::pair()?;
    let (manager, its_manager) = UnixStream::pair()?;
    let its_listener = display.listener.try_clone()?;
    let inherited: [OwnedFd; 3] = [its_wayland.into(), its_manager.into(), its_listener.into()];
    // Programs are started on the main thread alone, so that no other one inherits them.
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
        // Our Ctrl+C is not its.
        .process_group(0)
        .spawn()?;
    descriptors::restore_limit(Pid::from_child(&child));
    Ok(Server { child, wayland, manager })
}
