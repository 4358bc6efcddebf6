//! kiosk-agent as a client of Debian's mosquitto, and of brokers that are none: what is told, what is done, and what does no harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

mod configurer;
#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod mqtt_stand;
#[path = "fleet/program.rs"]
mod program;

use configurer::Configurer;
use fake::Fake;
use mqtt_stand::{Agent, BASE, Mosquitto, PATIENCE, request};

#[test]
fn the_state_is_retained_and_only_changes_are_told() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let agent = Agent::start(broker.port);
    let (session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    assert!(everything.state("availability", "online").retain);
    assert!(everything.state("output/DP-1/rotation", "0").retain);
    everything.state("shell/0/state", "loading");
    session.change(&[("State", "ready".into())]);
    everything.state("shell/0/ready", "ON");
    everything.state("shell/0/state", "ready");
    // What did not change is not told again: the next that comes is the change after this one.
    session.change(&[("Restarts", 1u32.into())]);
    session.change(&[("Restarts", 2u32.into())]);
    let next = everything.next_within(PATIENCE).unwrap();
    assert_eq!((next.topic.as_str(), next.text().as_str()), ("kiosk/hall/shell/0/restarts", "2"));
    // Who comes later finds all of it.
    let mut late = broker.listen(&format!("{BASE}/#"));
    assert!(late.state("shell/0/state", "ready").retain);
    late.state("stage", "splash");
    // And a service that stops is told, with its last words left as they are.
    drop(session);
    everything.state("kiosk-session", "OFF");
    assert_eq!(everything.last["kiosk/hall/shell/0/state"].text(), "ready");
}

#[test]
fn commands_are_carried_out_and_answered() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let agent = Agent::start(broker.port);
    let (session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    everything.state("stage", "splash");
    broker.say("kiosk/hall/set/output/DP-1/rotation", b"90", &[]);
    let answer = everything.answer(&json!("set/output/DP-1/rotation"));
    assert_eq!(answer["status"], 200, "{answer}");
    assert_eq!(answer["body"]["changes"], json!([{ "output": "DP-1", "rotation": 90 }]));
    assert_eq!(compositor.calls().last().unwrap().0, "ApplyOutputs");
    broker.say("kiosk/hall/set/shell/0/url", b"http://localhost:3000/two", &[]);
    assert_eq!(everything.answer(&json!("set/shell/0/url"))["status"], 200);
    assert_eq!(session.calls().last().unwrap().0, "Open");
    let properties =
        ["-D", "publish", "response-topic", "kiosk/hall/response/me", "-D", "publish", "correlation-data", "c7"];
    broker.say("kiosk/hall/request", &request(3, "POST", "/v1/message", json!({ "text": "Back soon" })), &properties);
    let answer = everything.until("the answer", |heard| heard.topic == "kiosk/hall/response/me").json();
    assert_eq!((&answer["id"], &answer["status"], &answer["body"]["done"]), (&json!(3), &json!(200), &json!(true)));
    // What a service refuses, and what no route takes, is told as over HTTP.
    *session.shared.error.lock().unwrap() = Some(("org.kioskd.Error.UrlNotAllowed", "that is not allowed"));
    broker.say("kiosk/hall/set/shell/0/url", b"http://evil.example", &[]);
    let answer = everything.answer(&json!("set/shell/0/url"));
    assert_eq!((&answer["status"], &answer["body"]["detail"]), (&json!(403), &json!("that is not allowed")));
    broker.say("kiosk/hall/request", &request(4, "GET", "/v1/nothing", Value::Null), &[]);
    assert_eq!(everything.answer(&json!(4))["status"], 404);
    // What changes the device wants another role than what changes what it shows.
    broker.say(
        "kiosk/hall/request",
        &request(5, "PATCH", "/v1/config", json!({ "set": { "shell.url": "http://b" } })),
        &[],
    );
    let answer = everything.answer(&json!(5));
    assert_eq!(answer["status"], 403, "{answer}");
    assert!(answer["body"]["detail"].as_str().unwrap().contains("needs the role admin"), "{answer}");
    broker.say("kiosk/hall/set/screenshot", b"PRESS", &[]);
    let picture = everything.until("the picture", |heard| heard.topic == "kiosk/hall/screenshot");
    assert!(picture.payload.starts_with(b"\x89PNG") && !picture.retain);
    assert_eq!(everything.answer(&json!("set/screenshot"))["body"]["content-type"], "image/png");
}

