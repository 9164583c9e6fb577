//! The fold of a tenant's stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::decision::Meta;
use crate::domain::tenant::brand::Brand;
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::policy::Policy;
use crate::ids::{ApiKeyId, SubjectId};

/// What decisions need to know of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// True once it was created.
    pub exists: bool,
    /// The company's name.
    pub name: String,
    /// Its rules for sending; absent: those of the installation's configuration.
    pub policy: Option<Policy>,
    /// How it appears to its customers.
    pub brand: Brand,
    /// The keys that may be used.
    pub keys: Vec<ApiKeyId>,
    /// The keys that were revoked.
    pub revoked: Vec<ApiKeyId>,
    /// The users whom keys act for, by the front end's ids, with a fingerprint of the name.
    pub users: BTreeMap<String, u64>,
    /// Those whose names were forgotten, with whose key sealed them.
    pub forgotten_users: BTreeMap<String, SubjectId>,
}

/// Shows whether a name is another one; a snapshot of the state does not hold names.
pub(super) fn fingerprint(name: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(name).into();
    digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl Tenant {
    /// Folds an event in.
    pub fn apply(&mut self, event: &TenantEvent, _meta: Meta) {
        match event {
            TenantEvent::TenantCreated(e) => {
                self.exists = true;
                self.name.clone_from(&e.name);
            }
            TenantEvent::PolicyChanged(e) => self.policy = Some(e.policy.clone()),
            TenantEvent::BrandChanged(e) => self.brand = e.brand.clone(),
            TenantEvent::ApiKeyIssued(e) => self.keys.push(e.key_id),
            TenantEvent::ApiKeyRevoked(e) => {
                self.keys.retain(|id| *id != e.key_id);
                self.revoked.push(e.key_id);
            }
            TenantEvent::UserNamed(e) => {
                let name = e.personal.as_ref().map_or(0, |personal| fingerprint(&personal.name));
                self.users.insert(e.user_id.clone(), name);
            }
            TenantEvent::UserForgotten(e) => {
                self.users.remove(&e.user_id);
                self.forgotten_users.insert(e.user_id.clone(), e.subject_id);
            }
            TenantEvent::ParkedEventSkipped(_) | TenantEvent::PersonalDataRead(_) => {}
        }
    }
}
