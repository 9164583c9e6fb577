//! Mutations on the rules for sending, and on links by which customers decide themselves.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::payload::{answer, caller, payload};
use crate::app::OptInRequest;
use crate::domain::consent::choice::RequestOptIn;
use crate::domain::customer::event::Source;
use crate::domain::tenant::policy::Policy as DomainPolicy;
use crate::graphql::Api;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::enums::Channel;
use crate::graphql::model::policy::{Policy, PolicyPatch};
use crate::graphql::principal::Permission;
use crate::ids::CustomerId;

/// An opt-in that the customer is asked to confirm.
#[derive(InputObject)]
pub struct OptInInput {
    /// Whom.
    customer_id: Of<CustomerId>,
    /// For which channel.
    channel: Channel,
    /// For which topic; `all` stands for every topic of the channel.
    topic: String,
    /// The wording that was shown when the customer asked.
    wording: Option<String>,
    /// From which IP address.
    ip: Option<String>,
    /// With which program.
    user_agent: Option<String>,
}

payload! {
    /// The answer to `updatePolicy`.
    PolicyPayload: DomainPolicy {
        /// The rules that are in force from now on.
        policy: Policy = |policy| Some(policy.into()),
    }
}

payload! {
    /// The answer to `requestOptIn`.
    OptInPayload: OptInRequest {
        /// Where the customer confirms: send it to them.
        confirm_url: String = |request| Some(request.url.clone()),
        /// Until when.
        expires_at: DateTime<Utc> = |request| Some(request.expires_at),
    }
}

/// Mutations on the rules for sending, and on links.
#[derive(Default)]
pub struct PolicyMutations;

#[Object]
impl PolicyMutations {
    /// Changes the tenant's rules for sending. They count at once, also for messages that wait. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn update_policy(
        &self,
        ctx: &Context<'_>,
        changes: PolicyPatch,
        idempotency_key: Option<String>,
    ) -> Result<PolicyPayload> {
        let outcome = Api::of(ctx)?.app.update_policy(&caller(ctx, idempotency_key)?, changes.into()).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Records that a customer was asked to confirm an opt-in (double opt-in): until they do, it is `PENDING` and nothing
    /// is sent for it. Needs the permission to record.
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
