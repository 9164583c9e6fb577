//! Provider accounts, and how they are.

use async_graphql::{Context, Object, Result};

use super::object::ProviderAccount;
use super::provider::Provider;
use crate::graphql::address::validation::{ValidatorService, services};
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::providers::kind::Kind;

/// Provider accounts.
#[derive(Default)]
pub struct AccountQueries;

#[Object]
impl AccountQueries {
    /// The accounts that send for this tenant, in order of use. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 20 * child_complexity")]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<ProviderAccount>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let list = reading.api.accounts.list(reading.session.principal.tenant).await;
        let list = list.map_err(|error| opaque(reading.api.ambient(), &error))?;
        Ok(list.into_iter().map(Into::into).collect())
    }

    /// The services that addresses of this tenant are checked at, in the order in which they are asked. Requires the role
    /// `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 5 * child_complexity")]
    async fn validators(&self, ctx: &Context<'_>) -> Result<Vec<ValidatorService>> {
        services(ctx).await
    }

    /// The providers that accounts can be set up for, with their settings and limits. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)", complexity = "1 + 20 * child_complexity")]
    async fn providers(&self) -> Vec<Provider> {
        Kind::all().iter().map(|kind| Provider::from(*kind)).collect()
    }
}
