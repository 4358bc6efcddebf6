//! Timings for a size that a display does not list: VESA CVT 1.2 with reduced blanking (version 1), as flat panels take
//! it. [`super::mode`] checks whether a mode is possible, the KMS back end uses the timings. Pure; without margins and
//! interlace, which panels do not need.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

/// Shortest vertical blanking, microseconds (section 4).
const MIN_BLANK: f64 = 460.0;
/// Pixels of horizontal blanking, front porch and sync.
const BLANK: u32 = 160;
const FRONT_PORCH: u32 = 48;
const SYNC: u32 = 32;
/// Lines of vertical front porch, and the fewest of back porch.
const V_FRONT_PORCH: u32 = 3;
const MIN_V_BACK_PORCH: u32 = 6;
/// The pixel clock goes in steps of a quarter megahertz, kilohertz.
const CLOCK_STEP: u64 = 250;
/// Allowed width and height, pixels: larger ones do not fit the kernel's 16 bits with blanking.
pub const SIZE: std::ops::RangeInclusive<u32> = 64..=16384;
/// Millihertz.
pub const REFRESH: std::ops::RangeInclusive<u32> = 10_000..=500_000;

/// Timings of a `width` x `height` mode. Horizontal sync is positive, vertical negative: this marks reduced blanking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Visible pixels of a line.
    pub width: u16,
    /// Visible lines.
    pub height: u16,
    /// Kilohertz.
    pub clock: u32,
    /// Where the sync pulse starts and ends and where the line ends, pixels.
    pub hsync: (u16, u16, u16),
    /// The same for the frame, lines.
    pub vsync: (u16, u16, u16),
}

impl Timing {
    /// Timings for a size in pixels and a refresh rate in millihertz; `None` outside [`SIZE`] and [`REFRESH`].
    ///
    /// The width is not rounded down to character cells of 8 pixels as in the standard: digital links have none, and
    /// 1366 is common.
    pub fn reduced(width: u32, height: u32, refresh: u32) -> Option<Self> {
        if !SIZE.contains(&width) || !SIZE.contains(&height) || !REFRESH.contains(&refresh) {
            return None;
        }
        // One line takes this long if the blanking is as short as it may be, microseconds.
        let line = (1e9 / f64::from(refresh) - MIN_BLANK) / f64::from(height);
        let sync = sync_lines(width, height);
        let blank = ((MIN_BLANK / line) as u32 + 1).max(V_FRONT_PORCH + sync + MIN_V_BACK_PORCH);
        let (columns, lines) = (width + BLANK, height + blank);
        let clock = u64::from(refresh) * u64::from(columns) * u64::from(lines) / 1_000_000 / CLOCK_STEP * CLOCK_STEP;
        let narrow = |number: u32| u16::try_from(number).ok();
        let (hsync, vsync) = (width + FRONT_PORCH, height + V_FRONT_PORCH);
        Some(Self {
            width: narrow(width)?,
            height: narrow(height)?,
            clock: u32::try_from(clock).ok()?,
            hsync: (narrow(hsync)?, narrow(hsync + SYNC)?, narrow(columns)?),
            vsync: (narrow(vsync)?, narrow(vsync + sync)?, narrow(lines)?),
        })
    }

    /// The resulting refresh rate, millihertz: a little lower than requested because of the clock's steps.
    pub fn refresh(&self) -> u32 {
        let (columns, lines) = (u64::from(self.hsync.2), u64::from(self.vsync.2));
        // Rounded as smithay does for listed modes.
        let refresh = (u64::from(self.clock) * 1_000_000 / columns + lines / 2) / lines;
        u32::try_from(refresh).unwrap_or(u32::MAX)
    }
}

