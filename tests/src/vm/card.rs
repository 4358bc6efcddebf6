//! A flashed disk as another computer sees it: files on its ESP, names and sizes of its partitions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// Of the disks that are flashed, bytes: more than any image has, so that there is something to grow into.
const DISK: u64 = 8 << 30;

/// At 1024 bytes of such a file system.
const EROFS: u32 = 0xe0f5_e1e2;

/// A copy of an image, on a larger disk.
pub struct Card {
    directory: TempDir,
}

/// One partition, bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    pub start: u64,
    pub size: u64,
}

impl Card {
    /// On a disk with room for it to grow into.
    pub fn flash(image: &Path) -> Result<Self> {
        let card = Self::flash_tight(image)?;
        OpenOptions::new().write(true).open(card.disk())?.set_len(DISK)?;
        Ok(card)
    }

    /// On a disk that is as large as the image.
    pub fn flash_tight(image: &Path) -> Result<Self> {
        let directory = tempfile::tempdir_in(image.parent().context("an image in no directory")?)?;
        let card = Self { directory };
        run(Command::new("cp").arg("--sparse=always").arg(image).arg(card.disk()))?;
        Ok(card)
    }

    /// Where files that belong to this card can be put.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The disk itself, for a machine to boot.
    pub fn disk(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// A key of the test's own, in a file beside the disk: the line of it that `kiosk.toml` takes.
    pub fn make_key(&self) -> Result<(PathBuf, String)> {
        let file = self.beside("key");
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(&file))?;
        Ok((file, fs::read_to_string(self.beside("key.pub"))?.trim().to_owned()))
    }

    /// Writes a `kiosk.toml` of nothing but such a key: gives its file, for [`super::Login::Key`].
    pub fn take_key(&self) -> Result<PathBuf> {
        let (key, public) = self.make_key()?;
        self.write(&format!("[device]\nssh-key = \"{public}\"\n"), "/kiosk.toml")?;
        Ok(key)
    }

    /// All partitions, in the order of the table.
    pub fn partitions(&self) -> Result<Vec<Partition>> {
        let table: Value = serde_json::from_str(&run(Command::new("sfdisk").arg("--json").arg(self.disk()))?)?;
        let sector = table["partitiontable"]["sectorsize"].as_u64().unwrap_or(512);
        let listed = table["partitiontable"]["partitions"].as_array().context("sfdisk lists no partitions")?;
        let bytes = |entry: &Value, key: &str| entry[key].as_u64().map(|sectors| sectors * sector);
        listed
            .iter()
            .map(|entry| {
                Ok(Partition {
                    name: entry["name"].as_str().unwrap_or_default().to_owned(),
                    start: bytes(entry, "start").context("a partition without a start")?,
                    size: bytes(entry, "size").context("a partition without a size")?,
                })
            })
            .collect()
    }

    /// The partition of that name.
    pub fn partition(&self, name: &str) -> Result<Partition> {
        let found = self.partitions()?.into_iter().find(|partition| partition.name == name);
        found.with_context(|| format!("there is no partition {name}"))
    }

    fn esp(&self) -> Result<String> {
        Ok(format!("{}@@{}", self.disk().display(), self.partition("esp")?.start))
    }

    /// The names of the kernels on the ESP, counters and all. While the machine runs, what it has written out.
    pub fn kernels(&self) -> Result<Vec<String>> {
        let listed = run(Command::new("mdir").args(["-b", "-i", &self.esp()?, "::/EFI/Linux"]))?;
        let mut names: Vec<String> =
            listed.lines().filter_map(|line| Some(line.rsplit_once('/')?.1.to_owned())).collect();
        names.sort();
        Ok(names)
    }

    /// Copies a file of this machine to the ESP.
    pub fn put(&self, file: &Path, place: &str) -> Result<()> {
        run(Command::new("mcopy").args(["-o", "-i", &self.esp()?]).arg(file).arg(format!("::{place}"))).map(drop)
    }

    /// Writes a text to the ESP, as somebody who sets up a card does.
    pub fn write(&self, text: &str, place: &str) -> Result<()> {
        let file = self.directory.path().join("text");
        fs::write(&file, text)?;
        self.put(&file, place)
    }

    /// Whether there is a file system in the slot that version 1 is not in. While the machine runs, as far as it is written.
    pub fn other_slot_is_written(&self) -> Result<bool> {
        let mut slots = self.partitions()?;
        slots.retain(|partition| !["esp", "var", "kiosk_1"].contains(&partition.name.as_str()));
        ensure!(slots.len() == 1, "not one other slot: {slots:?}");
        let mut magic = [0_u8; 4];
        File::open(self.disk())?.read_exact_at(&mut magic, slots[0].start + 1024)?;
        Ok(u32::from_le_bytes(magic) == EROFS)
    }

    /// A file of /var, when the machine is off.
    pub fn in_var(&self, path: &str) -> Result<String> {
        let text = run(Command::new("debugfs").args(["-R", &format!("cat {path}"), &self.var()?]))?;
        ensure!(!text.is_empty(), "there is nothing in /var{path}");
        Ok(text)
    }

