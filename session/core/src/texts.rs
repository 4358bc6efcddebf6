//! The kiosk's own texts on its screens, in the device's language, and what `[text]` puts in their place: one table,
//! read by the keys of the configuration, by kioskd for its screens and by kiosk-session for its messages. Log messages
//! and `kioskctl`'s output are not translated: operators search for them.

use std::collections::BTreeMap;

/// Longest text of a `[text]` key, characters.
pub const MAX_TEXT: usize = 500;

macro_rules! texts {
    ($($(#[$meaning:meta])* $name:ident $key:literal [$($place:literal),*] $english:literal $german:literal;)*) => {
        /// A text of the kiosk's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Text {
            $($(#[$meaning])* $name,)*
        }

        impl Text {
            /// All of them.
            pub const ALL: &[Text] = &[$(Text::$name),*];

            /// Its key in `[text]`.
            pub fn key(self) -> &'static str {
                match self { $(Text::$name => $key),* }
            }

            /// The names of its placeholders, which stand in braces.
            pub fn places(self) -> &'static [&'static str] {
                match self { $(Text::$name => &[$($place),*]),* }
            }

            fn english(self) -> &'static str {
                match self { $(Text::$name => $english),* }
            }

            fn german(self) -> &'static str {
                match self { $(Text::$name => $german),* }
            }
        }

        /// Gives each text to a macro, which makes one thing of each: the keys of `[text]`.
        macro_rules! for_each_text {
            ($each:ident) => {
                [$($each!($name, $key)),*]
            };
        }
        pub(crate) use for_each_text;
    };
}

texts! {
    /// The page's server has not answered yet.
    Waiting "waiting" ["server"] "Waiting for {server}" "Warten auf {server}";
    /// The browser has been started.
    Starting "starting" [] "Starting" "Wird gestartet";
    /// The page is being fetched.
    Loading "loading" [] "Loading" "Wird geladen";
    /// The page could not be loaded.
    Offline "offline" ["server"] "No page from {server}. Trying again." "Keine Seite von {server}. Es wird weiter versucht.";
    /// The browser has died.
    Crashed "crashed" [] "Starting again" "Neustart";
    /// Too many failures.
    Backoff "backoff" ["reason"] "{reason}. Trying again." "{reason}. Es wird weiter versucht.";
    /// Stopped by command.
    Stopped "stopped" [] "Stopped" "Angehalten";
    /// The session ends.
    Ending "ending" [] "Ending" "Wird beendet";
    /// The page is not up in the time that `shell.ready.timeout` gives it.
    Overdue "overdue" ["seconds", "reason"] "Not up after {seconds} s: {reason}. Trying again."
        "Nach {seconds} s noch nicht bereit: {reason}. Es wird weiter versucht.";
    /// Since when, below what is waited for.
    Since "since" ["time"] "since {time}" "seit {time}";
    /// How often it was tried, and what came of it.
    Tried "tried" ["count", "reason"] "tried {count} times, last: {reason}" "{count} Versuche, zuletzt: {reason}";
    /// The same after one try.
    TriedOne "tried-one" ["reason"] "tried once: {reason}" "ein Versuch: {reason}";
    /// The title of the screen that tells why there is no page.
    Diagnostics "diagnostics" [] "There is no page yet" "Noch keine Seite";
    /// Which page of several of that screen.
    Page "page" ["page", "pages"] "Page {page} of {pages}" "Seite {page} von {pages}";
    /// On an output that no page is configured for.
    NoShell "no-shell" ["output"] "No page is configured for this screen ({output})"
        "Für diesen Bildschirm ({output}) ist keine Seite eingestellt";
    /// `idle.reset` asks whether anybody is there.
    IdleTitle "idle-title" [] "Is anybody there?" "Ist noch jemand da?";
    /// Below that.
    IdleText "idle-text" ["seconds"]
        "The start page comes back in {seconds} s.\nTouch the screen or press a key to go on."
        "In {seconds} s erscheint wieder die Startseite.\nBildschirm berühren oder Taste drücken, um fortzufahren.";
    /// While the page is reset.
    ResetTitle "reset-title" [] "One moment" "Einen Moment";
    /// Below that.
    ResetText "reset-text" [] "The start page comes back." "Gleich erscheint wieder die Startseite.";
    /// The title of the pairing and welcome screen.
    Pairing "pairing" [] "Set up this device" "Gerät einrichten";
    /// Another address of the device.
    PairingOr "pairing-or" ["url"] "or {url}" "oder {url}";
    /// Addresses that are not listed.
    PairingMore "pairing-more" ["count"] "and {count} more addresses" "und {count} weitere Adressen";
    /// The same for one.
    PairingMoreOne "pairing-more-one" [] "and one more address" "und eine weitere Adresse";
    /// The network to join.
    PairingWifi "pairing-wifi" ["name"] "Wi-Fi: {name}" "WLAN: {name}";
    /// How long the code is good.
    PairingTime "pairing-time" ["time"] "Valid for {time}" "Noch {time} gültig";
    /// The device has no address.
    PairingOffline "pairing-offline" [] "There is no network yet: connect a cable, or set up Wi-Fi"
        "Noch kein Netzwerk: Kabel anschließen oder WLAN einrichten";
    /// The title of the screen on which a visitor chooses what the page uploads.
    Upload "upload" [] "Choose a file" "Datei auswählen";
    /// The same where the page takes several.
    Uploads "uploads" [] "Choose files" "Dateien auswählen";
    /// There is nothing to choose from.
    UploadEmpty "upload-empty" [] "There are no files here." "Hier sind keine Dateien.";
    /// There is nothing of the kinds that the page takes.
    UploadOfNoKind "upload-of-no-kind" [] "There are files here, but none of a kind that the page takes."
        "Hier sind Dateien, aber keine von der Art, die die Seite annimmt.";
    /// The directory is not there.
    UploadNotThere "upload-not-there" [] "There is no drive. Cancel, plug one in and try again."
        "Kein Laufwerk gefunden. Bitte abbrechen, eines anschließen und erneut versuchen.";
    /// There are more files than the list has.
    UploadMore "upload-more" ["count"] "{count} older files are not listed" "{count} ältere Dateien sind nicht aufgeführt";
    /// The same for one.
    UploadMoreOne "upload-more-one" [] "One older file is not listed" "Eine ältere Datei ist nicht aufgeführt";
    /// On a screen that somebody looks at from afar.
    Watched "watched" [] "Somebody is watching this screen" "Dieser Bildschirm wird beobachtet";
    /// On a screen whose page somebody looks into by DevTools.
    Inspected "inspected" ["who", "time"] "{who} is looking at this page until {time}"
        "{who} untersucht diese Seite bis {time}";
    /// The button that leaves without a file.
    Cancel "cancel" [] "Cancel" "Abbrechen";
    /// The button that takes what was chosen.
    Take "take" ["count"] "Take {count}" "{count} übernehmen";
}

