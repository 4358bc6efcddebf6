//! The colour of white at a colour temperature, as shares of red, green and blue of an sRGB screen. Pure.

use kiosk_core::config::ColourTemperature;

/// White at this many kelvin, relative to [`ColourTemperature::NEUTRAL`], which is 1.0 for each channel; the brightest
/// channel is 1.0.
pub fn white(kelvin: u16) -> [f64; 3] {
    let neutral = glow(f64::from(ColourTemperature::NEUTRAL.kelvin()));
    let [red, green, blue] = glow(f64::from(kelvin));
    let relative = [red / neutral[0], green / neutral[1], blue / neutral[2]];
    let most = relative.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    relative.map(|share| encode((share / most).clamp(0.0, 1.0)))
}

/// A black body's light in linear sRGB. The place on the Planckian locus is the cubic approximation of Kim et al. (US
/// patent 7024034, expired), good from 1,667 K to 25,000 K.
fn glow(kelvin: f64) -> [f64; 3] {
    let t = 1000.0 / kelvin.clamp(1667.0, 25_000.0);
    let x = match t > 0.25 {
        true => ((-0.266_123_9 * t - 0.234_358_9) * t + 0.877_695_6) * t + 0.179_910,
        false => ((-3.025_846_9 * t + 2.107_037_9) * t + 0.222_634_7) * t + 0.240_390,
    };
    let y = if t > 1000.0 / 2222.0 {
        ((-1.106_381_4 * x - 1.348_110_20) * x + 2.185_558_32) * x - 0.202_196_83
    } else if t > 0.25 {
        ((-0.954_947_6 * x - 1.374_185_93) * x + 2.091_370_15) * x - 0.167_488_67
    } else {
        ((3.081_758_0 * x - 5.873_386_70) * x + 3.751_129_97) * x - 0.370_014_83
    };
    // CIE xyY with Y = 1 to XYZ, then to linear sRGB (IEC 61966-2-1).
    let (big_x, big_z) = (x / y, (1.0 - x - y) / y);
    [
        3.240_625_5 * big_x - 1.537_208_0 - 0.498_628_6 * big_z,
        -0.968_930_7 * big_x + 1.875_756_1 + 0.041_517_5 * big_z,
        0.055_710_1 * big_x - 0.204_021_1 + 1.056_995_9 * big_z,
    ]
    .map(|share| share.max(0.0))
}

/// The transfer function of sRGB.
fn encode(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_temperature_changes_nothing() {
        assert!(white(6500).iter().all(|share| (share - 1.0).abs() < 1e-9));
    }

    #[test]
    fn white_is_warmer_below_and_cooler_above_and_never_jumps() {
        let mut before = white(2000);
        for kelvin in (2025..=10_000).step_by(25) {
            let now = white(kelvin);
            assert!(now.iter().all(|share| (0.0..=1.0).contains(share)), "{kelvin}: {now:?}");
            assert!(now.iter().any(|share| *share > 1.0 - 1e-9), "{kelvin}: {now:?} is darker than it must be");
            // Blue rises with the temperature, red falls; no step of a fade is larger than 4 of 255.
            assert!(now[2] >= before[2] - 1e-9 && now[0] <= before[0] + 1e-9, "{kelvin}: {before:?}, {now:?}");
            let jump = now.iter().zip(before).map(|(now, before)| (now - before).abs()).fold(0.0, f64::max);
            assert!(jump < 4.0 / 255.0, "{kelvin}: {jump}");
            before = now;
        }
    }

    #[test]
    fn the_evening_looks_like_a_bulb() {
        let [red, green, blue] = white(4000).map(|share| (share * 255.0).round() as u8);
        assert_eq!(red, 255);
        assert!((200..=220).contains(&green) && (155..=185).contains(&blue), "{green} {blue}");
    }
}
