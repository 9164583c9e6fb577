//! What campaigns would do.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use crate::campaigns::dry_run::DryRun;
use crate::graphql::campaign::object::CampaignTemplate;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::Refusal;
use crate::ids::CustomerId;

/// The result of `dryRunCampaign`.
#[derive(SimpleObject, Clone)]
pub struct DryRunResult {
    /// What the campaign would do; null if it was refused.
    pub dry_run: Option<CampaignDryRun>,
    /// Why it cannot be said.
    pub refusal: Option<Refusal>,
}

/// How many customers have an outcome.
#[derive(SimpleObject, Clone)]
pub struct DryRunOutcome {
    /// The outcome: `queued`, `held`, the rule that would suppress the message, or the reason for which the customer is left out.
    outcome: String,
    /// The number of customers.
    customers: u64,
    /// What the first refusal says, where one leaves them out.
    refusal: Option<String>,
    /// Some of them.
    samples: Vec<Of<CustomerId>>,
}

/// What a campaign would do if it started now.
#[derive(SimpleObject, Clone)]
pub struct CampaignDryRun {
    /// The published versions of its templates.
    templates: Vec<CampaignTemplate>,
    /// Customers of the audience.
    audience: u64,
    /// Messages that would be queued.
    queued: u64,
    /// Messages that a rule would hold at first.
    held: u64,
    /// Messages that a rule would suppress.
    suppressed: u64,
    /// Customers who would be left out.
    excluded: u64,
    /// SMS segments of what would be queued or held; on other channels messages.
    segments: u64,
    /// When the last message would be requested at the campaign's rate; null if that is after 2199.
    finished_at: Option<DateTime<Utc>>,
    /// The outcomes, by name.
    outcomes: Vec<DryRunOutcome>,
}

impl CampaignDryRun {
    /// Out of what was found.
    #[must_use]
    pub fn new(run: DryRun) -> Self {
        let count = |outcome: &str| match outcome {
            "queued" => run.queued,
            "held" => run.held,
            other => run.suppressed.get(other).or_else(|| run.excluded.get(other)).copied().unwrap_or_default(),
        };
        let outcomes: Vec<_> = run
            .samples
            .iter()
            .map(|(outcome, samples)| DryRunOutcome {
                outcome: outcome.clone(),
                customers: count(outcome),
                refusal: run.refusals.get(outcome).cloned(),
                samples: samples.iter().copied().map(Of).collect(),
            })
            .collect();
        Self {
            templates: run.versions.into_iter().map(|(code, version)| CampaignTemplate { code, version }).collect(),
            audience: run.audience,
            queued: run.queued,
            held: run.held,
            suppressed: run.suppressed.values().sum(),
            excluded: run.excluded.values().sum(),
            segments: run.segments,
            finished_at: run.finished_at,
            outcomes,
        }
    }
}
