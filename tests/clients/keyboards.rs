//! On-screen keyboards and input methods of other projects: they appear with a text field, clicks on them type into it,
//! and fcitx5's text arrives.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::Command,
};

use crate::{
    hands::{Keys, Mouse, OWN, WVKBD},
    process::Running,
    stand::{Stand, until},
};

const EXTERNAL: &str = "[keyboard]\nuse = \"external\"\n";
const ALWAYS: &str = "[keyboard]\nuse = \"always\"\n";

/// A program with its own session bus and settings.
struct WithBus {
    program: Running,
    /// Dropped after the program.
    _bus: Running,
}

impl WithBus {
    fn start(stand: &Stand, socket: &str, name: &str) -> Self {
        let mut bus = Command::new("dbus-daemon");
        let address = format!("unix:path={}", stand.path("bus"));
        bus.args(["--session", "--nofork", &format!("--address={address}")]);
        let bus = Running::start(bus);
        until("the session bus", || Path::new(&stand.path("bus")).exists().then_some(()));
        let mut command = stand.command(socket, name);
        command.env("DBUS_SESSION_BUS_ADDRESS", address).env("LANG", "C.UTF-8");
        command.env("HOME", stand.directory.path()).env_remove("XDG_CONFIG_HOME");
        // Without services that the bus would start and leave running.
        command.env("NO_AT_BRIDGE", "1").env("GSETTINGS_BACKEND", "keyfile");
        Self { program: Running::start(command), _bus: bus }
    }
}

/// squeekboard as kiosk-keyboard.service starts it: its command and environment, with the paths of this kiosk.
fn squeekboard(stand: &Stand) -> Running {
    let unit = include_str!("../../assets/systemd/kiosk-keyboard.service");
    let mut words = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap().split(' ');
    let mut command = stand.command("none", words.next().unwrap());
    command.args(words).env_remove("DBUS_SESSION_BUS_ADDRESS");
    let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/keyboard");
    for word in unit.lines().filter_map(|line| line.strip_prefix("Environment=")).flat_map(|line| line.split(' ')) {
        let (name, value) = word.split_once('=').unwrap();
        let value = value.replace("/usr/share/kiosk/keyboard", settings);
        let value = value.replace("/run/kiosk-keyboard", &stand.path("")).replace("/run/kiosk/", &stand.path(""));
        command.env(name, value);
    }
    Running::start(command)
}

/// A shell script that writes one typed line to a file.
const READS: &str = "printf 'type here: '; read -r line; printf '%s\\n' \"$line\" >";

fn foot(stand: &Stand) -> Running {
    stand.foot(&format!("{READS}{}; exec sleep 600", stand.path("typed")))
}

/// A GTK 4 window with an entry, whose text is written to the file `typed` on Enter.
fn gtk4_entry(stand: &Stand) -> Running {
    let script = format!(
        "import gi; gi.require_version('Gtk', '4.0')\n\
         from gi.repository import Gtk\n\
         def shown(app):\n\
         \x20   window = Gtk.ApplicationWindow(application=app)\n\
         \x20   entry = Gtk.Entry(valign=Gtk.Align.CENTER)\n\
         \x20   entry.connect('activate', lambda e: open('{}', 'w').write(e.get_text() + '\\n'))\n\
         \x20   window.set_child(entry)\n\
         \x20   window.present()\n\
         app = Gtk.Application()\n\
         app.connect('activate', shown)\n\
         app.run()\n",
        stand.path("typed")
    );
    let mut command: Command = stand.command("wayland-0", "/usr/bin/python3");
    command.args(["-c", &script]).env("LANG", "C.UTF-8").env("GSK_RENDERER", "cairo").env("GDK_BACKEND", "wayland");
    Running::start(command)
}

/// A Qt 6 window with a field, whose text is written to its log on Enter.
fn qt6_field(stand: &Stand, qml: &str) -> Running {
    let file = stand.path("field.qml");
    let text = "import QtQuick\nimport QtQuick.Window\nWindow { visible: true; color: \"white\"\n\
                TextInput { focus: true; x: 20; y: 100; width: 600; font.pixelSize: 30\n\
                onAccepted: console.log(\"typed \" + text) } }\n";
    std::fs::write(&file, text).unwrap();
    let mut command: Command = stand.command("wayland-0", qml);
    command.arg(file).env("LANG", "C.UTF-8").env("QT_QPA_PLATFORM", "wayland").env("QT_QUICK_BACKEND", "software");
    command.env("QT_FORCE_STDERR_LOGGING", "1");
    Running::start(command)
}

