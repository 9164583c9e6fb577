//! Templates: texts that many messages are made of, by channel and locale. Each has a stream of its own, named by its code,
//! as canned replies have. A draft is saved as often as its author likes and may be wrong; what is published has been
//! compiled, gets the next version number, and never changes. A template of kind `partial` is included in others, by its
//! name; publishing records the versions of what is included.
//!
//! The texts hold no customer's data and are therefore not sealed. How texts are read and rendered is not the domain's:
//! `src/rendering/` does that.

pub mod content;
pub mod decide;
pub mod event;
pub mod state;
