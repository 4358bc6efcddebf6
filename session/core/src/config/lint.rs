//! Finds settings that are valid but cannot or will not take effect: for `config check`, and for the problems that
//! kioskd reports. The settings still apply. Pure.

use super::browser::{Answer, BrowserSettings, Permission, Printing};
use super::keys::Sectioned;
use super::load::Loaded;
use super::model::Config;
use crate::text::shortened;

/// Longest quoted value, characters.
const MAX_CHARACTERS: usize = 100;

impl Loaded {
    /// Everything that is wrong, a sentence each: what is skipped, and what will not happen.
    pub fn complaints(&self) -> Vec<String> {
        let skipped = self.errors.iter().map(ToString::to_string);
        skipped.chain(self.config.circle_of_mirrors()).chain(self.config.unfollowed()).collect()
    }
}

/// Keys of `[browser]` that are read and checked, but not implemented yet.
const WITHOUT_EFFECT: &[&str] = &[];

/// A sentence for each key of `table` that is set there and not implemented.
fn without_effect(table: &str, settings: &BrowserSettings, inherited: &BrowserSettings) -> Vec<String> {
    let keys = BrowserSettings::keys().iter().filter(|key| WITHOUT_EFFECT.contains(&key.name));
    let said = keys.filter_map(|key| {
        let text = |settings| (key.get)(settings).map(|value| value.to_string().trim().to_owned());
        text(settings).filter(|value| Some(value) != text(inherited).as_ref()).map(|value| (key.name, value))
    });
    said.map(|(name, value)| {
        let value = shortened(&value, MAX_CHARACTERS);
        format!("{table}.{name} is {value}, and this version does not follow it yet: it has no effect")
    })
    .collect()
}

/// `print()` shows no dialog in a kiosk: names the setting that decides instead.
fn printing_without_dialog(table: &str, settings: &BrowserSettings) -> Option<String> {
    let answer = match settings.dialogs.print {
        Answer::Dismiss => return None,
        Answer::Show => "show",
        Answer::Accept => "accept",
    };
    let outcome = match settings.printing {
        Printing::None => "printing is \"none\", so that nothing is printed; say \"silent\" to print",
        Printing::Silent => "printing is \"silent\", so that everything is printed without a question",
    };
    Some(format!("{table}.dialogs.print is {answer:?}, which has no effect: {table}.{outcome}"))
}

/// Device permissions for patterns of origins, which the browser's policy does not take.
fn devices_by_pattern(table: &str, settings: &BrowserSettings) -> Option<String> {
    let of_device =
        |permission: &Permission| matches!(permission, Permission::Usb | Permission::Serial | Permission::Hid);
    let mut rules = settings.permissions.iter().filter(|rule| rule.granted.iter().any(of_device));
    let origin = rules.find(|rule| rule.origin.as_str().contains('*'))?.origin.as_str();
    Some(format!(
        "{table}.permissions grants usb, serial or hid to {origin:?}, which has no effect: name each origin, without *"
    ))
}

/// A command and a container in one shell: only one can run.
fn command_beside_container(config: &Config) -> Option<String> {
    let both = config.all_shells().iter().find(|shell| shell.is_container() && !shell.command.is_empty())?;
    let (command, container) = (both.command.first().map(String::as_str).unwrap_or_default(), both.container.display());
    Some(format!(
        "shell.command ({}) has no effect: shell.container is {container}, and counts more; take one of them out",
        shortened(command, MAX_CHARACTERS)
    ))
}

impl Config {
    /// Keys whose values this version does not follow: a sentence for each.
    pub fn unfollowed(&self) -> Vec<String> {
        let shells = self.shells.iter().enumerate();
        let tables = shells.map(|(index, shell)| (format!("shells[{index}].browser"), &shell.browser_settings));
        let all = std::iter::once(("browser".to_owned(), &self.browser)).chain(tables);
        let mut told = Vec::new();
        for (table, settings) in all {
            // What a shell inherits is said once.
            let inherited = if table == "browser" { &BrowserSettings::default() } else { &self.browser };
            told.extend(without_effect(&table, settings, inherited));
            told.extend(devices_by_pattern(&table, settings).filter(|_| settings.permissions != inherited.permissions));
            told.extend(printing_without_dialog(&table, settings).filter(|_| settings.dialogs != inherited.dialogs));
        }
        told.extend(command_beside_container(self));
        told.extend(self.agent.mqtt.without_effect());
        told
    }

    /// Outputs that mirror each other in a circle, as far as names show it: one table may name an output by its
    /// connector, another by its display, and only the plugged-in display shows that they are the same.
    fn circle_of_mirrors(&self) -> Option<String> {
        // A circle closes within as many steps as there are tables.
        let follow =
            |start| std::iter::successors(self.mirror_of(start), |name| self.mirror_of(name)).take(self.outputs.len());
        let mut starts = self.outputs.iter().map(|rule| rule.matcher.as_str());
        let start = starts.find(|start| follow(start).any(|name| name == *start))?;
        let names: Vec<&str> = std::iter::once(start).chain(follow(start).take_while(|name| *name != start)).collect();
        Some(format!(
            "the mirrors of {} go in a circle: each shows a picture of its own, as if it had none; take one out",
            names.join(", ")
        ))
    }

