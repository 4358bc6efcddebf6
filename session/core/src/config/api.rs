//! `[api]`: which pages have `window.kiosk`.

use super::allow::UrlPattern;

/// Origins at most: each is compared with every document's.
pub const MAX_ORIGINS: usize = 100;

/// The section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Documents of these origins, in the main frame of a shell's page; empty: none.
    pub origins: Vec<UrlPattern>,
}

impl Api {
    /// Whether a document of this origin may ask the kiosk for anything.
    pub fn grants(&self, origin: &str) -> bool {
        self.origins.iter().any(|pattern| pattern.contains(origin))
    }
}

impl Default for Api {
    /// The page of a device that nothing is configured for.
    fn default() -> Self {
        Self { origins: UrlPattern::parse_origin("http://localhost:3000").into_iter().collect() }
    }
}
