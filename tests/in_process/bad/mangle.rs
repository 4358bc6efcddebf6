//! Requests that no library sends, made from the protocols' descriptions: wrong lengths, strings and arrays, wrong
//! objects, too many and too few descriptors, and connections that end within a message.

use std::os::fd::{AsFd, OwnedFd};

use wayland_client::backend::protocol::ArgumentType;

use super::speaker::{POOL, Speaker, Thing};
use crate::fixture::picture::memory;

/// Random numbers from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `sides - 1`.
    pub fn below(&mut self, sides: usize) -> usize {
        (self.roll() % sides.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }
}

/// Most descriptors in one `sendmsg` of libwayland.
const MAX_DESCRIPTORS: usize = 28;

fn words(body: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| body.extend_from_slice(&word.to_ne_bytes()));
}

/// A string or an array: the stated length, the bytes and the padding.
fn put_bytes(body: &mut Vec<u8>, dice: &mut Dice, text: bool) {
    let bytes: Vec<u8> = match dice.below(8) {
        0 => Vec::new(),
        1 => vec![0],
        2 => b"text/plain".to_vec(),
        3 => vec![0xff, 0xfe, 0xc0, 0],
        4 => b"a\0b\0".to_vec(),
        5 => vec![b'%'; 64],
        6 => vec![b'n'; dice.below(4000)],
        _ => b"%s%n%x\0".to_vec(),
    };
    let mut bytes = bytes;
    if text && !bytes.is_empty() && !dice.one_in(4) {
        bytes.push(0);
    }
    let length = bytes.len() as u32;
    let said = match dice.below(10) {
        0 => 0,
        1 => u32::MAX,
        2 => length + 1,
        3 => length.saturating_sub(1),
        4 => 0x7fff_fffd,
        _ => length,
    };
    words(body, &[said]);
    body.extend_from_slice(&bytes);
    if !dice.one_in(16) {
        body.resize(body.len().next_multiple_of(4), 0);
    }
}

fn descriptor(dice: &mut Dice) -> OwnedFd {
    match dice.below(5) {
        0 => memory(&[]),
        1 => rustix::pipe::pipe().unwrap().0,
        2 => std::fs::File::open("/dev/null").unwrap().into(),
        _ => memory(&[0; POOL]),
    }
}

/// Boundary values.
const BOUNDARIES: [u32; 8] = [0, 1, u32::MAX, i32::MIN as u32, i32::MAX as u32, 0x8000, 0xffff, 0x0100_0000];

impl Speaker {
    /// A valid request with one argument at a boundary, on an object of any interface: all interfaces are chosen with
    /// the same probability, however few objects they have.
    pub fn probe(&mut self, dice: &mut Dice) {
        let mut names: Vec<&str> = self.things.iter().map(|thing| thing.interface.name).collect();
        names.sort_unstable();
        names.dedup();
        let name = names[dice.below(names.len())];
        let of_it: Vec<Thing> = self.things.iter().filter(|thing| thing.interface.name == name).copied().collect();
        let thing = of_it[of_it.len() - 1 - dice.below(of_it.len().min(3))];
        let known = thing.interface.requests.iter().filter(|desc| desc.since <= thing.version).count();
        if known == 0 || name == "wl_registry" {
            return;
        }
        let opcode = dice.below(known);
        let desc = &thing.interface.requests[opcode];
        if desc.is_destructor && !dice.one_in(8) {
            return;
        }
        let odd = dice.below(desc.signature.len() * 2);
        let mut place = 0;
        self.silent = dice.one_in(64);
        self.send(thing, opcode, |speaker, kind, interface| {
            place += 1;
            // Avoids the numbers for which `usual` returns nothing.
            let number = 1 + 4 * (dice.roll() % 7) as u16;
            let is_object = matches!(kind, ArgumentType::Object(_));
            if place - 1 == odd && !is_object {
                return BOUNDARIES[dice.below(BOUNDARIES.len())];
            }
            let usual = speaker.usual(name, desc.name, place, number).filter(|_| place - 1 != odd);
            usual.unwrap_or_else(|| speaker.word(kind, interface, (dice.roll() & 0xffff) as u16))
        });
        self.silent = false;
    }

