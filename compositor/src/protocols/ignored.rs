//! Protocols that a kiosk accepts without effect: the system bell, tearing control, keyboard shortcuts inhibition.
//!
//! keyboard-shortcuts-inhibit is granted to all: there are no shortcuts of a window manager, so that every key reaches
//! the focused window anyway. Only the keys for virtual terminals stay with kioskd in any case, as people leave the
//! kiosk by them.

use smithay::reexports::{
    wayland_protocols::{
        wp::{
            keyboard_shortcuts_inhibit::zv1::server::{
                zwp_keyboard_shortcuts_inhibit_manager_v1::{
                    self, Error as InhibitError, ZwpKeyboardShortcutsInhibitManagerV1,
                },
                zwp_keyboard_shortcuts_inhibitor_v1::{self, ZwpKeyboardShortcutsInhibitorV1},
            },
            tearing_control::v1::server::{
                wp_tearing_control_manager_v1::{self, Error as TearingError, WpTearingControlManagerV1},
                wp_tearing_control_v1::{self, WpTearingControlV1},
            },
        },
        xdg::system_bell::v1::server::xdg_system_bell_v1::{self, XdgSystemBellV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle},
};

use super::attached::attach;
use crate::{
    kiosk::Kiosk,
    limits::refusal::{self, Repeated},
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of each protocol.
const VERSION: u32 = 1;

/// The protocols, which have no state.
pub struct Ignored;

impl Ignored {
    /// Offers the globals.
    pub fn offer(display: &DisplayHandle) {
        display.create_global::<Kiosk, XdgSystemBellV1, ()>(VERSION, ());
        display.create_global::<Kiosk, WpTearingControlManagerV1, ()>(VERSION, ());
        display.create_global::<Kiosk, ZwpKeyboardShortcutsInhibitManagerV1, ()>(VERSION, ());
    }
}

impl Dispatch<XdgSystemBellV1, (), Kiosk> for Ignored {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &XdgSystemBellV1,
        request: xdg_system_bell_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        static LOG: Repeated = Repeated::new();
        if matches!(request, xdg_system_bell_v1::Request::Ring { .. })
            && let Some(more) = LOG.count()
        {
            tracing::debug!(more, "a client rang the bell, and there is none");
        }
    }
}

impl Dispatch<WpTearingControlManagerV1, (), Kiosk> for Ignored {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        manager: &WpTearingControlManagerV1,
        request: wp_tearing_control_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let wp_tearing_control_manager_v1::Request::GetTearingControl { id, surface } = request else { return };
        let control = init.init(id, ());
        if !attach(&surface, &control) {
            refusal::post(manager, TearingError::TearingControlExists, "the surface has a wp_tearing_control_v1");
        }
    }
}

impl Dispatch<WpTearingControlV1, (), Kiosk> for Ignored {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &WpTearingControlV1,
        _: wp_tearing_control_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }
}

impl Dispatch<ZwpKeyboardShortcutsInhibitManagerV1, (), Kiosk> for Ignored {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        manager: &ZwpKeyboardShortcutsInhibitManagerV1,
        request: zwp_keyboard_shortcuts_inhibit_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwp_keyboard_shortcuts_inhibit_manager_v1::Request::InhibitShortcuts { id, surface, .. } = request else {
            return;
        };
        let inhibitor = init.init(id, ());
        if !attach(&surface, &inhibitor) {
            refusal::post(manager, InhibitError::AlreadyInhibited, "the surface's shortcuts are inhibited already");
            return;
        }
        inhibitor.active();
    }
}

impl Dispatch<ZwpKeyboardShortcutsInhibitorV1, (), Kiosk> for Ignored {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZwpKeyboardShortcutsInhibitorV1,
        _: zwp_keyboard_shortcuts_inhibitor_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }
}

plain! {
    XdgSystemBellV1 => Ignored;
    WpTearingControlManagerV1 => Ignored;
    ZwpKeyboardShortcutsInhibitManagerV1 => Ignored;
}
objects! {
    XdgSystemBellV1, () => Ignored;
    WpTearingControlManagerV1, () => Ignored;
    WpTearingControlV1, () => Ignored;
    ZwpKeyboardShortcutsInhibitManagerV1, () => Ignored;
    ZwpKeyboardShortcutsInhibitorV1, () => Ignored;
}
