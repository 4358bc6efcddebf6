//! Assigns CRTCs to displays. A card's connectors can each use only some of its CRTCs: taking the first free one could
//! leave a display without any. Pure; the KMS back end asks it at each scan.

/// A display in need of a CRTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need<C> {
    /// Its current CRTC.
    pub now: Option<C>,
    /// The CRTCs that can drive it, best first.
    pub possible: Vec<C>,
}

/// One CRTC for each display, for as many displays as possible. A display keeps its CRTC unless another one would get
/// none otherwise; none loses its CRTC to a new display.
pub fn assign<C: Copy + Eq>(needs: &[Need<C>]) -> Vec<Option<C>> {
    let mut chosen: Vec<Option<C>> = needs.iter().map(|need| need.now).collect();
    for display in 0..needs.len() {
        if chosen[display].is_none() {
            find(display, needs, &mut chosen, &mut Vec::new());
        }
    }
    chosen
}

/// Assigns a CRTC to the display: a free one, or one whose display can move to another.
fn find<C: Copy + Eq>(display: usize, needs: &[Need<C>], chosen: &mut [Option<C>], tried: &mut Vec<C>) -> bool {
    let possible = &needs[display].possible;
    let free = possible.iter().find(|crtc| !chosen.contains(&Some(**crtc)));
    if let Some(crtc) = free {
        chosen[display] = Some(*crtc);
        return true;
    }
    for crtc in possible {
        if tried.contains(crtc) {
            continue;
        }
        tried.push(*crtc);
        let holder = chosen.iter().position(|other| *other == Some(*crtc));
        if holder.is_some_and(|holder| holder != display && find(holder, needs, chosen, tried)) {
            chosen[display] = Some(*crtc);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn need(now: Option<u8>, possible: &[u8]) -> Need<u8> {
        Need { now, possible: possible.to_vec() }
    }

    #[test]
    fn a_greedy_choice_of_crtcs_leaves_no_display_dark() {
        // The first could take 1, which is all that the second can use.
        assert_eq!(assign(&[need(None, &[1, 2]), need(None, &[1])]), [Some(2), Some(1)]);
        // The same if the first is driven already: it moves.
        assert_eq!(assign(&[need(Some(1), &[1, 2]), need(None, &[1])]), [Some(2), Some(1)]);
    }

    #[test]
    fn a_display_that_is_lit_stays_where_it_is() {
        assert_eq!(assign(&[need(None, &[1, 2]), need(Some(1), &[1, 2])]), [Some(2), Some(1)]);
        assert_eq!(assign(&[need(Some(1), &[1]), need(None, &[1])]), [Some(1), None]);
    }

    /// The most displays that can be served, by trying everything.
    fn most(needs: &[Need<u8>], taken: &mut Vec<u8>) -> usize {
        let Some((first, rest)) = needs.split_first() else { return 0 };
        let mut best = most(rest, taken);
        for crtc in &first.possible {
            if !taken.contains(crtc) {
                taken.push(*crtc);
                best = best.max(1 + most(rest, taken));
                taken.pop();
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn as_many_as_possible_are_served(
            possible in prop::collection::vec(prop::sample::subsequence(vec![1u8, 2, 3, 4], 0..=4), 0..6),
            lit in any::<u8>(),
        ) {
            let mut needs: Vec<Need<u8>> = possible.into_iter().map(|possible| Need { now: None, possible }).collect();
            // Some are lit: as a first assignment left them.
            let first = assign(&needs);
            for (index, need) in needs.iter_mut().enumerate().filter(|(index, _)| lit >> index & 1 == 1) {
                need.now = first[index];
            }
            let chosen = assign(&needs);
            for (need, crtc) in needs.iter().zip(&chosen) {
                prop_assert!(crtc.is_none_or(|crtc| need.possible.contains(&crtc)));
                prop_assert!(need.now.is_none() || crtc.is_some(), "a lit display went dark");
            }
            let mut used: Vec<u8> = chosen.iter().flatten().copied().collect();
            used.sort_unstable();
            used.dedup();
            let served = chosen.iter().flatten().count();
            prop_assert_eq!(used.len(), served, "two displays on one CRTC");
            prop_assert_eq!(served, most(&needs, &mut Vec::new()));
        }
    }
}
