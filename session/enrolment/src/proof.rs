//! The proofs: each side shows that it knows the code, bound to this very TLS connection and to its side. Pure.
//!
//! A proof is HMAC-SHA256 over the connection's exporter (RFC 9266, RFC 8446 section 7.5), with a key that is the code
//! stretched by PBKDF2. Who sits between the two has two connections with two exporters: what one side proves counts for
//! nothing on the other, and nothing on a later one. What is left to them is to guess the code from the operator's proof, which
//! they are sent first, while the code lives: 2^60 codes, each by 20,000 rounds of HMAC.

use std::num::NonZeroU32;

use ring::{hmac, pbkdf2};

/// The label of the exporter whose output is a [`Binding`] (RFC 9266, section 3); it has no context.
pub const BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// What the exporter says of a connection.
pub type Binding = [u8; 32];

/// What is sent.
pub type Proof = [u8; 32];

/// Of the stretching; they take a slow device some hundredths of a second, once for each code.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(19_999);
/// Every code is new and lives ten minutes: a salt of its own would not save it from tables that nobody can make.
const SALT: &[u8] = b"kiosk-enrol/1";

/// Whose proof it is: no side's can be sent back to it as the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who holds the authority; proves first, so that a device tells nothing to who does not know its code.
    Operator,
    /// Whose screen shows the code.
    Device,
}

/// A code, made ready for proofs.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// Takes as long as the stretching does, and should not be waited for where others wait.
    pub fn of(code: &super::Code) -> Self {
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, SALT, code.letters(), &mut key);
        Secret(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// This side's, for this connection.
    pub fn proof(&self, side: Side, binding: &Binding) -> Proof {
        let mut proof = [0; 32];
        let tag = hmac::sign(&self.0, &said(side, binding));
        for (to, from) in proof.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        proof
    }

    /// Whether it is that side's proof for this connection; takes the same time whatever it is.
    pub fn accepts(&self, side: Side, binding: &Binding, proof: &Proof) -> bool {
        hmac::verify(&self.0, &said(side, binding), proof).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

fn said(side: Side, binding: &Binding) -> Vec<u8> {
    let label: &[u8] = match side {
        Side::Operator => b"kiosk-enrol/1 operator\0",
        Side::Device => b"kiosk-enrol/1 device\0",
    };
    [label, binding].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_counts_for_one_code_one_connection_and_one_side() {
        let [code, other]: [super::super::Code; 2] =
            ["K7WM-3PXA-9QTD", "K7WM-3PXA-9QTE"].map(|code| code.parse().unwrap());
        let (secret, other) = (Secret::of(&code), Secret::of(&other));
        let (here, there) = ([1; 32], [2; 32]);
        let proof = secret.proof(Side::Operator, &here);
        assert!(secret.accepts(Side::Operator, &here, &proof));
        assert!(!secret.accepts(Side::Device, &here, &proof), "sent back as the other side's");
        assert!(!secret.accepts(Side::Operator, &there, &proof), "recorded on another connection");
        assert!(!other.accepts(Side::Operator, &here, &proof));
        assert!(!format!("{secret:?}").contains("K7WM"));
    }
}
