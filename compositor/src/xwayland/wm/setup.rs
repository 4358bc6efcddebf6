//! Becomes the X server's window manager, on a new connection.

use x11rb::{
    CURRENT_TIME,
    connection::Connection as _,
    protocol::{
        composite::{ConnectionExt as _, Redirect},
        xfixes::{ClientDisconnectFlags, ConnectionExt as _},
        xproto::{
            AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Window,
            WindowClass,
        },
    },
    wrapper::ConnectionExt as _,
};

use super::{atoms::Atoms, error::SessionError, stream::Connection};

/// The first version of XFixes with which a server terminates while its window manager is connected.
const XFIXES: (u32, u32) = (6, 0);

/// Returns our window, which represents the window manager.
pub fn become_manager(connection: &Connection, atoms: &Atoms, root: Window) -> Result<Window, SessionError> {
    let events = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    let attributes = ChangeWindowAttributesAux::new().event_mask(events);
    connection.change_window_attributes(root, &attributes)?.check()?;
    connection.composite_query_version(0, 4)?.reply()?;
    connection.composite_redirect_subwindows(root, Redirect::MANUAL)?.check()?;
    let version = connection.xfixes_query_version(XFIXES.0, XFIXES.1)?.reply()?;
    if (version.major_version, version.minor_version) >= XFIXES {
        connection.xfixes_set_client_disconnect_mode(ClientDisconnectFlags::TERMINATE)?;
    }
    let own = connection.generate_id()?;
    let input_only = CreateWindowAux::new();
    connection.create_window(0, own, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &input_only)?;
    for window in [root, own] {
        connection.change_property32(
            PropMode::REPLACE,
            window,
            atoms._NET_SUPPORTING_WM_CHECK,
            AtomEnum::WINDOW,
            &[own],
        )?;
    }
    connection.change_property8(PropMode::REPLACE, own, atoms._NET_WM_NAME, atoms.UTF8_STRING, b"kioskd")?;
    let supported = [
        atoms._NET_ACTIVE_WINDOW,
        atoms._NET_CLIENT_LIST,
        atoms._NET_WM_PING,
        atoms._NET_WM_STATE,
        atoms._NET_WM_STATE_FULLSCREEN,
        atoms._NET_WM_STATE_MODAL,
        atoms._NET_WM_WINDOW_TYPE,
    ];
    connection.change_property32(PropMode::REPLACE, root, atoms._NET_SUPPORTED, AtomEnum::ATOM, &supported)?;
    // Last, as Xwayland begins to accept clients then.
    connection.set_selection_owner(own, atoms.WM_S0, CURRENT_TIME)?;
    Ok(own)
}
