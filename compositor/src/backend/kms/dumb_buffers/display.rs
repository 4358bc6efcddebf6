//! A display's planes, of which only the primary one is used.

use smithay::{
    backend::drm::{DrmDeviceFd, DrmError, DrmSurface, PlaneClaim, PlaneConfig, PlaneState},
    reexports::drm::control::plane,
    utils::{Physical, Rectangle},
};

use super::flip::PageFlip;
use crate::backend::{
    PresentError,
    kms::{
        quirks::Quirks,
        refusal::{device_error, io_error},
    },
};

/// Shows one framebuffer after the other on a display.
pub struct Display {
    pub surface: DrmSurface,
    /// Keeps the primary plane from the device's other displays.
    _claim: Option<PlaneClaim>,
    /// The other planes that may be switched off.
    others: Vec<plane::Handle>,
    flip: Option<PageFlip>,
    /// What is on the planes is not known: the next frame sets all of them.
    anew: bool,
}

impl Display {
    /// Uses the primary plane of `surface`.
    pub fn new(surface: DrmSurface, quirks: &Quirks) -> Self {
        let mut planes = surface.planes().clone();
        quirks.restrict(&mut planes);
        let others = match surface.is_legacy() {
            true => Vec::new(),
            false => planes.cursor.iter().chain(&planes.overlay).map(|plane| plane.handle).collect(),
        };
        let (claim, flip) = (surface.claim_plane(surface.plane()), PageFlip::new(&surface));
        Self { surface, _claim: claim, others, flip, anew: true }
    }

    /// Whether the next frame sets more than what changes from frame to frame.
    pub fn is_set_anew(&self) -> bool {
        self.anew || self.surface.commit_pending()
    }

    /// Shows a framebuffer, of which `damage` differs from the one before; the page flip's event follows.
    pub fn show(
        &mut self,
        fd: &DrmDeviceFd,
        shown: PlaneConfig<'_>,
        damage: &[Rectangle<i32, Physical>],
    ) -> Result<(), PresentError> {
        if !self.surface.is_active() {
            return Err(PresentError::Inactive);
        }
        let result = match self.flip {
            Some(flip) if !self.is_set_anew() => flip.queue(fd, &shown, damage).map_err(io_error),
            _ => self.set(shown).map_err(device_error),
        };
        // After a refusal nothing is taken for known.
        self.anew = result.is_err();
        result
    }

    fn set(&self, shown: PlaneConfig<'_>) -> Result<(), DrmError> {
        let primary = PlaneState { handle: self.surface.plane(), config: Some(shown) };
        // Those that another display has claimed are that one's.
        let claims: Vec<_> = self.others.iter().filter_map(|plane| self.surface.claim_plane(*plane)).collect();
        let others = claims.iter().map(|claim| PlaneState { handle: claim.plane(), config: None });
        let planes = std::iter::once(primary).chain(others);
        match self.surface.commit_pending() {
            true => self.surface.commit(planes, true),
            false => self.surface.page_flip(planes, true),
        }
    }

    /// Drops the cached KMS state: the next frame sets everything again.
    pub fn reset_state(&mut self) -> Result<(), DrmError> {
        self.anew = true;
        self.surface.reset_state()
    }

    /// Switches the CRTC and the plane off.
    pub fn clear(&mut self) -> Result<(), DrmError> {
        self.anew = true;
        self.surface.clear()
    }
}
