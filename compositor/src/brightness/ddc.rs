//! DDC/CI: reads and sets a monitor's brightness over the I²C bus that also carries its EDID (VESA DDC/CI 1.1, MCCS
//! feature 10h). Slow (tens of milliseconds a message), so [`super`] runs it on a thread of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use i2cdev::{core::I2CDevice, linux::LinuxI2CDevice};

/// The monitor's I²C address; in the protocol's checksums it is shifted by one bit, and the host is 51h and 50h.
const MONITOR: u16 = 0x37;
const TO_MONITOR: u8 = 0x6e;
const FROM_HOST: u8 = 0x51;
const TO_HOST: u8 = 0x50;
/// The feature "luminance".
const BRIGHTNESS: u8 = 0x10;
/// The delays that the standard prescribes (DDC/CI 4.3 and 4.4): no event signals an answer.
const BEFORE_ANSWER: Duration = Duration::from_millis(40);
const AFTER_SET: Duration = Duration::from_millis(50);
/// A monitor that was just switched on may take seconds to answer.
const WAKING: Duration = Duration::from_millis(1500);
const WAKING_TIMES: usize = 3;
/// Answers get lost: the standard asks for repetition.
const MAX_TRIES: usize = 3;

/// Why a monitor's brightness could not be read or set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DdcError {
    /// The kernel's error on the I²C bus.
    #[error("{0}")]
    Bus(String),
    /// There is no such bus, or it may not be opened.
    #[error("{}: {why}", bus.display())]
    NoBus { bus: PathBuf, why: String },
    /// A wrong checksum or no answer: many monitors answer the second time.
    #[error("the monitor's answer is damaged or none")]
    Damaged,
    /// DDC/CI works, but the monitor does not support brightness.
    #[error("the monitor has no such control")]
    NoControl,
}

/// A monitor's brightness, in its own steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// 0 to `max`.
    pub now: u16,
    /// At least 1.
    pub max: u16,
}

impl Level {
    /// 0 to 100.
    pub fn percent(self) -> i32 {
        let (now, max) = (i32::from(self.now.min(self.max)), i32::from(self.max));
        (now * 100 + max / 2) / max
    }

    /// The monitor's step for 0 to 100 %.
    pub fn step(self, percent: i32) -> u16 {
        ((percent.clamp(0, 100).unsigned_abs() * u32::from(self.max) + 50) / 100) as u16
    }
}

/// The bus to a monitor.
pub trait Wire {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DdcError>;
    fn receive(&mut self, bytes: &mut [u8]) -> Result<(), DdcError>;
    /// Waits for the monitor.
    fn wait(&mut self, time: Duration);
}

impl Wire for LinuxI2CDevice {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DdcError> {
        I2CDevice::write(self, bytes).map_err(|error| DdcError::Bus(error.to_string()))
    }

    fn receive(&mut self, bytes: &mut [u8]) -> Result<(), DdcError> {
        I2CDevice::read(self, bytes).map_err(|error| DdcError::Bus(error.to_string()))
    }

    fn wait(&mut self, time: Duration) {
        thread::sleep(time);
    }
}

/// The device file of this connector's I²C bus, if the kernel names one: `ddc` of the connector, or the bus under it
/// (DisplayPort). The file may be missing (module i2c-dev) or not be ours to open.
pub fn bus(sysfs: &Path, connector: &str) -> Option<PathBuf> {
    let directory = super::connector_directory(sysfs, connector)?;
    let of = |path: &Path| {
        let name = path.file_name()?.to_str()?;
        let number = name.strip_prefix("i2c-")?;
        number.bytes().all(|digit| digit.is_ascii_digit()).then(|| Path::new("/dev").join(name))
    };
    let linked = fs::canonicalize(directory.join("ddc")).ok().and_then(|bus| of(&bus));
    linked.or_else(|| fs::read_dir(&directory).ok()?.flatten().find_map(|entry| of(&entry.path())))
}

