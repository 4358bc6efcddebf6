use kiosk_core::config::ModeChoice;
use proptest::prelude::*;

use super::*;
use crate::command::CommandError;

const FULL_HD: HeadMode =
    HeadMode { width: 1920, height: 1080, refresh: 60_000, preferred: true, custom: None, interlaced: false };
const VGA: HeadMode =
    HeadMode { width: 640, height: 480, refresh: 60_000, preferred: false, custom: None, interlaced: false };

fn screens(count: u32) -> Vec<Facts> {
    (0..count)
        .map(|number| Facts {
            id: ScreenId(number),
            name: format!("DP-{number}"),
            identity: format!("ACME Panel {number}"),
            connected: true,
            physical: (530, 300),
            modes: vec![FULL_HD, VGA],
            now: Planned {
                power: true,
                rotation: Rotation::R0,
                scale: ScaleFactor::ONE,
                auto_scale: false,
                mode: Some(FULL_HD),
                position: None,
                mirror: None,
                brightness: None,
            },
        })
        .collect()
}

fn on(number: u32, change: OutputChange) -> (String, OutputChange) {
    (format!("DP-{number}"), change)
}

fn off() -> OutputChange {
    OutputChange { power: Some(false), ..OutputChange::default() }
}

fn place(x: i32, y: i32) -> Position {
    Position::try_from((x, y)).unwrap()
}

fn at(x: i32, y: i32) -> OutputChange {
    OutputChange { position: Some(place(x, y)), ..OutputChange::default() }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let change = OutputChange {
        mode: Some(ModeChoice::Exact { width: 640, height: 480, refresh: None }),
        ..OutputChange::default()
    };
    let before = screens(2);
    let planned = plan(&before, &[on(1, change)]).unwrap();
    assert_eq!(planned, [(ScreenId(1), Planned { mode: Some(VGA), ..before[1].now })]);
}

#[test]
fn positions_that_overlap_are_refused_with_both_names() {
    let refused = plan(&screens(2), &[on(0, at(0, 0)), on(1, at(1919, 1079))]).unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused.into(), CommandError::InvalidArgument(_)));
    assert!(text.contains("DP-0") && text.contains("DP-1") && text.contains("1920x1080"), "{text}");
    assert!(plan(&screens(2), &[on(0, at(0, 0)), on(1, at(1920, 0))]).is_ok());
    // Rotated, the first is only 1080 wide.
    let rotated = OutputChange { rotation: Some(Rotation::R90), ..at(0, 0) };
    assert!(plan(&screens(2), &[on(0, rotated), on(1, at(1080, 0))]).is_ok());
}

#[test]
fn an_unplugged_screen_overlaps_nothing() {
    let mut screens = screens(2);
    screens[0].now.position = Some(place(0, 0));
    assert!(plan(&screens, &[on(1, at(0, 0))]).is_err());
    screens[0].connected = false;
    assert!(plan(&screens, &[on(1, at(0, 0))]).is_ok());
}

#[test]
fn all_screens_go_dark_only_when_that_is_all_that_is_asked() {
    assert!(plan(&screens(1), &[on(0, off())]).is_ok());
    assert!(plan(&screens(2), &[on(0, off()), on(1, off())]).is_ok());
    let with_rotation = OutputChange { rotation: Some(Rotation::R90), ..off() };
    assert!(plan(&screens(1), &[on(0, with_rotation.clone())]).is_err());
    assert!(plan(&screens(2), &[on(0, with_rotation.clone())]).is_ok(), "another one stays lit");
    let mut dark = screens(1);
    dark[0].now.power = false;
    assert!(plan(&dark, &[on(0, with_rotation)]).is_ok(), "it was dark before");
}

