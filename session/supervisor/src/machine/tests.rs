//! The machine in a small world that performs its effects, well-behaved or not.

mod frames;
mod inspected;
mod leaving;
mod measures;
mod planned;
mod reset;
mod stuck;
mod window_pings;

use proptest::prelude::*;

use std::collections::VecDeque;

use super::health::{ANSWER_TIMEOUT, HEALTH_INTERVAL};
use super::*;
use crate::recovery::{LastMeasures, Rung};
use kiosk_core::texts::{TextRule, Texts};

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings {
        home: Url::parse("http://localhost:3000").unwrap(),
        command: false,
        needs_server: true,
        program: "chromium".into(),
        ready_timeout: Some(Duration::from_secs(60)),
        explicit: false,
        texts: Texts::default(),
        before: LastMeasures::default(),
    }
}

/// What surrounds the machine, and what must hold of it at any time.
struct World {
    machine: Machine,
    now: Duration,
    /// The shell's process is there, and it has been told to end.
    alive: bool,
    ending: bool,
    attached: bool,
    /// Something of the page has been seen since the last end of one.
    seen: bool,
    probing: bool,
    renderer_ends: bool,
    clears: bool,
    /// The work that the shell's processes have done, and do between two measurements.
    work: u64,
    speed: u64,
    profiles_aside: u32,
    measures: Vec<(Rung, Duration)>,
    keeps_measures: bool,
    /// While effects were carried out.
    happened: VecDeque<Event>,
    can_launch: bool,
    finished: bool,
    pid: u32,
    launches: Vec<Duration>,
    effects: Vec<Effect>,
}

impl World {
    fn new(settings: Settings) -> Self {
        World {
            machine: Machine::new(settings, Duration::ZERO),
            now: Duration::ZERO,
            alive: false,
            ending: false,
            attached: false,
            seen: false,
            probing: false,
            renderer_ends: false,
            clears: false,
            work: 0,
            speed: 0,
            profiles_aside: 0,
            measures: Vec::new(),
            keeps_measures: true,
            happened: VecDeque::new(),
            can_launch: true,
            finished: false,
            pid: 100,
            launches: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) {
        self.happened.push_back(event);
        self.take_turns();
    }

    fn take_turns(&mut self) {
        while let Some(event) = self.happened.pop_front() {
            self.take_turn(event);
        }
        self.check();
    }

    fn take_turn(&mut self, event: Event) {
        match &event {
            Event::PageUp | Event::PageLoaded => self.seen = true,
            Event::PageCrashed | Event::Detached { .. } => self.seen = false,
            Event::PageFailed { error_page: true, .. } => self.seen = false,
            Event::Exited { .. } => {
                (self.renderer_ends, self.clears) = (false, false);
                (self.alive, self.ending, self.attached, self.seen) = (false, false, false, false);
            }
            Event::Attached => self.attached = true,
            Event::ServerUp | Event::ServerDown { .. } | Event::ServerSilent { .. } => self.probing = false,
            _ => {}
        }
        let effects = self.machine.step(event, self.now);
        self.perform(effects);
    }

    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        let effects = self.machine.command(command, self.now)?;
        self.perform(effects);
        self.take_turns();
        Ok(())
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.effects.push(effect.clone());
            match effect {
                Effect::Probe { .. } => self.probing = true,
                Effect::Launch => {
                    assert!(!self.alive, "two shells");
                    self.launches.push(self.now);
                    self.pid += 1;
                    if self.can_launch {
                        self.alive = true;
                        self.happened.push_back(Event::Launched { pid: self.pid });
                    } else {
                        let reason = "chromium is not installed".into();
                        self.happened.push_back(Event::LaunchFailed { reason });
                    }
                }
                Effect::Kill { .. } => {
                    assert!(self.alive && !self.ending, "nothing to end");
                    self.ending = true;
                    self.seen = false;
                }
                Effect::Navigate { .. }
                | Effect::Reload { .. }
                | Effect::ClearData
                | Effect::Ping
                | Effect::Unstick
                | Effect::EndRenderer => {
                    assert!(self.alive && self.attached, "an order without a page: {effect:?}");
                    self.renderer_ends |= effect == Effect::EndRenderer;
                    self.seen &= effect != Effect::ClearData;
                    self.clears = effect == Effect::ClearData;
                }
                Effect::Measure => {
                    assert!(self.alive, "nothing to measure");
                    self.work += self.speed;
                    self.happened.push_back(Event::Measured { work: self.work });
                }
                Effect::SetProfileAside => self.profiles_aside += 1,
                Effect::TakeMeasure { rung, .. } => {
                    self.measures.push((rung, self.now));
                    self.happened.push_back(match self.keeps_measures {
                        true => Event::MeasureKept { rung },
                        false => Event::MeasureRefused { rung, reason: "the disk is full".into() },
                    });
                }
                Effect::Refused { .. } => {}
                Effect::Finish => {
                    let stuck = matches!(self.machine.browser, Browser::Stuck { .. });
                    assert!(!self.alive || stuck, "left with a shell running");
                    self.finished = true;
                }
                Effect::Failed(failure) => assert!(!failure.reason.is_empty() && !failure.action.is_empty()),
            }
        }
    }

    fn check(&self) {
        let report = self.machine.report();
        if report.state == State::Ready && !self.machine.settings.command {
            assert!(self.alive && self.seen, "ready without a page");
        }
        assert_eq!(report.pid != 0, self.alive && !self.ending, "pid");
        let active = self.machine.intent == Intent::Run && self.machine.compositor.is_here();
        if active && self.machine.state() != State::Ready {
            let limit = self.machine.load_stall();
            let soon = self.machine.deadline().is_some_and(|at| at <= self.now + limit);
            assert!(soon || self.probing || self.ending, "no way forward: {:?}", self.machine);
        }
    }

    /// Lets time pass up to the next deadline, `most` at most.
    fn pass(&mut self, most: Duration) {
        match self.machine.deadline().filter(|at| *at <= self.now + most) {
            Some(at) => {
                self.now = self.now.max(at);
                self.event(Event::Tick);
                assert!(self.machine.deadline().is_none_or(|next| next > self.now), "a deadline without an end");
            }
            None => {
                self.now += most;
                self.event(Event::Tick);
            }
        }
    }

    /// One turn of a world in which everything works.
    fn cooperate(&mut self) {
        let event = if !self.machine.compositor.is_here() {
            Event::CompositorUp { pid: 1 }
        } else if self.ending {
            Event::Exited { how: "exit status 0".into() }
        } else if self.probing {
            Event::ServerUp
        } else if self.alive && !self.attached {
            Event::Attached
        } else if std::mem::take(&mut self.renderer_ends) {
            Event::PageCrashed
        } else if std::mem::take(&mut self.clears) {
            Event::DataCleared { error: None }
        } else if self.machine.covered.is_some() {
            Event::Covered { covered: false }
        } else if self.machine.settings.command && matches!(self.machine.page, Page::Loading { .. }) {
            Event::Window { mapped: Some(true) }
        } else if self.machine.state() == State::Loading || matches!(self.machine.page, Page::Loading { .. }) {
            Event::PageUp
        } else {
            return self.pass(SECOND);
        };
        self.event(event);
    }

    fn until_ready(&mut self) {
        for _ in 0..1000 {
            if self.machine.state() == State::Ready {
                return;
            }
            self.cooperate();
        }
        panic!("never ready: {:?}", self.machine);
    }

    /// The page, which does not answer, is left in time.
    fn is_judged_again(&mut self) {
        let asked = self.now;
        while !self.ending {
            self.pass(SECOND);
            self.renderer_ends = false;
        }
        assert!(self.now - asked < Duration::from_secs(35), "{:?}", self.now - asked);
        self.until_ready();
    }

    /// For this long no server answers.
    fn without_server(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            if self.probing {
                self.event(Event::ServerDown { reason: "connection refused".into() });
            } else {
                self.pass(SECOND);
            }
        }
    }

    fn ready() -> Self {
        let mut world = World::new(settings());
        world.until_ready();
        world.effects.clear();
        world
    }

    fn states(&mut self, event: Event) -> (State, State) {
        self.event(event);
        (self.machine.state(), self.machine.report().state)
    }
}

