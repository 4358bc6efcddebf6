//! The private control socket, on the compositor's side: takes the session's reports, tells it whether people
//! see the shell. JSON lines; a client that sends anything else is disconnected, and nothing else happens.

use std::{
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
};

use kiosk_core::{
    api::{MAX_LINE, Notice, Report},
    sockets::{Access, bind},
};
use smithay::reexports::calloop::{Interest, LoopHandle, Mode, PostAction, generic::Generic};

use crate::{kiosk::Kiosk, sockets::PROGRAM, stage::shell::Readiness};

/// Connections at a time for each shell: one session, and its successor that comes before the old one is cleaned up.
const MOST_CONNECTIONS: usize = 8;

struct Link {
    id: u64,
    /// The shell that it reports of; `None` before its first report.
    shell: Option<usize>,
    writer: UnixStream,
}

/// The sessions that are connected; the last one counts.
#[derive(Default)]
pub struct SessionLinks {
    links: Vec<Link>,
    next_id: u64,
    /// The Wayland socket of each shell.
    displays: Vec<String>,
    /// Whether each shell is what people see, as it was told.
    visible: Vec<bool>,
}

impl SessionLinks {
    /// Tells every session whether each shell is what people see on its screen, where that changed.
    pub fn tell_visible(&mut self, visible: &[bool]) {
        if self.visible == visible {
            return;
        }
        let news: Vec<Notice> = (visible.iter().enumerate())
            .filter(|(number, shell)| self.visible.get(*number) != Some(shell))
            .map(|(number, shell)| Notice::Visible { shell: *shell, number: number as u32 })
            .collect();
        self.visible = visible.to_vec();
        self.links.retain_mut(|link| news.iter().all(|notice| send(&mut link.writer, notice).is_ok()));
    }

    fn welcome(&mut self, mut writer: UnixStream) -> io::Result<u64> {
        let wayland_displays = self.displays.clone();
        let wayland_display = wayland_displays.first().cloned().unwrap_or_default();
        send(&mut writer, &Notice::Hello { wayland_display, wayland_displays })?;
        let visible = if self.visible.is_empty() { &[false][..] } else { &self.visible };
        for (number, shell) in visible.iter().enumerate() {
            send(&mut writer, &Notice::Visible { shell: *shell, number: number as u32 })?;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.links.push(Link { id, shell: None, writer });
        Ok(id)
    }
}

fn send(writer: &mut UnixStream, notice: &Notice) -> io::Result<()> {
    let mut line = serde_json::to_vec(notice)?;
    line.push(b'\n');
    // The socket's buffer holds thousands of these; a session that reads none of them is not worth waiting for.
    writer.write_all(&line)
}

/// Listens at `path`; `displays` are what the shells are to connect to, by number.
pub fn listen(kiosk: &mut Kiosk, path: &Path, displays: Vec<String>) -> io::Result<()> {
    let listener = bind(path, Access::GROUP, PROGRAM)?;
    kiosk.session.displays = displays;
    let source = Generic::new(listener, Interest::READ, Mode::Level);
    let inserted = kiosk.handle.insert_source(source, |_, listener, kiosk| {
        accept(listener, kiosk);
        Ok(PostAction::Continue)
    });
    inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
}

fn accept(listener: &UnixListener, kiosk: &mut Kiosk) {
    while let Ok((stream, _)) = listener.accept() {
        let most = MOST_CONNECTIONS * kiosk.stage.shells.len();
        if kiosk.session.links.len() >= most {
            tracing::warn!(most, "a session was turned away: there are too many");
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
    /// The session says where a shell is on its way to the page. Of each shell only the newest session counts.
    fn session_report(&mut self, id: u64, report: Report) {
        let number = report.shell as usize;
        let Some(shell) = self.stage.shells.get_mut(number) else {
            tracing::warn!(shell = report.shell, "a report of a shell that is not configured");
            return;
        };
        let links = &mut self.session.links;
        if let Some(link) = links.iter_mut().find(|link| link.id == id) {
            link.shell = Some(number);
        }
        // One that has not said whose it is yet may be another shell's: it takes nothing from this one.
        if links.iter().rfind(|link| link.shell == Some(number)).map(|link| link.id) != Some(id) {
            return;
        }
        tracing::debug!(?report, "session report");
        let readiness = &mut shell.readiness;
        let new = Readiness {
            state: Some(report.state),
            message: report.message,
            overdue: report.overdue,
            wait_for_session: readiness.wait_for_session,
        };
        let changed = *readiness != new;
        *readiness = new;
        if changed {
            self.screens.request_redraw();
        }
    }

    /// A session's connection is gone.
    fn session_gone(&mut self, id: u64) {
        let links = &mut self.session.links;
        let number = links.iter().find(|link| link.id == id).and_then(|link| link.shell);
        links.retain(|link| link.id != id);
        let Some(number) = number.filter(|number| !links.iter().any(|link| link.shell == Some(*number))) else {
            return;
        };
        tracing::warn!(shell = number, "the session is gone");
        let mapped = self.stage.windows.any_mapped(number);
        if let Some(shell) = self.stage.shells.get_mut(number) {
            shell.session_gone(mapped);
        }
        self.screens.request_redraw();
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
