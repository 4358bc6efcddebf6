//! What Home Assistant is told of the device: one message with all entities, by its discovery of devices
//! (`PREFIX/device/ID/config`, <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>). An entity is made of each topic
//! of [`super::topics`] and [`super::facts`] that is there, and of each command of [`super::commands`]. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use kiosk_core::config::Aid;
use serde_json::{Map, Value, json};

use super::entities::Entities;
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

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
