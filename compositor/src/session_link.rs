//! The compositor's end of the control socket: receives the session's reports and page calls, sends notices. JSON
//! lines; a client that sends anything else is disconnected, without other effects.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use kiosk_core::{
    api::{MAX_INSPECTOR, MAX_LINE, Notice, Report, State},
    page_calls::PageCall,
    quota::{Permit, Quota},
    sockets::{Access, bind},
    text::{printable, shortened},
};
use rustix::net::sockopt::socket_peercred;
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use crate::{clients, idle, kiosk::Kiosk, sockets::PROGRAM, stage::shell::Readiness};

/// Most connections for each shell, in total and of one user: a session, and its successor before the old connection is
/// closed.
const MAX_CONNECTIONS: usize = 8;
const MAX_CONNECTIONS_EACH: usize = 4;
/// Bytes read of a connection in a loop turn: a few dozen reports. The rest stays in the socket until the next turn.
const READ_A_TURN: usize = 4096;
/// Longest log text about an invalid line, characters.
const MOST_CHARACTERS: usize = 200;

struct Link {
    id: u64,
    /// The shell that it reports about; `None` before its first report.
    shell: Option<usize>,
    writer: UnixStream,
    /// Among the connections of its user.
    _place: Permit<u32>,
}

/// The connected sessions; the newest of a shell is in charge.
#[derive(Default)]
pub struct SessionLinks {
    links: Vec<Link>,
    next_id: u64,
    /// The Wayland socket of each shell.
    displays: Vec<String>,
    /// Whether each shell is visible, as last sent.
    visible: Vec<bool>,
    /// Whether each has a window, as last sent.
    mapped: Vec<bool>,
    /// The keyboard's area on each shell's screen, as last sent.
    keyboards: Vec<KeyboardArea>,
}

/// As in [`Notice::Keyboard`].
pub type KeyboardArea = Option<(i32, i32, i32, i32)>;

impl SessionLinks {
    /// Tells every session whether each shell has a window (`mapped`) and is visible on its screen (`visible`), if that
    /// changed.
    pub fn tell_shown(&mut self, mapped: &[bool], visible: &[bool]) {
        if self.visible == visible && self.mapped == mapped {
            return;
        }
        let mut news = changed(&self.mapped, mapped, window);
        news.extend(changed(&self.visible, visible, seen));
        (self.mapped, self.visible) = (mapped.to_vec(), visible.to_vec());
        self.links.retain_mut(|link| news.iter().all(|notice| send(&mut link.writer, notice).is_ok()));
    }

    /// Tells the session of this shell, if there is one.
    pub fn tell(&mut self, shell: usize, notice: &Notice) {
        let last = self.links.iter_mut().rfind(|link| link.shell == Some(shell));
        if let Some(link) = last
            && let Err(error) = send(&mut link.writer, notice)
        {
            tracing::warn!(%error, shell, "session does not read its notices");
        }
    }

    /// Tells each shell's session the keyboard's area on its screen, if that changed.
    pub fn tell_keyboards(&mut self, areas: &[KeyboardArea]) {
        if self.keyboards == areas {
            return;
        }
        for (shell, area) in areas.iter().enumerate() {
            if self.keyboards.get(shell).copied().flatten() != *area {
                self.tell(shell, &Notice::Keyboard { number: shell as u32, area: *area });
            }
        }
        self.keyboards = areas.to_vec();
    }

    /// Sends the current area to a session after its first report.
    fn tell_keyboard_of(&mut self, shell: usize) {
        if let Some(area) = self.keyboards.get(shell).copied().flatten() {
            self.tell(shell, &Notice::Keyboard { number: shell as u32, area: Some(area) });
        }
    }

    /// Whether this is the current session of that shell: the newest that reported for it.
    pub fn is_of(&self, id: u64, shell: usize) -> bool {
        self.links.iter().rfind(|link| link.shell == Some(shell)).is_some_and(|link| link.id == id)
    }

    /// Whether there is a session of this shell.
    pub fn has(&self, shell: usize) -> bool {
        self.links.iter().any(|link| link.shell == Some(shell))
    }

