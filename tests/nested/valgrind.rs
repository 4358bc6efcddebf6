//! Counts a program's instructions by valgrind's callgrind, without its simulations: user space only, and the same in each
//! run of a program that does the same.

use std::{os::unix::process::CommandExt, path::Path, process::Command};

/// `prctl`'s PR_GET_AUXV, "AUXV" in ASCII.
const PR_GET_AUXV: u32 = 0x4155_5856;

/// A command that counts what is added to it as program and arguments; `out` begins the names of its files.
pub fn counting(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--separate-threads=yes"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    hide_vdso(&mut command);
    command
}

/// How many the main thread of a program that has ended took.
#[track_caller]
pub fn main_thread(out: &Path) -> u64 {
    let path = format!("{}-01", out.display());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("callgrind wrote no {path}: {error}"));
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    totals.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{path} has no totals"))
}

/// WORKAROUND(valgrind:auxv) valgrind removes the kernel's vDSO and its address from the auxiliary vector, but not from
/// what Linux 6.4 and later answer to PR_GET_AUXV; rustix asks that, and reads where nothing is. So that question is
/// refused, as older kernels do, and rustix looks where valgrind has cleaned up.
#[allow(unsafe_code)]
fn hide_vdso(command: &mut Command) {
    let number = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    let first = std::mem::offset_of!(libc::seccomp_data, args) as u32;
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset);
    let unless = |value, skip| statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, skip, value);
    let answer = |value| statement(libc::BPF_RET | libc::BPF_K, 0, value);
    let filter = [
        load(number),
        unless(libc::SYS_prctl as u32, 3),
        load(first),
        unless(PR_GET_AUXV, 1),
        answer(libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let install = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: system calls only, as between fork and exec; the kernel copies the filter.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) != 0
        };
        if refused { Err(std::io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(install) };
}

/// One instruction of a filter; `skip`: how many follow it that are left out when a comparison fails.
fn statement(code: u32, skip: u8, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: skip, k: value }
}
