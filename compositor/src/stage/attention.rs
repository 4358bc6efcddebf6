//! The magnifier's focus: the position of a finger, the pointer or the text cursor, whichever changed last. Pure.

use smithay::utils::{Logical, Point};

/// A layout position.
type LayoutPoint = Point<f64, Logical>;

/// The last known positions.
#[derive(Debug, Default)]
pub struct Attention {
    finger: Option<LayoutPoint>,
    pointer: Option<LayoutPoint>,
    caret: Option<LayoutPoint>,
    focus: Option<LayoutPoint>,
}

impl Attention {
    /// Updates the positions; `finger`: a finger's last position since the last call, if any. Returns whether the focus
    /// changed.
    pub fn note(&mut self, finger: Option<LayoutPoint>, pointer: LayoutPoint, caret: Option<LayoutPoint>) -> bool {
        let before = self.focus;
        let known = self.pointer.is_some();
        // In order of increasing precedence.
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

    /// The focus; `None`: there was no input yet.
    pub fn focus(&self) -> Option<LayoutPoint> {
        self.focus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_magnifier_follows_the_last_change() {
        let at = |x: f64| LayoutPoint::from((x, 0.0));
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
