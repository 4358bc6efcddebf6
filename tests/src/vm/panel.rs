//! The firmware of a machine with a built-in panel: an ACPI table that gives the display device a panel whose
//! backlight the kernel's `video` driver finds, so that it has `/sys/class/backlight/acpi_video0`. (ACPI 6.5,
//! appendix B: display extensions.) The table lies over what QEMU says of the device itself.

use acpi_tables::Aml;
use acpi_tables::aml::{Arg, Device, Method, Name, Package, Path, Return, Scope, Store};
use acpi_tables::sdt::Sdt;

/// The slot of the display device, which the table speaks of by its name: `S` and device and function.
pub(super) const SLOT: &str = "0x10";
const DISPLAY_DEVICE: &str = "\\_SB_.PCI0.S80_";
/// An internal flat panel, the first (B.4.2, `_DOD`: the kind in bits 8 to 11), and that the address says so (bit 31).
const PANEL: u32 = 0x400;
const BY_STANDARD: u32 = 1 << 31;
/// Of every table, bytes.
const HEADER: u32 = 36;
/// Steps of the backlight, percent.
const STEP: u8 = 5;
/// For the kernel's command line: the firmware's backlight is used, whatever the machine says it was made for.
pub(super) const ARGUMENTS: &str = "acpi_backlight=video";

/// The table, as a file that QEMU takes.
pub(super) fn table() -> Vec<u8> {
    // The levels for mains and for battery, then all that there are (B.5.2, `_BCL`).
    let levels: Vec<u8> = [100, 50].into_iter().chain((0..=100).step_by(STEP.into())).collect();
    let levels: Vec<&dyn Aml> = levels.iter().map(|level| level as &dyn Aml).collect();
    let (level, panel_id) = (Path::new("NOW_"), PANEL | BY_STANDARD);
    let (adr, now) = (Name::new("_ADR".into(), &PANEL), Name::new("NOW_".into(), &100u8));
    let levels = Package::new(levels);
    let levels = Return::new(&levels);
    let set = Store::new(&level, &Arg(0));
    let get = Return::new(&level);
    let levels = Method::new("_BCL".into(), 0, false, vec![&levels]);
    let set = Method::new("_BCM".into(), 1, true, vec![&set]);
    let get = Method::new("_BQC".into(), 0, false, vec![&get]);
    let panel = Device::new("LCD0".into(), vec![&adr, &now, &levels, &set, &get]);
    // Who switches between displays: only the system (B.4.1, `_DOS`).
    let switching = Method::new("_DOS".into(), 1, false, vec![]);
    let devices = Package::new(vec![&panel_id]);
    let devices = Return::new(&devices);
    let devices = Method::new("_DOD".into(), 0, false, vec![&devices]);
    let scope = Scope::new(DISPLAY_DEVICE.into(), vec![&switching, &devices, &panel]);

    let mut table = Sdt::new(*b"SSDT", HEADER, 2, *b"KIOSKD", *b"PANEL   ", 1);
    scope.to_aml_bytes(&mut table);
    table.as_slice().to_vec()
}
