//! Pages on narrow screens. Chromium's windows are never narrower than [`LEAST`], even if the compositor configures a
//! smaller size, and the part beyond the screen's edge is not visible. So the page's layout width is set to its
//! screen's.
//!
//! A script tells the screen's width; a page that tells another one in its place changes nothing but itself.

use std::time::Duration;

use serde_json::json;

use super::Page;
use super::wire::Purpose;

/// Width of the browser's narrowest window, logical pixels.
const LEAST: u32 = 500;
/// From a new size to the first look at the screen after it, milliseconds; each next one is twice as long after that.
const FIRST_LOOK: u32 = 25;
/// The last one: browsers on slow devices take seconds to lay themselves out anew.
const LAST_LOOK: u32 = FIRST_LOOK << 9;
/// What the script says before the number.
const WORD: &str = "width ";

/// Tells the width of a screen that is narrower, and 0 when it is so no more: it may be rotated, or scaled otherwise. Only
/// a page that is laid out for a narrow screen is itself narrower than the window.
///
/// A page hears of its window's new size before its screen has it, mostly some milliseconds, and of the screen's by nothing
/// that every page may listen to: after a new size it is looked at again, at ever longer intervals.
pub(super) fn script() -> String {
    format!(
        "if (window === window.top && !window.opener) {{ \
         let told = innerWidth < {LEAST} ? -1 : 0, timer = 0; const later = setTimeout; \
         const fit = () => {{ \
           const width = screen.width < {LEAST} ? screen.width : 0; \
           if (width !== told) {{ told = width; kioskTell('{WORD}' + width); }} }}; \
         const settle = wait => {{ fit(); clearTimeout(timer); \
           if (wait <= {LAST_LOOK}) timer = later(() => settle(wait * 2), wait); }}; \
         fit(); addEventListener('resize', () => settle({FIRST_LOOK})); }}"
    )
}

/// The width that a text of the script's tells; 0: that of the window.
pub(super) fn told(text: &str) -> Option<u32> {
    text.strip_prefix(WORD)?.parse().ok().filter(|width| *width < LEAST)
}

impl Page {
    /// The page tells its screen's width, as [`told`] gives it.
    pub(super) fn width_told(&mut self, width: u32, now: Duration) {
        // Screens are rotated by people, who are no faster.
        if self.widths.take(now) {
            self.lay_out(width);
        }
    }

    /// Has the page laid out in this width, logical pixels; 0: in the window's.
    fn lay_out(&mut self, width: u32) {
        let Some(session) = self.session.clone() else { return };
        // 0: as they are.
        let metrics = json!({ "width": width, "height": 0, "deviceScaleFactor": 0, "mobile": false });
        match width {
            0 => self.wire.send(Some(&session), "Emulation.clearDeviceMetricsOverride", json!({}), Purpose::Other),
            _ => self.wire.send(Some(&session), "Emulation.setDeviceMetricsOverride", metrics, Purpose::Other),
        }
    }
}
