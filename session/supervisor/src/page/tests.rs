//! The browser is played by its messages, as Chromium sends them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::windows::MAX_WINDOWS;
use super::wire::MAX_PENDING;
use super::*;
use kiosk_core::config::{Answer, NewWindows, Permission, PermissionRule, UrlPattern};

mod console;
mod inspect;
mod leaving;
mod uploads;
mod worker;

const FRAME: &str = "F1";
const NOW: Duration = Duration::from_secs(100);

fn attached(ready: PageReady) -> Page {
    attached_under(Rules { ready, ..rules() })
}

fn rules() -> Rules {
    Rules {
        ready: PageReady::FirstPaint,
        http_status: StatusRanges(vec![(200, 499)]),
        browser: BrowserSettings::default(),
        allowed: Allowed::new(["http://a/", "http://b/", "http://b:8080/"], &[]),
        api: Api::default(),
        sign_in: SignIn::default(),
    }
}

fn attached_under(rules: Rules) -> Page {
    let mut page = Page::new(rules);
    let sent = page.take_outgoing();
    assert_eq!((&sent[0]["method"], &sent[1]["method"]), (&json!("Fetch.enable"), &json!("Target.setAutoAttach")));
    page.take(&json!({ "id": sent[0]["id"], "result": {} }), NOW);
    came(&mut page, "S1", FRAME);
    let sent = page.take_outgoing();
    assert_eq!(sent.last().unwrap()["method"], "Runtime.runIfWaitingForDebugger");
    assert!(sent.iter().all(|message| message["sessionId"] == "S1"));
    for message in sent.iter().rev() {
        assert_eq!(page.take_events(), [], "not before the last answer, whichever it is");
        answer(&mut page, message, &json!({ "windowId": 7 }));
    }
    assert_eq!(page.take_events(), [Event::Attached]);
    page
}

fn came(page: &mut Page, session: &str, target: &str) {
    let info = json!({ "targetId": target, "type": "page" });
    let parameters = json!({ "sessionId": session, "targetInfo": info, "waitingForDebugger": true });
    page.take(&json!({ "method": "Target.attachedToTarget", "params": parameters }), NOW);
}

fn methods(page: &mut Page) -> Vec<String> {
    page.take_outgoing().iter().map(|m| m["method"].as_str().unwrap().to_owned()).collect()
}

fn answer(page: &mut Page, to: &Value, result: &Value) {
    page.take(&json!({ "id": to["id"], "result": result, "sessionId": "S1" }), NOW);
}

fn event(page: &mut Page, method: &str, parameters: Value) {
    page.take(&json!({ "method": method, "params": parameters, "sessionId": "S1" }), NOW);
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
    page.navigate("http://a/", NOW);
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
    page.navigate("http://a/", NOW);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://a/".into() }]);
    lifecycle(&mut page, "L1", "load");
    assert_eq!(page.take_events(), [Event::PageUp]);

    let mut page = attached(PageReady::Explicit);
    page.navigate("http://a/", NOW);
    assert_eq!(methods(&mut page), ["Runtime.enable", "Runtime.addBinding", "Page.navigate"]);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    lifecycle(&mut page, "L1", "load");
    page.take_outgoing();
    assert!(!page.take_events().contains(&Event::PageUp));
    event(&mut page, "Runtime.bindingCalled", json!({ "name": script::BINDING, "payload": "ready" }));
    assert_eq!(page.take_events(), [Event::PageUp]);
    assert_eq!(
        methods(&mut page),
        ["Runtime.disable", "Runtime.addBinding", "Page.resetNavigationHistory", "Page.bringToFront"]
    );
}

