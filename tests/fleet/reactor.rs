//! All devices' connections on one epoll: those to the broker, and those of who scrapes them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::backoff::Backoff;
use super::device::{self, Heard};
use super::scrape;

/// Two thirds of the keep-alive, as kiosk-agent has it.
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// For a connection to come about.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
const LISTENER: u64 = u64::MAX;
/// Connections of who scrapes are numbered from here.
const SCRAPER: u64 = 1 << 32;

/// Since the last line.
#[derive(Debug, Default)]
pub struct Counts {
    pub tries: u64,
    pub refused: u64,
    pub timed_out: u64,
    pub ended: u64,
    pub scrapes: u64,
}

struct Stream {
    stream: TcpStream,
    read: Vec<u8>,
    write: Vec<u8>,
}

enum Phase {
    Waits,
    Greets(Stream),
    Up(Stream),
}

struct Device {
    phase: Phase,
    backoff: Backoff,
    up_since: Instant,
    /// What is due for an earlier phase is not.
    turn: u64,
}

pub struct Fleet {
    epoll: OwnedFd,
    port: u16,
    devices: Vec<Device>,
    due: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    listener: TcpListener,
    scrapers: HashMap<u64, Stream>,
    next_scraper: u64,
    scraped: Vec<bool>,
    counts: Counts,
    random: u64,
}

impl Fleet {
    pub fn new(count: usize, port: u16) -> Fleet {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN).unwrap();
        let now = Instant::now();
        let device = |_| Device { phase: Phase::Waits, backoff: Backoff::default(), up_since: now, turn: 0 };
        let due = (0..count).map(|device| Reverse((now, device, 0))).collect();
        let devices = (0..count).map(device).collect();
        let (scrapers, scraped) = (HashMap::new(), vec![false; count]);
        let counts = Counts::default();
        Fleet { epoll, port, devices, due, listener, scrapers, next_scraper: SCRAPER, scraped, counts, random: 1 }
    }

    pub fn up(&self) -> usize {
        self.devices.iter().filter(|device| matches!(device.phase, Phase::Up(_))).count()
    }

    pub fn scraped(&self) -> usize {
        self.scraped.iter().filter(|scraped| **scraped).count()
    }

    pub fn scraped_at(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub fn counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Goes on until it is so, or the time is over; whether it is so.
    pub fn until(&mut self, time: Duration, is: impl Fn(&Fleet) -> bool) -> bool {
        let end = Instant::now() + time;
        let mut look = Instant::now();
        while Instant::now() < end {
            self.turn(Duration::from_millis(100));
            if Instant::now() >= look {
                if is(self) {
                    return true;
                }
                look = Instant::now() + Duration::from_millis(100);
            }
        }
        false
    }

    fn turn(&mut self, longest: Duration) {
        let now = Instant::now();
        while let Some(Reverse((at, number, turn))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            if self.devices[number].turn == turn {
                self.is_due(number);
            }
        }
        let next = self.due.peek().map_or(longest, |Reverse((at, ..))| at.saturating_duration_since(Instant::now()));
        let mut events = Vec::with_capacity(1024);
        let wait = rustix::time::Timespec::try_from(next.min(longest)).unwrap();
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait)).unwrap();
        for event in events {
            match event.data.u64() {
                LISTENER => self.accept(),
                number if number >= SCRAPER => self.scrape(number),
                number => self.happens(usize::try_from(number).unwrap()),
            }
        }
    }

    fn is_due(&mut self, number: usize) {
        match &mut self.devices[number].phase {
            Phase::Waits => self.connect(number),
            Phase::Greets(_) => {
                self.counts.timed_out += 1;
                self.lost(number);
            }
            Phase::Up(stream) => {
                stream.write.extend(device::PING);
                self.later(number, PING_INTERVAL);
                self.happens(number);
            }
        }
    }

    /// Something is due; what was before is not.
    fn later(&mut self, number: usize, pause: Duration) {
        let device = &mut self.devices[number];
        device.turn += 1;
        self.due.push(Reverse((Instant::now() + pause, number, device.turn)));
    }

    fn connect(&mut self, number: usize) {
        self.counts.tries += 1;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
        // It is under way, or its error comes with the first event.
        let _ = connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port));
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(&self.epoll, socket.as_fd(), epoll::EventData::new_u64(number as u64), flags).unwrap();
        let stream = Stream { stream: socket.into(), read: Vec::new(), write: device::connect(number) };
        self.devices[number].phase = Phase::Greets(stream);
        self.later(number, STEP_TIMEOUT);
    }

    fn happens(&mut self, number: usize) {
        let (Phase::Greets(stream) | Phase::Up(stream)) = &mut self.devices[number].phase else { return };
        if !stream.moves() {
            return self.lost(number);
        }
        for heard in device::heard(&mut stream.read) {
            match heard {
                Heard::Welcome => stream.write.extend(device::subscribe(number)),
                Heard::Subscribed => stream.write.extend(device::state(number)),
                Heard::Refused => return self.lost(number),
                Heard::Other => {}
            }
            if heard != Heard::Subscribed {
                continue;
            }
            let phase = std::mem::replace(&mut self.devices[number].phase, Phase::Waits);
            let Phase::Greets(mut stream) = phase else { return };
            let lives = stream.moves();
            self.devices[number].phase = Phase::Up(stream);
            self.devices[number].up_since = Instant::now();
            self.later(number, PING_INTERVAL);
            if !lives {
                self.lost(number);
            }
            return;
        }
        if !stream.moves() {
            self.lost(number);
        }
    }

    /// It comes again, as kiosk-agent does.
    fn lost(&mut self, number: usize) {
        let device = &mut self.devices[number];
        let was = std::mem::replace(&mut device.phase, Phase::Waits);
        let held = match was {
            Phase::Up(_) => {
                self.counts.ended += 1;
                device.up_since.elapsed()
            }
            _ => {
                self.counts.refused += 1;
                Duration::ZERO
            }
        };
        // xorshift64: it need not be better than that.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let pause = self.devices[number].backoff.after(held, self.random);
        self.later(number, pause);
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).unwrap();
            let number = self.next_scraper;
            self.next_scraper += 1;
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(number), flags).unwrap();
            self.scrapers.insert(number, Stream { stream, read: Vec::new(), write: Vec::new() });
            self.scrape(number);
        }
    }

    fn scrape(&mut self, number: u64) {
        let Some(stream) = self.scrapers.get_mut(&number) else { return };
        let mut lives = stream.moves();
        while let Some(device) = scrape::asked(&mut stream.read) {
            self.counts.scrapes += 1;
            if let Some(scraped) = self.scraped.get_mut(device) {
                *scraped = true;
            }
            stream.write.extend(scrape::answer(self.counts.scrapes));
            lives &= stream.moves();
        }
        if !lives {
            self.scrapers.remove(&number);
        }
    }
}

impl Stream {
    /// Moves what can be moved now; whether it lives.
    fn moves(&mut self) -> bool {
        while !self.write.is_empty() {
            match self.stream.write(&self.write) {
                Ok(count) => drop(self.write.drain(..count)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(_) => return false,
            }
        }
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(count) => self.read.extend(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return true,
                Err(_) => return false,
            }
        }
    }
}
