//! DevTools of the real Chromium's page, headless, by a caller on `session.sock`: what is answered, what is refused, and that a
//! page whose scripts were held goes on when it ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use kiosk_core::api::{Report, State};
use serde_json::{Value, json};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

const PAGE: &str = "<body style='background:#264'><script>
    setInterval(() => fetch('/tell', { method: 'POST', body: 'beat' }), 200);</script>";

/// Asks for it; the error's sentence, where it is refused.
fn ask(session: &Session, seconds: u32, who: &str) -> Result<Inspector, String> {
    let options = std::collections::HashMap::<&str, zbus::Variant<'_>>::new();
    let stream = session.socket_of("Inspect", &(seconds, who, options))?;
    Ok(Inspector { reader: BufReader::new(stream.try_clone().unwrap()), stream })
}

struct Inspector {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Inspector {
    fn say(&mut self, id: u64, method: &str, params: &Value) {
        let command = json!({ "id": id, "method": method, "params": params });
        write!(self.stream, "{command}\0").unwrap();
    }

    /// The next message; `None`: it has ended.
    fn next(&mut self) -> Option<Value> {
        let mut message = Vec::new();
        self.reader.read_until(0, &mut message).unwrap();
        (message.pop() == Some(0)).then(|| serde_json::from_slice(&message).unwrap())
    }

    fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().unwrap();
            if wanted(&message) {
                return message;
            }
        }
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.say(id, method, params);
        self.find(|message| message["id"] == id)
    }
}

fn beats(site: &Site) -> usize {
    site.told().iter().filter(|told| *told == "beat").count()
}

#[test]
fn a_page_is_inspected_for_a_time_and_goes_on_when_that_ends() {
    let site = Site::start(&[("/", PAGE)]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(&site.url("/"), ""));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    for (seconds, who, wrong) in [(0, "Anna", "seconds is 0"), (3601, "Anna", "1 to 3600"), (60, "A\nB", "who must be")]
    {
        let error = ask(&session, seconds, who).err().unwrap();
        assert!(error.contains(wrong), "{error}");
    }

    let mut anna = ask(&session, 600, "Anna").unwrap();
    let told = compositor.until(SOON, |report| report.inspector == "Anna").pop().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((now..=now + 600).contains(&told.inspected_until), "{told:?}");
    let error = ask(&session, 600, "Bert").err().unwrap();
    assert!(error.contains("Anna is looking"), "{error}");
    let two = anna.ask(1, "Runtime.evaluate", &json!({ "expression": "1 + 1" }));
    assert_eq!(two["result"]["result"]["value"], 2, "{two}");
    let refused = anna.ask(2, "Page.navigate", &json!({ "url": "file:///etc/passwd" }));
    assert!(refused["error"]["message"].as_str().unwrap().contains("not allowed"), "{refused}");
    let refused = anna.ask(3, "Browser.close", &json!({}));
    assert!(refused["error"]["message"].as_str().unwrap().contains("not allowed"), "{refused}");

    // Its scripts are held for longer than a page that hangs is given, and she goes without letting them go on.
    anna.ask(4, "Debugger.enable", &json!({}));
    anna.say(5, "Debugger.pause", &json!({}));
    anna.find(|message| message["method"] == "Debugger.paused");
    compositor.stays_silent(std::time::Duration::from_secs(18));
    let held = beats(&site);
    compositor.stays_silent(std::time::Duration::from_secs(3));
    assert_eq!(beats(&site), held, "its scripts were not held");
    drop(anna);
    compositor.until(SOON, |report| report.inspector.is_empty());
    let held = beats(&site);
    until("the page goes on", SOON, || beats(&site) > held + 3);

    // The time is over.
    let mut bert = ask(&session, 1, "Bert").unwrap();
    compositor.until(SOON, |report: &Report| report.inspector == "Bert");
    while bert.next().is_some() {}
    compositor.until(SOON, |report| report.inspector.is_empty());

    // With the browser.
    let mut anna = ask(&session, 600, "Anna").unwrap();
    session.kioskctl(&["restart"]);
    while anna.next().is_some() {}
    let log = session.log();
    for line in ["who=\"Anna\" seconds=600", "they left", "the time is over", "the browser ended"] {
        assert!(log.contains(line), "{line:?} is not in the journal");
    }
    assert!(!log.contains("failure"), "{log}");
}