#[test]
fn a_document_that_can_not_be_fetched_is_taken_back() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
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
fn an_error_of_a_server_is_never_the_page() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    pause(&mut page, json!({ "responseStatusCode": 302 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"]);
    pause(&mut page, json!({ "responseStatusCode": 404 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"], "within 2xx-4xx");
    pause(&mut page, json!({ "responseStatusCode": 503 }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    assert_eq!(page.take_events().len(), 1);
    pause(&mut page, json!({ "responseStatusCode": 504 }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"], "the page loads itself again");
    let stale = |url: &str, status: u16, again| {
        [Event::PageStale { url: url.into(), reason: format!("the server answers with status {status}"), again }]
    };
    assert_eq!(page.take_events(), stale("http://a/", 504, true));
    for (reason, method, url, status, again) in [
        ("scriptInitiated", "GET", "http://a/next", 502, true),
        ("metaTagRefresh", "GET", "http://a/next", 502, true),
        ("scriptInitiated", "GET", "http://a/next", 500, true),
        ("anchorClick", "GET", "http://a/next", 502, false),
        ("formSubmissionGet", "GET", "http://a/next", 502, false),
        ("scriptInitiated", "POST", "http://a/next", 502, false),
        ("scriptInitiated", "GET", "http://b/", 502, false),
        // The page itself: what it sends is not its address being loaded again.
        ("formSubmissionPost", "POST", "http://a/", 500, false),
        ("scriptInitiated", "GET", "http://a/", 500, true),
    ] {
        let scheduled = json!({ "frameId": FRAME, "url": url, "reason": reason });
        event(&mut page, "Page.frameScheduledNavigation", scheduled);
        let request = json!({ "url": url, "method": method });
        pause(&mut page, json!({ "responseStatusCode": status, "request": request }));
        assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
        assert_eq!(page.take_events(), stale(url, status, again), "{reason} {method} {url} {status}");
    }
}

#[test]
fn where_a_page_goes_by_itself_is_tried_again_when_the_error_may_pass() {
    let mut page = opened(Rules { http_status: StatusRanges::default(), ..rules() });
    for (status, again) in [(403, false), (404, false), (410, false), (408, true), (429, true), (503, true)] {
        let url = "http://a/next";
        event(
            &mut page,
            "Page.frameScheduledNavigation",
            json!({ "frameId": FRAME, "url": url, "reason": "scriptInitiated" }),
        );
        page.take_events();
        pause(&mut page, json!({ "responseStatusCode": status, "request": { "url": url, "method": "GET" } }));
        let events = page.take_events();
        let told = matches!(&events[..], [Event::PageStale { again: found, .. }] if *found == again);
        assert!(told, "{status}: {events:?}");
    }
}

#[test]
fn frames_within_the_page_may_fail() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    pause(&mut page, json!({ "frameId": "F2", "responseErrorReason": "ConnectionRefused" }));
    assert_eq!(methods(&mut page), ["Fetch.fulfillRequest"], "it is empty and tries again by itself");
    pause(&mut page, json!({ "frameId": "F2", "responseStatusCode": 404 }));
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
    page.navigate("http://b/", NOW);
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
    page.navigate("http://a/", NOW);
    page.navigate("http://b/", NOW);
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
    page.navigate("http://a/#x", NOW);
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "frameId": FRAME }));
    assert_eq!(page.take_events(), [Event::PageUp]);
}

#[test]
fn only_the_page_itself_can_answer_a_ping() {
    let mut page = attached(PageReady::FirstPaint);
    page.ping();
    let sent = page.take_outgoing();
    page.take(&json!({ "id": sent[0]["id"], "error": { "message": "Target crashed" } }), NOW);
    assert_eq!(page.take_events(), []);
    page.ping();
    let sent = page.take_outgoing();
    let navigated = "Inspected target navigated or closed";
    page.take(&json!({ "id": sent[0]["id"], "error": { "message": navigated } }), NOW);
    assert_eq!(page.take_events(), [Event::PingLost]);
    page.ping();
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "result": { "value": 1 } }));
    assert_eq!(page.take_events(), [Event::Alive]);
}

/// A browser would show what comes with it.
#[test]
fn a_redirection_to_nowhere_is_no_page() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    let to_b = json!([{ "name": "Location", "value": "http://b/" }]);
    pause(&mut page, json!({ "responseStatusCode": 302, "responseHeaders": to_b }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"]);
    let mut page = attached_under(Rules { http_status: StatusRanges(vec![(200, 299)]), ..rules() });
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    pause(&mut page, json!({ "responseStatusCode": 302, "responseHeaders": [] }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    assert!(matches!(&page.take_events()[..], [Event::PageStale { .. }]));
}

#[test]
fn input_that_the_page_was_given_is_as_good_as_an_answer() {
    let mut page = attached(PageReady::FirstPaint);
    let told = |page: &mut Page, session: &str| {
        let parameters = json!({ "name": "__kioskTell", "payload": "alive", "executionContextId": 1 });
        page.take(&json!({ "method": "Runtime.bindingCalled", "sessionId": session, "params": parameters }), NOW);
        page.take_events()
    };
    assert_eq!(told(&mut page, "S1"), [Event::Alive]);
    // Frames and windows with a process of their own say nothing of the page's.
    assert_eq!(told(&mut page, "S9"), []);
}

#[test]
fn a_frame_that_is_late_is_told_as_long_as_it_is() {
    let mut page = attached(PageReady::FirstPaint);
    let mut told = |value: Value| {
        page.ping();
        let sent = page.take_outgoing();
        assert!(sent[0]["params"]["expression"].as_str().unwrap().contains("__kioskFrames"));
        answer(&mut page, &sent[0], &json!({ "result": { "value": value } }));
        page.take_events()
    };
    // What a page makes of the question is an answer all the same.
    for fine in [json!(0), json!(4999.5), json!("6000"), json!({ "a": 9000 }), Value::Null] {
        assert_eq!(told(fine), [Event::Alive]);
    }
    assert_eq!(told(json!(5000.25)), [Event::FrameLate { late: true }, Event::Alive]);
    assert_eq!(told(json!(15000)), [Event::FrameLate { late: true }, Event::Alive]);
    assert_eq!(told(json!(16)), [Event::FrameLate { late: false }, Event::Alive]);
    assert_eq!(told(json!(16)), [Event::Alive]);
}

fn opened(rules: Rules) -> Page {
    let mut page = attached_under(rules);
    page.navigate("http://a/", NOW);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    page.take_outgoing();
    assert_eq!(page.take_events().last(), Some(&Event::PageUp));
    page
}

fn answers(page: &mut Page) -> Vec<bool> {
    let sent = page.take_outgoing();
    let answers = sent.iter().filter(|message| message["method"] == "Page.handleJavaScriptDialog");
    answers.map(|message| message["params"]["accept"].as_bool().unwrap()).collect()
}

#[test]
fn a_dialog_waits_for_a_person_unless_it_asks_whether_to_leave() {
    let mut page = opened(rules());
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "alert", "message": "x" }));
    event(&mut page, "Page.javascriptDialogClosed", json!({ "result": true }));
    assert_eq!(page.take_events(), [Event::Dialog { open: true }, Event::Dialog { open: false }]);
    assert_eq!(methods(&mut page), [] as [&str; 0]);
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "beforeunload", "message": "" }));
    assert_eq!(answers(&mut page), [true]);
    assert_eq!(page.take_events(), []);
}

