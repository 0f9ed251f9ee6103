//! Quantities as people write them: `4m 13s`, `1.6 GiB`. For texts; fields of logs and JSON have the plain numbers.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;

/// A duration with its two largest units: `2h 5m`, `4m 13s`, `13s`, `1.5s`, `807ms`. What is left is cut off, so that
/// "less than 5m" never stands beside `5m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed(pub SignedDuration);

impl From<Duration> for Elapsed {
    fn from(duration: Duration) -> Self {
        Self(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, length) = (if self.0.is_negative() { "-" } else { "" }, self.0.unsigned_abs());
        let (seconds, millis) = (length.as_secs(), length.subsec_millis());
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match (hours, minutes, rest) {
            (0, 0, 0) if millis > 0 => write!(f, "{sign}{millis}ms"),
            (0, 0, 1..10) if millis >= 100 => write!(f, "{sign}{rest}.{}s", millis / 100),
            (0, 0, _) => write!(f, "{sign}{rest}s"),
            (0, _, 0) => write!(f, "{sign}{minutes}m"),
            (0, _, _) => write!(f, "{sign}{minutes}m {rest}s"),
            (_, 0, _) => write!(f, "{sign}{hours}h"),
            (_, _, _) => write!(f, "{sign}{hours}h {minutes}m"),
        }
    }
}

/// A number of bytes with the unit in which pods request memory: `1.6 GiB`, `512 MiB`, `100 B`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory(pub f64);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEP: f64 = 1024.0;
        let units = ["KiB", "MiB", "GiB", "TiB"];
        if self.0.abs() < STEP {
            return write!(f, "{:.0} B", self.0);
        }
        let mut shown = (self.0 / STEP, "KiB");
        for unit in units.into_iter().skip(1) {
            // As it is rounded below: 1024.0 MiB is a GiB.
            if shown.0.abs() < STEP - 0.05 {
                break;
            }
            shown = (shown.0 / STEP, unit);
        }
        let (amount, unit) = shown;
        let text = format!("{amount:.1}");
        write!(f, "{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_its_two_largest_units() {
        for (millis, shown) in [
            (0, "0s"),
            (807, "807ms"),
            (1_500, "1.5s"),
            (2_000, "2s"),
            (13_807, "13s"),
            (60_000, "1m"),
            (253_807, "4m 13s"),
            (299_999, "4m 59s"),
            (3_600_000, "1h"),
            (3_630_000, "1h"),
            (7_500_000, "2h 5m"),
            (172_800_000, "48h"),
            (-253_000, "-4m 13s"),
        ] {
            assert_eq!(Elapsed(SignedDuration::from_millis(millis)).to_string(), shown);
        }
        let longest = Elapsed(SignedDuration::MIN).to_string();
        assert!(longest.starts_with('-'), "{longest}");
    }

    #[test]
    fn memory_has_the_unit_in_which_it_is_requested() {
        for (bytes, shown) in [
            (0.0, "0 B"),
            (100.0, "100 B"),
            (1024.0, "1 KiB"),
            (536_870_912.0, "512 MiB"),
            (1_073_741_823.0, "1 GiB"),
            (1_610_612_736.0, "1.5 GiB"),
            (1_717_986_918.4, "1.6 GiB"),
            (1e15, "909.5 TiB"),
        ] {
            assert_eq!(Memory(bytes).to_string(), shown);
        }
    }
}
