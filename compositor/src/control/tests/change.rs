use proptest::prelude::*;
use zbus::wire::StructureBuilder;

use super::*;

fn screen(name: &str, brightness: i32) -> OutputSnapshot {
    let modes = vec![(1920, 1080, 60000, false), (1920, 1080, 59940, true), (3840, 2160, 30000, false)];
    OutputSnapshot { name: name.into(), brightness, modes, ..Default::default() }
}

fn snapshot() -> Snapshot {
    Snapshot { outputs: vec![screen("HDMI-A-1", -1), screen("eDP-1", 40)], ..Default::default() }
}

fn change(output: usize, key: &str, value: impl Into<Variant<'static>>) -> Result<OutputChange, Failure> {
    let snapshot = snapshot();
    let mut change = OutputChange::default();
    set(&mut change, &snapshot.outputs[output], &snapshot, key, &value.into()).map(|()| change)
}

fn refusal(result: Result<OutputChange, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.name, "org.kioskd.Error.InvalidArgument", "{failure:?}");
    failure.text
}

#[test]
fn refusals_name_the_output_the_key_and_what_is_allowed() {
    for (key, value, words) in [
        ("rotation", Variant::from(45u32), ["HDMI-A-1", "rotation is 45", "0, 90, 180 or 270"]),
        ("rotation", Variant::from("90"), ["HDMI-A-1", "rotation has D-Bus type s", "u, 0, 90, 180 or 270"]),
        ("scale", Variant::from(0.5), ["HDMI-A-1", "scale is 0.5", "1.0 to 4.0"]),
        ("scale", Variant::from(f64::NAN), ["HDMI-A-1", "scale is NaN", "0.0 for auto"]),
        ("scale", Variant::from(-1.0), ["HDMI-A-1", "scale is -1", "1.0 to 4.0"]),
        ("scale", Variant::from(f64::INFINITY), ["HDMI-A-1", "scale is inf", "1.0 to 4.0"]),
        ("scale", Variant::from("auto"), ["HDMI-A-1", "type s", "0.0 for auto"]),
        ("power", Variant::from(1u32), ["HDMI-A-1", "power has D-Bus type u", "b, true or false"]),
        ("brightness", Variant::from(101), ["HDMI-A-1", "brightness is 101", "0 to 100"]),
        ("position", Variant::from((0, 40000)), ["HDMI-A-1", "position is 0,40000", "-32768 to 32767"]),
        ("mode", Variant::from((0u32, 1u32, 0u32)), ["HDMI-A-1", "mode is 0x1", "1 to 16384"]),
        ("mode", Variant::from("1080p"), ["HDMI-A-1", "\"1080p\"", "WIDTHxHEIGHT"]),
        ("mirror", Variant::from("HDMI-A-1"), ["HDMI-A-1", "mirror", "another output"]),
        ("colour", Variant::from(1u32), ["HDMI-A-1", "\"colour\"", "rotation, scale"]),
    ] {
        let text = refusal(change(0, key, value));
        for word in words {
            assert!(text.contains(word), "{text}: {word}");
        }
    }
}

#[test]
fn brightness_is_for_screens_that_have_it() {
    assert_eq!(change(1, "brightness", 0).unwrap().brightness, Brightness::try_from(0).ok());
    assert_eq!(change(0, "brightness", 0).unwrap_err().name, "org.kioskd.Error.Unsupported");
}

#[test]
fn an_unknown_output_is_answered_with_those_there_are() {
    let failure = changes(vec![("DP-9".into(), Options::new())], &snapshot()).unwrap_err();
    assert_eq!(failure.name, "org.kioskd.Error.NotFound");
    assert_eq!(failure.text, "there is no output \"DP-9\"; there are: HDMI-A-1, eDP-1");
    let twice = vec![("eDP-1".into(), Options::new()), ("eDP-1".into(), Options::new())];
    assert!(changes(twice, &snapshot()).unwrap_err().text.contains("twice"));
}

#[test]
fn modes_are_understood_as_people_write_them() {
    let mode = |text: &'static str| change(0, "mode", text).unwrap().mode.unwrap();
    let exact = |refresh| ModeChoice::Exact { width: 1920, height: 1080, refresh };
    assert_eq!(mode("1920x1080"), exact(None));
    assert_eq!(mode("1920x1080@59.94"), exact(Some(59_940)));
    assert_eq!(mode("1920x1080@75"), exact(Some(75_000)), "the loop will say that there is none");
    assert_eq!(mode("custom 1280x720"), ModeChoice::Custom { width: 1280, height: 720, refresh: None });
    assert_eq!(mode("preferred"), ModeChoice::Preferred);
    assert_eq!(mode("max"), ModeChoice::Max);
    let numbers = change(0, "mode", (1920u32, 1080u32, 0u32)).unwrap().mode;
    assert_eq!(numbers, Some(exact(None)));
    for bad in ["", "x", "1920x", "1920x1080@", "1920x1080@inf", "1920x1080@NaN", "-1x5", "1920x1080@1e9"] {
        refusal(change(0, "mode", bad));
    }
}

