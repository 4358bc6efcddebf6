//! X11 programs with kioskd in place of cage, with a real Xwayland: the tests are X clients themselves.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use kiosk_core::api::{CONTROL_SOCKET, Notice, Report, State};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use wayland_client::protocol::wl_seat::WlSeat;
use wayland_protocols::ext::data_control::v1::client::ext_data_control_manager_v1::ExtDataControlManagerV1;
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1;
use x11rb::{
    COPY_DEPTH_FROM_PARENT, CURRENT_TIME,
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ClientMessageEvent, ConfigureNotifyEvent, ConnectionExt, CreateWindowAux, EventMask,
            MapRequestEvent, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
            WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use super::{
    client as wayland,
    process::{PATIENCE, Running, program, readable},
    window_list::WindowList,
};

const RED: u32 = 0xff_00_00;
const GREEN: u32 = 0x00_ff_00;
const BLUE: u32 = 0x00_00_ff;

/// A headless kioskd, whose command writes its X display and then does nothing.
struct Stand {
    kioskd: Running,
    directory: tempfile::TempDir,
}

impl Stand {
    fn start(screen: &str) -> Self {
        Self::start_with(screen, |_, _| ())
    }

    fn start_with(screen: &str, change: impl FnOnce(&mut Command, &Path)) -> Self {
        Self::start_command(screen, |command, directory, script| {
            command.arg("--no-splash");
            change(command, directory);
            command.args(["--", "/bin/sh", "-c", script]);
        })
    }

    /// `complete` sets the program for the script, and further arguments.
    fn start_command(screen: &str, complete: impl FnOnce(&mut Command, &Path, &str)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("kioskd"));
        let said = directory.path().join("said");
        let script = format!("echo \"$DISPLAY\" > {0}.new; mv {0}.new {0}; exec sleep 1000", said.display());
        set_environment(&mut command, directory.path());
        command.args(["--backend=headless", "--output", screen, "--runtime-dir"]);
        command.arg(directory.path().join("run"));
        complete(&mut command, directory.path(), &script);
        let mut kioskd = Running::start(command);
        kioskd.wait_for(&said);
        kioskd.wait_for(&directory.path().join("run/compositor.sock"));
        Self { kioskd, directory }
    }

    /// The command's `DISPLAY`.
    fn display(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("said")).unwrap().trim().to_owned()
    }

    fn connect(&self) -> Client {
        let (connection, screen) = x11rb::connect(Some(&self.display())).unwrap();
        let root = connection.setup().roots[screen].root;
        Client { connection, root }
    }

    /// The colours at these positions of the screen.
    fn pixels(&self, places: &[(u32, u32)]) -> Vec<u32> {
        let file = self.directory.path().join("seen.png");
        let mut command = Command::new(program("kioskctl"));
        set_environment(&mut command, self.directory.path());
        let output = command.arg("screenshot").arg(&file).output().unwrap();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.kioskd.log());
        let (width, rgb) = read(&file);
        let at = |(x, y): &(u32, u32)| {
            let start = ((y * width + x) * 3) as usize;
            rgb[start..start + 3].iter().fold(0, |colour, part| colour << 8 | u32::from(*part))
        };
        places.iter().map(at).collect()
    }

    /// Waits until these colours are shown: an X program gets no event for that.
    #[track_caller]
    fn until_seen(&self, wanted: &[((u32, u32), u32)]) {
        let (places, colours): (Vec<_>, Vec<_>) = wanted.iter().copied().unzip();
        let started = Instant::now();
        loop {
            let seen = self.pixels(&places);
            if seen == colours {
                return;
            }
            let log = self.kioskd.log();
            assert!(started.elapsed() < PATIENCE, "{seen:06x?} and not {colours:06x?} at {places:?}\n{log}");
        }
    }

    /// The Xwayland processes of this kioskd.
    fn x_servers(&self) -> Vec<u32> {
        let pid = self.kioskd.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let is_server = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "Xwayland")
        };
        children.split_whitespace().map(|pid| pid.parse().unwrap()).filter(is_server).collect()
    }
}

impl Drop for Stand {
    /// In order, so that no lock file in `/tmp` and no X server is left.
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.kioskd.id().cast_signed())
            && let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty())
        {
            let _ = kill_process(pid, Signal::TERM);
            readable(pidfd.as_fd(), PATIENCE);
        }
    }
}

