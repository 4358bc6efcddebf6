//! The layers of the configuration as files on a disk: what wins, what is skipped, and where errors are said
//! to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiosk_core::config::{
    AccelProfile, Calibration, Config, CursorPolicy, Group, Limits, Loaded, ModeChoice, NewDevices, PageReady,
    Position, Rotation, Scale, Sources, TextPosition, output_policy,
};
use proptest::prelude::*;

struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Root(tempfile::tempdir().unwrap())
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn sources(&self) -> Sources {
        Sources::rooted(self.0.path())
    }

    fn load(&self) -> Loaded {
        Config::load(&self.sources())
    }
}

fn load_one(content: &str) -> Loaded {
    Root::new().file("etc/kiosk/config.toml", content).load()
}

/// The one error: line, column, text without the file.
fn error_of(content: &str) -> (usize, usize, String) {
    let loaded = load_one(content);
    assert_eq!(loaded.errors.len(), 1, "{content}: {:?}", loaded.errors);
    assert_eq!(loaded.config, Config::default(), "a bad file is skipped as a whole");
    let error = &loaded.errors[0];
    let TextPosition { line, column } = error.origin.position.unwrap();
    assert!(error.to_string().contains(&format!("etc/kiosk/config.toml:{line}:{column}: ")), "{error}");
    (line, column, error.message.clone())
}

#[test]
fn an_empty_configuration_is_the_built_in_one() {
    let loaded = Root::new().load();
    assert_eq!((loaded.config, loaded.errors.len()), (Config::default(), 0));
}

#[test]
fn the_contract_s_example_is_the_built_in_configuration() {
    let example = include_str!("../../../assets/config/config.toml");
    // Also with every line that is commented out.
    let lines = example.lines().map(|line| line.strip_prefix("#:").unwrap_or(line)).collect::<Vec<_>>();
    let loaded = load_one(&lines.join("\n"));
    assert_eq!(loaded.errors, []);
    assert_eq!(loaded.config, Config::default());
    let shown: Vec<String> = loaded.settings().into_iter().filter(|s| s.origin == "built-in").map(|s| s.key).collect();
    assert_eq!(shown, Vec::<String>::new(), "keys that the example does not mention");
    assert_eq!(load_one(example).config, Config::default());
}

#[test]
fn files_for_mqtt_that_have_no_effect_are_told() {
    let told = |lines: &str| load_one(&format!("[agent.mqtt]\n{lines}")).complaints().join("\n");
    assert!(
        told("server = 'mqtt://b'\nca-file = '/ca'").contains("ca-file has no effect: agent.mqtt.server is no mqtts")
    );
    assert!(told("certificate-file = '/c'").contains("without each other"));
    assert!(told("password-file = 'p'").contains("without agent.mqtt.user"));
    assert_eq!(told("server = 'mqtts://b'\nuser = 'a'\npassword-file = 'p'\nca-file = 'c'"), "");
}

