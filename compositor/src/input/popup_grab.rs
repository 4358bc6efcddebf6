//! Ends a popup's grab in time. smithay releases keyboard and pointer at the next key or movement; until then a client
//! that died with an open menu would keep them from others. Called at the end of each turn.

use smithay::{
    desktop::{PopupGrab, PopupUngrabStrategy, find_popup_root_surface},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::SERIAL_COUNTER,
};

use crate::kiosk::Kiosk;

impl Kiosk {
    /// A window was mapped: dismisses popups with a grab below it, which would take the keys while they are covered.
    pub(crate) fn dismiss_covered_grab(&mut self, came: &WlSurface) {
        let Some(grab) = self.seat.popup_grab.as_ref().filter(|grab| !grab.has_ended()) else { return };
        let popup = grab.current_grab().and_then(|surface| self.stage.popups.find_popup(&surface));
        if popup.and_then(|popup| find_popup_root_surface(&popup).ok()).is_some_and(|root| root != *came)
            && let Some(mut grab) = self.seat.popup_grab.take()
        {
            grab.ungrab(PopupUngrabStrategy::All);
            self.release_grab(&grab);
        }
    }

    pub(crate) fn release_ended_grab(&mut self) {
        if let Some(grab) = self.seat.popup_grab.take_if(|grab| grab.has_ended()) {
            self.release_grab(&grab);
        }
    }

    /// Restores the keyboard and pointer focus without the popup, even if its client does not destroy it.
    fn release_grab(&mut self, grab: &PopupGrab<Self>) {
        let serials = [Some(grab.serial()), grab.previous_serial()];
        let serials = || serials.into_iter().flatten();
        if let Some(keyboard) = self.seat.seat.get_keyboard()
            && serials().any(|serial| keyboard.has_grab(serial))
        {
            keyboard.unset_grab(self);
        }
        if let Some(pointer) = self.seat.seat.get_pointer()
            && serials().any(|serial| pointer.has_grab(serial))
        {
            let time = self.now().as_millis() as u32;
            pointer.unset_grab(self, SERIAL_COUNTER.next_serial(), time);
        }
        self.windows_changed();
    }
}
