//! What is looked at, for the magnifier: where a finger is, where the pointer was moved, where text is typed; whichever
//! changed last. Pure.

use smithay::utils::{Logical, Point};

/// A place of the layout.
type Place = Point<f64, Logical>;

/// What is known of it.
#[derive(Debug, Default)]
pub struct Attention {
    finger: Option<Place>,
    pointer: Option<Place>,
    caret: Option<Place>,
    focus: Option<Place>,
}

impl Attention {
    /// How things are now; `finger`: where one was last, if one was since the last time. Returns whether something else is looked at.
    pub fn note(&mut self, finger: Option<Place>, pointer: Place, caret: Option<Place>) -> bool {
        let before = self.focus;
        let known = self.pointer.is_some();
        // The strongest last.
        if self.pointer.replace(pointer) != Some(pointer) && known {
            self.focus = Some(pointer);
        }
        if std::mem::replace(&mut self.caret, caret) != caret && caret.is_some() {
            self.focus = caret;
        }
        if std::mem::replace(&mut self.finger, finger) != finger && finger.is_some() {
            self.focus = finger;
        }
        before != self.focus
    }

    /// Where it is; `None`: nobody has done anything yet.
    pub fn focus(&self) -> Option<Place> {
        self.focus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_last_is_looked_at() {
        let at = |x: f64| Place::from((x, 0.0));
        let mut attention = Attention::default();
        assert!(!attention.note(None, at(1.0), None), "where the pointer is at the start says nothing");
        assert!(attention.note(None, at(2.0), None));
        assert!(attention.note(None, at(2.0), Some(at(3.0))));
        assert_eq!(attention.focus(), Some(at(3.0)));
        assert!(attention.note(Some(at(4.0)), at(2.0), Some(at(5.0))));
        assert!(!attention.note(None, at(2.0), Some(at(5.0))), "a finger that is lifted was there last");
        assert_eq!(attention.focus(), Some(at(4.0)));
        assert!(attention.note(None, at(6.0), None));
        assert_eq!(attention.focus(), Some(at(6.0)));
    }
}
