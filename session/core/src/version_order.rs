//! Which of two versions is newer, as systemd's boot loader and updater decide it: by the UAPI Group's Version Format
//! Specification (systemd's `strverscmp_improved`), so that 10 comes after 9 and `1~rc1` before 1. Pure. The crate uapi-version
//! 0.4.0 takes 07 for newer than 8.

use std::cmp::Ordering;

/// Whether `a` is older than (`Less`), as old as, or newer than `b`. Names with the same prefix, such as `kiosk_9` and `kiosk_10`,
/// compare by their versions; characters that no version has count for nothing.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        (a, b) = (valid(a), valid(b));
        // A release candidate is older than what it is one of; for the others it is the shorter one.
        let mut order = marked(&mut a, &mut b, b'~');
        if order == Ordering::Equal && (a.is_empty() || b.is_empty()) {
            return a.len().cmp(&b.len());
        }
        for mark in [b'-', b'^', b'.'] {
            order = order.then_with(|| marked(&mut a, &mut b, mark));
        }
        order = order.then_with(|| {
            if !starts_with_digit(a) && !starts_with_digit(b) {
                return taken(&mut a, u8::is_ascii_alphabetic).cmp(taken(&mut b, u8::is_ascii_alphabetic));
            }
            let (left, right) = (taken(&mut a, u8::is_ascii_digit), taken(&mut b, u8::is_ascii_digit));
            // A number is newer than a word. Of any length, so it is compared as text.
            let is_number = (!left.is_empty()).cmp(&!right.is_empty());
            let (left, right) = (without_zeros(left), without_zeros(right));
            is_number.then(left.len().cmp(&right.len())).then(left.cmp(right))
        });
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// From the first character on that a version may have.
fn valid(part: &[u8]) -> &[u8] {
    let start = part.iter().position(|byte| byte.is_ascii_alphanumeric() || b"~-^.".contains(byte));
    part.get(start.unwrap_or(part.len())..).unwrap_or_default()
}

/// Where one of them has this mark, it is older than one without; where both have it, it is passed over in both.
fn marked(a: &mut &[u8], b: &mut &[u8], mark: u8) -> Ordering {
    match (a.strip_prefix(&[mark]), b.strip_prefix(&[mark])) {
        (Some(left), Some(right)) => {
            (*a, *b) = (left, right);
            Ordering::Equal
        }
        (None, None) => Ordering::Equal,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

fn starts_with_digit(part: &[u8]) -> bool {
    part.first().is_some_and(u8::is_ascii_digit)
}

/// Takes what is of one kind from the beginning.
fn taken<'a>(part: &mut &'a [u8], kind: fn(&u8) -> bool) -> &'a [u8] {
    let end = part.iter().position(|byte| !kind(byte)).unwrap_or(part.len());
    let (taken, rest) = part.split_at_checked(end).unwrap_or_default();
    *part = rest;
    taken
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// Of the specification's text and of systemd's own test, oldest first.
    const ORDER: &[&str] = &[
        "~1",
        "",
        "ab",
        "abb",
        "abc",
        "0001~rc1",
        "0001",
        "002",
        "12",
        "122.1",
        "123~rc1-1",
        "123",
        "123-a",
        "123-a.1",
        "123-1",
        "123-1.1",
        "123^post1",
        "123.a-1",
        "123.1-1",
        "123a-1",
        "124-1",
    ];

    #[test]
    fn versions_are_in_the_order_of_the_specification() {
        for (at, a) in ORDER.iter().enumerate() {
            for (other, b) in ORDER.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a:?} and {b:?}");
            }
        }
        for (a, b) in
            [("0_", "0"), ("_0_", "0"), ("1_2", "1__2"), ("007", "7"), ("1.02", "1.2"), ("ä1", "1ö"), ("=", "")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a:?} and {b:?}");
        }
        for (older, newer) in [
            ("kiosk_9", "kiosk_10"),
            ("kiosk_07", "kiosk_8"),
            ("kiosk_1.9", "kiosk_1.10"),
            ("", "1"),
            ("1.~", "1."),
            ("99999999999999999999999", "100000000000000000000000"),
        ] {
            assert_eq!(compare(older, newer), Ordering::Less, "{older:?} and {newer:?}");
        }
    }

    /// Characters of all kinds that matter, in short texts so that much is alike.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![
                Just("0"),
                Just("1"),
                Just("12"),
                Just("a"),
                Just("b"),
                Just("~"),
                Just("-"),
                Just("^"),
                Just("."),
                Just("_"),
            ],
            0..8,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in text(), b in text(), c in text()) {
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
                prop_assert_ne!(compare(&a, &c), Ordering::Greater);
            }
        }

        #[test]
        fn any_text_can_be_compared(a in any::<String>(), b in any::<String>()) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn systemd_says_the_same(a in text(), b in text()) {
            // Without systemd there is nobody to be asked.
            let Ok(said) = Command::new("systemd-analyze").args(["compare-versions", "--", &a, &b]).output() else {
                return Ok(());
            };
            let said = match said.status.code() {
                Some(0) => Ordering::Equal,
                Some(11) => Ordering::Greater,
                Some(12) => Ordering::Less,
                other => return Err(TestCaseError::fail(format!("systemd-analyze ended with {other:?}"))),
            };
            prop_assert_eq!(compare(&a, &b), said);
        }
    }
}
