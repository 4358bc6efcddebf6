//! A client that makes well-formed requests of any kind on any object it has: what a fuzzer needs to get past
//! the parser.

use std::os::{
    fd::{AsFd, OwnedFd},
    unix::net::UnixStream,
};

use wayland_client::{
    Proxy,
    backend::protocol::{AllowNull, ArgumentType, Interface, MessageDesc},
    protocol::{
        wl_compositor::WlCompositor, wl_data_device_manager::WlDataDeviceManager, wl_display::WlDisplay,
        wl_fixes::WlFixes, wl_output::WlOutput, wl_registry::WlRegistry, wl_seat::WlSeat, wl_shm::WlShm,
        wl_subcompositor::WlSubcompositor,
    },
};
use wayland_protocols::{
    ext::{
        data_control::v1::client::ext_data_control_manager_v1::ExtDataControlManagerV1,
        foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1,
        idle_notify::v1::client::ext_idle_notifier_v1::ExtIdleNotifierV1,
        image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1,
        image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::ExtImageCopyCaptureManagerV1,
        session_lock::v1::client::ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    },
    wp::{
        alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1,
        commit_timing::v1::client::wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
        content_type::v1::client::wp_content_type_manager_v1::WpContentTypeManagerV1,
        cursor_shape::v1::client::wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
        drm_lease::v1::client::wp_drm_lease_device_v1::WpDrmLeaseDeviceV1,
        fifo::v1::client::wp_fifo_manager_v1::WpFifoManagerV1,
        fractional_scale::v1::client::wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
        idle_inhibit::zv1::client::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1,
        keyboard_shortcuts_inhibit::zv1::client::zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1,
        linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
        linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
        pointer_constraints::zv1::client::zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
        pointer_gestures::zv1::client::zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
        presentation_time::client::wp_presentation::WpPresentation,
        primary_selection::zv1::client::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
        relative_pointer::zv1::client::zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
        security_context::v1::client::wp_security_context_manager_v1::WpSecurityContextManagerV1,
        single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
        tablet::zv2::client::zwp_tablet_manager_v2::ZwpTabletManagerV2,
        tearing_control::v1::client::wp_tearing_control_manager_v1::WpTearingControlManagerV1,
        text_input::{
            zv1::client::zwp_text_input_manager_v1::ZwpTextInputManagerV1,
            zv3::client::zwp_text_input_manager_v3::ZwpTextInputManagerV3,
        },
        viewporter::client::wp_viewporter::WpViewporter,
    },
    xdg::{
        activation::v1::client::xdg_activation_v1::XdgActivationV1,
        decoration::zv1::client::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
        dialog::v1::client::xdg_wm_dialog_v1::XdgWmDialogV1,
        foreign::zv2::client::{zxdg_exporter_v2::ZxdgExporterV2, zxdg_importer_v2::ZxdgImporterV2},
        shell::client::xdg_wm_base::XdgWmBase,
        system_bell::v1::client::xdg_system_bell_v1::XdgSystemBellV1,
        toplevel_icon::v1::client::xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1,
        xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1,
    },
};

use wayland_protocols_misc::{
    zwp_input_method_v2::client::zwp_input_method_manager_v2::ZwpInputMethodManagerV2,
    zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1,
};
use wayland_protocols_wlr::{
    data_control::v1::client::zwlr_data_control_manager_v1::ZwlrDataControlManagerV1,
    foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1,
    gamma_control::v1::client::zwlr_gamma_control_manager_v1::ZwlrGammaControlManagerV1,
    layer_shell::v1::client::zwlr_layer_shell_v1::ZwlrLayerShellV1,
    output_management::v1::client::zwlr_output_manager_v1::ZwlrOutputManagerV1,
    output_power_management::v1::client::zwlr_output_power_manager_v1::ZwlrOutputPowerManagerV1,
    screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1,
    virtual_pointer::v1::client::zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1,
};

use crate::fixture::{
    picture::memory,
    seen::Global,
    wire::{Arg, Wire},
};

