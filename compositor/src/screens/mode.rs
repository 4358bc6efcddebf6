//! Chooses among a display's modes: pure.

use kiosk_core::config::{ModeChoice, syntax};

use super::{Head, HeadMode, cvt::Timing};

/// Tolerance for refresh rates, such as 59.94 Hz for 60 Hz; millihertz.
const REFRESH_TOLERANCE: u32 = 600;

/// Refresh rate of a custom mode without one, millihertz.
const CUSTOM_REFRESH: u32 = 60_000;

/// The mode to use, and whether it is the wanted one; `None` without modes.
pub fn choose(modes: &[HeadMode], wanted: ModeChoice) -> Option<(HeadMode, bool)> {
    let fallback = || modes.iter().find(|mode| mode.preferred).or_else(|| largest(modes));
    let found = match wanted {
        ModeChoice::Preferred => fallback().copied(),
        ModeChoice::Max => largest(modes).copied(),
        ModeChoice::Exact { width, height, refresh } => listed(modes, width, height, refresh),
        ModeChoice::Custom { width, height, refresh } => custom(width, height, refresh.unwrap_or(CUSTOM_REFRESH)),
    };
    match found {
        Some(mode) => Some((mode, true)),
        None => fallback().map(|mode| (*mode, false)),
    }
}

/// The mode of that size with the nearest refresh rate, or the highest progressive one if none is wanted. Of equally near
/// ones the progressive one.
fn listed(modes: &[HeadMode], width: u32, height: u32, refresh: Option<u32>) -> Option<HeadMode> {
    let fitting = modes
        .iter()
        .filter(|mode| mode.width.unsigned_abs() == width && mode.height.unsigned_abs() == height)
        .filter(|mode| refresh.is_none_or(|wanted| off_by(mode, wanted) <= REFRESH_TOLERANCE));
    let best = fitting.min_by_key(|mode| match refresh {
        None => (u32::from(mode.interlaced), u32::MAX - mode.refresh.unsigned_abs()),
        Some(wanted) => (off_by(mode, wanted), u32::from(mode.interlaced)),
    });
    best.copied()
}

/// A mode with computed timings; `None`: they cannot be computed.
fn custom(width: u32, height: u32, refresh: u32) -> Option<HeadMode> {
    let timing = Timing::reduced(width, height, refresh)?;
    Some(HeadMode {
        width: i32::from(timing.width),
        height: i32::from(timing.height),
        refresh: i32::try_from(timing.refresh()).ok()?,
        preferred: false,
        custom: Some(refresh),
        interlaced: false,
    })
}

/// Sizes that most displays and drivers support, listed or not, as a last resort.
const LAST_RESORT: [(u32, u32); 3] = [(1024, 768), (800, 600), (640, 480)];

/// The modes to try after the driver refuses one, in order: the display's preferred one, its others from the best
/// down, then [`LAST_RESORT`].
pub fn fallbacks(modes: &[HeadMode]) -> Vec<HeadMode> {
    let listed = modes.iter().filter(|mode| mode.custom.is_none());
    let (mut order, mut others): (Vec<&HeadMode>, Vec<&HeadMode>) = listed.partition(|mode| mode.preferred);
    // A stable sort: equal modes keep the display's order.
    others.sort_by_key(|mode| std::cmp::Reverse(rank(mode)));
    order.append(&mut others);
    let mut order: Vec<HeadMode> = order.into_iter().copied().collect();
    for (width, height) in LAST_RESORT {
        if listed_size(modes, width, height).is_none() {
            order.extend(custom(width, height, CUSTOM_REFRESH));
        }
    }
    order
}

fn listed_size(modes: &[HeadMode], width: u32, height: u32) -> Option<&HeadMode> {
    modes.iter().find(|mode| {
        mode.custom.is_none() && mode.width.unsigned_abs() == width && mode.height.unsigned_abs() == height
    })
}

/// For people: size, an i where it is interlaced, and hertz.
pub fn describe(mode: HeadMode) -> String {
    let interlaced = if mode.interlaced { "i" } else { "" };
    format!("{}x{}{interlaced}@{}", mode.width, mode.height, syntax::hertz_text(mode.refresh.unsigned_abs()))
}

impl Head {
    /// Sets the mode in force: a listed one, or a custom one, which replaces any earlier custom mode at the end of the
    /// list. `false`: it is neither, and nothing changed.
    pub fn switch_to(&mut self, mode: HeadMode) -> bool {
        if mode.custom.is_none() && !self.modes.contains(&mode) {
            return false;
        }
        self.modes.retain(|known| known.custom.is_none());
        if mode.custom.is_some() {
            self.modes.push(mode);
        }
        self.mode = self.modes.iter().position(|known| *known == mode).unwrap_or(0);
        true
    }
}

fn off_by(mode: &HeadMode, refresh: u32) -> u32 {
    mode.refresh.unsigned_abs().abs_diff(refresh)
}

fn largest(modes: &[HeadMode]) -> Option<&HeadMode> {
    // Among equals the first in the display's order.
    modes.iter().rev().filter(|mode| mode.custom.is_none()).max_by_key(|mode| rank(mode))
}

