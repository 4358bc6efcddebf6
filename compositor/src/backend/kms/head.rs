//! One connected display of a card: its modes with their timings, its CRTC, its presenter, and the fallback to other
//! modes when the driver refuses one.

use smithay::reexports::drm::control::{Mode, connector, crtc};

use super::{connectors::Found, gamma::GammaTable, present::Presenter, timing};
use crate::{
    backend::{BackendError, PresentError},
    screens::{Head, HeadMode, mode::fallbacks},
};

/// After so many failures in a row the mode counts as refused: a single one may come from another program that is about
/// to release the device.
const MAX_FAILURES: u32 = 3;

/// A connected display.
pub struct CardHead {
    /// What the rest of the compositor knows of it.
    pub head: Head,
    /// The kernel's connector object.
    pub connector: connector::Handle,
    /// The one that drives it now, one of `crtcs`.
    pub crtc: crtc::Handle,
    /// Those that could drive it.
    pub crtcs: Vec<crtc::Handle>,
    /// Queues its frames; `None`: not needed yet, switched off, or it could not be made.
    pub presenter: Option<Presenter>,
    /// Not switched off.
    pub on: bool,
    /// Of its CRTC.
    pub gamma: GammaTable,
    /// The timings of the listed modes, in the head's order.
    modes: Vec<Mode>,
    /// The last mode in which a frame was accepted.
    proven: Option<HeadMode>,
    /// Modes that failed since then, and how often in a row the one in force did.
    refused: Vec<HeadMode>,
    failures: u32,
    /// Every mode failed: the cause is something else, perhaps a passing one.
    hopeless: bool,
}

impl CardHead {
    /// A head without a presenter.
    pub fn new(found: Found, crtc: crtc::Handle) -> Self {
        Self {
            head: found.head,
            connector: found.connector,
            crtc,
            crtcs: found.crtcs,
            presenter: None,
            on: true,
            gamma: GammaTable::default(),
            modes: found.modes,
            proven: None,
            refused: Vec::new(),
            failures: 0,
            hopeless: false,
        }
    }

    /// Takes over what a new scan found. The mode in force stays so for as long as the display lists it.
    pub fn refresh(&mut self, found: Found) {
        let before = self.mode();
        self.head = found.head;
        self.modes = found.modes;
        self.crtcs = found.crtcs;
        if let Some(before) = before {
            self.head.switch_to(before);
        }
    }

    /// The mode in force.
    pub fn mode(&self) -> Option<HeadMode> {
        self.head.modes.get(self.head.mode).copied()
    }

    /// The timings of one of its modes, or of a custom one.
    pub fn timing_of(&self, mode: HeadMode) -> Option<Mode> {
        if mode.custom.is_some() {
            return timing::custom(mode);
        }
        let index = self.head.modes.iter().position(|listed| *listed == mode)?;
        self.modes.get(index).copied()
    }

    /// The timings that the next frame is shown with.
    pub fn timing(&self) -> Option<Mode> {
        self.timing_of(self.mode()?)
    }

    /// Uses another mode from the next frame on.
    pub fn set_mode(&mut self, mode: HeadMode) -> Result<(), BackendError> {
        let timing = self.timing_of(mode).ok_or(BackendError::NotListed)?;
        if let Some(presenter) = &mut self.presenter {
            presenter.use_mode(timing).map_err(BackendError::device)?;
        }
        self.head.switch_to(mode);
        self.failures = 0;
        self.hopeless = false;
        Ok(())
    }

    /// A frame is on its way: the mode works.
    pub fn accepted(&mut self) {
        self.failures = 0;
        self.hopeless = false;
        if self.proven != self.mode() {
            self.proven = self.mode();
            self.refused.clear();
        }
    }

