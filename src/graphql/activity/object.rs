//! Business activity.

use async_graphql::{ComplexObject, Context, ID, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::customer::object::Customer;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::id::{Global, Of, global_in};
use crate::graphql::engine::loaders::{LinesOf, OneActivity};
use crate::graphql::engine::money::Money;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::{Long, Micros};
use crate::graphql::engine::words::{ActivityKind, Source};
use crate::ids::{ActivityId, CustomerId, ImportId, MessageId};
use crate::queries::activities::{ActivityFilter, ActivityRow, LineRow};
use crate::queries::{Page, activities};

connection!(
    /// Activities, newest first.
    ActivityConnection,
    ActivityEdge,
    Activity
);

/// Restricts activities; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct ActivityFilterInput {
    /// Any of these kinds.
    kinds: Option<Vec<ActivityKind>>,
    /// The tenant's own number for it.
    reference: Option<String>,
    /// Such as `paid`, `cancelled`.
    status: Option<String>,
    /// From this time on.
    since: Option<DateTime<Utc>>,
    /// Before this time.
    until: Option<DateTime<Utc>>,
}

impl From<ActivityFilterInput> for ActivityFilter {
    fn from(input: ActivityFilterInput) -> Self {
        Self {
            kinds: input.kinds.unwrap_or_default().into_iter().map(Into::into).collect(),
            reference: input.reference,
            status: input.status,
            since: input.since,
            until: input.until,
        }
    }
}

/// An order, invoice, payment, shipment, appointment or anything else that happened in the business with a customer.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Activity {
    /// The global id; with `asOf`, of the object as of that moment.
    pub id: ID,
    /// The customer.
    customer_id: Of<CustomerId>,
    /// An order, a call, a visit, or another kind.
    kind: ActivityKind,
    /// The name of a custom activity.
    name: Option<String>,
    /// The tenant's own number for it.
    reference: Option<String>,
    /// Such as `paid`, `cancelled`.
    status: Option<String>,
    /// The total.
    amount: Option<Money>,
    /// The number of line items.
    line_count: i64,
    /// When an appointment ends, a payment is due, or a parcel should arrive.
    due_at: Option<DateTime<Utc>>,
    /// The message that it is attributed to.
    message_id: Option<Of<MessageId>>,
    /// The origin of the fact.
    source: Source,
    /// The import that recorded it.
    import_id: Option<Of<ImportId>>,
    /// The actor that recorded it.
    author: Author,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// When the log recorded it.
    recorded_at: DateTime<Utc>,
    /// A title for people. Personal.
    title: Option<String>,
    /// Free attributes. Personal.
    attributes: Option<async_graphql::Json<serde_json::Value>>,
    #[graphql(skip)]
    key: ActivityId,
    #[graphql(skip)]
    tables: Tables,
}

/// A line item.
#[derive(SimpleObject, Clone)]
pub struct Line {
    /// The line's number, from 1.
    line: i64,
    /// The article's code.
    sku: String,
    /// The article's description.
    description: Option<String>,
    /// The quantity in thousandths; negative for returns.
    quantity_milli: Long,
    /// Price of one unit, in micros of the activity's currency.
    unit_price_micros: Micros,
}

impl From<LineRow> for Line {
    fn from(row: LineRow) -> Self {
        Self {
            line: row.line,
            sku: row.sku,
            description: row.description,
            quantity_milli: Long(row.quantity_milli),
            unit_price_micros: Micros(row.unit_price_micros.into()),
        }
    }
}

impl Activity {
    /// An activity as a key may see it.
    pub fn new(row: ActivityRow, personal: bool, tables: Tables) -> Self {
        Self {
            id: global_in(ActivityId::TYPE, row.activity_id, &tables),
            customer_id: Of(row.customer_id),
            kind: row.kind.into(),
            name: row.name,
            reference: row.reference,
            status: row.status,
            amount: Money::of(row.amount_micros, row.currency),
            line_count: row.line_count,
            due_at: row.due_at,
            message_id: row.message_id.map(Of),
            source: row.source.into(),
            import_id: row.import_id.map(Of),
            author: Author::new(row.actor),
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            title: row.title.filter(|_| personal),
            attributes: row.attributes.filter(|_| personal).map(|attributes| async_graphql::Json(attributes.0)),
            key: row.activity_id,
            tables,
        }
    }

    /// An activity out of the live tables.
    pub async fn load(ctx: &Context<'_>, id: ActivityId) -> Result<Option<Self>> {
        Self::load_from(ctx, id, Tables::Live).await
    }

    /// An activity out of given tables.
    pub async fn load_from(ctx: &Context<'_>, id: ActivityId, tables: Tables) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = OneActivity(id).load(reading, &tables).await?;
        Ok(row.map(|row| Self::new(row, reading.personal(), tables)))
    }
}

#[ComplexObject]
impl Activity {
    /// The customer.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Customer::load_from(ctx, self.customer_id.0, self.tables.clone()).await
    }

    /// Line items, in the order recorded.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Line>>> {
        let rows = LinesOf(self.key).load(Reading::of(ctx)?, &self.tables).await?;
        Ok(rows.into_iter().map(|row| Flat(row.into())).collect())
    }
}

/// A page of a customer's activities.
pub async fn of_customer(
    reading: Reading<'_>,
    tables: &Tables,
    customer: CustomerId,
    filter: Option<ActivityFilterInput>,
    page: &Page,
) -> Result<Boxed<ActivityConnection>> {
    let tenant = reading.session.principal.tenant;
    let filter: ActivityFilter = filter.unwrap_or_default().into();
    let db = tables.db(reading.api);
    let slice = activities::of_customer(&db, tenant, customer, &filter, page)
        .await
        .map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move {
        activities::count_of_customer(&db, tenant, customer, &filter).await.map_err(|error| api.failed(&error))
    });
    let personal = reading.personal();
    Ok(ActivityConnection::new(slice, count, |row| Activity::new(row, personal, tables.clone())))
}
