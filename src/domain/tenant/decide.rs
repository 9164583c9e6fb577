//! Commands on a tenant.

use serde::Serialize;

use crate::domain::tenant::event::Role;
use crate::ids::{ApiKeyId, EventId};

/// Opens a tenant under the caller's tenant id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateTenant {
    /// The company's name.
    pub name: String,
}

/// Issues an API key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueApiKey {
    /// What it may do.
    pub role: Role,
    /// Whether it may see personal data; absent: as is usual for the role.
    pub personal: Option<bool>,
    /// Whether it may send; absent: as is usual for the role.
    pub send: Option<bool>,
    /// What it is for.
    pub label: String,
}

/// The answer to [`IssueApiKey`].
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedApiKey {
    /// Names the key, in listings and as the actor of what it does.
    pub key_id: ApiKeyId,
    /// What a client presents: `clk_<key id>_<secret>`, both in hex. Not stored anywhere.
    pub token: String,
}

impl std::fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedApiKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Ends the use of an API key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RevokeApiKey {
    /// Which key.
    pub key_id: ApiKeyId,
}

/// Records that an operator gave up a parked event of a projection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SkipParked {
    /// The projection that could not apply it.
    pub projection: String,
    /// Which event.
    pub event_id: EventId,
    /// Why it may be left out.
    pub reason: String,
}

/// Records that personal data was read in bulk or exported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordPersonalRead {
    /// Which part of the interface: `export`, `events`, `customer`.
    pub what: String,
    /// How many people's.
    pub count: u64,
}
