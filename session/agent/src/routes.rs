//! The table of what is served, and which of it a request means. `openapi.json` documents it; a test compares the two.

use hyper::StatusCode;

use super::answer::Problem;
use super::request::decoded;
use super::role::Role::{self, Admin, Operate, View};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Status,
    Events,
    Console,
    Inspect,
    Outputs,
    Change,
    Apply,
    Confirm,
    Forget,
    Screenshot,
    Inputs,
    Input,
    Reload,
    Open,
    Home,
    Restart,
    Stop,
    Start,
    ClearData,
    Message,
    Pairing,
    Dismiss,
    Keyboard,
    Aids,
    Aid,
    Vt,
    Configuration,
    Settings,
    Configure,
    ConfirmConfiguration,
    CertificateRequest,
    Certificate,
    Revoked,
    Metrics,
    Document,
}

/// One of them.
#[derive(Debug)]
pub struct Route {
    /// As in a request.
    pub method: &'static str,
    /// `{…}` stands for any name.
    pub path: &'static str,
    pub verb: Verb,
    /// The least that a caller from the network must have.
    pub role: Role,
}

const fn route(method: &'static str, path: &'static str, role: Role, verb: Verb) -> Route {
    Route { method, path, verb, role }
}

/// All.
pub static ROUTES: &[Route] = &[
    route("GET", "/v1/status", View, Verb::Status),
    route("GET", "/v1/events", View, Verb::Events),
    route("GET", "/v1/console", Admin, Verb::Console),
    route("GET", "/v1/inspect", Admin, Verb::Inspect),
    route("GET", "/v1/outputs", View, Verb::Outputs),
    route("PATCH", "/v1/outputs/{output}", Operate, Verb::Change),
    route("POST", "/v1/outputs", Operate, Verb::Apply),
    route("POST", "/v1/outputs/confirm", Operate, Verb::Confirm),
    route("POST", "/v1/outputs/forget", Operate, Verb::Forget),
    route("GET", "/v1/screenshot", View, Verb::Screenshot),
    route("GET", "/v1/inputs", View, Verb::Inputs),
    route("PATCH", "/v1/inputs/{device}", Admin, Verb::Input),
    route("POST", "/v1/reload", Operate, Verb::Reload),
    route("POST", "/v1/open", Operate, Verb::Open),
    route("POST", "/v1/home", Operate, Verb::Home),
    route("POST", "/v1/restart", Operate, Verb::Restart),
    route("POST", "/v1/stop", Operate, Verb::Stop),
    route("POST", "/v1/start", Operate, Verb::Start),
    route("POST", "/v1/clear-data", Operate, Verb::ClearData),
    route("POST", "/v1/message", Operate, Verb::Message),
    route("POST", "/v1/pairing", Admin, Verb::Pairing),
    route("POST", "/v1/dismiss", Operate, Verb::Dismiss),
    route("POST", "/v1/keyboard", Operate, Verb::Keyboard),
    route("GET", "/v1/accessibility", View, Verb::Aids),
    route("POST", "/v1/accessibility", Operate, Verb::Aid),
    route("POST", "/v1/vt", Admin, Verb::Vt),
    route("POST", "/v1/config/reload", Admin, Verb::Configuration),
    route("GET", "/v1/config", Admin, Verb::Settings),
    route("PATCH", "/v1/config", Admin, Verb::Configure),
    route("POST", "/v1/config/confirm", Admin, Verb::ConfirmConfiguration),
    route("POST", "/v1/certificate/request", Admin, Verb::CertificateRequest),
    route("PUT", "/v1/certificate", Admin, Verb::Certificate),
    route("PUT", "/v1/certificate/revoked", Admin, Verb::Revoked),
    route("GET", "/metrics", View, Verb::Metrics),
    route("GET", "/v1/openapi.json", View, Verb::Document),
];

/// What a request means, and the name in its path.
pub fn find(method: &str, path: &str) -> Result<(&'static Route, String), Problem> {
    let mut allowed = Vec::new();
    // A path of its own is no name in another's.
    let own = ROUTES.iter().any(|route| route.path == path);
    for route in ROUTES.iter().filter(|route| !own || route.path == path) {
        let Some(name) = matched(route.path, path) else { continue };
        if route.method == method {
            return Ok((route, decoded(name)?));
        }
        if !allowed.contains(&route.method) {
            allowed.push(route.method);
        }
    }
    if allowed.is_empty() {
        let detail = "there is nothing at this path; /v1/openapi.json lists what there is";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    Err(Problem::method(&allowed))
}

/// The name in the path, empty where the route has none; `None`: it is another path.
fn matched<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    match route.split_once('{') {
        None => (route == path).then_some(""),
        Some((start, _)) => path.strip_prefix(start).filter(|name| !name.is_empty() && !name.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_method_mean_one_verb() {
        let of = |method, path| {
            let found = find(method, path).map(|(route, name)| (route.verb, name));
            found.map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(of("GET", "/v1/status"), Ok((Verb::Status, String::new())));
        assert_eq!(of("PATCH", "/v1/outputs/HDMI-A-1"), Ok((Verb::Change, "HDMI-A-1".into())));
        assert_eq!(of("PATCH", "/v1/outputs/Acme%20One%2F2%20%c3%a9"), Ok((Verb::Change, "Acme One/2 é".into())));
        assert_eq!(of("POST", "/v1/outputs/confirm"), Ok((Verb::Confirm, String::new())));
        assert_eq!(of("PATCH", "/v1/outputs/%ff"), Err(400));
        for path in ["", "/", "/v1", "/v1/status/", "/v1/outputs/", "/v1/outputs/a/b", "/v2/status", "*", "//v1/status"]
        {
            assert_eq!(of("GET", path), Err(404), "{path}");
        }
        assert_eq!(of("PATCH", "/v1/outputs/confirm"), Err(405));
        for method in ["POST", "HEAD", "OPTIONS", "get"] {
            assert_eq!(of(method, "/v1/status"), Err(405), "{method}");
        }
    }
}
