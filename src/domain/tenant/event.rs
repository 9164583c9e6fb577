//! Events of a tenant's stream.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::event::{event, stream_events};
use crate::domain::tenant::policy::Policy;
use crate::domain::value::message::Report;
use crate::domain::value::words;
use crate::ids::{ApiKeyId, EventId};

words! {
    /// What an API key may do.
    Role, "role" {
        /// Everything.
        Admin = "admin",
        /// Edits campaigns and customers; does not send.
        Marketer = "marketer",
        /// Answers customers.
        Agent = "agent",
        /// Reads; no personal data unless granted.
        Analyst = "analyst",
        /// Reads events and exports.
        Auditor = "auditor",
        /// Writes events only.
        Ingest = "ingest",
    }
}

event! {
    /// The stream's first event.
    TenantCreated 1 {
        /// The company's name.
        name: String,
    }
}

event! {
    /// A key may be used from now on. Its secret is not stored.
    ApiKeyIssued 1 {
        key_id: ApiKeyId,
        role: Role,
        /// Whether it may see personal data.
        personal: bool,
        /// Whether it may send.
        send: bool,
        /// What it is for.
        label: String,
        /// SHA-256 of the secret (256 random bits), in hex.
        secret_hash: String,
    }
}

event! {
    /// The key is refused from now on.
    ApiKeyRevoked 1 {
        key_id: ApiKeyId,
    }
}

event! {
    /// An operator gave up a parked event of a projection.
    ParkedEventSkipped 1 {
        projection: String,
        event_id: EventId,
        reason: String,
    }
}

event! {
    /// Personal data was read in bulk or exported.
    PersonalDataRead 1 {
        /// Which part of the interface: `export`, `events`, `customer`.
        what: String,
        /// How many people's.
        count: u64,
    }
}

event! {
    /// The rules for sending, as they are from now on: the whole resulting policy. The entry for auditors, too: an
    /// emergency that lifts rules is declared here, with its actor and reason.
    PolicyChanged 1 {
        /// The names of the fields that changed.
        changed: Vec<String>,
        policy: Policy,
    }
}

/// A report whose message was not known when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptReport {
    /// What happened.
    pub report: Report,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// The provider's id of the event, where it has one.
    pub provider_event_id: Option<String>,
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
    }
    personal CallbackKeptPersonal {
        /// As it came.
        raw: String,
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
    /// What was kept is no longer: nobody found its message in time, and nobody can say whose data it holds. Its key is
    /// destroyed.
    CallbackExpired 1 {
        callback_id: Uuid,
    }
}

stream_events! {
    /// Everything that can happen in a tenant's stream.
    TenantEvent {
        TenantCreated,
        PolicyChanged,
        ApiKeyIssued,
        ApiKeyRevoked,
        ParkedEventSkipped,
        PersonalDataRead,
        CallbackKept,
        CallbackResolved,
        CallbackExpired,
    }
}
