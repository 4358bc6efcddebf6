//! xdg-shell with decorations, dialogs and activation: windows are mapped and unmapped; requests to move, resize or
//! minimise have no effect.

use std::time::{Duration, Instant};

use smithay::{
    desktop::{
        PopupKeyboardGrab, PopupKind, PopupManager, PopupPointerGrab, PopupUngrabStrategy, find_popup_root_surface,
        get_popup_toplevel_coords,
    },
    input::{Seat, pointer::Focus},
    reexports::{
        wayland_protocols::xdg::{
            activation::v1::server::{
                xdg_activation_token_v1::XdgActivationTokenV1, xdg_activation_v1::XdgActivationV1,
            },
            decoration::zv1::server::{
                zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
                zxdg_toplevel_decoration_v1::Mode as DecorationMode,
            },
            shell::server::{
                xdg_toplevel::Error as ToplevelError,
                xdg_wm_base::{Error as XdgError, XdgWmBase},
            },
        },
        wayland_server::{
            Resource,
            protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
        },
    },
    utils::Serial,
    wayland::{
        shell::xdg::{
            Configure, PopupSurface, PositionerState, ShellClient, ToplevelSurface, XdgShellHandler, XdgShellState,
            decoration::{XdgDecorationHandler, XdgDecorationManagerGlobalData, XdgDecorationState},
        },
        xdg_activation::{
            ActivationTokenData, XdgActivationHandler, XdgActivationState, XdgActivationToken, XdgActivationTokenData,
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{configures::popup_answers, depth, refusal, table::ALL_FACTOR},
    privilege::ClientState,
    protocols::dispatch::{globals, objects},
    stage::windows::Windows,
};

use super::{guards, positioner};

/// How long an activation token is valid: enough for a program to start.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

impl XdgShellHandler for Kiosk {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.protocols.xdg_shell
    }

    fn client_pong(&mut self, client: ShellClient) {
        self.client_answers(&client);
    }

    fn client_destroyed(&mut self, client: ShellClient) {
        self.client_answers(&client);
    }

    fn new_toplevel(&mut self, surface: ToplevelSurface) {
        self.protocols.xdg_surfaces.has_role(surface.wl_surface());
        self.tell_scale(surface.wl_surface());
        let shell = ClientState::shell_of(surface.wl_surface());
        self.stage.windows.add(surface, shell);
    }

    fn toplevel_destroyed(&mut self, surface: ToplevelSurface) {
        self.stage.windows.remove(surface.wl_surface());
        self.end_exports_of(surface.wl_surface());
        self.stage.windows.disturb();
    }

    fn parent_changed(&mut self, surface: ToplevelSurface) {
        let limit = self.settings.config.limits.parent_depth;
        if surface.parent().is_some() && !depth::parents_fit(self.protocols.xdg_shell.toplevel_surfaces(), limit) {
            let text = format!("a chain of parents too long: {limit} are possible ([limits] parent-depth)");
            refusal::post(surface.xdg_toplevel(), ToplevelError::InvalidParent, &text);
        }
        self.stage.windows.disturb();
    }

    fn ack_configure(&mut self, surface: WlSurface, _configure: Configure) {
        // Changes may have been held back: see `Windows::rearrange`.
        if let Some(toplevel) = self.stage.windows.find(&surface).and_then(|shown| shown.window.toplevel())
            && toplevel.has_pending_changes()
        {
            toplevel.send_pending_configure();
        }
        // Of the conformance suite's own clients some commit nothing after it, and point at the popup before it.
        #[cfg(feature = "conformance")]
        self.mark_pointer_focus_stale();
        #[cfg(feature = "conformance")]
        smithay::wayland::compositor::with_states(&surface, |states| {
            use smithay::wayland::shell::xdg::XdgPopupSurfaceData;
            if let Some(Ok(mut popup)) = states.data_map.get::<XdgPopupSurfaceData>().map(|data| data.lock())
                && let Some(state) = popup.last_acked
            {
                popup.current = state;
            }
        });
    }

    fn new_popup(&mut self, surface: PopupSurface, positioner: PositionerState) {
        place_by(&surface, positioner);
        self.protocols.xdg_surfaces.has_role(surface.wl_surface());
        if guards::is_own_ancestor(&surface) {
            refusal::post(surface.xdg_popup(), XdgError::InvalidPopupParent, "a popup cannot be its own ancestor");
            return;
        }
        let limit = self.settings.config.limits.popup_depth;
        if !depth::popups_fit(self.protocols.xdg_shell.popup_surfaces(), &surface, limit) {
            let text = format!("popups nested too deep: {limit} levels are possible ([limits] popup-depth)");
            refusal::post(surface.xdg_popup(), XdgError::InvalidPopupParent, &text);
            return;
        }
        self.tell_scale(surface.wl_surface());
        self.keep_popup_on_screen(&surface);
        if let Err(error) = self.stage.popups.track_popup(PopupKind::from(surface)) {
            tracing::debug!(%error, "popup without a living parent");
        }
    }

    fn reposition_request(&mut self, surface: PopupSurface, positioner: PositionerState, token: u32) {
        place_by(&surface, positioner);
        self.keep_popup_on_screen(&surface);
        surface.send_repositioned(token);
    }

    fn popup_destroyed(&mut self, _surface: PopupSurface) {
        self.stage.popups.cleanup();
        self.mark_pointer_focus_stale();
        self.request_shell_redraw();
    }

    fn grab(&mut self, surface: PopupSurface, _seat: WlSeat, serial: Serial) {
        let seat: Seat<Self> = self.seat.seat.clone();
        let popup = PopupKind::Xdg(surface);
        let Ok(root) = find_popup_root_surface(&popup) else { return };
        // A client without keyboard or pointer focus must not take them from another.
        let attended = self.has_attention(&root);
        let Ok(mut grab) = self.stage.popups.grab_popup(root, popup, &seat, serial) else { return };
        if !attended {
            grab.ungrab(PopupUngrabStrategy::All);
            return;
        }
        if let Some(keyboard) = seat.get_keyboard() {
            let foreign = keyboard.is_grabbed()
                && !(keyboard.has_grab(serial) || keyboard.has_grab(grab.previous_serial().unwrap_or(serial)));
            if foreign {
                grab.ungrab(PopupUngrabStrategy::All);
                return;
            }
            keyboard.set_focus(self, grab.current_grab(), serial);
            keyboard.set_grab(self, PopupKeyboardGrab::new(&grab), serial);
        }
        if let Some(pointer) = seat.get_pointer() {
            let foreign = pointer.is_grabbed()
                && !(pointer.has_grab(serial) || pointer.has_grab(grab.previous_serial().unwrap_or(serial)));
            if foreign {
                grab.ungrab(PopupUngrabStrategy::All);
                return;
            }
            pointer.set_grab(self, PopupPointerGrab::new(&grab), serial, Focus::Keep);
        }
        self.seat.popup_grab = Some(grab);
    }

    fn fullscreen_request(&mut self, surface: ToplevelSurface, _output: Option<WlOutput>) {
        self.answer_state_request(&surface);
    }
    fn unfullscreen_request(&mut self, surface: ToplevelSurface) {
        self.answer_state_request(&surface);
    }
    fn maximize_request(&mut self, surface: ToplevelSurface) {
        self.answer_state_request(&surface);
    }
    fn unmaximize_request(&mut self, surface: ToplevelSurface) {
        self.answer_state_request(&surface);
    }
}

impl Kiosk {
    /// Whether this surface's client has keyboard or pointer focus.
    fn has_attention(&self, surface: &WlSurface) -> bool {
        let seat = &self.seat.seat;
        let keyboard = seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        let pointer = seat.get_pointer().and_then(|pointer| pointer.current_focus());
        keyboard.into_iter().chain(pointer).any(|focus| focus.id().same_client_as(&surface.id()))
    }

    /// Answers a state request with a configure, as the protocol requires; the state is unchanged.
    fn answer_state_request(&mut self, surface: &ToplevelSurface) {
        if surface.is_initial_configure_sent() {
            surface.send_configure();
        }
    }

    /// A toplevel's tree was committed: first configure, mapping, placing.
    pub fn follow_toplevel(&mut self, root: &WlSurface, is_root_commit: bool) {
        let Some(shown) = self.stage.windows.find(root) else { return };
        let (shell, role) = (shown.shell, shown.role());
        let area = self.area_of(shell);
        let Some(toplevel) = shown.window.toplevel().cloned() else {
            self.follow_x_commit(root, area);
            return;
        };
        if is_root_commit && !toplevel.is_initial_configure_sent() {
            // The shell gets its size before its first buffer, so that it lays out only once.
            Windows::configure(&toplevel, role, self.told_area_of(shell), true);
            toplevel.send_configure();
            if let Some(screen) = self.screens.screen_for(shell) {
                screen.output.enter(root);
            }
            // The conformance suite's own clients attach a buffer too early.
            if !cfg!(feature = "conformance") {
                return;
            }
        }
        if is_root_commit {
            self.tell_scale(root);
        }
        let before = self.stage.windows.find(root).map(|shown| shown.location);
        if self.stage.windows.follow_commit(root, area) {
            self.stage.windows.disturb();
            if self.stage.windows.find(root).is_some_and(|shown| shown.mapped) {
                self.dismiss_covered_grab(root);
            }
            // The suite waits for a second configure when a window is mapped, which has no other use.
            if cfg!(feature = "conformance") {
                toplevel.send_configure();
            }
        }
        if before != self.stage.windows.find(root).map(|shown| shown.location) {
            self.constrain_reactive_popups_of(root);
        }
    }

    /// Answers a popup's first commit with its configure.
    pub fn configure_popup(&mut self, surface: &WlSurface) {
        if let Some(PopupKind::Xdg(popup)) = self.stage.popups.find_popup(surface)
            && !popup.is_initial_configure_sent()
            && let Err(error) = popup.send_configure()
        {
            tracing::debug!(%error, "popup not configured");
        }
    }

    /// Handles a popup's commit: its children move with it.
    pub fn follow_popup(&mut self, surface: &WlSurface) {
        let Some(popup) = self.stage.popups.find_popup(surface) else { return };
        if let Ok(root) = find_popup_root_surface(&popup) {
            if let Some(shown) = self.stage.layers.find(&root) {
                self.request_redraw(shown.screen);
            }
            self.constrain_reactive_popups_of(&root);
        }
    }

    /// Constrains reactive popups anew when the layout of screens or windows changed.
    pub(crate) fn constrain_reactive_popups(&self) {
        for root in self.stage.windows.surfaces() {
            self.constrain_reactive_popups_of(&root);
        }
    }

    /// The same for the popups of one window.
    pub(crate) fn constrain_reactive_popups_of(&self, root: &WlSurface) {
        for (popup, _) in PopupManager::popups_for_surface(root) {
            let PopupKind::Xdg(popup) = popup else { continue };
            let reactive = popup.with_pending_state(|state| state.positioner.reactive);
            // Not for a client that acknowledges none: smithay would keep each.
            if !reactive || !popup.is_initial_configure_sent() || !popup_answers(&popup) {
                continue;
            }
            self.keep_popup_on_screen(&popup);
            if let Err(error) = popup.send_pending_configure() {
                tracing::debug!(%error, "popup not constrained again");
            }
        }
    }

    /// Slides, flips or resizes a popup so that it is on the shell's screen as far as its rules allow.
    pub(super) fn keep_popup_on_screen(&self, popup: &PopupSurface) {
        let kind = PopupKind::Xdg(popup.clone());
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let (mut target, parent) = if let Some(shown) = self.stage.windows.find(&root) {
            (self.area_of(shown.shell), shown.location)
        } else if let Some(shown) = self.stage.layers.find(&root) {
            let Some(screen) = self.screens.get(shown.screen) else { return };
            (screen.geometry(), shown.area.loc)
        } else {
            return;
        };
        target.loc -= get_popup_toplevel_coords(&kind);
        target.loc -= parent;
        popup.with_pending_state(|state| {
            state.geometry = state.positioner.get_unconstrained_geometry(target);
        });
    }
}

impl XdgDecorationHandler for Kiosk {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        // Server-side, and the server draws none: windows have no decorations.
        toplevel.with_pending_state(|state| state.decoration_mode = Some(DecorationMode::ServerSide));
    }
    fn request_mode(&mut self, toplevel: ToplevelSurface, _mode: DecorationMode) {
        self.answer_state_request(&toplevel);
    }
    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        self.answer_state_request(&toplevel);
    }
}