    fn welcome(&mut self, mut writer: UnixStream, place: Permit<u32>) -> io::Result<u64> {
        let wayland_displays = self.displays.clone();
        let wayland_display = wayland_displays.first().cloned().unwrap_or_default();
        send(
            &mut writer,
            &Notice::Hello { wayland_display, wayland_displays, tells_windows: true, takes_calls: true },
        )?;
        let visible = if self.visible.is_empty() { &[false][..] } else { &self.visible };
        for (number, shell) in visible.iter().enumerate() {
            send(&mut writer, &seen(number, *shell))?;
        }
        for (number, mapped) in self.mapped.iter().enumerate() {
            send(&mut writer, &window(number, *mapped))?;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.links.push(Link { id, shell: None, writer, _place: place });
        Ok(id)
    }
}

fn seen(number: usize, shell: bool) -> Notice {
    Notice::Visible { shell, number: number as u32 }
}

fn window(number: usize, mapped: bool) -> Notice {
    Notice::Window { mapped, number: number as u32 }
}

/// The notices for entries whose value changed.
fn changed(before: &[bool], now: &[bool], notice: impl Fn(usize, bool) -> Notice) -> Vec<Notice> {
    let news = now.iter().enumerate().filter(|(number, value)| before.get(*number) != Some(value));
    news.map(|(number, value)| notice(number, *value)).collect()
}

fn send(writer: &mut UnixStream, notice: &Notice) -> io::Result<()> {
    let mut line = serde_json::to_vec(notice)?;
    line.push(b'\n');
    // The socket's buffer holds thousands of notices; a session that does not read them is disconnected.
    writer.write_all(&line)
}

/// Listens at `path`; `displays` are the shells' Wayland sockets, by number.
pub fn listen(kiosk: &mut Kiosk, path: &Path, displays: Vec<String>) -> io::Result<()> {
    let listener = bind(path, Access::GROUP, PROGRAM)?;
    kiosk.session.links.displays = displays;
    let shells = kiosk.stage.shells.len().max(1);
    let quota = Quota::new(MAX_CONNECTIONS * shells, MAX_CONNECTIONS_EACH * shells);
    clients::accept_each(kiosk, listener, move |kiosk, stream| {
        if let Err(error) = connect(stream, &quota, kiosk) {
            tracing::warn!(%error, "session not accepted");
        }
    })
}

fn connect(stream: UnixStream, quota: &Quota<u32>, kiosk: &mut Kiosk) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let user = socket_peercred(&stream)?.uid.as_raw();
    let place = quota.take(&user);
    let place = place.ok_or_else(|| io::Error::other(format!("there are too many, of user {user} or in all")))?;
    let id = kiosk.session.links.welcome(stream.try_clone()?, place)?;
    let handle = kiosk.main_loop.handle.clone();
    let mut pending = Vec::new();
    let source = Generic::new(stream, Interest::READ, Mode::Level);
    let inserted = handle.insert_source(source, move |_, stream, kiosk| {
        // The reader is a reference: reading does not need the stream to be ours.
        let mut reader: &UnixStream = stream;
        let open = read_lines(&mut reader, &mut pending, |line| match said(line) {
            Ok(Said::Report(report)) => {
                kiosk.session_report(id, report);
                true
            }
            Ok(Said::Call(call)) => {
                kiosk.page_call(id, call);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "invalid line on the control socket; sender disconnected");
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

/// A message of the session, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The state of its shell.
    Report(Report),
    /// A call of its page.
    Call(PageCall),
}

/// Why a line is not valid.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoReport(String);

/// Parses a line.
pub fn said(line: &[u8]) -> Result<Said, NoReport> {
    /// The field that distinguishes a call from a report.
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(default)]
        call: Option<serde::de::IgnoredAny>,
    }
    let kind: Result<Kind, _> = serde_json::from_slice(line);
    let said = match kind {
        Ok(Kind { call: Some(_) }) => serde_json::from_slice(line).map(Said::Call),
        _ => serde_json::from_slice(line).map(Said::Report),
    };
    // The reason repeats a part of the line.
    said.map_err(|error| NoReport(printable(&shortened(&error.to_string(), MOST_CHARACTERS))))
}

/// Reads once and passes complete lines to `line` until it returns false; `pending` keeps an incomplete one. Returns
/// whether the connection stays open.
pub fn read_lines(reader: &mut impl Read, pending: &mut Vec<u8>, mut line: impl FnMut(&[u8]) -> bool) -> bool {
    let mut buffer = [0; READ_A_TURN];
    let mut read = match reader.read(&mut buffer) {
        Ok(0) => return false,
        Ok(count) => buffer.get(..count).unwrap_or_default(),
        Err(error) => return matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
    };
    while let Some(end) = read.iter().position(|byte| *byte == b'\n') {
        let (last, rest) = read.split_at(end);
        pending.extend_from_slice(last);
        let goes_on = line(pending);
        pending.clear();
        if !goes_on {
            return false;
        }
        read = rest.get(1..).unwrap_or_default();
    }
    pending.extend_from_slice(read);
    if pending.len() > MAX_LINE {
        tracing::warn!(most = MAX_LINE, "line on the control socket too long; sender disconnected");
    }
    pending.len() <= MAX_LINE
}

impl Kiosk {
    /// Handles a session's report. For each shell only the newest session counts.
    fn session_report(&mut self, id: u64, report: Report) {
        let (number, now) = (report.shell as usize, self.now());
        let Some(shell) = self.stage.shells.get_mut(number) else {
            tracing::warn!(shell = report.shell, "session report for an unknown shell");
            return;
        };
        let links = &mut self.session.links.links;
        let mut first = false;
        if let Some(link) = links.iter_mut().find(|link| link.id == id) {
            first = link.shell.replace(number) != Some(number);
        }
        // A connection without a report yet may be another shell's session, and does not replace this one.
        if links.iter().rfind(|link| link.shell == Some(number)).map(|link| link.id) != Some(id) {
            return;
        }
        tracing::debug!(?report, "session report");
        let known = report.clone();
        let readiness = &mut shell.readiness;
        let new = Readiness {
            state: Some(report.state),
            message: report.message,
            overdue: report.overdue,
            tried: report.tried,
            reason: report.reason,
            inspector: inspector(report.inspector, report.inspected_until),
            wait_for_session: readiness.wait_for_session,
        };
        let changed = *readiness != new;
        *readiness = new;
        let page_is_there = matches!(known.state, State::Ready | State::Loading);
        if changed {
            shell.reported(now, time_of_day);
            if shell.readiness.overdue {
                self.report_device();
            }
            self.screens.request_redraw();
        }
        self.ping_shell(number, known.ping);
        self.reboot_requested(number, &known.reboot);
        self.idle_report(number, &known, first);
        if !page_is_there {
            self.page_gone(number);
        }
        if first {
            self.session.links.tell_keyboard_of(number);
        }
        self.chooser_report(number, &known, first);
    }

    /// A session's connection is gone.
    fn session_gone(&mut self, id: u64) {
        let links = &mut self.session.links.links;
        let number = links.iter().find(|link| link.id == id).and_then(|link| link.shell);
        links.retain(|link| link.id != id);
        let Some(number) = number.filter(|number| !links.iter().any(|link| link.shell == Some(*number))) else {
            return;
        };
        tracing::warn!(shell = number, "session disconnected");
        if self.activity.idle.notice_changed(number, false) {
            self.idle_event(idle::Event::IdleNotice { shell: number, wants: false });
        }
        let mapped = self.stage.windows.any_mapped(number);
        if let Some(shell) = self.stage.shells.get_mut(number) {
            shell.session_gone(mapped);
        }
        self.drop_chooser(number);
        self.screens.request_redraw();
        self.page_listens(number, 0);
        self.page_gone(number);
        self.end_reset();
    }
}

/// Who looks at the page, and until when by the device's clock.
fn inspector(who: String, until: u64) -> Option<(String, String)> {
    let moment = jiff::Timestamp::from_second(i64::try_from(until).ok()?).ok()?;
    let time = moment.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string();
    (!who.is_empty()).then(|| (printable(&shortened(&who, MAX_INSPECTOR)), time))
}

/// The local time, for the screen.
fn time_of_day() -> String {
    jiff::Zoned::now().strftime("%H:%M").to_string()
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

    #[test]
    fn a_turn_is_one_read_whatever_waits() {
        let flood = b"x\n".repeat(READ_A_TURN);
        let (mut reader, mut pending, mut lines) = (flood.as_slice(), Vec::new(), 0);
        assert!(read_lines(&mut reader, &mut pending, |_| {
            lines += 1;
            true
        }));
        assert_eq!((lines, reader.len()), (READ_A_TURN / 2, flood.len() - READ_A_TURN));
    }

    #[test]
    fn a_line_without_an_end_ends_the_connection() {
        let flood = vec![b'x'; MAX_LINE * 2];
        let (mut reader, mut pending, mut turns) = (flood.as_slice(), Vec::new(), 0);
        while read_lines(&mut reader, &mut pending, |_| true) {
            turns += 1;
        }
        assert_eq!(turns, MAX_LINE / READ_A_TURN);
    }

    proptest! {
        #[test]
        fn no_flood_grows_without_bound(bytes in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let mut pending = Vec::new();
            let mut reader = bytes.as_slice();
            while read_lines(&mut reader, &mut pending, |_| true) {
                prop_assert!(pending.len() <= MAX_LINE);
            }
            prop_assert!(pending.len() <= MAX_LINE + READ_A_TURN);
        }
    }
}
