//! Chromium's command line and environment as a kiosk. Used by [`crate::daemon`] at each launch; starts nothing itself.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use url::Url as Address;

use crate::launcher::{LaunchError, Order, find_program, leftovers};
use crate::profile::Directories;
use crate::sign_in::CREDENTIALS_ENV;
use kiosk_core::api::{X_DISPLAY_ENV, X_SOCKET};
use kiosk_core::config::{Printing, Proxy, Shell};
use kiosk_core::files::read_regular;
use kiosk_core::notify;

/// Flags for every kiosk. Deliberately without a debugging port, which anybody could use, and without
/// `--ozone-platform=auto` and `--force-device-scale-factor`, which break the display.
const FLAGS: [&str; 19] = [
    "--kiosk",
    "--ozone-platform=wayland",
    "--remote-debugging-pipe",
    "--noerrdialogs",
    "--disable-session-crashed-bubble",
    "--hide-crash-restore-bubble",
    "--password-store=basic",
    "--no-first-run",
    "--check-for-update-interval=31536000",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--disable-hang-monitor",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    // Enables text-input, by which the compositor learns of text fields.
    "--enable-wayland-ime",
    // Bounds the cache, so that it cannot fill the disk.
    "--disk-cache-size=67108864",
];
/// Features of the browser's own interface, which a kiosk never shows. Chromium loads the list below its address bar at
/// each start, hidden and in a process of its own: half of the processor time of a start, and 60 MB (measured with 156).
/// The last two ask a visitor in dialogs of the browser: who signs in by an account elsewhere, and digital credentials.
const UNUSED_FEATURES: [&str; 4] =
    ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "FedCm", "WebIdentityDigitalCredentials"];
const DISABLE_FEATURES: &str = "--disable-features=";
/// Flags for machines with little memory.
const LOW_MEMORY_FLAGS: [&str; 3] =
    ["--enable-low-end-device-mode", "--renderer-process-limit=1", "--js-flags=--max-old-space-size=64"];
/// Less memory than this is little, KiB.
const LOW_MEMORY: u64 = 1_200_000;
/// Longest script of `browser.proxy` in a file, bytes: the kernel takes arguments of up to 128 KiB, and base64 needs a
/// third more. Such scripts are a few KiB.
const MAX_SCRIPT: u64 = 90 << 10;
/// The first page; the real one is opened through the pipe.
const BLANK: &str = "about:blank";

/// The machine's part of a launch.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The compositor's Wayland socket, as a path.
    pub wayland_display: PathBuf,
    /// The shell's number.
    pub number: usize,
    /// The browser's directories.
    pub directories: Directories,
    /// Sets HOME to a directory in there: the browser finds the device's certificate there, and none of the user's, for
    /// which it would prompt a visitor.
    pub own_home: bool,
    /// It runs as root, under which its sandbox does not work.
    pub root: bool,
    /// The machine's memory, KiB; `None`: unknown.
    pub memory: Option<u64>,
}

/// The order that starts Chromium, with `pipe` for DevTools.
pub fn order(shell: &Shell, surroundings: &Surroundings, pipe: (OwnedFd, OwnedFd)) -> Result<Order, LaunchError> {
    let path = std::env::var_os("PATH");
    let program = find_program(&shell.browser, path.as_deref()).ok_or_else(|| {
        LaunchError::Missing(shell.browser.clone(), "install the package chromium or set shell.browser")
    })?;
    let arguments = arguments(shell, surroundings)?.into_iter().map(OsString::from).collect();
    Ok(Order { program, arguments, environment: environment(surroundings), pipe: Some(pipe) })
}

/// The complete URL for `shell.command`: only a process's own user can read its environment, while everybody can read
/// command lines. The name is the configuration's variable for `shell.url`.
const URL_ENV: &str = "KIOSK_SHELL_URL";

