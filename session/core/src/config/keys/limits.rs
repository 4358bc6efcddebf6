//! The keys of `[limits]`.

use super::{Allowed, Key, Kind};
use crate::config::limits::Limits;
use crate::config::setters::{in_range, put};

/// Largest count of any kind: a machine does not serve more in time.
const MAX_COUNT: u32 = 100_000;
/// Deeper than this, walking a tree by recursion could need more stack than there is.
const MAX_DEPTH: u32 = 256;

/// libwayland has places for 15,728,640 ids of a client.
const MAX_IDS: u32 = 15_000_000;

const NUMBER: Allowed = Allowed::Description("a number from 1 to 100000");
const DEPTH: Allowed = Allowed::Description("a number from 1 to 256");
const IDS: Allowed = Allowed::Description("a number from 1 to 15000000");

macro_rules! limits {
    ($($name:literal $field:ident $allowed:ident $most:ident;)+) => {
        pub static LIMITS: &[Key<Limits>] = &[$(
            Key {
                name: $name,
                kind: Kind::Toml,
                allowed: $allowed,
                set: |limits, raw| put(&mut limits.$field, in_range(raw, 1, $most)),
                get: |limits| Some(i64::from(limits.$field).into()),
            },
        )+];
    };
}

limits! {
    "clients" clients NUMBER MAX_COUNT;
    "clients-per-user" clients_per_user NUMBER MAX_COUNT;
    "surfaces" surfaces NUMBER MAX_COUNT;
    "subsurfaces" subsurfaces NUMBER MAX_COUNT;
    "subsurface-depth" subsurface_depth DEPTH MAX_DEPTH;
    "toplevels" toplevels NUMBER MAX_COUNT;
    "parent-depth" parent_depth DEPTH MAX_DEPTH;
    "popups" popups NUMBER MAX_COUNT;
    "popup-depth" popup_depth DEPTH MAX_DEPTH;
    "buffers" buffers NUMBER MAX_COUNT;
    "regions" regions NUMBER MAX_COUNT;
    "region-rectangles" region_rectangles NUMBER MAX_COUNT;
    "callbacks" callbacks NUMBER MAX_COUNT;
    "sources" sources NUMBER MAX_COUNT;
    "mime-types" mime_types NUMBER MAX_COUNT;
    "tokens" tokens NUMBER MAX_COUNT;
    "objects" objects NUMBER MAX_COUNT;
    "ids" ids IDS MAX_IDS;
}
