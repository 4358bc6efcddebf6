//! On a message bus of the test's own.

use std::io::Read;
use std::process::{Child, Command as Process, Stdio};

use super::*;

/// A `dbus-daemon` at a path of our choice, ended when dropped.
struct Daemon(Child);

impl Daemon {
    fn start(directory: &std::path::Path) -> Self {
        let anything = "<policy context=\"default\"><allow send_destination=\"*\"/><allow own=\"*\"/></policy>";
        Self::with_policy(directory, anything)
    }

    fn with_policy(directory: &std::path::Path, policy: &str) -> Self {
        let config = directory.join("bus.conf");
        let socket = address(directory);
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>custom</type><listen>{socket}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow user=\"*\"/><allow receive_sender=\"*\"/></policy>\
                 {policy}</busconfig>"
            ),
        )
        .unwrap();
        let config = format!("--config-file={}", config.display());
        let child = Process::new("dbus-daemon").args(["--nofork", &config]).stderr(Stdio::null()).spawn().unwrap();
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn address(directory: &std::path::Path) -> String {
    format!("unix:path={}/run/bus", directory.display())
}

/// A client of the bus, as soon as kioskd has its name there.
async fn client(directory: &std::path::Path) -> Connection {
    let address = address(directory);
    loop {
        if let Ok(client) = Builder::address(address.as_str()).build().await {
            let bus = "org.freedesktop.DBus";
            let body = BUS_NAME;
            let answer = client.call_method(Some(bus), "/", Some(bus), "NameHasOwner", &body).await;
            if answer.unwrap().body().deserialize::<bool>().unwrap() {
                return client;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn call<B>(client: &Connection, path: &str, interface: &str, member: &str, body: &B) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::DynamicType,
{
    client.call_method(Some(BUS_NAME), path, Some(interface), member, body).await
}

#[test]
fn a_bus_that_comes_late_and_is_restarted_is_joined_each_time() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut kiosk = Fixture::with(Bus::Address(address(directory.path())), SOON);
        // Not even the directory is there yet, as at boot.
        drop(kiosk.stream());
        std::fs::create_dir(directory.path().join("run")).unwrap();
        for _ in 0..2 {
            let daemon = Daemon::start(directory.path());
            let client = client(directory.path()).await;
            let reply = call(&client, HDMI, PROPERTIES, "Get", &(OUTPUT, "Make")).await.unwrap();
            assert_eq!(*reply.body().deserialize::<OwnedVariant>().unwrap(), Variant::from("Dell"));
            let dismiss = call(&client, ROOT_PATH, COMPOSITOR, "Dismiss", &());
            let (dismissed, request) = tokio::join!(dismiss, kiosk.answer(Ok(Reply::Done)));
            assert_eq!(request, Command::Dismiss);
            dismissed.unwrap();
            drop(daemon);
        }
    });
}

#[test]
fn changes_are_broadcast() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("run")).unwrap();
        let _daemon = Daemon::start(directory.path());
        let kiosk = Fixture::with(Bus::Address(address(directory.path())), SOON);
        let client = client(directory.path()).await;
        let rule = zbus::MatchRule::builder().msg_type(Type::Signal).sender(BUS_NAME).build().unwrap();
        let mut signals = MessageStream::for_match_rule(rule, &client, None).await.unwrap();
        kiosk.handle.publish(Snapshot { serial: 8, ..snapshot() });
        assert_eq!(signal(&mut signals).await.0, "PropertiesChanged");
        let (member, _, message) = signal(&mut signals).await;
        assert_eq!((member.as_str(), message.body().deserialize::<u32>().unwrap()), ("LayoutChanged", 8));
    });
}

/// What `dbus-send` prints when a user without rights runs it.
fn as_nobody(directory: &std::path::Path, arguments: &[&str]) -> String {
    let output = Process::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "dbus-send", "--print-reply"])
        .arg(format!("--bus={}", address(directory)))
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn without_polkit_another_user_on_the_bus_is_refused_and_told_why() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    run(async {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(directory.path().join("run")).unwrap();
        let _daemon = Daemon::start(directory.path());
        let mut kiosk = Fixture::with(Bus::Address(address(directory.path())), SOON);
        drop(client(directory.path()).await);
        let send = |member| as_nobody(directory.path(), &["--dest=org.kioskd.Compositor1", ROOT_PATH, member]);
        let refused = send("org.kioskd.Compositor1.Dismiss");
        assert!(refused.contains("org.kioskd.Error.NotAuthorized") && refused.contains("polkit"), "{refused}");
        assert!(kiosk.calls.try_recv().is_err());
        assert!(send("org.freedesktop.DBus.Peer.Ping").contains("method return"));
    });
}

