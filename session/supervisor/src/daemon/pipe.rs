//! Moves bytes between the daemon and a browser's DevTools pipe. Both queues are bounded: a browser that sends faster
//! than we handle blocks on the pipe, and one that does not read its commands is given up.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{Semaphore, mpsc};

use super::Input;
use crate::devtools::Frames;

/// Bytes read from the pipe at a time.
const BLOCK: usize = 16 * 1024;
/// Most bytes of queued messages; a longer message is queued alone.
const MAX_WAITING: usize = 4 * 1024 * 1024;
/// Smallest size that a message counts as: parsed, it takes more memory than its text.
const LEAST: usize = 1024;
/// Most queued commands for the browser, which gets a few a second and reads them at once.
pub(super) const MAX_ORDERS: usize = 1024;

/// Passes on the messages of the browser of this generation, until it closes its end or the daemon is gone.
pub(super) async fn read(mut pipe: Receiver, inputs: mpsc::UnboundedSender<Input>, generation: u64) {
    let room = Arc::new(Semaphore::new(MAX_WAITING));
    let mut frames = Frames::default();
    let mut block = vec![0; BLOCK];
    loop {
        match pipe.read(&mut block).await {
            Ok(0) => break,
            Err(error) => {
                tracing::debug!(%error, "the browser can't be heard any more");
                break;
            }
            Ok(count) => frames.push(block.get(..count).unwrap_or(&block)),
        }
        while let Some((message, size)) = frames.pop() {
            let size = size.clamp(LEAST, MAX_WAITING) as u32;
            // The permit is released when the daemon has handled the message.
            let Ok(room) = room.clone().acquire_many_owned(size).await else { return };
            if inputs.send(Input::FromBrowser { generation, message, _room: room }).is_err() {
                return;
            }
        }
    }
    let _ = inputs.send(Input::PipeClosed { generation, why: "the browser closed its pipe" });
}

/// Writes commands until the browser's end is closed.
pub(super) async fn write(mut pipe: Sender, mut orders: mpsc::Receiver<Vec<u8>>) {
    while let Some(order) = orders.recv().await {
        if let Err(error) = pipe.write_all(&order).await {
            return tracing::debug!(%error, "the browser does not take orders any more");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;
    use rustix::pipe::{PipeFlags, pipe_with};

    /// Writes as much as the pipe takes, and returns the number of bytes.
    async fn write_all_that_fits(pipe: &std::os::fd::OwnedFd, text: &[u8]) -> usize {
        let (mut written, mut refused) = (0, 0);
        while refused < 100 {
            match rustix::io::write(pipe, text) {
                Ok(count) => (written, refused) = (written + count, 0),
                Err(error) => {
                    assert_eq!(error, Errno::AGAIN);
                    refused += 1;
                    tokio::task::yield_now().await;
                    // The reader hears of it from the runtime's driver, which is asked when nothing else is to do.
                    tokio::time::sleep(std::time::Duration::ZERO).await;
                }
            }
        }
        written
    }

    #[tokio::test]
    async fn a_browser_that_floods_waits_at_its_own_end() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let (inputs, mut received) = mpsc::unbounded_channel();
        tokio::spawn(read(Receiver::from_owned_fd(reader).unwrap(), inputs, 1));
        let message = b"{\"a\":1}\0".repeat(512);
        let first = write_all_that_fits(&writer, &message).await;
        assert!(received.len() <= MAX_WAITING / LEAST, "{} wait", received.len());
        assert!(first <= MAX_WAITING / LEAST * 8 + 64 * 1024 + 2 * BLOCK, "{first} bytes were taken");
        // It goes on when the daemon does, and nothing is lost.
        let mut seen = 0;
        drop(writer);
        while let Some(input) = received.recv().await {
            match input {
                Input::FromBrowser { .. } => seen += 1,
                Input::PipeClosed { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, first / 8);
    }

    #[tokio::test]
    async fn a_message_longer_than_the_room_for_all_passes() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (inputs, mut received) = mpsc::unbounded_channel();
        tokio::spawn(read(Receiver::from_owned_fd(reader).unwrap(), inputs, 1));
        let message = format!("{{\"url\":\"{}\"}}\0", "x".repeat(MAX_WAITING * 2));
        let writing = std::thread::spawn(move || {
            let mut rest = message.as_bytes();
            for _ in 0..3 {
                while !rest.is_empty() {
                    rest = &rest[rustix::io::write(&writer, rest).unwrap()..];
                }
                rest = message.as_bytes();
            }
        });
        let mut seen = 0;
        while let Some(Input::FromBrowser { .. }) = received.recv().await {
            seen += 1;
        }
        writing.join().unwrap();
        assert_eq!(seen, 3);
    }
}
