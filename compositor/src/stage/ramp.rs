//! Gamma ramps of a screen: an output value for each input value of a channel, from a client (wlr-gamma-control) or of
//! the night light. Where the display device has a table for them the back end sets that; else they are applied in the
//! same copy of the picture as the visual aids ([`super::aided`]).

/// Values of a channel.
pub const SIZE: usize = 256;
/// Bytes of a pixel.
const PIXEL: usize = 4;
/// Of 8 bits for one of 16: 255 × 257 is 65,535.
const STEP: u32 = 257;

/// The ramps for red, green and blue, 16 bits a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp(Box<[[u16; SIZE]; 3]>);

impl Ramp {
    /// From three ramps of 16-bit values, one after the other; `None`: they change nothing.
    pub fn of(values: &[u16; SIZE * 3]) -> Option<Self> {
        let channel = |channel: usize| std::array::from_fn(|value| values[channel * SIZE + value]);
        let ramp = Self(Box::new([channel(0), channel(1), channel(2)]));
        let changes = |channel: &[u16; SIZE]| {
            channel.iter().enumerate().any(|(value, shown)| value != usize::from(eight_bits(*shown)))
        };
        ramp.0.iter().any(changes).then_some(ramp)
    }

    /// Straight ramps that end at these shares of full red, green and blue, 0.0 to 1.0; `None`: they change nothing.
    pub fn of_white(white: [f64; 3]) -> Option<Self> {
        let share = |index: usize| (index % SIZE) as f64 / (SIZE - 1) as f64;
        let value = |index: usize| share(index) * white[index / SIZE].clamp(0.0, 1.0) * f64::from(u16::MAX);
        Self::of(&std::array::from_fn(|index| value(index).round() as u16))
    }

    /// Changes a picture, R, G, B and a padding byte for each pixel.
    pub fn change(&self, rgba: &mut [u8]) {
        let table = self.0.each_ref().map(|channel| channel.map(eight_bits));
        for pixel in rgba.chunks_exact_mut(PIXEL) {
            for (value, channel) in pixel.iter_mut().zip(&table) {
                *value = channel[usize::from(*value)];
            }
        }
    }

    /// As a table of so many entries, at least two, red, green and blue for each: values in between are interpolated.
    pub fn resampled(&self, entries: usize) -> impl Iterator<Item = [u16; 3]> + '_ {
        let last = entries.saturating_sub(1).max(1);
        (0..entries).map(move |entry| {
            let (whole, rest) = (entry * (SIZE - 1) / last, entry * (SIZE - 1) % last);
            self.0.each_ref().map(|channel| {
                let (from, to) = (channel[whole.min(SIZE - 1)], channel[(whole + 1).min(SIZE - 1)]);
                let (from, to, rest, last) = (i64::from(from), i64::from(to), rest as i64, last as i64);
                u16::try_from(from + (to - from) * rest / last).unwrap_or(u16::MAX)
            })
        })
    }
}

/// The nearest value of 8 bits.
fn eight_bits(value: u16) -> u8 {
    u8::try_from((u32::from(value) + STEP / 2) / STEP).unwrap_or(u8::MAX)
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
        assert!(Ramp::of_white([1.0; 3]).is_none());
    }

    #[test]
    fn each_channel_has_its_own() {
        let warm = Ramp::of(&values(|channel, value| value as u16 * 257 / (channel as u16 + 1))).unwrap();
        let mut picture = [200, 200, 200, 7, 0, 0, 0, 0, 255, 255, 255, 255];
        warm.change(&mut picture);
        assert_eq!(picture, [200, 100, 67, 7, 0, 0, 0, 0, 255, 127, 85, 255]);
        let mut picture = [200, 200, 200, 7];
        Ramp::of_white([1.0, 0.5, 0.0]).unwrap().change(&mut picture);
        assert_eq!(picture, [200, 100, 0, 7]);
    }

    #[test]
    fn a_table_of_any_length_has_both_ends_and_rises_with_the_ramp() {
        let ramp = Ramp::of_white([1.0, 0.5, 0.25]).unwrap();
        for entries in [2, 16, 255, 256, 257, 1024, 4096] {
            let table: Vec<_> = ramp.resampled(entries).collect();
            assert_eq!(table.len(), entries);
            assert_eq!((table[0], table[entries - 1]), ([0; 3], [65_535, 32_768, 16_384]), "{entries}");
            assert!(table.windows(2).all(|pair| (0..3).all(|channel| pair[0][channel] <= pair[1][channel])));
        }
        let same: Vec<u16> = ramp.resampled(SIZE).map(|[red, ..]| red).collect();
        assert_eq!(same, (0..SIZE as u16).map(|value| value * 257).collect::<Vec<_>>());
        assert_eq!(ramp.resampled(1).count(), 1);
        assert_eq!(ramp.resampled(0).count(), 0);
    }
}
