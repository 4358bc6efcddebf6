//! The keys of `[lease]`.

use super::{Allowed, Key, Kind};
use crate::config::model::Lease;
use crate::config::setters::{each, filled, list, put};

pub static LEASE: &[Key<Lease>] = &[Key {
    name: "connectors",
    kind: Kind::TextList,
    allowed: Allowed::Description("a list of connectors such as [\"DP-2\"]"),
    set: |lease, raw| put(&mut lease.connectors, each(raw, filled)),
    get: |lease| Some(list(&lease.connectors)),
}];
