//! One screen: its `wl_output`, rotation, scale and redraw state. It outlives its display, and does no I/O.

use std::time::Duration;

use smithay::{
    output::{Mode, Output, PhysicalProperties, Scale as OutputScale, Subpixel},
    reexports::wayland_server::{DisplayHandle, GlobalDispatch, backend::GlobalId, protocol::wl_output::WlOutput},
    utils::{Logical, Physical, Point, Rectangle, Size},
    wayland::output::WlOutputData,
};

use kiosk_core::config::{Position, Scale, ScaleFactor};

use crate::frame_times::FrameTimes;

use super::{
    arrange, density,
    head::{DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity},
    redraw::Redraw,
    rotation::{Rotation, RotationExt},
    scanout::Scanout,
    slack::Slack,
};

/// The server's state, as far as a screen needs it: it dispatches `wl_output`.
pub trait Outputs: GlobalDispatch<WlOutput, WlOutputData> + 'static {}

impl<D: GlobalDispatch<WlOutput, WlOutputData> + 'static> Outputs for D {}

/// Identifies a screen for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScreenId(pub u32);

/// One screen.
pub struct Screen {
    /// Never reused.
    pub id: ScreenId,
    /// smithay's output, which serves `wl_output`.
    pub output: Output,
    global: Option<GlobalId>,
    /// The connector's name, such as `HDMI-A-1`.
    pub name: String,
    identity: Identity,
    head: Option<HeadId>,
    /// Size of the panel in millimetres; zero where unknown.
    pub physical: (i32, i32),
    /// Of that display.
    pub modes: Vec<HeadMode>,
    retiring: bool,
    /// Clockwise, how the picture is rotated on the panel.
    pub rotation: Rotation,
    /// Its scale follows its mode.
    pub auto_scale: bool,
    /// The wanted position; `None`: automatic.
    pub position: Option<Point<i32, Logical>>,
    mirror: Option<String>,
    /// Whether it is on, also while no display is connected.
    pub power: bool,
    /// 0 to 100; `None`: the display has no control for it, or has not answered yet.
    pub brightness: Option<i32>,
    /// When its last frame was shown, monotonic.
    pub last_flip: Option<Duration>,
    /// When its next frame is drawn.
    pub redraw: Redraw,
    /// Whether its frames have a period more.
    pub slack: Slack,
    /// How its last frame reached the display.
    pub scanout: Scanout,
    /// Changed colours are drawn; `false`: the display device changes them.
    pub colours_drawn: bool,
    /// Frames drawn by us, with or without parts on other planes, since the screen is there.
    pub composed: u64,
    /// Frames that were a client's buffer on the plane, not counted in `composed`.
    pub direct: u64,
    /// Where the time of its last frames went.
    pub times: FrameTimes,
    /// Whether any frame has reached the display.
    pub shown: bool,
    /// The error, if the last frame could not be shown.
    pub trouble: Option<Trouble>,
}

/// Consecutive frames that could not be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The last device error.
    pub reason: String,
    /// How many in a row.
    pub times: u32,
    /// Another terminal or another program has the display.
    pub inactive: bool,
}

/// A screen's initial policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScreenPolicy {
    /// Clockwise.
    pub rotation: Rotation,
    /// Fixed, or by size and resolution.
    pub scale: Scale,
    /// Whether it starts switched on.
    pub power: bool,
    /// Top left corner in the layout; `None`: beside the others.
    pub position: Option<Position>,
}

impl Default for ScreenPolicy {
    fn default() -> Self {
        Self { rotation: Rotation::R0, scale: Scale::Fixed(ScaleFactor::ONE), power: true, position: None }
    }
}

