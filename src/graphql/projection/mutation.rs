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
    /// The answer to mutations on parked events.
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
    /// Gives up a parked event of a projection, on the record: the events behind it go on without it.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn skip_parked(
        &self,
        ctx: &Context<'_>,
        parked: ParkedInput,
        #[graphql(desc = "Why it may be left out.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<ParkedPayload> {
        let api = Api::of(ctx)?;
        api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        let command = SkipParked { projection: parked.projection, event_id: parked.event_id.0, reason };
        let outcome = api.app.skip_parked(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Tries again what waits of a parked event's stream for a projection, for example after its file was mended.
    /// Answers how many events were applied; what still fails waits on.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn retry_parked(&self, ctx: &Context<'_>, parked: ParkedInput) -> Result<i64> {
        let api = Api::of(ctx)?;
        let stream = api.parked_stream(principal(ctx)?.tenant, &parked).await?;
        Ok(i64::try_from(api.retry(&stream).await?).unwrap_or(i64::MAX))
    }
}
