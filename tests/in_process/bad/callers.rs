//! D-Bus callers that send invalid calls to the real socket: each call gets one error sentence, the screens stay as
//! they are, and the next caller is served.

use std::{
    collections::HashMap,
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use zbus::{Connection, DynamicType, Fd, Variant, connection::Builder};

use crate::{
    bus::{COMPOSITOR, OUTPUT, OUTPUT_PATH, ROOT, caller, kiosk},
    fixture::Fixture,
};

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const FIRST: &str = "HEADLESS-1";
const SECOND: &str = "HEADLESS-2";
const METHODS: [&str; 10] = [
    "ApplyOutputs",
    "Confirm",
    "Screenshot",
    "Frames",
    "SwitchVt",
    "ShowMessage",
    "ShowPairing",
    "Dismiss",
    "NoSuchMethod",
    "applyoutputs",
];
/// The limit for text that people read and logs keep.
const LONGEST_SENTENCE: usize = 1000;
const MANY: usize = 10_000;

type Wanted<'a> = Vec<(String, HashMap<String, Variant<'a>>)>;

/// The call must be refused with one sentence of a known kind.
async fn refused<B: serde::Serialize + DynamicType>(
    connection: &Connection,
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> String {
    let what = format!("{interface}.{member} on {path}");
    let text = match connection.call_method(None::<&str>, path, Some(interface), member, body).await {
        Err(zbus::Error::MethodError(name, text, _)) => {
            assert!(name.starts_with("org.kioskd.Error."), "{what}: {name}");
            text.unwrap_or_default()
        }
        // One of the D-Bus standard's errors.
        Err(zbus::Error::FDO(error)) => {
            let text = error.to_string();
            text.split_once(": ").map(|(_, text)| text.to_owned()).unwrap_or_default()
        }
        Ok(reply) => panic!("{what}: {reply:?}"),
        Err(other) => panic!("{what}: {other}"),
    };
    assert!(!text.is_empty() && text.len() < LONGEST_SENTENCE, "{what}: {text}");
    assert!(!text.chars().any(char::is_control), "{what}: {text:?}");
    text
}

fn variants() -> Vec<Variant<'static>> {
    let deep = (0..20).fold(Variant::from(1u8), |inner, _| Variant::Variant(Box::new(inner)));
    vec![
        f64::NAN.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        (-1.0).into(),
        1e308.into(),
        f64::MIN_POSITIVE.into(),
        i64::MIN.into(),
        u64::MAX.into(),
        u32::MAX.into(),
        i32::MIN.into(),
        101i32.into(),
        7u8.into(),
        "x".repeat(1 << 20).into(),
        "HEADLESS-1\n\u{1b}[31m\u{202e}".into(),
        "custom 99999999999x1@1e400".into(),
        (u32::MAX, u32::MAX, u32::MAX).into(),
        (0u32, 0u32, 0u32).into(),
        (i32::MIN, i32::MAX).into(),
        (1u32, 2u32).into(),
        vec![0u32; MANY].into(),
        vec![f64::NAN; 6].into(),
        deep,
    ]
}

/// The screens' state, in a form that can be compared.
fn state(fixture: &Fixture) -> String {
    let mut snapshot = fixture.kiosk.snapshot();
    snapshot.outputs.iter_mut().for_each(|output| (output.frames_composed, output.frames_direct) = (0, 0));
    format!("{:?} {:?}", snapshot.outputs, fixture.kiosk.settings.saved.state)
}