    /// Whether /var's file system is sound, when the machine is off.
    pub fn check_var(&self) -> Result<()> {
        run(Command::new("e2fsck").args(["-f", "-n", &self.var()?])).context("/var is not sound").map(drop)
    }

    /// Fills /var with a file of so many bytes, when the machine is off.
    pub fn fill_var(&self, bytes: u64) -> Result<()> {
        let file = self.beside("filling");
        io::copy(&mut io::repeat(b'x').take(bytes), &mut File::create(&file)?)?;
        let write = format!("write {} filling", file.display());
        run(Command::new("debugfs").args(["-w", "-R", &write, &self.var()?]))?;
        Ok(fs::remove_file(file)?)
    }

    /// Writes a file of /var in place of one that may be there, with the folder above it, as root's, when the machine is off.
    pub fn write_to_var(&self, text: &str, path: &str) -> Result<()> {
        let file = self.beside("text");
        fs::write(&file, text)?;
        let (folder, _) = path.rsplit_once('/').context("a path without a folder")?;
        // It tells what it can't do, such as make what is there, and goes on.
        let commands = format!("mkdir {folder}\nrm {path}\nwrite {} {path}\n", file.display());
        self.change_var(&commands)?;
        ensure!(self.in_var(path)? == text, "/var{path} was not written");
        Ok(())
    }

    /// Has a file of /var changed in a copy of it, whose owner and mode it keeps, when the machine is off.
    pub fn change_in_var(&self, path: &str, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let copy = self.beside("copy");
        let said = run(Command::new("debugfs").args(["-R", &format!("stat \"{path}\""), &self.var()?]))?;
        let owner = |key: &str| {
            let rest = said.split_once(key).with_context(|| format!("/var{path} is not there: {said}"))?.1;
            anyhow::Ok(rest.split_whitespace().next().unwrap_or_default().parse::<u32>()?)
        };
        let (user, group) = (owner("User:")?, owner("Group:")?);
        run(Command::new("debugfs").args(["-R", &format!("dump -p \"{path}\" {}", copy.display()), &self.var()?]))?;
        change(&copy)?;
        self.change_var(&format!(
            "rm \"{path}\"\nwrite {} \"{path}\"\nset_inode_field \"{path}\" uid {user}\nset_inode_field \"{path}\" gid {group}\n",
            copy.display()
        ))?;
        let now = run(Command::new("debugfs").args(["-R", &format!("stat \"{path}\""), &self.var()?]))?;
        ensure!(now.contains("Type: regular"), "/var{path} was not written: {now}");
        Ok(fs::remove_file(copy)?)
    }

    /// Has SQLite do that in a database of this machine.
    pub fn query(&self, database: &Path, query: &str) -> Result<String> {
        run(Command::new("sqlite3").arg(database).arg(query))
    }

    /// Takes a folder out of /var, with the files that are right in it, when the machine is off.
    pub fn remove_from_var(&self, path: &str) -> Result<()> {
        let list = || run(Command::new("debugfs").args(["-R", &format!("ls -p {path}"), &self.var()?]));
        let listed = list()?;
        let names =
            listed.lines().filter_map(|line| line.split('/').nth(5)).filter(|name| !matches!(*name, "." | ".."));
        let mut commands: String = names.map(|name| format!("rm {path}/{name}\n")).collect();
        commands.push_str(&format!("rmdir {path}\n"));
        self.change_var(&commands)?;
        ensure!(list()?.trim().is_empty(), "/var{path} is still there");
        Ok(())
    }

    /// Has debugfs do what it is told, a line each.
    fn change_var(&self, commands: &str) -> Result<()> {
        let file = self.beside("commands");
        fs::write(&file, commands)?;
        run(Command::new("debugfs").args(["-w", "-f"]).arg(&file).arg(self.var()?)).map(drop)
    }

    /// Blocks of /var that are free for everybody, bytes.
    pub fn room_in_var(&self) -> Result<u64> {
        let said = run(Command::new("dumpe2fs").args(["-h", &self.var()?]))?;
        let number = |key: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
            anyhow::Ok(line.trim().parse::<u64>()?)
        };
        let kept_back = number("Reserved block count:")?;
        Ok(number("Free blocks:")?.saturating_sub(kept_back) * number("Block size:")?)
    }

    /// /var as programs of e2fsprogs find it.
    fn var(&self) -> Result<String> {
        Ok(format!("{}?offset={}", self.disk().display(), self.partition("var")?.start))
    }

    /// How large the file system in /var thinks it is, bytes.
    pub fn var_file_system(&self) -> Result<u64> {
        let mut superblock = [0_u8; 1024];
        let disk = File::open(self.disk())?;
        disk.read_exact_at(&mut superblock, self.partition("var")?.start + 1024)?;
        let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| superblock[at + byte]));
        ensure!(superblock[56..58] == [0x53, 0xef], "/var is not ext4");
        Ok(u64::from(number(4)) * (1024 << number(24)))
    }
}

/// Runs a program and gives what it says; its own complaint when it fails.
fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} (Debian: e2fsprogs, fdisk, mtools)"))?;
    let mut said = String::new();
    child.stdout.as_mut().context("no output")?.read_to_string(&mut said)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(said)
}
