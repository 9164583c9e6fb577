//! Messages in the product, for their receiver: a schema of its own, which opens to a token of one customer's and holds nothing
//! else. Whatever is asked of it is about that customer.

mod mutation;
mod object;
mod query;
pub mod reading;
mod subscription;
pub mod token;

use async_graphql::{Context, Result, ValidationMode};

use crate::app::Caller;
use crate::domain::customer::token::CustomerToken;
use crate::graphql::engine::api::Api;

/// The schema's type.
pub type Schema = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// How deep a document nests; an inbox is shallow.
const DEPTH: usize = 12;
/// Fields that a document resolves: some operations on full inboxes.
const COMPLEXITY: usize = 2_000;
/// The actor of what a customer's page reports.
const ACTOR: &str = "customer";

/// The schema over an API.
pub(super) fn schema(api: &Api) -> Schema {
    Schema::build(query::Query, mutation::Mutation, subscription::Subscription)
        .data(api.clone())
        .limit_complexity(COMPLEXITY)
        .limit_depth(DEPTH)
        .limit_recursive_depth(2 * DEPTH)
        .validation_mode(ValidationMode::Strict)
        .finish()
}

/// Who asks. The endpoint refuses requests without a token before they get here.
fn holder(ctx: &Context<'_>) -> Result<CustomerToken> {
    ctx.data::<CustomerToken>().copied()
}

fn caller(holder: &CustomerToken) -> Caller {
    Caller::new(holder.tenant, ACTOR)
}
