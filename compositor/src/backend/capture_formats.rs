//! Buffers of a GPU that pictures are copied into for capture clients: which ones a renderer can draw into. The
//! protocols advertise them and refuse others (`protocols::capture`).

use smithay::backend::allocator::{Buffer as _, Format, Fourcc, Modifier, dmabuf::Dmabuf, format::FormatSet};

/// Formats that are offered if the renderer has them: 8 bits a colour, which is what a picture has. The first is what
/// most clients ask for.
const OFFERED: [Fourcc; 4] = [Fourcc::Xrgb8888, Fourcc::Argb8888, Fourcc::Xbgr8888, Fourcc::Abgr8888];

/// What the buffers of one device may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureFormats {
    /// The device that draws: buffers are to be allocated there (`st_rdev`).
    pub device: u64,
    /// Formats with their modifiers, at least one each; the preferred one first.
    pub formats: Vec<(Fourcc, Vec<Modifier>)>,
}

impl CaptureFormats {
    /// Those that the renderer both draws into and takes from clients; `None`: there are none.
    pub fn new(device: u64, drawn: &FormatSet, taken: &FormatSet) -> Option<Self> {
        let of = |code: Fourcc| -> Vec<Modifier> {
            let both = drawn.iter().filter(|format| format.code == code && taken.contains(format));
            both.map(|format| format.modifier).collect()
        };
        let formats = OFFERED.map(|code| (code, of(code)));
        let formats: Vec<_> = formats.into_iter().filter(|(_, modifiers)| !modifiers.is_empty()).collect();
        (!formats.is_empty()).then_some(Self { device, formats })
    }

    /// Whether a buffer has one of the formats, whatever its modifier.
    pub fn has(&self, code: Fourcc) -> bool {
        self.formats.iter().any(|(offered, _)| *offered == code)
    }

    /// Whether a picture can be drawn into this buffer.
    pub fn takes(&self, buffer: &Dmabuf) -> bool {
        let Format { code, modifier } = buffer.format();
        let offered = |(known, modifiers): &(Fourcc, Vec<Modifier>)| *known == code && modifiers.contains(&modifier);
        self.formats.iter().any(offered) && !buffer.y_inverted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(formats: &[(Fourcc, Modifier)]) -> FormatSet {
        formats.iter().map(|&(code, modifier)| Format { code, modifier }).collect()
    }

    #[test]
    fn only_what_is_drawn_and_taken_is_offered() {
        let linear = |code| (code, Modifier::Linear);
        let drawn = set(&[
            linear(Fourcc::Xbgr8888),
            linear(Fourcc::Xrgb8888),
            (Fourcc::Xrgb8888, Modifier::Invalid),
            linear(Fourcc::Argb8888),
            linear(Fourcc::Xrgb2101010),
        ]);
        let taken = set(&[linear(Fourcc::Xrgb8888), linear(Fourcc::Xbgr8888), linear(Fourcc::Xrgb2101010)]);
        let formats = CaptureFormats::new(7, &drawn, &taken).unwrap();
        assert_eq!(
            formats.formats,
            [(Fourcc::Xrgb8888, vec![Modifier::Linear]), (Fourcc::Xbgr8888, vec![Modifier::Linear])]
        );
        assert!(formats.has(Fourcc::Xrgb8888) && !formats.has(Fourcc::Argb8888));
        assert_eq!(CaptureFormats::new(7, &drawn, &FormatSet::default()), None);
    }
}
