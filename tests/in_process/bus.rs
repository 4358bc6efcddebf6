//! Screens changed over D-Bus, peer to peer on the real socket, with the whole compositor behind it: trials that are
//! reverted, layouts that changed meanwhile, properties that are written.

use std::{
    collections::HashMap,
    os::unix::net::UnixStream,
    sync::mpsc,
    time::{Duration, Instant},
};

use kioskd::control::{self, Bus};
use smithay::reexports::calloop::channel;
use zbus::{Connection, MessageStream, OwnedVariant, Variant, connection::Builder};

use crate::fixture::Fixture;

const FIRST: &str = "HEADLESS-1";
pub const COMPOSITOR: &str = "org.kioskd.Compositor1";
pub const OUTPUT: &str = "org.kioskd.Output1";
pub const ROOT: &str = "/org/kioskd/Compositor1";
pub const OUTPUT_PATH: &str = "/org/kioskd/Compositor1/outputs/HEADLESS_2d1";
/// Shortest duration of a temporary change, seconds.
const SHORTEST: u32 = 1;

/// A kiosk that serves its D-Bus socket.
pub fn kiosk(outputs: &[&str]) -> Fixture {
    let mut fixture = Fixture::new(outputs);
    let (sender, receiver) = channel::channel();
    let source = fixture.kiosk.main_loop.handle.insert_source(receiver, |event, _, kiosk| {
        if let channel::Event::Msg(call) = event {
            kiosk.answer(call);
        }
    });
    source.unwrap();
    let listen_on = control::ListenOn { runtime_dir: fixture.directory.path().to_owned(), bus: Bus::None };
    let to_loop = move |call| assert!(sender.send(call).is_ok());
    fixture.kiosk.status.publisher.control = Some(control::start(listen_on, to_loop, fixture.kiosk.snapshot()));
    fixture
}

/// A caller, which runs on a thread while the compositor's loop turns, and closes its connection at the end.
pub fn caller<T: Send + 'static, F: Future<Output = T>>(
    fixture: &mut Fixture,
    says: impl FnOnce(Connection) -> F + Send + 'static,
) -> T {
    let socket = fixture.directory.path().join("compositor.sock");
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            // The control thread creates the socket after its start, and has a limit of connections.
            let connection = loop {
                if let Ok(stream) = UnixStream::connect(&socket)
                    && let Ok(connection) = Builder::unix_stream(stream).p2p().build().await
                {
                    break connection;
                }
                std::thread::yield_now();
            };
            says(connection).await
        });
        drop(runtime);
        done.send(said).unwrap();
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    let said = loop {
        assert!(Instant::now() < deadline, "the caller got no answer");
        // The control thread wakes the loop; the caller's end does not.
        fixture.turn(Duration::from_millis(10));
        match is_done.try_recv() {
            Ok(said) => break said,
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => panic!("the caller's side failed"),
        }
    };
    thread.join().unwrap();
    said
}

type Wanted<'a> = Vec<(&'a str, HashMap<&'a str, Variant<'a>>)>;

fn rotation(degrees: u32) -> Wanted<'static> {
    vec![(FIRST, HashMap::from([("rotation", degrees.into())]))]
}

/// Returns the new serial, or the error's name and text.
async fn apply(
    connection: &Connection,
    serial: u32,
    changes: Wanted<'_>,
    mode: &str,
    revert_after: Option<u32>,
) -> Result<u32, (String, String)> {
    let options: HashMap<&str, Variant<'_>> =
        revert_after.map(|seconds| ("revert-after", seconds.into())).into_iter().collect();
    let call = connection
        .call_method(None::<&str>, ROOT, Some(COMPOSITOR), "ApplyOutputs", &(serial, changes, mode, options))
        .await;
    match call {
        Ok(reply) => Ok(reply.body().deserialize().unwrap()),
        Err(zbus::Error::MethodError(name, text, _)) => Err((name.to_string(), text.unwrap_or_default())),
        Err(other) => panic!("{other}"),
    }
}

async fn get(connection: &Connection, path: &str, interface: &str, name: &str) -> OwnedVariant {
    let properties = Some("org.freedesktop.DBus.Properties");
    let reply = connection.call_method(None::<&str>, path, properties, "Get", &(interface, name)).await.unwrap();
    reply.body().deserialize().unwrap()
}

async fn serial(connection: &Connection) -> u32 {
    match &*get(connection, ROOT, COMPOSITOR, "Serial").await {
        Variant::U32(serial) => *serial,
        other => panic!("{other:?}"),
    }
}

fn degrees(fixture: &Fixture) -> u32 {
    fixture.kiosk.screens.by_name(FIRST).unwrap().rotation.degrees()
}

#[test]
fn a_temporary_change_goes_back_when_its_caller_is_dead() {
    let mut fixture = kiosk(&["320x200"]);
    let began = Instant::now();
    caller(&mut fixture, |connection| async move {
        apply(&connection, 0, rotation(90), "temporary", Some(SHORTEST)).await.unwrap();
    });
    assert_eq!(degrees(&fixture), 90);
    fixture.until("the picture of before", |fixture| degrees(fixture) == 0);
    assert!(began.elapsed() >= Duration::from_secs(SHORTEST.into()));
    assert!(fixture.kiosk.settings.saved.state.output("kioskd headless 1", FIRST).is_none());
}

