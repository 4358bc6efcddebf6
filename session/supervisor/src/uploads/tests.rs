//! A directory as a stick may have it, and one that somebody prepared.

use super::*;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

struct Stick(tempfile::TempDir);

impl Stick {
    fn new() -> Self {
        Stick(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file that was last changed so many minutes after the others' beginning.
    fn file(&self, name: &str, minute: u64) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(path).unwrap();
        file.set_len(minute).unwrap();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + minute * 60);
        file.set_modified(changed).unwrap();
    }

    fn find(&self, accept: &str) -> Found {
        find(self.0.path(), &Kinds::of(accept))
    }

    fn names(&self) -> Vec<String> {
        self.find("").files.into_iter().map(|file| file.offered.name).collect()
    }
}

#[test]
fn the_newest_file_comes_first_wherever_it_is() {
    let stick = Stick::new();
    stick.file("letter.pdf", 1);
    stick.file("DCIM/100/one.jpg", 3);
    stick.file("b.txt", 2);
    stick.file("a.txt", 2);
    assert_eq!(stick.names(), ["DCIM/100/one.jpg", "a.txt", "b.txt", "letter.pdf"]);
    let pictures = stick.find("image/*");
    assert_eq!(pictures.files.len(), 1);
    let first = FoundFile {
        path: "DCIM/100/one.jpg".into(),
        offered: OfferedFile { name: "DCIM/100/one.jpg".into(), size: 3 },
    };
    assert_eq!(pictures.files, [first]);
}

#[test]
fn links_devices_and_what_is_hidden_are_no_files_to_choose() {
    let stick = Stick::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "x").unwrap();
    symlink(outside.path().join("secret"), stick.path("link")).unwrap();
    symlink(outside.path(), stick.path("folder")).unwrap();
    symlink(stick.path("loop"), stick.path("loop")).unwrap();
    rustix::fs::mkfifoat(CWD, stick.path("fifo"), Mode::RWXU).unwrap();
    drop(std::os::unix::net::UnixListener::bind(stick.path("socket")).unwrap());
    stick.file(".hidden", 1);
    stick.file(".Trash/old", 1);
    stick.file("System Volume Information/WPSettings.dat", 1);
    assert_eq!(stick.find(""), Found::default());
    stick.file("real", 1);
    assert_eq!(stick.names(), ["real"]);
}

#[test]
fn nothing_is_said_apart_from_nothing_of_a_kind_and_from_no_directory() {
    let stick = Stick::new();
    assert_eq!(stick.find("").nothing, Nothing::Empty);
    stick.file("a.txt", 1);
    assert_eq!(stick.find("image/*"), Found { nothing: Nothing::OfNoKind, ..Found::default() });
    assert_eq!(find(&stick.path("not/there"), &Kinds::default()), Found::not_there());
    assert_eq!(find(&stick.path("a.txt"), &Kinds::default()), Found::not_there());
}

#[test]
fn a_drive_with_any_number_of_files_has_a_bounded_list() {
    let stick = Stick::new();
    (0..MAX_OFFERED as u64 + 7).for_each(|number| stick.file(&format!("{number}"), number));
    let found = stick.find("");
    assert_eq!((found.files.len(), found.unlisted), (MAX_OFFERED, 7));
    assert_eq!(found.files[0].offered.name, (MAX_OFFERED + 6).to_string());
    let deepest = "d/".repeat(MAX_DEPTH) + "deep";
    stick.file(&format!("d/{deepest}"), 9_999);
    stick.file(&deepest, 9_998);
    assert_eq!(stick.names()[0], deepest);
    let many = Stick::new();
    (0..MAX_ENTRIES + 5).for_each(|number| drop(std::fs::File::create(many.path(&number.to_string())).unwrap()));
    assert_eq!(many.find("").files.len() + many.find("").unlisted as usize, MAX_ENTRIES);
}

#[test]
fn a_name_is_one_line_and_shows_its_beginning_and_its_ending() {
    assert_eq!(shown(Path::new("a\u{1b}[2J\nb.txt")), "a\u{fffd}[2J\u{fffd}b.txt");
    let long = shown(Path::new(&format!("begin{}end.pdf", "ä".repeat(200))));
    assert_eq!(long.chars().count(), MAX_NAME);
    assert!(long.starts_with("begin") && long.contains('…') && long.ends_with("end.pdf"), "{long}");
}

#[test]
fn what_was_chosen_is_looked_at_again() {
    let stick = Stick::new();
    stick.file("dir/a.txt", 1);
    let chosen = [PathBuf::from("dir/a.txt")];
    assert_eq!(look_again(stick.0.path(), &chosen), Some(vec![stick.path("dir/a.txt")]));
    assert_eq!(look_again(stick.0.path(), &["../a".into()]), None);
    // Something else is in its place now.
    std::fs::rename(stick.path("dir"), stick.path("other")).unwrap();
    symlink(stick.path("other"), stick.path("dir")).unwrap();
    assert_eq!(look_again(stick.0.path(), &chosen), None);
    assert_eq!(look_again(&stick.path("gone"), &chosen), None);
}
