//! The small languages inside configuration values (durations, modes, colours, status ranges, times of day):
//! text to type and back. Pure; used by the configuration's keys, the saved state and `kioskctl`'s arguments.
//! Every `parse_` answers `None` for what it does not understand: the caller knows what is allowed.

use std::time::Duration;

use super::browser::Proxy;
use super::model::{Days, TimeOfDay};
use super::output::ModeChoice;
use super::shell::StatusRanges;

/// What is allowed, for messages.
pub const DURATION: &str = "a time such as \"90s\", \"10m\", \"1h30m\", or \"never\"";
/// Of [`parse_mode`].
pub const MODE: &str = "\"preferred\", \"max\", \"WIDTHxHEIGHT\", \"WIDTHxHEIGHT@HZ\" or \"custom WIDTHxHEIGHT@HZ\"";
/// Of [`parse_colour`].
pub const COLOUR: &str = "a colour such as \"#1a2b3c\"";
/// Of [`parse_status`].
pub const STATUS: &str = "HTTP status codes such as \"200\", \"2xx\", \"2xx-4xx\", \"200-399\", several with commas";
/// Of [`parse_time`].
pub const TIME: &str = "a time of day such as \"07:30\"";
/// Of [`parse_days`].
pub const DAYS: &str = "days such as \"mon-fri\", \"sat,sun\" or \"all\"";

/// Of [`parse_proxy`].
pub const PROXY: &str = "\"system\", \"none\", a proxy such as \"http://10.0.0.1:3128\" (also https, socks4, socks5), or the \
                         address of a PAC script such as \"http://wpad.example/proxy.pac\"";

/// Largest width or height that a mode may have: DRM's mode structure has 16 bits.
const MAX_SIZE: u32 = 16384;
/// Highest refresh that can be asked for, hertz.
const MAX_HERTZ: f64 = 1000.0;

/// `Some(None)`: never. Units ms, s, m, h, d, largest first; zero is not understood.
pub fn parse_duration(text: &str) -> Option<Option<Duration>> {
    if text == "never" {
        return Some(None);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?;
        let number: u64 = digits.parse().ok()?;
        let (letters, after) = after.split_at_checked(after.bytes().take_while(u8::is_ascii_lowercase).count())?;
        let unit: u64 = match letters {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        total = total.checked_add(Duration::from_millis(number.checked_mul(unit)?))?;
        rest = after;
    }
    // More than a century is a mistake, and would overflow clocks that count nanoseconds in 64 bits.
    let century = Duration::from_secs(100 * 365 * 86_400);
    (total > Duration::ZERO && total <= century).then_some(Some(total))
}

/// As [`parse_duration`] reads it.
pub fn duration_text(duration: Option<Duration>) -> String {
    let Some(duration) = duration else { return "never".into() };
    let mut millis = duration.as_millis();
    let mut text = String::new();
    for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")] {
        if millis >= unit {
            text.push_str(&format!("{}{name}", millis / unit));
            millis %= unit;
        }
    }
    text
}

/// See [`MODE`].
pub fn parse_mode(text: &str) -> Option<ModeChoice> {
    match text {
        "preferred" => return Some(ModeChoice::Preferred),
        "max" => return Some(ModeChoice::Max),
        _ => {}
    }
    let (custom, timing) = match text.strip_prefix("custom ") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let (size, refresh) = match timing.split_once('@') {
        Some((size, hertz)) => (size, Some(parse_hertz(hertz)?)),
        None => (timing, None),
    };
    let (width, height) = size.split_once('x')?;
    let (width, height) = (parse_size(width)?, parse_size(height)?);
    Some(if custom {
        ModeChoice::Custom { width, height, refresh }
    } else {
        ModeChoice::Exact { width, height, refresh }
    })
}

fn parse_size(text: &str) -> Option<u32> {
    let number = plain_number(text)?;
    (1..=MAX_SIZE).contains(&number).then_some(number)
}

/// Hertz, with or without a fraction, as millihertz.
fn parse_hertz(text: &str) -> Option<u32> {
    let text = text.strip_suffix("Hz").unwrap_or(text);
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let hertz: f64 = text.parse().ok()?;
    (1.0..=MAX_HERTZ).contains(&hertz).then_some((hertz * 1000.0).round() as u32)
}

/// As [`parse_mode`] reads it.
pub fn mode_text(mode: ModeChoice) -> String {
    let timing = |width: u32, height: u32, refresh: Option<u32>| match refresh {
        Some(millihertz) => format!("{width}x{height}@{}", hertz_text(millihertz)),
        None => format!("{width}x{height}"),
    };
    match mode {
        ModeChoice::Preferred => "preferred".into(),
        ModeChoice::Max => "max".into(),
        ModeChoice::Exact { width, height, refresh } => timing(width, height, refresh),
        ModeChoice::Custom { width, height, refresh } => format!("custom {}", timing(width, height, refresh)),
    }
}