fn set_environment(command: &mut Command, directory: &Path) {
    command
        .env("XDG_RUNTIME_DIR", directory)
        .env("KIOSK_RUNTIME_DIR", directory.join("run"))
        .env("KIOSK_STATE_DIR", directory.join("state"))
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
        .env("NO_COLOR", "1")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DISPLAY");
}

/// A picture's width and bytes, R, G, B.
fn read(file: &Path) -> (u32, Vec<u8>) {
    let file = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let rgb = bytes.chunks_exact(info.color_type.samples()).flat_map(|pixel| pixel[..3].to_vec()).collect();
    (info.width, rgb)
}

/// An X program.
struct Client {
    connection: RustConnection,
    root: Window,
}

impl Client {
    /// Creates a window, not mapped yet.
    fn window(&self, (x, y): (i16, i16), (width, height): (u16, u16), colour: u32, free: bool) -> Window {
        let window = self.connection.generate_id().unwrap();
        let attributes = CreateWindowAux::new()
            .background_pixel(colour)
            .override_redirect(u32::from(free))
            .event_mask(EventMask::STRUCTURE_NOTIFY);
        let depth = COPY_DEPTH_FROM_PARENT;
        let created = self.connection.create_window(
            depth,
            window,
            self.root,
            x,
            y,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &attributes,
        );
        created.unwrap().check().unwrap();
        window
    }

    fn map(&self, window: Window) {
        self.connection.map_window(window).unwrap().check().unwrap();
    }

    fn is_of(&self, window: Window, main: Window) {
        let name = AtomEnum::WM_TRANSIENT_FOR;
        let set = self.connection.change_property32(PropMode::REPLACE, window, name, AtomEnum::WINDOW, &[main]);
        set.unwrap().check().unwrap();
    }

    /// Waits until the window has this geometry.
    #[track_caller]
    fn until_at(&self, window: Window, wanted: (i16, i16, u16, u16)) {
        let lies = |event: &ConfigureNotifyEvent| (event.x, event.y, event.width, event.height);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.connection.poll_for_event().unwrap() {
                Some(Event::ConfigureNotify(event)) if event.window == window && lies(&event) == wanted => return,
                Some(_) => {}
                None => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    assert!(readable(self.connection.stream().as_fd(), left), "the window does not lie at {wanted:?}");
                }
            }
        }
    }

    /// Waits until the window has the X server's keyboard focus.
    #[track_caller]
    fn until_focused(&self, window: Window) {
        let started = Instant::now();
        while self.connection.get_input_focus().unwrap().reply().unwrap().focus != window {
            assert!(started.elapsed() < PATIENCE, "the window has not got the focus");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the window manager asks the window by this message of `WM_PROTOCOLS`.
    #[track_caller]
    fn until_asked(&self, window: Window, protocols: u32, message: u32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.connection.poll_for_event().unwrap() {
                Some(Event::ClientMessage(event)) if event.window == window && event.type_ == protocols => {
                    assert_eq!(event.data.as_data32()[0], message);
                    return;
                }
                Some(_) => {}
                None => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    assert!(readable(self.connection.stream().as_fd(), left), "the window is asked for nothing");
                }
            }
        }
    }

    fn atom(&self, name: &[u8]) -> u32 {
        self.connection.intern_atom(false, name).unwrap().reply().unwrap().atom
    }
}

#[test]
fn a_window_fills_the_screen_its_dialog_is_centred_and_its_menu_is_kept_on_the_screen() {
    let stand = Stand::start("640x400");
    let client = stand.connect();
    let main = client.window((5, 5), (100, 80), RED, false);
    client.map(main);
    client.until_at(main, (0, 0, 640, 400));
    stand.until_seen(&[((0, 0), RED), ((639, 399), RED)]);
    client.until_focused(main);

    let dialog = client.window((0, 0), (200, 100), BLUE, false);
    client.is_of(dialog, main);
    client.map(dialog);
    client.until_at(dialog, (220, 150, 200, 100));
    stand.until_seen(&[((219, 200), RED), ((220, 150), BLUE), ((419, 249), BLUE), ((420, 200), RED)]);
    client.until_focused(dialog);

    // At its position, moved as far as needed to fit.
    let menu = client.window((10, 20), (30, 40), GREEN, true);
    client.map(menu);
    stand.until_seen(&[((9, 20), RED), ((10, 20), GREEN), ((39, 59), GREEN), ((40, 20), RED)]);
    let outside = client.window((600, 380), (100, 50), GREEN, true);
    client.map(outside);
    client.until_at(outside, (540, 350, 100, 50));
    stand.until_seen(&[((539, 360), RED), ((540, 350), GREEN), ((639, 399), GREEN)]);
    client.until_focused(dialog);

    for window in [menu, outside, dialog] {
        client.connection.destroy_window(window).unwrap().check().unwrap();
    }
    stand.until_seen(&[((20, 30), RED), ((320, 200), RED), ((600, 380), RED)]);
    client.until_focused(main);
}

