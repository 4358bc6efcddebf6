//! Which DevTools commands somebody who looks at a page from afar may send: those that concern this page and end with the
//! session. Nothing that reaches other pages, the browser or the device's files, shows another address past `browser.allow`,
//! plays a hand or a keyboard, or stays when the session ends, but for what the page's own scripts could store as well. What
//! is not in the table is refused, so that a new version of the browser opens nothing. Pure.

use serde_json::Value;

use super::script::BINDING;

/// Longest name of a command that a refusal quotes, characters.
const QUOTED: usize = 60;

/// Of a domain.
enum May {
    /// Every command.
    All,
    /// Every command but these.
    AllBut(&'static [&'static str]),
    /// These commands.
    Only(&'static [&'static str]),
}

/// By domain.
const TABLE: &[(&str, May)] = &[
    ("Accessibility", May::All),
    ("Animation", May::All),
    ("Audits", May::All),
    ("CSS", May::All),
    ("CacheStorage", May::All),
    ("Console", May::All),
    // The first hands any of the device's files to the page, the second tells paths.
    ("DOM", May::AllBut(&["setFileInputFiles", "getFileInfo"])),
    ("DOMDebugger", May::All),
    ("DOMSnapshot", May::All),
    ("DOMStorage", May::All),
    ("Debugger", May::All),
    ("Emulation", May::Only(EMULATION)),
    ("EventBreakpoints", May::All),
    ("HeapProfiler", May::All),
    ("IndexedDB", May::All),
    ("Inspector", May::Only(&["enable", "disable"])),
    ("LayerTree", May::All),
    ("Log", May::All),
    ("Media", May::All),
    ("Memory", May::Only(&["getDOMCounters", "getAllTimeSamplingProfile", "getSamplingProfile"])),
    ("Network", May::Only(NETWORK)),
    ("Overlay", May::All),
    ("Page", May::Only(PAGE)),
    ("Performance", May::All),
    ("PerformanceTimeline", May::All),
    ("Profiler", May::All),
    ("Runtime", May::All),
    ("Schema", May::All),
    ("Security", May::Only(&["enable", "disable"])),
    ("Storage", May::Only(STORAGE)),
    // Of this page, see `may`.
    ("Target", May::Only(&["getTargetInfo"])),
    ("WebAudio", May::All),
];

/// What ends with the session: not the virtual time, and not the size of the page's scale.
const EMULATION: &[&str] = &[
    "canEmulate",
    "clearDeviceMetricsOverride",
    "clearGeolocationOverride",
    "clearIdleOverride",
    "setAutoDarkModeOverride",
    "setCPUThrottlingRate",
    "setDefaultBackgroundColorOverride",
    "setDeviceMetricsOverride",
    "setDisabledImageTypes",
    "setDocumentCookieDisabled",
    "setEmitTouchEventsForMouse",
    "setEmulatedMedia",
    "setEmulatedVisionDeficiency",
    "setFocusEmulationEnabled",
    "setGeolocationOverride",
    "setHardwareConcurrencyOverride",
    "setIdleOverride",
    "setLocaleOverride",
    "setScriptExecutionDisabled",
    "setScrollbarsHidden",
    "setTimezoneOverride",
    "setTouchEmulationEnabled",
    "setUserAgentOverride",
];

/// No interception of requests, which are paused and judged already, and no loading for the browser itself.
const NETWORK: &[&str] = &[
    "canClearBrowserCache",
    "canClearBrowserCookies",
    "canEmulateNetworkConditions",
    "clearAcceptedEncodingsOverride",
    "clearBrowserCache",
    "clearBrowserCookies",
    "deleteCookies",
    "disable",
    "emulateNetworkConditions",
    "emulateNetworkConditionsByRule",
    "enable",
    "enableReportingApi",
    "getCookies",
    "getRequestPostData",
    "getResponseBody",
    "getSecurityIsolationStatus",
    "overrideNetworkState",
    "replayXHR",
    "searchInResponseBody",
    "setAcceptedEncodings",
    "setAttachDebugStack",
    "setBlockedURLs",
    "setBypassServiceWorker",
    "setCacheDisabled",
    "setCookie",
    "setCookies",
    "setExtraHTTPHeaders",
    "setUserAgentOverride",
    "streamResourceContent",
];

