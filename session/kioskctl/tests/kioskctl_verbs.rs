//! kioskctl as a process against stand-ins for the services: what it says, what it asks for, what it exits with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kioskctl_fake;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use kioskctl_fake::{Fake, json, kioskctl, output, run, said};
use tempfile::tempdir;

#[test]
fn status_shows_both_services() {
    let dir = tempdir().unwrap();
    let _session = Fake::session(dir.path());
    let _compositor = Fake::compositor(dir.path());
    let status = json(dir.path(), &["status"]);
    let session = &status["session"];
    assert_eq!((&session["state"], &session["url"]), (&"loading".into(), &"http://localhost:3000".into()));
    assert_eq!((&session["restarts"], &session["browser-pid"]), (&1.into(), &4321.into()));
    assert_eq!(session["last-failure"]["reason"], "page crashed");
    let compositor = &status["compositor"];
    assert_eq!((&compositor["stage"], &compositor["serial"]), (&"splash".into(), &7.into()));
    assert_eq!(compositor["problems"][0], "a file was skipped");
    let names: Vec<&str> = (0..3).map(|i| compositor["outputs"][i]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["HDMI-A-1", "DP-1", "VGA-1"], "the first is the primary one");

    let (code, text, _) = said(&run(dir.path(), &["status"]));
    assert_eq!(code, 0);
    for part in
        ["loading for ", "pid 4321, 300 MiB, 1 restart\n", "page crashed -> reload, ", "splash (kms, pixman, VT 1)"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(
        text.contains("HDMI-A-1 (Dell U2720Q S0) on, 1920x1080@59.94, rotation 270, scale 1.5, composited: rotated; night light until Mon 07:00, drawn"),
        "{text}"
    );
    assert!(text.contains("Problem  a file was skipped"), "{text}");
    assert!(text.contains("of the browser, when nobody uses the device: its program was replaced"), "{text}");
    assert!(text.contains("Waiting  http://localhost:3000 is loading\n"), "{text}");
}

#[test]
fn status_tells_how_long_the_start_took() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let (code, text, _) = said(&run(dir.path(), &["status", "--boot"]));
    assert_eq!(code, 0);
    for line in ["logo after 8.0 s: system 8.0 s", "page after 14.0 s: 6.0 s after the logo"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    compositor.change(&[("FirstPage", 0u64.into())]);
    assert!(said(&run(dir.path(), &["status", "--boot"])).1.contains("no page yet"));
    compositor.change(&[("FirstFrame", 0u64.into())]);
    assert!(said(&run(dir.path(), &["status", "--boot"])).1.contains("not known"));
    drop(compositor);
    let _session = Fake::session(dir.path());
    assert_eq!(said(&run(dir.path(), &["status", "--boot"])).0, 3, "kioskd knows it, and does not run");
}

#[test]
fn status_of_several_shells_says_where_each_is_and_what_it_shows() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    let compositor = Fake::compositor(dir.path());
    let one = json(dir.path(), &["status"]);
    assert_eq!((one["shells"].as_array().unwrap().len(), &one["shells"][0]), (1, &one["session"]));
    session.second_shell("offline");
    compositor.change(&[("Shells", vec![("HDMI-A-1", "shell"), ("DP-1", "splash")].into())]);
    let two = json(dir.path(), &["status"]);
    let states = [&two["session"]["state"], &two["shells"][0]["state"], &two["shells"][1]["state"]];
    assert_eq!(states, ["loading", "loading", "offline"]);
    let places = serde_json::json!([
        { "output": "HDMI-A-1", "stage": "shell" }, { "output": "DP-1", "stage": "splash" },
    ]);
    assert_eq!(two["compositor"]["shells"], places);
    let (_, text, _) = said(&run(dir.path(), &["status"]));
    for part in ["0, output \"HDMI-A-1\": shell on HDMI-A-1\n", "1, output \"DP-1\": splash on DP-1\n", "http://second"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    compositor.change(&[("Shells", vec![("HDMI-A-1", "shell"), ("", "splash")].into())]);
    let (_, text, _) = said(&run(dir.path(), &["status"]));
    assert!(text.contains("1, output \"DP-1\": splash on no output, every one is another shell's\n"), "{text}");
    // The others of these verbs too.
    for (verb, call) in [("reload", "Reload"), ("home", "Home"), ("restart", "Restart"), ("stop", "Stop")] {
        assert_eq!(said(&run(dir.path(), &[verb, "-s", "DP-1"])).0, 0);
        assert_eq!(session.calls().last().unwrap().0, format!("{call} 1"));
        assert_eq!(said(&run(dir.path(), &[verb, "-s", "0"])).0, 0);
        assert_eq!(session.calls().last().unwrap().0, call);
    }
    assert_eq!(said(&run(dir.path(), &["open", "http://x", "-s", "1"])).0, 0);
    assert_eq!(session.calls().last().unwrap(), &("Open 1".into(), "(\"http://x\", @a{sv} {})".into()));
}

#[test]
fn status_with_one_service_shows_it_and_says_which_is_missing() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let status = json(dir.path(), &["status"]);
    assert_eq!((status["session"].is_null(), &status["compositor"]["backend"]), (true, &"kms".into()));
    assert!(status["errors"][0].as_str().unwrap().starts_with("kiosk-session is not running"));
    let (code, text, _) = said(&run(dir.path(), &["status"]));
    assert_eq!(code, 0);
    assert!(text.contains("kiosk-session is not running") && text.contains("splash"), "{text}");
    drop(compositor);
    let (code, text, error) = said(&run(dir.path(), &["status"]));
    assert_eq!((code, text.as_str()), (3, ""));
    assert!(error.contains("neither kioskd nor kiosk-session is running"), "{error}");
}