#[test]
fn every_key_reaches_its_field() {
    let loaded = load_one(
        r##"
        [shell]
        url = "https://example.org/x"
        command = ["foot", "-e", "{url}"]
        browser = "/opt/chrome"
        extra-args = ["--a", ""]
        output = "HDMI-A-1"
        ready = { http-status = 204, page = "explicit", timeout = "never" }
        [splash]
        logo = "/a.png"
        background = "#f00"
        message = false
        [output."*"]
        mode = "max"
        [output."Dell U2720Q 1"]
        mode = "1920x1080@59.94"
        rotation = 270
        scale = 2
        power = "off"
        mirror = "DP-1"
        position = [0, -5]
        [input]
        cursor = "never"
        keyboard = { layout = "de", variant = "neo", model = "pc105", options = "caps:none", rules = "evdev", repeat-rate = 0, repeat-delay = 50 }
        touch-output = "DP-2"
        vt-switching = false
        new-devices = "ask"
        [input.device."type:pointer"]
        accel-speed = -1
        accel-profile = "flat"
        tap = true
        natural-scroll = true
        left-handed = true
        [input.device."ILITEK*"]
        disable = true
        trust = false
        output = "DP-1"
        calibration = [0, -1, 1, 1, 0, 0.5]
        [idle]
        screen-off = "10m"
        wake-swallows-touch = false
        reset = "90s"
        [power]
        schedule = [{ on = "07:00", off = "22:00", days = "mon-fri" }, { on = "22:00", off = "7:00" }]
        [night-light]
        schedule = [{ on = "20:00", off = "07:00" }]
        temperature = 3400
        day-temperature = 7000
        fade = "never"
        [lease]
        connectors = ["DP-2"]
        [health]
        reboot = true
        [limits]
        clients = 1
        clients-per-user = 2
        surfaces = 3
        subsurfaces = 4
        subsurface-depth = 5
        toplevels = 6
        parent-depth = 7
        popups = 8
        popup-depth = 9
        buffers = 10
        regions = 11
        region-rectangles = 12
        callbacks = 13
        sources = 14
        mime-types = 15
        tokens = 16
        objects = 17
        ids = 18
        [agent]
        listen-tls = "[::]:8443"
        certificates = "/data/certificates"
        renew-at = "https://ca.example"
        [agent.mqtt]
        server = "mqtts://broker.example"
        user = "hall"
        password-file = "mqtt-password"
        ca-file = "/etc/ssl/ca.pem"
        certificate-file = "/etc/kiosk/c.pem"
        key-file = "mqtt-key"
        topic = "site/kiosk"
        role = "admin"
        discovery = ""
        device = "hall_3"
        "##,
    );
    assert_eq!(loaded.errors, []);
    let config = loaded.config;
    assert_eq!(config.shell.url.as_str(), "https://example.org/x");
    assert_eq!(config.shell.command_line().unwrap(), ["foot", "-e", "https://example.org/x"]);
    assert_eq!((config.shell.browser.as_str(), config.shell.output.as_str()), ("/opt/chrome", "HDMI-A-1"));
    assert_eq!(config.shell.extra_args, ["--a", ""]);
    let ready = &config.shell.ready;
    assert_eq!((ready.page, ready.timeout), (PageReady::Explicit, None));
    assert!(ready.http_status.contains(204) && !ready.http_status.contains(200));
    assert_eq!(config.splash.logo, Path::new("/a.png"));
    assert_eq!((config.splash.background, config.splash.message), ([255, 0, 0], false));
    let policy = output_policy(&config.outputs, None, "Dell U2720Q 1", "DP-3");
    assert_eq!(policy.mode, ModeChoice::Exact { width: 1920, height: 1080, refresh: Some(59_940) });
    assert_eq!((policy.rotation, policy.scale, policy.power), (Rotation::R270, Scale::fixed(2.0).unwrap(), false));
    assert_eq!((policy.mirror.as_deref(), policy.position), (Some("DP-1"), Some(Position::try_from((0, -5)).unwrap())));
    assert_eq!(output_policy(&config.outputs, None, "", "DP-3").mode, ModeChoice::Max);
    let keyboard = &config.input.keyboard;
    let names = [&keyboard.layout, &keyboard.variant, &keyboard.model, &keyboard.options, &keyboard.rules];
    assert_eq!(names, ["de", "neo", "pc105", "caps:none", "evdev"]);
    assert_eq!((keyboard.repeat_rate, keyboard.repeat_delay), (0, 50));
    assert_eq!((config.input.cursor, config.input.vt_switching), (CursorPolicy::Never, false));
    assert_eq!(config.input.touch_output.as_deref(), Some("DP-2"));
    let [mice, panels] = &config.input.devices[..] else { panic!("{:?}", config.input.devices) };
    assert_eq!((mice.matcher.as_str(), panels.matcher.as_str()), ("type:pointer", "ILITEK*"));
    let (mice, panels) = (&mice.settings, &panels.settings);
    assert_eq!((mice.accel_speed, mice.accel_profile), (Some(-1.0), Some(AccelProfile::Flat)));
    assert_eq!((mice.tap, mice.natural_scroll, mice.left_handed), (Some(true), Some(true), Some(true)));
    assert_eq!((panels.disable, panels.trust, panels.named_output()), (Some(true), Some(false), Some("DP-1")));
    assert_eq!(config.input.new_devices, NewDevices::Ask);
    assert_eq!(panels.calibration, Some(Calibration::Matrix([0.0, -1.0, 1.0, 1.0, 0.0, 0.5])));
    assert_eq!(config.idle.screen_off, Some(Duration::from_secs(600)));
    assert!(config.health.reboot);
    assert_eq!((config.idle.wake_swallows_touch, config.idle.reset), (false, Some(Duration::from_secs(90))));
    let schedule = &config.power.schedule;
    assert_eq!((schedule.len(), schedule[0].on.hour, schedule[1].off.hour), (2, 7, 7));
    assert_eq!(schedule[0].days.0, [true, true, true, true, true, false, false]);
    assert_eq!(config.lease.connectors, ["DP-2"]);
    let night = &config.night_light;
    assert_eq!((night.schedule.len(), night.schedule[0].on.hour, night.fade), (1, 20, None));
    assert_eq!((night.temperature.kelvin(), night.day_temperature.kelvin()), (3400, 7000));
    assert_eq!(config.agent.listen_tls, Some("[::]:8443".parse().unwrap()));
    assert_eq!(config.agent.certificates, Path::new("/data/certificates"));
    assert_eq!(config.agent.renew_at.as_ref().unwrap().to_string(), "https://ca.example:8444");
    let mqtt = &config.agent.mqtt;
    assert_eq!(mqtt.server.as_ref().unwrap().to_string(), "mqtts://broker.example:8883");
    assert_eq!((mqtt.user.as_str(), mqtt.password_file.as_deref()), ("hall", Some(Path::new("mqtt-password"))));
    assert_eq!(mqtt.role, "admin");
    let files = [&mqtt.ca_file, &mqtt.certificate_file, &mqtt.key_file];
    let paths = ["/etc/ssl/ca.pem", "/etc/kiosk/c.pem", "mqtt-key"];
    assert_eq!(files.map(|file| file.as_deref()), paths.map(|path| Some(Path::new(path))));
    assert_eq!((mqtt.topic.as_str(), mqtt.discovery.as_str(), mqtt.device.as_str()), ("site/kiosk", "", "hall_3"));
    let limits = Limits {
        clients: 1,
        clients_per_user: 2,
        surfaces: 3,
        subsurfaces: 4,
        subsurface_depth: 5,
        toplevels: 6,
        parent_depth: 7,
        popups: 8,
        popup_depth: 9,
        buffers: 10,
        regions: 11,
        region_rectangles: 12,
        callbacks: 13,
        sources: 14,
        mime_types: 15,
        tokens: 16,
        objects: 17,
        ids: 18,
    };
    assert_eq!(config.limits, limits);
}