const REGISTRY: u32 = 2;
/// Start of the server's ids.
const SERVER_IDS: u32 = 0xff00_0000;
/// The format that buffers of a GPU are offered in: the kernel's name `XR24`.
const XRGB8888: u32 = u32::from_le_bytes(*b"XR24");
/// Size of `wl_shm.create_pool`'s memory, bytes.
pub const POOL: usize = 64 * 64 * 4;

fn interfaces() -> Vec<&'static Interface> {
    vec![
        WlCompositor::interface(),
        WlSubcompositor::interface(),
        WlShm::interface(),
        WlSeat::interface(),
        WlOutput::interface(),
        WlDataDeviceManager::interface(),
        XdgWmBase::interface(),
        XdgWmDialogV1::interface(),
        XdgActivationV1::interface(),
        ZxdgDecorationManagerV1::interface(),
        ZxdgOutputManagerV1::interface(),
        WpViewporter::interface(),
        WpPresentation::interface(),
        WpFractionalScaleManagerV1::interface(),
        WpSinglePixelBufferManagerV1::interface(),
        WpContentTypeManagerV1::interface(),
        WpCursorShapeManagerV1::interface(),
        ZwpPrimarySelectionDeviceManagerV1::interface(),
        ZwpRelativePointerManagerV1::interface(),
        ZwpPointerConstraintsV1::interface(),
        ZwpPointerGesturesV1::interface(),
        ZwpTabletManagerV2::interface(),
        ZwpTextInputManagerV1::interface(),
        ZwpTextInputManagerV3::interface(),
        ZwpIdleInhibitManagerV1::interface(),
        ZwpKeyboardShortcutsInhibitManagerV1::interface(),
        WpTearingControlManagerV1::interface(),
        WpAlphaModifierV1::interface(),
        WpFifoManagerV1::interface(),
        WpCommitTimingManagerV1::interface(),
        ZxdgExporterV2::interface(),
        ZxdgImporterV2::interface(),
        XdgToplevelIconManagerV1::interface(),
        XdgSystemBellV1::interface(),
        ExtSessionLockManagerV1::interface(),
        WlFixes::interface(),
        ZwpLinuxDmabufV1::interface(),
        WpLinuxDrmSyncobjManagerV1::interface(),
        ExtIdleNotifierV1::interface(),
        ExtForeignToplevelListV1::interface(),
        ZwlrForeignToplevelManagerV1::interface(),
        ZwlrLayerShellV1::interface(),
        ZwlrOutputManagerV1::interface(),
        ZwlrOutputPowerManagerV1::interface(),
        ZwlrGammaControlManagerV1::interface(),
        WpDrmLeaseDeviceV1::interface(),
        ZwlrScreencopyManagerV1::interface(),
        WpSecurityContextManagerV1::interface(),
        ZwlrVirtualPointerManagerV1::interface(),
        ZwpVirtualKeyboardManagerV1::interface(),
        ZwpInputMethodManagerV2::interface(),
        ZwlrDataControlManagerV1::interface(),
        ExtDataControlManagerV1::interface(),
        ExtImageCopyCaptureManagerV1::interface(),
        ExtOutputImageCaptureSourceManagerV1::interface(),
    ]
}

/// Interfaces whose requests matter most.
const LIVELY: [&str; 15] = [
    "wl_surface",
    "xdg_surface",
    "xdg_toplevel",
    "xdg_popup",
    "xdg_positioner",
    "wl_subsurface",
    "wl_data_device",
    "wl_pointer",
    "wp_viewport",
    "wl_shm_pool",
    "wl_compositor",
    "wl_subcompositor",
    "xdg_wm_base",
    "zwp_linux_dmabuf_v1",
    "zwp_linux_buffer_params_v1",
];

/// An object of the client.
#[derive(Clone, Copy)]
pub struct Thing {
    pub id: u32,
    pub interface: &'static Interface,
    pub version: u32,
}

/// Random numbers that decide on a request: its object, opcode and arguments.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    pub object: u16,
    pub request: u8,
    pub arguments: [u16; 6],
}

