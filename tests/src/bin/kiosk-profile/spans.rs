//! The tree of spans from a log with `KIOSKD_DEBUG=spans`: each line that tells a span's end names it with those around it.

use std::collections::BTreeMap;
use std::time::Duration;

/// What became of the spans of one name below the same others.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Span {
    /// How many ended.
    pub calls: u64,
    /// The time in all of them.
    pub total: Duration,
    /// Those within, by name.
    pub within: BTreeMap<String, Span>,
}

impl Span {
    /// Its time less that of those within.
    pub fn own(&self) -> Duration {
        self.total.saturating_sub(self.within.values().map(|span| span.total).sum())
    }

    /// Adds a line of the log. Others than those of a span's end change nothing.
    pub fn add(&mut self, line: &str) {
        let Some((path, busy)) = parse(line) else { return };
        let span = path.iter().fold(self, |span, name| span.within.entry((*name).to_owned()).or_default());
        span.calls += 1;
        span.total += busy;
    }

    /// The root's time is that of all that began outside of others.
    pub fn end(mut self) -> Self {
        self.total = self.within.values().map(|span| span.total).sum();
        self
    }
}

/// The names from the outermost span to the one that ended, and the time that it was entered for.
fn parse(line: &str) -> Option<(Vec<&str>, Duration)> {
    let (head, times) = line.rsplit_once(": close time.busy=")?;
    let busy = duration(times.split(' ').next()?)?;
    // Time and level, then the spans with their fields in braces, which may contain anything.
    let spans = head.trim_start().split_once(' ')?.1.trim_start().split_once(' ')?.1;
    let (mut names, mut depth, mut start) = (Vec::new(), 0_u32, Some(0));
    for (at, c) in spans.char_indices() {
        match c {
            '{' => {
                if depth == 0 {
                    names.push(spans.get(start.take()?..at)?);
                }
                depth += 1;
            }
            '}' => depth = depth.checked_sub(1)?,
            ':' if depth == 0 => {
                if let Some(start) = start {
                    names.push(spans.get(start..at)?);
                }
                start = Some(at + 1);
            }
            _ => {}
        }
    }
    if let Some(start) = start {
        names.push(spans.get(start..)?);
    }
    names.iter().all(|name| !name.is_empty() && !name.contains(' ')).then_some((names, busy))
}

/// As the log has it: `901ns`, `38.3µs`, `28.3ms`, `1.02s`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic())?);
    let scale = match unit {
        "ns" => 1e-9,
        "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &[&str]) -> Span {
        let mut root = Span::default();
        lines.iter().for_each(|line| root.add(line));
        root.end()
    }

    #[test]
    fn spans_are_laid_into_those_around_them() {
        let root = tree(&[
            "2026-01-01T00:00:00.1Z DEBUG turn:draw{screen=0}: close time.busy=300µs time.idle=14.0µs",
            "2026-01-01T00:00:00.2Z DEBUG turn: close time.busy=1.5ms time.idle=3.00µs",
            "2026-01-01T00:00:00.3Z  INFO kioskd: started",
            "2026-01-01T00:00:00.4Z TRACE turn:draw{screen=0}:render{size=Size { w: 1 }}: close time.busy=100000ns time.idle=1ns",
            "2026-01-01T00:00:00.5Z DEBUG flip{head=1}: close time.busy=1s time.idle=1ns",
        ]);
        let turn = &root.within["turn"];
        let draw = &turn.within["draw"];
        assert_eq!((turn.calls, turn.total, turn.own()), (1, Duration::from_micros(1500), Duration::from_micros(1200)));
        assert_eq!((draw.own(), draw.within["render"].total), (Duration::from_micros(200), Duration::from_micros(100)));
        assert_eq!(root.total, Duration::from_micros(1_001_500));
    }

    #[test]
    fn lines_that_tell_no_end_of_a_span_are_passed_over() {
        for line in [
            "",
            ": close time.busy=1s",
            "a b c d: close time.busy=1s x",
            "t D turn}: close time.busy=1s",
            "t D turn: close time.busy=1h",
        ] {
            assert_eq!(tree(&[line]), Span::default(), "{line}");
        }
    }
}
