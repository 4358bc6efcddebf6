use proptest::prelude::*;

use super::*;

fn touch<'a>(name: &'a str, port: &'a str) -> Panel<'a> {
    Panel { name, kind: Kind::Touch, said: Vec::new(), size: None, bus: Bus::Usb, port }
}

fn display<'a>(name: &'a str, make: &'a str, model: &'a str, physical: (i32, i32)) -> OutputInfo<'a> {
    OutputInfo { name, identity: format!("{make} {model} S-{name}"), make, model, physical }
}

/// Three displays, all different.
fn three() -> Vec<OutputInfo<'static>> {
    vec![
        display("HDMI-A-1", "DEL", "P2418HT", (527, 296)),
        display("DSI-1", "", "", (154, 86)),
        display("DP-1", "ELO", "1502L", (344, 194)),
    ]
}

fn names(panels: &[Panel<'_>], places: &[OutputInfo<'_>]) -> Vec<String> {
    let name = |place: Option<usize>| place.map_or_else(String::new, |place| places[place].name.to_owned());
    assign(panels, places, 0).into_iter().map(name).collect()
}

fn alone(panel: Panel<'_>) -> String {
    names(&[panel], &three()).remove(0)
}

#[test]
fn a_configured_output_is_preferred_and_then_udevs() {
    let sized = Panel { size: Some((344.0, 194.0)), ..touch("Elo", "1-1") };
    assert_eq!(alone(Panel { said: vec!["DSI-1", "HDMI-A-1"], ..sized.clone() }), "DSI-1");
    assert_eq!(alone(Panel { said: vec!["DEL P2418HT S-HDMI-A-1"], ..sized.clone() }), "HDMI-A-1");
    // What is not plugged in does not count.
    assert_eq!(alone(Panel { said: vec!["DP-7", "HDMI-A-1"], ..sized.clone() }), "HDMI-A-1");
    assert_eq!(alone(Panel { said: vec!["DP-7"], ..sized }), "DP-1");
}

#[test]
fn panels_find_the_display_that_they_are_a_part_of() {
    assert_eq!(alone(touch("Dell P2418HT Touch", "1-1")), "HDMI-A-1");
    assert_eq!(alone(touch("Elo TouchSystems CarrollTouch", "1-1")), "DP-1");
    assert_eq!(alone(Panel { size: Some((345.2, 192.0)), ..touch("eGalax", "1-1") }), "DP-1");
    assert_eq!(alone(Panel { size: Some((345.2, 160.0)), ..touch("eGalax", "1-1") }), "HDMI-A-1", "no size fits");
    assert_eq!(alone(Panel { bus: Bus::Board, ..touch("FT5406 memory based driver", "10-0038") }), "DSI-1");
    assert_eq!(alone(Panel { bus: Bus::Board, kind: Kind::Tablet, ..touch("Pen", "") }), "DSI-1");
    assert_eq!(alone(touch("eGalax", "1-1")), "HDMI-A-1", "nothing is known: the primary one");
    // A mouse that says where it is, is not a part of a display because of its name.
    assert_eq!(alone(Panel { kind: Kind::Pointer, ..touch("Elo mouse", "1-1") }), "HDMI-A-1");
}

#[test]
fn of_two_panels_alike_each_gets_a_display_of_its_own() {
    let places = [display("DP-1", "ELO", "1502L", (344, 194)), display("DP-2", "ELO", "1502L", (344, 194))];
    let panel = |port| Panel { size: Some((344.0, 194.0)), ..touch("Elo", port) };
    assert_eq!(names(&[panel("1-1"), panel("1-2")], &places), ["DP-1", "DP-2"]);
    assert_eq!(names(&[panel("1-2"), panel("1-1")], &places), ["DP-2", "DP-1"], "whichever came first");
    assert_eq!(names(&[panel("1-1"), panel("1-2"), panel("1-3")], &places), ["DP-1", "DP-2", "DP-1"]);
    let second = Panel { said: vec!["DP-1"], ..panel("1-2") };
    assert_eq!(names(&[panel("1-1"), second], &places), ["DP-2", "DP-1"], "one is said to be on the first");
}

#[test]
fn the_parts_of_one_piece_of_hardware_lie_on_one_display() {
    let places = three();
    let parts = [
        touch("eGalax", "1-1"),
        Panel { size: Some((344.0, 194.0)), ..touch("eGalax Touchscreen", "1-1") },
        Panel { kind: Kind::Tablet, ..touch("eGalax Pen", "1-1") },
    ];
    assert_eq!(names(&parts, &places), ["DP-1", "DP-1", "DP-1"]);
    let alike = [touch("eGalax", "1-1"), touch("eGalax", "1-1")];
    assert_eq!(names(&alike, &places), ["HDMI-A-1", "HDMI-A-1"]);
    let unknown = [touch("eGalax", ""), touch("eGalax", "")];
    assert_eq!(names(&unknown, &places), ["HDMI-A-1", "DSI-1"], "nothing says that they are one");
}

#[test]
fn absolute_pointers_share_the_primary_display() {
    let pointer = |port| Panel { kind: Kind::Pointer, ..touch("QEMU Tablet", port) };
    assert_eq!(names(&[touch("a", "1-1"), pointer("1-2"), pointer("1-3")], &three()), ["HDMI-A-1"; 3]);
}

#[test]
fn without_a_display_no_device_is_mapped() {
    assert_eq!(assign(&[touch("a", ""), touch("b", "")], &[], 0), [None, None]);
}

proptest! {
    /// Everyone gets a place; what is said is done; and the order in which devices came changes nothing.
    #[test]
    fn every_panel_gets_a_place_whatever_is_known(
        panels in proptest::collection::vec((0usize..4, 0usize..3, 0usize..4, any::<bool>()), 0..6),
        count in 1usize..4, primary in 0usize..3, turn in 0usize..6,
    ) {
        let ports = ["1-1", "1-2", "1-3", ""];
        let label = ["a", "b", "c", "d", "e", "f"];
        let places = &three()[..count];
        let mut panels: Vec<Panel<'_>> = panels
            .iter()
            .enumerate()
            .map(|(index, (port, kind, said, sized))| Panel {
                kind: [Kind::Touch, Kind::Tablet, Kind::Pointer][*kind],
                said: places.get(*said).map(|place| place.name).into_iter().collect(),
                size: sized.then_some((344.0, 194.0)),
                ..touch(label[index], ports[*port])
            })
            .collect();
        let primary = primary % count;
        let before = assign(&panels, places, primary);
        for (panel, place) in panels.iter().zip(&before) {
            let place = &places[place.unwrap()];
            prop_assert!(panel.said.first().is_none_or(|said| *said == place.name));
        }
        let by_name = |panels: &[Panel<'_>], assigned: Vec<Option<usize>>| {
            let mut pairs: Vec<(String, Option<usize>)> =
                panels.iter().map(|panel| panel.name.to_owned()).zip(assigned).collect();
            pairs.sort();
            pairs
        };
        let before = by_name(&panels, before);
        let shift = turn % panels.len().max(1);
        panels.rotate_left(shift);
        let after = assign(&panels, places, primary);
        prop_assert_eq!(by_name(&panels, after), before);
    }
}
