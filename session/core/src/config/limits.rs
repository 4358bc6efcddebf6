//! `[limits]`: how much a Wayland client may have at a time. Read by kioskd; pages and toolkits stay far below the
//! built-in numbers, and a client that leaks objects, or floods on purpose, loses only its own connection.

/// How much one client may have at a time. All clients of one user together may have four times as much, and all
/// clients of the shells' sockets sixteen times. Tools on the admin socket may have four times as much as a shell's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections of all users together, to the shells' sockets and to the admin's each.
    pub clients: u32,
    /// Connections of one user.
    pub clients_per_user: u32,
    /// `wl_surface` objects.
    pub surfaces: u32,
    /// `wl_subsurface` objects.
    pub subsurfaces: u32,
    /// How deep subsurfaces may be nested: each is walked through by recursion.
    pub subsurface_depth: u32,
    /// Windows.
    pub toplevels: u32,
    /// How long a chain of dialogs of dialogs may be.
    pub parent_depth: u32,
    /// Popups.
    pub popups: u32,
    /// How deep menus may be nested.
    pub popup_depth: u32,
    /// Buffers and the pools they lie in: each may hold a file descriptor.
    pub buffers: u32,
    /// `wl_region` objects.
    pub regions: u32,
    /// Rectangles added to and subtracted from one region.
    pub region_rectangles: u32,
    /// Frame callbacks that were not answered yet.
    pub callbacks: u32,
    /// Sources of copying, dragging and the primary selection, each.
    pub sources: u32,
    /// Of one source.
    pub mime_types: u32,
    /// Activation tokens, under construction or ready.
    pub tokens: u32,
    /// Objects of each other kind.
    pub objects: u32,
    /// Object ids ever used, 8 bytes each: a client uses the id of a destroyed object again.
    pub ids: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 128,
            clients_per_user: 32,
            surfaces: 300,
            subsurfaces: 250,
            subsurface_depth: 32,
            toplevels: 64,
            parent_depth: 16,
            popups: 64,
            popup_depth: 16,
            buffers: 800,
            regions: 500,
            region_rectangles: 250,
            callbacks: 4000,
            sources: 64,
            mime_types: 250,
            tokens: 64,
            objects: 1000,
            ids: 1_000_000,
        }
    }
}
