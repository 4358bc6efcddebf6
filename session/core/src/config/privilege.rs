//! `[privilege."APP-ID"]`: what programs in a security context may do beside showing windows, by the app-id that the
//! context was made with on the admin socket.

use std::fmt;

/// What trusted tools do, as `allow` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Switch, rotate and place screens.
    Screens,
    /// See what screens show.
    Capture,
    /// Type, point and touch as a person does.
    VirtualInput,
    /// Read and set the clipboard at any time.
    Clipboard,
    /// Know of all windows, raise and close them.
    Windows,
    /// Put surfaces above and below the windows.
    Layers,
    /// Compose text for the window that has the keyboard.
    InputMethod,
}

impl Group {
    /// Every group by its name.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("screens", Self::Screens),
        ("capture", Self::Capture),
        ("virtual-input", Self::VirtualInput),
        ("clipboard", Self::Clipboard),
        ("windows", Self::Windows),
        ("layers", Self::Layers),
        ("input-method", Self::InputMethod),
    ];
}

impl fmt::Display for Group {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(Self::NAMES.iter().find(|(_, group)| group == self).map_or("", |(name, _)| name))
    }
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivilegeRule {
    /// Of the security context.
    pub app_id: String,
    /// Empty: nothing but windows.
    pub allow: Vec<Group>,
}