impl Screen {
    pub(super) fn new(id: ScreenId, head: &Head, policy: ScreenPolicy) -> Self {
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
            auto_scale: false,
            position: policy.position.map(|at| <(i32, i32)>::from(at).into()),
            mirror: None,
            power: policy.power,
            brightness: None,
            last_flip: None,
            redraw: Redraw::default(),
            slack: Slack::default(),
            scanout: Scanout::default(),
            colours_drawn: false,
            composed: 0,
            direct: 0,
            times: FrameTimes::default(),
            shown: false,
            trouble: None,
        };
        screen.output.change_current_state(None, Some(policy.rotation.transform()), None, Some((0, 0).into()));
        screen.adopt_modes(head);
        screen.set_scale(policy.scale);
        screen
    }

    /// Of the display that is or was last connected.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The display it is shown on; `None`: unplugged, or virtual.
    pub fn head(&self) -> Option<HeadId> {
        self.head
    }

    /// It has no display and another screen takes over: it is removed once clients had time to bind that one.
    pub fn retiring(&self) -> bool {
        self.retiring
    }

    /// Connector or identity of the screen whose picture it shows, while that one is connected.
    pub fn mirror(&self) -> Option<&str> {
        self.mirror.as_deref()
    }

    /// The same display again, or another one, is connected.
    pub(super) fn connect(&mut self, head: &Head) {
        self.retiring = false;
        self.head = Some(head.id);
        self.identity = head.identity.clone();
        self.adopt_modes(head);
        self.redraw.resume();
    }

    /// Its display is gone, or it never had one.
    pub(super) fn disconnect(&mut self) {
        self.head = None;
    }

    pub(super) fn set_retiring(&mut self, retiring: bool) {
        self.retiring = retiring;
    }

    pub(super) fn set_mirror(&mut self, source: Option<String>) {
        self.mirror = source;
    }

    /// Creates its `wl_output` global.
    pub(super) fn announce<D: Outputs>(&mut self, display: &DisplayHandle) {
        self.global = Some(self.output.create_global::<D>(display));
    }

    /// Removes its `wl_output` global; bound objects become inert.
    pub(super) fn withdraw<D: Outputs>(&mut self, display: &DisplayHandle) {
        if let Some(global) = self.global.take() {
            display.disable_global::<D>(global);
        }
    }

    /// Adopts the display's modes and the one in force, and with them an automatic scale.
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
        if self.auto_scale {
            self.set_scale(Scale::Auto);
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

    /// The screen's area in the layout: the geometry of a fullscreen window.
    pub fn geometry(&self) -> Rectangle<i32, Logical> {
        let size = arrange::logical_size(self.panel_size(), self.rotation, self.scale());
        Rectangle::new(self.output.current_location(), size)
    }

    /// Time between two page flips.
    pub fn frame_time(&self) -> Duration {
        let refresh = self.output.current_mode().map_or(DEFAULT_REFRESH, |mode| mode.refresh).max(1_000);
        Duration::from_nanos(1_000_000_000_000 / refresh.unsigned_abs() as u64)
    }

    /// Whether `name` is its connector or its identity. An empty name matches no screen, not even one without an
    /// identity.
    pub fn is_called(&self, name: &str) -> bool {
        !name.is_empty() && (self.name == name || self.identity.description() == name)
    }

    /// Whether it is visible: a display is connected and switched on.
    pub fn lit(&self) -> bool {
        self.power && self.head.is_some()
    }

    /// Notes that a frame could not be shown. Logged at the first time and when the reason changes. `inactive`: not
    /// logged, as during a VT switch it is expected.
    pub fn note_failure(&mut self, reason: String, inactive: bool) {
        let times = match &self.trouble {
            Some(trouble) if trouble.reason == reason => trouble.times.saturating_add(1),
            _ => {
                if !inactive {
                    tracing::warn!(screen = self.name, reason, "frame not shown; retrying");
                }
                1
            }
        };
        self.trouble = Some(Trouble { reason, times, inactive });
    }

    /// Rotates the screen; the caller configures windows again.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
        self.output.change_current_state(None, Some(rotation.transform()), None, None);
    }

    /// Sets the scale; `auto` follows the mode from now on.
    pub fn set_scale(&mut self, scale: Scale) {
        self.auto_scale = scale == Scale::Auto;
        let pixels = self.output.current_mode().map(|mode| mode.size.into());
        let scale = density::scale_of(scale, pixels, self.physical).get();
        self.output.change_current_state(None, None, Some(OutputScale::Fractional(scale)), None);
    }
}

fn non_empty(text: &str) -> String {
    if text.is_empty() { "Unknown".into() } else { text.into() }
}

fn wl_mode(mode: &HeadMode) -> Mode {
    Mode { size: (mode.width, mode.height).into(), refresh: mode.refresh }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_without_identity_has_a_fallback_name() {
        let identity = Identity::default();
        let head = Head { id: HeadId(1), name: "DP-1".into(), identity, physical: (0, 0), modes: Vec::new(), mode: 0 };
        let screen = Screen::new(ScreenId(0), &head, ScreenPolicy::default());
        assert!(screen.is_called("DP-1"));
        // An empty mirror name does not match it.
        assert!(!screen.is_called(""));
    }
}