#[test]
fn later_layers_win_key_by_key_and_directories_are_read_by_name() {
    let root = Root::new()
        .file("usr/lib/kiosk/config.d/10-vendor.toml", "[shell]\nurl = \"http://vendor\"\nbrowser = \"vendor\"")
        .file("usr/lib/kiosk/config.d/20-vendor.toml", "[shell]\nbrowser = \"vendor20\"\noutput = \"DP-1\"")
        .file("usr/lib/kiosk/config.d/30-ignored.txt", "no TOML")
        .file("etc/kiosk/config.toml", "[shell]\nurl = \"http://admin\"\n[shell.ready]\ntimeout = \"5s\"")
        .file("etc/kiosk/config.d/90.toml", "[shell]\nurl = \"http://late\"")
        .file("etc/kiosk/config.d/10.toml", "[shell]\nurl = \"http://early\"\nready.page = \"load\"");
    let loaded = Config::load(&root.sources().with_variable("KIOSK_SHELL_READY_TIMEOUT", "7s"));
    assert_eq!(loaded.errors, []);
    let shell = &loaded.config.shell;
    assert_eq!(shell.url.as_str(), "http://late");
    assert_eq!((shell.browser.as_str(), shell.output.as_str()), ("vendor20", "DP-1"));
    assert_eq!((shell.ready.page, shell.ready.timeout), (PageReady::Load, Some(Duration::from_secs(7))));
    let origin = |key: &str| loaded.origins[key].to_string();
    assert!(origin("shell.url").ends_with("etc/kiosk/config.d/90.toml:2"), "{}", origin("shell.url"));
    assert!(origin("shell.ready.page").ends_with("config.d/10.toml:3"));
    assert_eq!(origin("shell.ready.timeout"), "environment variable KIOSK_SHELL_READY_TIMEOUT");
    assert!(!loaded.origins.contains_key("splash.logo"));
}

#[test]
fn a_bad_file_is_skipped_whole_and_the_rest_applies() {
    let root = Root::new()
        .file("usr/lib/kiosk/config.d/a.toml", "[shell]\nbrowser = \"vendor\"")
        .file("etc/kiosk/config.toml", "[shell]\nbrowser = \"admin\"\nurl = \"nonsense\"\nulr = 1")
        .file("etc/kiosk/config.d/b.toml", "[splash]\nmessage = false");
    let loaded = root.load();
    assert_eq!((loaded.config.shell.browser.as_str(), loaded.config.splash.message), ("vendor", false));
    let lines: Vec<usize> = loaded.errors.iter().map(|error| error.origin.position.unwrap().line).collect();
    assert_eq!(lines, [3, 4], "all errors of the file are told at once");
}

