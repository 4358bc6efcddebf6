//! How a device and the one who holds the fleet's authority get to know each other by a code on the device's screen: the code,
//! the proofs that both make of it, and the messages. Used by kiosk-agent (the device) and kioskctl (the operator); opens no
//! connection and no file. `docs/agent.md` describes it for users, `docs/decisions.md` says why it is so.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod code;
pub mod local;
mod message;
mod operator;
mod proof;
mod renewal;

pub use code::{Code, GROUPED, WrongCode};
pub use message::{Answer, Failed, Hello, Offer, Refusal, Welcome, read, write};
pub use message::{MAX_FIRST, MAX_OFFER};
pub use operator::operator_tls;
pub use proof::{BINDING, Binding, Proof, Secret, Side};
pub use renewal::{RENEWAL_PROTOCOL, Renewal, Renewed, device_name};

/// What TLS is told is spoken (ALPN): a port that serves HTTP, too, tells the two apart by it.
pub const PROTOCOL: &[u8] = b"kiosk-enrol/1";