#[test]
fn a_dialog_in_a_popup_stops_its_opener_too_and_is_the_popup_s() {
    let mut page = under(NewWindows::Popup);
    came(&mut page, "S2", "F2");
    page.take_outgoing();
    let in_popup = |page: &mut Page, method: &str| {
        page.take(&json!({ "method": method, "params": { "type": "alert" }, "sessionId": "S2" }), NOW);
    };
    in_popup(&mut page, "Page.javascriptDialogOpening");
    assert_eq!(page.take_events(), [Event::Dialog { open: true }]);
    assert_eq!(page.deadline(), Some(NOW + Duration::from_secs(30)));
    page.tick(NOW + Duration::from_secs(30));
    let sent = page.take_outgoing();
    assert_eq!((&sent[0]["method"], &sent[0]["sessionId"]), (&json!("Page.handleJavaScriptDialog"), &json!("S2")));
    assert_eq!(page.take_events(), [Event::Dialog { open: false }]);
    // With two of them the first to be closed is not the last.
    in_popup(&mut page, "Page.javascriptDialogOpening");
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "alert" }));
    in_popup(&mut page, "Page.javascriptDialogClosed");
    assert_eq!(page.take_events(), [Event::Dialog { open: true }]);
    event(&mut page, "Page.javascriptDialogClosed", json!({}));
    assert_eq!(page.take_events(), [Event::Dialog { open: false }]);
    // It goes with its window.
    in_popup(&mut page, "Page.javascriptDialogOpening");
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S2" } }), NOW);
    assert_eq!(page.take_events(), [Event::Dialog { open: true }, Event::Dialog { open: false }]);
}

#[test]
fn a_dialog_in_a_window_that_is_not_to_stay_is_dismissed() {
    let mut page = under(NewWindows::Deny);
    came(&mut page, "S2", "F2");
    page.take_outgoing();
    let opening = json!({ "type": "alert" });
    page.take(&json!({ "method": "Page.javascriptDialogOpening", "params": opening, "sessionId": "S2" }), NOW);
    assert_eq!(answers(&mut page), [false]);
    assert_eq!(page.take_events(), []);
}

#[test]
fn an_unanswered_dialog_is_dismissed_after_its_timeout() {
    let mut page = opened(rules());
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "confirm", "message": "x" }));
    assert_eq!(page.deadline(), Some(NOW + Duration::from_secs(30)));
    page.tick(NOW + Duration::from_secs(29));
    assert_eq!(answers(&mut page), [] as [bool; 0]);
    page.tick(NOW + Duration::from_secs(30));
    assert_eq!(answers(&mut page), [false]);
    assert_eq!(page.take_events(), [Event::Dialog { open: true }, Event::Dialog { open: false }]);
    assert_eq!(page.deadline(), None);
}

#[test]
fn dialogs_before_the_page_is_up_are_answered_at_once() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    for _ in 0..200 {
        event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "alert" }));
        assert_eq!(methods(&mut page), ["Page.handleJavaScriptDialog"]);
    }
    assert_eq!(page.take_events(), []);
}

#[test]
fn a_configured_answer_is_given_at_once() {
    let mut browser = BrowserSettings::default();
    browser.dialogs.confirm = Answer::Accept;
    browser.dialogs.prompt = Answer::Dismiss;
    let mut page = opened(Rules { browser, ..rules() });
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "confirm" }));
    event(&mut page, "Page.javascriptDialogOpening", json!({ "type": "prompt" }));
    assert_eq!(answers(&mut page), [true, false]);
    assert_eq!(page.take_events(), []);
}

