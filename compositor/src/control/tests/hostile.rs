//! Peers that announce more than they send, send more than anybody needs, or are more than there are places: with raw
//! sockets, as no D-Bus library would.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc as std_mpsc;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::*;

/// Body of a message of which only the beginning is sent, bytes; zbus's own socket takes that much for each.
const ANNOUNCED: u32 = 127 * 1024 * 1024;
/// Connections at a time, of the 16 that one user may have.
const PEERS: usize = 15;
/// What those may cost, KiB, while other tests run; they announce 1,905 MiB.
const MAX_GROWTH: usize = 64 * 1024;

/// An authenticated connection, by hand.
fn authenticated(kiosk: &Fixture) -> UnixStream {
    let mut stream = kiosk.stream();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let uid: String = rustix::process::geteuid().as_raw().to_string().bytes().map(|b| format!("{b:02x}")).collect();
    write!(stream, "\0AUTH EXTERNAL {uid}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n").unwrap();
    let mut said = String::new();
    while !said.contains("AGREE_UNIX_FD") {
        let mut buffer = [0; 256];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    stream
}

/// The fixed part of a method call with a body of that length, and no more.
fn announcement(body: u32) -> Vec<u8> {
    [&b"l\x01\x00\x01"[..], &body.to_le_bytes(), &1u32.to_le_bytes(), &0u32.to_le_bytes()].concat()
}

/// The most memory that this process had in use, KiB, since [`forget_peak`] (proc(5), `clear_refs`).
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The name of the error that comes next, and its text; the message as a whole is left to zbus's own tests.
fn next_message(stream: &mut UnixStream) -> String {
    let mut buffer = vec![0; 4096];
    let count = stream.read(&mut buffer).unwrap();
    assert!(count > 0, "the connection was dropped");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[test]
fn what_is_announced_costs_nothing_and_has_a_time_to_come() {
    let kiosk = Fixture::new();
    let mut peers: Vec<UnixStream> = (0..PEERS).map(|_| authenticated(&kiosk)).collect();
    forget_peak();
    let before = peak();
    for peer in &mut peers {
        peer.write_all(&announcement(ANNOUNCED)).unwrap();
        // Some of it comes: what is kept grows with that.
        peer.write_all(&[0; 1000]).unwrap();
    }
    run(async {
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
    });
    // It has been read when the other side ends the connection, which it does without having got the rest.
    for peer in &mut peers {
        let mut rest = Vec::new();
        let ended = peer.read_to_end(&mut rest);
        assert!(matches!(ended, Ok(0)), "{ended:?} {rest:?}");
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < MAX_GROWTH, "{grown} KiB");
}

#[test]
fn a_message_that_is_too_large_is_refused_in_a_sentence_and_the_next_is_answered() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        for _ in 0..3 {
            let huge = "x".repeat(8 * 1024 * 1024);
            let (name, text) = refusal(method(&client, ROOT_PATH, COMPOSITOR, "ShowMessage", &huge).await);
            assert_eq!(name, "org.kioskd.Error.InvalidArgument");
            assert!(text.contains("at most 2097152 are taken"), "{text}");
        }
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
    });
}

#[test]
fn descriptors_are_not_taken() {
    let kiosk = Fixture::new();
    let mut peer = authenticated(&kiosk);
    let null = std::fs::File::open("/dev/null").unwrap();
    let call = Message::method_call(ROOT_PATH, "Dismiss").interface(COMPOSITOR).build(&zbus::Fd::from(&null)).unwrap();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let send = |count: usize, data: &[u8]| {
        let fds = vec![null.as_fd(); count];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        sendmsg(&peer, &[IoSlice::new(data)], &mut control, SendFlags::empty()).unwrap();
    };
    send(1, call.data());
    let before = open();
    let said = next_message(&mut peer.try_clone().unwrap());
    assert!(said.contains("no method here takes a file descriptor"), "{said}");
    for _ in 0..100 {
        send(1, call.data());
        next_message(&mut peer.try_clone().unwrap());
    }
    assert!(open() < before + 20, "{} are open, {before} were", open());
    // As a flood they end the connection.
    send(64, call.data());
    assert_eq!(peer.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn many_users_together_do_not_keep_root_out() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    let kiosk = Fixture::new();
    drop(kiosk.stream());
    let socket = kiosk.socket();
    let (sender, receiver) = std_mpsc::channel();
    for user in 60001..60008 {
        let (sender, socket) = (sender.clone(), socket.clone());
        std::thread::spawn(move || {
            // Of this thread alone, which ends with it.
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(user)).unwrap();
            let held: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(&socket).unwrap()).collect();
            sender.send(held).unwrap();
        });
    }
    drop(sender);
    let held: Vec<UnixStream> = receiver.into_iter().flatten().collect();
    assert_eq!(held.len(), 140);
    run(async {
        let root = kiosk.connect().await;
        assert_eq!(*get(&root, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
    });
    // And there were places for no more of them than are not kept.
    let still = held.iter().filter(|stream| {
        stream.set_nonblocking(true).unwrap();
        let mut stream: &UnixStream = stream;
        !matches!(stream.read(&mut [0; 1]), Ok(0))
    });
    assert_eq!(still.count(), 48);
}

#[test]
fn the_socket_is_made_anew_when_its_file_is_lost() {
    run(async {
        let kiosk = Fixture::new();
        // A caller that is served proves that the socket was there.
        drop(kiosk.connect().await);
        std::fs::remove_file(kiosk.socket()).unwrap();
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
    });
}

#[test]
fn a_peer_that_asks_and_does_not_read_is_dropped_and_others_are_served() {
    let kiosk = Fixture::new();
    let mut peer = authenticated(&kiosk);
    peer.set_write_timeout(Some(SOON * 2)).unwrap();
    let ask = Message::method_call(ROOT_PATH, "GetAll").interface(PROPERTIES).build(&COMPOSITOR).unwrap();
    let error = loop {
        if let Err(error) = peer.write_all(ask.data()) {
            break error;
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "the peer was not dropped");
    run(async {
        let client = kiosk.connect().await;
        assert_eq!(*get(&client, ROOT_PATH, COMPOSITOR, "Serial").await, Variant::from(7u32));
    });
}

#[test]
fn problems_tell_no_password_and_no_token() {
    run(async {
        let kiosk = Fixture::new();
        let client = kiosk.connect().await;
        let problem = "shell.url \"https://ann:secret@host/?token=secret\" can't be loaded";
        kiosk.handle.publish(Snapshot { problems: vec![problem.into()], ..snapshot() });
        let told = get(&client, ROOT_PATH, COMPOSITOR, "Problems").await;
        let shown = "shell.url \"https://***@host/?token=***\" can't be loaded";
        assert_eq!(*told, Variant::from(vec![shown.to_owned()]));
    });
}
