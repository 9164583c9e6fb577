//! The years in which something can happen or be planned.
//!
//! Times from outside are checked here before they become part of an event: neither engine could read back every moment
//! that a `DateTime` can express, and one row that cannot be read would stop those who read the rows of all tenants.

use chrono::{DateTime, Utc};

use crate::domain::value::InvalidValue;

/// The first moment that is allowed: ids of events carry the milliseconds since 1970.
pub const EARLIEST: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// The first moment that is not allowed: 1 January 2200.
pub const END: DateTime<Utc> = match DateTime::from_timestamp(7_258_118_400, 0) {
    Some(end) => end,
    None => panic!("2200 is a year"),
};

/// Returns a moment of the years 1970 to 2199 as it is.
pub fn bounded(time: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidValue> {
    if (EARLIEST..END).contains(&time) {
        Ok(time)
    } else {
        Err(InvalidValue::new("time", "must be between the years 1970 and 2199"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_years_from_1970_to_2199_are_allowed() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        for text in ["1970-01-01T00:00:00Z", "2026-02-28T12:00:00Z", "2199-12-31T23:59:59.999999Z"] {
            assert_eq!(bounded(at(text)), Ok(at(text)));
        }
        for text in
            ["1969-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"]
        {
            assert!(bounded(at(text)).is_err(), "{text}");
        }
        assert!(bounded(DateTime::<Utc>::MIN_UTC).is_err() && bounded(DateTime::<Utc>::MAX_UTC).is_err());
    }
}
