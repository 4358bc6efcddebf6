//! Clients that exceed their limits: each gets an error that names the limit, and is disconnected; others are not
//! affected, and its counts are released.

use std::{os::fd::AsFd, time::Duration};

use kiosk_core::config::Limits;
use kioskd::privilege::Privilege;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Bystander, speaker::Speaker};
use crate::fixture::{
    Fixture, Setup,
    picture::{self, GREEN, Picture},
};

/// Low enough to be reached soon, and more than the bystander needs.
const FEW: u32 = 40;

fn few() -> Limits {
    Limits {
        clients: 20,
        clients_per_user: 10,
        surfaces: FEW,
        subsurfaces: FEW,
        subsurface_depth: 12,
        toplevels: FEW,
        parent_depth: 6,
        popups: FEW,
        popup_depth: 5,
        buffers: FEW,
        regions: FEW,
        region_rectangles: FEW,
        callbacks: FEW,
        sources: FEW,
        mime_types: FEW,
        tokens: 8,
        objects: FEW,
        ids: 20_000,
    }
}

/// A kiosk with low limits, and the hostile client.
struct Scene {
    fixture: Fixture,
    bystander: Bystander,
    speaker: Speaker,
}

impl Scene {
    fn new() -> Self {
        Self::with(few())
    }

    fn with(limits: Limits) -> Self {
        let mut setup = Setup::bare(&["320x200"]);
        setup.config.limits = limits;
        let mut fixture = setup.start();
        let bystander = Bystander::new(&mut fixture);
        let globals = fixture[bystander.client].seen.globals.clone();
        let speaker = Speaker::new(fixture.socket(Privilege::Shell), &globals);
        let mut scene = Self { fixture, bystander, speaker };
        scene.turn();
        assert!(!scene.speaker.closed);
        scene
    }

    fn turn(&mut self) {
        self.fixture.turn(Duration::ZERO);
        self.speaker.listen();
    }

    /// Repeats the request so many times, or until the client is disconnected.
    fn repeat(&mut self, times: u32, mut what: impl FnMut(&mut Speaker, u32)) {
        for time in 0..times {
            what(&mut self.speaker, time);
            if time % 16 == 15 {
                self.turn();
            }
            if self.speaker.closed {
                return;
            }
        }
        self.turn();
        self.turn();
    }

    fn surface(&mut self) -> u32 {
        self.speaker.say("wl_compositor", "create_surface", &[]);
        self.speaker.newest("wl_surface")
    }

    fn window(&mut self) -> u32 {
        let surface = self.surface();
        self.speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
        self.speaker.say("xdg_surface", "get_toplevel", &[]);
        surface
    }

    /// The client got this error, others are not affected, and its counts are released.
    #[track_caller]
    fn assert_told(mut self, sentence: &str) {
        self.turn();
        let error = self.speaker.error.take();
        let told = error.as_ref().map(|(_, text)| text.as_str());
        assert_eq!(told, Some(sentence), "closed: {}", self.speaker.closed);
        self.bystander.assert_seen(&mut self.fixture);
        let globals = self.fixture[self.bystander.client].seen.globals.clone();
        for _ in 0..30 {
            // Each is a new client, which may use its whole limit.
            self.speaker = Speaker::new(self.fixture.socket(Privilege::Shell), &globals);
            for _ in 0..FEW {
                self.speaker.say("wl_compositor", "create_surface", &[]);
            }
            self.turn();
            assert!(!self.speaker.closed, "{:?}", self.speaker.error);
        }
        assert_eq!(self.fixture.kiosk.protocols.limits.clients(), 2, "of those that went");
    }

    /// The client is still connected.
    #[track_caller]
    fn assert_fine(mut self) {
        self.turn();
        assert!(!self.speaker.closed, "{:?}", self.speaker.error);
        self.bystander.assert_unharmed(&mut self.fixture);
    }
}