/// Millihertz as hertz, without trailing zeros.
pub fn hertz_text(millihertz: u32) -> String {
    let (whole, fraction) = (millihertz / 1000, millihertz % 1000);
    if fraction == 0 { whole.to_string() } else { format!("{whole}.{fraction:03}").trim_end_matches('0').to_owned() }
}

/// `#rrggbb` or `#rgb`, sRGB.
pub fn parse_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some([(number >> 16) as u8, (number >> 8) as u8, number as u8]),
        3 => Some([(number >> 8 & 15) as u8 * 17, (number >> 4 & 15) as u8 * 17, (number & 15) as u8 * 17]),
        _ => None,
    }
}

/// As [`parse_colour`] reads it.
pub fn colour_text([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// See [`STATUS`].
pub fn parse_status(text: &str) -> Option<StatusRanges> {
    let ranges: Option<Vec<(u16, u16)>> = text
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (status_range(first)?.0, status_range(last)?.1);
            (first <= last).then_some((first, last))
        })
        .collect();
    ranges.map(StatusRanges)
}

/// `2xx` is 200 to 299, `204` itself.
fn status_range(text: &str) -> Option<(u16, u16)> {
    let text = text.trim();
    let (first, last) = match text.strip_suffix("xx") {
        Some(hundreds) => {
            let hundreds: u16 = plain_number(hundreds)?;
            (hundreds.checked_mul(100)?, hundreds.checked_mul(100)?.checked_add(99)?)
        }
        None => (plain_number(text)?, plain_number(text)?),
    };
    (first >= 100 && last <= 599).then_some((first, last))
}

/// As [`parse_status`] reads it.
pub fn status_text(ranges: &StatusRanges) -> String {
    let texts: Vec<String> = ranges.0.iter().map(|&(first, last)| one_status_text(first, last)).collect();
    texts.join(",")
}

fn one_status_text(first: u16, last: u16) -> String {
    match (first.is_multiple_of(100) && last % 100 == 99, first == last, first / 100 == last / 100) {
        (true, _, true) => format!("{}xx", first / 100),
        (true, _, false) => format!("{}xx-{}xx", first / 100, last / 100),
        (false, true, _) => first.to_string(),
        (false, false, _) => format!("{first}-{last}"),
    }
}

/// Why a text is neither a proxy nor the address of a script that names them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is no URL with a host or a path.
    #[error("it is no URL")]
    NoUrl,
    /// The scheme is not one of a proxy.
    #[error("the scheme {0:?} is not one of http, https, socks4, socks5, file")]
    Scheme(String),
    /// It has a user or a password, which Chromium does not take there.
    #[error("Chromium takes no user and password for a proxy from there; they belong into the file of browser.sign-in")]
    User,
}

/// See [`PROXY`]: what has a path is a script.
pub fn parse_proxy(text: &str) -> Result<Proxy, ProxyError> {
    match text {
        "system" => return Ok(Proxy::System),
        "none" => return Ok(Proxy::None),
        _ => {}
    }
    let url = url::Url::parse(text).map_err(|_| ProxyError::NoUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ProxyError::User);
    }
    let script = !matches!(url.path(), "" | "/");
    match url.scheme() {
        "file" if script => Ok(Proxy::Pac(text.to_owned())),
        "http" | "https" if script => Ok(Proxy::Pac(text.to_owned())),
        "http" | "https" | "socks4" | "socks5" if url.has_host() && !script => {
            Ok(Proxy::Server(text.trim_end_matches('/').to_owned()))
        }
        "http" | "https" | "socks4" | "socks5" | "file" => Err(ProxyError::NoUrl),
        other => Err(ProxyError::Scheme(other.to_owned())),
    }
}

/// `HH:MM`.
pub fn parse_time(text: &str) -> Option<TimeOfDay> {
    let (hour, minute) = text.split_once(':')?;
    if minute.len() != 2 || hour.is_empty() || hour.len() > 2 {
        return None;
    }
    let (hour, minute) = (plain_number(hour)?, plain_number(minute)?);
    (hour < 24 && minute < 60).then_some(TimeOfDay { hour, minute })
}

/// As [`parse_time`] reads it.
pub fn time_text(time: TimeOfDay) -> String {
    format!("{:02}:{:02}", time.hour, time.minute)
}

const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Names and ranges with commas; a range may pass over Sunday.
pub fn parse_days(text: &str) -> Option<Days> {
    if text == "all" {
        return Some(Days::ALL);
    }
    let index = |name: &str| DAY_NAMES.iter().position(|day| *day == name.trim());
    let mut days = Days([false; 7]);
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        for (day, on) in days.0.iter_mut().enumerate() {
            *on |= if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last };
        }
    }
    Some(days)
}

/// As [`parse_days`] reads it.
pub fn days_text(days: Days) -> String {
    if days == Days::ALL {
        return "all".into();
    }
    let names: Vec<&str> = DAY_NAMES.into_iter().zip(days.0).filter_map(|(name, on)| on.then_some(name)).collect();
    names.join(",")
}

/// Digits only: no sign, no space.
fn plain_number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
#[path = "tests/syntax.rs"]
mod tests;
