use zbus::DynamicType;

use crate::snapshot::OutputSnapshot;
use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn snapshot() -> Snapshot {
    let output = OutputSnapshot { name: "DP-1".into(), ..Default::default() };
    Snapshot { outputs: vec![output], ..Default::default() }
}

fn call<B: serde::Serialize + DynamicType>(member: &str, body: &B) -> Result<Answer, Failure> {
    let call = Message::method_call(ROOT_PATH, member).interface(COMPOSITOR.name).build(body).unwrap();
    dispatch(&snapshot(), &call)
}

fn asked(answer: Result<Answer, Failure>) -> (Action, Command) {
    match answer {
        Ok(Answer::Ask { action, request }) => (action, request),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_method_needs_its_right() {
    let none = HashMap::<&str, Variant<'_>>::new();
    assert_eq!(asked(call("Dismiss", &())).0, Action::Screen);
    assert_eq!(
        asked(call("SwitchVt", &2u32)),
        (Action::Screen, Command::SwitchVt { vt: VtNumber::try_from(2).unwrap() })
    );
    assert_eq!(asked(call("Screenshot", &("", &none))), (Action::Screenshot, Command::Screenshot { output: None }));
    let text = ("Back at ten", HashMap::from([("title", Variant::from("Closed"))]));
    let message = Command::ShowMessage { title: "Closed".into(), text: "Back at ten".into() };
    assert_eq!(asked(call("ShowMessage", &text)), (Action::Screen, message));
    let changes: Vec<(&str, HashMap<&str, Variant<'_>>)> = Vec::new();
    assert_eq!(asked(call("ApplyOutputs", &(0u32, changes, "verify", &none))).0, Action::Screen);
}

#[test]
fn a_text_that_can_not_be_painted_is_refused() {
    let none = HashMap::<&str, Variant<'_>>::new();
    let text = |text: &str| call("ShowMessage", &(text, &none));
    assert!(text("two\nlines").is_ok());
    assert!(text("\u{1b}[2J").unwrap_err().text.contains("control character"));
    assert!(text(&"x".repeat(2001)).unwrap_err().text.contains("2001 characters, allowed are 2000"));
    let option = HashMap::from([("titel", Variant::from("x"))]);
    assert!(call("ShowMessage", &("x", option)).unwrap_err().text.contains("title"));
}

#[test]
fn a_call_without_an_interface_finds_its_method() {
    let call =
        |path: &str, member: &str| dispatch(&snapshot(), &Message::method_call(path, member).build(&()).unwrap());
    assert_eq!(asked(call(ROOT_PATH, "Dismiss")).1, Command::Dismiss);
    assert!(matches!(call(ROOT_PATH, "Introspect"), Ok(Answer::Reply(_))));
    assert!(matches!(call("/", "Ping"), Ok(Answer::Reply(_))));
    assert!(call(OUTPUTS_PATH, "Dismiss").unwrap_err().name.ends_with("UnknownMethod"));
}

#[test]
fn a_wrong_signature_is_answered_with_the_right_one() {
    let failure = call("Confirm", &"seven").unwrap_err();
    assert!(failure.text.contains("Confirm takes arguments of type \"u\", not \"s\""), "{}", failure.text);
    assert!(call("Dismiss", &1u32).unwrap_err().text.contains("\"\""));
}

proptest! {
    #[test]
    fn no_call_brings_it_down(
        path in "(/[a-zA-Z0-9_]{1,12}){1,5}|/org/kioskd(/Compositor1(/outputs(/DP_2d1)?)?)?",
        interface in "org\\.kioskd\\.(Compositor1|Output1)|org\\.freedesktop\\.DBus\\.(Properties|Peer)|[a-z]+\\.[a-z]+",
        member in "Get|Set|GetAll|Ping|Dismiss|ApplyOutputs|[A-Z][a-z]{0,8}",
        words in proptest::collection::vec("\\PC{0,8}|org.kioskd.Output1|Power", 0..4),
    ) {
        let builder = Message::method_call(path, member.as_str()).interface(interface);
        let call = match words.as_slice() {
            [] => builder.build(&()),
            [a] => builder.build(a),
            [a, b] => builder.build(&(a, b)),
            rest => builder.build(&(&rest[0], &rest[1], Variant::from(rest[2].as_str()))),
        };
        match dispatch(&snapshot(), &call.unwrap()) {
            Ok(_) => {}
            Err(failure) => prop_assert!(failure.name.contains(".Error.") && !failure.text.is_empty()),
        }
    }
}
