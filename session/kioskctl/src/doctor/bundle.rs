//! A report for remote support: a compressed archive of texts with secrets removed: the output of `doctor`, `status`
//! and `config show`, and the journal of the kiosk's units if it is readable.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::{Compression, write::GzEncoder};
use kiosk_core::config::masked;
use tar::{Builder, Header};

/// Lines of the journal, from the last boot.
const JOURNAL_LINES: &str = "3000";
/// Bytes of one text.
const MAX_TEXT: usize = 4 << 20;
/// Words before `=` or `:` whose values are secret, in lower case.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "api-key", "apikey"];
const MASK: &str = "***";

/// A file of the bundle.
pub struct Text {
    pub name: &'static str,
    pub content: String,
}

/// The journal of the kiosk's programs, or why it is missing.
pub fn journal() -> Text {
    // Not by unit alone, as logind assigns programs on a seat to its session. "+" means "or".
    let units = [
        "SYSLOG_IDENTIFIER=kioskd",
        "SYSLOG_IDENTIFIER=kiosk-session",
        "+",
        "UNIT=kiosk.service",
        "+",
        "UNIT=kiosk-session.service",
        "+",
        "_SYSTEMD_UNIT=kiosk-session.service",
    ];
    let mut command = Command::new("journalctl");
    command.args(["-b", "--no-pager", "-o", "short-iso", "-n", JOURNAL_LINES]).args(units).stdin(Stdio::null());
    let content = match command.output() {
        Ok(output) => {
            let texts = [output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat();
            String::from_utf8_lossy(&texts).into_owned()
        }
        Err(error) => format!("journalctl could not be run: {error}\n"),
    };
    Text { name: "journal.txt", content }
}

/// Writes the archive atomically.
pub fn write(file: &Path, texts: &[Text]) -> std::io::Result<()> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for text in texts {
        let content = clean(&text.content);
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        archive.append_data(&mut header, format!("kiosk-report/{}", text.name), content.as_bytes())?;
    }
    let bytes = archive.into_inner()?.finish()?;
    // A private file with a random name beside it, as the directory may be world-writable, such as /tmp.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".kiosk-report").tempfile_in(folder)?;
    new.write_all(&bytes)?;
    new.persist(file).map(drop).map_err(|error| error.error)
}

/// The text with secrets removed, cut to [`MAX_TEXT`].
pub fn clean(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_TEXT).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    text.lines().map(clean_line).fold(String::new(), |all, line| all + &line + "\n")
}

fn clean_line(line: &str) -> String {
    let line = masked(line);
    let lower = line.to_ascii_lowercase();
    let places = SECRET_WORDS.iter().flat_map(|word| lower.match_indices(word).map(|(at, word)| at + word.len()));
    let found = places.filter_map(|after| {
        let rest = lower.get(after..)?;
        // In a list of arguments the next one is the value.
        if rest.starts_with("\", ") || rest.starts_with("\",") {
            return Some(after + 1);
        }
        let sign = rest.find(['=', ':'])?;
        // Only punctuation up to the sign: `password = x`, `"token": "x"`, `Cookie: x`.
        let between = rest.get(..sign)?;
        // In a URL it is masked already, and the rest of the URL is kept.
        let masked = rest.get(sign + 1..)?.starts_with(MASK);
        (!masked && between.chars().all(|c| c.is_whitespace() || c == '"' || c == '\'')).then_some(after + sign + 1)
    });
    match found.min().and_then(|at| line.get(..at)) {
        Some(kept) => format!("{kept} {MASK}"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        for (text, shown) in [
            ("url http://u:hunter2@host/x", "url http://***@host/x"),
            ("GET /?token=hunter2&a=1", "GET /?token=***&a=1"),
            ("password = \"hunter2\"", "password = ***"),
            ("Authorization: Basic hunter2", "Authorization: ***"),
            ("  \"api-key\" : \"hunter2\", x", "  \"api-key\" : ***"),
            ("Set-Cookie: sid=hunter2", "Set-Cookie: ***"),
            ("x = [\"--use-token-cache\", \"--token=hunter2\"]", "x = [\"--use-token-cache\", \"--token= ***"),
            ("command = [\"x\", \"--password\", \"hunter2\"]", "command = [\"x\", \"--password\" ***"),
            ("the server asks for a password", "the server asks for a password"),
            ("shell.url is good", "shell.url is good"),
        ] {
            assert_eq!(clean(text), format!("{shown}\n"), "{text}");
        }
    }

    #[test]
    fn a_text_of_any_size_is_cut() {
        assert!(clean(&"ä".repeat(MAX_TEXT)).len() <= MAX_TEXT + 2);
    }
}