fn failed(url: &str, error_page: bool) -> Event {
    Event::PageFailed { url: url.into(), reason: "connection refused".into(), error_page }
}

#[test]
fn the_browser_starts_while_the_server_does_and_the_page_opens_when_both_are_up() {
    let mut world = World::new(settings());
    assert_eq!(world.machine.deadline(), Some(Duration::from_secs(60)), "without a screen only the clock runs");
    world.event(Event::CompositorUp { pid: 1 });
    assert!(world.alive && world.probing);
    world.event(Event::Attached);
    assert_eq!(world.states(Event::ServerDown { reason: "refused".into() }), (State::Waiting, State::Waiting));
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Navigate { .. })));
    world.pass(SECOND);
    assert_eq!(world.states(Event::ServerUp), (State::Loading, State::Loading));
    assert!(matches!(world.effects.last(), Some(Effect::Navigate { .. })));
    assert_eq!(world.states(Event::PageUp), (State::Ready, State::Ready));
}

#[test]
fn a_silent_server_is_asked_quickly_at_first_and_never_given_up() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    world.event(Event::Attached);
    let mut pauses = Vec::new();
    for _ in 0..200 {
        world.event(Event::ServerDown { reason: "localhost:3000: connection refused".into() });
        let before = world.now;
        while !world.probing {
            world.pass(SECOND);
        }
        pauses.push((world.now - before).as_millis());
    }
    assert_eq!(pauses[..5], [100, 200, 400, 500, 500]);
    let message = world.machine.report().message;
    assert_eq!(message, "Not up after 60 s: localhost:3000: connection refused. Trying again.");
    assert_eq!(world.machine.state(), State::Waiting);
    world.until_ready();
    assert_eq!(world.machine.report().message, "");
}

#[test]
fn a_page_that_is_not_up_in_time_is_told_the_first_time_and_later() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    world.event(Event::Attached);
    for _ in 0..2 {
        world.without_server(SECOND * 58);
        let early = world.machine.report();
        assert!(!early.message.starts_with("Not up") && !early.overdue, "{early:?}");
        world.without_server(SECOND * 4);
        let late = world.machine.report();
        assert!(late.message.starts_with("Not up after 60 s: ") && late.overdue, "{late:?}");
        // For the log, `kioskctl status` and the bus, which have no screen: once.
        let told = |reason: &str| reason.starts_with("not up after 60 s: ") && reason.contains("refused");
        let times = |effect: &&Effect| matches!(effect, Effect::Failed(failure) if told(&failure.reason));
        assert_eq!(std::mem::take(&mut world.effects).iter().filter(times).count(), 1);
        world.until_ready();
        let up = world.machine.report();
        assert_eq!((up.message.as_str(), up.overdue), ("", false));
        world.event(failed("http://localhost:3000/", true));
    }
}

