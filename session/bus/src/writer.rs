//! The writing half of a connection's socket. A peer that does not read is disconnected, as pending replies take memory
//! and block those behind them.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;
use zbus::connection::socket::WriteHalf;
use zbus::export::async_trait::async_trait;
use zbus::fdo::ConnectionCredentials;

/// How long the peer's socket may stay full.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Descriptors in one message of ours: a screenshot is one.
const MAX_DESCRIPTORS: usize = 1;

/// zbus's writing half, which disconnects a peer that does not read.
#[derive(Debug)]
pub struct Writer(pub Arc<UnixStream>);

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(&mut self, buffer: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        match timeout(WRITE_TIMEOUT, self.0.async_io(Interest::WRITABLE, || send(&self.0, buffer, fds))).await {
            Ok(sent) => sent,
            Err(_elapsed) => {
                tracing::warn!("D-Bus peer does not read; disconnected");
                // Closes the reading half too, which ends the connection.
                let _ = shutdown(&self.0, Shutdown::Both);
                Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read"))
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(shutdown(&self.0, Shutdown::Both)?)
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }

    async fn peer_credentials(&mut self) -> io::Result<ConnectionCredentials> {
        let peer = self.0.peer_cred()?;
        let mut credentials = ConnectionCredentials::default().set_unix_user_id(peer.uid());
        for group in crate::caller::groups(peer.uid(), peer.gid()).await {
            credentials = credentials.add_unix_group_id(group);
        }
        Ok(credentials)
    }
}

fn send(socket: &UnixStream, buffer: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(socket, &[IoSlice::new(buffer)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
}
