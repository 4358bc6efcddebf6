//! The content of the pairing and welcome screen at a moment: the request, the device's own addresses where no URL was
//! given, and the time left. No I/O and no timer: the root asks [`PairingScreen::view`] and
//! [`PairingScreen::next_change`].

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::time::Duration;

use kiosk_core::texts::{Text, Texts};
use kiosk_splash::{Pairing, wifi_code};

use crate::network::{Network, in_url};

/// Longest URL, bytes: what fits into a QR code on a small screen.
pub const MAX_URL: usize = 500;
/// Longest code, characters: one line.
pub const MAX_CODE: usize = 32;
/// Longest name of a network, bytes (IEEE 802.11, section 9.4.2.2).
pub const MAX_SSID: usize = 32;
/// Longest password, characters (WPA3).
pub const MAX_PASSWORD: usize = 128;
/// Most addresses listed besides the QR code's.
const MAX_LISTED: usize = 2;
/// How often the device's addresses are read while they are shown: networks may come up late.
pub const LOOK: Duration = Duration::from_secs(3);
/// Below this the time left is shown in seconds.
const COUNTED: Duration = Duration::from_secs(60);

/// A Wi-Fi network to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {
    /// 1 to [`MAX_SSID`] bytes.
    pub name: String,
    /// Empty: an open network.
    pub password: String,
}

/// A request for the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairingRequest {
    /// Empty: the built-in text.
    pub title: String,
    /// `None`: the device's own address.
    pub url: Option<String>,
    /// Empty: none.
    pub code: String,
    /// How long it is shown; `None`: until it is dismissed.
    pub expires: Option<Duration>,
    /// A network, for a second QR code.
    pub wifi: Option<Wifi>,
    /// Template of the device's own URL; `{address}` is filled in. Empty: that of the configuration.
    pub template: String,
}

/// The screen while it is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingScreen {
    request: PairingRequest,
    /// Monotonic.
    until: Option<Duration>,
}

impl PairingScreen {
    /// Shown from `now` on.
    pub fn new(request: PairingRequest, now: Duration) -> Self {
        let until = request.expires.map(|time| now + time);
        Self { request, until }
    }

    /// Whether it has expired.
    pub fn is_over(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it shows the device's own addresses.
    pub fn shows_network(&self) -> bool {
        self.request.url.is_none()
    }

    /// When its content may change or it expires, monotonic; `None`: never.
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        let look = self.shows_network().then(|| now + LOOK);
        let left = self.until.map(|until| {
            let left = until.saturating_sub(now);
            let step = if left <= COUNTED { 1 } else { 60 };
            // The time is rounded up, so the text changes at whole steps.
            let whole = u64::from(left.subsec_nanos() > 0) + left.as_secs();
            let next =
                (whole.div_ceil(step).saturating_sub(1) * step).max(if step == 60 { COUNTED.as_secs() } else { 0 });
            until - Duration::from_secs(next)
        });
        [look, left].into_iter().flatten().min()
    }

    /// The URL of the first QR code; empty: there is no address.
    pub fn url(&self, network: &Network) -> String {
        match (&self.request.url, network.addresses.first()) {
            (Some(url), _) => url.clone(),
            (None, Some(address)) => filled(&self.request.template, &in_url(address)),
            (None, None) => String::new(),
        }
    }

