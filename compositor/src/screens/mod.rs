//! The screens: their displays, rotation, scale, redraw state and layout.
//!
//! A [`Screen`] outlives its display: clients keep their `wl_output` while a cable is out, and with no display
//! at all a virtual screen carries the shell. No I/O: the back end says which displays there are.

pub mod arrange;
pub mod crtcs;
pub mod cvt;
pub mod density;
mod head;
pub mod hotplug;
pub mod mirror;
pub mod mode;
pub mod plan;
pub mod plan_error;
pub mod redraw;
pub mod rotation;
mod scanout;
mod screen;
pub mod shell_placement;
pub mod slack;
pub mod validation;

use smithay::{
    reexports::wayland_server::DisplayHandle,
    utils::{Logical, Rectangle},
};

pub use head::{DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity};
pub use scanout::{CompositionReason, Scanout};
pub use screen::{Outputs, Screen, ScreenId, ScreenPolicy, Trouble};
pub use shell_placement::ShellScreen;

use arrange::Placement;
use mirror::Fit;

/// All screens, in the order in which they were connected.
#[derive(Default)]
pub struct Screens {
    list: Vec<Screen>,
    /// The wanted screen of each shell; never empty.
    wanted: Vec<ShellScreen>,
    /// The placement that follows from these: asked for with each frame, and kept by [`Screens::place_shells`].
    shell_screens: Vec<Option<ScreenId>>,
    next_id: u32,
    /// Identities shared by several connected displays.
    ambiguous: Vec<Identity>,
    /// Changes with each change of the layout, so that stale requests are detected.
    pub serial: u32,
}

impl Screens {
    /// No screens yet; `wanted` has the wanted screen of each shell.
    pub fn new(wanted: Vec<ShellScreen>) -> Self {
        let wanted = if wanted.is_empty() { vec![ShellScreen::First] } else { wanted };
        Self { shell_screens: vec![None; wanted.len()], wanted, ..Self::default() }
    }

    /// Notes identities that several displays share, which only their connectors distinguish.
    pub fn note_equal_identities(&mut self, heads: &[Head]) {
        let twice = |one: &&Head| heads.iter().filter(|other| other.identity == one.identity).count() > 1;
        self.ambiguous = heads.iter().filter(twice).map(|head| head.identity.clone()).collect();
    }

    /// The identity under which a display's changes are saved; empty if it is shared, so that only the connector
    /// identifies the display.
    pub fn saved_as(&self, identity: &Identity) -> String {
        if self.ambiguous.contains(identity) { String::new() } else { identity.description() }
    }

    /// Adds a screen for a display; `announce` creates its `wl_output` global.
    pub fn add<D: Outputs>(&mut self, display: &DisplayHandle, head: &Head, policy: ScreenPolicy) -> ScreenId {
        let id = ScreenId(self.next_id);
        self.next_id += 1;
        let mut screen = Screen::new(id, head, policy);
        screen.announce::<D>(display);
        self.list.push(screen);
        self.place_shells();
        self.arrange();
        id
    }

    /// Removes a screen with its `wl_output`. The last one stays, as clients need an output.
    pub fn remove<D: Outputs>(&mut self, display: &DisplayHandle, id: ScreenId) {
        if self.list.len() <= 1 {
            return;
        }
        if let Some(index) = self.list.iter().position(|screen| screen.id == id) {
            self.list.remove(index).withdraw::<D>(display);
            self.place_shells();
            self.arrange();
        }
    }

    /// Lays the screens out and gives the layout a new serial.
    pub fn arrange(&mut self) {
        let any_connected = self.list.iter().any(|screen| screen.head().is_some());
        let place = |screen: &Screen| Placement {
            size: screen.geometry().size,
            wanted: screen.position,
            // A mirror shows its source's part of the layout.
            seen: !screen.retiring()
                && (screen.head().is_some() || !any_connected)
                && self.mirror_source(screen.id).is_none(),
        };
        let places: Vec<Placement> = self.list.iter().map(place).collect();
        for (screen, location) in self.list.iter_mut().zip(arrange::arrange(&places)) {
            if screen.output.current_location() != location {
                screen.output.change_current_state(None, None, None, Some(location));
            }
        }
        self.serial = self.serial.wrapping_add(1).max(1);
    }