#[test]
fn what_is_not_running_is_exit_code_3() {
    let dir = tempdir().unwrap();
    for verb in [&["reload"][..], &["outputs"], &["rotate", "90"], &["screenshot", "-"], &["vt", "2"], &["confirm"]] {
        for (manager, advice) in [
            ("run/systemd/system", "`systemctl start kiosk"),
            ("run/openrc", "`rc-service kiosk start`"),
            ("run", "this system's own means"),
        ] {
            let root = tempdir().unwrap();
            std::fs::create_dir_all(root.path().join(manager)).unwrap();
            let (code, _, error) = said(&output(kioskctl(dir.path(), verb).env("KIOSK_ROOT", root.path())));
            assert_eq!(code, 3, "{verb:?}");
            assert!(error.contains(&format!(" is not running; start it with {advice}")), "{error}");
        }
    }
    // A socket that a killed service left behind, and no directory at all.
    drop(UnixListener::bind(dir.path().join("session.sock")).unwrap());
    assert_eq!(said(&run(dir.path(), &["home"])).0, 3);
    assert_eq!(said(&run(&dir.path().join("none"), &["home"])).0, 3);
    let (code, out, _) = said(&run(dir.path(), &["home", "--json"]));
    let error: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &error["error"]["exit"]), (3, &3.into()));
}

#[test]
fn errors_of_the_service_become_its_sentence_and_an_exit_code() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    for (name, exit) in [
        ("org.kioskd.Error.NotAuthorized", 4),
        ("org.freedesktop.DBus.Error.AccessDenied", 4),
        ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", 4),
        ("org.kioskd.Error.UrlNotAllowed", 4),
        ("org.kioskd.Error.InvalidArgument", 2),
        ("org.kioskd.Error.NotFound", 1),
        ("org.kioskd.Error.NotReady", 1),
        ("org.freedesktop.DBus.Error.UnknownMethod", 1),
        ("org.freedesktop.DBus.Error.ServiceUnknown", 3),
    ] {
        *session.shared.error.lock().unwrap() = Some((name, "this is why"));
        let (code, _, error) = said(&run(dir.path(), &["reload"]));
        assert_eq!(code, exit, "{name}: {error}");
        if exit != 3 {
            assert_eq!(error, "kioskctl: this is why\n");
        }
    }
    *session.shared.error.lock().unwrap() = Some(("org.kioskd.Error.NotReady", "not\x1b[31m yet"));
    let output = output(&mut kioskctl(dir.path(), &["reload", "--json"]));
    let (_, out, error) = said(&output);
    assert!(!error.contains('\x1b'), "no escape sequence reaches the terminal");
    let out: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["error"]["name"], "org.kioskd.Error.NotReady");
}

#[test]
fn a_service_that_ends_during_the_call_is_not_running() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    *session.shared.hang_up.lock().unwrap() = true;
    let (code, _, error) = said(&run(dir.path(), &["restart"]));
    assert_eq!((code, error.contains("kiosk-session ended during the call")), (3, true), "{error}");
}

#[test]
fn wrong_usage_is_exit_code_2_and_reaches_no_service() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    for verb in [
        &["rotate", "45"][..],
        &["open", "localhost"],
        &["scale", "9"],
        &["mode", "1080p"],
        &["vt", "0"],
        &["frob"],
        &[],
    ] {
        let (code, _, error) = said(&run(dir.path(), verb));
        assert_eq!(code, 2, "{verb:?}");
        assert!(error.contains("Usage") || error.contains("--help"), "{error}");
    }
    assert!(compositor.calls().is_empty());
}

#[test]
fn session_verbs_call_their_methods() {
    let dir = tempdir().unwrap();
    let session = Fake::session(dir.path());
    for (verb, method, arguments) in [
        (&["reload"][..], "Reload", "@a{sv} {}"),
        (&["reload", "--hard"], "Reload", "{\"hard\": <true>}"),
        (&["open", "https://example.org/a?b"], "Open", "(\"https://example.org/a?b\", @a{sv} {})"),
        (&["home"], "Home", ""),
        (&["restart"], "Restart", "@a{sv} {}"),
        (&["stop"], "Stop", ""),
        (&["start"], "Start", ""),
        (&["clear-data"], "ClearData", "@a{sv} {}"),
    ] {
        let (code, out, error) = said(&run(dir.path(), verb));
        assert_eq!((code, out.as_str(), error.as_str()), (0, "", ""), "{verb:?}");
        let (called, with) = session.calls().pop().unwrap();
        assert_eq!(called, method);
        assert!(with.contains(arguments) || arguments.contains(with.trim_matches(['(', ')', ','])), "{with}");
    }
    assert_eq!(json(dir.path(), &["home"])["done"], true);
}