#[test]
fn errors_name_line_column_key_and_what_is_allowed() {
    let wrong = |content: &str| error_of(content);
    let (line, column, message) = wrong("# ä\n[shell]\nulr = \"http://x\"\n");
    assert_eq!((line, column), (3, 1));
    assert_eq!(
        message,
        "unknown key shell.ulr, did you mean url? [shell] has url, command, container, browser, extra-args, output, setup-url, configured-file, ready"
    );
    let (line, column, message) = wrong("[shell]\nurl = \"localhost:3000\"");
    assert_eq!((line, column), (2, 7));
    assert!(
        message.starts_with(
            "shell.url is \"localhost:3000\": it has no scheme; write for example http://localhost:3000; allowed is"
        ),
        "{message}"
    );
    assert_eq!(
        wrong("[output.'*']\nrotation = 45"),
        (2, 12, "output.\"*\".rotation is 45, allowed is 0, 90, 180 or 270".into())
    );
    assert_eq!(
        wrong("[shell]\nready = { page = \"frist-paint\" }"),
        (2, 18, "shell.ready.page is \"frist-paint\", did you mean \"first-paint\"? Allowed is \"first-paint\", \"load\", \"explicit\"".into())
    );
    assert_eq!(
        wrong("[shell.redy]\npage = \"load\"").2,
        "unknown key shell.redy, did you mean ready? [shell] has url, command, container, browser, extra-args, output, setup-url, configured-file, ready"
    );
    assert_eq!(
        wrong("[input.keyboard]\nlayuot = \"us\"").2,
        "unknown key input.keyboard.layuot, did you mean layout? [input.keyboard] has layout, variant, model, options, rules, repeat-rate, repeat-delay"
    );
    assert_eq!(wrong("[shell]\nready = 3").2, "shell.ready is 3, allowed is a table of http-status, page, timeout");
    assert_eq!(wrong("shell = 3").2, "shell is 3, allowed is a table [shell]");
    assert_eq!(
        wrong("[sehll]\nurl = 1").2,
        "unknown key sehll, did you mean shell? There are shell, shells, splash, text, output, input, keyboard, accessibility, \
         idle, power, night-light, browser, capture, limits, health, lease, x11, privilege, api, agent"
    );
    assert!(wrong("[output.A]\nposition = [0, 40000]").2.ends_with("[X, Y] in logical pixels, -32768 to 32767"));
    assert!(wrong("[agent]\nlisten-tls = 'kiosk:8443'").2.contains("allowed is \"none\", or an address with a port"));
    assert!(wrong("[agent]\ncertificates = 'here'").2.contains("\"here\" is no absolute path"));
    assert!(wrong("[output]\nrotation = 90").2.contains("put it below [output.\"*\"]"));
    let device = |key: &str| wrong(&format!("[input.device.\"A B\"]\n{key}"));
    assert_eq!(
        device("accel-speed = 2"),
        (2, 15, "input.device.\"A B\".accel-speed is 2, allowed is -1.0 (slow) to 1.0 (fast)".into())
    );
    assert_eq!(
        device("acel-speed = 1").2,
        "unknown key input.device.\"A B\".acel-speed, did you mean accel-speed? [input.device.\"A B\"] has accel-speed, \
         accel-profile, tap, natural-scroll, left-handed, disable, trust, output, calibration, layout, variant, options"
    );
    for calibration in ["[1, 0, 0]", "[1, 1, 0, 1, 1, 0]", "[1, 0, nan, 0, 1, 0]", "[11, 0, 0, 0, 1, 0]", "'none'"] {
        let message = device(&format!("calibration = {calibration}")).2;
        assert!(message.contains("allowed is six numbers of -10 to 10"), "{message}");
    }
    assert!(wrong("[input.device]\ntap = true").2.contains("put it below [input.device.\"*\"]"));
    assert!(wrong("[input.device.'type:mouse']\ntap = true").2.contains("allowed is \"*\", \"type:touch\""));
    assert!(wrong("[input]\ndevice = 3").2.contains("allowed are tables [input.device.\"NAME\"]"));
    assert!(wrong("[input]\ndevices = 3").2.contains("did you mean device? [input] has cursor"));
    let mqtt = |line: &str| wrong(&format!("[agent.mqtt]\n{line}")).2;
    let said = mqtt("server = 'mqtt://ann:secret@broker'");
    assert!(said.contains("agent.mqtt.password-file") && !said.contains("secret"), "{said}");
    assert!(mqtt("server = 'broker'").contains("allowed is mqtt://HOST[:PORT], mqtts://HOST[:PORT]"));
    assert!(mqtt("topic = 'a/+/b'").contains("allowed is a topic without + and #"));
    assert!(mqtt("device = 'a/b'").contains("allowed is at most 64 letters"));
    assert!(mqtt("key-file = './key'").contains("allowed is a file as an absolute path"));
    assert!(wrong("[limits]\nsurfaces = 0").2.contains("surfaces is 0, allowed is a number from 1 to 100000"));
    assert!(wrong("[limits]\nsubsurface-depth = 257").2.contains("allowed is a number from 1 to 256"));
    assert_eq!(
        wrong("[night-light]\ntemperature = 1000").2,
        "night-light.temperature is 1000, allowed is 2000 to 10000 kelvin, the smaller the warmer; 6500 changes nothing"
    );
    assert!(
        wrong("[night-light]\nfade = \"7h\"")
            .2
            .ends_with("allowed is a time up to \"6h\", such as \"20m\", or \"never\": at once")
    );
    assert!(wrong("[night-light]\nschedule = [{ on = \"07:00\" }]").2.contains("needs both on and off"));
    let (line, column, message) = wrong("[power]\nschedule = [\n  { on = \"7\", off = \"22:00\" },\n]");
    assert_eq!((line, column), (3, 10));
    assert!(message.contains("on is \"7\", not a time of day such as \"07:30\""), "{message}");
    let (line, column, message) = wrong("[shell]\ncommand = [\"a\", 3]");
    assert_eq!((line, column, message.contains("a list of texts")), (2, 17, true));
    let (line, _, message) = wrong("[shell]\nurl = \"http://x\nbrowser = 1");
    assert_eq!(line, 2);
    assert!(message.starts_with("this is not TOML: "), "{message}");
    assert!(wrong("[shell]\nurl = \"http://a\"\nurl = \"http://b\"").2.contains("duplicate key"));
}

