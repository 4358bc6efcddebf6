//! What is known of the X server's windows: those directly below its root, which are all that Xwayland shows. Fed by
//! [`super::session`]; asks nobody, and holds no more than it says here.

use std::collections::HashMap;

use super::WindowId;

/// Windows below the root that one X client may have. Toolkits have some dozens, most of them never seen.
const WINDOWS_A_CLIENT: usize = 500;
/// The same of all of them together.
const WINDOWS: usize = 2000;
/// Of these, how many may be seen at a time. Xwayland ends, with all its clients, when it makes surfaces faster than it
/// gets rid of their buffers: a few hundred at once.
const SEEN_A_CLIENT: usize = 100;
const SEEN: usize = 300;

/// What a window is to the kiosk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Fills the screen.
    Main,
    /// Belongs to another one, or says that it is a dialog: keeps its own size.
    Dialog,
    /// A menu or a hint (override-redirect): lies where its program puts it.
    Free,
}

/// A rectangle of the X server's space, in its pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Of the left edge.
    pub x: i32,
    /// Of the upper edge.
    pub y: i32,
    /// 1 or more where it is anything.
    pub width: u32,
    /// The same.
    pub height: u32,
}

/// How the X server names a Wayland surface of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurfaceName {
    /// Before Xwayland 23.1: the object's number on its Wayland connection.
    Object(u32),
    /// The number that it gives by `xwayland_shell_v1`.
    Serial(u64),
}

/// What a window says of itself when it wants to be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// It belongs to another one.
    pub transient: bool,
    /// Its type is that of a dialog, or of a part of another window.
    pub dialog: bool,
    /// It may have the keyboard.
    pub takes_keys: bool,
    /// It wants to be told that it has.
    pub takes_focus: bool,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// No business of a window manager: a menu or a hint.
    pub free: bool,
    /// It is seen, or is about to be.
    pub mapped: bool,
    /// As of its last wish to be seen.
    pub hints: Hints,
    /// Where it lies.
    pub place: Place,
}

impl Known {
    /// What it is to the kiosk.
    pub fn kind(&self) -> Kind {
        match (self.free, self.hints.transient || self.hints.dialog) {
            (true, _) => Kind::Free,
            (false, true) => Kind::Dialog,
            (false, false) => Kind::Main,
        }
    }
}

/// All of them.
#[derive(Debug)]
pub struct Model {
    windows: HashMap<WindowId, Known>,
    /// Of a window's number, what differs between the windows of one client.
    client_mask: u32,
}

