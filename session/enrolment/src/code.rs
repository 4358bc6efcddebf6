//! The code on the screen: 12 letters of an alphabet of 32, which are 60 bits, in three groups.

use std::fmt;
use std::str::FromStr;

use ring::rand::SecureRandom;

/// Neither I nor O, neither 0 nor 1: none looks like another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LETTERS: usize = 12;
const GROUP: usize = 4;
/// Longest text that is looked at, bytes: a code with a blank behind each letter.
const MAX_TEXT: usize = 64;

/// How it is written, for messages.
pub const GROUPED: &str = "three groups of four letters and digits, such as K7WM-3PXA-9QTD";

/// A code. Compared in no way: what is compared are the proofs made of it.
#[derive(Clone)]
pub struct Code([u8; LETTERS]);

/// It is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no code of a device; one has {GROUPED}, without I, O, 0 and 1")]
pub struct WrongCode;

impl Code {
    /// A new one. Errors: the system has no random numbers.
    pub fn random() -> Result<Self, std::io::Error> {
        let mut bytes = [0; LETTERS];
        let random = ring::rand::SystemRandom::new().fill(&mut bytes);
        random.map_err(|_| std::io::Error::other("the system gives no random numbers"))?;
        // 256 is a multiple of 32: each letter is as likely as any other.
        Ok(Code(bytes.map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'A'))))
    }

    pub(crate) fn letters(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, letter) in self.0.iter().enumerate() {
            let gap = if number > 0 && number % GROUP == 0 { "-" } else { "" };
            write!(f, "{gap}{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// It is not for logs.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl FromStr for Code {
    type Err = WrongCode;

    /// As people type it: small letters, blanks and dashes do not matter.
    fn from_str(text: &str) -> Result<Self, WrongCode> {
        if text.len() > MAX_TEXT {
            return Err(WrongCode);
        }
        let typed = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-');
        let letters: Vec<u8> = typed.map(|byte| byte.to_ascii_uppercase()).collect();
        if letters.iter().any(|letter| !ALPHABET.contains(letter)) {
            return Err(WrongCode);
        }
        letters.try_into().map(Code).map_err(|_| WrongCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_typed_as_it_is_shown_or_less_tidily() {
        let code = Code::random().unwrap();
        let shown = code.to_string();
        assert_eq!((shown.len(), shown.matches('-').count()), (14, 2), "{shown}");
        for typed in
            [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), format!(" {} ", shown.replace('-', " "))]
        {
            assert_eq!(typed.parse::<Code>().unwrap().to_string(), shown, "{typed:?}");
        }
        assert_ne!(shown, Code::random().unwrap().to_string());
        assert!(!format!("{code:?}").contains(&shown));
    }

    #[test]
    fn what_is_no_code_is_told_from_one_that_is_wrong() {
        for text in
            ["", "ABC-123", "K7WM-3PXA-9QT", "K7WM-3PXA-9QTDA", "K7WM-3PXA-9QT0", "K7WM-3PXA-9QTÄ", &"A-".repeat(99)]
        {
            assert_eq!(text.parse::<Code>().unwrap_err(), WrongCode, "{text}");
        }
    }
}
