//! The faces that texts are set in: the one that is built in, the one that is configured, and those of the installed
//! ones that the text on the screen needs. Kept by the compositor in [`crate::Style`] while such a text is shown. Only
//! paths are kept; a file is read completely while a text is set, never mapped, as truncating a mapped file would crash
//! the program. `installed` searches the installed faces.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{File, Metadata},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use cosmic_text::{
    FontSystem,
    fontdb::{Database, FaceInfo, ID, Language, Source, Stretch, Style, Weight},
};
use rustix::fs::OFlags;
use ttf_parser::Face;

/// DejaVu Sans, reduced to Latin, Greek, Cyrillic, punctuation and arrows (`assets/font`).
const FONT: &[u8] = include_bytes!("../../assets/font/kiosk-sans.ttf");
/// The built-in face's family; no installed one has this name.
const BUILTIN: &str = "kiosk built-in";
/// The family that texts are set in first, where one is configured.
const CONFIGURED: &str = "kiosk configured";

/// Most bytes of font files for one text. The largest ones, collections for Chinese, Japanese and Korean, have 20 to 35
/// MiB; characters beyond it are shown as boxes.
pub(crate) const MAX_FILES: u64 = 96 << 20;
/// How files of fonts begin: TrueType, as Apple writes it, OpenType, and collections.
const BEGINNINGS: [[u8; 4]; 4] = [[0, 1, 0, 0], *b"true", *b"OTTO", *b"ttcf"];

static BUILTIN_FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FONT, 0).ok());

/// A face in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub path: PathBuf,
    /// In a collection.
    pub index: u32,
}

/// The faces for texts. Clones share them.
#[derive(Debug, Clone)]
pub struct Fonts(Arc<Chosen>);

#[derive(Debug, Default)]
struct Chosen {
    /// A family's name, or the absolute path of a font file.
    requested: Option<String>,
    /// The configured face, if it was found.
    configured: Option<Found>,
    /// In the order of the search for a character.
    fallback: Vec<Found>,
    /// Characters that were searched in the installed faces, found or not.
    searched: BTreeSet<char>,
    /// Whether the installed faces were searched at all.
    complete: bool,
}

impl PartialEq for Fonts {
    /// Whether both set texts in the same faces.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.configured == other.0.configured && self.0.fallback == other.0.fallback)
    }
}

impl Default for Fonts {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Fonts {
    /// The built-in face, until others are looked for with [`Fonts::find`]. `requested`: the face for all texts, a family's
    /// name or the absolute path of a font file.
    pub fn new(requested: Option<String>) -> Self {
        Self(Arc::new(Chosen { requested, ..Chosen::default() }))
    }

    /// Whether the installed faces have to be searched before `text` is set. Reads no file.
    pub fn lacks(&self, text: &str) -> bool {
        if self.0.requested.is_some() && !self.0.complete {
            return text.chars().any(leaves_mark);
        }
        text.chars().any(|c| leaves_mark(c) && !in_builtin(c) && !self.0.searched.contains(&c))
    }

    /// The files of installed faces.
    #[cfg(test)]
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.fallback.iter().map(|found| found.path.as_path())
    }

    /// Whether both are for texts in the same configured face.
    pub fn requests_same_as(&self, other: &Self) -> bool {
        self.0.requested == other.0.requested
    }

    /// Without installed faces: the fallback if a font file is broken.
    pub(crate) fn only_builtin() -> Self {
        Self::new(None)
    }

    pub(crate) fn is_only_builtin(&self) -> bool {
        self.0.configured.is_none() && self.0.fallback.is_empty()
    }

