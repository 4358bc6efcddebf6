//! Sends udev's device events where no udev runs, in libudev's format and on its netlink group, so that kioskd's
//! libraries work unchanged. Used by `kiosk-describe-inputs --watch`; [`crate::device_watch`] finds the events.
//!
//! The form is libudev's own (`monitor_netlink_header` of systemd's sd-device-monitor), unchanged since 2009.

use std::io::{Error, Result};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, sendto, socket_with};

/// The netlink group of udev's events; the kernel's own is 1.
const UDEV_GROUP: u32 = 2;
const PREFIX: [u8; 8] = *b"libudev\0";
const MAGIC: u32 = 0xfeed_cafe;
const HEADER: u32 = 40;

/// What happened to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was added.
    Add,
    /// It was removed.
    Remove,
    /// It changed: of a display device, what is plugged in.
    Change,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Action::Add => "add",
            Action::Remove => "remove",
            Action::Change => "change",
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvent {
    /// What has happened.
    pub action: Action,
    /// Such as `input`.
    pub subsystem: &'static str,
    /// Below `/sys`, with a slash before it.
    pub path: String,
    /// `MAJOR:MINOR`.
    pub number: String,
    /// Below `/dev`.
    pub node: String,
    /// The properties that udev would add, such as `ID_INPUT=1`.
    pub properties: Vec<String>,
}

impl DeviceEvent {
    /// As libudev reads it. `sequence` counts up, from 1.
    pub fn message(&self, sequence: u64) -> Vec<u8> {
        let (major, minor) = self.number.split_once(':').unwrap_or(("0", "0"));
        let own = [
            format!("ACTION={}", self.action.as_str()),
            format!("DEVPATH={}", self.path),
            format!("SUBSYSTEM={}", self.subsystem),
            format!("DEVNAME=/dev/{}", self.node),
            format!("MAJOR={major}"),
            format!("MINOR={minor}"),
            format!("SEQNUM={sequence}"),
            "USEC_INITIALIZED=1".to_owned(),
        ];
        let mut text = Vec::new();
        for property in own.iter().chain(&self.properties) {
            text.extend_from_slice(property.as_bytes());
            text.push(0);
        }
        let mut message = PREFIX.to_vec();
        message.extend_from_slice(&MAGIC.to_be_bytes());
        for word in [HEADER, HEADER, text.len() as u32] {
            message.extend_from_slice(&word.to_ne_bytes());
        }
        // Receivers filter by the first, the subsystem's hash; device type and tags are empty.
        for word in [hash(self.subsystem.as_bytes()), 0, 0, 0] {
            message.extend_from_slice(&word.to_be_bytes());
        }
        message.extend_from_slice(&text);
        message
    }
}

/// MurmurHash2, as libudev has it for names of subsystems.
fn hash(bytes: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = bytes.len() as u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut word = word.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte)).wrapping_mul(MIX);
        word ^= word >> 24;
        hash = hash.wrapping_mul(MIX) ^ word.wrapping_mul(MIX);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ hash >> 15
}

/// The socket that events are sent on.
#[derive(Debug)]
pub struct EventSender {
    socket: OwnedFd,
    sequence: u64,
}

impl EventSender {
    /// In this process's network namespace, which must be the receivers'.
    ///
    /// # Errors
    ///
    /// No such socket can be made.
    pub fn new() -> Result<Self> {
        let kind = SocketType::RAW;
        let socket = socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, Some(KOBJECT_UEVENT))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Sends it to all listeners.
    ///
    /// # Errors
    ///
    /// Only root may (CAP_NET_ADMIN).
    pub fn send(&mut self, event: &DeviceEvent) -> Result<()> {
        self.sequence += 1;
        let message = event.message(self.sequence);
        match sendto(&self.socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, UDEV_GROUP)) {
            // There is no listener.
            Ok(_) | Err(Errno::CONNREFUSED) => Ok(()),
            Err(error) => Err(Error::from(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsystems_are_told_apart_as_libudev_does() {
        // By MurmurHash2's reference, seed 0.
        assert_eq!(hash(b""), 0);
        assert_eq!(hash(b"input"), 0xc1a2_8470);
        assert_eq!(hash(b"drm"), 0x1666_4179);
    }
}
