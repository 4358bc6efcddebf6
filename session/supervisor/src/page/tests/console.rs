//! The page's console: a session of its own while somebody listens, and lines that are short and clean.

use super::*;

fn say(page: &mut Page, session: &str, method: &str, params: &Value) {
    page.take(&json!({ "method": method, "sessionId": session, "params": params }), NOW);
}

fn listening() -> Page {
    let mut page = attached(PageReady::FirstPaint);
    page.listen_to_console(true);
    assert_eq!(methods(&mut page), ["Target.attachToTarget"]);
    came(&mut page, "C", FRAME);
    assert_eq!(methods(&mut page), ["Runtime.enable", "Log.enable"], "it is no window");
    page.take_events();
    page
}

#[test]
fn the_console_has_a_session_of_its_own_while_somebody_listens() {
    let mut page = listening();
    page.listen_to_console(true);
    assert!(methods(&mut page).is_empty());
    let call = json!({ "type": "warning", "args": [{ "type": "string", "value": "hot" }, { "type": "number", "value": 7,
        "description": "7" }, { "type": "undefined" }, { "type": "object", "subtype": "null", "value": null }, { "type": "object", "description": "Object" }],
        "stackTrace": { "callFrames": [{ "url": "http://a:secret@b/x.js", "lineNumber": 4 }] } });
    say(&mut page, "C", "Runtime.consoleAPICalled", &call);
    // The supervising session's own.
    say(&mut page, "S1", "Runtime.consoleAPICalled", &call);
    let thrown = json!({ "exceptionDetails": { "text": "Uncaught", "url": "http://a/", "lineNumber": 0,
        "exception": { "description": "Error: no" } } });
    say(&mut page, "C", "Runtime.exceptionThrown", &thrown);
    let entry = json!({ "entry": { "level": "error", "source": "network", "text": "404", "url": "http://a/i.png" } });
    say(&mut page, "C", "Log.entryAdded", &entry);
    let lines = page.take_console();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["text"], "hot 7 undefined null Object");
    assert_eq!((&lines[0]["level"], &lines[0]["line"]), (&json!("warning"), &json!(5)));
    assert!(!lines[0]["url"].as_str().unwrap().contains("secret"), "{}", lines[0]);
    assert_eq!(
        lines[1],
        json!({ "level": "error", "source": "exception", "text": "Uncaught Error: no",
        "url": "http://a/", "line": 1 })
    );
    assert_eq!((&lines[2]["source"], &lines[2]["line"]), (&json!("browser"), &Value::Null));
    page.listen_to_console(false);
    assert_eq!(methods(&mut page), ["Target.detachFromTarget"]);
    say(&mut page, "C", "Log.entryAdded", &entry);
    assert!(page.take_console().is_empty() && page.take_events().is_empty());
}

#[test]
fn a_console_that_never_ends_is_bounded_and_has_no_escape_sequences() {
    let mut page = listening();
    for number in 0..1000 {
        let text = format!("{number} \u{1b}[2J\n{}", "x".repeat(100_000));
        let call = json!({ "type": "log", "args": [{ "type": "string", "value": text }] });
        say(&mut page, "C", "Runtime.consoleAPICalled", &call);
    }
    let lines = page.take_console();
    assert_eq!(lines.len(), 64);
    let text = lines[63]["text"].as_str().unwrap();
    assert!(text.starts_with("999 \u{fffd}[2J\nxx") && text.chars().count() <= 2001, "{}", text.len());
}

#[test]
fn a_console_is_opened_with_the_page_and_again_when_its_session_goes() {
    let mut page = Page::new(rules());
    page.listen_to_console(true);
    page.take_outgoing();
    came(&mut page, "S", FRAME);
    assert!(methods(&mut page).contains(&"Target.attachToTarget".to_owned()));
    came(&mut page, "C", FRAME);
    page.take_outgoing();
    page.take_events();
    let gone = json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "C" } });
    page.take(&gone, NOW);
    assert_eq!(methods(&mut page), ["Target.attachToTarget"]);
    assert!(page.take_events().is_empty(), "the page is still there");
    // Nobody listens any more when it comes.
    page.listen_to_console(false);
    came(&mut page, "D", FRAME);
    assert_eq!(methods(&mut page), ["Target.detachFromTarget"]);
}
