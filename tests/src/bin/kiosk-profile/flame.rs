//! A flame graph: each span is a bar as wide as its share of the time, above the one that it was in.

use std::fmt::Write;
use std::time::Duration;

use super::spans::Span;

const WIDTH: f64 = 1200.0;
const ROW: f64 = 20.0;
/// Narrower bars can't be seen, pixels.
const NARROWEST: f64 = 0.5;
/// Of a letter, pixels.
const LETTER: f64 = 7.2;

/// Draws it, as SVG: a bar's title tells its numbers.
pub fn svg(root: &Span) -> String {
    let depth = depth(root);
    let height = ROW * f64::from(depth) + ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"12\">\n"
    );
    bars(root, 0.0, height - ROW, root.total, &mut svg);
    svg + "</svg>\n"
}

fn depth(span: &Span) -> u32 {
    span.within.values().map(depth).max().map_or(0, |below| below + 1)
}

fn bars(span: &Span, left: f64, top: f64, whole: Duration, svg: &mut String) {
    let mut left = left;
    for (name, within) in &span.within {
        let share = within.total.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        let width = share * WIDTH;
        if width >= NARROWEST {
            let mean = within.total / u32::try_from(within.calls.max(1)).unwrap_or(u32::MAX);
            let shown: String = name.chars().take((width / LETTER) as usize).collect();
            let hue = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 50);
            // Cannot fail: a string grows.
            let _ = writeln!(
                svg,
                "<g><title>{name}: {:.1} %, {} times, {mean:?} each, {:?} of its own</title>\
                 <rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{}\" fill=\"hsl({hue},80%,65%)\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{shown}</text></g>",
                share * 100.0,
                within.calls,
                within.own(),
                ROW - 1.0,
                left + 3.0,
                top + ROW - 6.0,
            );
            bars(within, left, top - ROW, whole, svg);
        }
        left += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_wide_as_their_share_and_stand_on_those_around_them() {
        let mut root = Span::default();
        root.add("t D turn:draw: close time.busy=25ms x");
        root.add("t D turn: close time.busy=75ms x");
        root.add("t D flip: close time.busy=25ms x");
        let svg = svg(&root.end());
        assert!(svg.contains("x=\"0.0\" y=\"40\" width=\"300.0\""), "flip: {svg}");
        assert!(svg.contains("x=\"300.0\" y=\"40\" width=\"900.0\""), "turn: {svg}");
        assert!(svg.contains("x=\"300.0\" y=\"20\" width=\"300.0\""), "draw, above turn: {svg}");
    }
}
