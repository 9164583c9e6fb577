//! Use cases: load, decide, append. The only module that appends to the log.
//!
//! Every command is one method of [`App`]. It answers [`Outcome::Refused`] where the domain says no, and an
//! [`AppError`] where no answer could be found.

mod activities;
mod addresses;
mod aggregate;
mod callbacks;
mod consents;
mod conversations;
mod customers;
mod deciding;
mod dispatch;
mod erasure;
mod error;
mod feed;
mod imports;
mod links;
mod messages;
mod policies;
mod reclass;
mod states;
mod tenants;

use std::sync::Arc;

pub use callbacks::KeepCallback;
pub use dispatch::{Begun, InDoubt, ResolveInDoubt, Ticket};
pub use error::{AppError, Done, Outcome};
pub use feed::{MessageStage, Signal};
pub use links::{ListUnsubscribe, OptInRequest};
pub use reclass::{Reclassed, Step};

use tokio::sync::Semaphore;

use crate::app::policies::Policies;
use crate::app::states::States;
use crate::clock::Ambient;
use crate::domain::consent::state::Address;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Policy;
use crate::domain::import::state::Import;
use crate::domain::tenant::state::Tenant;
use crate::ids::{CorrelationId, Position, TenantId};
use crate::log::Journal;

/// On whose behalf a command is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it is about.
    pub tenant: TenantId,
    /// Who acts, as an identifier: `key:<id>`, `process:dispatcher`, `provider:twilio`, `cli`.
    pub actor: String,
    /// Makes the command repeatable: the same key with the same input is carried out once.
    pub idempotency_key: Option<String>,
    /// The piece of work that the command belongs to.
    pub correlation: Option<CorrelationId>,
}

impl Caller {
    /// A caller without idempotency key and correlation.
    #[must_use]
    pub fn new(tenant: TenantId, actor: impl Into<String>) -> Self {
        Self { tenant, actor: actor.into(), idempotency_key: None, correlation: None }
    }

    /// The same caller with an idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

/// All use cases. Cheap to clone.
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
    /// What links in messages begin with; no slash at its end.
    public_url: Arc<str>,
}

struct Shared {
    journal: Journal,
    ambient: Ambient,
    /// Of the installation: what holds for tenants that have none of their own.
    policy: Policy,
    policies: Policies,
    customers: States<Customer>,
    addresses: States<Address>,
    tenants: States<Tenant>,
    imports: States<Import>,
    /// Snapshots are written one at a time: they must not crowd out appends.
    snapshots: Arc<Semaphore>,
}

/// How much memory the states of customers may take; those of addresses take a quarter of it, others hardly any.
const STATE_BYTES: u64 = 32 * 1024 * 1024;

impl App {
    /// Use cases over a journal, with the default policy.
    #[must_use]
    pub fn new(journal: Journal, ambient: Ambient) -> Self {
        Self::with_policy(journal, ambient, Policy::default())
    }

    /// Use cases over a journal.
    #[must_use]
    pub fn with_policy(journal: Journal, ambient: Ambient, policy: Policy) -> Self {
        Self {
            shared: Arc::new(Shared {
                journal,
                ambient,
                policy,
                policies: Policies::new(),
                customers: States::new(STATE_BYTES),
                addresses: States::new(STATE_BYTES / 4),
                tenants: States::new(STATE_BYTES / 16),
                imports: States::new(STATE_BYTES / 16),
                snapshots: Arc::new(Semaphore::new(1)),
            }),
            public_url: Arc::from("http://localhost"),
        }
    }

    /// The position of the last event that this node knows of.
    #[must_use]
    pub fn end_of_log(&self) -> Position {
        *self.shared.journal.backend().watch().borrow()
    }

    /// Clock and randomness, as the use cases see them.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        &self.shared.ambient
    }
}
