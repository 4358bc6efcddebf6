//! What is written of input devices.

use kiosk_core::config::{Calibration, InputSettings};

use super::*;

const INPUT: &str = "org.kioskd.Input1";
/// The second panel of its name.
const PANEL: &str = "/org/kioskd/Compositor1/inputs/Elo_n2";

fn panels() -> Snapshot {
    let panel = |port: &str| InputSnapshot {
        layout: String::new(),
        name: "Elo".into(),
        id: format!("Elo@{port}"),
        kind: "touch".into(),
        output: "HDMI-A-1".into(),
        trusted: true,
        calibration: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    };
    Snapshot { inputs: vec![panel("1-1"), panel("1-2")], ..snapshot() }
}

#[test]
fn a_written_property_of_a_device_is_a_request_for_just_that_device() {
    run(async {
        let mut kiosk = Fixture::new();
        kiosk.handle.publish(panels());
        let client = kiosk.connect().await;
        let rotated = [0.0, -1.0, 1.0, 1.0, 0.0, 0.5];
        let output = |name: &str| InputSettings { output: Some(name.into()), ..InputSettings::default() };
        let calibration = |value| InputSettings { calibration: Some(value), ..InputSettings::default() };
        for (name, value, change) in [
            ("Output", Variant::from("DP-1"), output("DP-1")),
            ("Output", Variant::from("auto"), output("auto")),
            ("Output", Variant::from(""), output("auto")),
            ("Calibration", rotated.to_vec().into(), calibration(Calibration::Matrix(rotated))),
            ("Calibration", Vec::<f64>::new().into(), calibration(Calibration::Own)),
        ] {
            let (done, request) = tokio::join!(set(&client, PANEL, INPUT, name, value), kiosk.answer(Ok(Reply::Done)));
            done.unwrap();
            assert_eq!(request, Command::ChangeInput { id: "Elo@1-2".into(), change });
        }
        assert_eq!(*get(&client, PANEL, INPUT, "Id").await, Variant::from("Elo@1-2"));
    });
}

#[test]
fn what_no_device_can_take_is_refused_before_the_loop_hears_of_it() {
    run(async {
        let mut kiosk = Fixture::new();
        kiosk.handle.publish(panels());
        let client = kiosk.connect().await;
        for (name, value, part) in [
            ("Output", Variant::from(1u32), "Output has D-Bus type u, it must have s"),
            ("Calibration", Variant::from("none"), "Calibration has D-Bus type s, it must have ad, six numbers"),
            ("Calibration", Vec::<String>::new().into(), "Calibration has D-Bus type as"),
            ("Calibration", vec![1.0].into(), "allowed is six numbers of -10 to 10"),
            ("Calibration", vec![f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0].into(), "allowed is six numbers of -10 to 10"),
            ("Calibration", vec![1.0; 6].into(), "allowed is six numbers of -10 to 10"),
        ] {
            let (error, text) = refusal(set(&client, PANEL, INPUT, name, value).await);
            assert_eq!(error, "org.kioskd.Error.InvalidArgument", "{text}");
            assert!(text.starts_with("input Elo@1-2: ") && text.contains(part), "{text}");
        }
        let (error, _) = refusal(set(&client, PANEL, INPUT, "Kind", "pointer".into()).await);
        assert_eq!(error, "org.freedesktop.DBus.Error.PropertyReadOnly");
        assert!(kiosk.calls.try_recv().is_err());
    });
}

#[test]
fn an_answer_about_a_device_is_a_request_and_is_seen_as_a_property() {
    run(async {
        let mut kiosk = Fixture::new();
        kiosk.handle.publish(panels());
        let client = kiosk.connect().await;
        let none = HashMap::<String, Variant<'_>>::new();
        for trusted in [true, false] {
            let body = ("Elo@1-2", trusted, &none);
            let call = method(&client, ROOT_PATH, COMPOSITOR, "TrustInput", &body);
            let (done, request) = tokio::join!(call, kiosk.answer(Ok(Reply::Done)));
            done.unwrap();
            assert_eq!(request, Command::TrustInput { id: "Elo@1-2".into(), trusted });
        }
        assert_eq!(*get(&client, PANEL, INPUT, "Trusted").await, Variant::from(true));
        let mut waiting = panels();
        waiting.inputs[1].trusted = false;
        kiosk.handle.publish(waiting);
        assert_eq!(*get(&client, PANEL, INPUT, "Trusted").await, Variant::from(false));
        let options = HashMap::from([("for", Variant::from("ever"))]);
        let body = ("Elo@1-2", true, options);
        let (error, text) = refusal(method(&client, ROOT_PATH, COMPOSITOR, "TrustInput", &body).await);
        assert_eq!(error, "org.kioskd.Error.InvalidArgument", "{text}");
        assert!(kiosk.calls.try_recv().is_err());
    });
}
