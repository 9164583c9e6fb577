//! What every provider needs: HTTP calls, mail as it is written, texts from outside, hosts of the public network.

pub mod client;
pub(super) mod html;
pub(super) mod mime;
pub(super) mod public;
pub mod settings;
pub(super) mod texts;
