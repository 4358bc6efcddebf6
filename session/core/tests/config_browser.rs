//! `[browser]` and `[shells.browser]` as files on a disk: what reaches which shell, and what is said of wrong values.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use kiosk_core::config::{
    Answer, BrowserSettings, Config, Loaded, NewWindows, Permission, Printing, ProfileKind, Proxy, Shortcuts, Sources,
};

fn load(layers: &[&str]) -> Loaded {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("etc/kiosk/config.d");
    std::fs::create_dir_all(&directory).unwrap();
    for (index, layer) in layers.iter().enumerate() {
        std::fs::write(directory.join(format!("{index}.toml")), layer).unwrap();
    }
    Config::load(&Sources::rooted(root.path()))
}

fn error_of(content: &str) -> String {
    let loaded = load(&[content]);
    assert_eq!(loaded.errors.len(), 1, "{content}: {:?}", loaded.errors);
    loaded.errors[0].message.clone()
}

#[test]
fn every_key_reaches_its_field() {
    let loaded = load(&[r#"
        [browser]
        allow = ["https://example.org/*", "*://panel:*"]
        new-windows = "popup"
        shortcuts = "drop"
        trust = ["/etc/ca.pem"]
        proxy = "socks5://10.0.0.1:1080"
        sign-in = "page-login"
        downloads = "/srv/in"
        uploads = "/media/usb"
        printing = "silent"
        language = "pt-BR"
        dialogs = { alert = "dismiss", confirm = "accept", prompt = "dismiss", print = "show", beforeunload = "dismiss", after = "never" }
        zoom = 2
        profile = "ephemeral"
        client-certificate = "/etc/kiosk/client.p12"
        restart-at = "04:00"
        [browser.permissions]
        "http://localhost:3000" = ["camera", "microphone"]
        "https://*.example.org" = ["location", "midi", "usb", "serial", "hid", "notifications", "clipboard"]
        "#]);
    assert_eq!(loaded.errors, []);
    let browser = &loaded.config.shell.browser_settings;
    assert_eq!(browser, &loaded.config.browser, "[shell] has what [browser] says");
    let patterns: Vec<&str> = browser.allow.iter().map(|pattern| pattern.as_str()).collect();
    assert_eq!(patterns, ["https://example.org/*", "*://panel:*"]);
    assert_eq!((browser.new_windows, browser.shortcuts), (NewWindows::Popup, Shortcuts::Drop));
    assert_eq!(browser.trust, [Path::new("/etc/ca.pem")]);
    assert_eq!(browser.proxy, Proxy::Server("socks5://10.0.0.1:1080".into()));
    assert_eq!(browser.sign_in.as_deref(), Some(Path::new("page-login")));
    assert_eq!(browser.downloads.as_deref(), Some(Path::new("/srv/in")));
    assert_eq!(browser.uploads.as_deref(), Some(Path::new("/media/usb")));
    assert_eq!((browser.printing, browser.profile), (Printing::Silent, ProfileKind::Ephemeral));
    assert_eq!((browser.language.as_deref(), browser.zoom), (Some("pt-BR"), 2.0));
    let dialogs = browser.dialogs;
    assert_eq!((dialogs.alert, dialogs.confirm, dialogs.prompt), (Answer::Dismiss, Answer::Accept, Answer::Dismiss));
    assert_eq!((dialogs.print, dialogs.beforeunload, dialogs.after), (Answer::Show, Answer::Dismiss, None));
    assert_eq!(browser.client_certificate.as_deref(), Some(Path::new("/etc/kiosk/client.p12")));
    assert_eq!(browser.restart_at.map(|time| (time.hour, time.minute)), Some((4, 0)));
    assert_eq!(browser.granted("http://localhost:3000"), [Permission::Camera, Permission::Microphone]);
    assert_eq!(browser.granted("https://a.example.org").len(), 7);
}

#[test]
fn a_shell_has_what_all_have_but_for_what_it_says_itself() {
    let loaded = load(&[
        "[browser]\nzoom = 1.5\ndialogs.alert = 'accept'\n[browser.permissions]\n'http://a' = ['usb']\n'http://b' = ['usb']",
        "[[shells]]\noutput = 'A'\nurl = 'http://a'\n[shells.browser]\nprogram = 'chrome'\nallow = ['https://pay.example']\n\
         permissions = { 'http://b' = [] }\n[[shells]]\noutput = 'B'\nbrowser = 'other'\n[browser]\ndialogs.after = '1m'",
    ]);
    assert_eq!(loaded.errors, []);
    let [first, second] = loaded.config.all_shells() else { panic!("{:?}", loaded.config.shells) };
    assert_eq!((first.browser.as_str(), second.browser.as_str()), ("chrome", "other"));
    for shell in [first, second] {
        let settings = &shell.browser_settings;
        assert_eq!((settings.zoom, settings.dialogs.alert), (1.5, Answer::Accept));
        assert_eq!(settings.dialogs.after, Some(Duration::from_secs(60)));
        assert_eq!(settings.granted("http://a"), [Permission::Usb]);
    }
    assert!(first.browser_settings.granted("http://b").is_empty());
    assert_eq!(second.browser_settings.granted("http://b"), [Permission::Usb]);
    assert!(loaded.config.allowed(first).permits("https://pay.example/x"));
    assert!(!loaded.config.allowed(second).permits("https://pay.example/x"));
    let origin = |key: &str| loaded.settings().into_iter().find(|setting| setting.key == key).unwrap().origin;
    assert!(origin("shells[0].browser.program").ends_with("1.toml:5"), "{}", origin("shells[0].browser.program"));
    assert!(origin("shells[0].browser.allow").ends_with("1.toml:6"));
    assert!(origin("shells[1].browser.zoom").ends_with("0.toml:2"), "what it inherits");
    assert!(origin("shells[1].browser.program").ends_with("1.toml:10"));
    // What is shown is a configuration with the same meaning.
    let text = loaded.toml();
    let again = load(&[&text]);
    assert_eq!((again.errors.len(), &again.config), (0, &loaded.config), "{text}");
}

#[test]
fn wrong_values_are_named_with_what_is_allowed() {
    for (text, said) in [
        (
            "allow = ['example.org']",
            "\"example.org\": it has no scheme; write for example https://example.org; allowed is patterns",
        ),
        ("allow = 'https://a'", "browser.allow is \"https://a\", allowed is patterns such as"),
        ("new-windows = 'tab'", "browser.new-windows is \"tab\", allowed is \"same\", \"popup\", \"deny\""),
        ("trust = ['ca.pem']", "browser.trust: \"ca.pem\" is no absolute path; allowed is a list of files"),
        ("proxy = 'ftp://a'", "the scheme \"ftp\" is not one of http, https, socks4, socks5, file"),
        ("proxy = 'a proxy'", "it is no URL"),
        ("sign-in = './x'", "\"./x\" is no absolute path"),
        ("downloads = ''", "allowed is \"none\", or a directory as an absolute path"),
        ("language = 'german_DE'", "a language such as \"de\""),
        ("dialogs = { alert = 'shwo' }", "browser.dialogs.alert is \"shwo\", did you mean \"show\"?"),
        (
            "dialogs = 1",
            "browser.dialogs is 1, allowed is a table of alert, confirm, prompt, print, beforeunload, after",
        ),
        ("zoom = 6", "browser.zoom is 6, allowed is a number from 0.25 to 5.0"),
        ("restart-at = '24:00'", "a time of day such as \"04:00\""),
        (
            "permissions = { 'http://a' = ['camra'] }",
            "browser.permissions: \"http://a\": \"camra\" is no permission; allowed is",
        ),
        ("permissions = { 'http://a/x' = [] }", "\"http://a/x\": it is an origin that is meant"),
        ("permissions = ['http://a']", "browser.permissions is [\"http://a\"], allowed is a table such as"),
        ("proxi = ''", "unknown key browser.proxi, did you mean proxy?"),
    ] {
        let told = error_of(&format!("[browser]\n{text}"));
        assert!(told.contains(said), "{text}: {told}");
        let told = error_of(&format!("[[shells]]\n[shells.browser]\n{text}"));
        assert!(told.contains("shells[0].browser"), "{text}: {told}");
    }
    assert!(error_of("[shell.browser]\nzoom = 2").contains("its settings have a table of their own, [browser]"));
    let many: String = (0..1001).map(|number| format!("'http://a{number}',")).collect();
    assert!(error_of(&format!("[browser]\nallow = [{many}]")).contains("it has 1001 entries, and at most 1000"));
}

#[test]
fn variables_and_addresses_of_proxies_are_read() {
    let proxy = |value: &str| {
        let loaded = Config::load(
            &Sources::rooted(Path::new("/nonexistent"))
                .with_variable("KIOSK_BROWSER_PROXY", value)
                .with_variable("KIOSK_BROWSER_ALLOW", "https://a https://b")
                .with_variable("KIOSK_BROWSER_DIALOGS_ALERT", "accept"),
        );
        assert_eq!(loaded.errors, []);
        assert_eq!((loaded.config.browser.allow.len(), loaded.config.browser.dialogs.alert), (2, Answer::Accept));
        loaded.config.browser.proxy
    };
    assert_eq!(proxy("none"), Proxy::None);
    assert_eq!(proxy(""), BrowserSettings::default().proxy);
    assert_eq!(proxy("http://10.0.0.1:3128/"), Proxy::Server("http://10.0.0.1:3128".into()));
    assert_eq!(proxy("https://wpad.example/proxy.pac"), Proxy::Pac("https://wpad.example/proxy.pac".into()));
    assert_eq!(proxy("file:///etc/proxy.pac"), Proxy::Pac("file:///etc/proxy.pac".into()));
}
