//! The screens: what each is, how it is turned and scaled, what it waits for, and where it lies.
//!
//! A [`Screen`] outlives its display: clients keep their `wl_output` while a cable is out, and with no display
//! at all a virtual screen carries the shell. No I/O: the back end says which displays there are.

pub mod arrange;
pub mod crtcs;
pub mod cvt;
pub mod homes;
pub mod hotplug;
pub mod mirror;
pub mod mode;
pub mod plan;
pub mod redraw;
pub mod rotation;

use std::time::Duration;

use smithay::{
    output::{Mode, Output, PhysicalProperties, Scale, Subpixel},
    reexports::wayland_server::{DisplayHandle, backend::GlobalId},
    utils::{Logical, Physical, Point, Rectangle, Size},
};

use crate::{kiosk::Kiosk, stage::splash::ScreenSplash};
pub use homes::ShellScreen;

use arrange::Place;
use mirror::{Bars, Fit};
use redraw::Redraw;
use rotation::{Rotation, Turn};

/// Refresh rate assumed where none is known (virtual screens, headless), millihertz.
pub const DEFAULT_REFRESH: i32 = 60_000;

/// Names a screen for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScreenId(pub u32);

/// Names a back end's display: a connector of a card, a window, an offscreen picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeadId(pub u64);

/// What EDID says of a display; empty strings where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub make: String,
    pub model: String,
    pub serial: String,
}

impl Identity {
    /// As configuration names it: `Make Model Serial`, empty parts left out.
    pub fn description(&self) -> String {
        let parts: Vec<&str> =
            [&self.make, &self.model, &self.serial].into_iter().map(|s| s.as_str()).filter(|s| !s.is_empty()).collect();
        parts.join(" ")
    }
}

/// A size and refresh rate that a display can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadMode {
    pub width: i32,
    pub height: i32,
    /// Millihertz.
    pub refresh: i32,
    pub preferred: bool,
    /// The refresh rate that was asked for, millihertz, where the timings are computed ([`cvt`]) and not the
    /// display's own.
    pub custom: Option<u32>,
}

/// A display as the back end found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub id: HeadId,
    /// The connector's name, such as `HDMI-A-1`.
    pub name: String,
    pub identity: Identity,
    /// Millimetres; zero where unknown.
    pub physical: (i32, i32),
    pub modes: Vec<HeadMode>,
    /// Index into `modes`: the one in force.
    pub mode: usize,
}

/// How the shell's picture reaches a screen, for `kioskctl outputs` and `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scanout {
    /// A client's buffer is on the primary plane as it came.
    Direct,
    /// Composed, with some surface on an overlay or cursor plane.
    Planes,
    /// Composed by us.
    #[default]
    Composited,
}

impl Scanout {
    /// The word in `org.kioskd.Output1.Scanout`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Planes => "planes",
            Self::Composited => "composited",
        }
    }
}

/// One screen.
pub struct Screen {
    pub id: ScreenId,
    pub output: Output,
    global: Option<GlobalId>,
    pub name: String,
    pub identity: Identity,
    /// The display it is shown on; `None`: unplugged, or virtual.
    pub head: Option<HeadId>,
    /// Size of the panel in millimetres; zero where unknown.
    pub physical: (i32, i32),
    pub modes: Vec<HeadMode>,
    /// It has no display and another screen carries on: it goes soon, and its windows have only to know the other.
    pub retiring: bool,
    pub rotation: Rotation,
    /// Where it was asked to lie; `None`: beside the others.
    pub position: Option<Point<i32, Logical>>,
    /// Connector or identity of the screen whose picture it shows, while that one is connected.
    pub mirror: Option<String>,
    pub bars: Bars,
    pub power: bool,
    /// 0 to 100; `None`: the display has no control for it, or has not answered yet.
    pub brightness: Option<i32>,
    pub redraw: Redraw,
    pub splash: ScreenSplash,
    pub scanout: Scanout,
    /// Frames drawn by us and frames shown as they came.
    pub composed: u64,
    pub direct: u64,
    /// Whether any frame has reached the display.
    pub shown: bool,
    /// Why the last frame could not be shown, if it could not.
    pub trouble: Option<Trouble>,
}

/// Frames that could not be shown, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: String,
    /// How many in a row.
    pub times: u32,
    /// Another terminal or another program has the display.
    pub inactive: bool,
}

/// What the policy says of a screen before it is first shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScreenPolicy {
    pub rotation: Rotation,
    /// 1.0 to 4.0.
    pub scale: f64,
    pub power: bool,
    /// Top left corner in the layout; `None`: beside the others.
    pub position: Option<(i32, i32)>,
}

impl Default for ScreenPolicy {
    fn default() -> Self {
        Self { rotation: Rotation::R0, scale: 1.0, power: true, position: None }
    }
}

