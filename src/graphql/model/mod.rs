//! The schema's objects, over the rows of read models.

pub mod activity;
pub mod campaign;
pub mod consent;
pub mod conversation;
pub mod customer;
pub mod deliverability;
pub mod enums;
pub mod event;
pub mod import;
pub mod inbox;
pub mod key;
pub mod message;
pub mod money;
pub mod policy;
pub mod projection;
pub mod suppression;
pub mod timeline;
