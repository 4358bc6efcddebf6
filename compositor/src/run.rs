//! From the command line to a running event loop. The order matters: the first frame comes before everything that it
//! does not need (the GPU, libinput, hotplug, keymap, sockets, D-Bus).

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow};
use kiosk_core::{
    api::{self, CONTROL_SOCKET},
    config::{Config, Loaded, NewWindows, SavedState, Shell, Sources},
    input_database,
    sockets::SocketDir,
};
use kiosk_splash::Report;
use smithay::{
    reexports::{
        calloop::channel::{self, Event as ChannelEvent},
        wayland_server::Display,
    },
    utils::Clock,
};

use crate::{
    backend::{
        Backend,
        headless::{DEFAULT_OUTPUT, Headless},
        kms::Kms,
        winit::Winit,
    },
    boot_problems::BootProblems,
    boot_times::BootRecord,
    brightness::Brightness,
    child::{self, Launch, Role},
    clients::Clients,
    control,
    debug::DebugAids,
    event_loop::EventLoop,
    idle::Idle,
    input::{SeatParts, layouts},
    kiosk::{
        Activity, FlipWatch, Hardware, Kiosk, MainLoop, Session, Settings, Status, SystemScreens, Timers, keyboard,
    },
    lifecycle::{Exit, Lifecycle},
    limits,
    night_light::NightLight,
    notify::Notifier,
    options::{BackendChoice, MultiChoice, Options, SessionChoice},
    paths,
    persistence::Saved,
    power::Power,
    problems::{MAX_PROBLEMS, Problems},
    protocols::Protocols,
    publisher::Publisher,
    screens::{Screens, ShellScreen},
    session_link, signals, sockets, splash_style,
    stage::{Stage, keyboard::ScreenKeyboard, windows::Windows},
    trial::Trial,
    watchdog,
};

/// Time limit for the child to exit at shutdown.
const CHILD_GRACE: Duration = Duration::from_secs(3);

/// Reads the configuration that these options name.
pub(crate) fn load_config(options: &Options) -> Loaded {
    let sources = match &options.config {
        Some(file) => Sources::file(file),
        None => Sources::system(),
    };
    Config::load(&sources)
}