/// Names a window as programs do.
fn name(client: &Client, window: Window, title: &str) {
    let text = client.atom(b"UTF8_STRING");
    let name = client.atom(b"_NET_WM_NAME");
    let set = client.connection.change_property8(PropMode::REPLACE, window, name, text, title.as_bytes());
    set.unwrap().check().unwrap();
}

#[test]
fn tools_list_the_windows_of_x_programs_raise_them_and_close_them() {
    let stand = Stand::start("640x400");
    let client = stand.connect();
    let mut tool = Tool::new(&stand.directory.path().join("run/wayland-admin"));
    tool.client.bind::<ZwlrForeignToplevelManagerV1>();

    let first = client.window((0, 0), (100, 80), RED, false);
    let class = client.connection.change_property8(
        PropMode::REPLACE,
        first,
        AtomEnum::WM_CLASS,
        AtomEnum::STRING,
        b"instance\0Program\0",
    );
    class.unwrap().check().unwrap();
    let latin =
        client.connection.change_property8(PropMode::REPLACE, first, AtomEnum::WM_NAME, AtomEnum::STRING, b"T\xfcr");
    latin.unwrap().check().unwrap();
    client.map(first);
    let menu = client.window((10, 20), (30, 40), GREEN, true);
    client.map(menu);
    tool.until("the window by its old name", |list| is_listed(list, "Tür"));
    name(&client, first, "first äöü");
    tool.until("its new name", |list| is_listed(list, "first äöü"));
    let second = client.window((0, 0), (100, 80), BLUE, false);
    name(&client, second, "second");
    let delete = client.atom(b"WM_DELETE_WINDOW");
    let protocols = client.atom(b"WM_PROTOCOLS");
    let set = client.connection.change_property32(PropMode::REPLACE, second, protocols, AtomEnum::ATOM, &[delete]);
    set.unwrap().check().unwrap();
    client.map(second);
    tool.until("the second window", |list| is_listed(list, "second"));
    assert_eq!(tool.list().wlr.len(), 2, "a menu is no window: {:?}", tool.list());
    assert_eq!(tool.list().window("first äöü").app_id, "Program");
    stand.until_seen(&[((300, 200), BLUE)]);

    let seat = tool.client.bind::<WlSeat>();
    tool.list().window("first äöü").handle.activate(&seat);
    tool.client.pump();
    stand.until_seen(&[((300, 200), RED)]);
    client.until_focused(first);

    // It knows how to close, and is asked; the other is ended with its program.
    tool.list().window("second").handle.close();
    tool.client.pump();
    client.until_asked(second, protocols, delete);
    let other = stand.connect();
    let third = other.window((0, 0), (100, 80), GREEN, false);
    name(&other, third, "third");
    other.map(third);
    tool.until("the third window", |list| is_listed(list, "third"));
    tool.list().window("third").handle.close();
    tool.until("the end of the third window", |list| !is_listed(list, "third"));
    assert!(is_listed(tool.list(), "first äöü"), "the other program lives on");
}

/// The shell's session, which asks whether the window hangs.
struct Session(BufReader<UnixStream>);

impl Session {
    fn new(stand: &Stand) -> Self {
        let stream = UnixStream::connect(stand.directory.path().join("run").join(CONTROL_SOCKET)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, ping: u64) {
        let report = Report { state: State::Ready, ping, ..Report::default() };
        let line = serde_json::to_string(&report).unwrap();
        writeln!(self.0.get_mut(), "{line}").unwrap();
    }

    /// The next that is told of a ping.
    #[track_caller]
    fn hears(&mut self) -> (u64, bool) {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("nothing is told of a ping");
            if let Ok(Notice::Pinged { number, answers, .. }) = serde_json::from_str(&line) {
                return (number, answers);
            }
        }
    }
}

