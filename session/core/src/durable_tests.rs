//! [`super`] on a disk that loses its power.

use std::collections::BTreeMap;
use std::io::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const OLD: &[u8] = b"the old state, which is longer";
const NEW: &[u8] = b"the new state";
const NEXT: &[u8] = b"the state after the power is back";

/// A change of names that is not durable before the names are synced.
#[derive(Clone)]
enum Naming {
    Gone(PathBuf),
    Is(PathBuf, usize),
}

#[derive(Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: bool,
}

/// Files in one directory, as the running system sees them and as the disk has them.
#[derive(Clone, Default)]
struct Failing {
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<Vec<Naming>>,
    /// Calls until the power fails.
    power: usize,
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, naming: &Naming) {
    match naming {
        Naming::Gone(path) => drop(names.remove(path)),
        Naming::Is(path, content) => drop(names.insert(path.clone(), *content)),
    }
}

impl Failing {
    fn holding(files: &[(&Path, &[u8])], power: usize) -> Self {
        let mut disk = Self { power, ..Self::default() };
        for (path, content) in files {
            disk.contents.push(Content { written: content.to_vec(), synced: true });
            disk.names.insert(path.to_path_buf(), disk.contents.len() - 1);
        }
        disk.durable = disk.names.clone();
        disk
    }

    fn call(&mut self) -> Result<()> {
        self.power = self.power.checked_sub(1).ok_or_else(|| Error::other("the power is cut"))?;
        Ok(())
    }

    fn rename_all(&mut self, namings: Vec<Naming>) {
        namings.iter().for_each(|naming| apply(&mut self.names, naming));
        self.pending.push(namings);
    }

    /// Everything that may be on the disk when the power is back: each change of names that was not synced happened
    /// or not, and of what was written and not synced there is nothing, a part, or all.
    fn left(&self) -> Vec<BTreeMap<PathBuf, Vec<u8>>> {
        let mut all = Vec::new();
        for happened in 0..1u32 << self.pending.len() {
            let mut names = self.durable.clone();
            for (number, namings) in self.pending.iter().enumerate() {
                if happened & 1 << number != 0 {
                    namings.iter().for_each(|naming| apply(&mut names, naming));
                }
            }
            for parts in 0..=2 {
                let content = |content: &Content| {
                    let length = content.written.len();
                    let length = if content.synced { length } else { length * parts / 2 };
                    content.written[..length].to_vec()
                };
                all.push(names.iter().map(|(path, index)| (path.clone(), content(&self.contents[*index]))).collect());
            }
        }
        all
    }
}

impl Disk for Failing {
    type File = usize;

    fn remove(&mut self, path: &Path) -> Result<()> {
        self.call()?;
        if !self.names.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        self.rename_all(vec![Naming::Gone(path.into())]);
        Ok(())
    }

    fn create(&mut self, path: &Path) -> Result<usize> {
        self.call()?;
        assert!(!self.names.contains_key(path), "it would be another program's file");
        self.contents.push(Content::default());
        let content = self.contents.len() - 1;
        self.rename_all(vec![Naming::Is(path.into(), content)]);
        Ok(content)
    }

    fn write(&mut self, file: &mut usize, content: &[u8]) -> Result<()> {
        self.call()?;
        self.contents[*file] = Content { written: content.to_vec(), synced: false };
        Ok(())
    }

    fn sync(&mut self, file: &mut usize) -> Result<()> {
        self.call()?;
        self.contents[*file].synced = true;
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        self.call()?;
        let content = *self.names.get(from).ok_or(ErrorKind::NotFound)?;
        // Both or none.
        self.rename_all(vec![Naming::Gone(from.into()), Naming::Is(to.into(), content)]);
        Ok(())
    }

    fn sync_names(&mut self, _: &Path) -> Result<()> {
        self.call()?;
        self.durable = self.names.clone();
        self.pending.clear();
        Ok(())
    }
}

