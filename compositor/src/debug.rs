//! Aids for developers, switched on by `KIOSKD_DEBUG`: words separated by commas. Read once at the start; the stage and
//! the back ends look at it. (`-D` is cage's flag, and is about how much is logged.)

/// The environment variable.
pub const DEBUG_ENV: &str = "KIOSKD_DEBUG";

/// What is switched on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct DebugAids {
    /// `damage`: what a frame repaints is tinted, each frame in another colour. Everything is composed meanwhile.
    pub damage: bool,
    /// `planes`: what each element of a frame is shown by is logged, at debug level.
    pub planes: bool,
    /// `spans`: how long each loop turn, frame, flip, commit and D-Bus call took is told on stderr, at debug level.
    pub spans: bool,
}

/// Unknown words in `KIOSKD_DEBUG`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{DEBUG_ENV}: {} is not known; damage, planes and spans are", .0.join(", "))]
pub struct UnknownAids(Vec<String>);

impl DebugAids {
    /// Parses the variable's text. The error names all unknown words; the others apply nevertheless.
    pub fn parse(text: &str) -> (Self, Option<UnknownAids>) {
        let mut aids = Self::default();
        let mut unknown = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "damage" => aids.damage = true,
                "planes" => aids.planes = true,
                "spans" => aids.spans = true,
                other => unknown.push(format!("{other:?}")),
            }
        }
        (aids, (!unknown.is_empty()).then_some(UnknownAids(unknown)))
    }

    /// Those of this process, before logging is set up. Unknown words are ignored: [`Self::from_env`] reports them.
    pub fn quietly_from_env() -> Self {
        Self::look().0
    }

    fn look() -> (Self, Option<UnknownAids>) {
        Self::parse(&std::env::var_os(DEBUG_ENV).unwrap_or_default().to_string_lossy())
    }

    /// Those of this process. Unknown words are logged in one warning.
    pub fn from_env() -> Self {
        let (aids, unknown) = Self::look();
        if let Some(unknown) = unknown {
            tracing::warn!("{unknown}");
        }
        aids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_aids_are_parsed_and_unknown_ones_are_listed() {
        assert_eq!(DebugAids::parse(""), (DebugAids::default(), None));
        assert_eq!(DebugAids::parse(" damage,planes,"), (DebugAids { damage: true, planes: true, spans: false }, None));
        assert_eq!(DebugAids::parse("spans").0, DebugAids { spans: true, ..DebugAids::default() });
        let (aids, unknown) = DebugAids::parse("damage,fps,Planes");
        assert_eq!(aids, DebugAids { damage: true, ..DebugAids::default() });
        let told = unknown.map(|unknown| unknown.to_string()).unwrap_or_default();
        assert_eq!(told, r#"KIOSKD_DEBUG: "fps", "Planes" is not known; damage, planes and spans are"#);
    }
}
