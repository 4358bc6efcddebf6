//! The helper that writes: the drop-in of `kioskctl config set`, as a whole, and what it was before where it may have to come back.
//! A change that nobody confirms is undone when its time is over, and after a power cut as soon as this is started again
//! (`kiosk-configure.path`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiosk_client::{Client, Exit, screen};
use kiosk_core::config::ADMIN_DIR;
use kiosk_core::config::edit::{self, DROP_IN, MAX_FILE};
use kiosk_core::{durable, files};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::{Change, MAX_LINE, Order, Reply, plan, root, state_directory};
use crate::boot_clock;

/// Largest file that is kept while a change waits, bytes: two drop-ins as JSON, which may double a text, and an order's keys.
const MAX_KEPT: u64 = 4 * MAX_FILE + MAX_LINE;
/// How long an order may take to arrive.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);
/// Without an order it ends; the next starts it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two tries to bring back what was before, where the disk does not take it.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// Allowed times until a change is undone, seconds: as for screens, and long enough for a page to be looked at from afar.
const REVERT_AFTER: std::ops::RangeInclusive<u32> = 5..=3600;

/// What is on the disk while a change waits to be confirmed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Before {
    /// `None`: there was no file.
    text: Option<String>,
    /// The file with the change. An earlier version kept neither this nor the keys.
    #[serde(default)]
    written: Option<String>,
    /// What the change set and unset.
    #[serde(default)]
    keys: Vec<String>,
}

impl Before {
    /// The keys of the change as they were before, in a file that somebody else has changed since; `None`: that is no TOML.
    fn keys_into(&self, there: &str) -> Option<String> {
        let before = self.text.as_deref().unwrap_or_default();
        self.keys.iter().try_fold(there.to_owned(), |text, key| edit::as_in(&text, before, key)).ok()
    }
}

/// With the places of its files.
#[derive(Debug)]
pub struct Helper {
    file: PathBuf,
    before: PathBuf,
    waits: Option<Waits>,
}

/// What is on the disk is not what is to stay there. Moments are [`boot_clock`]'s: whoever waits to confirm does not sleep with the
/// device.
#[derive(Debug, Clone, Copy)]
enum Waits {
    /// A change for whoever confirms it; undone then.
    ForConfirmation(Duration),
    /// What was before, for a disk that takes it; tried again then.
    ForDisk(Duration),
}

impl Waits {
    fn until(self) -> Duration {
        match self {
            Waits::ForConfirmation(until) | Waits::ForDisk(until) => until,
        }
    }
}

/// Takes orders from the socket until nobody has one.
pub async fn serve(listener: UnixListener) {
    let mut helper = Helper::new();
    // What was not confirmed before a power cut or a kill.
    helper.undo("it was not confirmed before this was started again").await;
    loop {
        let until = helper.waits.map_or_else(|| boot_clock::now() + IDLE_TIMEOUT, Waits::until);
        let accepted = tokio::select! {
            // Who comes too late confirms nothing any more.
            biased;
            () = boot_clock::sleep_until(until) => None,
            accepted = listener.accept() => Some(accepted),
        };
        match (accepted, helper.waits) {
            (Some(Ok((stream, _))), _) => helper.talk(stream).await,
            (Some(Err(error)), _) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            (None, Some(_)) => helper.undo("nobody confirmed it").await,
            (None, None) => return,
        }
    }
}

impl Helper {
    fn new() -> Self {
        Helper {
            file: root().join(ADMIN_DIR).join(DROP_IN),
            before: state_directory().join("before.json"),
            waits: None,
        }
    }

    async fn talk(&mut self, mut stream: UnixStream) {
        let mut order = Vec::new();
        let mut limited = (&mut stream).take(MAX_LINE);
        let read = limited.read_to_end(&mut order);
        let Ok(Ok(_)) = tokio::time::timeout(ORDER_TIMEOUT, read).await else { return };
        let reply = match serde_json::from_slice(&order) {
            Ok(Order::Change(change)) => self.change(&change).await,
            Ok(Order::Confirm) => self.confirm(),
            Err(error) => Err((400, format!("the order can't be used: {error}"))),
        };
        let reply = reply.map_or_else(|(status, detail)| Reply::Refused(status, detail), Reply::Told);
        let answer = serde_json::to_vec(&reply).unwrap_or_default();
        // Who has gone does not want it.
        let _ = tokio::time::timeout(ORDER_TIMEOUT, stream.write_all(&answer)).await;
    }

