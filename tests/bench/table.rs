//! The table a person reads.

use std::fmt::Write;

use super::measure::Figures;

/// One line of the table.
struct Row {
    what: &'static str,
    unit: &'static str,
    value: fn(&Figures) -> f64,
}

const ROWS: &[Row] = &[
    Row { what: "exec to first own frame on the plane", unit: "ms", value: |f| f.first_frame_ms },
    Row { what: "memory (PSS), idle fullscreen client", unit: "MiB", value: |f| f.pss_mib },
    Row { what: "memory (RSS), idle fullscreen client", unit: "MiB", value: |f| f.rss_mib },
    Row { what: "wake-ups with nothing changing", unit: "/s", value: |f| f.wakeups_per_second },
    Row { what: "processor a frame, small client", unit: "ms", value: |f| f.small.processor_ms_per_frame },
    Row { what: "processor a frame, fullscreen client", unit: "ms", value: |f| f.full.processor_ms_per_frame },
    Row { what: "commit to presented, small client", unit: "ms", value: |f| f.small.commit_to_presented_ms },
    Row { what: "commit to presented, fullscreen client", unit: "ms", value: |f| f.full.commit_to_presented_ms },
    Row { what: "frame period, small client", unit: "ms", value: |f| f.small.period_ms },
    Row { what: "frame period, fullscreen client", unit: "ms", value: |f| f.full.period_ms },
];

/// Figures side by side, then the first one's as a share of each other's.
pub fn table(results: &[Figures]) -> String {
    let mut text = String::new();
    let _ = write!(text, "\n{:<40}", "");
    for figures in results {
        let _ = write!(text, "{:>18}", format!("{} {}", figures.name, figures.version));
    }
    let (first, others) = match results.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, results),
    };
    for other in others {
        let _ = write!(text, "{:>16}", format!("of {}", other.name));
    }
    text.push('\n');
    for row in ROWS {
        let _ = write!(text, "{:<40}", row.what);
        for figures in results {
            let _ = write!(text, "{:>18}", format!("{:.2} {}", (row.value)(figures), row.unit));
        }
        for other in others {
            let (ours, theirs) = (first.map_or(0.0, row.value), (row.value)(other));
            let ratio = if theirs > 0.0 { format!("{:.2}", ours / theirs) } else { "-".into() };
            let _ = write!(text, "{ratio:>16}");
        }
        text.push('\n');
    }
    text
}
