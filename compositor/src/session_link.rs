//! The private control socket, on the compositor's side: takes the session's reports, tells it whether people
//! see the shell. JSON lines; a client that sends anything else is disconnected, and nothing else happens.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
};

use kiosk_session::api::{MAX_LINE, Notice, Report, State};
use smithay::reexports::calloop::{Interest, LoopHandle, Mode, PostAction, generic::Generic};

use crate::{kiosk::Kiosk, sockets};

/// Connections at a time: one session, and its successor that comes before the old one is cleaned up.
const MOST_CONNECTIONS: usize = 8;

struct Link {
    id: u64,
    writer: UnixStream,
}

/// The sessions that are connected; the last one counts.
#[derive(Default)]
pub struct SessionLinks {
    links: Vec<Link>,
    next_id: u64,
    hello: Option<String>,
    visible: Option<bool>,
}

impl SessionLinks {
    /// Tells every session whether the shell is what people see, when that changed.
    pub fn tell_visible(&mut self, shell: bool) {
        if self.visible == Some(shell) {
            return;
        }
        self.visible = Some(shell);
        let lost: Vec<u64> = self
            .links
            .iter_mut()
            .filter_map(|link| send(&mut link.writer, &Notice::Visible { shell }).err().map(|_| link.id))
            .collect();
        self.links.retain(|link| !lost.contains(&link.id));
    }

    fn welcome(&mut self, mut writer: UnixStream) -> io::Result<u64> {
        let wayland_display = self.hello.clone().unwrap_or_default();
        send(&mut writer, &Notice::Hello { wayland_display })?;
        send(&mut writer, &Notice::Visible { shell: self.visible.unwrap_or(false) })?;
        let id = self.next_id;
        self.next_id += 1;
        self.links.push(Link { id, writer });
        Ok(id)
    }
}

fn send(writer: &mut UnixStream, notice: &Notice) -> io::Result<()> {
    let mut line = serde_json::to_vec(notice)?;
    line.push(b'\n');
    // The socket's buffer holds thousands of these; a session that reads none of them is not worth waiting for.
    writer.write_all(&line)
}

/// Listens at `path`; `wayland_display` is what sessions are told to connect to.
pub fn listen(kiosk: &mut Kiosk, path: &Path, wayland_display: String) -> io::Result<()> {
    let listener = sockets::bind(path, 0o660)?;
    kiosk.session.hello = Some(wayland_display);
    let source = Generic::new(listener, Interest::READ, Mode::Level);
    let inserted = kiosk.handle.insert_source(source, |_, listener, kiosk| {
        accept(listener, kiosk);
        Ok(PostAction::Continue)
    });
    inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
}

fn accept(listener: &UnixListener, kiosk: &mut Kiosk) {
    while let Ok((stream, _)) = listener.accept() {
        if kiosk.session.links.len() >= MOST_CONNECTIONS {
            tracing::warn!(most = MOST_CONNECTIONS, "a session was turned away: there are too many");
            continue;
        }
        if let Err(error) = connect(stream, kiosk) {
            tracing::warn!(%error, "a session could not be connected");
        }
    }
}

fn connect(stream: UnixStream, kiosk: &mut Kiosk) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let id = kiosk.session.welcome(stream.try_clone()?)?;
    let handle: LoopHandle<'static, Kiosk> = kiosk.handle.clone();
    let mut pending = Vec::new();
    let source = Generic::new(stream, Interest::READ, Mode::Level);
    let inserted = handle.insert_source(source, move |_, stream, kiosk| {
        // The reader is a reference: reading does not need the stream to be ours.
        let mut reader: &UnixStream = stream;
        let open = read_lines(&mut reader, &mut pending, |line| match serde_json::from_slice::<Report>(line) {
            Ok(report) => {
                kiosk.session_report(id, report);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket got a line that is no report; the sender is disconnected");
                false
            }
        });
        if open {
            return Ok(PostAction::Continue);
        }
        kiosk.session_gone(id);
        Ok(PostAction::Remove)
    });
    inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
}

/// Reads what is there and hands on whole lines. Returns whether the connection goes on.
fn read_lines(reader: &mut impl Read, pending: &mut Vec<u8>, mut line: impl FnMut(&[u8]) -> bool) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => pending.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let rest = pending.split_off(end + 1);
            let whole = std::mem::replace(pending, rest);
            if !line(&whole[..end]) {
                return false;
            }
        }
        if pending.len() > MAX_LINE {
            tracing::warn!(
                most = MAX_LINE,
                "the control socket got a line that is too long; the sender is disconnected"
            );
            return false;
        }
    }
}

impl Kiosk {
    /// The session says where it is on its way to the page. Only the newest session counts.
    fn session_report(&mut self, id: u64, report: Report) {
        if self.session.links.last().map(|link| link.id) != Some(id) {
            return;
        }
        tracing::debug!(?report, "session report");
        let readiness = &mut self.stage.readiness;
        let changed = readiness.state != Some(report.state) || readiness.message != report.message;
        readiness.state = Some(report.state);
        readiness.message = report.message;
        if changed {
            self.screens.request_redraw();
        }
    }

    /// The session's connection is gone: if the shell lives on, its picture stays until it goes.
    fn session_gone(&mut self, id: u64) {
        let current = self.session.links.last().map(|link| link.id) == Some(id);
        self.session.links.retain(|link| link.id != id);
        if current && self.session.links.is_empty() {
            tracing::warn!("the session is gone");
            if !self.stage.windows.any_mapped() {
                self.stage.readiness.state = None;
            } else if self.stage.readiness.state == Some(State::Ready) {
                self.stage.readiness.state = Some(State::Loading);
            }
            self.screens.request_redraw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let mut pending = Vec::new();
        let mut lines = Vec::new();
        for part in ["on", "e\ntw", "o\n\nthree"] {
            let mut reader = part.as_bytes();
            read_lines(&mut reader, &mut pending, |line| {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
                true
            });
        }
        assert_eq!(lines, ["one", "two", ""]);
        assert_eq!(pending, b"three");
    }

    proptest! {
        #[test]
        fn no_flood_grows_without_bound(bytes in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let mut pending = Vec::new();
            read_lines(&mut bytes.as_slice(), &mut pending, |_| true);
            prop_assert!(pending.len() <= MAX_LINE + 4096);
        }
    }
}
