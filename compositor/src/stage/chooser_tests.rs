//! Hands and keys on a list, without a screen.

use kiosk_splash::places;

use super::*;

const T: fn(u64) -> Duration = Duration::from_secs;

fn chooser(files: usize, multiple: bool) -> Chooser {
    let file = |number: usize| OfferedFile { name: format!("{number}.jpg"), size: 1 };
    let files = (0..files).map(file).collect();
    let request = api::Chooser { number: 7, multiple, files, unlisted: 0, nothing: Nothing::Empty };
    let mut chooser = Chooser::new(request, T(0), PATIENCE);
    chooser.lay_out(places(640, 400, 1.0));
    assert_eq!(tap(&mut chooser, Target::Row(0)), Outcome::Open, "before it is painted");
    chooser.painted();
    chooser
}

fn hand() -> Hand {
    Hand::Pen("pen".into())
}

fn middle(chooser: &Chooser, target: Target) -> (f64, f64) {
    let area = chooser.places.area(target).unwrap();
    (f64::from(area.x + area.width / 2), f64::from(area.y + area.height / 2))
}

fn tap(chooser: &mut Chooser, target: Target) -> Outcome {
    let at = middle(chooser, target);
    chooser.press(hand(), at);
    chooser.release(&hand())
}

fn names(chooser: &Chooser) -> Vec<String> {
    chooser.view(&Texts::default()).rows.into_iter().map(|row| row.name).collect()
}

#[test]
fn a_touched_file_is_taken_where_one_is_wanted() {
    let mut chooser = chooser(3, false);
    assert_eq!(tap(&mut chooser, Target::Row(2)), Outcome::Chosen(vec![2]));
    assert_eq!(tap(&mut chooser, Target::Cancel), Outcome::Chosen(vec![]));
    assert_eq!(tap(&mut chooser, Target::Row(3)), Outcome::Open, "there is none");
    assert_eq!(tap(&mut chooser, Target::Take), Outcome::Open, "there is no such button");
}

#[test]
fn several_are_marked_over_all_pages_and_taken_together() {
    let mut chooser = chooser(30, true);
    let rows = chooser.rows();
    assert!((2..12).contains(&rows));
    assert_eq!(tap(&mut chooser, Target::Row(1)), Outcome::Open);
    assert_eq!(tap(&mut chooser, Target::Row(0)), Outcome::Open);
    assert_eq!(tap(&mut chooser, Target::Row(0)), Outcome::Open, "and not, after all");
    assert_eq!(tap(&mut chooser, Target::Forward), Outcome::Open);
    assert_eq!(names(&chooser)[0], format!("{rows}.jpg"));
    tap(&mut chooser, Target::Row(0));
    assert_eq!(chooser.view(&Texts::default()).take, "Take 2");
    assert_eq!(tap(&mut chooser, Target::Take), Outcome::Chosen(vec![1, rows as u32]));
}

#[test]
fn a_finger_that_slides_off_takes_nothing_and_one_that_pushes_turns_the_page() {
    let mut chooser = chooser(30, false);
    let (first, next) = (middle(&chooser, Target::Row(0)), middle(&chooser, Target::Row(1)));
    chooser.press(hand(), first);
    chooser.moved(&hand(), (first.0, first.1 + 20.0 + (next.1 - first.1) / 2.0));
    assert_eq!(chooser.release(&hand()), Outcome::Open);
    assert_eq!(names(&chooser)[0], "0.jpg");
    chooser.press(hand(), next);
    chooser.moved(&hand(), (next.0, next.1 - 90.0));
    assert_eq!(chooser.release(&hand()), Outcome::Open);
    assert_eq!(names(&chooser)[0], format!("{}.jpg", chooser.rows()), "pushed up");
    chooser.press(hand(), first);
    chooser.moved(&hand(), (first.0, first.1 + 90.0));
    chooser.release(&hand());
    assert_eq!(names(&chooser)[0], "0.jpg", "pushed down");
    chooser.scroll(15.0);
    assert_ne!(names(&chooser)[0], "0.jpg");
    chooser.scroll(-10.0);
    chooser.scroll(-5.0);
    assert_eq!(names(&chooser)[0], "0.jpg");
}

