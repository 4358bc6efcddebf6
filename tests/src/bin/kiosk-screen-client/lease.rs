//! Leases a connector, sets a mode on it by itself and shows a colour.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::Device as ControlDevice;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::drm_lease::v1::client::wp_drm_lease_connector_v1::{self, WpDrmLeaseConnectorV1};
use wayland_protocols::wp::drm_lease::v1::client::wp_drm_lease_device_v1::{self, WpDrmLeaseDeviceV1};
use wayland_protocols::wp::drm_lease::v1::client::wp_drm_lease_request_v1::WpDrmLeaseRequestV1;
use wayland_protocols::wp::drm_lease::v1::client::wp_drm_lease_v1::{self, WpDrmLeaseV1};

#[derive(Debug, Args)]
pub struct Options {
    /// Such as `Virtual-2`.
    connector: String,
    /// Gives it back after the first picture, and waits until it is offered again.
    #[arg(long)]
    once: bool,
    /// Makes this file when the picture is on the screen.
    #[arg(long)]
    ready: Option<PathBuf>,
    /// XRGB8888.
    #[arg(long, default_value = "c02080")]
    colour: String,
}

#[derive(Default)]
struct State {
    device: Option<OwnedFd>,
    /// With names, as far as they are known.
    offered: Vec<(WpDrmLeaseConnectorV1, String)>,
    lease: Option<OwnedFd>,
    finished: bool,
}

/// What was leased, as a device of its own.
struct Card(OwnedFd);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl ControlDevice for Card {}

pub fn run(connection: &Connection, options: &Options) -> Result<()> {
    let (globals, mut queue) = registry_queue_init::<State>(connection)?;
    let handle = queue.handle();
    let mut state = State::default();
    let device: WpDrmLeaseDeviceV1 = globals.bind(&handle, 1..=1, ()).context("nothing is leased")?;
    let wanted = |state: &State| {
        let found = state.offered.iter().find(|(_, name)| *name == options.connector);
        found.map(|(connector, _)| connector.clone())
    };
    queue.roundtrip(&mut state)?;
    ensure!(state.device.is_some(), "no file descriptor of the device");
    let connector = wanted(&state).with_context(|| format!("{} is not offered", options.connector))?;

    let request = device.create_lease_request(&handle, ());
    request.request_connector(&connector);
    let lease = request.submit(&handle, ());
    while state.lease.is_none() && !state.finished {
        queue.blocking_dispatch(&mut state)?;
    }
    let card = Card(state.lease.take().context("the lease was refused")?);
    let (width, height) = light(&card, u32::from_str_radix(&options.colour, 16)?)?;
    println!("lit {} {width}x{height}", options.connector);
    if let Some(path) = &options.ready {
        std::fs::write(path, "")?;
    }
    if options.once {
        lease.destroy();
        while wanted(&state).is_none_or(|offered| offered == connector) {
            queue.blocking_dispatch(&mut state)?;
        }
        println!("offered again");
        return Ok(());
    }
    while !state.finished {
        queue.blocking_dispatch(&mut state)?;
    }
    println!("finished");
    // The kernel knows no more objects by this descriptor.
    let left = card.resource_handles().map(|resources| resources.connectors().len());
    println!("left {left:?}");
    Ok(())
}

/// Shows the colour in the connector's first mode. What it needs of the kernel lives as long as the card.
fn light(card: &Card, colour: u32) -> Result<(u16, u16)> {
    let resources = card.resource_handles().context("no resources")?;
    let ([connector], [crtc]) = (resources.connectors(), resources.crtcs()) else {
        anyhow::bail!("{} connectors and {} CRTCs", resources.connectors().len(), resources.crtcs().len());
    };
    let mode = *card.get_connector(*connector, true)?.modes().first().context("no mode")?;
    let (width, height) = mode.size();
    let mut buffer = card.create_dumb_buffer((width.into(), height.into()), DrmFourcc::Xrgb8888, 32)?;
    let pitch = buffer.pitch() as usize;
    {
        let mut map = card.map_dumb_buffer(&mut buffer)?;
        for row in map.as_mut().chunks_mut(pitch).take(height.into()) {
            row.as_chunks_mut().0.iter_mut().for_each(|pixel| *pixel = colour.to_le_bytes());
        }
    }
    let framebuffer = card.add_framebuffer(&buffer, 24, 32)?;
    card.set_crtc(*crtc, Some(framebuffer), (0, 0), &[*connector], Some(mode)).context("no mode set")?;
    Ok((width, height))
}

impl Dispatch<WpDrmLeaseDeviceV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &WpDrmLeaseDeviceV1,
        event: wp_drm_lease_device_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wp_drm_lease_device_v1::Event::DrmFd { fd } => state.device = Some(fd),
            wp_drm_lease_device_v1::Event::Connector { id } => state.offered.push((id, String::new())),
            _ => {}
        }
    }

    event_created_child!(State, WpDrmLeaseDeviceV1, [
        wp_drm_lease_device_v1::EVT_CONNECTOR_OPCODE => (WpDrmLeaseConnectorV1, ()),
    ]);
}

impl Dispatch<WpDrmLeaseConnectorV1, ()> for State {
    fn event(
        state: &mut Self,
        connector: &WpDrmLeaseConnectorV1,
        event: wp_drm_lease_connector_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wp_drm_lease_connector_v1::Event::Name { name } => {
                state
                    .offered
                    .iter_mut()
                    .filter(|(own, _)| own == connector)
                    .for_each(|(_, known)| *known = name.clone());
            }
            wp_drm_lease_connector_v1::Event::Withdrawn => state.offered.retain(|(own, _)| own != connector),
            _ => {}
        }
    }
}

impl Dispatch<WpDrmLeaseV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &WpDrmLeaseV1,
        event: wp_drm_lease_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wp_drm_lease_v1::Event::LeaseFd { leased_fd } => state.lease = Some(leased_fd),
            wp_drm_lease_v1::Event::Finished => state.finished = true,
            _ => {}
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for State {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: <WlRegistry as Proxy>::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(State: WpDrmLeaseRequestV1);
