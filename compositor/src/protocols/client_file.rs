//! What a client hands over in a file: a keymap, ramps. It is read, never mapped, as one that is cut off would kill the
//! process; and only from regular files, as all memory files are: a device such as `/dev/kmsg` makes its reader wait.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{io, os::fd::AsFd};

use rustix::{
    fs::{FileType, fstat, fstatfs},
    io::{Errno, pread},
};

/// `FUSE_SUPER_MAGIC` of the kernel: a file system whose program may never answer.
const FUSE: i64 = 0x6573_5546;

/// Fills `buffer` from the beginning of the file. Returns how much of it there was.
pub fn fill(file: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    // It has 32 bits on some architectures.
    #[allow(clippy::useless_conversion)]
    if i64::from(fstatfs(&file)?.f_type) == FUSE {
        return Err(io::Error::other("its file system may not answer"));
    }
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match pread(&file, rest, filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let mut buffer = [0; 8];
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"short").unwrap();
        assert_eq!(fill(&file, &mut buffer).unwrap(), 5);
        assert_eq!(&buffer, b"short\0\0\0");
        assert_eq!(fill(&file, &mut buffer[..2]).unwrap(), 2);
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        for name in ["/dev/zero", "/dev/null", "/"] {
            let told = fill(File::open(name).unwrap(), &mut buffer).unwrap_err().to_string();
            assert_eq!(told, "it is not a regular file", "{name}");
        }
        assert!(fill(&reader, &mut buffer).is_err() && fill(&writer, &mut buffer).is_err());
        assert!(fill(&one, &mut buffer).is_err());
    }
}
