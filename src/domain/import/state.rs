//! The fold of an import's stream.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::decision::Meta;
use crate::domain::import::event::{ImportEvent, ImportKind};

/// What decisions need to know of one run of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What the file holds, once it was started.
    pub kind: Option<ImportKind>,
    /// When it was started first.
    pub started_at: Option<DateTime<Utc>>,
    /// True once the file was read to its end.
    pub completed: bool,
    /// What undoing it did: facts retracted and kept.
    pub undone: Option<(u64, u64)>,
}

impl Import {
    /// Folds an event in.
    pub fn apply(&mut self, event: &ImportEvent, meta: Meta) {
        match event {
            ImportEvent::ImportStarted(e) => {
                self.kind = Some(e.kind);
                self.started_at = self.started_at.or(Some(meta.occurred_at));
            }
            ImportEvent::ImportCompleted(_) => self.completed = true,
            ImportEvent::ImportUndone(e) => self.undone = Some((e.retracted, e.kept)),
        }
    }
}
