//! kiosk-agent beside the compositor, with a watcher that it tells of all that changes: what that costs a frame.

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::Machine;

use super::measure::{PLACE, as_tester};

/// The agent on a socket of its own, as the user that all are measured as, and a reader of `/v1/events`.
const SCRIPT: &str = r#"systemd-socket-activate --listen=$PWD/agent.sock -E XDG_RUNTIME_DIR=$PWD -E KIOSK_RUNTIME_DIR=$PWD \
  -E KIOSK_STATE_DIR=$PWD kiosk-agent > agent.log 2>&1 < /dev/null &
until [ -S agent.sock ]; do sleep 0.1; done
exec perl -MIO::Socket::UNIX -e '
  $socket = IO::Socket::UNIX->new("agent.sock") or die $!;
  print $socket "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  $| = 1; print while <$socket>' > events 2> watcher.log < /dev/null
"#;

/// Measures something of a compositor while its agent runs and is watched. An error: the watcher was told nothing of it.
pub fn beside_agent<T>(machine: &Machine, measured: impl FnOnce() -> Result<T>) -> Result<T> {
    let agent = machine.agent();
    agent.sh(&format!("rm -f {PLACE}/agent.sock {PLACE}/events && cat > {PLACE}/watched.sh <<'END'\n{SCRIPT}END"))?;
    let watcher = agent.stream(&as_tester("sh watched.sh"))?;
    let result = measured();
    let events = agent
        .sh(&format!("pkill -x kiosk-agent; pkill -x perl; cat {PLACE}/events {PLACE}/*.log"))
        .context("watcher")?;
    drop(watcher);
    ensure!(events.contains("Virtual-1"), "the watcher was told of no screen:\n{events}");
    result
}
