use super::*;
use crate::keyboard::{field::Purpose, keymap::Names};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn board(layout: &str) -> Board {
    let mut board = Board::new(Keymap::compile(&Names { rules: "", model: "", layout, variant: "", options: "" }));
    board.resize(1000, 400);
    board.set_field(Field::default(), true);
    board
}

fn centre(area: Rect) -> (f64, f64) {
    (f64::from(area.x + area.w / 2), f64::from(area.y + area.h / 2))
}

fn find(board: &Board, wanted: impl Fn(Cap) -> bool) -> (f64, f64) {
    centre(board.cells().iter().find(|cell| wanted(cell.key.cap)).expect("the key is there").area)
}

fn letter(board: &Board, c: char) -> (f64, f64) {
    find(board, |cap| board.character(cap) == Some(c))
}

fn tap(board: &mut Board, at: (f64, f64), now: Duration) -> Vec<Typed> {
    let mut typed = board.down(1, at, now);
    typed.extend(board.up(1, now + MS));
    typed
}

#[test]
fn lifting_types_and_sliding_off_does_not() {
    let mut board = board("de");
    let (u, p) = (letter(&board, 'ü'), letter(&board, 'p'));
    assert_eq!(tap(&mut board, u, MS), [Typed::Char('ü')]);
    assert!(board.down(1, u, MS).is_empty());
    assert_eq!(board.pressed().count(), 1);
    board.motion(1, (p.0 - 200.0, p.1));
    assert_eq!(board.pressed().count(), 0);
    assert_eq!(board.up(1, MS * 9), None);
}

#[test]
fn a_second_finger_types_what_the_first_is_on() {
    let mut board = board("us");
    let (a, b) = (letter(&board, 'a'), letter(&board, 'b'));
    assert!(board.down(1, a, MS).is_empty());
    assert_eq!(board.down(2, b, MS), [Typed::Char('a')]);
    assert_eq!(board.up(1, MS * 2), None, "it is typed already");
    assert_eq!(board.up(2, MS * 3), Some(Typed::Char('b')));
}

#[test]
fn shift_is_for_one_letter_and_twice_for_all() {
    let mut board = board("us");
    let shift = find(&board, |cap| cap == Cap::Shift);
    let a = letter(&board, 'a');
    tap(&mut board, shift, Duration::from_secs(1));
    assert_eq!(tap(&mut board, a, Duration::from_secs(2)), [Typed::Char('A')]);
    assert_eq!(tap(&mut board, a, Duration::from_secs(3)), [Typed::Char('a')]);
    tap(&mut board, shift, Duration::from_secs(4));
    tap(&mut board, shift, Duration::from_secs(4) + 100 * MS);
    for second in 5..8 {
        assert_eq!(tap(&mut board, a, Duration::from_secs(second)), [Typed::Char('A')]);
    }
    tap(&mut board, shift, Duration::from_secs(9));
    assert_eq!(tap(&mut board, a, Duration::from_secs(10)), [Typed::Char('a')]);
}

#[test]
fn a_long_touch_offers_accents_of_which_sliding_chooses() {
    let mut board = board("us");
    let e = letter(&board, 'e');
    board.down(1, e, MS);
    assert_eq!(board.deadline(), Some(MS + LONG));
    assert!(board.tick(LONG).is_empty() && board.offer().is_none(), "too early");
    assert!(board.tick(MS + LONG).is_empty());
    let offer = board.offer().expect("accents").clone();
    assert_eq!(offer.cells.iter().map(|(_, c)| *c).collect::<String>(), "éèêëęě€");
    board.motion(1, centre(offer.cells[1].0));
    assert_eq!(board.up(1, LONG * 2), Some(Typed::Char('è')));
    board.down(1, e, LONG * 3);
    board.tick(LONG * 4);
    board.motion(1, (e.0, e.1 + 300.0));
    assert_eq!(board.up(1, LONG * 5), None, "away from it");
    assert!(board.offer().is_none() && board.deadline().is_none());
}

#[test]
fn backspace_repeats_until_it_is_left() {
    let mut board = board("us");
    let at = find(&board, |cap| cap == Cap::Backspace);
    assert_eq!(board.down(1, at, MS), [Typed::Backspace]);
    let mut count = 0;
    for _ in 0..5 {
        let due = board.deadline().expect("it repeats");
        count += board.tick(due).len();
    }
    assert_eq!(count, 5);
    assert_eq!(board.up(1, Duration::from_secs(2)), None);
    assert_eq!(board.deadline(), None);
}

#[test]
fn one_key_goes_through_the_layouts() {
    let mut board = board("us,de,ru");
    for wanted in [1, 2, 0] {
        let at = find(&board, |cap| cap == Cap::NextLayout);
        assert_eq!(tap(&mut board, at, MS), [Typed::Layout(wanted)]);
    }
}

#[test]
fn fields_begin_with_the_keys_they_want() {
    let mut board = board("us");
    board.set_field(Field { purpose: Purpose::Pin, secret: true, ..Field::default() }, true);
    assert!(board.cells().iter().all(|cell| !matches!(cell.key.cap, Cap::Letter(..))));
    board.set_field(Field { purpose: Purpose::Email, ..Field::default() }, true);
    letter(&board, '@');
    board.set_field(Field { capitals: true, sentence_start: true, ..Field::default() }, true);
    assert_eq!(board.shift(), Shift::Once);
}

#[test]
fn a_sentence_begins_with_one_capital_and_shift_can_be_switched_off_there() {
    let begins = Field { capitals: true, sentence_start: true, ..Field::default() };
    let mut board = board("us");
    board.set_field(begins, true);
    let at = find(&board, |cap| matches!(cap, Cap::Letter('a', _)));
    assert_eq!(tap(&mut board, at, MS), [Typed::Char('A')]);
    // The client has not reported the letter yet.
    board.set_field(begins, false);
    assert_eq!(board.shift(), Shift::Off);
    board.set_field(Field { sentence_start: false, ..begins }, false);
    board.set_field(begins, false);
    assert_eq!(board.shift(), Shift::Once, "the next sentence");
    let shift = find(&board, |cap| cap == Cap::Shift);
    while board.shift() != Shift::Off {
        tap(&mut board, shift, MS);
    }
    board.set_field(begins, false);
    assert_eq!(board.shift(), Shift::Off);
}

proptest! {
    /// After any events, no key is pressed and no timer is needed once all fingers are lifted.
    #[test]
    fn removed_touch_points_leave_no_pressed_key(
        acts in proptest::collection::vec((0u64..4, 0u8..5, 0.0..1000.0f64, -100.0..500.0f64), 0..80)
    ) {
        let mut board = board("us,de");
        let mut now = MS;
        for (finger, act, x, y) in acts {
            now += 97 * MS;
            match act {
                0 | 1 => drop(board.down(finger, (x, y), now)),
                2 => board.motion(finger, (x, y)),
                3 => drop(board.up(finger, now)),
                _ => drop(board.tick(now)),
            }
        }
        for finger in 0..4 {
            board.up(finger, now);
        }
        prop_assert_eq!(board.pressed().count(), 0);
        prop_assert!(board.deadline().is_none() && board.offer().is_none());
        prop_assert!(!board.cells().is_empty());
    }
}