/// The order that starts `shell.command`, with `words` as its command line.
pub fn command_order(shell: &Shell, words: &[String], surroundings: &Surroundings) -> Result<Order, LaunchError> {
    let path = std::env::var_os("PATH");
    let name = words.first().map(String::as_str).unwrap_or_default();
    let program = find_program(name, path.as_deref())
        .ok_or_else(|| LaunchError::Missing(name.to_owned(), "install it, or correct shell.command"))?;
    let arguments = words.iter().skip(1).map(OsString::from).collect();
    let mut environment = environment(surroundings);
    environment.push((URL_ENV.into(), Some(shell.url.as_str().into())));
    offer_display(&mut environment, x_display(&surroundings.wayland_display));
    Ok(Order { program, arguments, environment, pipe: None })
}

/// kioskd's X display: as its child is told, else the one for services, if it is there.
fn x_display(wayland_display: &Path) -> Option<OsString> {
    let for_services = || wayland_display.with_file_name(X_SOCKET).exists().then(|| OsString::from(":0"));
    std::env::var_os(X_DISPLAY_ENV).or_else(for_services)
}

/// Gives X programs this display; `None`: there is none.
fn offer_display(environment: &mut [(OsString, Option<OsString>)], display: Option<OsString>) {
    for (name, value) in environment {
        if name == "DISPLAY" {
            value.clone_from(&display);
        }
    }
}

fn arguments(shell: &Shell, surroundings: &Surroundings) -> Result<Vec<String>, LaunchError> {
    let directories = &surroundings.directories;
    let mut arguments: Vec<String> = FLAGS.map(str::to_owned).into();
    arguments.push(format!("--user-data-dir={}", directories.profile.display()));
    arguments.push(format!("--disk-cache-dir={}", directories.cache.display()));
    if surroundings.memory.is_some_and(|memory| memory < LOW_MEMORY) {
        arguments.extend(LOW_MEMORY_FLAGS.map(str::to_owned));
    }
    if surroundings.root {
        arguments.push("--no-sandbox".into());
    }
    if shell.browser_settings.printing == Printing::Silent {
        // Prints on the default printer without the preview, which offers files and other printers.
        arguments.push("--kiosk-printing".into());
    }
    arguments.extend(proxy_flag(&shell.browser_settings.proxy)?);
    if let Some(language) = &shell.browser_settings.language {
        // The first sets the browser's own language, if its package has it; the second is for pages.
        arguments.extend([format!("--lang={language}"), format!("--accept-lang={language}")]);
    }
    // Of several such flags Chromium takes the last.
    let (disabled, others): (Vec<&String>, Vec<&String>) =
        shell.extra_args.iter().partition(|argument| argument.starts_with(DISABLE_FEATURES));
    let disabled = disabled.into_iter().filter_map(|argument| argument.strip_prefix(DISABLE_FEATURES));
    let disabled: Vec<&str> = UNUSED_FEATURES.into_iter().chain(disabled).collect();
    arguments.push(format!("{DISABLE_FEATURES}{}", disabled.join(",")));
    arguments.extend(others.into_iter().cloned());
    arguments.push(BLANK.into());
    Ok(arguments)
}

/// `None`: the browser uses the system's settings.
fn proxy_flag(proxy: &Proxy) -> Result<Option<String>, LaunchError> {
    Ok(match proxy {
        Proxy::System => None,
        Proxy::None => Some("--no-proxy-server".into()),
        Proxy::Server(address) => Some(format!("--proxy-server={address}")),
        Proxy::Pac(address) => Some(format!("--proxy-pac-url={}", script_address(address)?)),
    })
}

/// Chromium silently takes no script from a file, and no proxy then: it gets the script itself.
fn script_address(address: &str) -> Result<String, LaunchError> {
    let file = Address::parse(address).ok().filter(|url| url.scheme() == "file");
    let Some(path) = file.and_then(|url| url.to_file_path().ok()) else { return Ok(address.to_owned()) };
    let script = read_regular(&path, MAX_SCRIPT).map_err(|error| LaunchError::Script(path, error))?;
    Ok(format!("data:application/x-ns-proxy-autoconfig;base64,{}", BASE64_STANDARD.encode(script)))
}

