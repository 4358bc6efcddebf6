//! DevTools of a page over a WebSocket (RFC 6455), as front ends speak it: each text is one message of the DevTools protocol.
//! kiosk-agent serves it to the network and kioskctl on the operator's machine; on the kiosk's side is the socket of
//! `Session1.Inspect`, whose messages end with a NUL byte. Both directions wait for their readers.

use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use kiosk_core::api::{INSPECT_TIME, MAX_INSPECTOR, session_path};
use kiosk_core::text::{printable, shortened};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::{Client, Failure, Options, Service, page, values};

/// For how long somebody looks who does not say.
pub const USUAL_TIME: Duration = Duration::from_secs(600);
/// Longest command, bytes; kiosk-session takes no longer ones.
const MAX_COMMAND: usize = 4 << 20;
/// Most that is held of a browser's message, bytes. A longer one goes on in fragments (RFC 6455, section 5.4): one of 32 MiB held
/// whole, and again as it is sent, would be more than the memory that kiosk-agent's unit allows.
const MAX_HELD: usize = 64 << 10;

/// The page's DevTools socket, for `time` of [`INSPECT_TIME`]. `shell` as in [`page`]; `who`: for the screen, shortened to what
/// fits.
pub async fn inspect(client: &Client, shell: Option<&str>, who: &str, time: Duration) -> Result<OwnedFd, Failure> {
    let peer = client.connect(Service::Session).await?;
    let number = match shell {
        None => 0,
        Some(wanted) => page::number(&values::array(&peer.properties().await?, "Shells"), wanted)?,
    };
    let who: String = printable(&shortened(who, MAX_INSPECTOR.saturating_sub(1)));
    let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let body = (seconds, who.as_str(), Options::new());
    let socket: zbus::OwnedFd = peer.call_object(&session_path(number), "Inspect", &body).await?;
    Ok(socket.into())
}

/// Whether a page may be looked at for so long.
pub fn is_time(time: Duration) -> bool {
    INSPECT_TIME.contains(&time)
}

/// A new `Sec-WebSocket-Key`, of a request.
pub fn key() -> String {
    generate_key()
}

/// What is answered to a request's `Sec-WebSocket-Key`; `None`: it is none.
pub fn accept(key: &str) -> Option<String> {
    // 16 bytes in base64.
    let is_key = key.len() == 24
        && key.ends_with("==")
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    is_key.then(|| derive_accept_key(key.as_bytes()))
}

/// Carries messages between the kiosk's socket and a WebSocket whose handshake is done, until one of both ends. Errors: the
/// socket can't be used.
pub async fn carry<S>(socket: OwnedFd, stream: S) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = net::UnixStream::from(socket);
    socket.set_nonblocking(true)?;
    let (mut reader, mut writer) = UnixStream::from_std(socket)?.into_split();
    let config = WebSocketConfig::default().max_message_size(Some(MAX_COMMAND)).max_frame_size(Some(MAX_COMMAND));
    let (mut sink, mut source) = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await.split();
    let commands = async {
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Text(text) => {
                    // A NUL byte would end the command early, and JSON has none.
                    let text: Vec<u8> = text.bytes().filter(|byte| *byte != 0).chain([0]).collect();
                    if writer.write_all(&text).await.is_err() {
                        return;
                    }
                }
                Message::Binary(_) | Message::Close(_) => return,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    };
    let messages = async {
        let mut held = Vec::with_capacity(MAX_HELD);
        // Whether the beginning of the message has left.
        let mut begun = false;
        let mut frame = |text: &[u8], is_final: bool| {
            let kind = if std::mem::replace(&mut begun, !is_final) { Data::Continue } else { Data::Text };
            Message::Frame(Frame::message(text.to_vec(), OpCode::Data(kind), is_final))
        };
        loop {
            let seen = held.len();
            let room = MAX_HELD.saturating_sub(seen) as u64;
            if !matches!((&mut reader).take(room).read_buf(&mut held).await, Ok(1..)) {
                return;
            }
            let mut rest = held.as_slice();
            let mut looked = seen;
            while let Some(at) = rest.iter().skip(looked).position(|byte| *byte == 0).map(|at| at + looked) {
                let (message, others) = rest.split_at(at);
                if sink.send(frame(message, true)).await.is_err() {
                    return;
                }
                (rest, looked) = (others.get(1..).unwrap_or_default(), 0);
            }
            if rest.len() == MAX_HELD {
                if sink.send(frame(rest, false)).await.is_err() {
                    return;
                }
                rest = &[];
            }
            let left = rest.len();
            held.drain(..held.len() - left);
        }
    };
    tokio::select! {
        () = commands => {}
        () = messages => {}
    }
    // Each may be refused by a side that is gone. A close of the other side's is answered (RFC 6455, section 5.5.1); where there
    // was none, ours says why.
    let reason = "the inspection has ended; the journal says why".into();
    let _ = sink.send(Message::Close(Some(CloseFrame { code: CloseCode::Away, reason }))).await;
    let _ = sink.close().await;
    if let Ok(mut stream) = sink.reunite(source) {
        let _ = stream.get_mut().shutdown().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_standard_has_it() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert!(accept(&key()).is_some());
        for wrong in ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ\n==", &"x".repeat(1000)] {
            assert_eq!(accept(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn messages_are_carried_whole_in_both_directions_and_an_end_is_told() {
        let (ours, theirs) = net::UnixStream::pair().unwrap();
        let (near, far) = tokio::io::duplex(1000);
        let carrying = tokio::spawn(carry(theirs.into(), near));
        let mut front_end = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        ours.set_nonblocking(true).unwrap();
        let mut session = UnixStream::from_std(ours).unwrap();
        let long = "x".repeat(100_000);
        let answer = format!("{{\"id\":1,\"r\":\"{}\"}}", "\u{1f4c4}é".repeat(100_000));
        let command = format!("{{\"id\":1,\"m\":\"{long}\"}}");
        let wanted = format!("{command}\0");
        let (_, said) = tokio::join!(front_end.send(Message::text(command)), async {
            let mut read = vec![0; wanted.len()];
            session.read_exact(&mut read).await.unwrap();
            read
        });
        assert_eq!(said, wanted.as_bytes());
        // Longer than what is held, and cut in the middle of a character.
        let bytes = format!("{answer}\0{{}}\0");
        let (_, heard) = tokio::join!(session.write_all(bytes.as_bytes()), async {
            [front_end.next().await.unwrap().unwrap(), front_end.next().await.unwrap().unwrap()]
        });
        assert_eq!(heard.map(|message| message.into_text().unwrap().to_string()), [answer, "{}".to_owned()]);
        drop(session);
        assert!(matches!(front_end.next().await, Some(Ok(Message::Close(Some(_))))));
        carrying.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_front_end_that_closes_is_answered_as_the_standard_has_it() {
        let (ours, theirs) = net::UnixStream::pair().unwrap();
        let (near, far) = tokio::io::duplex(1000);
        let carrying = tokio::spawn(carry(theirs.into(), near));
        let mut front_end = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let reason = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        front_end.send(Message::Close(Some(reason.clone()))).await.unwrap();
        assert!(matches!(front_end.next().await, Some(Ok(Message::Close(Some(told)))) if told == reason));
        assert!(front_end.next().await.is_none(), "and then the connection ends");
        carrying.await.unwrap().unwrap();
        drop(ours);
    }
}
