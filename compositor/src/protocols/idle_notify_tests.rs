#![allow(clippy::unwrap_used)]

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{Listener, Notifications};

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
    let mut notifications = Notifications::new();
    notifications.add(Ear('a', log.clone()), ms(100), false, ms(1000));
    notifications.add(Ear('b', log.clone()), ms(300), true, ms(1000));
    assert_eq!(notifications.deadline(), Some(ms(1100)));
    notifications.time(ms(1099));
    assert_eq!(heard(&log), "");
    notifications.time(ms(1100));
    notifications.time(ms(1101));
    assert_eq!(heard(&log), "a");
    assert_eq!(notifications.deadline(), Some(ms(1300)));
    assert!(notifications.activity(ms(1200)), "one waits again");
    assert_eq!(heard(&log), "A");
    assert!(!notifications.activity(ms(1250)), "nothing to be set anew");
    assert_eq!(notifications.deadline(), Some(ms(1350)));
    notifications.time(ms(1350));
    notifications.time(ms(1550));
    assert_eq!(heard(&log), "ab");
    assert_eq!(notifications.deadline(), None);
}

#[test]
fn what_keeps_the_screen_on_holds_back_those_that_ask_for_more_than_input() {
    let log = Rc::new(RefCell::new(String::new()));
    let mut notifications = Notifications::new();
    notifications.add(Ear('a', log.clone()), ms(100), false, ms(0));
    notifications.add(Ear('b', log.clone()), ms(100), true, ms(0));
    notifications.time(ms(100));
    assert_eq!(heard(&log), "ab");
    assert!(notifications.inhibit(true, ms(200)));
    assert!(!notifications.inhibit(true, ms(200)));
    assert_eq!(heard(&log), "A");
    assert_eq!(notifications.deadline(), None);
    assert!(notifications.inhibit(false, ms(500)));
    assert_eq!(notifications.deadline(), Some(ms(600)));
    notifications.time(ms(600));
    assert_eq!(heard(&log), "a");
}

#[test]
fn one_that_goes_is_not_told_and_not_counted() {
    let log = Rc::new(RefCell::new(String::new()));
    let mut notifications = Notifications::new();
    let (a, b) = (Ear('a', log.clone()), Ear('b', log.clone()));
    notifications.add(a.clone(), ms(100), false, ms(0));
    notifications.add(b.clone(), ms(u64::from(u32::MAX)), false, ms(0));
    notifications.time(ms(100));
    notifications.remove(&a);
    assert_eq!(heard(&log), "a");
    assert!(!notifications.activity(ms(150)));
    notifications.remove(&b);
    assert_eq!((notifications.deadline(), notifications.list.len(), notifications.idle), (None, 0, 0));
    notifications.add(b, ms(0), false, ms(200));
    notifications.time(ms(200));
    assert_eq!(heard(&log), "b");
}
