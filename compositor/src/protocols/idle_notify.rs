//! ext-idle-notify: clients are notified after their chosen time without input.
//!
//! WORKAROUND(smithay:idle-timers): smithay has a timer for each notification, and each movement of the mouse removes
//! all of them from a heap and inserts them again: with a thousand notifications of one client each movement costs a
//! million steps. Here a movement only stores the time, and one timer serves all, which is armed again if it fires too
//! early.

use std::time::Duration;

use smithay::reexports::{
    wayland_protocols::ext::idle_notify::v1::server::{
        ext_idle_notification_v1::{self, ExtIdleNotificationV1},
        ext_idle_notifier_v1::{self, ExtIdleNotifierV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, backend::ClientId},
};

use crate::{
    deadline_timer::DeadlineTimer,
    kiosk::Kiosk,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 2;

/// Shortest timeout: with less, each movement would notify each client.
const MIN_TIMEOUT: Duration = Duration::from_millis(50);

/// Receives the events.
trait Listener: PartialEq {
    fn idled(&self);
    fn resumed(&self);
}

impl Listener for ExtIdleNotificationV1 {
    fn idled(&self) {
        self.idled();
    }
    fn resumed(&self) {
        self.resumed();
    }
}

/// One notification object of a client.
#[derive(Debug)]
struct Notification<L> {
    listener: L,
    timeout: Duration,
    /// Start of the timeout, if there was no input since.
    since: Duration,
    /// Whether it ignores idle inhibitors.
    input_only: bool,
    idle: bool,
}

/// All notifications, and the time of the last input. Times are monotonic.
#[derive(Debug)]
struct Notifications<L> {
    list: Vec<Notification<L>>,
    active_at: Duration,
    /// Whether an idle inhibitor is active.
    inhibited: bool,
    /// When the last inhibitor ended.
    inhibited_until: Duration,
    /// Number of notifications in the idle state.
    idle: usize,
}

impl<L: Listener> Notifications<L> {
    fn new() -> Self {
        Self { list: Vec::new(), active_at: Duration::ZERO, inhibited: false, inhibited_until: Duration::ZERO, idle: 0 }
    }

    fn add(&mut self, listener: L, timeout: Duration, input_only: bool, now: Duration) {
        self.list.push(Notification { listener, timeout, since: now, input_only, idle: false });
    }

    fn remove(&mut self, listener: &L) {
        if let Some(index) = self.list.iter().position(|notification| notification.listener == *listener) {
            let gone = self.list.swap_remove(index);
            self.idle -= usize::from(gone.idle);
        }
    }

    /// Handles input. Returns whether a notification left the idle state.
    fn activity(&mut self, now: Duration) -> bool {
        self.active_at = now;
        self.resume(|_| true)
    }

    fn inhibit(&mut self, inhibited: bool, now: Duration) -> bool {
        if self.inhibited == inhibited {
            return false;
        }
        self.inhibited = inhibited;
        if inhibited {
            return self.resume(|notification| !notification.input_only);
        }
        self.inhibited_until = now;
        true
    }

    fn resume(&mut self, which: impl Fn(&Notification<L>) -> bool) -> bool {
        if self.idle == 0 {
            return false;
        }
        let mut any = false;
        for notification in self.list.iter_mut().filter(|notification| notification.idle && which(notification)) {
            notification.idle = false;
            notification.listener.resumed();
            self.idle -= 1;
            any = true;
        }
        any
    }

    /// When a notification becomes idle, if there is no input until then.
    fn due(&self, notification: &Notification<L>) -> Option<Duration> {
        if notification.idle || (self.inhibited && !notification.input_only) {
            return None;
        }
        let inhibited_until = if notification.input_only { Duration::ZERO } else { self.inhibited_until };
        Some(notification.since.max(self.active_at).max(inhibited_until).saturating_add(notification.timeout))
    }

    fn deadline(&self) -> Option<Duration> {
        self.list.iter().filter_map(|notification| self.due(notification)).min()
    }

    /// Sends `idled` to those whose timeout has passed.
    fn time(&mut self, now: Duration) {
        for index in 0..self.list.len() {
            let is_due =
                self.list.get(index).and_then(|notification| self.due(notification)).is_some_and(|due| due <= now);
            if is_due && let Some(notification) = self.list.get_mut(index) {
                notification.idle = true;
                self.idle += 1;
                notification.listener.idled();
            }
        }
    }
}

/// The state of the protocol.
pub struct IdleNotifier {
    notifications: Notifications<ExtIdleNotificationV1>,
    /// For the next notification that becomes idle.
    pub timer: DeadlineTimer,
}

impl IdleNotifier {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ExtIdleNotifierV1, ()>(VERSION, ());
        Self { notifications: Notifications::new(), timer: DeadlineTimer::default() }
    }

    /// When the next notification becomes idle, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.notifications.deadline()
    }

    /// Sends `idled` to those whose timeout has passed.
    pub fn time(&mut self, now: Duration) {
        self.notifications.time(now);
    }
}

impl Kiosk {
    /// Handles input.
    pub fn tell_activity(&mut self) {
        let now = self.now();
        if self.protocols.idle_notifier.notifications.activity(now) {
            self.arm_idle_notifier();
        }
    }

    /// An idle inhibitor became active, or the last one ended.
    pub fn tell_inhibited(&mut self, inhibited: bool) {
        let now = self.now();
        if self.protocols.idle_notifier.notifications.inhibit(inhibited, now) {
            self.arm_idle_notifier();
        }
    }
}

impl Dispatch<ExtIdleNotifierV1, (), Kiosk> for IdleNotifier {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ExtIdleNotifierV1,
        request: ext_idle_notifier_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let (id, timeout, input_only) = match request {
            ext_idle_notifier_v1::Request::GetIdleNotification { id, timeout, .. } => (id, timeout, false),
            ext_idle_notifier_v1::Request::GetInputIdleNotification { id, timeout, .. } => (id, timeout, true),
            _ => return,
        };
        let listener = init.init(id, ());
        let now = kiosk.now();
        let timeout = Duration::from_millis(timeout.into()).max(MIN_TIMEOUT);
        kiosk.protocols.idle_notifier.notifications.add(listener, timeout, input_only, now);
        kiosk.arm_idle_notifier();
    }
}

impl Dispatch<ExtIdleNotificationV1, (), Kiosk> for IdleNotifier {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ExtIdleNotificationV1,
        _: ext_idle_notification_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ExtIdleNotificationV1, (): &()) {
        kiosk.protocols.idle_notifier.notifications.remove(resource);
    }
}

plain! {
    ExtIdleNotifierV1 => IdleNotifier;
}
objects! {
    ExtIdleNotifierV1, () => IdleNotifier;
    ExtIdleNotificationV1, () => IdleNotifier;
}

#[cfg(test)]
#[path = "idle_notify_tests.rs"]
mod tests;
