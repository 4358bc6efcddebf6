//! What a display says of itself: its name is short, printable, and the same each time.

use kioskd::backend::kms::edid::identity;

use crate::Target;

/// See the module.
pub const TARGET: Target =
    Target { name: "edid", run, seeds, words: &["\0\0\0\u{fc}\0", "\n    ", "\u{1b}[2J"], longest: 512 };

/// Three letters, a name and a number of 13 characters, and what stands between them.
const LONGEST: usize = 3 + 1 + 13 + 1 + 13;

fn seeds() -> Vec<Vec<u8>> {
    let mut block = vec![0; 128];
    block[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
    block[8..16].copy_from_slice(&[0x10, 0xac, 0xb1, 0xa0, 7, 0, 0, 0]);
    let plain = block.clone();
    block[54..72].copy_from_slice(b"\0\0\0\xfc\0U2720Q\n      ");
    block[72..90].copy_from_slice(b"\0\0\0\xff\0ABC123\n      ");
    vec![plain, block.clone(), [block, vec![2; 128]].concat()]
}

fn run(input: &[u8]) {
    let name = identity(input).description();
    assert!(name.chars().all(|letter| letter.is_ascii_graphic() || letter == ' '), "{name:?}");
    assert!(name.len() <= LONGEST, "{name:?}");
    assert_eq!(identity(input).description(), name);
}
