//! What the configuration says of the kiosk's own screens, against what is there: whether the logo and the font can be
//! used, and which connected outputs no shell is for. For `config check` and `doctor`; shows nothing itself.

use std::path::{Path, PathBuf};

use kiosk_core::config::{Config, Loaded};
use kiosk_core::files::read_regular;
use kiosk_splash::{Fonts, Logo, MAX_LOGO_FILE};

/// What is there and can't be used, a sentence each. Files that are missing are not told here. `at`: where a path of the
/// configuration is.
pub fn unusable(config: &Config, at: impl Fn(&Path) -> PathBuf) -> Vec<String> {
    let splash = &config.splash;
    let logos = [("splash.logo", &splash.logo), ("splash.logo-light", &splash.logo_light)];
    let logos = logos.into_iter().filter(|(_, path)| !path.as_os_str().is_empty() && at(path).exists());
    let mut told: Vec<String> = logos.filter_map(|(key, path)| wrong_logo(key, path, &at(path))).collect();
    let font = splash.font.trim();
    if !font.is_empty() {
        let wish =
            if font.starts_with('/') { at(Path::new(font)).to_string_lossy().into_owned() } else { font.to_owned() };
        let (_, wrong) = Fonts::new(Some(wish)).find("", "");
        told.extend(wrong.map(|wrong| format!("splash.font: {wrong}; the built-in one is used")));
    }
    told
}

fn wrong_logo(key: &str, path: &Path, file: &Path) -> Option<String> {
    let why = match read_regular(file, MAX_LOGO_FILE as u64) {
        Ok(bytes) => Logo::with_installed_fonts(&bytes).err()?.to_string(),
        // Only kioskd's user may look there.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
        Err(error) => format!("it could not be read: {error}"),
    };
    Some(format!("{key}: {}: {why}; no logo is shown", path.display()))
}

/// The connected outputs that show no page, where it is known which are connected (`class`: `/sys/class/drm`), as far as
/// names tell: a sentence for all of them.
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
    // Those of an identity, or of none: each takes one of the rest.
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
    use super::*;

    fn config(splash: &str) -> Config {
        Config::of_file(Path::new("config.toml"), format!("[splash]\n{splash}").as_bytes()).config
    }

    #[test]
    fn a_logo_and_a_font_that_are_none_are_told_and_good_ones_are_not() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &Path| root.path().join(path.strip_prefix("/").unwrap());
        std::fs::write(at(Path::new("/broken.svg")), "<svg").unwrap();
        std::fs::write(at(Path::new("/text.png")), "hello").unwrap();
        std::fs::write(at(Path::new("/no.ttf")), "hello").unwrap();
        std::fs::write(at(Path::new("/good.svg")), include_bytes!("../../../../assets/logo/logo.svg")).unwrap();
        std::fs::write(at(Path::new("/good.ttf")), include_bytes!("../../../../assets/font/kiosk-sans.ttf")).unwrap();
        let told = unusable(&config("logo = \"/broken.svg\"\nlogo-light = \"/text.png\"\nfont = \"/no.ttf\""), at);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("splash.logo: /broken.svg: the logo is not a valid SVG"), "{told:?}");
        assert!(
            told[1].starts_with("splash.logo-light: /text.png: the logo is neither SVG nor PNG nor JPEG"),
            "{told:?}"
        );
        assert!(told[2].contains("/no.ttf is no font that can be read"), "{told:?}");
        let told = unusable(&config("font = \"No Such Family\""), at);
        assert!(told[0].starts_with("splash.font: no font called \"No Such Family\" is installed"), "{told:?}");
        assert_eq!(unusable(&config("logo = \"/good.svg\"\nfont = \"/good.ttf\""), at), [""; 0]);
        assert_eq!(unusable(&config("logo = \"/missing.svg\""), at), [""; 0], "that is told elsewhere");
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
