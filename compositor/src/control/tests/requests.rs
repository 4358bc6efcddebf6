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
    assert_eq!(frames(&snapshot(), "", &none).unwrap(), (Action::Status, Command::Frames { output: None }));
    assert_eq!(frames(&snapshot(), "DP-1", &none).unwrap().1, Command::Frames { output: Some("DP-1".into()) });
    assert!(frames(&snapshot(), "DP-9", &none).unwrap_err().text.contains("DP-1"));
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

#[test]
fn a_pairing_screen_is_asked_for_with_what_a_telephone_understands() {
    let none = Options::new();
    let Ok((Action::Screen, Command::ShowPairing(own))) = show_pairing("", "", &none) else { panic!() };
    assert_eq!(own, PairingRequest::default());
    let mut options = title("title", "Hello");
    for (key, value) in [("expires", "10m"), ("wifi", "Shop; 5"), ("wifi-password", "geheim")] {
        options.extend(title(key, value));
    }
    let Ok((_, Command::ShowPairing(own))) = show_pairing("https://{address}:8443/#K7WM", "", &none) else { panic!() };
    assert_eq!((own.url.as_deref(), own.template.as_str()), (None, "https://{address}:8443/#K7WM"));
    let Ok((_, Command::ShowPairing(pairing))) = show_pairing("https://a.example/x", " ABC-123 ", &options) else {
        panic!()
    };
    assert_eq!((pairing.url.as_deref(), pairing.code.as_str()), (Some("https://a.example/x"), "ABC-123"));
    assert_eq!(pairing.expires, Some(Duration::from_secs(600)));
    assert_eq!(pairing.wifi, Some(Wifi { name: "Shop; 5".into(), password: "geheim".into() }));
}

#[test]
fn an_invalid_pairing_request_is_refused_in_one_sentence() {
    let long = format!("https://a.example/{}", "x".repeat(500));
    let refused = |url: &str, code: &str, key: &str, value: &'static str| {
        let options = if key.is_empty() { Options::new() } else { title(key, value) };
        let text = show_pairing(url, code, &options).unwrap_err().text;
        assert!(!text.contains('\n') && text.len() < 400, "{text}");
        text
    };
    for (url, said) in [
        ("localhost:3000", "it has no scheme; write for example http://localhost:3000; allowed is http:// or https://"),
        ("nonsense", "allowed is http:// or https://"),
        ("file:///etc/passwd", "a telephone can't open it; allowed is http:// or https://"),
        ("javascript:alert(1)", "allowed is http:// or https://"),
        ("http://a b/", "it has a space"),
        (long.as_str(), "518 bytes, allowed are 500"),
    ] {
        let text = refused(url, "", "", "");
        assert!(text.contains(said), "{text}");
    }
    assert!(refused("", &"A".repeat(33), "", "").contains("the code has 33 characters, allowed are 32"));
    assert!(refused("", "A\nB", "", "").contains("line break"));
    assert!(refused("", "", "expires", "never").contains("expires must be 1 s to 24 h"));
    assert!(refused("", "", "expires", "25h").contains("expires must be 1 s to 24 h"));
    assert!(refused("", "", "wifi-password", "x").contains("name the network too"));
    assert!(refused("", "", "wifi", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ").contains("wifi has 34 bytes, allowed are 32"));
    assert!(refused("", "", "expire", "5s").contains("there is no option"));
}
