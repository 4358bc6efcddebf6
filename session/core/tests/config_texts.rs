//! `[text]`: what stands in place of the kiosk's own texts, by language.

use kiosk_core::config::{Config, Loaded, Sources};
use kiosk_core::texts::Text;

fn load(content: &str) -> Loaded {
    Config::of_file("config.toml".as_ref(), content.as_bytes())
}

fn say(loaded: &Loaded, language: &str, text: Text) -> String {
    let texts = loaded.config.all_texts(|name| (name == "LANG").then(|| language.to_owned()));
    texts.say(text, &[("server", "localhost:3000"), ("time", "9 min")])
}

#[test]
fn texts_are_replaced_for_all_languages_and_for_one() {
    let loaded = load(
        r#"
        [text]
        waiting = "One moment, {server}"
        [text.de]
        waiting = "Gleich geht es los"
        pairing-time = "Läuft in {time} ab"
        [text.fr-CH]
        waiting = ""
        "#,
    );
    assert_eq!(loaded.errors, []);
    assert_eq!(say(&loaded, "en_GB.UTF-8", Text::Waiting), "One moment, localhost:3000");
    assert_eq!(say(&loaded, "de_AT.UTF-8", Text::Waiting), "Gleich geht es los");
    assert_eq!(say(&loaded, "de_AT.UTF-8", Text::PairingTime), "Läuft in 9 min ab");
    assert_eq!(say(&loaded, "de_AT.UTF-8", Text::Loading), "Wird geladen");
    assert_eq!(say(&loaded, "fr_CH.UTF-8", Text::Waiting), "");
    let language = load("[browser]\nlanguage = \"de\"");
    assert_eq!(say(&language, "en_GB.UTF-8", Text::Loading), "Wird geladen");
    // What is shown can be read back.
    let shown = loaded.toml();
    assert!(shown.contains("[text.fr-CH]") && shown.contains("waiting = \"\""), "{shown}");
    assert_eq!(load(&shown).config.texts, loaded.config.texts);
}

#[test]
fn what_is_no_text_is_one_sentence_with_what_was_meant() {
    for (content, said) in [
        ("[text]\nwaitng = \"x\"", "unknown key text.waitng, did you mean waiting?"),
        ("[text.de]\nreday = \"x\"", "unknown key text.de.reday"),
        ("[text]\nwaiting = 5", "text.waiting is 5, allowed is a text of up to 500 characters"),
        ("[text]\nwaiting = \"a {sever}\"", "{sever} is not filled in here, of these there are {server}"),
        ("[text]\nloading = \"{server}\"", "of these there are none"),
        ("[text]\nwaiting = \"\\u001b[2J\"", "it has a control character"),
        ("[text.\"../x\"]\nwaiting = \"\"", "text.../x is no language, allowed are tables such as [text.de]"),
        ("text = 3", "text is 3, allowed is a table [text]"),
    ] {
        let errors = load(content).errors;
        assert_eq!(errors.len(), 1, "{content}: {errors:?}");
        let sentence = errors[0].to_string();
        assert!(sentence.contains(said), "{sentence}");
        assert!(!sentence.contains('\n') && !sentence.contains('\u{1b}'));
    }
    let long = load(&format!("[text]\nwaiting = \"{}\"", "x".repeat(501)));
    assert!(long.errors[0].to_string().contains("it has 501 characters"));
    assert!(
        load(&(0..300).map(|n| format!("[text.de-{n:03}]\n")).collect::<String>()).errors[0]
            .to_string()
            .contains("text has 300 tables")
    );
}

#[test]
fn a_variable_replaces_a_text() {
    let sources = Sources::rooted("/nowhere".as_ref()).with_variable("KIOSK_TEXT_IDLE_TITLE", "Noch da?");
    let loaded = Config::load(&sources);
    assert_eq!(loaded.errors, []);
    assert_eq!(say(&loaded, "en", Text::IdleTitle), "Noch da?");
    let wrong = Config::load(&Sources::rooted("/nowhere".as_ref()).with_variable("KIOSK_TEXT_IDLE", "x"));
    assert!(wrong.errors[0].to_string().contains("did you mean"), "{:?}", wrong.errors);
    assert_eq!(wrong.config, Config::default());
}
