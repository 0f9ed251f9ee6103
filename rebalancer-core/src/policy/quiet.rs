//! Hours in which nothing is removed, by the wall clock of a time zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

/// Time windows that come back every week, in one time zone.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "codec::Written", try_from = "codec::Written")
)]
pub struct QuietHours {
    windows: Vec<QuietWindow>,
    zone: TimeZone,
}

/// One window: it begins on each of these days, and ends on the same day or the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietWindow {
    days: Vec<Weekday>,
    from: Time,
    /// `None`: at the end of the day.
    to: Option<Time>,
    text: String,
}

/// A text that names no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no window; write days and times such as 'Mon-Fri 08:00-18:00', 'Sat,Sun 00:00-24:00' or, for every \
     day, '22:00-06:00'"
)]
pub struct NotAWindow {
    /// What was given.
    pub text: String,
}

impl QuietHours {
    /// Reads windows that are separated by `;`, by the wall clock of this zone.
    ///
    /// # Errors
    /// The first part that is no window.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, NotAWindow> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self { windows: parts.map(str::parse).collect::<Result<_, _>>()?, zone })
    }

    /// The window that this time lies in, with its end; of several the one that ends last.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<(&QuietWindow, Timestamp)> {
        let local = now.to_zoned(self.zone.clone());
        let running = self.windows.iter().filter_map(|window| Some((window, window.end(&local)?)));
        running.max_by_key(|(_, end)| *end)
    }

    fn windows(&self) -> String {
        let windows: Vec<&str> = self.windows.iter().map(|window| window.text.as_str()).collect();
        windows.join("; ")
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.windows(), self.zone.iana_name().unwrap_or("a fixed rule"))
    }
}

/// Windows as they are written in settings, and the zone by its IANA name or its fixed rule. A name is looked up where jiff
/// looks: in the database that the program was built with, or that of the system.
#[cfg(feature = "serde")]
mod codec {
    use jiff::fmt::serde::tz::required as by_name;
    use serde::de::{Deserialize, Deserializer, IntoDeserializer as _, value::StringDeserializer};

    use super::{NotAWindow, QuietHours, TimeZone};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Written {
        windows: String,
        #[serde(serialize_with = "by_name::serialize", deserialize_with = "zone")]
        zone: TimeZone,
    }

    /// UTC needs no database, and there may be none.
    fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
        let name = String::deserialize(from)?;
        if name == "UTC" {
            return Ok(TimeZone::UTC);
        }
        let name: StringDeserializer<D::Error> = name.into_deserializer();
        by_name::deserialize(name)
    }

    impl From<QuietHours> for Written {
        fn from(hours: QuietHours) -> Self {
            Self { windows: hours.windows(), zone: hours.zone }
        }
    }

    impl TryFrom<Written> for QuietHours {
        type Error = NotAWindow;

        fn try_from(Written { windows, zone }: Written) -> Result<Self, NotAWindow> {
            Self::parse(&windows, zone)
        }
    }
}

impl QuietWindow {
    /// When it ends, if it runs at this time. It may have begun today or yesterday.
    fn end(&self, now: &Zoned) -> Option<Timestamp> {
        let yesterday = now.date().yesterday().ok();
        [Some(now.date()), yesterday].into_iter().flatten().find_map(|day| self.end_from(day, now))
    }

    /// When the one that begins on this day ends, if it does begin on it and runs at this time.
    fn end_from(&self, day: Date, now: &Zoned) -> Option<Timestamp> {
        let next = day.checked_add(1.day()).ok()?;
        let end_day = if self.to.is_some_and(|to| to > self.from) { day } else { next };
        let at = |day: Date, time: Time| {
            Some(day.to_datetime(time).to_zoned(now.time_zone().clone()).ok()?.timestamp())
        };
        let (begin, end) = (at(day, self.from)?, at(end_day, self.to.unwrap_or(Time::midnight()))?);
        (self.days.contains(&day.weekday()) && (begin..end).contains(&now.timestamp())).then_some(end)
    }
}

impl fmt::Display for QuietWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for QuietWindow {
    type Err = NotAWindow;

