//! A document that does not let go of the page.

use super::*;

const LOOKS: Duration = Duration::from_millis(500);
const ANSWERS: Duration = Duration::from_millis(1500);

/// One that is shown, and ordered to go.
fn leaving() -> Page {
    leaving_by().0
}

/// With the message that orders it.
fn leaving_by() -> (Page, Value) {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "loaderId": "L1" }));
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    page.take_outgoing();
    page.navigate("http://b/", NOW);
    let order = page.take_outgoing().into_iter().find(|sent| sent["method"] == "Page.navigate").unwrap();
    page.take_events();
    (page, order)
}

#[test]
fn its_scripts_are_ended_and_the_session_hears_of_it_if_that_does_not_help() {
    let mut page = leaving();
    assert_eq!(page.deadline(), Some(NOW + LOOKS));
    page.tick(NOW + LOOKS);
    assert_eq!(methods(&mut page), ["Runtime.terminateExecution", "Runtime.evaluate"]);
    assert_eq!(page.deadline(), Some(NOW + LOOKS + ANSWERS));
    page.tick(NOW + LOOKS + ANSWERS);
    assert_eq!(page.take_events(), [Event::NotLeft]);
    assert_eq!(page.deadline(), None);
}

#[test]
fn one_that_answers_is_not_what_is_waited_for() {
    let mut page = leaving();
    page.tick(NOW + LOOKS);
    let sent = page.take_outgoing();
    answer(&mut page, &sent[1], &json!({}));
    page.tick(NOW + LOOKS + ANSWERS);
    assert_eq!((page.take_events(), page.leaving), (vec![], None));
}

#[test]
fn a_slow_server_costs_it_nothing_and_its_last_handlers_are_not_cut_off_at_the_next_document_s_expense() {
    let mut page = leaving();
    pause(&mut page, json!({ "request": { "url": "http://b/" } }));
    assert_eq!(page.deadline(), None, "the server's turn");
    pause(&mut page, json!({ "request": { "url": "http://b/" }, "responseStatusCode": 200 }));
    page.take_outgoing();
    page.tick(NOW + LOOKS);
    assert_eq!(methods(&mut page), ["Runtime.evaluate"], "the next document may be running by now");
    commit(&mut page, "L2", "http://b/");
    page.tick(NOW + LOOKS + ANSWERS);
    assert!(!page.take_events().contains(&Event::NotLeft));
}

#[test]
fn a_document_that_it_goes_to_by_itself_is_not_the_ordered_one() {
    let mut page = leaving();
    let started = |page: &mut Page, loader: &str, url: &str, kind: &str| {
        let parameters = json!({ "frameId": FRAME, "loaderId": loader, "url": url, "navigationType": kind });
        event(page, "Page.frameStartedNavigating", parameters);
    };
    started(&mut page, "L2", "http://b/", "differentDocument");
    started(&mut page, "L3", "http://a/", "reload");
    commit(&mut page, "L3", "http://a/");
    lifecycle(&mut page, "L3", "firstPaint");
    assert_eq!(page.take_events(), [], "it is the one of before");
    commit(&mut page, "L2", "http://b/");
    lifecycle(&mut page, "L2", "firstPaint");
    assert_eq!(page.take_events(), [Event::Moved { url: "http://b/".into() }, Event::PageUp]);
}

#[test]
fn a_page_that_has_died_or_has_never_been_is_not_waited_for() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    assert_eq!(page.leaving, None);
    let mut page = leaving();
    event(&mut page, "Inspector.targetCrashed", json!({}));
    page.navigate("http://b/", NOW);
    assert_eq!(page.leaving, None);
}

#[test]
fn a_page_that_can_not_be_loaded_again_is_ended() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    let sent = page.take_outgoing();
    answer(&mut page, &sent[0], &json!({ "loaderId": "L1" }));
    commit(&mut page, "L1", "http://a/");
    page.take_events();
    page.reload(false, NOW);
    let sent = page.take_outgoing();
    page.take(
        &json!({ "id": sent.last().unwrap()["id"], "error": { "message": "Not attached to an active page" }, "sessionId": "S1" }),
        NOW,
    );
    assert_eq!(page.take_events(), [Event::NotLeft]);
}

/// The browser ends the ordered navigation when the document before begins one of its own.
#[test]
fn an_order_that_the_document_before_overtakes_has_not_failed() {
    let aborted = json!({ "loaderId": "L2", "errorText": "net::ERR_ABORTED" });
    let (mut page, order) = leaving_by();
    answer(&mut page, &order, &aborted);
    assert_eq!(page.take_events(), [Event::NotLeft]);

    // But an answer without content has.
    let (mut page, order) = leaving_by();
    pause(&mut page, json!({ "requestId": "1.0", "request": { "url": "http://b/" } }));
    pause(&mut page, json!({ "requestId": "1.0", "request": { "url": "http://b/" }, "responseStatusCode": 204 }));
    answer(&mut page, &order, &aborted);
    assert!(matches!(&page.take_events()[..], [Event::PageFailed { .. }]));
}

/// A page that reloads itself or goes on by itself, all the time.
#[test]
fn what_it_begins_after_the_order_does_not_take_the_place_of_what_was_ordered() {
    let started = |page: &mut Page, loader: &str, url: &str| {
        let parameters =
            json!({ "frameId": FRAME, "loaderId": loader, "url": url, "navigationType": "differentDocument" });
        event(page, "Page.frameStartedNavigating", parameters);
    };
    let mut page = leaving();
    started(&mut page, "L2", "http://b/");
    pause(&mut page, json!({ "requestId": "1.0", "request": { "url": "http://b/" } }));
    pause(&mut page, json!({ "requestId": "1.0", "request": { "url": "http://b/" }, "responseStatusCode": 200 }));
    assert_eq!(methods(&mut page), ["Fetch.continueRequest", "Fetch.continueRequest"]);
    // While the browser replaces the document.
    started(&mut page, "L3", "http://a/next");
    commit(&mut page, "L2", "http://b/");
    pause(&mut page, json!({ "requestId": "2.0", "request": { "url": "http://a/next" } }));
    assert!(methods(&mut page).contains(&"Fetch.failRequest".to_owned()));
    // What has no request that could be aborted is noticed when it comes.
    commit(&mut page, "L3", "blob:http://a/1");
    assert!(page.take_events().contains(&Event::NotLeft));

    // The ordered document may go on by itself, such as to a login, before there is anything to be seen.
    let mut page = leaving();
    started(&mut page, "L2", "http://b/");
    commit(&mut page, "L2", "http://b/");
    started(&mut page, "L3", "http://a/login");
    pause(&mut page, json!({ "requestId": "2.0", "request": { "url": "http://a/login" } }));
    assert_eq!(methods(&mut page).last().unwrap(), "Fetch.continueRequest");
    commit(&mut page, "L3", "http://a/login");
    lifecycle(&mut page, "L3", "firstPaint");
    assert_eq!(page.take_events().last(), Some(&Event::PageUp));
}
