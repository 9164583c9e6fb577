//! The fold of an account's kept callbacks.

use serde::{Deserialize, Serialize};

use crate::domain::callback::event::CallbackEvent;
use crate::domain::decision::Meta;

/// Nothing: each event of such a stream is a fact that depends on no other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCallbacks {}

impl KeptCallbacks {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CallbackEvent, _meta: Meta) {
        match event {
            CallbackEvent::CallbackKept(_)
            | CallbackEvent::CallbackResolved(_)
            | CallbackEvent::CallbackReviewed(_)
            | CallbackEvent::CallbackExpired(_) => {}
        }
    }
}
