//! `org.kioskd.Compositor1`, the root object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kiosk_bus::{Failure, Served};
use kiosk_core::config::masked;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedFd, interface};

use crate::command::{Frames, Reply};
use crate::control::change::Options;
use crate::control::requests;
use crate::control::shared::{Request, Shared};
use crate::frame_times::Spread;
use crate::snapshot::Snapshot;

/// The compositor as of `now`.
pub struct Compositor {
    /// The channel to the event loop, and access control.
    pub shared: Arc<Shared>,
    /// The snapshot that all properties are read from.
    pub now: Arc<Snapshot>,
}

impl Served for Compositor {}

impl Compositor {
    /// Sends a command that is answered by a list of sentences.
    async fn told(
        &self,
        request: Request,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<Vec<String>, Failure> {
        match self.shared.ask(request, connection, header).await? {
            Reply::Told(told) => Ok(told),
            _ => Ok(Vec::new()),
        }
    }
}

type FrameCounts = BTreeMap<&'static str, u64>;
/// Last, median, most.
type FrameTimes = BTreeMap<&'static str, (u64, u64, u64)>;

fn told_frames(Frames { direct, composed, summary }: &Frames) -> (FrameCounts, FrameTimes) {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let spread = |times: Spread| (micros(times.last), micros(times.median), micros(times.max));
    let counts = [
        ("direct", *direct),
        ("composed", *composed),
        ("lost-flips", summary.lost_flips),
        ("missed-latches", summary.missed_latches),
        ("frames", summary.frames.into()),
    ];
    let times = [("handling", summary.handling), ("draw", summary.draw), ("flip", summary.flip)];
    (counts.into(), times.map(|(name, times)| (name, spread(times))).into())
}

/// The compositor.
#[interface(name = "org.kioskd.Compositor1")]
impl Compositor {
    /// Changes several outputs at once, all or nothing. serial: the layout the changes were made for, 0: whatever it
    /// is now. changes: output name and power b, rotation u, scale d (0.0: auto), mode (uuu) or s as in the
    /// configuration, position (ii), mirror s, brightness i. mode: verify, temporary or keep. options: revert-after (u
    /// seconds or s such as 15s, for temporary; default 15 s).
    #[zbus(out_args("new_serial"))]
    async fn apply_outputs(
        &self,
        serial: u32,
        changes: Vec<(String, Options)>,
        mode: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<u32, Failure> {
        let request = requests::apply_outputs(&self.now, serial, changes, mode, &options)?;
        match self.shared.ask(request, connection, &header).await? {
            Reply::Serial(serial) => Ok(serial),
            _ => Ok(self.shared.snapshots.borrow().serial),
        }
    }

    /// Keeps a temporary change; serial is what ApplyOutputs returned.
    async fn confirm(
        &self,
        serial: u32,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::confirm(serial), connection, &header).await.map(drop)
    }

