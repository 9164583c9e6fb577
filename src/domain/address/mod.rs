//! An address: who has it, what was said about messages to it, and whether anything may be sent to it. It holds for
//! everybody who has it.

pub mod decide;
pub mod event;
pub mod outcomes;
pub mod state;
pub mod validation;
pub mod words;
