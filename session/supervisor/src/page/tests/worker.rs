//! A service worker that fails.

use super::*;

fn failed_without_a_request(page: &mut Page) {
    page.navigate("http://a/", NOW);
    let sent = page.take_outgoing();
    let navigate = sent.iter().find(|message| message["method"] == "Page.navigate").unwrap();
    answer(page, navigate, &json!({ "loaderId": "E", "errorText": "net::ERR_FAILED" }));
    let reason = "its service worker has no page".to_owned();
    assert_eq!(page.take_events(), [Event::PageFailed { url: "http://a/".into(), reason, error_page: false }]);
}

fn up_past_it(page: &mut Page, loader: &str) -> Vec<String> {
    page.navigate("http://a/", NOW);
    let sent = page.take_outgoing();
    let navigate = sent.iter().find(|message| message["method"] == "Page.navigate").unwrap();
    answer(page, navigate, &json!({ "loaderId": loader }));
    let sent = sent.iter().map(|message| message["method"].as_str().unwrap().to_owned()).collect();
    commit(page, loader, "http://a/");
    lifecycle(page, loader, "firstPaint");
    let after = methods(page);
    assert!(after.contains(&"Network.setBypassServiceWorker".into()) && after.contains(&"Network.disable".into()));
    page.take_events();
    sent
}

#[test]
fn it_is_bypassed_once_and_removed_where_only_the_network_has_the_page() {
    let mut page = attached(PageReady::FirstPaint);
    for (round, removed) in [(1, false), (2, false), (3, true), (4, false)] {
        failed_without_a_request(&mut page);
        let sent = up_past_it(&mut page, &format!("L{round}"));
        assert!(sent.contains(&"Network.setBypassServiceWorker".into()));
        assert_eq!(sent.contains(&"Storage.clearDataForOrigin".into()), removed, "{round}");
    }
}

#[test]
fn one_whose_server_is_away_is_asked_again_after_the_network() {
    let mut page = attached(PageReady::FirstPaint);
    failed_without_a_request(&mut page);
    page.navigate("http://a/", NOW);
    pause(&mut page, json!({}));
    pause(&mut page, json!({ "responseErrorReason": "ConnectionRefused" }));
    page.take_outgoing();
    page.navigate("http://a/", NOW);
    let sent = page.take_outgoing();
    let bypass: Vec<&Value> =
        sent.iter().filter(|message| message["method"] == "Network.setBypassServiceWorker").collect();
    assert_eq!(bypass.iter().map(|message| &message["params"]["bypass"]).collect::<Vec<_>>(), [&json!(false)]);
}

#[test]
fn one_that_does_not_answer_is_bypassed_and_one_that_asks_its_server_is_waited_for() {
    for asks in [false, true] {
        let mut page = attached(PageReady::FirstPaint);
        page.navigate("http://a/", NOW);
        if asks {
            let more = json!({ "resourceType": "XHR", "frameId": "W", "request": { "url": "http://a/" } });
            pause(&mut page, more);
        }
        page.take_outgoing();
        late(&mut page, 10, true);
        let failed = page.take_events().iter().any(|event| matches!(event, Event::PageFailed { .. }));
        assert_eq!(failed, !asks);
    }
}

/// Nothing has come for so many seconds; `runs`: its origin has a worker that runs.
fn late(page: &mut Page, seconds: u64, runs: bool) {
    page.tick(NOW + Duration::from_secs(seconds));
    let sent = page.take_outgoing();
    if let Some(asked) = sent.iter().find(|message| message["method"] == "Target.getTargets") {
        let others =
            json!([{ "type": "page", "url": "http://a/" }, { "type": "service_worker", "url": "http://b/sw.js" }]);
        let own = json!([{ "type": "service_worker", "url": "http://a/sw.js" }]);
        let targets = if runs { own } else { others };
        page.take(&json!({ "id": asked["id"], "result": { "targetInfos": targets } }), NOW);
    }
}

/// On a slow machine the page's process is not there after ten seconds.
#[test]
fn a_page_without_one_that_runs_is_waited_for() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    for seconds in [10, 20, 30] {
        late(&mut page, seconds, false);
        assert_eq!(page.take_events(), [], "after {seconds} s");
    }
    late(&mut page, 40, true);
    let reason = "its service worker does not answer".to_owned();
    assert_eq!(page.take_events(), [Event::PageFailed { url: "http://a/".into(), reason, error_page: false }]);
}

#[test]
fn an_answer_that_comes_while_the_browser_is_asked_is_one() {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    page.take_outgoing();
    page.tick(NOW + Duration::from_secs(10));
    let asked = page.take_outgoing();
    pause(&mut page, json!({ "requestId": "1.0", "request": { "url": "http://a/" } }));
    let own = json!([{ "type": "service_worker", "url": "http://a/sw.js" }]);
    page.take(&json!({ "id": asked[0]["id"], "result": { "targetInfos": own } }), NOW);
    assert_eq!(page.take_events(), []);
}

fn goes(page: &mut Page, url: &str) {
    let parameters = json!({ "frameId": FRAME, "url": url, "loaderId": "O", "navigationType": "differentDocument" });
    event(page, "Page.frameStartedNavigating", parameters);
}

fn stale(page: &mut Page) -> Option<bool> {
    late(page, 10, true);
    page.take_events().iter().find_map(|event| match event {
        Event::PageStale { again, .. } => Some(*again),
        _ => None,
    })
}

#[test]
fn one_that_does_not_answer_the_page_itself_is_bypassed_but_for_a_form() {
    for (reason, again) in
        [("reload", true), ("anchorClick", true), ("formSubmissionGet", true), ("formSubmissionPost", false)]
    {
        let mut page = shown();
        let scheduled = json!({ "frameId": FRAME, "url": "http://a/", "reason": reason, "delay": 0 });
        event(&mut page, "Page.frameScheduledNavigation", scheduled);
        goes(&mut page, "http://a/");
        assert_eq!(stale(&mut page), Some(again), "{reason}");
        page.take_outgoing();
        page.reload(false, NOW);
        assert!(methods(&mut page).contains(&"Network.setBypassServiceWorker".into()));
    }
}

#[test]
fn a_page_that_goes_on_by_itself_without_a_worker_in_the_way_is_left_alone() {
    let ends: [fn(&mut Page); 5] = [
        |page| pause(page, json!({})),
        |page| pause(page, json!({ "resourceType": "XHR", "frameId": "W" })),
        |page| commit(page, "O", "http://a/"),
        |page| event(page, "Page.frameStoppedLoading", json!({ "frameId": FRAME })),
        |page| page.navigate("http://a/b", NOW),
    ];
    for end in ends {
        let mut page = shown();
        goes(&mut page, "http://a/");
        end(&mut page);
        assert_eq!(stale(&mut page), None);
    }
    for other in ["blob:http://a/1", "about:blank", "file:///a"] {
        let mut page = shown();
        goes(&mut page, other);
        assert_eq!(stale(&mut page), None, "{other}");
    }
}

fn shown() -> Page {
    let mut page = attached(PageReady::FirstPaint);
    page.navigate("http://a/", NOW);
    commit(&mut page, "L1", "http://a/");
    lifecycle(&mut page, "L1", "firstPaint");
    page.take_events();
    page
}
