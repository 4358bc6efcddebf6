//! Pens on tablets and panels: from tablet coordinates to surfaces.

use smithay::{
    backend::input::{
        Device, InputBackend, ProximityState, TabletToolAxisEvent, TabletToolButtonEvent, TabletToolProximityEvent,
        TabletToolTipEvent, TabletToolTipState,
    },
    utils::SERIAL_COUNTER,
    wayland::tablet_manager::{TabletHandle, TabletSeatTrait},
};

use crate::{kiosk::Kiosk, stage::chooser::Hand};

impl Kiosk {
    fn tablet(&self, device: &impl Device) -> Option<TabletHandle> {
        let known = self.seat.devices.tablet(&device.id())?;
        self.seat.seat.tablet_seat().get_tablet(known)
    }

    /// Sends a proximity-out for every pen, so that no stroke continues elsewhere; a pen that is still near returns
    /// with its next event.
    pub(super) fn lift_pens(&mut self) {
        let time = self.now().as_millis() as u32;
        let seat = self.seat.seat.tablet_seat();
        for tool in self.seat.pens.values().filter_map(|tool| seat.get_tool(tool)) {
            tool.proximity_out(time);
        }
    }

    pub(super) fn tool_moved<B: InputBackend>(&mut self, event: &impl TabletToolAxisEvent<B>) {
        let location = self.place(event);
        self.chooser_moved(&Hand::Pen(event.device().id()), location);
        let under = self.under(location);
        let seat = self.seat.seat.tablet_seat();
        let (Some(tablet), Some(tool)) = (self.tablet(&event.device()), seat.get_tool(&event.tool())) else { return };
        if event.pressure_has_changed() {
            tool.pressure(event.pressure());
        }
        if event.distance_has_changed() {
            tool.distance(event.distance());
        }
        if event.tilt_has_changed() {
            tool.tilt(event.tilt());
        }
        if event.rotation_has_changed() {
            tool.rotation(event.rotation());
        }
        if event.slider_has_changed() {
            tool.slider_position(event.slider_position());
        }
        if event.wheel_has_changed() {
            tool.wheel(event.wheel_delta(), event.wheel_delta_discrete());
        }
        tool.motion(location, under, &tablet, SERIAL_COUNTER.next_serial(), event.time_msec());
    }

    pub(super) fn tool_proximity<B: InputBackend>(&mut self, event: &impl TabletToolProximityEvent<B>) {
        let location = self.place(event);
        let under = self.under(location);
        let seat = self.seat.seat.tablet_seat();
        let display = self.main_loop.display.clone();
        let tool = seat.add_tool::<Self>(self, &display, &event.tool());
        let Some(tablet) = self.tablet(&event.device()) else { return };
        let handle = event.device().id();
        match event.state() {
            ProximityState::In => self.seat.pens.insert(handle, event.tool()),
            ProximityState::Out => self.seat.pens.remove(&handle),
        };
        match (event.state(), under) {
            (ProximityState::In, Some(under)) => {
                tool.proximity_in(location, under, &tablet, SERIAL_COUNTER.next_serial(), event.time_msec());
            }
            (ProximityState::Out, _) => tool.proximity_out(event.time_msec()),
            (ProximityState::In, None) => {}
        }
    }

    pub(super) fn tool_tip<B: InputBackend>(&mut self, event: &impl TabletToolTipEvent<B>) {
        let hand = Hand::Pen(event.device().id());
        let location = self.place(event);
        match event.tip_state() {
            TabletToolTipState::Down if self.chooser_press(hand.clone(), location) => return,
            TabletToolTipState::Down => {}
            TabletToolTipState::Up => self.chooser_release(&hand),
        }
        let Some(tool) = self.seat.seat.tablet_seat().get_tool(&event.tool()) else { return };
        match event.tip_state() {
            TabletToolTipState::Down => {
                if let Some((surface, _)) = self.under(location) {
                    self.focus_window_of(&surface);
                }
                tool.tip_down(SERIAL_COUNTER.next_serial(), event.time_msec());
            }
            TabletToolTipState::Up => tool.tip_up(event.time_msec()),
        }
    }

    pub(super) fn tool_button<B: InputBackend>(&mut self, event: &impl TabletToolButtonEvent<B>) {
        let Some(tool) = self.seat.seat.tablet_seat().get_tool(&event.tool()) else { return };
        tool.button(event.button(), event.button_state(), SERIAL_COUNTER.next_serial(), event.time_msec());
    }
}
