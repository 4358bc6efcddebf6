//! Searches the installed fonts for the faces that a text needs, which reads many files and may take a second. The
//! compositor calls it on a thread, and only if a text has a character that the built-in face lacks, or a font is
//! configured. The results are paths: no font stays in memory.

use std::{collections::BTreeSet, path::Path};

use cosmic_text::fontdb::{Database, FaceInfo, Source, Style};
use ttf_parser::Face;

use crate::fonts::{Fonts, Found, MAX_FILES, in_builtin, leaves_mark, read};

/// System directories of fonts; users' own fonts are not searched.
pub(crate) const DIRECTORIES: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];
/// Most fallback faces for one text, as each is searched for each character that those before it lack.
const MAX_FACES: usize = 8;
/// Most different characters that are searched, more than any shown text has.
const MAX_CHARACTERS: usize = 4_000;

/// Why the configured font is not used; the sentence names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// The file can't be read, or has no face in it.
    #[error("{0} is no font that can be read: give a TrueType or OpenType file")]
    NoFont(String),
    /// There is no family of this name.
    #[error("no font called {0:?} is installed: see `fc-list : family` for those that are")]
    NotInstalled(String),
}

impl Fonts {
    /// The installed faces that `text` needs. `language`, such as `ja` or `zh-TW`, decides between faces for the same
    /// characters. Reads all font files where any is needed, so it may take long. Errors of the configured font are reported by the first
    /// search only.
    pub fn find(&self, text: &str, language: &str) -> (Fonts, Option<FontError>) {
        let mut installed = Database::new();
        if self.requested().is_some_and(|requested| !requested.starts_with('/')) || text.chars().any(is_wanted) {
            DIRECTORIES.iter().for_each(|directory| installed.load_fonts_dir(directory));
        }
        self.find_among(&installed, text, language)
    }

    fn find_among(&self, installed: &Database, text: &str, language: &str) -> (Fonts, Option<FontError>) {
        let (mut wrong, first) = (None, !self.is_complete());
        let configured = self.requested().and_then(|requested| {
            let found = configured(installed, requested);
            if found.is_none() {
                let error = if requested.starts_with('/') { FontError::NoFont } else { FontError::NotInstalled };
                wrong = Some(error(requested.to_owned())).filter(|_| first);
            }
            found
        });
        let searched: BTreeSet<char> = text.chars().filter(|c| is_wanted(*c)).take(MAX_CHARACTERS).collect();
        let fallback = cover(installed, &searched, language);
        (self.with(configured, fallback, searched), wrong)
    }
}

/// Whether an installed face is needed for it.
fn is_wanted(c: char) -> bool {
    leaves_mark(c) && !in_builtin(c)
}

/// The regular face of a family, or the first one in a file.
fn configured(installed: &Database, requested: &str) -> Option<Found> {
    if requested.starts_with('/') {
        return in_file(Path::new(requested));
    }
    let of_family = |face: &&FaceInfo| face.families.iter().any(|(name, _)| name.eq_ignore_ascii_case(requested));
    let faces = installed.faces().filter(of_family).filter(|face| is_drawn(installed, face));
    found(faces.min_by_key(|face| strangeness(face))?)
}

/// The first face of a file that somebody named: read, where the library would map it, or wait for a FIFO.
fn in_file(path: &Path) -> Option<Found> {
    let mut file = Database::new();
    file.load_font_data(read(path, MAX_FILES)?);
    // fontdb accepts faces with names and metrics; drawing also needs outlines.
    let face = file.faces().next().filter(|face| is_drawn(&file, face))?;
    Some(Found { path: path.to_owned(), index: face.index })
}

fn is_drawn(installed: &Database, face: &FaceInfo) -> bool {
    let drawn = |data: &[u8], index| Face::parse(data, index).is_ok_and(|face| face.number_of_glyphs() > 1);
    installed.with_face_data(face.id, drawn).unwrap_or(false)
}

/// A small set of faces that cover the characters, by the number of characters covered; colour fonts for emoji first.
fn cover(installed: &Database, wanted: &BTreeSet<char>, language: &str) -> Vec<Found> {
    let mut rest = wanted.clone();
    if rest.is_empty() {
        return Vec::new();
    }
    let has = |face: &FaceInfo| installed.with_face_data(face.id, |data, index| characters(data, index, wanted));
    let mut candidates: Vec<(&FaceInfo, Characters)> =
        installed.faces().filter_map(|face| Some((face, has(face)??))).collect();
    candidates.sort_by_key(|(face, characters)| {
        (!characters.coloured, !speaks(face, language), strangeness(face), face.post_script_name.clone())
    });
    let mut chosen = Vec::new();
    while chosen.len() < MAX_FACES && !rest.is_empty() {
        let gain = |characters: &Characters| {
            let of = characters.has.intersection(&rest).filter(|c| !characters.coloured || is_picture(**c));
            // Colour fonts are used for emoji only.
            (of.count(), characters.coloured)
        };
        // The first of the best: they are sorted.
        let best = candidates.iter().enumerate().max_by_key(|(place, (_, characters))| {
            let (count, coloured) = gain(characters);
            (coloured && count > 0, count, usize::MAX - place)
        });
        let Some((_, (face, characters))) = best.filter(|(_, (_, characters))| gain(characters).0 > 0) else { break };
        rest.retain(|c| !characters.has.contains(c) || (characters.coloured && !is_picture(*c)));
        chosen.extend(found(face));
    }
    chosen
}

/// The wanted characters that a face has.
struct Characters {
    has: BTreeSet<char>,
    coloured: bool,
}

fn characters(data: &[u8], index: u32, wanted: &BTreeSet<char>) -> Option<Characters> {
    let face = Face::parse(data, index).ok()?;
    let has: BTreeSet<char> = wanted.iter().copied().filter(|c| face.glyph_index(*c).is_some()).collect();
    let tables = face.tables();
    let coloured = tables.cbdt.is_some() || tables.colr.is_some() || tables.sbix.is_some();
    (!has.is_empty()).then_some(Characters { has, coloured })
}

/// Characters that are usually shown as colour emoji.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{203c}' | '\u{2049}' | '\u{2139}' | '\u{20e3}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}'
        | '\u{2b05}'..='\u{2b55}' | '\u{1f000}'..='\u{1fbff}')
}

/// How far a face's style is from regular, to choose among faces with the same characters.
fn strangeness(face: &FaceInfo) -> (bool, bool, u16, bool) {
    let named = |part: &str| face.families.iter().any(|(name, _)| name.contains(part));
    (
        face.style != Style::Normal,
        face.monospaced || named("Mono") || named("Serif") || named("Display"),
        face.weight.0.abs_diff(400),
        !named("Sans"),
    )
}

/// Whether a Chinese, Japanese or Korean face is made for this language, as characters look different in each. Other
/// faces are for every language.
fn speaks(face: &FaceInfo, language: &str) -> bool {
    let Some(region) = face.families.iter().find_map(|(name, _)| name.split_once("CJK ").map(|(_, region)| region))
    else {
        return true;
    };
    let language = language.to_ascii_lowercase();
    let wanted = match language.get(..2).unwrap_or_default() {
        "ja" => "JP",
        "ko" => "KR",
        _ if ["tw", "hk", "hant"].iter().any(|traditional| language.contains(traditional)) => "TC",
        _ => "SC",
    };
    region.starts_with(wanted)
}

fn found(face: &FaceInfo) -> Option<Found> {
    match &face.source {
        Source::File(path) | Source::SharedFile(path, _) => Some(Found { path: path.clone(), index: face.index }),
        Source::Binary(_) => None,
    }
}