#[test]
fn names_of_tables_have_places_too() {
    let place = |content: &str| {
        let (line, column, _) = error_of(content);
        (line, column)
    };
    assert_eq!(place("\n [sehll]\nurl = 1"), (2, 3));
    assert_eq!(place("[shell.redy]\npage = 'load'"), (1, 8));
    assert_eq!(place("[shell]\nurl = 'http://a'\nready.paeg = 'load'"), (3, 7));
    assert_eq!(place("[shell]\nready = 'soon'"), (2, 9));
    assert_eq!(place("[output]\n  DP-1 = 90"), (2, 3));
    assert_eq!(place("[output.'']\nrotation = 90"), (1, 9));
    assert_eq!(place("[[shells]]\noutput = 'A'\n[[shells]]\noutput = 'B'\nulr = 1"), (5, 1));
    assert_eq!(place("shells = [{ output = 'A', x = 1 }]"), (1, 27));
}

#[test]
fn text_that_is_not_utf_8_is_placed_too() {
    let loaded = Root::new().file("etc/kiosk/config.toml", b"[shell]\nx\xff").load();
    assert!(loaded.errors[0].to_string().ends_with("config.toml:2:2: this is not UTF-8 text"));
}

#[test]
fn what_can_t_be_read_is_an_error_and_what_is_not_there_is_none() {
    let root = Root::new();
    fs::create_dir_all(root.path("etc/kiosk/config.toml")).unwrap();
    fs::create_dir_all(root.path("etc/kiosk/config.d/x.toml")).unwrap();
    fs::create_dir_all(root.path("usr/lib/kiosk")).unwrap();
    fs::write(root.path("usr/lib/kiosk/config.d"), "a file").unwrap();
    let loaded = root.load();
    assert_eq!(loaded.errors.len(), 3, "{:?}", loaded.errors);
    assert!(loaded.errors.iter().all(|error| error.message.starts_with("this can't be read: ")));

    let missing = Config::load(&Sources::file(&root.path("none.toml")));
    assert!(missing.errors[0].to_string().contains("none.toml: this can't be read: No such file"));
}

#[test]
fn a_fifo_does_not_stop_the_boot() {
    let root = Root::new().file("etc/kiosk/config.d/a.toml", "");
    let fifo = root.path("etc/kiosk/config.d/b.toml");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(root.load().errors[0].message.contains("not a regular file"));
}

#[test]
fn variables_are_parsed_as_their_key_s_type() {
    let sources = Root::new()
        .sources()
        .with_variable("KIOSK_SHELL_URL", "http://env")
        .with_variable("KIOSK_SHELL_COMMAND", "foot -e top")
        .with_variable("KIOSK_SHELL_EXTRA_ARGS", "[\"--a b\", '--c']")
        .with_variable("KIOSK_SHELL_READY_HTTP_STATUS", "200")
        .with_variable("KIOSK_OUTPUT_ROTATION", "90")
        .with_variable("KIOSK_OUTPUT_SCALE", "1.5")
        .with_variable("KIOSK_OUTPUT_POWER", "off")
        .with_variable("KIOSK_INPUT_VT_SWITCHING", "false")
        .with_variable("KIOSK_INPUT_KEYBOARD_LAYOUT", "true")
        .with_variable("KIOSK_SPLASH_LOGO", "")
        .with_variable("KIOSK_RUNTIME_DIR", "/x")
        .with_variable("KIOSK_STATE_DIR", "/x")
        .with_variable("KIOSK_ROOT", "/x");
    let loaded = Config::load(&sources);
    assert_eq!(loaded.errors, []);
    let config = loaded.config;
    assert_eq!((config.shell.url.as_str(), config.shell.command.len()), ("http://env", 3));
    assert_eq!(config.shell.extra_args, ["--a b", "--c"]);
    let policy = output_policy(&config.outputs, None, "", "X");
    assert_eq!((policy.rotation, policy.scale, policy.power), (Rotation::R90, Scale::fixed(1.5).unwrap(), false));
    assert!(!config.input.vt_switching);
    assert_eq!(config.input.keyboard.layout, "true");
}

