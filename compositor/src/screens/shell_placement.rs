//! Assigns shells to screens. Pure; [`super::Screens`] keeps the result, and computes it anew with each change of a screen
//! that it depends on.
//!
//! A screen shows one shell at most. A shell whose output is not connected goes to one that no other shell wants, else
//! it stays, invisible, on its unplugged output's screen: clients keep the `wl_output` they have bound.

/// A shell's wanted screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ShellScreen {
    /// The first one with a display.
    #[default]
    First,
    /// The one whose display was connected last: cage's `-m last`.
    Last,
    /// The one of this connector or identity; while it is not connected, the first.
    Named(String),
}

/// A candidate screen.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a, Called: Fn(&str) -> bool> {
    /// Its connector.
    pub name: &'a str,
    /// Whether it has this identity.
    pub called: Called,
    /// Its display is connected.
    pub connected: bool,
    /// It shows another screen's picture.
    pub mirror: bool,
}

/// For each shell the index of its screen. `None`: every screen is another shell's.
pub fn place_shells<Called: Fn(&str) -> bool>(
    wanted: &[ShellScreen],
    places: &[Candidate<'_, Called>],
) -> Vec<Option<usize>> {
    let mut placed = vec![None; wanted.len()];
    let free = |placed: &[Option<usize>], index: usize| !places[index].mirror && !placed.contains(&Some(index));
    let named = |name: &str| {
        let by_name = places.iter().position(|place| place.name == name);
        by_name.or_else(|| places.iter().position(|place| (place.called)(name)))
    };
    for (shell, wanted) in wanted.iter().enumerate() {
        if let ShellScreen::Named(name) = wanted
            && let Some(index) = named(name).filter(|index| places[*index].connected && free(&placed, *index))
        {
            placed[shell] = Some(index);
        }
    }
    for connected in [true, false] {
        for (shell, wanted) in wanted.iter().enumerate() {
            if placed[shell].is_some() {
                continue;
            }
            let mut left = (0..places.len()).filter(|index| places[*index].connected == connected);
            placed[shell] = match wanted {
                ShellScreen::Named(name) if !connected => named(name)
                    .filter(|index| free(&placed, *index))
                    .or_else(|| left.find(|index| free(&placed, *index))),
                ShellScreen::Last => left.rfind(|index| free(&placed, *index)),
                _ => left.find(|index| free(&placed, *index)),
            };
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Called = fn(&str) -> bool;

    fn screens(connected: &[bool]) -> Vec<Candidate<'static, Called>> {
        let names = ["DP-1", "DP-2", "DP-3", "DP-4"];
        let none: Called = |_| false;
        let place = |(name, connected): (&'static str, &bool)| Candidate {
            name,
            called: none,
            connected: *connected,
            mirror: false,
        };
        names.into_iter().zip(connected).map(place).collect()
    }

    fn named(name: &str) -> ShellScreen {
        ShellScreen::Named(name.into())
    }

    #[test]
    fn one_shell_is_on_the_only_screen_whether_or_not_its_display_is_there() {
        for wanted in [[ShellScreen::First], [ShellScreen::Last]] {
            for connected in [true, false] {
                assert_eq!(place_shells(&wanted, &screens(&[connected])), [Some(0)]);
            }
        }
    }

    #[test]
    fn one_shell_is_on_the_screen_it_wants_else_on_the_first_that_is_there() {
        assert_eq!(place_shells(&[ShellScreen::First], &screens(&[false, true, true])), [Some(1)]);
        assert_eq!(place_shells(&[ShellScreen::Last], &screens(&[true, true, false])), [Some(1)]);
        assert_eq!(place_shells(&[named("DP-2")], &screens(&[true, true])), [Some(1)]);
        assert_eq!(place_shells(&[named("DP-2")], &screens(&[true, false])), [Some(0)]);
        assert_eq!(place_shells(&[named("DP-2")], &screens(&[false, false])), [Some(1)]);
        assert_eq!(place_shells(&[ShellScreen::First], &screens(&[])), [None]);
    }

    #[test]
    fn a_shell_with_a_configured_screen_gets_it_before_one_without() {
        assert_eq!(place_shells(&[ShellScreen::First, named("DP-1")], &screens(&[true, true])), [Some(1), Some(0)]);
        assert_eq!(place_shells(&[named("DP-1"), named("DP-2")], &screens(&[true, true])), [Some(0), Some(1)]);
    }

    #[test]
    fn a_shell_whose_display_is_gone_stays_on_its_screen_unless_another_is_to_spare() {
        let both = [named("DP-1"), named("DP-2")];
        assert_eq!(place_shells(&both, &screens(&[true, false])), [Some(0), Some(1)]);
        assert_eq!(place_shells(&both, &screens(&[true, false, true])), [Some(0), Some(2)]);
        assert_eq!(place_shells(&both, &screens(&[true])), [Some(0), None]);
    }

    #[test]
    fn a_mirror_gets_no_shell() {
        let mut places = screens(&[true, true]);
        places[0].mirror = true;
        assert_eq!(place_shells(&[named("DP-1")], &places), [Some(1)]);
    }

    proptest! {
        #[test]
        fn no_two_shells_share_a_screen_and_none_is_dark_while_one_is_free(
            wants in prop::collection::vec(0usize..6, 1..5), connected in prop::collection::vec(any::<bool>(), 0..4),
        ) {
            let wants: Vec<ShellScreen> = wants
                .into_iter()
                .map(|want| match want {
                    4 => ShellScreen::First,
                    5 => ShellScreen::Last,
                    number => named(&format!("DP-{number}")),
                })
                .collect();
            let placed = place_shells(&wants, &screens(&connected));
            let taken: Vec<usize> = placed.iter().flatten().copied().collect();
            prop_assert!(taken.iter().enumerate().all(|(at, screen)| !taken[..at].contains(screen)), "{placed:?}");
            let lit = taken.iter().filter(|screen| connected[**screen]).count();
            prop_assert_eq!(lit, wants.len().min(connected.iter().filter(|connected| **connected).count()));
            prop_assert_eq!(taken.len(), wants.len().min(connected.len()));
        }
    }
}