#[test]
fn a_reload_leaves_the_last_frame_and_the_browser() {
    let mut world = World::ready();
    let pid = world.machine.pid();
    world.command(Command::Reload { hard: true }).unwrap();
    assert_eq!(world.effects, [Effect::Reload { hard: true }]);
    assert_eq!((world.machine.state(), world.machine.report().state), (State::Loading, State::Ready));
    assert_eq!(world.states(Event::PageUp), (State::Ready, State::Ready));
    assert_eq!(world.machine.pid(), pid);
    world.command(Command::Reload { hard: false }).unwrap();
    assert_eq!(world.states(failed("http://localhost:3000/", false)), (State::Offline, State::Offline));
    world.until_ready();
    assert_eq!(world.machine.pid(), pid);
}

#[test]
fn a_dead_link_to_elsewhere_leaves_the_page_and_one_to_its_own_server_does_not() {
    let mut world = World::ready();
    assert_eq!(world.states(failed("http://elsewhere/", false)), (State::Ready, State::Ready));
    assert!(matches!(&world.effects[..], [Effect::Failed(_)]));
    assert_eq!(world.states(failed("http://elsewhere/", true)), (State::Offline, State::Offline), "an error page");
    world.until_ready();
    assert_eq!(world.states(failed("http://localhost:3000/x", false)), (State::Offline, State::Offline));
    world.until_ready();
}

#[test]
fn a_killed_browser_is_back_within_a_second() {
    let mut world = World::ready();
    world.now += Duration::from_secs(5);
    let at = world.now;
    assert_eq!(world.states(Event::Exited { how: "killed (SIGKILL)".into() }), (State::Crashed, State::Crashed));
    world.until_ready();
    assert!(*world.launches.last().unwrap() <= at + SECOND);
    assert_eq!(world.machine.restarts(), 1);
    assert_eq!(world.machine.restart_causes().all()["failure"], 1);
}

#[test]
fn a_browser_that_can_not_start_is_tried_ever_more_rarely_and_for_ever() {
    let mut world = World::new(settings());
    world.can_launch = false;
    world.event(Event::CompositorUp { pid: 1 });
    while world.now < Duration::from_secs(3600) {
        world.pass(SECOND);
    }
    assert!((120..130).contains(&world.launches.len()), "{}", world.launches.len());
    assert_eq!(world.machine.state(), State::Backoff);
    assert!(world.machine.report().message.contains("chromium is not installed"));
    world.can_launch = true;
    world.until_ready();
}

#[test]
fn a_browser_that_is_slow_but_works_is_waited_for_and_one_that_does_nothing_is_ended_early() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    // A loaded machine: it takes seven minutes.
    world.speed = 20;
    while world.now < Duration::from_secs(420) {
        assert!(world.alive && !world.ending, "ended at {:?}", world.now);
        world.pass(SECOND);
    }
    world.event(Event::Attached);
    world.until_ready();
    assert_eq!(world.launches.len(), 1);
    // Its successor is dead from the start.
    world.event(Event::Exited { how: "killed (SIGKILL)".into() });
    while !world.alive {
        world.pass(SECOND);
    }
    world.speed = 0;
    let launched = world.now;
    while !world.ending {
        world.pass(SECOND);
    }
    assert_eq!(world.now - launched, ATTACH_STALL);
    let reason = "chromium does not answer: it does nothing for 30 s";
    assert!(world.effects.iter().any(|e| matches!(e, Effect::Failed(failure) if failure.reason == reason)));
    // And one that works for ever without an answer is ended too.
    world.until_ready();
    world.event(Event::Exited { how: "killed (SIGKILL)".into() });
    while !world.alive {
        world.pass(SECOND);
    }
    world.speed = 1000;
    let launched = world.now;
    while !world.ending {
        world.pass(SECOND);
    }
    assert_eq!(world.now - launched, ATTACH_TIMEOUT);
    world.until_ready();
    // One that stopped to answer is not waited for that long.
    world.event(Event::Detached { reason: "closed".into() });
    assert_eq!(world.machine.deadline(), Some(world.now + DETACH_TIMEOUT));
    world.pass(DETACH_TIMEOUT);
    assert!(world.ending);
}

#[test]
fn the_shell_is_replaced_with_its_compositor_and_kept_over_a_lost_connection() {
    let mut world = World::ready();
    world.event(Event::CompositorDown);
    world.event(Event::CompositorUp { pid: 1 });
    assert!(world.alive && !world.ending);
    world.event(Event::CompositorDown);
    world.event(Event::CompositorUp { pid: 2 });
    assert!(world.ending);
    world.until_ready();
    world.event(Event::CompositorDown);
    world.event(Event::Detached { reason: "the browser closed its pipe".into() });
    world.pass(COMPOSITOR_GRACE);
    assert!(world.ending);
    world.event(Event::Exited { how: "exit status 1".into() });
    let launches = world.launches.len();
    for _ in 0..100 {
        world.pass(SECOND);
    }
    assert_eq!(world.launches.len(), launches, "no screen, no shell");
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))), "not the shell's fault");
    let back = world.now;
    world.event(Event::CompositorUp { pid: 3 });
    assert_eq!(world.launches.last(), Some(&back));
    assert_eq!(world.machine.state(), State::Waiting);
    world.until_ready();
}