    /// Whether the installed faces were looked through.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.complete
    }

    pub(crate) fn requested(&self) -> Option<&str> {
        self.0.requested.as_deref()
    }

    /// The same request, with what was found for it and for the characters `searched`.
    pub(crate) fn with(&self, configured: Option<Found>, fallback: Vec<Found>, searched: BTreeSet<char>) -> Self {
        Self(Arc::new(Chosen { requested: self.0.requested.clone(), configured, fallback, searched, complete: true }))
    }

    /// A font system of exactly these faces, which bounds the search for missing characters.
    pub(crate) fn system(&self) -> FontSystem {
        let mut faces = Database::new();
        let mut named = Vec::new();
        named.extend(self.0.configured.iter().map(|found| (CONFIGURED.to_owned(), found)));
        named.extend(self.0.fallback.iter().enumerate().map(|(place, found)| (format!("kiosk {place}"), found)));
        if self.0.configured.is_none() {
            push(&mut faces, BUILTIN, Source::Binary(Arc::new(FONT)), 0);
        }
        let mut files = Files { read: HashMap::new(), room: MAX_FILES };
        for (family, Found { path, index }) in named {
            if let Some(data) = files.get(path) {
                push(&mut faces, &family, Source::Binary(data), *index);
            }
            if family == CONFIGURED {
                push(&mut faces, BUILTIN, Source::Binary(Arc::new(FONT)), 0);
            }
        }
        // The library's own lists of families name none of these: it asks one after the other.
        FontSystem::new_with_locale_and_db("en-US".to_owned(), faces)
    }

    /// The family to begin with.
    pub(crate) fn family(&self) -> &'static str {
        if self.0.configured.is_some() { CONFIGURED } else { BUILTIN }
    }
}

/// The font files of one text, each read once: a collection has several faces.
struct Files<'a> {
    read: HashMap<&'a Path, Option<Arc<Vec<u8>>>>,
    /// Bytes that may still be read.
    room: u64,
}

impl<'a> Files<'a> {
    /// `None`: it can't be read, or would be too much.
    fn get(&mut self, path: &'a Path) -> Option<Arc<Vec<u8>>> {
        if let Some(read) = self.read.get(path) {
            return read.clone();
        }
        let data = read(path, self.room).map(Arc::new);
        self.room -= data.as_ref().map_or(0, |data| data.len() as u64);
        self.read.insert(path, data.clone());
        data
    }
}

/// A regular file of at most `room` bytes that begins as a font, at once. Others are left after four bytes.
pub(crate) fn read(path: &Path, room: u64) -> Option<Vec<u8>> {
    // Checked before opening: opening a device may have side effects.
    let regular = |data: Metadata| data.is_file().then_some(data.len());
    regular(std::fs::metadata(path).ok()?)?;
    // It may have been replaced since: a FIFO is opened without waiting for a writer.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let mut file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    let size = regular(file.metadata().ok()?).filter(|size| *size <= room)?;
    let mut begin = [0; 4];
    file.read_exact(&mut begin).ok().filter(|()| BEGINNINGS.contains(&begin))?;
    let mut data = Vec::with_capacity(usize::try_from(size).ok()?);
    data.extend(begin);
    // Reads one byte more than the limit, in case the file grows meanwhile.
    file.take((room + 1).saturating_sub(data.len() as u64)).read_to_end(&mut data).ok()?;
    (data.len() as u64 <= room).then_some(data)
}

/// Adds a face as a regular one of this family, independent of its own style: it was chosen for its characters, and the
/// library would skip a bold one.
fn push(faces: &mut Database, family: &str, source: Source, index: u32) {
    faces.push_face_info(FaceInfo {
        id: ID::dummy(),
        source,
        index,
        families: vec![(family.to_owned(), Language::English_UnitedStates)],
        post_script_name: family.to_owned(),
        style: Style::Normal,
        weight: Weight::NORMAL,
        stretch: Stretch::Normal,
        monospaced: false,
    });
}

/// Whether this is the built-in face.
pub(crate) fn is_builtin(face: &FaceInfo) -> bool {
    face.post_script_name == BUILTIN
}

/// Whether the built-in face has this character.
pub(crate) fn in_builtin(c: char) -> bool {
    BUILTIN_FACE.as_ref().is_some_and(|face| face.glyph_index(c).is_some())
}

/// Whether it needs a glyph.
pub(crate) fn leaves_mark(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !steers(c)
}

/// Invisible characters that control how their neighbours are drawn.
pub(crate) fn steers(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}
