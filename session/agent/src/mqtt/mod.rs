//! MQTT 5: the kiosk's state as retained topics, and the HTTP interface's requests as messages. Off unless it is asked for. It
//! connects to one broker and stays connected; nothing is sent while nothing changes but a sign of life. This file has the
//! connection's life; what is said is in the others, most of which do no I/O.

mod backoff;
mod commands;
mod connection;
mod discovery;
mod entities;
mod facts;
mod settings;
mod told;
mod topics;
mod watcher;
mod worker;

use std::time::{Duration, Instant};

use kiosk_core::slots::{self, Slots};
use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;

use super::bucket::Bucket;
use crate::configure::root;
use crate::device::{Device, Make};
use crate::jitter;
use commands::{Order, Refusal, Reply};
use connection::{Connection, ConnectionError, Hello, Message, Outgoing};
use discovery::Discovery;
use facts::Facts;
pub use settings::{Settings, SettingsError};
use told::{Board, Told};
use worker::Done;

/// What the broker is promised: a sign of life within this time.
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// The share of the promise after which the sign is given: there is time for one that is late.
const SIGN_SHARE: f64 = 2.0 / 3.0;
const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

/// Connects again and again, for ever.
pub async fn run(settings: Settings) {
    let settings = std::sync::Arc::new(settings);
    let mut backoff = backoff::Backoff::default();
    let mut last = String::new();
    loop {
        let started = Instant::now();
        // In a task of its own: a fault in what a broker's bytes go through ends that connection alone.
        let held = tokio::spawn({
            let settings = settings.clone();
            async move {
                let error = connected(&settings).await;
                (error.to_string(), started.elapsed())
            }
        });
        let (error, held) = held.await.unwrap_or_else(|error| (error.to_string(), Duration::ZERO));
        let pause = backoff.after(held, jitter::random());
        // One line for each reason, and not for each try.
        if error == last {
            tracing::debug!(%error, ?pause, "MQTT is not connected");
        } else {
            tracing::warn!(broker = %settings.broker, %error, "MQTT is not connected; it is tried again");
            last = error;
        }
        if held > Duration::from_secs(60) {
            last.clear();
        }
        tokio::time::sleep(pause).await;
    }
}

/// One connection, to its end.
async fn connected(settings: &Settings) -> ConnectionError {
    let availability = format!("{}/availability", settings.base);
    let client = format!("kiosk-{}", settings.device);
    let filters = commands::filters(&settings.base);
    let hello = Hello { client: &client, will: (&availability, OFFLINE), keep_alive: KEEP_ALIVE, filters: &filters };
    match Connection::open(settings, &hello).await {
        Ok(connection) => {
            tracing::info!(broker = %settings.broker, topic = %settings.base, "MQTT is connected");
            let mut talk = Talk::new(settings, connection);
            match talk.go_on(&availability).await {
                Ok(()) => ConnectionError::Ended,
                Err(error) => error,
            }
        }
        Err(error) => error,
    }
}

/// A connection with what is said over it.
struct Talk<'a> {
    settings: &'a Settings,
    connection: Connection,
    told: Told,
    discovery: Discovery,
    facts: Facts,
    make: Make,
    /// The versions of the image. Whoever is not root is told those of the boot, and asking again would keep the ESP mounted.
    slots: Option<Slots>,
    /// The device's own values, and what the services said.
    boards: (Board, Board),
    bucket: Bucket,
    /// The others have been told that there are too many.
    full: bool,
}

impl<'a> Talk<'a> {
    fn new(settings: &'a Settings, connection: Connection) -> Self {
        Talk {
            settings,
            connection,
            told: Told::default(),
            discovery: Discovery::new(&settings.base, &settings.device, settings.role),
            facts: Facts::default(),
            make: Make::read(),
            slots: slots::read(&root()),
            boards: Default::default(),
            bucket: Bucket::new(Instant::now()),
            full: false,
        }
    }