#[test]
fn a_bad_variable_is_skipped_alone() {
    let sources = Root::new()
        .sources()
        .with_variable("KIOSK_SHELL_ULR", "http://x")
        .with_variable("KIOSK_IDLE_RESET", "soon")
        .with_variable("KIOSK_SHELL_BROWSER", "b");
    let loaded = Config::load(&sources);
    let errors: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
    assert_eq!(loaded.config.shell.browser, "b");
    assert_eq!(
        errors,
        [
            "environment variable KIOSK_IDLE_RESET: idle.reset is \"soon\", allowed is a time such as \"90s\", \"10m\", \"1h30m\", or \"never\"",
            "environment variable KIOSK_SHELL_ULR: no key has this name, did you mean KIOSK_SHELL_URL? Names are KIOSK_SECTION_KEY, such as KIOSK_SHELL_URL",
        ]
    );
}

#[test]
fn shells_inherit_from_shell_and_a_later_layer_replaces_them() {
    let root = Root::new()
        .file("usr/lib/kiosk/config.d/a.toml", "[[shells]]\nurl = \"http://gone\"\noutput = \"X\"")
        .file(
            "etc/kiosk/config.toml",
            "[[shells]]\nurl = \"http://a\"\noutput = \"DP-1\"\n[[shells]]\noutput = \"DP-2\"\nready = { page = \"load\" }\n[shell]\nbrowser = \"b\"",
        )
        .file("etc/kiosk/config.d/z.toml", "[shell]\nurl = \"http://base\"");
    let loaded = root.load();
    assert_eq!(loaded.errors, []);
    let shells = loaded.config.all_shells();
    let urls: Vec<&str> = shells.iter().map(|shell| shell.url.as_str()).collect();
    assert_eq!(urls, ["http://a", "http://base"]);
    assert!(shells.iter().all(|shell| shell.browser == "b"));
    assert_eq!(shells[1].ready.page, PageReady::Load);
    assert!(loaded.origins["shells[1].output"].to_string().ends_with("config.toml:5"));
    assert!(error_of("[[shells]]\n[[shells]]\n").2.contains("one shell an output"));
}

#[test]
fn what_is_shown_is_a_configuration_file_with_origins() {
    let loaded = load_one(
        "[[shells]]\noutput='A'\n[[shells]]\noutput='B'\n[output.'a\"b\\']\nposition=[1,2]\n[idle]\nreset='2h'\n\
         [shell]\ncommand=['a\"b','']\n[power]\nschedule=[{on='1:00',off='2:00',days='sat,sun'}]\n\
         [input.device.'type:touch']\ncalibration=[1,0,0.25,0,1,0]\noutput='auto'\n[input.device.'a\"b*']\n\
         accel-speed=-0.5\naccel-profile='flat'\ncalibration=[]\ndisable=false",
    );
    assert_eq!(loaded.errors, []);
    let text = loaded.toml();
    assert!(text.contains("[shell]\nurl = \"http://localhost:3000\""), "{text}");
    let reset = text.lines().find(|line| line.starts_with("reset = ")).unwrap();
    assert!(reset.starts_with("reset = \"2h\"") && reset.ends_with("etc/kiosk/config.toml:8"), "{reset}");
    assert!(text.lines().find(|line| line.starts_with("logo = ")).unwrap().ends_with("# built-in"));
    let again = load_one(&text);
    assert_eq!((again.config, again.errors.len()), (loaded.config, 0), "{text}");
}

