//! The shipped introspection files against the live objects.

use kiosk_bus::XML_HEADER;

use super::*;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/dbus/interfaces");
/// Set it to write the files instead of comparing them.
const WRITE: &str = "KIOSK_WRITE_INTERFACES";

/// The interfaces, and an object that has each.
const ALL: [(&str, &str); 3] =
    [(COMPOSITOR, ROOT_PATH), (OUTPUT, HDMI), ("org.kioskd.Input1", "/org/kioskd/Compositor1/inputs/Mouse")];

/// The interface's element in the introspection of an object.
fn element<'a>(live: &'a str, interface: &str) -> &'a str {
    let begin = live.find(&format!("  <interface name=\"{interface}\">")).unwrap();
    let length = live[begin..].find("  </interface>\n").unwrap() + "  </interface>\n".len();
    &live[begin..begin + length]
}

/// The values of `attribute` in the lines of `xml` that have the element `tag`.
fn attributes<'a>(xml: &'a str, tag: &str, attribute: &str) -> Vec<&'a str> {
    let (tag, attribute) = (format!("<{tag} "), format!(" {attribute}=\""));
    xml.lines()
        .filter(|line| line.trim_start().starts_with(&tag))
        .map(|line| line.split(&attribute).nth(1).unwrap().split('"').next().unwrap())
        .collect()
}

#[test]
fn the_live_objects_are_what_the_shipped_files_say() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        for (name, path) in ALL {
            let reply = method(&client, path, "org.freedesktop.DBus.Introspectable", "Introspect", &()).await.unwrap();
            let live: String = reply.body().deserialize().unwrap();
            if std::env::var_os(WRITE).is_some() {
                let element = element(&live, name);
                std::fs::write(format!("{DIRECTORY}/{name}.xml"), format!("{XML_HEADER}{element}</node>\n")).unwrap();
            }
            let file = std::fs::read_to_string(format!("{DIRECTORY}/{name}.xml")).unwrap();
            let shipped = file.strip_prefix(XML_HEADER).unwrap().strip_suffix("</node>\n").unwrap();
            assert!(live.contains(shipped), "{name}.xml is out of date: set {WRITE}=1 to write it anew");

            let reply = method(&client, path, PROPERTIES, "GetAll", &name).await.unwrap();
            let values: HashMap<String, OwnedVariant> = reply.body().deserialize().unwrap();
            let (names, types) = (attributes(shipped, "property", "name"), attributes(shipped, "property", "type"));
            assert_eq!(values.len(), names.len());
            for (property, signature) in names.iter().zip(types) {
                assert_eq!(values[*property].value_signature().to_string(), signature, "{name}.{property}");
            }
            for member in attributes(shipped, "method", "name") {
                // No arguments, or the wrong ones: but known.
                let known = match method(&client, path, name, member, &0u8).await {
                    Ok(_) => true,
                    refused => !refusal(refused).0.ends_with("UnknownMethod"),
                };
                assert!(known, "{name}.{member}");
            }
        }
    });
}

#[test]
fn introspection_leads_from_the_root_to_every_object() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let (mut open, mut found) = (vec!["/".to_owned()], Vec::new());
        while let Some(path) = open.pop() {
            let reply = method(&client, &path, "org.freedesktop.DBus.Introspectable", "Introspect", &()).await.unwrap();
            let xml: String = reply.body().deserialize().unwrap();
            let children = attributes(&xml, "node", "name");
            open.extend(children.iter().map(|child| format!("{}/{child}", path.trim_end_matches('/'))));
            found.push(path);
        }
        for (_, path) in ALL {
            assert!(found.iter().any(|f| f == path), "{path} is not among {found:?}");
        }
        assert_eq!(found.len(), 9, "{found:?}");
    });
}
