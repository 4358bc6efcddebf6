//! The state of a field for an input method, and the method's changes, for every version of text-input. Types alone.

use smithay::reexports::wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3::{
    ChangeCause, ContentHint, ContentPurpose,
};

/// Longest text in one message, bytes: what the protocols allow, and libwayland has room for.
pub const MAX_TEXT: usize = 4000;

/// The text around the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surrounding {
    /// Without the preedit.
    pub text: String,
    /// Byte offset.
    pub cursor: u32,
    /// The other end of the selection, byte offset.
    pub anchor: u32,
}

impl Surrounding {
    /// `None`: an offset is negative. The caller has checked the text already.
    pub fn new(text: String, cursor: impl TryInto<u32>, anchor: impl TryInto<u32>) -> Option<Self> {
        Some(Self { text, cursor: cursor.try_into().ok()?, anchor: anchor.try_into().ok()? })
    }
}

/// The state of a field for an input method.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The hint's bits.
    pub hint: ContentHint,
    /// The kind of text that is expected.
    pub purpose: ContentPurpose,
    /// `None`: the client does not send it.
    pub surrounding: Option<Surrounding>,
    /// Why the text changed.
    pub cause: ChangeCause,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            hint: ContentHint::None,
            purpose: ContentPurpose::Normal,
            surrounding: None,
            cause: ChangeCause::InputMethod,
        }
    }
}

/// A preedit: text that is not committed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Shown at the cursor.
    pub text: String,
    /// Start of the cursor within it, bytes; -1: hidden.
    pub begin: i32,
    /// End of the cursor, bytes.
    pub end: i32,
}

/// A change of a field, in the order in which it is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Bytes to delete before and after the cursor.
    pub delete: Option<(u32, u32)>,
    /// Inserted at the cursor.
    pub commit: Option<String>,
    /// `None`: no preedit.
    pub composed: Option<Composed>,
}

impl Edit {
    /// Inserts a text.
    pub fn text(text: &str) -> Self {
        Self { commit: Some(text.to_owned()), ..Self::default() }
    }
}
