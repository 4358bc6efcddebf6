//! A changed configuration is applied at runtime, completely or not at all; changes that were made at runtime are
//! dropped.

use std::{fs, path::PathBuf};

use kiosk_core::config::Rotation;
use kioskd::{
    boot_problems::BootProblems,
    command::{ApplyMode, CommandError, OutputChange},
    signals,
};
use rustix::process::{Signal, getpid, kill_process};

use crate::fixture::{
    Fixture, Setup,
    picture::{Picture, RED},
};

impl Fixture {
    /// Sets the configuration file's text.
    fn configured(&mut self, text: &str) -> PathBuf {
        let file = self.directory.path().join("config.toml");
        fs::write(&file, text).unwrap();
        self.kiosk.settings.options.config = Some(file.clone());
        file
    }

    pub(crate) fn reload(&mut self, text: &str) -> Result<Vec<String>, String> {
        self.configured(text);
        let told = self.kiosk.reload_configuration().map_err(|error| error.to_string());
        self.kiosk.settle();
        told
    }

    fn rotated(&self) -> Vec<u32> {
        self.kiosk.screens.iter().map(|screen| screen.rotation.degrees()).collect()
    }
}

#[test]
fn screens_idling_and_the_schedule_follow_a_changed_file_and_the_page_stays() {
    let mut fixture = Fixture::new(&["320x200", "320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let told = fixture
        .reload(
            "[output.\"HEADLESS-2\"]\nrotation = 90\nposition = [1000, 0]\n\
             [idle]\nscreen-off = \"10m\"\n[power]\nschedule = [{ on = \"00:00\", off = \"12:00\" }, { on = \"12:00\", off = \"00:00\" }]\n\
             [input]\nvt-switching = false\n",
        )
        .unwrap();
    assert_eq!(told, ["output: in force", "input: in force", "idle: in force", "power: in force"]);
    assert_eq!(fixture.rotated(), [0, 90]);
    let place = |fixture: &Fixture| fixture.kiosk.screens.by_name("HEADLESS-2").unwrap().output.current_location().x;
    assert_eq!(place(&fixture), 1000);
    assert!(fixture.kiosk.activity.power.deadline().is_some(), "idling counts");
    assert!(fixture.kiosk.activity.power.has_schedule());
    assert!(!fixture.kiosk.seat.vt_switching());
    fixture.roundtrip(client);
    assert!(fixture.kiosk.stage.windows.any_mapped(0), "the page is gone");

    assert_eq!(fixture.reload("").unwrap().len(), 4, "what is not said any more is as it was built in");
    assert_eq!(fixture.rotated(), [0, 0]);
    assert_eq!(place(&fixture), 320, "beside the other one again");
    assert_eq!(fixture.kiosk.activity.power.deadline(), None);
    assert_eq!(fixture.reload("").unwrap(), [""; 0], "nothing has changed");
}

#[test]
fn the_splash_looks_otherwise_at_once_and_a_broken_logo_is_none() {
    let mut fixture = Setup { splash: true, ..Setup::bare(&["320x200"]) }.start();
    fixture.still();
    let middle = |fixture: &mut Fixture| {
        fixture.still();
        let panel = fixture.panel();
        let ground = panel.pixel(1, 1);
        (ground, (0..320).any(|x| panel.pixel(x, 100) != ground))
    };
    assert_eq!(middle(&mut fixture), ([0, 0, 0], true));
    let told = fixture.reload("[splash]\nbackground = \"#ff0000\"\n").unwrap();
    assert_eq!(told, ["splash: in force"]);
    assert_eq!(middle(&mut fixture), ([255, 0, 0], true));
    let broken = fixture.directory.path().join("broken.svg");
    fs::write(&broken, "<svg").unwrap();
    let text = format!("[splash]\nlogo = {broken:?}\nlook = \"light\"\n");
    let told = fixture.reload(&text).unwrap().join("\n");
    assert!(told.contains("is not a valid SVG") && told.ends_with("no logo is shown"), "{told}");
    assert_eq!(middle(&mut fixture), ([255, 255, 255], false));
    assert!(fixture.kiosk.status.problems.iter().any(|problem| problem.starts_with("splash.logo: ")));
    fixture.reload("").unwrap();
    assert_eq!(middle(&mut fixture), ([0, 0, 0], true));
    assert!(!fixture.kiosk.status.problems.iter().any(|problem| problem.starts_with("splash.")), "it is mended");
}

#[test]
fn a_keyboards_layout_is_in_force_at_once() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.roundtrip(client);
    let before = fixture[client].seen.keymap.clone();
    assert_eq!(fixture.reload("[input.keyboard]\nlayout = \"de\"\n").unwrap(), ["input: in force"]);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.keymap != before && fixture[client].seen.keymap.contains("udiaeresis"));
    let told = fixture.reload("[input.keyboard]\nlayout = \"nowhere\"\n").unwrap();
    assert!(told[0].contains("xkb has no keyboard layout \"nowhere\""), "{told:?}");
}

