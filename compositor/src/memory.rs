//! Frees memory after start-up: most of the program's code is needed only then.
//!
//! The kernel maps code in windows of 64 KiB around each page that is executed, so that after start-up nearly all of
//! the program is resident, and would stay so for years. Called once by [`crate::kiosk`], when the splash has gone.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{fs, io};

/// Unmaps the program's code and constants from this process. Pages that are used again are mapped from the page cache
/// within microseconds.
pub fn forget_start() {
    match unmap_clean_pages() {
        Ok(()) => tracing::debug!("memory of the start given back"),
        Err(error) => tracing::debug!(%error, "the code that was needed to start stays in memory"),
    }
}

fn unmap_clean_pages() -> io::Result<()> {
    let program = fs::read_link("/proc/self/exe")?;
    let program = program.to_string_lossy();
    for line in fs::read_to_string("/proc/self/maps")?.lines() {
        if let Some((start, length)) = clean_pages(line, &program) {
            advise(start, length)?;
        }
    }
    Ok(())
}

/// Start and length of a line of `/proc/self/maps`, if it is of `program` and maps the file as it is: only the first
/// segments, up to the code, are never written to; what follows was relocated in memory.
fn clean_pages(line: &str, program: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights, offset) = (fields.next()?, fields.next()?, fields.next()?);
    let path = fields.nth(2)?;
    let unwritten = rights == "r-xp" || (rights == "r--p" && offset.bytes().all(|digit| digit == b'0'));
    if path != program || !unwritten {
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
    // SAFETY: the range is a private mapping of the running program's file that is read-only and was never written
    // to (see `clean_pages`), so the next access finds the same bytes: a page that is not mapped is read from the
    // file again. The file cannot change while it runs (ETXTBSY), and replacing it leaves this one in place.
    unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxDontNeed) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_in_the_file_is_forgotten() {
        let line = |rights: &str, offset: &str, path: &str| {
            clean_pages(
                &format!("55d0e6a00000-55d0e6c00000 {rights} {offset} fe:00 19457      {path}"),
                "/usr/bin/kioskd",
            )
        };
        let all = Some((0x55d0_e6a0_0000, 0x20_0000));
        assert_eq!(line("r-xp", "001f5000", "/usr/bin/kioskd"), all);
        assert_eq!(line("r--p", "00000000", "/usr/bin/kioskd"), all);
        assert_eq!(line("r--p", "007ff000", "/usr/bin/kioskd"), None, "relocated constants");
        assert_eq!(line("rw-p", "00000000", "/usr/bin/kioskd"), None);
        assert_eq!(line("r-xp", "00000000", "/usr/lib/libc.so.6"), None);
        assert_eq!(clean_pages("7ffd6a1f0000-7ffd6a211000 rw-p 00000000 00:00 0      [stack]", "x"), None);
        assert_eq!(clean_pages("nonsense", "x"), None);
    }

    #[test]
    fn the_program_goes_on_without_its_pages() {
        unmap_clean_pages().unwrap();
        let text: Vec<String> = (0..1000).map(|number| format!("{number:x}")).collect();
        assert_eq!(text[255], "ff");
    }
}
