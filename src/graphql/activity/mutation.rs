//! Mutations on activities.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::Activity;
use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::LineItem;
use crate::domain::customer::event::Source;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::scalar::{Attributes, Long, Micros};
use crate::graphql::engine::words::ActivityKind;
use crate::ids::{ActivityId, CustomerId, MessageId};

/// An order, invoice, payment, shipment, appointment or anything else.
///
/// With a `reference`, recording the same activity again returns the first one.
#[derive(InputObject)]
pub struct ActivityInput {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// An order, a call, a visit, or another kind.
    kind: ActivityKind,
    /// The name of a custom activity; not allowed for other kinds.
    name: Option<String>,
    /// Your own number for it.
    reference: Option<String>,
    /// A status of your choice, such as `paid`, `cancelled`.
    status: Option<String>,
    /// When it happened; default: now.
    occurred_at: Option<DateTime<Utc>>,
    /// In micros of the currency; default: the sum of the lines, if any.
    amount_micros: Option<Micros>,
    /// ISO 4217 code; required with an amount.
    currency: Option<String>,
    /// Line items.
    #[graphql(default)]
    lines: Vec<LineInput>,
    /// When an appointment ends, a payment is due, or a parcel should arrive.
    due_at: Option<DateTime<Utc>>,
    /// The message that it is attributed to.
    message_id: Option<Of<MessageId>>,
    /// A title for people, shown in the timeline.
    title: Option<String>,
    /// Free attributes.
    attributes: Option<Attributes>,
}

/// A line item.
#[derive(InputObject)]
pub struct LineInput {
    /// The article's code.
    sku: String,
    /// The article's description.
    description: Option<String>,
    /// The quantity in thousandths; negative for returns.
    quantity_milli: Long,
    /// Price of one unit, in micros of the activity's currency.
    unit_price_micros: Micros,
}

impl From<LineInput> for LineItem {
    fn from(input: LineInput) -> Self {
        Self {
            sku: input.sku,
            description: input.description,
            quantity_milli: input.quantity_milli.0,
            unit_price_micros: input.unit_price_micros.given(),
        }
    }
}

payload! {
    /// The result of `recordActivity`.
    ActivityPayload of complex: ActivityId {
        /// The activity's id.
        activity_id: Of<ActivityId> = |id| Some(Of(*id)),
    }
}

shows! {
    ActivityPayload {
        /// The activity after this mutation; waits for the read tables.
        activity: Activity = |ctx, payload| by!(payload.activity_id, |id: Of<_>| Activity::load(ctx, id.0)),
    }
}

/// Mutations on activities.
#[derive(Default)]
pub struct ActivityMutations;

#[Object]
impl ActivityMutations {
    /// Records an order, invoice, payment, shipment, appointment or anything else. Requires permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn record_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the customer did, such as an order.")] input: ActivityInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ActivityPayload> {
        let command = RecordActivity {
            customer_id: input.customer_id.0,
            kind: input.kind.into(),
            name: input.name,
            reference: input.reference,
            status: input.status,
            occurred_at: input.occurred_at,
            amount_micros: input.amount_micros.map(Micros::given),
            currency: input.currency,
            lines: input.lines.into_iter().map(Into::into).collect(),
            due_at: input.due_at,
            message_id: input.message_id.map(|id| id.0),
            title: input.title,
            attributes: input.attributes.unwrap_or_default().0,
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.record_activity(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
