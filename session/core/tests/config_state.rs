//! The saved state: written and read back, and never in the way when it is damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use kiosk_core::config::{
    Brightness, Calibration, DeviceIdentity, InputSettings, ModeChoice, OutputSettings, Position, Rotation, SavedState,
    Scale,
};
use proptest::prelude::*;
use std::fs;

fn rotated(rotation: Rotation) -> OutputSettings {
    OutputSettings { rotation: Some(rotation), ..OutputSettings::default() }
}

#[test]
fn changes_add_up_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("deeper");
    let mut state = SavedState::default();
    state.change("Dell U2720Q 1", "HDMI-A-1", &rotated(Rotation::R90));
    let off = OutputSettings { power: Some(false), ..OutputSettings::default() };
    state.change("Dell U2720Q 1", "HDMI-A-1", &off);
    state.save(&place).unwrap();
    state.save(&place).unwrap();

    let (read, warning) = SavedState::load(&place);
    assert_eq!((&read, warning), (&state, None));
    let settings = read.output("Dell U2720Q 1", "DP-1").expect("it is known wherever it is plugged in");
    assert_eq!((settings.rotation, settings.power), (Some(Rotation::R90), Some(false)));
    assert!(!place.join("state.toml.new").exists());
}

#[test]
fn a_display_is_found_at_its_connector_when_its_edid_is_lost() {
    let mut state = SavedState::default();
    state.change("Dell A 1", "HDMI-A-1", &rotated(Rotation::R90));
    assert_eq!(state.output("", "HDMI-A-1"), Some(&rotated(Rotation::R90)));
    assert_eq!(state.output("", "DP-1"), None);
    assert_eq!(state.output("Other B 2", "HDMI-A-1"), None, "another display is not rotated");
    state.change("Other B 2", "HDMI-A-1", &rotated(Rotation::R180));
    assert_eq!(state.output("", "HDMI-A-1"), Some(&rotated(Rotation::R180)));
}

#[test]
fn inputs_are_kept_by_name_and_told_apart_by_id() {
    let dir = tempfile::tempdir().unwrap();
    let on = |output: &str| InputSettings { output: Some(output.into()), ..InputSettings::default() };
    let rotated = Calibration::Matrix([0.0, -1.0, 1.0, 1.0, 0.0, 0.0]);
    let calibrated = InputSettings { calibration: Some(rotated), ..InputSettings::default() };
    let mut state = SavedState::default();
    state.change_input("Panel \"A\"", "Panel \"A\"", &on("DP-1"));
    state.change_input("Panel \"A\"", "Panel \"A\"", &calibrated);
    state.change_input("B@1-2", "B", &on("Dell U2720Q 1"));
    state.change("", "DP-1", &self::rotated(Rotation::R90));
    state.save(dir.path()).unwrap();
    let (mut read, warning) = SavedState::load(dir.path());
    assert_eq!((&read, warning), (&state, None));
    let both = InputSettings { calibration: Some(rotated), ..on("DP-1") };
    assert_eq!(read.input("Panel \"A\"@3-1", "Panel \"A\""), Some(&both));
    assert_eq!(read.input("B@1-2", "B"), Some(&on("Dell U2720Q 1")));
    assert_eq!(read.input("B@1-3", "B"), None);

    read.change_input("Panel \"A\"", "Panel \"A\"", &on("auto"));
    assert_eq!(read.input("Panel \"A\"", "Panel \"A\""), Some(&calibrated));
    let own = InputSettings { calibration: Some(Calibration::Own), ..InputSettings::default() };
    read.change_input("Panel \"A\"", "Panel \"A\"", &own);
    read.change_input("B@1-2", "B", &on("auto"));
    assert_eq!((read.input("Panel \"A\"", "Panel \"A\""), read.input("B@1-2", "B")), (None, None));
}

