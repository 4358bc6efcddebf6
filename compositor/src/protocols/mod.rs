//! The Wayland protocols: one file for each family, handlers only. Policy is in `policy.rs` and `stage/`, devices in
//! `backend/`.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod alpha;
mod attached;
mod blocked;
mod buffers;
pub mod capture;
mod client_file;
mod commit_timing;
mod data_control;
mod dialog;
pub(crate) mod dispatch;
mod drag_offers;
mod drm_lease;
mod fifo;
mod fixes;
mod foreign_parents;
mod foreign_toplevel;
pub(crate) mod gamma;
mod guards;
mod icons;
mod idle_notify;
mod ignored;
pub(crate) mod input_method;
mod layer_shell;
mod output_management;
mod output_power;
mod outputs;
mod positioner;
mod seat;
mod security_context;
mod selection;
mod selection_devices;
pub(crate) mod selection_sources;
mod session_lock;
mod shell;
mod subsurface_position;
mod surfaces;
mod text_input;
mod timing;
mod unconfigured;
mod virtual_input;
mod xwayland_shell;

use smithay::{
    input::SeatState,
    reexports::wayland_server::{DisplayHandle, protocol::wl_surface::WlSurface},
    utils::{Clock, Monotonic},
    wayland::{
        alpha_modifier::AlphaModifierState,
        compositor::CompositorState,
        content_type::ContentTypeState,
        cursor_shape::CursorShapeManagerState,
        dmabuf::{DmabufGlobal, DmabufState},
        drm_syncobj::DrmSyncobjState,
        fractional_scale::FractionalScaleManagerState,
        idle_inhibit::IdleInhibitManagerState,
        output::OutputManagerState,
        pointer_constraints::PointerConstraintsState,
        pointer_gestures::PointerGesturesState,
        presentation::PresentationState,
        relative_pointer::RelativePointerManagerState,
        selection::{data_device::DataDeviceState, primary_selection::PrimarySelectionState},
        shell::{
            wlr_layer::WlrLayerShellState,
            xdg::{XdgShellState, decoration::XdgDecorationState},
        },
        shm::ShmState,
        single_pixel_buffer::SinglePixelBufferState,
        tablet_manager::TabletManagerState,
        viewporter::ViewporterState,
        xdg_activation::XdgActivationState,
    },
};

use crate::{backend::DmabufOffer, kiosk::Kiosk, limits::Limits};
use capture::Captures;
use commit_timing::CommitTiming;
use data_control::DataControl;
use dialog::Dialogs;
use drm_lease::DrmLeases;
use fifo::Fifo;
use fixes::Fixes;
use foreign_parents::ForeignParents;
use foreign_toplevel::ForeignToplevels;
use gamma::Gamma;
use icons::Icons;
use idle_notify::IdleNotifier;
use ignored::Ignored;
use input_method::InputMethods;
use kiosk_core::config::Limits as Settings;
use output_management::OutputManagement;
use output_power::OutputPower;
use outputs::XdgOutputs;
use security_context::SecurityContexts;
use selection_devices::DeadDevices;
use selection_sources::SelectionSources;
use session_lock::SessionLock;
use text_input::TextInputs;
use virtual_input::VirtualInput;
use xwayland_shell::XwaylandShell;

/// The state of every protocol.
pub struct Protocols {
    /// `wl_compositor`, `wl_subcompositor`.
    pub compositor: CompositorState,
    /// `wl_shm`; formats are added when the back end is known.
    pub shm: ShmState,
    /// `xdg_wm_base`.
    pub xdg_shell: XdgShellState,
    /// `wl_seat`; the seat itself is in [`Kiosk::seat`].
    pub seat: SeatState<Kiosk>,
    /// `wl_data_device_manager`: clipboard, drag and drop.
    pub data_device: DataDeviceState,
    /// `zwp_primary_selection_device_manager_v1`.
    pub primary_selection: PrimarySelectionState,
    /// `xdg_activation_v1`.
    pub activation: XdgActivationState,
    /// `ext_idle_notifier_v1`.
    pub idle_notifier: IdleNotifier,
    /// Surfaces that keep the screens on while they are there.
    pub idle_inhibitors: Vec<WlSurface>,
    /// `zwp_linux_dmabuf_v1`.
    pub dmabuf: DmabufState,
    /// `None`: no GPU takes buffers.
    pub dmabuf_global: Option<DmabufGlobal>,
    /// The current feedback, to detect changes.
    pub dmabuf_feedback: Option<DmabufOffer>,
    /// `wp_linux_drm_syncobj_manager_v1`; `None`: the device has no timelines.
    pub syncobj: Option<DrmSyncobjState>,
    /// The `xdg_surface` that is getting its role.
    pub xdg_surfaces: unconfigured::XdgSurfaces,
    /// The event sources that block commits.
    pub waits: buffers::BlockedCommits,
    /// `zwlr_output_manager_v1`.
    pub output_management: OutputManagement,
    /// `zwlr_output_power_manager_v1`.
    pub output_power: OutputPower,
    /// `zwlr_gamma_control_manager_v1`.
    pub gamma: Gamma,
    /// `wp_drm_lease_device_v1`.
    pub drm_leases: DrmLeases,
    /// `ext_foreign_toplevel_list_v1`, `zwlr_foreign_toplevel_manager_v1`.
    pub foreign_toplevels: ForeignToplevels,
    /// `zwlr_screencopy_manager_v1`, `ext_image_copy_capture_manager_v1`.
    pub captures: Captures,
    /// `zwlr_layer_shell_v1`.
    pub layer_shell: WlrLayerShellState,
    /// `zwp_text_input_manager_v1` and `_v3`.
    pub text_inputs: TextInputs,
    /// `zwp_input_method_manager_v2`.
    pub input_methods: InputMethods,
    /// `wp_security_context_manager_v1`.
    pub security_contexts: SecurityContexts,
    /// `ext_data_control_manager_v1`, `zwlr_data_control_manager_v1`.
    pub data_control: DataControl,
    /// `zwp_virtual_keyboard_manager_v1`, `zwlr_virtual_pointer_manager_v1`.
    pub virtual_input: VirtualInput,
    /// `zxdg_output_manager_v1`.
    pub xdg_outputs: XdgOutputs,
    /// `xdg_wm_dialog_v1`.
    pub dialogs: Dialogs,
    /// `zxdg_exporter_v2`, `zxdg_importer_v2`.
    pub foreign_parents: ForeignParents,
    /// `wp_fifo_manager_v1`.
    pub fifo: Fifo,
    /// `wp_commit_timing_manager_v1`.
    pub commit_timing: CommitTiming,
    /// Data devices of clients that died without destroying them.
    pub dead_devices: DeadDevices,
    /// What clients have copied.
    pub selection_sources: SelectionSources,
    /// The limits of clients.
    pub limits: Limits,
    /// Kept while their globals are offered; not used otherwise.
    _passive: Passive,
}

