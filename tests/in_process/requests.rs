//! Commands of administrators, without D-Bus: screens, screenshots, messages, terminals.

use std::{fs::File, time::Duration};

use kiosk_core::{
    api::State,
    config::{Brightness, ModeChoice, Rotation, Scale, VtNumber},
};
use kioskd::{
    command::{ApplyMode, Call, Command, CommandError, OutputChange, Reply},
    screens::HeadMode,
};

use crate::fixture::{
    Fixture, Setup,
    panels::Fault,
    picture::{BLUE, GREEN, Picture, RED, YELLOW},
};

/// What a display lists beside its own.
const ANOTHER_MODE: HeadMode =
    HeadMode { width: 640, height: 400, refresh: 60_000, preferred: false, custom: None, interlaced: false };

impl Fixture {
    fn ask(&mut self, request: Command) -> Result<Reply, CommandError> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.kiosk.answer(Call { request, reply });
        self.kiosk.settle();
        answer.try_recv().expect("requests are answered at once")
    }
}

fn rotated(degrees: u32) -> OutputChange {
    OutputChange { rotation: Some(Rotation::try_from(degrees).unwrap()), ..OutputChange::default() }
}

fn size(width: u32, height: u32) -> ModeChoice {
    ModeChoice::Exact { width, height, refresh: None }
}

fn layout(fixture: &Fixture) -> Vec<(u32, f64, bool)> {
    fixture.kiosk.screens.iter().map(|screen| (screen.rotation.degrees(), screen.scale(), screen.power)).collect()
}

fn on_first(change: OutputChange) -> Vec<(String, OutputChange)> {
    vec![("HEADLESS-1".into(), change)]
}

