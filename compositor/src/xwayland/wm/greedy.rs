//! Tests: X programs that want too much of the window manager, behind a server that a test plays over a socket pair: no
//! more is read, kept or given than the limits say.

use std::{
    collections::HashMap,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    pipe::{PipeFlags, pipe_with},
};
use smithay::reexports::calloop::{
    EventLoop,
    channel::{Event, sync_channel},
};

use super::{
    hostile::{ROOT, WINDOW, answer, packet, setup},
    *,
};

/// A hang, not a measure.
const GUARD: Duration = Duration::from_secs(60);
const TEXT: &str = "text/plain;charset=utf-8";
/// The first code of the extension XFIXES' events.
const XFIXES_EVENT: u8 = 100;

const CREATE_WINDOW: u8 = 1;
const DESTROY_WINDOW: u8 = 4;
const INTERN_ATOM: u8 = 16;
const ATOM_NAME: u8 = 17;
const CHANGE_PROPERTY: u8 = 18;
const GET_PROPERTY: u8 = 20;
const CONVERT_SELECTION: u8 = 24;
const SEND_EVENT: u8 = 25;
const QUERY_EXTENSION: u8 = 98;

/// What a test answers to a request in place of an honest server.
type Answer = fn(&Request, u16) -> Option<Vec<u8>>;

/// A request of the window manager.
struct Request(Vec<u8>);

impl Request {
    fn code(&self) -> u8 {
        self.0[0]
    }

    /// The word at this byte.
    fn word(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn window(&self) -> u32 {
        self.word(4)
    }
}

/// The write side of the server, and its last sequence number.
type Side = Arc<Mutex<(UnixStream, u16)>>;

/// A window manager and its server.
struct Scene {
    manager: Manager,
    side: Side,
    requests: Receiver<Request>,
    atoms: HashMap<String, u32>,
    news: EventLoop<'static, Vec<News>>,
    told: Vec<News>,
}

impl Scene {
    fn start(instead: Answer) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (sender, heard) = sync_channel(NEWS);
        let manager = Manager::start(ours, Wanted::default(), sender).unwrap();
        let side = Arc::new(Mutex::new((theirs.try_clone().unwrap(), 0)));
        let (sender, requests) = channel();
        let own = side.clone();
        std::thread::spawn(move || serve(theirs, &own, instead, |request| drop(sender.send(request))));
        let news = EventLoop::<Vec<News>>::try_new().unwrap();
        let source = news.handle().insert_source(heard, |news, (), told| {
            if let Event::Msg(news) = news {
                told.push(news);
            }
        });
        source.unwrap();
        let mut scene = Self { manager, side, requests, atoms: HashMap::new(), news, told: Vec::new() };
        scene.heard(|news| matches!(news, News::Ready));
        scene.taken();
        // Refused, as nothing is offered yet: what the manager said before has come then.
        scene.request_selection(1);
        scene.until(|request| request.code() == SEND_EVENT);
        scene
    }

    /// An event comes from the server.
    fn say(&self, kind: u8, words: &[u32]) {
        let (stream, sequence) = &mut *self.side.lock().unwrap();
        stream.write_all(&packet(kind, 0, *sequence, words)).unwrap();
    }

    /// The news up to the first that is wanted, which is the last.
    fn heard(&mut self, wanted: impl Fn(&News) -> bool) -> Vec<News> {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.told.iter().position(&wanted) {
                return self.told.drain(..=at).collect();
            }
            assert!(begun.elapsed() < GUARD, "{:?}", self.told);
            self.news.dispatch(Some(Duration::from_millis(100)), &mut self.told).unwrap();
        }
    }

    /// Requests that were made and not taken yet.
    fn taken(&mut self) -> Vec<Request> {
        let taken: Vec<Request> = self.requests.try_iter().collect();
        taken.iter().for_each(|request| self.note(request));
        taken
    }

    /// Requests up to the first that is wanted, which is the last.
    fn until(&mut self, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        let mut taken = Vec::new();
        loop {
            let request = self.requests.recv_timeout(GUARD).expect("the request that is waited for");
            self.note(&request);
            let last = wanted(&request);
            taken.push(request);
            if last {
                return taken;
            }
        }
    }

    /// Atoms have the number of the request that made them, which comes with the request.
    fn note(&mut self, request: &Request) {
        if request.code() == INTERN_ATOM {
            let length = usize::from(u16::from_ne_bytes([request.0[4], request.0[5]]));
            let name = String::from_utf8(request.0[8..8 + length].to_vec()).unwrap();
            let number = request.word(request.0.len() - 4);
            self.atoms.entry(name).or_insert(1000 + number);
        }
    }

    fn atom(&self, name: &str) -> u32 {
        *self.atoms.get(name).unwrap_or_else(|| panic!("nobody has made the atom {name}"))
    }

    /// Wayland clients offer this form.
    fn offer(&mut self, form: &str) {
        let offer = Offer { number: 1, forms: Some(vec![form.into()]) };
        self.manager.want(Wanted { offers: [offer, Offer::default()], ..Wanted::default() });
        // SetSelectionOwner.
        self.until(|request| request.code() == 22);
    }

    /// An X program asks for what Wayland clients offer; to be put into the property with this number.
    fn request_selection(&self, property: u32) {
        self.say(30, &[0, ROOT, WINDOW, self.atom("CLIPBOARD"), 1, property]);
    }

    /// A Wayland client asks for an X program's selection. Returns the end to read from.
    fn paste(&self) -> OwnedFd {
        let (from, into) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        self.manager.paste(Paste { kind: SelectionTarget::Clipboard, form: TEXT.into(), into });
        from
    }
}

