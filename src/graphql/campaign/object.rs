//! Campaigns: what each is to do, where it stands, and what became of its audience.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::effects::{CampaignEffects, CampaignMetric};
use super::metrics::CampaignMetrics;
use super::plan::CampaignPlan;
use crate::campaigns::effects::{Success, effects};
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later, page, page_cost};
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::reading::Reading;
use crate::graphql::list::object::load_customer;
use crate::ids::{CampaignId, CustomerId, ImportId};
use crate::queries::campaigns::{self, CampaignRow, ExcludedRow};

connection!(
    /// Campaigns, the one that began last first.
    CampaignConnection,
    CampaignEdge,
    Campaign
);
connection!(
    /// Customers who were left out of a campaign, by id.
    ExcludedRecipientConnection,
    ExcludedRecipientEdge,
    ExcludedRecipient
);

/// Where a campaign stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::state::CampaignState")]
pub enum CampaignState {
    /// It is being written.
    Draft,
    /// It starts at a time.
    Scheduled,
    /// It is being sent.
    Running,
    /// It continues when it is resumed.
    Paused,
    /// Its whole audience was decided on.
    Completed,
    /// It was stopped for good.
    Cancelled,
}

/// A template of a campaign.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignTemplate {
    /// The code.
    pub code: String,
    /// The published version.
    pub version: u32,
}

/// How many recipients a rule suppressed.
#[derive(SimpleObject, Debug, Clone)]
pub struct SuppressedRecipients {
    /// The rule.
    rule: String,
    /// The number of recipients.
    recipients: i64,
}

/// What became of a campaign's audience. Each of the recipients is in exactly one of `queued`, `held`, `suppressed` and, where it
/// turned out later, `excluded`.
#[derive(Clone)]
pub struct CampaignProgress {
    row: CampaignRow,
}

/// What became of a campaign's audience.
#[Object]
impl CampaignProgress {
    /// True once the audience is complete: customers who enter a list later are not part of it.
    async fn audience_chosen(&self) -> bool {
        self.row.audience_chosen
    }

    /// Customers of the audience who are written to.
    async fn recipients(&self) -> i64 {
        self.row.recipients
    }

    /// Recipients that were decided on.
    async fn decided(&self) -> i64 {
        self.row.decided
    }

    /// Recipients whose message was queued.
    async fn queued(&self) -> i64 {
        self.row.queued
    }

    /// Recipients whose message a rule held at first.
    async fn held(&self) -> i64 {
        self.row.held
    }

    /// Recipients whose message a rule suppressed.
    async fn suppressed(&self) -> i64 {
        self.row.suppressed
    }

    /// Customers of the audience who were left out.
    async fn excluded(&self) -> i64 {
        self.row.excluded
    }

    /// The suppressed recipients by rule.
    #[graphql(complexity = "1 + 8 * child_complexity")]
    async fn suppressed_by(&self, ctx: &Context<'_>) -> Result<Vec<SuppressedRecipients>> {
        let reading = Reading::of(ctx)?;
        let rows = campaigns::suppressed(&reading.api.reads.db(), self.row.tenant_id, self.row.campaign_id).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| SuppressedRecipients { rule: row.rule, recipients: row.recipients }).collect())
    }
}

/// A customer who was left out of a campaign.
#[derive(Clone)]
pub struct ExcludedRecipient {
    row: ExcludedRow,
}

/// A customer who was left out of a campaign.
#[Object]
impl ExcludedRecipient {
    /// The customer's global id.
    async fn customer_id(&self) -> Of<CustomerId> {
        Of(self.row.customer_id)
    }

    /// The customer.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        load_customer(ctx, self.row.customer_id).await
    }

    /// The reason: `list` (a member of an excluded list), `hold_out`, `duplicate_person`, `duplicate_address`, `forgotten`, or the code of a
    /// refusal.
    async fn reason(&self) -> &str {
        &self.row.reason
    }
}

/// A campaign.
#[derive(Clone)]
pub struct Campaign {
    id: ID,
    row: CampaignRow,
}

/// A campaign. One that is planned elsewhere is known by its messages alone, and has neither name, state nor plan; one that was
/// imported has no plan.
#[Object]
impl Campaign {
    /// The global id.
    pub async fn id(&self) -> &ID {
        &self.id
    }

    /// The same, for filters and `campaignMetrics`.
    async fn campaign_id(&self) -> &ID {
        &self.id
    }

    /// The name.
    async fn name(&self) -> Option<&str> {
        self.row.name.as_deref()
    }

    /// Where it stands.
    async fn state(&self) -> Option<CampaignState> {
        self.row.state.map(Into::into)
    }

