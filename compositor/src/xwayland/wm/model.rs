//! The list of the X server's top-level windows, direct children of the root. Fed by [`super::session`]; without I/O,
//! bounded by the constants here.

use std::collections::HashMap;

use super::WindowId;

/// Most top-level windows of one X client. Toolkits have some dozens, most of them never mapped.
const WINDOWS_A_CLIENT: usize = 500;
/// Most top-level windows of all clients.
const WINDOWS: usize = 2000;
/// Most mapped windows of one client. Xwayland exits, with all its clients, when it creates surfaces faster than it
/// releases their buffers: a few hundred at once.
const SEEN_A_CLIENT: usize = 100;
const SEEN: usize = 300;

/// The kind of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Fills the screen.
    Main,
    /// Transient, or of the type dialog: keeps its own size.
    Dialog,
    /// A menu or tooltip (override-redirect): at its program's position.
    Free,
}

/// A rectangle of the X server's space, in its pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Geometry {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// At least 1, if set.
    pub width: u32,
    /// The same.
    pub height: u32,
}

/// How the X server identifies a Wayland surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurfaceName {
    /// Before Xwayland 23.1: the object id on its Wayland connection.
    Object(u32),
    /// The serial of `xwayland_shell_v1`.
    Serial(u64),
}

/// A window's properties when it is mapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// It has WM_TRANSIENT_FOR.
    pub transient: bool,
    /// Its type is dialog, or a part of another window.
    pub dialog: bool,
    /// It accepts the keyboard focus.
    pub takes_keys: bool,
    /// It wants WM_TAKE_FOCUS.
    pub takes_focus: bool,
    /// It closes by itself when it is asked to (WM_DELETE_WINDOW).
    pub closes: bool,
    /// It answers pings (_NET_WM_PING).
    pub answers: bool,
}

/// What people and tools know a window by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// `_NET_WM_NAME`, else `WM_NAME`.
    pub title: String,
    /// The class of `WM_CLASS`, as Wayland's app-id.
    pub class: String,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Override-redirect: a menu or tooltip.
    pub free: bool,
    /// It is mapped, or about to be.
    pub mapped: bool,
    /// As of its last map request.
    pub hints: Hints,
    /// Its names, while it is mapped.
    pub names: Names,
    /// Its area.
    pub place: Geometry,
    /// The number of the last ping that it has not answered.
    pub pinged: Option<u32>,
}

impl Known {
    /// Its kind.
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
    /// The part of an id that differs between windows of one client.
    client_mask: u32,
}

/// A client has reached a limit, and has to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Model {
    /// An empty list. `client_mask`: the X server's resource-id mask.
    pub fn new(client_mask: u32) -> Self {
        Self { windows: HashMap::new(), client_mask }
    }

    /// A window was created below or reparented to the root.
    pub fn created(&mut self, window: WindowId, free: bool, place: Geometry) -> Result<(), TooMany> {
        let own = self.windows.keys().filter(|other| self.same_client(**other, window)).count();
        if own >= WINDOWS_A_CLIENT || self.windows.len() >= WINDOWS {
            return Err(TooMany);
        }
        let (hints, names) = (Hints::default(), Names::default());
        self.windows.insert(window, Known { free, mapped: false, hints, names, place, pinged: None });
        Ok(())
    }

    fn same_client(&self, one: WindowId, other: WindowId) -> bool {
        one & !self.client_mask == other & !self.client_mask
    }

    /// It is known.
    pub fn get(&self, window: WindowId) -> Option<&Known> {
        self.windows.get(&window)
    }

    /// The mapped windows.
    pub fn mapped(&self) -> impl Iterator<Item = (WindowId, &Known)> {
        self.windows.iter().filter(|(_, known)| known.mapped).map(|(window, known)| (*window, known))
    }

    /// Marks it as mapped. `None`: it is unknown, or mapped already.
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

    /// Sets its names. Returns whether that is a change of a mapped window.
    pub fn named(&mut self, window: WindowId, names: Names) -> bool {
        let known = self.windows.get_mut(&window).filter(|known| known.mapped && known.names != names);
        known.map(|known| known.names = names).is_some()
    }

    /// Sets its area. Returns its kind, if it is mapped and that is a change.
    pub fn placed(&mut self, window: WindowId, place: Geometry) -> Option<Kind> {
        let known = self.windows.get_mut(&window)?;
        let before = std::mem::replace(&mut known.place, place);
        (known.mapped && before != place).then(|| known.kind())
    }

    /// A ping of this number is to be sent to it. Returns whether it answers any, and is mapped.
    pub fn ping(&mut self, window: WindowId, number: u32) -> bool {
        let known = self.windows.get_mut(&window).filter(|known| known.mapped && known.hints.answers);
        known.map(|known| known.pinged = Some(number)).is_some()
    }

    /// It has answered a ping. Returns whether that is the last one.
    pub fn answered(&mut self, window: WindowId, number: u32) -> bool {
        let known = self.windows.get_mut(&window).filter(|known| known.mapped && known.pinged == Some(number));
        known.map(|known| known.pinged = None).is_some()
    }

    /// Marks it as unmapped. Returns whether it was mapped.
    pub fn unmap(&mut self, window: WindowId) -> bool {
        self.windows.get_mut(&window).is_some_and(|known| std::mem::take(&mut known.mapped))
    }

    /// Removes it. Returns whether it was mapped.
    pub fn remove(&mut self, window: WindowId) -> bool {
        self.windows.remove(&window).is_some_and(|known| known.mapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: u32 = 0x1f_ffff;
    const PLACE: Geometry = Geometry { x: 1, y: 2, width: 30, height: 40 };

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
        model.created(0x20_0001, true, Geometry::default()).unwrap();
        assert_eq!(model.placed(0x20_0001, PLACE), None);
        assert!(!model.unmap(0x20_0001));
        model.map(0x20_0001, true, Hints::default()).unwrap();
        assert_eq!(model.placed(0x20_0001, PLACE), None, "that is where it is");
        assert_eq!(model.placed(0x20_0001, Geometry::default()), Some(Kind::Free));
        assert!(model.remove(0x20_0001));
        assert!(!model.remove(0x20_0001));
    }

    #[test]
    fn the_last_ping_is_answered_once_and_by_who_was_asked() {
        let mut model = Model::new(MASK);
        let (asked, other) = (0x20_0001, 0x20_0002);
        for window in [asked, other] {
            model.created(window, false, PLACE).unwrap();
            assert!(!model.ping(window, 1), "it is not mapped");
            model.map(window, false, Hints { answers: window == asked, ..Hints::default() }).unwrap();
        }
        assert!(!model.ping(other, 2), "it does not know how");
        assert!(model.ping(asked, 3) && model.ping(asked, 4));
        assert!(!model.answered(asked, 3), "of an older one");
        assert!(!model.answered(other, 4));
        assert!(model.answered(asked, 4));
        assert!(!model.answered(asked, 4), "once");
        assert!(!model.answered(7, 4), "never heard of");
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