#[test]
fn one_of_several_devices_of_a_name_can_be_freed_of_what_counts_for_the_others() {
    let on = |output: &str| InputSettings { output: Some(output.into()), ..InputSettings::default() };
    let mut state = SavedState::default();
    state.change_input("B", "B", &on("DP-1"));
    state.change_input("B@1-2", "B", &on("auto"));
    assert_eq!(state.input("B@1-2", "B"), Some(&InputSettings::default()));
    assert_eq!(state.input("B@1-3", "B"), Some(&on("DP-1")));
    let dir = tempfile::tempdir().unwrap();
    state.save(dir.path()).unwrap();
    assert_eq!(SavedState::load(dir.path()), (state, None));
}

#[test]
fn answers_about_devices_come_back() {
    let keyboard = DeviceIdentity {
        name: "A \"keyboard\"\u{1b}".into(),
        hardware: "046d:c31c".into(),
        place: "usb-0000:00:14.0-2".into(),
        kinds: "keyboard".into(),
    };
    let mouse = DeviceIdentity { name: "Mouse".into(), kinds: "pointer".into(), ..DeviceIdentity::default() };
    let mut state = SavedState::default();
    state.trust.say(keyboard.clone(), true);
    state.trust.say(mouse.clone(), false);
    let dir = tempfile::tempdir().unwrap();
    state.save(dir.path()).unwrap();
    let (read, warning) = SavedState::load(dir.path());
    assert_eq!((&read, warning), (&state, None));
    assert_eq!((read.trust.answer(&keyboard), read.trust.answer(&mouse)), (Some(true), Some(false)));
}

#[test]
fn a_missing_file_is_no_reason_for_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(SavedState::load(&dir.path().join("none")), (SavedState::default(), None));
}

#[test]
fn damaged_and_newer_files_are_set_aside_with_a_warning() {
    for (content, why) in [
        (&b"\xff\xfe"[..], "UTF-8"),
        (b"version = 1\n[output", "not TOML"),
        (b"version = 2\n", "newer version 2"),
        (b"", "no version"),
        (b"version = 1\n[output.X]\nrotation = 45\n", "rotation of output \"X\" is 45"),
        (b"version = 1\n[output.X]\nshape = 1\n", "unknown key \"shape\""),
        (b"version = 1\noutput = 3\n", "no table"),
        (b"version = 1\ninput = 3\n", "no table"),
        (b"version = 1\n[input.X]\ncalibration = [1, 1]\n", "calibration of input \"X\" is [1, 1]"),
        (b"version = 1\n[input.X]\nshape = 1\n", "unknown key \"shape\""),
        (b"version = 1\ndevice = 3\n", "no list of [[device]] tables"),
        (b"version = 1\n[device]\n", "no list of [[device]] tables"),
        (b"version = 1\n[[device]]\nname = \"K\"\n", "does not say whether it is trusted"),
        (b"version = 1\n[[device]]\nname = \"K\"\ntrusted = 1\n", "trusted of a device is 1, allowed is true or false"),
        (b"version = 1\n[[device]]\nname = 3\ntrusted = true\n", "name of a device is 3, allowed is a text"),
        (b"version = 1\n[[device]]\ncolour = \"red\"\n", "a device has the unknown key \"colour\""),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("state.toml"), content).unwrap();
        let (state, warning) = SavedState::load(dir.path());
        assert_eq!(state, SavedState::default());
        let warning = warning.unwrap();
        assert!(warning.contains(why), "{warning}");
        assert_eq!(fs::read(dir.path().join("state.toml.bad")).unwrap(), content);
        assert!(!dir.path().join("state.toml").exists());
        state.save(dir.path()).unwrap();
        assert_eq!(SavedState::load(dir.path()), (state, None));
    }
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_whole_or_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.toml");
    let mut state = SavedState::default();
    state.change("Dell Größe \u{1f600} 1", "HDMI-A-1", &rotated(Rotation::R90));
    let more = OutputSettings {
        position: Some(Position::try_from((-10, 5)).unwrap()),
        scale: Some(Scale::Auto),
        ..rotated(Rotation::R180)
    };
    state.change("", "DP-1", &more);
    let on = InputSettings { output: Some("DP-1".into()), ..InputSettings::default() };
    state.change_input("Panel", "Panel", &on);
    state.save(dir.path()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (read, warning) = SavedState::load(dir.path());
        if warning.is_some() {
            assert_eq!((read, path.exists()), (SavedState::default(), false), "{length}");
        }
        // What is read of a part can be kept again.
        state.save(dir.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{length}");
    }
}

