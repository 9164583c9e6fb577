//! Suppressions.

use async_graphql::{ComplexObject, Context, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::id::Of;
use crate::graphql::engine::loaders::SuppressionHistoryOf;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::graphql::engine::words::{AddressKind, Source, SuppressionReason};
use crate::ids::{AddressId, CustomerId, EventId, MessageId};
use crate::queries::suppressions::{SuppressionChangeRow, SuppressionFilter, SuppressionRow};
use crate::queries::{Page, suppressions};

connection!(
    /// Suppressions, newest first.
    SuppressionConnection,
    SuppressionEdge,
    Suppression
);

/// Restricts suppressions; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct SuppressionFilterInput {
    /// Any of these reasons.
    reasons: Option<Vec<SuppressionReason>>,
    /// Only addresses of this kind.
    kind: Option<AddressKind>,
    /// Includes lifted suppressions.
    include_lifted: Option<bool>,
}

impl From<SuppressionFilterInput> for SuppressionFilter {
    fn from(input: SuppressionFilterInput) -> Self {
        Self {
            reasons: input.reasons.unwrap_or_default().into_iter().map(Into::into).collect(),
            kind: input.kind.map(Into::into),
            include_lifted: input.include_lifted.unwrap_or(false),
        }
    }
}

/// A suppression: nothing is sent to the address, whichever customer has it.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Suppression {
    /// The address's id.
    address_id: Of<AddressId>,
    /// Whether it is a phone number, an email address or a device.
    kind: AddressKind,
    /// The reason.
    reason: SuppressionReason,
    /// False once it is lifted.
    active: bool,
    /// When it was suppressed.
    suppressed_at: DateTime<Utc>,
    /// When it was lifted.
    lifted_at: Option<DateTime<Utc>>,
    /// The actor that lifted it.
    lifted_by: Option<Author>,
    /// Why the address may be used again.
    note: Option<String>,
    /// The origin of the fact.
    source: Source,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
    /// The customer it was learned from.
    customer_id: Option<Of<CustomerId>>,
    /// The actor that recorded it.
    author: Author,
}

impl Suppression {
    /// A suppression out of its row.
    pub fn new(row: SuppressionRow) -> Self {
        Self {
            address_id: Of(row.address_id),
            kind: row.kind.into(),
            reason: row.reason.into(),
            active: row.active,
            suppressed_at: row.suppressed_at,
            lifted_at: row.lifted_at,
            lifted_by: row.lifted_by.map(Author::new),
            note: row.note,
            source: row.source.into(),
            message_id: row.message_id.map(Of),
            customer_id: row.customer_id.map(Of),
            author: Author::new(row.actor),
        }
    }
}

#[ComplexObject]
impl Suppression {
    /// Every suppression of this address for this reason, and every lifting: who, when and why. Oldest first; the last
    /// 100 changes of the address.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<Flat<SuppressionChange>>> {
        let rows = SuppressionHistoryOf(self.address_id.0).load(Reading::of(ctx)?, &Tables::Live).await?;
        let of_reason = rows.into_iter().filter(|row| row.reason == self.reason.into());
        Ok(of_reason.map(|row| Flat(SuppressionChange::new(row))).collect())
    }
}

/// The suppression of an address, or its lifting.
#[derive(SimpleObject, Debug, Clone)]
pub struct SuppressionChange {
    /// True: the address was suppressed. False: the suppression was lifted.
    suppressed: bool,
    /// The origin of a suppression.
    source: Option<Source>,
    /// Why it was lifted.
    note: Option<String>,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
    /// The customer it was learned from.
    customer_id: Option<Of<CustomerId>>,
    /// The actor that recorded it.
    author: Author,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// When the log recorded it.
    recorded_at: DateTime<Utc>,
    /// The event that records it.
    event_id: Of<EventId>,
    /// The event's position in the log.
    position: Cursor,
}

impl SuppressionChange {
    fn new(row: SuppressionChangeRow) -> Self {
        Self {
            suppressed: row.suppressed,
            source: row.source.map(Into::into),
            note: row.note,
            message_id: row.message_id.map(Of),
            customer_id: row.customer_id.map(Of),
            author: Author::new(row.actor),
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            event_id: Of(row.event_id),
            position: row.position.into(),
        }
    }
}

/// A page of the tenant's suppressions.
pub async fn list(
    reading: Reading<'_>,
    filter: Option<SuppressionFilterInput>,
    page: &Page,
) -> Result<Boxed<SuppressionConnection>> {
    let tenant = reading.session.principal.tenant;
    let filter: SuppressionFilter = filter.unwrap_or_default().into();
    let db = reading.api.reads.db();
    let slice = suppressions::list(&db, tenant, &filter, page).await.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count =
        count_later(async move { suppressions::count(&db, tenant, &filter).await.map_err(|error| api.failed(&error)) });
    Ok(SuppressionConnection::new(slice, count, Suppression::new))
}
