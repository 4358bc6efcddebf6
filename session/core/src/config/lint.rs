//! What is well written in a configuration and yet can't or won't happen as it says: for `config check`, and for the
//! problems that kioskd tells. Nothing is skipped for it. Pure.

use super::load::Loaded;
use super::model::Config;
use super::syntax::duration_text;

impl Loaded {
    /// Everything that is wrong, a sentence each: what is skipped, and what will not happen.
    pub fn complaints(&self) -> Vec<String> {
        let skipped = self.errors.iter().map(ToString::to_string);
        skipped.chain(self.config.circle_of_mirrors()).chain(self.config.unfollowed()).collect()
    }
}

impl Config {
    /// Keys whose values this version does not follow.
    pub fn unfollowed(&self) -> Option<String> {
        let reset = self.idle.reset?;
        let reset = duration_text(Some(reset));
        Some(format!("idle.reset is {reset:?}, and this version does not reset the page yet: it stays; say \"never\""))
    }

    /// Mirrors that lead back to where they began, as far as names tell: an output may be named by its connector in
    /// one table and by its display in another, which only shows when it is plugged in.
    fn circle_of_mirrors(&self) -> Option<String> {
        // A circle closes before there are more steps than tables.
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
        // "*" is no output: what it says is said of each.
        let named = |wanted: &str| {
            let rules = self.outputs.iter().filter(move |rule| rule.matcher == wanted);
            rules.filter_map(|rule| rule.settings.mirror.as_deref()).next_back()
        };
        if name == "*" {
            return None;
        }
        // All that mirror one output leave that one out.
        named(name).or_else(|| named("*")).filter(|source| !source.is_empty() && *source != name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::output::{OutputRule, OutputSettings};
    use super::*;

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
    fn what_is_not_followed_is_said() {
        let mut config = Config::default();
        assert_eq!(config.unfollowed(), None);
        config.idle.reset = Some(Duration::from_secs(600));
        assert!(config.unfollowed().unwrap().starts_with("idle.reset is \"10m\""));
    }
}
