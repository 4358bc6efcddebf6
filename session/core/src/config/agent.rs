//! `[agent]`: what kiosk-agent does beside serving the sockets that systemd hands in.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Where it listens for TLS with client certificates; `None`: it does not.
    pub listen_tls: Option<SocketAddr>,
    /// The folder of its key, its certificate, the authorities that it trusts and their revocations.
    pub certificates: PathBuf,
    /// Whether a device without a certificate shows a code by which it is enrolled, until it has one.
    pub enrol: bool,
    /// Who renews its certificate (`kioskctl agent ca serve`); `None`: it asks nobody.
    pub renew_at: Option<RenewAt>,
    /// The keys that begin with `mqtt.`.
    pub mqtt: Mqtt,
}

impl Default for Agent {
    fn default() -> Self {
        Agent {
            listen_tls: None,
            certificates: "/var/lib/kiosk-agent".into(),
            enrol: false,
            renew_at: None,
            mqtt: Mqtt::default(),
        }
    }
}

/// The broker, and what the device calls itself there. Files are absolute paths or names of `LoadCredential=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// `None`: MQTT is off.
    pub server: Option<Broker>,
    /// Empty: none.
    pub user: String,
    /// Of the user; `None`: no password.
    pub password_file: Option<PathBuf>,
    /// Authorities that may vouch for the broker, PEM; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// The device's own certificate with its chain, PEM; `None`: none.
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// What the device's topics begin with: a topic without wildcards.
    pub topic: String,
    /// What may be asked for at the device's topics: `view`, `operate` or `admin`, as in certificates.
    pub role: &'static str,
    /// What Home Assistant's topics for discovery begin with; empty: none are sent.
    pub discovery: String,
    /// The device's part of its topics, `[A-Za-z0-9_-]`; empty: made of the machine's identity.
    pub device: String,
}

impl Default for Mqtt {
    fn default() -> Self {
        Mqtt {
            server: None,
            user: String::new(),
            password_file: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            topic: "kiosk".into(),
            role: "operate",
            discovery: "homeassistant".into(),
            device: String::new(),
        }
    }
}

/// Where the fleet's authority renews certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewAt {
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Of `kioskctl agent ca serve`, where no other is given.
const RENEWAL_PORT: u16 = 8444;

impl FromStr for RenewAt {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let (host, port) = place(text.strip_prefix("https://").ok_or(BrokerError::Scheme)?)?;
        Ok(RenewAt { host, port: port.unwrap_or(RENEWAL_PORT) })
    }
}

impl fmt::Display for RenewAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", Bracketed(&self.host, self.port))
    }
}

/// `HOST:PORT`.
struct Bracketed<'a>(&'a str, u16);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]:{}", self.0, self.1),
            false => write!(f, "{}:{}", self.0, self.1),
        }
    }
}

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// What is allowed, for messages.
pub const BROKER: &str = "mqtt://HOST[:PORT], mqtts://HOST[:PORT], or \"\" for none";

/// Why a text is no address of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Another scheme, or none.
    #[error("it begins with neither mqtt:// nor mqtts://")]
    Scheme,
    /// Everybody may read the configuration.
    #[error("a user and a password have no place in it; they belong into agent.mqtt.user and agent.mqtt.password-file")]
    User,
    /// What no host is called.
    #[error("its host is no name and no address")]
    Host,
    /// No port has this number.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// A path, a query.
    #[error("there is something behind its host and port")]
    Path,
}

/// Longest name of a host (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

impl FromStr for Broker {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let (scheme, rest) = text.split_once("://").ok_or(BrokerError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(BrokerError::Scheme),
        };
        let (host, port) = place(rest)?;
        let usual = if tls { 8883 } else { 1883 };
        Ok(Broker { host, port: port.unwrap_or(usual), tls })
    }
}