#[test]
fn objects_have_a_number_and_the_one_too_many_is_told() {
    type Make = fn(&mut Speaker, u32);
    let makes: [(&str, &str, Make); 8] = [
        ("surfaces", "surfaces", |speaker, _| speaker.say("wl_compositor", "create_surface", &[])),
        ("regions", "regions", |speaker, _| speaker.say("wl_compositor", "create_region", &[])),
        ("unanswered callbacks", "callbacks", |speaker, _| speaker.say("wl_surface", "frame", &[])),
        ("data sources", "sources", |speaker, _| speaker.say("wl_data_device_manager", "create_data_source", &[])),
        ("data sources", "sources", |speaker, _| {
            speaker.say("zwp_primary_selection_device_manager_v1", "create_source", &[]);
        }),
        ("pools and buffers", "buffers", |speaker, _| {
            speaker.say("wp_single_pixel_buffer_manager_v1", "create_u32_rgba_buffer", &[1, 1, 1, 1]);
        }),
        ("wl_pointer", "objects", |speaker, _| speaker.say("wl_seat", "get_pointer", &[])),
        ("xdg_positioner", "objects", |speaker, _| speaker.say("xdg_wm_base", "create_positioner", &[])),
    ];
    for (what, key, make) in makes {
        let mut scene = Scene::new();
        scene.surface();
        scene.repeat(FEW + 2, make);
        scene.assert_told(&format!("too many {what}: one client may have {FEW} at a time ([limits] {key})"));
        let mut scene = Scene::new();
        scene.surface();
        scene.repeat(FEW - 1, make);
        scene.assert_fine();
    }
    let mut scene = Scene::new();
    scene.repeat(20, |speaker, _| speaker.say("xdg_activation_v1", "get_activation_token", &[]));
    scene.assert_told("too many activation tokens: one client may have 8 at a time ([limits] tokens)");
}

#[test]
fn binding_a_global_without_end_is_told() {
    let mut scene = Scene::new();
    scene.repeat(FEW + 2, Speaker::bind_once_more);
    scene.assert_told(&format!("too many wl_output: one client may have {FEW} at a time ([limits] objects)"));
}

#[test]
fn windows_popups_and_subsurfaces_have_a_number() {
    let few = few();
    let mut scene = Scene::with(Limits { surfaces: 500, objects: 500, ..few.clone() });
    scene.repeat(FEW + 2, |speaker, _| {
        speaker.say("wl_compositor", "create_surface", &[]);
        let surface = speaker.newest("wl_surface");
        speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
        speaker.say("xdg_surface", "get_toplevel", &[]);
    });
    scene.assert_told(&format!("too many toplevels: one client may have {FEW} at a time ([limits] toplevels)"));

    let mut scene = Scene::with(Limits { surfaces: 500, objects: 500, ..few.clone() });
    let root = scene.surface();
    scene.repeat(FEW + 2, |speaker, _| {
        speaker.say("wl_compositor", "create_surface", &[]);
        let surface = speaker.newest("wl_surface");
        speaker.say("wl_subcompositor", "get_subsurface", &[surface, root]);
    });
    scene.assert_told(&format!("too many subsurfaces: one client may have {FEW} at a time ([limits] subsurfaces)"));

    let mut scene = Scene::with(Limits { surfaces: 500, objects: 500, ..few });
    scene.window();
    let parent = scene.speaker.newest("xdg_surface");
    scene.speaker.say("xdg_wm_base", "create_positioner", &[]);
    scene.speaker.say("xdg_positioner", "set_size", &[5, 5]);
    scene.speaker.say("xdg_positioner", "set_anchor_rect", &[1, 1, 5, 5]);
    let positioner = scene.speaker.newest("xdg_positioner");
    scene.repeat(FEW + 2, |speaker, _| {
        speaker.say("wl_compositor", "create_surface", &[]);
        let surface = speaker.newest("wl_surface");
        speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
        speaker.say("xdg_surface", "get_popup", &[parent, positioner]);
    });
    scene.assert_told(&format!("too many popups: one client may have {FEW} at a time ([limits] popups)"));
}

