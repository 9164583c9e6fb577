//! Mutations on consent.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::Consent;
use crate::app::OptInRequest;
use crate::domain::consent::choice::RequestOptIn;
use crate::domain::consent::decide::SetConsent;
use crate::domain::consent::event::ConsentState as DomainConsentState;
use crate::domain::customer::event::Source;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, by, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::{Channel, ConsentState};
use crate::ids::{CustomerId, MessageId};

/// A customer's consent, with the evidence.
#[derive(InputObject)]
pub struct ConsentInput {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// The channel.
    channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    topic: String,
    /// The state of the consent.
    state: ConsentState,
    /// How it was given, in one word: such as `form`, `keyword`, `one_click`, `provider`, `operator`.
    method: String,
    /// The wording that was shown.
    wording: Option<String>,
    /// The IP address it came from.
    ip: Option<String>,
    /// The user agent.
    user_agent: Option<String>,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
}

/// The consent that a mutation is about, and what it knows of it.
pub struct ConsentOf<T> {
    customer_id: CustomerId,
    channel: Channel,
    topic: String,
    result: T,
}

payload! {
    /// The result of `setConsent`.
    ConsentPayload of complex: ConsentOf<DomainConsentState> {
        /// The resulting state.
        state: ConsentState = |of| Some(of.result.into()),
        /// The customer's id.
        customer_id: Of<CustomerId> = |of| Some(Of(of.customer_id)),
        /// The channel.
        channel: Channel = |of| Some(of.channel),
        /// The topic.
        topic: String = |of| Some(of.topic.clone()),
    }
}

shows! {
    ConsentPayload {
        /// The consent after this mutation; waits for the read tables.
        consent: Consent = |ctx, payload| match (payload.customer_id, payload.channel, &payload.topic) {
            (Some(id), Some(channel), Some(topic)) => Consent::current(ctx, id.0, channel, topic).await,
            _ => Ok(None),
        },
        /// The customer after this mutation; waits for the read tables.
        customer: Customer = |ctx, payload| by!(payload.customer_id, |id: Of<_>| Customer::load(ctx, id.0)),
    }
}

/// An opt-in that the customer is asked to confirm.
#[derive(InputObject)]
pub struct OptInInput {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// The channel.
    channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    topic: String,
    /// The wording that was shown when the customer asked.
    wording: Option<String>,
    /// The IP address it came from.
    ip: Option<String>,
    /// The user agent.
    user_agent: Option<String>,
}

payload! {
    /// The result of `requestOptIn`.
    OptInPayload of complex: ConsentOf<OptInRequest> {
        /// The URL where the customer confirms; send it to them.
        confirm_url: String = |of| Some(of.result.url.clone()),
        /// The time at which it expires.
        expires_at: DateTime<Utc> = |of| Some(of.result.expires_at),
        /// The customer's id.
        customer_id: Of<CustomerId> = |of| Some(Of(of.customer_id)),
        /// The channel.
        channel: Channel = |of| Some(of.channel),
        /// The topic.
        topic: String = |of| Some(of.topic.clone()),
    }
}

shows! {
    OptInPayload {
        /// The consent after this mutation; waits for the read tables.
        consent: Consent = |ctx, payload| match (payload.customer_id, payload.channel, &payload.topic) {
            (Some(id), Some(channel), Some(topic)) => Consent::current(ctx, id.0, channel, topic).await,
            _ => Ok(None),
        },
        /// The customer after this mutation; waits for the read tables.
        customer: Customer = |ctx, payload| by!(payload.customer_id, |id: Of<_>| Customer::load(ctx, id.0)),
    }
}

/// Mutations on consent.
#[derive(Default)]
pub struct ConsentMutations;

#[Object]
impl ConsentMutations {
    /// Records a customer's consent, with the evidence. Requires permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn set_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the customer agreed to or refused, with the evidence.")] input: ConsentInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ConsentPayload> {
        let (customer_id, channel, topic) = (input.customer_id.0, input.channel, input.topic.clone());
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
        Ok(answer(ctx, outcome)?.map(|result| ConsentOf { customer_id, channel, topic, result }).into())
    }

    /// Records that a customer was asked to confirm an opt-in (double opt-in): until they do, it is `PENDING` and
    /// nothing is sent for it. Requires permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn request_opt_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to ask for a confirmation, and about what.")] input: OptInInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<OptInPayload> {
        let (customer_id, channel, topic) = (input.customer_id.0, input.channel, input.topic.clone());
        let command = RequestOptIn {
            customer_id: input.customer_id.0,
            channel: input.channel.into(),
            topic: input.topic,
            wording: input.wording,
            ip: input.ip,
            user_agent: input.user_agent,
            source: Source::Api,
        };
        let outcome = Api::of(ctx)?.app.request_opt_in(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|result| ConsentOf { customer_id, channel, topic, result }).into())
    }
}