#[test]
fn what_is_set_on_the_device_while_a_change_by_mqtt_waits_stays_when_that_is_undone() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let lines = format!("server = \"mqtt://127.0.0.1:{}\"\nrole = \"admin\"\n", broker.port);
    let agent = Agent::with(&lines, &[]);
    let device = agent.directory();
    let _compositor = Fake::compositor(device);
    let configurer = Configurer::at(&device.join("configure.sock"));
    let helper = configurer.start(device);
    everything.state("stage", "splash");
    let mut change = |id: u32, body: Value| {
        broker.say("kiosk/hall/request", &request(id, "PATCH", "/v1/config", body), &[]);
        everything.answer(&json!(id))
    };
    let set = |url: &str| json!({ "set": { "shell.url": url }, "revert-after": 3600 });
    let told = change(1, set("http://b"));
    assert_eq!(told["status"], 200, "{told}");
    assert!(told["body"]["told"].to_string().contains("undone in 3600 s"), "{told}");
    assert_eq!(change(2, set("http://c"))["status"], 409, "one at a time");
    let mut here = program::kioskctl_program();
    here.env("KIOSK_ROOT", device).env("KIOSK_RUNTIME_DIR", device);
    let done = fake::output(here.args(["config", "set", "output.\"*\".rotation", "90"]));
    assert!(done.status.success(), "{done:?}");
    // A power cut is the end of its time.
    drop(helper);
    let helper = configurer.start(device);
    let until = std::time::Instant::now() + PATIENCE;
    while configurer::text(device).contains("http://b") {
        assert!(std::time::Instant::now() < until, "it is not undone");
        std::thread::yield_now();
    }
    assert!(configurer::text(device).contains("rotation = 90"), "{}", configurer::text(device));
    assert_eq!(change(3, set("http://d"))["status"], 200);
    broker.say("kiosk/hall/request", &request(4, "POST", "/v1/config/confirm", json!({})), &[]);
    assert_eq!(everything.answer(&json!(4))["status"], 200);
    // Nothing waits any more.
    drop(helper);
    let here = configurer::text(device);
    assert!(
        here.contains("http://d") && here.contains("rotation = 90") && !device.join("state/before.json").exists(),
        "{here}"
    );
}

