//! The language between the test on the host and the agent in the guest: one JSON object a line over a
//! virtio-serial port.

use serde::{Deserialize, Serialize};

use super::{Gadget, Said};

/// Name of the virtio-serial port.
pub const PORT: &str = "org.kioskd.agent";

/// From the host. `id` is chosen by the host and comes back with everything that belongs to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Order {
    /// Answered by `Hello`: is anybody there?
    Greet,
    /// Runs a program; `stream`: lines of its standard output are sent as they come.
    Run { id: u64, argv: Vec<String>, stream: bool },
    /// SIGTERM to the program and its children.
    Stop { id: u64 },
    /// Makes an input device, which is called by this order's id from then on.
    Plug { id: u64, gadget: Gadget },
    /// What a device says, with a pause of so many milliseconds in between.
    Feed { id: u64, device: u64, pause: u64, said: Vec<Said> },
    /// The device is pulled out.
    Unplug { id: u64, device: u64 },
}

/// From the guest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "said")]
pub enum Report {
    /// The agent runs.
    Hello,
    /// One line of the standard output of a streamed program.
    Line { id: u64, text: String },
    /// The program has ended; outputs are base64.
    Done { id: u64, code: i32, stdout: String, stderr: String },
}
