//! Events of a tenant's stream.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::event::{event, stream_events};
use crate::domain::tenant::brand::Brand;
use crate::domain::tenant::policy::Policy;
use crate::domain::value::words;
use crate::ids::{ApiKeyId, CustomerId, EventId, SubjectId};

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
        /// Whether it may act for users, whom it names with each request.
        acts_for_users: bool,
        /// A note on who uses the key.
        label: String,
        /// SHA-256 of the secret (256 random bits), in hex.
        secret_hash: String,
        /// The user who signed in with it, and who does what is done with it; absent for a key that nobody signed in for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<Uuid>,
        /// From when on it is refused; absent: from when it is revoked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<DateTime<Utc>>,
    }
}

event! {
    /// The key is refused from now on.
    ApiKeyRevoked 1 {
        key_id: ApiKeyId,
    }
}

event! {
    /// A user whom an API key acts for has this name from now on. Events name the user by id only.
    UserNamed 1 {
        /// The front end's id of the user: in the clear, so it must not be a name or an email address.
        user_id: String,
        /// Whose key seals the name: the user has one, so that the name can be forgotten.
        subject_id: SubjectId,
    } personal UserNamedPersonal {
        /// As it is shown.
        name: String,
    }
}

event! {
    /// The user has no name from now on: the key that seals it is destroyed. The id stays, in the actor of what the user did.
    UserForgotten 1 {
        user_id: String,
        subject_id: SubjectId,
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
        /// The customers, if there are at most 100.
        customer_ids: Vec<CustomerId>,
        /// What was asked for; never a name or an address.
        filter: Option<String>,
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

event! {
    /// How the tenant appears to its customers from now on: the whole resulting brand.
    BrandChanged 1 {
        /// The names of the fields that changed.
        changed: Vec<String>,
        brand: Brand,
    }
}

stream_events! {
    /// Everything that can happen in a tenant's stream.
    TenantEvent {
        TenantCreated,
        PolicyChanged,
        BrandChanged,
        ApiKeyIssued,
        ApiKeyRevoked,
        UserNamed,
        UserForgotten,
        ParkedEventSkipped,
        PersonalDataRead,
    }
}

impl TenantEvent {
    /// Whose key seals the personal part, where it is not the tenant's.
    #[must_use]
    pub const fn subject(&self) -> Option<SubjectId> {
        match self {
            Self::UserNamed(named) => Some(named.subject_id),
            Self::TenantCreated(_)
            | Self::PolicyChanged(_)
            | Self::BrandChanged(_)
            | Self::ApiKeyIssued(_)
            | Self::ApiKeyRevoked(_)
            | Self::UserForgotten(_)
            | Self::ParkedEventSkipped(_)
            | Self::PersonalDataRead(_) => None,
        }
    }
}