#[test]
fn compositor_verbs_call_their_methods() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let call = |verb: &[&str]| {
        assert_eq!(said(&run(dir.path(), verb)).0, 0, "{verb:?}");
        compositor.calls().pop().unwrap()
    };
    let (method, arguments) = call(&["vt", "3"]);
    assert_eq!((method.as_str(), arguments.contains('3')), ("SwitchVt", true));
    let (method, arguments) = call(&["message", "Back at nine", "--title", "Closed"]);
    assert_eq!(
        (method.as_str(), arguments.contains("Back at nine") && arguments.contains("\"title\": <\"Closed\">")),
        ("ShowMessage", true),
        "{arguments}"
    );
    let (method, arguments) = call(&["keyboard", "show"]);
    assert_eq!((method.as_str(), arguments.contains("show")), ("SetKeyboard", true));
    assert_eq!(said(&run(dir.path(), &["keyboard", "away"])).0, 2);
    let (method, arguments) = call(&["accessibility", "sticky-keys", "on"]);
    assert_eq!((method.as_str(), arguments.as_str()), ("SetAccessibility", "(\"sticky-keys\", \"on\", @a{sv} {})"));
    for wrong in [&["accessibility", "sticky-keys"][..], &["accessibility", "stick", "on"]] {
        assert_eq!(said(&run(dir.path(), wrong)).0, 2, "{wrong:?}");
    }
    let (_, aids, _) = said(&run(dir.path(), &["accessibility"]));
    assert_eq!(
        aids,
        "sticky-keys  off\nslow-keys    on\nbounce-keys  off\nmagnifier    off\ncontrast     off\ninvert       off\n"
    );
    assert_eq!(json(dir.path(), &["accessibility"])["slow-keys"], true);
    assert_eq!(call(&["dismiss"]).0, "Dismiss");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "geheim\nmore").unwrap();
    let secret = secret.to_str().unwrap();
    let options = ["--wifi", "Shop", "--wifi-password", secret, "--expires", "10m", "--code", "ABC-123"];
    let (method, arguments) = call(&[&["pairing", "--url", "https://a.example/"][..], &options[..]].concat());
    assert_eq!(method, "ShowPairing");
    for part in ["https://a.example/", "ABC-123", "geheim", "600"] {
        assert!(arguments.contains(part), "{part}: {arguments}");
    }
    assert!(!arguments.contains("more"));
    assert_eq!(said(&run(dir.path(), &["pairing"])), (0, "http://192.168.1.5/\n".into(), String::new()));
    assert_eq!(json(dir.path(), &["pairing"])["url"], "http://192.168.1.5/");
    assert_eq!(run(dir.path(), &["pairing", "--wifi-password", secret]).status.code(), Some(2));
    assert_eq!(run(dir.path(), &["pairing", "--wifi", "a", "--wifi-password", "/none"]).status.code(), Some(1));
    let file = dir.path().join("fault");
    let faults: [(&dyn Fn(), &str); 4] = [
        (&|| assert!(Command::new("mkfifo").arg(&file).status().unwrap().success()), "not a regular file"),
        (&|| std::os::unix::fs::symlink("/dev/zero", &file).unwrap(), "not a regular file"),
        (&|| std::os::unix::fs::symlink(&file, &file).unwrap(), "symbolic link"),
        (&|| std::fs::File::create(&file).unwrap().set_len(1 << 40).unwrap(), "larger than 1 KiB"),
    ];
    for (make, sentence) in faults {
        make();
        let refused = said(&run(dir.path(), &["pairing", "--wifi", "a", "--wifi-password", file.to_str().unwrap()]));
        assert!(refused.0 == 1 && refused.2.contains(sentence), "{refused:?}");
        std::fs::remove_file(&file).unwrap();
    }
    let cut = said(&run(dir.path(), &["message", "a long text"]));
    assert_eq!(cut, (0, "cut to 30 characters: more do not fit on the screen\n".into(), String::new()));
    assert_eq!(json(dir.path(), &["message", "a long text"])["characters"], 30);
    assert_eq!(json(dir.path(), &["message", "short"])["whole"], true);
    let (method, arguments) = call(&["confirm"]);
    assert_eq!((method.as_str(), arguments.contains('7')), ("Confirm", true), "the present serial: {arguments}");
}

