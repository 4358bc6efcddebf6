//! A stand-in for kioskd's admin socket, for `kioskctl confine`: it offers the manager of security contexts, and ends
//! when one has been made.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

/// Makes one context for the first who connects, and is gone.
pub fn manage(listener: &UnixListener) {
    let mut stream = listener.accept().unwrap().0;
    let manager = b"wp_security_context_manager_v1\0\0";
    let registry = 2u32;
    for last in [false, true] {
        let callback = synced(&mut stream);
        if !last {
            let words = [registry, (8 + 4 + 4 + manager.len() as u32 + 4) << 16, 9, 31];
            let mut global: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
            global.extend_from_slice(manager);
            global.extend_from_slice(&1u32.to_ne_bytes());
            stream.write_all(&global).unwrap();
        }
        let done: Vec<u8> = [callback, 12 << 16, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
        stream.write_all(&done).unwrap();
    }
}

/// Reads on until `wl_display.sync`: the callback's name.
fn synced(stream: &mut UnixStream) -> u32 {
    let word = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap());
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let (object, size) = (word(&head[..4]), word(&head[4..]));
        let mut body = vec![0; (size >> 16) as usize - 8];
        stream.read_exact(&mut body).unwrap();
        if (object, size & 0xffff) == (1, 0) {
            return word(&body);
        }
    }
}