/// The number of lines tells the display the shape of the picture (table 3-2).
fn sync_lines(width: u32, height: u32) -> u32 {
    let shaped = |across: u32, down: u32| width * down == height * across;
    match () {
        () if shaped(4, 3) => 4,
        () if shaped(16, 9) => 5,
        () if shaped(16, 10) => 6,
        () if shaped(5, 4) || shaped(15, 9) => 7,
        () => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `cvt -r WIDTH HEIGHT HERTZ` of libxcvt prints it: hertz, megahertz, then the columns and lines of its
    /// mode line.
    const KNOWN: [(u32, f64, [u16; 8]); 17] = [
        (60, 23.50, [640, 688, 720, 800, 480, 483, 487, 494]),
        (60, 35.50, [800, 848, 880, 960, 600, 603, 607, 618]),
        (60, 43.75, [1024, 1072, 1104, 1184, 600, 603, 613, 619]),
        (60, 56.00, [1024, 1072, 1104, 1184, 768, 771, 775, 790]),
        (60, 63.75, [1280, 1328, 1360, 1440, 720, 723, 728, 741]),
        (60, 71.00, [1280, 1328, 1360, 1440, 800, 803, 809, 823]),
        (60, 90.75, [1280, 1328, 1360, 1440, 1024, 1027, 1034, 1054]),
        (60, 88.75, [1440, 1488, 1520, 1600, 900, 903, 909, 926]),
        (60, 97.50, [1600, 1648, 1680, 1760, 900, 903, 908, 926]),
        (60, 119.00, [1680, 1728, 1760, 1840, 1050, 1053, 1059, 1080]),
        (60, 138.50, [1920, 1968, 2000, 2080, 1080, 1083, 1088, 1111]),
        (120, 285.25, [1920, 1968, 2000, 2080, 1080, 1083, 1088, 1144]),
        (60, 154.00, [1920, 1968, 2000, 2080, 1200, 1203, 1209, 1235]),
        (60, 241.50, [2560, 2608, 2640, 2720, 1440, 1443, 1448, 1481]),
        (60, 533.00, [3840, 3888, 3920, 4000, 2160, 2163, 2168, 2222]),
        (60, 69.50, [720, 768, 800, 880, 1280, 1283, 1293, 1317]),
        (60, 146.75, [1080, 1128, 1160, 1240, 1920, 1923, 1933, 1975]),
    ];

    #[test]
    fn timings_are_those_of_cvt() {
        for (hertz, megahertz, expected) in KNOWN {
            let [width, hsync, hsync_end, columns, height, vsync, vsync_end, lines] = expected;
            let timing = Timing::reduced(width.into(), height.into(), hertz * 1000).unwrap();
            assert_eq!((timing.width, timing.height), (width, height));
            assert_eq!(timing.hsync, (hsync, hsync_end, columns), "{width}x{height}");
            assert_eq!(timing.vsync, (vsync, vsync_end, lines), "{width}x{height}");
            // That program computes the clock from the estimated line time, the standard (step 12) from the refresh
            // rate: one step apart at most, and the standard is the nearer to what was asked for.
            let apart = i64::from(timing.clock) - (megahertz * 1000.0) as i64;
            assert!((0..=CLOCK_STEP as i64).contains(&apart), "{width}x{height}: {} kHz", timing.clock);
        }
    }

    #[test]
    fn a_width_that_is_no_multiple_of_eight_is_kept() {
        let timing = Timing::reduced(1366, 768, 60_000).unwrap();
        assert_eq!((timing.width, timing.hsync.2), (1366, 1526));
    }

    #[test]
    fn an_impossible_mode_has_no_timings() {
        for (width, height, refresh) in [(0, 0, 60_000), (1280, 63, 60_000), (16385, 720, 60_000), (1280, 720, 0)] {
            assert_eq!(Timing::reduced(width, height, refresh), None);
        }
        assert_eq!(Timing::reduced(u32::MAX, u32::MAX, u32::MAX), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn any_timing_is_in_order_and_near_the_rate(width in SIZE, height in SIZE, refresh in REFRESH) {
            let timing = Timing::reduced(width, height, refresh).unwrap();
            let (start, end, total) = timing.hsync;
            prop_assert!(timing.width < start && start < end && end < total);
            let (start, end, total) = timing.vsync;
            prop_assert!(timing.height < start && start < end && end < total);
            prop_assert!(timing.refresh() <= refresh + 1);
            let step = 250_000_000.0 / (f64::from(timing.hsync.2) * f64::from(total)) * 1000.0;
            prop_assert!(f64::from(refresh - timing.refresh().min(refresh)) <= step + 2.0);
        }
    }
}
