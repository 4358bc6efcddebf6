//! Refuses requests that make smithay 0.7.0 panic, hang or use what all clients share: a client must be able to end
//! nothing but its own connection. Each was found by the in-process tests; its guard can be deleted when smithay
//! handles the request itself.

use smithay::{
    reexports::{
        wayland_protocols::{
            wp::linux_dmabuf::zv1::server::zwp_linux_buffer_params_v1::{self, ZwpLinuxBufferParamsV1},
            xdg::{
                decoration::zv1::server::zxdg_toplevel_decoration_v1::{self, ZxdgToplevelDecorationV1},
                shell::server::{
                    xdg_popup::{self, XdgPopup},
                    xdg_toplevel::{self, XdgToplevel},
                },
            },
        },
        wayland_server::{
            Client, Resource,
            backend::ObjectId,
            protocol::{
                wl_buffer::WlBuffer,
                wl_region::{self, WlRegion},
                wl_shm::{self, WlShm},
                wl_shm_pool::{self, WlShmPool},
                wl_subcompositor::{self, WlSubcompositor},
                wl_subsurface,
                wl_surface::{self, WlSurface},
            },
        },
    },
    utils::Rectangle,
    wayland::{
        compositor::{
            CompositorState, Damage, RegionUserData, SubsurfaceUserData, SurfaceAttributes, SurfaceUserData,
            is_sync_subsurface, with_states,
        },
        dmabuf::{DmabufParamsData, DmabufState},
        shell::xdg::{
            PopupSurface, ToplevelSurface, XdgPopupSurfaceData, XdgShellState, XdgShellSurfaceUserData,
            decoration::XdgDecorationState,
        },
        shm::{ShmBufferUserData, ShmPoolUserData, ShmState},
    },
};

use super::{subsurface_position, unconfigured};
use crate::{
    kiosk::Kiosk,
    limits::{
        configures::{popup_answers, toplevel_answers},
        depth,
        descriptors::{self, Use},
        refusal::LIMIT,
        table::{DAMAGE_RECTANGLES, UNANSWERED_CONFIGURES},
        waiting,
    },
    privilege::ClientState,
    protocols::dispatch::{Refused, guarded, objects},
};

objects! {
    WlBuffer, ShmBufferUserData => ShmState;
}
guarded! {
    WlShm, () => ShmState, shm;
    WlShmPool, ShmPoolUserData => ShmState, pool;
    ZwpLinuxBufferParamsV1, DmabufParamsData => DmabufState, buffer_params;
    WlSubcompositor, () => CompositorState, subcompositor;
    WlSurface, SurfaceUserData => CompositorState, surface;
    WlRegion, RegionUserData => CompositorState, region;
    XdgToplevel, XdgShellSurfaceUserData => XdgShellState, toplevel;
    XdgPopup, XdgShellSurfaceUserData => XdgShellState, popup;
    ZxdgToplevelDecorationV1, ToplevelSurface => XdgDecorationState, decoration;
}

fn refuse<T>(code: impl Into<u32>, sentence: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { code: code.into(), sentence: sentence.into() })
}

/// Refuses a new pool when no file descriptor is left for it.
fn shm(_: &mut Kiosk, _: &Client, _: &WlShm, request: &wl_shm::Request, (): &()) -> Result<(), Refused> {
    match request {
        wl_shm::Request::CreatePool { fd, .. } if descriptors::is_of_reserve(fd, Use::Buffer) => {
            refuse(wl_shm::Error::InvalidFd, descriptors::NONE_LEFT)
        }
        _ => Ok(()),
    }
}

fn buffer_params(
    _: &mut Kiosk,
    _: &Client,
    _: &ZwpLinuxBufferParamsV1,
    request: &zwp_linux_buffer_params_v1::Request,
    _: &DmabufParamsData,
) -> Result<(), Refused> {
    match request {
        zwp_linux_buffer_params_v1::Request::Add { fd, .. } if descriptors::is_of_reserve(fd, Use::Buffer) => {
            refuse(LIMIT, descriptors::NONE_LEFT)
        }
        zwp_linux_buffer_params_v1::Request::Create { format, .. }
        | zwp_linux_buffer_params_v1::Request::CreateImmed { format, .. }
            if !is_in_letters(*format) =>
        {
            let sentence = format!("the format {format:#010x} is no code of letters and digits");
            refuse(zwp_linux_buffer_params_v1::Error::InvalidFormat, sentence)
        }
        _ => Ok(()),
    }
}