/// `HOST[:PORT][/]` of an address.
fn place(rest: &str) -> Result<(String, Option<u16>), BrokerError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err(BrokerError::User);
    }
    if rest.contains(['/', '?', '#']) {
        return Err(BrokerError::Path);
    }
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(BrokerError::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| BrokerError::Host)?;
            (host, port)
        }
        None => {
            let end = rest.find(':').unwrap_or(rest.len());
            let (host, port) = rest.split_at_checked(end).ok_or(BrokerError::Host)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if host.is_empty() || host.len() > MAX_HOST || !host.chars().all(fits) {
                return Err(BrokerError::Host);
            }
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return Err(BrokerError::Host),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port != 0).ok_or(BrokerError::Port)?)
        }
        Some(_) => return Err(BrokerError::Port),
    };
    Ok((host.to_owned(), port))
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}", Bracketed(&self.host, self.port))
    }
}

impl Mqtt {
    /// Keys that have no effect as the others are, a sentence each.
    pub(super) fn without_effect(&self) -> Vec<String> {
        let mut said = Vec::new();
        let tls = self.server.as_ref().is_some_and(|broker| broker.tls);
        let files = [("ca", &self.ca_file), ("certificate", &self.certificate_file), ("key", &self.key_file)];
        if self.server.is_some() && !tls {
            for (name, _) in files.iter().filter(|(_, file)| file.is_some()) {
                said.push(format!("agent.mqtt.{name}-file has no effect: agent.mqtt.server is no mqtts:// address"));
            }
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            said.push("agent.mqtt.certificate-file and agent.mqtt.key-file have no effect without each other".into());
        }
        if self.password_file.is_some() && self.user.is_empty() {
            said.push("agent.mqtt.password-file has no effect without agent.mqtt.user".into());
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_renews_is_an_address_with_a_port_or_the_usual_one() {
        for (text, shown) in [
            ("https://ca.example", "https://ca.example:8444"),
            ("https://10.0.0.1:99/", "https://10.0.0.1:99"),
            ("https://[fd00::1]", "https://[fd00::1]:8444"),
        ] {
            let at: RenewAt = text.parse().unwrap();
            assert_eq!(at.to_string(), shown);
            assert_eq!(at.to_string().parse::<RenewAt>().as_ref(), Ok(&at));
        }
        for wrong in ["ca.example", "http://ca.example", "https://", "https://a/b", "https://a@b", "https://a:0"] {
            assert!(wrong.parse::<RenewAt>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_broker_is_an_address_with_a_port_or_the_usual_one() {
        for (text, shown) in [
            ("mqtt://broker", "mqtt://broker:1883"),
            ("MQTTS://broker.example/", "mqtts://broker.example:8883"),
            ("mqtt://10.0.0.1:1884", "mqtt://10.0.0.1:1884"),
            ("mqtts://[fd00::1]:8884", "mqtts://[fd00::1]:8884"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
        ] {
            let broker: Broker = text.parse().unwrap();
            assert_eq!(broker.to_string(), shown);
            assert_eq!(broker.to_string().parse::<Broker>().as_ref(), Ok(&broker));
        }
        for (text, error) in [
            ("broker:1883", BrokerError::Scheme),
            ("ws://broker", BrokerError::Scheme),
            ("mqtt://ann:pw@broker", BrokerError::User),
            ("mqtt://", BrokerError::Host),
            ("mqtt://bro ker", BrokerError::Host),
            ("mqtt://[fd00::1", BrokerError::Host),
            ("mqtt://[broker]", BrokerError::Host),
            ("mqtt://[::1]8883", BrokerError::Host),
            ("mqtt://broker:0", BrokerError::Port),
            ("mqtt://broker:65536", BrokerError::Port),
            ("mqtt://broker:+1", BrokerError::Port),
            ("mqtt://broker:", BrokerError::Port),
            ("mqtt://fd00::1", BrokerError::Port),
            ("mqtt://broker/topic", BrokerError::Path),
        ] {
            assert_eq!(text.parse::<Broker>(), Err(error), "{text}");
        }
    }
}