/// Chromium on a page with a field, with kiosk-session's flags for text fields. On Enter the page sends the text to
/// this server, which writes it to the file `typed`.
fn chromium_field(stand: &Stand) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let typed = stand.path("typed");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = String::new();
            let _ = BufReader::new(&stream).read_line(&mut request);
            let path = request.split(' ').nth(1).unwrap_or_default();
            if let Some(text) = path.strip_prefix("/typed/") {
                let _ = std::fs::write(&typed, format!("{text}\n"));
            }
            let page = "<meta charset=utf-8><body style='margin:100px 20px'><input autofocus style='font-size:20px'><script>\
                        document.querySelector('input').onchange = e => fetch('/typed/' + encodeURIComponent(e.target.value))\
                        </script>";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all(format!("{head}{page}").as_bytes());
        }
    });
    let mut command: Command = stand.command("wayland-0", "chromium");
    command.args([
        "--no-sandbox",
        "--no-first-run",
        "--test-type",
        "--ozone-platform=wayland",
        "--enable-wayland-ime",
        "--disable-gpu",
    ]);
    command.arg(format!("--user-data-dir={}", stand.path("profile"))).arg(format!("--app=http://{address}/"));
    command.env("HOME", stand.directory.path()).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    Running::start(command)
}

/// Waits for the keyboard: its keys or their letters are light.
fn until_keyboard(stand: &Stand) {
    until("the keyboard", || stand.grim(&["-g", KEYS], "keys.png").has_letters().then_some(()));
    // It draws some frames at first, and is clicked when they are done.
    until_still(stand, KEYS);
}

/// The area of keyboards, without any blinking cursor.
const KEYS: &str = "0,400 800x200";
/// The first lines of foot, whose cursor does not blink.
const LINES: &str = "0,0 800x100";
/// Below an entry that is centred above kioskd's keyboard.
const BELOW: &str = "0,210 400x60";

/// Waits for kioskd's keyboard, on a light page: its background is between two rows of keys.
fn until_own_keyboard(stand: &Stand) {
    until("the keyboard", || {
        let between = stand.grim(&["-g", "400,435 1x1"], "between.png").rgb;
        (between == kiosk_core::config::OnScreenKeyboard::default().background).then_some(())
    });
    until_still(stand, KEYS);
}

/// Waits until this part of the picture does not change.
fn until_still(stand: &Stand, part: &str) {
    let mut last = Vec::new();
    until("a still picture", || {
        let shot = stand.grim(&["-g", part], "still.png").rgb;
        let still = shot == last;
        last = shot;
        still.then_some(())
    });
}

/// Clicks on the keys for this text.
fn types(stand: &Stand, mouse: &mut Mouse, keys: &Keys, text: &str) {
    for c in text.chars() {
        mouse.click(keys.letter(c));
        // foot drops a text that crosses its own commit with the new cursor position.
        until_still(stand, LINES);
    }
}

/// Types `kiosk` and Enter with these keys, keeps a picture of it, and checks that the program has read it.
fn types_a_line(stand: &Stand, keys: &Keys, picture: &str) {
    let mut mouse = mouse(stand);
    types(stand, &mut mouse, keys, "kiosk");
    until_keyboard(stand);
    keep(stand, picture);
    mouse.click(keys.enter());
    assert_eq!(stand.written("typed"), "kiosk\n");
}

/// Presses Enter until the program has written a line: in some programs the first one commits the preedit.
fn enter_until_written(stand: &Stand, mouse: &mut Mouse) {
    until("the line in the program", || {
        mouse.click(OWN.enter());
        std::fs::read_to_string(stand.path("typed")).ok().filter(|text| text.ends_with('\n'))
    });
}

fn keep(stand: &Stand, name: &str) {
    stand.grim(&["-c"], name);
    stand.keep(name, name);
}

fn mouse(stand: &Stand) -> Mouse {
    Mouse::new(&stand.directory.path().join("wayland-admin"))
}

/// The fraction of squeekboard's height for a terminal's additional row of keys.
const TERMINAL: f64 = 0.12;

/// The positions of squeekboard's keys: its background is at the left edge over its whole height, which differs between
/// versions.
fn squeekboards(stand: &Stand, above: f64) -> Keys {
    let column = stand.grim(&["-g", "2,0 1x600"], "column.png");
    let rows: Vec<&[u8]> = column.rgb.chunks_exact(3).collect();
    let top = rows.iter().rposition(|row| row != rows.last().unwrap()).map_or(0, |last| last + 1);
    Keys::of_squeekboard(u32::try_from(top).unwrap(), above)
}

#[test]
fn squeekboard_comes_with_a_field_and_types_into_foot() {
    let stand = Stand::with(EXTERNAL);
    let _squeekboard = squeekboard(&stand);
    let _foot = foot(&stand);
    until_keyboard(&stand);
    let keys = squeekboards(&stand, TERMINAL);
    types_a_line(&stand, &keys, "squeekboard.png");
}

#[test]
fn squeekboard_types_into_a_field_of_gtk_4() {
    let stand = Stand::with(EXTERNAL);
    let _squeekboard = squeekboard(&stand);
    let _entry = gtk4_entry(&stand);
    until_keyboard(&stand);
    let keys = squeekboards(&stand, 0.0);
    types_a_line(&stand, &keys, "squeekboard-gtk4.png");
}

