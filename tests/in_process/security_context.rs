//! Clients in a security context: the globals that they are offered, and that they cannot leave it.

use std::{
    collections::BTreeSet,
    io::{self, PipeWriter},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use kiosk_core::config::{Group, PrivilegeRule};
use kioskd::privilege::{
    Privilege,
    table::{GLOBALS, Who},
};
use wayland_client::delegate_noop;
use wayland_protocols::wp::security_context::v1::client::{
    wp_security_context_manager_v1::WpSecurityContextManagerV1, wp_security_context_v1::WpSecurityContextV1,
};

use crate::fixture::{ClientId, Fixture, Setup, seen::Seen};

delegate_noop!(Seen: WpSecurityContextManagerV1);
delegate_noop!(Seen: WpSecurityContextV1);

const VIEWER: &str = "org.example.Viewer";

/// A kiosk that allows the viewer to capture and nothing else.
fn start() -> Fixture {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.privileges = vec![PrivilegeRule { app_id: VIEWER.into(), allow: vec![Group::Capture] }];
    setup.start()
}

struct Context {
    socket: PathBuf,
    object: WpSecurityContextV1,
    /// When it is dropped, the context ends.
    _close: PipeWriter,
}

fn context(fixture: &Fixture, client: ClientId, directory: &Path, app_id: &str) -> Context {
    let listener = UnixListener::bind(directory.join(format!("socket-{app_id}"))).unwrap();
    context_of(&listener, fixture, client, app_id)
}

fn context_of(listener: &UnixListener, fixture: &Fixture, client: ClientId, app_id: &str) -> Context {
    let socket = listener.local_addr().unwrap().as_pathname().unwrap().to_owned();
    let (ours, close) = io::pipe().unwrap();
    let manager: WpSecurityContextManagerV1 = fixture[client].bind();
    let object = manager.create_listener(listener.as_fd(), ours.as_fd(), &fixture[client].handle.clone(), ());
    object.set_sandbox_engine("org.example".into());
    object.set_app_id(app_id.into());
    object.commit();
    Context { socket, object, _close: close }
}

/// The globals that a client of the context is offered.
fn offered(fixture: &mut Fixture, context: &Context) -> BTreeSet<String> {
    let client = fixture.join(UnixStream::connect(&context.socket).unwrap());
    let globals = fixture[client].seen.globals.iter().map(|global| global.interface.clone()).collect();
    fixture.disconnect(client);
    globals
}

fn table(extra: Option<Group>) -> BTreeSet<String> {
    let may = |who| match who {
        Who::Everyone => true,
        Who::Unconfined | Who::Xwayland => false,
        Who::Trusted(group) => Some(group) == extra,
    };
    let globals = GLOBALS.iter().filter(|global| !global.device && may(global.who));
    globals.map(|global| global.interface.to_owned()).collect()
}

#[test]
fn a_context_made_by_an_admin_has_what_its_app_id_is_allowed() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let admin = fixture.client_of(Privilege::Admin);
    let viewer = context(&fixture, admin, directory.path(), VIEWER);
    let other = context(&fixture, admin, directory.path(), "org.example.Other");
    fixture.roundtrip(admin);
    assert_eq!(offered(&mut fixture, &viewer), table(Some(Group::Capture)));
    assert!(offered(&mut fixture, &viewer).contains("zwlr_screencopy_manager_v1"));
    assert_eq!(offered(&mut fixture, &other), table(None));
}

#[test]
fn on_a_shells_socket_anybody_may_claim_any_app_id_and_nothing_comes_of_it() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let shell = fixture.client();
    let viewer = context(&fixture, shell, directory.path(), VIEWER);
    fixture.roundtrip(shell);
    assert_eq!(offered(&mut fixture, &viewer), table(None));
}