    /// Its content.
    pub fn view(&self, network: &Network, now: Duration, texts: &Texts) -> Pairing {
        let PairingRequest { title, url, code, wifi, template, .. } = &self.request;
        let first = self.url(network);
        let mut notes = Vec::new();
        if url.is_none() {
            if first.is_empty() {
                notes.push(texts.say(Text::PairingOffline, &[]));
            } else {
                let name = network.name.iter().map(|name| filled(template, name));
                let others = network.addresses.iter().skip(1).map(|address| filled(template, &in_url(address)));
                let all: Vec<String> = name.chain(others).collect();
                notes.extend(all.iter().take(MAX_LISTED).map(|url| texts.say(Text::PairingOr, &[("url", url)])));
                if let Some(more) = all.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
                    notes.push(texts.say_counted(Text::PairingMore, more, &[]));
                }
            }
        }
        notes.extend(wifi.iter().map(|wifi| texts.say(Text::PairingWifi, &[("name", &wifi.name)])));
        let left = self.until.map(|until| time_left(until.saturating_sub(now)));
        notes.extend(left.map(|time| texts.say(Text::PairingTime, &[("time", &time)])));
        let join = wifi.iter().map(|wifi| wifi_code(&wifi.name, &wifi.password, false));
        Pairing {
            title: if title.is_empty() { texts.say(Text::Pairing, &[]) } else { title.clone() },
            codes: join.chain(Some(first.clone()).filter(|url| !url.is_empty())).collect(),
            address: first,
            code: code.clone(),
            note: notes.join("\n"),
        }
    }
}

fn filled(template: &str, address: &str) -> String {
    template.replace("{address}", address)
}

/// The time left in whole minutes, in the last one in seconds; rounded up.
fn time_left(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    match seconds {
        0..=60 => format!("{seconds} s"),
        61..=5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds.div_ceil(60) / 60, seconds.div_ceil(60) % 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: fn(u64) -> Duration = Duration::from_secs;

    fn network(count: u8) -> Network {
        let addresses = (0..count).map(|last| std::net::Ipv4Addr::new(192, 168, 1, last).into()).collect();
        Network { name: Some("kiosk.local".into()), addresses }
    }

    fn own() -> PairingRequest {
        PairingRequest { template: "http://{address}:8080/".into(), ..PairingRequest::default() }
    }

    proptest! {
        #[test]
        fn it_is_the_same_until_the_next_change_and_another_then(millis in 1u64..20_000_000, at in 0u64..20_000_000) {
            let request = PairingRequest { url: Some("http://a".into()), expires: Some(Duration::from_millis(millis)), ..own() };
            let screen = PairingScreen::new(request, T(7));
            let now = T(7) + Duration::from_millis(at % millis);
            let next = screen.next_change(now).unwrap();
            let view = |now| screen.view(&network(1), now, &Texts::default());
            prop_assert!(next > now);
            prop_assert_eq!(view(now), view(next - Duration::from_nanos(1)));
            prop_assert!(screen.is_over(next) || view(next) != view(now), "{:?}", view(now).note);
        }
    }

    #[test]
    fn the_device_s_own_address_its_name_and_what_else_there_is() {
        let screen = PairingScreen::new(own(), T(0));
        let view = screen.view(&network(100), T(0), &Texts::default());
        assert_eq!(view.codes, ["http://192.168.1.0:8080/"]);
        assert_eq!(view.address, "http://192.168.1.0:8080/");
        assert_eq!(view.note, "or http://kiosk.local:8080/\nor http://192.168.1.1:8080/\nand 98 more addresses");
        assert_eq!(screen.next_change(T(1)), Some(T(1) + LOOK));
    }

    #[test]
    fn without_a_network_it_says_so_and_has_no_code() {
        let view = PairingScreen::new(own(), T(0)).view(&network(0), T(0), &Texts::new("de", &[]));
        assert!(view.codes.is_empty() && view.address.is_empty());
        assert!(view.note.starts_with("Noch kein Netzwerk"), "{}", view.note);
    }

    #[test]
    fn a_network_to_join_comes_before_the_address() {
        let wifi = Some(Wifi { name: "Shop; 5".into(), password: "geheim\"".into() });
        let request = PairingRequest { url: Some("https://a.example/x".into()), wifi, code: "ABC-123".into(), ..own() };
        let screen = PairingScreen::new(request, T(0));
        let view = screen.view(&network(3), T(0), &Texts::default());
        assert_eq!(view.codes, [r#"WIFI:T:WPA;S:Shop\; 5;P:geheim\";;"#, "https://a.example/x"]);
        assert_eq!((view.code.as_str(), view.note.as_str()), ("ABC-123", "Wi-Fi: Shop; 5"));
        assert_eq!(screen.next_change(T(5)), None);
    }
}
