//! The state of a field for an input method, and the method's changes, for every version of text-input. Types alone.

use smithay::reexports::wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3::{
    ChangeCause, ContentHint, ContentPurpose,
};

/// Longest text in one message, bytes: what the protocols allow, and libwayland has room for.
pub const MAX_TEXT: usize = 4000;

/// The text round the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surrounding {
    /// Without what is composed.
    pub text: String,
    /// Bytes into it.
    pub cursor: u32,
    /// The other end of what is selected, bytes.
    pub anchor: u32,
}

impl Surrounding {
    /// `None`: an offset is negative. Whoever calls has looked at the text already.
    pub fn new(text: String, cursor: impl TryInto<u32>, anchor: impl TryInto<u32>) -> Option<Self> {
        Some(Self { text, cursor: cursor.try_into().ok()?, anchor: anchor.try_into().ok()? })
    }
}

/// What is told of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Bits.
    pub hint: ContentHint,
    /// What is typed there.
    pub purpose: ContentPurpose,
    /// `None`: the client does not say, or nobody wanted to know.
    pub surrounding: Option<Surrounding>,
    /// Why that is another than before.
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

/// A text that is not committed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Shown at the cursor.
    pub text: String,
    /// The cursor within it, bytes; -1: hidden.
    pub begin: i32,
    /// Its end.
    pub end: i32,
}

/// A change of a field, in the order in which it is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Bytes before and after the cursor.
    pub delete: Option<(u32, u32)>,
    /// Goes in at the cursor.
    pub commit: Option<String>,
    /// `None`: nothing is composed any more.
    pub composed: Option<Composed>,
}

impl Edit {
    /// A text that goes in.
    pub fn text(text: &str) -> Self {
        Self { commit: Some(text.to_owned()), ..Self::default() }
    }
}