impl Text {
    /// The text in its place where its `count` is 1.
    fn of_one(self) -> Option<Text> {
        match self {
            Text::Tried => Some(Text::TriedOne),
            Text::PairingMore => Some(Text::PairingMoreOne),
            Text::UploadMore => Some(Text::UploadMoreOne),
            _ => None,
        }
    }
}

/// `[text]` or `[text.LANGUAGE]`: replacements for the built-in texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextRule {
    /// Such as `de` or `de-AT`; `*`: every language.
    pub language: String,
    /// By text.
    pub texts: BTreeMap<Text, String>,
}

/// The texts of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    german: bool,
    overrides: BTreeMap<Text, String>,
}

impl Texts {
    /// In `language`, such as `de-AT`; English where there are no built-in texts in it. A rule for the exact language
    /// overrides one for its first part, which overrides one for all.
    pub fn new(language: &str, rules: &[TextRule]) -> Self {
        let wanted = normal(language);
        let first = wanted.split('-').next().unwrap_or_default();
        let mut overrides = BTreeMap::new();
        for strength in ["*", first, &wanted] {
            let of = rules.iter().filter(|rule| normal(&rule.language) == strength);
            overrides.extend(of.flat_map(|rule| rule.texts.clone()));
        }
        Self { german: first == "de", overrides }
    }

    /// A text with its placeholders filled in.
    pub fn say(&self, text: Text, places: &[(&str, &str)]) -> String {
        let own = if self.german { text.german() } else { text.english() };
        let mut rest = self.overrides.get(&text).map_or(own, String::as_str);
        let mut said = String::new();
        // In one pass: inserted values may contain braces.
        while let Some((before, after)) = rest.split_once('{') {
            said.push_str(before);
            let filled = after.split_once('}').and_then(|(name, after)| {
                let (_, value) = places.iter().find(|(place, _)| *place == name)?;
                Some((value, after))
            });
            match filled {
                Some((value, after)) => {
                    said.push_str(value);
                    rest = after;
                }
                None => {
                    said.push('{');
                    rest = after;
                }
            }
        }
        said.push_str(rest);
        said
    }