    /// The import that brought it, of a campaign that another system ran.
    async fn import_id(&self) -> Option<Of<ImportId>> {
        self.row.import_id.map(Of)
    }

    /// What it is to do.
    async fn plan(&self, ctx: &Context<'_>) -> Result<Option<CampaignPlan>> {
        let Some(plan) = &self.row.plan else { return Ok(None) };
        CampaignPlan::of(Reading::of(ctx)?, &plan.0, self.row.rate.as_ref().map(|rate| &rate.0)).map(Some)
    }

    /// When it was created, or its first message was requested.
    async fn began_at(&self) -> DateTime<Utc> {
        self.row.began_at
    }

    /// When it starts, while it is scheduled.
    async fn start_at(&self) -> Option<DateTime<Utc>> {
        self.row.start_at
    }

    /// When it started.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.row.started_at
    }

    /// When it was completed or cancelled.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.row.ended_at
    }

    /// The published versions of its templates that its messages are made of; empty before it starts.
    async fn templates(&self) -> Vec<CampaignTemplate> {
        let versions = self.row.versions.as_ref().and_then(|versions| versions.0.as_object());
        let template = |(code, version): (&String, &serde_json::Value)| {
            Some(CampaignTemplate { code: code.clone(), version: version.as_u64()?.try_into().ok()? })
        };
        versions.into_iter().flatten().filter_map(template).collect()
    }

    /// Why it was paused or cancelled.
    async fn reason(&self) -> Option<&str> {
        self.row.reason.as_deref()
    }

    /// The cause of its last stop: `manual`, `failure` (it could not continue), `threshold` (too many
    /// messages went wrong), `overdue` (its start was missed by more than an
    /// hour).
    async fn cause(&self) -> Option<&str> {
        self.row.cause.as_deref()
    }

    /// When it was last changed.
    async fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.row.changed_at
    }

    /// Who changed it last.
    async fn changed_by(&self) -> Option<Author> {
        self.row.changed_by.clone().map(Author::new)
    }

    /// When its first message was requested.
    async fn first_message_at(&self) -> Option<DateTime<Utc>> {
        self.row.first_message_at
    }

    /// When its latest message was requested.
    async fn last_message_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_message_at
    }

    /// What became of its audience.
    async fn progress(&self) -> CampaignProgress {
        CampaignProgress { row: self.row.clone() }
    }

    /// Its figures.
    async fn metrics(&self) -> CampaignMetrics {
        CampaignMetrics::new(self.row.campaign_id)
    }

    /// What it changed: its variants beside each other, and beside the customers who were held out. Null before it starts.
    #[graphql(complexity = "50 + child_complexity")]
    async fn effects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What counts as a success.", default_with = "CampaignMetric::Clicked")] metric: CampaignMetric,
        #[graphql(desc = "With the metric `ACTIVITY`: the kind of the activity, or the name of a custom one.")]
        activity_kind: Option<String>,
        #[graphql(desc = "Orders and activities count for so many days from the start: 1 to 365.", default = 14)]
        days: u32,
    ) -> Result<Option<CampaignEffects>> {
        let success = Success::try_new(metric.into(), activity_kind, days);
        let success = success.map_err(|error| bad_argument(error.field(), error))?;
        let reading = Reading::of(ctx)?;
        let Some(started_at) = self.row.started_at else { return Ok(None) };
        let (db, tenant, id) = (reading.api.reads.db(), self.row.tenant_id, self.row.campaign_id);
        let found = effects(&db, tenant, id, started_at, &success).await;
        found.map(|found| Some(CampaignEffects::new(found))).map_err(|error| reading.api.failed(&error))
    }

    /// Customers who were left out, by id.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn excluded(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ExcludedRecipientConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        let (db, tenant, id) = (reading.api.reads.db(), self.row.tenant_id, self.row.campaign_id);
        let slice = campaigns::excluded(&db, tenant, id, &page).await.map_err(|error| reading.api.failed(&error))?;
        let count = u64::try_from(self.row.excluded).unwrap_or_default();
        let count = count_later(async move { Ok(count) });
        Ok(ExcludedRecipientConnection::new(slice, count, |row| ExcludedRecipient { row }))
    }
}

impl Campaign {
    /// A campaign out of its row.
    #[must_use]
    pub fn new(row: CampaignRow) -> Self {
        Self { id: global(row.campaign_id), row }
    }

    /// One campaign.
    pub async fn load(ctx: &Context<'_>, id: CampaignId) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = campaigns::by_id(&reading.api.reads.db(), reading.session.principal.tenant, id).await;
        Ok(row.map_err(|error| reading.api.failed(&error))?.map(Self::new))
    }
}
