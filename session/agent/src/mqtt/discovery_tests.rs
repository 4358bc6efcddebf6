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
        "update" => &["state_topic", "latest_version_topic", "device_class"],
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
    let update = &entities["update"];
    assert_eq!((&update["platform"], &update["device_class"]), (&json!("update"), &json!("firmware")));
    assert_eq!(
        (&update["state_topic"], &update["latest_version_topic"]),
        (&json!("kiosk/a/update/installed"), &json!("kiosk/a/update/latest"))
    );
    assert!(update.get("command_topic").is_none(), "nothing is installed from here");
    assert_eq!(document["device"]["identifiers"], json!(["a"]));
    assert_eq!(document["device"]["name"], "hall");
    assert!(!document.to_string().contains("VGA-1"), "an output that never had a display has no entities");
}

#[test]
fn a_device_without_an_image_of_two_slots_has_no_update() {
    let mut board = usual();
    board.remove("update/installed");
    assert!(told(&board)["components"].get("update").is_none());
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
        let message =
            Message { topic: topic.into(), payload: value.into(), retain: false, response: None, correlation: None };
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
