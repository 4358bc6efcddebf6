//! What the loop hears of its end and tells of its life: termination signals and the service manager's watchdog.
//! Set up once, after the first frame.

use anyhow::{Context, anyhow};
use smithay::reexports::calloop::{
    Interest, Mode, PostAction,
    generic::Generic,
    timer::{TimeoutAction, Timer},
};

use crate::kiosk::{Exit, Kiosk};

/// SIGTERM and SIGINT end the loop in order. (As a pipe written by a handler of the standard kind: no signal mask
/// is inherited by children.)
pub fn listen_for_signals(kiosk: &mut Kiosk) -> anyhow::Result<()> {
    use std::os::unix::net::UnixStream;
    for (signal, name) in [(signal_hook::consts::SIGTERM, "SIGTERM"), (signal_hook::consts::SIGINT, "SIGINT")] {
        let (reader, writer) = UnixStream::pair().context("no socket pair for signals")?;
        reader.set_nonblocking(true).context("the signal pipe could not be set up")?;
        signal_hook::low_level::pipe::register(signal, writer)
            .with_context(|| format!("{name} could not be caught"))?;
        let source = Generic::new(reader, Interest::READ, Mode::Level);
        kiosk
            .handle
            .insert_source(source, move |_, _, kiosk| {
                tracing::info!("{name}: ending");
                kiosk.stop(Exit(0));
                Ok(PostAction::Remove)
            })
            .map_err(|error| anyhow!("{name} could not be watched: {error}"))?;
    }
    Ok(())
}

/// Tells the service manager that we live, from the loop that draws: a loop whose flips do not come back, or that
/// hangs, says nothing.
pub fn start_watchdog(kiosk: &mut Kiosk) {
    let Some(interval) = kiosk.notifier.watchdog() else { return };
    let half = interval / 2;
    let inserted = kiosk.handle.insert_source(Timer::from_duration(half), move |_, _, kiosk| {
        if kiosk.can_draw() {
            kiosk.notifier.alive();
        } else {
            tracing::error!("the screen cannot be drawn to; the watchdog is not fed");
        }
        TimeoutAction::ToDuration(half)
    });
    if let Err(error) = inserted {
        tracing::error!(%error, "no watchdog");
    }
}
