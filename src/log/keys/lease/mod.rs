//! Leases: which of several nodes has what one node at a time may have.
//!
//! They stand in the key store, because every node that sends reads it before each call: its database is there whatever keeps
//! the log, and the mark that permits a call is written and checked against the lease in one place. The store's clock alone says
//! when a lease ends; who holds one measures its end on a clock of its own, from before it asked.

mod postgres;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::KeyStoreError;

/// The lease of what acts on the world: the dispatcher, and the processes beside it.
pub const PROCESSES: &str = "processes";

/// The lease of what writes read tables, by the database that these are in, and by what tells the tables of one version of commlog
/// from those of others: each version has a projector.
#[must_use]
pub fn projector(database: &str, fingerprint: &str) -> String {
    format!("projector of {database}, tables {}", fingerprint.get(..16).unwrap_or(fingerprint))
}

/// A holder's time with a lease: its fencing token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The lease's name.
    pub lease: String,
    /// Rises with each holder.
    pub number: i64,
}

/// A lease as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub name: String,
    /// Who took it last, for people.
    pub holder: String,
    /// The number of that term.
    pub term: i64,
    /// When it was taken, by the store's clock.
    pub since: DateTime<Utc>,
    /// False if it was given back or has ended.
    pub is_held: bool,
}

/// Where leases are kept.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a lease that nobody holds, for so long; [`None`] if somebody does.
    async fn take_lease(&self, name: &str, holder: &str, lasting: Duration) -> Result<Option<Term>, KeyStoreError>;

    /// Holds a lease for so long from now on; false if a later term has begun.
    async fn renew_lease(&self, term: &Term, lasting: Duration) -> Result<bool, KeyStoreError>;

    /// Ends a term at once. Nothing happens if a later one has begun.
    async fn give_lease_back(&self, term: &Term) -> Result<(), KeyStoreError>;

    /// All leases that were ever taken, by name.
    async fn leases(&self) -> Result<Vec<Lease>, KeyStoreError>;
}

/// A row: name, holder, term, since, and the remaining time, which may be negative.
type Row = (String, String, i64, i64, i64);

fn lease(row: Row) -> Lease {
    let (name, holder, term, since, remaining) = row;
    let since = DateTime::from_timestamp_micros(since).unwrap_or_default();
    Lease { name, holder, term, since, is_held: remaining > 0 }
}

fn micros(lasting: Duration) -> i64 {
    i64::try_from(lasting.as_micros()).unwrap_or(i64::MAX / 4)
}
