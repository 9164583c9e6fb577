//! Values out of text: exact decimals, times in a zone, ids as spreadsheets write them.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Which character separates the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalMark {
    /// 1234.56
    Point,
    /// 1234,56
    Comma,
}

/// Reads a decimal number as a whole number of `10^-places`, exactly: nothing is rounded. Digits beyond `places` must
/// be zeros. Neither thousands separators nor exponents are accepted, because they are read differently in different
/// places.
pub fn decimal(text: &str, places: u32, mark: DecimalMark) -> Result<i64, String> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let separator = match mark {
        DecimalMark::Point => '.',
        DecimalMark::Comma => ',',
    };
    let (whole, fraction) = digits.split_once(separator).unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(format!("is not a decimal number such as -1234{separator}56"));
    }
    let places = places as usize;
    let (kept, beyond) = fraction.split_at(fraction.len().min(places));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(format!("has more than {places} decimals"));
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', places - kept.len());
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value =
            value.checked_mul(10).and_then(|value| value.checked_sub(i64::from(digit - b'0'))).ok_or("is too large")?;
    }
    // Summed up below zero, where there is room for one more.
    if negative { Ok(value) } else { value.checked_neg().ok_or_else(|| "is too large".to_owned()) }
}

/// A price in micros of the currency's unit.
pub fn micros(text: &str, mark: DecimalMark) -> Result<i64, String> {
    decimal(text, 6, mark)
}

/// A quantity in thousandths.
pub fn milli(text: &str, mark: DecimalMark) -> Result<i64, String> {
    decimal(text, 3, mark)
}

/// How times are written in a file.
#[derive(Debug, Clone)]
pub struct TimeReader {
    /// The zone of times that name none.
    pub zone: Tz,
    /// A `strftime` format; without one, ISO 8601 in its usual shapes.
    pub format: Option<String>,
}

const SHAPES: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
];

impl TimeReader {
    /// Reads a time. Of a local time that happens twice (clocks go back) it takes the first; one that never happens
    /// (clocks go forward) is read as if the clocks had not moved yet.
    pub fn read(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let text = text.trim();
        if let Some(format) = &self.format {
            if let Ok(time) = DateTime::parse_from_str(text, format) {
                return Ok(time.to_utc());
            }
            return parse_local(text, format)
                .ok_or_else(|| format!("does not fit the time format {format}"))
                .and_then(|local| self.to_utc(local));
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(time.to_utc());
        }
        SHAPES
            .iter()
            .chain(&["%Y-%m-%d", "%Y/%m/%d"])
            .find_map(|shape| parse_local(text, shape))
            .ok_or_else(|| "is not a time such as 2026-03-31 14:05:00; name another form with --time-format".to_owned())
            .and_then(|local| self.to_utc(local))
    }

    fn to_utc(&self, local: NaiveDateTime) -> Result<DateTime<Utc>, String> {
        let utc = match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Some(time.to_utc()),
            MappedLocalTime::None => local
                .checked_sub_signed(TimeDelta::days(1))
                .and_then(|before| self.zone.from_local_datetime(&before).earliest())
                .and_then(|before| before.to_utc().checked_add_signed(TimeDelta::days(1))),
        };
        // Event ids carry the milliseconds since 1970, and databases end somewhere: years outside are typing errors.
        let range = 0..=253_402_300_799;
        utc.filter(|time| range.contains(&time.timestamp()))
            .map(crate::clock::to_micros)
            .ok_or_else(|| "is not between the years 1970 and 9999".to_owned())
    }
}

fn parse_local(text: &str, format: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok().and_then(|date| date.and_hms_opt(0, 0, 0)))
}

/// An id without the `.0` that spreadsheets and data frames add to whole numbers. Blank is [`None`].
#[must_use]
pub fn external_id(text: &str) -> Option<&str> {
    let text = text.trim();
    let bare = text
        .strip_suffix(".0")
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or(text);
    (!bare.is_empty()).then_some(bare)
}

/// Text that is not blank, with its outer blanks as they are: what people wrote is kept unchanged.
#[must_use]
pub fn filled(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let micros = |text| super::micros(text, DecimalMark::Point);
        assert_eq!(micros("2.55"), Ok(2_550_000));
        assert_eq!(micros("-11062.06"), Ok(-11_062_060_000));
        assert_eq!(micros(" 0.001 "), Ok(1_000));
        assert_eq!(micros("+7"), Ok(7_000_000));
        assert_eq!(micros(".5"), Ok(500_000));
        assert_eq!(micros("1.2500000000"), Ok(1_250_000));
        assert_eq!(micros("9223372036854.775807"), Ok(i64::MAX));
        assert_eq!(micros("-9223372036854.775808"), Ok(i64::MIN));
        assert_eq!(super::micros("1234,5", DecimalMark::Comma), Ok(1_234_500_000));
        assert_eq!(milli("-0.25", DecimalMark::Point), Ok(-250));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_a_decimal() {
        for text in ["", "-", ".", "1,234.50", "1e3", "0x1", "NaN", "£5", "1.2.3", "--1", "١"] {
            assert!(micros(text, DecimalMark::Point).unwrap_err().starts_with("is not a decimal"), "{text}");
        }
        assert_eq!(micros("0.0000001", DecimalMark::Point).unwrap_err(), "has more than 6 decimals");
        assert_eq!(micros("9223372036854.775808", DecimalMark::Point).unwrap_err(), "is too large");
    }

    #[test]
    fn local_times_are_read_in_their_zone() {
        let reader = TimeReader { zone: chrono_tz::Europe::London, format: None };
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
        let reader = TimeReader { zone: chrono_tz::UTC, format: Some("%m/%d/%Y %H:%M".to_owned()) };
        assert_eq!(reader.read("12/1/2010 8:26").unwrap().to_rfc3339(), "2010-12-01T08:26:00+00:00");
        assert!(reader.read("2010-12-01").is_err());
    }

    #[test]
    fn ids_lose_the_decimals_of_data_frames() {
        assert_eq!(external_id("17850.0"), Some("17850"));
        assert_eq!(external_id(" A-1.0 "), Some("A-1.0"));
        assert_eq!(external_id(".0"), Some(".0"));
        assert_eq!(external_id("  "), None);
    }
}