fn serve(mut stream: UnixStream, side: &Side, instead: Answer, tell: impl Fn(Request)) {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    side.lock().unwrap().0.write_all(&setup()).unwrap();
    let mut head = [0; 4];
    // Until the other side ends.
    while stream.read_exact(&mut head).is_ok() {
        let mut request = head.to_vec();
        request.resize((usize::from(u16::from_ne_bytes([head[2], head[3]])) * 4).max(4), 0);
        stream.read_exact(&mut request[4..]).unwrap();
        let mut request = Request(request);
        let (stream, sequence) = &mut *side.lock().unwrap();
        *sequence += 1;
        let said = instead(&request, *sequence).unwrap_or_else(|| match request.code() {
            QUERY_EXTENSION => {
                // Told apart by the length of their names.
                let event = if &request.0[8..14] == b"XFIXES" { XFIXES_EVENT } else { 0 };
                let code = [1, 128 + request.0[4], event, 0];
                packet(1, 0, *sequence, &[0, u32::from_ne_bytes(code)])
            }
            _ => answer(&request.0, *sequence),
        });
        request.0.extend(u32::from(*sequence).to_ne_bytes());
        tell(request);
        if stream.write_all(&said).is_err() {
            break;
        }
    }
}

/// A property's reply of `count` values of this format.
fn property(sequence: u16, format: u8, kind: u32, count: u32, left: u32, values: &[u32]) -> Vec<u8> {
    let length = u32::try_from(values.len()).unwrap();
    packet(1, format, sequence, &[&[length, kind, left, count, 0, 0, 0], values].concat())
}

fn has_ended(pipe: &OwnedFd) -> bool {
    let mut ended = [PollFd::new(pipe, PollFlags::IN)];
    poll(&mut ended, Some(&Timespec::default())).unwrap();
    ended[0].revents().contains(PollFlags::HUP)
}

#[test]
fn no_more_of_a_property_is_asked_for_or_kept_than_its_beginning() {
    let mut scene = Scene::start(|request, sequence| {
        let value = [u32::from_ne_bytes(*b"name"); 5000];
        (request.code() == GET_PROPERTY).then(|| property(sequence, 8, 31, 20_000, 0, &value))
    });
    scene.say(16, &[ROOT, WINDOW, 0, 0x0064_0064, 0]);
    scene.say(20, &[ROOT, WINDOW]);
    let told = scene.heard(|news| matches!(news, News::Named { .. }));
    let Some(News::Named { names, .. }) = told.last() else { panic!("{told:?}") };
    assert_eq!(names.title, "name".repeat(32));
    let asked: Vec<_> = scene.taken().into_iter().filter(|request| request.code() == GET_PROPERTY).collect();
    assert!(asked.len() >= 7 && asked.iter().all(|request| request.word(20) <= 32));
}

#[test]
fn of_a_selection_with_a_thousand_targets_so_many_are_read_and_passed_on() {
    // Every other one is a MIME type, or none is.
    let every_other: Answer = |request, sequence| targets(request, sequence, true);
    let none: Answer = |request, sequence| targets(request, sequence, false);
    for (instead, forms) in [(every_other, FORMS), (none, 0)] {
        let mut scene = Scene::start(instead);
        let clipboard = scene.atom("CLIPBOARD");
        scene.say(XFIXES_EVENT, &[ROOT, WINDOW, clipboard, 0, 0]);
        let asked = scene.until(|request| request.code() == CONVERT_SELECTION).pop().unwrap();
        scene.say(31, &[0, asked.word(4), asked.word(8), asked.word(12), asked.word(16)]);
        let told = scene.heard(|news| matches!(news, News::Copied { .. }));
        let Some(News::Copied { forms: passed_on, .. }) = told.last() else { panic!("{told:?}") };
        assert_eq!(passed_on.len(), forms);
        let read = scene.taken().iter().filter(|request| request.code() == ATOM_NAME).count();
        assert!((forms..=128).contains(&read), "{read}");
    }
}