#[test]
fn every_method_refuses_wrong_arguments_in_a_sentence() {
    let mut fixture = kiosk(&["320x200", "200x100"]);
    let before = state(&fixture);
    caller(&mut fixture, |connection| async move {
        let huge = "ü".repeat(1 << 19);
        let null = std::fs::File::open("/dev/null").unwrap();
        for member in METHODS {
            for body in variants() {
                refused(&connection, ROOT, COMPOSITOR, member, &body).await;
            }
            refused(&connection, ROOT, COMPOSITOR, member, &(huge.as_str(), huge.as_str(), 1u8)).await;
            refused(&connection, ROOT, COMPOSITOR, member, &(Fd::from(&null), 1u8)).await;
            refused(&connection, ROOT, COMPOSITOR, member, &vec![(1u8, "x"); MANY]).await;
            refused(&connection, OUTPUT_PATH, COMPOSITOR, member, &()).await;
        }
        for (path, interface) in [("/", COMPOSITOR), ("/org/kioskd/Compositor1/outputs/X", OUTPUT), (ROOT, "a.b")] {
            refused(&connection, path, interface, "ApplyOutputs", &()).await;
        }
    });
    assert_eq!(state(&fixture), before);
}

#[test]
fn every_property_refuses_what_it_can_not_be() {
    let mut fixture = kiosk(&["320x200", "200x100"]);
    let before = state(&fixture);
    caller(&mut fixture, |connection| async move {
        for name in ["Power", "Rotation", "Scale", "Mode", "Position", "Mirror", "Brightness", "Name", "Modes", "x\ny"]
        {
            for value in variants() {
                refused(&connection, OUTPUT_PATH, PROPERTIES, "Set", &(OUTPUT, name, &value)).await;
                refused(&connection, ROOT, PROPERTIES, "Set", &(COMPOSITOR, name, &value)).await;
            }
            refused(&connection, ROOT, PROPERTIES, "Get", &(OUTPUT, name)).await;
        }
    });
    assert_eq!(state(&fixture), before);
}

#[test]
fn a_set_of_changes_that_has_anything_wrong_in_it_is_refused_as_a_whole() {
    let mut fixture = kiosk(&["320x200", "200x100"]);
    let before = state(&fixture);
    caller(&mut fixture, |connection| async move {
        let good = || HashMap::from([("rotation".to_owned(), Variant::from(90u32))]);
        let none = HashMap::<&str, Variant<'_>>::new();
        let ask = async |serial: u32, changes: Wanted<'_>, mode: &str, options: &HashMap<&str, Variant<'_>>| {
            refused(&connection, ROOT, COMPOSITOR, "ApplyOutputs", &(serial, changes, mode, options)).await
        };
        let many = (0..MANY).map(|number| (format!("DP-{number}"), good())).collect();
        assert!(ask(0, many, "keep", &none).await.starts_with("there is no output \"DP-0\""));
        let twice = (0..MANY).map(|_| (FIRST.to_owned(), good())).collect();
        assert_eq!(ask(0, twice, "keep", &none).await, "output HEADLESS-1 is listed twice, it may be once");
        let keys = (0..MANY).map(|number| (format!("key{number}"), Variant::from(1u8))).collect();
        assert!(ask(0, vec![(FIRST.to_owned(), keys)], "keep", &none).await.contains("to change, there are power"));
        let two = |value: Variant<'static>| {
            let second = HashMap::from([("scale".to_owned(), value)]);
            vec![(FIRST.to_owned(), good()), (SECOND.to_owned(), second)]
        };
        for value in variants() {
            ask(0, two(value), "keep", &none).await;
        }
        for mode in ["", "KEEP", "in-force", "verify\n", &"x".repeat(1 << 20)] {
            assert!(ask(0, two(1.5.into()), mode, &none).await.contains("it must be \"verify\""), "{mode:.20}");
        }
        assert!(ask(u32::MAX, two(1.5.into()), "keep", &none).await.contains("look again"));
        for value in variants() {
            let options = HashMap::from([("revert-after", value)]);
            assert!(ask(0, two(1.5.into()), "temporary", &options).await.contains("1 to 3600 seconds"));
        }
        let options = HashMap::from([("revert-aftr", Variant::from(5u32))]);
        assert!(ask(0, two(1.5.into()), "temporary", &options).await.contains("there is no option"));
        let circle = [(FIRST, SECOND), (SECOND, FIRST)]
            .map(|(output, source)| (output.to_owned(), HashMap::from([("mirror".to_owned(), Variant::from(source))])));
        assert!(ask(0, circle.into(), "keep", &none).await.contains("mirrors would go in a circle"));
        let place = || HashMap::from([("position".to_owned(), Variant::from((5i32, 5i32)))]);
        let over = vec![(FIRST.to_owned(), place()), (SECOND.to_owned(), place())];
        assert!(ask(0, over, "keep", &none).await.contains("would lie over each other"));
        let dark = |name: &str| {
            let change = [("power", Variant::from(false)), ("rotation", 90u32.into())];
            (name.to_owned(), change.map(|(key, value)| (key.to_owned(), value)).into())
        };
        assert!(ask(0, vec![dark(FIRST), dark(SECOND)], "keep", &none).await.contains("leave every screen dark"));
    });
    assert_eq!(state(&fixture), before);
}