/// `--check-config`: prints what is in force and what is wrong.
pub fn check_config(options: &Options) -> ExitCode {
    let loaded = load_config(options);
    print!("{}", loaded.toml());
    let mut complaints = loaded.complaints();
    complaints.extend(layouts::wrong(&loaded.config));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs until it is stopped, or until COMMAND exits.
pub fn run(options: Options) -> anyhow::Result<Exit> {
    limits::descriptors::raise_limit();
    let loaded = load_config(&options);
    let mut event_loop: EventLoop<Kiosk> = EventLoop::new().context("no event loop")?;
    if !wayland_sys::server::is_lib_available() {
        return Err(anyhow!("libwayland-server.so.0 is missing: please install it (Debian: libwayland-server0)"));
    }
    let display: Display<Kiosk> = Display::new().context("the Wayland server could not be set up")?;
    let backend = open_backend(&options, &loaded.config, &event_loop)?;
    let mut kiosk = build(&options, loaded, backend, &event_loop, &display);

    kiosk.start_clock();
    kiosk.displays_changed();
    kiosk.settle();
    if let Some(reason) = nothing_can_be_shown(&kiosk) {
        return Err(anyhow!("no screen can be drawn to: {reason}"));
    }
    tracing::debug!(at = ?kiosk.now(), "first frame drawn");
    if kiosk.hardware.backend.start_gpus()? {
        kiosk.displays_changed();
    }
    tracing::debug!(at = ?kiosk.now(), "renderers started");

    finish_start(&options, &mut kiosk, display)?;
    kiosk.settle();
    while kiosk.main_loop.lifecycle.exit().is_none() {
        event_loop.turn(None, &mut kiosk).context("the event loop failed")?;
        kiosk.settle();
    }
    kiosk.main_loop.lifecycle.notifier.stopping();
    kiosk.save_rest();
    kiosk.keep_reboot_time();
    kiosk.close_x11();
    end_child(&mut event_loop, &mut kiosk);
    kiosk.end_x11();
    Ok(kiosk.main_loop.lifecycle.exit().unwrap_or(Exit(0)))
}

/// Builds what the first frame needs. Tests use a back end of their own.
pub fn build(
    options: &Options,
    loaded: Loaded,
    backend: Box<dyn Backend>,
    event_loop: &EventLoop<Kiosk>,
    display: &Display<Kiosk>,
) -> Kiosk {
    let Loaded { config, errors, .. } = loaded;
    let config = options.over(config);
    let handle = event_loop.handle();
    let display_handle = display.handle();
    let mut protocols = Protocols::new(&display_handle, &config.limits);
    let seat = SeatParts::new(&mut protocols.seat, &display_handle, &config.input, &config.keyboard);
    let mut problems: Vec<String> = errors.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
    problems.extend(config.unfollowed());
    let errors = problems.clone();
    let style = splash_style::style(&config, &mut problems);
    let saved = match paths::saved_directory(options) {
        None => Saved::default(),
        Some(directory) => {
            let (state, warning) = SavedState::load(&directory);
            problems.extend(warning);
            Saved::new(state, Some(directory))
        }
    };
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    let environment = |name: &str| std::env::var(name).ok();
    let wait_for_session = options.command.is_empty() && options.session != SessionChoice::None;
    let wanted = shell_screens(options, &config);
    let popups = with_popups(options, &config);
    let clock = Clock::new();
    let (brightness, answers) = Brightness::new();
    let inserted = handle.insert_source(answers, |event, _, kiosk| {
        if let ChannelEvent::Msg(answered) = event {
            kiosk.brightness_answered(answered);
        }
    });
    if let Err(error) = inserted {
        tracing::warn!(%error, "no channel for DDC/CI: brightness of monitors cannot be changed");
    }
    let mut idle = Idle::new(config.idle.reset.filter(|_| wait_for_session), wanted.len(), clock.now().into());
    idle.set_screen_off(config.idle.screen_off);
    let power = Power::new(&config, clock.now().into());
    let night_light = NightLight::new(&config.night_light);
    Kiosk {
        main_loop: MainLoop {
            lifecycle: Lifecycle::new(Notifier::from_env()),
            handle,
            display: display_handle,
            clock,
            timers: Timers::default(),
        },
        activity: Activity { idle, power, night_light },
        stage: Stage {
            debug: DebugAids::from_env(),
            report: Report { lines: errors, ..Report::default() },
            keyboard: ScreenKeyboard::new(keyboard::look(&config.keyboard)),
            language: config.language(environment),
            texts: config.all_texts(environment),
            windows: Windows::new(popups),
            ..Stage::new(style, config.input.cursor, !options.no_splash, wait_for_session, wanted.len())
        },
        settings: Settings { config, options: options.clone(), saved, trial: Trial::default() },
        protocols,
        clients: Clients::default(),
        seat,
        screens: Screens::new(wanted),
        hardware: Hardware { backend, flips: FlipWatch::default(), brightness },
        session: Session::default(),
        status: Status {
            problems: Problems::new(problems),
            boot_problems: match paths::is_appliance(options) {
                true => BootProblems::of_this_boot(),
                false => BootProblems::default(),
            },
            boot_times: match paths::is_appliance(options) {
                true => BootRecord::load(&paths::runtime_dir(options)),
                false => BootRecord::default(),
            },
            publisher: Publisher::default(),
            system_screens: SystemScreens::default(),
        },
    }
}

/// For each shell, whether its further windows are popups (browsers with `new-windows = "popup"`).
fn with_popups(options: &Options, config: &Config) -> Vec<bool> {
    let popup = |shell: &Shell| {
        options.command.is_empty() && shell.is_browser() && shell.browser_settings.new_windows == NewWindows::Popup
    };
    config.all_shells().iter().map(popup).collect()
}

fn open_backend(options: &Options, config: &Config, event_loop: &EventLoop<Kiosk>) -> anyhow::Result<Box<dyn Backend>> {
    let handle = event_loop.handle();
    let nested =
        ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    let choice = match options.backend {
        BackendChoice::Auto if nested => BackendChoice::Winit,
        BackendChoice::Auto => BackendChoice::Kms,
        choice => choice,
    };
    for unused in options.without_effect(choice) {
        tracing::warn!("{unused}");
    }
    Ok(match choice {
        BackendChoice::Winit => {
            Box::new(Winit::new(&handle, options.output.first().copied()).map_err(|error| anyhow!("{error}"))?)
        }
        BackendChoice::Headless => {
            let specs = if options.output.is_empty() { &[DEFAULT_OUTPUT][..] } else { &options.output };
            Box::new(Headless::new(handle, specs)?)
        }
        BackendChoice::Kms | BackendChoice::Auto => {
            Box::new(Kms::new(&handle, options.renderer, &config.lease.connectors)?)
        }
    })
}

/// The error, if no screen accepted the first frame because another program is in control of the device. Other refusals
/// are retried, in other modes too. On a terminal that is not in front there is no screen yet.
fn nothing_can_be_shown(kiosk: &Kiosk) -> Option<String> {
    let mut lit = kiosk.screens.iter().filter(|screen| screen.lit()).peekable();
    lit.peek()?;
    let reasons: Option<Vec<&str>> = lit
        .map(|screen| screen.trouble.as_ref().filter(|trouble| trouble.inactive).map(|trouble| trouble.reason.as_str()))
        .collect();
    reasons?.first().map(|reason| (*reason).to_owned())
}

/// The wanted screen of each shell: cage's `-m last`, else `output` of its table. A command is one shell.
fn shell_screens(options: &Options, config: &Config) -> Vec<ShellScreen> {
    let shells = if options.command.is_empty() { config.all_shells() } else { std::slice::from_ref(&config.shell) };
    let wanted = |output: &str| match (options.multi, output) {
        (Some(MultiChoice::Last), _) => ShellScreen::Last,
        (_, "*" | "") => ShellScreen::First,
        (_, name) => ShellScreen::Named(name.to_owned()),
    };
    shells.iter().map(|shell| wanted(&shell.output)).collect()
}

/// Everything after the first frame.
fn finish_start(options: &Options, kiosk: &mut Kiosk, display: Display<Kiosk>) -> anyhow::Result<()> {
    let settings = kiosk.settings.config.input.clone();
    if let Err(error) = kiosk.seat.add_keyboard(&settings) {
        kiosk.problem(error.to_string());
    }
    let formats = kiosk.hardware.backend.shm_formats();
    kiosk.protocols.shm.update_formats(formats);
    kiosk.offer_dmabuf();

    let directory = paths::runtime_dir(options);
    let sockets_directory = SocketDir::open(&directory)?;
    let displays = sockets::open_wayland(kiosk, display, &sockets_directory).context("no Wayland sockets")?;
    let wayland = displays.first().cloned().unwrap_or_else(|| directory.join(api::WAYLAND_SOCKET));
    tracing::info!(socket = %wayland.display(), shells = displays.len(), backend = kiosk.hardware.backend.name(), renderer = kiosk.hardware.backend.renderer(), "ready for clients");
    let displays = displays.iter().map(|display| display.to_string_lossy().into_owned()).collect();
    session_link::listen(kiosk, &directory.join(CONTROL_SOCKET), displays).context("no control socket")?;
    if options.session == SessionChoice::External
        && let Err(error) = sockets_directory.link(api::SESSION_SOCKET, &api::session_socket_target(), sockets::PROGRAM)
    {
        // kioskctl can still use the system bus.
        kiosk.problem(error.to_string());
    }

    kiosk.take_boot_problems();
    kiosk.welcome();
    kiosk.keep_reboot_time();
    signals::listen(kiosk)?;
    start_control(kiosk, directory.clone());
    watchdog::start(kiosk);
    kiosk.hardware.backend.start_input();
    if kiosk.hardware.backend.has_console_input()
        && let Some(sentence) = input_database::problem(&input_database::unheard(Path::new("/")))
    {
        kiosk.problem(sentence);
    }
    kiosk.watch_backlights();

    let role = match (&options.command, options.session) {
        (command, _) if !command.is_empty() => Some(Role::Command(command.clone())),
        (_, SessionChoice::Auto) => Some(Role::Session { config: options.config.clone() }),
        (_, SessionChoice::External | SessionChoice::None) => None,
    };
    kiosk.offer_x11(&sockets_directory);
    if let Some(role) = role {
        child::start(kiosk, Launch { role, wayland, runtime_dir: directory });
    }
    // Without a display there is no first flip to wait for: the service counts as started.
    if !kiosk.screens.iter().any(|screen| screen.lit()) {
        kiosk.main_loop.lifecycle.notifier.ready();
    }
    Ok(())
}

/// Starts the D-Bus thread. A failure is reported as a problem; the kiosk runs without it.
fn start_control(kiosk: &mut Kiosk, runtime_dir: PathBuf) {
    let (sender, receiver) = channel::channel();
    let inserted = kiosk.main_loop.handle.insert_source(receiver, |event, _, kiosk| {
        if let ChannelEvent::Msg(call) = event {
            kiosk.answer(call);
        }
    });
    if let Err(error) = inserted {
        kiosk.problem(format!("D-Bus requests cannot be taken: {error}"));
        return;
    }
    let to_loop = move |call| {
        // The loop is gone only when the process ends.
        let _ = sender.send(call);
    };
    let listen_on = control::ListenOn { runtime_dir, bus: control::Bus::System };
    kiosk.status.publisher.control = Some(control::start(listen_on, to_loop, kiosk.snapshot()));
}

/// Ends the child and waits for it, for a bounded time.
fn end_child(event_loop: &mut EventLoop<Kiosk>, kiosk: &mut Kiosk) {
    let Some(pid) = kiosk.main_loop.lifecycle.child else { return };
    child::end(pid);
    let deadline = kiosk.now() + CHILD_GRACE;
    while kiosk.main_loop.lifecycle.child.is_some() {
        let left = deadline.saturating_sub(kiosk.now());
        if left.is_zero() || event_loop.turn(Some(left), kiosk).is_err() {
            tracing::warn!("child did not exit in time");
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
            return;
        }
        let _ = kiosk.main_loop.display.flush_clients();
    }
}
