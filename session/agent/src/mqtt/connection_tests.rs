use proptest::prelude::*;

use super::*;

/// Over a stream of which the other end is read and written here, behind the greeting.
fn connection(stream: tokio::io::DuplexStream) -> Connection {
    let mut connection = Connection::over(Box::new(stream), Duration::from_secs(90), None);
    let hello = v5_0::Connect::builder().client_id("a").unwrap().clean_start(true).build().unwrap();
    let _ = connection.protocol.checked_send(hello);
    connection
}

/// A packet of a kind that there is, with a length that fits and content that need not.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(first, body)| [&[first, u8::try_from(body.len()).unwrap()], body.as_slice()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn whatever_a_broker_sends_ends_the_connection_at_most(
        greeted in any::<bool>(), packets in proptest::collection::vec(packet(), 0..6), rest in proptest::collection::vec(any::<u8>(), 0..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(1 << 16);
            let greeting: &[u8] = if greeted { &[0x20, 3, 0, 0, 0] } else { &[] };
            theirs.write_all(&[greeting, &packets.concat(), &rest].concat()).await.unwrap();
            theirs.shutdown().await.unwrap();
            let mut connection = connection(ours);
            for _ in 0..100 {
                if connection.next().await.is_err() {
                    return;
                }
            }
            panic!("it does not end");
        });
    }
}

#[test]
fn a_reason_is_read_as_words() {
    assert_eq!(words("BadUserNameOrPassword"), "bad user name or password");
    assert_eq!(words("Success"), "success");
}
