//! What a file of credentials may be, and what is told of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

const FILE: &str = "
[\"https://*.panel.example\"]
user = \"kiosk\"
password = \"geheim\"
cookies = { session = \"kekse\" }
headers = { X-Key = \"schluessel\" }
[proxy]
user = \"p\"
[client-certificate]
password = \"zertifikat\"
";

fn load(text: &str, mode: u32) -> SignIn {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sign-in.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    SignIn::load(Some(&path), None, &Url::default())
}

#[test]
fn an_entry_is_for_its_origin_alone() {
    let sign_in = load(FILE, 0o600);
    assert_eq!(sign_in.problem(), None);
    let login = sign_in.login("https://a.panel.example/x").unwrap();
    assert_eq!(login.basic(), "Basic a2lvc2s6Z2VoZWlt");
    assert_eq!(sign_in.headers("https://panel.example/").collect::<Vec<_>>(), [("X-Key", "schluessel")]);
    assert_eq!(sign_in.cookies("https://panel.example/"), ["session=kekse"]);
    for elsewhere in ["http://panel.example/", "https://panel.example:8443/", "https://panel.example.org/", "x"] {
        assert_eq!(sign_in.login(elsewhere), None, "{elsewhere}");
        assert_eq!((sign_in.headers(elsewhere).count(), sign_in.cookies(elsewhere).len()), (0, 0), "{elsewhere}");
    }
    assert_eq!(sign_in.proxy_login().unwrap().user.reveal(), "p");
    assert_eq!(sign_in.certificate_password().unwrap().reveal(), "zertifikat");
}

#[test]
fn what_was_refused_is_not_offered_again() {
    let sign_in = load(FILE, 0o600);
    let copy = sign_in.clone();
    let url = "https://panel.example/x?y";
    assert!(sign_in.refusal(url).contains("in a way that it can't be given"));
    copy.refused(url);
    copy.proxy_refused();
    assert_eq!((sign_in.login("https://panel.example/"), sign_in.proxy_login()), (None, None));
    assert_eq!(sign_in.refusal(url), "the server of panel.example refuses the password of sign-in");
    assert!(sign_in.login("https://other.panel.example/").is_some(), "another server");
    for number in 0..1000 {
        sign_in.refused(&format!("https://h{number}.panel.example/"));
    }
    assert!(sign_in.inner.refused.lock().unwrap().len() <= MAX_REFUSALS);
}

#[test]
fn no_secret_is_logged_or_shown() {
    let text = format!("{:?}", load(FILE, 0o600));
    for secret in ["kiosk", "geheim", "kekse", "schluessel", "zertifikat"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_file_that_others_may_read_is_not_used() {
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let sign_in = load(FILE, mode);
        assert!(sign_in.entries().is_empty());
        let problem = sign_in.problem().unwrap();
        assert!(problem.contains(&format!("(mode {mode:04o})")) && problem.contains("chmod 600"), "{problem}");
        assert!(sign_in.refusal("https://panel.example/").contains("can't be used: others may read"));
    }
}

#[test]
fn a_relative_name_is_looked_up_in_the_credentials_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page"), FILE).unwrap();
    let load = |name: &str, folder: Option<&Path>| SignIn::load(Some(Path::new(name)), folder, &Url::default());
    assert_eq!(load("page", Some(folder.path())).problem(), None);
    for (name, folder) in [("other", Some(folder.path())), ("page", None)] {
        let sign_in = load(name, folder);
        assert!(sign_in.problem().unwrap().starts_with(&format!("no credential \"{name}\" was handed over")));
    }
}

#[test]
fn what_is_wrong_is_told_by_its_place_and_never_by_its_value() {
    let origin = "[\"https://a\"]\n";
    for (text, said) in [
        ("\n[x]\nuser = geheim\n".to_owned(), ":3 is no TOML"),
        (format!("{origin}user = 3\n"), "[https://a]: user is no text"),
        (format!("{origin}password = \"geheim\"\n"), "[https://a]: there is a password, and no user"),
        (
            format!("{origin}passwd = \"geheim\"\n"),
            "the key \"passwd\" is not known; allowed are user, password, cookies",
        ),
        (format!("{origin}headers = \"geheim\"\n"), "headers is no table such as"),
        (format!("{origin}headers = {{ \"a b\" = \"geheim\" }}\n"), "headers.a b has a character that can't be sent"),
        (format!("{origin}headers = {{ a = \"geheim\\n\" }}\n"), "headers.a has a character that can't be sent"),
        (format!("{origin}cookies = {{ a = \"geheim;x\" }}\n"), "cookies.a has a character that can't be sent"),
        ("[\"https://a/geh\"]\n".to_owned(), "[https://a/geh]: it is an origin that is meant"),
        ("[\"*\"]\ncookies = { a = \"geheim\" }\n".to_owned(), "cookies are for a host"),
        ("[proxy]\ncookies = { a = \"geheim\" }\n".to_owned(), "[proxy]: the key \"cookies\" is not known"),
        ("https = \"geheim\"\n".to_owned(), "\"https\" is no table"),
    ] {
        let sign_in = load(&text, 0o600);
        let problem = sign_in.problem().unwrap();
        assert!(problem.contains(said) && !problem.contains("geheim"), "{text}: {problem}");
    }
}

#[test]
fn the_user_of_the_page_s_address_is_an_entry_for_its_origin() {
    let home = Url::parse("http://ann:p%40w@panel.example:81/x").unwrap();
    let sign_in = SignIn::load(None, None, &home);
    let login = sign_in.login("http://panel.example:81/y").unwrap();
    assert_eq!((login.user.reveal(), login.password.reveal()), ("ann", "p@w"));
    assert_eq!(sign_in.login("http://panel.example/y"), None);
    sign_in.refused("http://panel.example:81/");
    assert!(sign_in.refusal("http://panel.example:81/").ends_with("refuses the password of shell.url"));
}

#[test]
fn the_user_of_an_opened_address_counts_for_its_server_until_another_is_opened() {
    let url = |text: &str| Url::parse(text).unwrap();
    let home = SignIn::load(None, None, &url("http://kiosk:one@a/"));
    home.refused("http://a/");
    let opened = home.with_user_of(&url("http://ann:two@a/x"));
    let password = |sign_in: &SignIn, url: &str| sign_in.login(url).map(|login| login.password.reveal().to_owned());
    assert_eq!(password(&opened, "http://a/y").as_deref(), Some("two"), "not refused with this one");
    assert_eq!(password(&home, "http://a/y"), None);
    let next = opened.with_user_of(&url("http://ann:three@b/"));
    assert_eq!(password(&next, "http://b/").as_deref(), Some("three"));
    assert_eq!((password(&next, "http://a/").as_deref(), next.entries().len()), (Some("one"), 2));
}

#[test]
fn the_user_of_an_opened_address_is_forgotten_with_the_refusal_it_met_and_no_other() {
    let url = |text: &str| Url::parse(text).unwrap();
    let home = SignIn::load(None, None, &url("http://kiosk:one@a/"));
    let password = |sign_in: &SignIn, url: &str| sign_in.login(url).map(|login| login.password.reveal().to_owned());
    for forget in [SignIn::without_opened, |sign_in: &SignIn| sign_in.with_user_of(&Url::parse("http://b/").unwrap())] {
        let opened = home.with_user_of(&url("http://ann:two@a/x"));
        opened.refused("http://a/x");
        opened.refused("http://b/");
        assert_eq!(password(&opened, "http://a/"), None);
        let forgotten = forget(&opened);
        assert_eq!(password(&forgotten, "http://a/").as_deref(), Some("one"), "it was not this one that was refused");
        assert_eq!(forgotten.entries().len(), 1);
        assert!(forgotten.is_refused("http://b"));
        // Nothing was opened: what is refused stays so.
        forgotten.refused("http://a/");
        assert_eq!(password(&forget(&forgotten), "http://a/"), None);
    }
}
