//! The end of a popup's grab. smithay gives keyboard and pointer back at the next key or movement; until then a client
//! that died with its menu open would keep them from the next one, and be counted as one that is there. Called at the end
//! of each turn.

use smithay::utils::SERIAL_COUNTER;

use crate::kiosk::Kiosk;

impl Kiosk {
    /// Gives keyboard and pointer to whoever has them without the popup, if that is gone.
    pub(crate) fn release_ended_grab(&mut self) {
        let Some(grab) = self.seat.popup_grab.take_if(|grab| grab.has_ended()) else { return };
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
