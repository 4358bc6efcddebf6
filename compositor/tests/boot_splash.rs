//! `kiosk-splash` as a person calls it.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='1'>\
    <rect width='4' height='1' fill='#ff8800'/></svg>";

fn kiosk_splash(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiosk-splash"))
        .args(["--root", root.to_str().unwrap()])
        .args(arguments)
        .env_clear()
        .env("KIOSK_ROOT", root)
        .current_dir(root)
        .output()
        .unwrap()
}

#[test]
fn one_command_makes_the_theme_and_the_pictures_of_firmware_from_a_logo() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("mine.svg"), LOGO).unwrap();
    let theme = root.join("usr/share/plymouth/themes/kiosk-own");
    let pictures = ["--firmware", "logo.tga", "--uefi", "logo.bmp", "--screen", "800x480"];
    let made = kiosk_splash(root, &[&["--logo", "mine.svg", "--logo-size", "40%"][..], &pictures].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = String::from_utf8(made.stdout).unwrap();
    assert!(told.contains("plymouth-set-default-theme --rebuild-initrd kiosk-own\n"), "{told}");
    // An area as of a square of 40% of 800 pixels, four times as wide as high, on 1280x800: 640 by 160.
    assert!(theme.join("logo-640x160.png").exists());
    let script = std::fs::read_to_string(theme.join("kiosk-own.script")).unwrap();
    let picture = std::fs::read(root.join("logo.tga")).unwrap();
    assert_eq!(picture.len(), 18 + 800 * 480 * 3);
    assert_eq!(&picture[18 + (240 * 800 + 400) * 3..][..3], [0, 0x88, 0xff]);
    // An area as of a square of 40% of 480 pixels: 384 by 96, and nothing around it.
    let picture = std::fs::read(root.join("logo.bmp")).unwrap();
    assert!(told.contains("`ukify build --splash=logo.bmp`") && picture.starts_with(b"BM"), "{told}");
    assert_eq!(picture.len(), 54 + 384 * 96 * 3);
    assert_eq!(&picture[54 + (48 * 384 + 192) * 3..][..3], [0, 0x88, 0xff]);

    // From the configuration, with another size: what was of the old size is gone, other files stay.
    std::fs::create_dir_all(root.join("etc/kiosk")).unwrap();
    let logo = root.join("mine.svg");
    let config = format!("[splash]\nlogo = {:?}\nlogo-size = \"10%\"\nposition = \"top\"\n", logo.to_str().unwrap());
    std::fs::write(root.join("etc/kiosk/config.toml"), config).unwrap();
    std::fs::write(theme.join("README"), "").unwrap();
    assert!(kiosk_splash(root, &[]).status.success());
    assert!(!theme.join("logo-640x160.png").exists() && theme.join("logo-160x40.png").exists());
    assert!(theme.join("README").exists());
    assert_ne!(std::fs::read_to_string(theme.join("kiosk-own.script")).unwrap(), script);
}

#[test]
fn an_error_is_one_sentence_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("no.svg"), "hello").unwrap();
    std::fs::write(root.join("wrong.toml"), "[splash]\nlogo-sizes = \"20%\"\n").unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["--logo", "no.svg"], "neither SVG nor PNG nor JPEG"),
        (&["--logo", "none.svg"], "none.svg could not be read: No such file or directory"),
        (&["--background", "blue"], "such as \"#1a2b3c\""),
        (&["--logo-size", "95%"], "5% to 80%"),
        (&["--position", "bottom"], "allowed is \"center\", \"top\""),
        (&["--config", "wrong.toml"], "logo-size"),
        (&["--firmware", "logo.tga", "--screen", "3840x2160"], "1 × 1 to 1920 × 1080 are allowed"),
        (&["--uefi", "logo.bmp", "--screen", "3841x2160"], "1 × 1 to 3840 × 2160 are allowed"),
        (&["--name", "../../etc"], "letters, digits"),
    ];
    for (arguments, expected) in cases {
        let made = kiosk_splash(root, arguments);
        let said = String::from_utf8(made.stderr).unwrap();
        assert!(!made.status.success() && said.contains(expected), "{arguments:?}: {said}");
        assert!(made.stdout.is_empty() && !root.join("usr").exists());
        assert!(!root.join("logo.tga").exists() && !root.join("logo.bmp").exists());
    }
    std::fs::create_dir(root.join("usr")).unwrap();
    std::fs::write(root.join("usr/share"), "").unwrap();
    let said = String::from_utf8(kiosk_splash(root, &[]).stderr).unwrap();
    assert!(said.contains("usr/share/plymouth/themes/kiosk-own can't be made: "), "{said}");
}

#[test]
fn a_check_says_what_can_t_be_used_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::create_dir_all(root.join("etc/kiosk")).unwrap();
    let (logo, config) = (root.join("mine.svg"), root.join("etc/kiosk/config.toml"));
    std::fs::write(&config, format!("[splash]\nlogo = {:?}\n", logo.to_str().unwrap())).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-splash"));
        command.arg("--check").env_clear().env("KIOSK_ROOT", root).output().unwrap()
    };
    std::fs::write(&logo, LOGO).unwrap();
    assert!(check().status.success());
    std::fs::write(&logo, "<svg").unwrap();
    let said = String::from_utf8(check().stderr).unwrap();
    assert!(!check().status.success() && said.contains("mine.svg: the logo is not a valid SVG"), "{said}");
    assert!(!root.join("usr").exists());
}
