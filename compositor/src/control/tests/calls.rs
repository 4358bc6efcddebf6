//! How a call finds its method, and what is said where it does not.

use proptest::prelude::*;

use super::*;

#[test]
fn a_call_without_an_interface_finds_its_method() {
    run(async {
        let mut kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let call =
            async |path: &str, member: &str| client.call_method(None::<&str>, path, None::<&str>, member, &()).await;
        let (dismissed, request) = tokio::join!(call(ROOT_PATH, "Dismiss"), kiosk.answer(Ok(Reply::Done)));
        dismissed.unwrap();
        assert_eq!(request, Command::Dismiss);
        assert!(call(ROOT_PATH, "Introspect").await.is_ok());
        assert!(call("/", "Ping").await.is_ok());
        assert!(refusal(call(OUTPUTS_PATH, "Dismiss").await).0.ends_with("UnknownMethod"));
    });
}

#[test]
fn a_wrong_signature_is_answered_with_the_right_one() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let (_, text) = refusal(method(&client, ROOT_PATH, COMPOSITOR, "Confirm", &"seven").await);
        assert!(text.contains("Confirm takes arguments of type \"u\", not \"s\""), "{text}");
        let (_, text) = refusal(method(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &1u32).await);
        assert!(text.contains("\"\""), "{text}");
        // What is said again of a caller's text is a text that can be sent.
        let zero = ("org.kioskd\0Output1", "Power", Variant::from(true));
        let (_, text) = refusal(method(&client, ROOT_PATH, PROPERTIES, "Set", &zero).await);
        assert!(!text.is_empty() && !text.contains('\0'), "{text}");
    });
}

#[test]
fn no_call_ends_the_service() {
    let paths = "(/[a-zA-Z0-9_]{1,12}){1,5}|/org/kioskd(/Compositor1(/outputs(/HDMI_2dA_2d1)?)?)?";
    let interfaces =
        "org\\.kioskd\\.(Compositor1|Output1)|org\\.freedesktop\\.DBus\\.(Properties|Peer)|[a-z]+\\.[a-z]+";
    let members = "Get|Set|GetAll|Ping|Confirm|ApplyOutputs|[A-Z][a-z]{0,8}";
    let words = proptest::collection::vec("\\PC{0,8}|org.kioskd.Output1|Power", 0..4);
    let kiosk = Fixture::new();
    drop(kiosk.stream());
    proptest!(|(path in paths, interface in interfaces, member in members, words in words)| {
        let answer = run(async {
            let client = kiosk.connect().await;
            let (path, interface, member) = (path.as_str(), interface.as_str(), member.as_str());
            match words.as_slice() {
                [] => method(&client, path, interface, member, &()).await,
                [a] => method(&client, path, interface, member, a).await,
                [a, b] => method(&client, path, interface, member, &(a, b)).await,
                rest => {
                    let value = Variant::from(rest[2].as_str());
                    method(&client, path, interface, member, &(&rest[0], &rest[1], value)).await
                }
            }
        });
        if answer.is_err() {
            let (name, text) = refusal(answer);
            prop_assert!(name.contains(".Error.") && !text.is_empty());
        }
    });
}
