//! Decides about a document's paused response: it goes on, or it is taken back before the browser makes an
//! error page of it.

use serde_json::{Value, json};

use super::{Asked, Page, failure};
use crate::machine::Event;

impl Page {
    pub(super) fn response_paused(&mut self, paused: &Value, in_main_frame: bool) {
        let Some(request) = paused["requestId"].as_str() else { return };
        let url = paused["request"]["url"].as_str().unwrap_or_default();
        match self.objection(paused).filter(|_| in_main_frame) {
            None => self.send("Fetch.continueRequest", json!({ "requestId": request }), Asked::Other),
            Some(reason) => {
                let aborted = json!({ "requestId": request, "errorReason": "Aborted" });
                self.send("Fetch.failRequest", aborted, Asked::Other);
                self.opening = false;
                self.events.push(Event::PageFailed { url: url.to_owned(), reason, error_page: false });
            }
        }
    }

    /// Why this response is not to be shown.
    fn objection(&self, paused: &Value) -> Option<String> {
        match paused["responseErrorReason"].as_str() {
            // Taken back by the page or the browser itself, which makes no error page.
            Some("Aborted") => return None,
            Some(error) => return Some(failure::of_fetch_error(error)),
            None => {}
        }
        let status = u16::try_from(paused["responseStatusCode"].as_u64()?).ok()?;
        // A page that people go to by a link may show what its server has to say about it.
        let judged = self.opening && !(300..400).contains(&status);
        (judged && !self.http_status.contains(status)).then(|| failure::of_status(status))
    }
}
