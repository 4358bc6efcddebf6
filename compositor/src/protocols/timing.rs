//! Presentation time, and idle inhibition.

use smithay::{
    reexports::{
        wayland_protocols::wp::{
            idle_inhibit::zv1::server::{
                zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
            },
            presentation_time::server::{
                wp_presentation::WpPresentation, wp_presentation_feedback::WpPresentationFeedback,
            },
        },
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::IsAlive,
    wayland::{
        idle_inhibit::{IdleInhibitHandler, IdleInhibitManagerState, inhibitor::IdleInhibitorState},
        presentation::{PresentationFeedbackState, PresentationState},
    },
};

use crate::{
    kiosk::Kiosk,
    power,
    protocols::dispatch::{globals, objects},
};

impl IdleInhibitHandler for Kiosk {
    fn inhibit(&mut self, surface: WlSurface) {
        self.protocols.idle_inhibitors.retain(IsAlive::alive);
        self.protocols.idle_inhibitors.push(surface);
        self.inhibitors_changed();
    }

    fn uninhibit(&mut self, surface: WlSurface) {
        self.no_longer_inhibits(&surface);
    }
}

impl Kiosk {
    /// Removes the surface's idle inhibitors, if it has any.
    pub fn no_longer_inhibits(&mut self, surface: &WlSurface) {
        if self.protocols.idle_inhibitors.is_empty() {
            return;
        }
        self.protocols.idle_inhibitors.retain(|other| other.alive() && other != surface);
        self.inhibitors_changed();
    }

    fn inhibitors_changed(&mut self) {
        let inhibited = !self.protocols.idle_inhibitors.is_empty();
        self.tell_inhibited(inhibited);
        self.power_event(power::Event::Inhibited(inhibited));
    }
}

globals! {
    WpPresentation, u32 => PresentationState;
    ZwpIdleInhibitManagerV1, () => IdleInhibitManagerState;
}
objects! {
    WpPresentation, u32 => PresentationState;
    WpPresentationFeedback, () => PresentationFeedbackState;
    ZwpIdleInhibitManagerV1, () => IdleInhibitManagerState;
    ZwpIdleInhibitorV1, IdleInhibitorState => IdleInhibitManagerState;
}
