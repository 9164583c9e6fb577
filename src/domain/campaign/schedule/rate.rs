//! How many messages may go in which time.
//!
//! Amounts are counted in parts of a message, of which there are as many as there are microseconds in an hour. One
//! message an hour then earns exactly one part a microsecond, and every rate a whole number of them: nothing is ever
//! rounded.

use serde::{Deserialize, Serialize};

use super::plan::is_zero;
use crate::domain::value::Channel;

/// How many parts a message has.
pub(super) const PARTS: u64 = 3_600_000_000;

/// The highest rate, in messages a second: one a microsecond, which is as finely as moments are told apart.
const FASTEST: u64 = 1_000_000;

/// The time that a rate counts messages in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// A second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
}

impl Per {
    const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }
}

/// How many messages may go in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many messages; 0: off, so without a limit.
    pub messages: u32,
    /// In which time.
    pub per: Per,
    /// How many messages may go at once after a while without any; 0: as many as the rate allows in a second, but at
    /// least one. A worker that looks less often than a burst takes to earn loses part of the rate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub burst: u32,
}

/// Why a rate cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// More than a message a microsecond.
    #[error("messages: must be at most 1000000 a second")]
    TooFast,
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { messages: 0, per: Per::Minute, burst: 0 };

    /// A number of messages a minute, with the burst of a second.
    #[must_use]
    pub const fn per_minute(messages: u32) -> Self {
        Self { messages, per: Per::Minute, burst: 0 }
    }

    /// What campaigns of a channel keep to unless they say otherwise. These are cautious: providers allow more, such as
    /// 80 messages a second of a WhatsApp number (Meta, "Cloud API, Throughput"), and less of a new SMS number.
    #[must_use]
    pub const fn default_of(channel: Channel) -> Self {
        Self::per_minute(match channel {
            Channel::Sms | Channel::Voice => 60,
            Channel::Email | Channel::Push => 600,
            Channel::Whatsapp => 80,
            Channel::InApp => 1_000,
        })
    }

    /// Says if the rate cannot be kept.
    pub const fn check(&self) -> Result<(), RateError> {
        if self.messages as u64 > FASTEST * self.per.seconds() { Err(RateError::TooFast) } else { Ok(()) }
    }

    /// Whether there is no limit.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.messages == 0
    }

    /// How many messages may go at once: at least one.
    #[must_use]
    pub fn burst(&self) -> u32 {
        if self.burst > 0 {
            return self.burst;
        }
        let in_a_second = u64::from(self.messages).div_ceil(self.per.seconds());
        u32::try_from(in_a_second).unwrap_or(u32::MAX).max(1)
    }

    /// How many parts are earned in a microsecond: 0 without a limit.
    pub(super) fn speed(&self) -> u64 {
        u64::from(self.messages) * (3_600 / self.per.seconds())
    }

    /// How many parts are kept at most. Fits: 2^32 messages are less than 2^64 parts.
    pub(super) fn capacity(&self) -> u64 {
        u64::from(self.burst()) * PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_default() {
        let defaults: Vec<_> = Channel::ALL.iter().map(|channel| Rate::default_of(*channel)).collect();
        assert!(defaults.iter().all(|rate| rate.per == Per::Minute && !rate.is_off() && rate.check().is_ok()));
        assert_eq!(Rate::default_of(Channel::Whatsapp).messages, 80);
        assert_eq!(Rate::default_of(Channel::InApp).messages, 1_000);
    }

    #[test]
    fn a_burst_that_is_not_given_is_what_a_second_earns() {
        assert_eq!(Rate::per_minute(600).burst(), 10);
        assert_eq!(Rate::per_minute(80).burst(), 2);
        assert_eq!(Rate::per_minute(1).burst(), 1);
        assert_eq!(Rate { burst: 50, ..Rate::per_minute(80) }.burst(), 50);
    }

    #[test]
    fn a_rate_reads_well_in_json() {
        let json = r#"{"messages":80,"per":"minute"}"#;
        let rate: Rate = serde_json::from_str(json).expect("a rate");
        assert_eq!(rate, Rate::per_minute(80));
        assert_eq!(serde_json::to_string(&rate).expect("JSON"), json);
        assert!(serde_json::from_str::<Rate>(r#"{"messages":80,"per":"minute","bursts":1}"#).is_err());
        assert!(serde_json::from_str::<Rate>(r#"{"messages":80,"per":"day"}"#).is_err());
    }

    #[test]
    fn more_than_a_message_a_microsecond_is_refused() {
        let rate = |messages, per| Rate { messages, per, burst: 0 };
        assert_eq!(rate(1_000_000, Per::Second).check(), Ok(()));
        assert_eq!(rate(1_000_001, Per::Second).check(), Err(RateError::TooFast));
        assert_eq!(rate(60_000_001, Per::Minute).check(), Err(RateError::TooFast));
        assert_eq!(rate(u32::MAX, Per::Hour).check(), Err(RateError::TooFast));
    }
}
