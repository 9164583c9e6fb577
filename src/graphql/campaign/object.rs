//! Campaigns: what each is to do, where it stands, and what became of its audience.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::achieved::{AttributionWindowInput, CampaignAttribution, CampaignOutcome, CampaignTouch};
use super::effects::{CampaignEffects, CampaignMetric};
use super::metrics::CampaignMetrics;
use super::plan::CampaignPlan;
use crate::campaigns::attribution::{Prices, attribution};
use crate::campaigns::effects::{Success, effects};
use crate::campaigns::recipients;
use crate::domain::campaign::attribution::Windows;
use crate::domain::campaign::winner::Winner;
use crate::domain::value::Currency;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later, page, page_cost};
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::Channel;
use crate::graphql::list::object::load_customer;
use crate::graphql::message::object::{Message, MessageConnection};
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

/// How a variant was chosen for the rest of the audience.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::winner::ChosenBy")]
pub enum WinnerChosenBy {
    /// It is better than each other one, at a level of 5 %.
    Test,
    /// The differences may be chance; it has the highest rate.
    Leader,
    /// A colleague chose it.
    Colleague,
}

/// What a variant achieved when the winner was chosen.
#[derive(SimpleObject, Debug, Clone)]
pub struct TestedVariant {
    /// Its name.
    variant: String,
    /// Customers who were assigned to it.
    customers: u64,
    /// Those of whom the metric holds.
    successes: u64,
}

/// The variant that the rest of the audience receives.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignWinner {
    /// Its name.
    variant: String,
    /// How it was chosen.
    chosen_by: WinnerChosenBy,
    /// When it was chosen.
    chosen_at: DateTime<Utc>,
    /// What the variants achieved by then; empty if a colleague chose.
    tested: Vec<TestedVariant>,
    /// The largest p-value of its comparisons with the others, corrected by Holm; null where there was too little to compare.
    p_value: Option<f64>,
    /// How many customers each variant would have needed, where there was too little to compare.
    needed: Option<u64>,
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
        let (rate, budget) = (self.row.rate.as_ref(), self.row.budget.as_ref());
        CampaignPlan::of(Reading::of(ctx)?, &plan.0, rate.map(|rate| &rate.0), budget.map(|budget| &budget.0)).map(Some)
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
    /// messages went wrong), `budget` (it is spent), `winner` (no variant has won, and a colleague has to choose), `overdue` (its start was missed by more
    /// than an hour).
    async fn cause(&self) -> Option<&str> {
        self.row.cause.as_deref()
    }

    /// The variant that the rest of the audience receives; null until one has won.
    async fn winner(&self, ctx: &Context<'_>) -> Result<Option<CampaignWinner>> {
        let (Some(winner), Some(chosen_at)) = (&self.row.winner, self.row.winner_at) else { return Ok(None) };
        let reading = Reading::of(ctx)?;
        let chosen: Winner =
            serde_json::from_value(winner.0.clone()).map_err(|error| opaque(reading.api.ambient(), &error))?;
        let tested = chosen.tested.into_iter().map(|one| TestedVariant {
            variant: one.variant,
            customers: one.customers,
            successes: one.successes,
        });
        Ok(Some(CampaignWinner {
            variant: chosen.variant,
            chosen_by: chosen.chosen_by.into(),
            chosen_at,
            tested: tested.collect(),
            p_value: chosen.p_value,
            needed: chosen.needed,
        }))
    }

    /// When most of its budget was found to be spent.
    async fn budget_noticed_at(&self) -> Option<DateTime<Utc>> {
        self.row.budget_noticed_at
    }

    /// Who approved it as it is planned now.
    async fn approved_by(&self) -> Option<Author> {
        self.row.approved_by.clone().map(Author::new)
    }

    /// The recurring campaign that it is an occurrence of.
    async fn series(&self, ctx: &Context<'_>) -> Result<Option<Campaign>> {
        match self.row.series_id {
            Some(series) => Self::load(ctx, series).await,
            None => Ok(None),
        }
    }

    /// How many occurrences of a recurring campaign were left out, because no server ran in their hour.
    async fn missed(&self) -> i64 {
        self.row.missed
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

    /// The orders that belong to its messages, beside what these cost: computed when it is asked for.
    #[graphql(complexity = "100 + child_complexity")]
    async fn attribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What makes a message one that an order can belong to.",
            default_with = "CampaignTouch::Sent"
        )]
        touch: CampaignTouch,
        #[graphql(desc = "Windows of channels; by default 5 days by email and 3 on other channels.", default)]
        windows: Vec<AttributionWindowInput>,
        #[graphql(
            desc = "The currency of the accounts' `costMicros`, by which the cost of messages is estimated whose provider \
            reported no price. Without it, nothing is estimated."
        )]
        estimate_in: Option<String>,
    ) -> Result<CampaignAttribution> {
        let reading = Reading::of(ctx)?;
        let windows = windows.iter().map(|window| (window.channel.into(), window.days));
        let windows = Windows::try_new(windows).ok_or_else(|| bad_argument("windows", "must be 1 to 90 days"))?;
        let (db, tenant, id) = (reading.api.reads.db(), self.row.tenant_id, self.row.campaign_id);
        let prices = match estimate_in {
            Some(currency) => {
                let currency: Currency = currency.parse().map_err(|error| bad_argument("estimateIn", error))?;
                let accounts = reading.api.accounts.list(tenant).await;
                let accounts = accounts.map_err(|error| opaque(reading.api.ambient(), &error))?.into_iter();
                let priced = accounts.filter(|account| account.cost_micros > 0);
                let micros = priced.map(|account| (account.name, account.cost_micros)).collect();
                Some(Prices { currency: currency.to_string(), micros })
            }
            None => None,
        };
        let found = attribution(&db, tenant, id, touch.into(), &windows, prices.as_ref()).await;
        let found = found.map_err(|error| reading.api.failed(&error))?;
        Ok(CampaignAttribution::new(found, touch.into(), &windows))
    }

    /// The messages to recipients of whom something became, newest first. Only the outcome restricts conversions.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn recipients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What became of them.")] outcome: CampaignOutcome,
        #[graphql(desc = "Only those with this reason, such as the rule that suppressed them.")] reason: Option<String>,
        #[graphql(desc = "Only those written to on this channel.")] channel: Option<Channel>,
        #[graphql(desc = "Only those of this variant.")] variant: Option<String>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<MessageConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        let (db, tenant, id) = (reading.api.reads.db(), self.row.tenant_id, self.row.campaign_id);
        let channel = channel.map(Into::into);
        let wanted = recipients::Wanted { outcome: outcome.into(), reason, channel, variant };
        let slice = recipients::list(&db, tenant, id, &wanted, &page).await;
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move {
            let count = recipients::count(&db, tenant, id, &wanted).await;
            count.map_err(|error| api.failed(&error))
        });
        Ok(MessageConnection::new(slice, count, |row| Message::new(row, reading.personal(), Tables::Live)))
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
