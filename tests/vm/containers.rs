//! A container as the shell (`[shell] container`), as an operator sets it up with README's commands: rootless Podman in
//! kiosk-container@.service, with an image that is built in the machine by the container's own user.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Picture, near};
use serde_json::{Value, json};

use super::kiosk::{CLIENT, Kiosk};
use super::looks::is_page;

const FILE: &str = "70-container";
const DEFINITION: &str = "/etc/kiosk/shell.json";
const IMAGE: &str = "localhost/tested:1";
/// Podman has started the container, on an emulated machine.
const STARTED: Duration = Duration::from_secs(180);
/// README's commands before the first image.
const SET_UP: &str = "systemd-tmpfiles --create; \
    usermod --add-subuids 599900000-599965535 --add-subgids 599900000-599965535 kiosk-container && \
    systemctl enable --now kiosk-container.socket";
/// The program, what it is linked with, and nothing else.
const BUILD: &str = "set -e; rm -rf /var/tmp/image; mkdir -p /var/tmp/image/root; cd /var/tmp/image/root; \
    cp PROGRAM client; loaded=$(ldconfig -p | awk '/libwayland-client.so.0/ { print $NF; exit }'); \
    for file in $loaded $(ldd PROGRAM $loaded | grep -o '/[^ ]* (' | tr -d ' ('); do cp -L --parents $file .; done; \
    printf 'FROM scratch\\nCOPY root /\\nCMD [\"/client\", \"still\", \"--marked\"]\\n' >../Containerfile; \
    chmod -R a+rX /var/tmp/image";

/// A command as the user whose containers they are.
fn as_user(command: &str) -> String {
    format!(
        "cd / && runuser -u kiosk-container -- env HOME=/var/lib/kiosk-container \
         XDG_RUNTIME_DIR=/run/kiosk-container/podman {command}"
    )
}

/// The program's picture: a quarter of the screen in each of its four shades.
fn is_shell(picture: &Picture) -> bool {
    let (width, height) = (picture.width, picture.height);
    let corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)];
    let shades = corners.map(|(x, y)| picture.pixel(x, y));
    let apart = (0..4).all(|a| (0..a).all(|b| !near(shades[a], shades[b], 8)));
    apart && shades.iter().all(|shade| (0.24..0.26).contains(&picture.share_of(*shade, 3)))
}

/// The container's main process.
fn process(kiosk: &Kiosk) -> Result<i64> {
    let told = kiosk.sh(&as_user("podman inspect --format '{{.State.Pid}}' kiosk-tested"))?;
    told.trim().parse().with_context(|| told.clone())
}

fn define(kiosk: &Kiosk, image: &str, more: Value) -> Result<()> {
    let mut definition = json!({ "name": "tested", "image": image });
    if let (Some(to), Value::Object(from)) = (definition.as_object_mut(), more) {
        to.extend(from);
    }
    kiosk.sh(&format!("cat >{DEFINITION} <<'END'\n{definition}\nEND")).map(drop)
}

fn last_failure(session: &Value) -> &str {
    session["last-failure"]["reason"].as_str().unwrap_or_default()
}

/// Waits for the reason why there is no shell.
fn told(kiosk: &Kiosk, words: &str) -> Result<()> {
    kiosk.wait_for_status(words, STARTED, |status| last_failure(&status["session"]).contains(words))
}

fn page_again(kiosk: &Kiosk) -> Result<()> {
    kiosk.deconfigure(FILE)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    kiosk.machine.wait_for_screen("the page in its place again", STARTED, is_page).map(drop)
}

pub fn an_image_built_here_is_the_shell_in_its_own_unit(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(SET_UP)?;
    let shown = comes_up(kiosk).and_then(|()| is_confined(kiosk)).and_then(|()| returns(kiosk));
    let shown = shown.map_err(|error| kiosk.explained("container", error));
    page_again(kiosk)?;
    shown?;
    let containers = kiosk.sh(&as_user("podman ps --all --quiet"))?;
    ensure!(containers.is_empty(), "with the session its container ends: {containers}");
    let units = kiosk.sh("systemctl list-units --plain --no-legend 'kiosk-container@*'")?;
    ensure!(units.is_empty(), "with the session its unit ends: {units}");
    Ok(())
}

/// From a configuration whose image is missing, by its build, to its window: with nothing else to be done.
fn comes_up(kiosk: &Kiosk) -> Result<()> {
    define(kiosk, IMAGE, json!({}))?;
    kiosk.configure(FILE, &format!("[shell]\nurl = \"\"\ncontainer = \"{DEFINITION}\"\n"))?;
    kiosk.sh("systemctl restart kiosk-session")?;
    told(kiosk, &format!("the image {IMAGE} is not on this device: `podman pull` or `podman load` it"))?;

    kiosk.sh(&BUILD.replace("PROGRAM", CLIENT))?;
    kiosk.sh(&as_user(&format!("podman build --quiet --network=none --tag={IMAGE} /var/tmp/image")))?;
    let picture = kiosk.machine.wait_for_screen("the container's window", STARTED, is_shell)?;
    kiosk.machine.save(&picture, "shell-container")?;
    kiosk.wait_for_status("a shell", STARTED, |status| status["session"]["state"] == "ready")
}

