//! Settings of input devices: what a rule can say of a device, which devices it means, and what follows for one
//! device from all rules and the saved changes. Pure; the compositor asks when a device comes, and when what is
//! saved of it changes.

use super::model::Keyboard;

/// Word for "found by itself", where an output is named.
pub const OUTPUT_AUTO: &str = "auto";
/// Largest number in a calibration matrix: panels are mounted rotated or flipped, not magnified.
const MAX_ELEMENT: f64 = 10.0;
/// Smallest determinant of a calibration matrix: one near 0 maps the whole panel onto a line.
const MIN_DETERMINANT: f64 = 0.001;

/// One `[input.device."MATCH"]` table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputRule {
    /// `*`, `type:touch` (or another kind), a name in which `*` stands for anything, `VENDOR:PRODUCT` in
    /// hexadecimal, or a name.
    pub matcher: String,
    /// What it says of them.
    pub settings: InputSettings,
}

/// What one place says of an input device; `None`: nothing. Also what is saved at runtime.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSettings {
    /// -1.0 to 1.0.
    pub accel_speed: Option<f64>,
    /// How its speed follows the hand's.
    pub accel_profile: Option<AccelProfile>,
    /// Whether a tap on a touchpad clicks.
    pub tap: Option<bool>,
    /// The content moves with the fingers.
    pub natural_scroll: Option<bool>,
    /// The buttons are swapped.
    pub left_handed: Option<bool>,
    /// The device is ignored.
    pub disable: Option<bool>,
    /// Whether its input counts at once (true), or only once the device is trusted (false).
    pub trust: Option<bool>,
    /// Connector or identity of the output that an absolute device lies on, or [`OUTPUT_AUTO`].
    pub output: Option<String>,
    /// How positions on it are corrected.
    pub calibration: Option<Calibration>,
    /// XKB layouts of this keyboard alone, such as `us`.
    pub layout: Option<String>,
    /// Their variants; unnamed with a layout: none.
    pub variant: Option<String>,
    /// XKB options; unnamed: those of the seat's keyboard.
    pub options: Option<String>,
}

/// How a pointer's speed follows the hand's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccelProfile {
    /// The same at every speed.
    Flat,
    /// Faster for fast movements.
    Adaptive,
}

/// How positions on a panel are corrected, before any other mapping.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calibration {
    /// As udev or the device has it.
    Own,
    /// The first two rows of libinput's calibration matrix, for places of 0 to 1 on the panel.
    Matrix([f64; 6]),
}

impl InputSettings {
    /// Takes over what `other` names.
    pub fn overlay(&mut self, other: &InputSettings) {
        fn take<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
            if from.is_some() {
                into.clone_from(from);
            }
        }
        take(&mut self.accel_speed, &other.accel_speed);
        take(&mut self.accel_profile, &other.accel_profile);
        take(&mut self.tap, &other.tap);
        take(&mut self.natural_scroll, &other.natural_scroll);
        take(&mut self.left_handed, &other.left_handed);
        take(&mut self.disable, &other.disable);
        take(&mut self.trust, &other.trust);
        take(&mut self.output, &other.output);
        take(&mut self.calibration, &other.calibration);
        take(&mut self.layout, &other.layout);
        take(&mut self.variant, &other.variant);
        take(&mut self.options, &other.options);
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == InputSettings::default()
    }

    /// The keyboard settings of this device alone, based on the seat's; `None`: it uses the seat's.
    pub fn own_keyboard(&self, seat: &Keyboard) -> Option<Keyboard> {
        let mut own = seat.clone();
        if let Some(layout) = &self.layout {
            own.layout.clone_from(layout);
            // The seat's variant belongs to the seat's layout.
            own.variant.clear();
        }
        if let Some(variant) = &self.variant {
            own.variant.clone_from(variant);
        }
        if let Some(options) = &self.options {
            own.options.clone_from(options);
        }
        (own != *seat).then_some(own)
    }

    /// The output that is named, if one is.
    pub fn named_output(&self) -> Option<&str> {
        self.output.as_deref().filter(|output| *output != OUTPUT_AUTO)
    }
}

/// What a device is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNames<'a> {
    /// As the kernel has it.
    pub name: &'a str,
    /// Identifier that differs between devices of the same name; else the name.
    pub id: &'a str,
    /// `keyboard`, `pointer`, `touch` or `tablet`.
    pub kind: &'a str,
    /// Vendor and product.
    pub hardware: Option<(u32, u32)>,
}

/// What is said of a device. The more specific wins, setting by setting: `*`, then `type:KIND`, names with `*` in
/// them, `VENDOR:PRODUCT`, the name, the id, then what was saved at runtime. Rules equally specific: the later wins.
pub fn input_settings(rules: &[InputRule], saved: Option<&InputSettings>, device: &DeviceNames<'_>) -> InputSettings {
    let mut matching: Vec<(u8, &InputRule)> =
        rules.iter().filter_map(|rule| Some((strength(&rule.matcher, device)?, rule))).collect();
    // Stable: what is equally strong stays in the order in which it was written.
    matching.sort_by_key(|(strength, _)| *strength);
    let mut settings = InputSettings::default();
    for (_, rule) in matching {
        settings.overlay(&rule.settings);
    }
    if let Some(saved) = saved {
        settings.overlay(saved);
    }
    settings
}

/// How specific the matcher is; `None`: it does not match the device.
fn strength(matcher: &str, device: &DeviceNames<'_>) -> Option<u8> {
    let hardware = || device.hardware.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}"));
    if matcher == device.id && device.id != device.name {
        Some(5)
    } else if matcher == device.name {
        Some(4)
    } else if hardware().is_some_and(|hardware| matcher.eq_ignore_ascii_case(&hardware)) {
        Some(3)
    } else if matcher == "*" {
        Some(0)
    } else if let Some(kind) = matcher.strip_prefix("type:") {
        (kind == device.kind).then_some(1)
    } else {
        (matcher.contains('*') && wildcard(matcher, device.name)).then_some(2)
    }
}