#[test]
fn an_x_window_is_asked_whether_it_hangs_if_it_knows_how_to_answer() {
    let stand = Stand::start("640x400");
    let mut session = Session::new(&stand);
    let client = stand.connect();
    let [protocols, ping] = [b"WM_PROTOCOLS".as_slice(), b"_NET_WM_PING"].map(|name| client.atom(name));
    let map = |colour| {
        let window = client.window((0, 0), (100, 80), colour, false);
        let set = client.connection.change_property32(PropMode::REPLACE, window, protocols, AtomEnum::ATOM, &[ping]);
        set.unwrap().check().unwrap();
        client.map(window);
        stand.until_seen(&[((300, 200), colour)]);
        window
    };
    let window = map(RED);
    let asked = || {
        client.until_event("a ping", |event| match event {
            Event::ClientMessage(message) if message.type_ == protocols && message.data.as_data32()[0] == ping => {
                Some(message)
            }
            _ => None,
        })
    };
    let answer = |message: ClientMessageEvent| {
        assert_eq!(message.data.as_data32()[2], message.window);
        let answer = ClientMessageEvent { window: client.root, ..message };
        let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        client.connection.send_event(false, client.root, mask, answer).unwrap().check().unwrap();
    };
    session.ask(1);
    assert_eq!(session.hears(), (1, false));
    answer(asked());
    assert_eq!(session.hears(), (1, true));

    // It hangs: the next check has no answer, and one to the check before is none to the last.
    session.ask(2);
    assert_eq!(session.hears(), (2, false));
    let late = asked();
    session.ask(3);
    assert_eq!(session.hears(), (3, false));
    let last = asked();
    answer(late);
    answer(last);
    assert_eq!(session.hears(), (3, true));

    // A window that is closed does not hang.
    session.ask(4);
    assert_eq!(session.hears(), (4, false));
    // Read now, so that it is not taken for the last one below.
    asked();
    client.connection.destroy_window(window).unwrap().check().unwrap();
    assert_eq!(session.hears(), (4, true));

    // Who does not know how to answer is not asked, and nothing is told.
    let dumb = client.window((0, 0), (100, 80), BLUE, false);
    client.map(dumb);
    stand.until_seen(&[((300, 200), BLUE)]);
    session.ask(5);
    client.connection.destroy_window(dumb).unwrap().check().unwrap();
    map(GREEN);
    session.ask(6);
    assert_eq!(session.hears(), (6, false));
    answer(asked());
    assert_eq!(session.hears(), (6, true));
}

fn is_listed(list: &WindowList, title: &str) -> bool {
    list.wlr.iter().any(|listed| listed.title == title && !listed.closed)
}

/// A tool on the admin socket.
struct Tool {
    client: wayland::Client,
    socket: UnixStream,
}

impl Tool {
    fn new(path: &Path) -> Self {
        let socket = UnixStream::connect(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let client = wayland::Client::new(socket.try_clone().unwrap());
        let mut tool = Self { client, socket };
        tool.until_seen("the globals", |client| client.seen.globals.len() > 10);
        tool
    }

    fn list(&self) -> &WindowList {
        &self.client.seen.window_list
    }

    #[track_caller]
    fn until(&mut self, what: &str, done: impl Fn(&WindowList) -> bool) {
        self.until_seen(what, |client| done(&client.seen.window_list));
    }

    #[track_caller]
    fn until_seen(&mut self, what: &str, done: impl Fn(&wayland::Client) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.client.pump();
            if done(&self.client) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(readable(self.socket.as_fd(), left), "in vain waited for {what}: {:?}", self.list());
        }
    }
}

/// What the X program has copied: a text.
const TEXT_OF_X: &[u8] = b"of an X program";

