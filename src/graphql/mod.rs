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
//!
//! A root field stands in the folder of its noun: `query`, `mutation` or `subscription`; `object` holds what they return.

mod account;
mod activity;
mod address;
mod brand;
mod callback;
mod campaign;
mod canned;
mod consent;
mod conversation;
mod customer;
mod deliverability;
mod engagement;
pub mod engine;
mod export;
mod import;
pub mod in_app;
mod inbox;
mod key;
mod list;
mod log;
mod message;
mod node;
mod note;
pub mod policy;
mod projection;
pub mod template;
mod timeline;
mod traffic;
mod user;

pub use engine::api::{Api, Work};
pub use engine::gateway::Gateway;
pub use engine::limits::Limits;
pub use engine::metrics::Metrics;
pub use engine::principal::{Permission, Principal};

use engine::scalar::DATE_TIME;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, SchemaBuilder, ValidationMode};

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// All queries. A key reads only its own tenant's data.
///
/// `waitFor` takes the position that a mutation returned: the query then sees the mutation's effect.
#[derive(MergedObject, Default)]
pub struct Query(
    account::query::AccountQueries,
    activity::query::ActivityQueries,
    address::query::AddressQueries,
    brand::query::BrandQueries,
    callback::query::CallbackQueries,
    campaign::query::CampaignQueries,
    canned::query::CannedReplyQueries,
    consent::query::ConsentQueries,
    conversation::query::ConversationQueries,
    customer::query::CustomerQueries,
    deliverability::query::DeliverabilityQueries,
    export::query::ExportQueries,
    import::query::ImportQueries,
    in_app::token::CustomerAccessQueries,
    inbox::query::InboxQueries,
    key::query::KeyQueries,
    list::query::ListQueries,
    log::query::LogQueries,
    log::verification::VerificationQueries,
    message::explanation::ExplanationQueries,
    message::query::MessageQueries,
    node::query::NodeQueries,
    policy::back_test::BackTestQueries,
    policy::query::PolicyQueries,
    projection::query::ProjectionQueries,
    template::query::TemplateQueries,
    timeline::query::TimelineQueries,
    traffic::query::TrafficQueries,
);

/// All commands. Every mutation takes an `idempotencyKey`: repeated with the same input, it returns the first result;
/// with other input, it is refused. A refusal is data, in `refusal`; errors are unexpected failures.
// Not here, on purpose: opening a tenant (a key belongs to one; the command line opens them) and providers' callbacks (they
// come in with their own signatures). Files are uploaded beside the API; mutations name them.
#[derive(MergedObject, Default)]
pub struct Mutation(
    account::mutation::AccountMutations,
    activity::mutation::ActivityMutations,
    address::mutation::AddressMutations,
    address::validation::ValidationMutations,
    brand::mutation::BrandMutations,
    canned::mutation::CannedReplyMutations,
    consent::mutation::ConsentMutations,
    conversation::mutation::ConversationMutations,
    customer::mutation::CustomerMutations,
    engagement::mutation::EngagementMutations,
    export::mutation::ExportMutations,
    import::mutation::ImportMutations,
    key::mutation::KeyMutations,
    campaign::mutation::CampaignMutations,
    list::mutation::ListMutations,
    log::verification::VerificationMutations,
    user::mutation::UserMutations,
    message::mutation::MessageMutations,
    note::mutation::NoteMutations,
    policy::mutation::PolicyMutations,
    projection::mutation::ProjectionMutations,
    template::mutation::TemplateMutations,
);

/// Changes, pushed as soon as the read tables show them.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    campaign::subscription::CampaignSubscriptions,
    export::subscription::ExportSubscriptions,
    import::subscription::ImportSubscriptions,
    inbox::subscription::InboxSubscriptions,
    list::subscription::ListSubscriptions,
    log::verification::VerificationSubscriptions,
    projection::subscription::ProjectionSubscriptions,
    timeline::subscription::TimelineSubscriptions,
);

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .override_output_type_description::<chrono::DateTime<chrono::Utc>>(DATE_TIME)
}

/// The schema over an API.
fn schema(api: &Api) -> Schema {
    builder()
        .data(api.clone())
        .limit_complexity(api.limits.complexity)
        .limit_depth(api.limits.depth)
        .limit_recursive_depth(2 * api.limits.depth)
        .validation_mode(ValidationMode::Fast)
        .finish()
}

/// The text of `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    let text = builder().finish().sdl_with_options(options);
    format!("{}\n", text.trim_end())
}
