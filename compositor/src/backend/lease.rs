//! Leases of connectors (wp_drm_lease_device_v1) as a back end grants them: plain data.

use std::os::fd::OwnedFd;

/// The number of a display device (`st_rdev`).
pub type DeviceNumber = u64;

/// A connector that a client may lease: named in `[lease]`, with a display on it, and in no lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOffer {
    /// Its device.
    pub device: DeviceNumber,
    /// The kernel's number of the connector.
    pub connector: u32,
    /// Such as `DP-2`.
    pub name: String,
    /// The display's make, model and serial number.
    pub description: String,
}

/// A lease that was granted.
#[derive(Debug)]
pub struct Lease {
    /// The kernel's number of it, on its device.
    pub number: u32,
    /// For the client.
    pub fd: OwnedFd,
}
