//! Types for the quantities of screens and virtual terminals that people and programs set. Each is checked once, where
//! it comes in, with the same error message in the configuration, on D-Bus, in the Wayland protocols and on the command
//! line. Pure; every value of these types is valid.

use std::fmt;
use std::str::FromStr;

/// Why a value is not valid: the value, and what is allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// A number that is no [`ScaleFactor`].
    #[error("scale is {0}, allowed is {allowed}", allowed = ScaleFactor::ALLOWED)]
    ScaleFactor(f64),
    /// A word that is no [`Scale`].
    #[error("scale is {0:?}, allowed is {allowed}", allowed = Scale::ALLOWED)]
    Scale(String),
    /// A number or word that is no [`Rotation`].
    #[error("rotation is {0}, allowed is {allowed}", allowed = Rotation::ALLOWED)]
    Rotation(String),
    /// A number or word that is no [`Brightness`].
    #[error("brightness is {0}, allowed is {allowed}", allowed = Brightness::ALLOWED)]
    Brightness(String),
    /// A number that is no [`ColourTemperature`].
    #[error("colour temperature is {0}, allowed is {allowed}", allowed = ColourTemperature::ALLOWED)]
    ColourTemperature(u32),
    /// Numbers or a word that are no [`Position`].
    #[error("position is {0}, allowed is {allowed}", allowed = Position::ALLOWED)]
    Position(String),
    /// A number or word that is no [`VtNumber`].
    #[error("there is no virtual terminal {0}, there are {allowed}", allowed = VtNumber::ALLOWED)]
    Vt(String),
}

/// Physical pixels per logical pixel: 1.0 to 4.0, what the protocols and browsers handle.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct ScaleFactor(f64);

impl ScaleFactor {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "1.0 to 4.0";
    /// One logical pixel is one physical pixel: the smallest.
    pub const ONE: Self = Self(1.0);
    /// The largest.
    pub const MAX: Self = Self(4.0);

    /// The nearest valid one; 1.0 for NaN.
    pub fn nearest(number: f64) -> Self {
        if number.is_nan() { Self::ONE } else { Self(number.clamp(Self::ONE.0, Self::MAX.0)) }
    }

    /// As a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for ScaleFactor {
    type Error = QuantityError;

    fn try_from(number: f64) -> Result<Self, QuantityError> {
        // NaN is in no range.
        let possible = (Self::ONE.0..=Self::MAX.0).contains(&number);
        possible.then_some(Self(number)).ok_or(QuantityError::ScaleFactor(number))
    }
}

impl fmt::Display for ScaleFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How much larger things are drawn on a display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// From the display's resolution and size.
    Auto,
    /// This factor, for any display.
    Fixed(ScaleFactor),
}

impl Scale {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "\"auto\", or a number from 1.0 to 4.0";

    /// This number. Errors: it is not from 1.0 to 4.0.
    pub fn fixed(number: f64) -> Result<Self, QuantityError> {
        ScaleFactor::try_from(number).map(Scale::Fixed)
    }
}

impl FromStr for Scale {
    type Err = QuantityError;

    /// `auto` or a number.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if text == "auto" {
            return Ok(Scale::Auto);
        }
        let number = text.parse::<f64>().ok().and_then(|number| Scale::fixed(number).ok());
        number.ok_or_else(|| QuantityError::Scale(text.to_owned()))
    }
}

/// How far the picture is rotated, clockwise as the viewer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// As the panel is built.
    #[default]
    R0,
    /// A quarter to the right.
    R90,
    /// Upside down.
    R180,
    /// A quarter to the left.
    R270,
}

impl Rotation {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "0, 90, 180 or 270";

    /// As a number: 0, 90, 180 or 270.
    pub fn degrees(self) -> u32 {
        match self {
            Rotation::R0 => 0,
            Rotation::R90 => 90,
            Rotation::R180 => 180,
            Rotation::R270 => 270,
        }
    }

