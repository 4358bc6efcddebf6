//! The three fields of EDID that name a display: maker, model, serial number. Pure; invalid data gives empty fields.
//! (VESA E-EDID 1.4, section 3.)

use crate::screens::Identity;

const HEADER: [u8; 8] = [0, 255, 255, 255, 255, 255, 255, 0];
/// Where the four 18-byte descriptors are.
const DESCRIPTORS: [usize; 4] = [54, 72, 90, 108];
const DESCRIPTOR_SIZE: usize = 18;
const TAG_SERIAL: u8 = 0xff;
const TAG_NAME: u8 = 0xfc;

/// Reads the base block. A damaged one (wrong checksum) gives no identity: a wrong name would be another display,
/// without this one's saved settings.
pub fn identity(edid: &[u8]) -> Identity {
    let Some(block) = edid.get(..128) else { return Identity::default() };
    if block.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
        return Identity::default();
    }
    let Some([m0, m1, p0, p1, n0, n1, n2, n3, ..]) = block.strip_prefix(&HEADER) else { return Identity::default() };
    let product = u16::from_le_bytes([*p0, *p1]);
    let number = u32::from_le_bytes([*n0, *n1, *n2, *n3]);
    Identity {
        make: maker(u16::from_be_bytes([*m0, *m1])),
        model: text(block, TAG_NAME).unwrap_or_else(|| format!("0x{product:04X}")),
        serial: text(block, TAG_SERIAL)
            .unwrap_or_else(|| if number == 0 { String::new() } else { format!("0x{number:08X}") }),
    }
}

/// Three letters of five bits, A = 1.
fn maker(packed: u16) -> String {
    let letter = |shift: u16| {
        let value = ((packed >> shift) & 0x1f) as u8;
        (1..=26).contains(&value).then(|| char::from(b'A' + value - 1))
    };
    [letter(10), letter(5), letter(0)].into_iter().collect::<Option<String>>().unwrap_or_default()
}

fn text(block: &[u8], tag: u8) -> Option<String> {
    let descriptors = DESCRIPTORS.iter().filter_map(|start| block.get(*start..*start + DESCRIPTOR_SIZE));
    let text = descriptors.into_iter().find_map(|descriptor| match descriptor {
        [0, 0, 0, found, _, text @ ..] if *found == tag => Some(text),
        _ => None,
    })?;
    let raw = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Printable ASCII only: the name ends up in logs and configuration.
    let text: String =
        raw.iter().map(|byte| char::from(*byte)).filter(|letter| letter.is_ascii_graphic() || *letter == ' ').collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block() -> Vec<u8> {
        let mut block = vec![0; 128];
        block[..8].copy_from_slice(&HEADER);
        // "DEL": 4, 5, 12.
        block[8..10].copy_from_slice(&((4u16 << 10) | (5 << 5) | 12).to_be_bytes());
        block[10..12].copy_from_slice(&0xa0b1u16.to_le_bytes());
        block[12..16].copy_from_slice(&7u32.to_le_bytes());
        block
    }

    /// With the checksum that it should have.
    fn whole(mut block: Vec<u8>) -> Vec<u8> {
        if block.len() >= 128 {
            let sum = block[..127].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
            block[127] = sum.wrapping_neg();
        }
        block
    }

    #[test]
    fn a_display_is_named_by_its_descriptors() {
        let mut edid = block();
        edid[54..72].copy_from_slice(b"\0\0\0\xfc\0U2720Q\n      ");
        edid[72..90].copy_from_slice(b"\0\0\0\xff\0ABC123\n      ");
        let named = identity(&whole(edid));
        assert_eq!(named.description(), "DEL U2720Q ABC123");
    }

    #[test]
    fn without_descriptors_the_numbers_serve() {
        assert_eq!(identity(&whole(block())).description(), "DEL 0xA0B1 0x00000007");
    }

    #[test]
    fn a_damaged_or_cut_edid_names_no_monitor() {
        let good = whole(block());
        let mut extended = good.clone();
        // Extension blocks are ignored.
        extended.extend([0xff; 255 * 128]);
        assert_eq!(identity(&extended), identity(&good));
        for bit in 0..128 * 8 {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(identity(&damaged), Identity::default(), "bit {bit}");
        }
        for length in 0..128 {
            assert_eq!(identity(&good[..length]), Identity::default());
        }
        assert_eq!(identity(&[0; 128]), Identity::default());
        assert_eq!(identity(&whole(vec![0xff; 128])), Identity::default());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut edid = bytes;
            identity(&edid);
            if edid.len() >= 8 { edid[..8].copy_from_slice(&HEADER); }
            let found = identity(&whole(edid));
            prop_assert!(found.description().chars().all(|letter| letter.is_ascii_graphic() || letter == ' '));
        }
    }
}
