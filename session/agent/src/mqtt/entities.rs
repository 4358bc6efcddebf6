//! The entities of Home Assistant's discovery: which keys each kind of them has. No I/O.

use serde_json::{Map, Value, json};

/// The entities so far.
pub struct Entities<'a> {
    /// Below which its topics are.
    pub base: &'a str,
    /// The device's name among others.
    pub device: &'a str,
    /// By its name within the device.
    pub all: Map<String, Value>,
}

impl Entities<'_> {
    /// One with a state, and with a command where its platform has one.
    pub fn add(&mut self, platform: &str, topic: &str, name: &str, more: Value) {
        let mut entity = json!({ "state_topic": format!("{}/{topic}", self.base) });
        if ["switch", "select", "number", "text"].contains(&platform) {
            entity = merged(entity, json!({ "command_topic": format!("{}/set/{topic}", self.base) }));
        }
        self.put(platform, topic, name, entity, more);
    }

    /// A sensor among the diagnostics.
    pub fn diagnosis(&mut self, topic: &str, name: &str, more: Value) {
        self.add("sensor", topic, name, merged(json!({ "entity_category": "diagnostic" }), more));
    }

    /// Whether something is connected.
    pub fn connection(&mut self, topic: &str, name: &str) {
        let more = json!({ "device_class": "connectivity", "entity_category": "diagnostic" });
        self.add("binary_sensor", topic, name, more);
    }

    /// One with a command alone.
    pub fn command(&mut self, platform: &str, topic: &str, name: &str, more: Value) {
        let entity = json!({ "command_topic": format!("{}/set/{topic}", self.base) });
        self.put(platform, topic, name, entity, more);
    }

    /// One that is pressed.
    pub fn button(&mut self, topic: &str, name: &str, more: Value) {
        self.command("button", topic, name, more);
    }

    /// The last screenshot.
    pub fn picture(&mut self, topic: &str, name: &str) {
        let entity = json!({ "image_topic": format!("{}/{topic}", self.base), "content_type": "image/png" });
        self.put("image", topic, name, entity, json!({}));
    }

    /// A version, and the newest there is.
    pub fn update(&mut self, topic: &str, name: &str) {
        let entity = json!({
            "state_topic": format!("{}/{topic}/installed", self.base),
            "latest_version_topic": format!("{}/{topic}/latest", self.base),
            "device_class": "firmware",
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