/// A thousand targets, and their names: of each other one that of a MIME type, or of none.
fn targets(request: &Request, sequence: u16, types: bool) -> Option<Vec<u8>> {
    match request.code() {
        GET_PROPERTY => {
            let atoms: Vec<u32> = (2000..3000).collect();
            Some(property(sequence, 32, 4, 1000, 0, &atoms))
        }
        ATOM_NAME => {
            let number = request.word(4);
            let middle = if types && number.is_multiple_of(2) { '/' } else { '_' };
            let name = format!("a{middle}{number:06}");
            let words: Vec<u32> =
                name.as_bytes().chunks(4).map(|four| u32::from_ne_bytes(four.try_into().unwrap())).collect();
            Some(packet(1, 0, sequence, &[&[2, 8, 0, 0, 0, 0, 0], &words[..]].concat()))
        }
        _ => None,
    }
}

#[test]
fn pastes_that_a_program_never_answers_end_with_the_ninth() {
    let mut scene = Scene::start(|_, _| None);
    let mut pasted = Vec::new();
    for _ in 0..8 {
        let from = scene.paste();
        let made = scene.until(|request| request.code() == CREATE_WINDOW).pop().unwrap();
        pasted.push((made.window(), from));
    }
    assert!(pasted.iter().all(|(_, from)| !has_ended(from)));
    let _ninth = scene.paste();
    let ended = scene.until(|request| request.code() == DESTROY_WINDOW).pop().unwrap();
    assert_eq!(ended.window(), pasted[0].0);
    // The request is written at the end of the turn in which the pipe was closed.
    assert!(has_ended(&pasted[0].1));
    assert!(pasted[1..].iter().all(|(_, from)| !has_ended(from)));
}

#[test]
fn of_what_nobody_reads_no_more_is_taken_from_a_program() {
    const PIECE: u32 = 64 * 1024;
    let mut scene = Scene::start(|request, sequence| {
        let value = [7; PIECE as usize / 4];
        (request.code() == GET_PROPERTY).then(|| property(sequence, 8, 31, PIECE, 1 << 30, &value))
    });
    let from = scene.paste();
    let asked = scene.until(|request| request.code() == CONVERT_SELECTION).pop().unwrap();
    scene.say(31, &[0, asked.word(4), asked.word(8), asked.word(12), asked.word(16)]);
    let mut pieces = 0;
    // One piece fills the pipe, one is kept. What a program asks for meanwhile is refused in each turn.
    for property in 1..20 {
        scene.request_selection(property);
        let taken = scene.until(|request| request.code() == SEND_EVENT);
        pieces += taken.iter().filter(|request| request.code() == GET_PROPERTY).count();
    }
    assert!((1..=2).contains(&pieces), "{pieces}");
    // Who reads gets more.
    let mut reader = std::fs::File::from(from);
    reader.read_exact(&mut vec![0; 1 << 20]).unwrap();
    let more = scene.taken().iter().filter(|request| request.code() == GET_PROPERTY).count();
    assert!(more >= 14, "{more}");
    drop(reader);
    scene.until(|request| request.code() == DESTROY_WINDOW);
}

#[test]
fn a_program_has_eight_requests_for_what_others_copied_and_the_oldest_ends() {
    let mut scene = Scene::start(|_, _| None);
    scene.offer("a/b");
    let mut wanted = Vec::new();
    for property in 1..=9 {
        scene.request_selection(property);
        let told = scene.heard(|news| matches!(news, News::Wanted { .. }));
        wanted.extend(told.into_iter().filter_map(|news| match news {
            News::Wanted { into, .. } => Some(into),
            _ => None,
        }));
    }
    let refused = scene.until(|request| request.code() == SEND_EVENT).pop().unwrap();
    assert_eq!(refused.word(32), 0, "the property of a refusal");
    assert_eq!(rustix::io::write(&wanted[0], b"x"), Err(rustix::io::Errno::PIPE));
    assert!(wanted[1..].iter().all(|into| rustix::io::write(into, b"x") == Ok(1)));
}

#[test]
fn of_what_a_client_copies_without_end_a_program_gets_nothing() {
    let mut scene = Scene::start(|_, _| None);
    scene.offer("a/b");
    scene.request_selection(5);
    let told = scene.heard(|news| matches!(news, News::Wanted { .. }));
    let Some(News::Wanted { into, .. }) = told.into_iter().last() else { panic!("nothing is wanted") };
    fcntl_setfl(into.as_fd(), OFlags::WRONLY).unwrap();
    let mut into = std::fs::File::from(into);
    let (mut written, piece) = (0, vec![0; 1 << 16]);
    while into.write_all(&piece).is_ok() {
        written += piece.len();
        assert!(written < 8 << 20, "it is read without end");
    }
    assert!((4 << 20..5 << 20).contains(&written), "{written}");
    let taken = scene.until(|request| request.code() == SEND_EVENT);
    assert_eq!(taken.last().unwrap().word(32), 0, "the property of a refusal");
    let given = taken.iter().find(|request| request.code() == CHANGE_PROPERTY && request.window() == WINDOW);
    assert!(given.is_none());
}
