//! When a code is on the screen, how often it may be missed, and who of several operators has it. Fed with moments and with
//! what operators prove; says what the screen is to show. No I/O, no clock.

use std::time::Duration;

use kiosk_enrolment::{Binding, Proof, Refusal, Secret, Side};

/// How long a code lives.
pub const LIFE: Duration = Duration::from_secs(600);
/// Wrong proofs until there is another code.
pub const TRIES: u32 = 5;
/// Before the next code when the tries of one are used up: whoever floods the device does not also keep it busy with codes.
const PAUSE: Duration = Duration::from_secs(10);

/// What happens with the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// As it is.
    Stays,
    /// A new code is wanted; [`Machine::shown`] says when it is there.
    Shows,
    /// The code goes.
    Clears,
}

/// Where it stands.
#[derive(Debug)]
enum Phase {
    Off,
    /// A code is wanted, and not there yet.
    Wanted,
    Shown(Shown),
    /// The tries are used up; until then there is no code.
    Pause(Duration),
}

#[derive(Debug)]
struct Shown {
    secret: Secret,
    until: Duration,
    left: u32,
    /// The conversation that has proven it.
    by: Option<u64>,
}

/// Of one device. Moments are of a monotonic clock that goes on while the device sleeps.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    /// Goes on with new codes until somebody has used one: the device has no certificate.
    standing: bool,
}

impl Machine {
    /// Off.
    pub fn new() -> Self {
        Machine { phase: Phase::Off, standing: false }
    }

