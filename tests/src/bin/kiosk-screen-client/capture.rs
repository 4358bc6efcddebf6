//! Captures the first screen by either protocol, into shared memory or a buffer of the GPU.

use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::ext::image_capture_source::v1::client::ext_image_capture_source_v1::ExtImageCaptureSourceV1;
use wayland_protocols::ext::image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_frame_v1::{
    self, ExtImageCopyCaptureFrameV1,
};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::{
    ExtImageCopyCaptureManagerV1, Options as CopyOptions,
};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_session_v1::{
    self, ExtImageCopyCaptureSessionV1,
};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::{self, ZwlrScreencopyFrameV1};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

use super::pixels::Canvas;

/// `DRM_FORMAT_XRGB8888`.
const XRGB: u32 = u32::from_le_bytes(*b"XR24");

/// How it captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// ext-image-copy-capture.
    Ext,
    /// wlr-screencopy.
    Screencopy,
}

/// Where the pixels go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Memory {
    Shm,
    Dmabuf,
}

#[derive(Debug, Args)]
pub struct Options {
    #[arg(long, default_value = "ext")]
    protocol: Protocol,
    #[arg(long, default_value = "shm")]
    memory: Memory,
    /// Where dmabufs come from.
    #[arg(long, default_value = "/dev/dri/renderD128")]
    node: PathBuf,
    /// The buffer is made this many pixels too narrow.
    #[arg(long, default_value_t = 0)]
    narrower: u32,
    /// Uses dmabufs although the compositor offered none.
    #[arg(long)]
    unasked: bool,
    /// Goes on with the same buffer, a line for each time that the screen has changed.
    #[arg(long)]
    follow: bool,
    /// Writes the picture here, as PNG.
    #[arg(long)]
    picture: Option<PathBuf>,
}

/// What the compositor said.
#[derive(Default)]
pub struct State {
    size: Option<(u32, u32)>,
    device: bool,
    gpu: bool,
    modifiers: Vec<u64>,
    told: bool,
    answer: Option<Result<(), String>>,
}

/// The objects of one way to capture.
enum Way {
    Ext(ExtImageCopyCaptureSessionV1),
    Screencopy(ZwlrScreencopyManagerV1, WlOutput),
}

pub fn run(connection: &Connection, options: &Options) -> Result<()> {
    let (globals, mut queue) = registry_queue_init::<State>(connection)?;
    let handle = queue.handle();
    let mut state = State::default();
    let output: WlOutput = globals.bind(&handle, 1..=4, ())?;
    let shm: WlShm = globals.bind(&handle, 1..=1, ())?;
    let way = match options.protocol {
        Protocol::Ext => {
            let sources: ExtOutputImageCaptureSourceManagerV1 = globals.bind(&handle, 1..=1, ())?;
            let manager: ExtImageCopyCaptureManagerV1 = globals.bind(&handle, 1..=1, ())?;
            let source = sources.create_source(&output, &handle, ());
            Way::Ext(manager.create_session(&source, CopyOptions::empty(), &handle, ()))
        }
        Protocol::Screencopy => Way::Screencopy(globals.bind(&handle, 3..=3, ())?, output),
    };
    let mut screencopy = way.told(&mut queue, &mut state)?;
    let (width, height) = state.size.context("no size was told")?;
    let size = (width - options.narrower, height);
    let canvas = match options.memory {
        Memory::Shm => Canvas::shared(&shm, size, &handle)?,
        Memory::Dmabuf => {
            if !state.gpu && !options.unasked {
                bail!("the compositor captures into no buffers of a GPU");
            }
            if state.gpu && options.protocol == Protocol::Ext && !state.device {
                bail!("the compositor named no device");
            }
            let dmabuf: ZwpLinuxDmabufV1 = globals.bind(&handle, 3..=3, ()).context("no linux-dmabuf")?;
            Canvas::gpu(&dmabuf, &options.node, size, &state.modifiers, &handle)?
        }
    };
    loop {
        match &way {
            Way::Ext(session) => {
                let frame = session.create_frame(&handle, ());
                frame.attach_buffer(&canvas.buffer);
                frame.capture();
                state.wait(&mut queue)?;
                frame.destroy();
            }
            Way::Screencopy(..) => {
                let frame = match screencopy.take() {
                    Some(frame) => frame,
                    None => way.told(&mut queue, &mut state)?.context("no frame")?,
                };
                match options.follow {
                    true => frame.copy_with_damage(&canvas.buffer),
                    false => frame.copy(&canvas.buffer),
                }
                state.wait(&mut queue)?;
                frame.destroy();
            }
        }
        match state.answer.take() {
            Some(Ok(())) => println!("ready {width}x{height} {:016x}", checksum(&canvas.colours()?)),
            Some(Err(reason)) => println!("failed {reason}"),
            None => bail!("no answer"),
        }
        if let Some(path) = &options.picture {
            canvas.save(path)?;
        }
        if !options.follow {
            return Ok(());
        }
    }
}