impl Client {
    /// Copies, and tells the targets to the first who asks.
    fn copies(&self, window: Window) {
        let (clipboard, text) = (self.atom(b"CLIPBOARD"), self.atom(b"UTF8_STRING"));
        self.connection.set_selection_owner(window, clipboard, CURRENT_TIME).unwrap().check().unwrap();
        let request = self.until_event("a request for its targets", |event| match event {
            Event::SelectionRequest(request) => Some(request),
            _ => None,
        });
        assert_eq!(request.target, self.atom(b"TARGETS"));
        self.gives(&request, &text.to_ne_bytes(), AtomEnum::ATOM.into(), 32);
    }

    fn gives(&self, request: &SelectionRequestEvent, value: &[u8], kind: u32, format: u8) {
        let length = u32::try_from(value.len()).unwrap() * 8 / u32::from(format);
        let (mode, window) = (PropMode::REPLACE, request.requestor);
        let set = self.connection.change_property(mode, window, request.property, kind, format, length, value);
        set.unwrap().check().unwrap();
        let notice = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: request.property,
        };
        let sent = self.connection.send_event(false, request.requestor, EventMask::NO_EVENT, notice);
        sent.unwrap().check().unwrap();
    }

    /// What it gets when it pastes a text, while the tool answers.
    fn pastes(&self, window: Window, tool: &mut Tool) -> Vec<u8> {
        let names = [&b"CLIPBOARD"[..], b"UTF8_STRING", b"PASTED"].map(|name| self.atom(name));
        let [clipboard, text, property] = names;
        self.connection.convert_selection(window, clipboard, text, property, CURRENT_TIME).unwrap().check().unwrap();
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            tool.client.pump();
            match self.connection.poll_for_event().unwrap() {
                Some(Event::SelectionNotify(answer)) => break answer,
                Some(_) => {}
                // The tool may be asked next, or the answer come.
                None => drop(readable(self.connection.stream().as_fd(), Duration::from_millis(20))),
            }
            assert!(Instant::now() < deadline, "the paste is not answered");
        };
        if answer.property == x11rb::NONE {
            return Vec::new();
        }
        let read = self.connection.get_property(true, window, answer.property, AtomEnum::ANY, 0, 1000);
        read.unwrap().reply().unwrap().value
    }

    #[track_caller]
    fn until_event<T>(&self, what: &str, wanted: impl Fn(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.connection.poll_for_event().unwrap() {
                Some(event) => {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                None => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    assert!(readable(self.connection.stream().as_fd(), left), "in vain waited for {what}");
                }
            }
        }
    }
}

#[test]
fn a_program_without_the_keyboard_copies_and_pastes_nothing() {
    let stand = Stand::start("320x200");
    let client = stand.connect();
    let mut tool = Tool::new(&stand.directory.path().join("run/wayland-admin"));
    tool.client.bind::<ZwlrForeignToplevelManagerV1>();
    let manager = tool.client.bind::<ExtDataControlManagerV1>();
    let (seat, handle) = (tool.client.bind::<WlSeat>(), tool.client.handle.clone());
    let device = manager.get_data_device(&seat, &handle, ());
    tool.client.pump();

    let main = client.window((0, 0), (10, 10), RED, false);
    name(&client, main, "main");
    client.copies(main);
    client.map(main);
    client.until_focused(main);
    // Whatever was told before its window is told before this.
    tool.until("the window", |list| is_listed(list, "main"));
    assert!(tool.client.seen.clipboard.types.is_empty(), "copied without the keyboard");
    client.copies(main);
    tool.until_seen("what it has copied", |client| client.seen.clipboard.types.len() == 2);
    let offer = tool.client.seen.clipboard.offer.clone().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    offer.receive("text/plain".into(), writer.as_fd());
    drop(writer);
    tool.client.pump();
    let request = client.until_event("a paste", |event| match event {
        Event::SelectionRequest(request) => Some(request),
        _ => None,
    });
    client.gives(&request, TEXT_OF_X, request.target, 8);
    let mut pasted = Vec::new();
    reader.read_to_end(&mut pasted).unwrap();
    assert_eq!(pasted, TEXT_OF_X);

    // The other way.
    let source = manager.create_data_source(&handle, ());
    source.offer("text/plain;charset=utf-8".into());
    device.set_selection(Some(&source));
    tool.client.pump();
    client.until_event("the loss of the clipboard", |event| matches!(event, Event::SelectionClear(_)).then_some(()));
    assert_eq!(client.pastes(main, &mut tool), b"as text/plain;charset=utf-8");
    client.connection.unmap_window(main).unwrap().check().unwrap();
    tool.until("the end of the window", |list| !is_listed(list, "main"));
    assert_eq!(client.pastes(main, &mut tool), b"", "pasted without the keyboard");
    client.map(main);
    client.until_focused(main);
    assert_eq!(client.pastes(main, &mut tool), b"as text/plain;charset=utf-8");
}

