//! The root state: a handful of parts, and what one turn of the event loop ends with.
//!
//! Event sources call into the parts; [`Kiosk::settle`] then draws what wants drawing and sends what was
//! written, once a turn.

mod host;

use std::time::Duration;

use kiosk_core::config::Config;
use smithay::{
    reexports::{
        calloop::{
            LoopHandle, LoopSignal,
            timer::{TimeoutAction, Timer},
        },
        wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface},
    },
    utils::{Clock, Logical, Monotonic, Rectangle, SERIAL_COUNTER},
};

use crate::{
    backend::Backend,
    brightness::Brightness,
    control::ControlHandle,
    input::SeatParts,
    life::Doubt,
    memory,
    notify::Notifier,
    persistence::Saved,
    power::Power,
    privilege::ClientState,
    protocols::Protocols,
    screens::{Screen, ScreenId, Screens},
    session_link::SessionLinks,
    stage::{Stage, splash::Cover},
    trial::Trial,
};

/// How long what follows the shell's first picture takes: clients' first requests, news on D-Bus.
const SETTLING: Duration = Duration::from_secs(2);

/// This many page flips lost in a row mean that the device is dead to us.
const LOST_FLIPS: u32 = 5;

/// What is remembered for `kioskctl status`.
pub const MOST_PROBLEMS: usize = 32;

/// Why the loop ends, as an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

/// Everything the compositor knows.
pub struct Kiosk {
    pub handle: LoopHandle<'static, Kiosk>,
    pub signal: LoopSignal,
    pub display: DisplayHandle,
    pub clock: Clock<Monotonic>,
    pub config: Config,
    pub protocols: Protocols,
    pub seat: SeatParts,
    pub screens: Screens,
    pub stage: Stage,
    pub backend: Box<dyn Backend>,
    pub session: SessionLinks,
    pub control: Option<ControlHandle>,
    pub notifier: Notifier,
    pub saved: Saved,
    /// Changes of the screens that go back unless they are confirmed.
    pub trial: Trial,
    pub brightness: Brightness,
    /// Which screens are on, and until when.
    pub power: Power,
    pub idle_inhibitors: Vec<WlSurface>,
    /// Warnings for people, one sentence each; shown by `kioskctl status`.
    pub problems: Vec<String>,
    pub exit: Option<Exit>,
    /// The command or kiosk-session that we started.
    pub child: Option<rustix::process::Pid>,
    pub timers: Timers,
    /// Whether D-Bus is to see a new snapshot at the end of the turn.
    pub changed: bool,
    /// Whether another VT has the screen.
    pub paused: bool,
    /// Page flips that never came, since the last that did.
    pub lost_flips: u32,
    /// Whether the shell has been seen: what was needed to start is not needed any more.
    pub settled_in: bool,
    /// Whether a first frame has reached a display (or none is expected).
    pub presented: bool,
}

/// Which one-shot timers are armed: each at most once.
#[derive(Debug, Default)]
pub struct Timers {
    pub animation: bool,
    pub cursor: bool,
    pub flip_watch: bool,
    /// Once, after the shell's first picture.
    pub settling: bool,
    /// Whether the seat is still ours is looked at soon.
    pub doubt: Doubt,
}

impl Kiosk {
    /// Time on the monotonic clock.
    pub fn now(&self) -> Duration {
        self.clock.now().into()
    }

    /// The end of a loop turn: the one place where frames are drawn and clients are written to.
    pub fn settle(&mut self) {
        if self.stage.windows.prune() {
            self.windows_changed();
        }
        let now = self.now();
        if self.stage.update_cover(now) {
            self.changed = true;
            self.screens.request_redraw();
            if self.stage.shells.iter().any(|shell| shell.cover == Cover::Gone) {
                // Megabytes a screen, that a still page never needs again.
                for head in self.screens.iter().filter_map(|screen| screen.head) {
                    self.backend.trim(head);
                }
                if !std::mem::replace(&mut self.settled_in, true) {
                    self.timers.settling = true;
                    self.after(SETTLING, |kiosk| {
                        kiosk.timers.settling = false;
                        memory::forget_start();
                    });
                }
            }
        }
        let visible: Vec<bool> = (0..self.stage.shells.len()).map(|shell| self.stage.shell_visible(shell)).collect();
        self.session.tell_visible(&visible);
        // Mirrors last: they show what has just been drawn.
        for mirrors in [false, true] {
            let is_due = |screen: &&Screen| {
                screen.redraw.wants_draw() && self.screens.mirror_source(screen.id).is_some() == mirrors
            };
            let due: Vec<_> = self.screens.iter().filter(is_due).map(|screen| screen.id).collect();
            for id in due {
                self.draw(id);
            }
        }
        self.publish();
        if let Err(error) = self.display.flush_clients() {
            tracing::warn!(%error, "clients could not be written to");
        }
    }

