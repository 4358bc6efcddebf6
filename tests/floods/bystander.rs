//! A client that asks for an answer, waits for it, and asks again a little later.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::kiosk::Kiosk;
use crate::wire::{Arg, DISPLAY, Wire};

/// So often.
pub const ASKED: usize = 1000;
/// Between two questions: what a page that animates takes between two frames, about.
const PAUSE: Duration = Duration::from_millis(10);
/// The number of its callback, which is free again with each answer.
const CALLBACK: u32 = 2;
/// `wl_callback.done` (12 bytes) and `wl_display.delete_id` (12 bytes).
const ANSWER: usize = 24;

/// Milliseconds.
pub struct Waits {
    pub median: f64,
    /// 99 of 100 are no longer.
    pub most: f64,
    pub longest: f64,
}

pub fn measure(kiosk: &Kiosk) -> Waits {
    let mut stream = kiosk.connect("wayland-0");
    let question = Wire::message(DISPLAY, 0, &[Arg::Word(CALLBACK)]);
    let mut waits: Vec<f64> = (0..ASKED)
        .map(|_| {
            thread::sleep(PAUSE);
            let asked = Instant::now();
            stream.write_all(&question).unwrap();
            stream.read_exact(&mut [0; ANSWER]).unwrap();
            asked.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    Waits { median: waits[ASKED / 2], most: waits[ASKED * 99 / 100], longest: waits[ASKED - 1] }
}
