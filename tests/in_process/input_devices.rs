//! Touch panels, tablets and mice as devices: each one's screen and settings.

use kiosk_core::config::{
    AccelProfile, Calibration, InputRule, InputSettings, OUTPUT_AUTO, Rotation, SavedState, Scale, Shell,
};
use kioskd::{
    command::{ApplyMode, Call, Command, CommandError, OutputChange, Reply},
    screens::{Head, Identity},
};

use proptest::prelude::*;

use crate::fixture::{
    Fixture, Setup,
    picture::{GREEN, Picture, RED},
    seen::{PointerSeen, TouchSeen},
    tools::{Kind, Spec, Tool},
};

/// A panel of the first monitor's size, and one of the second's.
const SMALL: Spec = Spec {
    id: "event1",
    name: "Small panel",
    kind: Kind::Touch,
    model: Some((0x1111, 1)),
    port: Some("1-1"),
    serial: None,
    size: Some((160.0, 100.0)),
    hint: None,
};
const LARGE: Spec = Spec {
    id: "event2",
    name: "Large panel",
    kind: Kind::Touch,
    model: Some((0x2222, 1)),
    port: Some("1-2"),
    serial: None,
    size: Some((400.0, 300.0)),
    hint: None,
};

impl Fixture {
    fn connect(&mut self, heads: Vec<Head>) {
        self.panels.set_heads(heads);
        self.kiosk.displays_changed();
        self.kiosk.settle();
    }

    fn say(&mut self, id: &str, change: InputSettings) -> Result<(), CommandError> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.kiosk.answer(Call { request: Command::ChangeInput { id: id.into(), change }, reply });
        self.kiosk.settle();
        answer.try_recv().expect("requests are answered at once").map(|reply| assert!(matches!(reply, Reply::Done)))
    }

    /// The position in the layout of a touch on the panel.
    fn felt(&mut self, tool: &Tool, at: (f64, f64)) -> (f64, f64) {
        self.finger_down(tool, 0, at);
        let location = self.kiosk.seat.finger().expect("a finger is down");
        self.finger_up(tool, 0);
        (location.x, location.y)
    }

    fn output_of(&self, id: &str) -> String {
        self.mapped().into_iter().find(|(name, _)| name == id).expect("the device is there").1
    }
}

/// Two monitors side by side: a small one with the shell, a large one at its right.
fn two() -> (Fixture, Vec<Head>) {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let mut heads = fixture.panels.heads();
    for (head, (model, physical)) in heads.iter_mut().zip([("Small", (160, 100)), ("Large", (400, 300))]) {
        head.identity = Identity { make: "TST".into(), model: model.into(), serial: "1".into() };
        head.physical = physical;
    }
    fixture.connect(heads.clone());
    (fixture, heads)
}

fn on(output: &str) -> InputSettings {
    InputSettings { output: Some(output.into()), ..InputSettings::default() }
}

fn calibrated(calibration: Calibration) -> InputSettings {
    InputSettings { calibration: Some(calibration), ..InputSettings::default() }
}

fn near(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 1.01 && (a.1 - b.1).abs() < 1.01
}

#[test]
fn each_panel_lies_on_the_display_of_its_size() {
    let (mut fixture, _) = two();
    let large = fixture.plug_in(LARGE);
    let small = fixture.plug_in(SMALL);
    assert_eq!(
        fixture.mapped(),
        [("Large panel".into(), "HEADLESS-2".into()), ("Small panel".to_owned(), "HEADLESS-1".to_owned())]
    );
    assert!(near(fixture.felt(&small, (0.5, 0.5)), (160.0, 100.0)));
    assert!(near(fixture.felt(&large, (0.5, 0.5)), (320.0 + 200.0, 150.0)));
    // The large one shows only the splash: the page on the small one gets no events of its touches.
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.felt(&large, (0.1, 0.1));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch, []);
    fixture.felt(&small, (0.1, 0.1));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch[..], [TouchSeen::Down { .. }, TouchSeen::Up { .. }]));
}

