//! Use cases: load, decide, append. The only module that appends to the log.
//!
//! Every command is one method of [`App`]. It returns [`Outcome::Refused`] where the domain says no, and an
//! [`AppError`] where no answer could be found.

mod accounts;
mod activities;
mod addresses;
mod approvals;
mod attachments;
mod back_test;
mod callbacks;
mod campaign_ids;
mod campaign_recipients;
mod campaign_sending;
mod campaigns;
mod canned;
mod consents;
mod conversations;
mod customers;
mod devices;
mod dispatch;
mod engine;
mod erasure;
mod explaining;
mod health;
pub mod imports;
mod in_app;
mod late_texts;
mod links;
mod lists;
mod merging;
mod messages;
mod persons;
mod reclass;
mod replies;
mod sending;
pub mod signing_in;
mod standing;
mod template_cache;
pub mod templates;
mod tenants;
mod tracking;
mod validations;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use crate::domain::message::dispatch::ResolveInDoubt;
pub use accounts::{AccountCheck, KnownAccounts};
pub use attachments::{ArrivedFile, FileContent, RemoteFile, UNUSED_FOR, Upload, Uploaded};
pub use back_test::TriedPerson;
pub use callbacks::{KeepCallback, KeptContent};
pub use campaign_recipients::{Judged, Recipient, Warmed};
pub use campaign_sending::{CampaignText, Known};
pub use dispatch::{DispatchDecision, InDoubt, Ticket};
pub use engine::error::{AppError, Done, Outcome};
pub use engine::feed::{DispatchSignal, Interest, Lane, Signal, Touch};
pub use engine::share::Share;
pub use erasure::Erasing;
pub use explaining::ExplainedSend;
pub use health::Health;
pub use in_app::InAppReport;
pub use links::{Link, ListUnsubscribe, OptInRequest};
pub use reclass::{Reclassed, Step};
pub use sending::TestMessage;
pub use tracking::{ShortLink, TrackedPlace, Visit};
pub use validations::{Question, Standing};

use moka::sync::Cache;
use tokio::sync::{Semaphore, watch};

use crate::app::engine::policies::Policies;
use crate::app::engine::states::States;
use crate::clock::Ambient;
use crate::domain::account::state::ProviderAccounts;
use crate::domain::address::state::Address;
use crate::domain::callback::state::KeptCallbacks;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::state::Campaign;
use crate::domain::canned::state::CannedReply;
use crate::domain::check::state::DayOfChecks;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Policy;
use crate::domain::import::state::Import;
use crate::domain::list::state::List;
use crate::domain::message::event::MessageQueuedPersonal;
use crate::domain::template::state::Template;
use crate::domain::tenant::state::Tenant;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::ids::{CorrelationId, MessageId, Position, TenantId};
use crate::log::Journal;
use crate::log::blobs::Blobs;

/// On whose behalf a command is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose data it is.
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
    /// Where files are; without it, none can be taken.
    blobs: Option<Blobs>,
}

/// What a tenant's accounts take on a channel.
type LimitsOf = Box<dyn Fn(TenantId, Channel) -> Limits + Send + Sync>;

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
    /// What was queued just now: a dispatch that follows at once need not read it from the log.
    queued: Cache<MessageId, Arc<MessageQueuedPersonal>>,
    accounts: States<ProviderAccounts>,
    canned: States<CannedReply>,
    lists: States<List>,
    templates: States<Template>,
    campaigns: States<Campaign>,
    campaign_runs: States<CampaignRun>,
    standings: campaigns::Standings,
    compiled: template_cache::Cache,
    published: template_cache::Published,
    callbacks: States<KeptCallbacks>,
    checks: States<DayOfChecks>,
    /// What a tenant's accounts take on a channel, once the accounts are known.
    limits: OnceLock<LimitsOf>,
    /// Snapshots are written one at a time: they must not crowd out appends.
    snapshots: Arc<Semaphore>,
    health: Health,
    /// Whether the dispatcher of this process waits for an operator.
    held: watch::Sender<bool>,
    /// Until when a campaign without a rate was seen to decide on its recipients, in milliseconds of the epoch.
    deciding_until: AtomicI64,
}

/// How much memory the states of customers may take; those of addresses take a quarter of it, others hardly any.
const STATE_BYTES: u64 = 20 * 1024 * 1024;
/// How much memory the texts of messages may take between queue and dispatch, and for how long.
const QUEUED_BYTES: u64 = 8 * 1024 * 1024;
const QUEUED_FOR: Duration = Duration::from_secs(60);
/// How long a campaign that was seen to decide counts as deciding, in milliseconds.
const DECIDING_MILLIS: i64 = 2_000;

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
                accounts: States::new(STATE_BYTES / 16),
                canned: States::new(STATE_BYTES / 16),
                lists: States::new(STATE_BYTES / 16),
                templates: States::new(STATE_BYTES / 8),
                campaigns: States::new(STATE_BYTES / 16),
                campaign_runs: States::new(STATE_BYTES / 16),
                standings: campaigns::standings(),
                compiled: template_cache::cache(),
                published: template_cache::published_cache(),
                callbacks: States::new(STATE_BYTES / 256),
                checks: States::new(STATE_BYTES / 256),
                queued: Cache::builder()
                    .max_capacity(QUEUED_BYTES)
                    .weigher(|_, content: &Arc<MessageQueuedPersonal>| {
                        u32::try_from(content.body.len() + content.html.as_ref().map_or(0, String::len) + 512)
                            .unwrap_or(u32::MAX)
                    })
                    .time_to_live(QUEUED_FOR)
                    .build(),
                limits: OnceLock::new(),
                snapshots: Arc::new(Semaphore::new(1)),
                health: Health::default(),
                held: watch::Sender::new(false),
                deciding_until: AtomicI64::new(i64::MIN),
            }),
            public_url: Arc::from("http://localhost"),
            blobs: None,
        }
    }

    /// The position of the last event that this node knows of.
    #[must_use]
    pub fn end_of_log(&self) -> Position {
        *self.shared.journal.backend().watch().borrow()
    }

    /// Lets it know what a tenant's accounts take on a channel: what none of them would take is refused. The first call
    /// counts.
    pub fn know_limits(&self, limits: impl Fn(TenantId, Channel) -> Limits + Send + Sync + 'static) {
        self.shared.limits.get_or_init(|| Box::new(limits));
    }

    fn limits(&self, tenant: TenantId, channel: Channel) -> Limits {
        self.shared.limits.get().map_or(Limits::none(channel), |limits| limits(tenant, channel))
    }

    /// How the parts of this node are doing.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Notes that a campaign decides on its recipients as fast as it can.
    pub fn note_campaign_deciding(&self) {
        let until = self.shared.ambient.now().timestamp_millis() + DECIDING_MILLIS;
        self.shared.deciding_until.store(until, Ordering::Relaxed);
    }

    /// Whether a campaign of this process decides on its recipients as fast as it can. What it asked for goes out with what is
    /// left of the machine until then: deciding is quick, and whoever watches the campaign sees early what it comes to.
    #[must_use]
    pub fn is_campaign_deciding(&self) -> bool {
        self.shared.ambient.now().timestamp_millis() < self.shared.deciding_until.load(Ordering::Relaxed)
    }

    /// Clock and randomness, as the use cases see them.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        &self.shared.ambient
    }
}
