//! Queries of the rules for sending.

use async_graphql::{Context, Object, Result};

use super::object::Policy;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;

/// Queries of the rules for sending.
#[derive(Default)]
pub struct PolicyQueries;

#[Object]
impl PolicyQueries {
    /// The tenant's rules for sending, as used for decisions now: read from the log, so they never lag. The events
    /// `PolicyChanged` hold their history.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 3 * child_complexity")]
    async fn policy(&self, ctx: &Context<'_>) -> Result<Policy> {
        let reading = Reading::of(ctx)?;
        let policy = reading.api.app.policy(reading.session.principal.tenant).await;
        policy.map(|policy| policy.as_ref().into()).map_err(|error| opaque(reading.api.ambient(), &error))
    }
}
