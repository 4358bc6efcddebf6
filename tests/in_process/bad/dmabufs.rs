//! Buffers of the GPU that are none.

use std::os::fd::AsFd;

use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::Flags, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

use super::Bystander;
use crate::fixture::Fixture;

/// Of `zwp_linux_buffer_params_v1`.
const INVALID_FORMAT: u32 = 4;

/// Nothing, the bit for big-endian formats alone, and codes that nobody has given: smithay puts a format that it refuses into
/// words, which is a panic in a library for the first two.
#[test]
fn a_format_that_is_no_letters_only_ends_its_own_connection() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.offer_gpu();
    let bystander = Bystander::new(&mut fixture);
    let file = tempfile::tempfile().unwrap();
    for format in [0, 0x8000_0000, 0x3432_5258, u32::MAX, 0xff00_3030] {
        for at_once in [false, true] {
            let client = fixture.client();
            let dmabuf: ZwpLinuxDmabufV1 = fixture[client].bind();
            let handle = fixture[client].handle.clone();
            let params = dmabuf.create_params(&handle, ());
            params.add(file.as_fd(), 0, 0, 4, 0, 0);
            if at_once {
                params.create_immed(1, 1, format, Flags::empty(), &handle, ());
            } else {
                params.create(1, 1, format, Flags::empty());
            }
            let error = fixture.protocol_error_of(client);
            assert_eq!(error.0, "zwp_linux_buffer_params_v1", "{format:#x}");
            // What has a code may be refused for something else.
            assert!(error.1 == INVALID_FORMAT || format == 0x3432_5258, "{format:#x}: {error:?}");
            bystander.assert_unharmed(&mut fixture);
        }
    }
    bystander.assert_seen(&mut fixture);
}