/// A tree of this depth, made from the root down or from the leaf up. Returns the root and the leaf.
fn nest_subsurfaces(scene: &mut Scene, depth: u32, from_the_leaf: bool) -> (u32, u32) {
    let mut surfaces: Vec<u32> = (0..=depth).map(|_| scene.surface()).collect();
    if from_the_leaf {
        // Created from the last pair on.
        surfaces.reverse();
    }
    for pair in surfaces.windows(2) {
        let (parent, child) = if from_the_leaf { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
        scene.speaker.say("wl_subcompositor", "get_subsurface", &[child, parent]);
    }
    scene.turn();
    let (first, last) = (surfaces[0], surfaces[surfaces.len() - 1]);
    if from_the_leaf { (last, first) } else { (first, last) }
}

#[test]
fn subsurfaces_are_nested_so_deep_and_no_deeper() {
    const SENTENCE: &str = "subsurfaces nested too deep: 12 levels are possible ([limits] subsurface-depth)";
    for from_the_leaf in [false, true] {
        let mut scene = Scene::new();
        nest_subsurfaces(&mut scene, 12, from_the_leaf);
        scene.speaker.say("wl_surface", "commit", &[]);
        scene.assert_fine();
        let mut scene = Scene::new();
        nest_subsurfaces(&mut scene, 13, from_the_leaf);
        scene.assert_told(SENTENCE);
    }
    // Two trees within the limit become one that exceeds it.
    let mut scene = Scene::new();
    let (_, leaf) = nest_subsurfaces(&mut scene, 6, false);
    let (root, _) = nest_subsurfaces(&mut scene, 6, true);
    scene.speaker.say("wl_subcompositor", "get_subsurface", &[root, leaf]);
    scene.assert_told(SENTENCE);
}

#[test]
fn menus_are_nested_so_deep_and_no_deeper() {
    for (depth, told) in [(5, false), (6, true)] {
        let mut scene = Scene::new();
        scene.window();
        scene.speaker.say("xdg_wm_base", "create_positioner", &[]);
        scene.speaker.say("xdg_positioner", "set_size", &[5, 5]);
        scene.speaker.say("xdg_positioner", "set_anchor_rect", &[1, 1, 5, 5]);
        let positioner = scene.speaker.newest("xdg_positioner");
        for _ in 0..depth {
            let parent = scene.speaker.newest("xdg_surface");
            let surface = scene.surface();
            scene.speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
            scene.speaker.say("xdg_surface", "get_popup", &[parent, positioner]);
        }
        scene.turn();
        if told {
            scene.assert_told("popups nested too deep: 5 levels are possible ([limits] popup-depth)");
        } else {
            scene.assert_fine();
        }
    }
}

#[test]
fn dialogs_of_dialogs_make_a_chain_so_long_and_no_longer() {
    for (length, told) in [(6, false), (7, true)] {
        for from_the_end in [false, true] {
            let mut scene = Scene::new();
            let mut windows = Vec::new();
            for _ in 0..=length {
                scene.window();
                windows.push(scene.speaker.newest("xdg_toplevel"));
            }
            let mut pairs: Vec<(u32, u32)> = windows.windows(2).map(|pair| (pair[0], pair[1])).collect();
            if from_the_end {
                pairs.reverse();
            }
            for (parent, child) in pairs {
                scene.speaker.say_to(child, "set_parent", &[parent]);
            }
            scene.turn();
            if told {
                scene.assert_told("a chain of parents too long: 6 are possible ([limits] parent-depth)");
            } else {
                scene.assert_fine();
            }
        }
    }
}

#[test]
fn what_one_object_gathers_has_a_number() {
    let mut scene = Scene::new();
    scene.speaker.say("wl_compositor", "create_region", &[]);
    scene.repeat(FEW + 2, |speaker, _| speaker.say("wl_region", "add", &[0, 0, 5, 5]));
    scene.assert_told("too many rectangles of a region: 40 are possible ([limits] region-rectangles)");
    for (manager, make, source) in [
        ("wl_data_device_manager", "create_data_source", "wl_data_source"),
        ("zwp_primary_selection_device_manager_v1", "create_source", "zwp_primary_selection_source_v1"),
    ] {
        let mut scene = Scene::new();
        scene.speaker.say(manager, make, &[]);
        scene.repeat(FEW + 2, |speaker, _| speaker.say(source, "offer", &[]));
        scene.assert_told("too many MIME types of a source: 40 are possible ([limits] mime-types)");
    }
    // A destroyed region releases its count.
    let mut scene = Scene::new();
    scene.repeat(FEW * 2, |speaker, _| {
        speaker.say("wl_compositor", "create_region", &[]);
        speaker.say("wl_region", "add", &[0, 0, 5, 5]);
        speaker.say("wl_region", "destroy", &[]);
    });
    scene.assert_fine();
}

#[test]
fn unacknowledged_configures_do_not_pile_up() {
    let mut scene = Scene::new();
    scene.window();
    scene.speaker.say("wl_surface", "commit", &[]);
    scene.turn();
    scene.repeat(400, |speaker, _| speaker.say("xdg_toplevel", "set_fullscreen", &[0]));
    scene.assert_told("too many configures without an answer: 250 are possible");
    // A client that acknowledges configures is not limited.
    let mut scene = Scene::new();
    scene.window();
    scene.speaker.say("wl_surface", "commit", &[]);
    scene.turn();
    for _ in 0..400 {
        scene.speaker.say("xdg_toplevel", "set_fullscreen", &[0]);
        scene.turn();
        let serial = scene.speaker.configured();
        scene.speaker.say("xdg_surface", "ack_configure", &[serial]);
    }
    scene.assert_fine();
}

#[test]
fn commits_that_wait_for_a_parent_do_not_pile_up() {
    let mut scene = Scene::new();
    let (parent, child) = (scene.surface(), scene.surface());
    scene.speaker.say("wl_subcompositor", "get_subsurface", &[child, parent]);
    scene.repeat(1_100, |speaker, _| speaker.say_to(child, "commit", &[]));
    scene.assert_told("too many commits that wait for another: 1000 are possible");
    // With commits of the parent now and then, they do not pile up.
    let mut scene = Scene::new();
    let (parent, child) = (scene.surface(), scene.surface());
    scene.speaker.say("wl_subcompositor", "get_subsurface", &[child, parent]);
    scene.repeat(3_000, |speaker, time| {
        speaker.say_to(child, "commit", &[]);
        if time % 500 == 499 {
            speaker.say_to(parent, "commit", &[]);
        }
    });
    scene.assert_fine();
}

#[test]
fn damage_in_a_thousand_places_is_damage_everywhere() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid([9, 9, 9]));
    for place in 0..1_000 {
        window.surface.damage_buffer(place % 320, place / 320, 1, 1);
    }
    fixture.roundtrip(client);
    let surfaces: Vec<_> = fixture.kiosk.stage.windows.surfaces().collect();
    let kept = smithay::wayland::compositor::with_states(&surfaces[0], |states| {
        let mut attributes = states.cached_state.get::<smithay::wayland::compositor::SurfaceAttributes>();
        attributes.pending().damage.len()
    });
    assert!(kept <= 129, "{kept} rectangles are kept");
    fixture[client].fill(&window, Picture::Solid(GREEN));
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(319, 199), GREEN);
}

