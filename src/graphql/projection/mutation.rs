//! Mutations on projections.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::object::{ParkedInput, Projection};
use crate::domain::tenant::decide::SkipParked;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Answer, Refusal, answer, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::ids::EventId;

/// A parked event that was skipped.
pub struct Skipped {
    projection: String,
    event_id: EventId,
}

payload! {
    /// The result of `skipParked`.
    ParkedPayload of complex: Skipped {
        /// The event.
        event_id: Of<EventId> = |skipped| Some(Of(skipped.event_id)),
        /// The projection's name.
        projection_name: String = |skipped| Some(skipped.projection.clone()),
    }
}

shows! {
    ParkedPayload {
        /// The projection after this mutation.
        projection: Projection = |ctx, payload| match &payload.projection_name {
            Some(name) => projection(ctx, name).await,
            None => Ok(None),
        },
    }
}

async fn projection(ctx: &Context<'_>, name: &str) -> Result<Option<Projection>> {
    Ok(Api::of(ctx)?.projections().await?.into_iter().find(|projection| projection.name == name))
}

/// The result of `retryParked`. Nothing is recorded: retrying it changes the read tables only.
#[derive(SimpleObject)]
pub struct RetryParkedPayload {
    /// The number of events that were applied; null if the command was refused.
    applied: Option<i64>,
    /// The projection after this mutation.
    projection: Option<Projection>,
    /// Why the command was refused; null if it was carried out.
    refusal: Option<Refusal>,
}

fn not_parked() -> Refusal {
    Refusal::new("NOT_PARKED", "this event is not parked for this projection", Some("parked"))
}

/// Mutations on projections.
#[derive(Default)]
pub struct ProjectionMutations;

#[Object]
impl ProjectionMutations {
    /// Skips a parked event of a projection and records that; later events are applied without it.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn skip_parked(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A stream of events that a projection could not apply.")] parked: ParkedInput,
        #[graphql(desc = "Why it may be skipped.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ParkedPayload> {
        let api = Api::of(ctx)?;
        if api.parked_stream(principal(ctx)?.tenant, &parked).await?.is_none() {
            return Ok(Answer::refused(not_parked()).into());
        }
        let projection = parked.projection.clone();
        let command = SkipParked { projection: parked.projection, event_id: parked.event_id.0, reason };
        let outcome = api.app.skip_parked(&caller(ctx, idempotency_key)?, command).await;
        Ok(answer(ctx, outcome)?.map(|event_id| Skipped { projection, event_id }).into())
    }

    /// Retries the parked events of an event's stream for a projection, for example after its file was corrected.
    /// Those that still fail stay parked. Repeating it changes nothing, so it takes no idempotency key.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn retry_parked(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A stream of events that a projection could not apply.")] parked: ParkedInput,
    ) -> Result<RetryParkedPayload> {
        let api = Api::of(ctx)?;
        let Some(stream) = api.parked_stream(principal(ctx)?.tenant, &parked).await? else {
            return Ok(RetryParkedPayload { applied: None, projection: None, refusal: Some(not_parked()) });
        };
        let applied = i64::try_from(api.retry(&stream).await?).unwrap_or(i64::MAX);
        let projection = projection(ctx, &parked.projection).await?;
        Ok(RetryParkedPayload { applied: Some(applied), projection, refusal: None })
    }
}