#[test]
fn one_hand_s_end_is_not_another_s() {
    let mut chooser = chooser(3, false);
    let at = middle(&chooser, Target::Row(0));
    let finger = |slot: u32| Hand::Finger("panel".into(), Some(slot).into());
    chooser.press(finger(0), at);
    chooser.press(finger(1), (0.0, 0.0));
    assert_eq!(chooser.release(&finger(0)), Outcome::Open, "the later one counts");
    assert_eq!(chooser.release(&finger(1)), Outcome::Open);
    chooser.press(finger(0), at);
    chooser.let_go();
    assert_eq!(chooser.release(&finger(0)), Outcome::Open);
    chooser.press(finger(0), at);
    // The screen is rotated under the finger.
    chooser.lay_out(places(400, 640, 1.0));
    assert_eq!(chooser.release(&finger(0)), Outcome::Open);
}

#[test]
fn keys_go_through_the_files_of_all_pages_to_the_buttons() {
    let mut chooser = chooser(7, true);
    assert_eq!(chooser.key(Key::Enter), Outcome::Open, "a scanner's, say");
    for _ in 0..7 {
        chooser.key(Key::Down);
    }
    chooser.key(Key::Enter);
    assert!(chooser.marked.contains(&6), "{:?}", chooser.marked);
    chooser.key(Key::Up);
    chooser.key(Key::Enter);
    for _ in 0..9 {
        chooser.key(Key::Down);
    }
    assert_eq!(chooser.focus, Some(Target::Take));
    assert_eq!(chooser.key(Key::Enter), Outcome::Chosen(vec![5, 6]));
    chooser.key(Key::Up);
    assert_eq!(chooser.key(Key::Enter), Outcome::Chosen(vec![]), "the button to cancel");
    for _ in 0..20 {
        chooser.key(Key::Up);
    }
    assert_eq!((chooser.focus, names(&chooser)[0].as_str()), (Some(Target::Row(0)), "0.jpg"));
    chooser.key(Key::Forward);
    assert_ne!(names(&chooser)[0], "0.jpg");
    chooser.key(Key::Back);
    assert_eq!(chooser.key(Key::Escape), Outcome::Chosen(vec![]));
}

#[test]
fn a_list_of_nothing_says_why_and_can_be_left() {
    for (nothing, words) in [
        (Nothing::Empty, "Hier sind keine Dateien."),
        (Nothing::OfNoKind, "Hier sind Dateien, aber keine von der Art, die die Seite annimmt."),
        (Nothing::NotThere, "Kein Laufwerk gefunden. Bitte abbrechen, eines anschließen und erneut versuchen."),
    ] {
        let mut chooser = chooser(0, false);
        chooser.request.nothing = nothing;
        let view = chooser.view(&Texts::new("de", &[]));
        assert_eq!((view.nothing.as_str(), view.turns, view.page.as_str()), (words, [false; 2], ""));
        chooser.key(Key::Down);
        assert_eq!(chooser.key(Key::Enter), Outcome::Chosen(vec![]));
    }
}

#[test]
fn the_last_page_says_how_many_files_are_not_listed() {
    let mut chooser = chooser(12, false);
    chooser.request.unlisted = 5;
    let page = |chooser: &Chooser| chooser.view(&Texts::default()).page;
    assert!(page(&chooser).starts_with("Page 1 of "), "{}", page(&chooser));
    (0..12).for_each(|_| drop(chooser.key(Key::Forward)));
    assert_eq!(page(&chooser), "5 older files are not listed");
}

#[test]
fn input_during_the_countdown_starts_the_time_anew() {
    let mut chooser = chooser(1, false);
    assert_eq!(chooser.deadline(), PATIENCE);
    chooser.used(T(50));
    assert_eq!(chooser.deadline(), T(50) + PATIENCE);
}

#[test]
fn without_room_nothing_fails_and_sizes_are_whole() {
    for (width, height) in [(0, 0), (1, 1), (30, 30), (5000, 20)] {
        let mut chooser = chooser(30, true);
        chooser.lay_out(places(width, height, 1.0));
        chooser.press(hand(), (5.0, 5.0));
        chooser.release(&hand());
        for key in [Key::Down, Key::Enter, Key::Forward, Key::Up] {
            chooser.key(key);
        }
        assert!(chooser.view(&Texts::default()).rows.len() <= chooser.rows());
    }
    let sizes = [0, 999, 1_000, 1_001, 2_400_000, u64::MAX].map(size);
    assert_eq!(sizes, ["0 B", "999 B", "1 kB", "2 kB", "3 MB", "18446745 TB"]);
}
