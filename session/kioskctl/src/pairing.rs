//! `pairing`: shows how to reach the device on its screen. kioskd validates addresses and codes.

use std::io::{Error, Read};
use std::path::Path;
use std::time::Duration;

use kiosk_client::{Client, Exit, Options, screen};
use kiosk_core::files::read_regular;

use super::outcome::{Failure, Outcome, printable};

/// Longest password file, bytes.
const MAX_SECRET: u64 = 1024;

pub async fn show(
    client: &Client,
    (url, code): (&Option<String>, &Option<String>),
    expires: Option<Duration>,
    texts: [(&'static str, &Option<String>); 2],
    password: Option<&Path>,
) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    for (name, text) in texts {
        if let Some(text) = text {
            options.insert(name, text.as_str().into());
        }
    }
    if let Some(time) = expires {
        options.insert("expires", seconds(time).into());
    }
    if let Some(file) = password {
        options.insert("wifi-password", secret(file)?.into());
    }
    let (url, code) = (url.as_deref().unwrap_or_default(), code.as_deref().unwrap_or_default());
    let outcome = screen::pairing(client, url, code, options).await?;
    Ok(Outcome { text: printable(&outcome.text), ..outcome })
}

/// Whole seconds, rounded up.
pub fn seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// The first line of a file: on a command line every program could read the password.
pub fn secret(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_SECRET).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        read_regular(file, MAX_SECRET)
    };
    let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(Error::other)).map_err(|error| {
        Failure::new(Exit::Failed, format!("{}: the password can't be read: {error}", file.display()))
    })?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("{}: there is no password in its first line", file.display())));
    }
    Ok(line.to_owned())
}
