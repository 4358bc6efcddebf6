//! Who may make changes: root, the group `kiosk-admin`, and users by polkit's rules.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use kiosk_tests::vm::{Output, Picture};

use super::kiosk::Kiosk;
use super::looks::is_page;
use super::screens::{RELAYOUT, rotation_of};

/// Polkit reads changed rules some time later, without an event.
const RULE_READ: Duration = Duration::from_secs(30);
const RULE: &str = "/etc/polkit-1/rules.d/10-tester.rules";
/// Grants one action to one user.
const GRANT: &str = "polkit.addRule(function (action, subject) { \
    if (action.id == \"org.kioskd.screen\" && subject.user == \"tester\") { return polkit.Result.YES; } });";

fn run_as(kiosk: &Kiosk, user: &str, verb: &str) -> Result<Output> {
    kiosk.machine.agent().run(&format!("setpriv --reuid={user} --regid={user} --init-groups kioskctl {verb}"))
}

pub fn who_has_no_rights_is_refused(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    ensure!(run_as(kiosk, "tester", "status")?.code == 0, "everybody may see the status");
    let refused = [
        ("reload", "reload"),
        ("rotate 90", "screen"),
        ("screen off", "screen"),
        ("screenshot /tmp/x.png", "screenshot"),
        ("stop", "reload"),
    ];
    for (verb, action) in refused {
        let Output { code, stderr, .. } = run_as(kiosk, "tester", verb)?;
        ensure!(code == 4, "`kioskctl {verb}` without rights ended with {code}: {stderr}");
        ensure!(stderr.trim().lines().count() == 1, "one sentence is enough: {stderr}");
        let says = stderr.contains(&format!("org.kioskd.{action}")) && stderr.contains("group kiosk-admin");
        ensure!(says, "`kioskctl {verb}` does not say who may: {stderr}");
    }
    ensure!(agent.run("kioskctl rotate 45")?.code == 2, "45 degrees is a usage error");
    ensure!(agent.run("kioskctl rotate 90 -o NONE-1")?.code == 1, "an unknown output is an error");
    Ok(())
}

pub fn the_sockets_belong_to_whom_they_are_for(kiosk: &Kiosk) -> Result<()> {
    let sockets =
        kiosk.sh("cd /run/kiosk && stat -c '%n %a %U:%G' wayland-0 wayland-admin control.sock compositor.sock")?;
    let wanted = "wayland-0 660 kiosk:kiosk\nwayland-admin 660 kiosk:kiosk-admin\ncontrol.sock 660 kiosk:kiosk\n\
                  compositor.sock 666 kiosk:kiosk";
    ensure!(sockets.trim() == wanted, "the sockets are {sockets}");
    Ok(())
}

pub fn members_of_the_group_and_whom_a_rule_names_may_rotate_the_picture(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh("id keeper >/dev/null 2>&1 || useradd --groups kiosk-admin keeper")?;
    rotates(kiosk, "keeper", 90)?;

    kiosk.sh(&format!("printf '%s' '{GRANT}' >{RULE}"))?;
    let rotated = wait_for_rule(kiosk).and_then(|()| rotates(kiosk, "tester", 180));
    let other = run_as(kiosk, "tester", "screenshot /tmp/x.png");
    kiosk.sh(&format!("rm {RULE}; kioskctl rotate 0"))?;
    rotated?;
    let other = other?;
    ensure!(other.code == 4, "a picture was granted too: {}", other.text());
    Ok(())
}

fn wait_for_rule(kiosk: &Kiosk) -> Result<()> {
    let deadline = std::time::Instant::now() + RULE_READ;
    loop {
        let asked = run_as(kiosk, "tester", "rotate 180")?;
        if asked.code == 0 {
            return Ok(());
        }
        if std::time::Instant::now() > deadline {
            bail!("the rule was not followed in {RULE_READ:?}: {}", asked.stderr);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn rotates(kiosk: &Kiosk, user: &str, degrees: u32) -> Result<()> {
    let asked = run_as(kiosk, user, &format!("rotate {degrees}"))?;
    ensure!(asked.code == 0, "{user} may not rotate the picture: {}", asked.stderr);
    let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
    let what = format!("the page rotated by {degrees} by {user}");
    kiosk.machine.wait_for_screen(&what, RELAYOUT, rotated).map(drop)
}
