//! ext-image-capture-source: the sources that a client can capture. Outputs only, not windows yet.

use smithay::reexports::{
    wayland_protocols::ext::image_capture_source::v1::server::{
        ext_image_capture_source_v1::{self, ExtImageCaptureSourceV1},
        ext_output_image_capture_source_manager_v1::{self, ExtOutputImageCaptureSourceManagerV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle},
};

use super::{Captures, area::screen_of};
use crate::{
    kiosk::Kiosk,
    protocols::dispatch::{objects, plain},
    screens::ScreenId,
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

pub(super) fn offer(display: &DisplayHandle) {
    display.create_global::<Kiosk, ExtOutputImageCaptureSourceManagerV1, ()>(VERSION, ());
}

/// The source's screen; `None`: it is gone.
pub struct SourceData(pub(super) Option<ScreenId>);

impl Dispatch<ExtOutputImageCaptureSourceManagerV1, (), Kiosk> for Captures {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ExtOutputImageCaptureSourceManagerV1,
        request: ext_output_image_capture_source_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        use ext_output_image_capture_source_manager_v1::Request;
        let Request::CreateSource { source, output } = request else { return };
        let screen = screen_of(&kiosk.screens, &output).map(|screen| screen.id);
        init.init(source, SourceData(screen));
    }
}

impl Dispatch<ExtImageCaptureSourceV1, SourceData, Kiosk> for Captures {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ExtImageCaptureSourceV1,
        _: ext_image_capture_source_v1::Request,
        _: &SourceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }
}

plain! {
    ExtOutputImageCaptureSourceManagerV1 => Captures;
}
objects! {
    ExtOutputImageCaptureSourceManagerV1, () => Captures;
    ExtImageCaptureSourceV1, SourceData => Captures;
}
