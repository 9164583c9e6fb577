//! Lists, their members, and who entered and left.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::value::place;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later, page, page_cost};
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::loaders::OneCustomer;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::ids::{CustomerId, ListId};
use crate::queries::lists::{self, ChangeRow, ListRow, MemberRow};

connection!(
    /// Lists, by name.
    ListConnection,
    ListEdge,
    List
);
connection!(
    /// Members of a list, the most recent first.
    ListMemberConnection,
    ListMemberEdge,
    ListMember
);
connection!(
    /// Changes of a list's members, the most recent first.
    ListChangeConnection,
    ListChangeEdge,
    ListChange
);

/// How the members of a list are determined.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::list::event::ListKind")]
pub enum ListKind {
    /// Members are added and removed by hand, from a file or by another program.
    Static,
    /// Customers who meet its criteria are members.
    Smart,
}

/// The cause of a change of a list's members.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::list::event::MemberCause")]
pub enum MemberCause {
    /// Added or removed by hand, from a file or by another program.
    Manual,
    /// The criteria are new or changed, or the whole list was evaluated again.
    Criteria,
    /// Something was recorded about the customer.
    Event,
    /// Time passed.
    Time,
    /// The customer was merged or forgotten, or an import was undone.
    Customer,
}

/// A list of customers.
#[derive(Clone)]
pub struct List {
    id: ID,
    row: ListRow,
}

/// A list of customers: static, or smart with criteria, whose members follow at once what is recorded and what time changes.
#[Object]
impl List {
    /// The global id.
    pub async fn id(&self) -> &ID {
        &self.id
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// How members are determined.
    async fn kind(&self) -> ListKind {
        self.row.kind.into()
    }

    /// The criteria of a smart list, as JSON.
    async fn criteria(&self) -> Option<async_graphql::Json<Value>> {
        self.row.criteria.as_ref().map(|criteria| async_graphql::Json(criteria.0.clone()))
    }

    /// The number of the criteria, from 1; 0 for a static list.
    async fn rule_version(&self) -> i64 {
        self.row.rule_version
    }

    /// True while the members are those of earlier criteria, or of none yet.
    async fn is_evaluating(&self) -> bool {
        self.row.evaluated_version < self.row.rule_version
    }

    /// When the whole list was last evaluated.
    async fn evaluated_at(&self) -> Option<DateTime<Utc>> {
        self.row.evaluated_at
    }

    /// The number of members.
    async fn member_count(&self) -> i64 {
        self.row.members
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When its name or criteria last changed.
    async fn changed_at(&self) -> DateTime<Utc> {
        self.row.changed_at
    }

    /// Who changed them.
    async fn changed_by(&self) -> Author {
        Author::new(self.row.changed_by.clone())
    }

    /// The lists whose members the criteria ask for.
    async fn uses(&self, ctx: &Context<'_>) -> Result<Vec<List>> {
        let mut used = Vec::new();
        for id in self.row.used() {
            used.extend(Self::load(ctx, id).await?);
        }
        Ok(used)
    }

    /// The lists whose criteria ask for the members of this one; while there are any, it cannot be deleted.
    async fn used_by(&self, ctx: &Context<'_>) -> Result<Vec<List>> {
        let reading = Reading::of(ctx)?;
        let rows = lists::users_of(&reading.api.reads.db(), self.row.tenant_id, self.row.list_id).await;
        Ok(rows.map_err(|error| reading.api.failed(&error))?.into_iter().map(Self::new).collect())
    }

    /// The members, the most recent first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ListMemberConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        let slice = lists::members(&reading.api.reads.db(), self.row.tenant_id, self.row.list_id, &page).await;
        let count = u64::try_from(self.row.members).unwrap_or(0);
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        Ok(ListMemberConnection::new(slice, count_later(async move { Ok(count) }), ListMember::new))
    }

    /// Customers who entered and left, the most recent change first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and two bounds")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From this time on.")] since: Option<DateTime<Utc>>,
        #[graphql(desc = "Before this time.")] until: Option<DateTime<Utc>>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ListChangeConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        let (tenant, list_id, between) = (self.row.tenant_id, self.row.list_id, (since, until));
        let db = reading.api.reads.db();
        let slice = lists::changes(&db, tenant, list_id, between, &page).await;
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move {
            lists::count_changes(&db, tenant, list_id, between).await.map_err(|error| api.failed(&error))
        });
        Ok(ListChangeConnection::new(slice, count, ListChange::new))
    }

    /// Numbers of customers who entered and left, by day, the earliest first; days without changes are left out.
    async fn growth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From the quarter of an hour of this time on; at most 400 days ago, by default 90.")]
        since: Option<DateTime<Utc>>,
        #[graphql(
            desc = "The time zone whose days count, such as Europe/Vienna.",
            default_with = "\"UTC\".to_owned()"
        )]
        time_zone: String,
    ) -> Result<Vec<ListGrowth>> {
        let reading = Reading::of(ctx)?;
        let zone = place::time_zone(&time_zone).map_err(|reason| bad_argument("timeZone", reason))?;
        let now = reading.api.ambient().now();
        let since = since.unwrap_or(now - chrono::TimeDelta::days(90));
        if now - since > chrono::TimeDelta::days(400) {
            return Err(bad_argument("since", "must be at most 400 days ago"));
        }
        let rows = lists::growth(&reading.api.reads.db(), self.row.tenant_id, self.row.list_id, since, zone).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows
            .into_iter()
            .map(|row| ListGrowth { day: row.day.to_string(), entered: row.entered, left: row.left })
            .collect())
    }
}