/// Opens the bus.
pub fn open(bus: &Path) -> Result<LinuxI2CDevice, DdcError> {
    LinuxI2CDevice::new(bus, MONITOR).map_err(|error| DdcError::NoBus { bus: bus.to_owned(), why: error.to_string() })
}

/// Asks the monitor.
pub fn read(wire: &mut impl Wire) -> Result<Level, DdcError> {
    tries(|| {
        wire.send(&message(&[0x01, BRIGHTNESS]))?;
        wire.wait(BEFORE_ANSWER);
        let mut answer = [0; 11];
        wire.receive(&mut answer)?;
        level(&answer)
    })
}

/// As [`read`], of a monitor that may still be waking up.
pub fn read_patiently(wire: &mut impl Wire) -> Result<Level, DdcError> {
    let mut answer = read(wire);
    for _ in 0..WAKING_TIMES {
        if answer.is_ok() || answer == Err(DdcError::NoControl) {
            break;
        }
        wire.wait(WAKING);
        answer = read(wire);
    }
    answer
}

/// Sets the brightness; the monitor does not confirm it.
pub fn write(wire: &mut impl Wire, step: u16) -> Result<(), DdcError> {
    let [high, low] = step.to_be_bytes();
    tries(|| {
        wire.send(&message(&[0x03, BRIGHTNESS, high, low]))?;
        wire.wait(AFTER_SET);
        Ok(())
    })
}

fn tries<T>(mut one: impl FnMut() -> Result<T, DdcError>) -> Result<T, DdcError> {
    let mut last = DdcError::Damaged;
    for _ in 0..MAX_TRIES {
        match one() {
            Err(DdcError::NoControl) => return Err(DdcError::NoControl),
            Err(error) => last = error,
            done => return done,
        }
    }
    Err(last)
}

/// A command with its frame: host address, length, and a checksum over everything and the monitor's address.
fn message(command: &[u8]) -> Vec<u8> {
    let mut bytes = vec![FROM_HOST, 0x80 | command.len() as u8];
    bytes.extend_from_slice(command);
    bytes.push(bytes.iter().fold(TO_MONITOR, |sum, byte| sum ^ byte));
    bytes
}

