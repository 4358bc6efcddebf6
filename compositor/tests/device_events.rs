//! What `kiosk-describe-inputs --watch` tells, heard by libudev itself, through which kioskd's libraries hear what is
//! plugged in.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::fd::AsFd;

use kiosk_core::device_events::{Action, DeviceEvent, EventSender};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smithay::reexports::udev::{EventType, MonitorBuilder};

/// Of its own, so that no other program of the machine takes it for a device.
fn event(subsystem: &'static str) -> DeviceEvent {
    DeviceEvent {
        action: Action::Add,
        subsystem,
        path: "/devices/virtual/mem/null".into(),
        number: "1:3".into(),
        node: "null".into(),
        properties: vec!["ID_INPUT=1".into()],
    }
}

#[test]
fn libudev_accepts_the_sent_events() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("LEFT OUT: only root may tell what udev tells");
        return;
    }
    let monitor = MonitorBuilder::new().unwrap().match_subsystem("kiosk-test").unwrap().listen().unwrap();
    let mut sender = EventSender::new().unwrap();
    // The kernel keeps it from those who want to hear of another subsystem.
    match sender.send(&event("kiosk-other")) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("LEFT OUT: root has no CAP_NET_ADMIN here");
            return;
        }
        told => told.unwrap(),
    }
    sender.send(&event("kiosk-test")).unwrap();
    let soon = Timespec { tv_sec: 20, tv_nsec: 0 };
    let heard = poll(&mut [PollFd::new(&monitor.as_fd(), PollFlags::IN)], Some(&soon)).unwrap();
    assert_eq!(heard, 1, "nothing is heard");
    let event = monitor.iter().next().unwrap();
    assert_eq!(event.event_type(), EventType::Add);
    let device = event.device();
    assert_eq!(device.subsystem().unwrap(), "kiosk-test");
    assert_eq!(device.syspath(), std::path::Path::new("/sys/devices/virtual/mem/null"));
    assert_eq!(device.devnode().unwrap(), std::path::Path::new("/dev/null"));
    assert_eq!(device.property_value("ID_INPUT").unwrap(), "1");
    assert!(device.is_initialized());
}
