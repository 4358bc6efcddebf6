//! A display cable of the machine that can be plugged and pulled: QEMU's virtio-gpu connects a head when a remote
//! viewer asks for a size, and disconnects it when that is nothing. Speaks as little RFB (RFC 6143) as that takes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// QEMU's greeting comes at once, unless it is still being started.
const GREETING: Duration = Duration::from_secs(20);
const VERSION: &[u8; 12] = b"RFB 003.008\n";
/// Without authentication.
const SECURITY_NONE: u8 = 1;
/// Only viewers that know of it may change the size.
const EXTENDED_DESKTOP_SIZE: i32 = -308;
const SET_ENCODINGS: u8 = 2;
const SET_DESKTOP_SIZE: u8 = 251;

/// A cable to one head. Dropped, it leaves the head as it is.
pub struct Cable {
    viewer: Mutex<UnixStream>,
}

impl Cable {
    /// Connects as a viewer of the head whose socket this is.
    pub fn connect(socket: &Path) -> Result<Self> {
        let deadline = Instant::now() + GREETING;
        let mut viewer = loop {
            match UnixStream::connect(socket) {
                Ok(viewer) => break viewer,
                Err(error) if Instant::now() > deadline => return Err(error).context("QEMU's display socket"),
                // QEMU does not say when its sockets are ready.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        viewer.set_read_timeout(Some(GREETING))?;
        viewer.read_exact(&mut [0; 12]).context("the viewer's greeting")?;
        viewer.write_all(VERSION)?;
        let mut count = [0];
        viewer.read_exact(&mut count)?;
        let mut offered = vec![0; count[0].into()];
        viewer.read_exact(&mut offered)?;
        ensure!(offered.contains(&SECURITY_NONE), "QEMU wants a password");
        viewer.write_all(&[SECURITY_NONE])?;
        viewer.read_exact(&mut [0; 4])?;
        // Shared: other viewers stay connected.
        viewer.write_all(&[1])?;
        let mut about = [0; 24];
        viewer.read_exact(&mut about).context("the display's description")?;
        let name = u32::from_be_bytes([about[20], about[21], about[22], about[23]]);
        viewer.read_exact(&mut vec![0; name as usize])?;
        let mut encodings = vec![SET_ENCODINGS, 0, 0, 1];
        encodings.extend(EXTENDED_DESKTOP_SIZE.to_be_bytes());
        viewer.write_all(&encodings)?;
        // What QEMU sends from now on is of no interest, but must not fill the socket.
        let mut drain = viewer.try_clone()?;
        drain.set_read_timeout(None)?;
        std::thread::spawn(move || std::io::copy(&mut drain, &mut std::io::sink()));
        Ok(Self { viewer: Mutex::new(viewer) })
    }

    /// Connects a display that prefers this size, pixels; 0 by 0: pulls the cable.
    pub fn plug(&self, width: u16, height: u16) -> Result<()> {
        let mut message = vec![SET_DESKTOP_SIZE, 0];
        message.extend(width.to_be_bytes());
        message.extend(height.to_be_bytes());
        // One screen, at the corner.
        message.extend([1, 0]);
        message.extend([0; 8]);
        message.extend(width.to_be_bytes());
        message.extend(height.to_be_bytes());
        message.extend([0; 4]);
        self.viewer.lock().unwrap_or_else(PoisonError::into_inner).write_all(&message).context("QEMU is gone")
    }

    pub fn pull(&self) -> Result<()> {
        self.plug(0, 0)
    }
}
