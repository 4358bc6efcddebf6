//! Gamma ramps of a screen (wlr-gamma-control): an output value for each input value of a channel. Applied in the same
//! copy of the picture as the visual aids ([`super::aided`]).

/// Values of a channel.
pub const SIZE: usize = 256;
/// Bytes of a pixel.
const PIXEL: usize = 4;

/// The ramps for red, green and blue.
#[derive(Clone, PartialEq, Eq)]
pub struct Ramp([[u8; SIZE]; 3]);

impl Ramp {
    /// From three ramps of 16-bit values, one after the other; `None`: they change nothing.
    pub fn of(values: &[u16; SIZE * 3]) -> Option<Self> {
        // Rounded: 257 steps of 65,535 are one of 255.
        let near = |value: u16| ((u32::from(value) + 128) / 257) as u8;
        let channel = |channel: usize| std::array::from_fn(|value| near(values[channel * SIZE + value]));
        let ramp = Self([channel(0), channel(1), channel(2)]);
        let changes =
            |channel: &[u8; SIZE]| channel.iter().enumerate().any(|(value, shown)| value != usize::from(*shown));
        ramp.0.iter().any(changes).then_some(ramp)
    }

    /// Changes a picture, R, G, B and a padding byte for each pixel.
    pub fn change(&self, rgba: &mut [u8]) {
        for pixel in rgba.chunks_exact_mut(PIXEL) {
            for (value, channel) in pixel.iter_mut().zip(&self.0) {
                *value = channel[usize::from(*value)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: impl Fn(usize, usize) -> u16) -> [u16; SIZE * 3] {
        std::array::from_fn(|index| of(index / SIZE, index % SIZE))
    }

    #[test]
    fn an_identity_ramp_is_not_set() {
        assert!(Ramp::of(&values(|_, value| value as u16 * 257)).is_none());
        assert!(Ramp::of(&values(|_, value| (value as u16 * 257).saturating_add(100))).is_none(), "rounded");
    }

    #[test]
    fn each_channel_has_its_own() {
        let warm = Ramp::of(&values(|channel, value| value as u16 * 257 / (channel as u16 + 1))).unwrap();
        let mut picture = [200, 200, 200, 7, 0, 0, 0, 0, 255, 255, 255, 255];
        warm.change(&mut picture);
        assert_eq!(picture, [200, 100, 67, 7, 0, 0, 0, 0, 255, 127, 85, 255]);
    }
}
