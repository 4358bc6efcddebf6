//! The browser's error names in words for a person.

/// Where nothing says more.
pub const BLOCKED: &str = "a policy of the browser does not allow it: `kioskctl config check` says which";

/// Of a server that is not to get the device's certificate: Chromium does not say whether that is why. See
/// [`crate::certificate`].
pub(super) const WITHOUT_CERTIFICATE: &str = "it can't be fetched; a server that asks for a certificate gets this \
     device's own if browser.allow names it with https://";

/// Where the browser says nothing.
pub const UNKNOWN: &str = "it can't be fetched";

/// An order's document has no content, is a file to download, or another navigation came in its place.
pub(super) const ABORTED: &str = "net::ERR_ABORTED";

/// Whether an order came to nothing because its document was replaced meanwhile: Chromium has a text for that, and no
/// number of its own.
pub(super) fn is_navigated(error: &str) -> bool {
    error.contains("navigated or closed")
}

/// `net::ERR_…` as in `Page.navigate`'s answer.
pub(super) fn of_network_error(error: &str) -> String {
    match error {
        "net::ERR_BLOCKED_BY_ADMINISTRATOR" => BLOCKED.to_owned(),
        ABORTED => "it is no page that can be shown".to_owned(),
        _ => {
            let name = error.strip_prefix("net::ERR_").unwrap_or(error);
            known(&name.replace('_', "").to_ascii_lowercase()).map_or_else(|| error.to_owned(), str::to_owned)
        }
    }
}

/// `responseErrorReason` as in `Fetch.requestPaused`.
pub(super) fn of_fetch_error(error: &str) -> String {
    match error {
        "Failed" => UNKNOWN.to_owned(),
        _ => known(&error.to_ascii_lowercase()).map_or_else(|| format!("it can't be fetched ({error})"), str::to_owned),
    }
}

/// A status outside `shell.ready.http-status`.
pub(super) fn of_status(status: u16) -> String {
    format!("the server answers with status {status}")
}

/// An address that `browser.allow` does not have.
pub(super) fn of_forbidden(url: &str) -> String {
    format!("it leads to {url}, which is not allowed: see browser.allow")
}

fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "connectionrefused" => "connection refused",
        "connectionreset" => "the server cut the connection",
        "connectionclosed" | "emptyresponse" => "the server closed the connection without an answer",
        "connectionfailed" | "addressunreachable" => "the server can't be reached",
        "timedout" | "connectiontimedout" => "no answer in time",
        "namenotresolved" => "the host name is not known",
        "certauthorityinvalid" => {
            "the browser does not know the issuer of the server's certificate: browser.trust can name its authority"
        }
        "certdateinvalid" => "the server's certificate has expired, or the clock of this device is wrong",
        "certcommonnameinvalid" => "the server's certificate is for another name",
        "certrevoked" => "the server's certificate was revoked by its authority",
        "certinvalid" | "certweaksignaturealgorithm" | "certweakkey" => "the server's certificate is not valid",
        "sslprotocolerror" | "sslversionorciphermismatch" => "the server does not speak TLS as it should",
        "sslclientauthcertneeded" => "the server asks for a certificate of this device",
        "badsslclientauthcert" => "the server does not accept the certificate that it got",
        "invalidhttpresponse" | "invalidchunkedencoding" => "the server's answer is no HTTP",
        "responseheaderstoobig" | "responseheaderstoomany" => "the server's answer has too many headers",
        "contentdecodingfailed" => "the server's answer is not packed as it says",
        "contentlengthmismatch" | "incompletechunkedencoding" => "the server's answer broke off",
        "mandatoryproxyconfigurationfailed" | "pacscriptfailed" => {
            "the script of browser.proxy can't be fetched or fails"
        }
        "socksconnectionfailed" | "sockshostunreachable" => "the proxy does not let through",
        "unsafeport" => "browsers open no page at this port",
        "invalidauthcredentials" => "the server does not accept the password",
        "proxyconnectionfailed" | "tunnelconnectionfailed" => "the proxy does not let through",
        "toomanyredirects" => "it redirects for ever",
        "internetdisconnected" | "networkchanged" => "no network",
        _ => return None,
    })
}