#[test]
fn activation_tokens_are_forgotten_again() {
    let mut scene = Scene::new();
    scene.repeat(600, |speaker, _| {
        speaker.say("xdg_activation_v1", "get_activation_token", &[]);
        speaker.say("xdg_activation_token_v1", "commit", &[]);
        speaker.say("xdg_activation_token_v1", "destroy", &[]);
    });
    let kept = scene.fixture.kiosk.protocols.activation.tokens().count();
    assert!((1..=8).contains(&kept), "{kept} tokens are kept");
    scene.assert_fine();
}

#[test]
fn the_list_of_globals_is_not_asked_for_without_end() {
    let mut scene = Scene::new();
    for _ in 0..1_500 {
        scene.speaker.say("wl_display", "get_registry", &[]);
        scene.turn();
        if scene.speaker.closed {
            break;
        }
    }
    assert!(scene.speaker.closed);
    scene.bystander.assert_seen(&mut scene.fixture);
}

/// libwayland answers `sync` by itself, and keeps a place for each id for ever.
#[test]
fn ids_that_are_never_used_again_have_a_number() {
    const MOST: u32 = 2_000;
    let sync: fn(&mut Speaker, u32) = |speaker, _| speaker.say("wl_display", "sync", &[]);
    let mut scene = Scene::with(Limits { ids: MOST, ..few() });
    scene.repeat(MOST + 2, sync);
    assert!(scene.speaker.next_id > MOST && scene.speaker.next_id < MOST + 100, "{}", scene.speaker.next_id);
    scene.assert_told(&format!("too many object ids: one client may have {MOST} in all ([limits] ids)"));
    let mut scene = Scene::with(Limits { ids: MOST, ..few() });
    scene.repeat(MOST - 100, sync);
    scene.assert_fine();
    // All clients of a user together have four times as many, and each that goes gives its own back.
    let mut scene = Scene::with(Limits { ids: MOST, ..few() });
    let globals = scene.fixture[scene.bystander.client].seen.globals.clone();
    let mut others = Vec::new();
    for _ in 0..4 {
        scene.repeat(MOST - 100, sync);
        assert!(!scene.speaker.closed, "{:?}", scene.speaker.error);
        let next = Speaker::new(scene.fixture.socket(Privilege::Shell), &globals);
        others.push(std::mem::replace(&mut scene.speaker, next));
    }
    scene.repeat(MOST - 100, sync);
    let told = format!("too many object ids: one user may have {} in all ([limits] ids)", 4 * MOST);
    assert_eq!(scene.speaker.error.take(), Some((1_000, told)));
    others.clear();
    scene.turn();
    scene.speaker = Speaker::new(scene.fixture.socket(Privilege::Shell), &globals);
    scene.repeat(MOST - 100, sync);
    scene.assert_fine();
}

