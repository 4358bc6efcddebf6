//! kiosk-agent on the network, as a process between stand-ins for both services and clients that speak TLS: who gets in and
//! for what, and who does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;

use fake::Fake;
use fleet::{Agent, Authority, Client, PATIENCE, Reply, Says, put, self_made};

const ROLES: [&str; 3] = ["view", "operate", "admin"];

#[test]
fn every_request_is_for_the_roles_that_the_document_says() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let clients = ROLES.map(|role| Client::new(&fleet, Some(&fleet.client(role))));
    let document = clients[0].get(&agent, "/v1/openapi.json").json();
    let mut seen = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let needed = operation["x-kiosk-role"].as_str().unwrap_or_else(|| panic!("{path} has no role"));
            let place = ROLES.iter().position(|role| *role == needed).unwrap();
            // A stream has no end.
            let method = if path == "/v1/events" { "HEAD".into() } else { method.to_uppercase() };
            for (number, client) in clients.iter().enumerate() {
                let reply = client.ask(&agent, &method, &path.replace(['{', '}'], ""), "").unwrap();
                if number < place {
                    assert_eq!(reply.status, 403, "{method} {path} by {}", ROLES[number]);
                    assert_eq!(reply.json()["role"], needed);
                    assert!(reply.json()["detail"].as_str().unwrap().contains(ROLES[number]));
                } else {
                    assert_ne!(reply.status, 403, "{method} {path} by {}", ROLES[number]);
                }
            }
            seen.push(needed.to_owned());
        }
    }
    assert!(seen.len() >= 26 && ROLES.iter().all(|role| seen.contains(&(*role).to_owned())), "{seen:?}");
}

#[test]
fn a_certificate_opens_what_its_role_allows() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let [view, operate, admin] = ROLES.map(|role| Client::new(&fleet, Some(&fleet.client(role))));
    assert_eq!(view.get(&agent, "/v1/status").json()["session"]["state"], "loading");
    assert!(view.get(&agent, "/metrics").head.contains("openmetrics"));
    let home = |client: &Client| client.ask(&agent, "POST", "/v1/home", "").unwrap();
    assert_eq!(home(&view).status, 403);
    assert!(session.calls().is_empty());
    assert_eq!((home(&operate).status, home(&admin).status), (200, 200));
    assert_eq!(session.calls().len(), 2);
    let trust = |client: &Client| client.ask(&agent, "PATCH", "/v1/inputs/Elo@1-1", r#"{"trusted": true}"#).unwrap();
    let refused = trust(&operate);
    assert_eq!((refused.status, &refused.json()["role"]), (403, &json!("admin")));
    assert!(refused.head.contains("application/problem+json"));
    // The metrics ask for the times of frames, and that is no order.
    assert!(compositor.calls().iter().all(|(method, _)| method == "Frames"));
    assert_eq!(trust(&admin).status, 200);
    // A page in a browser that has the certificate is still no caller.
    let mut stream = admin.connect(&agent);
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nOrigin: https://x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Reply::of(&answer).status, 403);
}

#[test]
fn a_certificate_without_a_role_gets_in_and_may_nothing() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    for uri in ["kiosk:role:root", "kiosk:role:", "kiosk:role:Admin", "https://admin", "xkiosk:role:admin"] {
        let names = Says::uri(uri);
        let says = Says { names: &names, usage: ExtendedKeyUsagePurpose::ClientAuth, years: (2024, 2090) };
        let reply = Client::new(&fleet, Some(&fleet.sign(&says))).get(&agent, "/v1/status");
        assert_eq!(reply.status, 403, "{uri}");
        assert!(reply.json()["detail"].as_str().unwrap().contains("kiosk:role:ROLE"));
    }
}

