//! Events of an import's stream.

use crate::domain::event::{event, stream_events};
use crate::domain::value::words;
use crate::ids::ImportId;

words! {
    /// What a file holds.
    ImportKind, "import kind" {
        /// Customers: one a line.
        Customers = "customers",
        /// Orders: a line item a line, grouped by reference.
        Orders = "orders",
        /// Inbound messages: one a line.
        Messages = "messages",
        /// The results of a campaign of the past: one customer a line, with group and outcomes.
        CampaignResults = "campaign-results",
    }
}

event! {
    /// A file is being read.
    ImportStarted 1 {
        import_id: ImportId,
        kind: ImportKind,
        /// SHA-256 of the file's bytes, in hex.
        file_digest: String,
        /// How often this file's import was undone before.
        run: u32,
    }
    personal ImportStartedPersonal {
        /// The file's name without its folder.
        file_name: String,
    }
}

event! {
    /// The file was read to its end.
    ImportCompleted 1 {
        import_id: ImportId,
        /// Lines read, without the header.
        lines: u64,
        /// Events that were appended.
        appended: u64,
        /// Facts that the log knew already.
        already: u64,
        /// Lines that were refused.
        refused: u64,
    }
}

event! {
    /// What the import brought was taken back. The log keeps both.
    ImportUndone 1 {
        import_id: ImportId,
        /// Facts that were taken back.
        retracted: u64,
        /// Facts that were left standing: opt-outs, and customers that had become more than imported.
        kept: u64,
    }
}

stream_events! {
    /// Everything that can happen in an import's stream.
    ImportEvent {
        ImportStarted,
        ImportCompleted,
        ImportUndone,
    }
}