impl List {
    /// A list out of its row.
    #[must_use]
    pub fn new(row: ListRow) -> Self {
        Self { id: global(row.list_id), row }
    }

    /// One list.
    pub async fn load(ctx: &Context<'_>, id: ListId) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = lists::by_id(&reading.api.reads.db(), reading.session.principal.tenant, id).await;
        Ok(row.map_err(|error| reading.api.failed(&error))?.map(Self::new))
    }

    /// Its row.
    #[must_use]
    pub const fn row(&self) -> &ListRow {
        &self.row
    }
}

/// A member of a list.
#[derive(Clone)]
pub struct ListMember {
    row: MemberRow,
}

/// A member of a list.
#[Object]
impl ListMember {
    /// The customer's id.
    async fn customer_id(&self) -> Of<CustomerId> {
        Of(self.row.customer_id)
    }

    /// The customer.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        load_customer(ctx, self.row.customer_id).await
    }

    /// The list.
    async fn list(&self, ctx: &Context<'_>) -> Result<Option<List>> {
        List::load(ctx, self.row.list_id).await
    }

    /// When the customer entered.
    async fn entered_at(&self) -> DateTime<Utc> {
        self.row.entered_at
    }

    /// The cause.
    async fn cause(&self) -> MemberCause {
        self.row.cause.into()
    }

    /// The number of the criteria that were met then; 0 for a static list.
    async fn rule_version(&self) -> i64 {
        self.row.rule_version
    }
}

impl ListMember {
    /// A member out of its row.
    #[must_use]
    pub const fn new(row: MemberRow) -> Self {
        Self { row }
    }
}

/// A customer who entered a list or left it.
#[derive(Clone)]
pub struct ListChange {
    row: ChangeRow,
}

/// A customer who entered a list or left it.
#[Object]
impl ListChange {
    /// The customer's id.
    async fn customer_id(&self) -> Of<CustomerId> {
        Of(self.row.customer_id)
    }

