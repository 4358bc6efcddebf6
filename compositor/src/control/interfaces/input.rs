//! `org.kioskd.Input1`, one object for each input device.

use crate::control::schema::{Announced, Interface, Property};
use crate::snapshot::InputSnapshot;

pub static INPUT: Interface<InputSnapshot> = Interface {
    name: "org.kioskd.Input1",
    methods: &[],
    properties: &[
        Property {
            name: "Name",
            signature: "s",
            writable: false,
            announced: Announced::Constant,
            read: |i| i.name.clone().into(),
            doc: "As the kernel has it.",
        },
        Property {
            name: "Id",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |i| i.id.clone().into(),
            doc: "What configuration and saved state call it: the name, with @ and the port behind it where several \
                  devices of one name are plugged in.",
        },
        Property {
            name: "Kind",
            signature: "s",
            writable: false,
            announced: Announced::Changes,
            read: |i| i.kind.clone().into(),
            doc: "keyboard, pointer, touch or tablet.",
        },
        Property {
            name: "Output",
            signature: "s",
            writable: true,
            announced: Announced::Changes,
            read: |i| i.output.clone().into(),
            doc: "Name of the output the device lies on; empty: on none. Written: a connector or Make Model Serial, kept; \
                  auto or empty: found by itself.",
        },
        Property {
            name: "Calibration",
            signature: "ad",
            writable: true,
            announced: Announced::Changes,
            read: |i| i.calibration.clone().into(),
            doc: "The first two rows of libinput's calibration matrix; empty: the device has none. Written: six numbers \
                  of -10 to 10, kept; empty: the device's own.",
        },
    ],
    signals: &[],
};