impl Screen {
    fn new(id: ScreenId, head: &Head, policy: ScreenPolicy) -> Self {
        let output = Output::new(
            head.name.clone(),
            PhysicalProperties {
                size: head.physical.into(),
                subpixel: Subpixel::Unknown,
                make: non_empty(&head.identity.make),
                model: non_empty(&head.identity.model),
            },
        );
        let mut screen = Self {
            id,
            output,
            global: None,
            name: head.name.clone(),
            identity: head.identity.clone(),
            head: Some(head.id),
            physical: head.physical,
            modes: Vec::new(),
            retiring: false,
            rotation: policy.rotation,
            position: policy.position.map(Point::from),
            mirror: None,
            bars: Bars::default(),
            power: policy.power,
            brightness: None,
            redraw: Redraw::default(),
            splash: ScreenSplash::default(),
            scanout: Scanout::default(),
            composed: 0,
            direct: 0,
            shown: false,
            trouble: None,
        };
        screen.output.change_current_state(
            None,
            Some(policy.rotation.transform()),
            Some(Scale::Fractional(policy.scale)),
            Some((0, 0).into()),
        );
        screen.adopt_modes(head);
        screen
    }

    /// Takes over the display's list of modes and the one in force.
    pub fn adopt_modes(&mut self, head: &Head) {
        for mode in self.output.modes() {
            self.output.delete_mode(mode);
        }
        self.physical = head.physical;
        self.modes = head.modes.clone();
        for mode in &head.modes {
            if mode.preferred {
                self.output.set_preferred(wl_mode(mode));
            }
        }
        if let Some(mode) = head.modes.get(head.mode) {
            self.output.change_current_state(Some(wl_mode(mode)), None, None, None);
        }
    }

    /// Width and height of the panel in pixels, before rotation.
    pub fn panel_size(&self) -> Size<i32, Physical> {
        self.output.current_mode().map(|mode| mode.size).unwrap_or_default()
    }

    /// Width and height of the upright picture in pixels.
    pub fn picture_size(&self) -> Size<i32, Physical> {
        self.output.current_transform().transform_size(self.panel_size())
    }

    /// 1.0 to 4.0.
    pub fn scale(&self) -> f64 {
        self.output.current_scale().fractional_scale()
    }

    /// Where the screen lies among the others and how large a fullscreen window is.
    pub fn geometry(&self) -> Rectangle<i32, Logical> {
        let size = arrange::logical_size(self.panel_size(), self.rotation, self.scale());
        Rectangle::new(self.output.current_location(), size)
    }

    /// Time between two page flips.
    pub fn frame_time(&self) -> Duration {
        let refresh = self.output.current_mode().map_or(DEFAULT_REFRESH, |mode| mode.refresh).max(1_000);
        Duration::from_nanos(1_000_000_000_000 / refresh.unsigned_abs() as u64)
    }

    /// Whether configuration and people mean this screen by `name`: its connector or its identity.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.identity.description() == name
    }

    /// Whether a picture can reach people: a display, switched on.
    pub fn lit(&self) -> bool {
        self.power && self.head.is_some()
    }

    /// A frame could not be shown. Logged when it begins and when the reason changes, not every time.
    /// `inactive`: on the way to or from another virtual terminal it is no news.
    pub fn note_failure(&mut self, reason: String, inactive: bool) {
        let times = match &self.trouble {
            Some(trouble) if trouble.reason == reason => trouble.times.saturating_add(1),
            _ => {
                if !inactive {
                    tracing::warn!(screen = self.name, reason, "a frame could not be shown; it is tried again");
                }
                1
            }
        };
        self.trouble = Some(Trouble { reason, times, inactive });
    }

    /// Turns the screen; the caller re-configures windows.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
        self.output.change_current_state(None, Some(rotation.transform()), None, None);
    }

    /// `scale` is clamped to 1.0 to 4.0.
    pub fn set_scale(&mut self, scale: f64) {
        self.output.change_current_state(None, None, Some(Scale::Fractional(scale.clamp(1.0, 4.0))), None);
    }
}

fn non_empty(text: &str) -> String {
    if text.is_empty() { "Unknown".into() } else { text.into() }
}

fn wl_mode(mode: &HeadMode) -> Mode {
    Mode { size: (mode.width, mode.height).into(), refresh: mode.refresh }
}

/// All screens, in the order in which they were connected.
#[derive(Default)]
pub struct Screens {
    list: Vec<Screen>,
    /// Which one each shell wants; never empty.
    wanted: Vec<ShellScreen>,
    next_id: u32,
    /// Identities that more than one connected display has.
    twins: Vec<Identity>,
    /// Changes with each change of the layout, so that a stale request is known.
    pub serial: u32,
}

impl Screens {
    /// None yet; each shell will go where `wanted` says.
    pub fn new(wanted: Vec<ShellScreen>) -> Self {
        let wanted = if wanted.is_empty() { vec![ShellScreen::First] } else { wanted };
        Self { wanted, ..Self::default() }
    }

