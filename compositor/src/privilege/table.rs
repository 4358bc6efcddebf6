//! The table of all globals: version, and which clients may bind it. [`super::may_bind`] reads it for each client; a
//! global that is not in it is never offered. `docs/protocols.md` shows it, and a test compares both with what clients
//! are offered.

pub use kiosk_core::config::Group;

/// Who may bind a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Every client.
    Everyone,
    /// Every client outside of security contexts.
    Unconfined,
    /// Clients of the admin socket, and those in a security context that are allowed the group.
    Trusted(Group),
    /// The X server alone ([`XWAYLAND`]).
    Xwayland,
}

/// One global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global {
    /// The interface's name in its protocol.
    pub interface: &'static str,
    /// The highest version that is offered.
    pub version: u32,
    /// Who may bind it.
    pub who: Who,
    /// Offered only where the display device has what it needs, or where the configuration names a part of it.
    pub device: bool,
}

const fn global(interface: &'static str, version: u32, who: Who) -> Global {
    Global { interface, version, who, device: false }
}

const fn everyone(interface: &'static str, version: u32) -> Global {
    global(interface, version, Who::Everyone)
}

const fn trusted(interface: &'static str, version: u32, group: Group) -> Global {
    global(interface, version, Who::Trusted(group))
}

const fn of_device(interface: &'static str, version: u32) -> Global {
    Global { interface, version, who: Who::Everyone, device: true }
}

const fn trusted_of_device(interface: &'static str, version: u32, group: Group) -> Global {
    Global { interface, version, who: Who::Trusted(group), device: true }
}

/// Every global there is.
pub const GLOBALS: &[Global] = &[
    everyone("wl_compositor", 6),
    everyone("wl_subcompositor", 1),
    everyone("wl_shm", 2),
    everyone("wl_seat", 9),
    everyone("wl_output", 4),
    everyone("wl_data_device_manager", 3),
    everyone("xdg_wm_base", 6),
    everyone("xdg_wm_dialog_v1", 1),
    everyone("xdg_activation_v1", 1),
    everyone("zxdg_decoration_manager_v1", 1),
    everyone("zxdg_output_manager_v1", 3),
    everyone("wp_viewporter", 1),
    everyone("wp_presentation", 2),
    everyone("wp_fractional_scale_manager_v1", 1),
    everyone("wp_single_pixel_buffer_manager_v1", 1),
    everyone("wp_content_type_manager_v1", 1),
    everyone("wp_cursor_shape_manager_v1", 2),
    everyone("zwp_primary_selection_device_manager_v1", 1),
    everyone("zwp_relative_pointer_manager_v1", 1),
    everyone("zwp_pointer_constraints_v1", 1),
    everyone("zwp_pointer_gestures_v1", 3),
    everyone("zwp_tablet_manager_v2", 1),
    everyone("zwp_text_input_manager_v1", 1),
    everyone("zwp_text_input_manager_v3", 1),
    everyone("zwp_idle_inhibit_manager_v1", 1),
    everyone("ext_idle_notifier_v1", 2),
    everyone("zwp_keyboard_shortcuts_inhibit_manager_v1", 1),
    everyone("wp_tearing_control_manager_v1", 1),
    everyone("wp_alpha_modifier_v1", 1),
    everyone("wp_fifo_manager_v1", 1),
    everyone("wp_commit_timing_manager_v1", 1),
    everyone("zxdg_exporter_v2", 1),
    everyone("zxdg_importer_v2", 1),
    everyone("xdg_toplevel_icon_manager_v1", 1),
    everyone("xdg_system_bell_v1", 1),
    everyone("ext_session_lock_manager_v1", 1),
    everyone("wl_fixes", 1),
    of_device("zwp_linux_dmabuf_v1", 5),
    of_device("wp_linux_drm_syncobj_manager_v1", 1),
    global("wp_security_context_manager_v1", 1, Who::Unconfined),
    global("xwayland_shell_v1", 1, Who::Xwayland),
    trusted("zwlr_screencopy_manager_v1", 3, Group::Capture),
    trusted("ext_image_copy_capture_manager_v1", 1, Group::Capture),
    trusted("ext_output_image_capture_source_manager_v1", 1, Group::Capture),
    trusted("zwp_virtual_keyboard_manager_v1", 1, Group::VirtualInput),
    trusted("zwp_input_method_manager_v2", 1, Group::InputMethod),
    trusted("zwlr_virtual_pointer_manager_v1", 2, Group::VirtualInput),
    trusted("ext_data_control_manager_v1", 1, Group::Clipboard),
    trusted("zwlr_data_control_manager_v1", 2, Group::Clipboard),
    trusted("ext_foreign_toplevel_list_v1", 1, Group::Windows),
    trusted("zwlr_foreign_toplevel_manager_v1", 3, Group::Windows),
    trusted("zwlr_layer_shell_v1", 4, Group::Layers),
    trusted("zwlr_output_manager_v1", 4, Group::Screens),
    trusted("zwlr_output_power_manager_v1", 1, Group::Screens),
    trusted("zwlr_gamma_control_manager_v1", 1, Group::Screens),
    trusted_of_device("wp_drm_lease_device_v1", 1, Group::Screens),
];

/// The trusted globals that clients of an external keyboard's socket may bind: to be shown, to know of text fields and to
/// type.
pub const KEYBOARD: &[&str] =
    &["zwlr_layer_shell_v1", "zwp_input_method_manager_v2", "zwp_virtual_keyboard_manager_v1"];

/// The globals that the X server may bind: what it needs for windows and input.
pub const XWAYLAND: &[&str] = &[
    "wl_compositor",
    "wl_subcompositor",
    "wl_shm",
    "wl_seat",
    "wl_output",
    "wl_fixes",
    "zxdg_output_manager_v1",
    "wp_viewporter",
    "zwp_relative_pointer_manager_v1",
    "zwp_pointer_constraints_v1",
    "zwp_pointer_gestures_v1",
    "zwp_tablet_manager_v2",
    "zwp_linux_dmabuf_v1",
    "wp_linux_drm_syncobj_manager_v1",
    "xwayland_shell_v1",
];

/// The table's line of this interface.
pub fn find(interface: &str) -> Option<&'static Global> {
    GLOBALS.iter().find(|global| global.interface == interface)
}