/// The shell's environment, where it differs from ours.
pub fn environment(surroundings: &Surroundings) -> Vec<(OsString, Option<OsString>)> {
    let set = |name: &str, value: &OsStr| (OsString::from(name), Some(value.to_owned()));
    let mut environment = vec![
        set("WAYLAND_DISPLAY", surroundings.wayland_display.as_os_str()),
        set("XDG_SESSION_TYPE", OsStr::new("wayland")),
        set(leftovers::MARK_ENV, surroundings.directories.base.as_os_str()),
        (OsString::from("DISPLAY"), None),
        (OsString::from(X_DISPLAY_ENV), None),
        (OsString::from("WAYLAND_SOCKET"), None),
        // Credentials are not passed on to the shell.
        (OsString::from(CREDENTIALS_ENV), None),
    ];
    environment.extend(notify::ENV.map(|name| (OsString::from(name), None)));
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let usable = home.is_some_and(|home| rustix::fs::access(&home, rustix::fs::Access::WRITE_OK).is_ok());
    if !usable || surroundings.own_home {
        // A service's user has no home; the browser keeps crash reports and font caches there.
        let base = &surroundings.directories.base;
        environment.push(set("HOME", base.as_os_str()));
        environment.push(set("XDG_CONFIG_HOME", base.join("config").as_os_str()));
        environment.push(set("XDG_CACHE_HOME", base.join("cache").as_os_str()));
        environment.push((OsString::from("XDG_DATA_HOME"), None));
    }
    environment
}