    /// All screens, those without a display included, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Screen> {
        self.list.iter()
    }

    /// The same, mutable. After a change that clients see call [`Screens::arrange`] or [`Screen::redraw`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Screen> {
        self.list.iter_mut()
    }

    /// `None`: it has been removed.
    pub fn get(&self, id: ScreenId) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.id == id)
    }

    /// `None`: it has been removed.
    pub fn get_mut(&mut self, id: ScreenId) -> Option<&mut Screen> {
        self.list.iter_mut().find(|screen| screen.id == id)
    }

    /// The screen that is shown on this display.
    pub fn by_head(&self, head: HeadId) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.head() == Some(head))
    }

    /// The screen of this connector, exactly; [`Screens::called`] knows identities too.
    pub fn by_name(&self, name: &str) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.name == name)
    }

    /// The screen that configuration and people call `name`: a connector before an identity.
    pub fn called(&self, name: &str) -> Option<&Screen> {
        self.by_name(name).or_else(|| self.list.iter().find(|screen| screen.is_called(name)))
    }

    /// The screen whose picture this one shows instead of its own. A mirror of a mirror shows what that one does.
    pub fn mirror_source(&self, id: ScreenId) -> Option<&Screen> {
        let next = |screen: &Screen| self.called(screen.mirror()?).filter(|source| source.head().is_some());
        let mut source = next(self.get(id)?)?;
        // More steps than screens means a circle: then it shows its own picture.
        for _ in 0..self.list.len() {
            match next(source) {
                Some(further) => source = further,
                None => return Some(source),
            }
        }
        None
    }

    /// The screens that show this one's picture.
    pub fn mirrors_of(&self, id: ScreenId) -> Vec<ScreenId> {
        let shows = |screen: &&Screen| self.mirror_source(screen.id).is_some_and(|source| source.id == id);
        self.list.iter().filter(shows).map(|screen| screen.id).collect()
    }

    /// How a mirror shows its picture; `None`: it is no mirror.
    pub fn fit(&self, id: ScreenId) -> Option<Fit> {
        let source = self.mirror_source(id)?;
        Some(Fit::new(source.picture_size(), source.scale(), self.get(id)?.picture_size()))
    }

    /// The screen of each shell, by number; `None`: all are taken by other shells.
    pub fn shell_screens(&self) -> &[Option<ScreenId>] {
        &self.shell_screens
    }

    /// Places the shells anew: a screen came or went, or changed in what [`shell_placement`] asks of it.
    fn place_shells(&mut self) {
        let others = self.list.iter().any(|screen| !screen.retiring());
        let screens: Vec<&Screen> = self.list.iter().filter(|screen| !screen.retiring() || !others).collect();
        let place = |screen| -> shell_placement::Candidate<'_, _> {
            let screen: &Screen = screen;
            shell_placement::Candidate {
                name: &screen.name,
                called: move |name: &str| screen.is_called(name),
                connected: screen.head().is_some(),
                mirror: self.mirror_source(screen.id).is_some(),
            }
        };
        let places: Vec<_> = screens.iter().copied().map(place).collect();
        let placed = shell_placement::place_shells(&self.wanted, &places);
        let placed =
            placed.into_iter().map(|placed| placed.and_then(|index| screens.get(index)).map(|screen| screen.id));
        self.shell_screens = placed.collect();
    }

    /// A display is connected, or another one, or the same with other modes.
    pub fn connect(&mut self, id: ScreenId, head: &Head) {
        self.change(id, |screen| screen.connect(head));
    }

    /// The screen has no display any more.
    pub fn disconnect(&mut self, id: ScreenId) {
        self.change(id, Screen::disconnect);
    }

    /// Sets the screen, by connector or identity, whose picture this one shows.
    pub fn set_mirror(&mut self, id: ScreenId, source: Option<String>) {
        self.change(id, |screen| screen.set_mirror(source));
    }

    /// The screen is to be removed once clients had time to bind another one; or it is kept after all.
    pub fn set_retiring(&mut self, id: ScreenId, retiring: bool) {
        self.change(id, |screen| screen.set_retiring(retiring));
    }

    fn change(&mut self, id: ScreenId, change: impl FnOnce(&mut Screen)) {
        if let Some(screen) = self.get_mut(id) {
            change(screen);
            self.place_shells();
        }
    }

    /// The shell that is shown on a screen.
    pub fn shell_on(&self, id: ScreenId) -> Option<usize> {
        self.shell_screens().iter().position(|placed| *placed == Some(id))
    }

    /// The screen whose size and scale a shell's clients get: its own, else the primary one.
    pub fn screen_for(&self, shell: usize) -> Option<&Screen> {
        let placed = self.shell_screens().get(shell).copied().flatten();
        placed.and_then(|id| self.get(id)).or_else(|| self.primary())
    }

    /// The one that carries the first shell.
    pub fn primary(&self) -> Option<&Screen> {
        let placed = self.shell_screens().first().copied().flatten();
        placed.and_then(|id| self.get(id)).or_else(|| self.list.first())
    }

    /// The names, for messages that say what is allowed.
    pub fn names(&self) -> String {
        self.list.iter().map(|screen| screen.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Asks every screen for a new frame.
    pub fn request_redraw(&mut self) {
        for screen in &mut self.list {
            screen.redraw.request();
        }
    }

    /// The area that all screens cover together.
    pub fn bounds(&self) -> Rectangle<i32, Logical> {
        self.list.iter().map(Screen::geometry).reduce(Rectangle::merge).unwrap_or_default()
    }
}
