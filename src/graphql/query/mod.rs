//! The root of queries.

mod customers;
mod inbox;
mod log;
mod metrics;
mod node;
mod policy;

use async_graphql::MergedObject;

/// Everything that can be read. A key reads its own tenant's data; nothing else exists for it.
///
/// `waitFor` takes the position that a mutation answered: the query then sees what the mutation did.
#[derive(MergedObject, Default)]
pub struct Query(
    customers::CustomerQueries,
    inbox::InboxQueries,
    metrics::MetricQueries,
    log::LogQueries,
    policy::PolicyQueries,
    node::NodeQueries,
);
