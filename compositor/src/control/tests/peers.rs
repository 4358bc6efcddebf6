//! Peer to peer: reads, writes, signals, file descriptors, and what happens at the limits.

use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kiosk_bus::Endpoints;
use kiosk_core::config::{Brightness, Position, Rotation};
use kiosk_core::sockets::BindError;

use super::super::{objects::Objects, service::listen, shared::Shared};
use super::*;

#[test]
fn properties_are_read_from_the_last_snapshot() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Backend").await, Variant::from("kms"));
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
        assert_eq!(*get(&client, HDMI, OUTPUT, "Mode").await, Variant::from((1920u32, 1080u32, 60000u32)));
        kiosk.handle.publish(Snapshot { serial: 8, ..snapshot() });
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(8u32));
    });
}

#[test]
fn the_object_manager_lists_outputs_and_inputs_with_their_properties() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let reply = method(&client, ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).await;
        let objects: zbus::fdo::ManagedObjects = reply.unwrap().body().deserialize().unwrap();
        let mut paths: Vec<&str> = objects.keys().map(|p| p.as_str()).collect();
        paths.sort_unstable();
        let (edp, mouse) = ("/org/kioskd/Compositor1/outputs/eDP_2d1", "/org/kioskd/Compositor1/inputs/Mouse");
        assert_eq!(paths, [mouse, HDMI, edp]);
        let hdmi = objects.iter().find(|(path, _)| path.as_str() == HDMI).unwrap().1;
        assert_eq!(*hdmi.values().next().unwrap()["Make"], Variant::from("Dell"));
    });
}

#[test]
fn one_signal_tells_all_that_changed_and_nothing_else() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let mut signals = MessageStream::from(&client);
        // Answered after the connection has seen the first snapshot.
        get(&client, HDMI, OUTPUT, "Power").await;
        let mut new = snapshot();
        new.outputs[0].power = false;
        new.outputs[0].rotation = 90;
        new.outputs[0].frames_composed = 5;
        kiosk.handle.publish(new);
        let (member, path, message) = signal(&mut signals).await;
        assert_eq!((member.as_str(), path.as_str()), ("PropertiesChanged", HDMI));
        let (interface, changed, invalidated): Changed = message.body().deserialize().unwrap();
        assert_eq!((interface.as_str(), invalidated.len()), (OUTPUT, 0));
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert_eq!(*changed["Power"], Variant::from(false));
        assert_eq!(*changed["Rotation"], Variant::from(90u32));
    });
}

#[test]
fn frame_counters_are_read_but_never_announced() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let mut signals = MessageStream::from(&client);
        let mut new = snapshot();
        new.outputs[0].frames_direct = 5;
        kiosk.handle.publish(new.clone());
        assert_eq!(*get(&client, HDMI, OUTPUT, "FramesDirect").await, Variant::from(5u64));
        new.stage = "shell".into();
        kiosk.handle.publish(new);
        let (member, path, message) = signal(&mut signals).await;
        assert_eq!((member.as_str(), path.as_str()), ("PropertiesChanged", ROOT_PATH));
        let (_, changed, _): Changed = message.body().deserialize().unwrap();
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["Stage"]);
        let (member, _, message) = signal(&mut signals).await;
        assert_eq!((member.as_str(), message.body().deserialize::<&str>().unwrap()), ("StageChanged", "shell"));
    });
}