#[test]
fn a_page_that_does_not_answer_takes_the_browser_with_it_unless_it_waits_for_a_person() {
    let mut world = World::ready();
    world.pass(HEALTH_INTERVAL);
    assert_eq!(world.effects, [Effect::Ping]);
    world.event(Event::Alive);
    world.pass(HEALTH_INTERVAL);
    world.event(Event::Dialog { open: true });
    for _ in 0..100 {
        world.pass(HEALTH_INTERVAL);
    }
    assert!(!world.ending);
    world.event(Event::Dialog { open: false });
    world.is_judged_again();
}

/// The browser handles input before pings, so none is answered while there is more of it than the machine can handle.
#[test]
fn a_page_that_is_given_input_is_alive_and_is_missed_in_time_when_that_hangs() {
    for last in 0..40 {
        let mut world = World::ready();
        let begin = world.now;
        let mut told = begin;
        while told < begin + SECOND * 60 + Duration::from_millis(last * 317) {
            let next = told + SECOND * 2;
            while world.now < next {
                world.pass(next - world.now);
            }
            told = world.now;
            world.event(Event::Alive);
            assert!(!world.effects.contains(&Effect::Unstick), "after {:?}", world.now - begin);
        }
        while !world.effects.contains(&Effect::Unstick) {
            world.pass(SECOND);
        }
        assert!(world.now - told <= SECOND * 15, "{:?}", world.now - told);
    }
}

#[test]
fn an_idle_page_costs_one_wake_up_in_ten_seconds() {
    let mut world = World::ready();
    let (from, mut turns) = (world.now, 0);
    while world.now < from + Duration::from_secs(600) {
        world.pass(Duration::from_secs(600));
        world.event(Event::Alive);
        turns += 1;
    }
    assert!(turns <= 61, "{turns}");
}

#[test]
fn a_page_that_died_is_loaded_again_and_then_the_browser_started_again() {
    let mut world = World::ready();
    let pid = world.machine.pid();
    assert_eq!(world.states(Event::PageCrashed), (State::Crashed, State::Crashed));
    world.until_ready();
    assert_eq!(world.machine.pid(), pid);
    assert_eq!(world.states(Event::PageCrashed), (State::Crashed, State::Crashed));
    world.until_ready();
    assert_ne!(world.machine.pid(), pid);
}

#[test]
fn a_page_that_hangs_is_loaded_again_then_gets_a_new_process_then_a_new_browser() {
    let mut world = World::ready();
    let pid = world.machine.pid();
    let failures = |world: &World| -> Vec<String> {
        let actions = world.effects.iter().filter_map(|effect| match effect {
            Effect::Failed(failure) => Some(failure.action.clone()),
            _ => None,
        });
        actions.collect()
    };
    let hung = world.now;
    while failures(&world).is_empty() {
        world.pass(SECOND);
    }
    assert!(world.now - hung < Duration::from_secs(15), "noticed after {:?}", world.now - hung);
    assert_eq!(failures(&world), ["loaded again"]);
    assert_eq!(world.machine.report().state, State::Ready, "the last frame stays");
    assert_eq!(world.machine.state(), State::Loading, "but nobody is told that it is ready");
    world.pass(ANSWER_TIMEOUT);
    assert_eq!(failures(&world), ["loaded again", "loaded again in a new process"]);
    assert_eq!(world.machine.report().state, State::Crashed);
    assert!(world.renderer_ends);
    world.until_ready();
    assert_eq!(world.machine.pid(), pid, "the same browser");
    for _ in 0..2 {
        world.pass(Duration::from_secs(15));
    }
    assert!(world.ending);
    world.until_ready();
    assert_ne!(world.machine.pid(), pid);
}

#[test]
fn a_page_that_answers_after_it_was_loaded_again_stays_in_its_browser() {
    let mut world = World::ready();
    world.pass(HEALTH_INTERVAL);
    world.pass(ANSWER_TIMEOUT);
    assert!(world.effects.contains(&Effect::Unstick));
    world.event(Event::Alive);
    for _ in 0..40 {
        world.pass(SECOND);
    }
    assert!(!world.ending && !world.renderer_ends, "it loads for a long time, and is alive");
    world.until_ready();
}

#[test]
fn a_browser_whose_server_is_silent_tries_by_itself_behind_the_splash_and_ever_more_rarely() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    world.event(Event::Attached);
    let (mut tries, began) = (Vec::new(), world.now);
    while world.now < began + SECOND * 3600 {
        world.effects.clear();
        world.pass(Duration::from_millis(500));
        if world.probing {
            let states = world.states(Event::ServerDown { reason: "refused".into() });
            assert_eq!(states, (State::Waiting, State::Waiting), "nothing has changed for people");
        }
        if world.effects.iter().any(|effect| matches!(effect, Effect::Navigate { .. })) {
            tries.push(world.now - began);
            world.event(failed("http://localhost:3000/", false));
            assert_eq!(world.machine.report().state, State::Waiting);
        }
    }
    assert!(tries[0] < SECOND * 7 && tries.len() > 12 && tries.len() < 20, "{tries:?}");
}

fn stale_at(url: &str, again: bool) -> Event {
    Event::PageStale { url: url.into(), reason: "status 504".into(), again }
}

/// Until the server is asked, while the page is alive.
fn until_asked(world: &mut World) -> Url {
    world.effects.clear();
    while !world.probing {
        world.pass(SECOND);
        world.event(Event::Alive);
    }
    let asked = world.effects.iter().rev().find_map(|effect| match effect {
        Effect::Probe { url } => Some(url.clone()),
        _ => None,
    });
    asked.unwrap()
}

