//! A device that is being enrolled, as far as kioskctl sees one: its end of the conversation, and its socket for root.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use kiosk_enrolment::local::{LocalAnswer, LocalOrder};
use kiosk_enrolment::{Answer, BINDING, Code, Hello, Offer, PROTOCOL, Refusal, Secret, Side, Welcome};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Listens for one operator with this code, and answers each offer so; its address, and what it was offered.
pub fn device(code: &str, answer: Answer) -> (String, JoinHandle<Option<Offer>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let code: Code = code.parse().unwrap();
    let thread = std::thread::spawn(move || {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let stream = listener.accept().unwrap().0;
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let hello: Hello = hear(&mut stream)?;
        let binding = stream.conn.export_keying_material([0; 32], BINDING, None).unwrap();
        let secret = Secret::of(&code);
        if !secret.accepts(Side::Operator, &binding, &hello.proof) {
            say(&mut stream, &Answer::Refused(Refusal::WrongCode { left: 4 }));
            return None;
        }
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let proof = secret.proof(Side::Device, &binding);
        say(&mut stream, &Answer::Welcome(Welcome { proof, request, host: "hall-7".into() }));
        let offer = hear(&mut stream)?;
        say(&mut stream, &answer);
        Some(offer)
    });
    (at, thread)
}

/// Answers three orders of root's.
pub fn agent(socket: &Path) -> JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for _ in 0..3 {
            let mut stream = listener.accept().unwrap().0;
            let mut order = Vec::new();
            stream.read_to_end(&mut order).unwrap();
            let answer = match serde_json::from_slice(&order).unwrap() {
                LocalOrder::Start => LocalAnswer::Shown {
                    code: "K7WM-3PXA-9QTD".into(),
                    url: "https://192.168.1.5:8443/#K7WM-3PXA-9QTD".into(),
                    seconds: 600,
                },
                LocalOrder::Stop => LocalAnswer::Stopped(true),
                LocalOrder::Renew => LocalAnswer::Renewed(false),
            };
            stream.write_all(&serde_json::to_vec(&answer).unwrap()).unwrap();
        }
    })
}

fn say(stream: &mut Stream, message: &impl Serialize) {
    let bytes = serde_json::to_vec(message).unwrap();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], &bytes].concat()).unwrap();
    stream.flush().unwrap();
}

fn hear<T: DeserializeOwned>(stream: &mut Stream) -> Option<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