#[test]
fn a_stale_serial_changes_nothing_and_says_so() {
    let mut fixture = Fixture::new(&["320x200"]);
    let serial = fixture.kiosk.screens.serial;
    let next = fixture.kiosk.apply(serial, &on_first(rotated(90)), ApplyMode::Keep).unwrap();
    assert_ne!(next, serial);
    let before = layout(&fixture);
    match fixture.kiosk.apply(serial, &on_first(rotated(180)), ApplyMode::Keep) {
        Err(CommandError::StaleSerial(text)) => assert!(text.contains(&next.to_string()), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(layout(&fixture), before);
    fixture.kiosk.apply(next, &on_first(rotated(180)), ApplyMode::Keep).unwrap();
}

#[test]
fn what_became_of_the_frames_is_told_of_an_output() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.still();
    let asked = |fixture: &mut Fixture| match fixture.ask(Command::Frames { output: Some("HEADLESS-1".into()) }) {
        Ok(Reply::Frames(frames)) => *frames,
        other => panic!("{other:?}"),
    };
    let before = asked(&mut fixture);
    for color in [BLUE, GREEN, RED] {
        fixture.fill(client, &window, Picture::Solid(color));
    }
    let after = asked(&mut fixture);
    assert_eq!((after.composed, after.direct), (before.composed + 3, 0));
    assert_eq!(after.summary.frames, before.summary.frames + 3);
    assert_eq!(after.summary.lost_flips, 0);
    assert!(!after.summary.draw.last.is_zero() && !after.summary.flip.last.is_zero(), "{after:?}");
    // Nothing is drawn, so nothing is counted.
    fixture.pass(Duration::from_millis(50));
    assert_eq!(asked(&mut fixture), after);
    match fixture.ask(Command::Frames { output: Some("DP-9".into()) }) {
        Err(CommandError::NotFound(text)) => assert!(text.contains("DP-9") && text.contains("HEADLESS-1"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_output_is_named_with_those_there_are() {
    let mut fixture = Fixture::new(&["320x200"]);
    match fixture.kiosk.apply(0, &[("HDMI-A-9".into(), rotated(90))], ApplyMode::Keep) {
        Err(CommandError::NotFound(text)) => {
            assert!(text.contains("HDMI-A-9") && text.contains("HEADLESS-1"), "{text}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_several_changes_all_are_made_or_none() {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let before = layout(&fixture);
    // Impossible values cannot be constructed.
    assert!(Rotation::try_from(45).is_err());
    assert!(Scale::fixed(0.5).is_err() && Scale::fixed(f64::NAN).is_err());
    let bad = [
        OutputChange { mirror: Some("HEADLESS-2".into()), ..OutputChange::default() },
        OutputChange { brightness: Some(Brightness::MAX), ..OutputChange::default() },
        OutputChange { mode: Some(size(123, 45)), ..OutputChange::default() },
    ];
    for change in bad {
        let changes = [("HEADLESS-1".to_owned(), rotated(90)), ("HEADLESS-2".to_owned(), change.clone())];
        let refused = fixture.kiosk.apply(0, &changes, ApplyMode::Keep);
        assert!(refused.is_err(), "{change:?}");
        assert_eq!(layout(&fixture), before, "{change:?}");
    }
    let good = [("HEADLESS-1".to_owned(), rotated(90)), ("HEADLESS-2".to_owned(), rotated(270))];
    fixture.kiosk.apply(0, &good, ApplyMode::Keep).unwrap();
    assert_eq!(layout(&fixture), [(90, 1.0, true), (270, 1.0, true)]);
}

#[test]
fn a_device_that_refuses_any_step_leaves_every_screen_as_it_was() {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let mut heads = fixture.panels.heads();
    for head in &mut heads {
        head.modes.push(ANOTHER_MODE);
    }
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let state = |fixture: &Fixture| {
        let panels: Vec<_> = fixture.kiosk.screens.iter().map(|screen| (screen.panel_size(), screen.power)).collect();
        (layout(fixture), panels)
    };
    let (before, configures) = (state(&fixture), fixture[client].configures(&window).count());
    let mode = kiosk_core::config::ModeChoice::Exact { width: 640, height: 400, refresh: None };
    let change = OutputChange { mode: Some(mode), ..rotated(90) };
    let off = OutputChange { power: Some(false), ..change.clone() };
    let changes = [("HEADLESS-1".to_owned(), change), ("HEADLESS-2".to_owned(), off)];
    let mut refusals = 0;
    loop {
        fixture.panels.refuse_switch_after(refusals);
        let done = fixture.kiosk.apply(0, &changes, ApplyMode::Keep);
        if fixture.panels.would_refuse() {
            done.unwrap();
            break;
        }
        assert!(done.is_err());
        assert_eq!(state(&fixture), before, "the switch after {refusals} was refused");
        fixture.roundtrip(client);
        assert_eq!(fixture[client].configures(&window).count(), configures, "the page was told of what never was");
        refusals += 1;
    }
    assert_eq!(refusals, 3, "two modes and one power switch");
    assert_ne!(state(&fixture), before);
}

#[test]
fn verifying_changes_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    let before = (layout(&fixture), fixture.kiosk.screens.serial);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Verify).unwrap();
    let itself = OutputChange { mirror: Some("HEADLESS-1".into()), ..OutputChange::default() };
    assert!(fixture.kiosk.apply(0, &on_first(itself), ApplyMode::Verify).is_err());
    assert_eq!((layout(&fixture), fixture.kiosk.screens.serial), before);
}

#[test]
fn a_temporary_change_goes_back_by_itself_and_the_page_is_told() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let revert_after = Duration::from_millis(150);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configured(&window).map(|told| (told.width, told.height)), Some((200, 320)));
    fixture.until("the change to go back", |fixture| fixture.primary().rotation.degrees() == 0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configured(&window).map(|told| (told.width, told.height)), Some((320, 200)));
}

#[test]
fn a_temporary_change_that_is_confirmed_stays() {
    let mut fixture = Fixture::new(&["320x200"]);
    let revert_after = Duration::from_millis(100);
    let serial = fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    assert!(matches!(fixture.kiosk.confirm(serial.wrapping_add(5)), Err(CommandError::StaleSerial(_))));
    fixture.kiosk.confirm(serial).unwrap();
    fixture.pass(Duration::from_millis(250));
    assert_eq!(fixture.primary().rotation.degrees(), 90);
    assert!(matches!(fixture.kiosk.confirm(0), Err(CommandError::NotFound(_))), "there is nothing to confirm");
}

#[test]
fn a_change_that_is_kept_on_another_screen_does_not_make_a_trial_last() {
    let mut fixture = Fixture::new(&["320x200", "400x300"]);
    let revert_after = Duration::from_millis(150);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    fixture.kiosk.apply(0, &[("HEADLESS-2".into(), rotated(180))], ApplyMode::Keep).unwrap();
    fixture.pass(Duration::from_millis(350));
    assert_eq!(layout(&fixture), [(0, 1.0, true), (180, 1.0, true)]);
}

#[test]
fn a_confirmed_change_is_saved_and_an_unconfirmed_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.kiosk.settings.saved.directory = Some(directory.path().into());
    let rotation = |directory: &std::path::Path| {
        let (saved, _) = kiosk_core::config::SavedState::load(directory);
        saved.output("kioskd headless 1", "HEADLESS-1").and_then(|settings| settings.rotation).map(|r| r.degrees())
    };
    let mode = ApplyMode::Temporary { revert_after: Duration::from_secs(60) };
    fixture.kiosk.apply(0, &on_first(rotated(90)), mode).unwrap();
    assert_eq!(rotation(directory.path()), None);
    fixture.kiosk.confirm(0).unwrap();
    assert_eq!(rotation(directory.path()), Some(90));
}

#[test]
fn a_temporary_change_that_another_one_followed_does_not_come_back() {
    let mut fixture = Fixture::new(&["320x200"]);
    let revert_after = Duration::from_millis(100);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    fixture.kiosk.apply(0, &on_first(rotated(180)), ApplyMode::Keep).unwrap();
    fixture.pass(Duration::from_millis(250));
    assert_eq!(fixture.primary().rotation.degrees(), 180);
}

#[test]
fn two_temporary_changes_go_back_to_the_beginning() {
    let mut fixture = Fixture::new(&["320x200"]);
    let revert_after = Duration::from_millis(100);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    fixture.kiosk.apply(0, &on_first(rotated(180)), ApplyMode::Temporary { revert_after }).unwrap();
    fixture.pass(Duration::from_millis(350));
    assert_eq!(fixture.primary().rotation.degrees(), 0, "stuck in a layout that was not confirmed");
}

#[test]
fn a_display_that_comes_during_a_trial_does_not_make_it_last() {
    let mut fixture = Fixture::new(&["320x200"]);
    let revert_after = Duration::from_millis(150);
    fixture.kiosk.apply(0, &on_first(rotated(90)), ApplyMode::Temporary { revert_after }).unwrap();
    // A hotplug event, such as rotating monitors send, has a new serial.
    fixture.kiosk.displays_changed();
    fixture.pass(Duration::from_millis(350));
    assert_eq!(fixture.primary().rotation.degrees(), 0, "stuck in a layout that was not confirmed");
}

#[test]
fn kept_changes_are_those_of_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.kiosk.settings.saved.directory = Some(directory.path().into());
    fixture.rotate(90);
    fixture.scale(1.5);
    let (saved, warning) = kiosk_core::config::SavedState::load(directory.path());
    assert!(warning.is_none(), "{warning:?}");
    let screen = fixture.primary();
    let settings = saved.output(&screen.identity().description(), &screen.name).unwrap();
    assert_eq!(settings.rotation.map(|rotation| rotation.degrees()), Some(90));
    assert_eq!(settings.scale, Scale::fixed(1.5).ok());
}

#[test]
fn a_change_that_cannot_be_saved_is_in_force_and_says_so() {
    let mut fixture = Fixture::new(&["320x200"]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("not-a-directory");
    std::fs::write(&file, "").unwrap();
    fixture.kiosk.settings.saved.directory = Some(file);
    match fixture.change(rotated(90)) {
        Err(CommandError::Failed(text)) => assert!(text.contains("in force"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.primary().rotation.degrees(), 90);
}

#[test]
fn a_mode_that_the_display_lists_is_used() {
    let mut fixture = Fixture::new(&["320x200"]);
    let mut heads = fixture.panels.heads();
    heads[0].modes.push(ANOTHER_MODE);
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.change(OutputChange { mode: Some(size(640, 400)), ..OutputChange::default() }).unwrap();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configured(&window).map(|told| (told.width, told.height)), Some((640, 400)));
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert_eq!((fixture.panel().width, fixture.panel().height), (640, 400));
    assert_eq!(fixture.panel().pixel(639, 399), GREEN);
}

#[test]
fn a_mode_that_the_driver_refuses_gives_way_and_the_shell_is_told() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::RefusesMode(200, 100)));
    let custom = ModeChoice::Custom { width: 200, height: 100, refresh: None };
    fixture.change(OutputChange { mode: Some(custom), ..OutputChange::default() }).unwrap();
    fixture.until("another mode", |fixture| fixture.primary().picture_size() == (320, 200).into());
    let problems = &fixture.kiosk.status.problems;
    assert!(
        problems.iter().any(|text| text.starts_with("HEADLESS-1: the display driver refuses 200x100")
            && text.contains("(the test refuses this mode)")),
        "{problems:?}"
    );
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configured(&window).map(|told| (told.width, told.height)), Some((320, 200)));
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert_eq!(fixture.panel().pixel(319, 199), GREEN);
}