#[test]
fn objects_come_and_go_with_their_outputs() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let mut signals = MessageStream::from(&client);
        get(&client, HDMI, OUTPUT, "Power").await;
        let mut new = snapshot();
        new.outputs[0] = output("DP-1");
        kiosk.handle.publish(new);
        let (member, path, message) = signal(&mut signals).await;
        assert_eq!((member.as_str(), path.as_str()), ("InterfacesRemoved", ROOT_PATH));
        let (gone, interfaces): (zbus::OwnedObjectPath, Vec<String>) = message.body().deserialize().unwrap();
        assert_eq!((gone.as_str(), interfaces), (HDMI, vec![OUTPUT.to_owned()]));
        let (member, _, message) = signal(&mut signals).await;
        assert_eq!(member, "InterfacesAdded");
        type Added = (zbus::OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>);
        let (came, interfaces): Added = message.body().deserialize().unwrap();
        assert_eq!(came.as_str(), "/org/kioskd/Compositor1/outputs/DP_2d1");
        assert_eq!(*interfaces[OUTPUT]["Name"], Variant::from("DP-1"));
        let (name, _) = refusal(method(&client, HDMI, PROPERTIES, "GetAll", &OUTPUT).await);
        assert_eq!(name, "org.freedesktop.DBus.Error.UnknownObject");
    });
}

#[test]
fn a_written_property_is_a_kept_change_of_that_output() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let write = set(&client, HDMI, OUTPUT, "Rotation", 90u32.into());
        let (written, request) = tokio::join!(write, kiosk.answer(Ok(Reply::Serial(8))));
        let change = OutputChange { rotation: Some(Rotation::R90), ..Default::default() };
        let changes = vec![("HDMI-A-1".to_owned(), change)];
        assert_eq!(request, Command::ApplyOutputs { serial: 0, changes, mode: ApplyMode::Keep });
        written.unwrap();
    });
}

#[test]
fn several_outputs_are_changed_in_one_call_that_returns_the_new_serial() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let left = HashMap::from([("power", Variant::from(true)), ("mode", "3840x2160".into())]);
        let right = HashMap::from([("position", Variant::from((3840, 0))), ("brightness", 80.into())]);
        let options = HashMap::from([("revert-after", Variant::from("20s"))]);
        let body = (7u32, vec![("HDMI-A-1", left), ("eDP-1", right)], "temporary", options);
        let apply = method(&client, ROOT_PATH, COMPOSITOR, "ApplyOutputs", &body);
        let (applied, request) = tokio::join!(apply, kiosk.answer(Ok(Reply::Serial(9))));
        assert_eq!(applied.unwrap().body().deserialize::<u32>().unwrap(), 9);
        let left = OutputChange {
            power: Some(true),
            mode: Some(kiosk_core::config::ModeChoice::Exact { width: 3840, height: 2160, refresh: None }),
            ..Default::default()
        };
        let right = OutputChange {
            position: Position::try_from((3840, 0)).ok(),
            brightness: Brightness::try_from(80).ok(),
            ..Default::default()
        };
        let mode = ApplyMode::Temporary { revert_after: Duration::from_secs(20) };
        let changes = vec![("HDMI-A-1".into(), left), ("eDP-1".into(), right)];
        assert_eq!(request, Command::ApplyOutputs { serial: 7, changes, mode });
    });
}

#[test]
fn an_answer_comes_when_its_effect_can_be_read() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let write = async {
            set(&client, HDMI, OUTPUT, "Rotation", 90u32.into()).await.unwrap();
            get(&client, HDMI, OUTPUT, "Rotation").await
        };
        let event_loop = async {
            kiosk.answer(Ok(Reply::Serial(8))).await;
            // The rest of the loop's turn: a frame is drawn.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut new = Snapshot { serial: 8, ..snapshot() };
            new.outputs[0].rotation = 90;
            kiosk.handle.publish(new);
        };
        let (rotation, ()) = tokio::join!(write, event_loop);
        assert_eq!(*rotation, Variant::from(90u32));
    });
}

#[test]
fn a_screenshot_arrives_as_a_file_that_can_be_read() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"picture").unwrap();
        file.rewind().unwrap();
        let options: HashMap<&str, Variant<'_>> = HashMap::new();
        let body = ("eDP-1", options);
        let shoot = method(&client, ROOT_PATH, COMPOSITOR, "Screenshot", &body);
        let (shot, request) = tokio::join!(shoot, kiosk.answer(Ok(Reply::Png(file.into()))));
        assert_eq!(request, Command::Screenshot { output: Some("eDP-1".into()) });
        let fd: zbus::OwnedFd = shot.unwrap().body().deserialize().unwrap();
        let mut text = String::new();
        std::fs::File::from(std::os::fd::OwnedFd::from(fd)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "picture");
    });
}