#[test]
fn what_needs_a_restart_is_said_with_the_command() {
    let mut fixture = Fixture::new(&["320x200"]);
    let told = fixture.reload("[shell]\nurl = \"http://other\"\n[limits]\nclients = 99\n").unwrap();
    assert_eq!(
        told,
        [
            "limits: takes effect after `systemctl restart kiosk`",
            "shell, browser, api: takes effect after `systemctl restart kiosk-session`"
        ]
    );
}

#[test]
fn a_file_with_anything_wrong_changes_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.reload("[output.\"*\"]\nrotation = 90\n").unwrap();
    let error = fixture.reload("[output.\"*\"]\nrotation = 180\n[idle]\nscreen-off = 3\n").unwrap_err();
    assert!(error.contains("config.toml:4:14: idle.screen-off is 3"), "{error}");
    assert_eq!(fixture.rotated(), [90]);
    // A valid configuration that the screens cannot apply.
    let error = fixture.reload("[output.\"*\"]\nrotation = 180\nmode = \"1x1\"\n").unwrap_err();
    assert!(error.contains("the one of before is in force") && error.contains("HEADLESS-1"), "{error}");
    assert_eq!(fixture.rotated(), [90]);
    assert_eq!(fixture.reload("[output.\"*\"]\nrotation = 90\n").unwrap(), [""; 0], "the one of before was kept");
}

#[test]
fn the_hangup_signal_reloads_and_ends_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    signals::listen(&mut fixture.kiosk).unwrap();
    fixture.configured("[output.\"*\"]\nrotation = 270\n");
    kill_process(getpid(), Signal::HUP).unwrap();
    fixture.until("the turn", |fixture| fixture.rotated() == [270]);
    fixture.configured("[output.\"*\"]\nrotation = 1\n");
    kill_process(getpid(), Signal::HUP).unwrap();
    fixture.until("the refusal", |fixture| {
        fixture.kiosk.status.problems.to_vec().iter().any(|problem| problem.contains("output.\"*\".rotation is 1"))
    });
    assert_eq!(fixture.rotated(), [270]);
    assert_eq!(fixture.kiosk.main_loop.lifecycle.exit(), None);
}

#[test]
fn what_was_kept_beats_the_configuration_until_it_is_forgotten() {
    let mut fixture = Fixture::new(&["320x200", "320x200"]);
    let state = tempfile::tempdir().unwrap();
    fixture.kiosk.settings.saved.directory = Some(state.path().to_owned());
    let kept = |rotation| OutputChange { rotation: Some(rotation), ..OutputChange::default() };
    let changes =
        vec![("HEADLESS-1".to_owned(), kept(Rotation::R180)), ("HEADLESS-2".to_owned(), kept(Rotation::R270))];
    fixture.kiosk.apply(0, &changes, ApplyMode::Keep).unwrap();
    fixture.reload("[output.\"*\"]\nrotation = 90\n").unwrap();
    assert_eq!(fixture.rotated(), [180, 270]);

    let forget = |fixture: &mut Fixture, outputs: &[&str], key| {
        let outputs: Vec<String> = outputs.iter().map(|name| (*name).to_owned()).collect();
        fixture.kiosk.forget(&outputs, key)
    };
    assert!(matches!(forget(&mut fixture, &["DP-9"], None), Err(CommandError::NotFound(_))));
    assert_eq!(forget(&mut fixture, &["HEADLESS-1"], Some("scale")).unwrap(), ["nothing was kept of it"]);
    assert_eq!(fixture.rotated(), [180, 270]);
    forget(&mut fixture, &["HEADLESS-1"], Some("rotation")).unwrap();
    assert_eq!(fixture.rotated(), [90, 270]);
    let text = fs::read_to_string(state.path().join("state.toml")).unwrap();
    assert!(text.contains("rotation = 270") && !text.contains("rotation = 180"), "{text}");
    forget(&mut fixture, &[], None).unwrap();
    assert_eq!(fixture.rotated(), [90, 90]);
    assert!(!fs::read_to_string(state.path().join("state.toml")).unwrap().contains("rotation"));
}

#[test]
fn what_the_boot_found_wrong_is_told_until_it_is_right() {
    let mut fixture = Fixture::new(&["320x200"]);
    let directory = fixture.directory.path().join("problems");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("disk"), "The disk is full\n").unwrap();
    fixture.kiosk.status.boot_problems = BootProblems::below(directory.clone());
    fixture.kiosk.take_boot_problems();
    fixture.kiosk.problem("a warning of kioskd's own".to_owned());
    let told = |fixture: &Fixture| fixture.kiosk.snapshot().problems;
    assert_eq!(told(&fixture), ["The disk is full", "a warning of kioskd's own"]);

    fs::write(directory.join("kiosk.toml"), "kiosk.toml, line 2: no\n").unwrap();
    fixture.reload("").unwrap();
    assert_eq!(told(&fixture), ["The disk is full", "a warning of kioskd's own", "kiosk.toml, line 2: no"]);

    fs::remove_file(directory.join("disk")).unwrap();
    fixture.reload("").unwrap();
    assert_eq!(told(&fixture), ["a warning of kioskd's own", "kiosk.toml, line 2: no"]);
}
