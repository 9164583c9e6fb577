//! Times out of text: only what means a moment is read.

use std::fmt::Write;

use chrono::{
    DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

use crate::domain::value::time;

/// How times are written in a file.
#[derive(Debug, Clone)]
pub struct TimeReader {
    zone: Tz,
    format: Option<Format>,
}

/// A `strftime` format that means a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Format {
    /// As it was given, for messages.
    given: String,
    /// Without `%Z`, which chrono would skip without reading it.
    bare: String,
    /// Whether the zone's name stands at the end.
    has_zone_name: bool,
}

/// A format that does not mean a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time format {format:?} does not mean a moment: {reason}")]
pub struct FormatError {
    format: String,
    reason: &'static str,
}

/// The shapes that are understood without a format; a zone may follow each.
const SHAPES: [&str; 8] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
];

/// Zones by the abbreviations that mean one offset wherever they are used, in hours. `BST`, `IST` and the like mean
/// several, and are refused.
const ABBREVIATIONS: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MEZ", 1),
    ("MESZ", 2),
    ("EET", 2),
    ("EEST", 3),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("JST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
    ("NZDT", 13),
];

/// A zone that a time names.
enum Zone {
    Offset(FixedOffset),
    Named(Tz),
}

impl TimeReader {
    /// Reads times without a zone in `zone`; in `format`, or ISO 8601 in its usual shapes.
    pub fn try_new(zone: Tz, format: Option<&str>) -> Result<Self, FormatError> {
        let format = format.map(Format::try_new).transpose()?;
        Ok(Self { zone, format })
    }

    /// Reads a time. Of a local time that happens twice (clocks go back) it takes the first; one that never happens
    /// (clocks go forward) is read as if the clocks had not moved yet.
    pub fn read(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(format!("is longer than a time can be ({LONGEST} bytes)"));
        }
        match &self.format {
            Some(format) => format.read(text, self.zone),
            None => self.read_iso(text),
        }
    }

    fn read_iso(&self, text: &str) -> Result<DateTime<Utc>, String> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
            return in_range(time.to_utc());
        }
        let shape = |text: &str| SHAPES.iter().find_map(|shape| parse_local(text, shape));
        if let Some(local) = shape(text) {
            return at(local, self.zone);
        }
        // RFC 9557: a zone in brackets, behind an offset or in place of it.
        if let Some((before, name)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
            let before = before.trim_end();
            if let Ok(time) = DateTime::parse_from_rfc3339(before) {
                return in_range(time.to_utc());
            }
            if let Some(local) = shape(before) {
                let zone = name.parse().map_err(|_| format!("names a zone that is not known: {name}"))?;
                return at(local, zone);
            }
        }
        let start = zone_start(text);
        if let Some((local, zone)) = start.and_then(|start| Some((shape(text[..start].trim_end())?, &text[start..]))) {
            return named(zone)?.read(local);
        }
        Err("is not a time such as 2026-03-31 14:05:00; name another form with --time-format".to_owned())
    }
}

impl Zone {
    fn read(&self, local: NaiveDateTime) -> Result<DateTime<Utc>, String> {
        match self {
            Self::Named(zone) => at(local, *zone),
            Self::Offset(offset) => match offset.from_local_datetime(&local).single() {
                Some(time) => in_range(time.to_utc()),
                None => Err(OUT_OF_RANGE.to_owned()),
            },
        }
    }
}

impl Format {
    fn try_new(given: &str) -> Result<Self, FormatError> {
        let refuse = |reason| Err(FormatError { format: given.to_owned(), reason });
        if given.len() > LONGEST {
            return refuse("it is longer than 200 bytes");
        }
        let bare = given.trim_end().strip_suffix("%Z").map(str::trim_end);
        let format =
            Self { given: given.to_owned(), bare: bare.unwrap_or(given).to_owned(), has_zone_name: bare.is_some() };
        if format.bare.contains("%Z") {
            return refuse("%Z, a zone's name, is understood at its end only");
        }
        let twelve_hours = ["%I", "%l", "%-I", "%_I", "%0I", "%-l"].iter().any(|item| given.contains(item));
        if twelve_hours && !["%p", "%P", "%r"].iter().any(|item| given.contains(item)) {
            return refuse("it has hours of twelve (%I) without %p, am or pm; is it %H?");
        }
        // What is written in the format must come back when it is read.
        let Some(sample) = NaiveDate::from_ymd_opt(2021, 11, 23).and_then(|day| day.and_hms_opt(17, 45, 0)) else {
            return Ok(format);
        };
        let mut written = String::new();
        if write!(written, "{}", sample.and_utc().format(&format.bare)).is_err() {
            return refuse("it has an item that is not known");
        }
        let whole = Self { has_zone_name: false, ..format.clone() };
        let Ok(read) = whole.read(&written, Tz::UTC) else {
            return refuse("it needs year, month and day");
        };
        let read = read.naive_utc();
        let is_midnight = read.time() == NaiveTime::MIN && !HOURS.iter().any(|item| format.bare.contains(item));
        if read.date() != sample.date() || !(is_midnight || read.hour() == sample.hour()) {
            return refuse("what it writes is read back as another time");
        }
        Ok(format)
    }

