//! The port for mailboxes that are looked into, for providers that nobody calls back.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// A mailbox that an account's mail comes to.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// The pause between two looks.
    fn pause(&self) -> Duration;

    /// Connects, and finds what has not been taken in yet.
    async fn open(&self) -> Result<Box<dyn OpenMailbox>, MailboxError>;
}

/// A mailbox while it is looked into. No call on it lasts without end.
#[async_trait]
pub trait OpenMailbox: Send {
    /// The next mail that has not been taken in, as it was written; [`None`] if there is none. Asking changes nothing: what
    /// is not said to be taken comes again.
    async fn next(&mut self) -> Result<Option<Bytes>, MailboxError>;

    /// The mail that came last is in the log: it does not come again.
    async fn taken(&mut self) -> Result<(), MailboxError>;

    /// Says goodbye.
    async fn close(self: Box<Self>);
}

/// Why a mailbox could not be looked into. It is tried again after the usual pause.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// No connection came about, or it was lost.
    #[error("the server of the mailbox cannot be reached ({0})")]
    Unreachable(&'static str),
    /// The server takes too long.
    #[error("the server of the mailbox does not respond")]
    Late,
    /// It does not let the account in: an operator's business.
    #[error("the server of the mailbox refuses the account ({0})")]
    Refused(&'static str),
    /// What it says is not IMAP, or not what it was asked.
    #[error("the server of the mailbox does not keep to the protocol")]
    Odd,
}
