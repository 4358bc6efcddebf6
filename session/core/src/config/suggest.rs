//! "Did you mean": the known name that is nearest to an unknown one.

/// The candidate with the fewest edits to `word`, when they are few enough that it may be a slip of
/// the hand: insertions, deletions, replacements and exchanges of neighbours.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short: a longer word is not a misspelt one, and comparing takes time.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase().replace('_', "-");
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase().replace('_', "-")), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let names = ["url", "command", "browser", "extra-args", "output"];
        assert_eq!(closest("ulr", names), Some("url"));
        assert_eq!(closest("extra_args", names), Some("extra-args"));
        assert_eq!(closest("Comand", names), Some("command"));
        assert_eq!(closest("colour", names), None);
        assert_eq!(closest("", names), None);
    }
}
