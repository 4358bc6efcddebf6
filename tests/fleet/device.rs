//! The packets of one device, MQTT 5 as kiosk-agent writes it, and the few that it reads. No I/O.

use super::topics::{DISCOVERY, TOPICS};

/// Between two signs of life that the broker is told of, seconds.
const KEEP_ALIVE: u16 = 90;

/// What has come of a broker's bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It lets us in.
    Welcome,
    /// It listens to what we asked for: what there is to say can be said.
    Subscribed,
    /// Anything else.
    Other,
    /// It does not let us in.
    Refused,
}

/// The first packet.
pub fn connect(device: usize) -> Vec<u8> {
    let mut body = text("MQTT");
    // Version 5; a clean start, a last will that is kept.
    body.extend([5, 0x02 | 0x04 | 0x20]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    body.push(0);
    body.extend(text(&format!("kiosk-{device}")));
    body.push(0);
    body.extend(text(&format!("kiosk/d{device}/availability")));
    body.extend(text("offline"));
    packet(0x10, &body)
}

/// What it listens to.
pub fn subscribe(device: usize) -> Vec<u8> {
    let mut body = vec![0, 1, 0];
    for topic in ["request", "set/#"] {
        body.extend(text(&format!("kiosk/d{device}/{topic}")));
        body.push(1);
    }
    packet(0x82, &body)
}

/// All of the state, and the discovery.
pub fn state(device: usize) -> Vec<u8> {
    let said = TOPICS.iter().map(|(topic, length)| publish(&format!("kiosk/d{device}/{topic}"), *length));
    let found = publish(&format!("homeassistant/device/d{device}/config"), DISCOVERY);
    said.chain([found]).flatten().collect()
}

/// A sign of life.
pub const PING: [u8; 2] = [0xc0, 0];

fn publish(topic: &str, length: usize) -> Vec<u8> {
    let mut body = text(topic);
    body.push(0);
    body.resize(body.len() + length, b'x');
    packet(0x31, &body)
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut all = vec![kind];
    let mut left = body.len();
    loop {
        let byte = (left % 128) as u8;
        left /= 128;
        all.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    all.extend(body);
    all
}

/// Takes the whole packets out of what was read.
pub fn heard(bytes: &mut Vec<u8>) -> Vec<Heard> {
    let mut all = Vec::new();
    while let Some((head, length)) = length(bytes) {
        if bytes.len() < head + length {
            break;
        }
        let packet: Vec<u8> = bytes.drain(..head + length).collect();
        all.push(match packet[0] >> 4 {
            2 if packet.get(head + 1) == Some(&0) => Heard::Welcome,
            2 | 14 => Heard::Refused,
            9 => Heard::Subscribed,
            _ => Heard::Other,
        });
    }
    all
}

/// Of the head and of the rest.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((place + 2, length));
        }
    }
    None
}