/// Parses the answer to a brightness request.
fn level(answer: &[u8; 11]) -> Result<Level, DdcError> {
    let [text @ .., sum] = answer;
    let [TO_MONITOR, 0x88, 0x02, result, control, _kind, max0, max1, now0, now1] = *text else {
        return Err(DdcError::Damaged);
    };
    if text.iter().fold(TO_HOST, |sum, byte| sum ^ byte) != *sum {
        return Err(DdcError::Damaged);
    }
    if result != 0 || control != BRIGHTNESS {
        return Err(DdcError::NoControl);
    }
    let level = Level { max: u16::from_be_bytes([max0, max1]), now: u16::from_be_bytes([now0, now1]) };
    if level.max == 0 { Err(DdcError::NoControl) } else { Ok(level) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    /// A monitor that loses its first answers.
    struct Monitor {
        level: Level,
        loses: usize,
        supported: bool,
        heard: Vec<Vec<u8>>,
    }

    impl Wire for Monitor {
        fn send(&mut self, bytes: &[u8]) -> Result<(), DdcError> {
            assert_eq!(bytes.iter().fold(TO_MONITOR, |sum, byte| sum ^ byte), 0, "the checksum");
            self.heard.push(bytes.to_vec());
            if let [_, _, 0x03, BRIGHTNESS, high, low, _] = *bytes {
                self.level.now = u16::from_be_bytes([high, low]);
            }
            Ok(())
        }

        fn receive(&mut self, bytes: &mut [u8]) -> Result<(), DdcError> {
            if self.loses > 0 {
                self.loses -= 1;
                return Ok(());
            }
            let ([a, b], [c, d]) = (self.level.max.to_be_bytes(), self.level.now.to_be_bytes());
            bytes[..10].copy_from_slice(&[0x6e, 0x88, 0x02, u8::from(!self.supported), 0x10, 0, a, b, c, d]);
            bytes[10] = bytes[..10].iter().fold(TO_HOST, |sum, byte| sum ^ byte);
            Ok(())
        }

        fn wait(&mut self, _: Duration) {}
    }

    fn monitor(loses: usize) -> Monitor {
        Monitor { level: Level { now: 20, max: 80 }, loses, supported: true, heard: Vec::new() }
    }

    #[test]
    fn a_monitor_is_asked_and_set_in_the_words_of_the_standard() {
        let mut monitor = monitor(0);
        let level = read(&mut monitor).unwrap();
        assert_eq!(level.percent(), 25);
        write(&mut monitor, level.step(50)).unwrap();
        assert_eq!(monitor.heard[0], [0x51, 0x82, 0x01, 0x10, 0xac]);
        assert_eq!(monitor.heard[1][..6], [0x51, 0x84, 0x03, 0x10, 0x00, 40]);
        assert_eq!(read(&mut monitor).unwrap().percent(), 50);
    }

    #[test]
    fn lost_answers_are_asked_for_again_and_a_silent_monitor_is_given_up() {
        assert_eq!(read(&mut monitor(MAX_TRIES - 1)), Ok(Level { now: 20, max: 80 }));
        assert_eq!(read(&mut monitor(MAX_TRIES)), Err(DdcError::Damaged));
        assert_eq!(read_patiently(&mut monitor(2 * MAX_TRIES)), Ok(Level { now: 20, max: 80 }));
        assert_eq!(read_patiently(&mut monitor(100)), Err(DdcError::Damaged));
        let mut without = Monitor { supported: false, ..monitor(0) };
        assert_eq!(read(&mut without), Err(DdcError::NoControl));
        assert_eq!(without.heard.len(), 1);
        let mut nonsense = Monitor { level: Level { now: 9, max: 0 }, ..monitor(0) };
        assert_eq!(read(&mut nonsense), Err(DdcError::NoControl));
    }

    proptest! {
        /// Any bytes give an error or a valid level.
        #[test]
        fn an_invalid_ddc_answer_is_no_level(mut answer: [u8; 11], framed: bool, summed: bool) {
            if framed {
                answer[..5].copy_from_slice(&[TO_MONITOR, 0x88, 0x02, 0, BRIGHTNESS]);
            }
            let sum = answer[..10].iter().fold(TO_HOST, |sum, byte| sum ^ byte);
            if summed {
                answer[10] = sum;
            }
            match level(&answer) {
                Ok(level) => {
                    prop_assert!(answer[10] == sum && level.max > 0);
                    prop_assert!((0..=100).contains(&level.percent()));
                    prop_assert!((0..=100).all(|percent| level.step(percent) <= level.max));
                }
                Err(error) => prop_assert!(error != DdcError::Damaged || !(framed && summed)),
            }
        }
    }

    #[test]
    fn the_wires_of_a_connector_are_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let (hdmi, dp) = (root.join("devices/card1/card1-HDMI-A-1"), root.join("devices/card1/card1-DP-2"));
        let adapter = root.join("devices/gpu/i2c-7");
        for directory in [&hdmi, &dp.join("i2c-12"), &adapter, &root.join("class/drm"), &dp.join("i2c-dev")] {
            fs::create_dir_all(directory).unwrap();
        }
        symlink(adapter, hdmi.join("ddc")).unwrap();
        symlink(hdmi, root.join("class/drm/card1-HDMI-A-1")).unwrap();
        symlink(dp, root.join("class/drm/card1-DP-2")).unwrap();
        assert_eq!(bus(root, "HDMI-A-1"), Some("/dev/i2c-7".into()));
        assert_eq!(bus(root, "DP-2"), Some("/dev/i2c-12".into()));
        assert_eq!(bus(root, "DP-1"), None);
    }
}
