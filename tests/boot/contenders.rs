//! What shows the page: kioskd as the image has it, or cage in a unit that takes the place of kiosk.service.

use std::fmt::Write;

use anyhow::{Context, Result};

/// Who starts the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contender {
    Kioskd,
    Cage,
}

/// Where kiosk-session opens the page, by DevTools.
const BLANK: &str = "about:blank";
/// It ends where nobody holds the pipe's other end.
const PIPE: &str = "--remote-debugging-pipe";
/// What kiosk-session opens.
const PAGE: &str = "http://localhost:3000";

/// As cage's own documentation has it (its wiki, "Starting Cage on boot with systemd"), with the page server waited for. Its disk
/// is the second one. It draws with pixman, as kioskd does where there is no GPU.
const UNIT: &str = r#"[Unit]
Description=cage in kioskd's place
After=systemd-user-sessions.service plymouth-quit-wait.service getty@tty1.service dbus.socket systemd-logind.service matrix-shell.service
Wants=dbus.socket systemd-logind.service
Before=graphical.target
ConditionPathExists=/dev/tty0
Conflicts=getty@tty1.service
[Service]
Type=simple
ExecStartPre=+/bin/sh -c "mkdir -p /run/cage && mount -o ro /dev/disk/by-id/virtio-stick /run/cage"
User=kiosk-web
PAMName=kiosk
SupplementaryGroups=kiosk render audio
UtmpIdentifier=tty1
UtmpMode=user
TTYPath=/dev/tty1
TTYReset=yes
TTYVHangup=yes
TTYVTDisallocate=yes
StandardInput=tty-fail
StandardOutput=journal
StandardError=journal
StateDirectory=kiosk-web
StateDirectoryMode=0700
RuntimeDirectory=kiosk-web
RuntimeDirectoryMode=0700
Environment=LD_LIBRARY_PATH=/run/cage/usr/lib/x86_64-linux-gnu
Environment=WLR_RENDERER=pixman DBUS_SESSION_BUS_ADDRESS=disabled:
Environment=HOME=/var/lib/kiosk-web
TimeoutStopSec=10
"#;

impl Contender {
    pub const ALL: [Self; 2] = [Self::Kioskd, Self::Cage];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kioskd => "kioskd",
            Self::Cage => "cage",
        }
    }

    /// Credentials that make it the machine's: units in place of the image's own.
    pub fn units(self, browser: &Browser) -> Vec<(&'static str, String)> {
        if self == Self::Kioskd {
            return Vec::new();
        }
        let mut unit = UNIT.to_owned();
        let _ =
            writeln!(unit, "ExecStart=/run/cage/usr/bin/cage -- /usr/bin/env -u LD_LIBRARY_PATH {}", browser.line());
        // Nobody would answer it.
        let health = "[Service]\nType=oneshot\nExecStart=/bin/true\n".to_owned();
        vec![("systemd.extra-unit.kiosk.service", unit), ("systemd.extra-unit.kiosk-health.service", health)]
    }
}

/// The browser's command line.
pub struct Browser(Vec<String>);

impl Browser {
    /// Of its arguments, with blanks between them: Chromium writes its own so.
    pub fn of(said: &str) -> Result<Self> {
        let mut words: Vec<String> = said.split_whitespace().filter(|word| *word != PIPE).map(str::to_owned).collect();
        let last = words.iter_mut().rfind(|word| *word == BLANK);
        *last.with_context(|| format!("the browser's command line has no {BLANK}: {said}"))? = PAGE.to_owned();
        Ok(Self(words))
    }

    /// For ExecStart=.
    fn line(&self) -> String {
        let quoted = self.0.iter().map(|word| {
            let word = word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
            format!("\"{word}\"")
        });
        quoted.collect::<Vec<_>>().join(" ")
    }
}
