//! alpha-modifier: a client sets a surface's opacity, in addition to its pixels' alpha. smithay keeps the factor and
//! draws elements with it: a translucent one hides nothing below it, is damaged when the factor changes, and goes to a
//! plane only if that supports it.

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