#[test]
fn a_temporary_change_reverts_after_a_time_within_bounds() {
    let options = |value: Variant<'static>| Options::from([("revert-after".to_owned(), value.try_to_owned().unwrap())]);
    let after = |value: Variant<'static>| match apply_mode("temporary", &options(value)) {
        Ok(ApplyMode::Temporary { revert_after }) => Some(revert_after.as_secs()),
        _ => None,
    };
    assert_eq!(after(20u32.into()), Some(20));
    assert_eq!(after("30s".into()), Some(30));
    assert_eq!(after("2m".into()), Some(120));
    assert_eq!(after("45".into()), Some(45));
    for bad in [Variant::from(0u32), 3601u32.into(), "".into(), "s".into(), "99999999999999999999m".into(), true.into()]
    {
        let shown = format!("{bad:?}");
        assert_eq!(after(bad), None, "{shown}");
    }
    let default = apply_mode("temporary", &Options::new()).unwrap();
    assert_eq!(default, ApplyMode::Temporary { revert_after: Duration::from_secs(15) });
    assert_eq!(apply_mode("keep", &Options::new()).unwrap(), ApplyMode::Keep);
    assert!(apply_mode("keep", &options(20u32.into())).unwrap_err().text.contains("temporary"));
    assert!(apply_mode("forever", &Options::new()).unwrap_err().text.contains("verify"));
    let misspelt = Options::from([("revert_after".to_owned(), Variant::from(5u32).try_to_owned().unwrap())]);
    assert!(apply_mode("temporary", &misspelt).unwrap_err().text.contains("revert-after"));
}

/// Any variant that a caller could send, nested a little.
fn variant() -> impl Strategy<Value = Variant<'static>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Variant::from),
        any::<u8>().prop_map(Variant::from),
        any::<i16>().prop_map(Variant::from),
        any::<u32>().prop_map(Variant::from),
        prop_oneof![Just(0u32), Just(90), Just(180), Just(270), Just(1920)].prop_map(Variant::from),
        any::<i32>().prop_map(Variant::from),
        (-10..110i32).prop_map(Variant::from),
        any::<u64>().prop_map(Variant::from),
        any::<f64>().prop_map(Variant::from),
        (0.0..5.0f64).prop_map(Variant::from),
        "\\PC{0,12}".prop_map(Variant::from),
        "[0-9]{1,6}x[0-9]{1,6}(@[0-9.]{1,6})?".prop_map(Variant::from),
        prop_oneof![Just("eDP-1"), Just("HDMI-A-1"), Just("max"), Just("")].prop_map(Variant::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|v| Variant::Variant(Box::new(v))),
            proptest::collection::vec(inner, 1..4).prop_map(|fields| {
                let structure = fields.into_iter().fold(StructureBuilder::new(), |s, f| s.append_field(f));
                Variant::from(structure.build().unwrap())
            }),
            proptest::collection::vec(any::<u32>(), 3).prop_map(|v| Variant::from((
                v[0] % 40000,
                v[1] % 40000,
                v[2] % 2_000_000
            ))),
            (any::<i32>(), any::<i32>()).prop_map(|(x, y)| Variant::from((x % 40000, y % 40000))),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(
            vec!["power", "rotation", "scale", "mode", "position", "mirror", "brightness"]
        ).prop_map(str::to_owned),
        1 => "\\PC{0,10}",
    ]
}

proptest! {
    #[test]
    fn whatever_is_sent_gives_a_change_within_bounds_or_one_sentence(
        key in key(), value in variant(), output in 0..2usize
    ) {
        match change(output, &key, value) {
            Ok(change) => {
                prop_assert!(change.rotation.is_none_or(|r| [0, 90, 180, 270].contains(&r.degrees())));
                let possible = |scale| !matches!(scale, Scale::Fixed(scale) if !(1.0..=4.0).contains(&scale.get()));
                prop_assert!(change.scale.is_none_or(possible));
                prop_assert!(change.brightness.is_none_or(|b| (0..=100).contains(&b.percent())));
                if let Some(ModeChoice::Exact { width, height, .. }) = change.mode {
                    prop_assert!((1..=16384).contains(&width) && (1..=16384).contains(&height));
                }
                prop_assert!(change.mirror.is_none_or(|m| m.is_empty() || m == "eDP-1" || m == "HDMI-A-1"));
            }
            Err(failure) => {
                prop_assert!(failure.name.starts_with("org.kioskd.Error."));
                prop_assert!(!failure.text.is_empty() && failure.text.len() < 600, "{}", failure.text);
                prop_assert!(!failure.text.contains('\n'), "{}", failure.text);
            }
        }
    }
}