/// Keys with a few good values each, to lay over each other at random.
const VALUES: &[(&str, &[&str])] = &[
    ("shell.url", &["\"http://a\"", "\"http://b\"", "\"about:blank\""]),
    ("shell.ready.timeout", &["\"1s\"", "\"2m\"", "\"never\""]),
    ("splash.background", &["\"#000001\"", "\"#000002\"", "\"#0000ff\""]),
    ("output.\"DP-1\".rotation", &["0", "90", "270"]),
    ("input.keyboard.repeat-rate", &["1", "2", "3"]),
    ("input.device.\"A B\".accel-speed", &["-1.0", "0.5", "1.0"]),
    (
        "power.schedule",
        &[
            "[]",
            "[{ days = \"all\", off = \"02:00\", on = \"01:00\" }]",
            "[{ days = \"all\", off = \"02:00\", on = \"03:00\" }]",
        ],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn each_key_has_the_value_of_the_last_good_layer_that_names_it(
        layers in proptest::collection::vec((proptest::collection::btree_map(0..VALUES.len(), 0usize..3, 0..5), any::<bool>()), 0..6),
    ) {
        let mut root = Root::new();
        let mut expected = std::collections::BTreeMap::new();
        for (index, (keys, bad)) in layers.iter().enumerate() {
            let mut text = String::new();
            for (key, value) in keys {
                text += &format!("{} = {}\n", VALUES[*key].0, VALUES[*key].1[*value]);
                if !bad {
                    expected.insert(*key, (*value, index));
                }
            }
            text += if *bad { "shell.nonsense = 1\n" } else { "" };
            root = root.file(&format!("etc/kiosk/config.d/{index}.toml"), text);
        }
        let loaded = root.load();
        prop_assert_eq!(loaded.errors.len(), layers.iter().filter(|(_, bad)| *bad).count());
        let settings = loaded.settings();
        for (key, (value, layer)) in &expected {
            let setting = settings.iter().find(|setting| setting.key == VALUES[*key].0).unwrap();
            prop_assert_eq!(setting.value.to_string().replace([' ', '"', ':', '=', ','], ""),
                VALUES[*key].1[*value].replace([' ', '"', ':', '=', ','], ""));
            let file = format!("/{layer}.toml:");
            prop_assert!(setting.origin.contains(&file), "{} is not from {}", setting.origin, file);
        }
        prop_assert_eq!(loaded.origins.len(), expected.len());
    }

    #[test]
    fn an_unknown_key_is_found_at_its_place(before in 0usize..5, indent in 0usize..5, words in "[äé✓a-z]{0,5}") {
        let content = format!("{}[shell] # {words}\n{}'{words}' = 1", "# ✓\n".repeat(before), " ".repeat(indent));
        let (line, column, _) = error_of(&content);
        prop_assert_eq!((line, column), (before + 2, indent + 1));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        Root::new().file("etc/kiosk/config.toml", bytes).load();
    }

    #[test]
    fn arbitrary_toml_of_known_keys_does_not_panic(
        parts in proptest::collection::vec(prop_oneof![
            Just("[shell]\n"), Just("[[shells]]\n"), Just("[output.\"*\"]\n"), Just("[output]\n"), Just("[power]\n"),
            Just("[input.keyboard]\n"), Just("url = "), Just("ready = "), Just("schedule = "), Just("rotation = "),
            Just("position = "), Just("layout = "), Just("command = "), Just("scale = "), Just("{ on = \"7:00\" }"),
            Just("[]"), Just("[[]]"), Just("{}"), Just("\"\\u0000\""), Just("9223372036854775807"), Just("-1"),
            Just("nan"), Just("1e400"), Just("1979-05-27"), Just("true"), Just("\n"), Just("a.b.c = "), Just("'é'"),
        ], 0..30),
        name in "KIOSK_[A-Z_]{0,20}", value in "\\PC{0,30}",
    ) {
        let root = Root::new().file("etc/kiosk/config.toml", parts.concat());
        let loaded = Config::load(&root.sources().with_variable(&name, &value));
        let _ = loaded.toml();
    }

    #[test]
    fn no_variable_panics(key in prop_oneof![
        Just("SHELL_URL"), Just("SHELL_COMMAND"), Just("OUTPUT_SCALE"), Just("OUTPUT_POSITION"), Just("POWER_SCHEDULE"),
        Just("INPUT_KEYBOARD_REPEAT_RATE"), Just("SPLASH_BACKGROUND"), Just("SHELL_READY_HTTP_STATUS"),
    ], value in "(\\PC|[\\[\\]{}\"0-9,]){0,20}") {
        Config::load(&Root::new().sources().with_variable(&format!("KIOSK_{key}"), &value));
    }
}

#[test]
fn oversized_configuration_is_refused_quickly_with_a_short_error() {
    let many = |text: &str, count: usize| (0..count).map(|number| text.replace('#', &number.to_string())).collect();
    let entries: String = many("{ on = '0#:00', off = '1#:00' },", 10);
    for (text, wrong) in [
        (many("[output.'DP-#']\nrotation = 90\n", 257), "output has 257 tables, allowed are up to 256"),
        (many("[input.device.'a#']\ntap = true\n", 257), "input.device has 257 tables, allowed are up to 256"),
        (many("[[shells]]\noutput = 'DP-#'\n", 257), "shells has 257 tables, allowed are up to 256"),
        (
            format!("[power]\nschedule = [{}]\n", entries.repeat(11)),
            "power.schedule: it has 110 entries, and at most 100 are followed; allowed is",
        ),
        (format!("[shell]\nurl = 'http://{}'\n", "x".repeat(254)), "the host is longer than 253 characters"),
    ] {
        let told = error_of(&text).2;
        assert!(told.contains(wrong), "{told}");
    }
    let loaded = load_one(&many("[output.'DP-#']\nrotation = 90\n", 256));
    assert_eq!((loaded.errors.len(), loaded.config.outputs.len()), (0, 257));
    let key = "x".repeat(60_000);
    for text in [format!("[shell]\n{key} = 1\n"), format!("[output.'{key}']\nscale = 9\n"), format!("[{key}]\na = 1\n")]
    {
        let told = error_of(&text).2;
        assert!(told.chars().count() <= 1001, "{} characters", told.len());
    }
    // A file full of nonsense: told where it begins, within the time that a start has.
    let started = std::time::Instant::now();
    let loaded = load_one(&format!("[shell]\n{}", many("a#=1\n", 7000)));
    assert_eq!(loaded.errors.len(), 33);
    let last = &loaded.errors[32];
    assert_eq!((last.origin.position.unwrap().line, &*last.message), (34, "from here on 6968 more things are wrong"));
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}

/// By what is in the file, and by what the file is: refused, and the rest of the configuration is in force.
#[test]
fn a_file_that_is_huge_deep_or_none_is_named_and_skipped() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("etc/kiosk/config.d");
    std::fs::create_dir_all(&directory).unwrap();
    let path = |name: &str| directory.join(format!("{name}.toml"));
    std::fs::write(path("00-good"), "[splash]\nmessage = false\n").unwrap();
    std::fs::File::create(path("huge")).unwrap().set_len(1 << 40).unwrap();
    std::fs::write(path("keys"), "a=1\n".repeat(100_000)).unwrap();
    std::fs::write(path("lists"), format!("a = {}", "[".repeat(30_000))).unwrap();
    std::fs::write(path("tables"), format!("a = {}1", "{a=".repeat(20_000))).unwrap();
    std::fs::write(path("dots"), format!("a{} = 1", ".a".repeat(30_000))).unwrap();
    std::fs::write(path("heads"), format!("[a{}]", ".a".repeat(30_000))).unwrap();
    std::fs::create_dir(path("directory")).unwrap();
    let fifo = path("fifo");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    symlink("/dev/zero", path("device")).unwrap();
    symlink(path("loop"), path("loop")).unwrap();
    let started = std::time::Instant::now();
    let loaded = Config::load(&Sources::rooted(root.path()));
    let elapsed = started.elapsed();
    let wrong: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
    for name in ["huge", "keys", "lists", "tables", "dots", "heads", "directory", "fifo", "device", "loop"] {
        assert_eq!(wrong.iter().filter(|line| line.contains(&format!("{name}.toml"))).count(), 1, "{name}: {wrong:#?}");
    }
    assert!(!loaded.config.splash.message, "the good file is in force");
    assert!(elapsed < std::time::Duration::from_secs(5), "all ten in {elapsed:?}, on a busy machine");
    for number in 0..70 {
        std::fs::write(path(&format!("more-{number}")), "").unwrap();
    }
    let loaded = Config::load(&Sources::rooted(root.path()));
    let only = loaded.errors.first().map(ToString::to_string).unwrap_or_default();
    assert!(only.contains("it has more than 64 files of settings"), "{only}");
}