#[test]
fn retained_foreign_and_oversized_commands_reach_nobody() {
    let broker = Mosquitto::start();
    broker.say("kiosk/hall/set/shell/0/stop", b"PRESS", &["-r"]);
    let mut everything = broker.listen("#");
    let agent = Agent::start(broker.port);
    let (session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    everything.state("shell/0/state", "loading");
    broker.say("kiosk/hall/set/shell/0/stop", b"PRESS", &["-r"]);
    let answer = everything.answer(&json!("set/shell/0/stop"));
    assert!(answer["body"]["detail"].as_str().unwrap().contains("retained commands are ignored"), "{answer}");
    broker.say("kiosk/other/set/shell/0/stop", b"PRESS", &[]);
    broker.say("kiosk/hall/request", &vec![b'{'; 10 << 20], &[]);
    broker.say("kiosk/hall/set/message", &[0xff, 0xfe], &[]);
    let answer = everything.answer(&json!("set/message"));
    assert!(answer["body"]["detail"].as_str().unwrap().contains("UTF-8"), "{answer}");
    assert!(session.calls().is_empty() && compositor.calls().is_empty());
}

#[test]
fn a_flood_of_commands_is_bounded_and_told_once() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let mut agent = Agent::start(broker.port);
    let compositor = Fake::compositor(agent.directory());
    everything.state("stage", "splash");
    let started = std::time::Instant::now();
    let lines = "x\n".repeat(3000);
    let file = agent.directory().join("flood");
    std::fs::write(&file, lines).unwrap();
    let mut flood = std::process::Command::new("mosquitto_pub");
    flood.args([
        "-V",
        "5",
        "-h",
        "127.0.0.1",
        "-p",
        &broker.port.to_string(),
        "-q",
        "1",
        "-t",
        "kiosk/hall/set/dismiss",
        "-l",
    ]);
    assert!(flood.stdin(std::fs::File::open(&file).unwrap()).status().unwrap().success());
    broker.say("kiosk/hall/set/nothing", b"", &[]);
    everything.until("too many", |heard| heard.topic == "kiosk/hall/response" && heard.json()["status"] == 429);
    // Once it is over, there is room again; what was answered before is read first.
    let until = std::time::Instant::now() + PATIENCE;
    let is_done = |heard: &mqtt_stand::Heard| {
        heard.topic == "kiosk/hall/response" && heard.json()["id"] == 9 && heard.json()["status"] == 200
    };
    loop {
        broker.say("kiosk/hall/request", &request(9, "POST", "/v1/dismiss", json!({})), &[]);
        let heard = std::iter::from_fn(|| everything.next_within(Duration::from_secs(1)));
        if heard.into_iter().any(|heard| is_done(&heard)) {
            break;
        }
        assert!(std::time::Instant::now() < until, "no room comes");
    }
    assert!(agent.is_alive());
    // As many at once, and so many a second.
    let most = 101 + 20 * (started.elapsed().as_secs() as usize + 1);
    let done = compositor.calls().len();
    assert!(done <= most, "{done} of at most {most}");
}

#[test]
fn an_agent_that_was_killed_is_said_to_be_offline() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let agent = Agent::start(broker.port);
    everything.state("availability", "online");
    agent.kill();
    assert!(everything.state("availability", "offline").retain);
}

#[test]
fn a_broker_that_was_restarted_is_told_everything_again() {
    let mut broker = Mosquitto::start();
    let mut agent = Agent::start(broker.port);
    let compositor = Fake::compositor(agent.directory());
    agent.says("MQTT is connected");
    broker.down();
    agent.says("is tried again");
    compositor.change(&[("Stage", "shell".into())]);
    broker.up();
    let mut everything = broker.listen("#");
    everything.state("availability", "online");
    everything.state("stage", "shell");
}

#[test]
fn a_wrong_password_is_told_and_the_right_one_gets_in() {
    let files = [("passwords", "ann:secret\n")];
    let mut broker = Mosquitto::with("allow_anonymous true\n", &files);
    let hash =
        std::process::Command::new("mosquitto_passwd").arg("-U").arg(broker.folder.path().join("passwords")).status();
    assert!(hash.unwrap().success());
    broker.down();
    let configuration = broker.folder.path().join("mosquitto.conf");
    let text =
        std::fs::read_to_string(&configuration).unwrap().replace("allow_anonymous true", "allow_anonymous false");
    let passwords = broker.folder.path().join("passwords");
    std::fs::write(&configuration, format!("{text}password_file {}\n", passwords.display())).unwrap();
    broker.up();
    broker.access = ["-u", "ann", "-P", "secret"].map(str::to_owned).into();
    let mut everything = broker.listen("#");
    let lines =
        |port| format!("server = \"mqtt://127.0.0.1:{port}\"\nuser = \"ann\"\npassword-file = \"mqtt-password\"\n");
    let mut wrong = Agent::with(&lines(broker.port), &[("mqtt-password", "Secret\n")]);
    let said = wrong.says("is tried again");
    assert!(said.contains("the broker refused: ") && !said.contains("Secret"), "{said}");
    assert!(wrong.is_alive());
    let _right = Agent::with(&lines(broker.port), &[("mqtt-password", "secret\n")]);
    everything.state("availability", "online");
}

