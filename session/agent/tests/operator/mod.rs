//! An operator who does what kioskctl does and what it never would: the messages of enrolment over TLS, one by one.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use kiosk_enrolment::{Answer, BINDING, Code, Hello, Offer, Refusal, Secret, Side, Welcome, operator_tls};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::fleet::Agent;

/// A connection.
pub struct Operator(pub StreamOwned<ClientConnection, TcpStream>);

impl Operator {
    /// With its handshake done; an error where the device does not listen.
    pub fn come(agent: &Agent) -> std::io::Result<Operator> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream =
            StreamOwned::new(ClientConnection::new(Arc::new(operator_tls().unwrap()), name).unwrap(), agent.tcp());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Operator(stream))
    }

    /// The proof of this code over this connection.
    pub fn hello(&self, code: &Code) -> Hello {
        let binding = self.0.conn.export_keying_material([0; 32], BINDING, None).unwrap();
        Hello { proof: Secret::of(code).proof(Side::Operator, &binding) }
    }

    pub fn say(&mut self, message: &impl serde::Serialize) -> std::io::Result<()> {
        let bytes = serde_json::to_vec(message).unwrap();
        let length = u32::try_from(bytes.len()).unwrap();
        self.0.write_all(&[&length.to_be_bytes()[..], &bytes].concat())
    }

    /// An error: the device ended it.
    pub fn hear(&mut self) -> std::io::Result<Answer> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    /// Says hello; what is answered.
    pub fn prove(&mut self, code: &Code) -> Answer {
        let hello = self.hello(code);
        self.say(&hello).unwrap();
        self.hear().unwrap()
    }

    /// Says hello and is welcome.
    #[track_caller]
    pub fn welcome(&mut self, code: &Code) -> Welcome {
        match self.prove(code) {
            Answer::Welcome(welcome) => welcome,
            other => panic!("{other:?}"),
        }
    }

    /// What is answered to an offer: `None`, it is taken.
    #[track_caller]
    pub fn offer(&mut self, offer: &Offer) -> Option<String> {
        self.say(offer).unwrap();
        match self.hear().unwrap() {
            Answer::Done => None,
            Answer::Refused(Refusal::NotTaken(why)) => Some(why),
            other => panic!("{other:?}"),
        }
    }
}
