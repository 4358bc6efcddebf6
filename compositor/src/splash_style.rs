//! The splash's look from the configuration.

use kiosk_core::{config::Config, files::read_regular};
use kiosk_splash::{Logo, MAX_LOGO_FILE, Style};

/// The splash's style from the configuration; a logo that cannot be used is replaced by the built-in one.
pub fn style(config: &Config, problems: &mut Vec<String>) -> Style {
    let mut style = Style { background: config.splash.background, message: config.splash.message, ..Style::default() };
    let path = &config.splash.logo;
    // The default path is where our own logo is installed: without the package the built-in one is the same.
    match read_regular(path, MAX_LOGO_FILE as u64) {
        Ok(bytes) => match Logo::from_bytes(&bytes) {
            Ok(logo) => style.logo = logo,
            Err(error) => problems.push(format!("splash.logo: {}: {error}", path.display())),
        },
        Err(error) if *path != Config::default().splash.logo => {
            problems.push(format!("splash.logo: {} could not be read: {error}", path.display()));
        }
        Err(_) => {}
    }
    style
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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
        let told = format!("splash.logo: {} could not be read: it is not a regular file", fifo.display());
        assert_eq!(problems(&fifo), [told]);
        assert!(problems(directory.path())[0].ends_with("it is not a regular file"));
        assert!(problems(Path::new("/dev/zero"))[0].ends_with("it is not a regular file"));
        assert!(problems(&directory.path().join("none.svg"))[0].contains("could not be read: No such file"));
        assert_eq!(problems(&Config::default().splash.logo), [""; 0]);
    }
}
