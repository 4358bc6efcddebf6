use proptest::prelude::*;

use super::*;
use std::collections::HashMap;
use zbus::OwnedVariant;

fn output() -> impl Strategy<Value = OutputSnapshot> {
    (0..4u8, any::<bool>(), 0..4u32, 0..3i32).prop_map(|(name, power, turns, brightness)| OutputSnapshot {
        name: format!("DP-{name}"),
        power,
        rotation: turns * 90,
        brightness,
        ..Default::default()
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let outputs = proptest::collection::btree_map(0..4u8, output(), 0..4)
        .prop_map(|m| m.into_iter().map(|(n, o)| OutputSnapshot { name: format!("DP-{n}"), ..o }).collect());
    (outputs, 0..3u32, 0..2u8).prop_map(|(outputs, serial, stage)| Snapshot {
        outputs,
        serial,
        stage: format!("stage {stage}"),
        ..Default::default()
    })
}

/// What a client that keeps values knows: properties by object and name.
type Known = BTreeMap<String, HashMap<String, OwnedVariant>>;

fn known(snapshot: &Snapshot) -> Known {
    let own = |values: BTreeMap<&str, Variant<'static>>| {
        values.into_iter().map(|(name, value)| (name.to_owned(), value.try_into_owned().unwrap())).collect()
    };
    let mut known: Known = outputs(snapshot).into_iter().map(|(path, o)| (path, own(OUTPUT.values(o)))).collect();
    known.insert(ROOT_PATH.into(), own(COMPOSITOR.values(snapshot)));
    known
}

fn apply(known: &mut Known, signal: &Message) {
    let header = signal.header();
    let body = signal.body();
    match header.member().unwrap().as_str() {
        "PropertiesChanged" => {
            let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) = body.deserialize().unwrap();
            assert!(!changed.is_empty());
            known.get_mut(header.path().unwrap().as_str()).unwrap().extend(changed);
        }
        "InterfacesAdded" => {
            type Added = (zbus::OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>);
            let (path, interfaces): Added = body.deserialize().unwrap();
            known.insert(path.to_string(), interfaces.into_values().next().unwrap());
        }
        "InterfacesRemoved" => {
            let (path, _): (zbus::OwnedObjectPath, Vec<String>) = body.deserialize().unwrap();
            assert!(known.remove(path.as_str()).is_some());
        }
        "StageChanged" | "LayoutChanged" => {}
        other => panic!("{other}"),
    }
}

proptest! {
    #[test]
    fn a_client_that_follows_the_signals_knows_the_new_state(old in snapshot(), new in snapshot()) {
        let signals = signals(&old, &new).unwrap();
        let mut followed = known(&old);
        for signal in &signals {
            apply(&mut followed, signal);
        }
        prop_assert_eq!(followed, known(&new));
        let of_an_object = |s: &&Message| s.header().member().unwrap().as_str() == "PropertiesChanged";
        let mut paths: Vec<_> = signals.iter().filter(of_an_object).map(|s| s.header().path().unwrap().to_string()).collect();
        let count = paths.len();
        paths.dedup();
        prop_assert_eq!(paths.len(), count, "one for each object");
    }

    #[test]
    fn nothing_changed_is_nothing_said(state in snapshot()) {
        prop_assert!(signals(&state, &state.clone()).unwrap().is_empty());
    }
}
