//! Sockets in a directory that others have been in before.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const NAME: &str = "wayland-0";
/// Neither root nor anybody who runs tests.
const OTHER_USER: u32 = 65_534;

fn open(directory: &tempfile::TempDir) -> SocketDir {
    SocketDir::open(directory.path()).unwrap()
}

fn names(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn whatever_is_at_a_name_of_ours_does_not_keep_the_socket_from_being_made() {
    type Put = fn(&Path);
    let odd: [(&str, Put); 7] = [
        ("a file", |path| fs::write(path, "x").unwrap()),
        ("an empty directory", |path| fs::create_dir(path).unwrap()),
        ("a directory with something in it", |path| fs::create_dir_all(path.join("in/it")).unwrap()),
        ("a link to itself", |path| symlink(path, path).unwrap()),
        ("a link to a directory", |path| symlink("/tmp", path).unwrap()),
        ("a FIFO", |path| rustix::fs::mkfifoat(CWD, path, Mode::RWXU).unwrap()),
        ("a socket of another type", |path| drop(UnixDatagram::bind(path).unwrap())),
    ];
    for (what, put) in odd {
        for name in [NAME, ".wayland-0.new"] {
            let directory = tempfile::tempdir().unwrap();
            put(&directory.path().join(name));
            let _listener = open(&directory).bind(NAME, Access::GROUP, "kioskd").expect(what);
            UnixStream::connect(directory.path().join(NAME)).expect(what);
            let left = names(&directory);
            let aside = |name: &String| name.contains(".aside-");
            assert!(left.iter().all(|name| name == NAME || aside(name)), "{what}: {left:?}");
            assert_eq!(left.iter().any(aside), what == "a directory with something in it", "{what}: {left:?}");
        }
    }
}

#[test]
fn a_name_never_stands_for_a_socket_with_other_rights() {
    let directory = tempfile::tempdir().unwrap();
    let group = rustix::process::getgroups().unwrap().first().map(|group| group.as_raw());
    let group = if geteuid().is_root() { Some(OTHER_USER) } else { group };
    let (path, end) = (directory.path().join(NAME), AtomicBool::new(false));
    let seen = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut seen = std::collections::BTreeSet::new();
            while !end.load(Ordering::Relaxed) {
                seen.extend(fs::metadata(&path).map(|data| (data.mode() & 0o777, Some(data.gid()))));
            }
            seen
        });
        let directory = open(&directory);
        for _ in 0..500 {
            let _listener = directory.bind(NAME, Access { mode: 0o660, group }, "kioskd").unwrap();
        }
        end.store(true, Ordering::Relaxed);
        watching.join().unwrap()
    });
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        [(0o660, group.or_else(|| Some(rustix::process::getegid().as_raw())))]
    );
}

#[test]
fn a_living_predecessor_is_left_alone_even_when_its_queue_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let sockets = open(&directory);
    let _listener = sockets.bind(NAME, Access::OWNER, "kioskd").unwrap();
    let file = SocketFile::of(&directory.path().join(NAME)).unwrap();
    let mut waiting = Vec::new();
    loop {
        let error = sockets.bind(NAME, Access::OWNER, "kioskd").unwrap_err();
        assert!(error.to_string().ends_with("wayland-0 is in use: another kioskd runs here"), "{error}");
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        match connect(&socket, &SocketAddrUnix::new(directory.path().join(NAME)).unwrap()) {
            Ok(()) => waiting.push(socket),
            Err(error) => {
                assert_eq!(error, Errno::AGAIN);
                break;
            }
        }
    }
    assert!(sockets.bind(NAME, Access::OWNER, "kioskd").is_err());
    assert!(file.is_ours());
    assert_eq!(names(&directory), [NAME]);
}

#[test]
fn a_dead_predecessor_is_replaced_and_our_own_file_goes_with_us() {
    let directory = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(directory.path().join(NAME)).unwrap());
    let path = directory.path().join(NAME);
    let listener = bind(&path, Access::EVERYBODY, "kioskd").unwrap();
    let file = SocketFile::of(&path).unwrap();
    assert_eq!(fs::metadata(directory.path().join(NAME)).unwrap().mode() & 0o777, 0o666);
    drop(listener);
    // A successor's stays when the first one's guard goes.
    let _listener = open(&directory).bind(NAME, Access::EVERYBODY, "kioskd").unwrap();
    let second = SocketFile::of(&path).unwrap();
    assert!(!file.is_ours());
    drop(file);
    assert!(second.is_ours());
    drop(second);
    assert_eq!(names(&directory), [] as [&str; 0]);
}

