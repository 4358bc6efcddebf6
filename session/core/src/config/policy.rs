//! Which policy an output gets: the rules of the configuration and the saved changes, laid over each other.
//! Pure; the compositor asks before the first modeset and whenever a display comes, or the rules change.

use super::keys::Sectioned;
use super::output::{ModeChoice, OutputRule, OutputSettings};
use crate::quantities::{Brightness, Position, Rotation, Scale};

/// How an output is to be driven, with a value for every setting.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputPolicy {
    /// Which mode it is driven in.
    pub mode: ModeChoice,
    /// How it is rotated.
    pub rotation: Rotation,
    /// How much larger things are drawn.
    pub scale: Scale,
    /// Whether it is on.
    pub power: bool,
    /// Connector name or identity of the output to mirror; `None`: its own picture.
    pub mirror: Option<String>,
    /// `None`: placed by itself, left to right.
    pub position: Option<Position>,
    /// `None`: as it is.
    pub brightness: Option<Brightness>,
}

/// The policy for the display `identity` (EDID `Make Model Serial`, empty when it has none) on `connector`.
///
/// The more specific wins, setting by setting: `*`, then the identity, then the connector, then what was
/// saved at runtime for the identity or the connector. Rules with the same matcher: the later wins.
pub fn output_policy(
    rules: &[OutputRule],
    saved: Option<&OutputSettings>,
    identity: &str,
    connector: &str,
) -> OutputPolicy {
    let mut settings = merged(rules, identity, connector);
    if let Some(saved) = saved {
        settings.overlay(saved);
    }
    OutputPolicy {
        mode: settings.mode.unwrap_or(ModeChoice::Preferred),
        rotation: settings.rotation.unwrap_or_default(),
        scale: settings.scale.unwrap_or(Scale::Auto),
        power: settings.power.unwrap_or(true),
        mirror: settings.mirror.filter(|mirror| !mirror.is_empty()),
        position: settings.position,
        brightness: settings.brightness,
    }
}

/// The rules for one display laid over each other: `*`, then the identity, then the connector.
pub(super) fn merged(rules: &[OutputRule], identity: &str, connector: &str) -> OutputSettings {
    let mut settings = OutputSettings::default();
    for matcher in ["*", identity, connector] {
        for rule in rules.iter().filter(|rule| !matcher.is_empty() && rule.matcher == matcher) {
            settings.overlay(&rule.settings);
        }
    }
    settings
}

/// Conflicts between rules for the identity and for the connector of one display: a sentence each, which says which
/// value is used.
pub fn conflicting_rules(rules: &[OutputRule], identity: &str, connector: &str) -> Vec<String> {
    if identity.is_empty() || identity == connector {
        return Vec::new();
    }
    let merged = |matcher: &str| {
        let mut merged = OutputRule { matcher: matcher.into(), settings: OutputSettings::default() };
        rules.iter().filter(|rule| rule.matcher == matcher).for_each(|rule| merged.settings.overlay(&rule.settings));
        merged
    };
    let (by_identity, by_connector) = (merged(identity), merged(connector));
    let values = |key: &super::keys::Key<OutputRule>| {
        let text = |rule| (key.get)(rule).map(|value| value.to_string().trim().to_owned());
        Some((key.name, text(&by_identity)?, text(&by_connector)?))
    };
    let different = OutputRule::keys().iter().filter_map(values).filter(|(_, one, other)| one != other);
    different
        .map(|(key, one, other)| {
            format!(
                "two rules for one output: [output.\"{identity}\"] has {key} = {one} and [output.\"{connector}\"] has \
                 {key} = {other}; the connector's is used, remove one of them"
            )
        })
        .collect()
}

/// An output's identity as rules and saved state name it: the EDID's fields that are there, with spaces
/// between. Empty where the display says nothing.
pub fn identity(make: &str, model: &str, serial: &str) -> String {
    let parts: Vec<&str> = [make, model, serial].into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(scale: f64) -> Scale {
        Scale::fixed(scale).unwrap()
    }

    fn rule(matcher: &str, rotation: Option<Rotation>, power: Option<bool>, scale: Option<Scale>) -> OutputRule {
        OutputRule {
            matcher: matcher.into(),
            settings: OutputSettings { rotation, power, scale, ..OutputSettings::default() },
        }
    }

    #[test]
    fn the_more_specific_rule_wins_setting_by_setting() {
        // In an order that is not the order of strength.
        let rules = [
            rule("HDMI-A-1", Some(Rotation::R270), None, None),
            rule("Dell U2720Q 123", Some(Rotation::R180), Some(false), None),
            rule("*", Some(Rotation::R90), Some(true), Some(fixed(2.0))),
        ];
        let policy = output_policy(&rules, None, "Dell U2720Q 123", "HDMI-A-1");
        assert_eq!((policy.rotation, policy.power, policy.scale), (Rotation::R270, false, fixed(2.0)));
        let other = output_policy(&rules, None, "", "DP-1");
        assert_eq!((other.rotation, other.power), (Rotation::R90, true));
        let saved = OutputSettings { rotation: Some(Rotation::R0), ..OutputSettings::default() };
        let policy = output_policy(&rules, Some(&saved), "Dell U2720Q 123", "HDMI-A-1");
        assert_eq!((policy.rotation, policy.power), (Rotation::R0, false));
    }

    #[test]
    fn rules_against_each_other_are_told() {
        let rules = [
            rule("Dell 1", Some(Rotation::R90), Some(true), None),
            rule("DP-1", Some(Rotation::R180), Some(true), Some(fixed(2.0))),
        ];
        let told = conflicting_rules(&rules, "Dell 1", "DP-1");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("rotation = 90") && told[0].contains("rotation = 180"), "{told:?}");
        assert!(conflicting_rules(&rules, "Dell 1", "DP-2").is_empty());
        assert!(conflicting_rules(&rules, "", "DP-1").is_empty());
    }

    #[test]
    fn an_empty_mirror_takes_mirroring_back() {
        let mut rules = [rule("*", None, None, None), rule("DP-1", None, None, None)];
        rules[0].settings.mirror = Some("HDMI-A-1".into());
        rules[1].settings.mirror = Some(String::new());
        assert_eq!(output_policy(&rules, None, "", "DP-1").mirror, None);
        assert_eq!(output_policy(&rules, None, "", "DP-2").mirror.as_deref(), Some("HDMI-A-1"));
    }

    #[test]
    fn identity_leaves_no_holes() {
        assert_eq!(identity("Dell Inc. ", "", "X1"), "Dell Inc. X1");
        assert_eq!(identity("", "", ""), "");
    }
}
