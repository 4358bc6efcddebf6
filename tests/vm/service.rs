//! The kiosk as services: units, the bus, configuration, and the return to the console.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::Guest;
use serde_json::Value;

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::{is_console, is_logo, is_page};
use super::screens::{RELAYOUT, rotation_of};

/// systemd's check of all installed units.
const VERIFY: &str = "systemd-analyze verify --man=no /usr/lib/systemd/system/kiosk*.{service,target} 2>&1 || true";
/// `systemctl stop` and the login that follows.
const CONSOLE_BACK: Duration = Duration::from_secs(30);
/// Duration without any change.
const STILL_SECONDS: u64 = 30;
/// For both to finish what a command began: connections, the pointer's timer.
const REST_SECONDS: u64 = 8;
/// One health probe in 10 s: a timer, and the answers of a connection. The period may contain one more probe, as it may
/// contain one more notification of the watchdog.
const SESSION_WAKEUPS: u64 = (STILL_SECONDS / 10 + 1) * 4;

pub fn units_are_active_and_nothing_has_failed(kiosk: &Kiosk) -> Result<()> {
    ensure!(kiosk.sh("systemctl is-active kiosk kiosk-session")? == "active\nactive", "a unit is not active");
    let failed = kiosk.sh("systemctl list-units --failed --plain --no-legend")?;
    ensure!(failed.is_empty(), "units have failed: {failed}");
    ensure!(kiosk.sh("systemctl show -P NRestarts kiosk kiosk-session")? == "0\n\n0", "a unit was restarted at boot");
    let misread = kiosk.sh(VERIFY)?;
    // These keys came with systemd 254; without them a failing start is retried every 300 ms.
    let unknown = |line: &str| Guest::release().ok() == Some("bookworm") && line.contains("Unknown key 'Restart");
    // It is installed only for remote viewing.
    let optional = |line: &str| line.contains("/usr/bin/wayvnc is not executable");
    let misread: Vec<_> =
        misread.lines().filter(|line| line.contains("kiosk") && !unknown(line) && !optional(line)).collect();
    ensure!(misread.is_empty(), "systemd says of the units: {misread:?}");
    ensure!(kiosk.sh("systemctl show -P WatchdogUSec kiosk")? != "infinity", "kiosk.service has no watchdog");
    let warnings = kiosk.sh("journalctl -b --no-pager -p warning -t kioskd -t kiosk-session -o cat")?;
    let panics: Vec<_> = warnings.lines().filter(|line| line.contains("panicked")).collect();
    ensure!(panics.is_empty(), "a program panicked: {panics:?}");
    Ok(())
}

pub fn the_input_devices_are_known_before_any_is_used(kiosk: &Kiosk) -> Result<()> {
    let listed = kiosk.sh("kioskctl inputs")?;
    for device in ["QEMU Virtio MultiTouch", "QEMU Virtio Tablet", "QEMU Virtio Keyboard"] {
        ensure!(listed.contains(device), "{device} is not listed: {listed}");
    }
    let touch = listed.lines().find(|line| line.contains("MultiTouch")).unwrap_or_default();
    ensure!(touch.contains("touch") && touch.contains("Virtual-1"), "the touch panel lies on no output: {touch}");
    Ok(())
}

pub fn status_tells_the_state_to_people_programs_and_the_bus(kiosk: &Kiosk) -> Result<()> {
    let text = kiosk.sh("kioskctl status")?;
    ensure!(text.contains("ready") && text.contains("http://localhost:3000"), "status says: {text}");
    let status = kiosk.status()?;
    ensure!(status["session"]["state"] == "ready", "status --json says: {status}");
    ensure!(status["compositor"]["stage"] == "shell", "status --json says: {status}");
    ensure!(status["compositor"]["backend"] == "kms", "status --json says: {status}");
    ensure!(status["compositor"]["renderer"] == "pixman", "status --json says: {status}");
    let property = "busctl get-property org.kioskd.Session1 /org/kioskd/Session1 org.kioskd.Session1 State";
    ensure!(kiosk.sh(property)? == "s \"ready\"", "the bus has another state");
    ensure!(kiosk.sh("kioskctl outputs")?.contains("1280"), "kioskctl outputs does not tell the mode");
    kiosk.sh("kioskctl wait ready --timeout 5s && kioskctl wait page-visible --timeout 5s")?;
    // The steps before may have started kioskd again: the times are those of the boot.
    let told = kiosk.sh("kioskctl status --boot --json")?;
    let told: Value = serde_json::from_str(&told).context("kioskctl status --boot --json")?;
    let times = ["kernel", "system", "page"].map(|stage| told["boot"][stage].as_u64());
    ensure!(times.iter().all(|micros| micros.is_some_and(|micros| micros > 100_000)), "the start is told as {told}");
    Ok(())
}