#[test]
fn where_the_page_wanted_to_go_by_itself_is_opened_when_its_server_is_well() {
    let mut world = World::ready();
    world.event(Event::Moved { url: "http://localhost:3000/".into() });
    let next = "http://localhost:3000/next";
    assert_eq!(world.states(stale_at(next, true)), (State::Ready, State::Ready));
    assert_eq!(until_asked(&mut world).as_str(), next);
    world.effects.clear();
    world.event(Event::ServerUp);
    assert_eq!(world.effects, [Effect::Navigate { url: Url::parse(next).unwrap() }]);
    world.until_ready();
    // It has gone elsewhere meanwhile: that is not taken away again.
    world.event(stale_at(next, true));
    until_asked(&mut world);
    world.event(Event::Moved { url: "http://localhost:3000/other".into() });
    world.effects.clear();
    world.event(Event::ServerUp);
    assert_eq!(world.effects, []);
    assert_eq!(world.machine.state(), State::Ready);
}

#[test]
fn a_link_that_leads_to_an_error_is_told_and_left_to_the_person() {
    let mut world = World::ready();
    world.effects.clear();
    assert_eq!(world.states(stale_at("http://localhost:3000/next", false)), (State::Ready, State::Ready));
    assert!(matches!(&world.effects[..], [Effect::Failed(_)]), "{:?}", world.effects);
    for _ in 0..30 {
        world.pass(SECOND);
        world.event(Event::Alive);
        assert!(!world.probing);
    }
}

#[test]
fn a_question_that_is_lost_with_its_document_is_asked_again_and_is_no_answer() {
    let mut world = World::ready();
    world.pass(HEALTH_INTERVAL);
    world.effects.clear();
    world.pass(ANSWER_TIMEOUT - SECOND);
    world.event(Event::PingLost);
    assert_eq!(world.effects, [Effect::Ping]);
    world.pass(SECOND * 2);
    assert_eq!(world.effects, [Effect::Ping], "the new document has its own time");
    world.pass(ANSWER_TIMEOUT - SECOND * 2);
    assert!(world.effects.contains(&Effect::Unstick), "{:?}", world.effects);
    // A page that hung and is loaded again has to answer within the time that it has.
    world.effects.clear();
    world.event(Event::PingLost);
    assert_eq!(world.effects, [Effect::Ping]);
    world.pass(ANSWER_TIMEOUT);
    assert!(world.effects.contains(&Effect::EndRenderer), "{:?}", world.effects);
}

#[test]
fn a_page_whose_server_answers_with_an_error_stays_until_the_server_is_well() {
    let mut world = World::ready();
    world.event(Event::Moved { url: "http://localhost:3000/".into() });
    let stale = || stale_at("http://localhost:3000/", true);
    for _ in 0..10 {
        assert_eq!(world.states(stale()), (State::Ready, State::Ready), "what is shown is the page");
        while !world.probing {
            world.pass(SECOND);
            world.event(Event::Alive);
        }
        world.event(Event::ServerDown { reason: "status 504".into() });
        assert_eq!(world.machine.report().state, State::Ready);
        while !world.probing {
            world.pass(SECOND);
            world.event(Event::Alive);
        }
        world.effects.clear();
        world.event(Event::ServerUp);
        assert!(world.effects.contains(&Effect::Reload { hard: false }), "{:?}", world.effects);
    }
    world.until_ready();
    // At the start there is nothing to stay.
    let mut world = World::new(settings());
    while world.machine.state() != State::Loading {
        world.cooperate();
    }
    assert_eq!(world.states(stale()), (State::Offline, State::Offline));
    world.until_ready();
}

#[test]
fn refusals_are_counted() {
    let mut world = World::ready();
    for count in 1..4 {
        world.event(Event::Refused { url: "http://x/".into() });
        assert_eq!(world.effects.last(), Some(&Effect::Refused { url: "http://x/".into(), count }));
    }
    assert_eq!(world.machine.state(), State::Ready);
}

#[test]
fn an_answer_that_was_due_while_we_slept_ourselves_is_waited_for_again() {
    let mut world = World::ready();
    world.pass(HEALTH_INTERVAL);
    world.now += Duration::from_secs(3600);
    world.event(Event::Tick);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))));
    assert_eq!(world.machine.deadline(), Some(world.now + ANSWER_TIMEOUT));
}

#[test]
fn a_window_over_the_page_is_not_ready_and_one_that_stays_takes_the_browser_with_it() {
    let mut world = World::ready();
    assert_eq!(world.states(Event::Covered { covered: true }).0, State::Loading);
    assert_eq!(world.states(Event::Covered { covered: false }).0, State::Ready);
    world.event(Event::Covered { covered: true });
    for _ in 0..20 {
        world.pass(SECOND);
    }
    assert!(world.ending);
    world.until_ready();
}

#[test]
fn browsers_that_die_one_after_the_other_get_an_empty_profile_once() {
    let mut world = World::new(settings());
    for death in 1..20 {
        while !world.attached {
            world.cooperate();
        }
        world.event(Event::Exited { how: "crashed (SIGSEGV)".into() });
        assert_eq!(world.profiles_aside, u32::from(death >= 4), "after {death}");
    }
    let told = world
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Failed(failure) if failure.action.contains("with an empty profile")));
    assert!(told);
}

#[test]
fn an_empty_page_is_shown_and_one_that_never_loads_is_tried_again() {
    let mut world = World::ready();
    world.command(Command::Home).unwrap();
    world.event(Event::PageLoaded);
    world.pass(EMPTY_PAGE);
    assert_eq!(world.machine.state(), State::Ready);
    world.command(Command::Home).unwrap();
    while world.machine.state() == State::Loading {
        world.pass(SECOND);
    }
    assert_eq!(world.machine.state(), State::Offline);
    world.until_ready();
}

