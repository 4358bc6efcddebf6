//! `zwp_input_popup_surface_v2`: word lists and the like, beside the cursor of the focused field. The stage decides
//! where they lie ([`crate::stage::method_popups`]); they are shown while the method is active and has drawn them.

use smithay::{
    backend::renderer::utils::with_renderer_surface_state,
    desktop::{PopupManager, find_popup_root_surface, utils::bbox_from_surface_tree},
    reexports::{
        wayland_protocols_misc::zwp_input_method_v2::server::{
            zwp_input_method_v2::ZwpInputMethodV2,
            zwp_input_popup_surface_v2::{self, ZwpInputPopupSurfaceV2},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, backend::ClientId, protocol::wl_surface::WlSurface,
        },
    },
    utils::{IsAlive, Logical, Point, Rectangle},
};

use super::{InputMethods, reads};
use crate::{
    kiosk::Kiosk,
    protocols::text_input::Composing,
    screens::ScreenId,
    stage::method_popups::{self, MethodPopup},
};

/// The role of a popup's surface.
pub const ROLE: &str = "zwp_input_popup_surface_v2";

/// Data of a popup's object.
pub struct PopupData {
    pub(super) method: ZwpInputMethodV2,
    pub(super) surface: WlSurface,
}

/// A popup of the current method.
pub struct Popup {
    resource: ZwpInputPopupSurfaceV2,
    surface: WlSurface,
    /// The cursor's rectangle as last sent, relative to the popup's origin.
    told: Option<Rectangle<i32, Logical>>,
}

impl Popup {
    pub(super) fn new(resource: ZwpInputPopupSurfaceV2, surface: WlSurface) -> Self {
        Self { resource, surface, told: None }
    }

    pub(super) fn is_of(&self, surface: &WlSurface) -> bool {
        self.surface == *surface
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.surface.alive()
            && with_renderer_surface_state(&self.surface, |state| state.buffer().is_some()).unwrap_or(false)
    }

    fn tell(&mut self, cursor: Rectangle<i32, Logical>) {
        if self.told != Some(cursor) && reads(&self.resource) {
            self.told = Some(cursor);
            self.resource.text_input_rectangle(cursor.loc.x, cursor.loc.y, cursor.size.w, cursor.size.h);
        }
    }
}

/// The position of a surface that may have a text field.
struct Spot {
    /// The surface's own origin, in the space of all screens.
    origin: Point<i32, Logical>,
    screen: ScreenId,
    /// The area that popups are kept in.
    area: Rectangle<i32, Logical>,
}

impl Kiosk {
    /// Places the method's popups at this field's cursor; `None`: hides them.
    pub(super) fn place_method_popups(&mut self, field: Option<Composing>) {
        let spot = field.as_ref().and_then(|field| self.spot_of(&field.surface));
        let mut shown = Vec::new();
        if let Some((spot, field)) = spot.zip(field)
            && let Some(method) =
                self.protocols.input_methods.current.as_mut().filter(|method| method.knows(field.begun))
        {
            let cursor = field.cursor.map(|(x, y, w, h)| {
                // The client's numbers may be any.
                let at = |origin: i32, offset: i32| origin.saturating_add(offset);
                Rectangle::new((at(spot.origin.x, x), at(spot.origin.y, y)).into(), (w.max(0), h.max(0)).into())
            });
            for popup in method.popups.iter_mut().filter(|popup| popup.is_drawn()) {
                let extent = bbox_from_surface_tree(&popup.surface, (0, 0));
                let place = method_popups::place(cursor, extent.size, spot.area);
                let origin = place - extent.loc;
                if let Some(mut cursor) = cursor {
                    let Point { x, y, .. } = cursor.loc;
                    cursor.loc = (x.saturating_sub(origin.x), y.saturating_sub(origin.y)).into();
                    popup.tell(cursor);
                }
                shown.push(MethodPopup { surface: popup.surface.clone(), screen: spot.screen, origin });
            }
        }
        for popup in &shown {
            if !self.stage.method_popups.has(popup) {
                self.tell_layer_scale(&popup.surface, popup.screen);
                if let Some(screen) = self.screens.get(popup.screen) {
                    screen.output.enter(&popup.surface);
                }
            }
        }
        let before = self.stage.method_popups.set(shown);
        if let Some(before) = before {
            let now = self.stage.method_popups.screens();
            for screen in before.into_iter().chain(now) {
                self.request_redraw(screen);
            }
            self.mark_pointer_focus_stale();
        }
    }

    /// The position of this surface, if it is on the stage: a window's, a layer's, or of a popup of either.
    fn spot_of(&self, surface: &WlSurface) -> Option<Spot> {
        if let Some(shown) = self.stage.windows.find(surface) {
            let screen = self.screens.screen_for(shown.shell)?.id;
            return Some(Spot { origin: shown.origin(), screen, area: self.area_of(shown.shell) });
        }
        if let Some(shown) = self.stage.layers.find(surface) {
            let area = self.screens.get(shown.screen)?.geometry();
            return Some(Spot { origin: shown.area.loc, screen: shown.screen, area });
        }
        let popup = self.stage.popups.find_popup(surface)?;
        let root = find_popup_root_surface(&popup).ok()?;
        let (_, offset) = PopupManager::popups_for_surface(&root).find(|(popup, _)| popup.wl_surface() == surface)?;
        let offset = offset - popup.geometry().loc;
        if let Some(shown) = self.stage.windows.find(&root) {
            let screen = self.screens.screen_for(shown.shell)?.id;
            return Some(Spot { origin: shown.location + offset, screen, area: self.area_of(shown.shell) });
        }
        let shown = self.stage.layers.find(&root)?;
        let area = self.screens.get(shown.screen)?.geometry();
        Some(Spot { origin: shown.area.loc + offset, screen: shown.screen, area })
    }

    /// Handles the commit of a surface tree, which may be a popup's.
    pub(crate) fn follow_method_popup(&mut self, root: &WlSurface) {
        if let Some(screen) = self.stage.method_popups.screen_of(root) {
            self.request_redraw(screen);
        }
    }
}

impl Dispatch<ZwpInputPopupSurfaceV2, PopupData, Kiosk> for InputMethods {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZwpInputPopupSurfaceV2,
        _: zwp_input_popup_surface_v2::Request,
        _: &PopupData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        // The only request is the destructor.
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwpInputPopupSurfaceV2, data: &PopupData) {
        if let Some(method) = kiosk.protocols.input_methods.of(&data.method) {
            method.popups.retain(|popup| popup.resource != *resource);
        }
        kiosk.lift_fingers_from(&data.surface);
    }
}
