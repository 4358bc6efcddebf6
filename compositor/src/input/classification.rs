//! What an input device is: its kind, the piece of hardware that it belongs to, and whether it is a real pointer. Pure:
//! everything follows from [`Facts`].

/// What is known of a device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// As the kernel has it.
    pub name: String,
    /// It has keys that type.
    pub keyboard: bool,
    /// It moves a pointer, relatively or absolutely.
    pub pointer: bool,
    /// It is a touch panel.
    pub touch: bool,
    /// It is a graphics tablet or a pen panel.
    pub tablet: bool,
    /// Vendor and product.
    pub model: Option<(u32, u32)>,
    /// The port of the hardware that it belongs to; empty: unknown.
    pub port: String,
    /// Its serial number or radio address, else the port that it reports, else
    /// [`Facts::port`]: stays the same across starts.
    pub place: String,
    /// It cannot be plugged in from outside.
    pub built_in: bool,
    /// It has keys for text.
    pub types: bool,
    /// How it is connected.
    pub bus: Bus,
    /// Width and height of the touch area, millimetres, neither of them zero.
    pub size: Option<(f64, f64)>,
    /// The output that udev's rules name.
    pub hint: Option<String>,
}

/// How a device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bus {
    /// An external cable.
    Usb,
    /// On the board: I²C, SPI, a serial line.
    Board,
    /// Unknown, or another bus.
    #[default]
    Unknown,
}

/// The kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Types.
    Keyboard,
    /// Moves the pointer.
    Pointer,
    /// A touch panel, mapped to an output.
    Touch,
    /// A tablet, mapped to an output.
    Tablet,
}

impl Kind {
    /// The word in `org.kioskd.Input1.Kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Pointer => "pointer",
            Self::Touch => "touch",
            Self::Tablet => "tablet",
        }
    }
}

/// The kind of the device; `None`: not used here (a lid switch, the buttons of a tablet).
pub fn kind(facts: &Facts) -> Option<Kind> {
    // A remote control is a keyboard only.
    let pointer = facts.pointer && !(facts.keyboard && is_remote_control(&facts.name));
    let kinds = [
        (facts.touch, Kind::Touch),
        (facts.tablet, Kind::Tablet),
        (pointer, Kind::Pointer),
        (facts.keyboard, Kind::Keyboard),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, kind)| kind)
}

/// Whether the device claims to be a pointer, but is not one that a person holds: it must not show a cursor. Its events
/// are used nevertheless, as some touch panels report only mouse events.
pub fn is_phantom<'a>(facts: &Facts, others: impl IntoIterator<Item = &'a Facts>) -> bool {
    let is_touch_part = |other: &Facts| {
        let same_place = facts.port == other.port || facts.port.is_empty() || other.port.is_empty();
        other.touch && other.model.is_some() && other.model == facts.model && same_place
    };
    facts.pointer && !facts.touch && (is_remote_control(&facts.name) || others.into_iter().any(is_touch_part))
}

/// Whether it is a television's remote control over HDMI-CEC: the kernel's driver claims mouse buttons for all of them.
pub fn is_remote_control(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_cec = |word: &str| word.strip_prefix("cec").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    name.starts_with("vc4-hdmi") || name == "vc4" || name.split(|c: char| !c.is_ascii_alphanumeric()).any(is_cec)
}

/// The port or address that a device reports, without the part's number: equal for all parts of one piece of hardware.
pub fn told_port(told: &str) -> &str {
    let part = |rest: &str| !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit());
    match told.rsplit_once("/input") {
        Some((port, number)) if part(number) => port,
        _ => told,
    }
    .trim()
}

/// The port in a device's sysfs path: a USB port such as `1-2.4`, else the bus device that the input device belongs to.
/// Empty for virtual devices and unknown paths.
pub fn port(path: &str) -> &str {
    if path.contains("/devices/virtual/") {
        return "";
    }
    let above = path.split("/input/").next().unwrap_or_default();
    let from_the_end = || above.rsplit('/').filter(|part| !part.is_empty());
    from_the_end().find(|part| is_usb_port(part)).or_else(|| from_the_end().next()).unwrap_or_default()
}

/// `1-2.4`: bus, and a port at each hub.
fn is_usb_port(part: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    part.split_once('-').is_some_and(|(bus, ports)| number(bus) && ports.split('.').all(number))
}

/// How the device at this path in sysfs is connected.
pub fn bus(path: &str) -> Bus {
    let on = |buses: &[&str]| path.split('/').any(|part| buses.iter().any(|bus| part.starts_with(bus)));
    if path.contains("/devices/virtual/") {
        Bus::Unknown
    } else if on(&["usb"]) {
        Bus::Usb
    } else if on(&["i2c-", "spi", "serio", "serial"]) {
        Bus::Board
    } else {
        Bus::Unknown
    }
}

/// Whether the device of this name at this sysfs path is built in. Not built in are devices on USB and PS/2 (which
/// industrial machines have outside), virtual devices (which includes Bluetooth), remote controls (infrared, HDMI), and
/// devices with an unknown path.
pub fn is_built_in(path: &str, name: &str) -> bool {
    const FROM_OUTSIDE: [&str; 4] = ["usb", "serio", "bluetooth", "rc"];
    let outside = |part: &str| FROM_OUTSIDE.iter().any(|bus| part.strip_prefix(bus).is_some_and(is_number));
    !path.is_empty() && !path.contains("/devices/virtual/") && !path.split('/').any(outside) && !is_remote_control(name)
}

