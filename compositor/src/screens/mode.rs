//! Which of a display's modes is used: pure choice, no I/O.

use kiosk_session::config::ModeChoice;

use super::HeadMode;

/// How far a refresh rate may be off and still be meant: 59.94 Hz for 60 Hz, millihertz.
const REFRESH_TOLERANCE: u32 = 600;

/// The index of the mode to use and whether it is what was wanted; `None` when there are no modes.
pub fn choose(modes: &[HeadMode], wanted: ModeChoice) -> Option<(usize, bool)> {
    let fallback = || {
        let preferred = modes.iter().position(|mode| mode.preferred);
        preferred.or_else(|| largest(modes))
    };
    match wanted {
        ModeChoice::Preferred => fallback().map(|index| (index, true)),
        ModeChoice::Max => largest(modes).map(|index| (index, true)),
        // Timings of our own making come with the screens work; until then a listed mode of that size serves.
        ModeChoice::Exact { width, height, refresh } | ModeChoice::Custom { width, height, refresh } => {
            let fitting = modes
                .iter()
                .enumerate()
                .filter(|(_, mode)| mode.width.unsigned_abs() == width && mode.height.unsigned_abs() == height)
                .filter(|(_, mode)| refresh.is_none_or(|wanted| off_by(mode, wanted) <= REFRESH_TOLERANCE));
            let best = fitting.min_by_key(|(_, mode)| match refresh {
                None => u32::MAX - mode.refresh.unsigned_abs(),
                Some(wanted) => off_by(mode, wanted),
            });
            match best {
                Some((index, _)) => Some((index, true)),
                None => fallback().map(|index| (index, false)),
            }
        }
    }
}

fn off_by(mode: &HeadMode, refresh: u32) -> u32 {
    mode.refresh.unsigned_abs().abs_diff(refresh)
}

fn largest(modes: &[HeadMode]) -> Option<usize> {
    let best = modes.iter().enumerate().max_by_key(|(index, mode)| {
        (i64::from(mode.width) * i64::from(mode.height), mode.refresh, std::cmp::Reverse(*index))
    });
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: i32, height: i32, refresh: i32, preferred: bool) -> HeadMode {
        HeadMode { width, height, refresh, preferred }
    }

    fn exact(width: u32, height: u32, refresh: Option<u32>) -> ModeChoice {
        ModeChoice::Exact { width, height, refresh }
    }

    #[test]
    fn the_wanted_mode_is_found_with_a_tolerant_refresh_rate() {
        let modes = [mode(1920, 1080, 59_940, false), mode(1920, 1080, 30_000, false), mode(1280, 720, 60_000, true)];
        assert_eq!(choose(&modes, exact(1920, 1080, Some(60_000))), Some((0, true)));
        assert_eq!(choose(&modes, exact(1920, 1080, None)), Some((0, true)));
        assert_eq!(choose(&modes, exact(800, 600, None)), Some((2, false)));
        assert_eq!(choose(&modes, ModeChoice::Preferred), Some((2, true)));
        assert_eq!(choose(&modes, ModeChoice::Max), Some((0, true)));
    }

    #[test]
    fn a_display_without_a_preferred_mode_gets_its_largest() {
        let modes = [mode(640, 480, 60_000, false), mode(1024, 768, 60_000, false)];
        assert_eq!(choose(&modes, ModeChoice::Preferred), Some((1, true)));
        assert_eq!(choose(&[], ModeChoice::Max), None);
    }
}
