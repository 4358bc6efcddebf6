#![allow(clippy::unwrap_used)]

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{Listener, Wishes};

/// Records its events.
#[derive(Debug, Clone)]
struct Ear(char, Rc<RefCell<String>>);

impl PartialEq for Ear {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Listener for Ear {
    fn idled(&self) {
        self.1.borrow_mut().push(self.0);
    }
    fn resumed(&self) {
        self.1.borrow_mut().push(self.0.to_ascii_uppercase());
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn heard(log: &Rc<RefCell<String>>) -> String {
    std::mem::take(&mut *log.borrow_mut())
}

#[test]
fn each_is_told_once_when_its_time_has_come_and_again_when_somebody_is_there() {
    let log = Rc::new(RefCell::new(String::new()));
    let mut wishes = Wishes::new();
    wishes.add(Ear('a', log.clone()), ms(100), false, ms(1000));
    wishes.add(Ear('b', log.clone()), ms(300), true, ms(1000));
    assert_eq!(wishes.deadline(), Some(ms(1100)));
    wishes.time(ms(1099));
    assert_eq!(heard(&log), "");
    wishes.time(ms(1100));
    wishes.time(ms(1101));
    assert_eq!(heard(&log), "a");
    assert_eq!(wishes.deadline(), Some(ms(1300)));
    assert!(wishes.activity(ms(1200)), "one waits again");
    assert_eq!(heard(&log), "A");
    assert!(!wishes.activity(ms(1250)), "nothing to be set anew");
    assert_eq!(wishes.deadline(), Some(ms(1350)));
    wishes.time(ms(1350));
    wishes.time(ms(1550));
    assert_eq!(heard(&log), "ab");
    assert_eq!(wishes.deadline(), None);
}

#[test]
fn what_keeps_the_screen_on_holds_back_those_that_ask_for_more_than_input() {
    let log = Rc::new(RefCell::new(String::new()));
    let mut wishes = Wishes::new();
    wishes.add(Ear('a', log.clone()), ms(100), false, ms(0));
    wishes.add(Ear('b', log.clone()), ms(100), true, ms(0));
    wishes.time(ms(100));
    assert_eq!(heard(&log), "ab");
    assert!(wishes.inhibit(true, ms(200)));
    assert!(!wishes.inhibit(true, ms(200)));
    assert_eq!(heard(&log), "A");
    assert_eq!(wishes.deadline(), None);
    assert!(wishes.inhibit(false, ms(500)));
    assert_eq!(wishes.deadline(), Some(ms(600)));
    wishes.time(ms(600));
    assert_eq!(heard(&log), "a");
}

#[test]
fn one_that_goes_is_not_told_and_not_counted() {
    let log = Rc::new(RefCell::new(String::new()));
    let mut wishes = Wishes::new();
    let (a, b) = (Ear('a', log.clone()), Ear('b', log.clone()));
    wishes.add(a.clone(), ms(100), false, ms(0));
    wishes.add(b.clone(), ms(u64::from(u32::MAX)), false, ms(0));
    wishes.time(ms(100));
    wishes.remove(&a);
    assert_eq!(heard(&log), "a");
    assert!(!wishes.activity(ms(150)));
    wishes.remove(&b);
    assert_eq!((wishes.deadline(), wishes.list.len(), wishes.idle), (None, 0, 0));
    wishes.add(b, ms(0), false, ms(200));
    wishes.time(ms(200));
    assert_eq!(heard(&log), "b");
}
