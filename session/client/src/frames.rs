//! What became of the frames of each connected output, and where the time of the last ones went
//! (`kioskctl status --frames`).

use std::collections::HashMap;

use serde::Serialize;

use super::state::CompositorState;
use super::{Client, ClientError, Options, Service};

/// One output's; what its method `Frames` answers, under its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OutputFrames {
    /// The connector.
    pub output: String,
    /// A client's buffer on the plane.
    pub direct: u64,
    /// Drawn by kioskd, wholly or in part.
    pub composed: u64,
    /// Page flips that did not come within a second.
    pub lost_flips: u64,
    /// Frames that were shown later than at the vertical blank after they were queued.
    pub missed_latches: u64,
    /// How many of the last frames the times are of.
    pub frames: u64,
    /// From the wake-up to the begin of drawing.
    pub handling: Spread,
    /// Until the frame was queued.
    pub draw: Spread,
    /// Until it was shown.
    pub flip: Spread,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spread {
    /// Of the last frame.
    pub last: u64,
    /// Half of the frames took no longer.
    pub median: u64,
    /// The longest.
    pub max: u64,
}

/// How often, by name.
type Counts = HashMap<String, u64>;
/// The last, the median and the longest, microseconds, by name.
type Times = HashMap<String, (u64, u64, u64)>;

impl OutputFrames {
    /// Of all connected outputs.
    pub async fn read_all(client: &Client) -> Result<Vec<Self>, ClientError> {
        let peer = client.connect(Service::Compositor).await?;
        let outputs = CompositorState::read(&peer).await?.outputs;
        let mut all = Vec::new();
        for output in outputs.into_iter().filter(|output| output.connected) {
            let (counts, times): (Counts, Times) = peer.call("Frames", &(output.name.as_str(), Options::new())).await?;
            all.push(Self::told(output.name, &counts, &times));
        }
        Ok(all)
    }

    fn told(output: String, counts: &Counts, times: &Times) -> Self {
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
        let spread = |name: &str| {
            let (last, median, max) = times.get(name).copied().unwrap_or_default();
            Spread { last, median, max }
        };
        Self {
            output,
            direct: count("direct"),
            composed: count("composed"),
            lost_flips: count("lost-flips"),
            missed_latches: count("missed-latches"),
            frames: count("frames"),
            handling: spread("handling"),
            draw: spread("draw"),
            flip: spread("flip"),
        }
    }
}
