//! The table of what is counted: for each kind of object its interface, its key in `[limits]`, and how many of it one
//! client may have. Interfaces that are not in the table are counted too, each on its own, under `objects`.

use kiosk_core::config::Limits;

/// The limit of all clients of one user, as a multiple of one client's.
pub const USER_FACTOR: u32 = 4;
/// The limit of all clients of the shells' sockets, or of the admin socket.
pub const ALL_FACTOR: u32 = 16;
/// The limit of a tool on the admin socket, as a multiple of a shell's client: it is trusted.
pub const ADMIN_FACTOR: u32 = 4;
/// The limit of the X server, which is one client for all X programs.
pub const XWAYLAND_FACTOR: u32 = 4;

/// Pending configures of one window or popup. A client answers each, or the newest, before it draws again.
pub const UNANSWERED_CONFIGURES: usize = 250;
/// Pending commits of one surface: waiting for a parent's commit, a fence, a frame or a time. Each keeps a copy of its
/// state.
pub const WAITING_COMMITS: u32 = 1000;
/// Pending commits of one client that wait for something else than a parent's commit: all are checked whenever one may
/// be ready. Video playback has some twenty at a time.
pub const WAITING_UPDATES: u32 = 300;
/// Damage rectangles between two commits. With more the whole surface is damaged: no error.
pub const DAMAGE_RECTANGLES: usize = 128;
/// Registries of one client, and binds of `wl_compositor`. libwayland makes and keeps registries by itself.
pub const REGISTRIES: u32 = 1000;

/// One kind of object.
pub struct Kind {
    /// As it is counted: interfaces of one slot are counted together.
    pub slot: &'static str,
    /// Its name in `[limits]`.
    pub key: &'static str,
    limit: fn(&Limits) -> u32,
}

impl Kind {
    /// How many one client of a shell may have at a time.
    pub fn limit(&self, limits: &Limits) -> u32 {
        (self.limit)(limits)
    }
}

macro_rules! table {
    ($($($interface:literal)|+ => $slot:literal $key:literal $field:ident;)+) => {
        /// What objects of this interface are counted as.
        pub fn kind(interface: &'static str) -> Kind {
            match interface {
                $($($interface)|+ => Kind { slot: $slot, key: $key, limit: |limits| limits.$field },)+
                _ => Kind { slot: interface, key: "objects", limit: |limits| limits.objects },
            }
        }
    };
}

table! {
    "wl_surface" => "surfaces" "surfaces" surfaces;
    "wl_subsurface" => "subsurfaces" "subsurfaces" subsurfaces;
    "xdg_toplevel" => "toplevels" "toplevels" toplevels;
    "xdg_popup" | "zwp_input_popup_surface_v2" => "popups" "popups" popups;
    "wl_shm_pool" | "wl_buffer" | "zwp_linux_buffer_params_v1" | "wp_linux_drm_syncobj_timeline_v1"
        => "pools and buffers" "buffers" buffers;
    "wl_region" => "regions" "regions" regions;
    "wl_callback" | "wp_presentation_feedback" => "unanswered callbacks" "callbacks" callbacks;
    "wl_data_source" | "zwp_primary_selection_source_v1" | "ext_data_control_source_v1" | "zwlr_data_control_source_v1"
        => "data sources" "sources" sources;
    "xdg_activation_token_v1" => "activation tokens" "tokens" tokens;
    "object ids" => "object ids" "ids" ids;
}