    /// A quarter further, clockwise.
    pub fn next_quarter(self) -> Self {
        match self {
            Rotation::R0 => Rotation::R90,
            Rotation::R90 => Rotation::R180,
            Rotation::R180 => Rotation::R270,
            Rotation::R270 => Rotation::R0,
        }
    }
}

impl TryFrom<u32> for Rotation {
    type Error = QuantityError;

    fn try_from(degrees: u32) -> Result<Self, QuantityError> {
        match degrees {
            0 => Ok(Rotation::R0),
            90 => Ok(Rotation::R90),
            180 => Ok(Rotation::R180),
            270 => Ok(Rotation::R270),
            other => Err(QuantityError::Rotation(other.to_string())),
        }
    }
}

impl FromStr for Rotation {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        plain(text)
            .and_then(|degrees| Rotation::try_from(degrees).ok())
            .ok_or_else(|| QuantityError::Rotation(text.into()))
    }
}

/// How bright a display shines: 0 to 100 per cent of what it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brightness(u8);

impl Brightness {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "0 to 100";
    /// Full brightness.
    pub const MAX: Self = Self(100);

    /// The nearest possible one.
    pub fn nearest(percent: i32) -> Self {
        u8::try_from(percent.max(0)).map_or(Self::MAX, |percent| Self(percent).min(Self::MAX))
    }

    /// Per cent.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Brightness {
    type Error = QuantityError;

    fn try_from(percent: i64) -> Result<Self, QuantityError> {
        let possible = u8::try_from(percent).ok().map(Self).filter(|percent| *percent <= Self::MAX);
        possible.ok_or_else(|| QuantityError::Brightness(percent.to_string()))
    }
}

impl FromStr for Brightness {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let parsed = plain(text).and_then(|percent| Brightness::try_from(i64::from(percent)).ok());
        parsed.ok_or_else(|| QuantityError::Brightness(text.into()))
    }
}

/// The colour of white, as the temperature of a black body that glows in it: 2000 to 10000 kelvin, the smaller the warmer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColourTemperature(u16);

impl ColourTemperature {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "2000 to 10000 kelvin, the smaller the warmer; 6500 changes nothing";
    /// Of sRGB's white: nothing changes.
    pub const NEUTRAL: Self = Self(6500);
    /// Of a bulb, about.
    pub const EVENING: Self = Self(4000);

    /// As a number.
    pub fn kelvin(self) -> u16 {
        self.0
    }
}

impl TryFrom<u32> for ColourTemperature {
    type Error = QuantityError;

    fn try_from(kelvin: u32) -> Result<Self, QuantityError> {
        let possible = u16::try_from(kelvin).ok().filter(|kelvin| (2000..=10_000).contains(kelvin));
        possible.map(Self).ok_or(QuantityError::ColourTemperature(kelvin))
    }
}

/// A top left corner in the layout of all screens, logical pixels: -32768 to 32767 in both directions, as far as
/// KMS and Wayland clients count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    x: i16,
    y: i16,
}

impl Position {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "X and Y in logical pixels, each -32768 to 32767";

    /// To the right.
    pub fn x(self) -> i32 {
        self.x.into()
    }

    /// Down.
    pub fn y(self) -> i32 {
        self.y.into()
    }
}

impl TryFrom<(i32, i32)> for Position {
    type Error = QuantityError;

    fn try_from((x, y): (i32, i32)) -> Result<Self, QuantityError> {
        match (i16::try_from(x), i16::try_from(y)) {
            (Ok(x), Ok(y)) => Ok(Self { x, y }),
            _ => Err(QuantityError::Position(format!("{x},{y}"))),
        }
    }
}

impl From<Position> for (i32, i32) {
    fn from(position: Position) -> Self {
        (position.x(), position.y())
    }
}

impl FromStr for Position {
    type Err = QuantityError;

    /// `X,Y`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let number = |text: &str| text.trim().parse::<i16>().ok();
        let parsed = text.split_once(',').and_then(|(x, y)| Some(Self { x: number(x)?, y: number(y)? }));
        parsed.ok_or_else(|| QuantityError::Position(text.into()))
    }
}

