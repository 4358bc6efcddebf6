//! An on-screen keyboard of another program (`[keyboard] use = "external"`) on its own socket. Windows get the area that
//! its layer surfaces leave, as with the built-in keyboard; the page and D-Bus are told of it. Whether it is shown is the
//! program's decision, by input-method. Called once a turn.

use kiosk_core::config::KeyboardUse;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Rectangle},
};

use crate::{
    keyboard::presence::Mode,
    kiosk::Kiosk,
    privilege::{ClientState, Privilege},
};

/// Whether a client of the keyboard's socket has this surface.
fn is_keyboards(surface: &WlSurface) -> bool {
    let client = surface.client();
    client.and_then(|client| client.get_data::<ClientState>().map(|state| state.privilege)) == Some(Privilege::Keyboard)
}

impl Kiosk {
    fn has_external_keyboard(&self) -> bool {
        self.settings.config.keyboard.when == KeyboardUse::External
    }

    /// Places windows again when an external keyboard appears, disappears or changes its size.
    pub(super) fn follow_external_keyboard(&mut self) {
        let shells = if self.has_external_keyboard() { self.stage.shells.len() } else { 0 };
        let left: Vec<_> = (0..shells).map(|shell| self.left_by_keyboard(shell)).collect();
        if left != self.seat.keyboard_control.left {
            self.seat.keyboard_control.left = left;
            self.keyboard_moved();
        }
    }

    fn left_by_keyboard(&self, shell: usize) -> Rectangle<i32, Logical> {
        let Some(screen) = self.screens.screen_for(shell) else { return Rectangle::default() };
        self.stage.layers.left_by(screen.id, screen.geometry(), is_keyboards)
    }

    /// The area of this shell's screen that an external keyboard covers.
    fn external_keyboard_area(&self, shell: usize) -> Option<Rectangle<i32, Logical>> {
        let left = self.seat.keyboard_control.left.get(shell)?;
        let whole = self.screen_area_of(shell);
        let covered = whole.size.h - left.size.h;
        let top = if left.loc.y > whole.loc.y { whole.loc.y } else { whole.loc.y + left.size.h };
        (covered > 0).then(|| Rectangle::new((whole.loc.x, top).into(), (whole.size.w, covered).into()))
    }

    /// The area of this shell's screen that the built-in or an external keyboard covers.
    pub(super) fn keyboard_area(&self, shell: usize) -> Option<Rectangle<i32, Logical>> {
        let place = self.stage.keyboard.place().filter(|place| place.shell == shell && self.keyboard_is_shown());
        place.map(|place| place.area).or_else(|| self.external_keyboard_area(shell))
    }

    /// Whether any on-screen keyboard is shown.
    pub(crate) fn any_keyboard_is_shown(&self) -> bool {
        (0..self.stage.shells.len()).any(|shell| self.keyboard_area(shell).is_some())
    }

    /// Whether fields are withheld from an external keyboard, as it was hidden by command.
    pub(crate) fn hides_external_keyboard(&self) -> bool {
        self.has_external_keyboard() && self.seat.keyboard_control.presence.mode() == Mode::Hide
    }
}
