//! The atoms of the window manager.

x11rb::atom_manager! {
    /// The atoms' values on this X server.
    pub Atoms: AtomsCookie {
        WL_SURFACE_ID,
        WL_SURFACE_SERIAL,

        WM_S0,
        WM_STATE,
        WM_PROTOCOLS,
        WM_TAKE_FOCUS,
        WM_DELETE_WINDOW,

        CLIPBOARD,
        INCR,
        TARGETS,
        TEXT,
        UTF8_STRING,
        _KIOSK_CLIPBOARD_FORMS,
        _KIOSK_CONTENTS,
        _KIOSK_PRIMARY_FORMS,
        _NET_ACTIVE_WINDOW,
        _NET_CLIENT_LIST,
        _NET_SUPPORTED,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PING,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
        _NET_WM_STATE_MODAL,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DIALOG,
        _NET_WM_WINDOW_TYPE_SPLASH,
        _NET_WM_WINDOW_TYPE_TOOLBAR,
        _NET_WM_WINDOW_TYPE_UTILITY,
    }
}