    fn read(&self, text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
        let misfit = || format!("does not fit the time format {}", self.given);
        if self.has_zone_name {
            let (local, zone) = text.rsplit_once(char::is_whitespace).ok_or_else(misfit)?;
            let local = parse_local(local.trim_end(), &self.bare).ok_or_else(misfit)?;
            return named(zone)?.read(local);
        }
        if let Ok(time) = DateTime::parse_from_str(text, &self.bare) {
            return in_range(time.to_utc());
        }
        at(parse_local(text, &self.bare).ok_or_else(misfit)?, zone)
    }
}

/// Of a time and of a format, in bytes: what reads them may try each letter against all that follow.
const LONGEST: usize = 200;

/// Items of a format that hold an hour.
const HOURS: [&str; 10] = ["%H", "%I", "%k", "%l", "%T", "%R", "%X", "%r", "%c", "%-"];

const OUT_OF_RANGE: &str = "is not between the years 1970 and 2199";

/// Years outside are typing errors.
fn in_range(time: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    time::bounded(time).map(crate::clock::to_micros).map_err(|_| OUT_OF_RANGE.to_owned())
}

fn at(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, String> {
    let utc = match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Some(time.to_utc()),
        MappedLocalTime::None => local
            .checked_sub_signed(TimeDelta::days(1))
            .and_then(|before| zone.from_local_datetime(&before).earliest())
            .and_then(|before| before.to_utc().checked_add_signed(TimeDelta::days(1))),
    };
    utc.map_or_else(|| Err(OUT_OF_RANGE.to_owned()), in_range)
}

/// Where a zone may begin behind a time: at a letter or a sign behind the last digits of the time of day.
fn zone_start(text: &str) -> Option<usize> {
    let behind_date = text.find(':').map_or(10.min(text.len()), |colon| colon + 1);
    let behind = text.get(behind_date..)?;
    let found = behind.find(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '+' | '-'))?;
    Some(behind_date + found)
}

/// The zone of an abbreviation, an offset (`+01`, `+0100`, `+01:00`, `UTC+1`) or a name of the IANA database.
fn named(text: &str) -> Result<Zone, String> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let offset = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    if let Some(offset) = offset_of(offset) {
        return Ok(Zone::Offset(offset));
    }
    let upper = text.to_ascii_uppercase();
    if let Some((_, hours)) = ABBREVIATIONS.iter().find(|(name, _)| *name == upper)
        && let Some(offset) = FixedOffset::east_opt(hours * 3600)
    {
        return Ok(Zone::Offset(offset));
    }
    if text.contains('/')
        && let Ok(zone) = text.parse()
    {
        return Ok(Zone::Named(zone));
    }
    // Words that no zone is called by are not repeated: they may be anything.
    let shown = if text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) { text } else { "it" };
    Err(format!("names a zone that has several meanings or none ({shown}); offsets such as +01:00 have one"))
}

fn offset_of(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match (digits.len(), digits.split_once(':')) {
        (_, Some((hours, minutes))) => (hours, minutes),
        (1 | 2, None) => (digits, "0"),
        (4, None) => digits.split_at_checked(2)?,
        _ => return None,
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    (hours <= 18 && minutes < 60).then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))).flatten()
}

