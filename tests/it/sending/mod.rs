//! Through the whole: a command over GraphQL, a provider's double over HTTP, its signed callbacks, and what is told about
//! it afterwards.

mod accounts;
mod campaign_plans;
mod campaigns;
mod customers_page;
pub(crate) mod desk;
mod dry_runs;
mod files;
mod forgetting;
mod hostile;
mod in_app;
mod kills;
mod kurrentdb;
mod mailboxes;
mod metrics;
mod permutations;
mod push;
mod restoring;
mod routing;
mod smtp;
mod stories;
pub(crate) mod story;
mod templates;
mod threading;
mod tracking;
mod validating;
mod visits;
mod voice;
mod whatsapp;
mod who_is_who;
