//! Writes messages to systemd's journal in its native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>), and
//! never waits for it: a journal whose disk stalls must not stop the screen. Messages that did not get through are
//! counted, and the count is written with the next one.
//!
//! The crate `tracing-journald` waits for room in the journal's queue, and shows a person the message without its
//! fields.

use std::fmt::{Debug, Write as _};
use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Where the journal takes messages.
pub const SOCKET: &str = "/run/systemd/journal/socket";
/// Bytes of a message with its fields: far more than a sentence, and less than a datagram may have.
const MAX_MESSAGE: usize = 32 << 10;

/// The connection to the journal.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    identifier: String,
    lost: AtomicU64,
}

impl Journal {
    /// To the journal that listens at `socket`.
    pub fn new(socket: &Path) -> std::io::Result<Self> {
        let own = UnixDatagram::unbound()?;
        own.connect(socket)?;
        own.set_nonblocking(true)?;
        let program = std::env::current_exe().ok();
        let name = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        Ok(Journal { socket: own, identifier: name.unwrap_or_default(), lost: AtomicU64::new(0) })
    }

    fn send(&self, metadata: &Metadata<'_>, mut fields: Fields) {
        let lost = self.lost.swap(0, Relaxed);
        if lost > 0 {
            let _ = write!(fields.shown, " ({lost} messages before this one were lost: the journal did not take them)");
        }
        let mut entry = Vec::with_capacity(512);
        put(&mut entry, "PRIORITY", priority(metadata.level()));
        put(&mut entry, "SYSLOG_IDENTIFIER", &self.identifier);
        put(&mut entry, "TARGET", metadata.target());
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            put(&mut entry, "CODE_FILE", file);
            put(&mut entry, "CODE_LINE", &line.to_string());
        }
        put(&mut entry, "MESSAGE", &format!("{}{}", fields.message, fields.shown));
        entry.extend_from_slice(&fields.entry);
        let sent = loop {
            match self.socket.send(&entry) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                sent => break sent,
            }
        };
        if sent.is_err() {
            self.lost.fetch_add(lost + 1, Relaxed);
        }
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Journal {
    /// A span's fields, such as the number of a shell, are added to every event in it.
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // Events of the crate `log` get their original place and level.
        let normal = event.normalized_metadata();
        let metadata = normal.as_ref().unwrap_or_else(|| event.metadata());
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.shown.push_str(&of_span.shown);
                fields.entry.extend_from_slice(&of_span.entry);
            }
        }
        self.send(metadata, fields);
    }
}

/// An event's fields: as a person reads them behind the message, and as the journal keeps them.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    shown: String,
    entry: Vec<u8>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &str) {
        let room = MAX_MESSAGE.saturating_sub(self.message.len() + self.shown.len() + self.entry.len()) / 2;
        let value = crate::text::shortened(value, room);
        match field.name() {
            "message" => self.message = value.trim_end().to_owned(),
            // Where the crate `log` puts its own.
            name if name.starts_with("log.") => {}
            name => {
                let shown = crate::text::printable(&value);
                let quote = if shown.contains(' ') { "\"" } else { "" };
                let _ = write!(self.shown, " {name}={quote}{shown}{quote}");
                put(&mut self.entry, &format!("F_{}", name.to_ascii_uppercase().replace(['.', '-'], "_")), &value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// With its length before it: the value may have line breaks.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    // Into memory; there is no error.
    let _ = entry.write_all(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

/// syslog(3).
fn priority(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "5",
        Level::DEBUG => "6",
        Level::TRACE => "7",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// The fields of an entry.
    fn parsed(mut entry: &[u8]) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        while !entry.is_empty() {
            let end = entry.iter().position(|byte| *byte == b'\n').unwrap();
            let (name, rest) = entry.split_at(end);
            let (length, rest) = rest[1..].split_at(8);
            let (value, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            fields.insert(text(name), text(value));
            entry = rest.strip_prefix(b"\n").unwrap();
        }
        fields
    }

    fn received(journal: &UnixDatagram) -> BTreeMap<String, String> {
        let mut entry = vec![0; 1 << 20];
        let length = journal.recv(&mut entry).unwrap();
        parsed(&entry[..length])
    }

    fn started() -> (tempfile::TempDir, UnixDatagram, tracing::subscriber::DefaultGuard) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        let registry = tracing_subscriber::registry().with(Journal::new(&path).unwrap());
        let guard = tracing::subscriber::set_default(registry);
        (directory, listener, guard)
    }

    #[test]
    fn a_message_has_its_fields_for_people_and_for_programs() {
        let (_directory, listener, _guard) = started();
        tracing::warn!(output = "DP-1", percent = 7, why = "no input", "the screen\nis off");
        let entry = received(&listener);
        assert_eq!(entry["MESSAGE"], "the screen\nis off output=DP-1 percent=7 why=\"no input\"");
        assert_eq!((entry["F_OUTPUT"].as_str(), entry["F_PERCENT"].as_str()), ("DP-1", "7"));
        assert_eq!((entry["PRIORITY"].as_str(), entry["TARGET"].as_str()), ("4", "kiosk_core::journal::tests"));
        assert!(entry["CODE_FILE"].ends_with("journal.rs") && !entry["SYSLOG_IDENTIFIER"].is_empty());
    }

    #[test]
    fn what_a_span_says_is_said_with_its_messages() {
        let (_directory, listener, _guard) = started();
        let span = tracing::info_span!("shell", number = 2);
        span.in_scope(|| tracing::info!("the page is ready"));
        let entry = received(&listener);
        assert_eq!((entry["MESSAGE"].as_str(), entry["F_NUMBER"].as_str()), ("the page is ready number=2", "2"));
    }

    #[test]
    fn a_full_journal_socket_never_blocks_and_lost_messages_are_counted() {
        let (_directory, listener, _guard) = started();
        for number in 0..10_000 {
            tracing::info!(number, "again");
        }
        let mut seen = 0;
        listener.set_nonblocking(true).unwrap();
        let mut entry = vec![0; 4096];
        while listener.recv(&mut entry).is_ok() {
            seen += 1;
        }
        assert!((1..10_000).contains(&seen), "{seen}");
        tracing::info!("there again");
        let message = received(&listener)["MESSAGE"].clone();
        let lost = 10_000 - seen;
        assert!(message.starts_with(&format!("there again ({lost} messages before this one were lost")), "{message}");
        tracing::info!("and on");
        assert_eq!(received(&listener)["MESSAGE"], "and on", "told once");
    }

    #[test]
    fn a_message_of_any_length_is_cut_and_arrives() {
        let (_directory, listener, _guard) = started();
        tracing::error!(text = "ä".repeat(1 << 20), "{}", "x".repeat(1 << 20));
        let entry = received(&listener);
        assert!(entry["MESSAGE"].len() <= MAX_MESSAGE * 2 && entry["MESSAGE"].starts_with("xxx"));
    }
}
