//! Which events of an input that woke the screens are withheld from clients: a touch until every finger is up, a key or
//! a button until its release, a gesture or a pen's stroke until its end.
//!
//! No I/O; [`super::wake`] says what an event is, and [`Kiosk::input`](crate::kiosk::Kiosk::input) asks before it
//! passes it on. Keys are handled in [`super::keys`], as their modifiers still apply.

use std::collections::HashSet;

use smithay::backend::input::TouchSlot;

/// What can be held down on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contact {
    Finger(TouchSlot),
    /// A mouse's, by its Linux code.
    Button(u32),
    /// A pen near the panel, with its tip and its buttons.
    Pen,
    Gesture,
}

/// One device's contact: slot and button numbers are per device.
pub type On = (String, Contact);

/// What an input event is to a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Begins(On),
    GoesOn(On),
    Ends(On),
    /// A wheel's click: over at once.
    Once,
    /// The pen left this device's range: always sent.
    PenLeaves(String),
    /// The panel cancelled all touches: always sent.
    FingersCancelled(String),
    /// The device is gone: its releases will not come.
    DeviceGone(String),
    /// Never withheld here.
    Free,
}

/// The contacts that are withheld from clients.
#[derive(Debug, Default)]
pub struct Swallow {
    held: HashSet<On>,
}

impl Swallow {
    /// Whether this is withheld from clients. `woke`: it just lit the screens.
    pub fn takes(&mut self, act: Act, woke: bool) -> bool {
        match act {
            Act::Begins(on) => {
                let with_others = matches!(on.1, Contact::Finger(_)) && self.any_finger(&on.0);
                let takes = woke || with_others;
                if takes {
                    self.held.insert(on);
                }
                takes
            }
            Act::GoesOn(on) => {
                let takes = woke || self.held.contains(&on);
                // A gesture whose begin was sent gets its end.
                if woke && on.1 != Contact::Gesture {
                    self.held.insert(on);
                }
                takes
            }
            Act::Ends(on) => self.held.remove(&on),
            Act::Once => woke,
            Act::PenLeaves(device) => {
                self.held.remove(&(device, Contact::Pen));
                false
            }
            Act::FingersCancelled(device) => {
                self.held.retain(|(on, contact)| !matches!(contact, Contact::Finger(_)) || *on != device);
                false
            }
            Act::DeviceGone(device) => {
                self.held.retain(|(on, _)| *on != device);
                false
            }
            Act::Free => false,
        }
    }

    /// Drops all contacts: their releases will not reach us.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    fn any_finger(&self, device: &str) -> bool {
        self.held.iter().any(|(on, contact)| matches!(contact, Contact::Finger(_)) && on == device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(device: &str, contact: Contact) -> On {
        (device.to_owned(), contact)
    }

    fn finger(slot: u32) -> On {
        on("panel", Contact::Finger(Some(slot).into()))
    }

    fn pen() -> On {
        on("tablet", Contact::Pen)
    }

    #[test]
    fn all_fingers_are_swallowed_until_all_are_up() {
        let mut swallow = Swallow::default();
        assert!(swallow.takes(Act::Begins(finger(0)), true));
        assert!(swallow.takes(Act::Begins(finger(1)), false));
        assert!(swallow.takes(Act::GoesOn(finger(0)), false));
        assert!(swallow.takes(Act::Ends(finger(0)), false));
        assert!(swallow.takes(Act::Begins(finger(2)), false), "the second finger is still down");
        assert!(swallow.takes(Act::Ends(finger(1)), false));
        assert!(swallow.takes(Act::Ends(finger(2)), false));
        assert!(!swallow.takes(Act::Begins(finger(0)), false));
        assert!(!swallow.takes(Act::Ends(finger(0)), false));
    }

    #[test]
    fn a_click_is_swallowed_to_its_release() {
        let mut swallow = Swallow::default();
        let (left, right) = (on("mouse", Contact::Button(0x110)), on("mouse", Contact::Button(0x111)));
        assert!(swallow.takes(Act::Begins(left.clone()), true));
        assert!(!swallow.takes(Act::Begins(right.clone()), false), "another button is another click");
        assert!(!swallow.takes(Act::Ends(right.clone()), false));
        assert!(swallow.takes(Act::Ends(left.clone()), false));
        assert!(!swallow.takes(Act::Begins(left.clone()), false));
        assert!(swallow.takes(Act::Once, true));
        assert!(!swallow.takes(Act::Once, false));
    }

    #[test]
    fn a_cancelled_touch_is_over() {
        let mut swallow = Swallow::default();
        assert!(swallow.takes(Act::Begins(finger(0)), true));
        assert!(!swallow.takes(Act::FingersCancelled("panel".into()), false), "clients may know: it does no harm");
        assert!(!swallow.takes(Act::Begins(finger(1)), false));
        swallow.takes(Act::Begins(on("mouse", Contact::Button(1))), true);
        swallow.forget();
        assert!(!swallow.takes(Act::Ends(on("mouse", Contact::Button(1))), false));
    }

    #[test]
    fn a_pen_is_swallowed_until_it_leaves() {
        let mut swallow = Swallow::default();
        assert!(swallow.takes(Act::Begins(pen()), true));
        assert!(swallow.takes(Act::GoesOn(pen()), false));
        assert!(!swallow.takes(Act::PenLeaves("tablet".into()), false));
        assert!(!swallow.takes(Act::GoesOn(pen()), false));
    }

    #[test]
    fn a_panels_fingers_are_its_own() {
        let mut swallow = Swallow::default();
        let other = |slot: u32| on("other panel", Contact::Finger(Some(slot).into()));
        assert!(swallow.takes(Act::Begins(finger(0)), true));
        assert!(!swallow.takes(Act::Begins(other(0)), false), "somebody else touches another screen");
        assert!(!swallow.takes(Act::GoesOn(other(0)), false));
        assert!(!swallow.takes(Act::Ends(other(0)), false));
        assert!(swallow.takes(Act::GoesOn(finger(0)), false), "the end of the other one's was not this one's");
        swallow.takes(Act::FingersCancelled("other panel".into()), false);
        assert!(swallow.takes(Act::GoesOn(finger(0)), false));
        swallow.takes(Act::DeviceGone("panel".into()), false);
        assert!(!swallow.takes(Act::Begins(finger(1)), false), "the panel came back, the finger of then did not");
    }
}
