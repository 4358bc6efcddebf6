//! The key of each `[privilege."APP-ID"]` table.

use toml_edit::Array;

use super::{Allowed, Key, Kind};
use crate::config::privilege::{Group, PrivilegeRule};
use crate::config::raw::{Raw, Wrong};
use crate::config::setters::put;

const ALLOW: Allowed = Allowed::Description(
    "a list of screens, capture, virtual-input, clipboard, windows, layers, input-method, such as [\"capture\"]",
);

pub static PRIVILEGE: &[Key<PrivilegeRule>] = &[Key {
    name: "allow",
    kind: Kind::TextList,
    allowed: ALLOW,
    set: |rule, raw| put(&mut rule.allow, raw.as_list()?.iter().map(group).collect()),
    get: |rule| Some(rule.allow.iter().map(Group::to_string).collect::<Array>().into()),
}];

fn group(raw: &Raw) -> Result<Group, Wrong> {
    let name = raw.as_text()?;
    let known = Group::NAMES.iter().find(|(known, _)| *known == name).map(|(_, group)| *group);
    known.ok_or_else(|| Wrong::because(format!("{name:?} is not among them")))
}
