//! What commlog knows and decides, purely: no IO, no clock, no SQL. A folder per noun: `event.rs` (what can happen),
//! `state.rs` (the fold), `decide.rs` (state, command, policy and now → events or a refusal).

pub mod command;
pub mod decision;
pub mod event;
pub mod refusal;
pub mod search;
pub mod text;
pub mod value;

pub mod account;
pub mod activity;
pub mod address;
pub mod callback;
pub mod campaign;
pub mod canned;
pub mod check;
pub mod consent;
pub mod conversation;
pub mod customer;
pub mod import;
pub mod list;
pub mod message;
pub mod template;
pub mod tenant;

#[cfg(test)]
mod scenario;

use serde_json::{Map, Value};

/// A step from an old schema version: type, version that it starts from, and a pure function of `data` and `personal`.
pub type Upcaster = (&'static str, u16, fn(&mut Map<String, Value>, Option<&mut Map<String, Value>>));

/// Every step from a schema version of the past, for the log to apply when events are read.
#[must_use]
pub fn upcasters() -> Vec<Upcaster> {
    message::upcast::STEPS.to_vec()
}
