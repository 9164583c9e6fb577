//! The root of mutations: one per command of `app`, each with an idempotency key, each answering the position of its
//! last event.
//!
//! Not here, on purpose: opening a tenant (a key belongs to one; the command line opens them), reading files in (the
//! command line streams them) and providers' callbacks (they come in with their own signatures).

mod customers;
mod engagement;
mod facts;
mod messages;
mod operations;
pub(super) mod payload;
mod policy;

use async_graphql::MergedObject;

/// Everything that can be done. Every mutation takes an `idempotencyKey`: repeated with the same input it gives the
/// first answer again, with other input it is refused. A refusal is data, in `refusal`; errors are what nobody foresaw.
#[derive(MergedObject, Default)]
pub struct Mutation(
    customers::CustomerMutations,
    messages::MessageMutations,
    facts::FactMutations,
    operations::OperationMutations,
    engagement::EngagementMutations,
    policy::PolicyMutations,
);
