//! The fold of a tenant's provider accounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::account::event::{AccountEvent, AccountName, AccountSpec, Rate};
use crate::domain::decision::Meta;
use crate::ids::SecretId;

/// A tenant's provider accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAccounts {
    /// In the order of their names.
    entries: Vec<(AccountName, Entry)>,
    /// True once an account was configured, even if it was removed since: from then on, nothing is simulated.
    pub has_real_account: bool,
}

/// What is known of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How it was set up; absent for an account that a file or variable configures.
    pub configured: Option<Configured>,
    /// How fast it sends; absent: as its file says.
    pub rate: Option<Rate>,
    /// Why it is not used.
    pub paused: Option<Paused>,
}

/// An account that an administrator set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// Without secrets; its rate is that of [`Entry::rate`].
    pub spec: AccountSpec,
    /// Where the key store keeps its secrets, by name.
    pub secrets: BTreeMap<String, SecretId>,
    /// Since when it is set up as it is.
    pub since: DateTime<Utc>,
}

/// An operator's pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// The time at which it began.
    pub since: DateTime<Utc>,
    /// The reason, in words.
    pub reason: String,
}

impl ProviderAccounts {
    /// What is known of an account.
    #[must_use]
    pub fn get(&self, name: &AccountName) -> Option<&Entry> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, entry)| entry)
    }

    /// All that something is known of.
    pub fn all(&self) -> impl Iterator<Item = (&AccountName, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name, entry))
    }

    /// The accounts that administrators set up.
    pub fn configured(&self) -> impl Iterator<Item = (&AccountName, &Entry, &Configured)> {
        self.all().filter_map(|(name, entry)| Some((name, entry, entry.configured.as_ref()?)))
    }

    /// The secrets that are in use.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<SecretId> {
        self.configured().flat_map(|(_, _, configured)| configured.secrets.values().copied()).collect()
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &AccountEvent, meta: Meta) {
        let since = meta.occurred_at;
        match event {
            AccountEvent::AccountConfigured(e) => {
                self.has_real_account = true;
                let entry = self.entry(&e.name);
                entry.rate = Some(e.spec.rate);
                entry.configured = Some(Configured { spec: e.spec.clone(), secrets: e.secrets.clone(), since });
            }
            AccountEvent::AccountRemoved(e) => self.entries.retain(|(name, _)| *name != e.name),
            AccountEvent::AccountRateChanged(e) => self.entry(&e.name).rate = Some(e.rate),
            AccountEvent::AccountPaused(e) => {
                self.entry(&e.name).paused = Some(Paused { since, reason: e.reason.clone() });
            }
            AccountEvent::AccountResumed(e) => self.entry(&e.name).paused = None,
            AccountEvent::AccountTested(_) => {}
        }
    }

    fn entry(&mut self, name: &AccountName) -> &mut Entry {
        let at = match self.entries.binary_search_by(|(known, _)| known.cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (name.clone(), Entry::default()));
                at
            }
        };
        &mut self.entries[at].1
    }
}