#[test]
fn stop_and_start_commands_are_carried_out_in_every_state() {
    let mut world = World::ready();
    world.command(Command::Stop).unwrap();
    assert_eq!(world.machine.report().state, State::Stopped);
    world.event(Event::Exited { how: "exit status 0".into() });
    assert_eq!(world.machine.deadline(), None);
    assert_eq!(world.command(Command::Reload { hard: false }), Err(Refusal::Stopped));
    world.event(Event::CompositorDown);
    world.event(Event::CompositorUp { pid: 7 });
    assert!(!world.alive);
    world.command(Command::Start).unwrap();
    world.until_ready();
    world.event(Event::Shutdown);
    world.event(Event::Exited { how: "exit status 0".into() });
    assert!(world.finished);
}

#[test]
fn a_command_is_ready_when_it_runs_and_has_no_page() {
    let mut world = World::new(Settings { command: true, needs_server: true, program: "foot".into(), ..settings() });
    world.event(Event::CompositorUp { pid: 1 });
    assert!(!world.alive, "it is told the URL, so it waits for the server");
    world.event(Event::ServerUp);
    assert_eq!(world.machine.report().state, State::Ready);
    assert_eq!(world.command(Command::Home), Err(Refusal::NotABrowser));
    world.pass(STABLE);
    world.event(Event::Exited { how: "exit status 0".into() });
    world.event(Event::ServerUp);
    world.pass(SECOND);
    assert_eq!(world.machine.report().state, State::Ready);
}

#[test]
fn how_often_it_was_tried_is_told_to_one_digit_until_it_is_up() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    assert_eq!((world.machine.report().tried, world.machine.report().reason.as_str()), (0, ""));
    world.without_server(2 * SECOND);
    let report = world.machine.report();
    assert_eq!((report.tried, report.reason.as_str()), (6, "connection refused"));
    world.without_server(60 * SECOND);
    let tried = world.machine.report().tried;
    assert!((60..200).contains(&tried) && tried.is_multiple_of(10), "{tried}");
    world.until_ready();
    assert_eq!((world.machine.report().tried, world.machine.report().reason.as_str()), (0, ""));
    assert_eq!([0, 7, 10, 19, 99, 100, 4711].map(rounded), [0, 7, 10, 10, 90, 100, 4000]);
}

/// A command under a compositor that tells of windows.
fn command_without_a_window(ready_timeout: Option<Duration>) -> World {
    let settings = Settings { command: true, needs_server: false, program: "foot".into(), ..settings() };
    let mut world = World::new(Settings { ready_timeout, ..settings });
    world.event(Event::Window { mapped: Some(false) });
    world.event(Event::CompositorUp { pid: 1 });
    assert!(world.alive);
    world
}

#[test]
fn a_command_is_ready_with_its_window_and_not_without() {
    let mut world = command_without_a_window(Some(60 * SECOND));
    assert_eq!(world.machine.report().state, State::Loading);
    assert_eq!(world.machine.report().message, "Starting");
    assert_eq!(world.machine.waiting_for(), "foot has shown no window yet", "told at once");
    let (window, none) = (Event::Window { mapped: Some(true) }, Event::Window { mapped: Some(false) });
    assert_eq!(world.states(window.clone()), (State::Ready, State::Ready));
    assert_eq!(world.machine.waiting_for(), "");
    assert_eq!(world.states(none), (State::Loading, State::Loading));
    assert_eq!(world.states(window), (State::Ready, State::Ready));
    assert_eq!(world.launches.len(), 1);
}

#[test]
fn what_is_waited_for_is_told_from_the_first_moment_to_the_page() {
    let mut world = World::new(settings());
    let told = |world: &World| world.machine.waiting_for();
    assert_eq!(told(&world), "kioskd is not connected");
    world.event(Event::CompositorUp { pid: 1 });
    assert_eq!(told(&world), "chromium is starting");
    world.event(Event::Attached);
    world.without_server(2 * SECOND);
    assert_eq!(told(&world), "waiting for localhost:3000");
    world.until_ready();
    assert_eq!(told(&world), "");
    world.command(Command::Stop).unwrap();
    assert_eq!(told(&world), "", "nothing is wanted");
}

#[test]
fn a_command_that_is_replaced_is_not_ready_by_the_window_of_the_last_one() {
    let ready = || {
        let mut world = command_without_a_window(Some(60 * SECOND));
        world.event(Event::Window { mapped: Some(true) });
        assert_eq!(world.machine.state(), State::Ready);
        world
    };
    // It ends by itself, or is ended; the compositor hears of its window later than we of its process.
    let mut ended = ready();
    ended.event(Event::Exited { how: "exit status 1".into() });
    let mut restarted = ready();
    restarted.command(Command::Restart).unwrap();
    restarted.event(Event::Exited { how: "exit status 0".into() });
    for mut world in [ended, restarted] {
        while !world.alive {
            world.pass(SECOND);
        }
        assert_eq!(world.launches.len(), 2);
        assert!(![world.machine.state(), world.machine.report().state].contains(&State::Ready));
        world.event(Event::Window { mapped: Some(false) });
        assert_eq!(world.states(Event::Window { mapped: Some(true) }), (State::Ready, State::Ready));
    }
}

