//! Customers.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::activity::object::{ActivityConnection, ActivityFilterInput};
use crate::graphql::address::object::CustomerAddress;
use crate::graphql::consent::object::{Consent, ConsentChangeConnection};
use crate::graphql::conversation::object::{ConversationConnection, ConversationFilterInput, ConversationOrder};
use crate::graphql::engine::connection::{connection, page_cost};
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::id::{Global, Of, global_in};
use crate::graphql::engine::loaders::{AddressesOf, ConsentsOf, OneCustomer, RevenueOf};
use crate::graphql::engine::money::Money;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::{Long, Micros};
use crate::graphql::engine::words::{Channel, Source};
use crate::graphql::list::object::ListMember;
use crate::graphql::timeline::object::{TimelineConnection, TimelineFilterInput};
use crate::ids::{CustomerId, ImportId};
use crate::queries::customers::{CustomerRow, RevenueRow};
use crate::queries::lists;

connection!(
    /// Customers, newest first.
    CustomerConnection,
    CustomerEdge,
    Customer
);

/// A person or account that messages go to and come from.
///
/// Fields that are personal (name, external id, attributes, addresses) are null for keys that may not see personal
/// data, and once the customer was forgotten.
#[derive(Clone)]
pub struct Customer {
    id: ID,
    row: CustomerRow,
    tables: Tables,
}

impl Customer {
    /// A customer as a key may see it.
    pub fn new(mut row: CustomerRow, reading: Reading<'_>, tables: Tables) -> Self {
        if !reading.personal() {
            row.name = None;
            row.external_id = None;
            row.attributes = None;
        }
        Self { id: global_in(CustomerId::TYPE, row.customer_id, &tables), row, tables }
    }

    /// A customer from the live tables; for a merged one, its survivor.
    pub async fn load(ctx: &Context<'_>, id: CustomerId) -> Result<Option<Self>> {
        Self::load_from(ctx, id, Tables::Live).await
    }

    /// A customer out of given tables.
    pub async fn load_from(ctx: &Context<'_>, id: CustomerId, tables: Tables) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = OneCustomer(id).load(reading, &tables).await?;
        Ok(row.map(|row| Self::new(row, reading, tables)))
    }

    fn customer_id(&self) -> CustomerId {
        self.row.customer_id
    }
}

/// A person or account that messages go to and come from.
///
/// Fields that are personal (name, external id, attributes, addresses) are null for keys that may not see personal
/// data, and once the customer was forgotten.
#[Object]
impl Customer {
    /// The global id; with `asOf`, of the customer as of that moment.
    pub async fn id(&self) -> &ID {
        &self.id
    }

    /// The ids of customers merged into this one; their records are included in all fields here.
    async fn merged_ids(&self) -> Vec<Of<CustomerId>> {
        self.row.merged.iter().copied().map(Of).collect()
    }

    /// The full name. Personal.
    async fn name(&self) -> Option<&str> {
        self.row.name.as_deref()
    }

    /// The id in another system. Personal.
    async fn external_id(&self) -> Option<&str> {
        self.row.external_id.as_deref()
    }

    /// Free attributes by name. Personal.
    async fn attributes(&self) -> Option<async_graphql::Json<serde_json::Value>> {
        self.row.attributes.as_ref().map(|attributes| async_graphql::Json(attributes.0.clone()))
    }

    /// The lists that the customer is a member of now, by name.
    async fn lists(&self, ctx: &Context<'_>) -> Result<Vec<ListMember>> {
        let reading = Reading::of(ctx)?;
        let rows = lists::of_customer(&reading.api.reads.db(), self.row.tenant_id, self.row.customer_id).await;
        Ok(rows.map_err(|error| reading.api.failed(&error))?.into_iter().map(ListMember::new).collect())
    }

    /// Sales territory.
    async fn territory(&self) -> Option<&str> {
        self.row.territory.as_deref()
    }

    /// Such as `retail`, `wholesale`.
    async fn account_type(&self) -> Option<&str> {
        self.row.account_type.as_deref()
    }

    /// Such as `high`, `normal`.
    async fn priority(&self) -> Option<&str> {
        self.row.priority.as_deref()
    }

    /// The user who looks after this customer.
    async fn owner(&self) -> Option<&str> {
        self.row.owner.as_deref()
    }

    /// The lead score, on a scale of the tenant's choice.
    async fn lead_score(&self) -> Option<Long> {
        self.row.lead_score.map(Long)
    }

    /// Industry.
    async fn industry(&self) -> Option<&str> {
        self.row.industry.as_deref()
    }

    /// BCP 47, such as `en-GB`.
    async fn locale(&self) -> Option<&str> {
        self.row.locale.as_deref()
    }

    /// IANA name, such as `Europe/London`.
    async fn time_zone(&self) -> Option<&str> {
        self.row.time_zone.as_deref()
    }

    /// When the customer likes to be written to, by their own clock: marketing waits for it. Such as `18:00-21:00` or
    /// `mon-fri 09:00-18:00`; a window over midnight is of the day on which it begins.
    async fn preferred_hours(&self) -> Option<&str> {
        self.row.preferred_hours.as_deref()
    }