#[test]
fn nobody_without_a_good_certificate_gets_in() {
    let fleet = Authority::new();
    let mut agent = Agent::start(&fleet);
    let admin = Says::uri("kiosk:role:admin");
    let good = Says { names: &admin, usage: ExtendedKeyUsagePurpose::ClientAuth, years: (2024, 2090) };
    let expired = fleet.sign(&Says { years: (2024, 2025), ..good });
    let usage = ExtendedKeyUsagePurpose::ServerAuth;
    let of_a_device = fleet.sign(&Says { usage, names: &admin, years: (2024, 2090) });
    let early = fleet.sign(&Says { years: (2080, 2090), names: &admin, usage: ExtendedKeyUsagePurpose::ClientAuth });
    // Of the same name, and another key.
    let foreign = Authority::new().client("admin");
    let own = self_made("admin");
    let mut stolen = fleet.client("admin");
    stolen.key = rcgen::KeyPair::generate().unwrap();
    for (credentials, says) in [
        (None, "CertificateRequired"),
        (Some(&expired), "Expired"),
        (Some(&of_a_device), "UnsupportedCertificate"),
        (Some(&early), "CertificateExpired"),
        (Some(&foreign), "Decrypt"),
        (Some(&own), "UnknownCA"),
    ] {
        let said = Client::new(&fleet, credentials).refused(&agent);
        eprintln!("{says}: {said}");
        assert!(said.to_lowercase().contains(&says.to_lowercase()), "{says}: {said}");
    }
    // One whose key is another's signs with the wrong key.
    assert!(rustls_refuses(&fleet, &stolen) || !Client::new(&fleet, Some(&stolen)).refused(&agent).is_empty());
    let old = Client::of(&fleet, Some(&fleet.client("admin")), 2026, &rustls::version::TLS12);
    assert!(old.refused(&agent).contains("ProtocolVersion"), "{}", old.refused(&agent));
    assert!(agent.runs());
    assert_eq!(Client::new(&fleet, Some(&fleet.client("view"))).get(&agent, "/v1/openapi.json").status, 200);
}

/// Whether rustls would not even try.
fn rustls_refuses(fleet: &Authority, credentials: &fleet::Credentials) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Client::new(fleet, Some(credentials)))).is_err()
}

#[test]
fn a_revoked_certificate_is_refused_and_its_open_connections_end() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let (lost, kept) = (fleet.client("admin"), fleet.client("view"));
    let streams = [&lost, &kept].map(|credentials| {
        let mut stream = Client::new(&fleet, Some(credentials)).connect(&agent);
        stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut first = [0; 64];
        assert!(stream.read(&mut first).unwrap() > 0);
        stream
    });
    let [mut open, mut other] = streams;
    // A list that is none, and one of an authority of the same name, change nothing.
    put(&agent.folder(), "revoked.pem", "nonsense");
    put(&agent.folder(), "revoked.pem", &fleet.revoked(&[lost.serial], 1));
    let mut rest = Vec::new();
    let end = open.read_to_end(&mut rest);
    assert!(!end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "its stream goes on");
    let (lost, kept) = (Client::new(&fleet, Some(&lost)), Client::new(&fleet, Some(&kept)));
    assert!(lost.refused(&agent).contains("CertificateRevoked"), "{}", lost.refused(&agent));
    assert_eq!(kept.get(&agent, "/v1/openapi.json").status, 200);
    // The other's stream is still there.
    other.sock.set_nonblocking(true).unwrap();
    let still = loop {
        match other.read(&mut [0; 4096]) {
            Ok(0) => break false,
            Ok(_) => {}
            Err(error) => break error.kind() == ErrorKind::WouldBlock,
        }
    };
    assert!(still);
}

