//! QR codes: a text in, a grid of modules out, painted black on white with the quiet zone, independent of the screen's
//! colours, as cameras expect it. Called by the layout (how many modules) and the painter.

use qrcode::{Color, EcLevel, QrCode};

use crate::Image;

/// Longest content, bytes: larger codes are readable only on large screens.
pub const MAX_CONTENT: usize = 600;
/// Modules of white around a code (ISO/IEC 18004, section 5.3.8).
const QUIET_ZONE: u32 = 4;
/// Smallest module that a camera tells apart at arm's length, pixels.
const MIN_MODULE: u32 = 2;
/// Largest module, pixels.
const MAX_MODULE: u32 = 24;

/// The modules of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Black, row by row.
    modules: Vec<bool>,
    /// Modules a side.
    side: u32,
}

impl Code {
    /// `None`: there is nothing in it, or more than a code can have.
    pub(crate) fn new(content: &str) -> Option<Self> {
        if content.is_empty() || content.len() > MAX_CONTENT {
            return None;
        }
        let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
        let side = u32::try_from(code.width()).ok()?;
        Some(Self { modules: code.to_colors().into_iter().map(|color| color == Color::Dark).collect(), side })
    }

    /// Side of the picture that fits into `room` pixels, quiet zone included; `None`: it could not be read.
    pub(crate) fn fit(&self, room: u32) -> Option<u32> {
        let whole = self.side + 2 * QUIET_ZONE;
        let module = (room / whole).min(MAX_MODULE);
        (module >= MIN_MODULE).then_some(module * whole)
    }

    /// The picture with this side, which [`Code::fit`] gave.
    pub(crate) fn paint(&self, side: u32) -> Image {
        let module = (side / (self.side + 2 * QUIET_ZONE)).max(1);
        let black = |x: u32, y: u32| {
            let (x, y) = ((x / module).checked_sub(QUIET_ZONE)?, (y / module).checked_sub(QUIET_ZONE)?);
            (x < self.side).then(|| self.modules.get((y * self.side + x) as usize).copied())?
        };
        let pixel = |x, y| if black(x, y) == Some(true) { [0, 0, 0, 255] } else { [255; 4] };
        let data = (0..side).flat_map(|y| (0..side).flat_map(move |x| pixel(x, y))).collect();
        Image { width: side, height: side, data }
    }
}

/// The content of a code that joins a Wi-Fi network: `WIFI:T:WPA;S:NAME;P:PASSWORD;;`, without a password `T:nopass`.
/// The format's special characters (`\ ; , " :`) are escaped.
pub fn wifi_code(name: &str, password: &str, hidden: bool) -> String {
    let escaped = |text: &str| {
        text.chars().fold(String::new(), |mut out, c| {
            if matches!(c, '\\' | ';' | ',' | '"' | ':') {
                out.push('\\');
            }
            out.push(c);
            out
        })
    };
    let (kind, secret) =
        if password.is_empty() { ("nopass", String::new()) } else { ("WPA", format!("P:{};", escaped(password))) };
    let hidden = if hidden { "H:true;" } else { "" };
    format!("WIFI:T:{kind};S:{};{secret}{hidden};", escaped(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_end_the_wifi_code() {
        assert_eq!(wifi_code("Café 5", "", false), "WIFI:T:nopass;S:Café 5;;");
        assert_eq!(wifi_code(r#"a;P:x\"#, r#"1,2:3"4"#, true), r#"WIFI:T:WPA;S:a\;P\:x\\;P:1\,2\:3\"4;H:true;;"#);
    }

    #[test]
    fn a_code_has_whole_modules_and_is_left_out_where_they_were_too_small() {
        let code = Code::new("http://kiosk.local/").unwrap();
        let side = code.fit(200).unwrap();
        assert!(side <= 200 && side.is_multiple_of(code.side + 2 * QUIET_ZONE));
        assert_eq!(code.fit(40), None);
        assert!(code.fit(100_000).unwrap() < 2_000);
        assert_eq!(Code::new(""), None);
        assert_eq!(Code::new(&"x".repeat(MAX_CONTENT + 1)), None);
        assert!(Code::new(&"x".repeat(MAX_CONTENT)).is_some());
    }
}
