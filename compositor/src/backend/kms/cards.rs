//! The list of cards: opened when they are added, also at runtime, and scanned again on hotplug events.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use smithay::backend::{
    session::Session,
    udev::{UdevBackend, UdevEvent},
};

use super::{
    Kms, KmsError,
    card::{Card, CardError},
};
use crate::backend::{DeviceChange, Host};

/// The cards that are not used, and why.
#[derive(Debug)]
pub struct Refused(Vec<(PathBuf, CardError)>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("there is none");
        }
        for (index, (path, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {error}", path.display())?;
        }
        Ok(())
    }
}

/// Where the kernel lists the cards.
const DRI: &str = "/dev/dri";

impl<H: Host> Kms<H> {
    /// Opens each card that is not open yet.
    pub(super) fn open_cards(&mut self) {
        for path in card_paths() {
            self.open_card(&path);
        }
    }

    pub(super) fn open_card(&mut self, path: &Path) {
        // Events come for render nodes too.
        if !is_card(path) || self.cards.iter().any(|card| card.path == path) {
            return;
        }
        match self.usable(path) {
            Ok(card) => self.cards.push(card),
            Err(error) => not_used(path, &error),
        }
    }

    /// Opens a card. Its GPU is started too if the first picture is over.
    fn usable(&self, path: &Path) -> Result<Card, CardError> {
        let card = Card::open(&self.session, path, &self.handle, self.renderer, &self.leasable)?;
        tracing::info!(card = %path.display(), driver = card.quirks.driver, "display device");
        if !self.gpus_started && card.may_start_later() {
            return Ok(card);
        }
        self.with_gpu(card)
    }

    /// Starts a card's GPU. A card that is to have one and has none is closed.
    fn with_gpu(&self, mut card: Card) -> Result<Card, CardError> {
        match card.start_gpu(self.renderer) {
            Ok(()) => Ok(card),
            Err(error) => {
                self.handle.unwatch(card.flips);
                Err(error)
            }
        }
    }

    /// Starts the GPUs, after the first picture. Returns whether cards were closed.
    pub(super) fn start_gpus_of_cards(&mut self) -> Result<bool, KmsError> {
        self.gpus_started = true;
        let mut refused = Vec::new();
        for card in std::mem::take(&mut self.cards) {
            let path = card.path.clone();
            match self.with_gpu(card) {
                Ok(card) => self.cards.push(card),
                Err(error) => {
                    not_used(&path, &error);
                    refused.push((path, error));
                }
            }
        }
        match (self.cards.is_empty(), refused.is_empty()) {
            (true, false) => Err(KmsError::NoCard(Refused(refused))),
            (_, none_closed) => Ok(!none_closed),
        }
    }

    pub(super) fn why_no_card(&mut self) -> Refused {
        let open = |path: PathBuf| {
            let error = self.usable(&path).err()?;
            Some((path, error))
        };
        Refused(card_paths().into_iter().filter_map(open).collect())
    }

    /// Looks for displays on all cards.
    pub(super) fn scan(&mut self) {
        let now = self.started.elapsed();
        let due: Option<Duration> = self.cards.iter_mut().filter_map(|card| card.scan(now)).min();
        let Some(due) = due else { return };
        if self.settles.is_some_and(|settles| settles <= due) {
            return;
        }
        // An earlier timer that fires first changes nothing, and arms this one again.
        self.handle.after(due.saturating_sub(now), |host| host.device_changed(DeviceChange::Settled));
        self.settles = Some(due);
    }

    pub(super) fn watch_hotplug(&mut self) {
        let seat = self.session.seat();
        let source = match UdevBackend::new(&seat) {
            Ok(source) => source,
            Err(error) => {
                tracing::warn!(%error, "hotplug not watched: displays that come later are not used");
                return;
            }
        };
        let inserted = self.handle.insert_source(source, |event, _, host| {
            let change = match event {
                UdevEvent::Added { path, .. } => DeviceChange::Added(path),
                UdevEvent::Changed { device_id } => DeviceChange::Changed(device_id),
                UdevEvent::Removed { device_id } => DeviceChange::Removed(device_id),
            };
            host.device_changed(change);
        });
        match inserted {
            Ok(token) => self.hotplug = Some(token),
            Err(error) => tracing::warn!(%error, "hotplug not watched: displays that come later are not used"),
        }
    }
}

fn not_used(path: &Path, error: &CardError) {
    tracing::info!(card = %path.display(), %error, "display device not used");
}

/// The cards, in order.
fn card_paths() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(DRI) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_card(path)).collect();
    paths.sort();
    paths
}

/// Whether it is a primary node, which drives displays; render nodes only draw.
fn is_card(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("card"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_nodes_are_no_cards() {
        assert!(is_card(Path::new("/dev/dri/card1")));
        assert!(!is_card(Path::new("/dev/dri/renderD128")));
        assert!(!is_card(Path::new("/dev/dri/by-path")));
    }
}
