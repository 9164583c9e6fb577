//! What a folder and the store last agreed on, in a file of the folder: so that neither push nor pull overwrites what the
//! other side has changed since. It belongs to one working copy and one store, and need not be committed.

use std::collections::BTreeMap;
use std::path::Path;

use super::disk;
use super::stored::digest;
use crate::cli::failure::Outcome;
use crate::domain::template::state::Draft;

const FILE: &str = ".commlog-seen.json";

/// Digests of drafts, by code.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Reads the file. One that is missing or damaged says nothing.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Whether a draft is what both sides had.
    #[must_use]
    pub fn is(&self, draft: &Draft) -> bool {
        self.0.get(&draft.code).is_some_and(|seen| *seen == digest(draft))
    }

    /// Both sides have this draft now.
    pub fn agree(&mut self, draft: &Draft) {
        self.0.insert(draft.code.clone(), digest(draft));
    }

    /// Writes the file, if that changes it.
    pub fn write(&self, root: &Path) -> Outcome {
        if *self == Self::read(root) {
            return Ok(());
        }
        // A map of texts can be written.
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        disk::write(root, FILE, &format!("{text}\n"))
    }
}