#[test]
fn what_is_not_allowed_changes_nothing() {
    let mut page = opened(rules());
    pause(&mut page, json!({ "request": { "url": "https://elsewhere/" } }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    assert_eq!(page.take_events(), [Event::Refused { url: "https://elsewhere/".into() }]);
    let to = json!([{ "name": "location", "value": "https://elsewhere/x" }]);
    pause(&mut page, json!({ "responseStatusCode": 302, "responseHeaders": to }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"], "a redirection");
    assert_eq!(page.take_events(), [Event::Refused { url: "https://elsewhere/x".into() }]);
    pause(&mut page, json!({ "frameId": "F7", "request": { "url": "https://elsewhere/" } }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"], "what a page embeds is its own choice");
    let pdf = json!([{ "name": "Content-Type", "value": "application/pdf" }]);
    pause(
        &mut page,
        json!({ "responseStatusCode": 200, "responseHeaders": pdf, "request": { "url": "http://a/x.pdf" } }),
    );
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    event(&mut page, "Page.frameScheduledNavigation", json!({ "frameId": FRAME, "url": "tel:123" }));
    assert_eq!(page.take_events().last(), Some(&Event::Refused { url: "tel:123".into() }));
}

#[test]
fn what_the_browser_shows_in_place_of_the_page_is_seen() {
    for url in ["about:blank", "chrome://version/", "view-source:http://a/", "https://elsewhere/"] {
        let mut page = opened(rules());
        commit(&mut page, "L9", url);
        let events = page.take_events();
        assert!(matches!(&events[..], [Event::PageFailed { error_page: true, .. }]), "{url}: {events:?}");
    }
}

fn released(page: &mut Page, sent: &[Value]) {
    let release = sent.iter().find(|message| message["method"] == "Runtime.runIfWaitingForDebugger").unwrap();
    page.take(&json!({ "id": release["id"], "result": {}, "sessionId": release["sessionId"] }), NOW);
}

fn under(new_windows: NewWindows) -> Page {
    opened(Rules { browser: BrowserSettings { new_windows, ..BrowserSettings::default() }, ..rules() })
}

#[test]
fn a_new_window_is_opened_in_place_of_the_page() {
    let mut page = under(NewWindows::Same);
    came(&mut page, "S2", "F2");
    let sent = page.take_outgoing();
    released(&mut page, &sent);
    assert_eq!(methods(&mut page), [] as [&str; 0], "let go of, and waited for");
    let request = json!({ "url": "http://a/pay", "headers": { "Referer": "http://a/" } });
    pause(&mut page, json!({ "frameId": "F2", "request": request }));
    let sent = page.take_outgoing();
    let order = ["Fetch.failRequest", "Target.closeTarget", "Page.navigate"];
    assert_eq!(sent.iter().map(|m| m["method"].as_str().unwrap()).collect::<Vec<_>>(), order);
    assert_eq!((&sent[2]["sessionId"], &sent[2]["params"]["url"]), (&json!("S1"), &json!("http://a/pay")));
    pause(&mut page, json!({ "frameId": "F2", "request": { "url": "http://a/other" } }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    page.tick(NOW + Duration::from_secs(1));
    assert_eq!(page.take_events(), [Event::Covered { covered: true }]);
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S2" } }), NOW);
    assert_eq!(page.take_events(), [Event::Covered { covered: false }]);
}

#[test]
fn a_new_window_that_may_not_be_shown_or_stays_blank_is_closed() {
    let mut page = under(NewWindows::Same);
    came(&mut page, "S2", "F2");
    let sent = page.take_outgoing();
    released(&mut page, &sent);
    pause(&mut page, json!({ "frameId": "F2", "request": { "url": "https://elsewhere/" } }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest", "Target.closeTarget"]);
    assert_eq!(page.take_events(), [Event::Refused { url: "https://elsewhere/".into() }]);
    came(&mut page, "S3", "F3");
    let sent = page.take_outgoing();
    released(&mut page, &sent);
    page.tick(NOW + Duration::from_secs(4));
    assert_eq!(methods(&mut page), ["Target.closeTarget"]);
}

#[test]
fn a_window_is_never_closed_while_it_is_held() {
    for new_windows in [NewWindows::Same, NewWindows::Popup] {
        let mut page = under(new_windows);
        came(&mut page, "S2", "F2");
        let sent = page.take_outgoing();
        page.navigate("http://a/", NOW);
        page.tick(NOW + Duration::from_secs(60));
        assert!(!methods(&mut page).contains(&"Target.closeTarget".into()), "{new_windows:?}");
        released(&mut page, &sent);
        assert_eq!(methods(&mut page), ["Target.closeTarget"], "{new_windows:?}");
    }
}

#[test]
fn a_popup_is_closed_when_it_gets_nothing_to_show_and_stays_when_it_has() {
    let shown = |url: &str| json!({ "frame": { "id": "F2", "loaderId": "L2", "url": url } });
    let wrong = [
        json!({ "frameId": "F2", "request": { "url": "https://elsewhere/" } }),
        json!({ "frameId": "F2", "responseErrorReason": "ConnectionRefused" }),
        json!({ "frameId": "F2", "responseStatusCode": 502 }),
    ];
    for wrong in wrong {
        for (before, then) in
            [("about:blank", &["Fetch.failRequest", "Target.closeTarget"][..]), ("http://a/", &["Fetch.failRequest"])]
        {
            let mut page = under(NewWindows::Popup);
            came(&mut page, "S2", "F2");
            let sent = page.take_outgoing();
            released(&mut page, &sent);
            page.take(&json!({ "method": "Page.frameNavigated", "params": shown(before), "sessionId": "S2" }), NOW);
            pause(&mut page, wrong.clone());
            assert_eq!(methods(&mut page), then, "{wrong} over {before}");
        }
    }
}

#[test]
fn a_tab_over_the_page_is_no_popup() {
    let mut page = under(NewWindows::Popup);
    for (number, then) in
        [(8, &["Fetch.continueRequest"][..]), (7, &["Fetch.failRequest", "Target.closeTarget", "Page.navigate"])]
    {
        let target = format!("F{number}");
        came(&mut page, &target, &target);
        let sent = page.take_outgoing();
        let request = sent.iter().position(|message| message["method"] == "Browser.getWindowForTarget").unwrap();
        let let_go = sent.iter().position(|message| message["method"] == "Runtime.runIfWaitingForDebugger").unwrap();
        assert!(request < let_go);
        answer(&mut page, &sent[request], &json!({ "windowId": number }));
        released(&mut page, &sent);
        pause(&mut page, json!({ "frameId": target, "request": { "url": "http://a/x", "headers": {} } }));
        assert_eq!(methods(&mut page), then, "{number}");
    }
}

#[test]
fn a_denied_window_is_detached_before_it_is_closed() {
    let mut page = under(NewWindows::Deny);
    came(&mut page, "S2", "F2");
    let sent = page.take_outgoing();
    assert!(sent.iter().all(|message| message["method"] != "Target.closeTarget"));
    released(&mut page, &sent);
    assert_eq!(methods(&mut page), ["Target.closeTarget"]);
}

#[test]
fn popups_live_as_far_as_they_are_allowed_and_not_by_the_hundred_and_go_when_the_page_goes_home() {
    let mut page = under(NewWindows::Popup);
    for number in 0..100 {
        came(&mut page, &format!("W{number}"), &format!("T{number}"));
        let sent = page.take_outgoing();
        released(&mut page, &sent);
        let expected: &[&str] = if number < MAX_WINDOWS { &[] } else { &["Target.closeTarget"] };
        assert_eq!(methods(&mut page), expected, "{number}");
        if number >= MAX_WINDOWS {
            let gone = json!({ "sessionId": format!("W{number}") });
            page.take(&json!({ "method": "Target.detachedFromTarget", "params": gone }), NOW);
        }
    }
    pause(&mut page, json!({ "frameId": "T0", "request": { "url": "http://a/pay" } }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"]);
    let paid = json!({ "frame": { "id": "T0", "loaderId": "L2", "url": "http://a/pay" } });
    page.take(&json!({ "method": "Page.frameNavigated", "params": paid, "sessionId": "W0" }), NOW);
    pause(&mut page, json!({ "frameId": "T0", "request": { "url": "https://elsewhere/" } }));
    assert_eq!(methods(&mut page), ["Fetch.failRequest"]);
    page.take_events();
    page.navigate("http://a/", NOW);
    let closed = methods(&mut page).iter().filter(|method| *method == "Target.closeTarget").count();
    assert_eq!(closed, MAX_WINDOWS);
}

#[test]
fn an_origin_gets_what_is_configured_for_it_before_its_document_comes() {
    let origin = UrlPattern::parse_origin("http://a").unwrap();
    let permissions = vec![PermissionRule { origin, granted: vec![Permission::Camera, Permission::Location] }];
    let mut page = opened(Rules { browser: BrowserSettings { permissions, ..BrowserSettings::default() }, ..rules() });
    pause(&mut page, json!({ "responseStatusCode": 200 }));
    let sent = page.take_outgoing();
    assert_eq!(sent[0]["method"], "Browser.grantPermissions");
    assert_eq!(sent[0]["params"]["origin"], "http://a");
    let granted = sent[0]["params"]["permissions"].as_array().unwrap();
    assert!(granted.contains(&json!("videoCapture")) && granted.contains(&json!("geolocation")));
    assert!(!granted.contains(&json!("audioCapture")));
    pause(&mut page, json!({ "responseStatusCode": 200 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest"], "once is enough");
}

#[test]
fn everything_is_forgotten_after_the_page_is_left_and_that_is_said_at_its_end() {
    for refused in [None, Some("no such thing")] {
        let mut page = attached(PageReady::FirstPaint);
        page.navigate("http://b:8080/x", NOW);
        commit(&mut page, "L1", "http://b:8080/x");
        page.take_outgoing();
        page.take_events();
        page.clear_data(NOW);
        let sent = page.take_outgoing();
        let quiet = sent.last().unwrap();
        assert_eq!(quiet["method"], "Emulation.setScriptExecutionDisabled");
        assert!(sent.iter().all(|message| !message["method"].as_str().unwrap().contains("clear")), "it may store more");
        answer(&mut page, quiet, &json!({}));
        let sent = page.take_outgoing();
        let leave = sent.iter().find(|message| message["method"] == "Page.navigate").unwrap();
        assert_eq!(leave["params"]["url"], BLANK);
        assert!(sent.iter().all(|message| !message["method"].as_str().unwrap().contains("clear")), "it may store more");
        answer(&mut page, leave, &json!({ "frameId": FRAME, "loaderId": "L2" }));
        assert_eq!(methods(&mut page), [""; 0], "it is not left yet");
        commit(&mut page, "L2", BLANK);
        lifecycle(&mut page, "L2", "firstPaint");
        assert_eq!(page.take_events(), [], "a blank page is no page");
        assert_eq!(methods(&mut page), ["Runtime.addBinding"], "what runs when a page is left is not over yet");
        let over = page.deadline().unwrap();
        assert_eq!(over, NOW + Duration::from_secs(1));
        page.tick(over);
        let sent = page.take_outgoing();
        let method = |message: &&Value| message["method"].as_str().unwrap().to_owned();
        let clearing: Vec<&Value> = sent
            .iter()
            .filter(|message| method(message).contains("clear") || method(message).contains("Script"))
            .collect();
        assert_eq!(clearing.len(), 4, "{sent:?}");
        for (number, message) in clearing.into_iter().enumerate() {
            assert_eq!(page.take_events(), [], "not before the last answer");
            match refused.filter(|_| number == 1) {
                Some(why) => {
                    page.take(&json!({ "id": message["id"], "error": { "message": why }, "sessionId": "S1" }), NOW);
                }
                None => answer(&mut page, message, &json!({})),
            }
        }
        assert_eq!(page.take_events(), [Event::DataCleared { error: refused.map(str::to_owned) }]);
    }
}

fn with_frame(page: &mut Page) {
    let info = json!({ "targetId": "F5", "type": "iframe" });
    let frame = json!({ "sessionId": "S5", "targetInfo": info, "waitingForDebugger": true });
    page.take(&json!({ "method": "Target.attachedToTarget", "params": frame, "sessionId": "S1" }), NOW);
    page.take_outgoing();
}

#[test]
fn nothing_is_forgotten_before_frames_and_windows_are_gone_and_one_that_stays_is_an_error() {
    for stays in [false, true] {
        let mut page = under(NewWindows::Popup);
        with_frame(&mut page);
        came(&mut page, "S2", "F9");
        page.take_outgoing();
        page.clear_data(NOW);
        let sent = page.take_outgoing();
        let quiet = sent.iter().filter(|message| message["method"] == "Emulation.setScriptExecutionDisabled");
        let quiet: Vec<&Value> = quiet.collect();
        assert_eq!(quiet.iter().map(|message| &message["sessionId"]).collect::<Vec<_>>(), ["S1", "S2", "S5"]);
        for message in &quiet[..2] {
            answer(&mut page, message, &json!({}));
            assert_eq!(methods(&mut page), [""; 0], "another one still runs scripts");
        }
        answer(&mut page, quiet[2], &json!({}));
        assert!(methods(&mut page).contains(&"Page.navigate".into()));
        commit(&mut page, "L2", BLANK);
        let gone = |page: &mut Page, session: &str| {
            page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": session } }), NOW);
        };
        gone(&mut page, "S5");
        assert_eq!(page.deadline(), Some(NOW + Duration::from_secs(5)));
        if !stays {
            gone(&mut page, "S2");
        }
        page.take_outgoing();
        page.tick(page.deadline().unwrap());
        assert_eq!(methods(&mut page).contains(&"Network.clearBrowserCookies".into()), !stays);
        let failed = Event::DataCleared { error: Some("a window or a frame of the page does not end".into()) };
        assert_eq!(page.take_events().contains(&failed), stays);
    }
}

#[test]
fn a_frame_that_does_not_stop_its_scripts_ends_the_clearing_and_is_asked_again_by_the_next() {
    let mut page = under(NewWindows::Popup);
    with_frame(&mut page);
    let begin = |page: &mut Page, now: Duration| {
        page.clear_data(now);
        let sent = page.take_outgoing();
        let quiet = sent.iter().filter(|message| message["method"] == "Emulation.setScriptExecutionDisabled");
        let quiet: Vec<Value> = quiet.cloned().collect();
        assert_eq!(quiet.iter().map(|message| &message["sessionId"]).collect::<Vec<_>>(), ["S1", "S5"]);
        quiet
    };
    let quiet = begin(&mut page, NOW);
    answer(&mut page, &quiet[0], &json!({}));
    let limit = NOW + Duration::from_secs(3);
    assert_eq!(page.deadline(), Some(limit));
    page.tick(limit - Duration::from_millis(1));
    assert!(!page.take_events().iter().any(|event| matches!(event, Event::DataCleared { .. })));
    page.tick(limit);
    let sent = methods(&mut page);
    assert!(!sent.iter().any(|method| method.contains("clear") || method == "Page.navigate"), "{sent:?}");
    let error = Some("the page, or a window or a frame of it, can't be stopped and left".to_owned());
    assert_eq!(page.take_events(), [Event::DataCleared { error }]);
    assert_eq!(page.deadline(), None);
    // Of the next attempt all answer.
    for message in begin(&mut page, limit) {
        assert_eq!(methods(&mut page), [""; 0]);
        answer(&mut page, &message, &json!({}));
    }
    assert!(methods(&mut page).contains(&"Page.navigate".into()));
}

#[test]
fn the_end_of_an_overtaken_request_is_no_failure_of_the_next_one() {
    let mut page = attached(PageReady::FirstPaint);
    let paused = |page: &mut Page, request: &str, more: Value| {
        let mut all = json!({ "requestId": request, "frameId": FRAME, "request": { "url": "http://a/" } });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(page, "Fetch.requestPaused", all);
    };
    page.navigate("http://a/", NOW);
    paused(&mut page, "job-1.0", json!({}));
    page.navigate("http://a/", NOW);
    paused(&mut page, "job-2.0", json!({}));
    paused(&mut page, "job-1.0", json!({ "responseErrorReason": "Failed" }));
    assert_eq!(page.take_events(), []);
    paused(&mut page, "job-2.0", json!({ "responseErrorReason": "Failed" }));
    assert!(matches!(page.take_events()[..], [Event::PageFailed { .. }]));
}

#[test]
fn the_answer_to_a_form_is_not_loaded_again() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    commit(&mut page, "L1", "http://a/");
    let request = |page: &mut Page, url: &str, method: &str| {
        pause(page, json!({ "request": { "url": url, "method": method } }));
    };
    request(&mut page, "http://a/order", "POST");
    commit(&mut page, "L2", "http://a/order");
    page.take_outgoing();
    page.reload(false, NOW);
    let sent = page.take_outgoing();
    assert_eq!((&sent[0]["method"], &sent[0]["params"]["url"]), (&json!("Page.navigate"), &json!("http://a/")));
    // One that leads on to a page that is fetched is as good as any other.
    request(&mut page, "http://a/order", "POST");
    request(&mut page, "http://a/thanks", "GET");
    commit(&mut page, "L3", "http://a/thanks");
    page.take_outgoing();
    page.reload(false, NOW);
    assert_eq!(methods(&mut page), ["Page.reload"]);
}

#[test]
fn the_end_of_another_window_is_not_that_of_the_page() {
    let mut page = under(NewWindows::Popup);
    came(&mut page, "S2", "F9");
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S2" } }), NOW);
    assert_eq!(page.take_events(), []);
    page.take(&json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S1" } }), NOW);
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
    fn invalid_devtools_messages_are_ignored(
        messages in prop::collection::vec((any_json(), 0usize..8), 0..30),
    ) {
        let methods = ["Target.attachedToTarget", "Fetch.requestPaused", "Page.frameNavigated", "Page.lifecycleEvent",
            "Runtime.bindingCalled", "Inspector.targetCrashed", "Target.detachedFromTarget", ""];
        let mut page = Page::new(rules());
        for (mut message, method) in messages {
            if let Some(object) = message.as_object_mut()
                && !methods[method].is_empty()
            {
                object.insert("method".into(), methods[method].into());
            }
            page.navigate("http://a/", NOW);
            page.take(&message, NOW);
            page.tick(NOW + Duration::from_secs(60));
            page.take_outgoing();
            prop_assert!(page.wire.waiting() <= MAX_PENDING);
        }
    }
}

/// A page at an origin that may ask, with nothing on its way.
fn granted() -> Page {
    let mut page = attached(PageReady::FirstPaint);
    shows(&mut page, "L1", "http://localhost:3000");
    page.take_outgoing();
    page
}

fn shows(page: &mut Page, loader: &str, origin: &str) {
    let frame = json!({ "id": FRAME, "loaderId": loader, "url": format!("{origin}/"), "securityOrigin": origin });
    event(page, "Page.frameNavigated", json!({ "frame": frame }));
}

fn calls(page: &mut Page, context: i64, id: &str, name: &str, value: &Value) {
    let payload = json!({ "id": id, "name": name, "value": value }).to_string();
    let parameters = json!({ "name": "__kioskTell", "payload": payload, "executionContextId": context });
    event(page, "Runtime.bindingCalled", parameters);
}

/// The browser says whose the context is that was asked for.
fn judge(page: &mut Page, origin: &str) {
    let sent = page.take_outgoing();
    let [who] = &sent[..] else { panic!("{sent:?}") };
    assert!(who["params"]["expression"].as_str().unwrap().contains("window.top"), "{who}");
    answer(page, who, &json!({ "result": { "type": "string", "value": origin } }));
}

fn asks(page: &mut Page) -> Vec<Ask> {
    page.take_asks().into_iter().map(|(ask, _)| ask).collect()
}

#[test]
fn a_caller_is_judged_once_a_context_and_by_the_browser() {
    let mut page = granted();
    calls(&mut page, 3, "a", "reload", &Value::Null);
    calls(&mut page, 3, "b", "home", &Value::Null);
    assert_eq!(asks(&mut page), [], "not before it is known who asks");
    judge(&mut page, "http://localhost:3000");
    assert_eq!(asks(&mut page), [Ask::Reload, Ask::Home]);
    calls(&mut page, 3, "c", "home", &Value::Null);
    assert_eq!(page.take_outgoing(), [Value::Null; 0], "it is known");
    calls(&mut page, 3, "c", "home", &Value::Null);
    assert_eq!(asks(&mut page), [Ask::Home], "told twice, asked once");
    // A frame in the same process: of another origin, or of the page's own below another's.
    for (context, origin) in [(4, "http://localhost:4000"), (5, "")] {
        calls(&mut page, context, "x", "reload", &Value::Null);
        judge(&mut page, origin);
        calls(&mut page, context, "y", "reload", &Value::Null);
        assert_eq!((asks(&mut page), page.take_outgoing()), (vec![], vec![]), "{origin}");
    }
}

#[test]
fn sessions_beside_the_page_s_own_and_documents_of_other_origins_are_not_heard() {
    let mut page = granted();
    came(&mut page, "S2", "F2");
    page.take_outgoing();
    let payload = json!({ "id": "a", "name": "reload" }).to_string();
    let parameters = json!({ "name": "__kioskTell", "payload": payload, "executionContextId": 1 });
    page.take(&json!({ "method": "Runtime.bindingCalled", "params": parameters, "sessionId": "S2" }), NOW);
    assert_eq!((asks(&mut page), page.take_outgoing()), (vec![], vec![]));
    for origin in ["http://b", "null", ""] {
        shows(&mut page, "L2", origin);
        page.take_outgoing();
        calls(&mut page, 7, "a", "reload", &Value::Null);
        assert_eq!((asks(&mut page), page.take_outgoing()), (vec![], vec![]), "{origin}");
    }
}

#[test]
fn an_answer_goes_to_the_document_that_asked_and_what_it_put_out_is_lit_after_it() {
    let mut page = granted();
    calls(&mut page, 3, "a", "screen", &json!(false));
    judge(&mut page, "http://localhost:3000");
    let taken = page.take_asks();
    let [(Ask::Device(kiosk_core::page_calls::DeviceRequest::Screen { on: false }), Some(back))] = &taken[..] else {
        panic!("{taken:?}")
    };
    page.answer(back, Err(CallError::Compositor("not now".into())));
    let sent = page.take_outgoing();
    let told = sent[0]["params"]["expression"].as_str().unwrap();
    assert!(told.contains(r#"{"answer":"a","error":"not now"}"#) && sent[0]["params"]["contextId"] == 3, "{sent:?}");
    shows(&mut page, "L2", "http://localhost:3000");
    page.take_outgoing();
    page.answer(back, Ok(Value::Null));
    assert_eq!(page.take_outgoing(), [Value::Null; 0], "nobody waits for it any more");
    assert_eq!(asks(&mut page), [Ask::Device(kiosk_core::page_calls::DeviceRequest::Left {})]);
}

#[test]
fn a_flood_of_calls_costs_neither_orders_nor_memory() {
    let mut page = granted();
    for number in 0..10_000 {
        calls(&mut page, number, &number.to_string(), "reload", &Value::Null);
    }
    assert!(page.take_outgoing().len() <= 40);
    calls(&mut page, 1, &"x".repeat(20_000), "reload", &Value::Null);
    assert_eq!(page.take_outgoing(), [Value::Null; 0]);
}

#[test]
fn only_a_document_that_listens_is_told_of_presence() {
    let mut page = granted();
    page.tell_presence(true);
    assert_eq!((page.listens(), page.take_outgoing()), (0, vec![]));
    calls(&mut page, 3, "a", "listen", &Value::Null);
    judge(&mut page, "http://localhost:3000");
    let first = page.listens();
    assert_ne!(first, 0);
    page.take_outgoing();
    page.tell_presence(true);
    assert!(page.take_outgoing()[0]["params"]["expression"].as_str().unwrap().contains(r#"{"event":"idle"}"#));
    shows(&mut page, "L2", "http://localhost:3000");
    assert_eq!(page.listens(), 0, "another document");
    page.take_outgoing();
    calls(&mut page, 4, "a", "listen", &Value::Null);
    judge(&mut page, "http://localhost:3000");
    assert!(page.listens() != 0 && page.listens() != first, "which knows nothing yet");
}

#[test]
fn a_page_is_laid_out_as_wide_as_a_screen_that_is_narrower_than_the_browser() {
    let mut page = granted();
    let tells = |page: &mut Page, text: &str, session: &str| {
        let parameters = json!({ "name": "__kioskTell", "payload": text, "executionContextId": 3 });
        page.take(&json!({ "method": "Runtime.bindingCalled", "params": parameters, "sessionId": session }), NOW);
        page.take_outgoing()
    };
    let own = page.session.clone().unwrap();
    let sent = tells(&mut page, "width 480", &own);
    assert_eq!(sent[0]["method"], "Emulation.setDeviceMetricsOverride");
    let only_width = json!({ "width": 480, "height": 0, "deviceScaleFactor": 0, "mobile": false });
    assert_eq!(sent[0]["params"], only_width);
    assert_eq!(tells(&mut page, "width 0", &own)[0]["method"], "Emulation.clearDeviceMetricsOverride");
    for text in ["width 500", "width -1", "width 99999999999", "width ", "width a"] {
        let sent = tells(&mut page, text, &own);
        assert!(sent.iter().all(|message| !message["method"].as_str().unwrap().starts_with("Emulation")), "{text}");
    }
    assert!(tells(&mut page, "width 480", "S2").is_empty(), "another window's");
    let orders: usize = (0..1000).map(|_| tells(&mut page, "width 300", &own).len()).sum();
    assert!((1..100).contains(&orders), "{orders} orders of a page that tells without end");
}