fn any_change() -> impl Strategy<Value = OutputChange> {
    let rotations = vec![Rotation::R0, Rotation::R90, Rotation::R180, Rotation::R270];
    let rotation = proptest::option::of(proptest::sample::select(rotations));
    let scale = (1.0f64..=4.0).prop_map(|factor| Scale::fixed(factor).unwrap());
    let scale = proptest::option::of(prop_oneof![4 => scale, 1 => Just(Scale::Auto)]);
    let size = (0u32..20_000, 0u32..20_000, proptest::option::of(0u32..600_000));
    let mode = proptest::option::of(prop_oneof![
        Just(ModeChoice::Preferred),
        Just(ModeChoice::Max),
        Just(ModeChoice::Exact { width: 640, height: 480, refresh: None }),
        size.clone().prop_map(|(width, height, refresh)| ModeChoice::Exact { width, height, refresh }),
        size.prop_map(|(width, height, refresh)| ModeChoice::Custom { width, height, refresh }),
    ]);
    let position = proptest::option::of((-3_000i32..3_000, -3_000i32..3_000).prop_map(|(x, y)| place(x, y)));
    (proptest::option::of(any::<bool>()), rotation, scale, mode, position).prop_map(
        |(power, rotation, scale, mode, position)| OutputChange {
            power,
            rotation,
            scale,
            mode,
            position,
            ..OutputChange::default()
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_planned_is_possible(
        changes in proptest::collection::vec((0u32..4, any_change()), 0..4),
        connected in proptest::collection::vec(any::<bool>(), 3),
    ) {
        let mut before = screens(3);
        for (screen, connected) in before.iter_mut().zip(connected) {
            screen.connected = connected;
        }
        let changes: Vec<_> = changes.into_iter().map(|(number, change)| on(number, change)).collect();
        let Ok(planned) = plan(&before, &changes) else { return Ok(()) };
        prop_assert_eq!(planned.len(), changes.len());
        for (_, plan) in planned {
            prop_assert!((1.0..=4.0).contains(&plan.scale.get()));
            prop_assert!(plan.mode.is_some_and(|mode| mode.custom.is_some() || before[0].modes.contains(&mode)));
        }
    }
}

fn showing(source: &str) -> OutputChange {
    OutputChange { mirror: Some(source.into()), ..OutputChange::default() }
}

#[test]
fn a_mirror_names_its_source_by_connector_or_identity() {
    for source in ["DP-0", "ACME Panel 0"] {
        let planned = plan(&screens(2), &[on(1, showing(source))]).unwrap();
        assert_eq!(planned[0].1.mirror, Some(ScreenId(0)));
    }
    let mut before = screens(2);
    before[1].now.mirror = Some(ScreenId(0));
    assert_eq!(plan(&before, &[on(1, showing(""))]).unwrap()[0].1.mirror, None);
    assert_eq!(plan(&before, &[on(1, off())]).unwrap()[0].1.mirror, Some(ScreenId(0)));
}

#[test]
fn mirrors_of_themselves_of_nothing_and_in_a_circle_are_refused() {
    let refused = |changes: &[(String, OutputChange)]| plan(&screens(3), changes).unwrap_err();
    let unknown = refused(&[on(1, showing("HDMI-A-1"))]);
    assert!(matches!(unknown.clone().into(), CommandError::NotFound(_)), "{unknown}");
    assert!(unknown.to_string().contains("HDMI-A-1") && unknown.to_string().contains("DP-0, DP-1, DP-2"), "{unknown}");
    let own = refused(&[on(1, showing("DP-1"))]);
    assert!(
        matches!(own.clone().into(), CommandError::InvalidArgument(_)) && own.to_string().contains("itself"),
        "{own}"
    );
    let circle = refused(&[on(0, showing("DP-1")), on(1, showing("DP-2")), on(2, showing("DP-0"))]);
    assert!(
        matches!(circle.clone().into(), CommandError::InvalidArgument(_)) && circle.to_string().contains("circle"),
        "{circle}"
    );
    // A circle that is opened by the same request is none.
    let mut before = screens(2);
    before[0].now.mirror = Some(ScreenId(1));
    assert!(plan(&before, &[on(1, showing("DP-0"))]).is_err());
    assert!(plan(&before, &[on(1, showing("DP-0")), on(0, showing(""))]).is_ok());
}

#[test]
fn a_mirror_has_no_place_and_overlaps_nothing() {
    let mut before = screens(2);
    before[0].now.position = Some(place(0, 0));
    before[1].now.position = Some(place(100, 0));
    assert!(plan(&before, &[on(1, at(100, 0))]).is_err());
    assert!(plan(&before, &[on(1, OutputChange { mirror: Some("DP-0".into()), ..at(100, 0) })]).is_ok());
}

#[test]
fn auto_is_the_scale_of_the_mode_that_is_asked_for_with_it() {
    let mut screens = screens(1);
    screens[0].physical = (127, 71);
    let auto = OutputChange { scale: Some(Scale::Auto), ..OutputChange::default() };
    assert_eq!(plan(&screens, &[on(0, auto.clone())]).unwrap()[0].1.scale.get(), 3.5);
    let vga = Some(ModeChoice::Exact { width: 640, height: 480, refresh: None });
    assert_eq!(plan(&screens, &[on(0, OutputChange { mode: vga, ..auto })]).unwrap()[0].1.scale.get(), 1.25);
    // Asked for before, it goes with the mode, until a number is asked for.
    let vga = OutputChange { mode: vga, ..OutputChange::default() };
    screens[0].now = Planned { scale: ScaleFactor::try_from(3.5).unwrap(), auto_scale: true, ..screens[0].now };
    let follows = plan(&screens, &[on(0, vga.clone())]).unwrap()[0].1;
    assert_eq!((follows.scale.get(), follows.auto_scale), (1.25, true));
    let fixed = OutputChange { scale: Some(Scale::fixed(2.0).unwrap()), ..vga.clone() };
    let fixed = plan(&screens, &[on(0, fixed)]).unwrap()[0].1;
    assert_eq!((fixed.scale.get(), fixed.auto_scale), (2.0, false));
    screens[0].now.auto_scale = false;
    assert_eq!(plan(&screens, &[on(0, vga)]).unwrap()[0].1.scale.get(), 3.5);
}
