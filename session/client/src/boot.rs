//! How long a start takes, from power-on to the page: `status --boot`. All of it is from one clock, CLOCK_MONOTONIC, which
//! begins with the kernel; what was before, systemd knows from the boot loader, as durations.

use std::collections::HashMap;

use serde::Serialize;

use super::state::CompositorState;
use super::{Client, Properties, values};

/// The stages, microseconds each; `None`: unknown, or not there on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Boot {
    /// Power-on to the boot loader.
    pub firmware: Option<u64>,
    /// Boot loader to the kernel.
    pub loader: Option<u64>,
    /// Kernel to the initrd, or to the system where there is none.
    pub kernel: Option<u64>,
    /// Initrd to the system.
    pub initrd: Option<u64>,
    /// System to kioskd's first frame. Without systemd: the kernel's start to it.
    pub system: Option<u64>,
    /// First frame to the page.
    pub page: Option<u64>,
}

impl Boot {
    /// Asks systemd, where it is there, for what kioskd can't know.
    pub async fn read(client: &Client, compositor: &CompositorState) -> Self {
        let manager = client.systemd_manager().await.unwrap_or_default();
        Self::of(&manager, compositor)
    }

    /// From the properties of `org.freedesktop.systemd1.Manager`.
    fn of(manager: &Properties, compositor: &CompositorState) -> Self {
        let known = |micros: i64| u64::try_from(micros).ok().filter(|micros| *micros != 0);
        let moment = |name| known(values::integer(manager, name));
        // Both of these count back from the kernel's start.
        let (firmware, loader) = (moment("FirmwareTimestampMonotonic"), moment("LoaderTimestampMonotonic"));
        let (initrd, system) = (moment("InitRDTimestampMonotonic"), moment("UserspaceTimestampMonotonic"));
        let (frame, page) = (known(compositor.first_frame), known(compositor.first_page));
        let between = |from: Option<u64>, to: Option<u64>| to?.checked_sub(from?);
        Self {
            firmware: between(loader.or(Some(0)), firmware),
            loader,
            kernel: initrd.or(system),
            initrd: between(initrd, system),
            system: between(system.or(Some(0)), frame),
            page: between(frame, page),
        }
    }

    /// From power-on, or from the earliest stage that is known, to the first frame.
    pub fn to_first_frame(&self) -> Option<u64> {
        let before = [self.firmware, self.loader, self.kernel, self.initrd];
        Some(before.into_iter().flatten().sum::<u64>() + self.system?)
    }

    /// The same to the page.
    pub fn to_page(&self) -> Option<u64> {
        Some(self.to_first_frame()? + self.page?)
    }
}

impl Client {
    /// All properties of systemd's manager; `None`: no systemd, or no bus, or it is not asked for.
    async fn systemd_manager(&self) -> Option<Properties> {
        let (name, path) = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1");
        let all: HashMap<String, zbus::OwnedVariant> =
            self.bus_properties(name, path, "org.freedesktop.systemd1.Manager").await?;
        Some(all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compositor(first_frame: i64, first_page: i64) -> CompositorState {
        CompositorState { first_frame, first_page, ..CompositorState::default() }
    }

    fn manager(moments: [u64; 4]) -> Properties {
        let names = ["Firmware", "Loader", "InitRD", "Userspace"];
        let named = names.into_iter().zip(moments);
        named
            .map(|(name, micros)| {
                let value = zbus::OwnedVariant::try_from(zbus::Variant::from(micros)).expect("a number");
                (format!("{name}TimestampMonotonic"), value)
            })
            .collect()
    }

    #[test]
    fn the_stages_follow_each_other_without_a_gap() {
        let boot = Boot::of(&manager([5_000, 2_000, 10_000, 30_000]), &compositor(45_000, 95_000));
        let stages = [boot.firmware, boot.loader, boot.kernel, boot.initrd, boot.system, boot.page].map(Option::unwrap);
        assert_eq!(stages, [3_000, 2_000, 10_000, 20_000, 15_000, 50_000]);
        assert_eq!((boot.to_first_frame(), boot.to_page()), (Some(50_000), Some(100_000)));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let boot = Boot::of(&manager([0, 0, 0, 30_000]), &compositor(45_000, 0));
        assert_eq!((boot.firmware, boot.loader, boot.initrd, boot.page), (None, None, None, None));
        assert_eq!((boot.kernel, boot.system), (Some(30_000), Some(15_000)));
        assert_eq!((boot.to_first_frame(), boot.to_page()), (Some(45_000), None));
    }

    #[test]
    fn without_systemd_the_kernel_is_the_beginning() {
        let boot = Boot::of(&Properties::default(), &compositor(45_000, 95_000));
        assert_eq!((boot.kernel, boot.to_first_frame(), boot.to_page()), (None, Some(45_000), Some(95_000)));
        assert_eq!(Boot::of(&Properties::default(), &compositor(0, 0)), Boot::default());
    }

    /// A clock that was set in between, or a manager that was replaced: no stage is negative.
    #[test]
    fn moments_in_the_wrong_order_are_not_told() {
        let boot = Boot::of(&manager([1_000, 2_000, 40_000, 30_000]), &compositor(20_000, 10_000));
        assert_eq!((boot.firmware, boot.initrd, boot.system, boot.page), (None, None, None, None));
    }
}
