//! Mutations on projections.

use async_graphql::{Context, Object, Result};

use super::object::ParkedInput;
use crate::domain::tenant::decide::SkipParked;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::{May, principal};
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::ids::EventId;

payload! {
    /// The result of mutations on parked events.
    ParkedPayload: EventId {
        /// The event.
        event_id: Of<EventId> = |id| Some(Of(*id)),
    }
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
        parked: ParkedInput,
        #[graphql(desc = "Why it may be skipped.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<ParkedPayload> {
        let api = Api::of(ctx)?;
        api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        let command = SkipParked { projection: parked.projection, event_id: parked.event_id.0, reason };
        let outcome = api.app.skip_parked(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Retries the parked events of an event's stream for a projection, for example after its file was corrected.
    /// Returns the number of events applied; those that still fail stay parked.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn retry_parked(&self, ctx: &Context<'_>, parked: ParkedInput) -> Result<i64> {
        let api = Api::of(ctx)?;
        let stream = api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        Ok(i64::try_from(api.retry(&stream).await?).unwrap_or(i64::MAX))
    }
}
