//! Tokens for customers' own pages and apps, as the tenant's back end asks for them.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};

use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::{field_refused, opaque};
use crate::graphql::engine::guard::{May, require};
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::principal::Permission;
use crate::ids::CustomerId;

/// A token that a customer's page or app presents at `/in-app/graphql`.
#[derive(SimpleObject)]
pub struct CustomerAccess {
    /// The token, to be handed to the page of the customer who is signed in, and to nobody else. It opens that customer's messages
    /// in the product, is not stored here, and cannot be taken back.
    token: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// Queries of tokens for customers.
#[derive(Default)]
pub struct CustomerAccessQueries;

#[Object]
impl CustomerAccessQueries {
    /// A token with which the page or app of a customer who is signed in reads their messages in the product, says what became of
    /// them, and registers its device. Nothing is recorded for it. Requires sight of personal data.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn customer_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(
            desc = "How long it lives, in minutes, up to 1440 (a day). The page asks for another one.",
            default = 60
        )]
        minutes: i32,
    ) -> Result<CustomerAccess> {
        // Its holder reads texts.
        require(ctx, Permission::SeePersonal)?;
        let api = Api::of(ctx)?;
        let life = TimeDelta::minutes(i64::from(minutes));
        match api.app.customer_token(&caller(ctx, None)?, customer_id.0, life).await {
            Ok(Ok((token, expires_at))) => Ok(CustomerAccess { token, expires_at }),
            Ok(Err(refusal)) => Err(field_refused(refusal.code, refusal.message)),
            Err(error) => Err(opaque(api.ambient(), &error)),
        }
    }
}
