//! Which files a page takes: the `accept` of its input (HTML, 4.10.5.1.17), by the files' names. Pure.

use std::path::Path;

/// Longest `accept` that is parsed, bytes, and most kinds in it; a longer one counts as no restriction.
const MAX_TEXT: usize = 4_096;
const MAX_KINDS: usize = 64;

/// The accepted kinds of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds(Vec<Kind>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// With its dot, in small letters.
    Ending(String),
    /// Such as `image`.
    Family(String),
    /// Such as `image/png`.
    Type(String),
}

impl Kinds {
    /// Parses an `accept`. Kinds that a file's name does not show restrict nothing: the server has to check anyway.
    pub fn of(accept: &str) -> Self {
        let words = || accept.split(',').map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty());
        if accept.len() > MAX_TEXT || words().count() > MAX_KINDS {
            return Kinds::default();
        }
        let kinds: Option<Vec<Kind>> = words().map(|word| Kind::of(&word)).collect();
        Kinds(kinds.unwrap_or_default())
    }

    /// Whether a file of this name is one of them.
    pub fn take(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        self.0.is_empty() || self.0.iter().any(|kind| kind.takes(&name))
    }
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        if word.starts_with('.') {
            return Some(Kind::Ending(word.to_owned()));
        }
        match word.split_once('/')? {
            (family @ ("image" | "audio" | "video"), "*") => Some(Kind::Family(family.to_owned())),
            _ if word.contains('*') => None,
            _ => mime_guess::get_mime_extensions_str(word).map(|_| Kind::Type(word.to_owned())),
        }
    }

    fn takes(&self, name: &str) -> bool {
        let mut types = mime_guess::from_path(name).into_iter();
        match self {
            Kind::Ending(ending) => name.ends_with(ending.as_str()),
            Kind::Family(family) => types.any(|kind| kind.type_() == family.as_str()),
            Kind::Type(wanted) => types.any(|kind| kind.essence_str() == wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_by_its_ending_its_type_or_its_family() {
        let takes = |accept: &str, name: &str| Kinds::of(accept).take(Path::new(name));
        for (accept, taken, not) in [
            (".pdf", "a/B.PDF", "pdf"),
            (" .jpg , .tar.gz ", "x.tar.gz", "x.gz"),
            ("image/*", "DCIM/1.JPEG", "1.mp4"),
            ("image/png,application/pdf", "a.pdf", "a.jpg"),
            ("IMAGE/PNG", "a.png", "png"),
        ] {
            assert!(takes(accept, taken) && !takes(accept, not), "{accept}");
        }
    }

    #[test]
    fn what_can_not_be_told_by_a_name_restricts_nothing() {
        let long = ".a,".repeat(MAX_TEXT);
        for accept in ["", " , ", "application/x-of-the-page-alone", ".pdf, anything", "*/*", &long] {
            assert!(Kinds::of(accept).take(Path::new("a.xyz")), "{accept:.40}");
        }
    }
}
