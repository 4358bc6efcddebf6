//! Keyboards and mice that are plugged in: disabled until they are trusted by command.

use kiosk_core::config::{InputRule, InputSettings, NewDevices, SavedState};
use kioskd::command::{Call, Command, CommandError, OutputChange};

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::{LEFT_BUTTON, keys},
    picture::{Picture, RED},
    seen::{KeySeen, PointerSeen},
    tools::{Kind, Spec, Tool},
};

const KEYBOARD: Spec = Spec {
    id: "event7",
    name: "USB Keyboard",
    kind: Kind::Keyboard,
    model: Some((0x046d, 0xc31c)),
    port: Some("1-2"),
    serial: None,
    size: None,
    hint: None,
};
const MOUSE: Spec =
    Spec { id: "event8", name: "USB Mouse", kind: Kind::Pointer, model: Some((0x046d, 0xc077)), ..KEYBOARD };
const GLASS: Spec = Spec { id: "event9", name: "USB Touch", kind: Kind::Touch, model: Some((0x222a, 1)), ..KEYBOARD };

impl Fixture {
    fn trust(&mut self, id: &str, trusted: bool) -> Result<(), CommandError> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.kiosk.answer(Call { request: Command::TrustInput { id: id.into(), trusted }, reply });
        self.kiosk.settle();
        answer.try_recv().expect("requests are answered at once").map(|_| ())
    }

    /// The devices that are not trusted yet, as D-Bus shows them.
    fn waiting(&self) -> Vec<String> {
        self.kiosk.snapshot().inputs.into_iter().filter(|input| !input.trusted).map(|input| input.id).collect()
    }

    /// Whether the page gets a key of this keyboard: its press and its release.
    fn types(&mut self, client: ClientId, keyboard: &Tool) -> bool {
        let seen = self[client].seen.keyboard.len();
        self.tap_key_with(keyboard, keys::A);
        self.roundtrip(client);
        let key = |pressed| KeySeen::Key { code: keys::A, pressed };
        let seen = &self[client].seen.keyboard[seen..];
        assert!(seen.is_empty() || seen == [key(true), key(false)], "{seen:?}");
        seen.first() == Some(&key(true))
    }
}

fn asking() -> Setup {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.input.new_devices = NewDevices::Ask;
    setup
}

fn with_page(setup: Setup) -> (Fixture, ClientId) {
    let mut fixture = setup.start();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    (fixture, client)
}

#[test]
fn every_device_is_accepted_without_the_ask_policy() {
    let (mut fixture, client) = with_page(Setup::bare(&["320x200"]));
    let keyboard = fixture.plug_in(KEYBOARD);
    assert!(fixture.types(client, &keyboard));
    assert_eq!((fixture.waiting(), keyboard.applied()), (vec![], vec![]));
}

#[test]
fn an_unknown_keyboard_is_silent_until_it_is_trusted() {
    let (mut fixture, client) = with_page(asking());
    let keyboard = fixture.plug_in(KEYBOARD);
    assert_eq!(fixture.waiting(), ["USB Keyboard"]);
    assert_eq!(keyboard.applied().last().and_then(|set| set.disable), Some(true), "the kernel need not read it");
    assert!(!fixture.types(client, &keyboard));
    // It cannot switch terminals either.
    fixture.key_with(&keyboard, keys::LEFT_CTRL, true);
    fixture.key_with(&keyboard, keys::LEFT_ALT, true);
    fixture.tap_key_with(&keyboard, keys::F2);
    assert!(fixture.panels.virtual_terminals().is_empty());

    fixture.trust("USB Keyboard", true).unwrap();
    assert_eq!(fixture.waiting(), Vec::<String>::new());
    assert_eq!(keyboard.applied().last().and_then(|set| set.disable), Some(false));
    assert!(fixture.types(client, &keyboard));
    // It stays trusted after a replug, with any device number.
    fixture.pull_out(&keyboard);
    let again = fixture.plug_in(Spec { id: "event21", ..KEYBOARD });
    assert!(fixture.types(client, &again));
}

#[test]
fn an_unknown_mouse_moves_and_clicks_nothing() {
    let (mut fixture, client) = with_page(asking());
    let mouse = fixture.plug_in(MOUSE);
    fixture.move_with(&mouse, (50.0, 50.0));
    fixture.point_with(&mouse, (0.25, 0.25));
    fixture.click_with(&mouse);
    fixture.roundtrip(client);
    let acts = |seen: &PointerSeen| matches!(seen, PointerSeen::Motion { .. } | PointerSeen::Button { .. });
    assert!(!fixture[client].seen.pointer.iter().any(acts), "{:?}", fixture[client].seen.pointer);
    assert!(!fixture.kiosk.stage.cursor.is_visible());
    fixture.trust("USB Mouse", true).unwrap();
    fixture.move_with(&mouse, (50.0, 50.0));
    fixture.click_with(&mouse);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.pointer.iter().any(acts));
}

#[test]
fn a_touch_panel_is_heard_without_a_question() {
    let (mut fixture, client) = with_page(asking());
    let glass = fixture.plug_in(GLASS);
    fixture.finger_down(&glass, 0, (0.5, 0.5));
    fixture.finger_up(&glass, 0);
    fixture.roundtrip(client);
    assert_eq!(fixture.waiting(), Vec::<String>::new());
    assert_eq!(fixture[client].seen.touch.len(), 2);
}

