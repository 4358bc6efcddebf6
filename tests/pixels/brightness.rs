//! The brightness of a built-in panel, as the control interface shows and changes it.

use std::{fs, path::Path};

use kioskd::{
    control::{ApplyMode, ControlError, OutputChange},
    screens::HeadId,
};

use crate::fixture::{
    Fixture,
    picture::{Picture, RED},
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
    let sysfs = tempfile::tempdir().unwrap();
    panel(sysfs.path(), "50\n");
    let mut fixture = Fixture::new(&[]);
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
    OutputChange { brightness: Some(percent), ..OutputChange::default() }
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
    assert!(matches!(fixture.change(to(101)), Err(ControlError::InvalidArgument(_))));
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
fn a_display_without_a_control_says_so() {
    let (mut fixture, sysfs) = with_panel("HDMI-A-1");
    fixture.still();
    assert_eq!(shown(&fixture), -1);
    let refused = fixture.change(to(50)).unwrap_err();
    assert!(matches!(&refused, ControlError::Unsupported(text) if text.contains("HDMI-A-1")), "{refused:?}");
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
