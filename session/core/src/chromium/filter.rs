//! Chromium's own patterns of addresses, as in `URLBlocklist` and `URLAllowlist`, as far as it takes to say whether a
//! page is blocked: <https://support.google.com/chrome/a/answer/9942583>. Pure.

use url::Url;

/// One entry, taken apart: `[scheme://][.]host[:port][/path]`, `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    scheme: Option<String>,
    /// Empty: any.
    host: String,
    subdomains: bool,
    port: Option<u16>,
    /// Beginning of the path.
    path: String,
    /// The entry is `*`; every other entry is stronger.
    all: bool,
}

impl Filter {
    fn parse(entry: &str) -> Option<Filter> {
        if entry == "*" {
            let all = Filter {
                scheme: None,
                host: String::new(),
                subdomains: true,
                port: None,
                path: String::new(),
                all: true,
            };
            return Some(all);
        }
        let (scheme, rest) = match entry.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            // `view-source:*`, `javascript:*`: no configured page has such a scheme.
            None if entry.ends_with(":*") => return None,
            None => (None, entry),
        };
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, "*")) => (host, None),
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let (host, subdomains) = match host.strip_prefix('.') {
            Some(exact) => (exact, false),
            None => (host, true),
        };
        let host = if host == "*" { "" } else { host };
        // An address has no subdomains.
        let subdomains = subdomains && !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err();
        Some(Filter { scheme, host: host.to_ascii_lowercase(), subdomains, port, path, all: false })
    }

    fn matches(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let below = || host.strip_suffix(self.host.as_str()).is_some_and(|above| above.ends_with('.'));
        self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && (self.host.is_empty() || host == self.host || self.subdomains && below())
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && url.path().starts_with(&self.path)
    }

    /// Precedence, the largest wins: an exact host, then the longer host, then the longer path.
    fn weight(&self) -> (bool, bool, usize, usize) {
        (!self.all, !self.subdomains, self.host.len(), self.path.len())
    }
}

/// The entry of `blocked` that keeps `address` from being shown; `None`: it is shown.
pub fn blocking<'a>(address: &str, blocked: &[&'a str], allowed: &[&str]) -> Option<&'a str> {
    let url = Url::parse(address).ok()?;
    let weight = |entry: &str| Filter::parse(entry).filter(|filter| filter.matches(&url)).map(|filter| filter.weight());
    let (weight_of_block, entry) =
        blocked.iter().filter_map(|entry| Some((weight(entry)?, *entry))).max_by_key(|(weight, _)| *weight)?;
    let exception = allowed.iter().filter_map(|entry| weight(entry)).max();
    exception.is_none_or(|exception| exception < weight_of_block).then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_as_chromium_says() {
        for (address, blocked, allowed, entry) in [
            ("https://a.b/x", &["*"][..], &[][..], Some("*")),
            ("https://a.b/x", &["*"], &["b"], None),
            ("https://a.b/x", &["*"], &[".b"], Some("*")),
            ("https://a.b/x", &["b"], &["a.b"], None),
            ("https://a.b/x", &["a.b/x"], &["a.b"], Some("a.b/x")),
            ("https://a.b/y", &["a.b/x"], &[], None),
            ("http://a.b:81/", &["https://*", "a.b:80"], &[], None),
            ("http://10.0.0.1:3000/", &["http://*"], &["http://10.0.0.1:3000"], None),
            ("file:///srv/a.html", &["file://*"], &["file:///srv/"], None),
            ("file:///etc/x", &["file://*"], &["file:///srv/"], Some("file://*")),
            ("http://a/", &["view-source:*", "chrome://*", "b"], &[], None),
        ] {
            assert_eq!(blocking(address, blocked, allowed), entry, "{address} {blocked:?} {allowed:?}");
        }
    }
}