/// `MemTotal` of `/proc/meminfo`, KiB.
pub fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiosk_core::config::Url;

    fn surroundings(root: bool, memory: Option<u64>) -> Surroundings {
        let directories = Directories { base: "/s".into(), profile: "/s/profile".into(), cache: "/s/cache".into() };
        let wayland_display = "/run/kiosk/wayland-0".into();
        Surroundings { wayland_display, number: 0, directories, own_home: false, root, memory }
    }

    #[test]
    fn extra_arguments_come_behind_the_built_in_ones() {
        let shell = Shell { extra_args: vec!["--lang=de".into()], ..Shell::default() };
        let arguments = arguments(&shell, &surroundings(false, Some(8_000_000))).unwrap();
        assert_eq!(arguments[..3], ["--kiosk", "--ozone-platform=wayland", "--remote-debugging-pipe"]);
        assert_eq!(arguments[arguments.len() - 2..], ["--lang=de", "about:blank"]);
        assert!(arguments.contains(&"--user-data-dir=/s/profile".to_owned()));
        assert!(!arguments.iter().any(|a| a == "--no-sandbox" || a.contains("low-end") || a.contains("port")));
    }

    #[test]
    fn features_that_somebody_disables_stay_disabled_beside_the_unused_ones() {
        let extra_args = ["--disable-features=Translate,A", "--lang=de", "--disable-features=B"].map(String::from);
        let shell = Shell { extra_args: extra_args.into(), ..Shell::default() };
        let arguments = arguments(&shell, &surroundings(false, None)).unwrap();
        let disabled: Vec<&String> =
            arguments.iter().filter(|argument| argument.starts_with("--disable-features")).collect();
        assert_eq!(disabled, [&format!("--disable-features={},Translate,A,B", UNUSED_FEATURES.join(","))]);
        assert!(arguments.contains(&"--lang=de".to_owned()));
    }

    #[test]
    fn the_proxy_is_the_configured_one() {
        let flags = |proxy: Proxy| {
            let mut shell = Shell::default();
            shell.browser_settings.proxy = proxy;
            let all = arguments(&shell, &surroundings(false, None)).unwrap();
            all.into_iter().filter(|flag| flag.contains("proxy")).collect::<Vec<_>>()
        };
        assert_eq!(flags(Proxy::System), [""; 0]);
        assert_eq!(flags(Proxy::None), ["--no-proxy-server"]);
        assert_eq!(flags(Proxy::Server("http://p:1".into())), ["--proxy-server=http://p:1"]);
        assert_eq!(flags(Proxy::Pac("http://p/x.pac".into())), ["--proxy-pac-url=http://p/x.pac"]);
    }

    #[test]
    fn the_browser_gets_a_proxy_script_of_a_file_itself_and_a_missing_one_is_named() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("a b.pac");
        let mut shell = Shell::default();
        shell.browser_settings.proxy = Proxy::Pac(Address::from_file_path(&file).unwrap().into());
        let error = arguments(&shell, &surroundings(false, None)).unwrap_err().to_string();
        assert!(
            error.starts_with("browser.proxy names ") && error.contains("a b.pac, which can't be read: "),
            "{error}"
        );
        std::fs::write(&file, "function").unwrap();
        let all = arguments(&shell, &surroundings(false, None)).unwrap();
        let flag = "--proxy-pac-url=data:application/x-ns-proxy-autoconfig;base64,ZnVuY3Rpb24=";
        assert!(all.iter().any(|own| own == flag), "{all:?}");
        std::fs::write(&file, "x".repeat(MAX_SCRIPT as usize + 1)).unwrap();
        assert!(arguments(&shell, &surroundings(false, None)).is_err());
    }

    #[test]
    fn only_a_shell_that_may_print_does_and_without_a_question() {
        for (printing, wanted) in [(Printing::None, false), (Printing::Silent, true)] {
            let mut shell = Shell::default();
            shell.browser_settings.printing = printing;
            let arguments = arguments(&shell, &surroundings(false, None)).unwrap();
            assert_eq!(arguments.contains(&"--kiosk-printing".to_owned()), wanted, "{printing:?}");
        }
    }

    #[test]
    fn root_and_little_memory_have_flags_of_their_own() {
        let arguments = arguments(&Shell::default(), &surroundings(true, Some(900_000))).unwrap();
        assert!(arguments.contains(&"--no-sandbox".to_owned()));
        assert!(arguments.contains(&"--enable-low-end-device-mode".to_owned()));
    }

    #[test]
    fn a_missing_browser_is_named_with_what_to_do() {
        let shell = Shell { browser: "no-such-browser".into(), ..Shell::default() };
        let pipe = rustix::pipe::pipe().unwrap();
        let error = order(&shell, &surroundings(false, None), pipe).unwrap_err();
        let expected = "no-such-browser is not installed: install the package chromium or set shell.browser";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_password_for_a_command_stands_in_its_environment_and_not_in_its_command_line() {
        let url = Url::parse("http://ann:geheim@host/").unwrap();
        let shell = Shell { command: vec!["sh".into(), "{url}".into()], url, ..Shell::default() };
        let order = command_order(&shell, &shell.command_line().unwrap(), &surroundings(false, None)).unwrap();
        assert_eq!(order.arguments, ["http://host/"]);
        let whole = "http://ann:geheim@host/";
        assert!(order.environment.contains(&("KIOSK_SHELL_URL".into(), Some(whole.into()))));
    }

    #[test]
    fn a_browser_has_no_x_display_and_a_command_has_kioskds() {
        let mut environment = environment(&surroundings(false, None));
        for name in ["DISPLAY", X_DISPLAY_ENV] {
            assert!(environment.contains(&(name.into(), None)), "{name}");
        }
        offer_display(&mut environment, Some(":7".into()));
        assert!(environment.contains(&("DISPLAY".into(), Some(":7".into()))));
        assert!(!environment.contains(&("DISPLAY".into(), None)));
    }

    #[test]
    fn a_command_of_a_service_has_the_display_beside_its_wayland_socket() {
        let directory = tempfile::tempdir().unwrap();
        let wayland = directory.path().join("wayland-0");
        assert_eq!(x_display(&wayland), None);
        std::fs::create_dir(directory.path().join("x11")).unwrap();
        std::fs::write(directory.path().join("x11/X0"), "").unwrap();
        assert_eq!(x_display(&wayland), Some(":0".into()));
    }

    #[test]
    fn the_shell_does_not_inherit_the_notify_socket() {
        let environment = environment(&surroundings(false, None));
        for name in notify::ENV {
            assert!(environment.contains(&(name.into(), None)), "{name}");
        }
    }

    #[test]
    fn the_memory_of_this_machine_is_read() {
        assert!(machine_memory().unwrap() > 1000);
    }
}