/// Larger is better: progressive before interlaced, whose lines flicker in text, then pixels, then the refresh rate.
fn rank(mode: &HeadMode) -> (bool, i64, i32) {
    (!mode.interlaced, i64::from(mode.width) * i64::from(mode.height), mode.refresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interlaced_modes_are_chosen_only_by_their_own_rate_or_where_there_is_nothing_else() {
        let interlaced = |refresh| HeadMode { interlaced: true, ..mode(1920, 1080, refresh, false) };
        let modes =
            [interlaced(60_000), mode(1280, 720, 60_000, false), mode(1920, 1080, 24_000, false), interlaced(50_000)];
        let exact = |refresh| ModeChoice::Exact { width: 1920, height: 1080, refresh };
        let chosen = |wanted| choose(&modes, wanted).map(|(mode, _)| describe(mode)).unwrap();
        assert_eq!(chosen(ModeChoice::Max), "1920x1080@24");
        assert_eq!(chosen(exact(None)), "1920x1080@24", "half the rate, and nothing flickers");
        assert_eq!(chosen(exact(Some(50_000))), "1920x1080i@50");
        assert_eq!(choose(&modes[..2], ModeChoice::Max).unwrap().0, modes[1], "fewer pixels, and nothing flickers");
        assert_eq!(choose(&modes[..2], exact(None)).unwrap().0, modes[0], "it has this size in no other way");
        assert_eq!(
            choose(&[interlaced(60_000), mode(1920, 1080, 60_000, false)], exact(Some(60_000))).unwrap().0,
            mode(1920, 1080, 60_000, false)
        );
        assert_eq!(choose(&modes[..1], ModeChoice::Preferred).unwrap().0, modes[0]);
        let order: Vec<bool> = fallbacks(&modes).iter().map(|mode| mode.interlaced).collect();
        assert_eq!(order[..4], [false, false, true, true]);
    }

    fn mode(width: i32, height: i32, refresh: i32, preferred: bool) -> HeadMode {
        HeadMode { width, height, refresh, preferred, custom: None, interlaced: false }
    }

    fn exact(width: u32, height: u32, refresh: Option<u32>) -> ModeChoice {
        ModeChoice::Exact { width, height, refresh }
    }

    #[test]
    fn the_wanted_mode_is_found_with_a_tolerant_refresh_rate() {
        let modes = [mode(1920, 1080, 59_940, false), mode(1920, 1080, 30_000, false), mode(1280, 720, 60_000, true)];
        assert_eq!(choose(&modes, exact(1920, 1080, Some(60_000))), Some((modes[0], true)));
        assert_eq!(choose(&modes, exact(1920, 1080, None)), Some((modes[0], true)));
        assert_eq!(choose(&modes, exact(800, 600, None)), Some((modes[2], false)));
        assert_eq!(choose(&modes, ModeChoice::Preferred), Some((modes[2], true)));
        assert_eq!(choose(&modes, ModeChoice::Max), Some((modes[0], true)));
    }

    #[test]
    fn a_display_without_a_preferred_mode_gets_its_largest() {
        let modes = [mode(640, 480, 60_000, false), mode(1024, 768, 60_000, false)];
        assert_eq!(choose(&modes, ModeChoice::Preferred), Some((modes[1], true)));
        assert_eq!(choose(&[], ModeChoice::Max), None);
    }

    #[test]
    fn a_custom_mode_needs_no_listing_but_must_be_possible() {
        let modes = [mode(1024, 768, 60_000, true)];
        let wanted = |width, height, refresh| ModeChoice::Custom { width, height, refresh };
        let (made, found) = choose(&modes, wanted(1366, 768, None)).unwrap();
        assert!(found);
        assert_eq!((made.width, made.height, made.custom), (1366, 768, Some(60_000)));
        assert!((59_500..=60_000).contains(&made.refresh), "{}", made.refresh);
        assert_eq!(choose(&modes, wanted(3, 3, Some(60_000))), Some((modes[0], false)));
        // Without any list, as of a display whose EDID is lost, it still serves.
        assert!(choose(&[], wanted(1280, 720, Some(50_000))).is_some_and(|(_, found)| found));
    }

    #[test]
    fn refused_modes_fall_back_from_the_preferred_down_to_what_always_works() {
        let listed = [
            mode(640, 480, 60_000, false),
            mode(1280, 720, 60_000, true),
            mode(1920, 1080, 30_000, false),
            mode(1920, 1080, 60_000, false),
        ];
        let order = fallbacks(&listed);
        assert_eq!(order[..4], [listed[1], listed[3], listed[2], listed[0]]);
        let rest: Vec<_> = order[4..].iter().map(|mode| (mode.width, mode.height, mode.custom)).collect();
        assert_eq!(rest, [(1024, 768, Some(60_000)), (800, 600, Some(60_000))], "640x480 is listed");
        assert_eq!(fallbacks(&[]).len(), LAST_RESORT.len());
    }

    #[test]
    fn a_head_has_one_custom_mode_at_a_time() {
        let listed = vec![mode(1024, 768, 60_000, true), mode(640, 480, 60_000, false)];
        let mut head = Head {
            id: crate::screens::HeadId(1),
            name: "DP-1".into(),
            identity: Default::default(),
            physical: (0, 0),
            modes: listed.clone(),
            mode: 0,
        };
        let (first, second) = (custom(1280, 720, 60_000).unwrap(), custom(1280, 800, 60_000).unwrap());
        assert!(head.switch_to(first));
        assert_eq!(head.modes[head.mode], first);
        assert!(head.switch_to(second));
        assert_eq!((head.modes.len(), head.modes[head.mode]), (3, second));
        assert!(head.switch_to(listed[1]));
        assert_eq!((&head.modes, head.mode), (&listed, 1));
        assert!(!head.switch_to(mode(1, 1, 1, false)));
        assert_eq!(head.mode, 1);
    }
}
