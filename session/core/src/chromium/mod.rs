//! Chromium's managed policy: what the configuration makes of it, and what other policies of the system say against
//! the configuration. `kiosk-session --write-policy` writes it as root; kiosk-session and `kioskctl config check` look
//! for contradictions. Web addresses are refused through DevTools' pipe, which leaves the page as it is; a policy would
//! show a page that says "blocked". So this one is about the browser's own pages and about files.

mod conflict;
mod filter;
mod folder;
mod policy;

pub use conflict::contradictions;
pub use folder::{Found, MANAGED, OWN_FILE, read, with_own, write};
pub use policy::{PolicyError, policy};
