//! Reads files that people name or that other users may write to: an error is one sentence, a FIFO is not waited for,
//! and no more than a limit is read.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde::de::DeserializeOwned;

/// The content of a regular file of at most `limit` bytes. A directory, a device or a FIFO is an error, as is a file
/// that is larger, and one that is written to meanwhile.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>> {
    // Checked before opening: opening a device may have side effects.
    regular(&std::fs::metadata(path)?)?;
    // It may have been replaced since: a FIFO is opened without waiting for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let before = file.metadata()?;
    regular(&before)?;
    if before.len() > limit {
        return Err(too_large(limit));
    }
    // The capacity is bounded: the reported length may be wrong.
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
    file.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    let after = file.metadata()?;
    if stamp(&before) != stamp(&after) || bytes.len() as u64 != after.len() {
        return Err(Error::other("it changed while it was read: write it under another name and rename it"));
    }
    Ok(bytes)
}

/// JSON of such a file. An error too: it is something else than a `T`, or has more than about `values` values: small ones
/// take a hundred times their text.
pub fn read_json<T: DeserializeOwned>(path: &Path, limit: u64, values: usize) -> Result<T> {
    let bytes = read_regular(path, limit)?;
    if bytes.iter().filter(|byte| b",[{".contains(byte)).count() > values {
        return Err(Error::other(format!("it has more than {values} values")));
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Removes the file or directory with its content; a missing one is no error.
pub fn remove_tree(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn regular(data: &Metadata) -> Result<()> {
    if data.is_file() { Ok(()) } else { Err(Error::other("it is not a regular file")) }
}

fn too_large(limit: u64) -> Error {
    let (size, unit) = if limit >= 1 << 20 { (limit >> 20, "MiB") } else { (limit >> 10, "KiB") };
    Error::other(format!("it is larger than {size} {unit}"))
}

/// What differs after a change of the file.
fn stamp(data: &Metadata) -> (u64, i64, i64, i64, i64) {
    (data.len(), data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    const LIMIT: u64 = 64 << 10;

    #[test]
    fn what_is_no_file_of_that_size_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let huge = File::create(path("huge")).unwrap();
        huge.set_len(1 << 40).unwrap();
        std::fs::write(path("over"), vec![b'x'; LIMIT as usize + 1]).unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), Mode::RWXU).unwrap();
        drop(std::os::unix::net::UnixListener::bind(path("socket")).unwrap());
        symlink(path("loop"), path("loop")).unwrap();
        symlink("/dev/zero", path("device")).unwrap();
        symlink(path("fifo"), path("to-fifo")).unwrap();
        for (name, why) in [
            ("huge", "it is larger than 64 KiB"),
            ("over", "it is larger than 64 KiB"),
            ("directory", "it is not a regular file"),
            ("fifo", "it is not a regular file"),
            ("to-fifo", "it is not a regular file"),
            ("socket", "it is not a regular file"),
            ("device", "it is not a regular file"),
            ("loop", "Too many levels of symbolic links"),
            ("none", "No such file or directory"),
        ] {
            let begun = Instant::now();
            let error = read_regular(&path(name), LIMIT).unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(1), "{name}");
        }
        std::fs::write(path("just"), vec![b'x'; LIMIT as usize]).unwrap();
        assert_eq!(read_regular(&path("just"), LIMIT).unwrap().len(), LIMIT as usize);
        std::fs::write(path("empty"), "").unwrap();
        assert_eq!(read_regular(&path("empty"), LIMIT).unwrap(), b"");
    }

    /// Ends the other thread however this one ends.
    struct End<'a>(&'a AtomicBool);

    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let end = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let file = File::options().write(true).open(&path).unwrap();
                for length in (0..LIMIT).cycle() {
                    if end.load(Ordering::Relaxed) {
                        break;
                    }
                    file.set_len(length).unwrap();
                }
            });
            let _end = End(&end);
            let begun = Instant::now();
            // Until it was met at its work.
            while begun.elapsed() < Duration::from_secs(60) {
                if let Err(error) = read_regular(&path, LIMIT) {
                    assert!(error.to_string().starts_with("it changed while it was read"), "{error}");
                    return;
                }
            }
            panic!("it was never refused");
        });
    }

    #[test]
    fn a_name_that_becomes_a_fifo_is_never_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (path, fifo, file) = ["x", "fifo", "file"].map(|name| directory.path().join(name)).into();
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).unwrap();
        std::fs::write(&file, "content").unwrap();
        symlink(&file, &path).unwrap();
        let end = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let other = directory.path().join("other");
                for target in [&fifo, &file].into_iter().cycle() {
                    if end.load(Ordering::Relaxed) {
                        break;
                    }
                    symlink(target, &other).unwrap();
                    std::fs::rename(&other, &path).unwrap();
                }
            });
            let _end = End(&end);
            // One that waits does so for ever.
            for _ in 0..5000 {
                match read_regular(&path, LIMIT) {
                    Ok(bytes) => assert_eq!(bytes, b"content"),
                    Err(error) => assert_eq!(error.to_string(), "it is not a regular file"),
                }
            }
        });
    }
}
