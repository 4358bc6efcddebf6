//! The keys of `[power]`.

use toml_edit::Array;

use super::{Allowed, Key, Kind};
use crate::config::model::{Power, ScheduleEntry};
use crate::config::raw::Wrong;
use crate::config::setters::{put, schedule_entry, schedule_value};

/// Most entries: each edge of each entry in the next weeks is compared with all others when the screens' power is
/// decided.
const MAX_ENTRIES: usize = 100;

const SCHEDULE: Allowed =
    Allowed::Description("a list such as [{ on = \"07:00\", off = \"22:00\", days = \"mon-fri\" }]");

pub static POWER: &[Key<Power>] = &[Key {
    name: "schedule",
    kind: Kind::Toml,
    allowed: SCHEDULE,
    set: |power, raw| {
        let list = raw.as_list()?;
        if list.len() > MAX_ENTRIES {
            return Err(Wrong::because(format!(
                "it has {} entries, and at most {MAX_ENTRIES} are followed",
                list.len()
            )));
        }
        let entries: Result<Vec<ScheduleEntry>, Wrong> = list.iter().map(schedule_entry).collect();
        put(&mut power.schedule, entries)
    },
    get: |power| Some(power.schedule.iter().map(schedule_value).collect::<Array>().into()),
}];
