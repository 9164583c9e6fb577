//! Events of the callbacks that were kept for one provider account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::event::{event, stream_events};
use crate::domain::value::message::Report;

/// A report whose message was not known when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptReport {
    /// The event that the provider reports.
    pub report: Report,
    /// The time at which it happened.
    pub occurred_at: DateTime<Utc>,
    /// The provider's id of the event, where it has one.
    pub provider_event_id: Option<String>,
}

/// A request without its body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRequest {
    /// `POST` or `GET`.
    pub method: String,
    /// The URL without what proves the sender.
    pub url: String,
    /// The media type with its parameters.
    pub content_type: Option<String>,
}

event! {
    /// A provider told something that nobody understood, or about a message that nobody knew. In a stream of the
    /// account's own, sealed with a key of its own.
    CallbackKept 1 {
        callback_id: Uuid,
        provider: String,
        account: String,
        /// Why it was not recorded as what it is.
        reason: String,
        /// The provider's id of the message that it is about.
        provider_message_id: Option<String>,
        /// The version of the provider's parser that read it.
        #[serde(default)]
        parser: u32,
        /// The request is in the blob store, under the callback's own id: it does not fit in here as text.
        #[serde(default)]
        is_stored: bool,
    }
    personal CallbackKeptPersonal {
        /// As it came, at most 64 KB of it.
        raw: String,
        /// The request that it came in, without its body, so that it can be parsed again.
        #[serde(default)]
        request: Option<KeptRequest>,
        /// What it reports, if that was understood.
        report: Option<KeptReport>,
    }
}

event! {
    /// What was kept is recorded now as what it is, with its text, in the stream of the customer: the key of what was kept
    /// is destroyed.
    CallbackResolved 1 {
        callback_id: Uuid,
    }
}

event! {
    /// A newer parser looked at what was kept, and could not record it either.
    CallbackReviewed 1 {
        callback_id: Uuid,
        /// The parser's version.
        parser: u32,
    }
}

event! {
    /// What was kept is no longer: nobody found its message in time, and nobody can say whose data it holds. Its key is
    /// destroyed.
    CallbackExpired 1 {
        callback_id: Uuid,
    }
}

stream_events! {
    /// Everything that can happen in the stream of an account's kept callbacks.
    CallbackEvent {
        CallbackKept,
        CallbackResolved,
        CallbackReviewed,
        CallbackExpired,
    }
}
