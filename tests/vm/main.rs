//! The machine test: the installed kiosk on a booted Debian with systemd, D-Bus and Chromium, seen and touched from
//! outside. First on a display device without 3D (pixman), then through virgl (GLES), and in short on one whose driver
//! uses damage.
//!
//! `make test-machine` runs all; `cargo test -p kiosk-tests --test vm -- NAME` those whose name contains NAME. Instead of
//! them `make test-programs` tries other programs and a container as the shell, in a machine whose root has them.
//! Logs and pictures are left in `tests/out/`.

mod afar;
mod boot;
mod brightness;
mod cards;
mod clock;
mod containers;
mod devices;
mod fleet;
mod gpu_capture;
mod gpu_copy;
mod gpu_start;
mod heads;
mod health;
mod inits;
mod input;
mod keyboards;
mod kiosk;
mod ladder;
mod lease;
mod looks;
mod power;
mod power_cut;
mod programs;
mod quiet;
mod recovery;
mod rights;
mod scanout;
mod screens;
mod service;
mod sleep;
mod small;
mod terminals;
mod tools;
mod typing;
mod uploads;
mod vkms;
mod welcome;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use kiosk_tests::vm::{Display, Guest};
use libtest_mimic::{Arguments, Failed, Trial};

use kiosk::Kiosk;

/// A check of a running kiosk. Each leaves the page on the screen, upright, for the next.
struct Step {
    name: &'static str,
    check: fn(&Kiosk) -> Result<()>,
}

/// A check with machines of its own.
type Alone = fn() -> Result<()>;

macro_rules! steps {
    ($($module:ident :: $name:ident),* $(,)?) => { &[$(Step { name: stringify!($name), check: $module::$name }),*] };
}

/// Ordered from the least disruptive.
const ON_PIXMAN: &[Step] = steps![
    boot::the_logo_follows_the_boot_messages,
    boot::no_error_page_is_ever_shown,
    boot::never_black_between_logo_and_page,
    boot::the_page_is_laid_out_once_at_the_size_of_the_screen,
    service::units_are_active_and_nothing_has_failed,
    service::the_input_devices_are_known_before_any_is_used,
    service::status_tells_the_state_to_people_programs_and_the_bus,
    service::the_browser_runs_as_its_own_user_without_devices,
    rights::who_has_no_rights_is_refused,
    rights::the_sockets_belong_to_whom_they_are_for,
    rights::members_of_the_group_and_whom_a_rule_names_may_rotate_the_picture,
    terminals::virtual_terminals_switch_there_and_back,
    input::a_click_reaches_the_page,
    input::a_key_reaches_the_page,
    input::fingers_reach_the_page,
    devices::a_device_that_waits_is_silent_until_it_is_trusted,
    devices::pads_and_mice_are_as_their_rules_say,
    devices::what_is_no_pointer_shows_no_cursor,
    devices::touches_land_as_calibrated_and_a_disabled_panel_is_dead,
    devices::a_pen_lands_where_it_is_also_on_a_rotated_picture,
    devices::a_panel_that_is_pulled_out_takes_its_finger_along,
    screens::a_rotated_picture_is_touched_where_the_finger_is,
    screens::a_screen_switched_off_and_on_shows_the_same_page,
    screens::a_screenshot_is_what_the_screen_shows,
    afar::what_grim_copies_is_what_the_screen_shows,
    afar::aids_are_on_the_screen_and_in_what_is_copied,
    afar::the_unit_for_remote_viewing_sees_the_screen_and_does_nothing_else,
    fleet::two_devices_of_one_authority_are_managed_from_afar,
    typing::a_sentence_is_typed_on_the_screen_and_arrives_in_the_page,
    uploads::a_file_of_a_stick_is_chosen_on_the_screen_and_reaches_the_page,
    brightness::the_panels_backlight_is_set_by_leave_of_logind_and_kept,
    power::the_schedule_follows_the_clock_and_the_waking_touch_is_swallowed,
    tools::other_tools_manage_the_screens_and_the_page_stays,
    service::reload_fetches_the_page_again_in_the_same_browser,
    service::nothing_wakes_up_when_nothing_changes,
    health::a_boot_is_good_only_when_the_page_is_seen,
    recovery::a_killed_browser_comes_back,
    recovery::a_killed_session_comes_back,
    recovery::a_killed_compositor_comes_back,
    recovery::a_stopped_browser_comes_back,
    recovery::a_stopped_session_comes_back,
    recovery::a_stopped_compositor_comes_back,
    recovery::a_browser_out_of_memory_comes_back,
    recovery::a_compositor_out_of_memory_comes_back,
    recovery::a_restarted_logind_costs_a_restart_and_not_the_screen,
    programs::a_terminal_as_the_shell_is_supervised_like_a_page,
    service::a_bad_configuration_file_is_told_and_skipped,
    service::a_changed_configuration_is_taken_while_the_page_stays,
    service::stopping_gives_the_console_back,
];
const ON_GLES: &[Step] = steps![
    boot::the_logo_follows_the_boot_messages,
    boot::no_error_page_is_ever_shown,
    boot::never_black_between_logo_and_page,
    boot::the_page_is_laid_out_once_at_the_size_of_the_screen,
    service::units_are_active_and_nothing_has_failed,
    terminals::virtual_terminals_switch_there_and_back,
    input::a_click_reaches_the_page,
    input::a_key_reaches_the_page,
    input::fingers_reach_the_page,
    screens::a_rotated_picture_is_touched_where_the_finger_is,
    screens::a_screen_switched_off_and_on_shows_the_same_page,
    screens::a_screenshot_is_what_the_screen_shows,
    afar::what_grim_copies_is_what_the_screen_shows,
    afar::aids_are_on_the_screen_and_in_what_is_copied,
    gpu_capture::a_copy_into_a_buffer_of_the_gpu_is_the_one_into_memory,
    recovery::a_killed_compositor_comes_back,
    scanout::a_fullscreen_buffer_goes_to_the_screen_as_it_is,
    scanout::a_still_buffer_is_on_the_screen_as_it_is_again_after_a_dark_time,
    scanout::frames_with_explicit_fences_are_shown_when_they_are_drawn,
    gpu_copy::a_display_without_a_gpu_shows_what_clients_drew_on_one,
    gpu_start::the_logo_is_there_before_the_gpu_and_stays_when_it_takes_over,
    gpu_start::the_logo_stays_when_the_gpu_does_not_start,
];

