//! The rules for sending, and links by which customers decide themselves.

use async_graphql::{Context, Object, Result};

use crate::app::Caller;
use crate::graphql::api::Reading;
use crate::graphql::failure::opaque;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::policy::Policy;
use crate::graphql::principal::Permission;
use crate::ids::{CustomerId, MessageId};

/// The rules for sending.
#[derive(Default)]
pub struct PolicyQueries;

#[Object]
impl PolicyQueries {
    /// The tenant's rules for sending, as decisions go by them now: read from the log, so there is nothing to wait for.
    /// How they came to be is told by the events `PolicyChanged`.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 3 * child_complexity")]
    async fn policy(&self, ctx: &Context<'_>) -> Result<Policy> {
        let reading = Reading::of(ctx)?;
        let policy = reading.api.app.policy(reading.session.principal.tenant).await;
        policy.map(|policy| policy.as_ref().into()).map_err(|error| opaque(reading.api.ambient(), &error))
    }

    /// Where a customer sees and changes what they agreed to, for use in a message to them: whoever has the link can.
    /// Null if there is no such customer.
    #[graphql(guard = "May(Permission::Send)")]
    async fn preferences_url(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The message that the link is for.")] message_id: Option<Of<MessageId>>,
    ) -> Result<Option<String>> {
        let reading = Reading::of(ctx)?;
        let principal = reading.session.principal;
        let caller = Caller::new(principal.tenant, principal.actor());
        let url = reading.api.app.preferences_url(&caller, customer_id.0, message_id.map(|id| id.0)).await;
        url.map_err(|error| opaque(reading.api.ambient(), &error))
    }
}
