//! A fleet of two devices under one authority, over the network: the machine under test, whose port is forwarded to this host,
//! and a kioskd without a display on the host. From being enrolled by the code on the screen to the certificates that were
//! lost, everything is done by operators' kioskctl.

mod beside;
mod devtools;
mod operator;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::Picture;
use serde_json::Value;

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::{PAGE, is_page};
use super::screens::{RELAYOUT, rotation_of};
use super::welcome::codes;
use beside::Beside;
use devtools::Inspector;
use operator::{Followed, Operators};

/// kiosk-agent's, on the network.
const PORT: u16 = 8443;
/// What is open over the network in the machine, and nothing of it before.
const SERVICES: &str = "kiosk-agent-tls.service kiosk-configure.socket kiosk-configure.path";
/// Exit statuses of kioskctl.
const NOT_ALLOWED: i32 = 4;
/// Until a change of the configuration is undone by itself.
const REVERT: &str = "15s";

pub fn two_devices_of_one_authority_are_managed_from_afar(kiosk: &Kiosk) -> Result<()> {
    let done = managed(kiosk);
    kiosk.sh(&format!(
        "systemctl stop kiosk-configure.service {SERVICES} 2>/dev/null; rm -rf /var/lib/kiosk-agent/*; \
         rm -f /etc/kiosk/config.d/90-kioskctl.toml; kioskctl config reload; kioskctl forget; kioskctl dismiss; true"
    ))?;
    kiosk.machine.disconnect_network()?;
    done
}

fn managed(kiosk: &Kiosk) -> Result<()> {
    let fleet = Fleet::enrol(kiosk)?;
    fleet.roles_are_kept()?;
    fleet.screens_are_turned_watched_and_pictured()?;
    fleet.the_configuration_comes_back_unless_it_is_confirmed()?;
    let (inspector, console) = fleet.the_page_is_looked_into()?;
    fleet.who_is_revoked_is_out(inspector, console)?;
    fleet.a_certificate_ends_with_its_day_when_the_clock_is_set()
}

struct Fleet<'a> {
    kiosk: &'a Kiosk,
    operators: Operators,
    beside: Beside,
    /// The machine's, on this host.
    port: u16,
}

impl<'a> Fleet<'a> {
    fn enrol(kiosk: &'a Kiosk) -> Result<Self> {
        let machine = &kiosk.machine;
        let (port, address) = machine.connect_network(PORT)?;
        kiosk.sh(&format!("kioskctl config set agent.listen-tls 0.0.0.0:{PORT} && systemctl start {SERVICES}"))?;
        let operators = Operators::new()?;
        for (name, role) in [("anna", "admin"), ("bert", "view"), ("carla", "admin")] {
            operators.sign(name, role, 30)?;
        }
        let beside = Beside::start()?;
        let fleet = Self { kiosk, operators, beside, port };

        kiosk.sh("kioskctl agent enrol")?;
        let begin = format!("https://{address}:{PORT}/#");
        let shown = |picture: &Picture| codes(picture).iter().any(|code| code.starts_with(&begin));
        let picture = machine.wait_for_screen("the code to enrol it", REACTION, shown)?;
        machine.save(&picture, "enrol")?;
        let code = codes(&picture).concat().replace(&begin, "");
        let wrong = fleet.operators.ca(&["enrol", &at(port), "--name", "hall", "--code", "AAAA-AAAA-AAAA"]);
        ensure!(wrong.is_err(), "a wrong code is taken");
        fleet.operators.ca(&["enrol", &at(port), "--name", "hall", "--code", &code])?;
        machine.wait_for_screen("the page once it is enrolled", REACTION, is_page)?;
        let again = fleet.operators.ca(&["enrol", &at(port), "--name", "hall-2", "--code", &code]);
        ensure!(again.is_err(), "a code is taken twice");

        let code = fleet.beside.code()?;
        fleet.operators.ca(&["enrol", &at(fleet.beside.port), "--name", "desk", "--code", &code])?;
        Ok(fleet)
    }

    fn ports(&self) -> [u16; 2] {
        [self.port, self.beside.port]
    }

    fn roles_are_kept(&self) -> Result<()> {
        for port in self.ports() {
            let text = self.operators.sh("bert", port, &["status"])?;
            ensure!(text.contains("HEADLESS-1") == (port == self.beside.port), "it is the other device: {text}");
            for order in [&["rotate", "90"][..], &["console"], &["config", "get", "shell.url"]] {
                let (code, said) = self.operators.run("bert", port, order)?;
                ensure!(code == NOT_ALLOWED && said.contains("needs the role"), "{order:?}: {code} {said}");
            }
        }
        Ok(())
    }