/// On a display device whose driver copies only damage, and on a device that had no page at first.
const ON_BOCHS: &[Step] = steps![
    welcome::a_device_without_a_page_welcomes_and_has_one_when_it_is_told,
    boot::the_page_is_laid_out_once_at_the_size_of_the_screen,
    screens::a_rotated_screen_shows_each_change_where_it_is,
    brightness::a_display_without_a_control_says_so,
    terminals::virtual_terminals_switch_there_and_back,
    sleep::after_a_sleep_the_page_is_there_as_it_was,
    clock::a_clock_that_jumps_ten_years_changes_nothing,
    // The machine is gone after that.
    ladder::what_gets_nowhere_is_started_anew_by_systemd_and_then_by_logind,
];

const ON_TWO_HEADS: &[Step] = steps![
    heads::a_kiosk_switched_on_without_a_display_shows_its_page_when_one_comes,
    heads::a_second_display_shows_the_logo_and_takes_nothing_from_the_first,
    heads::cables_may_be_pulled_as_often_as_one_likes,
    heads::with_no_display_or_a_dark_one_the_browser_rests,
    heads::rotation_is_kept_over_a_replug,
    heads::cables_moved_behind_another_terminal_are_noticed_on_the_way_back,
    heads::a_finger_that_is_down_while_the_picture_is_rotated_is_cancelled,
    devices::a_rule_of_udev_lays_a_panel_on_its_output,
    devices::two_equal_panels_are_told_apart_for_good,
    heads::a_mirror_shows_the_same_page_letterboxed,
    heads::two_shells_have_a_display_each,
    lease::a_leased_connector_is_driven_by_its_client_and_comes_back,
];

/// With the kernel's arguments of an appliance.
const ON_QUIET: &[Step] = steps![quiet::nothing_is_seen_before_the_logo];

/// With a boot splash as well.
const ON_PLYMOUTH: &[Step] = steps![
    quiet::the_boot_splash_is_the_logo_that_kioskd_goes_on_with,
    boot::never_black_between_logo_and_page,
    service::units_are_active_and_nothing_has_failed,
    terminals::virtual_terminals_switch_there_and_back,
];

const ON_TWO_CARDS: &[Step] = steps![
    cards::each_card_has_its_screen,
    cards::a_card_that_goes_takes_nothing_with_it,
    cards::the_page_outlives_its_card,
    vkms::planes_show_what_composing_shows,
];

/// With other programs, and Podman, in its root: `make test-programs`.
const ON_PROGRAMS: &[Step] = steps![
    containers::an_image_built_here_is_the_shell_in_its_own_unit,
    containers::what_is_wrong_with_a_container_is_told_while_the_screen_stays_ours,
    programs::a_qt_6_program_is_supervised,
    programs::a_gtk_4_program_is_supervised,
    programs::an_x11_program_has_an_x_server_of_its_own_as_long_as_it_runs,
    keyboards::squeekboard_in_its_unit_types_into_the_page,
    keyboards::wvkbd_in_the_same_unit_types_into_the_page,
    programs::chromium_as_a_command_is_supervised,
    programs::firefox_is_supervised,
];

/// The same machine with a GPU (virgl).
const ON_PROGRAMS_GLES: &[Step] = steps![programs::cog_is_supervised];