pub fn the_browser_runs_as_its_own_user_without_devices(kiosk: &Kiosk) -> Result<()> {
    let browser = kiosk.browser()?;
    let user = kiosk.sh(&format!("stat -c %U /proc/{browser}"))?;
    ensure!(user == "kiosk-web", "the browser runs as {user}");
    let files = kiosk.sh(&format!("ls -l /proc/{browser}/fd"))?;
    ensure!(
        !files.contains("/dev/dri/card") && !files.contains("/dev/input/"),
        "the browser has devices open: {files}"
    );
    let user = kiosk.sh(&format!("stat -c %U /proc/{}", kiosk.main_pid("kiosk")?))?;
    ensure!(user == "kiosk", "the compositor runs as {user}");
    // The policy in force is the one that root made from the configuration.
    let session = kiosk.main_pid("kiosk-session")?;
    kiosk.sh(&format!(
        "cmp /run/kiosk-session/policies/kiosk.json /proc/{session}/root/etc/chromium/policies/managed/kiosk.json"
    ))?;
    Ok(())
}

pub fn reload_fetches_the_page_again_in_the_same_browser(kiosk: &Kiosk) -> Result<()> {
    let (browser, mark) = (kiosk.browser()?, kiosk.mark()?);
    kiosk.sh("kioskctl reload")?;
    kiosk.wait_for_event(mark, "load", REACTION)?;
    let gets = kiosk.events(mark)?.iter().filter(|event| event["event"] == "get").count();
    ensure!(gets == 1, "the server saw {gets} requests for one reload");
    ensure!(kiosk.browser()? == browser, "the browser was restarted");
    Ok(())
}

pub fn nothing_wakes_up_when_nothing_changes(kiosk: &Kiosk) -> Result<()> {
    let pids = [kiosk.main_pid("kiosk")?, kiosk.main_pid("kiosk-session")?];
    // A thread may end meanwhile.
    let count = format!(
        "for task in /proc/{{{},{}}}/task/*/status; do \
         awk '/^Name/ {{ name = $2 }} /^voluntary_ctxt_switches/ {{ print FILENAME, name, $2 }}' $task 2>/dev/null; \
         done; true",
        pids[0], pids[1]
    );
    // The commands above have woken both.
    let text = kiosk.sh(&format!("sleep {REST_SECONDS}; {count}; echo; sleep {STILL_SECONDS}; {count}"))?;
    let (before, after) = text.split_once("\n\n").context("two counts")?;
    let before = Switches::read(before)?;
    let mut woken = [0, 0];
    for ((pid, thread), number) in Switches::read(after)?.0 {
        let more = number - before.0.get(&(pid, thread.clone())).copied().unwrap_or(0);
        eprintln!("{more:4} wake-ups of {pid} {thread}");
        woken[usize::from(pid == pids[1])] += more;
    }
    // The watchdog is fed at half of its time, and the session checks the window once: the ping wakes the compositor,
    // and so does a late answer. Nothing else may wake it.
    let period: u64 = kiosk.sh("systemctl show -P WatchdogUSec --value kiosk | sed 's/s$//'")?.parse()?;
    let feeds = STILL_SECONDS * 2 / period + 1;
    ensure!(woken[0] <= feeds + 2, "kioskd woke up {} times in {STILL_SECONDS} s", woken[0]);
    ensure!(woken[1] <= SESSION_WAKEUPS, "kiosk-session woke up {} times in {STILL_SECONDS} s", woken[1]);
    Ok(())
}

/// Voluntary context switches (each is a sleep after a wake-up) of each thread, by process id and the thread's name and
/// id.
struct Switches(BTreeMap<(i64, String), u64>);

impl Switches {
    /// Lines such as `/proc/12/task/13/status name 45`.
    fn read(text: &str) -> Result<Self> {
        let line = |line: &str| -> Option<((i64, String), u64)> {
            let [path, name, number] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
            let mut ids = path.split('/').filter_map(|part| part.parse::<i64>().ok());
            let (pid, thread) = (ids.next()?, ids.next()?);
            Some(((pid, format!("{thread} {name}")), number.parse().ok()?))
        };
        let all = text.lines().filter(|text| !text.is_empty());
        all.map(|text| line(text).with_context(|| format!("not a count: {text}"))).collect::<Result<_>>().map(Self)
    }
}

