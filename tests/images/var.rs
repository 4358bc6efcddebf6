//! A `/var` that nothing can be written to: the screen says so, and the page is there all the same.

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan};

use crate::{images, kernels, out, page, told_on_screen};

/// Left in a full /var, bytes: less than anything of a browser.
const LEFT: u64 = 1 << 20;

/// A disk with no room to grow into, and a /var that is full before the first boot.
pub fn full() -> Result<()> {
    let card = Card::flash_tight(&images()?.join("kiosk_1.raw"))?;
    let before = card.partition("var")?;
    card.fill_var(card.room_in_var()? - LEFT)?;
    let left = card.room_in_var()?;
    let disk = card.disk();
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &out("var-full")))?;
    told_on_screen(&mut machine)?;
    page(&mut machine, "page")?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.power_off()?;
    ensure!(card.partition("var")? == before, "there was no room to grow into");
    let filling = card.in_var("/filling")?;
    ensure!(filling.bytes().all(|byte| byte == b'x'), "what filled it is not as it was");
    // Old caches may have gone; nothing has come.
    let room = card.room_in_var()?;
    ensure!(room >= left, "{left} bytes were left in it, and now {room} are");
    Ok(())
}

/// A card whose switch is on lock, at its first boot.
pub fn protected() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let disk = card.disk();
    let film = out("var-protected");
    let mut machine = Flashed::start(&FlashedPlan { protected: true, ..FlashedPlan::new(&disk, &film) })?;
    told_on_screen(&mut machine)?;
    page(&mut machine, "page")?;
    machine.power_off()
}
