//! What becomes of the picture that was on a display before its compositor. The first one is drawn before the GPU is
//! started, by another compositor ([`super::present::Presenter::provisional`]), and stays on the plane until a frame of
//! the one that follows is there. Pure; the presenter asks.

/// The state of one display; `P` holds what is to stay on the screen.
#[derive(Debug, PartialEq, Eq)]
pub enum Handover<P> {
    /// The compositor draws only until another one can.
    Provisional,
    /// On the screen is what the compositor before it has left.
    Awaited(P),
    /// On the screen is the compositor's own frame, or nothing that is to be kept.
    Done,
}

impl<P> Handover<P> {
    /// A frame of the compositor's own is on the screen.
    pub fn flipped(&mut self) {
        self.end();
    }

    /// The CRTC is off.
    pub fn cleared(&mut self) {
        self.end();
    }

    /// The driver refused a frame. Returns whether the CRTC is to be switched off for the next try, which is a modeset
    /// then: some drivers take buffers of another layout in no other way.
    pub fn refused(&self) -> bool {
        matches!(self, Self::Awaited(_))
    }

    fn end(&mut self) {
        if matches!(self, Self::Awaited(_)) {
            *self = Self::Done;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn the_picture_before_is_kept_until_another_one_is_on_the_screen() {
        let picture = Rc::new(());
        let mut handover = Handover::Awaited(picture.clone());
        assert_eq!(Rc::strong_count(&picture), 2);
        handover.flipped();
        assert_eq!((Rc::strong_count(&picture), &handover), (1, &Handover::Done));
        assert!(!handover.refused(), "a later refusal has another cause");
    }

    #[test]
    fn a_refused_frame_is_tried_with_a_modeset_once() {
        let mut handover = Handover::Awaited(());
        assert!(handover.refused());
        handover.cleared();
        assert!(!handover.refused());
    }

    #[test]
    fn a_provisional_compositor_stays_so_until_it_is_replaced() {
        let mut handover = Handover::<()>::Provisional;
        handover.flipped();
        handover.cleared();
        assert_eq!(handover, Handover::Provisional);
        assert!(!handover.refused());
    }
}
