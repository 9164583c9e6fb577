//! What every provider needs: HTTP calls, signatures that several of them use, mail as it is written, texts from outside, hosts
//! of the public network.

pub mod client;
pub(super) mod html;
pub(super) mod inbound;
pub mod jwt;
pub mod mail;
pub(super) mod mime;
pub(super) mod numbers;
pub(super) mod parameters;
pub(super) mod public;
pub mod settings;
pub mod standard_webhooks;
pub(super) mod texts;
pub(super) mod values;
