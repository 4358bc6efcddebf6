//! alpha-modifier: a client says how opaque a surface is as a whole, on top of its pixels' own alpha. smithay keeps it, and
//! its elements are drawn with it: one that is not opaque as a whole hides nothing below it, is drawn anew when the factor
//! changes, and goes to a plane only if that can fade it.

use smithay::{
    reexports::wayland_protocols::wp::alpha_modifier::v1::server::{
        wp_alpha_modifier_surface_v1::WpAlphaModifierSurfaceV1, wp_alpha_modifier_v1::WpAlphaModifierV1,
    },
    wayland::alpha_modifier::{AlphaModifierState, AlphaModifierSurfaceUserData},
};

use crate::protocols::dispatch::{globals, objects};

globals! {
    WpAlphaModifierV1, () => AlphaModifierState;
}
objects! {
    WpAlphaModifierV1, () => AlphaModifierState;
    WpAlphaModifierSurfaceV1, AlphaModifierSurfaceUserData => AlphaModifierState;
}
