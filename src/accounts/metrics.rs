//! What is counted of providers, for Prometheus: their callbacks, and what came of calling them.
//!
//! Labels are the provider and the account's name. Only accounts of the configuration file get labels of their own: those
//! that tenants set up are counted together, because `/metrics` needs no key and must not name tenants; what is called by
//! other names, anybody could invent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::accounts::account::Account;
use crate::domain::message::dispatch::CallOutcome;
use crate::domain::value::message::Report;
use crate::providers::{NoticeKind, SignatureError};

/// Upper bounds of times, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Upper bounds of how long messages wait, in seconds: rates and pauses make them wait long.
const WAITS: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];

/// The label of all accounts that tenants set up. No account has this name: names have no space.
const OF_TENANTS: &str = "of tenants";

/// Which account something is counted for.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct AccountLabel {
    provider: String,
    account: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    provider: String,
    account: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    provider: String,
    account: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ClassLabels {
    provider: String,
    account: String,
    class: &'static str,
}

/// Why a webhook was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not proved who speaks.
    Signature,
    /// It was signed at another time.
    Stale,
    /// Its body is larger than is read.
    TooLarge,
    /// Its body did not arrive as a whole.
    Unreadable,
    /// There is no such account.
    UnknownAccount,
    /// Not everything could be stored; the provider is to send it again.
    Unstored,
}

impl Refused {
    const fn word(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Stale => "stale",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::UnknownAccount => "unknown_account",
            Self::Unstored => "unstored",
        }
    }
}

impl From<&SignatureError> for Refused {
    fn from(error: &SignatureError) -> Self {
        match error {
            SignatureError::Stale { .. } => Self::Stale,
            SignatureError::Missing | SignatureError::Forged | SignatureError::Malformed => Self::Signature,
        }
    }
}

/// What came of the things that one request told.
#[derive(Debug, Default)]
pub struct Tally {
    recorded: BTreeMap<&'static str, u64>,
    duplicates: u64,
    kept: u64,
}

impl Tally {
    /// Something was recorded as what it is; `repeated` if that changed nothing.
    pub fn recorded(&mut self, kind: &'static str, repeated: bool) {
        if repeated {
            self.duplicates += 1;
        } else {
            *self.recorded.entry(kind).or_default() += 1;
        }
    }

    /// Something was kept because nobody understood it, or its message was not known.
    pub fn kept(&mut self, repeated: bool) {
        *(if repeated { &mut self.duplicates } else { &mut self.kept }) += 1;
    }
}

/// The label of a notice's kind.
#[must_use]
pub fn kind(told: &NoticeKind) -> &'static str {
    match told {
        NoticeKind::Report { report, .. } => match report {
            Report::Sent { .. } => "sent",
            Report::Delivered => "delivered",
            Report::Deferred { .. } => "deferred",
            Report::Bounced { .. } => "bounced",
            Report::Failed { .. } => "failed",
            Report::Opened { .. } => "opened",
            Report::Clicked { .. } => "clicked",
            Report::Dismissed => "dismissed",
            Report::Complained { .. } => "complained",
            Report::CallEnded { .. } => "call_ended",
            Report::OptedOut { .. } => "opted_out",
            Report::OptedIn { .. } => "resubscribed",
        },
        NoticeKind::Resubscribed { .. } => "resubscribed",
        NoticeKind::Inbound(_) => "inbound",
        NoticeKind::Unclear { .. } => "unclear",
    }
}

/// All counters of providers. Cheap to clone.
#[derive(Clone)]
pub struct ProviderMetrics(Arc<Inner>);

struct Inner {
    requests: Family<AccountLabel, Counter>,
    refused: Family<ReasonLabels, Counter>,
    told: Family<KindLabels, Counter>,
    kept: Family<AccountLabel, Counter>,
    duplicates: Family<AccountLabel, Counter>,
    resolved: Family<AccountLabel, Counter>,
    handling: Family<AccountLabel, Histogram>,
    sent: Family<AccountLabel, Counter>,
    refusals: Family<ClassLabels, Counter>,
    in_doubt: Family<AccountLabel, Counter>,
    retries: Family<AccountLabel, Counter>,
    waited: Family<AccountLabel, Histogram>,
}