/// What it can do, by the kernel's own account of its process.
fn is_confined(kiosk: &Kiosk) -> Result<()> {
    let pid = process(kiosk)?;
    let status = kiosk.sh(&format!("cat /proc/{pid}/status"))?;
    let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        ensure!(value(set) == "0000000000000000", "{set} {}", value(set));
    }
    ensure!(value("NoNewPrivs:") == "1", "it may gain privileges");
    ensure!(value("Seccomp:") == "2", "no filter of system calls");
    let user = kiosk.sh("id -u kiosk-container")?;
    ensure!(value("Uid:").split_whitespace().all(|id| id == user), "it runs as {}", value("Uid:"));

    let unit = kiosk.sh(&format!("cat /proc/{pid}/cgroup"))?;
    ensure!(unit.contains("kiosk-container@") || unit.contains("kiosk\\x2dcontainer@"), "it is in {unit}");
    let inside = |what: &str| kiosk.sh(&format!("cd / && nsenter -t {pid} {what}"));
    ensure!(inside("-n ip -o link | wc -l")? == "1", "it has a network");
    let mounts = kiosk.sh(&format!("cat /proc/{pid}/mountinfo"))?;
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).context("no root")?;
    ensure!(root.split(' ').nth(5).is_some_and(|options| options.starts_with("ro")), "its root: {root}");

    // A socket of its own, where none of a compositor's other rights are to be had; a context can't make another.
    let own = format!("/proc/{pid}/root/run/kiosk");
    ensure!(kiosk.sh(&format!("ls {own}"))? == "wayland-0", "it sees more of the kiosk than a socket");
    let offers = |socket: &str| kiosk.sh(&format!("XDG_RUNTIME_DIR=/run WAYLAND_DISPLAY={socket} wayland-info"));
    let (theirs, ours) = (offers(&format!("{own}/wayland-0"))?, offers("/run/kiosk/wayland-0")?);
    ensure!(theirs.contains("xdg_wm_base"), "it offers {theirs}");
    let context = "wp_security_context_manager_v1";
    ensure!(ours.contains(context) && !theirs.contains(context), "it is no socket of a context: {theirs}");
    Ok(())
}

/// Killed, hung, and restarted by command: each time another process is on the screen.
fn returns(kiosk: &Kiosk) -> Result<()> {
    let another = |before: i64, after: &str| -> Result<i64> {
        let ready = |status: &Value| status["session"]["state"] == "ready";
        // While one ends, it has no process, or 0.
        let wanted = |status: &Value| ready(status) && process(kiosk).is_ok_and(|pid| pid != before && pid > 0);
        kiosk.wait_for_status(&format!("a shell {after}"), STARTED, wanted)?;
        kiosk.machine.wait_for_screen(&format!("the window {after}"), STARTED, is_shell)?;
        process(kiosk)
    };
    let first = process(kiosk)?;
    kiosk.sh(&format!("kill -9 {first}"))?;
    let second = another(first, "after it was killed")?;
    let session = kiosk.status()?["session"].clone();
    ensure!(last_failure(&session).contains("shell.json ended:"), "killed, it is told that {}", last_failure(&session));

    kiosk.sh(&format!("kill -STOP {second}"))?;
    let third = another(second, "after it hung")?;
    let session = kiosk.status()?["session"].clone();
    let hung = "does not answer the compositor";
    ensure!(last_failure(&session).ends_with(hung), "hung, it is told that {}", last_failure(&session));

    // As a container's first process it ignores SIGTERM.
    kiosk.sh("kioskctl restart")?;
    another(third, "after a restart").map(drop)
}

pub fn what_is_wrong_with_a_container_is_told_while_the_screen_stays_ours(kiosk: &Kiosk) -> Result<()> {
    kiosk.configure(FILE, &format!("[shell]\nurl = \"\"\ncontainer = \"{DEFINITION}\"\n"))?;
    let said = all_wrong(kiosk);
    page_again(kiosk)?;
    said
}

fn all_wrong(kiosk: &Kiosk) -> Result<()> {
    let ended = json!({ "command": ["/client", "nothing"] });
    let missing = json!({ "mounts": [{ "source": "/srv/nothing", "target": "/data" }] });
    let wrong = [
        ("an-unknown-key", IMAGE, json!({ "superuser": true }), "unknown field `superuser`"),
        ("a-missing-mount", IMAGE, missing, "mounts[0].source /srv/nothing is not there"),
        ("an-image-that-ends", IMAGE, ended, "exit status 2: "),
        ("a-missing-image", "localhost/none:1", json!({}), "the image localhost/none:1 is not on this device"),
    ];
    for (name, image, more, words) in wrong {
        define(kiosk, image, more)?;
        kiosk.sh("systemctl restart kiosk-session")?;
        told(kiosk, words)?;
        let text = |picture: &Picture| {
            let low = picture.part(0, picture.height * 5 / 8, picture.width, picture.height * 3 / 8);
            low.share(|pixel| pixel.iter().all(|part| *part > 120)) > 0.001
        };
        // A line below the logo: first that it starts again, then the sentence, in turn.
        let picture = kiosk.machine.wait_for_screen(name, STARTED, text)?;
        ensure!(!is_shell(&picture) && !is_page(&picture), "{name}: there is a shell");
    }
    Ok(())
}
