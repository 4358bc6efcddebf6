//! What Home Assistant is told of the device: one message with all entities, by its discovery of devices
//! (`PREFIX/device/ID/config`, <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>). An entity is made of each topic
//! of [`super::topics`] and [`super::facts`] that is there, and of each command of [`super::commands`]. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use kiosk_core::config::Aid;
use serde_json::{Map, Value, json};

use super::told::Board;
use crate::device::Make;
use crate::role::Role;

/// The longest text that Home Assistant lets be set.
const MAX_TEXT: usize = 255;

/// What was told, so that what is no longer there can be taken away.
#[derive(Debug)]
pub struct Discovery {
    base: String,
    device: String,
    /// What may be asked for: what may not has no entity.
    role: Role,
    told: Value,
    /// The platform of each entity that there was.
    platforms: BTreeMap<String, String>,
    /// Outputs that had a display once: one that is switched off for the night keeps its entities.
    outputs: BTreeSet<String>,
}

/// Where the message goes.
pub fn topic(prefix: &str, device: &str) -> String {
    format!("{prefix}/device/{device}/config")
}

impl Discovery {
    /// Nothing was told.
    pub fn new(base: &str, device: &str, role: Role) -> Self {
        Discovery {
            base: base.to_owned(),
            device: device.to_owned(),
            role,
            told: Value::Null,
            platforms: BTreeMap::new(),
            outputs: BTreeSet::new(),
        }
    }

    /// The message, where it differs from the one before.
    pub fn changed(&mut self, board: &Board, make: &Make) -> Option<Value> {
        // Without the services there is little to tell, and nothing is taken away.
        if board.get("kioskd").map(String::as_str) != Some("ON") && self.told.is_null() {
            return None;
        }
        for (topic, payload) in board {
            let parts: Vec<&str> = topic.split('/').collect();
            if let ["output", name, "connected"] = parts.as_slice()
                && payload == "ON"
            {
                self.outputs.insert((*name).to_owned());
            }
        }
        let document = self.document(board, make);
        if document == self.told {
            return None;
        }
        self.told = document.clone();
        Some(document)
    }

    fn document(&mut self, board: &Board, make: &Make) -> Value {
        let mut entities = Entities { base: &self.base, device: &self.device, all: Map::new() };
        self.of_screens(&mut entities, board);
        of_shells(&mut entities, board);
        of_kiosk(&mut entities, board, self.role);
        of_device(&mut entities, board);
        let mut all = entities.all;
        all.retain(|_, entity| self.role >= Role::Operate || entity.get("command_topic").is_none());
        for (key, entity) in &all {
            let platform = entity["platform"].as_str().unwrap_or_default().to_owned();
            self.platforms.insert(key.clone(), platform);
        }
        for (key, platform) in &self.platforms {
            // With nothing but its platform it is taken away.
            all.entry(key.clone()).or_insert_with(|| json!({ "platform": platform }));
        }
        let word = |word: &str, other: &str| if word.is_empty() { other.to_owned() } else { word.to_owned() };
        json!({
            "device": {
                "identifiers": [self.device],
                "name": word(&make.host, "Kiosk"),
                "manufacturer": word(&make.manufacturer, "kioskd"),
                "model": word(&make.model, "Kiosk"),
                "sw_version": format!("kioskd {}", board.get("version").map_or("", String::as_str)),
            },
            "origin": { "name": "kiosk-agent", "sw_version": env!("CARGO_PKG_VERSION") },
            "availability_topic": format!("{}/availability", self.base),
            "components": all,
        })
    }

    fn of_screens(&self, entities: &mut Entities<'_>, board: &Board) {
        let several = self.outputs.len() > 1;
        for name in &self.outputs {
            let called = |what: &str| if several { format!("{what} {name}") } else { what.to_owned() };
            let topic = |key: &str| format!("output/{name}/{key}");
            entities.add("switch", &topic("power"), &called("Screen"), json!({ "icon": "mdi:monitor" }));
            let angles = ["0", "90", "180", "270"];
            entities.add(
                "select",
                &topic("rotation"),
                &called("Rotation"),
                json!({ "options": angles, "icon": "mdi:screen-rotation" }),
            );
            if board.contains_key(&topic("brightness")) {
                let percent = json!({ "min": 0, "max": 100, "unit_of_measurement": "%", "icon": "mdi:brightness-6" });
                entities.add("number", &topic("brightness"), &called("Brightness"), percent);
            }
            let scale = json!({ "min": 1, "max": 4, "step": 0.05, "mode": "box", "entity_category": "config" });
            entities.add("number", &topic("scale"), &called("Scale"), scale);
            for (key, what, icon) in [
                ("mode", "Mode", "mdi:monitor-screenshot"),
                ("monitor", "Display", "mdi:monitor-shimmer"),
                ("scanout", "Scanout", "mdi:layers"),
            ] {
                entities.diagnosis(&topic(key), &called(what), json!({ "icon": icon }));
            }
            entities.connection(&topic("connected"), &called("Display connected"));
        }
    }
}

