//! Chooses the route of a request, as Chromium does on a machine without a desktop. Pure.

use url::Url as Address;

use super::connect::Target;
use kiosk_core::config::Proxy;

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// To the server itself.
    Direct,
    /// Through an HTTP proxy, with or without TLS.
    Through(Target),
    /// By a script, or by a protocol that the probe does not support.
    Unknown,
}

/// `variable` reads the environment.
pub fn route(proxy: &Proxy, target: &Target, variable: impl Fn(&str) -> Option<String>) -> Route {
    // Chromium never uses a proxy for the loopback address.
    if target.is_loopback() {
        return Route::Direct;
    }
    match proxy {
        Proxy::None => Route::Direct,
        Proxy::Pac(_) => Route::Unknown,
        Proxy::Server(address) => through(address),
        Proxy::System => {
            let named = |name: &str| {
                let found = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
                found.filter(|value| !value.is_empty())
            };
            if named("no_proxy").is_some_and(|list| excepts(&list, &target.host)) {
                return Route::Direct;
            }
            let own = named(if target.tls { "https_proxy" } else { "http_proxy" });
            own.or_else(|| named("all_proxy")).map_or(Route::Direct, |address| through(&address))
        }
    }
}

fn through(address: &str) -> Route {
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let parsed = Address::parse(&address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.and_then(|url| Target::of(&url).ok()).map_or(Route::Unknown, Route::Through)
}

/// Whether `no_proxy` contains the host or its domain.
fn excepts(list: &str, host: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let domain = entry.trim_start_matches('*').trim_start_matches('.');
        entry == "*" || host == domain || host.strip_suffix(domain).is_some_and(|above| above.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::of(&Address::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn the_proxy_is_taken_from_the_configuration_or_the_environment() {
        let none = |_: &str| None;
        let proxy = target("http://10.0.0.1:3128");
        let through = || Route::Through(proxy.clone());
        let server = Proxy::Server("http://10.0.0.1:3128".into());
        assert_eq!(route(&server, &target("https://a/"), none), through());
        assert_eq!(route(&server, &target("http://localhost:3000/"), none), Route::Direct);
        assert_eq!(route(&server, &target("http://[::1]/"), none), Route::Direct);
        assert_eq!(route(&Proxy::Pac("http://p/x.pac".into()), &target("https://a/"), none), Route::Unknown);
        assert_eq!(route(&Proxy::Server("socks5://p:1".into()), &target("https://a/"), none), Route::Unknown);
        let environment = |name: &str| match name {
            "https_proxy" => Some("10.0.0.1:3128".to_owned()),
            "NO_PROXY" => Some(" .intern.example, b".to_owned()),
            _ => None,
        };
        assert_eq!(route(&Proxy::System, &target("https://a/"), environment), through());
        assert_eq!(route(&Proxy::System, &target("http://a/"), environment), Route::Direct);
        assert_eq!(route(&Proxy::System, &target("https://x.intern.example/"), environment), Route::Direct);
        assert_eq!(route(&Proxy::System, &target("https://bb/"), environment), through());
        assert_eq!(route(&Proxy::None, &target("https://a/"), environment), Route::Direct);
    }
}
