//! The table of what is counted: for each kind of object its interface, its key in `[limits]`, and how many of it one
//! client may have. What is not in the table is counted all the same, each interface by itself, under `objects`.

use kiosk_core::config::Limits;

/// All clients of one user may have so many times what one client may.
pub const USER_FACTOR: u32 = 4;
/// All clients of the shells' sockets, or of the admin socket.
pub const ALL_FACTOR: u32 = 16;
/// A tool on the admin socket is trusted, and may have so many times what a page may.
pub const ADMIN_FACTOR: u32 = 4;
/// The X server is one client for all X programs, and may have so many times what a page may.
pub const XWAYLAND_FACTOR: u32 = 4;

/// Pending configures of one window or popup. A client answers each, or the newest, before it draws again.
pub const UNANSWERED_CONFIGURES: usize = 250;
/// Commits of one surface that wait: for a parent's commit, for the GPU, for a frame or for a time. Each keeps a copy of
/// what it sets.
pub const WAITING_COMMITS: u32 = 1000;
/// Of one client, those that wait for something else than a parent's commit: all are looked through whenever one may be
/// ready. A film has some twenty at a time.
pub const WAITING_UPDATES: u32 = 300;
/// Rectangles of damage between two commits. What has more is damaged everywhere: that is no error.
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
    "xdg_popup" => "popups" "popups" popups;
    "wl_shm_pool" | "wl_buffer" | "zwp_linux_buffer_params_v1" | "wp_linux_drm_syncobj_timeline_v1"
        => "pools and buffers" "buffers" buffers;
    "wl_region" => "regions" "regions" regions;
    "wl_callback" | "wp_presentation_feedback" => "unanswered callbacks" "callbacks" callbacks;
    "wl_data_source" | "zwp_primary_selection_source_v1" | "ext_data_control_source_v1" | "zwlr_data_control_source_v1"
        => "data sources" "sources" sources;
    "xdg_activation_token_v1" => "activation tokens" "tokens" tokens;
}