fn of_shells(entities: &mut Entities<'_>, board: &Board) {
    let count = (0..).take_while(|number| board.contains_key(&format!("shell/{number}/state"))).count();
    for number in 0..count {
        let called = |what: &str| if count > 1 { format!("{what} {number}") } else { what.to_owned() };
        let topic = |key: &str| format!("shell/{number}/{key}");
        entities.add("text", &topic("url"), &called("Page"), json!({ "max": MAX_TEXT, "icon": "mdi:web" }));
        entities.add("sensor", &topic("state"), &called("State"), json!({ "icon": "mdi:list-status" }));
        entities.add("binary_sensor", &topic("ready"), &called("Page ready"), json!({}));
        entities.add("binary_sensor", &format!("visible/{number}"), &called("Page visible"), json!({}));
        entities.diagnosis(&topic("failure"), &called("Last failure"), json!({ "icon": "mdi:alert" }));
        let total = json!({ "state_class": "total_increasing" });
        entities.diagnosis(&topic("restarts"), &called("Browser restarts"), total.clone());
        entities.diagnosis(&topic("refused"), &called("Refused addresses"), total);
        let memory = json!({ "device_class": "data_size", "unit_of_measurement": "MiB", "state_class": "measurement" });
        entities.diagnosis(&topic("memory"), &called("Browser memory"), memory);
        for (key, what, more) in [
            ("reload", "Reload", json!({ "icon": "mdi:reload" })),
            ("hard-reload", "Reload without cache", json!({ "icon": "mdi:reload-alert" })),
            ("home", "Start page", json!({ "icon": "mdi:home" })),
            ("restart", "Restart browser", json!({ "device_class": "restart" })),
            ("stop", "Stop browser", json!({ "icon": "mdi:stop", "enabled_by_default": false })),
            ("start", "Start browser", json!({ "icon": "mdi:play", "enabled_by_default": false })),
            ("clear-data", "Clear browser data", json!({ "icon": "mdi:broom", "enabled_by_default": false })),
        ] {
            entities.button(&topic(key), &called(what), more);
        }
    }
}

fn of_kiosk(entities: &mut Entities<'_>, board: &Board, role: Role) {
    entities.command("notify", "message", "Message", json!({ "icon": "mdi:message" }));
    entities.button("dismiss", "Dismiss message", json!({ "icon": "mdi:message-off" }));
    entities.button("screenshot", "Take screenshot", json!({ "icon": "mdi:camera" }));
    entities.picture("screenshot", "Screenshot");
    if role >= Role::Admin {
        entities.button("reload-configuration", "Reload configuration", json!({ "entity_category": "config" }));
    }
    let modes = json!({ "options": ["auto", "show", "hide"], "icon": "mdi:keyboard" });
    entities.command("select", "keyboard", "On-screen keyboard", modes);
    for aid in Aid::ALL.into_iter().map(Aid::as_str) {
        let name = capitalized(&aid.replace('-', " "));
        let more = json!({ "icon": "mdi:human", "entity_category": "config" });
        entities.add("switch", &format!("accessibility/{aid}"), &name, more);
    }
    entities.add("sensor", "stage", "Stage", json!({ "icon": "mdi:eye" }));
    entities.diagnosis("problems", "Problems", json!({ "state_class": "measurement", "icon": "mdi:alert-circle" }));
    entities.diagnosis("problem", "Last problem", json!({ "icon": "mdi:alert-circle" }));
    entities.diagnosis("version", "Version", json!({ "icon": "mdi:tag" }));
    entities.diagnosis("renderer", "Renderer", json!({ "icon": "mdi:brush" }));
    entities.connection("kioskd", "Compositor running");
    entities.connection("kiosk-session", "Session running");
    if board.contains_key("update/installed") {
        entities.update("update", "System");
    }
}