    /// A frame was refused. A mode that never worked is replaced by another one.
    pub fn failed(&mut self, cause: PresentError) -> PresentError {
        let Some(mode) = self.mode().filter(|mode| !self.hopeless && self.proven != Some(*mode)) else {
            return cause;
        };
        self.failures += 1;
        if self.failures < MAX_FAILURES {
            return cause;
        }
        self.failures = 0;
        self.refused.push(mode);
        let mut order = self.proven.into_iter().chain(fallbacks(&self.head.modes));
        match order.find(|next| !self.refused.contains(next) && self.timing_of(*next).is_some()) {
            Some(next) => {
                self.head.switch_to(next);
                PresentError::ModeRefused { refused: mode, used: next, cause: Box::new(cause) }
            }
            None => {
                let first = self.refused.first().copied().unwrap_or(mode);
                self.refused.clear();
                self.hopeless = true;
                self.head.switch_to(first);
                PresentError::EveryModeRefused { kept: first, cause: Box::new(cause) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::HeadId;
    use smithay::reexports::drm::control::from_u32;

    fn listed(width: u16, height: u16, preferred: bool) -> (HeadMode, Mode) {
        let mode = HeadMode {
            width: width.into(),
            height: height.into(),
            refresh: 60_000,
            preferred,
            custom: Some(60_000),
            interlaced: false,
        };
        let timing = timing::custom(mode).unwrap();
        (HeadMode { custom: None, ..mode }, timing)
    }

    fn head() -> CardHead {
        let (modes, timings) =
            [listed(1280, 720, false), listed(1920, 1080, true), listed(3840, 2160, false)].into_iter().unzip();
        let head =
            Head { id: HeadId(1), name: "DP-1".into(), identity: Default::default(), physical: (0, 0), modes, mode: 2 };
        let crtc = from_u32(5).unwrap();
        let found = Found { head, connector: from_u32(4).unwrap(), modes: timings, crtcs: vec![crtc] };
        CardHead::new(found, crtc)
    }

    fn refusal(text: &str) -> PresentError {
        PresentError::device(text)
    }

    /// Until another mode is used, with a limit.
    fn fail(head: &mut CardHead) -> Option<String> {
        (0..MAX_FAILURES).find_map(|_| match head.failed(refusal("EINVAL")) {
            error @ PresentError::ModeRefused { .. } => Some(error.to_string()),
            _ => None,
        })
    }

    fn size(head: &CardHead) -> (i32, i32) {
        head.mode().map(|mode| (mode.width, mode.height)).unwrap()
    }

    #[test]
    fn a_mode_that_never_worked_gives_way_to_one_that_may() {
        let mut head = head();
        let text = fail(&mut head).unwrap();
        assert!(text.contains("3840x2160") && text.contains("1920x1080") && text.contains("EINVAL"), "{text}");
        assert_eq!(size(&head), (1920, 1080));
        fail(&mut head).unwrap();
        assert_eq!(size(&head), (1280, 720));
        fail(&mut head).unwrap();
        assert_eq!(size(&head), (1024, 768), "listed or not");
        head.accepted();
        assert_eq!(fail(&mut head), None, "what worked is not to blame");
        assert_eq!(size(&head), (1024, 768));
    }

    #[test]
    fn a_new_mode_that_fails_goes_back_to_the_one_that_worked() {
        let mut head = head();
        head.head.mode = 0;
        head.accepted();
        let large = head.head.modes[2];
        head.set_mode(large).unwrap();
        fail(&mut head).unwrap();
        assert_eq!(size(&head), (1280, 720));
    }

    #[test]
    fn one_failure_is_no_refusal_and_when_all_fail_the_first_is_kept() {
        let mut head = head();
        assert!(matches!(head.failed(refusal("busy")), PresentError::Device(_)));
        assert_eq!(size(&head), (3840, 2160));
        let changes: Vec<PresentError> = (0..50).map(|_| head.failed(refusal("gone"))).collect();
        let changes: Vec<&PresentError> =
            changes.iter().filter(|error| !matches!(error, PresentError::Device(_))).collect();
        assert_eq!(changes.len(), 6, "each of the six modes, and then no more");
        assert!(matches!(changes.last(), Some(PresentError::EveryModeRefused { .. })), "{changes:?}");
        assert_eq!(size(&head), (3840, 2160));
    }
}
