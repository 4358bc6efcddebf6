//! Scans a card's connectors: which displays are connected, and which CRTC drives each.

use std::time::Duration;

use smithay::reexports::drm::control::crtc;

use super::Card;
use crate::{
    backend::kms::{
        connectors::{self, Found, Scanned, Seen},
        gamma::GammaTable,
        head::CardHead,
    },
    screens::{
        crtcs::{Need, assign},
        hotplug::Verdict,
    },
};

impl Card {
    /// Looks for displays. Those that are gone lose their CRTC, once the hotplug filter confirms it. Returns the latest
    /// time to look again for a change that is not confirmed yet. `now` is monotonic.
    pub fn scan(&mut self, now: Duration) -> Option<Duration> {
        let probe = std::mem::take(&mut self.probe);
        let Scanned { seen, leasable, any_leasable } =
            connectors::scan(&self.drm, self.number, probe, &self.leases.names);
        self.leasable_seen(any_leasable, leasable);
        let gone = |own: &CardHead| !seen.iter().any(|connector| connector.id == own.head.id);
        // A dock's connectors disappear with it.
        self.heads.iter().filter(|own| gone(own)).for_each(|own| self.hotplug.forget(own.head.id));
        self.heads.retain(|own| !gone(own));
        let mut due: Option<Duration> = None;
        let mut newcomers = Vec::new();
        for Seen { id, display } in seen {
            let display = display.and_then(|display| display.completed_by(self.known.get(&id)));
            if let Some(display) = &display {
                self.known.insert(id, display.clone());
            }
            let verdict = self.hotplug.observe(id, display.is_some(), now);
            if let Verdict::Held { until, .. } = verdict {
                due = Some(due.map_or(until, |due| due.min(until)));
            }
            match (verdict.present(), display) {
                (false, _) => self.heads.retain(|own| own.head.id != id),
                // The hotplug filter waits for it.
                (true, None) => {}
                (true, Some(display)) => match self.head_mut(id) {
                    Some(own) => own.refresh(display),
                    None => newcomers.push(display),
                },
            }
        }
        self.give_crtcs(newcomers);
        *self.driven.borrow_mut() = self.heads.iter().map(|own| (own.crtc, own.head.id)).collect();
        due
    }

    /// Gives each new display a CRTC, moving other displays to other CRTCs if need be.
    fn give_crtcs(&mut self, newcomers: Vec<Found>) {
        if newcomers.is_empty() {
            return;
        }
        let lent: Vec<crtc::Handle> = self.leases.crtcs().collect();
        let ours = |crtcs: &[crtc::Handle]| crtcs.iter().copied().filter(|crtc| !lent.contains(crtc)).collect();
        let lit = self.heads.iter().map(|own| Need { now: Some(own.crtc), possible: ours(&own.crtcs) });
        let dark = newcomers.iter().map(|display| Need { now: None, possible: ours(&display.crtcs) });
        let mut assigned = assign(&lit.chain(dark).collect::<Vec<_>>()).into_iter();
        for (own, crtc) in self.heads.iter_mut().zip(assigned.by_ref()) {
            if let Some(crtc) = crtc.filter(|crtc| *crtc != own.crtc) {
                own.crtc = crtc;
                own.presenter = None;
                own.gamma = GammaTable::default();
            }
        }
        for (newcomer, crtc) in newcomers.into_iter().zip(assigned) {
            match crtc {
                Some(crtc) => self.heads.push(CardHead::new(newcomer, crtc)),
                None => {
                    tracing::warn!(connector = newcomer.head.name, "no CRTC left for a display");
                }
            }
        }
    }
}
