//! What of an input that woke the screens is kept from clients: a touch until every finger is up, a key or a
//! button until its release, a gesture or a pen's stroke until its end.
//!
//! No I/O; [`super::wake`] says what an event is, and [`Kiosk::input`](crate::kiosk::Kiosk::input) asks before it
//! passes it on. Keys are not here: [`super::keys`] keeps them, for their modifiers count all the same.

use std::collections::HashSet;

use smithay::backend::input::TouchSlot;

/// What a hand can hold down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contact {
    Finger(TouchSlot),
    /// A mouse's, by its Linux code.
    Button(u32),
    /// A pen near the panel, with its tip and its buttons.
    Pen,
    Gesture,
}

/// What an input event is to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Begins(Contact),
    GoesOn(Contact),
    Ends(Contact),
    /// A wheel's click: over at once.
    Once,
    /// The pen is out of reach: for clients to know, whatever they knew before.
    PenLeaves,
    /// Every finger is off, by the panel's word: for clients to know too.
    FingersCancelled,
    /// Not kept from anyone here.
    Free,
}

/// The contacts that clients do not know of.
#[derive(Debug, Default)]
pub struct Swallow {
    held: HashSet<Contact>,
}

impl Swallow {
    /// Whether this is kept from clients. `woke`: it just lit the screens, and is to do nothing else.
    pub fn takes(&mut self, act: Act, woke: bool) -> bool {
        match act {
            Act::Begins(contact) => {
                let with_others = matches!(contact, Contact::Finger(_)) && self.any_finger();
                let takes = woke || with_others;
                if takes {
                    self.held.insert(contact);
                }
                takes
            }
            Act::GoesOn(contact) => {
                // Of a gesture that clients saw begin they are to see the end.
                if woke && contact != Contact::Gesture {
                    self.held.insert(contact);
                }
                woke || self.held.contains(&contact)
            }
            Act::Ends(contact) => self.held.remove(&contact),
            Act::Once => woke,
            Act::PenLeaves => {
                self.held.remove(&Contact::Pen);
                false
            }
            Act::FingersCancelled => {
                self.held.retain(|contact| !matches!(contact, Contact::Finger(_)));
                false
            }
            Act::Free => false,
        }
    }

    /// Whatever is held will be released where we do not see it.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    fn any_finger(&self) -> bool {
        self.held.iter().any(|contact| matches!(contact, Contact::Finger(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finger(slot: u32) -> Contact {
        Contact::Finger(Some(slot).into())
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
        let (left, right) = (Contact::Button(0x110), Contact::Button(0x111));
        assert!(swallow.takes(Act::Begins(left), true));
        assert!(!swallow.takes(Act::Begins(right), false), "another button is another click");
        assert!(!swallow.takes(Act::Ends(right), false));
        assert!(swallow.takes(Act::Ends(left), false));
        assert!(!swallow.takes(Act::Begins(left), false));
        assert!(swallow.takes(Act::Once, true));
        assert!(!swallow.takes(Act::Once, false));
    }

    #[test]
    fn a_cancelled_touch_is_over() {
        let mut swallow = Swallow::default();
        assert!(swallow.takes(Act::Begins(finger(0)), true));
        assert!(!swallow.takes(Act::FingersCancelled, false), "clients may know: it does no harm");
        assert!(!swallow.takes(Act::Begins(finger(1)), false));
        swallow.takes(Act::Begins(Contact::Button(1)), true);
        swallow.forget();
        assert!(!swallow.takes(Act::Ends(Contact::Button(1)), false));
    }

    #[test]
    fn a_pen_is_swallowed_until_it_leaves() {
        let mut swallow = Swallow::default();
        assert!(swallow.takes(Act::Begins(Contact::Pen), true));
        assert!(swallow.takes(Act::GoesOn(Contact::Pen), false));
        assert!(!swallow.takes(Act::PenLeaves, false));
        assert!(!swallow.takes(Act::GoesOn(Contact::Pen), false));
    }
}