/// Digits alone.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USB_TOUCH: &str =
        "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.4/1-2.4:1.0/0003:222A:0001.0003/input/input12/event5";

    fn mouse(name: &str) -> Facts {
        Facts { name: name.into(), pointer: true, ..Facts::default() }
    }

    fn panel(name: &str) -> Facts {
        Facts { name: name.into(), touch: true, model: Some((0x222a, 1)), port: "1-2".into(), ..Facts::default() }
    }

    #[test]
    fn the_remote_control_of_a_television_is_no_pointer() {
        for name in ["vc4-hdmi-0", "vc4-hdmi", "vc4-hdmi-1 HDMI Jack", "HDMI CEC", "meson_ao_cec", "cec0", "Pulse8-CEC"]
        {
            assert!(is_phantom(&mouse(name), []), "{name}");
            let remote = Facts { keyboard: true, ..mouse(name) };
            assert_eq!(kind(&remote), Some(Kind::Keyboard), "{name}: its keys are real");
        }
        for name in ["Logitech USB Receiver Mouse", "Cecilia's mouse", "HDMI KVM mouse", "SynPS/2 Synaptics", ""] {
            assert!(!is_phantom(&mouse(name), []), "{name}");
            let combined = Facts { keyboard: true, ..mouse(name) };
            assert_eq!(kind(&combined), Some(Kind::Pointer), "{name}");
        }
    }

    #[test]
    fn the_mouse_that_a_touch_panel_also_is_shows_no_cursor() {
        let touch = panel("ILITEK ILITEK-TP");
        let twin = Facts { touch: false, pointer: true, ..panel("ILITEK ILITEK-TP Mouse") };
        assert!(is_phantom(&twin, [&touch]));
        assert!(is_phantom(&Facts { port: String::new(), ..twin.clone() }, [&touch]));
        assert!(!is_phantom(&twin, []), "alone it is a mouse");
        assert!(!is_phantom(&twin, [&mouse("another"), &twin]), "a mouse has no mouse for a panel");
        assert!(!is_phantom(&Facts { model: Some((0x046d, 1)), ..twin.clone() }, [&touch]));
        assert!(!is_phantom(&Facts { port: "1-3".into(), ..twin.clone() }, [&touch]), "it is plugged in elsewhere");
        let unknown = Facts { model: None, ..touch.clone() };
        assert!(!is_phantom(&Facts { model: None, ..twin }, [&unknown]));
        assert!(!is_phantom(&Facts { pointer: true, ..touch.clone() }, [&touch]), "both at once is one device");
    }

    #[test]
    fn what_can_be_touched_is_a_panel_whatever_else_it_is() {
        let all = Facts { keyboard: true, pointer: true, touch: true, tablet: true, ..Facts::default() };
        assert_eq!(kind(&all), Some(Kind::Touch));
        assert_eq!(kind(&Facts { touch: false, ..all }), Some(Kind::Tablet));
        assert_eq!(kind(&Facts::default()), None);
    }

    #[test]
    fn a_port_is_where_the_hardware_is_plugged_in() {
        assert_eq!(port(USB_TOUCH), "1-2.4");
        let i2c = "/sys/devices/pci0000:00/0000:00:15.0/i2c_designware.0/i2c-1/i2c-ELAN9008:00/0018:04F3:2B63.0001/input/input7/event4";
        assert_eq!(port(i2c), "0018:04F3:2B63.0001");
        assert_eq!(port("/sys/devices/platform/soc/3f205000.i2c/i2c-11/i2c-10/10-0038/input/input0/event0"), "10-0038");
        assert_eq!(port("/sys/devices/virtual/input/input9/event7"), "");
        assert_eq!(port(""), "");
        assert_eq!(told_port("usb-0000:00:14.0-2/input1"), "usb-0000:00:14.0-2");
        assert_eq!(told_port("e4:5f:01:aa:bb:cc"), "e4:5f:01:aa:bb:cc");
        for as_is in ["", "/input", "a/inputs", "a/input1b"] {
            assert_eq!(told_port(as_is), as_is);
        }
        assert_eq!((bus(USB_TOUCH), bus(i2c)), (Bus::Usb, Bus::Board));
        assert_eq!(bus("/sys/devices/platform/i8042/serio1/input/input3/event2"), Bus::Board);
        assert_eq!(bus("/sys/devices/virtual/input/input9/event7"), Bus::Unknown);
        assert_eq!(bus("/sys/devices/pci0000:00/0000:00:05.0/virtio3/input/input4/event3"), Bus::Unknown);
    }

    #[test]
    fn what_can_be_plugged_in_from_outside_is_not_built_in() {
        for path in [
            "",
            USB_TOUCH,
            "/sys/devices/platform/scb/fd500000.pcie/pci0000:00/0000:01:00.0/usb1/1-1/1-1:1.0/input/input0/event0",
            "/sys/devices/platform/i8042/serio0/input/input0/event0",
            "/sys/devices/virtual/misc/uhid/0005:046D:B342.0003/input/input9/event7",
            "/sys/devices/virtual/input/input9/event7",
            "/sys/devices/platform/gpio_ir_recv/rc/rc0/input0/event0",
        ] {
            assert!(!is_built_in(path, "Keyboard"), "{path}");
        }
        let hdmi = "/sys/devices/platform/soc/fef00700.hdmi/input/input0/event0";
        assert!(!is_built_in(hdmi, "vc4-hdmi-0"), "its keys come over the cable");
        for path in [
            hdmi,
            "/sys/devices/LNXSYSTM:00/LNXPWRBN:00/input/input2/event2",
            "/sys/devices/platform/gpio-keys/input/input1/event1",
            "/sys/devices/platform/soc/3f205000.i2c/i2c-11/i2c-10/10-0038/input/input0/event0",
            "/sys/devices/pci0000:00/0000:00:05.0/virtio3/input/input4/event3",
        ] {
            assert!(is_built_in(path, "Power Button"), "{path}");
        }
    }
}
