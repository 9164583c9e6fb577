//! Mutations that record facts about customers and addresses: activities, consent, suppression.

use async_graphql::{ComplexObject, Context, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};

use super::payload::{answer, caller, payload};
use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::LineItem;
use crate::domain::consent::decide::{AddressRef, LiftSuppression, SetConsent, SuppressAddress};
use crate::domain::consent::event::ConsentState as DomainConsentState;
use crate::domain::customer::event::Source;
use crate::graphql::Api;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::activity::Activity;
use crate::graphql::model::enums::{ActivityKind, AddressKind, Channel, ConsentState, SuppressionReason};
use crate::graphql::principal::Permission;
use crate::graphql::scalar::{Attributes, Long, Micros};
use crate::ids::{ActivityId, AddressId, CustomerId, MessageId};

/// An order, invoice, payment, shipment, appointment or anything else.
///
/// With a `reference`, recording the same activity again is answered with the first one.
#[derive(InputObject)]
pub struct ActivityInput {
    /// Whose.
    customer_id: Of<CustomerId>,
    /// What it is.
    kind: ActivityKind,
    /// For custom activities, what it is; not allowed otherwise.
    name: Option<String>,
    /// The number that you know it by.
    reference: Option<String>,
    /// Such as `paid`, `cancelled`; your own words.
    status: Option<String>,
    /// When it happened; left out: now.
    occurred_at: Option<DateTime<Utc>>,
    /// In micros of the currency; left out: the sum of the lines, if there are any.
    amount_micros: Option<Micros>,
    /// ISO 4217; needed where there is an amount.
    currency: Option<String>,
    /// Line items.
    #[graphql(default)]
    lines: Vec<LineInput>,
    /// When an appointment ends, a payment is due, a parcel should arrive.
    due_at: Option<DateTime<Utc>>,
    /// The message that it is attributed to.
    message_id: Option<Of<MessageId>>,
    /// What people should read in the timeline.
    title: Option<String>,
    /// Free attributes.
    #[graphql(default)]
    attributes: Attributes,
}

/// A line item.
#[derive(InputObject)]
pub struct LineInput {
    /// The article's code.
    sku: String,
    /// The article's description.
    description: Option<String>,
    /// In thousandths; negative for returns.
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
            unit_price_micros: input.unit_price_micros.0,
        }
    }
}

/// What a customer agreed to, with the evidence.
#[derive(InputObject)]
pub struct ConsentInput {
    /// Who.
    customer_id: Of<CustomerId>,
    /// For which channel.
    channel: Channel,
    /// For which topic; `all` stands for every topic of the channel.
    topic: String,
    /// What was agreed.
    state: ConsentState,
    /// How it was given: `form`, `keyword`, `one_click`, `provider`, `operator`.
    method: String,
    /// The wording that was shown.
    wording: Option<String>,
    /// From which IP address.
    ip: Option<String>,
    /// With which program.
    user_agent: Option<String>,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
}

/// An address: by id, or as text in any usual spelling.
#[derive(OneofObject)]
pub enum AddressRefInput {
    /// By id.
    Known(KnownAddress),
    /// As text.
    Text(AddressText),
}

/// An address by its id.
#[derive(InputObject)]
pub struct KnownAddress {
    /// The id.
    id: Of<AddressId>,
    /// What it is.
    kind: AddressKind,
}

/// An address as text.
#[derive(InputObject)]
pub struct AddressText {
    /// What it is.
    kind: AddressKind,
    /// In any usual spelling.
    address: String,
}

impl From<AddressRefInput> for AddressRef {
    fn from(input: AddressRefInput) -> Self {
        match input {
            AddressRefInput::Known(known) => Self::Id { address_id: known.id.0, kind: known.kind.into() },
            AddressRefInput::Text(text) => Self::Text { kind: text.kind.into(), address: text.address },
        }
    }
}

payload! {
    /// The answer to `recordActivity`.
    ActivityPayload of complex: ActivityId {
        /// Which activity.
        activity_id: Of<ActivityId> = |id| Some(Of(*id)),
    }
}

#[ComplexObject]
impl ActivityPayload {
    /// The activity as it is after this mutation: waits until the read tables show it.
    #[graphql(guard = "May(Permission::Read)")]
    async fn activity(&self, ctx: &Context<'_>) -> Result<Option<Activity>> {
        let (Some(id), Some(position)) = (&self.activity_id, self.position) else { return Ok(None) };
        Api::of(ctx)?.wait_for(Some(position)).await?;
        Activity::load(ctx, id.0).await
    }
}

payload! {
    /// The answer to `setConsent`.
    ConsentPayload: DomainConsentState {
        /// The resulting state.
        state: ConsentState = |state| Some((*state).into()),
    }
}

payload! {
    /// The answer to mutations on suppressions.
    SuppressionPayload: AddressId {
        /// Which address.
        address_id: Of<AddressId> = |id| Some(Of(*id)),
    }
}

/// Mutations that record facts.
#[derive(Default)]
pub struct FactMutations;

#[Object]
impl FactMutations {
    /// Records an order, invoice, payment, shipment, appointment or anything else. Needs the permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn record_activity(
        &self,
        ctx: &Context<'_>,
        input: ActivityInput,
        idempotency_key: Option<String>,
    ) -> Result<ActivityPayload> {
        let command = RecordActivity {
            customer_id: input.customer_id.0,
            kind: input.kind.into(),
            name: input.name,
            reference: input.reference,
            status: input.status,
            occurred_at: input.occurred_at,
            amount_micros: input.amount_micros.map(|micros| micros.0),
            currency: input.currency,
            lines: input.lines.into_iter().map(Into::into).collect(),
            due_at: input.due_at,
            message_id: input.message_id.map(|id| id.0),
            title: input.title,
            attributes: input.attributes.0,
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.record_activity(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Records what a customer agreed to, with the evidence. Needs the permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn set_consent(
        &self,
        ctx: &Context<'_>,
        input: ConsentInput,
        idempotency_key: Option<String>,
    ) -> Result<ConsentPayload> {
        let command = SetConsent {
            customer_id: input.customer_id.0,
            channel: input.channel.into(),
            topic: input.topic,
            state: input.state.into(),
            method: input.method,
            wording: input.wording,
            ip: input.ip,
            user_agent: input.user_agent,
            message_id: input.message_id.map(|id| id.0),
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.set_consent(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Forbids sending to an address, whoever has it.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn suppress_address(
        &self,
        ctx: &Context<'_>,
        address: AddressRefInput,
        reason: SuppressionReason,
        #[graphql(desc = "The message that led to it.")] message_id: Option<Of<MessageId>>,
        #[graphql(desc = "Of whom it was learnt.")] customer_id: Option<Of<CustomerId>>,
        idempotency_key: Option<String>,
    ) -> Result<SuppressionPayload> {
        let command = SuppressAddress {
            address: address.into(),
            reason: reason.into(),
            message_id: message_id.map(|id| id.0),
            customer_id: customer_id.map(|id| id.0),
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.suppress_address(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Allows sending to an address again. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn lift_suppression(
        &self,
        ctx: &Context<'_>,
        address: AddressRefInput,
        #[graphql(desc = "Which suppression; one address may have several.")] reason: SuppressionReason,
        #[graphql(desc = "Why it may be used again.")] note: String,
        idempotency_key: Option<String>,
    ) -> Result<SuppressionPayload> {
        let command = LiftSuppression { address: address.into(), reason: reason.into(), note };
        let outcome = Api::of(ctx)?.app.lift_suppression(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