    async fn change(&mut self, change: &Change) -> Result<Value, (u16, String)> {
        match self.waits {
            Some(Waits::ForConfirmation(_)) => {
                return Err((409, "a change waits to be confirmed; confirm it, or wait until it is undone".into()));
            }
            Some(Waits::ForDisk(_)) => {
                return Err((409, "a change that was not confirmed can't be undone yet: the journal says why".into()));
            }
            None => {}
        }
        if let Some(seconds) = change.revert_after
            && !REVERT_AFTER.contains(&seconds)
        {
            let (least, most) = (REVERT_AFTER.start(), REVERT_AFTER.end());
            return Err((400, format!("revert-after: allowed is {least} to {most} seconds")));
        }
        let disk = |error: std::io::Error| (500, format!("{}: {error}", self.file.display()));
        let text = read(&self.file).map_err(disk)?;
        let new = plan::changed(&self.file, text.as_deref().unwrap_or_default(), change).map_err(|why| (400, why))?;
        let keys: Vec<String> = change.set.keys().chain(&change.unset).cloned().collect();
        let before = Before { text, written: Some(new.clone()), keys };
        // Beforehand: from then on a power cut brings it back.
        let kept = serde_json::to_vec(&before).map_err(|error| (500, error.to_string()))?;
        write(&self.before, &kept).map_err(disk)?;
        if let Err(error) = write(&self.file, new.as_bytes()) {
            let told = disk(error);
            // It may be there in spite of that.
            self.undo("it could not be written").await;
            return Err(told);
        }
        let mut told = match reload().await {
            Ok(told) => told,
            Err(why) => {
                // All or nothing.
                self.undo(&why).await;
                return Err((409, why));
            }
        };
        match change.revert_after {
            Some(seconds) => {
                self.waits = Some(Waits::ForConfirmation(boot_clock::now() + Duration::from_secs(seconds.into())));
                told.push(format!("undone in {seconds} s unless it is confirmed"));
            }
            None => self.forget(),
        }
        // The keys, not the values: these may be secret.
        tracing::info!(
            keys = before.keys.join(" "),
            revert_after = change.revert_after,
            "configuration changed from afar"
        );
        Ok(json!({ "told": told }))
    }

    fn confirm(&mut self) -> Result<Value, (u16, String)> {
        let Some(Waits::ForConfirmation(_)) = self.waits else {
            return Err((409, "no change waits to be confirmed".into()));
        };
        self.waits = None;
        self.forget();
        tracing::info!("configuration confirmed");
        Ok(json!({ "told": ["the change is kept"] }))
    }

    /// Brings back what was before, where there is such. It is kept until it is in its place: a disk that is full now has room
    /// later.
    async fn undo(&mut self, why: &str) {
        let again = matches!(self.waits, Some(Waits::ForDisk(_)));
        self.waits = None;
        let kept = match files::read_regular(&self.before, MAX_KEPT) {
            Ok(kept) => kept,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::error!(%error, file = %self.before.display(), "what was before can't be read");
                }
                return;
            }
        };
        match serde_json::from_slice(&kept) {
            Ok(before) => {
                if let Err(error) = self.restore(before) {
                    // Once, and not each time.
                    if !again {
                        tracing::error!(%error, "the configuration of before can't be brought back yet; it is tried again");
                    }
                    self.waits = Some(Waits::ForDisk(boot_clock::now() + RETRY_INTERVAL));
                    return;
                }
                tracing::warn!(why, "a change of the configuration was undone");
            }
            // It was written as a whole: nothing of it will come back.
            Err(error) => tracing::error!(%error, "the configuration of before is lost"),
        }
        self.forget();
        if let Err(error) = reload().await {
            tracing::warn!(%error, "kioskd did not take the configuration of before");
        }
    }

    fn restore(&self, before: Before) -> std::io::Result<()> {
        let there = read(&self.file);
        // A change that never came needs no room to be undone.
        if there.as_ref().is_ok_and(|there| *there == before.text) {
            return Ok(());
        }
        if let (Ok(Some(there)), Some(written)) = (&there, &before.written)
            && there != written
            && let Some(mixed) = before.keys_into(there)
        {
            tracing::info!("the configuration was changed by somebody else since, which stays");
            return write(&self.file, mixed.as_bytes());
        }
        match before.text {
            Some(text) => write(&self.file, text.as_bytes()),
            None => std::fs::remove_file(&self.file),
        }
    }

    fn forget(&self) {
        if let Err(error) = std::fs::remove_file(&self.before)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::error!(%error, file = %self.before.display(), "what was before can't be removed");
        }
    }
}

