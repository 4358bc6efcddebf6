//! One connection to a broker: MQTT 5 over TCP or TLS. The protocol is a library's, which does no I/O; this moves its bytes, with
//! a limit of size and time for everything that the other side decides. What it says is a [`Message`]; what it is told waits in
//! one buffer, which [`Connection::next`] empties first.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, Event};
use mqtt_protocol_core::mqtt::packet::{
    CorrelationData, GenericPacketTrait, Packet, Property, Qos, RetainHandling, SubEntry, SubOpts, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, MqttError};
use mqtt_protocol_core::mqtt::{Connection as Protocol, Version, role};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::settings::Settings;
use crate::bucket::Bucket;

/// Until the broker has been found, has shown its certificate and has let us in, each.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the broker may take nothing, or leave a ping unanswered.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest packet that is taken, bytes: as much as a body over HTTP, with what is around it.
const MAX_PACKET: u32 = (64 << 10) + 1024;
/// Messages on their way to us at a time that the broker may expect an answer for.
const MAX_UNANSWERED: u16 = 16;
/// Reads at once and then a second, of 4 KiB each: much more than commands need. What a broker sends beyond that waits in TCP at its
/// own end, and costs this device no processor time.
const READS: f64 = 256.0;
/// Until the next read, where there were too many.
const READ_PAUSE: Duration = Duration::from_millis(50);
/// Most that waits to be sent, bytes: a large picture, and all else.
const MAX_OUTGOING: usize = 20 << 20;

/// What is asked of the broker at the beginning.
#[derive(Debug)]
pub struct Hello<'a> {
    /// Unique on the broker: another one with the same takes our place.
    pub client: &'a str,
    /// Said by the broker, retained, when the connection is lost.
    pub will: (&'a str, &'a str),
    /// Between two signs of life at most; the broker may ask for less.
    pub keep_alive: Duration,
    /// Topics to listen to.
    pub filters: &'a [String],
}

/// A message of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its content.
    pub payload: Vec<u8>,
    /// Whether it was sent to be kept.
    pub retain: bool,
    /// Where the answer is wanted.
    pub response: Option<String>,
    /// What the answer is to repeat.
    pub correlation: Option<Vec<u8>>,
}

/// What is sent.
#[derive(Debug, Default)]
pub struct Outgoing<'a> {
    /// Where to.
    pub topic: &'a str,
    /// The content.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// As the question had it.
    pub correlation: Option<Vec<u8>>,
}

/// Why there is no connection, or no longer one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No such name, nobody there, or the network is away.
    #[error("the broker can't be reached: {0}")]
    Reach(io::Error),
    /// TLS did not come about: the broker's certificate, ours, or no TLS at all.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// A step took too long.
    #[error("the broker does not answer")]
    Silent,
    /// The broker ended it without a word.
    #[error("the broker ended the connection")]
    Ended,
    /// The broker said no.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// What came is no MQTT 5, too large, or nothing that was asked for.
    #[error("the broker sent something that is no MQTT 5: {0}")]
    Protocol(MqttError),
    /// Reading or writing failed.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    /// It takes nothing.
    #[error("the broker takes nothing any more")]
    Stuck,
}

/// A packet that can't be built of what it was given.
impl From<MqttError> for ConnectionError {
    fn from(error: MqttError) -> Self {
        ConnectionError::Protocol(error)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// It is up.
pub struct Connection {
    stream: Box<dyn Stream>,
    protocol: Protocol<role::Client>,
    buffer: Vec<u8>,
    reads: Bucket,
    heard: VecDeque<Message>,
    outgoing: Vec<u8>,
    /// Since when something waits to be sent.
    waiting: Option<Instant>,
    /// Until when the answer to a ping has to be there.
    pong: Option<Instant>,
    welcome: Option<Result<(), String>>,
    subscribed: Option<Result<(), String>>,
    keep_alive: Duration,
    address: Option<IpAddr>,
}

impl Connection {
    /// Connects, says hello and subscribes.
    pub async fn open(settings: &Settings, hello: &Hello<'_>) -> Result<Self, ConnectionError> {
        let broker = &settings.broker;
        let connect = TcpStream::connect((broker.host.as_str(), broker.port));
        let tcp = timeout(STEP_TIMEOUT, connect).await.map_err(|_| ConnectionError::Silent)?;
        let tcp = tcp.map_err(ConnectionError::Reach)?;
        // Best effort: without it a message may wait for 40 ms.
        let _ = tcp.set_nodelay(true);
        let address = tcp.local_addr().ok().map(|address| address.ip());
        let stream: Box<dyn Stream> = match &settings.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let shaken = timeout(STEP_TIMEOUT, tls.connector.connect(tls.name.clone(), tcp)).await;
                Box::new(shaken.map_err(|_| ConnectionError::Silent)?.map_err(ConnectionError::Tls)?)
            }
        };
        let mut connection = Connection::over(stream, hello.keep_alive, address);
        let greeted = connection.greet(settings, hello);
        timeout(STEP_TIMEOUT, greeted).await.map_err(|_| ConnectionError::Silent)??;
        Ok(connection)
    }

