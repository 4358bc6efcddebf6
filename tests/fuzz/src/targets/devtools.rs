//! What a browser says by its DevTools pipe: messages are the same however they arrive, each makes a bounded number of
//! orders and events, and what the session says of them all is a line without what is secret in an address.

use std::time::Duration;

use kiosk_core::config::{Allowed, Api, BrowserSettings, PageReady, StatusRanges, Url, masked};
use kiosk_core::texts::Texts;
use kiosk_session::{
    devtools::Frames,
    machine::{Event, Machine, Settings},
    page::{Page, Rules},
    sign_in::SignIn,
};
use serde_json::{Value, json};

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "devtools",
    run,
    seeds,
    words: &[
        "{\"method\":\"",
        "\"params\":{",
        "\"sessionId\":\"S1\"",
        "Target.attachedToTarget",
        "Fetch.requestPaused",
        "Page.frameNavigated",
        "Inspector.targetCrashed",
        "Page.javascriptDialogOpening",
        "\"errorText\":\"net::ERR_FAILED\"",
        "\"networkId\":\"N\"",
        "\"responseStatusCode\":404",
        "\"frameId\":\"F1\"",
        "\0",
    ],
    longest: 4096,
};

/// Orders or events that one message may cause.
const MOST: usize = 64;
const HOME: &str = "http://ann:geheim@localhost:3000/?token=geheim";

fn framed(messages: &[Value]) -> Vec<u8> {
    messages.iter().flat_map(kiosk_session::devtools::frame).collect()
}

fn seeds() -> Vec<Vec<u8>> {
    let info = |target: &str, kind: &str| json!({ "targetId": target, "type": kind, "url": "about:blank" });
    let attached = |session: &str, target: &str, kind: &str| {
        let parameters = json!({ "sessionId": session, "targetInfo": info(target, kind), "waitingForDebugger": true });
        json!({ "method": "Target.attachedToTarget", "params": parameters })
    };
    let event = |method: &str, parameters: Value| json!({ "method": method, "params": parameters, "sessionId": "S1" });
    let answers: Vec<Value> = (1..16).map(|id| json!({ "id": id, "result": {}, "sessionId": "S1" })).collect();
    let mut begin = vec![json!({ "id": 1, "result": {} }), attached("S1", "F1", "page")];
    begin.extend(answers);
    let with = |more: &[Value]| framed(&[begin.clone(), more.to_vec()].concat());
    let call = |payload: &str| {
        event("Runtime.bindingCalled", json!({ "name": "__kioskTell", "payload": payload, "executionContextId": 1 }))
    };
    let request = json!({ "url": "http://localhost:3000/x", "method": "GET" });
    vec![
        with(&[
            event(
                "Page.frameNavigated",
                json!({ "frame": { "id": "F1", "url": "http://localhost:3000/", "loaderId": "L" } }),
            ),
            event("Page.lifecycleEvent", json!({ "frameId": "F1", "loaderId": "L", "name": "firstPaint" })),
            event("Page.lifecycleEvent", json!({ "frameId": "F1", "loaderId": "L", "name": "load" })),
        ]),
        with(&[
            event(
                "Fetch.requestPaused",
                json!({ "requestId": "R", "request": request, "frameId": "F1", "resourceType": "Document" }),
            ),
            event(
                "Fetch.requestPaused",
                json!({ "requestId": "R", "request": request, "frameId": "F1", "resourceType": "Document",
                "responseStatusCode": 503, "networkId": "L" }),
            ),
        ]),
        with(&[
            event("Page.javascriptDialogOpening", json!({ "type": "alert", "message": "x", "url": "http://a/" })),
            event("Page.javascriptDialogClosed", json!({ "result": true })),
        ]),
        with(&[
            attached("S2", "W", "page"),
            attached("S3", "I", "iframe"),
            event("Inspector.targetCrashed", json!({})),
            json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "S1" } }),
        ]),
        with(&[
            event(
                "Page.navigatedWithinDocument",
                json!({ "frameId": "F1", "url": "http://ann:geheim@localhost:3000/#a" }),
            ),
            event("Runtime.bindingCalled", json!({ "name": "__kioskReady", "payload": "" })),
        ]),
        with(&[
            event(
                "Page.frameNavigated",
                json!({ "frame": { "id": "F1", "url": HOME, "loaderId": "L", "securityOrigin": "http://localhost:3000" } }),
            ),
            call("{\"id\":\"a\",\"name\":\"rotate\",\"value\":90}"),
            call("{\"id\":\"b\",\"name\":\"message\",\"value\":\"x\"}"),
        ]),
    ]
}

fn messages(input: &[u8], size: usize) -> Vec<Value> {
    let mut frames = Frames::default();
    input.chunks(size).for_each(|piece| frames.push(piece));
    std::iter::from_fn(|| frames.pop()).map(|(message, _)| message).collect()
}

fn run(input: &[u8]) {
    let whole = messages(input, usize::MAX);
    assert_eq!(messages(input, 13), whole);
    let rules = Rules {
        ready: PageReady::FirstPaint,
        http_status: StatusRanges(vec![(200, 299)]),
        browser: BrowserSettings::default(),
        allowed: Allowed::new([HOME], &[]),
        api: Api::default(),
        sign_in: SignIn::default(),
    };
    let settings = Settings {
        home: Url::parse(HOME).unwrap(),
        command: false,
        needs_server: true,
        program: "chromium".into(),
        ready_timeout: Some(Duration::from_secs(60)),
        explicit: false,
        texts: Texts::default(),
        before: kiosk_session::recovery::LastMeasures::default(),
    };
    let mut page = Page::new(rules);
    let mut now = Duration::from_secs(100);
    let mut machine = Machine::new(settings, now);
    for event in [Event::CompositorUp { pid: 1 }, Event::ServerUp, Event::Launched { pid: 2 }] {
        machine.step(event, now);
    }
    page.take_outgoing();
    let told = input.windows(6).any(|part| part.eq_ignore_ascii_case(b"geheim"));
    for message in whole {
        now += Duration::from_secs(2);
        page.take(&message, now);
        if page.deadline().is_some_and(|at| at <= now) {
            page.tick(now);
        }
        for (_, back) in page.take_asks() {
            back.into_iter().for_each(|back| page.answer(&back, Ok(Value::Null)));
        }
        let (orders, events) = (page.take_outgoing(), page.take_events());
        assert!(orders.len() <= MOST && events.len() <= MOST, "{} orders and {} events", orders.len(), events.len());
        for event in events {
            let effects = machine.step(event, now);
            assert!(effects.len() <= MOST, "{effects:?}");
            // As it is told to the compositor and in the log.
            let line = masked(&machine.report().message);
            assert!(told || !line.contains("geheim"), "{line}");
            assert!(line.lines().count() <= 1, "{line:?}");
        }
    }
}
