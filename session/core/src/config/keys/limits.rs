//! The keys of `[limits]`.

use super::{Allowed, Key, Kind};
use crate::config::limits::Limits;
use crate::config::setters::{in_range, put};

/// More of anything than a machine serves in time.
const MOST: u32 = 100_000;
/// Deeper than this, walking a tree by recursion could need more stack than there is.
const DEEPEST: u32 = 256;

const NUMBER: Allowed = Allowed::Description("a number from 1 to 100000");
const DEPTH: Allowed = Allowed::Description("a number from 1 to 256");

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
    "clients" clients NUMBER MOST;
    "clients-per-user" clients_per_user NUMBER MOST;
    "surfaces" surfaces NUMBER MOST;
    "subsurfaces" subsurfaces NUMBER MOST;
    "subsurface-depth" subsurface_depth DEPTH DEEPEST;
    "toplevels" toplevels NUMBER MOST;
    "parent-depth" parent_depth DEPTH DEEPEST;
    "popups" popups NUMBER MOST;
    "popup-depth" popup_depth DEPTH DEEPEST;
    "buffers" buffers NUMBER MOST;
    "regions" regions NUMBER MOST;
    "region-rectangles" region_rectangles NUMBER MOST;
    "callbacks" callbacks NUMBER MOST;
    "sources" sources NUMBER MOST;
    "mime-types" mime_types NUMBER MOST;
    "tokens" tokens NUMBER MOST;
    "objects" objects NUMBER MOST;
}
