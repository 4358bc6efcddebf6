use std::collections::HashMap;

use super::*;
use crate::control::change::Options;
use crate::snapshot::OutputSnapshot;

fn snapshot() -> Snapshot {
    let output = OutputSnapshot { name: "DP-1".into(), ..Default::default() };
    Snapshot { outputs: vec![output], ..Default::default() }
}

fn title(key: &str, value: &'static str) -> Options {
    HashMap::from([(key.to_owned(), Variant::from(value).try_into_owned().unwrap())])
}

#[test]
fn each_method_needs_its_right() {
    let none = Options::new();
    assert_eq!(dismiss().0, Action::Screen);
    assert_eq!(confirm(7), (Action::Screen, Command::Confirm { serial: 7 }));
    assert_eq!(switch_vt(2).unwrap(), (Action::Screen, Command::SwitchVt { vt: VtNumber::try_from(2).unwrap() }));
    let shot = screenshot(&snapshot(), "", &none).unwrap();
    assert_eq!(shot, (Action::Screenshot, Command::Screenshot { output: None }));
    let message = Command::ShowMessage { title: "Closed".into(), text: "Back at ten".into() };
    assert_eq!(show_message("Back at ten", &title("title", "Closed")).unwrap(), (Action::Screen, message));
    assert_eq!(apply_outputs(&snapshot(), 0, Vec::new(), "verify", &none).unwrap().0, Action::Screen);
}

#[test]
fn a_text_that_can_not_be_painted_is_refused() {
    let text = |text: &str| show_message(text, &Options::new());
    assert!(text("two\nlines").is_ok());
    assert!(text(" \n").unwrap_err().text.contains("the message is empty"));
    assert!(show_message("", &title("title", "Closed")).is_ok());
    assert!(text("\u{1b}[2J").unwrap_err().text.contains("control character"));
    assert!(text(&"x".repeat(2001)).unwrap_err().text.contains("2001 characters, allowed are 2000"));
    assert!(show_message("x", &title("titel", "x")).unwrap_err().text.contains("title"));
}