    /// The same for a number of things, `{count}`: 1 may have a text of its own. Where only the other one is replaced,
    /// in a language that has no built-in texts for example, that is said of 1 too.
    pub fn say_counted(&self, text: Text, count: usize, places: &[(&str, &str)]) -> String {
        let replaced = |text: &Text| self.overrides.contains_key(text);
        let one = text.of_one().filter(|one| count == 1 && (replaced(one) || !replaced(&text)));
        let count = count.to_string();
        let places: Vec<(&str, &str)> = places.iter().copied().chain([("count", &*count)]).collect();
        self.say(one.unwrap_or(text), &places)
    }
}

/// The device's language as a tag: what the configuration says of the browser's, else the locale of the environment
/// (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English. `variable` reads the environment.
pub fn device_language(configured: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    let locale = locale.unwrap_or_default();
    let name = locale.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    if is_language(&name) { name } else { "en".into() }
}

/// Whether this is the tag of a language: `de`, `de-AT`, `zh-Hant-TW`.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let of = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    of(first, 2..=3) && first.bytes().all(|byte| byte.is_ascii_alphabetic()) && parts.all(|part| of(part, 2..=8))
}

fn normal(language: &str) -> String {
    language.to_ascii_lowercase().replace('_', "-")
}

/// The first placeholder in `text` that `of` does not have; `None`: there is none.
pub fn unknown_place(of: Text, text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if !of.places().contains(&name) {
            return Some(name.to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(language: &str, text: Text, words: &str) -> TextRule {
        TextRule { language: language.into(), texts: BTreeMap::from([(text, words.into())]) }
    }

    #[test]
    fn every_text_has_the_same_places_in_both_languages() {
        for text in Text::ALL {
            for own in [text.english(), text.german()] {
                assert!(!own.is_empty() && unknown_place(*text, own).is_none(), "{own}");
                assert!(text.places().iter().all(|place| own.contains(&format!("{{{place}}}"))), "{own}");
            }
        }
    }

    #[test]
    fn the_language_of_the_device_is_the_browsers_or_the_locales() {
        let of = |configured: &str, lang: &str| {
            device_language(configured, |name| (name == "LANG").then(|| lang.to_owned()))
        };
        assert_eq!(of("fr", "de_AT.UTF-8"), "fr");
        assert_eq!(of("", "de_AT.UTF-8"), "de-AT");
        assert_eq!(of("", "zh_TW@x"), "zh-TW");
        for other in ["C", "POSIX", "C.UTF-8", "", "../etc"] {
            assert_eq!(of("", other), "en", "{other}");
        }
    }

    #[test]
    fn texts_come_in_the_language_and_rules_go_before_them() {
        let places = [("server", "a{b}")];
        let say = |language: &str, rules: &[TextRule]| Texts::new(language, rules).say(Text::Waiting, &places);
        assert_eq!(say("de-AT", &[]), "Warten auf a{b}");
        assert_eq!(say("en", &[]), "Waiting for a{b}");
        assert_eq!(say("fr", &[]), "Waiting for a{b}");
        let rules = [
            rule("de", Text::Waiting, "Moment, {server} {x} {"),
            rule("*", Text::Waiting, "…"),
            rule("de-AT", Text::Waiting, "Gleich"),
        ];
        assert_eq!(say("de-DE", &rules), "Moment, a{b} {x} {");
        assert_eq!(say("de_AT", &rules), "Gleich");
        assert_eq!(say("en", &rules), "…");
    }

    #[test]
    fn one_of_a_thing_has_a_text_of_its_own_unless_only_that_for_several_is_replaced() {
        let say = |language: &str, rules: &[TextRule], count: usize| {
            Texts::new(language, rules).say_counted(Text::Tried, count, &[("reason", "HTTP 500")])
        };
        assert_eq!(say("en", &[], 1), "tried once: HTTP 500");
        assert_eq!(say("en", &[], 2), "tried 2 times, last: HTTP 500");
        assert_eq!(say("de", &[], 1), "ein Versuch: HTTP 500");
        assert_eq!(say("de", &[], 0), "0 Versuche, zuletzt: HTTP 500");
        let french = [rule("fr", Text::Tried, "essais : {count}, {reason}")];
        assert_eq!(say("fr", &french, 1), "essais : 1, HTTP 500", "and no English");
        let both = [french[0].clone(), rule("fr", Text::TriedOne, "un essai : {reason}")];
        assert_eq!(say("fr", &both, 1), "un essai : HTTP 500");
    }
}
