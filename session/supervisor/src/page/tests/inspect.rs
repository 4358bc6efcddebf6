//! DevTools from afar: a session of its own, commands that are judged, and an end that leaves nothing behind.

use super::super::inspect::Inspected;
use super::*;

fn inspected() -> Page {
    let mut page = attached(PageReady::FirstPaint);
    assert!(page.inspect());
    assert_eq!(methods(&mut page), ["Target.attachToTarget"]);
    assert!(!page.inspect(), "one at a time");
    came(&mut page, "I", FRAME);
    assert_eq!(page.take_inspected(), [Inspected::Attached]);
    assert!(methods(&mut page).is_empty(), "it is no window");
    page
}

/// What is said for one command.
fn said(page: &mut Page, command: &Value) -> Vec<Inspected> {
    page.inspector_says(command.to_string().as_bytes());
    page.take_inspected()
}

fn error(told: &[Inspected]) -> String {
    let [Inspected::Said(answer)] = told else { panic!("{told:?}") };
    answer["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn commands_go_to_the_page_alone_and_answers_and_events_come_back() {
    let mut page = inspected();
    let command = json!({ "id": 7, "method": "Runtime.evaluate", "params": { "expression": "1" }, "more": 1 });
    assert_eq!(said(&mut page, &command), []);
    let sent = page.take_outgoing();
    let wanted = json!({ "id": 7, "method": "Runtime.evaluate", "params": { "expression": "1" }, "sessionId": "I" });
    assert_eq!(sent, [wanted]);
    // The number may be one of ours: the session tells them apart.
    for id in 0..100 {
        page.take(&json!({ "id": id, "sessionId": "I", "result": { "id": id } }), NOW);
    }
    page.take(&json!({ "method": "Debugger.paused", "sessionId": "I", "params": {} }), NOW);
    page.take(
        &json!({ "method": "Target.detachedFromTarget", "sessionId": "I", "params": { "sessionId": "S1" } }),
        NOW,
    );
    let told = page.take_inspected();
    assert_eq!(told.len(), 102);
    assert_eq!(told[7], Inspected::Said(json!({ "id": 7, "result": { "id": 7 } })));
    assert_eq!(told[100], Inspected::Said(json!({ "method": "Debugger.paused", "params": {} })));
    assert!(page.take_events().is_empty(), "none of it is the supervisor's");
}

#[test]
fn what_is_not_allowed_and_what_is_no_command_is_answered_and_not_sent() {
    let mut page = inspected();
    let told = said(&mut page, &json!({ "id": 1, "method": "Browser.close" }));
    assert!(matches!(&told[..], [Inspected::Said(answer)] if answer["id"] == 1), "{told:?}");
    assert!(error(&told).starts_with("Browser.close is not allowed"), "{told:?}");
    for wrong in [
        json!({ "id": 2, "method": "Runtime.enable", "sessionId": "S1" }),
        json!({ "id": 2 }),
        json!({ "id": "2", "method": "Runtime.enable" }),
        json!({ "id": 2, "method": "Runtime.enable", "params": [1] }),
        json!({ "method": "Runtime.enable" }),
        json!([1]),
        json!(null),
    ] {
        assert!(error(&said(&mut page, &wrong)).contains("command"), "{wrong}");
    }
    page.inspector_says(b"{\"id\":");
    assert!(error(&page.take_inspected()).contains("a command is"));
    assert!(page.take_outgoing().is_empty());
}

#[test]
fn commands_that_are_not_answered_are_bounded_by_number_and_bytes() {
    let mut page = inspected();
    let evaluate =
        |id: i64, text: &str| json!({ "id": id, "method": "Runtime.evaluate", "params": { "expression": text } });
    for id in 0..512 {
        assert_eq!(said(&mut page, &evaluate(id, "1")), []);
    }
    assert!(error(&said(&mut page, &evaluate(512, "1"))).contains("has not answered"));
    assert!(error(&said(&mut page, &evaluate(511, "1"))).contains("this id"));
    page.take(&json!({ "id": 3, "sessionId": "I", "result": {} }), NOW);
    page.take_inspected();
    assert_eq!(said(&mut page, &evaluate(512, "1")), []);
    for id in 4..512 {
        page.take(&json!({ "id": id, "sessionId": "I", "result": {} }), NOW);
    }
    page.take_inspected();
    let long = "x".repeat(9 << 20);
    assert_eq!(said(&mut page, &evaluate(600, &long)), []);
    assert!(error(&said(&mut page, &evaluate(601, &long))).contains("has not answered"));
}

#[test]
fn the_end_detaches_and_what_was_said_later_reaches_nobody() {
    let mut page = inspected();
    page.end_inspection();
    let sent = page.take_outgoing();
    assert_eq!((&sent[0]["method"], &sent[0]["params"]["sessionId"]), (&json!("Target.detachFromTarget"), &json!("I")));
    assert_eq!(said(&mut page, &json!({ "id": 1, "method": "Runtime.enable" })), []);
    let late = json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "I" } });
    page.take(&late, NOW);
    assert!(page.take_events().is_empty() && page.take_outgoing().is_empty() && page.take_inspected().is_empty());
    // Somebody else may look.
    assert!(page.inspect());
}

#[test]
fn a_session_that_is_refused_not_wanted_any_more_or_gone_is_told() {
    let mut page = attached(PageReady::FirstPaint);
    assert!(page.inspect());
    let sent = page.take_outgoing();
    page.take(&json!({ "id": sent[0]["id"], "error": { "message": "no" } }), NOW);
    assert_eq!(page.take_inspected(), [Inspected::Refused("no".into())]);
    assert!(page.inspect());
    page.end_inspection();
    page.take_outgoing();
    came(&mut page, "I", FRAME);
    assert_eq!(methods(&mut page), ["Target.detachFromTarget"]);
    let mut page = inspected();
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "I" } }), NOW);
    assert_eq!(page.take_inspected(), [Inspected::Gone]);
    assert!(page.take_events().is_empty(), "the page is still there");
    assert!(!Page::new(rules()).inspect(), "there is no page yet");
}