/// The number of a virtual terminal: 1 to 63, as the kernel has them (`MAX_NR_CONSOLES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VtNumber(u8);

impl VtNumber {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "1 to 63";

    /// As a number.
    pub fn get(self) -> u32 {
        self.0.into()
    }
}

impl TryFrom<u32> for VtNumber {
    type Error = QuantityError;

    fn try_from(number: u32) -> Result<Self, QuantityError> {
        let possible = u8::try_from(number).ok().filter(|number| (1..=63).contains(number));
        possible.map(Self).ok_or_else(|| QuantityError::Vt(number.to_string()))
    }
}

impl FromStr for VtNumber {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        plain(text).and_then(|number| VtNumber::try_from(number).ok()).ok_or_else(|| QuantityError::Vt(text.into()))
    }
}

impl fmt::Display for VtNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Digits only: no sign, no space.
fn plain(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wrong_value_is_told_with_what_is_allowed() {
        for (error, text) in [
            (Scale::fixed(0.5).unwrap_err(), "scale is 0.5, allowed is 1.0 to 4.0"),
            ("5".parse::<Scale>().unwrap_err(), "scale is \"5\", allowed is \"auto\", or a number from 1.0 to 4.0"),
            (Rotation::try_from(45).unwrap_err(), "rotation is 45, allowed is 0, 90, 180 or 270"),
            ("+90".parse::<Rotation>().unwrap_err(), "rotation is +90, allowed is 0, 90, 180 or 270"),
            (Brightness::try_from(101).unwrap_err(), "brightness is 101, allowed is 0 to 100"),
            ("-1".parse::<Brightness>().unwrap_err(), "brightness is -1, allowed is 0 to 100"),
            (VtNumber::try_from(64).unwrap_err(), "there is no virtual terminal 64, there are 1 to 63"),
            (
                ColourTemperature::try_from(1999).unwrap_err(),
                "colour temperature is 1999, allowed is 2000 to 10000 kelvin, the smaller the warmer; 6500 changes nothing",
            ),
            ("0".parse::<VtNumber>().unwrap_err(), "there is no virtual terminal 0, there are 1 to 63"),
            (
                Position::try_from((0, 32768)).unwrap_err(),
                "position is 0,32768, allowed is X and Y in logical pixels, each -32768 to 32767",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
        for number in [f64::NAN, f64::INFINITY, -1.0, 0.0, 4.01] {
            assert!(Scale::fixed(number).is_err(), "{number}");
        }
        assert_eq!("-10, 5".parse(), Ok(Position { x: -10, y: 5 }));
        assert_eq!("auto".parse(), Ok(Scale::Auto));
    }

    #[test]
    fn four_rotations_by_90_degrees_are_the_identity() {
        let mut rotation = Rotation::R0;
        for degrees in [90, 180, 270, 0] {
            rotation = rotation.next_quarter();
            assert_eq!((rotation.degrees(), Rotation::try_from(degrees)), (degrees, Ok(rotation)));
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_possible_and_comes_back(number in any::<f64>(), whole in any::<i32>(), text in ".*") {
            if let Ok(factor) = ScaleFactor::try_from(number) {
                prop_assert_eq!(factor.get(), number);
            }
            prop_assert!((1.0..=4.0).contains(&ScaleFactor::nearest(number).get()));
            prop_assert!(Brightness::nearest(whole).percent() <= 100);
            prop_assert_eq!(Brightness::try_from(i64::from(whole)).is_ok(), (0..=100).contains(&whole));
            prop_assert_eq!(VtNumber::try_from(whole.unsigned_abs()).is_ok(), (1..=63).contains(&whole.unsigned_abs()));
            if let Ok(position) = Position::try_from((whole, -whole.saturating_abs())) {
                prop_assert_eq!((position.x(), position.y()), (whole, -whole.saturating_abs()));
            }
            let _ = (text.parse::<Scale>(), text.parse::<Rotation>(), text.parse::<Brightness>());
            let _ = (text.parse::<Position>(), text.parse::<VtNumber>());
        }
    }
}