impl Way {
    /// Waits until the compositor has said what a buffer is to be. A frame of screencopy comes with it.
    fn told(&self, queue: &mut EventQueue<State>, state: &mut State) -> Result<Option<ZwlrScreencopyFrameV1>> {
        state.told = false;
        let frame = match self {
            Way::Ext(_) => None,
            Way::Screencopy(manager, output) => Some(manager.capture_output(0, output, &queue.handle(), ())),
        };
        while !state.told {
            queue.blocking_dispatch(state)?;
        }
        Ok(frame)
    }
}

impl State {
    fn wait(&mut self, queue: &mut EventQueue<Self>) -> Result<()> {
        self.answer = None;
        while self.answer.is_none() {
            queue.blocking_dispatch(self)?;
        }
        Ok(())
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Dispatch<ExtImageCopyCaptureSessionV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureSessionV1,
        event: ext_image_copy_capture_session_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use ext_image_copy_capture_session_v1::Event;
        match event {
            Event::BufferSize { width, height } => state.size = Some((width, height)),
            Event::DmabufDevice { .. } => state.device = true,
            Event::DmabufFormat { format, modifiers } if format == XRGB => {
                state.gpu = true;
                state.modifiers = modifiers.as_chunks().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect();
            }
            Event::Done => state.told = true,
            Event::Stopped => {
                state.told = true;
                state.answer = Some(Err("the session has stopped".into()));
            }
            _ => {}
        }
    }
}

impl Dispatch<ExtImageCopyCaptureFrameV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureFrameV1,
        event: ext_image_copy_capture_frame_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use ext_image_copy_capture_frame_v1::Event;
        match event {
            Event::Ready => state.answer = Some(Ok(())),
            Event::Failed { reason } => {
                let reason = match reason {
                    WEnum::Value(reason) => format!("{reason:?}"),
                    WEnum::Unknown(number) => number.to_string(),
                };
                state.answer = Some(Err(reason));
            }
            _ => {}
        }
    }
}

impl Dispatch<ZwlrScreencopyFrameV1, ()> for State {
    fn event(
        state: &mut Self,
        _: &ZwlrScreencopyFrameV1,
        event: zwlr_screencopy_frame_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwlr_screencopy_frame_v1::Event;
        match event {
            Event::Buffer { width, height, .. } => state.size = Some((width, height)),
            Event::LinuxDmabuf { format, .. } if format == XRGB => state.gpu = true,
            Event::BufferDone => state.told = true,
            Event::Ready { .. } => state.answer = Some(Ok(())),
            Event::Failed => {
                state.told = true;
                state.answer = Some(Err("without a reason".into()));
            }
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

delegate_noop!(State: ignore WlOutput);
delegate_noop!(State: ignore WlShm);
delegate_noop!(State: ignore WlBuffer);
delegate_noop!(State: ignore ZwpLinuxDmabufV1);
delegate_noop!(State: ignore ZwpLinuxBufferParamsV1);
delegate_noop!(State: WlShmPool);
delegate_noop!(State: ExtImageCaptureSourceV1);
delegate_noop!(State: ExtOutputImageCaptureSourceManagerV1);
delegate_noop!(State: ExtImageCopyCaptureManagerV1);
delegate_noop!(State: ZwlrScreencopyManagerV1);