/// The running machine; one at a time.
static RUNNING: Mutex<Option<Kiosk>> = Mutex::new(None);

fn main() {
    let mut arguments = Arguments::from_args();
    // The tests share a machine.
    arguments.test_threads = Some(1);
    let runs = [
        ("pixman", Display::Virtio, "", ON_PIXMAN),
        ("gles", Display::Virgl, "", ON_GLES),
        ("bochs", Display::Bochs, "", ON_BOCHS),
        ("heads", Display::TwoHeads, "", ON_TWO_HEADS),
        ("cards", Display::TwoCards, cards::ORDER, ON_TWO_CARDS),
        ("quiet", Display::Virtio, quiet::WITHOUT_SPLASH, ON_QUIET),
        ("plymouth", Display::Virtio, quiet::WITH_SPLASH, ON_PLYMOUTH),
    ];
    let programs =
        [("programs", Display::Virtio, "", ON_PROGRAMS), ("programs-gles", Display::Virgl, "", ON_PROGRAMS_GLES)];
    let runs = if Guest::has_programs() { &programs[..] } else { &runs };
    let mut trials: Vec<Trial> = runs
        .iter()
        .flat_map(|&(path, display, arguments, steps)| {
            steps.iter().map(move |step| {
                let name = format!("{path}::{}", step.name);
                Trial::test(name.clone(), move || run(&name, path, display, arguments, step))
            })
        })
        .collect();
    // These have machines of their own.
    let alone: [(&str, Alone); 5] = [
        (
            "power_cut::a_power_cut_leaves_one_of_the_states_that_were_kept",
            power_cut::a_power_cut_leaves_one_of_the_states_that_were_kept,
        ),
        (
            "small::without_systemd_udev_and_passwd_there_is_a_picture_that_takes_a_key_and_a_click",
            small::without_systemd_udev_and_passwd_there_is_a_picture_that_takes_a_key_and_a_click,
        ),
        (
            "inits::openrc_starts_a_kiosk_that_takes_a_key_and_a_click",
            inits::openrc_starts_a_kiosk_that_takes_a_key_and_a_click,
        ),
        (
            "inits::runit_starts_a_kiosk_that_takes_a_key_and_a_click",
            inits::runit_starts_a_kiosk_that_takes_a_key_and_a_click,
        ),
        (
            "inits::s6_starts_a_kiosk_that_takes_a_key_and_a_click",
            inits::s6_starts_a_kiosk_that_takes_a_key_and_a_click,
        ),
    ];
    if !Guest::has_programs() {
        trials.extend(alone.map(|(name, check)| {
            Trial::test(name, move || {
                drop(RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take());
                check().map_err(|error| format!("{error:#}").into())
            })
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Statics are not dropped, so the machine would keep running.
    drop(RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take());
    conclusion.exit();
}

fn run(name: &str, path: &str, display: Display, arguments: &'static str, step: &Step) -> Result<(), Failed> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let begin = Instant::now();
    let result = ready(&mut running, path, display, arguments)
        .and_then(|kiosk| (step.check)(kiosk).map_err(|error| kiosk.explained(step.name, error)));
    eprintln!("{name}: {:.1} s", begin.elapsed().as_secs_f64());
    // Printed at once, as the summary may come an hour later.
    result.inspect_err(|error| eprintln!("{name}: {error:#}")).map_err(|error| format!("{error:#}").into())
}

/// The machine of this kind with the page on its screen: the running one, or a freshly booted one.
fn ready<'a>(
    running: &'a mut Option<Kiosk>,
    path: &str,
    display: Display,
    arguments: &'static str,
) -> Result<&'a Kiosk> {
    let same = |kiosk: &Kiosk| kiosk.display == display && kiosk.arguments == arguments;
    let usable = running.as_ref().is_some_and(|kiosk| same(kiosk) && kiosk.settle().is_ok());
    if !usable {
        drop(running.take());
        let booted = Kiosk::boot(path, display, arguments).or_else(|error| match kernel_fault(path) {
            None => Err(error),
            Some(fault) => {
                eprintln!("{path}: the guest's kernel failed ({fault}); its boot is tried once more");
                Kiosk::boot(path, display, arguments)
            }
        });
        *running = Some(booted?);
    }
    running.as_ref().context("no machine")
}

/// A fault of the kernel of the machine that ran last, from its log: an emulated processor causes one now and then,
/// unrelated to our programs.
fn kernel_fault(path: &str) -> Option<String> {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(path).join("kernel.log");
    let log = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    // The last one is a processor whose timer never fires: it hangs during its boot.
    let faults = ["Oops: ", "Kernel panic", "BUG: ", "Possible timer handling issue"];
    log.lines().find(|line| faults.iter().any(|fault| line.contains(fault))).map(Into::into)
}