impl XdgActivationHandler for Kiosk {
    fn activation_state(&mut self) -> &mut XdgActivationState {
        &mut self.protocols.activation
    }

    fn token_created(&mut self, _token: XdgActivationToken, data: XdgActivationTokenData) -> bool {
        let (each, all) =
            (self.settings.config.limits.tokens, self.settings.config.limits.tokens.saturating_mul(ALL_FACTOR));
        let now = Instant::now();
        let is_young = |data: &XdgActivationTokenData| now.saturating_duration_since(data.timestamp) < TOKEN_LIFE;
        let state = &mut self.protocols.activation;
        state.retain_tokens(|_, data| is_young(data));
        forget_oldest(state, all, |_| true);
        forget_oldest(state, each, |other| other.client_id == data.client_id);
        true
    }

    fn request_activation(&mut self, token: XdgActivationToken, _data: XdgActivationTokenData, surface: WlSurface) {
        // A token is for one activation.
        self.protocols.activation.remove_token(&token);
        self.stage.windows.raise(&surface);
        self.stage.windows.disturb();
    }
}

/// Places the popup by these rules, not yet constrained to the screen.
fn place_by(popup: &PopupSurface, rules: PositionerState) {
    let rules = positioner::restore(rules);
    popup.with_pending_state(|state| {
        state.geometry = rules.get_geometry();
        state.positioner = rules;
    });
}

/// Removes the oldest of these tokens if there is no room for one more.
fn forget_oldest(state: &mut XdgActivationState, most: u32, of: impl Fn(&XdgActivationTokenData) -> bool) {
    let these = || state.tokens().filter(|(_, data)| of(data));
    if these().count() < usize::try_from(most).unwrap_or(usize::MAX) {
        return;
    }
    let oldest = these().min_by_key(|(_, data)| data.timestamp).map(|(token, _)| token.clone());
    if let Some(oldest) = oldest {
        state.remove_token(&oldest);
    }
}

globals! {
    XdgWmBase, () => XdgShellState;
    ZxdgDecorationManagerV1, XdgDecorationManagerGlobalData => XdgDecorationState;
    XdgActivationV1, () => XdgActivationState;
}
objects! {
    ZxdgDecorationManagerV1, () => XdgDecorationState;
    XdgActivationV1, () => XdgActivationState;
    XdgActivationTokenV1, ActivationTokenData => XdgActivationState;
}
