//! Checks the configuration of the kiosk's own screens: whether logo and font are usable, and which connected outputs
//! have no shell. For `config check` and `doctor`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kiosk_core::config::Loaded;

/// Time limit for checking logo and font: a large picture on a slow card takes a second or two.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes read of the program's output.
const MAX_SAID: u64 = 64 << 10;

/// The errors about logo and font, a sentence each, from kiosk-splash; none if it is not installed.
pub fn unusable(programs: &[PathBuf]) -> Vec<String> {
    programs.iter().find(|program| program.exists()).map(|program| complaints_of(program, PATIENCE)).unwrap_or_default()
}

fn complaints_of(program: &Path, patience: Duration) -> Vec<String> {
    let mut command = Command::new(program);
    command.arg("--check").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return Vec::new() };
    let Some(stderr) = child.stderr.take() else { return Vec::new() };
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        // The output read until then is reported.
        let _ = stderr.take(MAX_SAID).read_to_end(&mut text);
        let _ = sender.send(text);
    });
    let said = said.recv_timeout(patience);
    if said.is_err() {
        let _ = child.kill();
    }
    let status = child.wait();
    let Ok(said) = said else {
        return vec![format!(
            "the logo and the font were not looked at: {} did not end within {} s",
            program.display(),
            patience.as_secs()
        )];
    };
    if status.is_ok_and(|status| status.success()) {
        return Vec::new();
    }
    String::from_utf8_lossy(&said).lines().map(|line| line.trim_start_matches("kiosk-splash: ").to_owned()).collect()
}

/// The connected outputs (`class`: `/sys/class/drm`) without a shell, as far as names show: one sentence for all of
/// them.
pub fn without_a_shell(loaded: &Loaded, class: &Path) -> Option<String> {
    let config = &loaded.config;
    let mut left = connected(class);
    let mirror = |name: &str| {
        config.outputs.iter().any(|rule| {
            (rule.matcher == name || rule.matcher == "*")
                && rule.settings.mirror.as_deref().is_some_and(|source| !source.is_empty())
        })
    };
    left.retain(|name| !mirror(name));
    let shells = config.all_shells();
    for shell in shells {
        left.retain(|name| *name != shell.output);
    }
    // Shells for an identity or any output: each takes one of the rest.
    let others = shells.iter().filter(|shell| shell.output == "*" || shell.output.contains(' ')).count();
    let left = left.get(others..).filter(|left| !left.is_empty())?;
    let names = left.join(", ");
    Some(format!(
        "{names}: connected, and no shell is for it: it shows the logo and says so (\"*\" is the first output that no \
         other shell wants) -> [output.\"{}\"] mirror = \"NAME\" shows another output's page, a [[shells]] table one of \
         its own",
        left.first().map_or("NAME", String::as_str)
    ))
}

/// By name, sorted.
fn connected(class: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(class).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("status")).is_ok_and(|text| text.trim() == "connected")
        })
        .filter_map(|entry| entry.file_name().to_str()?.split_once('-').map(|(_, name)| name.to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use kiosk_core::config::Config;

    use super::*;

    #[test]
    fn what_the_program_complains_of_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("kiosk-splash");
        let missing = directory.path().join("none");
        let made = |text: &str| {
            std::fs::write(&program, text).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            unusable(&[missing.clone(), program.clone()])
        };
        assert_eq!(made("#!/bin/sh\n[ $1 = --check ] && echo one >&2 && echo two >&2; exit 1\n"), ["one", "two"]);
        assert_eq!(made("#!/bin/sh\necho good\n"), [""; 0]);
        assert_eq!(unusable(std::slice::from_ref(&missing)), [""; 0]);
    }

    #[test]
    fn a_program_that_does_not_end_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("kiosk-splash");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let said = complaints_of(&program, Duration::from_millis(50));
        assert!(said.len() == 1 && said[0].ends_with("kiosk-splash did not end within 0 s"), "{said:?}");
    }

    #[test]
    fn outputs_that_no_shell_is_for_are_told_by_name() {
        let class = tempfile::tempdir().unwrap();
        for (name, status) in
            [("card0-HDMI-A-1", "connected"), ("card0-HDMI-A-2", "connected"), ("card0-DP-1", "disconnected")]
        {
            std::fs::create_dir(class.path().join(name)).unwrap();
            std::fs::write(class.path().join(name).join("status"), format!("{status}\n")).unwrap();
        }
        let told = |text: &str| without_a_shell(&Config::of_file(Path::new("c"), text.as_bytes()), class.path());
        assert!(told("").unwrap().starts_with("HDMI-A-2: connected, and no shell is for it"));
        assert!(told("[shell]\noutput = \"HDMI-A-2\"\n").unwrap().starts_with("HDMI-A-1: "));
        for good in [
            "[output.\"HDMI-A-2\"]\nmirror = \"HDMI-A-1\"\n",
            "[[shells]]\noutput = \"HDMI-A-1\"\n[[shells]]\noutput = \"HDMI-A-2\"\n",
            "[[shells]]\noutput = \"HDMI-A-2\"\n[[shells]]\n",
        ] {
            assert_eq!(told(good), None, "{good}");
        }
    }
}
