//! Why a screen is off, as a phrase for people: the same in `status`, on D-Bus and in the log.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kiosk_core::{config::syntax::duration_text, day_clock::clock_is_set};

use super::Cause;

/// Within this time the weekday alone identifies a day.
const A_WEEK: SignedDuration = SignedDuration::from_hours(6 * 24);

/// Why a screen is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The cause.
    pub cause: Cause,
    /// Since when, wall clock.
    pub since: Timestamp,
    /// The schedule's next edge.
    pub edge: Option<Timestamp>,
    /// `idle.screen-off`.
    pub idle_after: Option<Duration>,
}

impl Reason {
    /// One phrase, such as `off by schedule until Mon 07:00`, with local times of this zone.
    pub fn text(&self, zone: &TimeZone) -> String {
        // Without a set clock the time is left out.
        let since = clock_is_set(self.since).then(|| format!(" at {}", on_the_wall(self.since, self.since, zone)));
        let since = since.unwrap_or_default();
        match (self.cause, self.edge) {
            (Cause::Policy, _) => "off by the configuration or the kept setting of output power".into(),
            (Cause::Command, _) => format!("switched off by command{since}"),
            (Cause::Page, _) => format!("switched off by the page{since}"),
            (Cause::Schedule, Some(edge)) => format!("off by schedule until {}", on_the_wall(edge, self.since, zone)),
            (Cause::Schedule, None) => "off by schedule".into(),
            (Cause::Idle, _) => format!("off{since}: no input for {}", duration_text(self.idle_after)),
        }
    }
}

/// Local weekday and time of a moment; with the date where the weekday is ambiguous, seen from `from`.
pub fn on_the_wall(moment: Timestamp, from: Timestamp, zone: &TimeZone) -> String {
    let format = if moment.duration_since(from) < A_WEEK { "%a %H:%M" } else { "%a %-d %b %H:%M" };
    moment.to_zoned(zone.clone()).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_reason_names_the_cause_and_the_time() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |day, hour| date(2026, 6, day).at(hour, 30, 0, 0).to_zoned(zone.clone()).unwrap().timestamp();
        let reason = |cause| Reason {
            cause,
            since: at(12, 22),
            edge: Some(at(15, 7)),
            idle_after: Some(Duration::from_secs(600)),
        };
        assert_eq!(reason(Cause::Policy).text(&zone), "off by the configuration or the kept setting of output power");
        assert_eq!(reason(Cause::Command).text(&zone), "switched off by command at Fri 22:30");
        assert_eq!(reason(Cause::Page).text(&zone), "switched off by the page at Fri 22:30");
        assert_eq!(reason(Cause::Schedule).text(&zone), "off by schedule until Mon 07:30");
        assert_eq!(reason(Cause::Idle).text(&zone), "off at Fri 22:30: no input for 10m");
        let far = Reason { edge: Some(at(20, 7)), ..reason(Cause::Schedule) };
        assert_eq!(far.text(&zone), "off by schedule until Sat 20 Jun 07:30");
        let never = Reason { edge: None, ..far };
        assert_eq!(never.text(&zone), "off by schedule");
    }

    #[test]
    fn an_unset_clock_is_not_shown_in_a_reason() {
        let reason = Reason { cause: Cause::Command, since: Timestamp::UNIX_EPOCH, edge: None, idle_after: None };
        assert_eq!(reason.text(&TimeZone::UTC), "switched off by command");
    }
}