    /// Before the greeting.
    fn over(stream: Box<dyn Stream>, keep_alive: Duration, address: Option<IpAddr>) -> Self {
        let options = ConnectionOptions::new().maximum_packet_size_recv(MAX_PACKET).receive_maximum(MAX_UNANSWERED);
        let mut protocol = Protocol::with_options(Version::V5_0, options);
        protocol.set_auto_pub_response(true);
        Connection {
            stream,
            protocol,
            buffer: vec![0; 4096],
            reads: Bucket::of(READS, READS, std::time::Instant::now()),
            heard: VecDeque::new(),
            outgoing: Vec::new(),
            waiting: None,
            pong: None,
            welcome: None,
            subscribed: None,
            keep_alive,
            address,
        }
    }

    async fn greet(&mut self, settings: &Settings, hello: &Hello<'_>) -> Result<(), ConnectionError> {
        let (topic, payload) = hello.will;
        let seconds = u16::try_from(hello.keep_alive.as_secs()).unwrap_or(u16::MAX);
        let mut packet = v5_0::Connect::builder()
            .client_id(hello.client)?
            .clean_start(true)
            .keep_alive(seconds)
            .will_message(topic, payload.as_bytes().to_vec(), Qos::AtMostOnce, true)?;
        if !settings.user.is_empty() {
            packet = packet.user_name(settings.user.as_str())?;
            if let Some(password) = &settings.password {
                packet = packet.password(password.clone())?;
            }
        }
        let events = self.protocol.checked_send(packet.build()?);
        self.take(events)?;
        while self.welcome.is_none() {
            self.turn().await?;
        }
        self.welcome.take().unwrap_or(Ok(())).map_err(ConnectionError::Refused)?;
        // What is there already is no command for now, and what is sent to be kept is seen to be.
        let options = SubOpts::new()
            .set_qos(Qos::AtLeastOnce)
            .set_nl(true)
            .set_rap(true)
            .set_rh(RetainHandling::DoNotSendRetained);
        let entries: Result<Vec<SubEntry>, MqttError> =
            hello.filters.iter().map(|filter| SubEntry::new(filter.as_str(), options)).collect();
        let number = self.protocol.acquire_packet_id()?;
        let subscribe = v5_0::Subscribe::builder().packet_id(number).entries(entries?).build()?;
        let events = self.protocol.checked_send(subscribe);
        self.take(events)?;
        while self.subscribed.is_none() {
            self.turn().await?;
        }
        self.subscribed.take().unwrap_or(Ok(())).map_err(ConnectionError::Refused)
    }

