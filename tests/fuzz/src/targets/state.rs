//! `state.toml`: what can be read is written the same.

use kiosk_core::config::SavedState;

use super::bytes;
use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "state",
    run,
    seeds: || {
        bytes(&[
            "version = 1\n",
            "version = 2\n",
            "version = 1\n[output.\"DEL U2720Q ABC\"]\nconnector = \"DP-1\"\nrotation = 90\nscale = 2.0\npower = true\n",
            "version = 1\n[output.HDMI-A-1]\nmode = \"1920x1080@60\"\nmirror = \"DP-1\"\nbrightness = 50\n\
             position = [1920, 0]\n[input.\"Panel X\"]\noutput = \"DP-1\"\ncalibration = [1, 0, 0, 0, 1, 0]\n",
            "version = 1\n[[device]]\nname = \"Keyboard\"\nkinds = \"keyboard+pointer\"\ntrusted = true\n\
             [[device]]\nname = \"x\"\ntrusted = false\n",
        ])
    },
    words: &[
        "version",
        "[output.",
        "[input.",
        "[[device]]",
        "trusted",
        "calibration",
        "connector",
        "\"auto\"",
        "inf",
        "-0.0",
    ],
    longest: 4096,
};

fn run(input: &[u8]) {
    match SavedState::parse(input) {
        Err(why) => assert_valid_message(&why.to_string()),
        Ok(state) => {
            let text = state.text();
            let again = SavedState::parse(text.as_bytes()).expect("what is written can be read");
            assert_eq!(again, state, "{text}");
        }
    }
}