// WORKAROUND(drm-fourcc:no-letters)
/// Whether a format can be put into words: smithay does so where it refuses one, and drm-fourcc panics for those that it has a
/// name for and that have no letters, such as 0.
fn is_in_letters(format: u32) -> bool {
    let [first, second, rest @ ..] = format.to_le_bytes();
    first.is_ascii_alphanumeric() && second.is_ascii_alphanumeric() && rest.is_ascii()
}

// WORKAROUND(smithay:shm-pool-resize)
/// Refuses a resize to 0 or less: smithay makes a `NonZeroUsize` of it, after it posted the error.
fn pool(
    _: &mut Kiosk,
    _: &Client,
    _: &WlShmPool,
    request: &wl_shm_pool::Request,
    _: &ShmPoolUserData,
) -> Result<(), Refused> {
    match request {
        wl_shm_pool::Request::Resize { size } if *size <= 0 => {
            refuse(wl_shm::Error::InvalidFd, format!("a pool of {size} bytes is not possible"))
        }
        _ => Ok(()),
    }
}

// WORKAROUND(smithay:surface-tree-recursion)
/// Refuses subsurfaces nested too deep: smithay walks the tree by recursion.
fn subcompositor(
    _: &mut Kiosk,
    client: &Client,
    _: &WlSubcompositor,
    request: &wl_subcompositor::Request,
    (): &(),
) -> Result<(), Refused> {
    let wl_subcompositor::Request::GetSubsurface { surface, parent, .. } = request else { return Ok(()) };
    let Some(state) = client.get_data::<ClientState>() else { return Ok(()) };
    let limit = state.counts.limits().subsurface_depth;
    if depth::subsurface_fits(surface, parent, limit) {
        return Ok(());
    }
    let text = format!("subsurfaces nested too deep: {limit} levels are possible ([limits] subsurface-depth)");
    refuse(wl_subcompositor::Error::BadParent, text)
}

