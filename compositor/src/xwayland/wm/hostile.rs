//! Tests: an X server that means harm, played over a socket pair. Whatever it says, the thread ends with its reason (one
//! that panics says none) or goes on, and believes no length.

use std::{
    io::{IoSlice, Read, Write},
    mem::MaybeUninit,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};
use smithay::reexports::calloop::{
    EventLoop,
    channel::{Channel, Event, sync_channel},
};
use x11rb::{
    protocol::xproto::{ImageOrder, Screen, Setup},
    x11_utils::Serialize,
};

use super::*;

pub(super) const ROOT: u32 = 0x100;
pub(super) const WINDOW: u32 = 0x40_0001;
const OWNER: u32 = 0x40_0002;
/// A hang, not a measure.
const GUARD: Duration = Duration::from_secs(60);

pub(super) fn setup() -> Vec<u8> {
    let screen = Screen { root: ROOT, width_in_pixels: 640, height_in_pixels: 400, ..Screen::default() };
    let mut setup = Setup {
        status: 1,
        protocol_major_version: 11,
        resource_id_base: 0x20_0000,
        resource_id_mask: 0x1f_ffff,
        maximum_request_length: u16::MAX,
        image_byte_order: ImageOrder::LSB_FIRST,
        bitmap_format_bit_order: ImageOrder::LSB_FIRST,
        roots: vec![screen],
        ..Setup::default()
    };
    setup.length = u16::try_from((setup.serialize().len() - 8) / 4).unwrap();
    setup.serialize()
}

/// A packet of 32 bytes with a sequence number.
pub(super) fn packet(kind: u8, detail: u8, sequence: u16, words: &[u32]) -> Vec<u8> {
    let mut bytes = vec![kind, detail];
    bytes.extend(sequence.to_ne_bytes());
    words.iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
    bytes.resize(bytes.len().max(32), 0);
    bytes
}

/// The answer to a request, where it has one. Atoms have the number of the request that made them.
pub(super) fn answer(request: &[u8], sequence: u16) -> Vec<u8> {
    let reply = |detail, words: &[u32]| packet(1, detail, sequence, words);
    match (request[0], request[1]) {
        // The extensions' major opcodes are told apart by the length of their names.
        (98, _) => reply(0, &[0, u32::from_ne_bytes([1, 128 + request[4], 0, 0])]),
        (16, _) => reply(0, &[0, 1000 + u32::from(sequence)]),
        (17, _) => reply(0, &[1, 3, 0, 0, 0, 0, 0, u32::from_ne_bytes(*b"a/b\0")]),
        // A list of two atoms.
        (20, _) => reply(32, &[2, 4, 0, 2, 0, 0, 0, 4, 5]),
        (14, _) => reply(24, &[0, ROOT, 0, 0x0064_0064]),
        (43, _) => reply(0, &[0, NONE_FOCUSED]),
        (128.., 0) => reply(0, &[0, 6, 0]),
        _ => Vec::new(),
    }
}

const NONE_FOCUSED: u32 = 0;

/// What happens on a server: a window comes, is mapped, moves, copies, pastes and goes.
fn events(sequence: u16, selection: u32) -> Vec<u8> {
    let event = |kind, words: &[u32]| packet(kind, 0, sequence, words);
    [
        event(16, &[ROOT, WINDOW, 0, 0x0064_0064, 0]),
        event(20, &[ROOT, WINDOW]),
        event(22, &[ROOT, WINDOW, 0, 0x0005_0005, 0x0032_0032, 0]),
        event(23, &[ROOT, WINDOW, 0, 0, 0x0032_0032, 0, 0]),
        event(21, &[ROOT, OWNER, ROOT, 0, 0]),
        event(33, &[WINDOW, 1009, 1, 2, 3, 4, 5]),
        event(30, &[0, ROOT, OWNER, selection, 1017, 5]),
        event(31, &[0, 0x20_0000, selection, 1017, 5]),
        event(28, &[WINDOW, 5, 0, 0]),
        event(18, &[ROOT, WINDOW, 0]),
        event(17, &[ROOT, WINDOW]),
    ]
    .concat()
}

/// What an honest server says from its first byte to the end of [`WINDOW`].
fn honest() -> Vec<u8> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (news, heard) = sync_channel(NEWS);
    let manager = Manager::start(ours, Wanted::default(), news).unwrap();
    let server = std::thread::spawn(move || serve(theirs));
    let told = until_the_end(manager, heard, |news| matches!(news, News::Gone { .. }));
    assert!(told.iter().any(|news| matches!(news, News::Mapped { window: WINDOW, .. })), "{told:?}");
    server.join().unwrap()
}