    /// Whether anybody gets as far as to say a code.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Shown(_))
    }

    /// Whether nothing goes on.
    pub fn is_off(&self) -> bool {
        matches!(self.phase, Phase::Off)
    }

    /// A code is asked for; one that is there goes. `standing`: until one was used.
    pub fn start(&mut self, standing: bool) -> Screen {
        self.standing = standing;
        self.phase = Phase::Wanted;
        Screen::Shows
    }

    /// No code any more.
    pub fn stop(&mut self) -> Screen {
        match std::mem::replace(&mut self.phase, Phase::Off) {
            Phase::Shown(_) => Screen::Clears,
            _ => Screen::Stays,
        }
    }

    /// The screen is gone, and the code with it: where codes go on, another one is wanted.
    pub fn lost(&mut self) {
        self.phase = if self.standing { Phase::Wanted } else { Phase::Off };
    }

    /// Whether a code is wanted that could not be shown.
    pub fn waits(&self) -> bool {
        matches!(self.phase, Phase::Wanted)
    }

    /// The code is on the screen.
    pub fn shown(&mut self, secret: Secret, now: Duration) {
        if matches!(self.phase, Phase::Wanted) {
            self.phase = Phase::Shown(Shown { secret, until: now + LIFE, left: TRIES, by: None });
        }
    }

    /// When [`Machine::tick`] is due; `None`: not by itself.
    pub fn next(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Shown(shown) => Some(shown.until),
            Phase::Pause(until) => Some(*until),
            _ => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Screen {
        if self.next().is_none_or(|due| now < due) {
            return Screen::Stays;
        }
        if self.standing || matches!(self.phase, Phase::Pause(_)) {
            self.phase = Phase::Wanted;
            return Screen::Shows;
        }
        // The screen has the same time and clears itself, but while the device sleeps that stands still.
        self.phase = Phase::Off;
        Screen::Clears
    }

    /// What somebody proves: the device's own proof, or why not.
    pub fn prove(
        &mut self,
        conversation: u64,
        proof: &Proof,
        binding: &Binding,
        now: Duration,
    ) -> (Result<Proof, Refusal>, Screen) {
        let Phase::Shown(shown) = &mut self.phase else { return (Err(Refusal::NoCode), Screen::Stays) };
        if now >= shown.until {
            return (Err(Refusal::NoCode), Screen::Stays);
        }
        if shown.secret.accepts(Side::Operator, binding, proof) {
            if shown.by.is_some() {
                return (Err(Refusal::Busy), Screen::Stays);
            }
            shown.by = Some(conversation);
            return (Ok(shown.secret.proof(Side::Device, binding)), Screen::Stays);
        }
        shown.left = shown.left.saturating_sub(1);
        let left = shown.left;
        // Who has proven the code is not thrown out by others who have not.
        if left == 0 && shown.by.is_none() {
            self.phase = Phase::Pause(now + PAUSE);
            return (Err(Refusal::WrongCode { left }), Screen::Clears);
        }
        (Err(Refusal::WrongCode { left }), Screen::Stays)
    }

    /// A conversation has ended without an end: the code may be used again, where it lives still.
    pub fn release(&mut self, conversation: u64, now: Duration) -> Screen {
        let Phase::Shown(shown) = &mut self.phase else { return Screen::Stays };
        if shown.by != Some(conversation) {
            return Screen::Stays;
        }
        shown.by = None;
        if shown.left == 0 {
            self.phase = Phase::Pause(now + PAUSE);
            return Screen::Clears;
        }
        Screen::Stays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding = [3; 32];
    const START: Duration = Duration::from_secs(1000);

    fn secret() -> Secret {
        Secret::of(&"K7WM-3PXA-9QTD".parse().unwrap())
    }

    fn open(standing: bool) -> Machine {
        let mut machine = Machine::new();
        assert_eq!(machine.start(standing), Screen::Shows);
        assert!(!machine.is_open(), "not before it is on the screen");
        machine.shown(secret(), START);
        machine
    }

    #[test]
    fn a_code_is_missed_five_times_and_then_it_is_another() {
        let mut machine = open(false);
        let right = secret().proof(Side::Operator, &BINDING);
        for left in [4, 3, 2, 1] {
            let told = machine.prove(1, &[0; 32], &BINDING, START);
            assert_eq!(told, (Err(Refusal::WrongCode { left }), Screen::Stays));
        }
        assert_eq!(machine.prove(1, &[0; 32], &BINDING, START).1, Screen::Clears);
        assert_eq!(machine.prove(1, &right, &BINDING, START).0, Err(Refusal::NoCode), "the right one comes too late");
        assert_eq!(machine.tick(START + PAUSE / 2), Screen::Stays);
        assert_eq!(machine.tick(START + PAUSE), Screen::Shows);
        assert!(!machine.is_open());
        machine.shown(secret(), START + PAUSE);
        assert!(machine.prove(1, &right, &BINDING, START + PAUSE).0.is_ok());
    }

    #[test]
    fn a_code_lives_ten_minutes() {
        let right = secret().proof(Side::Operator, &BINDING);
        for standing in [false, true] {
            let mut machine = open(standing);
            assert_eq!(machine.next(), Some(START + LIFE));
            assert_eq!(machine.tick(START + LIFE - Duration::from_secs(1)), Screen::Stays);
            // Even where the tick is late.
            assert_eq!(machine.prove(1, &right, &BINDING, START + LIFE).0, Err(Refusal::NoCode));
            assert_eq!(machine.tick(START + LIFE), if standing { Screen::Shows } else { Screen::Clears });
            assert!(!machine.is_open() && machine.is_off() != standing);
        }
    }

    #[test]
    fn one_operator_at_a_time_has_the_code() {
        let mut machine = open(false);
        let (right, other) = (secret().proof(Side::Operator, &BINDING), [9; 32]);
        let there = secret().proof(Side::Operator, &other);
        assert_eq!(machine.prove(1, &right, &BINDING, START).0, Ok(secret().proof(Side::Device, &BINDING)));
        assert_eq!(machine.prove(2, &there, &other, START).0, Err(Refusal::Busy));
        for _ in 0..9 {
            assert_eq!(machine.prove(3, &[0; 32], &other, START).1, Screen::Stays, "he who has it is not thrown out");
        }
        assert_eq!(machine.release(2, START), Screen::Stays, "it is not his");
        // He gave up; the tries were used up meanwhile.
        assert_eq!(machine.release(1, START), Screen::Clears);
        let mut machine = open(false);
        assert!(machine.prove(1, &right, &BINDING, START).0.is_ok());
        assert_eq!(machine.release(1, START), Screen::Stays);
        assert!(machine.prove(2, &there, &other, START).0.is_ok());
        assert_eq!(machine.stop(), Screen::Clears);
        assert!(machine.is_off() && machine.next().is_none());
    }
}
