//! Reads the properties of X windows (ICCCM, EWMH).

use x11rb::{
    NONE,
    protocol::xproto::{AtomEnum, ConnectionExt as _, GetPropertyReply, Window},
};

use super::{
    atoms::Atoms,
    error::{SessionError, answer},
    model::{Hints, Names},
    stream::Connection,
};

/// Length that is read of a property, in units of four bytes.
const PROPERTY: u32 = 32;
const PROPERTY_BYTES: usize = PROPERTY as usize * 4;
/// `WM_HINTS`: the flag in its first word that its second, the input field, is set.
const INPUT_HINT: u32 = 1;

/// The properties of a window that is to be mapped, as the model needs them.
pub fn hints(connection: &Connection, atoms: &Atoms, root: Window, window: Window) -> Result<Hints, SessionError> {
    let atoms_of = |property: Option<GetPropertyReply>| -> Vec<u32> {
        property.and_then(|property| Some(property.value32()?.collect())).unwrap_or_default()
    };
    let types = atoms_of(property(connection, window, atoms._NET_WM_WINDOW_TYPE)?);
    let states = atoms_of(property(connection, window, atoms._NET_WM_STATE)?);
    let protocols = atoms_of(property(connection, window, atoms.WM_PROTOCOLS)?);
    let parent = atoms_of(property(connection, window, u32::from(AtomEnum::WM_TRANSIENT_FOR))?);
    let manager = atoms_of(property(connection, window, u32::from(AtomEnum::WM_HINTS))?);
    let parts = [
        atoms._NET_WM_WINDOW_TYPE_DIALOG,
        atoms._NET_WM_WINDOW_TYPE_SPLASH,
        atoms._NET_WM_WINDOW_TYPE_TOOLBAR,
        atoms._NET_WM_WINDOW_TYPE_UTILITY,
    ];
    let input = match manager.as_slice() {
        [flags, input, ..] if flags & INPUT_HINT != 0 => *input != 0,
        _ => true,
    };
    Ok(Hints {
        // Transient for the root or for none means for the whole group: some programs set that on their main
        // window.
        transient: parent.first().is_some_and(|parent| *parent != NONE && *parent != root),
        dialog: types.first().is_some_and(|first| parts.contains(first)) || states.contains(&atoms._NET_WM_STATE_MODAL),
        takes_keys: input,
        takes_focus: protocols.contains(&atoms.WM_TAKE_FOCUS),
        closes: protocols.contains(&atoms.WM_DELETE_WINDOW),
        answers: protocols.contains(&atoms._NET_WM_PING),
    })
}

/// Whether a window's names are made of this property.
pub fn is_name(atoms: &Atoms, name: u32) -> bool {
    [atoms._NET_WM_NAME, AtomEnum::WM_NAME.into(), AtomEnum::WM_CLASS.into()].contains(&name)
}

/// The window's names, as long as they are read.
pub fn names(connection: &Connection, atoms: &Atoms, window: Window) -> Result<Names, SessionError> {
    let title = match text(property(connection, window, atoms._NET_WM_NAME)?) {
        title if title.is_empty() => text(property(connection, window, AtomEnum::WM_NAME.into())?),
        title => title,
    };
    let class = property(connection, window, AtomEnum::WM_CLASS.into())?;
    // The instance's name, a zero byte, the class's name, a zero byte.
    let class = class.map(|class| class.value).unwrap_or_default();
    let class = class.split(|byte| *byte == 0).nth(1).unwrap_or_default();
    Ok(Names { title, class: String::from_utf8_lossy(class).into_owned() })
}

/// Latin-1, where it is said so, else UTF-8; a letter that was cut off is left out.
fn text(property: Option<GetPropertyReply>) -> String {
    let Some(property) = property else { return String::new() };
    let text: String = if property.type_ == u32::from(AtomEnum::STRING) {
        property.value.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::from_utf8_lossy(&property.value).into_owned()
    };
    text.trim_end_matches([char::REPLACEMENT_CHARACTER, '\0']).to_owned()
}

/// The beginning of a property of 32-bit values; `None`: there is no such property or window.
fn property(connection: &Connection, window: Window, name: u32) -> Result<Option<GetPropertyReply>, SessionError> {
    let mut reply = answer(connection.get_property(false, window, name, AtomEnum::ANY, 0, PROPERTY)?.reply())?;
    if let Some(reply) = &mut reply {
        // No more is kept of a server that says more than it was asked for.
        reply.value.truncate(PROPERTY_BYTES);
    }
    Ok(reply)
}
