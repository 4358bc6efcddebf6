//! Sets backlights through logind, which writes the kernel's file for the active session on the seat. Called on a
//! thread of its own.

use crate::logind::{self, LogindError};

/// Asks logind on this bus to set the backlight of this name to the kernel's number. `None`: the system bus.
pub fn set_brightness(bus: Option<&str>, name: &str, value: u32) -> Result<(), LogindError> {
    let path = "/org/freedesktop/login1/session/auto";
    logind::ask(bus, path, "org.freedesktop.login1.Session", "SetBrightness", &("backlight", name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logind::fake::Logind;

    #[test]
    fn logind_is_asked_for_the_own_sessions_backlight_and_its_refusal_is_told() {
        let logind = Logind::start();
        for refuses in [false, true] {
            let (answer, (path, body)) =
                logind.exchange::<(String, String, u32)>(refuses, |bus| set_brightness(Some(bus), "panel", 42));
            assert_eq!(answer.is_err(), refuses, "{answer:?}");
            assert_eq!(path, "/org/freedesktop/login1/session/auto");
            assert_eq!(body, ("backlight".into(), "panel".into(), 42));
        }
    }
}