    /// The customer.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        load_customer(ctx, self.row.customer_id).await
    }

    /// Whether the customer entered, or else left.
    async fn entered(&self) -> bool {
        self.row.entered
    }

    /// When the customer entered or left.
    async fn changed_at(&self) -> DateTime<Utc> {
        self.row.changed_at
    }

    /// The cause.
    async fn cause(&self) -> MemberCause {
        self.row.cause.into()
    }

    /// The number of the criteria; 0 for a static list.
    async fn rule_version(&self) -> i64 {
        self.row.rule_version
    }
}

impl ListChange {
    /// A change out of its row.
    #[must_use]
    pub const fn new(row: ChangeRow) -> Self {
        Self { row }
    }
}

/// A customer by id.
pub async fn load_customer(ctx: &Context<'_>, id: CustomerId) -> Result<Option<Customer>> {
    let (reading, tables) = (Reading::of(ctx)?, Tables::Live);
    let row = OneCustomer(id).load(reading, &tables).await?;
    Ok(row.map(|row| Customer::new(row, reading, tables)))
}

/// Numbers of customers who entered and left a list on a day.
#[derive(SimpleObject, Clone)]
pub struct ListGrowth {
    /// The day by the clocks of the time zone, as in 2026-03-31.
    day: String,
    /// The number of customers who entered.
    entered: i64,
    /// The number of customers who left.
    left: i64,
}

/// The number of customers who meet criteria.
#[derive(Clone)]
pub struct ListPreview(lists::Preview);

/// The number of customers who meet criteria.
#[Object]
impl ListPreview {
    /// The number of customers, or an estimate.
    async fn count(&self) -> u64 {
        self.0.count
    }

    /// False: `count` is an estimate from a sample.
    async fn is_exact(&self) -> bool {
        self.0.exact
    }

    /// How far off an estimate may be, in 19 of 20 cases; 0 for an exact count.
    async fn margin(&self) -> u64 {
        self.0.margin
    }

    /// The number of customers that were evaluated.
    async fn looked_at(&self) -> u64 {
        self.0.looked_at
    }

    /// The number of all customers.
    async fn customer_count(&self) -> u64 {
        self.0.of
    }

    /// Up to ten customers who meet the criteria.
    async fn examples(&self, ctx: &Context<'_>) -> Result<Vec<Customer>> {
        let mut examples = Vec::new();
        for id in &self.0.examples {
            examples.extend(load_customer(ctx, *id).await?);
        }
        Ok(examples)
    }
}

impl ListPreview {
    /// Out of what was counted.
    #[must_use]
    pub const fn new(preview: lists::Preview) -> Self {
        Self(preview)
    }
}

/// The differences between two criteria.
#[derive(SimpleObject, Clone)]
pub struct ListComparison {
    /// Customers who meet only the first.
    pub only_first: ListPreview,
    /// Customers who meet only the second.
    pub only_second: ListPreview,
    /// Customers who meet both.
    pub both: ListPreview,
}

/// Why a customer meets criteria, or does not.
#[derive(SimpleObject, Clone)]
pub struct ListExplanation {
    /// Whether the customer meets the criteria now.
    pub holds: bool,
    /// Whether the customer is a member of the list now; null without a list.
    pub is_member: Option<bool>,
    /// Each criterion that combines no others.
    pub criteria: Vec<ExplainedCriterion>,
}

/// One criterion, as it is for one customer.
#[derive(SimpleObject, Clone)]
pub struct ExplainedCriterion {
    /// Its place, such as `criteria.all[0].highValue`.
    path: String,
    /// The criterion as JSON.
    criterion: async_graphql::Json<Value>,
    /// Whether it holds.
    holds: bool,
    /// What was seen of the customer, as JSON; null where nothing is looked at, as for a random bucket.
    seen: Option<async_graphql::Json<Value>>,
}

impl From<lists::Explained> for ExplainedCriterion {
    fn from(explained: lists::Explained) -> Self {
        let lists::Explained { path, criterion, holds, seen } = explained;
        let seen = (!seen.is_null()).then_some(async_graphql::Json(seen));
        Self { path, criterion: async_graphql::Json(criterion), holds, seen }
    }
}