#[test]
fn a_context_outlives_its_maker_and_ends_when_its_descriptor_does() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let admin = fixture.client_of(Privilege::Admin);
    let viewer = context(&fixture, admin, directory.path(), VIEWER);
    fixture.roundtrip(admin);
    fixture.disconnect(admin);
    assert_eq!(offered(&mut fixture, &viewer), table(Some(Group::Capture)));
    let Context { socket, _close, .. } = viewer;
    assert_eq!(fixture.kiosk.protocols.security_contexts.open(), 1);
    drop(_close);
    fixture.until("the end of the context", |fixture| fixture.kiosk.protocols.security_contexts.open() == 0);
    assert!(UnixStream::connect(&socket).is_err());
}

/// The maker shares the descriptor's flags.
#[test]
fn a_contexts_listener_blocks_nothing_whatever_its_maker_does() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let shell = fixture.client();
    let listener = UnixListener::bind(directory.path().join("socket")).unwrap();
    let own = context_of(&listener, &fixture, shell, VIEWER);
    fixture.roundtrip(shell);
    for nonblocking in [false, true, false] {
        listener.set_nonblocking(nonblocking).unwrap();
        assert_eq!(offered(&mut fixture, &own), table(None));
        fixture.roundtrip(shell);
    }
}

#[test]
fn shells_leave_contexts_to_those_who_may_grant_something() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let (shell, admin) = (fixture.client(), fixture.client_of(Privilege::Admin));
    let _all: Vec<_> = (0..16).map(|number| context(&fixture, shell, directory.path(), &number.to_string())).collect();
    fixture.roundtrip(shell);
    let _admins = context(&fixture, admin, directory.path(), VIEWER);
    fixture.roundtrip(admin);
    let _more = context(&fixture, shell, directory.path(), "more");
    assert_eq!(fixture.protocol_error_of(shell), ("wp_security_context_v1".into(), 1000));
    assert_eq!(fixture.kiosk.protocols.security_contexts.open(), 17);
}

#[test]
fn there_are_so_many_contexts() {
    let mut fixture = start();
    let directory = tempfile::tempdir().unwrap();
    let admin = fixture.client_of(Privilege::Admin);
    let contexts: Vec<_> =
        (0..32).map(|number| context(&fixture, admin, directory.path(), &number.to_string())).collect();
    fixture.roundtrip(admin);
    let _more = context(&fixture, admin, directory.path(), "more");
    assert_eq!(fixture.protocol_error_of(admin), ("wp_security_context_v1".into(), 1000));
    drop(contexts);
    fixture.until("the end of all contexts", |fixture| fixture.kiosk.protocols.security_contexts.open() == 0);
}

#[test]
fn what_is_no_listener_and_what_is_said_twice_are_errors() {
    let ends = |wrong: &dyn Fn(&Fixture, ClientId, &Path)| {
        let mut fixture = start();
        let directory = tempfile::tempdir().unwrap();
        let admin = fixture.client_of(Privilege::Admin);
        wrong(&fixture, admin, directory.path());
        let error = fixture.protocol_error_of(admin);
        fixture.assert_serving();
        error
    };
    let no_listener = |fixture: &Fixture, admin: ClientId, _: &Path| {
        let manager: WpSecurityContextManagerV1 = fixture[admin].bind();
        let ((one, _two), (close, _)) = (UnixStream::pair().unwrap(), io::pipe().unwrap());
        manager.create_listener(one.as_fd(), close.as_fd(), &fixture[admin].handle.clone(), ());
    };
    assert_eq!(ends(&no_listener), ("wp_security_context_manager_v1".into(), 1));
    let again = |fixture: &Fixture, admin: ClientId, directory: &Path| {
        context(fixture, admin, directory, VIEWER).object.commit();
    };
    assert_eq!(ends(&again), ("wp_security_context_v1".into(), 1));
    let twice = |fixture: &Fixture, admin: ClientId, directory: &Path| {
        let listener = UnixListener::bind(directory.join("socket")).unwrap();
        let manager: WpSecurityContextManagerV1 = fixture[admin].bind();
        let (close, _) = io::pipe().unwrap();
        let object = manager.create_listener(listener.as_fd(), close.as_fd(), &fixture[admin].handle.clone(), ());
        object.set_app_id("a".into());
        object.set_app_id("b".into());
    };
    assert_eq!(ends(&twice), ("wp_security_context_v1".into(), 2));
}