fn serve(mut stream: UnixStream) -> Vec<u8> {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    let mut said = setup();
    stream.write_all(&said).unwrap();
    let mut sequence = 0u16;
    let mut request = vec![0; 4];
    // Until the other side ends.
    while stream.read_exact(&mut request[..4]).is_ok() {
        let length = usize::from(u16::from_ne_bytes([request[2], request[3]])) * 4;
        request.resize(length.max(4), 0);
        stream.read_exact(&mut request[4..]).unwrap();
        sequence += 1;
        let mut answer = answer(&request, sequence);
        // It owns WM_S0: the server is ready.
        if request[0] == 22 && said.len() < 1 << 16 {
            answer = events(sequence, 1);
        }
        said.extend(&answer);
        if stream.write_all(&answer).is_err() {
            break;
        }
        request.truncate(4);
    }
    said
}

/// What the thread tells until it ends; the manager goes at the first news that is the last that is waited for.
fn until_the_end(manager: Manager, heard: Channel<News>, last: fn(&News) -> bool) -> Vec<News> {
    let mut event_loop = EventLoop::<Vec<News>>::try_new().unwrap();
    let source = event_loop.handle().insert_source(heard, |news, (), told| {
        if let Event::Msg(news) = news {
            told.push(news);
        }
    });
    source.unwrap();
    let (mut told, mut manager) = (Vec::new(), Some(manager));
    let begun = Instant::now();
    while !told.iter().any(|news| matches!(news, News::Ended { .. })) {
        assert!(begun.elapsed() < GUARD, "neither an end nor a reason: {told:?}");
        event_loop.dispatch(Some(Duration::from_secs(1)), &mut told).unwrap();
        if told.iter().any(last) {
            manager.take();
        }
    }
    told
}

/// The reason for the end, with a server that says `bytes` and then nothing more.
fn end_after(bytes: &[u8]) -> String {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (news, heard) = sync_channel(NEWS);
    let manager = Manager::start(ours, Wanted::default(), news).unwrap();
    theirs.write_all(bytes).unwrap();
    theirs.shutdown(Shutdown::Write).unwrap();
    match until_the_end(manager, heard, |_| false).pop() {
        Some(News::Ended { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_ends_at_any_byte_ends_the_manager_with_a_reason() {
    let honest = honest();
    for length in 0..honest.len() {
        assert_ne!(end_after(&honest[..length]), "", "{length}");
    }
}

#[test]
fn a_server_whose_every_byte_may_be_wrong_ends_the_manager_with_a_reason_at_worst() {
    let honest = honest();
    for at in 0..honest.len() {
        for value in [0, 1, 0xff] {
            let mut bytes = honest.clone();
            bytes[at] = value;
            assert_ne!(end_after(&bytes), "", "{at}: {value}");
        }
    }
}

#[test]
fn an_announced_length_is_not_believed() {
    for kind in [1, 35, 0x80 | 35] {
        let bytes = [setup(), packet(kind, 0, 1, &[16 << 20])].concat();
        let reason = end_after(&bytes);
        assert!(reason.contains("announces a packet of 67108864 bytes"), "{reason}");
    }
    // The longest that is taken ends with the stream.
    let bytes = [setup(), packet(1, 0, 1, &[1 << 18])].concat();
    assert!(!end_after(&bytes).contains("announces"));
}

#[test]
fn events_in_place_of_an_answer_are_not_kept_without_end() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (news, heard) = sync_channel(NEWS);
    let manager = Manager::start(ours, Wanted::default(), news).unwrap();
    let server = std::thread::spawn(move || {
        let mut bytes = setup();
        // At most a gigabyte: who keeps them is found out before it hurts.
        for _ in 0..1 << 14 {
            if theirs.write_all(&bytes).is_err() {
                return true;
            }
            bytes = packet(28, 0, 0, &[WINDOW, 5]).repeat(2048);
        }
        false
    });
    let told = until_the_end(manager, heard, |_| false);
    let Some(News::Ended { reason }) = told.last() else { panic!("{told:?}") };
    assert!(reason.contains("says more than it is asked for"), "{reason}");
    assert!(server.join().unwrap());
}

#[test]
fn file_descriptors_that_a_server_sends_are_closed() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (news, _heard) = sync_channel(NEWS);
    let _manager = Manager::start(ours, Wanted::default(), news).unwrap();
    theirs.write_all(&setup()).unwrap();
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    for _ in 0..100 {
        let descriptors = [writer.as_fd(); 4];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        assert!(rights.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let event = packet(28, 0, 0, &[WINDOW, 5]);
        assert_eq!(sendmsg(&theirs, &[IoSlice::new(&event)], &mut rights, SendFlags::empty()).unwrap(), 32);
    }
    drop(writer);
    // The pipe ends with the last descriptor; the thread still waits for its first answer.
    let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
    let mut ended = [PollFd::new(&reader, PollFlags::IN)];
    assert_eq!(poll(&mut ended, Some(&patience)).unwrap(), 1);
    assert!(ended[0].revents().contains(PollFlags::HUP));
}