fn of_device(entities: &mut Entities<'_>, board: &Board) {
    let percent = |icon: &str| json!({ "unit_of_measurement": "%", "state_class": "measurement", "icon": icon });
    for (key, name, more) in [
        ("memory", "Memory used", percent("mdi:memory")),
        ("processor", "Processor", percent("mdi:chip")),
        ("disk", "Disk used", percent("mdi:harddisk")),
        (
            "temperature",
            "Temperature",
            json!({ "device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement" }),
        ),
        (
            "started",
            "Last start",
            json!({ "device_class": "timestamp", "value_template": "{{ value | int | as_datetime }}" }),
        ),
        ("address", "Network address", json!({ "icon": "mdi:ip-network" })),
        ("host", "Host name", json!({ "icon": "mdi:console-network" })),
        ("model", "Model", json!({ "icon": "mdi:devices" })),
        ("system", "Operating system", json!({ "icon": "mdi:linux" })),
        ("kernel", "Kernel", json!({ "icon": "mdi:penguin" })),
    ] {
        let topic = format!("device/{key}");
        // The processor's comes with the second look.
        if board.contains_key(&topic) || key == "processor" {
            entities.diagnosis(&topic, name, more);
        }
    }
}

/// The entities so far.
struct Entities<'a> {
    base: &'a str,
    device: &'a str,
    all: Map<String, Value>,
}