    /// An invalid request, once or many times. It may be the last one: some end within the message.
    pub fn mangle(&mut self, dice: &mut Dice) {
        let list = if dice.one_in(20) && !self.dead.is_empty() { &self.dead } else { &self.things };
        let thing = list[dice.below(list.len())];
        let requests = thing.interface.requests.len();
        if requests == 0 {
            return;
        }
        // An opcode beyond the last, or any.
        let one_more = usize::from(dice.one_in(20));
        let opcode = if dice.one_in(40) { dice.below(65_536) } else { dice.below(requests + one_more) };
        let (body, wanted, made) = self.mangled_body(dice, thing, opcode);
        let length = body.len() as u32 + 8;
        let size = match dice.below(24) {
            0 => 0,
            1 => 7,
            2 => 0xffff,
            3 => length + 4,
            4 => length - 4,
            5 => length + 1,
            _ => length,
        };
        let id = if dice.one_in(40) { dice.roll() as u32 } else { thing.id };
        let mut message = Vec::from(id.to_ne_bytes());
        words(&mut message, &[(size & 0xffff) << 16 | (opcode as u32 & 0xffff)]);
        message.extend_from_slice(&body);
        let count = match dice.below(12) {
            0 => wanted + 1,
            1 => 0,
            2 => MAX_DESCRIPTORS,
            _ => wanted,
        };
        let descriptors: Vec<OwnedFd> = (0..count).map(|_| descriptor(dice)).collect();
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        if dice.one_in(60) {
            // The connection ends at any byte.
            message.truncate(dice.below(message.len()));
            self.wire.send(&message);
            let _ = self.wire.stream.shutdown(std::net::Shutdown::Both);
            self.closed = true;
            return;
        }
        for _ in 0..if dice.one_in(40) { dice.below(300) } else { 1 } {
            let sent = match descriptors.is_empty() {
                true => self.wire.send(&message),
                false => self.wire.send_with(&message, &descriptors),
            };
            self.sent += 1;
            self.closed |= !sent;
        }
        if let Some(interface) = made
            && size == length
        {
            self.new_id(interface, thing.version);
        }
    }

    /// The arguments, their number of descriptors, and the interface of the new object under the next id.
    fn mangled_body(
        &self,
        dice: &mut Dice,
        thing: Thing,
        opcode: usize,
    ) -> (Vec<u8>, usize, Option<&'static wayland_client::backend::protocol::Interface>) {
        let (mut body, mut descriptors, mut made) = (Vec::new(), 0, None);
        let Some(desc) = thing.interface.requests.get(opcode) else {
            words(&mut body, &[dice.roll() as u32]);
            return (body, 0, None);
        };
        let mut interfaces = desc.arg_interfaces.iter();
        for kind in desc.signature {
            match kind {
                ArgumentType::Str(_) => put_bytes(&mut body, dice, true),
                ArgumentType::Array => put_bytes(&mut body, dice, false),
                ArgumentType::Fd => descriptors += 1,
                ArgumentType::NewId => {
                    if desc.child_interface.is_none() {
                        put_bytes(&mut body, dice, true);
                        words(&mut body, &[dice.below(9) as u32]);
                    }
                    let id = match dice.below(16) {
                        0 => 0,
                        1 => dice.roll() as u32,
                        2 => 0xff00_0000 + dice.below(9) as u32,
                        3 => self.next_id + 1 + dice.below(99) as u32,
                        4 => self.things[dice.below(self.things.len())].id,
                        _ => {
                            made = desc.child_interface;
                            self.next_id
                        }
                    };
                    words(&mut body, &[id]);
                }
                ArgumentType::Object(_) => {
                    let wanted = interfaces.next().map(|interface| interface.name);
                    let fitting = self.things.iter().rev().find(|thing| Some(thing.interface.name) == wanted);
                    let id = match dice.below(12) {
                        0 => 0,
                        1 => dice.roll() as u32,
                        2 => self.things[dice.below(self.things.len())].id,
                        3 => self.dead.first().map_or(0, |thing| thing.id),
                        _ => fitting.map_or(0, |thing| thing.id),
                    };
                    words(&mut body, &[id]);
                }
                _ => {
                    let word = match dice.below(6) {
                        0 => u32::MAX,
                        1 => i32::MIN as u32,
                        2 => i32::MAX as u32,
                        3 => 0,
                        4 => dice.roll() as u32,
                        _ => dice.below(300) as u32,
                    };
                    words(&mut body, &[word]);
                }
            }
        }
        (body, descriptors, made)
    }
}
