//! Through the whole: a command over GraphQL, a provider's double over HTTP, its signed callbacks, and what is told about
//! it afterwards.

mod accounts;
mod campaign_plans;
mod campaigns;
mod files;
mod forgetting;
mod hostile;
mod kills;
mod mailboxes;
mod metrics;
mod permutations;
mod restoring;
mod smtp;
pub(crate) mod story;
mod templates;
mod threading;
mod tracking;
mod visits;
mod who_is_who;
