//! The command line of Podman for a definition. Pure: the caller has looked at what is there.
//!
//! The container has no capability, no new privileges, a root that is read-only, a network only where the definition names
//! one, and of the device the Wayland socket, the render nodes and the mounts.

use std::path::{Path, PathBuf};

use super::definition::{Definition, INSIDE, Network};

/// Most processes and threads: as many as a page with many frames needs.
const MAX_PROCESSES: u32 = 2048;
/// Of `/tmp` and `/run`, which are in memory.
const TEMPORARY: &str = "rw,nosuid,nodev,size=256m,mode=1777";
/// The name of the socket in [`INSIDE`].
pub const SOCKET: &str = "wayland-0";

/// The device's part of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The shell's number in the configuration.
    pub shell: usize,
    /// The Wayland socket that is the container's alone.
    pub socket: PathBuf,
    /// `/dev/dri/renderD*`, those that there are.
    pub render_nodes: Vec<PathBuf>,
    /// For `{url}`, without user and password.
    pub url: String,
    /// Podman runs as root: for tests and containers in containers. It has no user mapping then.
    pub root: bool,
    /// A systemd unit with a delegated control group: all of the container is in it.
    pub unit: bool,
}

/// The container's name on the device: of its definition, and of the shell where that is not the first. Several shells
/// may have the same definition.
pub fn name(definition: &Definition, shell: usize) -> String {
    match shell {
        0 => format!("kiosk-{}", definition.name),
        shell => format!("kiosk-{}-{shell}", definition.name),
    }
}

/// The words behind `podman` that come before each command. In a unit there is no systemd of the user's to ask for control
/// groups, and Podman would say so at length each time.
pub fn options(unit: bool) -> Vec<String> {
    if unit { vec!["--cgroup-manager=cgroupfs".into()] } else { Vec::new() }
}

/// The words behind `podman` that run the container to its end.
pub fn run(definition: &Definition, surroundings: &Surroundings) -> Vec<String> {
    let mut words = options(surroundings.unit);
    words.extend(["run", "--rm", "--replace", "--pull=never", "--log-driver=none"].map(String::from));
    let mut say = |word: String| words.push(word);
    say(format!("--name={}", name(definition, surroundings.shell)));
    for word in ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--security-opt=label=disable"] {
        say(word.into());
    }
    say(format!("--pids-limit={MAX_PROCESSES}"));
    if let Some(memory) = definition.memory_mib {
        say(format!("--memory={memory}m"));
    }
    // The program does not run as root, not even as a mapped one.
    if !surroundings.root {
        say("--userns=keep-id".into());
    }
    // What ends the unit ends the container.
    if surroundings.unit {
        say("--cgroups=split".into());
    }
    say(format!("--network={}", network(definition.network, surroundings.root)));
    for place in ["/tmp", INSIDE] {
        say(format!("--tmpfs={place}:{TEMPORARY}"));
    }
    say(format!("--mount=type=bind,source={},target={INSIDE}/{SOCKET}", surroundings.socket.display()));
    for mount in &definition.mounts {
        let (source, target) = (mount.source.display(), mount.target.display());
        let mode = if mount.write { "" } else { ",ro" };
        say(format!("--mount=type=bind,source={source},target={target}{mode}"));
    }
    if definition.gpu {
        for node in &surroundings.render_nodes {
            say(format!("--device={}", node.display()));
        }
        // The nodes belong to a group of our user, which is not mapped in the container.
        if !surroundings.root && !surroundings.render_nodes.is_empty() {
            say("--group-add=keep-groups".into());
        }
    }
    let filled = |text: &str| text.replace("{url}", &surroundings.url);
    for (name, value) in [("WAYLAND_DISPLAY", format!("{INSIDE}/{SOCKET}")), ("XDG_RUNTIME_DIR", INSIDE.into())] {
        say(format!("--env={name}={value}"));
    }
    for (name, value) in &definition.environment {
        say(format!("--env={name}={}", filled(value)));
    }
    say(definition.image.clone());
    words.extend(definition.command.iter().map(|word| filled(word)));
    words
}

fn network(network: Network, root: bool) -> &'static str {
    match network {
        Network::None => "none",
        Network::Host => "host",
        Network::Private if root => "bridge",
        Network::Private => "slirp4netns",
    }
}

/// `/dev/dri/renderD*` below this directory.
pub fn render_nodes(dri: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dri).into_iter().flatten().flatten();
    let mut nodes: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        .map(|entry| entry.path())
        .collect();
    nodes.sort();
    nodes
}