/// A client has one window too many, and is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Model {
    /// Without any. `client_mask`: the X server's resource-id mask.
    pub fn new(client_mask: u32) -> Self {
        Self { windows: HashMap::new(), client_mask }
    }

    /// A window was made below the root, or brought there.
    pub fn created(&mut self, window: WindowId, free: bool, place: Place) -> Result<(), TooMany> {
        let own = self.windows.keys().filter(|other| self.same_client(**other, window)).count();
        if own >= WINDOWS_A_CLIENT || self.windows.len() >= WINDOWS {
            return Err(TooMany);
        }
        self.windows.insert(window, Known { free, mapped: false, hints: Hints::default(), place });
        Ok(())
    }

    fn same_client(&self, one: WindowId, other: WindowId) -> bool {
        one & !self.client_mask == other & !self.client_mask
    }

    /// It is known.
    pub fn get(&self, window: WindowId) -> Option<&Known> {
        self.windows.get(&window)
    }

    /// Those that are seen.
    pub fn mapped(&self) -> impl Iterator<Item = (WindowId, &Known)> {
        self.windows.iter().filter(|(_, known)| known.mapped).map(|(window, known)| (*window, known))
    }

    /// It is to be seen from now on. `None`: there is no such window, or it is seen already.
    pub fn map(&mut self, window: WindowId, free: bool, hints: Hints) -> Result<Option<&Known>, TooMany> {
        let own = self.mapped().filter(|(other, _)| self.same_client(*other, window)).count();
        let full = own >= SEEN_A_CLIENT || self.mapped().count() >= SEEN;
        let Some(known) = self.windows.get_mut(&window).filter(|known| !known.mapped) else { return Ok(None) };
        if full {
            return Err(TooMany);
        }
        known.free = free;
        known.hints = hints;
        known.mapped = true;
        Ok(Some(known))
    }

    /// It lies there now. Returns its kind, if that is news of a window that is seen.
    pub fn placed(&mut self, window: WindowId, place: Place) -> Option<Kind> {
        let known = self.windows.get_mut(&window)?;
        let before = std::mem::replace(&mut known.place, place);
        (known.mapped && before != place).then(|| known.kind())
    }

    /// It is not seen any more. Returns whether it was.
    pub fn unmap(&mut self, window: WindowId) -> bool {
        self.windows.get_mut(&window).is_some_and(|known| std::mem::take(&mut known.mapped))
    }

    /// It is gone. Returns whether it was seen.
    pub fn remove(&mut self, window: WindowId) -> bool {
        self.windows.remove(&window).is_some_and(|known| known.mapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: u32 = 0x1f_ffff;
    const PLACE: Place = Place { x: 1, y: 2, width: 30, height: 40 };

    #[test]
    fn a_window_is_what_it_says_when_it_is_mapped() {
        let mut model = Model::new(MASK);
        model.created(0x20_0001, false, PLACE).unwrap();
        let kind = |model: &mut Model, free, hints| {
            model.unmap(0x20_0001);
            model.map(0x20_0001, free, hints).unwrap().unwrap().kind()
        };
        assert_eq!(kind(&mut model, false, Hints::default()), Kind::Main);
        assert_eq!(kind(&mut model, false, Hints { transient: true, ..Hints::default() }), Kind::Dialog);
        assert_eq!(kind(&mut model, false, Hints { dialog: true, ..Hints::default() }), Kind::Dialog);
        assert_eq!(kind(&mut model, true, Hints { dialog: true, ..Hints::default() }), Kind::Free);
        assert_eq!(model.map(0x20_0001, true, Hints::default()), Ok(None), "seen already");
        assert_eq!(model.map(7, true, Hints::default()), Ok(None), "never heard of");
    }

    #[test]
    fn news_of_places_and_ends_are_of_windows_that_are_seen() {
        let mut model = Model::new(MASK);
        model.created(0x20_0001, true, Place::default()).unwrap();
        assert_eq!(model.placed(0x20_0001, PLACE), None);
        assert!(!model.unmap(0x20_0001));
        model.map(0x20_0001, true, Hints::default()).unwrap();
        assert_eq!(model.placed(0x20_0001, PLACE), None, "that is where it is");
        assert_eq!(model.placed(0x20_0001, Place::default()), Some(Kind::Free));
        assert!(model.remove(0x20_0001));
        assert!(!model.remove(0x20_0001));
    }

    #[test]
    fn a_client_has_so_many_windows_and_all_together_have_so_many() {
        let mut model = Model::new(MASK);
        let window = |client: u32, number: usize| client << 21 | u32::try_from(number).unwrap();
        for number in 0..WINDOWS_A_CLIENT {
            model.created(window(1, number), false, PLACE).unwrap();
        }
        assert_eq!(model.created(window(1, WINDOWS_A_CLIENT), false, PLACE), Err(TooMany));
        model.remove(window(1, 0));
        model.created(window(1, WINDOWS_A_CLIENT), false, PLACE).unwrap();
        for client in 2..=u32::try_from(WINDOWS / WINDOWS_A_CLIENT).unwrap() {
            (0..WINDOWS_A_CLIENT).for_each(|number| model.created(window(client, number), false, PLACE).unwrap());
        }
        assert_eq!(model.created(window(9, 0), false, PLACE), Err(TooMany), "all together");
    }

    #[test]
    fn fewer_of_them_are_seen_at_a_time() {
        let mut model = Model::new(MASK);
        let clients = u32::try_from(SEEN / SEEN_A_CLIENT).unwrap();
        for client in 1..=clients + 1 {
            for number in 0..=u32::try_from(SEEN_A_CLIENT).unwrap() {
                let window = client << 21 | number;
                model.created(window, true, PLACE).unwrap();
                let fits = client <= clients && number < u32::try_from(SEEN_A_CLIENT).unwrap();
                let mapped = model.map(window, true, Hints::default()).map(|known| known.is_some());
                assert_eq!(mapped, if fits { Ok(true) } else { Err(TooMany) }, "{client}: {number}");
            }
        }
        assert!(model.unmap(1 << 21));
        let last = 1 << 21 | u32::try_from(SEEN_A_CLIENT).unwrap();
        assert!(model.map(last, true, Hints::default()).unwrap().is_some());
    }
}
