//! A VNC client that types: the part of RFC 6143 (RFB 3.8) that it needs.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::stand::until;

/// X11's keysym of the Enter key.
const ENTER: u32 = 0xff0d;

/// An unused port.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A connection after the handshake.
pub struct Vnc(TcpStream);

fn take<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

impl Vnc {
    /// Connects when the server listens. Returns the screen's size as well.
    pub fn connect(port: u16) -> (Self, (u16, u16)) {
        let mut stream = until("the VNC server", || TcpStream::connect(("127.0.0.1", port)).ok());
        assert_eq!(&take::<12>(&mut stream), b"RFB 003.008\n");
        stream.write_all(b"RFB 003.008\n").unwrap();
        let [count] = take::<1>(&mut stream);
        let mut kinds = vec![0; count.into()];
        stream.read_exact(&mut kinds).unwrap();
        assert!(kinds.contains(&1), "a server without password: {kinds:?}");
        stream.write_all(&[1]).unwrap();
        assert_eq!(take::<4>(&mut stream), [0; 4]);
        stream.write_all(&[1]).unwrap();
        let size = take::<4>(&mut stream);
        take::<16>(&mut stream);
        let length = u32::from_be_bytes(take::<4>(&mut stream));
        let mut name = vec![0; length as usize];
        stream.read_exact(&mut name).unwrap();
        let size = (u16::from_be_bytes([size[0], size[1]]), u16::from_be_bytes([size[2], size[3]]));
        (Self(stream), size)
    }

    /// Types ASCII letters and Enter.
    pub fn type_line(&mut self, text: &str) {
        for key in text.bytes().map(u32::from).chain([ENTER]) {
            for down in [1, 0] {
                let mut message = vec![4, down, 0, 0];
                message.extend_from_slice(&key.to_be_bytes());
                self.0.write_all(&message).unwrap();
            }
        }
    }
}