/// The client.
pub struct Speaker {
    pub wire: Wire,
    pub things: Vec<Thing>,
    pub dead: Vec<Thing>,
    pub next_id: u32,
    /// Number of messages sent.
    pub sent: u64,
    /// Numbers that the server has sent, among them serials.
    heard: Vec<u32>,
    /// The serial of the last configure.
    configured: u32,
    unread: Vec<u8>,
    /// The number of an output's global.
    output: u32,
    pub closed: bool,
    /// The error of the connection: code and message.
    pub error: Option<(u32, String)>,
    /// Whether it sends every string with length 0, allowed or not.
    pub silent: bool,
}

impl Speaker {
    /// Connects, and binds every global that is offered.
    pub fn new(stream: UnixStream, globals: &[Global]) -> Self {
        let thing = |id, interface| Thing { id, interface, version: 1 };
        let mut speaker = Self {
            wire: Wire::new(stream),
            things: vec![thing(1, WlDisplay::interface()), thing(REGISTRY, WlRegistry::interface())],
            dead: Vec::new(),
            next_id: REGISTRY + 1,
            sent: 0,
            heard: vec![0],
            configured: 0,
            unread: Vec::new(),
            output: globals.iter().find(|global| global.interface == "wl_output").map_or(0, |global| global.number),
            closed: false,
            error: None,
            silent: false,
        };
        speaker.wire.request(1, 1, &[Arg::Word(REGISTRY)]);
        for interface in interfaces() {
            for global in globals.iter().filter(|global| global.interface == interface.name) {
                let version = global.version.min(interface.version);
                let id = speaker.new_id(interface, version);
                let arguments =
                    [Arg::Word(global.number), Arg::Text(interface.name), Arg::Word(version), Arg::Word(id)];
                speaker.wire.request(REGISTRY, 0, &arguments);
            }
        }
        speaker
    }

    pub fn new_id(&mut self, interface: &'static Interface, version: u32) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.things.push(Thing { id, interface, version });
        id
    }

    /// The newest object of an interface.
    pub fn newest(&self, interface: &str) -> u32 {
        self.things.iter().rev().find(|thing| thing.interface.name == interface).map_or(0, |thing| thing.id)
    }

    /// The serial of the last configure.
    pub fn configured(&self) -> u32 {
        self.configured
    }

    /// The number that the server sent last: after input, its serial.
    pub fn last_heard(&self) -> u32 {
        *self.heard.last().unwrap_or(&0)
    }

    /// Sends a request by name on the newest object of an interface, with these words; ids of new objects are filled
    /// in.
    pub fn say(&mut self, interface: &str, request: &str, words: &[u32]) {
        let Some(thing) = self.things.iter().rev().find(|thing| thing.interface.name == interface).copied() else {
            return;
        };
        let found = thing.interface.requests.iter().position(|desc| desc.name == request);
        let opcode = found.unwrap_or_else(|| panic!("{interface} has no request {request}"));
        let mut words = words.iter();
        self.send(thing, opcode, |_, _, _| words.next().copied().unwrap_or(0));
    }

    /// The same on the object with this id.
    pub fn say_to(&mut self, id: u32, request: &str, words: &[u32]) {
        let Some(thing) = self.things.iter().find(|thing| thing.id == id).copied() else { return };
        let opcode = thing.interface.requests.iter().position(|desc| desc.name == request).unwrap();
        let mut words = words.iter();
        self.send(thing, opcode, |_, _, _| words.next().copied().unwrap_or(0));
    }

    /// Binds the first output's global again.
    pub fn bind_once_more(&mut self, _: u32) {
        let number = self.output;
        let id = self.new_id(WlOutput::interface(), 1);
        let arguments = [Arg::Word(number), Arg::Text("wl_output"), Arg::Word(1), Arg::Word(id)];
        self.closed |= !self.wire.request(REGISTRY, 0, &arguments);
    }