    /// What the output of this name shows, if not a picture of its own.
    fn mirror_of(&self, name: &str) -> Option<&str> {
        // "*" is not an output; it stands for each of them.
        let named = |wanted: &str| {
            let rules = self.outputs.iter().filter(move |rule| rule.matcher == wanted);
            rules.filter_map(|rule| rule.settings.mirror.as_deref()).next_back()
        };
        if name == "*" {
            return None;
        }
        // A rule for all outputs to mirror one does not apply to that one.
        named(name).or_else(|| named("*")).filter(|source| !source.is_empty() && *source != name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::allow::UrlPattern;
    use super::super::browser::PermissionRule;
    use super::super::output::{OutputRule, OutputSettings};
    use super::super::raw::{Raw, RawValue};
    use super::super::shell::Shell;
    use super::*;

    fn list_of(text: &str) -> Raw {
        Raw { span: 0..0, value: RawValue::List(vec![Raw::text(text)]) }
    }

    fn mirrors(tables: &[(&str, &str)]) -> Config {
        let rule = |(matcher, mirror): &(&str, &str)| OutputRule {
            matcher: (*matcher).to_owned(),
            settings: OutputSettings { mirror: Some((*mirror).to_owned()), ..OutputSettings::default() },
        };
        Config { outputs: tables.iter().map(rule).collect(), ..Config::default() }
    }

    #[test]
    fn a_circle_of_mirrors_is_told_with_its_outputs() {
        let told = mirrors(&[("*", ""), ("X", "A"), ("A", "B"), ("B", "C"), ("C", "A")]).circle_of_mirrors().unwrap();
        assert!(told.contains(" of A, B, C go in a circle"), "{told}");
    }

    #[test]
    fn chains_and_a_mirror_for_all_are_no_circles() {
        for tables in
            [&[("A", "B"), ("B", "C")][..], &[("*", "A")], &[("*", "A"), ("B", "A")], &[("A", ""), ("B", "A")]]
        {
            assert_eq!(mirrors(tables).circle_of_mirrors(), None, "{tables:?}");
        }
        // All show A, and A shows B, which is one of all.
        assert!(mirrors(&[("*", "A"), ("A", "B")]).circle_of_mirrors().is_some());
    }

    #[test]
    fn of_what_is_built_in_nothing_is_without_effect() {
        assert_eq!(Config::default().unfollowed(), [""; 0]);
    }

    #[test]
    fn a_command_beside_a_container_is_told_to_be_without_effect() {
        let mut config = Config::default();
        config.shell.container = "/etc/kiosk/shell.json".into();
        assert_eq!(config.unfollowed(), [""; 0]);
        config.shell.command = vec!["foot".into()];
        let told = config.unfollowed();
        let wanted = "shell.command (foot) has no effect: shell.container is /etc/kiosk/shell.json";
        assert!(told.len() == 1 && told[0].starts_with(wanted), "{told:?}");
    }

    #[test]
    fn what_is_said_of_a_dialog_that_never_comes_is_told_with_what_decides() {
        let mut config = Config::default();
        config.browser.dialogs.print = Answer::Show;
        let told = config.unfollowed().remove(0);
        assert!(told.starts_with("browser.dialogs.print is \"show\"") && told.contains("nothing is printed"), "{told}");
        config.browser.printing = Printing::Silent;
        config.browser.dialogs.print = Answer::Accept;
        assert!(config.unfollowed().remove(0).contains("printed without a question"));
        config.browser.dialogs.print = Answer::Dismiss;
        assert_eq!(config.unfollowed(), [""; 0]);
    }

    #[test]
    fn devices_for_a_pattern_of_origins_are_told_to_be_without_effect() {
        let mut config = Config::default();
        let rule = |origin: &str| PermissionRule {
            origin: UrlPattern::parse_origin(origin).unwrap(),
            granted: vec![Permission::Serial],
        };
        config.browser.permissions = vec![rule("http://localhost:3000")];
        assert_eq!(config.unfollowed(), [""; 0]);
        config.browser.permissions.push(rule("*://localhost:*"));
        let told = config.unfollowed();
        assert!(told.len() == 1 && told[0].contains("\"*://localhost:*\", which has no effect"), "{told:?}");
    }

    #[test]
    fn each_key_without_effect_is_one_and_is_told_of_where_it_is_set() {
        let names: Vec<&str> = BrowserSettings::keys().iter().map(|key| key.name).collect();
        assert!(WITHOUT_EFFECT.iter().all(|name| names.contains(name)));
        let Some(key) = BrowserSettings::keys().iter().find(|key| WITHOUT_EFFECT.contains(&key.name)) else { return };
        // By the text of a value that is not the built-in one, whichever key is left.
        let words = ["drop", "deny", "silent", "ephemeral", "dismiss", "never", "/x", "de", "04:00", "none"];
        let values = words.map(Raw::text).into_iter().chain([Raw::from_value(&1.5.into()), list_of("https://a")]);
        let mut config = Config::default();
        let built_in = (key.get)(&config.browser).unwrap().to_string();
        let set = values.into_iter().any(|raw| {
            (key.set)(&mut config.browser, &raw).is_ok() && (key.get)(&config.browser).unwrap().to_string() != built_in
        });
        assert!(set, "no value for {}", key.name);
        config.shells = vec![Shell { browser_settings: config.browser.clone(), ..Shell::default() }, Shell::default()];
        let told = config.unfollowed();
        assert_eq!(told.len(), 2, "the first shell inherits it, the second takes it back: {told:?}");
        assert!(told[0].starts_with(&format!("browser.{} is ", key.name)), "{told:?}");
        assert!(told[1].starts_with(&format!("shells[1].browser.{} is ", key.name)), "{told:?}");
    }
}
