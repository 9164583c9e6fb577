//! Mutations on consent.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use crate::app::OptInRequest;
use crate::domain::consent::choice::RequestOptIn;
use crate::domain::consent::decide::SetConsent;
use crate::domain::consent::event::ConsentState as DomainConsentState;
use crate::domain::customer::event::Source;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, caller, payload};
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
    /// How it was given: `form`, `keyword`, `one_click`, `provider`, `operator`.
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

payload! {
    /// The result of `setConsent`.
    ConsentPayload: DomainConsentState {
        /// The resulting state.
        state: ConsentState = |state| Some((*state).into()),
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
    OptInPayload: OptInRequest {
        /// The URL where the customer confirms; send it to them.
        confirm_url: String = |request| Some(request.url.clone()),
        /// The time at which it expires.
        expires_at: DateTime<Utc> = |request| Some(request.expires_at),
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

    /// Records that a customer was asked to confirm an opt-in (double opt-in): until they do, it is `PENDING` and
    /// nothing is sent for it. Requires permission to record.
    #[graphql(guard = "May(Permission::Record)")]
    async fn request_opt_in(
        &self,
        ctx: &Context<'_>,
        input: OptInInput,
        idempotency_key: Option<String>,
    ) -> Result<OptInPayload> {
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
        answer(ctx, outcome).map(Into::into)
    }
}