#[test]
fn output_changes_are_one_apply_outputs() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let apply = |verb: &[&str], expected: &str| {
        let (code, out, error) = said(&run(dir.path(), verb));
        assert_eq!((code, error.as_str()), (0, ""), "{verb:?}");
        let (method, arguments) = compositor.calls().pop().unwrap();
        assert_eq!(method, "ApplyOutputs");
        let arguments = arguments.replace(['@', ' '], "");
        assert!(arguments.contains(&expected.replace(' ', "")), "{verb:?}: {arguments}");
        out
    };
    let out = apply(&["rotate", "90"], r#"[("HDMI-A-1", {"rotation": <uint32 90>})], "keep""#);
    assert_eq!(out, "HDMI-A-1: rotation 90\n");
    apply(&["rotate", "next"], r#"[("HDMI-A-1", {"rotation": <uint32 0>})]"#);
    apply(&["rotate", "next", "-o", "DP-1"], r#"[("DP-1", {"rotation": <uint32 90>})]"#);
    apply(&["rotate", "180", "-o", "Dell U2720Q S1920"], r#"[("DP-1", "#);
    apply(&["mode", "1280x720", "-o", "*"], r#"("VGA-1", {"mode": <(uint32 1280, uint32 720, uint32 0)>})]"#);
    apply(&["mode", "1280x720@59.94"], "<(uint32 1280, uint32 720, uint32 59940)>");
    apply(&["mode", "preferred"], r#"{"mode": <"preferred">}"#);
    apply(&["scale", "1.25"], r#"{"scale": <1.25>}"#);
    apply(&["scale", "auto"], r#"{"scale": <0.>}"#);
    let out = apply(&["position", "-5,10"], r#"{"position": <(-5, 10)>}"#);
    assert_eq!(out, "HDMI-A-1: position -5,10\n");
    let out = apply(&["rotate", "90", "--temporary"], r#""temporary", {"revert-after": <uint32 15>}"#);
    assert!(out.contains("Undone in 15 s unless you say `kioskctl confirm`"), "{out}");
    apply(&["rotate", "90", "--revert-after", "1m"], r#""temporary", {"revert-after": <uint32 60>}"#);
    apply(&["screen", "off"], r#"[("HDMI-A-1", {"power": <false>}), ("DP-1", {"power": <false>}), ("VGA-1""#);
    apply(&["screen", "toggle"], r#"("DP-1", {"power": <false>})"#);
    apply(&["screen", "toggle", "-o", "VGA-1"], r#"[("VGA-1", {"power": <true>})]"#);

    let told = json(dir.path(), &["rotate", "90", "-o", "DP-1"]);
    assert_eq!((&told["serial"], &told["changes"][0]["rotation"]), (&8.into(), &90.into()));
    let count = compositor.calls().len();
    let (code, _, error) = said(&run(dir.path(), &["rotate", "90", "-o", "DP-9"]));
    assert_eq!((code, error.as_str()), (1, "kioskctl: there is no output \"DP-9\"; there are HDMI-A-1, DP-1, VGA-1\n"));
    assert_eq!(compositor.calls().len(), count);
}

#[test]
fn mirror_and_brightness_are_changes_too() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    for (verb, wire, text) in [
        (&["mirror", "Dell U2720Q S1920"][..], "[(\"HDMI-A-1\", {\"mirror\": <\"DP-1\">})]", "HDMI-A-1: mirror DP-1\n"),
        (&["mirror", "none", "-o", "DP-1"], "[(\"DP-1\", {\"mirror\": <\"\">})]", "DP-1: mirror none\n"),
        (&["brightness", "40"], "[(\"HDMI-A-1\", {\"brightness\": <40>})]", "HDMI-A-1: brightness 40\n"),
    ] {
        assert_eq!(said(&run(dir.path(), verb)), (0, text.into(), String::new()), "{verb:?}");
        let (_, arguments) = compositor.calls().pop().unwrap();
        assert!(arguments.contains(wire), "{verb:?}: {arguments}");
    }
    let count = compositor.calls().len();
    let (code, _, error) = said(&run(dir.path(), &["mirror", "DP-7"]));
    assert_eq!((code, error.as_str()), (1, "kioskctl: there is no output \"DP-7\"; there are HDMI-A-1, DP-1, VGA-1\n"));
    assert_eq!(compositor.calls().len(), count);
}

#[test]
fn a_file_is_applied_as_one_change() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let file = dir.path().join("screens.toml");
    let name = file.to_str().unwrap();
    let text = "[output.\"*\"]\nscale = 2\n[output.\"DP-1\"]\nrotation = 90\nmirror = \"Dell U2720Q S0\"\n\
                [output.\"VGA-1\"]\npower = \"off\"\n";
    fs::write(&file, text).unwrap();
    let told = json(dir.path(), &["apply", name]);
    let (method, arguments) = compositor.calls().pop().unwrap();
    assert_eq!(method, "ApplyOutputs");
    for part in ["(\"HDMI-A-1\", {\"scale\": <2", "\"rotation\": <uint32 90>", "\"mirror\": <\"HDMI-A-1\">", "\"keep\""]
    {
        assert!(arguments.contains(part), "{part} is not in {arguments}");
    }
    assert_eq!((&told["serial"], &told["mode"]), (&8.into(), &"keep".into()));
    let changes = &told["changes"];
    assert_eq!(changes[0], serde_json::json!({ "output": "HDMI-A-1", "scale": 2.0 }));
    assert_eq!(changes[1], serde_json::json!({ "output": "DP-1", "scale": 2.0, "rotation": 90, "mirror": "HDMI-A-1" }));
    assert_eq!(changes[2]["power"], "off", "what is named is changed also with nothing connected");

    let (code, out, _) = said(&run(dir.path(), &["apply", name, "--verify"]));
    assert!(code == 0 && out.ends_with("All of this is possible; nothing was changed\n"), "{out}");
    assert!(compositor.calls().pop().unwrap().1.contains("\"verify\""));
    let (code, out, _) = said(&run(dir.path(), &["apply", name, "--revert-after", "30s"]));
    assert!(code == 0 && out.contains("Undone in 30 s"), "{out}");
    assert!(compositor.calls().pop().unwrap().1.contains("\"temporary\", {\"revert-after\": <uint32 30>}"));

    *compositor.shared.error.lock().unwrap() = Some(("org.kioskd.Error.ModeRejected", "DP-1: no such mode"));
    let (code, _, error) = said(&run(dir.path(), &["apply", name]));
    assert_eq!((code, error), (1, format!("kioskctl: {name}: DP-1: no such mode\n")));
}

#[test]
fn a_file_with_anything_wrong_changes_nothing_and_says_where() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let file = dir.path().join("screens.toml");
    let name = file.to_str().unwrap();
    for (text, wrong) in [
        ("[output.\"DP-1\"]\nscale = 9\n", ":2:9: output.\"DP-1\".scale is 9, allowed is"),
        ("[output.\"DP-9\"]\nrotation = 0\n", ":2:12: output.\"DP-9\" is not there, there are: HDMI-A-1, DP-1, VGA-1"),
        ("[output.\"DP-1\"]\nmirror = \"DP-9\"\n", ":2:10: output.\"DP-1\".mirror is \"DP-9\", allowed is another of"),
        ("[output.\"*\"]\nmirror = \"DP-1\"\n", ":2:10: output.\"*\".mirror is \"DP-1\", allowed is another of"),
        ("[idle]\nscreen-off = \"1m\"\n", ":2:14: idle.screen-off is no setting of a screen"),
        ("", ": there is nothing to apply in it"),
    ] {
        fs::write(&file, text).unwrap();
        let (code, out, error) = said(&run(dir.path(), &["apply", name]));
        assert_eq!((code, out.as_str()), (1, ""), "{text}");
        assert!(error.starts_with(&format!("kioskctl: {name}{wrong}")), "{error}");
    }
    let (code, _, error) = said(&run(dir.path(), &["apply", "/none.toml"]));
    assert_eq!((code, error.contains("/none.toml: this can't be read")), (1, true), "{error}");
    assert!(compositor.calls().is_empty());
}

#[test]
fn outputs_are_a_table() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let (_, out, _) = said(&run(dir.path(), &["outputs"]));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "OUTPUT    DISPLAY            CONNECTED  POWER  MODE             POSITION  ROTATION  SCALE  SCANOUT"
    );
    assert_eq!(
        lines[1],
        "HDMI-A-1  Dell U2720Q S0     yes        on     1920x1080@59.94  0,0       270       1.5    composited: rotated"
    );
    assert!(lines[3].starts_with("VGA-1     -                  no         off "));
    assert_eq!(json(dir.path(), &["outputs"])[1]["position"][0], 1920);
    assert_eq!(json(dir.path(), &["outputs"])[0]["modes"][1]["width"], 1280);
    assert_eq!(json(dir.path(), &["outputs"])[0]["modes"][1]["interlaced"], true);
    assert!(!out.contains("1280x720"), "modes are only told when they are asked for: {out}");
    let (_, out, _) = said(&run(dir.path(), &["outputs", "--modes"]));
    assert!(
        out.contains("\n\nHDMI-A-1:\n  1920x1080@59.94 (in use)\n  1280x720@60 (preferred, interlaced)\n\n"),
        "{out}"
    );
    compositor.shared.outputs.lock().unwrap().get_mut("DP_2d1").unwrap().insert("Mirror".into(), "HDMI-A-1".into());
    assert!(said(&run(dir.path(), &["outputs"])).1.contains(" mirror of HDMI-A-1 "));
    // A monitor's name is no way into the terminal.
    compositor.shared.outputs.lock().unwrap().get_mut("DP_2d1").unwrap().insert("Make".into(), "\x1b[2J".into());
    assert!(!said(&run(dir.path(), &["outputs"])).1.contains('\x1b'));
}

#[test]
fn inputs_are_a_table() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let (_, out, _) = said(&run(dir.path(), &["inputs"]));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "DEVICE   KIND      TRUST    OUTPUT    CALIBRATION     LAYOUT",
            "Elo@1-1  touch     trusted  HDMI-A-1  none            -",
            "Elo@1-2  touch     trusted  DP-1      0 -1 1 1 0 0.5  -",
            "Panel    touch     trusted  DP-1      none            -",
            "A mouse  pointer   waiting  -         -               -",
            "Panel    keyboard  trusted  -         -               de(neo)",
        ]
    );
    let inputs = json(dir.path(), &["inputs"]);
    assert_eq!((&inputs[1]["name"], &inputs[1]["id"]), (&"Elo".into(), &"Elo@1-2".into()));
    assert_eq!((&inputs[1]["calibration"][5], &inputs[3]["kind"]), (&0.5.into(), &"pointer".into()));
    assert_eq!((&inputs[1]["trusted"], &inputs[3]["trusted"]), (&true.into(), &false.into()));
    // An older kioskd hears every device, and does not say so.
    compositor.shared.inputs.lock().unwrap().get_mut("A_20mouse").unwrap().remove("Trusted");
    assert_eq!(json(dir.path(), &["inputs"])[3]["trusted"], true);
    compositor.shared.inputs.lock().unwrap().get_mut("Elo").unwrap().insert("Id".into(), "\x1b[2J".into());
    assert!(!said(&run(dir.path(), &["inputs"])).1.contains('\x1b'));
    compositor.shared.inputs.lock().unwrap().clear();
    assert_eq!(said(&run(dir.path(), &["inputs"])).1, "DEVICE  KIND  TRUST  OUTPUT  CALIBRATION  LAYOUT\n");
}

#[test]
fn a_device_is_trusted_and_not_trusted_any_more() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let trust = run(dir.path(), &["inputs", "--trust", "A mouse", "--trust", "Elo@1-1", "--untrust", "Panel"]);
    let told = "A mouse: trusted\nElo@1-1: trusted\nPanel: not trusted\n";
    assert_eq!(said(&trust), (0, told.into(), String::new()));
    let asked: Vec<String> = compositor.calls().into_iter().map(|(method, with)| format!("{method} {with}")).collect();
    let wanted = [("A mouse", true), ("Elo@1-1", true), ("Panel", false)];
    assert_eq!(asked, wanted.map(|(id, trusted)| format!("TrustInput (\"{id}\", {trusted}, @a{{sv}} {{}})")));
    let answer = json(dir.path(), &["inputs", "--untrust", "A mouse"]);
    assert_eq!((&answer[0]["device"], &answer[0]["trusted"]), (&"A mouse".into(), &false.into()));
    let count = compositor.calls().len();
    let (code, _, error) = said(&run(dir.path(), &["inputs", "--trust", "A mouse", "--trust", "Mouse"]));
    assert!(code == 1 && error.contains("there is no input device \"Mouse\""), "{error}");
    assert_eq!(compositor.calls().len(), count, "all of them or none");
    *compositor.shared.error.lock().unwrap() = Some(("org.kioskd.Error.NotAuthorized", "this needs configure"));
    assert_eq!(said(&run(dir.path(), &["inputs", "--trust", "A mouse"])).0, 4);
}

#[test]
fn a_touch_panel_is_laid_on_an_output() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    for (device, output, path, told) in [
        ("Elo@1-2", "HDMI-A-1", "Elo_n2", "Elo@1-2: output HDMI-A-1\n"),
        ("Panel", "Dell U2720Q S0", "Panel_n2", "Panel: output Dell U2720Q S0\n"),
        ("Panel", "auto", "Panel_n2", "Panel: output found by itself\n"),
    ] {
        assert_eq!(said(&run(dir.path(), &["touch-map", device, output])), (0, told.into(), String::new()));
        let (method, arguments) = compositor.calls().pop().unwrap();
        let wanted = format!("\"org.kioskd.Input1\", \"Output\", <\"{output}\">");
        assert!(method == format!("Set {path}") && arguments.contains(&wanted), "{method} {arguments}");
    }
    let count = compositor.calls().len();
    let refused = |verb: &[&str]| {
        let (code, _, error) = said(&run(dir.path(), verb));
        (code, error)
    };
    let several = "kioskctl: several devices are called \"Elo\"; say which: Elo@1-1, Elo@1-2\n";
    assert_eq!(refused(&["touch-map", "Elo", "DP-1"]), (1, several.into()));
    let (code, error) = refused(&["touch-map", "elo", "DP-1"]);
    assert!(code == 1 && error.contains("there are Elo@1-1, Elo@1-2, Panel, A mouse"), "{error}");
    assert_eq!(refused(&["touch-map", "Elo"]).0, 2);
    assert_eq!(compositor.calls().len(), count);
    *compositor.shared.error.lock().unwrap() = Some(("org.kioskd.Error.NotFound", "there is no output \"DP-9\""));
    assert_eq!(refused(&["touch-map", "Panel", "DP-9"]), (1, "kioskctl: there is no output \"DP-9\"\n".into()));
}

#[test]
fn a_screenshot_is_written_whole_or_not_at_all() {
    let dir = tempdir().unwrap();
    let compositor = Fake::compositor(dir.path());
    let png = compositor.shared.picture.lock().unwrap().clone();
    let file = dir.path().join("a.png");
    let name = file.to_str().unwrap();
    let output = run(dir.path(), &["screenshot", "-"]);
    assert_eq!((output.status.code(), &output.stdout), (Some(0), &png));
    assert_eq!(said(&run(dir.path(), &["screenshot", name, "-o", "DP-1"])).0, 0);
    assert_eq!(fs::read(&file).unwrap(), png);
    assert!(compositor.calls().pop().unwrap().1.contains("DP-1"));

    *compositor.shared.picture.lock().unwrap() = b"no picture".to_vec();
    let (code, _, error) = said(&run(dir.path(), &["screenshot", name]));
    assert_eq!((code, error.contains("no PNG")), (1, true));
    assert_eq!(fs::read(&file).unwrap(), png, "the old one is still there");

    *compositor.shared.picture.lock().unwrap() = png.clone();
    let missing = dir.path().join("none/b.png");
    let (code, _, error) = said(&run(dir.path(), &["screenshot", missing.to_str().unwrap()]));
    assert_eq!((code, error.contains("none/b.png failed: No such file or directory")), (1, true), "{error}");

    // A disk that is full: the old file stays, and nothing is left lying about.
    let (code, _, error) = said(&run(dir.path(), &["screenshot", "/dev/full"]));
    assert_eq!((code, error.contains("No space left")), (1, true), "{error}");
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.png", "compositor.sock"]);
    assert_eq!(json(dir.path(), &["screenshot", name])["bytes"], png.len());
}

#[test]
fn the_configuration_is_checked_and_shown_with_nothing_running() {
    let dir = tempdir().unwrap();
    fs::create_dir_all(dir.path().join("etc/kiosk")).unwrap();
    let file = dir.path().join("etc/kiosk/config.toml");
    let with_root = |arguments: &[&str]| {
        let output = output(kioskctl(dir.path(), arguments).env("KIOSK_ROOT", dir.path()));
        said(&output)
    };
    fs::write(&file, "[shell]\nurl = \"http://a\"\n").unwrap();
    let (code, out, error) = with_root(&["config", "check"]);
    let said: Vec<&str> = out.lines().collect();
    assert_eq!((code, said[0], error.as_str()), (0, "The configuration is good", ""));
    assert_eq!(said[1], format!("read: {}", file.display()));
    assert!(said[2].starts_with("note: chromium (shell.browser) is not installed"), "{out}");
    assert_eq!(said.len(), 3);
    let drop_ins = dir.path().join("etc/kiosk/config.d");
    fs::create_dir_all(&drop_ins).unwrap();
    fs::write(drop_ins.join("10-x.conf"), "").unwrap();
    std::os::unix::fs::symlink("/nowhere", drop_ins.join("20-x.toml")).unwrap();
    let (code, out, _) = with_root(&["config", "check"]);
    assert!(code == 1 && out.contains("20-x.toml: this can't be read"), "{out}");
    assert!(out.contains("10-x.conf is not read: its name does not end in .toml"), "{out}");
    assert!(out.contains("20-x.toml is a link to nothing"), "{out}");
    fs::remove_dir_all(&drop_ins).unwrap();
    let (code, out, _) = with_root(&["config", "show"]);
    let url = out.lines().find(|line| line.starts_with("url = \"http://a\"")).unwrap();
    assert!(code == 0 && url.ends_with("etc/kiosk/config.toml:2"), "{url}");

    fs::write(&file, "[shell]\nurl = 3\n").unwrap();
    let (code, out, _) = with_root(&["config", "check"]);
    assert_eq!((code, out.contains("etc/kiosk/config.toml:2:7: shell.url is 3, allowed is http")), (1, true), "{out}");
    let (code, out, _) = with_root(&["config", "check", "--json"]);
    let out: serde_json::Value = serde_json::from_str(&out).unwrap();
    let error = &out["errors"][0];
    assert_eq!((code, &error["line"], &error["column"], &error["key"]), (1, &2.into(), &7.into(), &"shell.url".into()));
    let (code, out, _) = with_root(&["config", "show"]);
    assert!(code == 0 && out.starts_with("# SKIPPED ") && out.contains("# built-in"), "{out}");
    let (code, out, _) = with_root(&["config", "check", "--config", "/none.toml"]);
    assert_eq!((code, out.contains("/none.toml: this can't be read")), (1, true), "{out}");
}

#[test]
fn what_was_kept_is_shown_as_stronger_than_the_files() {
    let dir = tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = kioskctl(dir.path(), arguments);
        said(&output(command.env("KIOSK_ROOT", dir.path()).env("KIOSK_STATE_DIR", dir.path())))
    };
    assert!(!run(&["config", "show"]).1.contains("Kept"));
    fs::write(dir.path().join("state.toml"), "version = 1\n[output.\"HDMI-A-1\"]\nrotation = 0\n").unwrap();
    let (code, out, _) = run(&["config", "show"]);
    assert!(code == 0 && out.ends_with("\n# output.\"HDMI-A-1\".rotation = 0\n"), "{out}");
    assert!(out.contains("# Kept by kioskctl, and stronger"), "{out}");
    let json: serde_json::Value = serde_json::from_str(&run(&["config", "show", "--json"]).1).unwrap();
    assert_eq!(json["kept"][0]["origin"], "kept by kioskctl");
    // A file that is none is kioskd's to set aside.
    fs::write(dir.path().join("state.toml"), "nonsense").unwrap();
    assert!(!run(&["config", "show"]).1.contains("Kept"));
    assert_eq!(fs::read_to_string(dir.path().join("state.toml")).unwrap(), "nonsense");
}

#[test]
fn single_keys_are_set_in_a_file_of_their_own_and_wrong_ones_are_not_written() {
    let dir = tempdir().unwrap();
    let run = |arguments: &[&str]| said(&output(kioskctl(dir.path(), arguments).env("KIOSK_ROOT", dir.path())));
    let file = dir.path().join("etc/kiosk/config.d/90-kioskctl.toml");
    let (code, out, error) = run(&["config", "set", "shell.url", "http://panel.example"]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(out.contains("90-kioskctl.toml; `kioskctl config reload` brings it into force"), "{out}");
    assert_eq!(run(&["config", "set", "output.\"HDMI-A-1\".rotation", "90"]).0, 0);
    assert_eq!(run(&["config", "set", "idle.screen-off", "10m"]).0, 0);
    assert_eq!(run(&["config", "get", "shell.url"]), (0, "http://panel.example\n".into(), String::new()));
    assert_eq!(run(&["config", "get", "idle.screen-off"]).1, "10m\n");
    assert_eq!(run(&["config", "get", "output.\"HDMI-A-1\".rotation"]).1, "90\n");

    let before = fs::read_to_string(&file).unwrap();
    let (code, _, error) = run(&["config", "set", "output.\"HDMI-A-1\".rotation", "45"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("rotation is 45, allowed is 0, 90, 180 or 270"), "{error}");
    let (code, _, error) = run(&["config", "set", "shell.ulr", "x"]);
    assert!(code == 2 && error.contains("unknown key shell.ulr"), "{error}");
    assert_eq!(run(&["config", "set", "shell", "x"]).0, 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    assert_eq!(run(&["config", "unset", "shell.url"]).0, 0);
    assert_eq!(run(&["config", "get", "shell.url"]).1, "http://localhost:3000\n");
    assert_eq!(run(&["config", "unset", "shell.url"]).0, 1, "it is not there any more");
    let (code, _, error) = run(&["config", "get", "shell.ulr"]);
    assert!(code == 1 && error.contains("did you mean shell.url?"), "{error}");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(&["config", "set", "shell.url", "http://u:p@panel.example"]).0, 0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640, "what was shut stays so");
    let shut = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{shut}\n[splash]\ncolour = 1\n")).unwrap();
    let (code, out, _) = run(&["config", "set", "shell.url", "http://other"]);
    assert!(code == 1 && out.contains("which is skipped as a whole") && out.contains("splash.colour"), "{out}");
    fs::write(&file, shut).unwrap();

    let stronger = dir.path().join("etc/kiosk/config.d/99-mine.toml");
    fs::write(&stronger, "[shell]\nurl = \"http://mine\"\n").unwrap();
    let (code, out, _) = run(&["config", "set", "shell.url", "http://other"]);
    assert!(code == 0 && out.contains("99-mine.toml:2 counts more"), "{out}");
    fs::write(&file, "no toml").unwrap();
    let (code, _, error) = run(&["config", "set", "shell.url", "http://other"]);
    assert!(code == 1 && error.contains("90-kioskctl.toml: it is not TOML"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "no toml");
}

#[test]
fn a_wrong_command_line_is_json_where_json_was_asked_for() {
    let dir = tempdir().unwrap();
    for arguments in [&["--json", "rotate", "45"][..], &["nonsense", "--json"], &["open", "ftp://x", "--json"]] {
        let (code, out, error) = said(&run(dir.path(), arguments));
        let json: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}"));
        assert_eq!((code, &json["error"]["exit"]), (2, &2.into()), "{arguments:?}");
        assert_eq!(json["error"]["name"], "org.kioskd.Error.InvalidArgument");
        let message = json["error"]["message"].as_str().unwrap();
        assert!(error.contains(message) && !message.contains('\n') && !message.starts_with("error"), "{message}");
    }
    let (code, out, error) = said(&run(dir.path(), &["rotate", "45"]));
    assert!(code == 2 && out.is_empty() && error.contains("Usage:") | error.contains("--help"), "{error}");
    assert_eq!(said(&run(dir.path(), &["--version", "--json"])).0, 0);
}

#[test]
fn the_doctors_bundle_has_the_causes_and_no_secret() {
    let dir = tempdir().unwrap();
    fs::create_dir_all(dir.path().join("etc/kiosk")).unwrap();
    let config =
        "[shell]\nurl = \"http://anna:hunter2@panel.example/?token=hunter2\"\nextra-args = [\"--token=hunter2\"]\n";
    fs::write(dir.path().join("etc/kiosk/config.toml"), config).unwrap();
    let bundle = dir.path().join("report.tar.gz");
    let arguments = ["doctor", "--bundle", bundle.to_str().unwrap()];
    let (code, out, _) = said(&output(kioskctl(dir.path(), &arguments).env("KIOSK_ROOT", dir.path())));
    assert!(
        code == 1 && out.contains("kioskd is not running") && out.contains("libwayland-server.so.0 is missing"),
        "{out}"
    );
    assert_eq!(fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o600);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&bundle).unwrap()));
    let mut texts = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        texts.insert(entry.path().unwrap().display().to_string(), text);
    }
    let names: Vec<&str> = texts.keys().map(String::as_str).collect();
    let expected = ["config.txt", "doctor.txt", "journal.txt", "status.json", "versions.txt"];
    assert_eq!(names, expected.map(|name| format!("kiosk-report/{name}")));
    assert!(texts["kiosk-report/config.txt"].contains("panel.example"));
    for (name, text) in texts.iter().chain([(&"the terminal".to_owned(), &out)]) {
        assert!(!text.contains("hunter2"), "{name}: {text}");
    }
    let nowhere = ["doctor", "--bundle", "/nowhere/at/all.tar.gz"];
    let (code, _, error) = said(&output(kioskctl(dir.path(), &nowhere).env("KIOSK_ROOT", dir.path())));
    assert!(code == 1 && error.contains("/nowhere/at/all.tar.gz could not be written"), "{error}");
}

#[test]
fn man_pages_and_completions_come_from_the_definition() {
    let dir = tempdir().unwrap();
    let place = dir.path().join("deeper");
    for what in ["man", "bash", "zsh", "fish"] {
        assert_eq!(said(&run(dir.path(), &["generate", what, place.to_str().unwrap()])).0, 0);
    }
    let page = fs::read_to_string(place.join("kioskctl-rotate.1")).unwrap();
    assert!(page.contains("revert") && page.contains(".TH"), "{page}");
    assert_eq!(said(&run(dir.path(), &["generate", "config-man", place.to_str().unwrap()])).0, 0);
    let page = fs::read_to_string(place.join("kiosk.toml.5")).unwrap();
    assert!(page.contains(".TH kiosk.toml 5") && page.contains("What the screen shows"), "{page}");
    assert!(!place.join("kioskctl-generate.1").exists(), "hidden verbs are not documented");
    for completion in ["kioskctl.bash", "_kioskctl", "kioskctl.fish"] {
        assert!(fs::read_to_string(place.join(completion)).unwrap().contains("screenshot"), "{completion}");
    }
}
