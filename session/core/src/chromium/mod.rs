//! Chromium's managed policy: what follows from the configuration, and which other policies of the system conflict with
//! it. `kiosk-session --write-policy` writes it as root; kiosk-session and `kioskctl config check` look for conflicts.
//! The policy covers the browser's own pages and files. Web addresses are blocked through DevTools' pipe instead, which
//! keeps the current page, where a policy would show an error page.

mod conflict;
mod filter;
mod folder;
mod policy;

pub use conflict::conflicts;
pub use folder::{Found, MANAGED, OWN_FILE, read, with_own, write};
pub use policy::{MAX_CERTIFICATES, PLACEHOLDER_NAME, PolicyError, policy};