#[test]
fn a_state_file_that_is_no_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.toml");
    let fifo = |path: &std::path::Path| {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    };
    type Make<'a> = (&'a str, &'a dyn Fn());
    let link = |to: &str| std::os::unix::fs::symlink(to, &path).unwrap();
    let all: [Make<'_>; 5] = [
        ("a directory", &|| fs::create_dir(&path).unwrap()),
        ("a FIFO", &|| fifo(&path)),
        ("a link to itself", &|| link("state.toml")),
        ("a device", &|| link("/dev/zero")),
        ("a link to nowhere", &|| link("/nowhere/else")),
    ];
    for (what, make) in all {
        make();
        let (state, warning) = SavedState::load(dir.path());
        assert_eq!(state, SavedState::default(), "{what}");
        assert!(what == "a link to nowhere" || warning.is_some_and(|text| text.contains("state.toml")), "{what}");
        state.save(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(SavedState::load(dir.path()), (SavedState::default(), None), "{what}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_write_that_fails_leaves_the_old_state_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = SavedState::default();
    state.change("", "DP-1", &rotated(Rotation::R90));
    state.save(dir.path()).unwrap();
    // A directory in the way of the new file: also root can't write there.
    fs::create_dir(dir.path().join("state.toml.new")).unwrap();
    let error = SavedState::default().save(dir.path()).unwrap_err().to_string();
    assert!(error.contains("state.toml") && error.contains("writable"), "{error}");
    assert_eq!(SavedState::load(dir.path()).0, state);
}

fn settings() -> impl Strategy<Value = OutputSettings> {
    let refresh = proptest::option::of(1000u32..=1_000_000);
    let mode = prop_oneof![
        Just(ModeChoice::Preferred),
        Just(ModeChoice::Max),
        (1..=16384u32, 1..=16384u32, refresh.clone()).prop_map(|(width, height, refresh)| ModeChoice::Exact {
            width,
            height,
            refresh
        }),
        (1..=16384u32, 1..=16384u32, refresh).prop_map(|(width, height, refresh)| ModeChoice::Custom {
            width,
            height,
            refresh
        }),
    ];
    let rotation = (0u32..4).prop_map(|quarter| Rotation::try_from(quarter * 90).unwrap());
    let scale = prop_oneof![Just(Scale::Auto), (1.0..=4.0f64).prop_map(|factor| Scale::fixed(factor).unwrap())];
    (
        proptest::option::of(mode),
        proptest::option::of(rotation),
        proptest::option::of(scale),
        proptest::option::of(any::<bool>()),
        proptest::option::of("M[A-Za-z0-9 \"\\\\'-]{0,12}"),
        proptest::option::of((-9999i32..9999, -9999i32..9999).prop_map(|place| Position::try_from(place).unwrap())),
        proptest::option::of((0..=100).prop_map(Brightness::nearest)),
    )
        .prop_map(|(mode, rotation, scale, power, mirror, position, brightness)| OutputSettings {
            mode,
            rotation,
            scale,
            power,
            mirror,
            position,
            brightness,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_saved_is_read_back(
        changes in proptest::collection::vec(("I[\\PC]{0,20}", "[A-Z]{2,4}-[0-9]", settings()), 0..5),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut state = SavedState::default();
        for (identity, connector, settings) in &changes {
            state.change(identity, connector, settings);
        }
        state.save(dir.path()).unwrap();
        prop_assert_eq!(SavedState::load(dir.path()), (state, None));
    }

    #[test]
    fn arbitrary_bytes_are_loaded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("state.toml"), bytes).unwrap();
        let (state, _) = SavedState::load(dir.path());
        prop_assert_eq!(state, SavedState::default());
    }
}
