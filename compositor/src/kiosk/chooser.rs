//! Shows the list of files for an upload, feeds it with touches, clicks and keys, and sends the result to the session.
//! The list itself is in [`crate::stage::chooser`].

use kiosk_core::api::{Notice, Report, State};
use smithay::{
    input::keyboard::{Keysym, keysyms},
    utils::{Logical, Point},
};

use super::Kiosk;
use crate::stage::chooser::{Chooser, Hand, Key, Outcome};

/// What a key means to the list.
fn key(key: Keysym) -> Option<Key> {
    Some(match key.raw() {
        keysyms::KEY_Up | keysyms::KEY_KP_Up | keysyms::KEY_ISO_Left_Tab => Key::Up,
        keysyms::KEY_Down | keysyms::KEY_KP_Down | keysyms::KEY_Tab => Key::Down,
        keysyms::KEY_Left | keysyms::KEY_KP_Left | keysyms::KEY_Page_Up | keysyms::KEY_KP_Page_Up => Key::Back,
        keysyms::KEY_Right | keysyms::KEY_KP_Right | keysyms::KEY_Page_Down | keysyms::KEY_KP_Page_Down => Key::Forward,
        keysyms::KEY_Return | keysyms::KEY_KP_Enter | keysyms::KEY_space => Key::Enter,
        keysyms::KEY_Escape | keysyms::KEY_Cancel => Key::Escape,
        _ => return None,
    })
}

impl Kiosk {
    /// Handles a session's report about its page's file chooser. `new`: it is the session's first report.
    pub(crate) fn chooser_report(&mut self, number: usize, report: &Report, new: bool) {
        let (now, patience) = (self.now(), self.stage.chooser_patience);
        let Some(shell) = self.stage.shells.get_mut(number) else { return };
        if new {
            shell.chosen = 0;
        }
        let chosen = shell.chosen;
        let wanted = report.chooser.as_ref().filter(|asked| report.state == State::Ready && asked.number != chosen);
        let open = shell.chooser.as_ref().map(Chooser::number).filter(|_| !new);
        let is_same = wanted.map(|asked| asked.number) == open;
        if is_same && open.is_some() == shell.chooser.is_some() {
            return;
        }
        shell.chooser = wanted.map(|asked| Chooser::new(asked.clone(), now, patience));
        if wanted.is_some() {
            tracing::info!(shell = number, "list of files for an upload shown");
            // A finger on the page would never be lifted for its client.
            self.touch_cancel();
        }
        self.chooser_changed();
    }

    /// The session is gone: removes its list.
    pub(crate) fn drop_chooser(&mut self, shell: usize) {
        if let Some(shell) = self.stage.shells.get_mut(shell)
            && shell.chooser.take().is_some()
        {
            self.chooser_changed();
        }
    }

    fn chooser_changed(&mut self) {
        self.status.publisher.mark_changed();
        self.refresh_pointer_focus();
        self.screens.request_redraw();
        self.arm_chooser_timer();
    }

    /// Input restarts the list's timeout.
    pub(crate) fn chooser_used(&mut self) {
        let now = self.now();
        let shells = self.stage.shells.iter_mut().filter_map(|shell| shell.chooser.as_mut());
        shells.for_each(|chooser| chooser.used(now));
    }

    /// The shell whose list is at this layout position, and the position in pixels of its screen's picture.
    fn chooser_place(&self, location: Point<f64, Logical>) -> Option<(usize, (f64, f64))> {
        let screen = self.screens.iter().find(|screen| screen.geometry().to_f64().contains(location))?;
        let shell = self.screens.shell_on(screen.id).filter(|shell| self.stage.chooser(Some(*shell)).is_some())?;
        let at = (location - screen.geometry().loc.to_f64()).to_physical(screen.scale());
        Some((shell, (at.x, at.y)))
    }

