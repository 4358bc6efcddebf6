//! The target of a pointer, touch or pen event: the layout position of an absolute device, the surface there, and the
//! window that gets the keyboard focus.

use smithay::{
    backend::input::{AbsolutePositionEvent, Device, InputBackend},
    desktop::find_popup_root_surface,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::{compositor::get_parent, shell::xdg::ToplevelSurface},
};

use crate::{
    kiosk::Kiosk,
    policy::Role,
    screens::Screen,
    stage::{Stage, layers},
};

/// Resolution of absolute positions, fine enough for any panel.
const UNIT: i32 = 1 << 16;

impl Kiosk {
    /// The layout position of an absolute event.
    pub(super) fn place<B: InputBackend>(&self, event: &impl AbsolutePositionEvent<B>) -> Point<f64, Logical> {
        let unit = f64::from(UNIT);
        let device = event.device().id();
        self.panel_to_layout(&device, (event.x_transformed(UNIT) / unit, event.y_transformed(UNIT) / unit))
    }

    /// The surface at a place of the layout, and where its top left corner is; none while our own picture covers the
    /// shell there.
    pub fn under(&self, location: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        let screen = self.screens.iter().find(|screen| screen.geometry().to_f64().contains(location))?;
        let shell = self.screens.shell_on(screen.id).filter(|shell| self.stage.shell_visible(*shell))?;
        if self.on_keyboard(location) {
            return None;
        }
        let Stage { layers, windows, method_popups, .. } = &self.stage;
        if let Some(popup) = method_popups.under(screen.id, location) {
            return Some(popup);
        }
        let above = layers.under(screen.id, layers::ABOVE, location);
        if above.is_some() || self.button_at(screen, shell, location).is_some() {
            return above;
        }
        windows.under(shell, location).or_else(|| layers.under(screen.id, layers::BELOW, location))
    }

    /// The popup whose close button is at a layout position.
    pub(super) fn closes(&self, location: Point<f64, Logical>) -> Option<ToplevelSurface> {
        let screen = self.screens.iter().find(|screen| screen.geometry().to_f64().contains(location))?;
        let shell = self.screens.shell_on(screen.id).filter(|shell| self.stage.shell_visible(*shell))?;
        let above = self.stage.method_popups.under(screen.id, location);
        match above.or_else(|| self.stage.layers.under(screen.id, layers::ABOVE, location)) {
            Some(_) => None,
            None => self.button_at(screen, shell, location),
        }
    }

    /// The same among the windows of a shell, ignoring everything above them.
    fn button_at(&self, screen: &Screen, shell: usize, location: Point<f64, Logical>) -> Option<ToplevelSurface> {
        // The usual case, asked for at each commit.
        if !self.stage.windows.mapped(shell).any(|shown| shown.role() == Role::Popup) {
            return None;
        }
        for shown in self.stage.windows.mapped(shell) {
            if shown.close_button(screen.geometry()).is_some_and(|button| button.to_f64().contains(location)) {
                return shown.window.toplevel().cloned();
            }
            // What is above a button hides it.
            let window = Rectangle::new(shown.location, shown.window.geometry().size);
            if window.to_f64().contains(location) {
                return None;
            }
        }
        None
    }

    /// Gives the keyboard to the window that was clicked or touched, if another one has it.
    pub(super) fn focus_window_of(&mut self, surface: &WlSurface) {
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        // A touch on an input method's popup leaves the keyboard focus with the text field.
        if self.stage.method_popups.screen_of(&root).is_some() {
            return;
        }
        // A popup of a layer surface belongs to that surface.
        if let Some(popup) = self.stage.popups.find_popup(&root)
            && let Ok(owner) = find_popup_root_surface(&popup)
            && self.stage.layers.find(&owner).is_some()
        {
            root = owner;
        }
        let layer = self.stage.layers.find(&root).filter(|layer| layer.wants_keys());
        let shell = layer.and_then(|layer| self.screens.shell_on(layer.screen));
        let moves = shell.is_some_and(|shell| std::mem::replace(&mut self.stage.active, shell) != shell);
        if self.stage.layers.touch(&root) || moves {
            self.windows_changed();
        }
        let Some(shown) = self.stage.windows.find(&root) else { return };
        if self.stage.focus().as_ref() == Some(&root) {
            return;
        }
        self.stage.active = shown.shell;
        self.stage.windows.raise(&root);
        self.windows_changed();
    }
}
