//! Frees memory after start-up: most of the code of the program and of its libraries is needed only then.
//!
//! The kernel maps code in windows of 64 KiB around each page that is executed, so that after start-up nearly all of
//! it is resident, and would stay so for years. Called once by [`crate::kiosk`], when the splash has gone.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{fs, io};

/// Unmaps code and constants of the program and its libraries from this process: pages that are used again are mapped
/// from the page cache within microseconds.
pub fn forget_start() {
    match unmap_clean_pages() {
        Ok(()) => tracing::debug!("memory of the start given back"),
        Err(error) => tracing::debug!(%error, "the code that was needed to start stays in memory"),
    }
}

fn unmap_clean_pages() -> io::Result<()> {
    for (start, length) in clean_mappings(&fs::read_to_string("/proc/self/smaps")?) {
        advise(start, length)?;
    }
    Ok(())
}

/// Start and length of those mappings in the text of `/proc/self/smaps` that are of a file, cannot be written, and are
/// as the file is: constants that were relocated in memory are anonymous pages.
fn clean_mappings(smaps: &str) -> Vec<(usize, usize)> {
    let (mut mapping, mut clean) = (None, Vec::new());
    for line in smaps.lines() {
        match line.split_once(':') {
            Some(("Anonymous", size)) => clean.extend(mapping.take().filter(|_| size.trim() == "0 kB")),
            Some((key, _)) if key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') => {}
            _ => mapping = read_only_file(line),
        }
    }
    clean
}

/// Start and length of a mapping by the line that begins it, if it is private, of a file, and cannot be written.
fn read_only_file(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    if !matches!(rights, "r-xp" | "r--p") || !fields.nth(3)?.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let (start, end) = (address(start)?, address(end)?);
    Some((start, end.checked_sub(start)?))
}

#[allow(unsafe_code)]
fn advise(start: usize, length: usize) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the range is a private mapping of a file that is read-only and has no page that was ever written to (see
    // `clean_mappings`), so the next access finds the same bytes: a page that is not mapped is read from the file again,
    // as it is for a page that was never touched. Replacing the file, as package managers do, leaves this one in place.
    unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxDontNeed) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
55d0e6a00000-55d0e6c00000 r-xp 001f5000 fe:00 19457      /usr/bin/kioskd
Size:               2048 kB
Anonymous:             0 kB
THPeligible:           0
VmFlags: rd ex mr mw me
55d0e6c00000-55d0e6d00000 r--p 003f5000 fe:00 19457      /usr/bin/kioskd
Anonymous:           604 kB
55d0e6d00000-55d0e6e00000 rw-p 004f5000 fe:00 19457      /usr/bin/kioskd
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 19458      /usr/lib/lib of many words.so
Anonymous:             0 kB
7f0000002000-7f0000003000 r--s 00000000 fe:00 19459      /var/cache/fontconfig/1.cache
Anonymous:             0 kB
7f0000004000-7f0000005000 r-xp 00000000 00:00 0
Anonymous:             0 kB
7ffd6a1f0000-7ffd6a211000 r-xp 00000000 00:00 0          [vdso]
Anonymous:             0 kB
";

    #[test]
    fn only_what_is_as_in_its_file_is_forgotten() {
        assert_eq!(clean_mappings(SMAPS), [(0x55d0_e6a0_0000, 0x20_0000), (0x7f00_0000_0000, 0x1000)]);
        assert_eq!(clean_mappings("nonsense\nAnonymous: 0 kB\n: \n1-0 r-xp 0 0 0 /x\nAnonymous: 0 kB"), []);
    }

    /// KiB in memory of the mappings that are as their files are.
    fn resident() -> usize {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mappings = smaps.split_inclusive("VmFlags:").filter(|mapping| !clean_mappings(mapping).is_empty());
        let sizes = mappings.filter_map(|mapping| mapping.lines().find_map(|line| line.strip_prefix("Rss:")));
        sizes.map(|size| size.trim().trim_end_matches(" kB").parse::<usize>().unwrap()).sum()
    }

    #[test]
    fn the_program_goes_on_without_its_pages() {
        let before = resident();
        forget_start();
        assert!(resident() < before);
        let text: Vec<String> = (0..1000).map(|number| format!("{number:x}")).collect();
        assert_eq!(text[255], "ff");
    }
}
