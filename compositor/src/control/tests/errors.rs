//! Calls that are refused, and callers that ask too much.

use super::*;

#[test]
fn the_loops_refusals_arrive_by_name_and_with_their_sentence() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let errors = [
            (CommandError::NotReady("a".into()), "NotReady"),
            (CommandError::NotFound("b".into()), "NotFound"),
            (CommandError::StaleSerial("c".into()), "StaleSerial"),
            (CommandError::ModeRejected("d".into()), "ModeRejected"),
            (CommandError::InvalidArgument("e".into()), "InvalidArgument"),
            (CommandError::Unsupported("f".into()), "Unsupported"),
            (CommandError::Failed("g".into()), "Failed"),
        ];
        for (error, name) in errors {
            let text = error.to_string();
            let confirm = method(&client, ROOT_PATH, COMPOSITOR, "Confirm", &1u32);
            let (refused, _) = tokio::join!(confirm, kiosk.answer(Err(error)));
            assert_eq!(refusal(refused), (format!("org.kioskd.Error.{name}"), text));
        }
    });
}

#[test]
fn a_loop_that_never_answers_does_not_keep_the_caller_waiting() {
    run(async {
        let mut kiosk = Fixture::with(Bus::None, Duration::from_millis(100));
        let client = kiosk.connect().await;
        let (name, text) = refusal(method(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &()).await);
        assert_eq!(name, "org.kioskd.Error.NotReady");
        assert!(text.contains("did not answer within 0.1 s"), "{text}");
        // The late answer is dropped.
        assert!(kiosk.call().await.reply.send(Ok(Reply::Done)).is_err());
    });
}

#[test]
fn a_loop_that_ends_tells_the_caller() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let dismiss = method(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &());
        let (refused, ()) = tokio::join!(dismiss, async { drop(kiosk.call().await) });
        let (name, text) = refusal(refused);
        assert_eq!(name, "org.kioskd.Error.NotReady");
        assert!(text.contains("ending"), "{text}");
    });
}

#[test]
fn a_flood_from_one_caller_is_bounded_and_locks_no_other_out() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let flood: Vec<_> = (0..50)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { method(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &()).await.map(|_| ()) })
            })
            .collect();
        let held: Vec<Call> = [kiosk.call().await, kiosk.call().await].into();
        let other = kiosk.connect().await;
        let confirm = method(&other, ROOT_PATH, COMPOSITOR, "Confirm", &1u32);
        let served = async {
            let mut waiting = held;
            loop {
                let call = kiosk.call().await;
                if matches!(call.request, Command::Confirm { .. }) {
                    call.reply.send(Ok(Reply::Done)).unwrap();
                    return waiting;
                }
                waiting.push(call);
            }
        };
        let (confirmed, waiting) = tokio::join!(confirm, served);
        confirmed.unwrap();
        assert_eq!(waiting.len(), 8, "what one caller may have in flight");
        for call in waiting {
            call.reply.send(Ok(Reply::Done)).unwrap();
        }
        let mut busy = 0;
        for call in flood {
            if let Err(error) = call.await.unwrap() {
                assert_eq!(refusal::<()>(Err(error)).0, "org.kioskd.Error.NotReady");
                busy += 1;
            }
        }
        assert_eq!(busy, 42);
    });
}

#[test]
fn what_is_not_there_is_refused_by_its_kind() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let kind = |result| refusal::<Message>(result).0.rsplit('.').next().unwrap().to_owned();
        assert_eq!(kind(method(&client, ROOT_PATH, COMPOSITOR, "Explode", &()).await), "UnknownMethod");
        assert_eq!(kind(method(&client, ROOT_PATH, "a.b", "Explode", &()).await), "UnknownInterface");
        assert_eq!(kind(method(&client, "/nowhere", COMPOSITOR, "Dismiss", &()).await), "UnknownObject");
        assert_eq!(kind(method(&client, HDMI, COMPOSITOR, "Dismiss", &()).await), "UnknownInterface");
        let property = (COMPOSITOR, "Colour");
        assert_eq!(kind(method(&client, ROOT_PATH, PROPERTIES, "Get", &property).await), "UnknownProperty");
        assert_eq!(kind(method(&client, ROOT_PATH, COMPOSITOR, "Confirm", &"seven").await), "InvalidArgs");
        let (name, text) = refusal(set(&client, HDMI, OUTPUT, "Make", "LG".into()).await);
        assert_eq!(name, "org.freedesktop.DBus.Error.PropertyReadOnly");
        assert!(text.contains("Rotation"), "it says which can be written: {text}");
        let pairing = ("kiosk.local", "ABC-123", HashMap::<&str, Variant<'_>>::new());
        assert_eq!(kind(method(&client, ROOT_PATH, COMPOSITOR, "ShowPairing", &pairing).await), "InvalidArgument");
        assert_eq!(kind(method(&client, ROOT_PATH, COMPOSITOR, "SwitchVt", &64u32).await), "InvalidArgument");
        assert_eq!(
            kind(method(&client, HDMI, PROPERTIES, "Set", &(OUTPUT, "Rotation", Variant::from(45u32))).await),
            "InvalidArgument"
        );
    });
}

/// Runs `dbus-send` against the socket as a user without rights.
fn as_nobody(kiosk: &Fixture, arguments: &[&str]) -> String {
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "dbus-send", "--print-reply"])
        .arg(format!("--peer=unix:path={}", kiosk.socket().display()))
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn another_user_may_read_but_not_change() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    let mut kiosk = Fixture::new();
    drop(kiosk.stream());
    let read =
        as_nobody(&kiosk, &[ROOT_PATH, "org.freedesktop.DBus.Properties.GetAll", "string:org.kioskd.Compositor1"]);
    assert!(read.contains("\"Renderer\"") && read.contains("\"pixman\""), "{read}");
    let calls: [&[&str]; 4] = [
        &[ROOT_PATH, "org.kioskd.Compositor1.Dismiss"],
        &[ROOT_PATH, "org.kioskd.Compositor1.SwitchVt", "uint32:2"],
        &[ROOT_PATH, "org.kioskd.Compositor1.Confirm", "uint32:7"],
        &[
            HDMI,
            "org.freedesktop.DBus.Properties.Set",
            "string:org.kioskd.Output1",
            "string:Power",
            "variant:boolean:false",
        ],
    ];
    for call in calls {
        let refused = as_nobody(&kiosk, call);
        assert!(refused.contains("org.kioskd.Error.NotAuthorized"), "{call:?}: {refused}");
        assert!(refused.contains("org.kioskd.screen") && refused.contains("kiosk-admin"), "{refused}");
    }
    assert!(kiosk.calls.try_recv().is_err(), "the loop has heard nothing of it");
}