fn parse_local(text: &str, format: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok().and_then(|date| date.and_hms_opt(0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(zone: Tz, format: Option<&str>) -> TimeReader {
        TimeReader::try_new(zone, format).unwrap()
    }

    #[test]
    fn local_times_are_read_in_their_zone() {
        let reader = reader(chrono_tz::Europe::London, None);
        let utc = |text| reader.read(text).map(|time| time.to_rfc3339());
        assert_eq!(utc("2010-12-01 08:26:00").unwrap(), "2010-12-01T08:26:00+00:00");
        assert_eq!(utc("2011-07-01 08:26").unwrap(), "2011-07-01T07:26:00+00:00");
        assert_eq!(utc("2011-07-01").unwrap(), "2011-06-30T23:00:00+00:00");
        assert_eq!(utc("2011-07-01T08:26:00+02:00").unwrap(), "2011-07-01T06:26:00+00:00");
        assert_eq!(utc("2011-10-30 01:30:00").unwrap(), "2011-10-30T00:30:00+00:00", "happens twice: the first");
        assert_eq!(utc("2011-03-27 01:30:00").unwrap(), "2011-03-27T01:30:00+00:00", "never happens");
        assert!(utc("12/1/2010 8:26").unwrap_err().contains("--time-format"));
        assert!(utc("20100-01-01").is_err());
        assert!(utc("1066-10-14").unwrap_err().contains("between the years"));
    }

    #[test]
    fn another_form_of_time_can_be_named() {
        let reader = reader(chrono_tz::UTC, Some("%m/%d/%Y %H:%M"));
        assert_eq!(reader.read("12/1/2010 8:26").unwrap().to_rfc3339(), "2010-12-01T08:26:00+00:00");
        assert!(reader.read("2010-12-01").is_err());
    }

    #[test]
    fn zones_in_the_text_count_whatever_the_files_zone_is() {
        let reader = reader(chrono_tz::Europe::Vienna, None);
        let utc = |text: &str| reader.read(text).map(|time| time.format("%H:%M").to_string());
        for (text, expected) in [
            ("2024-02-09 15:00:00 UTC", "15:00"),
            ("2024-02-09 15:00:00 EST", "20:00"),
            ("2024-02-09 15:00 CET", "14:00"),
            ("2024-02-09 15:00:00 +0100", "14:00"),
            ("2024-02-09 15:00:00+00", "15:00"),
            ("2024-02-09T15:00:00.000+0000", "15:00"),
            ("2024-02-09T15:00:00Z", "15:00"),
            ("2024-02-09T15:00[Europe/Vienna]", "14:00"),
            ("2024-02-09T15:00:00+02:00[Europe/Vienna]", "13:00"),
            ("2024-02-09 15:00:00 Europe/London", "15:00"),
            ("2024-02-09 15:00:00 UTC+2", "13:00"),
            ("Fri, 09 Feb 2024 15:00:00 +0000", "15:00"),
            ("2024-02-09 15:00", "14:00"),
        ] {
            assert_eq!(utc(text).as_deref(), Ok(expected), "{text}");
        }
        for ambiguous in ["2024-07-09 15:00:00 BST", "2024-07-09 15:00:00 IST", "2024-07-09 15:00:00 XYZ"] {
            assert!(utc(ambiguous).unwrap_err().contains("several meanings"), "{ambiguous}");
        }
    }

    #[test]
    fn a_zone_name_in_the_format_is_read() {
        let reader = reader(chrono_tz::Europe::Vienna, Some("%Y-%m-%d %H:%M:%S %Z"));
        let utc = |text: &str| reader.read(text).map(|time| time.format("%H:%M").to_string());
        assert_eq!(utc("2024-02-09 15:00:00 UTC").as_deref(), Ok("15:00"));
        assert_eq!(utc("2024-02-09 15:00:00 EST").as_deref(), Ok("20:00"));
        assert_eq!(utc("2024-02-09 15:00:00 CET").as_deref(), Ok("14:00"));
        assert!(utc("2024-07-09 15:00:00 BST").is_err());
    }

    #[test]
    fn a_format_that_does_not_mean_a_moment_is_refused() {
        for format in
            ["%d/%m/%Y %I:%M", "%d/%m %H:%M", "%Z %Y-%m-%d %H:%M", "%H:%M", "%Y-%m-%d %Q", "%Y-%m-%d %H", "plain"]
        {
            assert!(TimeReader::try_new(Tz::UTC, Some(format)).is_err(), "{format}");
        }
        for format in ["%d/%m/%Y %I:%M %p", "%d.%m.%y", "%s", "%m/%d/%Y, %H:%M:%S", "%b %e, %Y %l:%M %p"] {
            assert!(
                TimeReader::try_new(Tz::UTC, Some(format)).is_ok(),
                "{format}: {:?}",
                TimeReader::try_new(Tz::UTC, Some(format)).err()
            );
        }
    }
}