    /// The requests with a string that this client can make: interface and name.
    pub fn requests_with_text() -> Vec<(&'static str, &'static str)> {
        let with_text = |desc: &&MessageDesc| desc.signature.iter().any(|kind| matches!(kind, ArgumentType::Str(_)));
        let children = |interface: &'static Interface| {
            let made = interface.requests.iter().filter_map(|desc| desc.child_interface);
            std::iter::once(interface).chain(made).collect::<Vec<_>>()
        };
        let mut all: Vec<_> =
            interfaces().into_iter().flat_map(children).flat_map(children).flat_map(children).collect();
        all.sort_by_key(|interface| interface.name);
        all.dedup_by_key(|interface| interface.name);
        let of = |interface: &'static Interface| {
            interface.requests.iter().filter(with_text).map(move |desc| (interface.name, desc.name))
        };
        all.into_iter().flat_map(of).collect()
    }

    /// Sends a random request.
    pub fn babble(&mut self, choice: Choice) {
        let from_the_grave = !self.dead.is_empty() && choice.object.is_multiple_of(257);
        let list = if from_the_grave { &self.dead } else { &self.things };
        let mut thing = list[usize::from(choice.object) % list.len()];
        // Managers are many, and prefer the objects that matter: windows, popups, drags.
        if !choice.object.is_multiple_of(4)
            && let Some(index) = list.iter().rposition(|thing| LIVELY.contains(&thing.interface.name))
        {
            let lively: Vec<_> = list[..=index].iter().filter(|thing| LIVELY.contains(&thing.interface.name)).collect();
            thing = *lively[usize::from(choice.object / 4) % lively.len()];
        }
        let known = thing.interface.requests.iter().filter(|desc| desc.since <= thing.version).count();
        if known == 0 || thing.id == REGISTRY || (thing.id == 1 && choice.request % 2 == 1) {
            return;
        }
        let opcode = usize::from(choice.request) % known;
        // Most destructors of other objects are skipped, as few objects would be left otherwise.
        let desc = &thing.interface.requests[opcode];
        let made_much_of = desc.is_destructor && !LIVELY.contains(&thing.interface.name);
        if made_much_of && !choice.arguments[5].is_multiple_of(16) {
            return;
        }
        let mut next = choice.arguments.into_iter().cycle();
        let mut place = 0;
        self.send(thing, opcode, |speaker, kind, interface| {
            let number = next.next().unwrap_or(0);
            place += 1;
            let usual =
                speaker.usual(thing.interface.name, desc.name, place, number).filter(|_| !number.is_multiple_of(31));
            usual.unwrap_or_else(|| speaker.word(kind, interface, number))
        });
    }

    /// The usual value of the argument at this place, if it has to be valid: otherwise most clients would be
    /// disconnected at their first requests.
    pub fn usual(&self, interface: &str, request: &str, place: usize, number: u16) -> Option<u32> {
        let upto = |most: u32| Some(u32::from(number) % most);
        let newest = |interface: &str| Some(self.newest(interface)).filter(|id| *id != 0 && !number.is_multiple_of(4));
        match (interface, request, place) {
            ("wl_shm", "create_pool", _) => Some(POOL as u32),
            ("wl_shm_pool", "resize", _) => Some(POOL as u32 * 2),
            ("wl_shm_pool", "create_buffer", 1) => Some(0),
            ("wl_shm_pool", "create_buffer", 2 | 3) => upto(63).map(|size| size + 1),
            ("wl_shm_pool", "create_buffer", 4) => Some(256),
            ("wl_shm_pool", "create_buffer", _) => upto(2),
            ("wl_surface", "attach", 1) => newest("wl_buffer"),
            ("wl_surface", "attach", _) => Some(0),
            ("wl_surface", "set_buffer_scale", _) => upto(3).map(|scale| scale + 1),
            ("wl_surface", "set_buffer_transform", _) => upto(8),
            ("xdg_surface", "ack_configure", _) => Some(self.configured),
            ("xdg_surface", "set_window_geometry", _) => upto(60).map(|size| size + 1),
            ("xdg_surface", "get_popup", 1) => newest("xdg_surface").map(|id| id.saturating_sub(u32::from(number % 2))),
            ("xdg_wm_base", "get_xdg_surface", _) => newest("wl_surface"),
            ("xdg_positioner", "set_size" | "set_anchor_rect", _) => upto(60).map(|size| size + 1),
            ("xdg_positioner", "set_anchor" | "set_gravity", _) => upto(9),
            ("xdg_positioner", "set_constraint_adjustment", _) => upto(64),
            ("xdg_toplevel", "set_min_size", _) => upto(50),
            ("xdg_toplevel", "set_max_size", _) => upto(50).map(|size| size + 50),
            ("xdg_toplevel", "resize", 3) => Some([1, 2, 4, 5, 6, 8, 9, 10][usize::from(number % 8)]),
            ("zxdg_toplevel_decoration_v1", "set_mode", _) => upto(2).map(|mode| mode + 1),
            ("wp_viewport", "set_destination", _) => upto(300).map(|size| size + 1),
            ("wp_viewport", "set_source", _) => upto(20).map(|size| (size + 1) * 256),
            ("wl_data_source", "set_actions", _) => upto(8),
            ("wl_subcompositor", "get_subsurface", 1) => newest("wl_surface"),
            ("wl_subcompositor", "get_subsurface", 2) => {
                let first = self.things.iter().find(|thing| thing.interface.name == "wl_surface");
                first.map(|thing| thing.id).filter(|_| !number.is_multiple_of(3))
            }
            ("zwp_pointer_constraints_v1", _, 4) => upto(2).map(|lifetime| lifetime + 1),
            ("wp_cursor_shape_device_v1", "set_shape", 2) => upto(34).map(|shape| shape + 1),
            ("zwp_linux_buffer_params_v1", "add", 1) => upto(2),
            ("zwp_linux_buffer_params_v1", "add", 3) => Some(256),
            ("zwp_linux_buffer_params_v1", "add", _) => Some(0),
            ("zwp_linux_buffer_params_v1", _, 1 | 2) => upto(63).map(|size| size + 1),
            ("zwp_linux_buffer_params_v1", _, 3) => Some(XRGB8888),
            ("zwp_linux_buffer_params_v1", _, _) => Some(0),
            ("zwp_linux_dmabuf_v1", "get_surface_feedback", _) => newest("wl_surface"),
            ("wp_linux_drm_syncobj_manager_v1", "get_surface", _) => newest("wl_surface"),
            ("wp_content_type_v1", _, _) => upto(4),
            ("wp_commit_timer_v1", "set_timestamp", 1) => Some(0),
            ("wp_commit_timer_v1", "set_timestamp", 2) => upto(2).map(|far| far * 4_000_000),
            ("wp_commit_timer_v1", "set_timestamp", 3) => upto(1000).map(|part| part * 1_000_000),
            _ => None,
        }
    }

    /// A plausible value of an argument.
    pub fn word(&self, kind: ArgumentType, interface: Option<&Interface>, number: u16) -> u32 {
        let usual = u32::from(number % 301);
        match kind {
            ArgumentType::Object(allow) => {
                let fits = |thing: &&Thing| {
                    interface.is_none_or(|wanted| wanted.name == "<anonymous>" || thing.interface.name == wanted.name)
                };
                let fitting: Vec<u32> = self.things.iter().filter(fits).map(|thing| thing.id).collect();
                let null = allow == AllowNull::Yes && number.is_multiple_of(5);
                if null || fitting.is_empty() { 0 } else { fitting[usize::from(number / 5) % fitting.len()] }
            }
            ArgumentType::Int => match number % 13 {
                0 => i32::MAX as u32,
                1 => i32::MIN as u32,
                2 => -1i32 as u32,
                3 => 0,
                4 => 100_000,
                5 => 1,
                _ => usual,
            },
            ArgumentType::Fixed => match number % 7 {
                0 => i32::MAX as u32,
                1 => i32::MIN as u32,
                2 => 0,
                3 => -256i32 as u32,
                _ => usual * 256,
            },
            _ => match number % 7 {
                0 => u32::MAX,
                1 => 0x8000_0000,
                2 => usual,
                3 | 4 => self.heard[usize::from(number / 7) % self.heard.len()],
                _ => u32::from(number % 9),
            },
        }
    }

    pub fn send(
        &mut self,
        thing: Thing,
        opcode: usize,
        mut word: impl FnMut(&Self, ArgumentType, Option<&'static Interface>) -> u32,
    ) {
        let desc: &MessageDesc = &thing.interface.requests[opcode];
        let mut arguments = Vec::new();
        let mut memories: Vec<OwnedFd> = Vec::new();
        let mut objects = desc.arg_interfaces.iter();
        let mut created = None;
        for kind in desc.signature {
            match kind {
                ArgumentType::NewId => {
                    // Only wl_registry.bind does not state the new object's interface.
                    let Some(child) = desc.child_interface else { return };
                    arguments.push(Arg::Word(self.next_id));
                    created = Some(child);
                }
                ArgumentType::Fd => memories.push(memory(&[0; POOL])),
                ArgumentType::Str(_) => arguments.push(if self.silent { Arg::NoText } else { Arg::Text("text/plain") }),
                ArgumentType::Array => arguments.push(Arg::Array(&[1, 2, 3])),
                ArgumentType::Object(allow) => {
                    let id = word(self, *kind, objects.next().copied());
                    if id == 0 && *allow == AllowNull::No {
                        return;
                    }
                    arguments.push(Arg::Word(id));
                }
                kind => arguments.push(Arg::Word(word(self, *kind, None))),
            }
        }
        if let Some(child) = created {
            self.new_id(child, thing.version);
        }
        if std::env::var_os("KIOSK_SHOW_REQUESTS").is_some() {
            println!("{}@{}.{}({arguments:?})", thing.interface.name, thing.id, desc.name);
        }
        let message = Wire::message(thing.id, opcode as u16, &arguments);
        let descriptors: Vec<_> = memories.iter().map(AsFd::as_fd).collect();
        let sent = match descriptors.is_empty() {
            true => self.wire.send(&message),
            false => self.wire.send_with(&message, &descriptors),
        };
        self.closed |= !sent;
        self.sent += 1;
        if desc.is_destructor {
            self.bury(thing.id);
        }
    }

    fn bury(&mut self, id: u32) {
        if let Some(index) = self.things.iter().position(|thing| thing.id == id) {
            let thing = self.things.remove(index);
            self.dead.push(thing);
        }
    }

    /// Reads the server's events, for their serials and objects.
    pub fn listen(&mut self) {
        let mut buffer = [0; 65_536];
        loop {
            match std::io::Read::read(&mut self.wire.stream, &mut buffer) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.closed = true;
                    break;
                }
            }
        }
        let unread = std::mem::take(&mut self.unread);
        let mut rest = &unread[..];
        while rest.len() >= 8 {
            let word = |at: usize| u32::from_ne_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
            let (id, head) = (word(0), word(4));
            let size = (head >> 16) as usize;
            if size < 8 || rest.len() < size {
                break;
            }
            let first = (size >= 12).then(|| word(8));
            if (id, head & 0xffff) == (1, 0) && size > 20 {
                let text = String::from_utf8_lossy(&rest[20..size]);
                self.error = Some((word(12), text.trim_end_matches('\0').to_owned()));
            }
            self.hear(id, (head & 0xffff) as usize, first);
            rest = &rest[size..];
        }
        self.unread = rest.to_vec();
    }

    fn hear(&mut self, id: u32, opcode: usize, first: Option<u32>) {
        let Some(thing) = self.things.iter().chain(&self.dead).find(|thing| thing.id == id).copied() else { return };
        let Some(desc) = thing.interface.events.get(opcode) else { return };
        match (desc.signature.first(), first) {
            (Some(ArgumentType::NewId), Some(new)) if new >= SERVER_IDS => {
                if let Some(interface) = desc.child_interface {
                    self.things.push(Thing { id: new, interface, version: thing.version });
                }
            }
            (Some(ArgumentType::Uint), Some(number)) if id != 1 && id != REGISTRY => {
                if thing.interface.name == "xdg_surface" {
                    self.configured = number;
                }
                self.heard.push(number);
                if self.heard.len() > 32 {
                    self.heard.remove(0);
                }
            }
            _ => {}
        }
    }
}

/// Requests of a global that is missing here are never sent. Globals for the X server alone, a program of ours, are
/// excepted, as no other client can bind them.
#[test]
fn the_grammar_has_every_global_of_the_table() {
    use kioskd::privilege::table::{GLOBALS, Who};
    let known: Vec<&str> = interfaces().iter().map(|interface| interface.name).collect();
    let bound = GLOBALS.iter().filter(|global| global.who != Who::Xwayland);
    let unknown = bound.filter(|global| !known.contains(&global.interface));
    let unknown: Vec<&str> = unknown.map(|global| global.interface).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
