//! The browser is played by its messages, as Chromium sends them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::orders::MAX_PENDING;
use super::*;

const FRAME: &str = "F1";

fn attached(ready: PageReady) -> Page {
    let mut page = Page::new(ready, StatusRanges(vec![(200, 499)]));
    assert_eq!(methods(&mut page), ["Target.setAutoAttach"]);
    page.take(&json!({ "method": "Target.attachedToTarget", "params": {
        "sessionId": "S1", "targetInfo": { "targetId": FRAME, "type": "page" } } }));
    let sent = page.take_outgoing();
    assert_eq!(sent.last().unwrap()["method"], "Fetch.enable");
    assert!(sent.iter().all(|message| message["sessionId"] == "S1"));
    for message in sent.iter().rev() {
        assert_eq!(page.take_events(), [], "not before the last answer, whichever it is");
        answer(&mut page, message, &json!({}));
    }
    assert_eq!(page.take_events(), [Event::Attached]);
    page
}

fn methods(page: &mut Page) -> Vec<String> {
    page.take_outgoing().iter().map(|m| m["method"].as_str().unwrap().to_owned()).collect()
}

fn answer(page: &mut Page, to: &Value, result: &Value) {
    page.take(&json!({ "id": to["id"], "result": result, "sessionId": "S1" }));
}

fn event(page: &mut Page, method: &str, parameters: Value) {
    page.take(&json!({ "method": method, "params": parameters, "sessionId": "S1" }));
}

fn commit(page: &mut Page, loader: &str, url: &str) {
    event(page, "Page.frameNavigated", json!({ "frame": { "id": FRAME, "loaderId": loader, "url": url } }));
}

fn lifecycle(page: &mut Page, loader: &str, name: &str) {
    event(page, "Page.lifecycleEvent", json!({ "frameId": FRAME, "loaderId": loader, "name": name }));
}

fn pause(page: &mut Page, more: Value) {
    let mut parameters = json!({ "requestId": "R1", "frameId": FRAME, "request": { "url": "http://a/" } });
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(page, "Fetch.requestPaused", parameters);
}

#[test]
fn the_page_is_up_when_the_document_that_was_opened_has_painted() {
    let mut page = attached(PageReady::FirstPaint);
    // The blank page paints nothing of interest.
    lifecycle(&mut page, "L0", "firstPaint");
    page.navigate("http://a/");
    lifecycle(&mut page, "L0", "firstPaint");
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "frameId": FRAME, "loaderId": "L1" }));
    assert_eq!(page.take_events(), []);
    commit(&mut page, "L1", "http://a/");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://a/".into() }]);
    lifecycle(&mut page, "L0", "firstPaint");
    assert_eq!(page.take_events(), [], "of the document before");
    lifecycle(&mut page, "L1", "load");
    assert_eq!(page.take_events(), [Event::PageLoaded]);
    lifecycle(&mut page, "L1", "firstPaint");
    assert_eq!(page.take_events(), [Event::PageUp]);
    lifecycle(&mut page, "L1", "firstContentfulPaint");
    assert_eq!(page.take_events(), [], "once is enough");
}

#[test]
fn load_waits_for_both_and_explicit_for_the_call() {
    let mut page = attached(PageReady::Load);
    page.navigate("http://a/");
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://a/".into() }]);
    lifecycle(&mut page, "L1", "load");
    assert_eq!(page.take_events(), [Event::PageUp]);

    let mut page = attached(PageReady::Explicit);
    page.navigate("http://a/");
    assert_eq!(methods(&mut page), ["Runtime.enable", "Runtime.addBinding", "Page.navigate"]);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    lifecycle(&mut page, "L1", "load");
    assert!(!page.take_events().contains(&Event::PageUp));
    event(&mut page, "Runtime.bindingCalled", json!({ "name": BINDING, "payload": "" }));
    assert_eq!(page.take_events(), [Event::PageUp]);
    assert_eq!(methods(&mut page), ["Runtime.disable"]);
}

#[test]
fn a_document_that_can_not_be_fetched_is_taken_back() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/");
    page.take_outgoing();
    pause(&mut page, json!({ "responseErrorReason": "ConnectionRefused" }));
    let sent = page.take_outgoing();
    assert_eq!(
        (&sent[0]["method"], &sent[0]["params"]["errorReason"]),
        (&json!("Fetch.failRequest"), &json!("Aborted"))
    );
    let refused = Event::PageFailed { url: "http://a/".into(), reason: "connection refused".into(), error_page: false };
    assert_eq!(page.take_events(), [refused]);
}

