//! Two display devices with a screen each, which are removed and added while the kiosk runs: a dock is unplugged with
//! its adapter, or at boot a simple driver is replaced by the real one. The page is on the first.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::kiosk::Kiosk;
use super::looks::{is_logo, is_page};

/// The drivers of the machine's display devices, and their names of the devices.
const CARDS: [(&str, &str); 2] =
    [("/sys/bus/virtio/drivers/virtio_gpu", "virtio*"), ("/sys/bus/pci/drivers/bochs-drm", "0000:*")];
/// The drivers are not loaded automatically, ...
pub const ORDER: &str = "modprobe.blacklist=virtio_gpu,bochs";
/// ... so that the cards appear in this order, not in that of their detection.
pub const LOAD: &str = "modprobe virtio_gpu && modprobe bochs";
/// From a card to its picture.
const APPEARS: Duration = Duration::from_secs(30);

impl Kiosk {
    /// Removes the card: unbinds it from its driver, even if it is in use.
    pub fn take_card(&self, card: usize) -> Result<()> {
        let (driver, devices) = CARDS[card];
        self.sh(&format!(
            "cd {driver} && for device in {devices}; do echo $device >/run/card{card}; echo $device >unbind; done"
        ))
        .map(drop)
    }

    /// Adds the card again.
    pub fn give_card(&self, card: usize) -> Result<()> {
        let driver = CARDS[card].0;
        self.sh(&format!("cat /run/card{card} >{driver}/bind")).map(drop)
    }

    /// Waits until this number of outputs is connected.
    fn connected(&self, count: usize) -> Result<()> {
        let outputs = "kioskctl status --json | grep -o '\"connected\": *true' | wc -l";
        self.sh(&format!(
            "for try in $(seq 100); do [ \"$({outputs})\" = {count} ] && exit 0; sleep 0.2; done; kioskctl outputs >&2; exit 1"
        ))
        .map(drop)
    }

    /// The device nodes of the cards.
    fn cards(&self) -> Result<String> {
        self.sh("echo /dev/dri/card*")
    }
}

pub fn each_card_has_its_screen(kiosk: &Kiosk) -> Result<()> {
    let outputs = kiosk.status()?["compositor"]["outputs"].clone();
    ensure!(outputs.as_array().map(Vec::len) == Some(2), "not two outputs: {outputs}");
    let picture = kiosk.machine.wait_for_screen_at(1, "the logo", APPEARS, is_logo)?;
    kiosk.machine.save(&picture, "second-card")?;
    kiosk.page()
}

pub fn a_card_that_goes_takes_nothing_with_it(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    let (compositor, cards) = (kiosk.main_pid("kiosk")?, kiosk.cards()?);
    for _ in 0..3 {
        kiosk.take_card(1)?;
        kiosk.connected(1)?;
        ensure!(is_page(&machine.screen()?), "the page went with a card that it was not on");
        kiosk.give_card(1)?;
        machine.wait_for_screen_at(1, "the logo again", APPEARS, is_logo)?;
    }
    let now = kiosk.cards()?;
    ensure!(now == cards, "someone still has the card that went: there were {cards}, there are {now}");
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    kiosk.undisturbed_since(mark, browser)
}

pub fn the_page_outlives_its_card(kiosk: &Kiosk) -> Result<()> {
    let (machine, mark, browser) = (&kiosk.machine, kiosk.mark()?, kiosk.browser()?);
    let compositor = kiosk.main_pid("kiosk")?;
    // The order in which logind, udev and kioskd get the event varies.
    for _ in 0..5 {
        kiosk.take_card(0)?;
        let picture = machine.wait_for_screen_at(1, "the page on the other card", APPEARS, is_page)?;
        machine.save(&picture, "page-on-the-other-card")?;
        // Having no card is no reason to exit, either.
        kiosk.take_card(1)?;
        kiosk.connected(0)?;
        kiosk.give_card(0)?;
        machine.wait_for_screen("the page on its card again", APPEARS, is_page)?;
        kiosk.give_card(1)?;
        machine.wait_for_screen_at(1, "the logo again", APPEARS, is_logo)?;
        ensure!(is_page(&machine.screen()?), "the page left its card when another came");
    }
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    kiosk.undisturbed_since(mark, browser)
}
