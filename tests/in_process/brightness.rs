//! The brightness of a built-in panel, as the control interface shows and changes it.

use std::{fs, path::Path};

use kiosk_core::config::{Brightness, Rotation, SavedState};
use kioskd::{
    command::{ApplyMode, CommandError, OutputChange},
    screens::HeadId,
};

use crate::fixture::{
    Fixture,
    picture::{GREEN, Picture, RED},
    seen::TouchSeen,
};

/// A laptop's panel: full brightness is 200.
fn panel(sysfs: &Path, now: &str) {
    let backlight = sysfs.join("class/backlight/panel");
    fs::create_dir_all(&backlight).unwrap();
    fs::write(backlight.join("type"), "raw\n").unwrap();
    fs::write(backlight.join("max_brightness"), "200\n").unwrap();
    fs::write(backlight.join("brightness"), now).unwrap();
}

fn with_panel(name: &str) -> (Fixture, tempfile::TempDir) {
    with_saved(name, SavedState::default())
}

/// The same, started with this saved state.
fn with_saved(name: &str, state: SavedState) -> (Fixture, tempfile::TempDir) {
    let sysfs = tempfile::tempdir().unwrap();
    panel(sysfs.path(), "50\n");
    let mut fixture = Fixture::new(&[]);
    fixture.kiosk.settings.saved.state = state;
    fixture.panels.set_sysfs(sysfs.path().to_owned());
    let mut heads = Fixture::new(&["320x200"]).panels.heads();
    heads[0].name = name.into();
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    (fixture, sysfs)
}

fn shown(fixture: &Fixture) -> i32 {
    fixture.kiosk.snapshot().outputs.iter().find(|output| output.connected).unwrap().brightness
}

fn to(percent: i32) -> OutputChange {
    OutputChange { brightness: Some(Brightness::try_from(i64::from(percent)).unwrap()), ..OutputChange::default() }
}

fn written(sysfs: &tempfile::TempDir) -> String {
    fs::read_to_string(sysfs.path().join("class/backlight/panel/brightness")).unwrap()
}

#[test]
fn a_panels_brightness_is_shown_and_set() {
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    let frames = fixture.panels.frames();
    fixture.change(to(80)).unwrap();
    assert_eq!(shown(&fixture), 80);
    assert_eq!(written(&sysfs), "160");
    fixture.change(to(0)).unwrap();
    assert_eq!(written(&sysfs), "0");
    assert!(Brightness::try_from(101).is_err());
    assert_eq!(written(&sysfs), "0");
    fixture.still();
    assert_eq!(fixture.panels.frames(), frames, "nothing changed in the picture");
}