    fn screens_are_turned_watched_and_pictured(&self) -> Result<()> {
        let machine = &self.kiosk.machine;
        for port in self.ports() {
            let watch = self.watch("bert", port)?;
            for degrees in [90, 0] {
                self.operators.sh("anna", port, &["rotate", &degrees.to_string()])?;
                watch.rotation(degrees)?;
            }
        }
        self.operators.sh("anna", self.port, &["rotate", "90"])?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(90);
        machine.wait_for_screen("the page rotated from afar", RELAYOUT, rotated)?;
        let far = self.picture(self.port)?;
        ensure!(is_page(&far) && rotation_of(&far) == Some(0), "the picture from afar is not the upright page");
        ensure!(far.width < far.height, "the picture from afar is not of a rotated screen");
        self.operators.sh("anna", self.port, &["rotate", "0"])?;
        machine.wait_for_screen("the page upright again", RELAYOUT, |p| is_page(p) && rotation_of(p) == Some(0))?;
        let desk = self.picture(self.beside.port)?;
        ensure!((desk.width, desk.height) == (800, 600), "the other device's picture: {}x{}", desk.width, desk.height);
        Ok(())
    }

    fn picture(&self, port: u16) -> Result<Picture> {
        self.operators.sh("bert", port, &["screenshot", "far.png"])?;
        let picture = Picture::from_png(&std::fs::read(self.operators.path("far.png"))?)?;
        self.kiosk.machine.save(&picture, &format!("far-{}", if port == self.port { "hall" } else { "desk" }))?;
        Ok(picture)
    }

    fn the_configuration_comes_back_unless_it_is_confirmed(&self) -> Result<()> {
        const KEY: &str = "output.\"*\".rotation";
        let (port, watch) = (self.port, self.watch("bert", self.port)?);
        // What was kept by hand counts more.
        self.operators.sh("anna", port, &["forget"])?;
        let told = self.operators.sh("anna", port, &["config", "set", KEY, "180", "--revert-after", REVERT])?;
        ensure!(told.contains("undone in 15 s"), "config set says: {told}");
        watch.rotation(180)?;
        let (code, said) = self.operators.run("anna", port, &["config", "set", KEY, "90"])?;
        ensure!(code != 0 && said.contains("waits to be confirmed"), "another change meanwhile: {code} {said}");
        watch.rotation(0).context("nobody has confirmed it")?;
        self.operators.sh("anna", port, &["config", "set", KEY, "270", "--revert-after", "60s"])?;
        watch.rotation(270)?;
        self.operators.sh("anna", port, &["confirm"])?;
        ensure!(self.operators.sh("anna", port, &["config", "get", KEY])? == "270", "the change is not in force");
        self.kiosk.sh("test ! -e /var/lib/kiosk-configure/before.json").context("something can be undone still")?;
        let (code, said) = self.operators.run("anna", port, &["config", "set", KEY, "45"])?;
        ensure!(code == 2 && said.contains("allowed is"), "45 degrees: {code} {said}");
        self.operators.sh("anna", port, &["config", "unset", KEY])?;
        watch.rotation(0)?;
        // The other device's owner has not allowed it.
        let (code, said) = self.operators.run("anna", self.beside.port, &["config", "set", KEY, "90"])?;
        ensure!(code != 0 && said.contains("kiosk-configure.socket"), "the other device: {code} {said}");
        self.kiosk.page()
    }