#[test]
fn trust_is_kept_over_a_restart_and_is_of_that_very_device() {
    let directory = tempfile::tempdir().unwrap();
    let mut fixture = asking().start();
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    fixture.plug_in(KEYBOARD);
    fixture.trust("USB Keyboard", true).unwrap();
    drop(fixture);

    let (mut fixture, client) = with_page(asking());
    let (state, warning) = SavedState::load(directory.path());
    assert_eq!(warning, None);
    fixture.kiosk.settings.saved.state = state;
    let keyboard = fixture.plug_in(KEYBOARD);
    assert!(fixture.types(client, &keyboard));
    for other in [
        Spec { port: Some("1-3"), ..KEYBOARD },
        Spec { model: Some((0x046d, 0xc31d)), ..KEYBOARD },
        Spec { name: "USB Keyboard 2", ..KEYBOARD },
        Spec { serial: Some("0001"), ..KEYBOARD },
        Spec { kind: Kind::Pointer, ..KEYBOARD },
    ] {
        let other = fixture.plug_in(Spec { id: "event30", ..other });
        assert_eq!(fixture.waiting().len(), 1, "{other:?}");
        assert!(!fixture.types(client, &other), "{other:?}");
        fixture.pull_out(&other);
    }
}

#[test]
fn a_device_with_a_serial_number_may_move_to_another_socket() {
    let (mut fixture, client) = with_page(asking());
    let numbered = Spec { serial: Some("SN-1"), ..KEYBOARD };
    let keyboard = fixture.plug_in(numbered.clone());
    fixture.trust("USB Keyboard", true).unwrap();
    fixture.pull_out(&keyboard);
    let moved = fixture.plug_in(Spec { port: Some("1-4"), ..numbered });
    assert!(fixture.types(client, &moved));
}

#[test]
fn when_trust_is_taken_back_held_keys_are_released() {
    let (mut fixture, client) = with_page(asking());
    let keyboard = fixture.plug_in(KEYBOARD);
    fixture.trust("USB Keyboard", true).unwrap();
    fixture.key_with(&keyboard, keys::A, true);
    fixture.trust("USB Keyboard", false).unwrap();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.keyboard.last(), Some(&KeySeen::Key { code: keys::A, pressed: false }));
    assert!(!fixture.types(client, &keyboard));
    assert_eq!(fixture.kiosk.settings.saved.state, SavedState::default(), "nothing was saved");

    let mouse = fixture.plug_in(MOUSE);
    fixture.trust("USB Mouse", true).unwrap();
    fixture.move_with(&mouse, (50.0, 50.0));
    fixture.button_with(&mouse, true);
    fixture.trust("USB Mouse", false).unwrap();
    fixture.roundtrip(client);
    let released = PointerSeen::Button { code: LEFT_BUTTON, pressed: false };
    assert!(fixture[client].seen.pointer.contains(&released), "{:?}", fixture[client].seen.pointer);
}

#[test]
fn what_is_not_trusted_is_silent_whatever_the_configuration_says() {
    let mut setup = Setup::bare(&["320x200"]);
    let trusted = InputSettings { trust: Some(true), ..InputSettings::default() };
    setup.config.input.devices = vec![InputRule { matcher: "046d:c31c".into(), settings: trusted }];
    let (mut fixture, client) = with_page(setup);
    let keyboard = fixture.plug_in(KEYBOARD);
    assert!(fixture.types(client, &keyboard));
    fixture.trust("USB Keyboard", false).unwrap();
    assert!(!fixture.types(client, &keyboard));
    fixture.trust("USB Keyboard", true).unwrap();
    assert!(fixture.types(client, &keyboard));
}

#[test]
fn the_configuration_trusts_what_belongs_to_the_terminal() {
    let mut setup = asking();
    let said = |trust| InputSettings { trust: Some(trust), ..InputSettings::default() };
    setup.config.input.devices = vec![
        InputRule { matcher: "046d:c31c".into(), settings: said(true) },
        InputRule { matcher: "USB Touch".into(), settings: said(false) },
    ];
    let (mut fixture, client) = with_page(setup);
    let keyboard = fixture.plug_in(KEYBOARD);
    fixture.plug_in(GLASS);
    fixture.plug_in(MOUSE);
    assert!(fixture.types(client, &keyboard));
    assert_eq!(fixture.waiting(), ["USB Touch", "USB Mouse"]);
}

#[test]
fn a_device_that_waits_lights_no_screen() {
    let (mut fixture, _) = with_page(asking());
    let keyboard = fixture.plug_in(KEYBOARD);
    fixture.change(OutputChange { power: Some(false), ..OutputChange::default() }).unwrap();
    fixture.tap_key_with(&keyboard, keys::A);
    assert!(!fixture.primary().power);
    fixture.trust("USB Keyboard", true).unwrap();
    fixture.tap_key_with(&keyboard, keys::A);
    assert!(fixture.primary().power);
}

#[test]
fn what_is_not_plugged_in_is_refused_with_what_is() {
    let mut fixture = asking().start();
    let error = fixture.trust("USB Keyboard", true).unwrap_err();
    assert!(matches!(&error, CommandError::NotFound(text) if text.ends_with("there are none")), "{error:?}");
    fixture.plug_in(MOUSE);
    let error = fixture.trust("USB Keyboard", true).unwrap_err();
    assert!(error.to_string().ends_with("there are: USB Mouse"), "{error}");
}