    /// Takes note of displays that call themselves the same.
    pub fn note_twins(&mut self, heads: &[Head]) {
        let twice = |one: &&Head| heads.iter().filter(|other| other.identity == one.identity).count() > 1;
        self.twins = heads.iter().filter(twice).map(|head| head.identity.clone()).collect();
    }

    /// The identity under which a display's changes are kept; empty where only its connector tells it from another.
    pub fn saved_as(&self, identity: &Identity) -> String {
        if self.twins.contains(identity) { String::new() } else { identity.description() }
    }

    /// Adds a screen for a display; `announce` makes its `wl_output` known to clients.
    pub fn add(&mut self, display: &DisplayHandle, head: &Head, policy: ScreenPolicy) -> ScreenId {
        let id = ScreenId(self.next_id);
        self.next_id += 1;
        let mut screen = Screen::new(id, head, policy);
        screen.global = Some(screen.output.create_global::<Kiosk>(display));
        self.list.push(screen);
        self.arrange();
        id
    }

    /// Takes a screen away, with its `wl_output`. The last one stays: clients are lost without an output.
    pub fn remove(&mut self, display: &DisplayHandle, id: ScreenId) {
        if self.list.len() <= 1 {
            return;
        }
        if let Some(index) = self.list.iter().position(|screen| screen.id == id) {
            let screen = self.list.remove(index);
            if let Some(global) = screen.global {
                display.disable_global::<Kiosk>(global);
            }
            self.arrange();
        }
    }

    /// Lays the screens out and gives the layout a new serial.
    pub fn arrange(&mut self) {
        let any_connected = self.list.iter().any(|screen| screen.head.is_some());
        let place = |screen: &Screen| Place {
            size: screen.geometry().size,
            wanted: screen.position,
            // What a mirror shows lies elsewhere.
            seen: !screen.retiring
                && (screen.head.is_some() || !any_connected)
                && self.mirror_source(screen.id).is_none(),
        };
        let places: Vec<Place> = self.list.iter().map(place).collect();
        for (screen, location) in self.list.iter_mut().zip(arrange::arrange(&places)) {
            if screen.output.current_location() != location {
                screen.output.change_current_state(None, None, None, Some(location));
            }
        }
        self.serial = self.serial.wrapping_add(1).max(1);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Screen> {
        self.list.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Screen> {
        self.list.iter_mut()
    }

    pub fn get(&self, id: ScreenId) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.id == id)
    }

    pub fn get_mut(&mut self, id: ScreenId) -> Option<&mut Screen> {
        self.list.iter_mut().find(|screen| screen.id == id)
    }

    pub fn by_head(&self, head: HeadId) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.head == Some(head))
    }

    pub fn by_name(&self, name: &str) -> Option<&Screen> {
        self.list.iter().find(|screen| screen.name == name)
    }

    /// The screen that configuration and people mean by `name`: a connector before an identity.
    pub fn called(&self, name: &str) -> Option<&Screen> {
        self.by_name(name).or_else(|| self.list.iter().find(|screen| screen.is_called(name)))
    }

    /// The screen whose picture this one shows instead of its own. A mirror of a mirror shows what that one does.
    pub fn mirror_source(&self, id: ScreenId) -> Option<&Screen> {
        let next = |screen: &Screen| self.called(screen.mirror.as_deref()?).filter(|source| source.head.is_some());
        let mut source = next(self.get(id)?)?;
        // More steps than there are screens: a circle, which shows nothing but itself.
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

    /// The screen of each shell, by number; `None`: all are other shells'.
    pub fn homes(&self) -> Vec<Option<ScreenId>> {
        let others = self.list.iter().any(|screen| !screen.retiring);
        let screens: Vec<&Screen> = self.list.iter().filter(|screen| !screen.retiring || !others).collect();
        let place = |screen| -> homes::Place<'_, _> {
            let screen: &Screen = screen;
            homes::Place {
                name: &screen.name,
                called: move |name: &str| screen.is_called(name),
                connected: screen.head.is_some(),
                mirror: self.mirror_source(screen.id).is_some(),
            }
        };
        let places: Vec<_> = screens.iter().copied().map(place).collect();
        let homes = homes::homes(&self.wanted, &places);
        homes.into_iter().map(|home| home.and_then(|index| screens.get(index)).map(|screen| screen.id)).collect()
    }

    /// The shell that is shown on a screen.
    pub fn shell_on(&self, id: ScreenId) -> Option<usize> {
        self.homes().iter().position(|home| *home == Some(id))
    }

    /// The screen whose size and scale a shell's clients are told: its own, else the primary one.
    pub fn home(&self, shell: usize) -> Option<&Screen> {
        let home = self.homes().get(shell).copied().flatten();
        home.and_then(|id| self.get(id)).or_else(|| self.primary())
    }

    /// The one that carries the first shell.
    pub fn primary(&self) -> Option<&Screen> {
        let home = self.homes().first().copied().flatten();
        home.and_then(|id| self.get(id)).or_else(|| self.list.first())
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
