//! The real Chromium on screens narrower than its narrowest window: the page is as wide as the screen, also when the
//! screen becomes narrow or wide while the page is shown.

use std::process::{Command, Output};

use super::{
    process::{Running, program},
    telling_page::{serve, until},
};

/// Reports its width to its server, whenever it may have changed.
const PAGE: &str = "<!doctype html><meta charset=utf-8><body style='background:#ddeeff;margin:0'>\
    <script>const said = () => fetch('/said/' + innerWidth);\
    for (const event of ['load', 'resize']) addEventListener(event, said);</script>";

/// kioskd with one screen and no window, and the browser that is started for it.
struct Kiosk {
    directory: tempfile::TempDir,
    kioskd: Running,
}

impl Kiosk {
    fn start(output: &str, url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.toml");
        std::fs::write(&config, format!("[shell]\nurl = \"{url}\"\n")).unwrap();
        let mut command = Self::command("kioskd", &directory);
        command.args(["--backend=headless", "--output", output, "--config"]).arg(config);
        let mut kioskd = Running::start(command);
        kioskd.wait_for(&directory.path().join("compositor.sock"));
        Self { directory, kioskd }
    }

    fn command(name: &str, directory: &tempfile::TempDir) -> Command {
        let mut command = Command::new(program(name));
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent").env("NO_COLOR", "1");
        for name in ["XDG_RUNTIME_DIR", "KIOSK_RUNTIME_DIR", "KIOSK_STATE_DIR"] {
            command.env(name, directory.path());
        }
        command
    }

    #[track_caller]
    fn kioskctl(&self, arguments: &[&str]) {
        let Output { status, stderr, .. } =
            Self::command("kioskctl", &self.directory).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "kioskctl {arguments:?}: {error}\n{}", self.kioskd.log());
    }
}

#[test]
fn a_page_is_as_wide_as_a_screen_that_becomes_narrow_while_it_is_up() {
    let (port, said) = serve(PAGE);
    let kiosk = Kiosk::start("800x480", &format!("http://localhost:{port}/"));
    kiosk.kioskctl(&["wait", "page-visible", "--timeout", "90s"]);
    let is = |width: &str, what: &str| until(&said, what, |words| (words == width).then_some(()));
    is("800", "the page of a wide screen");
    for (arguments, width) in [
        (["rotate", "90"], "480"),
        (["rotate", "0"], "800"),
        (["scale", "2"], "400"),
        (["rotate", "90"], "240"),
        (["scale", "1"], "480"),
        (["rotate", "180"], "800"),
    ] {
        kiosk.kioskctl(&arguments);
        is(width, &format!("{width} after {arguments:?}"));
    }
}