#[test]
fn a_slow_call_holds_up_neither_reads_nor_other_calls() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let slow = tokio::spawn({
            let client = client.clone();
            async move { method(&client, ROOT_PATH, COMPOSITOR, "Confirm", &7u32).await.map(|_| ()) }
        });
        let call = kiosk.call().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
        let dismiss = method(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &());
        let (dismissed, request) = tokio::join!(dismiss, kiosk.answer(Ok(Reply::Done)));
        assert_eq!(request, Command::Dismiss);
        dismissed.unwrap();
        call.reply.send(Ok(Reply::Done)).unwrap();
        slow.await.unwrap().unwrap();
    });
}

#[test]
fn the_socket_is_for_everybody_and_goes_with_the_handle() {
    let kiosk = Fixture::new();
    drop(kiosk.stream());
    let mode = std::fs::metadata(kiosk.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let (path, _directory) = (kiosk.socket(), kiosk.directory);
    drop(kiosk.handle);
    assert!(!path.exists());
}

#[test]
fn the_socket_of_a_killed_predecessor_is_replaced_and_that_of_a_living_one_is_not() {
    run(async {
        let kiosk = Fixture::new();
        drop(kiosk.stream());
        let second = start(
            ListenOn { runtime_dir: kiosk.directory.path().into(), bus: Bus::None },
            |_| (),
            Snapshot { backend: "second".into(), ..snapshot() },
        );
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Backend").await, Variant::from("kms"));
        drop(second);
        assert!(kiosk.socket().exists(), "the end of the one that did not get the socket leaves it");
        let directory = tempfile::tempdir().unwrap();
        drop(std::os::unix::net::UnixListener::bind(directory.path().join("compositor.sock")).unwrap());
        let (to_loop, calls) = mpsc::unbounded_channel();
        let listen_on = ListenOn { runtime_dir: directory.path().into(), bus: Bus::None };
        let handle = start(listen_on, move |call| assert!(to_loop.send(call).is_ok()), snapshot());
        let kiosk = Fixture { handle, calls, directory };
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Backend").await, Variant::from("kms"));
    });
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    run(async {
        let kiosk = Fixture::new();
        drop(kiosk.stream());
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let client = kiosk.connect().await;
        get(&client, ROOT_PATH, COMPOSITOR, "Stage").await;
        drop(client);
        // More than one user may have at once, so places must come back too.
        for _ in 0..100 {
            let client = kiosk.connect().await;
            get(&client, ROOT_PATH, COMPOSITOR, "Stage").await;
            client.close().await.unwrap();
        }
        assert!(open() < 100, "{} file descriptors are open", open());
    });
}

#[test]
fn a_socket_that_cannot_be_made_at_first_is_made_later() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().join("compositor.sock");
        let (tries, socket) = (AtomicUsize::new(0), path.clone());
        let make = move || match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err(BindError::Make { path: socket.clone(), error: std::io::ErrorKind::StorageFull.into() }),
            _ => listen(&socket),
        };
        let (_snapshots, receiver) = tokio::sync::watch::channel(Arc::new(snapshot()));
        let authority = kiosk_core::authority::Authority::default();
        let shared = Shared { snapshots: receiver, to_loop: Box::new(|_| {}), authority, loop_timeout: SOON };
        let endpoints = Endpoints { listen: Box::new(make), bus: None, look: Arc::default() };
        let service = tokio::spawn(kiosk_bus::serve(endpoints, Arc::new(Objects(Arc::new(shared)))));
        let stream = loop {
            match std::os::unix::net::UnixStream::connect(&path) {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let client = Builder::unix_stream(stream).p2p().build().await.unwrap();
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Stage").await, Variant::from("splash"));
        service.abort();
    });
}
