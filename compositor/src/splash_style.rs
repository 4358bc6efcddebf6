//! The splash's look from the configuration.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{io::ErrorKind, path::Path};

use kiosk_core::{
    config::{Config, Look, SplashPosition},
    files::read_regular,
};
use kiosk_splash::{Fonts, LOGO_SIZE, Logo, LogoError, MAX_LOGO_FILE, Position, Style};

/// The splash's style from the configuration. With an unusable logo only the background is shown: our own logo must not
/// appear on another vendor's product.
pub fn style(config: &Config, problems: &mut Vec<String>) -> Style {
    let splash = &config.splash;
    let mut style = Style {
        background: splash.ground(),
        message: splash.message,
        fonts: Fonts::new(Some(splash.font.clone()).filter(|font| !font.trim().is_empty())),
        text_color: splash.text_color,
        progress_color: splash.progress_color,
        logo_size: splash.logo_size.map_or(LOGO_SIZE, |percent| f32::from(percent) / 100.0),
        position: match splash.position {
            SplashPosition::Center => Position::Center,
            SplashPosition::Top => Position::Top,
        },
        ..Style::default()
    };
    let light = splash.look == Look::Light && !splash.logo_light.as_os_str().is_empty();
    let (key, path) = if light { ("splash.logo-light", &splash.logo_light) } else { ("splash.logo", &splash.logo) };
    let own = *path == Config::default().splash.logo;
    match read_logo(path) {
        Ok(logo) => style.logo = logo,
        // The default path is where our own logo is installed: without the package the built-in one is the same.
        Err(NoLogo::Unread(error)) if own && error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            style.logo = Logo::none();
            problems.push(no_logo(key, path, &error));
        }
    }
    style
}

/// Why configured logos and fonts cannot be used, a sentence each.
pub fn unusable(config: &Config) -> Vec<String> {
    let splash = &config.splash;
    let logos = [("splash.logo", &splash.logo), ("splash.logo-light", &splash.logo_light)];
    let logos = logos.into_iter().filter(|(_, path)| !path.as_os_str().is_empty());
    let mut told: Vec<String> = logos.filter_map(|(key, path)| wrong_logo(key, path)).collect();
    let font = splash.font.trim();
    if !font.is_empty() {
        let (_, wrong) = Fonts::new(Some(font.to_owned())).find("", "");
        told.extend(wrong.map(|wrong| format!("splash.font: {wrong}; the built-in one is used")));
    }
    told
}

