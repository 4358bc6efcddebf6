//! What the loop hears of its end and tells of its life: termination signals, a seat that was lost, and the service
//! manager's watchdog.

use std::time::Duration;

use anyhow::{Context, anyhow};
use smithay::reexports::calloop::{
    Interest, Mode, PostAction,
    generic::Generic,
    timer::{TimeoutAction, Timer},
};

use crate::kiosk::{Exit, Kiosk};

/// Within this time comes the news that another terminal has the screen.
const DOUBT: Duration = Duration::from_secs(3);

/// Whether the seat is still believed to be ours.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    #[default]
    None,
    /// Something of it has failed: it is looked at soon.
    Raised,
    /// The screens take nothing from us, and no news has come yet.
    Seen,
}

impl Kiosk {
    /// What the seat gave us has failed: an input device is gone, or a screen takes nothing from us. On the way to
    /// another terminal that is as it should be. Otherwise the seat may be lost and nobody tells us: logind takes all
    /// devices back when it is restarted, and then denies that it gave them. Who is started again gets them again.
    ///
    /// It is looked at twice: somebody may be on the way to another terminal just when it is looked at.
    pub fn doubt_seat(&mut self) {
        if self.paused || self.timers.doubt != Doubt::None {
            return;
        }
        self.timers.doubt = Doubt::Raised;
        self.after(DOUBT, |kiosk| {
            if kiosk.paused || kiosk.backend.has_screens() {
                kiosk.timers.doubt = Doubt::None;
                return;
            }
            kiosk.timers.doubt = Doubt::Seen;
            kiosk.after(DOUBT, |kiosk| {
                // Not if the screens went to another terminal meanwhile, also if they are on the way to the next.
                if std::mem::take(&mut kiosk.timers.doubt) == Doubt::Seen && !kiosk.backend.has_screens() {
                    tracing::error!(
                        "the screens were taken from us, as when logind is restarted: kioskd ends, to be started again"
                    );
                    kiosk.stop(Exit(1));
                }
            });
        });
    }

    /// The seat tells us what becomes of the screens.
    pub fn trust_seat(&mut self) {
        if self.timers.doubt == Doubt::Seen {
            self.timers.doubt = Doubt::Raised;
        }
    }
}

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