#[test]
fn a_confirmed_change_stays() {
    let mut fixture = kiosk(&["320x200"]);
    caller(&mut fixture, |connection| async move {
        let serial = apply(&connection, 0, rotation(90), "temporary", Some(SHORTEST)).await.unwrap();
        let confirm = connection.call_method(None::<&str>, ROOT, Some(COMPOSITOR), "Confirm", &serial).await;
        confirm.unwrap();
        let again = connection.call_method(None::<&str>, ROOT, Some(COMPOSITOR), "Confirm", &serial).await;
        assert!(again.is_err(), "there is nothing to confirm any more");
    });
    fixture.pass(Duration::from_millis(1200));
    assert_eq!(degrees(&fixture), 90);
    assert!(fixture.kiosk.settings.saved.state.output("kioskd headless 1", FIRST).is_some());
}

#[test]
fn a_stale_serial_is_refused_and_the_screens_stay() {
    let mut fixture = kiosk(&["320x200", "200x100"]);
    caller(&mut fixture, |connection| async move {
        let seen = serial(&connection).await;
        let now = apply(&connection, seen, rotation(180), "keep", None).await.unwrap();
        assert_ne!(now, seen);
        for mode in ["verify", "temporary", "keep"] {
            let (name, text) = apply(&connection, seen, rotation(90), mode, None).await.unwrap_err();
            assert_eq!(name, "org.kioskd.Error.StaleSerial", "{mode}");
            assert!(text.contains(&format!("it is {now} now")), "{text}");
        }
        assert_eq!(serial(&connection).await, now);
        let confirm = connection.call_method(None::<&str>, ROOT, Some(COMPOSITOR), "Confirm", &seen).await;
        assert!(confirm.unwrap_err().to_string().contains("StaleSerial"));
    });
    assert_eq!(degrees(&fixture), 180);
}

#[test]
fn one_bad_change_undoes_all() {
    let mut fixture = kiosk(&["320x200", "200x100"]);
    caller(&mut fixture, |connection| async move {
        let before = serial(&connection).await;
        let mut changes = rotation(90);
        changes.push(("HEADLESS-2", HashMap::from([("mode", "1234x567".into())])));
        let (name, text) = apply(&connection, before, changes, "keep", None).await.unwrap_err();
        assert_eq!(name, "org.kioskd.Error.ModeRejected");
        assert!(text.starts_with("HEADLESS-2: "), "{text}");
        assert_eq!(serial(&connection).await, before, "nothing changed, not even for a moment");
    });
    assert_eq!(degrees(&fixture), 0);
}

#[test]
fn every_change_is_announced_with_the_serial_that_it_returned() {
    let mut fixture = kiosk(&["320x200"]);
    let announced = caller(&mut fixture, |connection| async move {
        let mut signals = MessageStream::from(&connection);
        serial(&connection).await;
        let made = apply(&connection, 0, rotation(270), "keep", None).await.unwrap();
        assert_eq!(*get(&connection, OUTPUT_PATH, OUTPUT, "Rotation").await, Variant::from(270u32));
        loop {
            let message = futures_util::StreamExt::next(&mut signals).await.unwrap().unwrap();
            if message.header().member().is_some_and(|member| member.as_str() == "LayoutChanged") {
                return (made, message.body().deserialize::<u32>().unwrap());
            }
        }
    });
    assert_eq!(announced.0, announced.1);
    assert_eq!(fixture.kiosk.screens.serial, announced.0);
}

#[test]
fn a_written_property_is_kept() {
    let mut fixture = kiosk(&["320x200"]);
    let directory = tempfile::tempdir().unwrap();
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    let refused = caller(&mut fixture, |connection| async move {
        let set = async |name: &str, value: Variant<'_>| {
            let properties = Some("org.freedesktop.DBus.Properties");
            connection.call_method(None::<&str>, OUTPUT_PATH, properties, "Set", &(OUTPUT, name, value)).await
        };
        set("Rotation", 90u32.into()).await.unwrap();
        set("Scale", 1.5f64.into()).await.unwrap();
        set("Position", (40i32, 10i32).into()).await.unwrap();
        set("Power", false.into()).await.unwrap();
        set("Power", true.into()).await.unwrap();
        assert_eq!(*get(&connection, OUTPUT_PATH, OUTPUT, "Position").await, Variant::from((40i32, 10i32)));
        let mut refused = Vec::new();
        for (name, value) in [
            ("Rotation", Variant::from(45u32)),
            ("Scale", 9.0f64.into()),
            ("Mode", (1u32, 1u32, 0u32).into()),
            ("Position", (100_000i32, 0i32).into()),
            ("Mirror", FIRST.into()),
            ("Brightness", 101i32.into()),
            ("Name", "other".into()),
        ] {
            refused.push((name, set(name, value).await.is_err()));
        }
        refused
    });
    assert!(refused.iter().all(|(_, refused)| *refused), "{refused:?}");
    let text = std::fs::read_to_string(directory.path().join("state.toml")).unwrap();
    for line in ["rotation = 90", "scale = 1.5", "position = [40, 10]"] {
        assert!(text.contains(line), "{text}");
    }
    let screen = fixture.primary();
    assert_eq!((screen.rotation.degrees(), screen.scale(), screen.power), (90, 1.5, true));
}
