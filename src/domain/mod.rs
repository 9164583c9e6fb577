//! What commlog knows and decides, purely: no IO, no clock, no SQL. A folder per noun: `event.rs` (what can happen),
//! `state.rs` (the fold), `decide.rs` (state, command, policy and now → events or a refusal).

pub mod decision;
pub mod event;
pub mod refusal;
pub mod text;
pub mod value;

pub mod activity;
pub mod consent;
pub mod conversation;
pub mod customer;
pub mod import;
pub mod message;
pub mod tenant;
