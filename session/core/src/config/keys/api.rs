//! The key of `[api]`.

use toml_edit::Array;

use super::{Allowed, Key, Kind};
use crate::config::allow::{PatternError, UrlPattern};
use crate::config::api::{Api, MAX_ORIGINS};
use crate::config::raw::{Raw, Wrong};
use crate::config::setters::{each, put};

const ORIGINS: Allowed =
    Allowed::Description("a list of origins such as [\"http://localhost:3000\", \"https://*.example.org\"]");

pub static API: &[Key<Api>] = &[Key {
    name: "origins",
    kind: Kind::TextList,
    allowed: ORIGINS,
    set: |api, raw| {
        let count = raw.as_list()?.len();
        if count > MAX_ORIGINS {
            return Err(Wrong::because(format!("it has {count} entries, and at most {MAX_ORIGINS} are followed")));
        }
        put(&mut api.origins, each(raw, origin))
    },
    get: |api| Some(api.origins.iter().map(UrlPattern::as_str).collect::<Array>().into()),
}];

/// Files have none.
fn origin(raw: &Raw) -> Result<UrlPattern, Wrong> {
    // A pattern with a password in it is not repeated.
    let found = |error: &PatternError| if *error == PatternError::User { "the origin".into() } else { raw.excerpt() };
    let pattern = UrlPattern::parse_origin(raw.as_text()?);
    pattern.map_err(|error| Wrong::because(format!("{}: {error}", found(&error))))
}