/// `None`: there is no file.
fn read(file: &Path) -> std::io::Result<Option<String>> {
    match files::read_regular(file, MAX_FILE) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| std::io::Error::other("it is not UTF-8 text")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// As a whole, with the permissions that the file has.
pub(super) fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let new = file.with_file_name(format!(".{name}.new"));
    match std::fs::metadata(file) {
        Ok(before) => durable::replace_with(file, &new, content, before.permissions()),
        Err(_) => durable::replace(file, &new, content),
    }
}

/// Has kioskd take it; a device whose kiosk does not run has it with the next start.
pub(super) async fn reload() -> Result<Vec<String>, String> {
    match screen::reload_configuration(&Client::from_environment()).await {
        Ok(outcome) => {
            let told = outcome.json.get("told").and_then(Value::as_array).cloned().unwrap_or_default();
            Ok(told.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
        }
        Err(failure) if failure.exit == Exit::NotRunning => {
            Ok(vec!["kioskd does not run: it counts from its start on".into()])
        }
        Err(failure) => Err(failure.message().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_before_is_kept_until_the_disk_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("90-kioskctl.toml");
        let before = folder.path().join("before.json");
        for text in [Some("[shell]\nurl = \"http://a\"\n"), None] {
            let mut helper = Helper { file: file.clone(), before: before.clone(), waits: None };
            std::fs::write(&file, "[shell]\nurl = \"http://b\"\n").unwrap();
            let kept = serde_json::to_vec(&Before { text: text.map(str::to_owned), ..Before::default() }).unwrap();
            std::fs::write(&before, kept).unwrap();
            // In the way of each new file, and of a removal.
            let in_the_way = [folder.path().join(".90-kioskctl.toml.new/x"), file.join("x")];
            let blocked = if text.is_some() { &in_the_way[0] } else { &in_the_way[1] };
            if text.is_none() {
                std::fs::remove_file(&file).unwrap();
            }
            std::fs::create_dir_all(blocked).unwrap();
            for _ in 0..2 {
                helper.undo("nobody confirmed it").await;
                assert!(before.exists() && matches!(helper.waits, Some(Waits::ForDisk(_))), "{text:?}");
            }
            let order = Change { unset: vec!["shell.url".into()], ..Change::default() };
            assert_eq!(helper.change(&order).await.unwrap_err().0, 409);
            assert_eq!(helper.confirm().unwrap_err().0, 409);
            std::fs::remove_dir_all(blocked.parent().unwrap()).unwrap();
            if text.is_none() {
                std::fs::write(&file, "[shell]\nurl = \"http://b\"\n").unwrap();
            }
            helper.undo("nobody confirmed it").await;
            assert!(!before.exists() && helper.waits.is_none(), "{text:?}");
            assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), text);
        }
    }

    #[tokio::test]
    async fn what_somebody_else_changed_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, before) = (folder.path().join("90-kioskctl.toml"), folder.path().join("before.json"));
        let had = "# ours\n[shell]\nurl = \"http://a\"\n";
        let undone = |written: &str, there: &str| {
            let keys = vec!["shell.url".to_owned(), "shell.browser".to_owned()];
            let kept = Before { text: Some(had.into()), written: Some(written.into()), keys };
            std::fs::write(&before, serde_json::to_vec(&kept).unwrap()).unwrap();
            std::fs::write(&file, there).unwrap();
            Helper { file: file.clone(), before: before.clone(), waits: None }
        };
        let written = "# ours\n[shell]\nurl = \"http://b\"\nbrowser = \"x\"\n";
        let by_hand = format!("{written}[output.\"*\"]\nrotation = 90\n");
        let wanted = format!("{had}[output.\"*\"]\nrotation = 90\n");
        for (there, wanted) in [(by_hand.as_str(), wanted.as_str()), (written, had), ("no = = toml", had), (had, had)] {
            undone(written, there).undo("nobody confirmed it").await;
            assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted, "{there}");
            assert!(!before.exists());
        }
    }

    #[tokio::test]
    async fn what_can_t_be_read_does_not_lock_the_configuration_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let before = folder.path().join("before.json");
        let mut helper = Helper { file: folder.path().join("90-kioskctl.toml"), before: before.clone(), waits: None };
        std::fs::write(&before, "{").unwrap();
        helper.undo("it was not confirmed before this was started again").await;
        assert!(!before.exists() && helper.waits.is_none());
    }
}
