//! What a frame costs more as there is more: a larger screen, more screens, more surfaces, more clients. In instructions,
//! which are no times.

use super::{
    painter::{Painter, Scene},
    picture::{Picture, RED},
};

/// Frames that are counted.
const FRAMES: usize = 10;

/// The screen, and the part of it that changes in each frame.
const SIZE: (i32, i32) = (320, 200);

/// Most that ten times as many may add, per cent of ten times what one adds.
const SLACK: u64 = 130;

/// Asserts that `many` add no more to a frame than their share of what `few` add. One more frame that is repainted as a
/// whole, for a reason that comes once in a while, is no growth.
#[track_caller]
fn assert_linear(what: &str, none: u64, (few, with_few): (u64, u64), (many, with_many): (u64, u64)) {
    let (few_add, many_add) = (with_few.saturating_sub(none), with_many.saturating_sub(none));
    println!("{what}: {none} instructions a frame, {few} add {few_add}, {many} add {many_add}");
    let most = few_add * many / few * SLACK / 100 + none;
    assert!(many_add <= most, "{many} {what} add {many_add} instructions to a frame, {few} add {few_add}");
}

/// One screen, on which a few pixels of a window change.
fn scene() -> Scene {
    Scene { outputs: vec![SIZE], changing: (16, 16), others: 0 }
}

/// Small opaque parts of the window, that do not change.
fn subsurfaces(painter: &Painter, count: i32) {
    let client = &painter.guest.client;
    let bound = client.bound();
    for number in 0..count {
        let surface = client.surface();
        let parent = &painter.guest.window.surface;
        let subsurface = bound.subcompositor.get_subsurface(&surface, parent, &client.handle, ());
        subsurface.set_position(number % SIZE.0, number / SIZE.0);
        client.draw(&surface, Picture::Solid(RED), 4, 4);
    }
}

#[test]
fn a_change_costs_no_more_on_a_larger_screen() {
    // One per cent of the smaller one.
    let changing = (128, 72);
    let cost = |size| Scene { outputs: vec![size], changing, others: 0 }.instructions_a_frame(FRAMES, |_| ());
    let (small, large) = (cost((1280, 720)), cost((3840, 2160)));
    println!("{small} instructions a frame on 1280x720, {large} on 3840x2160");
    assert!(large * 100 <= small * 115, "{small} instructions a frame on 1280x720, {large} on 3840x2160");
}

#[test]
fn subsurfaces_cost_in_proportion_to_their_number() {
    let cost = |count| scene().instructions_a_frame(FRAMES, |painter| subsurfaces(painter, count));
    assert_linear("subsurfaces", cost(0), (5, cost(5)), (50, cost(50)));
}

#[test]
fn popups_cost_in_proportion_to_their_number() {
    let cost = |count| {
        scene().instructions_a_frame(FRAMES, |painter| {
            let popups: Vec<_> = (0..count)
                .map(|_| {
                    let client = &painter.guest.client;
                    let positioner = client.positioner();
                    positioner.set_size(8, 8);
                    positioner.set_anchor_rect(10, 10, 1, 1);
                    let popup = client.popup(&painter.guest.window.xdg, &positioner);
                    popup.surface.commit();
                    popup
                })
                .collect();
            painter
                .guest
                .until("the popups' sizes", |client| popups.iter().all(|popup| !client.popup_seen(popup).is_empty()));
            popups.iter().for_each(|popup| painter.guest.client.draw_popup(popup, Picture::Solid(RED), 8, 8));
            popups
        })
    };
    assert_linear("popups", cost(0), (5, cost(5)), (50, cost(50)));
}

#[test]
fn clients_and_screens_that_do_nothing_cost_in_proportion_to_their_number() {
    let cost = |scene: Scene| scene.instructions_a_frame(FRAMES, |painter| painter.hide_what_is_below());
    let alone = cost(scene());
    let among = |others| cost(Scene { others, ..scene() });
    assert_linear("clients", alone, (2, among(2)), (20, among(20)));
    let on = |count: usize| cost(Scene { outputs: vec![SIZE; count], ..scene() });
    assert_linear("screens", alone, (1, on(2)), (7, on(8)));
}