#[test]
fn programs_in_a_security_context_have_what_is_allowed_to_them_and_nothing_else() {
    let table = "[privilege.\"org.example.Viewer\"]\nallow = [\"capture\", \"virtual-input\"]";
    let loaded = load_one(table);
    assert_eq!(loaded.config.allowed_to("org.example.Viewer"), [Group::Capture, Group::VirtualInput]);
    assert_eq!(loaded.config.allowed_to("org.example.viewer"), []);
    assert!(loaded.toml().contains(table), "{}", loaded.toml());
    let wrong = |content| error_of(content).2;
    let unknown = wrong("[privilege.\"a\"]\nallow = [\"everything\"]");
    assert!(unknown.contains("\"everything\" is not among them"), "{unknown}");
    assert!(unknown.contains("a list of screens, capture"), "{unknown}");
    assert!(wrong("[privilege]\nallow = [\"capture\"]").contains("put it below a table of the program's app-id"));
    assert!(wrong("privilege = 1").contains("allowed are tables [privilege.\"APP-ID\"]"));
}

#[test]
fn pages_of_the_named_origins_may_ask_and_no_others() {
    let grants = |content: &str, origin: &str| load_one(content).config.api.grants(origin);
    assert!(grants("", "http://localhost:3000") && !grants("", "http://localhost:3001"));
    let table = "[api]\norigins = [\"https://*.example.org\"]";
    assert!(grants(table, "https://a.example.org") && !grants(table, "http://a.example.org"));
    assert!(!grants(table, "http://localhost:3000") && !grants("[api]\norigins = []", "http://localhost:3000"));
    for none in ["", "null", "file://", "https://example.org.evil.test"] {
        assert!(!grants(table, none), "{none}");
    }
    let allowed = "allowed is a list of origins such as [\"http://localhost:3000\", \"https://*.example.org\"]";
    for (value, why) in [
        ("[\"file:///srv\"]", "file:///srv"),
        ("[\"https://a/path\"]", "https://a/path"),
        ("[\"https://me:secret@a\"]", "the origin"),
        ("3", "3"),
    ] {
        let content = format!("[api]\norigins = {value}");
        let error = error_of(&content).2;
        assert!(error.contains(allowed) && error.contains(why) && !error.contains("secret"), "{error}");
    }
}