/// Cuts the power after each number of calls, and gives everything that may be left each time with whether the change
/// was acknowledged.
fn cuts(
    before: &[(&Path, &[u8])],
    run: impl Fn(&mut Failing) -> Result<()>,
) -> Vec<(BTreeMap<PathBuf, Vec<u8>>, bool)> {
    let mut all = Vec::new();
    for power in 0.. {
        let mut disk = Failing::holding(before, power);
        let acknowledged = run(&mut disk).is_ok();
        all.extend(disk.left().into_iter().map(|left| (left, acknowledged)));
        if acknowledged {
            return all;
        }
    }
    unreachable!("power is endless");
}

fn files() -> (PathBuf, PathBuf) {
    ("d/state".into(), "d/state.new".into())
}

#[test]
fn a_power_cut_between_any_two_steps_leaves_the_old_content_or_the_new() {
    let (path, new) = files();
    for before in [vec![], vec![(&*path, OLD)], vec![(&*path, OLD), (&*new, &b"leftover"[..])]] {
        let old = before.first().map(|(_, content)| content.to_vec());
        let cuts = cuts(&before, |disk| replace_on(disk, &path, &new, NEW));
        assert!(cuts.len() > 20, "{} cuts", cuts.len());
        for (left, acknowledged) in cuts {
            let found = left.get(&path);
            let whole = found == old.as_ref() || found.is_some_and(|found| found == NEW);
            assert!(whole, "{:?} is left", found.map(|found| String::from_utf8_lossy(found)));
            assert!(!acknowledged || found.is_some_and(|found| found == NEW), "acknowledged, and lost");
            // Whatever files are left, the next change is kept.
            let left: Vec<_> = left.iter().map(|(path, content)| (&**path, &**content)).collect();
            let mut disk = Failing::holding(&left, usize::MAX);
            replace_on(&mut disk, &path, &new, NEXT).unwrap();
            assert!(disk.left().iter().all(|left| left.get(&path).is_some_and(|found| found == NEXT)));
        }
    }
}

#[test]
fn the_simulated_power_cuts_detect_a_missing_fsync() {
    let (path, new) = files();
    let before = [(&*path, OLD)];
    let good = |cuts: Vec<(BTreeMap<PathBuf, Vec<u8>>, bool)>| {
        cuts.iter().all(|(left, acknowledged)| {
            let found = left.get(&path).map(Vec::as_slice);
            found == Some(NEW) || (found == Some(OLD) && !acknowledged)
        })
    };
    let write = |disk: &mut Failing, synced: bool, named: bool| {
        let mut file = disk.create(&new)?;
        disk.write(&mut file, NEW)?;
        if synced {
            disk.sync(&mut file)?;
        }
        disk.rename(&new, &path)?;
        if named { disk.sync_names(&path) } else { Ok(()) }
    };
    assert!(good(cuts(&before, |disk| write(disk, true, true))));
    assert!(!good(cuts(&before, |disk| write(disk, false, true))), "content that is not synced");
    assert!(!good(cuts(&before, |disk| write(disk, true, false))), "a name that is not synced");
    let in_place = |disk: &mut Failing| {
        disk.remove(&path)?;
        let mut file = disk.create(&path)?;
        disk.write(&mut file, NEW)?;
        disk.sync(&mut file)?;
        disk.sync_names(&path)
    };
    assert!(!good(cuts(&before, in_place)), "a file written in place");
}

#[test]
fn a_private_file_is_private_before_there_is_anything_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let (path, new) = (directory.path().join("file"), directory.path().join(".file.new"));
    let private = Permissions::from_mode(0o600);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let created = FileSystem { permissions: Some(private.clone()) }.create(&new).unwrap();
    assert_eq!(mode(&new), 0o600);
    drop(created);
    replace_with(&path, &new, NEW, private).unwrap();
    assert_eq!(mode(&path), 0o600);
    // Others may read what was open to them.
    replace_with(&path, &new, NEXT, Permissions::from_mode(0o644)).unwrap();
    assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (0o644, NEXT.to_vec()));
}