#[test]
fn on_a_screen_with_a_scale_a_program_has_every_pixel_and_is_told_the_density() {
    let stand = Stand::start("640x400@2");
    let client = stand.connect();
    let main = client.window((0, 0), (100, 80), RED, false);
    client.map(main);
    client.until_at(main, (0, 0, 640, 400));
    // A line of one pixel in the window.
    let line = client.window((101, 0), (1, 400), GREEN, false);
    client.connection.reparent_window(line, main, 101, 0).unwrap().check().unwrap();
    client.map(line);
    stand.until_seen(&[((100, 200), RED), ((101, 200), GREEN), ((102, 200), RED)]);
    let resources =
        client.connection.get_property(false, client.root, AtomEnum::RESOURCE_MANAGER, AtomEnum::ANY, 0, 64);
    assert_eq!(resources.unwrap().reply().unwrap().value, b"Xft.dpi:\t192\n");
}

#[test]
fn the_server_comes_with_the_first_program_and_goes_with_the_last() {
    // With the splash, which disappears for it.
    let mut stand = Stand::start_command("320x200", |command, _, script| {
        command.args(["--", "/bin/sh", "-c", script]);
    });
    assert!(stand.x_servers().is_empty(), "before anybody came");
    for _ in 0..2 {
        let client = stand.connect();
        client.map(client.window((0, 0), (10, 10), RED, false));
        stand.until_seen(&[((0, 0), RED)]);
        assert_eq!(stand.x_servers().len(), 1);
        drop(client);
        let started = Instant::now();
        while !stand.x_servers().is_empty() {
            assert!(started.elapsed() < PATIENCE, "the server does not go\n{}", stand.kioskd.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // Another one, which ends with kioskd.
    let client = stand.connect();
    client.map(client.window((0, 0), (10, 10), RED, false));
    stand.until_seen(&[((0, 0), RED)]);
    let server = Pid::from_raw(stand.x_servers()[0].cast_signed()).unwrap();
    let server = pidfd_open(server, PidfdFlags::empty()).unwrap();
    let socket = format!("/tmp/.X11-unix/X{}", stand.display().trim_start_matches(':'));
    stand.kioskd.signal(Signal::TERM);
    stand.kioskd.end();
    assert!(!Path::new(&socket).exists(), "{socket} is left");
    assert!(readable(server.as_fd(), PATIENCE), "the X server is left");
}

#[test]
fn a_configured_command_is_given_the_display_where_it_is_wanted() {
    for (enabled, wanted) in [(true, true), (false, false)] {
        let stand = Stand::start_command("320x200", |command, directory, script| {
            let file = directory.join("config.toml");
            let text = format!("[x11]\nenabled = {enabled}\n[shell]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n");
            std::fs::write(&file, text).unwrap();
            command.arg("--no-splash").arg("--config").arg(file);
        });
        assert_eq!(!stand.display().is_empty(), wanted, "{:?}\n{}", stand.display(), stand.kioskd.log());
        if wanted {
            let client = stand.connect();
            client.map(client.window((0, 0), (10, 10), RED, false));
            stand.until_seen(&[((0, 0), RED), ((319, 199), RED)]);
        }
    }
}

#[test]
fn a_window_that_is_hidden_and_shown_again_at_once_keeps_the_keyboard() {
    let stand = Stand::start("320x200");
    let client = stand.connect();
    let main = client.window((0, 0), (10, 10), RED, false);
    client.map(main);
    client.until_focused(main);
    for _ in 0..5 {
        client.connection.unmap_window(main).unwrap();
        client.map(main);
        client.until_focused(main);
    }
}

#[test]
fn a_server_that_is_killed_comes_again() {
    let stand = Stand::start("320x200");
    let client = stand.connect();
    client.map(client.window((0, 0), (10, 10), RED, false));
    stand.until_seen(&[((0, 0), RED)]);
    let server = rustix::process::Pid::from_raw(stand.x_servers()[0].cast_signed()).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::KILL).unwrap();
    stand.until_seen(&[((0, 0), 0)]);
    let again = stand.connect();
    again.map(again.window((0, 0), (10, 10), GREEN, false));
    stand.until_seen(&[((0, 0), GREEN)]);
}

#[test]
fn a_program_that_makes_windows_without_end_is_disconnected_and_no_other() {
    let stand = Stand::start("320x200");
    let quiet = stand.connect();
    quiet.map(quiet.window((0, 0), (10, 10), RED, false));
    stand.until_seen(&[((0, 0), RED)]);
    let flood = stand.connect();
    let make = || -> Result<(), x11rb::errors::ReplyOrIdError> {
        loop {
            let window = flood.connection.generate_id()?;
            let attributes = CreateWindowAux::new().override_redirect(1).background_pixel(BLUE);
            flood.connection.create_window(
                0,
                window,
                flood.root,
                0,
                0,
                9,
                9,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &attributes,
            )?;
            flood.connection.map_window(window)?.check()?;
        }
    };
    // Until its connection is closed.
    make().unwrap_err();
    stand.until_seen(&[((0, 0), RED)]);
    quiet.connection.get_input_focus().unwrap().reply().unwrap();
    assert!(stand.kioskd.log().contains("too many windows"), "{}", stand.kioskd.log());
}

#[test]
fn a_stopped_x_server_does_not_block_the_compositor() {
    let stand = Stand::start("320x200");
    let client = stand.connect();
    client.map(client.window((0, 0), (10, 10), RED, false));
    stand.until_seen(&[((0, 0), RED)]);
    let server = rustix::process::Pid::from_raw(stand.x_servers()[0].cast_signed()).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::STOP).unwrap();
    // It has to be resized, but its server does not read.
    for degrees in ["90", "180", "0"] {
        let mut command = Command::new(program("kioskctl"));
        set_environment(&mut command, stand.directory.path());
        let output = command.args(["rotate", degrees]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(stand.pixels(&[(0, 0)]), [RED]);
    rustix::process::kill_process(server, rustix::process::Signal::CONT).unwrap();
    client.map(client.window((0, 0), (10, 10), BLUE, false));
    stand.until_seen(&[((0, 0), BLUE), ((319, 199), BLUE)]);
}

#[test]
fn synthetic_x_events_are_ignored() {
    let stand = Stand::start("320x200");
    let client = stand.connect();
    let main = client.window((0, 0), (10, 10), RED, false);
    client.map(main);
    stand.until_seen(&[((0, 0), RED)]);
    let hidden = client.window((0, 0), (10, 10), BLUE, false);
    let to_manager = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    let mut event = MapRequestEvent { response_type: 20, sequence: 0, parent: client.root, window: hidden };
    for window in [hidden, 0, u32::MAX] {
        event.window = window;
        client.connection.send_event(false, client.root, to_manager, event).unwrap().check().unwrap();
    }
    // A name that is not UTF-8, and those by which the server identifies surfaces.
    for name in [&b"\xff\xfe\x80"[..], b"WL_SURFACE_ID", b"WL_SURFACE_SERIAL"] {
        let message = ClientMessageEvent::new(32, hidden, client.atom(name), [1, 0, CURRENT_TIME, 0, 0]);
        client.connection.send_event(false, client.root, to_manager, message).unwrap().check().unwrap();
    }
    // A real request after all that works.
    let menu = client.window((0, 0), (20, 20), GREEN, true);
    client.map(menu);
    stand.until_seen(&[((0, 0), GREEN), ((100, 100), RED)]);
}

#[test]
fn where_there_is_no_xwayland_one_sentence_says_so_and_there_is_no_display() {
    let stand = Stand::start_with("320x200", |command, directory| {
        // With the programs that the command needs, but without Xwayland.
        let directory = directory.join("bin");
        std::fs::create_dir(&directory).unwrap();
        for tool in ["sleep", "mv"] {
            std::os::unix::fs::symlink(format!("/bin/{tool}"), directory.join(tool)).unwrap();
        }
        command.env("PATH", directory).env("KIOSK_X11_ENABLED", "true");
    });
    assert_eq!(stand.display(), "");
    let log = stand.kioskd.log();
    assert_eq!(log.matches("X11 programs cannot run: Xwayland is not there").count(), 1, "{log}");
}
