//! The addresses under which the device is reached, for the screens that show them. Read while such a screen is shown;
//! opens no connection and resolves no name.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most addresses that are considered.
const MAX_ADDRESSES: usize = 256;
/// Longest label of a host's name (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// How the device is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// `NAME.local`, as multicast DNS has it; `None`: the device has no name of its own.
    pub name: Option<String>,
    /// Reachable addresses, the likeliest first.
    pub addresses: Vec<IpAddr>,
}

impl Network {
    /// Reads the current state.
    pub fn now() -> Self {
        let uname = rustix::system::uname();
        Self { name: local_name(&uname.nodename().to_string_lossy()), addresses: addresses() }
    }
}

/// The name for multicast DNS (RFC 6762, section 3): the first label of the host's name.
fn local_name(host: &str) -> Option<String> {
    let label = host.split('.').next().unwrap_or_default();
    let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let usable = !label.is_empty() && label.len() <= MAX_LABEL && label.chars().all(is_label) && label != "localhost";
    usable.then(|| format!("{}.local", label.to_ascii_lowercase()))
}

fn addresses() -> Vec<IpAddr> {
    let found = match nix::ifaddrs::getifaddrs() {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, "the device's addresses are not known");
            return Vec::new();
        }
    };
    let each = found.take(MAX_ADDRESSES).filter_map(|interface| {
        let address = interface.address?;
        let address = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => IpAddr::V4(v4.ip()),
            (_, Some(v6)) => IpAddr::V6(v6.ip()),
            (None, None) => return None,
        };
        Some((interface.interface_name, address))
    });
    sorted(each.collect())
}

/// Reachable addresses without duplicates; the device's internal networks last.
fn sorted(mut found: Vec<(String, IpAddr)>) -> Vec<IpAddr> {
    found.retain(|(_, address)| is_reachable(address));
    found.sort_by_key(|(interface, address)| (is_inner(interface), address.is_ipv6(), interface.clone(), *address));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for (_, address) in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Whether it is a bridge or veth interface of containers or virtual machines.
fn is_inner(interface: &str) -> bool {
    ["docker", "veth", "br-", "virbr", "podman", "cni", "lxc", "lxd", "vnet"]
        .iter()
        .any(|inner| interface.starts_with(inner))
}

fn is_reachable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => *v4 != Ipv4Addr::UNSPECIFIED && !v4.is_loopback() && !v4.is_link_local(),
        // A link-local address needs the peer's interface name, which a QR code cannot contain.
        IpAddr::V6(v6) => *v6 != Ipv6Addr::UNSPECIFIED && !v6.is_loopback() && (v6.segments()[0] & 0xffc0) != 0xfe80,
    }
}

/// The form for URLs.
pub fn in_url(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_by_its_first_label_if_that_is_one() {
        assert_eq!(local_name("Kiosk-4711.example.org").as_deref(), Some("kiosk-4711.local"));
        for none in ["", "localhost", "localhost.localdomain", "ki osk", "küche", &"x".repeat(64)] {
            assert_eq!(local_name(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_of_others_and_of_containers_are_not_the_first() {
        let found = [
            ("docker0", "172.17.0.1"),
            ("lo", "127.0.0.1"),
            ("eth0", "fe80::1"),
            ("eth0", "2001:db8::5"),
            ("wlan0", "10.0.0.9"),
            ("eth0", "192.168.1.20"),
            ("eth0", "192.168.1.20"),
            ("eth1", "169.254.3.4"),
            ("lo", "::1"),
        ];
        let found = found.map(|(interface, address)| (interface.to_owned(), address.parse().unwrap())).to_vec();
        let sorted: Vec<String> = sorted(found).iter().map(in_url).collect();
        assert_eq!(sorted, ["192.168.1.20", "10.0.0.9", "[2001:db8::5]", "172.17.0.1"]);
    }
}