    async fn go_on(&mut self, availability: &str) -> Result<(), ConnectionError> {
        // Ended with this connection.
        let mut tasks = JoinSet::new();
        let mut boards = watcher::start(&mut tasks);
        let (orders, mut answers) = worker::start(&mut tasks, self.settings.role, self.settings.certificates.clone());
        self.keep(availability, ONLINE)?;
        let mut signs = tokio::time::interval(self.connection.keep_alive().min(KEEP_ALIVE).mul_f64(SIGN_SHARE));
        signs.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first is at once.
        signs.tick().await;
        self.measure();
        loop {
            // What has changed is looked at when there is room to tell it: states in between are left out.
            let idle = self.connection.is_idle();
            tokio::select! {
                message = self.connection.next() => {
                    let Some(message) = message? else { continue };
                    if let Some(order) = self.heard(&message)? {
                        match orders.try_send(order) {
                            Ok(()) => {}
                            Err(TrySendError::Full(order)) => self.busy(&order.reply)?,
                            Err(TrySendError::Closed(_)) => return Ok(()),
                        }
                    }
                }
                changed = boards.changed(), if idle => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.boards.1 = boards.borrow_and_update().clone();
                    self.tell()?;
                }
                done = answers.recv(), if idle => match done {
                    Some(done) => self.answer(done)?,
                    None => return Ok(()),
                },
                _ = signs.tick() => {
                    self.connection.ping()?;
                    // In the same moment: one thing to wake up for.
                    self.measure();
                    if idle {
                        self.tell()?;
                    }
                }
            }
        }
    }

    fn measure(&mut self) {
        self.boards.0 = self.facts.board(&Device::read(), &self.make, self.connection.address(), self.slots.as_ref());
    }

    /// Publishes what has changed.
    fn tell(&mut self) -> Result<(), ConnectionError> {
        let mut board = self.boards.0.clone();
        board.extend(self.boards.1.clone());
        if !self.settings.discovery.is_empty()
            && let Some(document) = self.discovery.changed(&board, &self.make)
        {
            let topic = discovery::topic(&self.settings.discovery, &self.settings.device);
            self.keep(&topic, &document.to_string())?;
        }
        for (topic, payload) in self.told.changes(&board) {
            self.keep(&format!("{}/{topic}", self.settings.base), &payload)?;
        }
        Ok(())
    }

    /// Publishes what is kept.
    fn keep(&mut self, topic: &str, payload: &str) -> Result<(), ConnectionError> {
        self.connection.publish(Outgoing { topic, payload: payload.into(), retain: true, correlation: None })
    }

    /// An order, or nothing: then whoever sent it has been told.
    fn heard(&mut self, message: &Message) -> Result<Option<Order>, ConnectionError> {
        let Some(understood) = commands::understand(&self.settings.base, message) else {
            tracing::debug!("a message of a foreign topic was ignored");
            return Ok(None);
        };
        let may = self.bucket.take(Instant::now());
        match understood {
            Ok(order) if may => {
                self.full = false;
                Ok(Some(order))
            }
            Err(Refusal { reply, detail }) if may => {
                tracing::debug!(%detail, "an MQTT command was refused");
                self.say(&reply, 400, &json!({ "detail": detail }))?;
                Ok(None)
            }
            Ok(Order { reply, .. }) | Err(Refusal { reply, .. }) => {
                self.busy(&reply)?;
                Ok(None)
            }
        }
    }

    /// Says once that there are too many, until one is taken again.
    fn busy(&mut self, reply: &Reply) -> Result<(), ConnectionError> {
        if std::mem::replace(&mut self.full, true) {
            return Ok(());
        }
        tracing::warn!("there are too many MQTT commands; some are ignored");
        self.say(reply, 429, &json!({ "detail": "too many commands at a time: this one and the next are ignored" }))
    }

    fn answer(&mut self, done: Done) -> Result<(), ConnectionError> {
        if let Some(picture) = done.picture {
            let topic = format!("{}/screenshot", self.settings.base);
            self.connection.publish(Outgoing { topic: &topic, payload: picture, ..Outgoing::default() })?;
        }
        self.say(&done.reply, done.status, &done.body)
    }

    /// Answers, to nobody's keeping.
    fn say(&mut self, reply: &Reply, status: u16, body: &Value) -> Result<(), ConnectionError> {
        let payload = json!({ "id": reply.id, "status": status, "body": body }).to_string().into_bytes();
        let correlation = reply.correlation.clone();
        self.connection.publish(Outgoing { topic: &reply.topic, payload, retain: false, correlation })
    }
}
