//! Calls, as far as they differ from other messages.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};

use crate::queries::messages::MessageRow;

/// How a call ended.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::value::message::CallResult")]
pub enum CallResult {
    /// Somebody listened, as far as is known.
    Answered,
    /// The script was left on a machine.
    Voicemail,
    /// A machine or a fax picked up, and nothing was left on it.
    Machine,
    /// The line was busy, or the call was declined.
    Busy,
    /// Nobody picked up.
    NoAnswer,
    /// It could not be connected.
    Failed,
    /// It was taken back before anybody picked up.
    Cancelled,
}

/// How a call ended, and how long it lasted.
#[derive(SimpleObject, Debug, Clone)]
pub struct Call {
    /// How it ended.
    result: CallResult,
    /// How long it lasted from the moment when it was picked up, in seconds.
    seconds: Option<i64>,
    /// Who picked up, in the provider's word, such as `human` or `machine_end_beep`; null if that was not tested.
    answered_by: Option<String>,
    /// When it ended, by the provider's clock.
    ended_at: Option<DateTime<Utc>>,
}

impl Call {
    /// The call of a message, if it is one that is over.
    pub(super) fn of(row: &MessageRow) -> Option<Self> {
        Some(Self {
            result: row.call_result?.into(),
            seconds: row.call_seconds,
            answered_by: row.call_answered_by.clone(),
            ended_at: row.call_ended_at,
        })
    }
}