struct Passive {
    _outputs: OutputManagerState,
    _decoration: XdgDecorationState,
    _viewporter: ViewporterState,
    _fractional_scale: FractionalScaleManagerState,
    _single_pixel: SinglePixelBufferState,
    _presentation: PresentationState,
    _cursor_shape: CursorShapeManagerState,
    _relative_pointer: RelativePointerManagerState,
    _constraints: PointerConstraintsState,
    _gestures: PointerGesturesState,
    _idle_inhibit: IdleInhibitManagerState,
    _content_type: ContentTypeState,
    _tablet: TabletManagerState,
    _alpha_modifier: AlphaModifierState,
    _xwayland_shell: XwaylandShell,
}

impl Protocols {
    /// Offers every global that needs no device; buffers of a GPU are offered when one is there
    /// ([`Kiosk::offer_dmabuf`]).
    pub fn new(display: &DisplayHandle, limits: &Settings) -> Self {
        let primary_selection = PrimarySelectionState::new::<Kiosk>(display);
        Icons::offer(display);
        Ignored::offer(display);
        SessionLock::offer(display);
        Fixes::offer(display);
        let data_control = DataControl::new(display, &primary_selection);
        Self {
            compositor: CompositorState::new_v6::<Kiosk>(display),
            shm: ShmState::new::<Kiosk>(display, Vec::new()),
            xdg_shell: XdgShellState::new::<Kiosk>(display),
            seat: SeatState::new(),
            data_device: DataDeviceState::new::<Kiosk>(display),
            primary_selection,
            activation: XdgActivationState::new::<Kiosk>(display),
            idle_notifier: IdleNotifier::new(display),
            idle_inhibitors: Vec::new(),
            dmabuf: DmabufState::new(),
            dmabuf_global: None,
            dmabuf_feedback: None,
            syncobj: None,
            xdg_surfaces: unconfigured::XdgSurfaces::default(),
            waits: buffers::BlockedCommits::default(),
            output_management: OutputManagement::new(display),
            output_power: OutputPower::new(display),
            gamma: Gamma::new(display),
            drm_leases: DrmLeases::default(),
            foreign_toplevels: ForeignToplevels::new(display),
            captures: Captures::new(display),
            layer_shell: WlrLayerShellState::new::<Kiosk>(display),
            text_inputs: TextInputs::new(display),
            input_methods: InputMethods::new(display),
            security_contexts: SecurityContexts::new(display),
            data_control,
            virtual_input: VirtualInput::new(display),
            xdg_outputs: XdgOutputs::new(display),
            dialogs: Dialogs::new(display),
            fifo: Fifo::new(display),
            commit_timing: CommitTiming::new(display),
            foreign_parents: ForeignParents::new(display),
            dead_devices: DeadDevices::default(),
            selection_sources: SelectionSources::default(),
            limits: Limits::new(limits),
            _passive: Passive {
                _outputs: OutputManagerState::new(),
                _decoration: XdgDecorationState::new::<Kiosk>(display),
                _viewporter: ViewporterState::new::<Kiosk>(display),
                _fractional_scale: FractionalScaleManagerState::new::<Kiosk>(display),
                _single_pixel: SinglePixelBufferState::new::<Kiosk>(display),
                _presentation: PresentationState::new::<Kiosk>(display, Clock::<Monotonic>::new().id() as u32),
                _cursor_shape: CursorShapeManagerState::new::<Kiosk>(display),
                _relative_pointer: RelativePointerManagerState::new::<Kiosk>(display),
                _constraints: PointerConstraintsState::new::<Kiosk>(display),
                _gestures: PointerGesturesState::new::<Kiosk>(display),
                _idle_inhibit: IdleInhibitManagerState::new::<Kiosk>(display),
                _content_type: ContentTypeState::new::<Kiosk>(display),
                _tablet: TabletManagerState::new::<Kiosk>(display),
                _alpha_modifier: AlphaModifierState::new::<Kiosk>(display),
                _xwayland_shell: XwaylandShell::new(display),
            },
        }
    }
}