#[test]
fn home_assistant_is_told_of_the_device_once_and_again_when_there_is_more() {
    let broker = Mosquitto::start();
    let mut everything = broker.listen("#");
    let agent = Agent::start(broker.port);
    let _compositor = Fake::compositor(agent.directory());
    let is_discovery = |heard: &mqtt_stand::Heard| heard.topic == "homeassistant/device/hall/config";
    let document = everything.until("discovery", is_discovery);
    assert!(document.retain);
    let switch = document.json()["components"]["output_dp_1_power"].clone();
    assert_eq!((&switch["platform"], &switch["name"]), (&json!("switch"), &json!("Screen DP-1")), "{switch}");
    let _session = Fake::session(agent.directory());
    let document = everything.until("discovery with the page", is_discovery).json();
    assert!(document["components"].as_object().unwrap().len() > 40, "{document}");
    // By the command topic that Home Assistant was told.
    broker.say(switch["command_topic"].as_str().unwrap(), b"OFF", &[]);
    assert_eq!(everything.answer(&json!("set/output/DP-1/power"))["status"], 200);
}

/// An authority, and what it signed: certificates and keys in PEM.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Authority {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "the fleet's authority");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Authority { issuer: rcgen::Issuer::new(parameters, key), pem }
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        (parameters.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

#[test]
fn tls_is_spoken_with_those_alone_who_can_show_who_they_are() {
    let (ours, others) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.sign("localhost");
    let (own, own_key) = ours.sign("hall");
    let lines = "allow_anonymous true\ncafile FOLDER/ca\ncertfile FOLDER/certificate\nkeyfile FOLDER/key\nrequire_certificate true\n";
    let files = [("ca", ours.pem.as_str()), ("certificate", &certificate), ("key", &key)];
    let broker = Mosquitto::with(lines, &files);
    let settings = |host: &str, own: bool| {
        let own = if own { "certificate-file = \"mqtt-certificate\"\nkey-file = \"mqtt-key\"\n" } else { "" };
        format!("server = \"mqtts://{host}:{}\"\nca-file = \"mqtt-ca\"\n{own}", broker.port)
    };
    let with = |ca: &str, host: &str, has_own: bool| {
        let credentials = [("mqtt-ca", ca), ("mqtt-certificate", own.as_str()), ("mqtt-key", own_key.as_str())];
        Agent::with(&settings(host, has_own), &credentials)
    };
    with(&ours.pem, "localhost", true).says("MQTT is connected");
    for (what, ca, host, has_own, says) in [
        ("another authority", &others.pem, "localhost", true, "TLS failed: invalid peer certificate"),
        ("another name", &ours.pem, "127.0.0.1", true, "TLS failed: invalid peer certificate"),
        ("no certificate of its own", &ours.pem, "localhost", false, "is tried again"),
    ] {
        let mut agent = with(ca, host, has_own);
        let said = agent.says("is tried again");
        assert!(said.contains(says), "{what}: {said}");
        assert!(agent.is_alive(), "{what}");
    }
    // A broker that speaks no TLS is not talked to in the clear.
    let plain = Mosquitto::start();
    let lines = format!("server = \"mqtts://localhost:{}\"\nca-file = \"mqtt-ca\"\n", plain.port);
    let said = Agent::with(&lines, &[("mqtt-ca", &ours.pem)]).says("is tried again");
    assert!(!said.contains("connected broker"), "{said}");
}

/// Bytes that follow a good greeting.
fn rogue(answer: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut greeting = [0; 4096];
            let _ = stream.read(&mut greeting);
            answer(&mut stream);
            // Until the agent has had enough.
            let _ = stream.read(&mut greeting);
        }
    });
    port
}

