//! The root state: its parts, and the end of each event loop turn.
//!
//! Event sources call into the parts; [`Kiosk::settle`] then draws what wants drawing and sends what was
//! written, once a turn.

mod aids;
mod brightness;
mod chooser;
pub(crate) mod colours;
mod commit_timers;
mod external_keyboard;
mod flip_watch;
mod fonts;
mod host;
mod idle;
mod idle_notifier;
pub(crate) mod keyboard;
mod page;
mod parts;
mod power;
mod system_screen;
mod trial;

use std::time::Duration;

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Rectangle, SERIAL_COUNTER},
};

pub use flip_watch::FlipWatch;
pub use keyboard::KeyboardControl;
pub use page::Pages;
pub use parts::{Activity, Hardware, MainLoop, Session, Settings, Status, Timers};
pub use system_screen::SystemScreens;

use crate::{
    clients::Clients,
    deadline_timer::DeadlineTimer,
    input::SeatParts,
    lifecycle::Exit,
    memory,
    privilege::ClientState,
    protocols::Protocols,
    screens::{Screen, ScreenId, Screens},
    stage::{Stage, splash::Cover},
};

/// Time for what follows the shell's first picture: clients' first requests, D-Bus signals.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

/// The compositor's state.
pub struct Kiosk {
    /// The event loop, its clock, and how far the program has come.
    pub main_loop: MainLoop,
    /// What was configured, and what was changed since.
    pub settings: Settings,
    /// What people read of how it is, on the screen and elsewhere.
    pub status: Status,
    /// The display that is served, and what its clients have yet to be rid of.
    pub clients: Clients,
    /// What smithay keeps for each protocol.
    pub protocols: Protocols,
    /// The `wl_seat`, its devices, and what of them is kept from clients.
    pub seat: SeatParts,
    /// Every screen, connected or kept, with its layout and redraw state.
    pub screens: Screens,
    /// What is shown, in which order.
    pub stage: Stage,
    /// The screens' devices.
    pub hardware: Hardware,
    /// Whether anybody is there, and which screens are on for that.
    pub activity: Activity,
    /// kiosk-session, and what its pages ask for.
    pub session: Session,
}

impl Kiosk {
    /// Time on the monotonic clock.
    pub fn now(&self) -> Duration {
        self.main_loop.clock.now().into()
    }

    /// The end of a loop turn: the one place where frames are drawn and clients are written to.
    pub fn settle(&mut self) {
        let _span = tracing::debug_span!("turn").entered();
        self.apply_given_up();
        self.end_answered();
        self.count_offers();
        self.disconnect_marked();
        self.finish_refused_managers();
        self.follow_keyboard();
        self.follow_external_keyboard();
        if self.stage.windows.prune() {
            self.windows_changed();
        }
        self.release_ended_grab();
        self.tell_input_method();
        self.settle_pointer_focus();
        self.enter_drag();
        self.seat.end_turn();
        self.follow_attention();
        self.follow_notices();
        self.rouse_night_light();
        let now = self.now();
        if self.stage.update_cover(now) {
            // A layer surface below the splash has no keyboard focus.
            if !self.stage.layers.is_empty() {
                self.windows_changed();
            }
            self.status.publisher.mark_changed();
            self.screens.request_redraw();
            if self.stage.shells.iter().any(|shell| shell.cover == Cover::Gone) {
                // These buffers take megabytes a screen, and a still page does not need them.
                for head in self.screens.iter().filter_map(|screen| screen.head()) {
                    self.hardware.backend.trim(head);
                }
                if self.main_loop.lifecycle.shell_shown() {
                    self.status.boot_times.shell_shown(now);
                    self.after(SETTLE_TIMEOUT, |kiosk| {
                        kiosk.main_loop.lifecycle.settled();
                        memory::forget_start();
                    });
                }
            }
        }
        let shells = 0..self.stage.shells.len();
        let mapped: Vec<bool> = shells.clone().map(|shell| self.stage.windows.any_mapped(shell)).collect();
        let visible: Vec<bool> = shells.map(|shell| self.stage.shell_visible(shell)).collect();
        self.session.links.tell_shown(&mapped, &visible);
        self.tell_keyboard();
        // Mirrors last: they show frames that have just been drawn.
        for mirrors in [false, true] {
            let is_due = |screen: &&Screen| {
                screen.redraw.wants_draw() && self.screens.mirror_source(screen.id).is_some() == mirrors
            };
            let due: Vec<_> = self.screens.iter().filter(is_due).map(|screen| screen.id).collect();
            for id in due {
                self.draw(id);
            }
        }
        self.tell_leases();
        self.tell_x11();
        self.serve_captures();
        self.tell_xdg_outputs();
        self.tell_foreign_toplevels();
        self.publish();
        if let Err(error) = self.main_loop.display.flush_clients() {
            tracing::warn!(%error, "clients not flushed");
        }
    }

