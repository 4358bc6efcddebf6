//! `KIOSK_FUZZ_TARGET=NAME kiosk-fuzz [OPTION]... DIRECTORY`: libFuzzer with one target, which keeps in DIRECTORY what
//! reaches new code. Its options begin with `-`; `-help=1` lists them. `tests/fuzz/run` starts it for each target.

#![no_main]

use std::panic;
use std::sync::{Mutex, OnceLock, PoisonError};

use kiosk_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

/// What the last panic said.
static SAID: Mutex<String> = Mutex::new(String::new());

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("KIOSK_FUZZ_TARGET").unwrap_or_default();
        let chosen = target(&name).unwrap_or_else(|why| {
            eprintln!("KIOSK_FUZZ_TARGET: {why}");
            std::process::exit(2);
        });
        // libFuzzer's own hook ends the process at any panic, also at one that is caught, as the SVG renderer's are.
        panic::set_hook(Box::new(|panic| {
            *SAID.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
        chosen
    })
}

fuzz_target!(|input: &[u8]| {
    let target = chosen();
    if panic::catch_unwind(|| (target.run)(input)).is_err() {
        eprintln!("{}", SAID.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
});
