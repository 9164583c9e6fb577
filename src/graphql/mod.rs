//! The GraphQL API: a schema over the use cases of `app` and the reads of `queries`.
//!
//! How it behaves, everywhere:
//!
//! - **Refusals are data.** Every mutation's payload has `refusal { code message field }`; errors are for requests that
//!   make no sense (`BAD_ARGUMENT`), are not allowed (`FORBIDDEN`), or that failed for a reason nobody foresaw
//!   (`INTERNAL`, opaque, with an id that the log has).
//! - **Personal data** is null for keys that may not see it, so that one query serves every role; `viewer
//!   { seesPersonalData }` and the response's extension `personalData: "withheld"` tell that null does not mean absent.
//!   Searching by it is refused with `PERSONAL_DATA_REFUSED`, because a search answers guesses.
//! - **Positions are cursors**: a mutation answers one, `waitFor` waits for one, `asOf` looks back to one.

pub mod api;
pub mod audit;
mod connection;
mod document;
pub mod failure;
mod flat;
mod gateway;
mod guard;
mod id;
mod keys;
mod limits;
mod live;
mod loaders;
mod metrics;
mod model;
mod mutation;
mod operations;
mod principal;
mod query;
mod scalar;
mod subscription;

pub use api::{Api, Session};
pub use gateway::Gateway;
pub use keys::Keys;
pub use limits::Limits;
pub use metrics::Metrics;
pub use mutation::Mutation;
pub use principal::{Permission, Principal};
pub use query::Query;
pub use subscription::Subscription;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
}

/// The schema over an API.
fn schema(api: &Api, mode: ValidationMode) -> Schema {
    builder()
        .data(api.clone())
        .limit_complexity(api.limits.complexity)
        .limit_depth(api.limits.depth)
        .limit_recursive_depth(2 * api.limits.depth)
        .validation_mode(mode)
        .finish()
}

/// The text of `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let text = builder().finish().sdl_with_options(options);
    format!("{}\n", text.trim_end())
}