#[test]
fn ids_that_are_used_again_do_not_count() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits = Limits { ids: 200, ..few() };
    let mut fixture = setup.start();
    let bystander = Bystander::new(&mut fixture);
    for _ in 0..500 {
        fixture[bystander.client].surface().destroy();
        fixture.roundtrip(bystander.client);
    }
    bystander.assert_seen(&mut fixture);
}

/// A page runs for years: what it has destroyed must not count.
#[test]
fn what_a_client_is_done_with_is_not_counted_any_more() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.limits = few();
    let mut fixture = setup.start();
    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let bound = fixture[client].bound().clone();
    let still = fixture.map(client, Picture::Solid(GREEN));
    for round in 0..3 * FEW {
        let window = fixture.map(client, Picture::Solid(GREEN));
        let child = fixture[client].surface();
        let part = bound.subcompositor.get_subsurface(&child, &window.surface, &handle, ());
        let decoration = bound.decorations.get_toplevel_decoration(&window.toplevel, &handle, ());
        let positioner = fixture[client].positioner();
        positioner.set_size(40, 40);
        positioner.set_anchor_rect(10, 10, 1, 1);
        let popup = fixture[client].popup(&window.xdg, &positioner);
        popup.surface.commit();
        let region = bound.compositor.create_region(&handle, ());
        window.surface.set_opaque_region(Some(&region));
        let source = bound.data_devices.create_data_source(&handle, ());
        for surface in [&window.surface, &still.surface] {
            fixture[client].ask_frame(surface);
            fixture[client].ask_feedback(surface);
            fixture[client].draw(surface, Picture::Solid(GREEN), 320, 200);
        }
        source.destroy();
        region.destroy();
        popup.destroy();
        positioner.destroy();
        decoration.destroy();
        part.destroy();
        child.destroy();
        window.destroy();
        fixture[client].sync();
        for _ in 0..3 {
            fixture.turn(Duration::ZERO);
        }
        assert!(!fixture[client].is_gone(), "in round {round}: {:?}", fixture[client].error());
    }
}

#[test]
fn whoever_is_turned_out_with_a_window_sees_the_end_of_its_connection() {
    for exceeds in [true, false] {
        let mut fixture = Fixture::new(&["320x200"]);
        let socket = fixture.socket(Privilege::Shell);
        let end = socket.try_clone().unwrap();
        let client = fixture.join(socket);
        fixture.map(client, Picture::Solid(GREEN));
        if exceeds {
            for _ in 0..=Limits::default().surfaces {
                fixture[client].surface();
            }
        } else {
            // smithay's own error.
            let handle = fixture[client].handle.clone();
            let memory = picture::memory(&[0; 64]);
            fixture[client].bound().shm.create_pool(memory.as_fd(), -1, &handle, ());
        }
        fixture.turned_out(client);
        fixture.until("the end of its connection", |_| {
            let mut ended = [PollFd::new(&end, PollFlags::IN)];
            poll(&mut ended, Some(&Timespec::default())).unwrap();
            ended[0].revents().contains(PollFlags::HUP)
        });
        fixture.assert_serving();
    }
}