/// Whether `text` is `pattern`, in which `*` stands for anything.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// The calibration of these numbers; an empty list is the device's own. Errors: what is allowed.
pub fn calibration_of(numbers: &[f64]) -> Result<Calibration, &'static str> {
    const ALLOWED: &str = "six numbers of -10 to 10, the first two rows of libinput's calibration matrix, that do not \
                           flatten the panel to a line; or [] for the device's own";
    if numbers.is_empty() {
        return Ok(Calibration::Own);
    }
    let matrix: [f64; 6] = numbers.try_into().map_err(|_| ALLOWED)?;
    // NaN is in no range.
    let in_range = matrix.iter().all(|number| (-MAX_ELEMENT..=MAX_ELEMENT).contains(number));
    let determinant = matrix[0] * matrix[4] - matrix[1] * matrix[3];
    if in_range && determinant.abs() >= MIN_DETERMINANT { Ok(Calibration::Matrix(matrix)) } else { Err(ALLOWED) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PANEL: DeviceNames<'_> = DeviceNames {
        name: "ILITEK ILITEK-TP",
        id: "ILITEK ILITEK-TP@1-2",
        kind: "touch",
        hardware: Some((0x222a, 0x0001)),
    };

    fn rule(matcher: &str, speed: f64) -> InputRule {
        let settings = InputSettings { accel_speed: Some(speed), ..InputSettings::default() };
        InputRule { matcher: matcher.into(), settings }
    }

    fn speed(rules: &[InputRule]) -> Option<f64> {
        input_settings(rules, None, &PANEL).accel_speed
    }

    #[test]
    fn the_more_specific_rule_wins_wherever_it_stands() {
        let rules = [
            rule("ILITEK ILITEK-TP@1-2", 0.6),
            rule("ILITEK ILITEK-TP", 0.5),
            rule("222A:0001", 0.4),
            rule("ILITEK*", 0.3),
            rule("type:touch", 0.2),
            rule("*", 0.1),
        ];
        for first in 0..rules.len() {
            assert_eq!(speed(&rules[first..]), rules[first].settings.accel_speed, "{}", rules[first].matcher);
        }
        assert_eq!(speed(&[rule("*", 0.1), rule("*", 0.2)]), Some(0.2));
        for other in ["type:pointer", "ILITEK", "TP*", "222a:0002", "ilitek ilitek-tp", ""] {
            assert_eq!(speed(&[rule(other, 0.1)]), None, "{other}");
        }
    }

    #[test]
    fn what_was_saved_wins_and_rules_add_up() {
        let mut tap = rule("*", 0.1);
        tap.settings.tap = Some(true);
        let saved = InputSettings { accel_speed: Some(0.9), ..InputSettings::default() };
        let settings = input_settings(&[tap], Some(&saved), &PANEL);
        assert_eq!((settings.accel_speed, settings.tap), (Some(0.9), Some(true)));
    }

    #[test]
    fn a_keyboards_own_layout_has_its_own_variant_and_the_seats_options() {
        let seat =
            Keyboard { layout: "de".into(), variant: "neo".into(), options: "caps:none".into(), ..Keyboard::default() };
        let named = |layout: Option<&str>, variant: Option<&str>, options: Option<&str>| {
            let own = |name: Option<&str>| name.map(str::to_owned);
            let settings = InputSettings {
                layout: own(layout),
                variant: own(variant),
                options: own(options),
                ..InputSettings::default()
            };
            settings.own_keyboard(&seat).map(|own| [own.layout, own.variant, own.options].join("/"))
        };
        assert_eq!(named(Some("us"), None, None).as_deref(), Some("us//caps:none"));
        assert_eq!(named(None, Some("nodeadkeys"), Some("")).as_deref(), Some("de/nodeadkeys/"));
        assert_eq!(named(None, None, None), None);
        assert_eq!(named(Some("de"), Some("neo"), None), None, "the same as the seat's");
    }

    #[test]
    fn an_asterisk_matches_any_text() {
        for (pattern, text, is) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "axbybzc", true),
            ("*b", "aab", true),
            ("a*a", "a", false),
            ("ab*bc", "abc", false),
            ("*ab*ab", "ab", false),
            ("a*c", "abcd", false),
        ] {
            assert_eq!(wildcard(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn calibrations_that_lose_fingers_are_refused() {
        assert_eq!(calibration_of(&[]), Ok(Calibration::Own));
        let rotated = [0.0, -1.0, 1.0, 1.0, 0.0, 0.0];
        assert_eq!(calibration_of(&rotated), Ok(Calibration::Matrix(rotated)));
        for wrong in [
            &[1.0][..],
            &[1.0; 6],
            &[0.0; 6],
            &[1.0, 0.0, 0.0, 0.0, 1.0, 10.5],
            &[f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0],
            &[1.0, 0.0, f64::INFINITY, 0.0, 1.0, 0.0],
            &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        ] {
            assert!(calibration_of(wrong).unwrap_err().contains("six numbers"), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_its_own_pattern_and_that_of_its_ends(text in "[a-c*]{0,8}", cut in 0usize..9) {
            let cut = cut.min(text.len());
            prop_assert!(wildcard(&text, &text));
            let (before, after) = text.split_at(cut);
            let pattern = format!("{before}*{after}");
            prop_assert!(wildcard(&pattern, &text));
        }
    }
}
