//! The keys of `[capture]`.

use super::{Key, Kind, TRUTH};
use crate::config::model::CaptureSettings;
use crate::config::setters::put;

pub static CAPTURE: &[Key<CaptureSettings>] = &[Key {
    name: "notice",
    kind: Kind::Toml,
    allowed: TRUTH,
    set: |capture, raw| put(&mut capture.notice, raw.as_bool()),
    get: |capture| Some(capture.notice.into()),
}];
