//! Enrolment as the device sees it: kiosk-agent as a process beside a stand-in for kioskd, and operators who are right, wrong,
//! slow, too many, or in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use kiosk_enrolment::local::{LocalAnswer, LocalOrder};
use kiosk_enrolment::{Answer, Code, Hello, Offer, Refusal};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod fleet;
mod operator;

use fake::Fake;
use fleet::{Agent, Authority, Client, PATIENCE, put};
use operator::Operator;

fn order(agent: &Agent, order: LocalOrder) -> LocalAnswer {
    let mut stream = UnixStream::connect(agent.directory().join("enrol.sock")).unwrap();
    stream.write_all(&serde_json::to_vec(&order).unwrap()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    serde_json::from_slice(&answer).unwrap()
}

/// Has the screen show a code.
#[track_caller]
fn code(agent: &Agent) -> Code {
    match order(agent, LocalOrder::Start) {
        LocalAnswer::Shown { code, url, seconds } => {
            assert_eq!((url, seconds), (format!("https://{{address}}:{}/#{code}", agent.port), 600));
            code.parse().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// The codes that the screen was told to show.
fn shown(kioskd: &Fake) -> Vec<String> {
    let calls = kioskd.calls().into_iter().filter(|(method, _)| method == "ShowPairing");
    calls.map(|(_, arguments)| arguments.split_once('#').unwrap().1.chars().take(14).collect()).collect()
}

fn dismissed(kioskd: &Fake) -> usize {
    kioskd.calls().iter().filter(|(method, _)| method == "Dismiss").count()
}

/// Until it is so.
#[track_caller]
fn until(mut so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < until, "it does not become so");
        std::thread::yield_now();
    }
}

fn wrong() -> Code {
    "AAAA-AAAA-AAAA".parse().unwrap()
}

/// What a fleet offers to this request.
fn offer(fleet: &Authority, request: &str) -> Offer {
    Offer {
        certificate: fleet.certify(request, "hall", (2024, 2090)),
        authority: fleet.pem(),
        revoked: fleet.revoked(&[], 1),
    }
}

fn files(agent: &Agent) -> BTreeSet<String> {
    let all = std::fs::read_dir(agent.folder()).unwrap();
    all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn who_reads_the_code_on_the_screen_makes_the_device_one_of_his_fleet() {
    let fleet = Authority::new();
    let mut agent = Agent::with(|_| {});
    let kioskd = Fake::compositor(agent.directory());
    assert!(Operator::come(&agent).is_err(), "nobody is listened to while no code is shown");
    let code = code(&agent);
    assert_eq!(shown(&kioskd), [code.to_string()]);
    let mut operator = Operator::come(&agent).unwrap();
    let welcome = operator.welcome(&code);
    assert!(welcome.request.contains("CERTIFICATE REQUEST") && !welcome.host.is_empty());
    assert!(files(&agent).is_empty(), "the key is written nowhere before it is certified");
    assert_eq!(operator.offer(&offer(&fleet, &welcome.request)), None);
    // At once, without a restart.
    let client = Client::new(&fleet, Some(&fleet.client("view")));
    assert_eq!(client.get(&agent, "/v1/openapi.json").status, 200);
    let all = ["ca.pem", "certificate.pem", "key.pem", "revoked.pem"];
    assert_eq!(files(&agent), all.map(str::to_owned).into());
    until(|| dismissed(&kioskd) == 1);
    assert!(Operator::come(&agent).is_err(), "the code is used up");
    assert!(agent.runs());
}

#[test]
fn a_code_that_somebody_took_off_the_screen_counts_no_more() {
    for other in ["", "message"] {
        let agent = Agent::with(|_| {});
        let kioskd = Fake::compositor(agent.directory());
        kioskd.change(&[("SystemScreen", "pairing".into())]);
        let code = code(&agent);
        let mut operator = Operator::come(&agent).unwrap();
        kioskd.change(&[("SystemScreen", other.into())]);
        until(|| Operator::come(&agent).is_err());
        assert!(matches!(operator.prove(&code), Answer::Refused(Refusal::NoCode)), "{other:?}");
    }
}

/// A device that shows codes by itself, with an operator's message over its first one.
fn under_a_message() -> (Agent, Fake) {
    // kioskd is there before the agent, with the property as it is once the code is shown.
    let mut kioskd = None;
    let agent = Agent::configured("[agent]\nenrol = true\n", |folder| {
        let fake = Fake::compositor(folder.parent().unwrap());
        fake.change(&[("SystemScreen", "pairing".into())]);
        kioskd = Some(fake);
    });
    let kioskd = kioskd.unwrap();
    until(|| Operator::come(&agent).is_ok());
    kioskd.change(&[("SystemScreen", "message".into())]);
    until(|| Operator::come(&agent).is_err());
    (agent, kioskd)
}

#[test]
fn a_device_that_shows_codes_by_itself_covers_no_message_with_them() {
    let (agent, kioskd) = under_a_message();
    // Answered when the news of the message is dealt with.
    order(&agent, LocalOrder::Stop);
    assert_eq!(shown(&kioskd).len(), 1);
    let (agent, kioskd) = under_a_message();
    kioskd.change(&[("SystemScreen", "".into())]);
    until(|| shown(&kioskd).len() == 2 && Operator::come(&agent).is_ok());
}

#[test]
fn a_code_that_is_wrong_five_times_is_followed_by_another() {
    let agent = Agent::with(|_| {});
    let kioskd = Fake::compositor(agent.directory());
    let first = code(&agent);
    for left in [4, 3, 2, 1, 0] {
        let told = Operator::come(&agent).unwrap().prove(&wrong());
        assert_eq!(told, Answer::Refused(Refusal::WrongCode { left }));
    }
    assert!(Operator::come(&agent).is_err());
    until(|| shown(&kioskd).len() == 2);
    let second: Code = shown(&kioskd)[1].parse().unwrap();
    assert_ne!(first.to_string(), second.to_string());
    assert_eq!(dismissed(&kioskd), 1);
    // It is on the screen a moment before it counts.
    until(|| Operator::come(&agent).is_ok());
    assert!(matches!(Operator::come(&agent).unwrap().prove(&first), Answer::Refused(Refusal::WrongCode { left: 4 })));
    Operator::come(&agent).unwrap().welcome(&second);
}

#[test]
fn what_was_recorded_on_one_connection_counts_on_no_other() {
    let agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let mut first = Operator::come(&agent).unwrap();
    let hello = first.hello(&code);
    let welcome = first.welcome(&code);
    drop(first);
    let mut second = Operator::come(&agent).unwrap();
    second.say(&hello).unwrap();
    assert_eq!(second.hear().unwrap(), Answer::Refused(Refusal::WrongCode { left: 4 }));
    // The device's own proof, sent back to it.
    let mut third = Operator::come(&agent).unwrap();
    third.say(&Hello { proof: welcome.proof }).unwrap();
    assert_eq!(third.hear().unwrap(), Answer::Refused(Refusal::WrongCode { left: 3 }));
}

#[test]
fn of_two_operators_one_has_the_code_until_he_gives_up() {
    let agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let mut first = Operator::come(&agent).unwrap();
    first.welcome(&code);
    assert_eq!(Operator::come(&agent).unwrap().prove(&code), Answer::Refused(Refusal::Busy));
    for _ in 0..9 {
        assert!(matches!(Operator::come(&agent).unwrap().prove(&wrong()), Answer::Refused(Refusal::WrongCode { .. })));
    }
    let fleet = Authority::new();
    // He is not thrown out by those who guess.
    let why = first.offer(&Offer { certificate: String::new(), authority: fleet.pem(), revoked: String::new() });
    assert!(why.unwrap().contains("no certificate in what was offered"));
    drop(first);
    let mut agent = agent;
    assert!(agent.runs());
}

#[test]
fn what_does_not_fit_is_not_taken_and_changes_nothing() {
    let (fleet, other) = (Authority::new(), Authority::new());
    let mut agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::default();
    leaf.is_ca = IsCa::ExplicitNoCa;
    let leaf = leaf.self_signed(&key).unwrap().pem();
    let mut any = CertificateParams::default();
    any.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let others_request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    type Change<'a> = &'a dyn Fn(&mut Offer, &str);
    let cases: &[(&str, Change<'_>)] = &[
        ("no certificate in what was offered", &|offer, _| offer.certificate = "nonsense".into()),
        ("can't be read", &|offer, _| {
            offer.certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into();
        }),
        ("for another key", &|offer, _| {
            offer.certificate = fleet.certify(&others_request, "hall", (2024, 2090));
        }),
        ("is no authority", &|offer, _| offer.authority = leaf.clone()),
        ("no authority in what was offered", &|offer, _| offer.authority = String::new()),
        ("can't be a device's", &|offer, _| offer.authority = other.pem()),
        ("can't be a device's", &|offer, request| {
            offer.certificate = fleet.certify(request, "hall", (2024, 2025));
        }),
        ("can't be a device's", &|offer, _| offer.revoked = fleet.revoked(&[77], 2)),
        ("the revocation list is not the authority's", &|offer, _| offer.revoked = other.revoked(&[], 1)),
        ("no revocation list in what was offered", &|offer, _| offer.revoked = String::new()),
        ("more than 16 of authority", &|offer, _| offer.authority = fleet.pem().repeat(17)),
    ];
    for (says, change) in cases {
        // He who was before gives the code back a moment after he was told.
        let mut operator = None;
        until(|| {
            let mut one = Operator::come(&agent).unwrap();
            match one.prove(&code) {
                Answer::Welcome(welcome) => operator = Some((one, welcome)),
                other => assert_eq!(other, Answer::Refused(Refusal::Busy)),
            }
            operator.is_some()
        });
        let (mut operator, welcome) = operator.unwrap();
        let mut offer = offer(&fleet, &welcome.request);
        change(&mut offer, &welcome.request);
        let why = operator.offer(&offer).unwrap_or_else(|| panic!("{says}: it was taken"));
        assert!(why.contains(says), "{says}: {why}");
        assert!(files(&agent).is_empty(), "{says}: {:?}", files(&agent));
    }
    assert!(agent.runs());
}

#[test]
fn a_folder_that_can_not_be_written_is_said_and_the_old_certificates_stay() {
    let (old, fleet) = (Authority::new(), Authority::new());
    let agent = Agent::start(&old);
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let mut operator = Operator::come(&agent).unwrap();
    let welcome = operator.welcome(&code);
    // A file where the folder of new files would be: nothing can be written into it, as root neither.
    put(&agent.folder(), ".new", "");
    let why = operator.offer(&offer(&fleet, &welcome.request)).unwrap();
    assert!(why.contains("nothing has changed"), "{why}");
    let client = Client::new(&old, Some(&old.client("view")));
    assert_eq!(client.get(&agent, "/v1/openapi.json").status, 200);
}

#[test]
fn what_a_power_cut_left_half_done_is_made_good_at_the_start() {
    let (old, fleet) = (Authority::new(), Authority::new());
    let agent = Agent::with(|folder| {
        old.equip(folder, (2024, 2090));
        // Decided, and one file moved already.
        let decided = folder.join(".decided");
        std::fs::create_dir(&decided).unwrap();
        fleet.equip(&decided, (2024, 2090));
        std::fs::rename(decided.join("ca.pem"), folder.join("ca.pem")).unwrap();
        // Not decided.
        std::fs::create_dir(folder.join(".new")).unwrap();
        put(&folder.join(".new"), "key.pem", "half");
    });
    let client = Client::new(&fleet, Some(&fleet.client("view")));
    assert_eq!(client.get(&agent, "/v1/openapi.json").status, 200);
    assert_eq!(files(&agent), ["ca.pem", "certificate.pem", "key.pem"].map(str::to_owned).into());
}

#[test]
fn a_device_whose_clock_was_never_set_is_enrolled_by_an_authority_of_its_future() {
    // Seen from 2099 the machine's clock was never set.
    let fleet = Authority::from(2099);
    let agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let mut operator = Operator::come(&agent).unwrap();
    let welcome = operator.welcome(&code);
    let offer =
        Offer { certificate: fleet.certify(&welcome.request, "hall", (2099, 2101)), ..offer(&fleet, &welcome.request) };
    assert_eq!(operator.offer(&offer), None);
    let client = Client::of(&fleet, None, 2099, &rustls::version::TLS13);
    assert!(client.refused(&agent).contains("CertificateRequired"));
}

#[test]
fn who_is_silent_slow_endless_or_talks_of_something_else_is_not_waited_for() {
    let mut agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let mut streams = Vec::new();
    let garbage: [&[u8]; 6] = [
        b"",
        b"\0\0",
        b"\0\0\x20\0{\"proof\":[1,",
        b"\xff\xff\xff\xff",
        b"POST /v1/open HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
        b"\0\0\0\x02{}",
    ];
    for bytes in garbage {
        let mut operator = Operator::come(&agent).unwrap();
        operator.0.write_all(bytes).unwrap();
        streams.push(operator);
    }
    for mut operator in streams {
        let end = operator.hear().unwrap_err();
        assert!(end.kind() != ErrorKind::WouldBlock, "it is waited for: {end}");
    }
    // None of them was a try.
    let mut operator = Operator::come(&agent).unwrap();
    operator.welcome(&code);
    // Of an offer, no more than 2 MiB.
    operator.0.write_all(&(3u32 << 20).to_be_bytes()).unwrap();
    assert!(operator.hear().unwrap_err().kind() != ErrorKind::WouldBlock);
    assert!(agent.runs());
}

#[test]
fn a_crowd_that_says_nothing_leaves_an_operator_his_place() {
    let fleet = Authority::new();
    let mut agent = Agent::with(|_| {});
    let _kioskd = Fake::compositor(agent.directory());
    let code = code(&agent);
    let crowd: Vec<TcpStream> = (0..300).map(|_| agent.tcp()).collect();
    let silent: Vec<_> = (0..100).filter_map(|_| Operator::come(&agent).ok()).collect();
    let mut operator = Operator::come(&agent).unwrap();
    let welcome = operator.welcome(&code);
    let more: Vec<_> = (0..100).filter_map(|_| Operator::come(&agent).ok()).collect();
    assert_eq!(operator.offer(&offer(&fleet, &welcome.request)), None);
    drop((crowd, silent, more));
    assert!(agent.runs());
}

#[test]
fn without_a_screen_there_is_no_code() {
    let agent = Agent::with(|_| {});
    match order(&agent, LocalOrder::Start) {
        LocalAnswer::Refused(why) => assert!(why.contains("the screen can't show the code"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(Operator::come(&agent).is_err());
    let kioskd = Fake::compositor(agent.directory());
    let first = code(&agent);
    let second = code(&agent);
    assert!(matches!(Operator::come(&agent).unwrap().prove(&first), Answer::Refused(Refusal::WrongCode { left: 4 })));
    assert_eq!(order(&agent, LocalOrder::Stop), LocalAnswer::Stopped(true));
    assert_eq!((order(&agent, LocalOrder::Stop), dismissed(&kioskd)), (LocalAnswer::Stopped(false), 1));
    assert!(Operator::come(&agent).is_err());
    // A code that no screen shows any more is none.
    let third = code(&agent);
    drop(kioskd);
    until(|| Operator::come(&agent).is_err());
    assert_eq!([&first, &second, &third].map(ToString::to_string).into_iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn a_device_without_a_certificate_shows_codes_by_itself_where_it_is_told_to() {
    let fleet = Authority::new();
    let agent = Agent::configured("[agent]\nenrol = true\n", |_| {});
    // Without kioskd, with one, and with another one right after it.
    for _ in 0..2 {
        let kioskd = Fake::compositor(agent.directory());
        until(|| shown(&kioskd).len() == 1);
    }
    let kioskd = Fake::compositor(agent.directory());
    until(|| shown(&kioskd).len() == 1);
    let code: Code = shown(&kioskd)[0].parse().unwrap();
    until(|| Operator::come(&agent).is_ok());
    let mut operator = Operator::come(&agent).unwrap();
    let welcome = operator.welcome(&code);
    assert_eq!(operator.offer(&offer(&fleet, &welcome.request)), None);
    until(|| dismissed(&kioskd) == 1);
    assert_eq!(shown(&kioskd).len(), 1);
    // One that has a certificate shows none, nor does one that was not told to.
    let agent = Agent::configured("[agent]\nenrol = true\n", |folder| fleet.equip(folder, (2024, 2090)));
    let kioskd = Fake::compositor(agent.directory());
    assert_eq!(order(&agent, LocalOrder::Stop), LocalAnswer::Stopped(false));
    assert!(shown(&kioskd).is_empty());
}

#[test]
fn a_certificate_is_renewed_for_the_same_subject_and_key_alone() {
    let fleet = Authority::new();
    let agent = Agent::with(|folder| {
        fleet.equip(folder, (2024, 2090));
        put(folder, "revoked.pem", &fleet.revoked(&[], 5));
    });
    let admin = Client::new(&fleet, Some(&fleet.client("admin")));
    let ask = |path: &str, method: &str, body: &serde_json::Value| {
        let reply = admin.ask(&agent, method, path, &body.to_string()).unwrap();
        (reply.status, reply.json())
    };
    let request =
        || ask("/v1/certificate/request", "POST", &serde_json::json!({})).1["request"].as_str().unwrap().to_owned();
    let body = |request: &str, name: &str, number| {
        let certificate = fleet.certify(request, name, (2024, 2090));
        serde_json::json!({ "certificate": certificate, "authority": fleet.pem(), "revoked": fleet.revoked(&[], number) })
    };
    let before = std::fs::read_to_string(agent.folder().join("key.pem")).unwrap();
    let old = request();
    let new = request();
    for (says, body) in [
        ("for the subject CN=hall, and the device's is CN=anna", body(&new, "hall", 6)),
        ("no certificate was asked for", body(&new, "anna", 6)),
    ] {
        let (status, answer) = ask("/v1/certificate", "PUT", &body);
        assert!(status == 409 && answer["detail"].as_str().unwrap().contains(says), "{says}: {answer}");
    }
    let newer = request();
    let (status, answer) = ask("/v1/certificate", "PUT", &body(&old, "anna", 6));
    assert!(status == 409 && answer["detail"].as_str().unwrap().contains("another key"), "{answer} {newer}");
    let newer = request();
    let (status, answer) = ask("/v1/certificate", "PUT", &body(&newer, "anna", 4));
    assert!(status == 409 && answer["detail"].as_str().unwrap().contains("number 0x04"), "{answer}");
    assert_eq!(std::fs::read_to_string(agent.folder().join("key.pem")).unwrap(), before);
    let newest = request();
    assert_eq!(ask("/v1/certificate", "PUT", &body(&newest, "anna", 6)).0, 200);
    assert_ne!(std::fs::read_to_string(agent.folder().join("key.pem")).unwrap(), before);
    assert_eq!(admin.get(&agent, "/v1/openapi.json").status, 200);
}

#[test]
fn a_revocation_list_comes_over_the_network_and_no_older_one_after_it() {
    let (fleet, other) = (Authority::new(), Authority::new());
    let agent = Agent::start(&fleet);
    let (admin, lost) = (fleet.client("admin"), fleet.client("operate"));
    let client = Client::new(&fleet, Some(&admin));
    let lost_client = Client::new(&fleet, Some(&lost));
    let mut open = lost_client.connect(&agent);
    open.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(open.read(&mut [0; 64]).unwrap() > 0);
    let put = |list: String| {
        let body = serde_json::json!({ "revoked": list }).to_string();
        client.ask(&agent, "PUT", "/v1/certificate/revoked", &body).unwrap()
    };
    for (says, list) in [("not the authority's", other.revoked(&[], 9)), ("no revocation list", "x".into())] {
        let reply = put(list);
        assert!(reply.status == 409 && reply.json()["detail"].as_str().unwrap().contains(says), "{reply:?}");
    }
    assert_eq!(put(fleet.revoked(&[lost.serial], 300)).status, 200);
    // The connection that is open ends, too.
    let _ = open.read_to_end(&mut Vec::new()).inspect_err(|error| assert_ne!(error.kind(), ErrorKind::WouldBlock));
    assert!(lost_client.refused(&agent).contains("CertificateRevoked"));
    let reply = put(fleet.revoked(&[], 299));
    assert!(reply.status == 409 && reply.json()["detail"].as_str().unwrap().contains("number 0x012b"), "{reply:?}");
    assert_eq!(put(fleet.revoked(&[lost.serial], 300)).status, 200);
    // A long one is no flood.
    let many: Vec<u64> = (1_000_000..1_005_000).collect();
    assert_eq!(put(fleet.revoked(&many, 301)).status, 200);
}
