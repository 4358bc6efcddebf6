use super::*;
use proptest::prelude::*;

fn pattern(text: &str) -> UrlPattern {
    UrlPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_pattern_means_what_a_reader_takes_it_for() {
    for (text, inside, outside) in [
        (
            "https://example.org/*",
            &["https://example.org", "https://EXAMPLE.org:443/a?b#c", "https://u:p@example.org./x"][..],
            &[
                "http://example.org/",
                "https://example.org:8443/",
                "https://www.example.org/",
                "https://example.org.evil/",
            ][..],
        ),
        (
            "https://*.example.org",
            &["https://example.org/", "https://a.b.example.org/x"],
            &["https://badexample.org/", "https://example.org.evil/", "http://a.example.org/"],
        ),
        ("http://localhost:3000", &["http://localhost:3000/a/b"], &["http://localhost/", "https://localhost:3000/"]),
        ("*://panel/", &["http://panel/", "https://panel/"], &["http://panel/a", "http://panel:81/", "ftp://panel/"]),
        ("http://10.0.0.1:*/menu/*", &["http://10.0.0.1:81/menu/", "http://0xa.1/menu/x"], &["http://10.0.0.1/menu"]),
        ("http://[::1]:80/a", &["http://[0:0::1]/a?q"], &["http://[::1]/ab", "http://[::2]/a"]),
        ("https://a/x?id=*", &["https://a/x?id=1&b"], &["https://a/x", "https://a/x?b=1"]),
        ("https://a/*/end", &["https://a/b/c/end", "https://a/b/end?q"], &["https://a/end", "https://a/b/end/"]),
        ("https://müller.example/ä*", &["https://xn--mller-kva.example/%C3%A4b"], &["https://muller.example/%C3%A4"]),
        ("*", &["http://a:1/", "https://b.c/d"], &["file:///etc/passwd", "chrome://settings", "javascript:alert(1)"]),
        (
            "file:///srv/page/*",
            &["file:///srv/page/a.html"],
            &["file:///srv/page/../x", "file:///etc", "http://a/srv/page/x"],
        ),
        // Paths are compared after "." and ".." are resolved, in whatever way these are written.
        (
            "http://a/in/*",
            &["http://a/x/../in/y"],
            &["http://a/in/%2e%2E/out", "http://a/in/../out", "http://a/in\\..\\out"],
        ),
    ] {
        let pattern = pattern(text);
        for address in inside {
            assert!(pattern.contains(address), "{text} is for {address}");
        }
        for address in outside {
            assert!(!pattern.contains(address), "{text} is not for {address}");
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_a_reason() {
    for (text, error) in [
        ("", PatternError::Empty),
        ("example.org", PatternError::NoScheme("example.org".into())),
        ("ftp://a", PatternError::Scheme("ftp".into())),
        ("https://", PatternError::Host(String::new())),
        ("https://a*b", PatternError::Host("a*b".into())),
        ("https://*.10.0.0.1", PatternError::Host("*.10.0.0.1".into())),
        ("https://a:0", PatternError::Port("0".into())),
        ("https://a:+8", PatternError::Port("+8".into())),
        ("https://a:", PatternError::Port(String::new())),
        ("https://u:secret@a", PatternError::User),
        ("https://a/#x", PatternError::Fragment),
        ("https://a b", PatternError::Space),
        ("file://srv", PatternError::RelativeFile),
    ] {
        assert_eq!(UrlPattern::parse(text), Err(error), "{text}");
    }
    assert!(!PatternError::User.to_string().contains("secret"));
    assert_eq!(UrlPattern::parse(&format!("http://a/{}", "x".repeat(3000))), Err(PatternError::TooLong));
    assert_eq!(UrlPattern::parse_origin("http://a/b"), Err(PatternError::Path));
    assert_eq!(UrlPattern::parse_origin("http://a/*").unwrap().path, None);
}

#[test]
fn the_configured_pages_are_allowed_and_what_is_named_beside() {
    let beside = [pattern("https://login.example/*")];
    let allowed = Allowed::new(["http://localhost:3000/start", "file:///srv/a/x.html", "data:text/html,<b>x"], &beside);
    for address in [
        "http://localhost:3000/",
        "https://login.example/a",
        "file:///srv/a/y.html",
        "data:text/html,<b>x",
        "blob:http://localhost:3000/c0ffee",
    ] {
        assert!(allowed.permits(address), "{address}");
    }
    for address in [
        "http://localhost:3001/",
        "https://example.org/",
        "file:///srv/b.html",
        "data:text/html,<b>y",
        "blob:https://example.org/c0ffee",
        "about:blank",
        "chrome://settings/",
        "view-source:http://localhost:3000/",
        "javascript:alert(1)",
        "",
        "http://",
    ] {
        assert!(!allowed.permits(address), "{address}");
    }
    assert!(!Allowed::new(["file:///x.html"], &[]).permits("file:///etc/passwd"));
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic(pattern in "\\PC{0,40}", address in "\\PC{0,40}") {
        if let Ok(pattern) = UrlPattern::parse(&pattern) {
            pattern.contains(&address);
            prop_assert_eq!(UrlPattern::parse(pattern.as_str()), Ok(pattern.clone()));
        }
    }

    /// The same answer as by trying all that each `*` may stand for.
    #[test]
    fn pattern_matching_agrees_with_a_brute_force_search(glob in "[ab*]{0,8}", text in "[ab]{0,8}") {
        fn tried(glob: &[u8], text: &[u8]) -> bool {
            match glob.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skipped| tried(rest, &text[skipped..])),
                Some((byte, rest)) => text.first() == Some(byte) && tried(rest, &text[1..]),
            }
        }
        prop_assert_eq!(fits(&glob, &text), tried(glob.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn a_host_s_pattern_is_for_that_host_alone(wanted in "[a-z]{1,4}(\\.[a-z]{2,3}){0,2}", other in "[a-z]{1,4}(\\.[a-z]{2,3}){0,2}") {
        let address = format!("https://{other}/x");
        prop_assert_eq!(pattern(&format!("https://{wanted}/*")).contains(&address), wanted == other);
        let below = other == wanted || other.ends_with(&format!(".{wanted}"));
        prop_assert_eq!(pattern(&format!("https://*.{wanted}/*")).contains(&address), below);
    }
}

#[test]
fn scripts_know_origins_by_an_expression() {
    for (pattern, wanted) in [
        ("http://localhost:3000", r"http://localhost\.?:3000"),
        ("https://*.example.org", r"https://([^/:]+\.)?example\.org\.?"),
        ("*://10.0.0.1:*", r"https?://10\.0\.0\.1\.?(:\d+)?"),
        ("http://[::1]:80", r"http://\[::1\]\.?(:80)?"),
        ("https://*:8443", r"https://(\[[0-9a-f:.]+\]|[^/:\[\]]+):8443"),
    ] {
        assert_eq!(UrlPattern::parse_origin(pattern).unwrap().origin_expression(), wanted);
    }
}
