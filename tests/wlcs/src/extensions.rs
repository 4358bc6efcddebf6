//! What the suite is told that kioskd offers. What is not said the suite skips; what is said and not offered fails.

use std::{
    ffi::{CString, c_char},
    ptr::null,
    sync::LazyLock,
};

use kioskd::privilege::table::{GLOBALS, Global};

/// One protocol.
#[repr(C)]
pub(crate) struct Extension {
    name: *const c_char,
    version: u32,
}

/// All of them.
#[repr(C)]
pub(crate) struct Descriptor {
    version: u32,
    count: usize,
    extensions: *const Extension,
}

// SAFETY: they point to what is never written to and never given back.
unsafe impl Sync for Descriptor {}
unsafe impl Send for Descriptor {}

/// All globals of kioskd's own table but those that take a display device: the suite's clients are of the admin's socket.
pub(crate) static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let extension = |global: &Global| {
        let name = CString::new(global.interface).map_or(null(), |name| name.into_raw().cast_const());
        Extension { name, version: global.version }
    };
    let extensions: Vec<Extension> = GLOBALS.iter().filter(|global| !global.device).map(extension).collect();
    let extensions = extensions.leak();
    Descriptor { version: 1, count: extensions.len(), extensions: extensions.as_ptr() }
});
