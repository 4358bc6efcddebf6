//! What the X server is told: the wanted state, and the state of single windows.

use x11rb::{
    CURRENT_TIME, NONE,
    protocol::xproto::{
        Atom, AtomEnum, CONFIGURE_NOTIFY_EVENT, ClientMessageEvent, ConfigureNotifyEvent, ConfigureWindowAux,
        ConnectionExt as _, EventMask, InputFocus, PropMode, StackMode, Window,
    },
    wrapper::ConnectionExt as _,
};

use super::Session;
use crate::xwayland::wm::{
    Wanted,
    clipboard::{KINDS, index},
    error::SessionError,
    model::{Geometry, Kind},
};

/// Largest position and size in X.
const MOST: u32 = 32_767;
/// Dots per inch where one logical pixel is one pixel.
const DPI: f64 = 96.0;

impl Session {
    /// The synthetic ConfigureNotify that ICCCM requires when a request is not granted.
    pub(super) fn tell_place(&self, window: Window, place: Geometry) -> Result<(), SessionError> {
        let event = ConfigureNotifyEvent {
            response_type: CONFIGURE_NOTIFY_EVENT,
            sequence: 0,
            event: window,
            window,
            above_sibling: NONE,
            x: coordinate(place.x),
            y: coordinate(place.y),
            width: extent(place.width),
            height: extent(place.height),
            border_width: 0,
            override_redirect: false,
        };
        self.connection.send_event(false, window, EventMask::STRUCTURE_NOTIFY, event)?;
        Ok(())
    }

    pub(super) fn move_to(&self, window: Window, place: Geometry) -> Result<(), SessionError> {
        let aux = ConfigureWindowAux::new()
            .x(i32::from(coordinate(place.x)))
            .y(i32::from(coordinate(place.y)))
            .width(u32::from(extent(place.width)))
            .height(u32::from(extent(place.height)))
            .border_width(0);
        self.connection.configure_window(window, &aux)?;
        Ok(())
    }

    pub(super) fn carry_out(&mut self, wanted: Wanted) -> Result<(), SessionError> {
        if wanted == self.done {
            return Ok(());
        }
        for (window, known) in self.model.mapped() {
            let lies = (known.place.x, known.place.y);
            match (known.kind(), wanted.at.get(&window)) {
                (Kind::Main, _) if known.place != wanted.area && wanted.area != self.done.area => {
                    self.move_to(window, wanted.area)?;
                }
                // Its program chooses its size.
                (Kind::Dialog | Kind::Free, Some(at)) if *at != lies && self.done.at.get(&window) != Some(at) => {
                    let aux = ConfigureWindowAux::new().x(i32::from(coordinate(at.0))).y(i32::from(coordinate(at.1)));
                    self.connection.configure_window(window, &aux)?;
                }
                _ => {}
            }
        }
        if wanted.scale != self.done.scale && wanted.scale > 0.0 {
            let text = format!("Xft.dpi:\t{}\n", (wanted.scale * DPI).round());
            let database = AtomEnum::RESOURCE_MANAGER;
            self.connection.change_property8(
                PropMode::REPLACE,
                self.root,
                database,
                AtomEnum::STRING,
                text.as_bytes(),
            )?;
        }
        let focus = wanted.focus.filter(|window| self.model.get(*window).is_some_and(|known| known.mapped));
        if focus != self.done.focus {
            self.focus(focus)?;
        }
        for kind in KINDS {
            let at = index(kind);
            if let (Some(offer), Some(done)) = (wanted.offers.get(at), self.done.offers.get(at))
                && offer != done
            {
                self.clipboard.offer(&self.connection, &self.atoms, kind, offer.forms.clone())?;
            }
        }
        // An unmapped window gets the focus when it is mapped.
        self.done = Wanted { focus, ..wanted };
        Ok(())
    }

    /// A window was unmapped. If it is mapped again before another focus is wanted, it is focused again.
    pub(super) fn unfocus(&mut self, window: Window) -> Result<(), SessionError> {
        if self.done.focus == Some(window) {
            self.focus(None)?;
            self.done.focus = None;
        }
        Ok(())
    }

    fn focus(&mut self, focus: Option<Window>) -> Result<(), SessionError> {
        let known = focus.and_then(|window| Some((window, self.model.get(window).filter(|known| known.mapped)?.hints)));
        let active = known.map_or(NONE, |(window, _)| window);
        match known {
            Some((window, hints)) => {
                let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
                self.connection.configure_window(window, &above)?;
                if hints.takes_keys {
                    self.connection.set_input_focus(InputFocus::POINTER_ROOT, window, CURRENT_TIME)?;
                }
                if hints.takes_focus {
                    self.send_protocol(window, self.atoms.WM_TAKE_FOCUS, [CURRENT_TIME, 0])?;
                }
            }
            None => drop(self.connection.set_input_focus(InputFocus::NONE, NONE, CURRENT_TIME)?),
        }
        let name = self.atoms._NET_ACTIVE_WINDOW;
        self.connection.change_property32(PropMode::REPLACE, self.root, name, AtomEnum::WINDOW, &[active])?;
        Ok(())
    }

    /// Asks a window to close. A program that does not know how is ended, as other window managers do.
    pub(super) fn close(&self, window: Window) -> Result<(), SessionError> {
        match self.model.get(window).filter(|known| known.mapped) {
            Some(known) if known.hints.closes => {
                self.send_protocol(window, self.atoms.WM_DELETE_WINDOW, [CURRENT_TIME, 0])?
            }
            Some(_) => drop(self.connection.kill_client(window)?),
            None => {}
        }
        Ok(())
    }

    /// Asks a window for an answer, if it knows how. EWMH has the server's time in it, which nobody looks at: a number of
    /// ours tells late answers apart.
    pub(super) fn ping(&mut self, window: Window) -> Result<(), SessionError> {
        self.pings = self.pings.wrapping_add(1);
        if self.model.ping(window, self.pings) {
            self.send_protocol(window, self.atoms._NET_WM_PING, [self.pings, window])?;
        }
        Ok(())
    }

    /// Sends a message of `WM_PROTOCOLS`, whose first word after the protocol is a time.
    fn send_protocol(&self, window: Window, protocol: Atom, [time, more]: [u32; 2]) -> Result<(), SessionError> {
        let words = [protocol, time, more, 0, 0];
        let message = ClientMessageEvent::new(32, window, self.atoms.WM_PROTOCOLS, words);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?;
        Ok(())
    }

    pub(super) fn set_state(&self, window: Window, state: u32) -> Result<(), SessionError> {
        let name = self.atoms.WM_STATE;
        self.connection.change_property32(PropMode::REPLACE, window, name, name, &[state, NONE])?;
        Ok(())
    }

    pub(super) fn list_windows(&self) -> Result<(), SessionError> {
        let windows: Vec<Window> =
            self.model.mapped().filter(|(_, known)| !known.free).map(|(window, _)| window).collect();
        let name = self.atoms._NET_CLIENT_LIST;
        self.connection.change_property32(PropMode::REPLACE, self.root, name, AtomEnum::WINDOW, &windows)?;
        Ok(())
    }
}

fn coordinate(value: i32) -> i16 {
    i16::try_from(value.clamp(-(MOST as i32), MOST as i32)).unwrap_or_default()
}

fn extent(value: u32) -> u16 {
    u16::try_from(value.clamp(1, MOST)).unwrap_or(1)
}