#[test]
fn an_inspection_ends_when_the_certificate_of_who_looks_is_revoked() {
    use tokio_tungstenite::tungstenite::{Error, Message, client};
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let session = Fake::session(agent.directory());
    let (lost, kept) = (fleet.client("admin"), fleet.client("admin"));
    let mut front_ends = [&lost, &kept].map(|credentials| {
        let stream = Client::new(&fleet, Some(credentials)).connect(&agent);
        client("ws://kiosk-17.example/v1/inspect?seconds=3600", stream).unwrap().0
    });
    let mut echo = |number: usize| {
        front_ends[number].send(Message::text(r#"{"id":1}"#))?;
        front_ends[number].read()
    };
    let text = r#"{"echo":{"id":1}}"#;
    assert!([0, 1].iter().all(|number| echo(*number).unwrap().into_text().unwrap() == text));
    put(&agent.folder(), "revoked.pem", &fleet.revoked(&[lost.serial], 1));
    let end = front_ends[0].read();
    assert!(!matches!(&end, Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock), "it goes on");
    assert!(!matches!(&end, Ok(Message::Text(_) | Message::Binary(_))), "{end:?}");
    // kiosk-session is told, so that the line goes from the screen; the other's goes on.
    let until = Instant::now() + PATIENCE;
    while *session.shared.inspected.lock().unwrap() == 0 {
        assert!(Instant::now() < until, "kiosk-session still has somebody who looks");
        std::thread::yield_now();
    }
    front_ends[1].send(Message::text(r#"{"id":1}"#)).unwrap();
    assert_eq!(front_ends[1].read().unwrap().into_text().unwrap(), text);
    assert_eq!(*session.shared.inspected.lock().unwrap(), 1);
}

#[test]
fn files_that_are_put_into_the_folder_count_at_once_and_broken_ones_never() {
    let (fleet, next) = (Authority::new(), Authority::new());
    // Without a certificate it waits for one.
    let mut agent = Agent::with(|_| {});
    let client = Client::new(&fleet, Some(&fleet.client("view")));
    assert!(client.ask(&agent, "GET", "/v1/openapi.json", "").is_err());
    fleet.equip(&agent.folder(), (2024, 2090));
    agent.until(&client, true);
    // Neither half a change nor rubbish takes away what is in force.
    put(&agent.folder(), "ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    std::fs::remove_file(agent.folder().join("key.pem")).unwrap();
    put(&agent.folder(), "certificate.pem", &fleet::pem(&next.device((2024, 2090)).certificate));
    assert_eq!(client.get(&agent, "/v1/openapi.json").status, 200);
    next.equip(&agent.folder(), (2024, 2090));
    let new = Client::new(&next, Some(&next.client("view")));
    agent.until(&new, true);
    assert!(client.ask(&agent, "GET", "/v1/openapi.json", "").is_err());
    assert!(agent.runs());
}

#[test]
fn a_key_that_everybody_can_read_is_none() {
    let fleet = Authority::new();
    let mode = |folder: &Path, mode| {
        std::fs::set_permissions(folder.join("key.pem"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let agent = Agent::with(|folder| {
        fleet.equip(folder, (2024, 2090));
        mode(folder, 0o604);
    });
    let client = Client::new(&fleet, Some(&fleet.client("view")));
    assert!(client.ask(&agent, "GET", "/v1/openapi.json", "").is_err());
    mode(&agent.folder(), 0o640);
    agent.until(&client, true);
}

#[test]
fn a_clock_that_was_never_set_refuses_only_what_it_must() {
    // Seen from 2099 the machine's clock was never set; the device knows that its authority is from then.
    let fleet = Authority::from(2099);
    let agent = Agent::with(|folder| fleet.equip(folder, (2099, 2110)));
    let names = Says::uri("kiosk:role:view");
    let of = |years| fleet.sign(&Says { names: &names, usage: ExtendedKeyUsagePurpose::ClientAuth, years });
    let client = |years| Client::of(&fleet, Some(&of(years)), 2099, &rustls::version::TLS13);
    assert_eq!(client((2099, 2101)).get(&agent, "/v1/openapi.json").status, 200);
    // It may have ended meanwhile, which it can't know; but one that ended before is over, and one of later is not yet.
    assert!(client((2097, 2098)).refused(&agent).to_lowercase().contains("expired"));
    client((2100, 2101)).refused(&agent);
}

#[test]
fn what_is_no_tls_is_ended() {
    let fleet = Authority::new();
    let mut agent = Agent::start(&fleet);
    for garbage in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0; 100_000], &[0xff; 70_000], b"\x16\x03\x01\xff\xff"]
    {
        let mut stream = agent.tcp();
        // It may be ended before all is sent.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        assert!(!end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "it is waited for");
    }
    assert!(agent.runs());
}

#[test]
fn a_handshake_or_headers_without_end_are_not_waited_for() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let client = Client::new(&fleet, Some(&fleet.client("admin")));
    let mut silent = agent.tcp();
    let mut half = agent.tcp();
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00").unwrap();
    let mut slow = client.connect(&agent);
    slow.write_all(b"GET /v1/status HTTP/1.1\r\nHost: loc").unwrap();
    let mut body = client.connect(&agent);
    body.write_all(
        b"POST /v1/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    )
    .unwrap();
    let mut answer = Vec::new();
    for stream in [&mut silent as &mut dyn Read, &mut half, &mut slow] {
        // Ended by the agent: the test's own patience would be this error.
        let _ = stream.read_to_end(&mut answer).inspect_err(|error| assert_ne!(error.kind(), ErrorKind::WouldBlock));
    }
    let mut answer = [0; 12];
    body.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[test]
fn thousands_of_connections_leave_a_client_its_place() {
    let fleet = Authority::new();
    let mut agent = Agent::start(&fleet);
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let client = Client::new(&fleet, Some(&fleet.client("view")));
    let mut crowd: Vec<TcpStream> = (0..500).map(|_| agent.tcp()).collect();
    for number in 0..2000 {
        let place = number % crowd.len();
        crowd[place] = agent.tcp();
        if number % 400 == 0 {
            assert_eq!(client.get(&agent, "/v1/status").status, 200);
        }
    }
    // Those who got in have places of their own, and no certificate has all of them.
    let held: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = client.connect(&agent);
            // The answer to the first comes when it has its place, or has none.
            let _ = stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n");
            let mut start = [0; 12];
            stream.read_exact(&mut start).map(|()| (start, stream))
        })
        .collect();
    let good = held.iter().flatten().filter(|(start, _)| start == b"HTTP/1.1 200").count();
    let full = held.iter().flatten().filter(|(start, _)| start == b"HTTP/1.1 503").count();
    assert_eq!((good, full), (16, 24));
    let other = Client::new(&fleet, Some(&fleet.client("operate")));
    assert_eq!(other.ask(&agent, "POST", "/v1/home", "").unwrap().status, 200);
    assert!(agent.runs());
    let peak = fake::peak_kib(agent.pid());
    assert!(peak < 48 << 10, "{peak} KiB");
}

#[test]
fn who_may_only_look_leaves_the_others_their_streams_and_pictures() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (_session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    // As much as a picture of a large screen with photographs, and more than the kernel takes from who sends it.
    let large = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![7; 24 << 20]].concat();
    compositor.shared.picture.lock().unwrap().clone_from(&large);
    let (low, other) = (fleet.client("view"), fleet.client("view"));
    let (low, other) = (Client::new(&fleet, Some(&low)), Client::new(&fleet, Some(&other)));
    // The beginning of each answer, which is not read on.
    let open = |client: &Client, path: &str| {
        let mut stream = client.connect(&agent);
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        (String::from_utf8_lossy(&start[9..]).into_owned(), stream)
    };
    for (path, own) in [("/v1/events", 4), ("/v1/screenshot", 2)] {
        let held: Vec<_> = (0..6).map(|_| open(&low, path)).collect();
        let good = held.iter().filter(|(status, _)| status == "200").count();
        let full = held.iter().filter(|(status, _)| status == "503").count();
        assert_eq!((good, full), (own, 6 - own), "{path}");
        let (status, mut stream) = open(&other, path);
        assert_eq!(status, "200", "{path}");
        if path.ends_with("screenshot") {
            let mut answer = vec![0; large.len()];
            stream.read_exact(&mut answer).unwrap();
            let mut rest = vec![0; 1000];
            let count = stream.read(&mut rest).unwrap();
            assert!(answer.ends_with(&[7; 1000]) && rest[..count].iter().all(|byte| *byte == 7));
        }
    }
    // Pictures that nobody reads are held by none of the agent's memory.
    let peak = fake::peak_kib(agent.pid());
    assert!(peak < large.len() >> 10, "{peak} KiB");
}

#[test]
fn a_gigabyte_is_refused_over_tls_too() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let mut stream = Client::new(&fleet, Some(&fleet.client("admin"))).connect(&agent);
    let head = "POST /v1/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    stream.write_all(format!("{head}Content-Length: 1000000000\r\n\r\n").as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
    let mut stream = Client::new(&fleet, Some(&fleet.client("admin"))).connect(&agent);
    stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = [b"4000\r\n".as_slice(), &[b' '; 0x4000], b"\r\n"].concat();
    let sent = (0..60_000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 5000, "{sent} chunks were taken");
}

#[test]
fn a_connection_ends_with_its_certificate() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    // Long enough for the handshake, whatever else the machine does.
    let mut seconds = 2;
    let mut stream = loop {
        let brief = fleet.brief("view", seconds);
        let mut stream = Client::new(&fleet, Some(&brief)).connect(&agent);
        let asked = stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        if asked.and_then(|()| stream.read_exact(&mut [0; 12])).is_ok() {
            break stream;
        }
        seconds *= 2;
    };
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).inspect_err(|error| assert_ne!(error.kind(), ErrorKind::WouldBlock));
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_connection_whose_other_end_is_lost_is_noticed_without_a_message() {
    let fleet = Authority::new();
    let agent = Agent::start(&fleet);
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let mut watcher = Client::new(&fleet, Some(&fleet.client("view"))).connect(&agent);
    watcher.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    watcher.read_exact(&mut [0; 12]).unwrap();
    let (ours, theirs) = (watcher.sock.local_addr().unwrap().port(), agent.port);
    // The kernel's list: addresses with ports, the state, queues, and which timer of the socket runs: 2 is the keep-alive.
    let asks = || {
        let list = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let connection = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|columns| {
            columns[1].ends_with(&format!(":{theirs:04X}")) && columns[2].ends_with(&format!(":{ours:04X}"))
        });
        connection.expect("the connection is there")[5].starts_with("02:")
    };
    let until = Instant::now() + PATIENCE;
    while !asks() {
        assert!(Instant::now() < until, "nothing asks whether the other end is there");
        std::thread::yield_now();
    }
}
