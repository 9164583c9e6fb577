//! Mutations on the brand.

use async_graphql::{Context, Object, Result};

use super::object::{Brand, BrandPatch};
use crate::domain::tenant::brand::Appearance;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;

payload! {
    /// The result of `updateBrand`.
    BrandPayload: Appearance {
        /// How the tenant appears from now on.
        brand: Brand = |appearance| Some(appearance.into()),
    }
}

/// Mutations on the brand.
#[derive(Default)]
pub struct BrandMutations;

#[Object]
impl BrandMutations {
    /// Changes how the tenant appears on the pages behind links in messages. It applies at once, also to links that were sent
    /// before. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn update_brand(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings to change. An omitted one keeps its value, null restores the default.")] changes: BrandPatch,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<BrandPayload> {
        let outcome = Api::of(ctx)?.app.update_brand(&caller(ctx, idempotency_key)?, changes.into()).await;
        answer(ctx, outcome).map(Into::into)
    }
}