#[test]
fn a_kept_mode_that_the_driver_denies_is_not_tried_and_the_best_other_one_is_used() {
    let mut fixture = Fixture::new(&["320x200"]);
    let custom = ModeChoice::Custom { width: 200, height: 100, refresh: None };
    fixture.change(OutputChange { mode: Some(custom), ..OutputChange::default() }).unwrap();
    let mut heads = fixture.panels.heads();
    fixture.panels.set_heads(Vec::new());
    fixture.kiosk.displays_changed();
    fixture.panels.set_fault(Some(Fault::DeniesMode(200, 100)));
    // Another cable with less bandwidth.
    heads[0].modes.retain(|mode| mode.custom.is_none());
    heads[0].mode = 0;
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    let problems = &fixture.kiosk.status.problems;
    assert_eq!(fixture.primary().picture_size(), (320, 200).into(), "{problems:?}");
    let told = |text: &String| text.contains("200x100") && text.contains("denies") && text.contains("320x200");
    assert!(problems.iter().any(told), "{problems:?}");
    match fixture.change(OutputChange { mode: Some(custom), ..OutputChange::default() }) {
        Err(CommandError::ModeRejected(text)) => assert!(text.contains("denies"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_custom_mode_takes_effect_is_listed_and_is_kept() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let custom = ModeChoice::Custom { width: 200, height: 100, refresh: None };
    fixture.change(OutputChange { mode: Some(custom), ..OutputChange::default() }).unwrap();
    assert_eq!(fixture.primary().picture_size(), (200, 100).into());
    fixture.roundtrip(client);
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert_eq!((fixture.panel().width, fixture.panel().pixel(199, 99)), (200, GREEN));
    assert!(fixture.primary().modes.iter().any(|mode| mode.custom == Some(60_000)));
    let heads = fixture.panels.heads();
    let kept = fixture.kiosk.settings.saved.state.output(&heads[0].identity.description(), &heads[0].name);
    assert_eq!(kept.and_then(|kept| kept.mode), Some(custom));
    // No mode is computed for a huge size, and the picture stays.
    let absurd = ModeChoice::Custom { width: 16384, height: 16, refresh: None };
    match fixture.change(OutputChange { mode: Some(absurd), ..OutputChange::default() }) {
        Err(CommandError::ModeRejected(text)) => assert!(text.contains("16384x16") && text.contains("64"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.primary().picture_size(), (200, 100).into());
    fixture.change(OutputChange { mode: Some(ModeChoice::Preferred), ..OutputChange::default() }).unwrap();
    assert_eq!(fixture.primary().picture_size(), (320, 200).into());
    assert!(fixture.primary().modes.iter().all(|mode| mode.custom.is_none()));
}

#[test]
fn a_screenshot_is_a_png_of_the_upright_picture() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.rotate(90);
    let client = fixture.client();
    fixture.map(client, Picture::Corners);
    let Ok(Reply::Png(fd)) = fixture.ask(Command::Screenshot { output: None }) else { panic!("no picture") };
    let mut reader = png::Decoder::new(std::io::BufReader::new(File::from(fd))).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (200, 320));
    let at = |x: usize, y: usize| {
        let start = (y * 200 + x) * 4;
        [pixels[start], pixels[start + 1], pixels[start + 2]]
    };
    assert_eq!([at(0, 0), at(199, 0), at(0, 319), at(199, 319)], [RED, GREEN, BLUE, YELLOW]);
    assert!(matches!(fixture.ask(Command::Screenshot { output: Some("X".into()) }), Err(CommandError::NotFound(_))));
}

#[test]
fn a_screenshot_may_be_taken_of_a_screen_that_is_off_or_unplugged() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    let id = fixture.primary().id;
    fixture.kiosk.set_power(id, false);
    assert_eq!(fixture.screenshot().pixel(3, 3), RED);
    fixture.panels.set_heads(Vec::new());
    fixture.kiosk.displays_changed();
    assert_eq!(fixture.screenshot().pixel(3, 3), RED);
}

#[test]
fn a_message_covers_the_page_until_it_is_dismissed() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| fixture.panel().pixel(0, 0) == GREEN);
    fixture.ask(Command::ShowMessage { title: "Closed".into(), text: "Back at nine".into() }).unwrap();
    fixture.still();
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen");
    assert_ne!(fixture.panel().pixel(0, 0), GREEN);
    fixture.touch_down(0, (20.0, 20.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.is_empty(), "touched through the message");
    fixture.ask(Command::Dismiss).unwrap();
    fixture.until("the page", |fixture| fixture.panel().pixel(0, 0) == GREEN);
    // The end of the fade looks like the page.
    fixture.until("the shell", |fixture| fixture.kiosk.snapshot().stage == "shell");
}

#[test]
fn a_terminal_is_switched_to_if_there_can_be_such_a_one() {
    let mut fixture = Fixture::new(&["320x200"]);
    assert!(matches!(fixture.ask(Command::SwitchVt { vt: VtNumber::try_from(3).unwrap() }), Ok(Reply::Done)));
    assert_eq!(fixture.panels.virtual_terminals(), [3]);
    for vt in [0, 64, u32::MAX] {
        assert!(VtNumber::try_from(vt).is_err());
    }
    assert_eq!(fixture.panels.virtual_terminals(), [3]);
}

#[test]
fn the_snapshot_tells_what_is() {
    let mut fixture = Fixture::new(&["320x200@1.5", "400x300"]);
    fixture.rotate(90);
    let snapshot = fixture.kiosk.snapshot();
    assert_eq!((snapshot.backend.as_str(), snapshot.renderer.as_str()), ("headless", "pixman"));
    let first = &snapshot.outputs[0];
    assert_eq!((first.name.as_str(), first.rotation, first.scale), ("HEADLESS-1", 90, 1.5));
    assert_eq!((first.mode.0, first.mode.1), (320, 200));
    assert!(first.connected && first.power);
    // The second is beside the rotated first: 200/1.5 wide.
    assert_eq!(snapshot.outputs[1].position, (133, 0));
}

#[test]
fn how_the_picture_comes_to_a_screen_is_told_with_the_reason() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    assert_eq!(fixture.kiosk.snapshot().outputs[0].scanout, "composited: there is no display with planes");
    let off = OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.kiosk.apply(0, &on_first(off), ApplyMode::Keep).unwrap();
    assert_eq!(fixture.kiosk.snapshot().outputs[0].scanout, "composited: the screen is off");
}
