//! The X server and the window in which QEMU shows a guest with virgl: QMP has no picture of that screen.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt, ImageFormat, MapState, Window as XWindow};
use x11rb::rust_connection::RustConnection;

use super::Picture;

/// A private X server with one window in it.
pub(super) struct Window {
    server: Child,
    pub display: String,
    size: (u16, u16),
    connection: Mutex<RustConnection>,
}

impl Window {
    /// Starts an X server whose screen has this size.
    pub fn open(width: u16, height: u16) -> Result<Self> {
        let mut server = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "Xvfb",
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb (package xvfb)")?;
        let mut number = String::new();
        BufReader::new(server.stdout.take().context("Xvfb's output")?).read_line(&mut number)?;
        ensure!(!number.trim().is_empty(), "Xvfb did not start");
        let display = format!(":{}", number.trim());
        let (connection, _) = x11rb::connect(Some(&display))?;
        Ok(Self { server, display, size: (width, height), connection: Mutex::new(connection) })
    }

    /// Waits for QEMU's window and makes it fill the screen; the guest's mode follows.
    pub fn fill(&self, timeout: Duration) -> Result<()> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let root = connection.setup().roots[0].root;
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            for window in connection.query_tree(root)?.reply()?.children {
                if connection.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE {
                    return self.resize(&connection, window);
                }
            }
            // Without a window manager no program reports new windows in a way that is simpler than asking.
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("QEMU opened no window in {timeout:?}")
    }

    fn resize(&self, connection: &RustConnection, window: XWindow) -> Result<()> {
        let (width, height) = self.size;
        let place =
            ConfigureWindowAux::new().x(0).y(0).width(u32::from(width)).height(u32::from(height)).border_width(0);
        connection.configure_window(window, &place)?.check()?;
        Ok(())
    }

    /// What the window shows.
    pub fn look(&self) -> Result<Picture> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let root = connection.setup().roots[0].root;
        let (width, height) = self.size;
        let image = connection.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, width, height, u32::MAX)?.reply()?;
        // 24 bit depth: B, G, R and a byte without meaning.
        let rgb = image.data.chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]).collect();
        Ok(Picture { width: width.into(), height: height.into(), rgb })
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