    /// DevTools and the console, both still open.
    fn the_page_is_looked_into(&self) -> Result<(Inspector, Followed)> {
        let machine = &self.kiosk.machine;
        machine.wait_for_screen("no line", REACTION, |picture| !has_line(picture))?;
        let console = self.operators.follow("anna", self.port, &["console"])?;
        let bridge = self.operators.follow("anna", self.port, &["inspect", "--json", "--expires", "10m"])?;
        let told: Value = bridge.line("its address", |line| serde_json::from_str(line).ok())?;
        let mut inspector = Inspector::open(bridge, told["websocket"].as_str().context("no address")?)?;
        machine.save(&machine.wait_for_screen("who looks", REACTION, has_line)?, "inspected")?;
        let page = inspector.ask("Runtime.evaluate", &serde_json::json!({ "expression": "location.href" }))?;
        ensure!(page["result"]["value"] == "http://localhost:3000/", "DevTools are at {page}");
        // Until the console listens: it has no word for that.
        let said = serde_json::json!({ "expression": "setInterval(() => console.warn('said from afar'), 200)" });
        let timer = inspector.ask("Runtime.evaluate", &said)?["result"]["value"].clone();
        console.line("what the page says", |line| line.contains("warning: said from afar").then_some(()))?;
        let still = serde_json::json!({ "expression": format!("clearInterval({timer})") });
        inspector.ask("Runtime.evaluate", &still)?;
        // One at a time, and none from where it could be forgotten.
        let (code, said) = self.operators.run("carla", self.port, &["inspect", "--expires", "1m"])?;
        ensure!(code != 0 && said.contains("anna"), "a second one: {code} {said}");
        Ok((inspector, console))
    }

    fn who_is_revoked_is_out(&self, inspector: Inspector, console: Followed) -> Result<()> {
        let watches = [self.watch("bert", self.port)?, self.watch("bert", self.beside.port)?];
        let kept = self.watch("carla", self.port)?;
        self.operators.ca(&["revoke", "anna", "bert"])?;
        let told = self.operators.ca(&["push-crl"])?;
        ensure!(told.matches("has the revocation list").count() == 2, "push-crl says: {told}");
        inspector.ends()?;
        self.kiosk.machine.wait_for_screen("nobody who looks", REACTION, |picture| !has_line(picture))?;
        for (what, followed) in [("the console", console)].into_iter().chain(watches.map(|watch| ("a watch", watch.0)))
        {
            let code = followed.ends()?;
            ensure!(code == NOT_ALLOWED, "{what} of who is revoked ended with {code}");
        }
        for port in self.ports() {
            for who in ["anna", "bert"] {
                let (code, said) = self.operators.run(who, port, &["status"])?;
                ensure!(code == NOT_ALLOWED && said.contains("it was revoked"), "{who}: {code} {said}");
            }
        }
        self.operators.sh("carla", self.port, &["rotate", "180"])?;
        kept.rotation(180).context("the other's connection has ended, too")?;
        self.operators.sh("carla", self.port, &["rotate", "0"])?;
        let journal = self.kiosk.sh("journalctl -b --no-pager -o cat -u kiosk-agent-tls -u kiosk-session")?;
        for line in ["the device is enrolled", "order from the network", "CN=anna", "its certificate counts no more"] {
            ensure!(journal.contains(line), "the journal does not say {line:?}");
        }
        ensure!(!journal.contains("panicked"), "a program panicked");
        self.kiosk.page()
    }

    /// A device without a battery learns the day when its network is up.
    fn a_certificate_ends_with_its_day_when_the_clock_is_set(&self) -> Result<()> {
        self.operators.sign("dora", "view", 1)?;
        let watch = self.watch("dora", self.port)?;
        let started = self.kiosk.sh("echo $(($(date +%s) - $(cut -d. -f1 /proc/uptime)))")?;
        self.kiosk.sh("date -s '+2 days'")?;
        let ended = watch.0.ends();
        self.kiosk.sh(&format!("date -s @$(({started} + $(cut -d. -f1 /proc/uptime)))"))?;
        ensure!(ended? == NOT_ALLOWED, "the connection goes on with a certificate that has ended");
        self.kiosk.sh("kioskctl wait page-visible --timeout 60s").map(drop)
    }

    fn watch(&self, who: &str, port: u16) -> Result<Watch> {
        let watch = Watch(self.operators.follow(who, port, &["status", "--watch", "--json"])?);
        watch.0.line("the state", |line| serde_json::from_str::<Value>(line).ok()).map(|_| watch)
    }
}

/// On this host.
fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// `status --watch` of a device.
struct Watch(Followed);

impl Watch {
    fn rotation(&self, degrees: u32) -> Result<()> {
        let of = |line: &str| {
            let status: Value = serde_json::from_str(line).ok()?;
            (status["compositor"]["outputs"][0]["rotation"] == degrees).then_some(())
        };
        self.0.line(&format!("a rotation of {degrees}°"), of)
    }
}

/// The notice at the upper edge, which the page has nothing at.
fn has_line(picture: &Picture) -> bool {
    let edge = picture.part(picture.width * 4 / 10, 1, picture.width / 5, 3);
    is_page(picture) && edge.share_of(PAGE, 8) < 0.5
}
