//! How each compositor is started, all in the same way: as the same user, on the same terminal, through seatd,
//! drawing with pixman, with the same environment.

/// One compositor.
pub struct Peer {
    /// Also the name of its process.
    pub name: &'static str,
    /// Debian package whose version is told; none for what is in this checkout.
    pub package: Option<&'static str>,
    /// Command line with nothing to show.
    pub bare: &'static str,
    /// Command line in front of a client's own.
    pub with_client: &'static str,
    /// The same with the picture rotated by 90 degrees; none where no option and no file of its own rotates it.
    pub rotated: Option<&'static str>,
}

/// Files that rotate the picture: path in the machine, content.
pub const ROTATING: [(&str, &str); 2] = [
    ("/etc/bench/rotated.toml", "[output.\"*\"]\nrotation = 90\n"),
    ("/etc/bench/rotated.ini", "[output]\nname=Virtual-1\ntransform=rotate-90\n"),
];

/// In the order of the table.
pub const PEERS: &[Peer] = &[
    Peer {
        name: "kioskd",
        package: None,
        bare: "kioskd --backend kms --renderer pixman --session none",
        with_client: "kioskd --backend kms --renderer pixman --",
        rotated: Some("kioskd --config /etc/bench/rotated.toml --backend kms --renderer pixman --"),
    },
    // cage needs a program; this one opens no window.
    Peer { name: "cage", package: Some("cage"), bare: "cage -- sleep 1000", with_client: "cage --", rotated: None },
    Peer {
        name: "weston",
        package: Some("weston"),
        bare: "weston --no-config --backend=drm --renderer=pixman --shell=kiosk --idle-time=0",
        with_client: "weston --no-config --backend=drm --renderer=pixman --shell=kiosk --idle-time=0 --",
        rotated: Some(
            "weston --config=/etc/bench/rotated.ini --backend=drm --renderer=pixman --shell=kiosk --idle-time=0 --",
        ),
    },
];

impl Peer {
    /// A command line, drawing with GLES.
    pub fn with_gles(command: &str) -> String {
        let command =
            command.replace("--renderer pixman", "--renderer gles").replace("--renderer=pixman", "--renderer=gl");
        format!("env WLR_RENDERER=gles2 {command}")
    }
}
