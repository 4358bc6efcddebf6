//! A file of the configuration, or an environment variable (`KIOSK_NAME=VALUE`): it is laid as a whole or not at all,
//! and what is in force can be printed and read back.

use std::path::Path;

use kiosk_core::config::{Config, Loaded, Sources};

use super::{bytes, text};
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "config",
    run,
    seeds: || {
        bytes(&[
            include_str!("../../../../assets/config/config.toml"),
            include_str!("../../../../assets/public/kiosk.toml"),
            "[[shells]]\nurl = \"http://a/\"\noutput = \"HDMI-A-1\"\nbrowser = { zoom = 2.0, program = \"x\" }\n\
             [[shells]]\nurl = \"http://b/\"\noutput = \"Make Model 1\"\n",
            "[output.\"*\"]\nmode = \"custom 1280x720@59.94\"\nrotation = 90\nscale = 1.5\nposition = [5, -5]\n",
            "[input.device.\"type:touch\"]\ncalibration = [1, 0, 0, 0, 1, 0]\n[limits]\nobjects = 9\n",
            "[power]\nschedule = [{ on = \"07:00\", off = \"22:00\", days = \"mon-fri\" }]\n",
            "KIOSK_SHELL_URL=http://localhost:3000",
            "KIOSK_OUTPUT_ROTATION=90",
            "KIOSK_BROWSER_ALLOW=[\"https://a\"]",
        ])
    },
    words: &[
        "[shell]",
        "[[shells]]",
        "[output.\"",
        "\"\"\"",
        "'''",
        "= {",
        "inf",
        "nan",
        "1979-05-27",
        "\\u0000",
        "url",
    ],
    longest: 4096,
};

fn run(input: &[u8]) {
    let variable = text(input);
    let loaded = match variable.split_once('=') {
        Some((name, value)) if name.starts_with("KIOSK_") && !name.contains('\n') => {
            Config::load(&Sources::rooted(Path::new("/nonexistent")).with_variable(name, value))
        }
        _ => Config::of_file(Path::new("/etc/kiosk/config.toml"), input),
    };
    for error in &loaded.errors {
        assert_valid_message(&error.to_string());
    }
    if !loaded.errors.is_empty() {
        assert_eq!(loaded.config, built_in().config, "a file with an error in it has changed something");
    }
    let printed = loaded.toml();
    let again = Config::of_file(Path::new("printed.toml"), printed.as_bytes());
    assert!(again.errors.is_empty(), "{:?} of {printed}", again.errors);
    assert_eq!(again.config, loaded.config, "{printed}");
}

fn built_in() -> Loaded {
    Config::of_file(Path::new("empty.toml"), b"")
}
