//! Scalars that GraphQL lacks: 64-bit amounts, positions in the log, JSON objects.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveTime};

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use super::resume::Resume;
use crate::ids::Position;

/// An amount in millionths. One that was given has 64 bits, a sum may have more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Micros(pub i128);

impl Micros {
    /// The amount that was given.
    #[must_use]
    pub fn given(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Millionths of a unit as a whole number of 64 bits; the sum of many amounts may have more. Written as a string, because
/// JSON numbers lose digits beyond 2^53 in most languages; read from a string or a number.
#[Scalar(name = "Micros")]
impl ScalarType for Micros {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        number
            .map(|number: i64| Self(number.into()))
            .ok_or_else(|| InputValueError::custom("must be a whole number of 64 bits, such as \"1990000\""))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A whole number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Long(pub i64);

/// A whole number of 64 bits, written as a string for the same reason as `Micros`; read from a string or a number.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        Micros::parse(value)
            .map(|micros| Self(micros.given()))
            .map_err(|_| InputValueError::custom("must be a whole number of 64 bits"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Where an event stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Position);

/// Where an event stands in the log: an opaque string, sortable as text. Mutations return one, queries wait for one,
/// subscriptions continue after one.
#[Scalar(name = "Position")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        Resume::of(&value).map(|resume| Self(resume.after)).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Position> for Cursor {
    fn from(position: Position) -> Self {
        Self(position)
    }
}

/// A JSON object: names and any values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, serde_json::Value>);

/// A JSON object: names and any values.
#[Scalar(name = "Attributes")]
impl ScalarType for Attributes {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value.into_json() {
            Ok(serde_json::Value::Object(entries)) => Ok(Self(entries.into_iter().collect())),
            _ => Err(InputValueError::custom("must be a JSON object")),
        }
    }

    fn to_value(&self) -> Value {
        let entries = self.0.iter().map(|(name, value)| {
            (async_graphql::Name::new(name), Value::from_json(value.clone()).unwrap_or(Value::Null))
        });
        Value::Object(entries.collect())
    }
}

/// A text, a number, true or false.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue(pub serde_json::Value);

/// A text, a number, true or false.
#[Scalar(name = "FieldValue")]
impl ScalarType for FieldValue {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value.into_json() {
            Ok(value) if value.is_string() || value.is_number() || value.is_boolean() => Ok(Self(value)),
            _ => Err(InputValueError::custom("must be a text, a number, true or false")),
        }
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or(Value::Null)
    }
}

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A calendar date without a time zone: a string such as `2026-12-24`, in the years 1970 to 2199.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let day = match &value {
            Value::String(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
            _ => None,
        };
        day.filter(|day| (1970..2200).contains(&day.year()))
            .map(Self)
            .ok_or_else(|| InputValueError::custom("must be a date in the years 1970 to 2199, such as \"2026-12-24\""))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(pub NaiveTime);

/// A time of day without a time zone: a string such as `21:00:00`, from `00:00:00` to `23:59:59`. `21:00` is accepted too.
#[Scalar(name = "TimeOfDay")]
impl ScalarType for TimeOfDay {
    fn parse(value: Value) -> InputValueResult<Self> {
        let time = match &value {
            Value::String(text) => ["%H:%M:%S", "%H:%M"].iter().find_map(|f| NaiveTime::parse_from_str(text, f).ok()),
            _ => None,
        };
        time.map(Self).ok_or_else(|| InputValueError::custom("must be a time of day, such as \"21:00:00\""))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%H:%M:%S").to_string())
    }
}

/// What the schema says of `DateTime`.
pub const DATE_TIME: &str = "A moment as RFC 3339 writes it: a string such as `2026-11-28T09:30:00Z`, in the years 1970 to 2199. Any \
    offset is accepted; results are in UTC, with up to six decimals of a second.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micros_keep_every_digit() {
        let micros = Micros(i64::MAX.into());
        assert_eq!(micros.to_value(), Value::String("9223372036854775807".to_owned()));
        assert_eq!(Micros::parse(micros.to_value()).ok(), Some(micros));
        let sum = Micros(3 * i128::from(i64::MAX));
        assert_eq!(sum.to_value(), Value::String("27670116110564327421".to_owned()));
        assert!(Micros::parse(sum.to_value()).is_err(), "an amount has 64 bits");
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        for value in [Value::from("1.5"), Value::from(1.5), Value::from("99999999999999999999"), Value::from(true)] {
            assert!(Micros::parse(value).is_err());
        }
    }

    #[test]
    fn days_and_times_of_day_are_read_and_written_alike() {
        for text in ["1970-01-01", "2199-12-31"] {
            assert_eq!(Date::parse(Value::from(text)).unwrap().to_value(), Value::from(text));
        }
        for wrong in ["2200-01-01", "+12000-01-01", "2026-02-30", "24.12.2026", ""] {
            assert!(Date::parse(Value::from(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(TimeOfDay::parse(Value::from("21:00")).unwrap().to_value(), Value::from("21:00:00"));
        for wrong in ["24:00", "9 pm", "21:00:00.5", ""] {
            assert!(TimeOfDay::parse(Value::from(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_position_is_read_back() {
        let cursor = Cursor(Position::from_counter(77));
        assert_eq!(Cursor::parse(cursor.to_value()).ok(), Some(cursor));
        assert!(Cursor::parse(Value::from("77")).is_err());
    }
}