#[test]
fn panels_follow_their_displays_in_and_out() {
    let (mut fixture, heads) = two();
    let large = fixture.plug_in(LARGE);
    let small = fixture.plug_in(SMALL);
    for _ in 0..3 {
        fixture.connect(vec![heads[0].clone()]);
        assert_eq!(
            (fixture.output_of("Small panel"), fixture.output_of("Large panel")),
            ("HEADLESS-1".into(), "HEADLESS-1".into())
        );
        fixture.connect(vec![heads[1].clone()]);
        assert_eq!(
            (fixture.output_of("Small panel"), fixture.output_of("Large panel")),
            ("HEADLESS-2".into(), "HEADLESS-2".into())
        );
        fixture.connect(Vec::new());
        assert!(!fixture.output_of("Large panel").is_empty());
        fixture.connect(heads.clone());
        assert_eq!(
            (fixture.output_of("Small panel"), fixture.output_of("Large panel")),
            ("HEADLESS-1".into(), "HEADLESS-2".into())
        );
    }
    fixture.pull_out(&small);
    fixture.pull_out(&large);
    assert_eq!(fixture.mapped(), []);
    fixture.plug_in_again(&large);
    assert_eq!(fixture.output_of("Large panel"), "HEADLESS-2");
}

#[test]
fn fingers_on_a_panel_whose_display_goes_are_cancelled_and_do_not_jump_to_another() {
    let (mut fixture, heads) = two();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let large = fixture.plug_in(LARGE);
    let small = fixture.plug_in(SMALL);
    fixture.finger_down(&small, 0, (0.5, 0.5));
    fixture.connect(vec![heads[1].clone()]);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
    let seen = fixture[client].seen.touch.len();
    fixture.finger_move(&small, 0, (0.6, 0.5));
    fixture.finger_up(&small, 0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.len(), seen);
    // A touch continues on a monitor that stays where it was.
    fixture.connect(heads);
    fixture.roundtrip(client);
    let seen = fixture[client].seen.touch.len();
    fixture.finger_down(&small, 0, (0.5, 0.5));
    fixture.pull_out(&large);
    fixture.finger_move(&small, 0, (0.6, 0.5));
    fixture.finger_up(&small, 0);
    fixture.roundtrip(client);
    let after = &fixture[client].seen.touch[seen..];
    assert!(matches!(after, [TouchSeen::Down { .. }, TouchSeen::Motion { .. }, TouchSeen::Up { .. }]), "{after:?}");
}

#[test]
fn a_panel_that_is_pulled_out_leaves_no_finger_behind() {
    let (mut fixture, _) = two();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let small = fixture.plug_in(SMALL);
    fixture.finger_down(&small, 0, (0.5, 0.5));
    fixture.pull_out(&small);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
    assert_eq!(fixture.kiosk.seat.finger(), None);
}

#[test]
fn the_fingers_of_two_panels_are_told_apart() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let (one, other) = (fixture.plug_in(SMALL), fixture.plug_in(LARGE));
    // Both panels use the number 0 for their first finger.
    fixture.finger_down(&one, 0, (0.25, 0.5));
    fixture.finger_down(&other, 0, (0.75, 0.5));
    fixture.finger_move(&one, 0, (0.25, 0.75));
    fixture.finger_up(&one, 0);
    fixture.finger_move(&other, 0, (0.75, 0.25));
    fixture.finger_up(&other, 0);
    fixture.roundtrip(client);
    let seen: Vec<(i32, Option<f64>)> = fixture[client]
        .seen
        .touch
        .iter()
        .map(|seen| match seen {
            TouchSeen::Down { finger, x, .. } | TouchSeen::Motion { finger, x, .. } => (*finger, Some(x.round())),
            TouchSeen::Up { finger } => (*finger, None),
            TouchSeen::Cancel => panic!("nothing was cancelled"),
        })
        .collect();
    let (left, right) = (Some(80.0), Some(240.0));
    assert_eq!(seen, [(0, left), (1, right), (0, left), (0, None), (1, right), (1, None)]);
}