    /// Tags, sorted.
    async fn tags(&self) -> Vec<&str> {
        let tags = self.row.tags.0.as_array().map(Vec::as_slice).unwrap_or_default();
        tags.iter().filter_map(serde_json::Value::as_str).collect()
    }

    /// The origin of the customer's registration.
    async fn source(&self) -> Source {
        self.row.source.into()
    }

    /// True for the anonymous placeholder, which holds the activities without a customer.
    async fn anonymous(&self) -> bool {
        self.row.anonymous
    }

    /// The import that registered it.
    async fn import_id(&self) -> Option<Of<ImportId>> {
        self.row.import_id.map(Of)
    }

    /// When the customer became known.
    async fn registered_at(&self) -> DateTime<Utc> {
        self.row.registered_at
    }

    /// When the profile last changed.
    async fn changed_at(&self) -> DateTime<Utc> {
        self.row.changed_at
    }

    /// When the customer was forgotten; personal fields are null since then.
    async fn forgotten_at(&self) -> Option<DateTime<Utc>> {
        self.row.forgotten_at
    }

    /// Orders in all currencies, cancellations included.
    async fn orders(&self) -> i64 {
        self.row.orders
    }

    /// Orders of a negative amount, in all currencies.
    async fn cancellations(&self) -> i64 {
        self.row.cancellations
    }

    /// When the latest order was made. Cancellations are left out.
    async fn last_order_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_order_at
    }

    /// The latest message from the customer.
    async fn last_inbound_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_inbound_at
    }

    /// The latest message to the customer that a provider accepted.
    async fn last_outbound_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_outbound_at
    }

    /// The customer's revenue per currency.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn revenue(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Revenue>>> {
        let rows = RevenueOf(self.customer_id()).load(Reading::of(ctx)?, &self.tables).await?;
        Ok(rows.into_iter().map(|row| Flat(row.into())).collect())
    }

    /// Where the customer can be reached, by kind, oldest first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn addresses(&self, ctx: &Context<'_>) -> Result<Vec<Flat<CustomerAddress>>> {
        let reading = Reading::of(ctx)?;
        let rows = AddressesOf(self.customer_id()).load(reading, &self.tables).await?;
        Ok(rows.into_iter().map(|row| Flat(CustomerAddress::new(row, reading.personal(), &self.tables))).collect())
    }

    /// The customer's current consents.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn consents(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Consent>>> {
        let reading = Reading::of(ctx)?;
        let rows = ConsentsOf(self.customer_id()).load(reading, &self.tables).await?;
        Ok(rows.into_iter().map(|row| Flat(Consent::new(row, reading.personal()))).collect())
    }

    /// All changes of consent, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn consent_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this channel; by default of all.")] channel: Option<Channel>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ConsentChangeConnection>> {
        let page = crate::graphql::engine::connection::page(first, after, last, before)?;
        crate::graphql::consent::object::history(Reading::of(ctx)?, &self.tables, self.customer_id(), channel, &page)
            .await
    }

    /// Everything that happened with this customer, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<TimelineFilterInput>,
        #[graphql(desc = "Jumps to a date: the page begins with the newest entry at or before it.")] at: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<TimelineConnection>> {
        let page = crate::graphql::timeline::object::page(at, first, after, last, before)?;
        crate::graphql::timeline::object::of_customer(
            Reading::of(ctx)?,
            &self.tables,
            self.customer_id(),
            filter,
            &page,
        )
        .await
    }

    /// Business activity, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn activities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<ActivityFilterInput>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ActivityConnection>> {
        let page = crate::graphql::engine::connection::page(first, after, last, before)?;
        crate::graphql::activity::object::of_customer(
            Reading::of(ctx)?,
            &self.tables,
            self.customer_id(),
            filter,
            &page,
        )
        .await
    }

    /// Conversations, by default most recently active first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<
            ConversationFilterInput,
        >,
        #[graphql(desc = "The order; by default the one that moved last first.")] order_by: Option<ConversationOrder>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ConversationConnection>> {
        let page = crate::graphql::engine::connection::page(first, after, last, before)?;
        let customer = Some(self.customer_id());
        crate::graphql::conversation::object::list(Reading::of(ctx)?, &self.tables, customer, filter, order_by, &page)
            .await
    }
}

/// A customer's orders in one currency.
#[derive(SimpleObject, Clone)]
pub struct Revenue {
    /// Sum of the amounts of all orders, cancellations included.
    total: Money,
    /// Orders, cancellations included.
    orders: i64,
    /// Orders of a negative amount.
    cancellations: i64,
    /// When the first order was made. Cancellations are left out.
    first_order_at: Option<DateTime<Utc>>,
    /// When the latest order was made. Cancellations are left out.
    last_order_at: Option<DateTime<Utc>>,
}

impl From<RevenueRow> for Revenue {
    fn from(row: RevenueRow) -> Self {
        let micros = Micros(row.revenue());
        Self {
            total: Money { micros, currency: row.currency },
            orders: row.orders,
            cancellations: row.cancellations,
            first_order_at: row.first_order_at,
            last_order_at: row.last_order_at,
        }
    }
}