#[test]
fn a_foreign_listener_at_our_name_is_replaced() {
    if !geteuid().is_root() {
        return eprintln!("not tried: only root can make a socket that is another user's");
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let path = directory.path().join(NAME);
    let foreign = UnixListener::bind(&path).unwrap();
    chown(&path, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    let listener = open(&directory).bind(NAME, Access::GROUP, "kioskd").unwrap();
    let _client = UnixStream::connect(&path).unwrap();
    listener.accept().expect("it came to us");
    foreign.set_nonblocking(true).unwrap();
    assert!(foreign.accept().is_err());
}

#[test]
fn the_directory_is_taken_from_others() {
    let directory = tempfile::tempdir().unwrap();
    for (before, after) in [(0o1777, 0o1755), (0o2775, 0o2755), (0o700, 0o700)] {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(before)).unwrap();
        open(&directory);
        assert_eq!(fs::metadata(directory.path()).unwrap().mode() & 0o7777, after);
    }
    let new = directory.path().join("a/b");
    SocketDir::open(&new).unwrap();
    assert_eq!(fs::metadata(&new).unwrap().mode() & 0o777, 0o755);
    fs::write(directory.path().join("file"), "").unwrap();
    let error = SocketDir::open(&directory.path().join("file")).unwrap_err().to_string();
    assert!(error.contains("can't be used: Not a directory"), "{error}");
}

#[test]
fn a_group_that_can_not_be_given_leaves_no_socket() {
    if geteuid().is_root() {
        return eprintln!("not tried: root may give a file to any group");
    }
    let directory = tempfile::tempdir().unwrap();
    let error = open(&directory).bind(NAME, Access { mode: 0o660, group: Some(0) }, "kioskd").unwrap_err();
    assert!(matches!(error, BindError::Group { group: 0, .. }), "{error}");
    assert_eq!(names(&directory), [] as [&str; 0]);
}

/// As in the unit, whose filter of system calls forbids `chown`: tmpfiles.d made the directory, and we are no root.
#[test]
fn the_directory_of_a_group_gives_a_socket_to_it_without_chown() {
    if !geteuid().is_root() {
        return eprintln!("not tried: only root can make a directory for a group that is not its own");
    }
    const USER: u32 = 65_533;
    for name in GROUP_DIRECTORIES {
        let directory = tempfile::tempdir().unwrap();
        let nursery = directory.path().join(name);
        fs::create_dir(&nursery).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        chown(directory.path(), Some(USER), Some(USER)).unwrap();
        chown(&nursery, Some(USER), Some(OTHER_USER)).unwrap();
        fs::set_permissions(&nursery, fs::Permissions::from_mode(0o2700)).unwrap();
        let path = directory.path().to_owned();
        let bound = std::thread::spawn(move || {
            let (user, group) = (rustix::process::Uid::from_raw(USER), Gid::from_raw(USER));
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            SocketDir::open(&path).unwrap().bind(NAME, Access::of_group(OTHER_USER), "kioskd")
        });
        let _listener = bound.join().unwrap().unwrap();
        let data = fs::metadata(directory.path().join(NAME)).unwrap();
        assert_eq!((data.uid(), data.gid(), data.mode() & 0o7777), (USER, OTHER_USER, 0o660));
        assert_eq!(names(&directory), [name, NAME]);
        assert_eq!(fs::read_dir(&nursery).unwrap().count(), 0, "nothing is left in it");
    }
}

#[test]
fn a_link_leads_to_another_directory_and_replaces_a_stale_socket() {
    let directory = tempfile::tempdir().unwrap();
    let sockets = open(&directory);
    let path = directory.path().join("session.sock");
    drop(UnixListener::bind(&path).unwrap());
    sockets.link("session.sock", "session/session.sock", "kioskd").unwrap();
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("session/session.sock"));
    let before = fs::symlink_metadata(&path).unwrap().ino();
    sockets.link("session.sock", "session/session.sock", "kioskd").unwrap();
    assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before, "one that is right stays");
    fs::create_dir_all(directory.path().join("session")).unwrap();
    let _listener = bind(&directory.path().join("session/session.sock"), Access::EVERYBODY, "kioskd").unwrap();
    UnixStream::connect(&path).unwrap();
    let _other = sockets.bind("other.sock", Access::EVERYBODY, "kioskd").unwrap();
    assert!(matches!(sockets.link("other.sock", "x", "kioskd"), Err(BindError::InUse(..))));
}

#[test]
fn only_sockets_without_a_listener_are_stale() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    drop(UnixListener::bind(path("stale")).unwrap());
    let _living = UnixListener::bind(path("living")).unwrap();
    fs::write(path("file"), "not a socket").unwrap();
    let sockets = open(&directory);
    assert_eq!(["stale", "living", "file", "none"].map(|name| sockets.remove_stale(name)), [true, false, false, false]);
    assert!(fs::symlink_metadata(path("living")).unwrap().file_type().is_socket());
    assert_eq!(names(&directory), ["file", "living"]);
}
