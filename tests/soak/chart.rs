//! The series as a picture: a panel for each quantity, a line for each daemon.

use std::fmt::Write;

use crate::sample::{QUANTITIES, Series};

const WIDTH: f64 = 1000.0;
const PANEL: f64 = 150.0;
/// Left of a panel, for its numbers, and between two of them.
const LEFT: f64 = 90.0;
const GAP: f64 = 42.0;
const COLOURS: [&str; 2] = ["#1c6e8c", "#c8553d"];

pub fn svg(series: &Series, rounds: u64) -> String {
    let height = GAP + QUANTITIES.len() as f64 * (PANEL + GAP) + 20.0;
    let end = series.last().map_or(1.0, |at| at.as_secs_f64()).max(1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" font-size=\"13\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        WIDTH + LEFT + 20.0
    );
    for (number, (daemon, colour)) in series.daemons.iter().zip(COLOURS).enumerate() {
        let x = LEFT + number as f64 * 160.0;
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"20\" fill=\"{colour}\">{}</text>", daemon.name);
    }
    let title = format!("{rounds} rounds, {:.0} minutes", end / 60.0);
    let _ = writeln!(svg, "<text x=\"{}\" y=\"20\" text-anchor=\"end\">{title}</text>", LEFT + WIDTH);
    for (index, (name, unit)) in QUANTITIES.iter().enumerate() {
        let top = GAP + index as f64 * (PANEL + GAP);
        let lines = [0, 1].map(|daemon| series.of(daemon, index));
        let most = lines.iter().flatten().map(|(_, value)| *value).fold(1.0, f64::max) * 1.1;
        let place = |(at, value): &(f64, f64)| {
            format!("{:.1},{:.1}", LEFT + at / end * WIDTH, top + PANEL - value / most * PANEL)
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#bbb\"/>\
             <text x=\"{LEFT}\" y=\"{}\">{name} {unit}</text>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"end\">0</text>",
            top - 6.0,
            top + 12.0,
            top + PANEL,
            x = LEFT - 6.0,
        );
        for (line, colour) in lines.iter().zip(COLOURS) {
            let points: Vec<String> = line.iter().map(place).collect();
            let points = points.join(" ");
            let _ =
                writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
        }
    }
    svg + "</svg>\n"
}