fn wrong_logo(key: &str, path: &Path) -> Option<String> {
    match read_logo(path).err()? {
        // Missing and unreadable files are reported elsewhere, by a check that runs as kioskd's user.
        NoLogo::Unread(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => None,
        error => Some(no_logo(key, path, &error)),
    }
}

/// Why there is no logo.
#[derive(Debug, thiserror::Error)]
enum NoLogo {
    /// The file.
    #[error(" could not be read: {0}")]
    Unread(std::io::Error),
    /// What is in it.
    #[error(": {0}")]
    Wrong(LogoError),
}

fn read_logo(path: &Path) -> Result<Logo, NoLogo> {
    let bytes = read_regular(path, MAX_LOGO_FILE as u64).map_err(NoLogo::Unread)?;
    Logo::with_installed_fonts(&bytes).map_err(NoLogo::Wrong)
}

fn no_logo(key: &str, path: &Path, error: &NoLogo) -> String {
    format!("{key}: {}{error}; no logo is shown", path.display())
}

#[cfg(test)]
mod tests {

    use kiosk_splash::{Progress, View, compose};

    use super::*;

    #[test]
    fn a_logo_and_a_font_that_are_none_are_told_and_good_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("broken.svg"), "<svg").unwrap();
        std::fs::write(at("text.png"), "hello").unwrap();
        std::fs::write(at("no.ttf"), "hello").unwrap();
        std::fs::write(at("good.svg"), include_bytes!("../../assets/logo/logo.svg")).unwrap();
        std::fs::write(at("good.ttf"), include_bytes!("../../assets/font/kiosk-sans.ttf")).unwrap();
        let told = |logo: &str, light: &str, font: &str| {
            let mut config = Config::default();
            config.splash.logo = at(logo);
            config.splash.logo_light = if light.is_empty() { Path::new("").to_owned() } else { at(light) };
            config.splash.font = font.to_owned();
            unusable(&config)
        };
        let wrong = told("broken.svg", "text.png", at("no.ttf").to_str().unwrap());
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].contains("broken.svg: the logo is not a valid SVG"), "{wrong:?}");
        assert!(wrong[1].contains("text.png: the logo is neither SVG nor PNG nor JPEG"), "{wrong:?}");
        assert!(wrong[2].contains("no.ttf is no font that can be read"), "{wrong:?}");
        let wrong = told("good.svg", "", "No Such Family");
        assert!(wrong[0].starts_with("splash.font: no font called \"No Such Family\" is installed"), "{wrong:?}");
        assert_eq!(told("good.svg", "", at("good.ttf").to_str().unwrap()), [""; 0]);
        assert_eq!(told("missing.svg", "", ""), [""; 0], "that is told elsewhere");
    }

    fn problems(logo: &Path) -> Vec<String> {
        let mut config = Config::default();
        config.splash.logo = logo.to_owned();
        let mut problems = Vec::new();
        style(&config, &mut problems);
        problems
    }

    #[test]
    fn what_is_no_logo_is_told_and_never_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo.svg");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let told =
            format!("splash.logo: {} could not be read: it is not a regular file; no logo is shown", fifo.display());
        assert_eq!(problems(&fifo), [told]);
        assert!(problems(directory.path())[0].ends_with("it is not a regular file; no logo is shown"));
        assert!(problems(Path::new("/dev/zero"))[0].ends_with("it is not a regular file; no logo is shown"));
        assert!(problems(&directory.path().join("none.svg"))[0].contains("could not be read: No such file"));
        assert_eq!(problems(&Config::default().splash.logo), [""; 0]);
    }

    #[test]
    fn a_logo_that_can_not_be_used_leaves_the_background_and_never_our_own() {
        let directory = tempfile::tempdir().unwrap();
        let still = View::Splash { message: None, progress: Progress::None };
        for (name, content) in [("broken.svg", "<svg"), ("none.png", ""), ("text.jpg", "hello"), ("missing.svg", "")] {
            let path = directory.path().join(name);
            if name != "missing.svg" {
                std::fs::write(&path, content).unwrap();
            }
            let mut config = Config::default();
            config.splash.logo = path;
            let mut problems = Vec::new();
            let style = style(&config, &mut problems);
            assert!(problems.len() == 1 && problems[0].ends_with("no logo is shown"), "{problems:?}");
            assert!(compose(&still, &style, 640, 400, 1.0).pieces.is_empty(), "{name}");
        }
        let own = style(&Config::default(), &mut Vec::new());
        assert_eq!(compose(&still, &own, 640, 400, 1.0).pieces.len(), 1);
    }

    #[test]
    fn the_light_look_may_have_a_logo_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let wide = directory.path().join("wide.svg");
        let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='4' height='1'><rect width='4' height='1'/></svg>";
        std::fs::write(&wide, svg).unwrap();
        let mut config = Config::default();
        config.splash.logo_light = wide;
        let shape = |config: &Config| {
            let mut problems = Vec::new();
            let still = View::Splash { message: None, progress: Progress::None };
            let image = compose(&still, &style(config, &mut problems), 1000, 1000, 1.0).pieces[0].image.clone();
            assert_eq!(problems, [""; 0]);
            image.width / image.height
        };
        assert_eq!(shape(&config), 1);
        config.splash.look = kiosk_core::config::Look::Light;
        assert_eq!(shape(&config), 4);
        config.splash.logo_light = "/nowhere.svg".into();
        let mut problems = Vec::new();
        style(&config, &mut problems);
        assert!(problems[0].starts_with("splash.logo-light: /nowhere.svg could not be read"), "{problems:?}");
    }

    #[test]
    fn the_look_follows_the_configuration() {
        let mut config = Config::default();
        config.splash.look = kiosk_core::config::Look::Light;
        config.splash.text_color = Some([1, 2, 3]);
        config.splash.logo_size = Some(60);
        let style = style(&config, &mut Vec::new());
        assert_eq!((style.background, style.text_color), ([255; 3], Some([1, 2, 3])));
        let still = View::Splash { message: None, progress: Progress::None };
        assert_eq!(compose(&still, &style, 1000, 1000, 1.0).pieces[0].image.width, 480);
        config.splash.background = [10, 20, 30];
        assert_eq!(super::style(&config, &mut Vec::new()).background, [10, 20, 30]);
    }
}
