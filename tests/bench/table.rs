//! The table a person reads.

use std::fmt::Write;

use super::measure::Figures;

/// One line of the table.
struct Row {
    what: &'static str,
    unit: &'static str,
    value: fn(&Figures) -> Option<f64>,
    wanted: Wanted,
}

/// What kioskd is to reach.
#[derive(Clone, Copy)]
enum Wanted {
    /// It is told for comparison.
    Nothing,
    /// At most this share of that peer's figure.
    Share(f64, &'static str),
    /// At most the least of the peers'.
    Better,
    /// At most this figure, which may be kioskd's own.
    AtMost(&'static str, fn(&Figures) -> Option<f64>),
}

use Wanted::{AtMost, Better, Nothing, Share};

const ROWS: &[Row] = &[
    Row { what: "exec to first own frame", unit: "ms", value: |f| f.first_frame_ms, wanted: Share(0.25, "weston") },
    Row {
        what: "PSS, idle fullscreen client",
        unit: "MiB",
        value: |f| Some(f.idle.as_ref()?.pss_mib),
        wanted: Share(0.75, "cage"),
    },
    Row {
        what: "RSS, idle fullscreen client",
        unit: "MiB",
        value: |f| Some(f.idle.as_ref()?.rss_mib),
        wanted: Nothing,
    },
    Row {
        what: "wake-ups, nothing changing",
        unit: "/s",
        value: |f| Some(f.idle.as_ref()?.wakeups_per_second),
        wanted: AtMost("0", |_| Some(0.0)),
    },
    Row {
        what: "processor a frame, small",
        unit: "ms",
        value: |f| Some(f.small.as_ref()?.processor_ms_per_frame),
        wanted: Share(0.8, "cage"),
    },
    Row {
        what: "processor a frame, fullscreen",
        unit: "ms",
        value: |f| Some(f.full.as_ref()?.processor_ms_per_frame),
        wanted: Share(0.8, "cage"),
    },
    Row { what: "instructions a frame, small", unit: "k", value: |f| f.small_instructions, wanted: Share(0.8, "cage") },
    Row {
        what: "instructions a frame, fullscreen",
        unit: "k",
        value: |f| f.full_instructions,
        wanted: Share(0.8, "cage"),
    },
    Row {
        what: "the same, small, kiosk-agent watched",
        unit: "k",
        value: |f| f.watched_instructions,
        wanted: AtMost("1.02 of without", |f| Some(f.small_instructions? * 1.02)),
    },
    Row {
        what: "processor a frame, rotated",
        unit: "ms",
        value: |f| Some(f.rotated.as_ref()?.processor_ms_per_frame),
        wanted: Share(0.8, "weston"),
    },
    Row {
        what: "commit to presented, small",
        unit: "ms",
        value: |f| Some(f.small.as_ref()?.commit_to_presented_ms),
        wanted: AtMost("a period", |f| Some(f.small.as_ref()?.period_ms)),
    },
    Row {
        what: "commit to presented, fullscreen",
        unit: "ms",
        value: |f| Some(f.full.as_ref()?.commit_to_presented_ms),
        wanted: AtMost("a period", |f| Some(f.full.as_ref()?.period_ms)),
    },
    Row {
        what: "frames dropped of 1000, small",
        unit: "",
        value: |f| f.small.as_ref()?.dropped_of_1000,
        wanted: AtMost("0", |_| Some(0.0)),
    },
    Row { what: "the same beside load", unit: "", value: |f| f.beside_load.as_ref()?.dropped_of_1000, wanted: Better },
    Row { what: "key to event", unit: "ms", value: |f| Some(f.answers.as_ref()?.to_event_ms), wanted: Better },
    Row {
        what: "key to the client's picture",
        unit: "ms",
        value: |f| Some(f.answers.as_ref()?.to_picture_ms),
        wanted: Better,
    },
    Row {
        what: "GLES: exec to first own frame",
        unit: "ms",
        value: |f| Some(f.gles.as_ref()?.first_frame_ms),
        wanted: AtMost("as with pixman", |f| f.first_frame_ms),
    },
    Row {
        what: "GLES: PSS, idle fullscreen client",
        unit: "MiB",
        value: |f| Some(f.gles.as_ref()?.idle.pss_mib),
        wanted: Share(0.75, "cage"),
    },
    Row {
        what: "PSS after 50 modes, 500 rotations",
        unit: "MiB",
        value: |f| Some(f.day_mib?.1),
        wanted: AtMost("1.05 of before", |f| Some(f.day_mib?.0 * 1.05)),
    },
    Row { what: "frame period, small", unit: "ms", value: |f| Some(f.small.as_ref()?.period_ms), wanted: Nothing },
    Row { what: "frame period, fullscreen", unit: "ms", value: |f| Some(f.full.as_ref()?.period_ms), wanted: Nothing },
];

/// Figures side by side, then the first one's as a share of each other's, then what is wanted of it and whether it is
/// reached; below, why a figure is missing.
pub fn table(results: &[Figures]) -> String {
    let Some((first, others)) = results.split_first() else { return String::new() };
    let mut text = format!("\n{:<33}", "");
    for figures in results {
        let _ = write!(text, "{:>16}", figures.name);
    }
    for other in others {
        let _ = write!(text, "{:>11}", format!("of {}", other.name));
    }
    let _ = write!(text, "  wanted\n{:<33}", "");
    for figures in results {
        let _ = write!(text, "{:>16}", figures.version);
    }
    text.push('\n');
    for row in ROWS {
        let _ = write!(text, "{:<33}", row.what);
        for figures in results {
            let cell = (row.value)(figures).map_or("-".into(), |value| format!("{value:.2} {}", row.unit));
            let _ = write!(text, "{cell:>16}");
        }
        for other in others {
            let cell = share(row, first, other).map_or("-".into(), |share| format!("{share:.2}"));
            let _ = write!(text, "{cell:>11}");
        }
        let _ = writeln!(text, "  {}", verdict(row, first, others));
    }
    for figures in results {
        for missing in &figures.missing {
            let _ = writeln!(text, "missing: {}: {missing}", figures.name);
        }
    }
    text
}

fn share(row: &Row, first: &Figures, other: &Figures) -> Option<f64> {
    let (ours, theirs) = ((row.value)(first)?, (row.value)(other)?);
    (theirs > 0.0).then(|| ours / theirs)
}

fn verdict(row: &Row, first: &Figures, others: &[Figures]) -> String {
    let (text, reached) = match row.wanted {
        Nothing => return String::new(),
        Share(most, name) => {
            let peer = others.iter().find(|other| other.name == name);
            let share = peer.and_then(|peer| share(row, first, peer));
            (format!("{most:.2} of {name}"), share.map(|share| share <= most))
        }
        Better => {
            let least = others.iter().filter_map(row.value).min_by(f64::total_cmp);
            ("the better peer's".to_owned(), (row.value)(first).zip(least).map(|(value, least)| value <= least))
        }
        AtMost(what, most) => {
            let value = (row.value)(first).zip(most(first));
            (what.to_owned(), value.map(|(value, most)| value <= most))
        }
    };
    let word = match reached {
        Some(true) => "reached",
        Some(false) => "NOT reached",
        None => "not known",
    };
    format!("{text}: {word}")
}