    fn from_str(text: &str) -> Result<Self, NotAWindow> {
        let text = text.trim();
        let (days, times) = text.rsplit_once(' ').unwrap_or(("Mon-Sun", text));
        let window = || {
            let (from, to) = times.split_once('-')?;
            let (from, to) = (time(from)?, if to == "24:00" { None } else { Some(time(to)?) });
            let days: Vec<Vec<Weekday>> = days.split(',').map(day_range).collect::<Option<_>>()?;
            Some(Self { days: days.concat(), from, to, text: text.to_owned() })
        };
        window().ok_or_else(|| NotAWindow { text: text.to_owned() })
    }
}

/// `8:00` or `08:00`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if hour.is_empty() || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// `Mon`, or `Fri-Mon` over the week's end.
fn day_range(text: &str) -> Option<Vec<Weekday>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let count = usize::try_from(first.until(last)).ok()? + 1;
    Some(first.cycle_forward().take(count).collect())
}

fn day(text: &str) -> Option<Weekday> {
    let text = text.trim().to_ascii_lowercase();
    let named = |day: &Weekday| {
        let name = format!("{day:?}").to_ascii_lowercase();
        text == name || (text.len() == 3 && name.starts_with(&text))
    };
    Weekday::Monday.cycle_forward().take(7).find(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_at(text: &str, zone: &TimeZone, now: &str) -> Option<String> {
        let hours = QuietHours::parse(text, zone.clone()).unwrap();
        hours.at(now.parse().unwrap()).map(|(_, end)| end.to_string())
    }

    /// Central Europe, as a rule, so that no database is needed.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[test]
    fn a_window_holds_from_its_beginning_until_right_before_its_end() {
        // 2026-06-01 is a Monday; Berlin is two hours ahead of UTC.
        for (now, expected) in [
            ("2026-06-01T05:59:59Z", None),
            ("2026-06-01T06:00:00Z", Some("2026-06-01T16:00:00Z")),
            ("2026-06-01T15:59:59Z", Some("2026-06-01T16:00:00Z")),
            ("2026-06-01T16:00:00Z", None),
            ("2026-06-06T12:00:00Z", None),
        ] {
            assert_eq!(end_at("Mon-Fri 08:00-18:00", &berlin(), now).as_deref(), expected, "{now}");
        }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        for (now, expected) in [
            ("2026-06-05T23:00:00Z", Some("2026-06-06T06:00:00Z")),
            ("2026-06-06T05:00:00Z", Some("2026-06-06T06:00:00Z")),
            ("2026-06-06T23:00:00Z", None),
        ] {
            assert_eq!(end_at("Fri 22:00-06:00", &TimeZone::UTC, now).as_deref(), expected, "{now}");
        }
        let every_day = end_at("22:00-06:00", &TimeZone::UTC, "2026-06-03T01:00:00Z");
        assert_eq!(every_day.as_deref(), Some("2026-06-03T06:00:00Z"));
    }

    #[test]
    fn whole_days_and_days_over_the_end_of_the_week_are_windows_too() {
        let end = |now| end_at("Sat-Mon 00:00-24:00", &TimeZone::UTC, now);
        assert_eq!(end("2026-06-06T12:00:00Z").as_deref(), Some("2026-06-07T00:00:00Z"));
        assert_eq!(end("2026-06-01T12:00:00Z").as_deref(), Some("2026-06-02T00:00:00Z"));
        assert_eq!(end("2026-06-02T12:00:00Z"), None);
    }

    #[test]
    fn the_end_that_comes_last_counts() {
        let end = end_at("Mon 08:00-10:00; Mon 09:00-12:00", &TimeZone::UTC, "2026-06-01T09:30:00Z");
        assert_eq!(end.as_deref(), Some("2026-06-01T12:00:00Z"));
    }

    /// On the last Sunday of March 02:30 does not exist in Berlin, on that of October it exists twice.
    #[test]
    fn the_clock_change_neither_loses_nor_doubles_a_window() {
        for (now, quiet) in [
            ("2026-03-29T00:30:00Z", true),
            ("2026-03-29T01:30:00Z", false),
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T02:30:00Z", false),
        ] {
            assert_eq!(end_at("Sun 01:00-03:00", &berlin(), now).is_some(), quiet, "{now}");
        }
    }

    #[test]
    fn what_is_no_window_is_named() {
        for text in [
            "Mon",
            "Mon 8-18",
            "Mon 08:00-25:00",
            "Mo 08:00-10:00",
            "Mon 08:00",
            "Mon-Foo 08:00-10:00",
            "8:0-9:00",
        ] {
            assert_eq!(text.parse::<QuietWindow>(), Err(NotAWindow { text: text.to_owned() }));
        }
    }
}
