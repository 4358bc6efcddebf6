//! The D-Bus object: checks the caller and the arguments, sends the command to the session, and answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedFd, OwnedVariant, interface};

use super::inspect::{self, InspectRefusal};
use super::{Call, Shared, Shells, Status, state_name};
use crate::machine::{Command, Refusal};
use crate::memory;
use kiosk_bus::{Failure, Served};
use kiosk_core::authority::Action;
use kiosk_core::config::{Url, masked, url};
use kiosk_core::text::shortened;

/// The session answers when the page is shown, within 20 s; longer is a hang.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);

/// Longest part of a caller's text that an error quotes, and longest reason, characters.
const QUOTED: usize = 64;
const SENTENCE: usize = 300;

type Options = HashMap<String, OwnedVariant>;

/// A command that the session refuses.
fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Stopped | Refusal::NotSetUp | Refusal::NoBrowser | Refusal::NotYet(_) | Refusal::Failed(_) => {
            Failure::not_ready(refusal.to_string())
        }
        Refusal::NotABrowser => Failure::unsupported(refusal.to_string()),
    }
}

/// The object behind `org.kioskd.Session1`: one shell, as it is at a moment.
pub struct Session {
    shared: Shared,
    shells: Shells,
    status: Status,
}

impl Served for Session {}

impl Session {
    pub(super) fn new(shells: Shells, shared: Shared, status: Status) -> Self {
        Session { shared, shells, status }
    }

    async fn run(
        &self,
        action: Action,
        command: Command,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<(), Failure> {
        self.shared.authority.check(connection, header, action).await?;
        tracing::info!(?command, "command");
        let (reply, answer) = oneshot::channel();
        let ending = || Failure::not_ready("kiosk-session is ending, try again when it is back");
        let answer = async {
            self.shared.calls.send(Call { command, reply }).await.map_err(|_| ending())?;
            answer.await.map_err(|_| ending())
        };
        let hangs = || Failure::not_ready("kiosk-session does not answer: journalctl -t kiosk-session may say why");
        timeout(ANSWER_TIMEOUT, answer).await.map_err(|_| hangs())??.map_err(refused)
    }

    /// Checks a URL to open: a web page, or one of the configured page's scheme.
    fn check_url(&self, text: &str) -> Result<Url, Failure> {
        let not_allowed = |why: String| {
            let (text, why) = (shortened(text, QUOTED), shortened(&why, SENTENCE));
            Failure::kiosk("UrlNotAllowed", format!("{text:?} can't be opened: {why}"))
        };
        let url = Url::parse(text).map_err(|error| not_allowed(format!("{error}; allowed: {}", url::ALLOWED)))?;
        if url.is_web() && !self.shared.allowed.permits(url.as_str()) {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let pattern = format!("{}://{}{port}/*", url.scheme(), url.host().unwrap_or_default());
            return Err(not_allowed(format!("browser.allow must name it, by a pattern such as {pattern:?}")));
        }
        if url.is_web() || url.scheme() == self.shared.home.scheme() {
            return Ok(url);
        }
        Err(not_allowed(format!("only http and https, as shell.url is {}", self.shared.home.masked())))
    }
}

/// Refuses unknown options.
fn no_options(options: &Options) -> Result<(), Failure> {
    options.keys().next().map_or(Ok(()), |key| Err(unknown_option(key, "none is known here")))
}

fn unknown_option(key: &str, allowed: &str) -> Failure {
    let key = shortened(key, QUOTED);
    Failure::invalid(format!("the option {key:?} is not known: {allowed}"))
}

/// `hard`: past all caches.
fn hard(options: &Options) -> Result<bool, Failure> {
    if let Some(key) = options.keys().find(|key| *key != "hard") {
        return Err(unknown_option(key, "\"hard\" (b) is"));
    }
    let wrong = || Failure::invalid("the option \"hard\" must be a boolean");
    options.get("hard").map_or(Ok(false), |value| bool::try_from(value).map_err(|_| wrong()))
}

/// The shell's session.
#[interface(name = "org.kioskd.Session1", introspection_docs = false)]
impl Session {
    async fn reload(
        &self,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        let hard = hard(&options)?;
        self.run(Action::Reload, Command::Reload { hard }, connection, &header).await
    }

    async fn open(
        &self,
        url: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        no_options(&options)?;
        let url = self.check_url(url)?;
        self.run(Action::Navigate, Command::Open { url }, connection, &header).await
    }

