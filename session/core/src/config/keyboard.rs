//! `[keyboard]`: the keyboard on the screen. Types alone.

/// When the keyboard comes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyboardUse {
    /// Where there is a touch panel and no real keyboard.
    #[default]
    Auto,
    /// Independent of the devices.
    Always,
    /// Not at all.
    Never,
    /// Never, as a client provides one.
    External,
}

/// How high its keys are, in proportion to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyboardSize {
    /// Four fifths of medium.
    Small,
    /// About a third of a screen in landscape.
    #[default]
    Medium,
    /// Five quarters of medium.
    Large,
}

/// The keyboard on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnScreenKeyboard {
    /// `use`: when it comes by itself.
    pub when: KeyboardUse,
    /// How high its keys are.
    pub size: KeyboardSize,
    /// A swipe up from the lower edge shows it.
    pub gesture: bool,
    /// Behind the keys; sRGB.
    pub background: [u8; 3],
    /// Of keys with characters.
    pub key: [u8; 3],
    /// Characters on the keys.
    pub text: [u8; 3],
    /// Active keys.
    pub accent: [u8; 3],
}

impl Default for OnScreenKeyboard {
    fn default() -> Self {
        Self {
            when: KeyboardUse::default(),
            size: KeyboardSize::default(),
            gesture: false,
            background: [0x1b, 0x1d, 0x21],
            key: [0x45, 0x49, 0x50],
            text: [0xff, 0xff, 0xff],
            accent: [0x7f, 0xb4, 0xff],
        }
    }
}
