//! Moves bytes between the session and the socket of somebody who looks at a page by DevTools: messages of JSON, each ended
//! by a NUL byte, as on the browser's own pipe. Both directions are bounded.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Input;

/// Longest command, bytes: a script or a style sheet that is edited.
const MAX_COMMAND: usize = 4 << 20;
/// Commands that wait for the session.
const MAX_COMMANDS: usize = 16;
/// Bytes that wait for the reader; one longer message waits alone.
const MAX_WAITING: usize = 32 << 20;
/// Smallest size that a message counts as.
const LEAST: usize = 256;
/// For a message to be taken; who does not read for longer is left.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes read at a time.
const BLOCK: usize = 16 << 10;

/// What the other side did.
#[derive(Debug)]
pub(crate) enum Said {
    /// A command, with its permit from the bounded queue.
    Command(Vec<u8>, OwnedSemaphorePermit),
    /// It closed the socket, or takes nothing.
    Left,
    /// Its command is longer than [`MAX_COMMAND`].
    TooLong,
}

/// The queue to the other side.
pub(super) struct Queue {
    messages: mpsc::UnboundedSender<(Vec<u8>, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl Queue {
    /// And what [`write()`] takes.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<(Vec<u8>, OwnedSemaphorePermit)>) {
        let (messages, receiver) = mpsc::unbounded_channel();
        (Queue { messages, room: Arc::new(Semaphore::new(MAX_WAITING)) }, receiver)
    }

    /// False: there is no room, as the other side does not read.
    pub fn push(&self, mut message: Vec<u8>) -> bool {
        message.push(0);
        let size = message.len().clamp(LEAST, MAX_WAITING) as u32;
        let room = self.room.clone().try_acquire_many_owned(size);
        // One that has left is told by the reader.
        room.is_ok_and(|room| self.messages.send((message, room)).is_ok() || self.messages.is_closed())
    }
}

/// Passes on the commands until the other side goes, or says what is no command.
pub(super) async fn read(mut socket: OwnedReadHalf, number: u64, inputs: mpsc::UnboundedSender<Input>) {
    let room = Arc::new(Semaphore::new(MAX_COMMANDS));
    let (mut partial, mut block) = (Vec::new(), vec![0; BLOCK]);
    let tell = |said| inputs.send(Input::Inspector { number, said }).is_ok();
    loop {
        let mut bytes = match socket.read(&mut block).await {
            Ok(0) | Err(_) => {
                tell(Said::Left);
                return;
            }
            Ok(count) => block.get(..count).unwrap_or(&block),
        };
        while let Some((command, rest)) =
            bytes.iter().position(|byte| *byte == 0).and_then(|end| bytes.split_at_checked(end))
        {
            partial.extend_from_slice(command);
            if partial.len() > MAX_COMMAND {
                tell(Said::TooLong);
                return;
            }
            // Released when the session has handled it.
            let Ok(room) = room.clone().acquire_owned().await else { return };
            if !tell(Said::Command(std::mem::take(&mut partial), room)) {
                return;
            }
            bytes = rest.strip_prefix(&[0]).unwrap_or_default();
        }
        partial.extend_from_slice(bytes);
        if partial.len() > MAX_COMMAND {
            tell(Said::TooLong);
            return;
        }
    }
}

/// Writes what waits, to the end of the queue.
pub(super) async fn write(
    mut socket: OwnedWriteHalf,
    number: u64,
    mut messages: mpsc::UnboundedReceiver<(Vec<u8>, OwnedSemaphorePermit)>,
    inputs: mpsc::UnboundedSender<Input>,
) {
    while let Some((message, _room)) = messages.recv().await {
        let written = tokio::time::timeout(WRITE_TIMEOUT, socket.write_all(&message)).await;
        if !matches!(written, Ok(Ok(()))) {
            return drop(inputs.send(Input::Inspector { number, said: Said::Left }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    fn started() -> (UnixStream, mpsc::UnboundedReceiver<Input>, Queue) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (reader, writer) = ours.into_split();
        let (inputs, received) = mpsc::unbounded_channel();
        let (queue, messages) = Queue::new();
        tokio::spawn(read(reader, 1, inputs.clone()));
        tokio::spawn(write(writer, 1, messages, inputs));
        (theirs, received, queue)
    }

    async fn said(received: &mut mpsc::UnboundedReceiver<Input>) -> Said {
        match received.recv().await {
            Some(Input::Inspector { said, .. }) => said,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn commands_are_whole_however_they_arrive() {
        let (mut theirs, mut received, _queue) = started();
        for bytes in [&b"{\"a\""[..], b":1}\0{", b"}\0\0{\"b\"", b":2}\0"] {
            theirs.write_all(bytes).await.unwrap();
            tokio::task::yield_now().await;
        }
        for wanted in [&b"{\"a\":1}"[..], b"{}", b"", b"{\"b\":2}"] {
            let Said::Command(command, _) = said(&mut received).await else { panic!("it is a command") };
            assert_eq!(command, wanted);
        }
        drop(theirs);
        assert!(matches!(said(&mut received).await, Said::Left));
    }

    #[tokio::test]
    async fn an_endless_command_ends_it_and_a_flood_waits_at_its_own_end() {
        let (mut theirs, mut received, queue) = started();
        let flood = tokio::spawn(async move {
            let commands = b"{}\0".repeat(100_000);
            let _ = theirs.write_all(&commands).await;
            let block = vec![b'x'; 1 << 20];
            while theirs.write_all(&block).await.is_ok() {}
        });
        let (mut count, mut most) = (0, 0);
        loop {
            most = most.max(received.len());
            match said(&mut received).await {
                Said::Command(..) => count += 1,
                Said::TooLong => break,
                Said::Left => panic!("it has not left"),
            }
        }
        assert_eq!(count, 100_000);
        assert!(most <= MAX_COMMANDS, "{most} waited");
        drop(queue);
        flood.await.unwrap();
    }

    #[tokio::test]
    async fn who_does_not_read_has_no_room_for_ever() {
        let (theirs, _received, queue) = started();
        let long = vec![b'x'; 1 << 20];
        let taken = (0..100).take_while(|_| queue.push(long.clone())).count();
        assert!((16..40).contains(&taken), "{taken} MiB");
        drop(theirs);
    }

    #[tokio::test]
    async fn messages_arrive_each_with_its_end() {
        let (mut theirs, _received, queue) = started();
        assert!(queue.push(b"{\"a\":1}".to_vec()) && queue.push(b"{}".to_vec()));
        let mut read = [0; 11];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"{\"a\":1}\0{}\0");
    }
}
