//! Computes the signals between two states: added and removed objects, and one `PropertiesChanged` for each object with
//! the changed properties.
//!
//! Each connection compares with the last state that it sent to its peer, so a slow peer gets fewer and larger changes,
//! but always the final state. [`steps`] is pure.

use std::collections::BTreeMap;

use zbus::{Message, ObjectPath, OwnedVariant, Variant};

/// `org.freedesktop.DBus.ObjectManager`.
const MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// Properties with their values.
pub type Values = BTreeMap<String, OwnedVariant>;
/// What a peer knows: the interface of each object, and its announced properties.
pub type Told = BTreeMap<String, (String, Values)>;

/// One thing to announce.
#[derive(Debug, PartialEq)]
pub enum Step<'a> {
    /// The object at this path lost this interface.
    Gone(&'a str, &'a str),
    /// There is a new object at this path.
    Came(&'a str, &'a str),
    /// Properties of the object at this path, of this interface.
    Changed(&'a str, &'a str, BTreeMap<&'a str, &'a Variant<'static>>),
}

/// The steps from `old` to `new`, in the order of sending.
pub fn steps<'a>(old: &'a Told, new: &'a Told) -> Vec<Step<'a>> {
    let same = |path: &str, interface: &str| new.get(path).is_some_and(|(other, _)| other == interface);
    let gone = old.iter().filter(|(path, (interface, _))| !same(path, interface));
    let mut steps: Vec<Step<'_>> = gone.map(|(path, (interface, _))| Step::Gone(path, interface)).collect();
    for (path, (interface, values)) in new {
        match old.get(path).filter(|(before, _)| before == interface) {
            None => steps.push(Step::Came(path, interface)),
            Some((_, before)) => {
                let changed = values.iter().filter(|(name, value)| before.get(*name) != Some(value));
                let changed: BTreeMap<_, _> = changed.map(|(name, value)| (name.as_str(), &**value)).collect();
                if !changed.is_empty() {
                    steps.push(Step::Changed(path, interface, changed));
                }
            }
        }
    }
    steps
}

/// `PropertiesChanged`.
pub fn changed(path: &str, interface: &str, values: &BTreeMap<&str, &Variant<'static>>) -> zbus::Result<Message> {
    let nothing_invalidated: &[&str] = &[];
    let body = (interface, values, nothing_invalidated);
    Message::signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged").build(&body)
}

/// `InterfacesRemoved` of the manager at `manager`.
pub fn gone(manager: &str, path: &str, interface: &str) -> zbus::Result<Message> {
    let interfaces: &[&str] = &[interface];
    Message::signal(manager, MANAGER, "InterfacesRemoved").build(&(ObjectPath::try_from(path)?, interfaces))
}

/// `InterfacesAdded` of the manager at `manager`, with all properties.
pub fn came(manager: &str, path: &str, interface: &str, values: &Values) -> zbus::Result<Message> {
    let interfaces = BTreeMap::from([(interface, values)]);
    Message::signal(manager, MANAGER, "InterfacesAdded").build(&(ObjectPath::try_from(path)?, interfaces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Some objects, of two interfaces, with some properties.
    fn told() -> impl Strategy<Value = Told> {
        let value = prop_oneof![any::<bool>().prop_map(Variant::from), (0..3u32).prop_map(Variant::from)];
        let value = value.prop_map(|value| value.try_into_owned().unwrap());
        let values = (value.clone(), value).prop_map(|(power, rotation)| {
            Values::from([("Power".to_owned(), power), ("Rotation".to_owned(), rotation)])
        });
        let object = (prop_oneof![Just("a.Output".to_owned()), Just("a.Input".to_owned())], values);
        proptest::collection::btree_map("/[a-d]", object, 0..4)
    }

    fn copy(told: &Told) -> Told {
        let values =
            |values: &Values| values.iter().map(|(name, value)| (name.clone(), value.try_clone().unwrap())).collect();
        told.iter().map(|(path, (interface, own))| (path.clone(), (interface.clone(), values(own)))).collect()
    }

    proptest! {
        #[test]
        fn a_client_that_follows_the_steps_knows_the_new_state(old in told(), new in told()) {
            let mut followed = copy(&old);
            let steps = steps(&old, &new);
            let mut changed_paths = Vec::new();
            for step in &steps {
                match step {
                    Step::Gone(path, interface) => {
                        prop_assert_eq!(&followed.remove(*path).unwrap().0, interface);
                    }
                    Step::Came(path, _) => {
                        prop_assert!(followed.insert((*path).to_owned(), copy(&new).remove(*path).unwrap()).is_none());
                    }
                    Step::Changed(path, _, values) => {
                        prop_assert!(!values.is_empty());
                        changed_paths.push(*path);
                        let own = &mut followed.get_mut(*path).unwrap().1;
                        own.extend(values.iter().map(|(name, value)| ((*name).to_owned(), value.try_to_owned().unwrap())));
                    }
                }
            }
            prop_assert_eq!(&followed, &new);
            let count = changed_paths.len();
            changed_paths.dedup();
            prop_assert_eq!(changed_paths.len(), count, "one for each object");
        }

        #[test]
        fn an_unchanged_state_sends_no_event(state in told()) {
            prop_assert!(steps(&state, &copy(&state)).is_empty());
        }
    }
}