#[test]
fn a_command_that_draws_nothing_is_told_of_and_started_again() {
    let mut world = command_without_a_window(Some(60 * SECOND));
    let end = world.now + LOAD_STALL - SECOND;
    while world.now < end {
        world.pass(end - world.now);
    }
    let report = world.machine.report();
    assert!(report.overdue && report.message.contains("foot has shown no window"), "{report:?}");
    assert_eq!(world.launches.len(), 1, "slow is not dead");
    world.pass(SECOND);
    assert!(world.ending);
    let failed = |effect: &Effect| matches!(effect, Effect::Failed(failure) if failure.reason == "foot has shown no window for 90 s");
    assert!(world.effects.iter().any(failed), "{:?}", world.effects);
    world.event(Event::Exited { how: "terminated (SIGTERM)".into() });
    world.pass(60 * SECOND);
    assert_eq!(world.launches.len(), 2);
}

#[test]
fn a_command_may_do_without_a_window_where_nobody_waits_for_it() {
    let mut world = command_without_a_window(None);
    assert_eq!(world.machine.report().state, State::Ready);
    world.event(Event::Window { mapped: Some(true) });
    assert_eq!(world.states(Event::Window { mapped: Some(false) }), (State::Ready, State::Ready));
}

#[test]
fn a_command_that_goes_to_the_background_is_told_to_stay() {
    let mut world = command_without_a_window(Some(60 * SECOND));
    world.effects.clear();
    world.event(Event::Exited { how: "exit status 0".into() });
    let told = "foot ended: exit status 0: a shell must stay in the foreground";
    assert!(matches!(&world.effects[0], Effect::Failed(failure) if failure.reason == told), "{:?}", world.effects);
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Event(Event),
    Command(Command),
    Cooperate,
    CanLaunch(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let url =
        || prop_oneof![Just("http://localhost:3000/"), Just("http://other/"), Just("file:///x"), Just("nonsense")];
    let event = prop_oneof![
        (1u32..4).prop_map(|pid| Event::CompositorUp { pid }),
        Just(Event::CompositorDown),
        prop::option::of(any::<bool>()).prop_map(|mapped| Event::Window { mapped }),
        Just(Event::ServerUp),
        Just(Event::ServerDown { reason: "refused".into() }),
        Just(Event::ServerSilent { reason: "no answer".into() }),
        Just(Event::Exited { how: "killed".into() }),
        Just(Event::Attached),
        Just(Event::Detached { reason: "closed".into() }),
        url().prop_map(|url| Event::Moved { url: url.into() }),
        Just(Event::PageUp),
        Just(Event::PageLoaded),
        (url(), any::<bool>()).prop_map(|(url, error_page)| failed(url, error_page)),
        Just(Event::PageCrashed),
        (0u64..4).prop_map(|number| Event::Reset { number }),
        prop::option::of(Just("refused".to_owned())).prop_map(|error| Event::DataCleared { error }),
        (url(), any::<bool>()).prop_map(|(url, again)| stale_at(url, again)),
        Just(Event::PingLost),
        Just(Event::NotLeft),
        url().prop_map(|url| Event::Refused { url: url.into() }),
        any::<bool>().prop_map(|open| Event::Dialog { open }),
        any::<bool>().prop_map(|open| Event::Inspected { open }),
        Just(Event::Alive),
        any::<bool>().prop_map(|late| Event::FrameLate { late }),
        (0u64..4, 0u64..3).prop_map(|(number, commits)| Event::WindowAsked { number, commits: Some(commits) }),
        any::<bool>().prop_map(|covered| Event::Covered { covered }),
        Just(Event::Tick),
    ];
    let command = prop_oneof![
        any::<bool>().prop_map(|hard| Command::Reload { hard }),
        url().prop_filter_map("a URL", |url| Some(Command::Open { url: Url::parse(url).ok()? })),
        Just(Command::Home),
        Just(Command::Restart),
        Just(Command::Stop),
        Just(Command::Start),
        Just(Command::ClearData),
    ];
    prop_oneof![
        3 => (0u64..20_000).prop_map(Step::Pass),
        6 => event.prop_map(Step::Event),
        2 => command.prop_map(Step::Command),
        6 => Just(Step::Cooperate),
        1 => any::<bool>().prop_map(Step::CanLaunch),
    ]
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let timeout = prop::option::of((1u64..200).prop_map(Duration::from_secs));
    (any::<bool>(), any::<bool>(), any::<bool>(), timeout).prop_map(|(command, needs_server, explicit, timeout)| {
        let explicit = explicit && !command;
        Settings { command, needs_server: needs_server || !command, explicit, ready_timeout: timeout, ..settings() }
    })
}

impl World {
    /// Events that a world can't bring are left out: the process of a shell that is not there does not end.
    fn possible(&self, event: &Event) -> bool {
        let browser = self.alive && !self.machine.settings.command;
        match event {
            Event::Exited { .. } => self.alive,
            Event::ServerUp | Event::ServerDown { .. } | Event::ServerSilent { .. } => self.probing,
            Event::Attached => browser && !self.attached,
            Event::CompositorUp { .. } | Event::Window { .. } => true,
            Event::CompositorDown | Event::Tick | Event::Alive => true,
            _ => browser && self.attached,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pass(millis) => {
                let until = self.now + Duration::from_millis(millis);
                while self.now < until {
                    self.pass(until - self.now);
                }
            }
            Step::Event(event) => {
                if self.possible(&event) {
                    self.event(event);
                }
            }
            Step::Command(command) => {
                // A refusal is an answer.
                let _ = self.command(command);
            }
            Step::Cooperate => self.cooperate(),
            Step::CanLaunch(can) => self.can_launch = can,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_sequence_of_events_leads_to_a_shown_page(settings in any_settings(), steps in prop::collection::vec(any_step(), 0..80)) {
        let mut world = World::new(settings);
        for step in steps {
            world.take(step);
        }
        world.can_launch = true;
        world.command(Command::Start).unwrap();
        world.until_ready();
        world.event(Event::Shutdown);
        while !world.finished {
            world.event(Event::Exited { how: "exit status 0".into() });
        }
    }

    #[test]
    fn any_sequence_of_failures_respects_the_launch_delay(steps in prop::collection::vec(any_step(), 0..200)) {
        let mut world = World::new(settings());
        world.event(Event::CompositorUp { pid: 1 });
        for step in steps {
            // People and new compositors may start it as often as they like.
            let theirs = matches!(step, Step::Command(_) | Step::Event(Event::CompositorUp { .. }));
            if !theirs {
                world.take(step);
            }
        }
        // 0.1, 1, 2, 4, 8, 16, 30 s: at most seven within a minute, and at most two series of them.
        for (index, from) in world.launches.iter().enumerate() {
            let within = world.launches[index..].iter().filter(|at| **at <= *from + Duration::from_secs(60)).count();
            prop_assert!(within <= 9, "{:?}", world.launches);
        }
    }
}

#[test]
fn a_server_that_comes_back_while_the_browser_waits_for_it_has_its_page_at_once() {
    for down in [
        Event::ServerDown { reason: "refused".into() },
        Event::ServerSilent { reason: "the host name is not known".into() },
    ] {
        let mut world = World::new(settings());
        world.event(Event::CompositorUp { pid: 1 });
        world.event(Event::Attached);
        let opened = |world: &World| world.effects.iter().any(|effect| matches!(effect, Effect::Navigate { .. }));
        while !opened(&world) {
            world.pass(Duration::from_millis(100));
            if world.probing {
                world.event(down.clone());
            }
        }
        // It hangs in its own try; the server is asked on.
        for _ in 0..20 {
            let asked = world.now;
            while !world.probing {
                world.pass(Duration::from_millis(100));
            }
            assert!(world.now - asked <= SECOND, "{down:?}");
            world.event(down.clone());
        }
        world.effects.clear();
        while !world.probing {
            world.pass(Duration::from_millis(100));
        }
        world.event(Event::ServerUp);
        assert!(opened(&world), "{down:?}: {:?}", world.effects);
        world.until_ready();
        assert!(!world.probing, "a page that is up needs no questions");
    }
}

#[test]
fn an_attempt_that_shows_a_page_is_not_repeated() {
    let mut world = World::new(settings());
    world.event(Event::CompositorUp { pid: 1 });
    world.event(Event::Attached);
    world.event(Event::ServerSilent { reason: "no answer".into() });
    while !world.probing {
        world.pass(Duration::from_millis(100));
    }
    world.event(Event::Moved { url: "http://localhost:3000/".into() });
    world.effects.clear();
    world.event(Event::ServerUp);
    assert_eq!(world.effects, []);
    world.until_ready();
}

#[test]
fn where_the_page_wanted_to_go_is_given_up_after_a_time() {
    let mut world = World::ready();
    world.event(Event::Moved { url: "http://localhost:3000/".into() });
    let wanted = || stale_at("http://localhost:3000/next", true);
    world.event(wanted());
    let began = world.now;
    while world.now < began + SECOND * 130 {
        world.pass(Duration::from_millis(500));
        world.event(Event::Alive);
        // The server answers the question, and has an error for the browser.
        if world.probing {
            world.event(Event::ServerUp);
            world.event(wanted());
        }
    }
    world.effects.clear();
    assert_eq!(world.machine.state(), State::Ready);
    for _ in 0..60 {
        world.pass(SECOND);
        world.event(Event::Alive);
        assert!(!world.probing, "it is asked no more");
    }
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Navigate { .. })), "{:?}", world.effects);
}

