//! The fold of a tenant's stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::decision::Meta;
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::policy::Policy;
use crate::ids::ApiKeyId;

/// What decisions need to know of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// True once it was created.
    pub exists: bool,
    /// Its rules for sending; absent: those of the installation's configuration.
    pub policy: Option<Policy>,
    /// The keys that may be used.
    pub keys: Vec<ApiKeyId>,
    /// The keys that were revoked.
    pub revoked: Vec<ApiKeyId>,
    /// The names of users whom keys act for, by the front end's ids.
    pub users: BTreeMap<String, String>,
}

impl Tenant {
    /// Folds an event in.
    pub fn apply(&mut self, event: &TenantEvent, _meta: Meta) {
        match event {
            TenantEvent::TenantCreated(_) => self.exists = true,
            TenantEvent::PolicyChanged(e) => self.policy = Some(e.policy.clone()),
            TenantEvent::ApiKeyIssued(e) => self.keys.push(e.key_id),
            TenantEvent::ApiKeyRevoked(e) => {
                self.keys.retain(|id| *id != e.key_id);
                self.revoked.push(e.key_id);
            }
            TenantEvent::UserNamed(e) => {
                if let Some(personal) = &e.personal {
                    self.users.insert(e.user_id.clone(), personal.name.clone());
                }
            }
            TenantEvent::ParkedEventSkipped(_) | TenantEvent::PersonalDataRead(_) => {}
        }
    }
}
