//! Virtual terminals: Ctrl+Alt+F2 and back.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::kiosk::Kiosk;
use super::looks::{is_console, is_page};

/// A switch takes a frame; logind starts a login on first use.
pub const SWITCH: Duration = Duration::from_secs(20);
const TIMES: usize = 5;

pub fn virtual_terminals_switch_there_and_back(kiosk: &Kiosk) -> Result<()> {
    let (machine, browser, mark) = (&kiosk.machine, kiosk.browser()?, kiosk.mark()?);
    for round in 1..=TIMES {
        machine.chord(&["ctrl", "alt", "f2"])?;
        let login = machine.wait_for_screen("tty2's login", SWITCH, is_console)?;
        ensure!(kiosk.active_terminal()? == "tty2", "round {round}: the console is seen, but tty2 is not active");
        if round == 1 {
            machine.save(&login, "tty2")?;
            machine.chord(&["q"])?;
        }
        machine.chord(&["ctrl", "alt", "f1"])?;
        machine.wait_for_screen("the page after tty2", SWITCH, is_page)?;
        ensure!(kiosk.active_terminal()? == "tty1", "round {round}: the page is seen, but tty1 is not active");
    }
    ensure!(kiosk.browser()? == browser, "the browser was restarted");
    // The page works, and got none of the keys that were typed elsewhere.
    machine.chord(&["w"])?;
    kiosk.wait_for_event(mark, "keydown", SWITCH)?;
    let events = kiosk.events(mark)?;
    ensure!(!events.iter().any(|event| event["key"] == "q"), "a key typed on tty2 reached the page: {events:?}");
    ensure!(!events.iter().any(|event| event["event"] == "get"), "the page was loaded again: {events:?}");
    Ok(())
}