impl Default for ProviderMetrics {
    fn default() -> Self {
        let (handling, waited) = (|| Histogram::new(BOUNDS), || Histogram::new(WAITS));
        Self(Arc::new(Inner {
            requests: Family::default(),
            refused: Family::default(),
            told: Family::default(),
            kept: Family::default(),
            duplicates: Family::default(),
            resolved: Family::default(),
            handling: Family::new_with_constructor(handling as fn() -> Histogram),
            sent: Family::default(),
            refusals: Family::default(),
            in_doubt: Family::default(),
            retries: Family::default(),
            waited: Family::new_with_constructor(waited as fn() -> Histogram),
        }))
    }
}

impl AccountLabel {
    /// The label of an account; one for all of tenants, and one for all that do not exist.
    #[must_use]
    pub fn of(account: Option<&Account>) -> Self {
        let (provider, account) = match account {
            None => ("unknown", "unknown"),
            Some(account) if account.terms.path.is_some() => (account.route().provider.as_str(), OF_TENANTS),
            Some(account) => (account.route().provider.as_str(), account.route().account.as_str()),
        };
        Self { provider: provider.to_owned(), account: account.to_owned() }
    }
}

impl ProviderMetrics {
    /// Makes the counters part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        let Inner { requests, refused, told, kept, duplicates, resolved, handling, .. } = &*self.0;
        registry.register("webhook_requests", "Requests to webhooks", requests.clone());
        registry.register("webhook_refused", "Requests to webhooks that were refused, by reason", refused.clone());
        registry.register("webhook_told", "Things that providers told and that were recorded, by kind", told.clone());
        registry.register(
            "webhook_kept",
            "Notices that were not understood, or whose message is unknown",
            kept.clone(),
        );
        registry.register("webhook_duplicates", "Repeated notices", duplicates.clone());
        registry.register("webhook_resolved", "Things that were kept, and recorded later", resolved.clone());
        registry.register_with_unit(
            "webhook_handling",
            "Time to take in a request to a webhook",
            Unit::Seconds,
            handling.clone(),
        );
        let Inner { sent, refusals, in_doubt, retries, waited, .. } = &*self.0;
        registry.register("provider_sent", "Messages that a provider took from this node", sent.clone());
        registry.register(
            "provider_refusals",
            "Calls that a provider refused, by what to do about it",
            refusals.clone(),
        );
        registry.register("provider_in_doubt", "Calls whose outcome is unknown", in_doubt.clone());
        registry.register("provider_retries", "Calls for messages that had been refused before", retries.clone());
        registry.register_with_unit(
            "provider_queue_wait",
            "Time from when a message could go out until the provider was called",
            Unit::Seconds,
            waited.clone(),
        );
    }

    /// Counts a request that was taken in.
    pub fn taken(&self, label: &AccountLabel, tally: Tally, took: Duration) {
        let inner = &self.0;
        inner.requests.get_or_create(label).inc();
        inner.handling.get_or_create(label).observe(took.as_secs_f64());
        for (kind, count) in tally.recorded {
            let AccountLabel { provider, account } = label.clone();
            inner.told.get_or_create(&KindLabels { provider, account, kind }).inc_by(count);
        }
        for (family, count) in [(&inner.kept, tally.kept), (&inner.duplicates, tally.duplicates)] {
            if count > 0 {
                family.get_or_create(label).inc_by(count);
            }
        }
    }

    /// Counts a request that was refused.
    pub fn refused(&self, label: &AccountLabel, why: Refused) {
        self.0.requests.get_or_create(label).inc();
        let AccountLabel { provider, account } = label.clone();
        self.0.refused.get_or_create(&ReasonLabels { provider, account, reason: why.word() }).inc();
    }

    /// Counts a thing that was kept and is recorded now.
    pub fn resolved(&self, account: &Account) {
        self.0.resolved.get_or_create(&AccountLabel::of(Some(account))).inc();
    }

    /// Counts a call: how long its message had waited, its attempt number, and the outcome.
    pub fn called(&self, account: &Account, waited: Duration, attempt: u32, outcome: &CallOutcome) {
        let label = AccountLabel::of(Some(account));
        self.0.waited.get_or_create(&label).observe(waited.as_secs_f64());
        if attempt > 1 {
            self.0.retries.get_or_create(&label).inc();
        }
        match outcome {
            CallOutcome::Accepted { .. } => self.0.sent.get_or_create(&label).inc(),
            CallOutcome::Unknown { .. } => self.0.in_doubt.get_or_create(&label).inc(),
            CallOutcome::Refused { class, .. } => {
                let AccountLabel { provider, account } = label;
                self.0.refusals.get_or_create(&ClassLabels { provider, account, class: class.word() }).inc()
            }
        };
    }
}
