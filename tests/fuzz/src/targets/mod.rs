//! One file for each thing that is read.

pub mod config;
pub mod control;
pub mod dbus;
pub mod devtools;
pub mod edid;
pub mod logo;
pub mod probe;
pub mod screen;
pub mod state;
pub mod url;
pub mod values;

/// The input as text, where it is none with what stands in place of the rest.
fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