const CONNACK: [u8; 5] = [0x20, 3, 0, 0, 0];
const SUBACK: [u8; 7] = [0x90, 5, 0, 1, 0, 1, 1];

#[test]
fn a_broker_that_sends_rubbish_is_left_and_tried_again() {
    for (what, bytes) in [
        ("HTTP", [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[b'.'; 100]].concat()),
        ("no greeting", SUBACK.to_vec()),
        ("a packet without end", [&CONNACK[..], &SUBACK, &[0x30, 0xff, 0xff, 0xff, 0x7f]].concat()),
        ("a length that is none", [&CONNACK[..], &SUBACK, &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()),
        ("a topic that is no text", [&CONNACK[..], &SUBACK, &[0x30, 5, 0, 2, 0xff, 0xfe, 0]].concat()),
        ("an answer to nothing", [&CONNACK[..], &SUBACK, &[0x40, 2, 0xff, 0xff]].concat()),
        ("nothing but ones", [&CONNACK[..], &SUBACK, &[0xff; 4000]].concat()),
    ] {
        let port = rogue(move |stream| {
            let _ = stream.write_all(&bytes);
        });
        let mut agent = Agent::start(port);
        let said = agent.says("is tried again");
        assert!(said.contains("no MQTT 5") || said.contains("refused"), "{what}: {said}");
        assert!(!said.contains("panic"), "{what}: {said}");
        assert!(agent.is_alive(), "{what}");
    }
}

/// A message that is not for us, as long as one may be.
fn foreign() -> Vec<u8> {
    let topic = b"kiosk/other/set/message";
    let rest = [&[0, u8::try_from(topic.len()).unwrap()][..], topic, &[0], &[b'x'; 60_000]].concat();
    let digit = |place: u32| u8::try_from((rest.len() >> (7 * place)) & 0x7f).unwrap();
    [&[0x30, digit(0) | 0x80, digit(1) | 0x80, digit(2)][..], &rest].concat()
}

#[test]
fn a_broker_that_floods_waits_at_its_own_end() {
    // As long as nobody else can be served by the broker: a second's worth of what is read, many times over.
    const TIME: Duration = Duration::from_secs(5);
    let (sender, told) = std::sync::mpsc::channel();
    let port = rogue(move |stream| {
        let _ = stream.write_all(&CONNACK);
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&SUBACK);
        let flood = foreign().repeat(20);
        let (begun, mut sent) = (std::time::Instant::now(), 0);
        stream.set_write_timeout(Some(TIME)).unwrap();
        while begun.elapsed() < TIME {
            match stream.write(&flood) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        let _ = sender.send((sent, begun.elapsed()));
    });
    let mut agent = Agent::start(port);
    let (sent, time) = told.recv_timeout(PATIENCE).unwrap();
    // 256 reads of 4 KiB at once and a second, and what the kernel holds on the way.
    let most = (1 << 20) * (2 + usize::try_from(time.as_secs()).unwrap()) + (16 << 20);
    assert!(sent <= most, "{sent} bytes of at most {most} in {time:?}");
    assert!(agent.is_alive());
}

#[test]
fn wrong_settings_end_the_agent_with_a_sentence() {
    for (lines, credentials, says) in [
        ("", &[][..], "set agent.mqtt.server"),
        (
            "server = \"mqtt://b\"\nuser = \"a\"\npassword-file = \"mqtt-password\"\n",
            &[],
            "agent.mqtt.password-file, mqtt-password, can't be read",
        ),
        ("server = \"mqtt://b\"\nuser = \"a\"\npassword-file = \"p\"\n", &[("p", "#none")], "whose file is not there"),
        (
            "server = \"mqtts://b\"\nca-file = \"ca\"\n",
            &[("ca", "nothing")],
            "agent.mqtt.ca-file, ca, has no certificate in PEM",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = fake::output(&mut Agent::command(folder.path(), lines, credentials));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{lines}: {said}");
        assert!(said.contains(says), "{lines}: {said}");
    }
}