#[test]
fn a_status_is_judged_only_for_what_was_opened() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/");
    page.take_outgoing();
    pause(&mut page, json!({ "responseStatusCode": 302 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"]);
    pause(&mut page, json!({ "responseStatusCode": 404 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"], "within 2xx-4xx");
    pause(&mut page, json!({ "responseStatusCode": 503 }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    assert_eq!(page.take_events().len(), 1);
    pause(&mut page, json!({ "responseStatusCode": 503 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"], "a link of the page's own");
    assert_eq!(page.take_events(), []);
}

#[test]
fn frames_within_the_page_may_fail() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/");
    page.take_outgoing();
    pause(&mut page, json!({ "frameId": "F2", "responseErrorReason": "ConnectionRefused" }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"]);
    commit(&mut page, "L1", "http://a/");
    event(
        &mut page,
        "Page.frameNavigated",
        json!({ "frame": {
        "id": "F2", "parentId": FRAME, "loaderId": "L2", "url": "chrome-error://chromewebdata/", "unreachableUrl": "http://b/" } }),
    );
    lifecycle(&mut page, "L1", "firstPaint");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://a/".into() }, Event::PageUp]);
}

#[test]
fn an_error_page_is_seen_as_one() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://b/");
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "loaderId": "L1", "errorText": "net::ERR_BLOCKED_BY_ADMINISTRATOR" }));
    let events = page.take_events();
    assert!(matches!(&events[..], [Event::PageFailed { reason, .. }] if reason.contains("policy")), "{events:?}");
    event(
        &mut page,
        "Page.frameNavigated",
        json!({ "frame": {
        "id": FRAME, "loaderId": "L1", "url": "chrome-error://chromewebdata/", "unreachableUrl": "http://b/" } }),
    );
    let events = page.take_events();
    assert!(matches!(&events[..], [Event::PageFailed { error_page: true, .. }]), "{events:?}");
    lifecycle(&mut page, "L1", "firstPaint");
    assert_eq!(page.take_events(), []);
}

#[test]
fn the_end_of_an_overtaken_navigation_says_nothing() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/");
    page.navigate("http://b/");
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "loaderId": "L1", "errorText": "net::ERR_ABORTED" }));
    assert_eq!(page.take_events(), []);
    answer(&mut page, &sent[1], &json!({ "loaderId": "L2" }));
    commit(&mut page, "L2", "http://b/");
    lifecycle(&mut page, "L2", "firstPaint");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://b/".into() }, Event::PageUp]);
}

#[test]
fn another_place_of_the_same_document_is_up_at_once() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/#x");
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "frameId": FRAME }));
    assert_eq!(page.take_events(), [Event::PageUp]);
}

#[test]
fn only_the_page_itself_answers_for_its_life() {
    let mut page = attached(PageReady::FirstPaint);
    page.ping();
    let sent = page.take_outgoing();
    page.take(&json!({ "id": sent[0]["id"], "error": { "message": "Target crashed" } }));
    assert_eq!(page.take_events(), []);
    page.ping();
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "result": { "value": 1 } }));
    assert_eq!(page.take_events(), [Event::Alive]);
}

#[test]
fn a_dialog_waits_for_a_person_unless_it_asks_whether_to_leave() {
    let mut page = attached(PageReady::FirstPaint);
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "alert", "message": "x" }));
    event(&mut page, "Page.javascriptDialogClosed", json!({ "result": true }));
    assert_eq!(page.take_events(), [Event::Dialog { open: true }, Event::Dialog { open: false }]);
    assert_eq!(methods(&mut page), [] as [&str; 0]);
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "beforeunload", "message": "" }));
    assert_eq!(methods(&mut page), ["Page.handleJavaScriptDialog"]);
    assert_eq!(page.take_events(), []);
}

#[test]
fn clearing_names_the_origins() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://b:8080/x");
    commit(&mut page, "L1", "http://b:8080/x");
    page.take_outgoing();
    page.clear_data("http://localhost:3000");
    let sent = page.take_outgoing();
    let origins: Vec<&str> = sent.iter().filter_map(|m| m["params"]["origin"].as_str()).collect();
    assert_eq!(origins, ["http://localhost:3000", "http://b:8080"]);
}

#[test]
fn other_windows_are_left_alone_and_the_end_of_ours_is_noticed() {
    let mut page = attached(PageReady::FirstPaint);
    page.take(&json!({ "method": "Target.attachedToTarget", "params": {
        "sessionId": "S2", "targetInfo": { "targetId": "F9", "type": "page" } } }));
    assert_eq!(page.take_outgoing(), [] as [Value; 0]);
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S2" } }));
    assert_eq!(page.take_events(), []);
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S1" } }));
    assert_eq!(page.take_events(), [Event::Detached { reason: "the page was closed".into() }]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0u64..12).prop_map(Value::from),
        "S1|F1|L1|page|firstPaint|load|[a-z:/]{0,8}".prop_map(Value::from),
    ];
    let keys = "id|method|params|sessionId|frameId|frame|loaderId|name|url|requestId|request|targetInfo|result|error";
    leaf.prop_recursive(3, 24, 4, move |inner| prop::collection::btree_map(keys, inner, 0..5).prop_map(|m| json!(m)))
}

proptest! {
    #[test]
    fn nonsense_from_the_browser_makes_nothing_fail(
        messages in prop::collection::vec((any_json(), 0usize..8), 0..30),
    ) {
        let methods = ["Target.attachedToTarget", "Fetch.requestPaused", "Page.frameNavigated", "Page.lifecycleEvent",
            "Runtime.bindingCalled", "Inspector.targetCrashed", "Target.detachedFromTarget", ""];
        let mut page = Page::new(PageReady::FirstPaint, StatusRanges::default());
        for (mut message, method) in messages {
            if let Some(object) = message.as_object_mut()
                && !methods[method].is_empty()
            {
                object.insert("method".into(), methods[method].into());
            }
            page.navigate("http://a/");
            page.take(&message);
            page.take_outgoing();
            prop_assert!(page.pending.len() <= MAX_PENDING);
        }
    }
}