#[test]
fn of_two_callers_who_saw_the_same_layout_one_changes_it() {
    let mut fixture = kiosk(&["320x200"]);
    let socket = fixture.directory.path().join("compositor.sock");
    let answers = caller(&mut fixture, |connection| async move {
        let other = UnixStream::connect(socket).unwrap();
        let other = Builder::unix_stream(other).p2p().build().await.unwrap();
        let serial = connection.call_method(None::<&str>, ROOT, Some(PROPERTIES), "Get", &(COMPOSITOR, "Serial")).await;
        let serial: zbus::OwnedVariant = serial.unwrap().body().deserialize().unwrap();
        let serial = u32::try_from(&*serial).unwrap();
        let body = |degrees: u32| {
            let change = HashMap::from([("rotation", Variant::from(degrees))]);
            (serial, vec![(FIRST, change)], "keep", HashMap::<&str, Variant<'_>>::new())
        };
        let (first, second) = (body(90), body(180));
        let (one, two) = tokio::join!(
            connection.call_method(None::<&str>, ROOT, Some(COMPOSITOR), "ApplyOutputs", &first),
            other.call_method(None::<&str>, ROOT, Some(COMPOSITOR), "ApplyOutputs", &second),
        );
        [one, two].map(|answer| match answer {
            Ok(_) => String::new(),
            Err(zbus::Error::MethodError(name, ..)) => name.to_string(),
            Err(other) => panic!("{other}"),
        })
    });
    let winner = answers.iter().position(String::is_empty).expect("one of them was in time");
    assert_eq!(answers[1 - winner], "org.kioskd.Error.StaleSerial");
    let degrees = fixture.kiosk.screens.by_name(FIRST).unwrap().rotation.degrees();
    assert_eq!(degrees, [90, 180][winner]);
}

#[test]
fn callers_that_do_not_read_and_hundreds_of_silent_ones_hold_up_no_other() {
    let mut fixture = kiosk(&["320x200"]);
    // The control thread has created the socket when the first caller is served.
    caller(&mut fixture, |_| async {});
    let socket = fixture.directory.path().join("compositor.sock");
    let mut deaf: Vec<UnixStream> = (0..4).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    for stream in &mut deaf {
        let uid: String = rustix::process::geteuid().as_raw().to_string().bytes().map(|b| format!("{b:02x}")).collect();
        let mut answer = [0; 256];
        write!(stream, "\0AUTH EXTERNAL {uid}\r\n").unwrap();
        assert!(stream.read(&mut answer).unwrap() > 0);
        stream.write_all(b"BEGIN\r\n").unwrap();
    }
    for round in 0..1500u32 {
        fixture.rotate(round % 4 * 90);
        fixture.kiosk.publish();
    }
    let silent: Vec<UnixStream> = (0..300).map_while(|_| UnixStream::connect(&socket).ok()).collect();
    assert!(silent.len() > 100, "{}", silent.len());
    drop(silent);
    fixture.rotate(90);
    let text =
        caller(
            &mut fixture,
            |connection| async move { refused(&connection, ROOT, COMPOSITOR, "SwitchVt", &0u32).await },
        );
    assert!(text.contains("1 to 63"), "{text}");
    drop(deaf);
}
