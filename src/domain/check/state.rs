//! The fold of a day's checks at a service.

use serde::{Deserialize, Serialize};

use crate::domain::check::event::CheckEvent;
use crate::domain::decision::Meta;

/// How many checks a service made in a day, or is making.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayOfChecks {
    /// Checks that may have been paid for.
    pub made: u64,
}

impl DayOfChecks {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CheckEvent, _meta: Meta) {
        match event {
            CheckEvent::CheckReserved(_) => self.made += 1,
            CheckEvent::CheckReleased(_) => self.made = self.made.saturating_sub(1),
        }
    }
}