/// No other address (`kioskctl open` is for that), no downloads, dialogs and file choosers, no closing, crashing or freezing.
const PAGE: &[&str] = &[
    "addScriptToEvaluateOnNewDocument",
    "captureScreenshot",
    "captureSnapshot",
    "createIsolatedWorld",
    "disable",
    "enable",
    "getAppId",
    "getAppManifest",
    "getFrameTree",
    "getInstallabilityErrors",
    "getLayoutMetrics",
    "getManifestIcons",
    "getNavigationHistory",
    "getOriginTrials",
    "getPermissionsPolicyState",
    "getResourceContent",
    "getResourceTree",
    "reload",
    "removeScriptToEvaluateOnNewDocument",
    "screencastFrameAck",
    "searchInResource",
    "setLifecycleEventsEnabled",
    "startScreencast",
    "stopLoading",
    "stopScreencast",
];

const STORAGE: &[&str] = &[
    "clearDataForOrigin",
    "clearDataForStorageKey",
    "getStorageKey",
    "getStorageKeyForFrame",
    "getUsageAndQuota",
    "trackCacheStorageForOrigin",
    "trackCacheStorageForStorageKey",
    "trackIndexedDBForOrigin",
    "trackIndexedDBForStorageKey",
    "untrackCacheStorageForOrigin",
    "untrackCacheStorageForStorageKey",
    "untrackIndexedDBForOrigin",
    "untrackIndexedDBForStorageKey",
];

/// Why a command is refused, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0} is not allowed while a page is inspected: docs/agent.md lists what is")]
    Command(String),
    #[error("Page.navigate is not allowed while a page is inspected: `kioskctl open URL` opens another page")]
    Navigate,
    #[error("Target.getTargetInfo is for this page alone, without parameters")]
    OtherTarget,
    #[error("Runtime.addBinding with the name {BINDING} is not allowed: it is the kiosk's own")]
    Binding,
}

/// Whether a command may be sent.
pub(super) fn may(method: &str, parameters: &Value) -> Result<(), Refusal> {
    let refused = || Refusal::Command(kiosk_core::text::printable(&kiosk_core::text::shortened(method, QUOTED)));
    let (domain, command) = method.split_once('.').ok_or_else(refused)?;
    let (_, may) = TABLE.iter().find(|(name, _)| *name == domain).ok_or_else(refused)?;
    let allowed = match may {
        May::All => true,
        May::AllBut(commands) => !commands.contains(&command),
        May::Only(commands) => commands.contains(&command),
    };
    match method {
        "Page.navigate" => Err(Refusal::Navigate),
        _ if !allowed => Err(refused()),
        "Target.getTargetInfo" if !parameters["targetId"].is_null() => Err(Refusal::OtherTarget),
        "Runtime.addBinding" if parameters["name"] == BINDING => Err(Refusal::Binding),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_concerns_the_page_is_allowed() {
        for method in [
            "Runtime.enable",
            "Runtime.evaluate",
            "Debugger.pause",
            "DOM.getDocument",
            "CSS.enable",
            "Network.enable",
            "Network.getResponseBody",
            "Page.reload",
            "Overlay.setInspectMode",
            "HeapProfiler.takeHeapSnapshot",
            "Target.getTargetInfo",
        ] {
            assert_eq!(may(method, &json!({})), Ok(()), "{method}");
        }
    }

    #[test]
    fn what_reaches_beyond_the_page_is_refused_in_a_sentence() {
        for method in [
            "Browser.close",
            "Browser.setDownloadBehavior",
            "DOM.setFileInputFiles",
            "DOM.getFileInfo",
            "Emulation.setVirtualTimePolicy",
            "Fetch.enable",
            "IO.read",
            "Input.dispatchKeyEvent",
            "Network.loadNetworkResource",
            "Network.setRequestInterception",
            "Page.close",
            "Page.crash",
            "Page.handleJavaScriptDialog",
            "Page.navigate",
            "Page.navigateToHistoryEntry",
            "Page.setDownloadBehavior",
            "Page.setInterceptFileChooserDialog",
            "Page.setWebLifecycleState",
            "Security.setIgnoreCertificateErrors",
            "ServiceWorker.enable",
            "Storage.getCookies",
            "SystemInfo.getInfo",
            "Target.attachToTarget",
            "Target.setAutoAttach",
            "Tethering.bind",
            "Tracing.start",
            "WebAuthn.enable",
            "Unknown.enable",
            "Runtime",
            "",
            ".",
            "runtime.enable",
        ] {
            let error = may(method, &json!({})).unwrap_err().to_string();
            assert!(error.contains("not allowed"), "{method}: {error}");
        }
        assert_eq!(may("Target.getTargetInfo", &json!({ "targetId": "X" })), Err(Refusal::OtherTarget));
        assert_eq!(may("Runtime.addBinding", &json!({ "name": BINDING })), Err(Refusal::Binding));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_rules_panic_and_refusals_are_short(method in "\\PC{0,200}") {
            if let Err(refusal) = may(&method, &Value::Null) {
                prop_assert!(refusal.to_string().chars().count() < 200);
            }
        }
    }
}
