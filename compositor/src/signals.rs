//! Signals: SIGTERM and SIGINT stop the loop, SIGHUP reloads the configuration.

use std::{
    io::{self, ErrorKind, Read},
    os::unix::net::UnixStream,
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use crate::{kiosk::Kiosk, lifecycle::Exit};

/// A signal that can't be caught: its name, and what the kernel said.
#[derive(Debug, thiserror::Error)]
#[error("{0} can't be caught: {1}")]
pub struct SignalError(&'static str, io::Error);

/// Adds them to the event loop, by a handler that writes to a pipe, so that children inherit no signal mask.
pub fn listen(kiosk: &mut Kiosk) -> Result<(), SignalError> {
    for (signal, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
        on(kiosk, signal, name, move |kiosk| {
            tracing::info!(signal = name, "ending");
            kiosk.stop(Exit(0));
        })?;
    }
    on(kiosk, SIGHUP, "SIGHUP", |kiosk| match kiosk.reload_configuration() {
        Ok(told) if told.is_empty() => tracing::info!("configuration reloaded; nothing changed"),
        Ok(told) => told.iter().for_each(|sentence| tracing::info!("configuration reloaded; {sentence}")),
        Err(error) => kiosk.problem(error.to_string()),
    })
}

fn on(
    kiosk: &mut Kiosk,
    signal: i32,
    name: &'static str,
    mut then: impl FnMut(&mut Kiosk) + 'static,
) -> Result<(), SignalError> {
    let failed = |error: io::Error| SignalError(name, error);
    let (reader, writer) = UnixStream::pair().map_err(failed)?;
    reader.set_nonblocking(true).map_err(failed)?;
    signal_hook::low_level::pipe::register(signal, writer).map_err(failed)?;
    let source = Generic::new(reader, Interest::READ, Mode::Level);
    let inserted = kiosk.main_loop.handle.insert_source(source, move |_, reader, kiosk| {
        // Several pending signals count as one.
        let mut bytes = [0; 64];
        loop {
            match (&**reader).read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        then(kiosk);
        Ok(PostAction::Continue)
    });
    inserted.map(drop).map_err(|error| failed(io::Error::other(error.to_string())))
}
