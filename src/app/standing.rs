//! Whether this log may send: what was sent before must be in it.

use tokio::sync::watch;

use crate::app::{App, AppError, Ticket};
use crate::log::Epoch;
use crate::log::keys::Term;
use crate::log::mark::{LogStanding, MarkError};

impl App {
    /// Whether the log contains what the key store marked.
    pub async fn standing(&self) -> Result<LogStanding, AppError> {
        Ok(self.shared.journal.standing().await?)
    }

    /// The log's epoch.
    pub async fn epoch(&self) -> Result<Epoch, AppError> {
        Ok(self.shared.journal.backend().epoch().await?)
    }

    /// An operator says that this log, as it is now, and no other copy of it, sends from now on: starts a new epoch.
    pub async fn confirm_dispatch(&self) -> Result<u32, AppError> {
        Ok(self.shared.journal.confirm().await?)
    }

    /// Marks the event that permits a call, so that a log without it is noticed. The provider may be called afterwards only.
    /// Refused if a later one than `term`, in which it is to be called, has begun.
    pub async fn mark_dispatch(&self, ticket: &Ticket, term: Option<&Term>) -> Result<(), MarkError> {
        self.shared.journal.reach_mark(ticket.position, term).await
    }

    /// Announces whether the dispatcher of this process sends nothing until an operator confirms the log.
    #[must_use]
    pub fn watch_held(&self) -> watch::Receiver<bool> {
        self.shared.held.subscribe()
    }

    /// Reports whether the dispatcher of this process waits for an operator.
    pub fn set_held(&self, held: bool) {
        self.shared.held.send_replace(held);
    }
}