#[test]
fn by_the_shipped_policy_anyone_may_call_and_not_anyone_may_take_the_name() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    run(async {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(directory.path().join("run")).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/dbus/org.kioskd.conf");
        // As the system bus has it: nothing is allowed but the bus itself.
        let policy = format!(
            "<policy context=\"default\"><deny own=\"*\"/><deny send_type=\"method_call\"/>\
             <allow send_requested_reply=\"true\"/><allow send_destination=\"org.freedesktop.DBus\"/></policy><include>{shipped}</include>"
        );
        let _daemon = Daemon::with_policy(directory.path(), &policy);
        let _kiosk = Fixture::with(Bus::Address(address(directory.path())), SOON);
        drop(client(directory.path()).await);
        let ping = ["--dest=org.kioskd.Compositor1", ROOT_PATH, "org.freedesktop.DBus.Peer.Ping"];
        let answer = as_nobody(directory.path(), &ping);
        assert!(answer.contains("method return"), "{answer}");
        for name in ["org.kioskd.Compositor1", "org.kioskd.Session1"] {
            let name = format!("string:{name}");
            let take = ["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.RequestName", &name, "uint32:0"];
            let answer = as_nobody(directory.path(), &take);
            assert!(answer.contains("AccessDenied"), "{answer}");
        }
    });
}

/// Polkit, as far as it is asked for authorizations; it has no answer until it is told to give it.
struct Polkit {
    connection: Connection,
    questions: MessageStream,
}

impl Polkit {
    async fn start(directory: &std::path::Path) -> Self {
        let address = address(directory);
        let questions = Builder::address(address.as_str()).build_message_stream().await.unwrap();
        let connection = Connection::from(&questions);
        connection.request_name("org.freedesktop.PolicyKit1").await.unwrap();
        Self { connection, questions }
    }

    /// The next question.
    async fn next_question(&mut self) -> Message {
        loop {
            let message = self.questions.next().await.unwrap().unwrap();
            if message.header().member().is_some_and(|member| member == "CheckAuthorization") {
                return message;
            }
        }
    }

    async fn grant(&self, question: &Message) {
        let granted = ((true, false, HashMap::<String, String>::new()),);
        self.connection.reply(&question.header(), &granted).await.unwrap();
    }
}

/// Users that are everywhere: the bus takes no others.
const NOBODY: u32 = 65534;
const DAEMON: u32 = 1;

/// A user who asks for something over a connection to the bus of its own; ended when dropped.
struct Asker(Child);

impl Asker {
    fn start(directory: &std::path::Path, uid: u32) -> Self {
        let user = format!("--reuid={uid}");
        let command = Process::new("setpriv")
            .args([user.as_str(), "--regid=65534", "--clear-groups", "dbus-send", "--print-reply"])
            .arg(format!("--bus={}", address(directory)))
            .args(["--dest=org.kioskd.Compositor1", ROOT_PATH, "org.kioskd.Compositor1.Dismiss"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(command.unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// What it printed; it has ended.
    fn said(&mut self) -> String {
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_user_who_waits_for_polkit_on_many_connections_is_told_and_others_are_served() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can become another user");
        return;
    }
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(path.join("run")).unwrap();
        let _daemon = Daemon::start(path);
        let mut kiosk = Fixture::with(Bus::Address(address(path)), SOON);
        let root = client(path).await;
        let mut polkit = Polkit::start(path).await;

        let mut askers: Vec<Asker> = (0..10).map(|_| Asker::start(path, NOBODY)).collect();
        let mut questions = Vec::new();
        for _ in 0..8 {
            questions.push(polkit.next_question().await);
        }
        // Eight wait, and two are told so.
        while askers.iter_mut().map(Asker::has_ended).filter(|ended| *ended).count() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let told = askers.iter_mut().filter_map(|asker| asker.has_ended().then(|| asker.said()));
        for text in told {
            assert!(text.contains("org.kioskd.Error.NotReady") && text.contains("8 earlier calls of yours"), "{text}");
        }

        // Another user is asked about, and root need not be.
        let mut other = Asker::start(path, DAEMON);
        let question = polkit.next_question().await;
        polkit.grant(&question).await;
        assert_eq!(kiosk.answer(Ok(Reply::Done)).await, Command::Dismiss);
        while !other.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(other.said().contains("method return"));
        let dismiss = call(&root, ROOT_PATH, COMPOSITOR, "Dismiss", &());
        let (dismissed, _) = tokio::join!(dismiss, kiosk.answer(Ok(Reply::Done)));
        dismissed.unwrap();

        // What was answered makes room for the next.
        polkit.grant(&questions[0]).await;
        assert_eq!(kiosk.answer(Ok(Reply::Done)).await, Command::Dismiss);
        let _next = Asker::start(path, NOBODY);
        polkit.next_question().await;
    });
}
