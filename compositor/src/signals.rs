//! Termination signals: SIGTERM and SIGINT end the loop in order.

use std::os::unix::net::UnixStream;

use anyhow::{Context, anyhow};
use signal_hook::consts::{SIGINT, SIGTERM};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use crate::{kiosk::Kiosk, lifecycle::Exit};

/// Listens to them. (As a pipe written by a handler of the standard kind: no signal mask is inherited by children.)
pub fn listen(kiosk: &mut Kiosk) -> anyhow::Result<()> {
    for (signal, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
        let (reader, writer) = UnixStream::pair().context("no socket pair for signals")?;
        reader.set_nonblocking(true).context("the signal pipe could not be set up")?;
        signal_hook::low_level::pipe::register(signal, writer)
            .with_context(|| format!("{name} could not be caught"))?;
        let source = Generic::new(reader, Interest::READ, Mode::Level);
        kiosk
            .handle
            .insert_source(source, move |_, _, kiosk| {
                tracing::info!(signal = name, "ending");
                kiosk.stop(Exit(0));
                Ok(PostAction::Remove)
            })
            .map_err(|error| anyhow!("{name} could not be watched: {error}"))?;
    }
    Ok(())
}