    /// Runs `then` once after `delay`, on the monotonic clock.
    pub fn after(&self, delay: Duration, then: impl FnOnce(&mut Kiosk) + 'static) {
        self.main_loop.handle.after(delay, then);
    }

    /// Arms the timer that `timer` selects for this monotonic deadline, unless it fires early enough already. It calls
    /// `then` once, which arms it again for the next deadline.
    pub(crate) fn arm(
        &mut self,
        timer: fn(&mut Kiosk) -> &mut DeadlineTimer,
        deadline: Option<Duration>,
        then: fn(&mut Kiosk),
    ) {
        let Some(next) = timer(self).to_arm(deadline) else { return };
        if let Some(replaced) = next.replaces {
            self.main_loop.handle.disarm(replaced);
        }
        let Some(deadline) = next.deadline else { return };
        let armed = self.main_loop.handle.at(deadline, move |kiosk| {
            timer(kiosk).fired();
            then(kiosk);
        });
        timer(self).armed(armed);
    }

    /// The part of the layout that a fullscreen window of the first shell covers.
    pub fn shell_area(&self) -> Rectangle<i32, Logical> {
        self.area_of(0)
    }

    /// The part of the layout that the screen of this shell shows.
    fn screen_area_of(&self, shell: usize) -> Rectangle<i32, Logical> {
        self.screens.screen_for(shell).map(|screen| screen.geometry()).unwrap_or_default()
    }

    /// Requests a redraw of the shells' screens: a shell, the pointer or the drag icon changed.
    pub fn request_shell_redraw(&mut self) {
        for id in self.screens.shell_screens().to_vec().into_iter().flatten() {
            self.request_redraw(id);
        }
    }

    /// Requests a redraw of the screens that show this surface.
    pub fn request_redraw_for(&mut self, surface: &WlSurface) {
        let shown_by = if self.stage.shells.len() == 1 || self.stage.cursor.drag_icon().is_some() {
            self.screens.shell_screens().to_vec()
        } else {
            vec![self.screens.screen_for(ClientState::shell_of(surface)).map(|screen| screen.id)]
        };
        let now = self.main_loop.handle.woken().unwrap_or_else(|| self.now());
        for id in shown_by.into_iter().flatten() {
            if let Some(screen) = self.screens.get_mut(id) {
                screen.redraw.client_drew();
                screen.slack.client_drew(now, screen.last_flip);
            }
        }
    }

    /// This screen's picture changed.
    pub(crate) fn request_redraw(&mut self, id: ScreenId) {
        if let Some(screen) = self.screens.get_mut(id) {
            screen.redraw.request();
        }
    }

    /// A window was mapped, unmapped or raised: updates the focus and redraws.
    pub fn windows_changed(&mut self) {
        self.status.publisher.mark_changed();
        let areas: Vec<_> = (0..self.stage.shells.len()).map(|shell| self.area_of(shell)).collect();
        let told: Vec<_> = (0..self.stage.shells.len()).map(|shell| self.told_area_of(shell)).collect();
        self.stage.windows.rearrange(&areas, &told);
        self.stage.shell_screens = self.screens.shell_screens().to_vec();
        self.constrain_reactive_popups();
        let focus = self.stage.focus();
        // While a popup has a grab this has no effect: the grab keeps the keyboard until it ends.
        if let Some(keyboard) = self.seat.seat.get_keyboard()
            && keyboard.current_focus() != focus
        {
            keyboard.set_focus(self, focus, SERIAL_COUNTER.next_serial());
        }
        self.refresh_pointer_focus();
        self.constrain_with_focus();
        self.screens.request_redraw();
        self.end_reset();
    }

    /// A shell moved to another screen, or its screen's size, scale or rotation changed: places and configures
    /// everything on it again.
    pub fn rearrange(&mut self) {
        let surfaces: Vec<WlSurface> = self.stage.windows.surfaces().collect();
        for root in surfaces {
            self.tell_scale(&root);
            if let Some(screen) = self.screens.screen_for(ClientState::shell_of(&root)) {
                // Enter before leave: a window is always on some output. A screen that is being removed is left only
                // then, as the client may not know the other one yet.
                screen.output.enter(&root);
                for other in self.screens.iter().filter(|other| other.id != screen.id && !other.retiring()) {
                    other.output.leave(&root);
                }
            }
        }
        self.rearrange_layers();
        self.text_field_changed();
        self.follow_keyboard();
        self.follow_external_keyboard();
        self.windows_changed();
        self.inputs_follow_screens();
        self.light_what_pages_left();
    }

    /// Stops the loop with this status, unless it is stopping already.
    pub fn stop(&mut self, exit: Exit) {
        self.main_loop.lifecycle.stop(exit);
    }

    /// Remembers a warning for `kioskctl status`, and logs it.
    pub fn problem(&mut self, text: String) {
        tracing::warn!("{text}");
        self.status.publisher.mark_changed();
        self.status.problems.add(text);
    }
}