impl Entities<'_> {
    /// One with a state, and with a command where its platform has one.
    fn add(&mut self, platform: &str, topic: &str, name: &str, more: Value) {
        let mut entity = json!({ "state_topic": format!("{}/{topic}", self.base) });
        if ["switch", "select", "number", "text"].contains(&platform) {
            entity = merged(entity, json!({ "command_topic": format!("{}/set/{topic}", self.base) }));
        }
        self.put(platform, topic, name, entity, more);
    }

    fn diagnosis(&mut self, topic: &str, name: &str, more: Value) {
        self.add("sensor", topic, name, merged(json!({ "entity_category": "diagnostic" }), more));
    }

    fn connection(&mut self, topic: &str, name: &str) {
        let more = json!({ "device_class": "connectivity", "entity_category": "diagnostic" });
        self.add("binary_sensor", topic, name, more);
    }

    /// One with a command alone.
    fn command(&mut self, platform: &str, topic: &str, name: &str, more: Value) {
        let entity = json!({ "command_topic": format!("{}/set/{topic}", self.base) });
        self.put(platform, topic, name, entity, more);
    }

    fn button(&mut self, topic: &str, name: &str, more: Value) {
        self.command("button", topic, name, more);
    }

    fn picture(&mut self, topic: &str, name: &str) {
        let entity = json!({ "image_topic": format!("{}/{topic}", self.base), "content_type": "image/png" });
        self.put("image", topic, name, entity, json!({}));
    }

    fn update(&mut self, topic: &str, name: &str) {
        let entity = json!({
            "state_topic": format!("{}/{topic}/installed", self.base),
            "latest_version_topic": format!("{}/{topic}/latest", self.base),
            "entity_category": "diagnostic",
        });
        self.put("update", topic, name, entity, json!({}));
    }

    fn put(&mut self, platform: &str, topic: &str, name: &str, entity: Value, more: Value) {
        // Letters, digits and _, and one for each topic; a button and its picture have the same.
        let plain: String =
            topic.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        let key = if platform == "image" { format!("{plain}_image") } else { plain };
        let own = json!({ "platform": platform, "name": name, "unique_id": format!("{}_{key}", self.device) });
        self.all.insert(key, merged(merged(own, entity), more));
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(map), Value::Object(more)) = (one.as_object_mut(), other) {
        map.extend(more);
    }
    one
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::commands;
    use crate::mqtt::connection::Message;

    fn board(entries: &[(&str, &str)]) -> Board {
        entries.iter().map(|(topic, payload)| ((*topic).into(), (*payload).into())).collect()
    }

    fn usual() -> Board {
        board(&[
            ("kioskd", "ON"),
            ("version", "0.1.0"),
            ("output/HDMI-A-1/connected", "ON"),
            ("output/HDMI-A-1/brightness", "80"),
            ("output/VGA-1/connected", "OFF"),
            ("shell/0/state", "ready"),
            ("device/temperature", "50"),
            ("update/installed", "1"),
        ])
    }

    fn told(board: &Board) -> Value {
        Discovery::new("kiosk/a", "a", Role::Admin)
            .changed(board, &Make { host: "hall".into(), ..Make::default() })
            .unwrap()
    }

    /// The keys that each platform takes beside those of all, from Home Assistant's documentation.
    fn keys(platform: &str) -> &'static [&'static str] {
        match platform {
            "switch" => &["state_topic", "command_topic"],
            "select" => &["state_topic", "command_topic", "options"],
            "number" => &["state_topic", "command_topic", "min", "max", "step", "mode", "unit_of_measurement"],
            "text" => &["state_topic", "command_topic", "max"],
            "sensor" => &["state_topic", "device_class", "state_class", "unit_of_measurement", "value_template"],
            "binary_sensor" => &["state_topic", "device_class"],
            "button" => &["command_topic", "device_class"],
            "notify" => &["command_topic"],
            "image" => &["image_topic", "content_type"],
            "update" => &["state_topic", "latest_version_topic"],
            _ => panic!("{platform} is no platform"),
        }
    }

    #[test]
    fn there_are_more_than_forty_entities_of_keys_that_their_platforms_take() {
        let document = told(&usual());
        let entities = document["components"].as_object().unwrap();
        assert!(entities.len() > 40, "{}", entities.len());
        let of_all = ["platform", "name", "unique_id", "icon", "entity_category", "enabled_by_default"];
        let mut names = BTreeSet::new();
        for (key, entity) in entities {
            let platform = entity["platform"].as_str().unwrap();
            for (option, value) in entity.as_object().unwrap() {
                let fits = of_all.contains(&option.as_str()) || keys(platform).contains(&option.as_str());
                assert!(fits && !value.is_null(), "{key}: {platform} has no {option}");
            }
            // Home Assistant refuses sensors that are settings.
            assert!(!(platform.ends_with("sensor") && entity["entity_category"] == "config"), "{key}");
            assert!(names.insert((platform, entity["name"].as_str().unwrap())), "{key}: there are two of its name");
            assert_eq!(entity["unique_id"], format!("a_{key}"));
        }
        assert_eq!(document["device"]["identifiers"], json!(["a"]));
        assert_eq!(document["device"]["name"], "hall");
        assert!(!document.to_string().contains("VGA-1"), "an output that never had a display has no entities");
    }

    #[test]
    fn each_command_topic_is_understood() {
        let document = told(&usual());
        let mut count = 0;
        for (key, entity) in document["components"].as_object().unwrap() {
            let Some(topic) = entity["command_topic"].as_str() else { continue };
            let value = match entity["platform"].as_str().unwrap() {
                "switch" => "ON",
                "number" => "50",
                "select" => entity["options"][0].as_str().unwrap(),
                "button" => "PRESS",
                _ => "http://localhost",
            };
            let message = Message {
                topic: topic.into(),
                payload: value.into(),
                retain: false,
                response: None,
                correlation: None,
            };
            let order = commands::understand("kiosk/a", &message).unwrap();
            assert!(order.is_ok(), "{key}: {order:?}");
            count += 1;
        }
        assert!(count > 15, "{count}");
    }

    #[test]
    fn who_may_only_look_gets_no_switches() {
        let mut discovery = Discovery::new("kiosk/a", "a", Role::View);
        let document = discovery.changed(&usual(), &Make::default()).unwrap();
        assert!(!document.to_string().contains("/set/"), "{document}");
        let mut discovery = Discovery::new("kiosk/a", "a", Role::Operate);
        let document = discovery.changed(&usual(), &Make::default()).unwrap().to_string();
        assert!(document.contains("/set/dismiss") && !document.contains("reload-configuration"), "{document}");
    }

    #[test]
    fn it_is_told_when_it_changes_and_what_is_gone_is_taken_away() {
        let make = Make::default();
        let mut discovery = Discovery::new("kiosk/a", "a", Role::Admin);
        assert_eq!(discovery.changed(&board(&[("kioskd", "OFF")]), &make), None);
        assert!(discovery.changed(&usual(), &make).is_some());
        let mut changed = usual();
        changed.insert("device/temperature".into(), "60".into());
        // A display that is off for the night is as good as there.
        changed.insert("output/HDMI-A-1/connected".into(), "OFF".into());
        assert_eq!(discovery.changed(&changed, &make), None);
        changed.remove("device/temperature");
        let document = discovery.changed(&changed, &make).unwrap();
        assert_eq!(document["components"]["device_temperature"], json!({ "platform": "sensor" }));
    }
}
