//! GPU buffers: linux-dmabuf with feedback, explicit synchronisation, and waiting until a buffer is drawn.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use smithay::{
    backend::allocator::dmabuf::Dmabuf,
    reexports::{
        calloop::{EventSource, Interest, RegistrationToken},
        wayland_protocols::wp::{
            linux_dmabuf::zv1::server::{
                zwp_linux_dmabuf_feedback_v1::ZwpLinuxDmabufFeedbackV1,
                zwp_linux_dmabuf_v1::{self, ZwpLinuxDmabufV1},
            },
            linux_drm_syncobj::v1::server::{
                wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
                wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
                wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1,
            },
        },
        wayland_server::{
            Client, Resource,
            backend::ObjectId,
            protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
        },
    },
    wayland::{
        compositor::{
            Blocker, BlockerState, BufferAssignment, CompositorHandler, SurfaceAttributes, add_blocker,
            add_pre_commit_hook, with_states,
        },
        dmabuf::{
            DmabufData, DmabufFeedbackData, DmabufGlobal, DmabufGlobalData, DmabufHandler, DmabufState, ImportNotifier,
            get_dmabuf,
        },
        drm_syncobj::{
            DrmSyncobjCachedState, DrmSyncobjGlobalData, DrmSyncobjHandler, DrmSyncobjState, DrmSyncobjSurfaceData,
            DrmSyncobjTimelineData, supports_syncobj_eventfd,
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{
        refusal::LIMIT,
        unread::{self, Sent, UNREAD},
    },
    protocols::dispatch::{Refused, globals, guarded, objects},
};

impl Kiosk {
    /// Offers linux-dmabuf and, if the device supports it, explicit synchronisation. Once.
    pub fn offer_dmabuf(&mut self) {
        if self.protocols.dmabuf_global.is_some() {
            return;
        }
        let Some(offer) = self.hardware.backend.dmabuf_offer() else { return };
        let global =
            self.protocols.dmabuf.create_global_with_default_feedback::<Self>(&self.main_loop.display, &offer.feedback);
        self.protocols.dmabuf_global = Some(global);
        if let Some(device) = offer.syncobj_device.clone().filter(supports_syncobj_eventfd) {
            self.protocols.syncobj = Some(DrmSyncobjState::new::<Self>(&self.main_loop.display, device));
        }
        self.protocols.dmabuf_feedback = Some(offer);
    }

    /// Blocks each commit until the client's GPU has finished the buffer: a frame never waits for a client.
    pub fn wait_for_buffers(&mut self, surface: &WlSurface) {
        add_pre_commit_hook::<Self, _>(surface, |kiosk, _display, surface| {
            let (dmabuf, acquire) = with_states(surface, |states| {
                let acquire = states.cached_state.get::<DrmSyncobjCachedState>().pending().acquire_point.clone();
                let mut attributes = states.cached_state.get::<SurfaceAttributes>();
                let dmabuf = match attributes.pending().buffer.as_ref() {
                    Some(BufferAssignment::NewBuffer(buffer)) => get_dmabuf(buffer).cloned().ok(),
                    _ => None,
                };
                (dmabuf, acquire)
            });
            let Some(dmabuf) = dmabuf else { return };
            if let Some(acquire) = acquire {
                if let Ok((blocker, source)) = acquire.generate_blocker() {
                    kiosk.hold_back(surface, blocker, source);
                }
                return;
            }
            if let Ok((blocker, source)) = dmabuf.generate_blocker(Interest::READ) {
                kiosk.hold_back(surface, blocker, source);
            }
        });
    }

    /// Blocks the surface's commit until the source fires or the surface is destroyed.
    pub fn hold_back<S, D>(&mut self, surface: &WlSurface, blocker: impl Blocker + Send + 'static, source: S)
    where
        S: EventSource<Event = (), Metadata = D, Ret = io::Result<()>> + 'static,
    {
        let Some(client) = surface.client() else { return };
        let waits = self.protocols.waits.clone();
        let own: Rc<Cell<Option<RegistrationToken>>> = Rc::default();
        let (id, token, of) = (surface.id(), own.clone(), client.clone());
        let inserted = self.main_loop.handle.insert_source(source, move |(), _, kiosk| {
            waits.end(&id, token.get());
            let display = kiosk.main_loop.display.clone();
            kiosk.client_compositor_state(&of).blocker_cleared(kiosk, &display);
            Ok(())
        });
        if let Ok(token) = inserted {
            own.set(Some(token));
            let given_up = Arc::new(AtomicBool::new(false));
            self.protocols.waits.begin(surface.id(), BlockedCommit { token, given_up: given_up.clone(), client });
            add_blocker(surface, UntilDestroyed { blocker, given_up });
        }
    }

    /// Ends the waits of a destroyed surface: a fence that is never signalled would outlive its client. A synchronised
    /// subsurface's commit is part of its parent's, which is then applied without it at the end of the turn: see
    /// [`Self::apply_given_up`].
    pub(super) fn let_go_of(&mut self, surface: &WlSurface) {
        for token in self.protocols.waits.give_up(&surface.id()) {
            self.main_loop.handle.remove(token);
        }
    }

    /// Commits of these clients may be ready without an event: they are checked once, at the end of the turn.
    pub(crate) fn look_for_ready_commits(&self, clients: impl IntoIterator<Item = Client>) {
        clients.into_iter().for_each(|client| self.protocols.waits.look_at(&client));
    }

    /// Applies commits that waited only for destroyed surfaces, or for something without an event source.
    pub(crate) fn apply_given_up(&mut self) {
        for client in self.protocols.waits.take_given_up() {
            let display = self.main_loop.display.clone();
            self.client_compositor_state(&client).blocker_cleared(self, &display);
        }
    }
}

/// A blocker that is released once its surface is destroyed.
struct UntilDestroyed<B> {
    blocker: B,
    given_up: Arc<AtomicBool>,
}

impl<B: Blocker> Blocker for UntilDestroyed<B> {
    fn state(&self) -> BlockerState {
        if self.given_up.load(Relaxed) { BlockerState::Released } else { self.blocker.state() }
    }
}

/// A blocked commit.
#[derive(Debug)]
struct BlockedCommit {
    /// The event source that it waits for.
    token: RegistrationToken,
    /// Whether its surface is destroyed.
    given_up: Arc<AtomicBool>,
    /// Kept here, as a destroyed surface has no client.
    client: Client,
}

/// The event sources that block commits, by surface; clones share the state.
#[derive(Debug, Clone, Default)]
pub struct BlockedCommits {
    held: Rc<RefCell<HashMap<ObjectId, Vec<BlockedCommit>>>>,
    /// Clients whose commits may be ready without an event, each once.
    given_up: Rc<RefCell<Vec<Client>>>,
}

impl BlockedCommits {
    fn begin(&self, surface: ObjectId, wait: BlockedCommit) {
        self.held.borrow_mut().entry(surface).or_default().push(wait);
    }

    fn end(&self, surface: &ObjectId, token: Option<RegistrationToken>) {
        let mut held = self.held.borrow_mut();
        let Some(waits) = held.get_mut(surface) else { return };
        waits.retain(|known| Some(known.token) != token);
        if waits.is_empty() {
            held.remove(surface);
        }
    }

    /// Releases all commits of the surface; returns the sources to remove.
    fn give_up(&self, surface: &ObjectId) -> Vec<RegistrationToken> {
        let waits = self.held.borrow_mut().remove(surface).unwrap_or_default();
        for wait in &waits {
            wait.given_up.store(true, Relaxed);
            self.look_at(&wait.client);
        }
        waits.into_iter().map(|wait| wait.token).collect()
    }

    /// Marks this client for the check of ready commits.
    fn look_at(&self, client: &Client) {
        let mut given_up = self.given_up.borrow_mut();
        if !given_up.iter().any(|known| known.id() == client.id()) {
            given_up.push(client.clone());
        }
    }

    fn take_given_up(&self) -> Vec<Client> {
        std::mem::take(&mut self.given_up.borrow_mut())
    }
}

impl DmabufHandler for Kiosk {
    fn dmabuf_state(&mut self) -> &mut DmabufState {
        &mut self.protocols.dmabuf
    }

    fn dmabuf_imported(&mut self, _global: &DmabufGlobal, dmabuf: Dmabuf, notifier: ImportNotifier) {
        if self.hardware.backend.import_dmabuf(&dmabuf) {
            // The client may be gone meanwhile.
            let _ = notifier.successful::<Self>();
        } else {
            notifier.failed();
        }
    }
}

impl DrmSyncobjHandler for Kiosk {
    fn drm_syncobj_state(&mut self) -> Option<&mut DrmSyncobjState> {
        self.protocols.syncobj.as_mut()
    }
}

/// Each feedback begins with a descriptor of the table of formats.
fn dmabuf(
    _: &mut Kiosk,
    client: &Client,
    _: &ZwpLinuxDmabufV1,
    request: &zwp_linux_dmabuf_v1::Request,
    _: &DmabufData,
) -> Result<(), Refused> {
    match request {
        zwp_linux_dmabuf_v1::Request::GetDefaultFeedback { .. }
        | zwp_linux_dmabuf_v1::Request::GetSurfaceFeedback { .. }
            if !unread::takes(client, 1, Sent::Own) =>
        {
            Err(Refused { code: LIMIT, sentence: UNREAD.into() })
        }
        _ => Ok(()),
    }
}

globals! {
    ZwpLinuxDmabufV1, DmabufGlobalData => DmabufState;
    WpLinuxDrmSyncobjManagerV1, DrmSyncobjGlobalData => DrmSyncobjState;
}
guarded! {
    ZwpLinuxDmabufV1, DmabufData => DmabufState, dmabuf;
}
objects! {
    WlBuffer, Dmabuf => DmabufState;
    ZwpLinuxDmabufFeedbackV1, DmabufFeedbackData => DmabufState;
    WpLinuxDrmSyncobjManagerV1, () => DrmSyncobjState;
    WpLinuxDrmSyncobjSurfaceV1, DrmSyncobjSurfaceData => DrmSyncobjState;
    WpLinuxDrmSyncobjTimelineV1, DrmSyncobjTimelineData => DrmSyncobjState;
}
