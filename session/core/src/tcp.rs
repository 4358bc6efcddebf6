//! TCP connections whose other end may go without a word: a laptop that is closed, a device that loses its power.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// Silence after which the other end is asked whether it is there; by the kernels alone, neither program wakes up.
const IDLE: Duration = Duration::from_secs(60);
/// Between two such questions.
const INTERVAL: Duration = Duration::from_secs(15);
/// Questions without an answer that break the connection: two minutes after the last that was heard.
const QUESTIONS: u32 = 4;

/// Has a connection end whose other end is gone, also while nothing is sent. Errors: the socket is not TCP's.
pub fn notice_loss(stream: impl AsFd) -> io::Result<()> {
    let stream = stream.as_fd();
    sockopt::set_tcp_keepidle(stream, IDLE)?;
    sockopt::set_tcp_keepintvl(stream, INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, QUESTIONS)?;
    Ok(sockopt::set_socket_keepalive(stream, true)?)
}