#[test]
fn a_finger_that_comes_down_twice_was_lifted_in_between() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let panel = fixture.plug_in(SMALL);
    for at in [0.2, 0.4, 0.6] {
        fixture.finger_down(&panel, 3, (at, 0.5));
    }
    fixture.finger_up(&panel, 3);
    fixture.roundtrip(client);
    let seen = &fixture[client].seen.touch;
    let down = seen.iter().filter(|seen| matches!(seen, TouchSeen::Down { finger: 0, .. })).count();
    let up = seen.iter().filter(|seen| matches!(seen, TouchSeen::Up { finger: 0 })).count();
    assert_eq!((down, up), (3, 3), "{seen:?}");
}

/// The position in the upright picture for these fractions of the panel, for a panel that is mounted rotated.
fn in_picture((u, v): (f64, f64), degrees: u32, (width, height): (f64, f64)) -> (f64, f64) {
    let (x, y) = match degrees {
        0 => (u, v),
        90 => (v, 1.0 - u),
        180 => (1.0 - u, 1.0 - v),
        _ => (1.0 - v, u),
    };
    (x * width, y * height)
}

#[test]
fn touches_arrive_under_the_finger_on_every_screen_at_every_rotation_and_scale() {
    let (mut fixture, _) = two();
    let panels = [
        (fixture.plug_in(SMALL), "HEADLESS-1", (320.0, 200.0)),
        (fixture.plug_in(LARGE), "HEADLESS-2", (400.0, 300.0)),
    ];
    for degrees in [0, 90, 180, 270] {
        for scale in [1.0, 1.25, 1.5, 2.0, 3.0, 4.0] {
            for rotated in 0..2 {
                // One screen is changed, the other one is not: each panel follows its own.
                let change = OutputChange {
                    rotation: Some(Rotation::try_from(degrees).unwrap()),
                    scale: Some(Scale::fixed(scale).unwrap()),
                    ..OutputChange::default()
                };
                fixture.kiosk.apply(0, &[(panels[rotated].1.to_owned(), change)], ApplyMode::Keep).unwrap();
                for (tool, name, size) in &panels {
                    let screen = fixture.kiosk.screens.by_name(name).unwrap();
                    let (degrees, area) = (screen.rotation.degrees(), screen.geometry());
                    let upright = if degrees.is_multiple_of(180) { *size } else { (size.1, size.0) };
                    let logical = (upright.0 / screen.scale(), upright.1 / screen.scale());
                    for at in [(0.02, 0.03), (0.98, 0.03), (0.5, 0.25), (0.02, 0.97), (0.98, 0.97)] {
                        let inside = in_picture(at, degrees, logical);
                        let expected = (f64::from(area.loc.x) + inside.0, f64::from(area.loc.y) + inside.1);
                        let felt = fixture.felt(tool, at);
                        assert!(
                            near(felt, expected),
                            "{name} at {degrees}, {scale}, {at:?}: {felt:?}, not {expected:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_said_of_a_panel_counts_at_once_and_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (mut fixture, heads) = two();
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    let small = fixture.plug_in(SMALL);
    fixture.say("Small panel", on("TST Large 1")).unwrap();
    assert_eq!(fixture.output_of("Small panel"), "HEADLESS-2");
    let upside_down = Calibration::Matrix([-1.0, 0.0, 1.0, 0.0, -1.0, 1.0]);
    fixture.say("Small panel", calibrated(upside_down)).unwrap();
    assert!(near(fixture.felt(&small, (0.25, 0.25)), (320.0 + 300.0, 225.0)));

    let (mut again, _) = two();
    let (state, warning) = SavedState::load(directory.path());
    assert_eq!(warning, None);
    again.kiosk.settings.saved.state = state;
    again.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    let small = again.plug_in(SMALL);
    assert_eq!(again.output_of("Small panel"), "HEADLESS-2");
    assert!(near(again.felt(&small, (0.25, 0.25)), (320.0 + 300.0, 225.0)));
    // Its monitor is unplugged, and the panel is mapped to the other one meanwhile.
    again.connect(vec![heads[0].clone()]);
    assert_eq!(again.output_of("Small panel"), "HEADLESS-1");
    again.connect(heads);
    assert_eq!(again.output_of("Small panel"), "HEADLESS-2");
    again.say("Small panel", on(OUTPUT_AUTO)).unwrap();
    again.say("Small panel", calibrated(Calibration::Own)).unwrap();
    assert_eq!(again.output_of("Small panel"), "HEADLESS-1");
    assert!(near(again.felt(&small, (0.25, 0.25)), (80.0, 50.0)));
    assert_eq!(SavedState::load(directory.path()), (SavedState::default(), None));
}

#[test]
fn a_finger_is_cancelled_when_its_panel_is_laid_elsewhere() {
    let (mut fixture, _) = two();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let small = fixture.plug_in(SMALL);
    fixture.finger_down(&small, 0, (0.5, 0.5));
    fixture.say("Small panel", on("HEADLESS-2")).unwrap();
    fixture.finger_move(&small, 0, (0.6, 0.5));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
}

#[test]
fn what_can_not_be_is_refused_with_what_there_is() {
    let (mut fixture, _) = two();
    fixture.plug_in(SMALL);
    fixture.plug_in(Spec { id: "event7", name: "Keys", kind: Kind::Keyboard, ..Spec::default() });
    fixture.plug_in(Spec { id: "event8", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    let before = fixture.kiosk.settings.saved.state.clone();
    let rotated = calibrated(Calibration::Matrix([0.0, -1.0, 1.0, 1.0, 0.0, 0.0]));
    for (id, change, name, part) in [
        ("Panel", on("HEADLESS-2"), "NotFound", "there are: Small panel, Keys, Mouse"),
        ("Small panel", on("DP-9"), "NotFound", "there are: HEADLESS-1, HEADLESS-2"),
        ("Keys", on("HEADLESS-1"), "Unsupported", "Keys is a keyboard"),
        ("Mouse", rotated, "Unsupported", "Mouse has no calibration"),
    ] {
        let error = fixture.say(id, change).unwrap_err();
        assert!(format!("{error:?}").starts_with(name) && error.to_string().contains(part), "{error:?}");
    }
    assert_eq!(fixture.kiosk.settings.saved.state, before);
    assert_eq!(fixture.output_of("Small panel"), "HEADLESS-1");
}

#[test]
fn panels_of_one_name_are_told_apart_by_their_port() {
    let (mut fixture, _) = two();
    let twin = |id, port| Spec { id, port: Some(port), size: None, name: "Twin", ..SMALL };
    fixture.plug_in(twin("event1", "1-1"));
    assert_eq!(fixture.mapped(), [("Twin".into(), "HEADLESS-1".to_owned())]);
    let second = fixture.plug_in(twin("event2", "1-2"));
    let both = |first: &str, second: &str| {
        vec![("Twin@1-1".to_owned(), first.to_owned()), ("Twin@1-2".to_owned(), second.to_owned())]
    };
    assert_eq!(fixture.mapped(), both("HEADLESS-1", "HEADLESS-2"));
    fixture.say("Twin@1-1", on("HEADLESS-2")).unwrap();
    assert_eq!(fixture.mapped(), both("HEADLESS-2", "HEADLESS-1"), "the other one gets what is free");
    // Alone it is identified without its port, and keeps its output.
    fixture.pull_out(&second);
    assert_eq!(fixture.mapped(), [("Twin".into(), "HEADLESS-2".to_owned())]);
    fixture.say("Twin", on("HEADLESS-1")).unwrap();
    assert_eq!(fixture.mapped(), [("Twin".into(), "HEADLESS-1".to_owned())]);
    fixture.say("Twin", on(OUTPUT_AUTO)).unwrap();
    assert_eq!(fixture.kiosk.settings.saved.state, SavedState::default(), "nothing is left of it");
}

#[test]
fn configuration_and_udev_lay_a_panel_where_they_say() {
    let hinted = Spec { hint: Some("HEADLESS-2"), ..SMALL };
    let (mut fixture, _) = two();
    fixture.plug_in(hinted.clone());
    assert_eq!(fixture.output_of("Small panel"), "HEADLESS-2");

    let mut setup = Setup::bare(&["320x200", "400x300"]);
    setup.config.input.touch_output = Some("HEADLESS-1".into());
    let mut fixture = setup.start();
    fixture.plug_in(hinted.clone());
    fixture.plug_in(LARGE);
    assert_eq!(
        (fixture.output_of("Small panel"), fixture.output_of("Large panel")),
        ("HEADLESS-1".into(), "HEADLESS-1".into())
    );

    let mut setup = Setup::bare(&["320x200", "400x300"]);
    setup.config.input.touch_output = Some("HEADLESS-1".into());
    setup.config.input.devices = vec![InputRule { matcher: "Small*".into(), settings: on("HEADLESS-2") }];
    let mut fixture = setup.start();
    fixture.plug_in(hinted);
    assert_eq!(fixture.output_of("Small panel"), "HEADLESS-2");
}

#[test]
fn settings_reach_the_devices_that_they_are_for() {
    let mut setup = Setup::bare(&["320x200"]);
    let fast = InputSettings {
        accel_speed: Some(0.5),
        accel_profile: Some(AccelProfile::Flat),
        left_handed: Some(true),
        ..InputSettings::default()
    };
    let off = InputSettings { disable: Some(true), ..InputSettings::default() };
    setup.config.input.devices = vec![
        InputRule { matcher: "type:pointer".into(), settings: fast.clone() },
        InputRule { matcher: "1111:0001".into(), settings: off.clone() },
    ];
    let mut fixture = setup.start();
    let mouse = fixture.plug_in(Spec { id: "event8", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    let panel = fixture.plug_in(SMALL);
    let keys = fixture.plug_in(Spec { id: "event7", name: "Keys", kind: Kind::Keyboard, ..Spec::default() });
    assert_eq!(mouse.applied(), [fast]);
    assert_eq!(panel.applied(), [off]);
    assert_eq!(keys.applied(), [], "a device of which nothing is said is left as it is");
    assert_eq!(fixture.output_of("Small panel"), "", "what is switched off lies nowhere");
}

#[test]
fn devices_that_are_no_pointers_show_no_cursor() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    let clean = fixture.panel();
    let twin = Spec { id: "event3", name: "Small panel Mouse", kind: Kind::Pointer, ..SMALL };
    let cec = Spec { id: "event4", name: "vc4-hdmi-0", kind: Kind::Pointer, ..Spec::default() };
    // The mouse comes first: it is recognised as a phantom when the panel comes.
    let twin = fixture.plug_in(twin);
    fixture.plug_in(SMALL);
    let cec = fixture.plug_in(cec);
    for phantom in [&twin, &cec] {
        fixture.move_with(phantom, (50.0, 50.0));
        fixture.point_with(phantom, (0.25, 0.25));
        fixture.roundtrip(client);
        fixture.still();
        assert_eq!(fixture.panel(), clean, "{phantom:?} shows a cursor");
        assert!(!fixture.kiosk.stage.cursor.is_visible());
    }
    let heard = fixture[client].seen.pointer.iter().any(|seen| matches!(seen, PointerSeen::Motion { .. }));
    assert!(heard, "a panel that only speaks as a mouse must still work");
    let mouse = fixture.plug_in(Spec { id: "event5", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    fixture.move_with(&mouse, (10.0, 10.0));
    fixture.still();
    assert_ne!(fixture.panel(), clean, "a real mouse shows none either");
}

#[test]
fn a_pointer_comes_back_when_the_screen_it_was_on_goes() {
    let (mut fixture, heads) = two();
    let mouse = fixture.plug_in(Spec { id: "event5", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    // The shell moves to the large monitor, and the pointer with it.
    fixture.connect(vec![heads[1].clone()]);
    fixture.move_with(&mouse, (10_000.0, 10_000.0));
    let place = |fixture: &Fixture| fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    let large = fixture.kiosk.shell_area().to_f64();
    assert!(large.contains(place(&fixture)));
    fixture.connect(vec![heads[0].clone()]);
    let small = fixture.kiosk.shell_area().to_f64();
    assert!(small.contains(place(&fixture)), "{:?} is not in {small:?}", place(&fixture));
    fixture.connect(Vec::new());
    assert!(fixture.kiosk.shell_area().to_f64().contains(place(&fixture)));
    fixture.connect(heads);
    assert!(fixture.kiosk.shell_area().to_f64().contains(place(&fixture)));
}

#[test]
fn a_pointer_goes_from_screen_to_screen_and_comes_back_when_one_goes() {
    let mut setup = Setup::bare(&["320x200", "400x300"]);
    let on = |output: &str| Shell { output: output.into(), ..Shell::default() };
    setup.config.shells = vec![on("HEADLESS-1"), on("HEADLESS-2")];
    let mut fixture = setup.start();
    let mouse = fixture.plug_in(Spec { id: "event5", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    let place = |fixture: &Fixture| {
        let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
        (at.x, at.y)
    };
    fixture.move_with(&mouse, (100.0, 100.0));
    fixture.move_with(&mouse, (500.0, 50.0));
    assert_eq!(place(&fixture), (600.0, 150.0), "on the second screen");
    fixture.move_with(&mouse, (500.0, 500.0));
    assert_eq!(place(&fixture), (719.0, 299.0));
    let heads = fixture.panels.heads();
    fixture.connect(vec![heads[0].clone()]);
    assert_eq!(place(&fixture), (319.0, 199.0), "its screen is gone");
    fixture.connect(heads);
    fixture.move_with(&mouse, (10.0, 0.0));
    assert_eq!(place(&fixture), (329.0, 199.0));
}

#[test]
fn an_absolute_pointer_lies_on_an_output_from_its_first_word() {
    let (mut fixture, _) = two();
    let tablet =
        Spec { id: "event6", name: "QEMU Tablet", kind: Kind::Pointer, hint: Some("HEADLESS-2"), ..Spec::default() };
    let tablet = fixture.plug_in(tablet);
    assert_eq!(fixture.output_of("QEMU Tablet"), "", "as far as is known it is a mouse");
    fixture.point_with(&tablet, (0.5, 0.5));
    assert_eq!(fixture.output_of("QEMU Tablet"), "HEADLESS-2");
    let place = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    assert!(near((place.x, place.y), (320.0 + 200.0, 150.0)), "{place:?}");
}

/// Something that is plugged, touched or changed.
#[derive(Debug, Clone)]
enum Step {
    Devices(u8),
    Displays(u8),
    Rotate(u32),
    Touch(usize, (f64, f64)),
    Slide(usize, (f64, f64)),
    Lift(usize),
    Say(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let place = (0.0..1.0f64, 0.0..1.0f64);
    prop_oneof![
        (0u8..8).prop_map(Step::Devices),
        (0u8..4).prop_map(Step::Displays),
        (0u32..4).prop_map(|quarter| Step::Rotate(quarter * 90)),
        (0usize..2, place.clone()).prop_map(|(panel, at)| Step::Touch(panel, at)),
        (0usize..2, place).prop_map(|(panel, at)| Step::Slide(panel, at)),
        (0usize..2).prop_map(Step::Lift),
        (0usize..2, 0usize..3).prop_map(|(panel, output)| Step::Say(panel, output)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// In any order of plugging, rotating and touching: panels are mapped to existing monitors, every touch that a
    /// client got ends, and the pointer is on a visible screen.
    #[test]
    fn cables_in_any_order_leave_no_finger_and_no_panel_hanging(steps in prop::collection::vec(step(), 1..24)) {
        let (mut fixture, heads) = two();
        let client = fixture.client();
        fixture.map(client, Picture::Solid(RED));
        let mouse = Spec { id: "event5", name: "Mouse", kind: Kind::Pointer, ..Spec::default() };
        let tools = [SMALL, LARGE, mouse].map(Tool::new);
        let mut plugged = [false; 3];
        for step in steps {
            match step {
                Step::Devices(wanted) => {
                    for (index, tool) in tools.iter().enumerate() {
                        let there = wanted & 1 << index != 0;
                        match (plugged[index], there) {
                            (false, true) => fixture.plug_in_again(tool),
                            (true, false) => fixture.pull_out(tool),
                            _ => {}
                        }
                        plugged[index] = there;
                    }
                }
                Step::Displays(wanted) => {
                    let there = heads.iter().enumerate().filter(|(index, _)| wanted & 1 << index != 0);
                    let there = there.map(|(_, head)| head.clone()).collect();
                    fixture.connect(there);
                }
                Step::Rotate(degrees) => fixture.rotate(degrees),
                Step::Touch(panel, at) if plugged[panel] => fixture.finger_down(&tools[panel], 0, at),
                Step::Slide(panel, at) if plugged[panel] => {
                    fixture.finger_move(&tools[panel], 0, at);
                    fixture.move_with(&tools[2], (at.0 * 100.0, at.1 * 100.0));
                }
                Step::Lift(panel) if plugged[panel] => fixture.finger_up(&tools[panel], 0),
                Step::Say(panel, output) => {
                    let name = ["Small panel", "Large panel"][panel];
                    // A command for a missing device is refused.
                    let _ = fixture.say(name, on(["HEADLESS-1", "HEADLESS-2", OUTPUT_AUTO][output]));
                }
                _ => {}
            }
            let outputs: Vec<String> =
                fixture.kiosk.screens.iter().map(|screen| screen.name.clone()).collect();
            for (name, output) in fixture.mapped() {
                prop_assert!(name == "Mouse" || outputs.contains(&output), "{name} lies on {output:?} of {outputs:?}");
            }
            let pointer = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
            prop_assert!(fixture.kiosk.shell_area().to_f64().contains(pointer), "{pointer:?}");
            if let Some(finger) = fixture.kiosk.seat.finger() {
                prop_assert!(fixture.kiosk.screens.bounds().to_f64().contains(finger), "{finger:?}");
            }
        }
        for (tool, plugged) in tools.iter().zip(plugged) {
            if plugged {
                fixture.pull_out(tool);
            }
        }
        fixture.roundtrip(client);
        prop_assert_eq!(fixture.kiosk.seat.finger(), None);
        let mut down = std::collections::BTreeSet::new();
        for seen in &fixture[client].seen.touch {
            match seen {
                TouchSeen::Down { finger, .. } => prop_assert!(down.insert(*finger), "{finger} came down twice"),
                TouchSeen::Up { finger } => prop_assert!(down.remove(finger), "{finger} was lifted and was not down"),
                TouchSeen::Motion { finger, .. } => prop_assert!(down.contains(finger), "{finger} moved and was not down"),
                TouchSeen::Cancel => down.clear(),
            }
        }
        prop_assert!(down.is_empty(), "{down:?} are down for ever");
    }
}

#[test]
fn places_and_movements_that_are_no_numbers_stay_on_the_screen() {
    let (mut fixture, _) = two();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let small = fixture.plug_in(SMALL);
    let mouse = fixture.plug_in(Spec { id: "event5", name: "Mouse", kind: Kind::Pointer, ..Spec::default() });
    let lies = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, -1.0, 2.0, f64::MIN_POSITIVE];
    for x in lies {
        for y in lies {
            fixture.finger_down(&small, 0, (x, y));
            let finger = fixture.kiosk.seat.finger().unwrap();
            assert!(fixture.kiosk.screens.bounds().to_f64().contains(finger), "{finger:?} of {x}, {y}");
            fixture.finger_move(&small, 0, (y, x));
            fixture.finger_up(&small, 0);
            fixture.move_with(&mouse, (x, y));
            fixture.point_with(&mouse, (x, y));
            fixture.roundtrip(client);
            let pointer = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
            assert!(fixture.kiosk.shell_area().to_f64().contains(pointer), "{pointer:?} of {x}, {y}");
        }
    }
    fixture.move_with(&mouse, (1.0, 1.0));
    assert!(
        fixture.kiosk.shell_area().to_f64().contains(fixture.kiosk.seat.seat.get_pointer().unwrap().current_location())
    );
}