#[test]
fn messages_are_in_the_language_and_the_words_of_the_configuration() {
    let of = |language: &str, rules: &[TextRule]| {
        let mut world = World::new(Settings { texts: Texts::new(language, rules), ..settings() });
        world.event(Event::CompositorUp { pid: 1 });
        world.machine.message()
    };
    assert_eq!(of("en", &[]), "Waiting for localhost:3000");
    assert_eq!(of("de-DE", &[]), "Warten auf localhost:3000");
    let text = kiosk_core::texts::Text::Waiting;
    let rule = TextRule { language: "*".into(), texts: [(text, "Gleich".to_owned())].into() };
    assert_eq!(of("de-DE", &[rule]), "Gleich");
}

#[test]
fn a_device_without_a_page_starts_nothing_and_says_what_is_missing() {
    let mut world = World::new(Settings { home: Url::none(), ..settings() });
    world.event(Event::CompositorUp { pid: 1 });
    assert_eq!((world.machine.state(), world.machine.message()), (State::Stopped, String::new()));
    assert!(!world.machine.report().overdue);
    assert_eq!(world.machine.deadline(), None, "nothing is waited for");
    for command in [Command::Start, Command::Restart, Command::Home, Command::Reload { hard: false }] {
        let refusal = world.command(command).unwrap_err();
        assert_eq!(refusal, Refusal::NotSetUp);
        assert!(refusal.to_string().contains("shell.url"));
    }
    assert_eq!(world.command(Command::Stop), Ok(()));
    assert!(!world.alive);
}