    /// What the output shows, as a PNG in a memory file. output: empty for the primary one.
    #[zbus(out_args("png"))]
    async fn screenshot(
        &self,
        output: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<OwnedFd, Failure> {
        let request = requests::screenshot(&self.now, output, &options)?;
        match self.shared.ask(request, connection, &header).await? {
            Reply::Png(png) => Ok(png.into()),
            _ => Err(Failure::kiosk("Failed", "the picture was not made")),
        }
    }

    /// What became of the output's frames, and where the time of the last ones went. output: empty for the primary one.
    /// counts, since the output is there: direct t (a client's buffer on the plane), composed t (drawn, wholly or in
    /// part), lost-flips t (page flips that did not come within a second), missed-latches t (frames shown later than at
    /// the vertical blank after they were queued); and frames t, of how many of the last the times are, at most 120.
    /// times, microseconds, of the last one, the median and the most: handling (from the wake-up to the begin of
    /// drawing: input, requests and commits), draw (until the frame was queued), flip (until it was shown).
    #[zbus(out_args("counts", "times"))]
    async fn frames(
        &self,
        output: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(FrameCounts, FrameTimes), Failure> {
        let request = requests::frames(&self.now, output, &options)?;
        match self.shared.ask(request, connection, &header).await? {
            Reply::Frames(frames) => Ok(told_frames(&frames)),
            _ => Err(Failure::kiosk("Failed", "the frames were not counted")),
        }
    }

    /// Whether an input device is heard from now on, kept. input: its Id. Not trusted, it is silent, whatever the
    /// configuration says.
    async fn trust_input(
        &self,
        input: &str,
        trusted: bool,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::trust_input(input, trusted, &options)?, connection, &header).await.map(drop)
    }

    /// Reads the configuration again and takes it, all of it or nothing; the screens as one transaction. told: what has
    /// changed, a sentence each, and what brings into force what cannot be changed now.
    #[zbus(out_args("told"))]
    async fn reload_configuration(
        &self,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<String>, Failure> {
        self.told(requests::reload_configuration(&options)?, connection, &header).await
    }

    /// Forgets what was kept of outputs at runtime, so that the configuration counts again. outputs: their names; empty:
    /// all, also those that are not connected. options: key (s), such as rotation; without it everything.
    #[zbus(out_args("told"))]
    async fn forget(
        &self,
        outputs: Vec<String>,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<String>, Failure> {
        self.told(requests::forget(&self.now, &outputs, &options)?, connection, &header).await
    }

    /// Switches to a virtual terminal, 1 to 63.
    async fn switch_vt(
        &self,
        vt: u32,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::switch_vt(vt)?, connection, &header).await.map(drop)
    }

    /// Shows a text over everything until Dismiss. options: title s. whole: whether all of it is seen on every screen;
    /// characters: how many of the text are, where they are fewest.
    #[zbus(out_args("whole", "characters"))]
    async fn show_message(
        &self,
        text: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(bool, u32), Failure> {
        let all = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        match self.shared.ask(requests::show_message(text, &options)?, connection, &header).await? {
            Reply::Shown { cut_to: Some(characters) } => Ok((false, characters.min(all))),
            _ => Ok((true, all)),
        }
    }

    /// Shows a pairing screen with a QR code until it expires or Dismiss. url: http or https, where {address} stands for the
    /// device's own address; empty: as the configuration has it for the device. code: to be typed, empty: none. options: title s, expires (u seconds or s such as 10m), wifi s (the name of
    /// a network, for a second QR code that joins it), wifi-password s. shown: what the QR code says; empty: the device has
    /// no address yet, the screen says so and shows it when it has one.
    #[zbus(out_args("shown"))]
    async fn show_pairing(
        &self,
        url: &str,
        code: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<String, Failure> {
        match self.shared.ask(requests::show_pairing(url, code, &options)?, connection, &header).await? {
            Reply::Pairing { url } => Ok(url),
            _ => Err(Failure::kiosk("Failed", "the pairing screen was not shown")),
        }
    }

    /// The keyboard on the screen. mode: show, hide, or auto: it comes and goes with the text fields. Lasts until the next
    /// such call, its own hide key or a restart.
    async fn set_keyboard(
        &self,
        mode: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::keyboard(mode, &options)?, connection, &header).await.map(drop)
    }

    /// An aid for people whom a keyboard or a screen does not suit as it is: sticky-keys, slow-keys, bounce-keys, magnifier,
    /// contrast or invert. state: on or off, which is kept; auto: as the configuration says.
    async fn set_accessibility(
        &self,
        aid: &str,
        state: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::accessibility(aid, state, &options)?, connection, &header).await.map(drop)
    }

    /// Takes a message or pairing screen away.
    async fn dismiss(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.ask(requests::dismiss(), connection, &header).await.map(drop)
    }

    /// Of kioskd.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// kms, winit or headless.
    #[zbus(property)]
    fn backend(&self) -> &str {
        &self.now.backend
    }

    /// gles or pixman.
    #[zbus(property)]
    fn renderer(&self) -> &str {
        &self.now.renderer
    }

    /// What people see: splash, shell or system-screen. With several shells it is splash until none that has an output
    /// is covered by one.
    #[zbus(property)]
    fn stage(&self) -> &str {
        &self.now.stage
    }

    /// The screen of kioskd's own that is shown: message or pairing, until it is dismissed, or welcome on a device that
    /// is not set up. Empty: none.
    #[zbus(property)]
    fn system_screen(&self) -> &str {
        &self.now.system_screen
    }

    /// Of each shell, by the number it has in org.kioskd.Session1.Shells: name of the output it is on (empty: every one
    /// is another shell's), and what is shown there: splash, shell or system-screen.
    #[zbus(property)]
    fn shells(&self) -> Vec<(&str, &str)> {
        self.now.shells.iter().map(|shell| (shell.output.as_str(), shell.stage.as_str())).collect()
    }

    /// Whether the keyboard is on the screen: shown or hidden.
    #[zbus(property)]
    fn keyboard(&self) -> &str {
        &self.now.keyboard
    }

    /// The aids that are on, such as sticky-keys.
    #[zbus(property)]
    fn accessibility(&self) -> &[String] {
        &self.now.accessibility
    }

    /// The virtual terminal in the foreground; 0: unknown or none.
    #[zbus(property)]
    fn active_vt(&self) -> u32 {
        self.now.active_vt
    }

    /// When this boot had its first frame on a display, microseconds of CLOCK_MONOTONIC; 0: not known. A kioskd that is
    /// started again tells what the first one left.
    #[zbus(property)]
    fn first_frame(&self) -> u64 {
        self.now.boot.first_frame
    }

    /// When this boot had its first page, in the same way; 0: not yet, or not known.
    #[zbus(property)]
    fn first_page(&self) -> u64 {
        self.now.boot.first_page
    }

    /// Of the screen layout; goes up with each change.
    #[zbus(property)]
    fn serial(&self) -> u32 {
        self.now.serial
    }

    /// Warnings and configuration errors since the start, one sentence each, without passwords and tokens.
    #[zbus(property)]
    fn problems(&self) -> Vec<String> {
        self.now.problems.iter().map(|problem| masked(problem)).collect()
    }

    /// Stage has changed.
    // The macro has a function of the obvious name, for the property.
    #[zbus(signal, name = "StageChanged")]
    async fn another_stage(emitter: &SignalEmitter<'_>, stage: &str) -> zbus::Result<()>;

    /// Serial has changed.
    #[zbus(signal)]
    async fn layout_changed(emitter: &SignalEmitter<'_>, serial: u32) -> zbus::Result<()>;
}