    async fn home(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.run(Action::Navigate, Command::Home, connection, &header).await
    }

    async fn restart(
        &self,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        no_options(&options)?;
        self.run(Action::Reload, Command::Restart, connection, &header).await
    }

    async fn stop(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.run(Action::Reload, Command::Stop, connection, &header).await
    }

    async fn start(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        self.run(Action::Reload, Command::Start, connection, &header).await
    }

    async fn clear_data(
        &self,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Failure> {
        no_options(&options)?;
        self.run(Action::Configure, Command::ClearData, connection, &header).await
    }

    #[zbus(out_args("lines"))]
    async fn console(
        &self,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<OwnedFd, Failure> {
        no_options(&options)?;
        self.shared.authority.check(connection, &header, Action::Configure).await?;
        if !self.shared.browses {
            return Err(Failure::unsupported(Refusal::NotABrowser.to_string()));
        }
        let opened = self.shared.console.open();
        let opened = opened.map_err(|error| Failure::kiosk("Failed", format!("there is no socket: {error}")))?;
        let full = || Failure::not_ready("as many as may listen to the page's console do");
        let end = opened.ok_or_else(full)?;
        tracing::info!("somebody listens to the page's console");
        Ok(end.into())
    }

    #[zbus(out_args("socket"))]
    async fn inspect(
        &self,
        seconds: u32,
        who: &str,
        options: Options,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<OwnedFd, Failure> {
        no_options(&options)?;
        let (who, time) = inspect::checked(seconds, who).map_err(|error| Failure::invalid(error.to_string()))?;
        self.shared.authority.check(connection, &header, Action::Configure).await?;
        if !self.shared.browses {
            return Err(Failure::unsupported(Refusal::NotABrowser.to_string()));
        }
        let asked = timeout(ANSWER_TIMEOUT, self.shared.inspect.ask(who, time)).await;
        let hangs = || Failure::not_ready("kiosk-session does not answer: journalctl -t kiosk-session may say why");
        let ending = || Failure::not_ready("kiosk-session is ending, try again when it is back");
        let opened = asked.map_err(|_| hangs())?.ok_or_else(ending)?;
        opened.map(OwnedFd::from).map_err(|refusal| match refusal {
            InspectRefusal::Socket(_) => Failure::kiosk("Failed", refusal.to_string()),
            _ => Failure::not_ready(refusal.to_string()),
        })
    }

    #[zbus(property)]
    fn state(&self) -> &str {
        state_name(self.status.state)
    }

    #[zbus(property)]
    fn url(&self) -> String {
        masked(&self.status.url)
    }

    #[zbus(property)]
    fn since(&self) -> u64 {
        self.status.since
    }

    #[zbus(property)]
    fn restarts(&self) -> u32 {
        self.status.restarts
    }

    #[zbus(property)]
    fn refused(&self) -> u32 {
        self.status.refused
    }

    #[zbus(property)]
    fn restart_causes(&self) -> BTreeMap<&'static str, u32> {
        self.status.restart_causes.all()
    }

    #[zbus(property)]
    fn failures(&self) -> BTreeMap<&'static str, u32> {
        self.status.failure_counts.all()
    }

    #[zbus(property)]
    fn restart_reason(&self) -> &str {
        &self.status.restart_reason
    }

    #[zbus(property)]
    fn waiting_for(&self) -> String {
        masked(&self.status.waiting_for)
    }

    #[zbus(property)]
    fn last_failure(&self) -> (String, String, u64) {
        let (reason, action, when) = self.status.last_failure.clone();
        (masked(&reason), masked(&action), when)
    }

    /// The outputs that shells are configured for, by number.
    #[zbus(property(emits_changed_signal = "const"))]
    fn shells(&self) -> Vec<String> {
        self.shells.iter().map(|shell| shell.output.clone()).collect()
    }

    #[zbus(property)]
    fn browser_pid(&self) -> u32 {
        self.status.pid
    }

    /// Measured at each read, as it changes all the time.
    #[zbus(property(emits_changed_signal = "false"))]
    fn memory_bytes(&self) -> u64 {
        match self.status.pid {
            0 => 0,
            leader => memory::of_group(leader),
        }
    }

    #[zbus(signal)]
    async fn ready(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn failed(
        emitter: &SignalEmitter<'_>,
        reason: &str,
        action: &str,
        details: HashMap<&str, zbus::Variant<'_>>,
    ) -> zbus::Result<()>;
}
