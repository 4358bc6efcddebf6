//! smoke
use kiosk_tests::vm::*;
use std::path::Path;
use std::time::Duration;
fn main() -> anyhow::Result<()> {
    let stage = Stage::new(Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")))?;
    let display = if std::env::args().any(|a| a == "virgl") { Display::Virgl } else { Display::Virtio };
    let m = Machine::start(&Plan { name: "smoke", display, stage: &stage, arguments: "" })?;
    let film = m.film();
    m.agent().wait(Duration::from_secs(120))?;
    eprintln!("agent after {:?}", m.uptime());
    eprintln!("{}", m.agent().sh("uname -a; ls /dev/dri /dev/input; until systemctl is-system-running --wait; do break; done; systemd-analyze; ls -l /run/user; systemctl list-units --failed")?);
    m.save(&m.screen()?, "login")?;
    for _ in 0..3 {
        m.chord(&["ctrl", "alt", "f2"])?;
        eprintln!("{}", m.agent().sh("cat /sys/class/tty/tty0/active")?);
        m.chord(&["ctrl", "alt", "f1"])?;
        eprintln!("{}", m.agent().sh("cat /sys/class/tty/tty0/active")?);
    }
    let s = film.cut();
    let mut last = None;
    for x in &s {
        if last.as_ref() != Some(&x.picture) {
            eprintln!("{:?} {:?}", x.at, x.picture);
            last = Some(x.picture.clone());
        }
    }
    eprintln!("{} samples in {:?}", s.len(), m.uptime());
    Ok(())
}
