//! A network card that a running machine gets, by which this host reaches it and it reaches nothing.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};
use serde_json::json;

use super::Machine;

/// The only address that QEMU's network has for a machine, with its gateway at .2.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The card's own, by which it is known in the machine.
const CARD: &str = "52:54:00:6b:69:6f";

impl Machine {
    /// Plugs the card in, brings it up, and forwards a port of this host's loopback to `port` of the machine: which one, and the
    /// machine's own address. Once for each machine.
    pub fn connect_network(&self, port: u16) -> Result<(u16, Ipv4Addr)> {
        // Free a moment ago; QEMU refuses one that is taken since.
        let here = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let forward = format!("tcp:{}:{here}-{ADDRESS}:{port}", Ipv4Addr::LOCALHOST);
        self.monitor(
            "netdev_add",
            &json!({ "type": "user", "id": "net0", "restrict": true, "hostfwd": [{ "str": forward }] }),
        )?;
        self.monitor(
            "device_add",
            &json!({ "driver": "virtio-net-pci", "id": "card0", "netdev": "net0", "mac": CARD }),
        )?;
        self.agent()
            .sh(&format!(
                "for try in $(seq 300); do card=$(grep -l {CARD} /sys/class/net/*/address) && break; sleep 0.1; done; \
                 udevadm settle; card=$(basename $(dirname $(grep -l {CARD} /sys/class/net/*/address))) && \
                 ip address add {ADDRESS}/24 dev $card && ip link set $card up"
            ))
            .context("the machine has not found its network card")?;
        Ok((here, ADDRESS))
    }

    /// Takes the card's address away again, and the link down; it stays plugged in.
    pub fn disconnect_network(&self) -> Result<()> {
        let find = format!("card=$(basename $(dirname $(grep -l {CARD} /sys/class/net/*/address)))");
        self.agent().sh(&format!("{find} && ip address flush dev $card && ip link set $card down")).map(drop)
    }
}
