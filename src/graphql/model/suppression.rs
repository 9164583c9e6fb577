//! Suppressions.

use async_graphql::{InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::enums::{AddressKind, Source, SuppressionReason, Word, word};
use crate::graphql::api::Reading;
use crate::graphql::connection::{connection, count_later};
use crate::graphql::flat::Boxed;
use crate::graphql::id::Of;
use crate::ids::{AddressId, CustomerId, MessageId};
use crate::queries::Page;
use crate::queries::suppressions::{self, SuppressionFilter, SuppressionRow};

connection!(
    /// Suppressions, newest first.
    SuppressionConnection,
    SuppressionEdge,
    Suppression
);

/// Which suppressions are asked for; what is left out does not restrict.
#[derive(InputObject, Default)]
pub struct SuppressionFilterInput {
    /// Any of these reasons.
    reasons: Option<Vec<SuppressionReason>>,
    /// Of addresses of this kind.
    kind: Option<AddressKind>,
    /// Lifted ones too.
    #[graphql(default)]
    include_lifted: bool,
}

impl From<SuppressionFilterInput> for SuppressionFilter {
    fn from(input: SuppressionFilterInput) -> Self {
        Self {
            reasons: input.reasons.unwrap_or_default().into_iter().map(|reason| reason.word().to_owned()).collect(),
            kind: input.kind.map(|kind| kind.word().to_owned()),
            include_lifted: input.include_lifted,
        }
    }
}

/// That nothing is sent to an address, whoever has it, and why.
#[derive(SimpleObject, Clone)]
pub struct Suppression {
    /// Which address.
    address_id: Of<AddressId>,
    /// What it is.
    kind: AddressKind,
    /// Why.
    reason: SuppressionReason,
    /// False once it was lifted.
    active: bool,
    /// Since when.
    suppressed_at: DateTime<Utc>,
    /// When it was lifted.
    lifted_at: Option<DateTime<Utc>>,
    /// Why the address may be used again.
    note: Option<String>,
    /// Where it comes from.
    source: Source,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
    /// Of whom it was learnt.
    customer_id: Option<Of<CustomerId>>,
    /// Who recorded it.
    author: String,
}

impl Suppression {
    /// A suppression out of its row.
    pub fn new(row: SuppressionRow) -> Result<Self> {
        Ok(Self {
            address_id: Of(row.address_id.into()),
            kind: word(&row.kind)?,
            reason: word(&row.reason)?,
            active: row.active,
            suppressed_at: row.suppressed_at,
            lifted_at: row.lifted_at,
            note: row.note,
            source: word(&row.source)?,
            message_id: row.message_id.map(|id| Of(id.into())),
            customer_id: row.customer_id.map(|id| Of(id.into())),
            author: row.actor,
        })
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
    SuppressionConnection::new(slice, count, Suppression::new)
}