// WORKAROUND(smithay:subsurface-own-sibling)
/// Refuses to stack a surface relative to itself: smithay removes it from the list of siblings, and then searches the
/// list for it.
pub(super) fn subsurface(
    kiosk: &mut Kiosk,
    request: &wl_subsurface::Request,
    data: &SubsurfaceUserData,
) -> Result<(), Refused> {
    match request {
        wl_subsurface::Request::PlaceAbove { sibling } | wl_subsurface::Request::PlaceBelow { sibling }
            if sibling == data.surface() =>
        {
            refuse(wl_subsurface::Error::BadSurface, "a surface is not its own sibling")
        }
        wl_subsurface::Request::Destroy => {
            // WORKAROUND(smithay:subsurface-gone)
            // It is unmapped at once, without a commit, and smithay does not report it.
            kiosk.stage.windows.disturb();
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Limits the damage between two commits, and pending commits: smithay keeps all of it.
fn surface(
    kiosk: &mut Kiosk,
    client: &Client,
    surface: &WlSurface,
    request: &wl_surface::Request,
    _: &SurfaceUserData,
) -> Result<(), Refused> {
    match request {
        wl_surface::Request::Damage { .. } | wl_surface::Request::DamageBuffer { .. } => {
            limit_damage(surface, DAMAGE_RECTANGLES);
        }
        wl_surface::Request::Destroy => {
            kiosk.lift_fingers_from(surface);
            kiosk.take_pointer_from(surface);
        }
        wl_surface::Request::Commit => {
            unconfigured::refuse_early_buffer(surface);
            subsurface_position::committed(surface);
            let Some(state) = client.get_data::<ClientState>() else { return Ok(()) };
            if is_sync_subsurface(surface) {
                // One of many commits that will be applied together.
                limit_damage(surface, 1);
            }
            // Subtracted by `waiting::applied`, for most surfaces immediately.
            if let Err(most) = waiting::begin(state, surface) {
                return refuse(LIMIT, format!("too many commits that wait for another: {most} are possible"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Damages the whole surface if it has more than `most` rectangles.
fn limit_damage(surface: &WlSurface, most: usize) {
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let damage = &mut attributes.pending().damage;
        if damage.len() > most {
            damage.clear();
            damage.push(Damage::Buffer(Rectangle::from_size((i32::MAX, i32::MAX).into())));
        }
    });
}

/// Limits a region's rectangles: all are kept, and checked in each frame.
fn region(
    _: &mut Kiosk,
    client: &Client,
    region: &WlRegion,
    request: &wl_region::Request,
    _: &RegionUserData,
) -> Result<(), Refused> {
    match request {
        wl_region::Request::Add { .. } | wl_region::Request::Subtract { .. } => {
            count(client, region.id(), "rectangles of a region", "region-rectangles", |limits| limits.region_rectangles)
        }
        _ => Ok(()),
    }
}

/// Counts a source's MIME types. Each is at most a message long, which libwayland keeps below 4 KiB.
pub(super) fn mime_type(client: &Client, source: ObjectId) -> Result<(), Refused> {
    count(client, source, "MIME types of a source", "mime-types", |limits| limits.mime_types)
}

/// Counts one more entry of an object.
fn count(
    client: &Client,
    object: ObjectId,
    what: &str,
    key: &str,
    limit: impl Fn(&kiosk_core::config::Limits) -> u32,
) -> Result<(), Refused> {
    let Some(state) = client.get_data::<ClientState>() else { return Ok(()) };
    let limit = limit(state.counts.limits());
    if state.tallies.add(object, limit) {
        return Ok(());
    }
    refuse(LIMIT, format!("too many {what}: {limit} are possible ([limits] {key})"))
}

/// Limits configures without an answer: each request for a change gets one, which smithay keeps until it is
/// acknowledged.
fn toplevel(
    kiosk: &mut Kiosk,
    _: &Client,
    toplevel: &XdgToplevel,
    _: &xdg_toplevel::Request,
    _: &XdgShellSurfaceUserData,
) -> Result<(), Refused> {
    match kiosk.protocols.xdg_shell.get_toplevel(toplevel) {
        Some(toplevel) => answered(toplevel_answers(&toplevel)),
        None => Ok(()),
    }
}

fn decoration(
    _: &mut Kiosk,
    _: &Client,
    _: &ZxdgToplevelDecorationV1,
    _: &zxdg_toplevel_decoration_v1::Request,
    toplevel: &ToplevelSurface,
) -> Result<(), Refused> {
    answered(toplevel_answers(toplevel))
}

fn popup(
    kiosk: &mut Kiosk,
    _: &Client,
    popup: &XdgPopup,
    _: &xdg_popup::Request,
    _: &XdgShellSurfaceUserData,
) -> Result<(), Refused> {
    match kiosk.protocols.xdg_shell.get_popup(popup) {
        Some(popup) => answered(popup_answers(&popup)),
        None => Ok(()),
    }
}

fn answered(answers: bool) -> Result<(), Refused> {
    if answers {
        return Ok(());
    }
    refuse(LIMIT, format!("too many configures without an answer: {UNANSWERED_CONFIGURES} are possible"))
}

// WORKAROUND(smithay:popup-own-ancestor)
/// Whether the popup is its own parent or ancestor. smithay accepts any surface as the parent, and then searches for
/// the root for ever.
pub fn is_own_ancestor(popup: &PopupSurface) -> bool {
    let mut ancestor = popup.get_parent_surface();
    while let Some(surface) = ancestor {
        if surface == *popup.wl_surface() {
            return true;
        }
        // Cycles are refused when they are created, so there is none further up.
        ancestor = with_states(&surface, |states| {
            let data = states.data_map.get::<XdgPopupSurfaceData>()?;
            data.lock().ok()?.parent.clone()
        });
    }
    false
}