    /// A press. `true`: on a list, so it is not sent to clients.
    pub(crate) fn chooser_press(&mut self, hand: Hand, location: Point<f64, Logical>) -> bool {
        let Some((number, at)) = self.chooser_place(location) else { return false };
        if std::mem::replace(&mut self.stage.active, number) != number {
            self.windows_changed();
        }
        self.in_chooser(number, |chooser| {
            chooser.press(hand, at);
            Outcome::Open
        });
        true
    }

    /// A movement of a press that may be on a list.
    pub(crate) fn chooser_moved(&mut self, hand: &Hand, location: Point<f64, Logical>) {
        if let Some((chooser, at)) = self.chooser_at(location) {
            chooser.moved(hand, at);
        }
    }

    /// The pointer moves.
    pub(crate) fn chooser_pointed(&mut self, location: Point<f64, Logical>) {
        if let Some((chooser, at)) = self.chooser_at(location) {
            chooser.pointed(at);
        }
    }

    fn chooser_at(&mut self, location: Point<f64, Logical>) -> Option<(&mut Chooser, (f64, f64))> {
        let (number, at) = self.chooser_place(location)?;
        Some((self.stage.shells.get_mut(number)?.chooser.as_mut()?, at))
    }

    /// A release of a press that may be on a list.
    pub(crate) fn chooser_release(&mut self, hand: &Hand) {
        for number in 0..self.stage.shells.len() {
            if self.stage.chooser(Some(number)).is_some() {
                self.in_chooser(number, |chooser| chooser.release(hand));
            }
        }
    }

    /// Cancels all presses.
    pub(crate) fn chooser_let_go(&mut self) {
        self.stage.shells.iter_mut().filter_map(|shell| shell.chooser.as_mut()).for_each(Chooser::let_go);
    }

    /// A wheel event at this position. `true`: over a list, so it is not sent to clients.
    pub(crate) fn chooser_scroll(&mut self, location: Point<f64, Logical>, by: f64) -> bool {
        let Some((number, _)) = self.chooser_place(location) else { return false };
        self.in_chooser(number, |chooser| {
            chooser.scroll(by);
            Outcome::Open
        });
        true
    }

    /// Whether keys are for a list.
    pub(crate) fn chooser_has_keys(&self) -> bool {
        self.stage.chooser(Some(self.stage.focused())).is_some()
    }

    /// Handles a key for the list.
    pub(crate) fn chooser_key(&mut self, pressed: Keysym) {
        if let Some(key) = key(pressed) {
            self.in_chooser(self.stage.focused(), |chooser| chooser.key(key));
        }
    }

    fn in_chooser(&mut self, number: usize, act: impl FnOnce(&mut Chooser) -> Outcome) {
        let Some(shell) = self.stage.shells.get_mut(number) else { return };
        let Some(chooser) = shell.chooser.as_mut() else { return };
        match act(chooser) {
            Outcome::Open => self.screens.request_redraw(),
            Outcome::Chosen(files) => self.chosen(number, files),
        }
    }

    fn chosen(&mut self, number: usize, files: Vec<u32>) {
        let Some(shell) = self.stage.shells.get_mut(number) else { return };
        let Some(chooser) = shell.chooser.take() else { return };
        shell.chosen = chooser.number();
        tracing::info!(shell = number, files = files.len(), "files for an upload chosen");
        self.session.links.tell(number, &Notice::Chosen { number: chooser.number(), files });
        self.chooser_changed();
    }

    /// Closes lists whose time is up, and arms the timer for the next.
    fn expire_choosers(&mut self) {
        let now = self.now();
        for number in 0..self.stage.shells.len() {
            let chooser = self.stage.shells.get(number).and_then(|shell| shell.chooser.as_ref());
            if chooser.is_some_and(|chooser| now >= chooser.deadline()) {
                self.chosen(number, Vec::new());
            }
        }
        self.arm_chooser_timer();
    }

    fn arm_chooser_timer(&mut self) {
        let next = self.stage.shells.iter().filter_map(|shell| shell.chooser.as_ref()).map(Chooser::deadline).min();
        self.arm(|kiosk| &mut kiosk.main_loop.timers.chooser, next, Self::expire_choosers);
    }
}