pub fn a_bad_configuration_file_is_told_and_skipped(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    let (file, next) = ("50-bad", "51-keyboard");
    kiosk.configure(file, "[splash]\nlogo = 3\ncolour = \"red\"\n")?;
    kiosk.configure(next, "[keyboard]\nuse = \"external\"\n")?;
    let check = agent.run("kioskctl config check")?;
    let says = format!("{}{}", check.text(), check.stderr);
    ensure!(check.code == 1, "config check ended with {}: {says}", check.code);
    ensure!(says.contains("50-bad.toml") && says.contains("splash") && says.contains('3'), "config check says: {says}");
    kiosk.sh("systemctl restart kiosk")?;
    kiosk
        .machine
        .wait_for_screen("a picture in spite of the file", REACTION, |p| is_logo(p) || super::looks::is_page(p))?;
    let status = kiosk.sh("kioskctl status")?;
    ensure!(status.contains("50-bad.toml"), "status says nothing about the file: {status}");
    kiosk.page()?;
    // The file after it counts: a keyboard of another program has its socket, and its user may open it.
    let socket = kiosk.sh("stat -c '%U:%G %a' /run/kiosk/wayland-keyboard")?;
    ensure!(socket.trim() == "kiosk:kiosk-keyboard 660", "wayland-keyboard is {socket}");
    kiosk.deconfigure(file)?;
    kiosk.deconfigure(next)?;
    kiosk.sh("systemctl restart kiosk")?;
    kiosk.page()
}

pub fn a_changed_configuration_is_taken_while_the_page_stays(kiosk: &Kiosk) -> Result<()> {
    let agent = kiosk.machine.agent();
    let rotation = || -> Result<Value> { Ok(kiosk.status()?["compositor"]["outputs"][0]["rotation"].clone()) };
    let (mark, compositor, browser) = (kiosk.mark()?, kiosk.main_pid("kiosk")?, kiosk.browser()?);
    // The saved state of earlier steps would take precedence.
    kiosk.sh("kioskctl forget")?;
    ensure!(rotation()? == 0, "rotated before: {}", rotation()?);
    kiosk.sh("kioskctl config set 'output.\"*\".rotation' 90 && systemctl reload kiosk")?;
    let picture =
        kiosk.machine.wait_for_screen("the page, rotated", RELAYOUT, |p| is_page(p) && rotation_of(p) == Some(90))?;
    kiosk.machine.save(&picture, "reloaded")?;
    ensure!(rotation()? == 90, "status says {}", rotation()?);
    let refused = agent.run("kioskctl config set 'output.\"*\".rotation' 45")?;
    ensure!(
        refused.code == 2 && refused.stderr.contains("allowed is"),
        "45 degrees: {} {}",
        refused.code,
        refused.stderr
    );
    kiosk.sh("kioskctl config unset 'output.\"*\".rotation'")?;
    let told = kiosk.sh("kioskctl config reload")?;
    ensure!(told == "output: in force", "config reload says: {told}");
    ensure!(rotation()? == 0, "still rotated: {}", rotation()?);
    ensure!((kiosk.main_pid("kiosk")?, kiosk.browser()?) == (compositor, browser), "something was restarted");
    kiosk.not_loaded_since(mark)
}

pub fn stopping_gives_the_console_back(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    kiosk.sh("systemctl stop kiosk")?;
    let console = machine.wait_for_screen("the console", CONSOLE_BACK, is_console)?;
    machine.save(&console, "stopped")?;
    // Usable: typed keys are echoed.
    let before = machine.screen()?;
    machine.chord(&["r"])?;
    machine.wait_for_screen("what is typed", CONSOLE_BACK, |picture| is_console(picture) && *picture != before)?;
    ensure!(kiosk.sh("pgrep -u kiosk-web || true")?.is_empty(), "the browser's user still has processes");
    // A session cannot be started in a slice that is stopping: see the generator.
    let slice = "systemctl is-active user-$(id -u kiosk).slice";
    ensure!(kiosk.sh(slice)? == "active", "the slice goes with the session");
    kiosk.sh("systemctl start kiosk")?;
    kiosk.page()
}