    /// The device's address in the broker's network.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Between two signs of life, as the broker wants it.
    pub fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// Whether nothing waits to be sent.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_none()
    }

    /// Has it sent by [`Connection::next`]. Errors: it can't be sent, or too much waits.
    pub fn publish(&mut self, message: Outgoing<'_>) -> Result<(), ConnectionError> {
        let mut packet = v5_0::Publish::builder()
            .topic_name(message.topic)?
            .qos(Qos::AtMostOnce)
            .retain(message.retain)
            .payload(message.payload);
        if let Some(correlation) = message.correlation {
            packet = packet.props(vec![Property::CorrelationData(CorrelationData::new(correlation)?)]);
        }
        let events = self.protocol.checked_send(packet.build()?);
        self.take(events)
    }

    /// Shows that we live; the broker's answer is waited for by [`Connection::next`].
    pub fn ping(&mut self) -> Result<(), ConnectionError> {
        let events = self.protocol.checked_send(v5_0::Pingreq::builder().build()?);
        self.pong.get_or_insert_with(|| Instant::now() + SILENCE_TIMEOUT);
        self.take(events)
    }

    /// Sends what waits, or waits for the next message; `None`: all is sent. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        loop {
            if let Some(message) = self.heard.pop_front() {
                return Ok(Some(message));
            }
            if self.waiting.is_some() {
                self.send().await?;
                return Ok(None);
            }
            self.turn().await?;
        }
    }

    /// Sends all, then reads once.
    async fn turn(&mut self) -> Result<(), ConnectionError> {
        self.send().await?;
        let read = self.stream.read(&mut self.buffer);
        let read = match self.pong {
            None => read.await,
            Some(until) => timeout_at(until, read).await.map_err(|_| ConnectionError::Silent)?,
        };
        let count = match read {
            Ok(0) => return Err(ConnectionError::Ended),
            Ok(count) => count,
            Err(error) => return Err(ConnectionError::Broken(error)),
        };
        let bytes = self.buffer.get(..count).unwrap_or_default().to_vec();
        let mut cursor = Cursor::new(bytes.as_slice());
        while cursor.position() < count as u64 {
            let events = self.protocol.recv(&mut cursor);
            self.take(events)?;
        }
        if !self.reads.take(std::time::Instant::now()) {
            tokio::time::sleep(READ_PAUSE).await;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ConnectionError> {
        match self.waiting {
            None => Ok(()),
            Some(since) => {
                timeout_at(since + SILENCE_TIMEOUT, self.flush()).await.map_err(|_| ConnectionError::Stuck)?
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ConnectionError> {
        while !self.outgoing.is_empty() {
            let written = self.stream.write(&self.outgoing).await.map_err(ConnectionError::Broken)?;
            if written == 0 {
                return Err(ConnectionError::Ended);
            }
            self.outgoing.drain(..written);
        }
        self.stream.flush().await.map_err(ConnectionError::Broken)?;
        self.waiting = None;
        // A picture's buffer is not kept.
        self.outgoing.shrink_to(MAX_PACKET as usize);
        Ok(())
    }

    /// Does what the protocol wants done.
    fn take(&mut self, events: Vec<Event>) -> Result<(), ConnectionError> {
        let (mut wrong, mut close) = (None, false);
        for event in events {
            match event {
                Event::RequestSendPacket { packet, .. } => {
                    self.outgoing.extend(packet.to_continuous_buffer());
                    self.waiting.get_or_insert_with(Instant::now);
                }
                Event::NotifyPacketReceived(packet) => self.received(packet)?,
                Event::NotifyError(error) => wrong = Some(error),
                Event::RequestClose => close = true,
                // Timers are our own, and packets are not sent twice.
                Event::RequestTimerReset { .. } | Event::RequestTimerCancel(_) | Event::NotifyPacketIdReleased(_) => {}
            }
        }
        match wrong {
            Some(error) => Err(ConnectionError::Protocol(error)),
            None if close => Err(ConnectionError::Ended),
            None if self.outgoing.len() > MAX_OUTGOING => Err(ConnectionError::Stuck),
            None => Ok(()),
        }
    }

    fn received(&mut self, packet: Packet) -> Result<(), ConnectionError> {
        match packet {
            Packet::V5_0Connack(answer) => {
                for property in answer.props() {
                    if let Property::ServerKeepAlive(seconds) = property
                        && seconds.val() > 0
                    {
                        self.keep_alive = self.keep_alive.min(Duration::from_secs(seconds.val().into()));
                    }
                }
                self.welcome = Some(match answer.reason_code() {
                    ConnectReasonCode::Success => Ok(()),
                    code => Err(words(&code.to_string())),
                });
            }
            Packet::V5_0Suback(answer) => {
                let refused = answer.reason_codes().into_iter().find(|code| code.is_failure());
                let refused =
                    refused.map(|code| format!("commands can't be listened to: {}", words(&code.to_string())));
                self.subscribed = Some(refused.map_or(Ok(()), Err));
            }
            Packet::V5_0Publish(message) => {
                let (mut response, mut correlation) = (None, None);
                for property in message.props() {
                    match property {
                        Property::ResponseTopic(topic) => response = Some(topic.val().to_owned()),
                        Property::CorrelationData(data) => correlation = Some(data.val().to_vec()),
                        _ => {}
                    }
                }
                self.heard.push_back(Message {
                    topic: message.topic_name().to_owned(),
                    payload: message.payload().as_slice().to_vec(),
                    retain: message.retain(),
                    response,
                    correlation,
                });
            }
            Packet::V5_0Pingresp(_) => self.pong = None,
            Packet::V5_0Disconnect(goodbye) => {
                let why =
                    goodbye.reason_code().map_or_else(|| "no reason given".into(), |code| words(&code.to_string()));
                return Err(ConnectionError::Refused(why));
            }
            _ => {}
        }
        Ok(())
    }
}

/// `BadUserNameOrPassword` as a person writes it.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