    /// Runs `then` once after `delay`, on the monotonic clock.
    pub fn after(&self, delay: Duration, mut then: impl FnMut(&mut Kiosk) + 'static) {
        let inserted = self.handle.insert_source(Timer::from_duration(delay), move |_, _, kiosk| {
            then(kiosk);
            TimeoutAction::Drop
        });
        if let Err(error) = inserted {
            tracing::error!(%error, "a timer could not be armed");
        }
    }

    /// The part of the layout that a fullscreen window of the first shell covers.
    pub fn shell_area(&self) -> Rectangle<i32, Logical> {
        self.area_of(0)
    }

    /// The part of the layout that a fullscreen window of this shell covers.
    pub fn area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        self.screens.home(shell).map(|screen| screen.geometry()).unwrap_or_default()
    }

    /// Some shell's picture changed, or something that is on one of them: the pointer, what is dragged.
    pub fn request_shell_redraw(&mut self) {
        for id in self.screens.homes().into_iter().flatten() {
            self.request_redraw(id);
        }
    }

    /// A client drew on this surface: the picture of the shell that it belongs to changed.
    pub fn request_redraw_for(&mut self, surface: &WlSurface) {
        let shown_by = if self.stage.shells.len() == 1 || self.stage.cursor.drag_icon().is_some() {
            self.screens.homes()
        } else {
            vec![self.screens.home(ClientState::shell_of(surface)).map(|screen| screen.id)]
        };
        for id in shown_by.into_iter().flatten() {
            if let Some(screen) = self.screens.get_mut(id) {
                screen.redraw.answered();
            }
        }
    }

    fn request_redraw(&mut self, id: ScreenId) {
        if let Some(screen) = self.screens.get_mut(id) {
            screen.redraw.request();
        }
    }

    /// A window came, went or was raised: focus follows, and the picture changes.
    pub fn windows_changed(&mut self) {
        self.changed = true;
        let areas: Vec<_> = (0..self.stage.shells.len()).map(|shell| self.area_of(shell)).collect();
        self.stage.windows.rearrange(&areas);
        let focus = self.stage.focus();
        // A popup's grab keeps the keyboard from the window, and knows itself when it has ended.
        if let Some(keyboard) = self.seat.seat.get_keyboard()
            && keyboard.current_focus() != focus
        {
            keyboard.set_focus(self, focus, SERIAL_COUNTER.next_serial());
        }
        self.refresh_pointer_focus();
        self.screens.request_redraw();
    }

    /// A shell's screen is another, or has another size, scale or turn: everything on it is placed and told anew.
    pub fn rearrange(&mut self) {
        let surfaces: Vec<WlSurface> = self.stage.windows.surfaces().collect();
        for root in surfaces {
            self.tell_scale(&root);
            if let Some(screen) = self.screens.home(ClientState::shell_of(&root)) {
                // In this order: a window is always on some output. A screen that goes is left when it goes: the
                // client may not know the other one yet.
                screen.output.enter(&root);
                for other in self.screens.iter().filter(|other| other.id != screen.id && !other.retiring) {
                    other.output.leave(&root);
                }
            }
        }
        self.windows_changed();
        self.inputs_follow_screens();
    }

    /// Whether frames can still reach a screen: what the watchdog is fed for.
    pub fn can_draw(&self) -> bool {
        self.lost_flips < LOST_FLIPS
    }

    /// Ends the loop with this status, unless it ends already.
    pub fn stop(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
        self.signal.stop();
    }

    /// Remembers a warning for `kioskctl status`, and logs it.
    pub fn problem(&mut self, text: String) {
        tracing::warn!("{text}");
        self.changed = true;
        // Old ones go first: a device that fails every second must not fill the memory.
        if self.problems.last() != Some(&text) {
            if self.problems.len() >= MOST_PROBLEMS {
                self.problems.remove(0);
            }
            self.problems.push(text);
        }
    }
}