#[test]
fn a_brightness_on_trial_goes_back() {
    let (mut fixture, sysfs) = with_panel("DSI-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    let revert_after = std::time::Duration::from_millis(50);
    fixture.kiosk.apply(0, &[("DSI-1".into(), to(90))], ApplyMode::Temporary { revert_after }).unwrap();
    assert_eq!(written(&sysfs), "180");
    fixture.until("the trial's end", |fixture| shown(fixture) == 25);
    assert_eq!(written(&sysfs), "50");
}

#[test]
fn a_brightness_is_kept_over_a_restart_and_a_replug() {
    let directory = tempfile::tempdir().unwrap();
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    fixture.change(to(80)).unwrap();
    let heads = fixture.panels.heads();
    fixture.panels.set_heads(Vec::new());
    fixture.kiosk.displays_changed();
    panel(sysfs.path(), "10\n");
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    fixture.until("the kept brightness", |_| written(&sysfs) == "160");
    assert_eq!(shown(&fixture), 80);

    let (state, warning) = SavedState::load(directory.path());
    assert_eq!(warning, None);
    let (mut again, sysfs) = with_saved("eDP-1", state);
    again.until("the kept brightness", |again| shown(again) == 80);
    assert_eq!(written(&sysfs), "160");
    // After off and on it keeps what others have set.
    panel(sysfs.path(), "20");
    again.change(OutputChange { power: Some(false), ..OutputChange::default() }).unwrap();
    again.change(OutputChange { power: Some(true), ..OutputChange::default() }).unwrap();
    again.still();
    assert_eq!(written(&sysfs), "20");
}

#[test]
fn a_kiosk_does_not_come_up_black_because_it_was_dimmed_to_nothing() {
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    fixture.change(to(0)).unwrap();
    assert_eq!(written(&sysfs), "0");
    let (mut again, sysfs) = with_saved("eDP-1", fixture.kiosk.settings.saved.state.clone());
    again.until("some light", |again| shown(again) == 5);
    assert_eq!(written(&sysfs), "10");
}

#[test]
fn a_slider_writes_the_state_first_and_last_and_not_at_each_step() {
    let directory = tempfile::tempdir().unwrap();
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    let kept = || {
        SavedState::load(directory.path())
            .0
            .output("", "eDP-1")
            .and_then(|kept| kept.brightness.map(Brightness::percent))
    };
    fixture.change(to(30)).unwrap();
    assert_eq!(kept(), Some(30), "one change is kept when it is acknowledged");
    for percent in 31..=90 {
        fixture.change(to(percent)).unwrap();
    }
    assert_eq!(kept(), Some(30), "the flash is spared");
    assert_eq!(written(&sysfs), "180");
    fixture.until("the last of it", |_| kept() == Some(90));
    // The end of the program saves at once.
    fixture.change(to(40)).unwrap();
    assert_eq!(kept(), Some(90));
    fixture.kiosk.save_rest();
    assert_eq!(kept(), Some(40));
    // Another change that is saved is saved at once, and the pending one with it.
    fixture.change(to(50)).unwrap();
    fixture.rotate(90);
    assert_eq!(kept(), Some(50));
}

#[test]
fn a_change_of_something_else_does_not_touch_the_brightness() {
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    // Another program changes it.
    panel(sysfs.path(), "20");
    fixture.rotate(90);
    assert_eq!(written(&sysfs), "20");
    // The same value is set again, as the current one may differ.
    fixture.change(to(25)).unwrap();
    assert_eq!(written(&sysfs), "50");
    let revert_after = std::time::Duration::from_millis(50);
    let rotated = OutputChange { rotation: Some(Rotation::R180), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("eDP-1".into(), rotated)], ApplyMode::Temporary { revert_after }).unwrap();
    panel(sysfs.path(), "20");
    fixture.until("the trial's end", |fixture| {
        fixture.kiosk.snapshot().outputs.iter().any(|output| output.rotation == 90)
    });
    assert_eq!(written(&sysfs), "20");
}

#[test]
fn a_display_without_a_control_says_so() {
    let (mut fixture, sysfs) = with_panel("HDMI-A-1");
    fixture.still();
    assert_eq!(shown(&fixture), -1);
    let refused = fixture.change(to(50)).unwrap_err();
    assert!(matches!(&refused, CommandError::Unsupported(text) if text.contains("HDMI-A-1")), "{refused:?}");
    assert_eq!(written(&sysfs), "50\n");
}

#[test]
fn another_panel_on_the_same_connector_is_asked_anew() {
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    let heads = fixture.panels.heads();
    fixture.panels.set_heads(Vec::new());
    fixture.kiosk.displays_changed();
    panel(sysfs.path(), "100\n");
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    fixture.until("the new brightness", |fixture| shown(fixture) == 50);
    assert_eq!(fixture.panel_of(HeadId(1)).pixel(9, 9), RED);
}

#[test]
fn a_finger_on_a_slider_stays_on_it() {
    let (mut fixture, sysfs) = with_panel("eDP-1");
    fixture.until("the brightness", |fixture| shown(fixture) == 25);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.touch_down(1, (20.0, 20.0));
    fixture.change(to(50)).unwrap();
    fixture.roundtrip(client);
    assert_eq!(written(&sysfs), "100");
    assert!(!fixture[client].seen.touch.iter().any(|said| matches!(said, TouchSeen::Cancel)));
}