#[test]
fn wvkbd_types_into_foot_which_has_the_room_above_it() {
    let stand = Stand::with(EXTERNAL);
    let mut command = stand.command("wayland-keyboard", "wvkbd-mobintl");
    command.args(["-L", "200"]);
    let _wvkbd = Running::start(command);
    let _foot = foot(&stand);
    until_keyboard(&stand);
    types_a_line(&stand, &WVKBD, "wvkbd-types.png");
}

/// fcitx5 with this engine enabled from the start.
fn fcitx5(stand: &Stand, engine: &str) -> WithBus {
    let directory = stand.directory.path().join(".config/fcitx5");
    std::fs::create_dir_all(&directory).unwrap();
    let profile = format!(
        "[Groups/0]\nName=Default\nDefault Layout=us\nDefaultIM={engine}\n[Groups/0/Items/0]\nName={engine}\nLayout=\n\
         [GroupOrder]\n0=Default\n"
    );
    std::fs::write(directory.join("profile"), profile).unwrap();
    std::fs::write(directory.join("config"), "[Behavior]\nActiveByDefault=True\n").unwrap();
    let fcitx5 = WithBus::start(stand, "wayland-admin", "fcitx5");
    until("fcitx5", || fcitx5.program.log().contains("Loaded addon classicui").then_some(()));
    fcitx5
}

fn composes_korean(stand: &Stand, picture: &str) {
    until_keyboard(stand);
    let mut mouse = mouse(stand);
    types(stand, &mut mouse, &OWN, "gksrmf");
    until_keyboard(stand);
    keep(stand, picture);
    enter_until_written(stand, &mut mouse);
    assert_eq!(stand.written("typed"), "한글\n");
}

#[test]
fn fcitx5_composes_korean_in_foot_from_kioskds_own_keyboard() {
    let stand = Stand::with(ALWAYS);
    let _fcitx5 = fcitx5(&stand, "hangul");
    let _foot = foot(&stand);
    composes_korean(&stand, "fcitx5-foot.png");
}

#[test]
fn fcitx5_composes_korean_in_a_field_of_gtk_4() {
    let stand = Stand::with(ALWAYS);
    let _fcitx5 = fcitx5(&stand, "hangul");
    let _entry = gtk4_entry(&stand);
    composes_korean(&stand, "fcitx5-gtk4.png");
}

#[test]
fn fcitx5_offers_words_beside_the_cursor_of_a_field_of_gtk_4() {
    let stand = Stand::with(ALWAYS);
    let _fcitx5 = fcitx5(&stand, "pinyin");
    let _entry = gtk4_entry(&stand);
    until_keyboard(&stand);
    let below = || stand.grim(&["-g", BELOW], "below.png").rgb;
    let empty = below();
    let mut mouse = mouse(&stand);
    types(&stand, &mut mouse, &OWN, "nihao");
    until("the words below the field", || (below() != empty).then_some(()));
    until_still(&stand, BELOW);
    keep(&stand, "fcitx5-words.png");
    // The first word of the list.
    mouse.click((30, 225));
    until("the end of the list", || (below() == empty).then_some(()));
    enter_until_written(&stand, &mut mouse);
    let typed = stand.written("typed");
    assert!(typed.trim().chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) && typed.len() > 3, "{typed:?}");
}

#[test]
fn fcitx5_composes_korean_in_a_field_of_chromium() {
    let stand = Stand::with(ALWAYS);
    let _fcitx5 = fcitx5(&stand, "hangul");
    let _chromium = chromium_field(&stand);
    until_own_keyboard(&stand);
    let mut mouse = mouse(&stand);
    types(&stand, &mut mouse, &OWN, "gksrmf");
    until_keyboard(&stand);
    keep(&stand, "fcitx5-chromium.png");
    enter_until_written(&stand, &mut mouse);
    assert_eq!(stand.written("typed"), "%ED%95%9C%EA%B8%80\n");
}

/// Qt 6.4 of Debian 12 uses an older text-input than kioskd's; 6.8 of Debian 13 uses version 3.
#[test]
fn fcitx5_composes_korean_in_a_field_of_qt_6() {
    const QML: &str = "/usr/lib/qt6/bin/qml";
    let version = Command::new(QML).arg("--version").env("QT_QPA_PLATFORM", "offscreen").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let minor = version.split_once("6.").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < 7) {
        eprintln!("LEFT OUT: {QML} is {version:?}, and text-input 3 came with Qt 6.7");
        return;
    }
    let stand = Stand::with(ALWAYS);
    let _fcitx5 = fcitx5(&stand, "hangul");
    let field = qt6_field(&stand, QML);
    until_own_keyboard(&stand);
    let mut mouse = mouse(&stand);
    types(&stand, &mut mouse, &OWN, "gksrmf");
    until_keyboard(&stand);
    keep(&stand, "fcitx5-qt6.png");
    until("what was composed", || {
        mouse.click(OWN.enter());
        field.log().contains("typed 한글").then_some(())
    });
}
