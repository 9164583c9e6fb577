//! Leases: which of several nodes has what one node at a time may have.
//!
//! They stand in the key store, because every node that sends reads it before each call: its database is there whatever keeps
//! the log, and the mark that permits a call is written and checked against the lease in one place. The store's clock alone says
//! when a lease ends; who holds one measures its end on a clock of its own, from before it asked.

mod postgres;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::KeyStoreError;

/// The lease of what acts on the world: the dispatcher, unless it works in shares, and the processes beside it.
pub const PROCESSES: &str = "processes";

/// The lease of a share of dispatching, by its number from 1 and how many there are: where that is configured otherwise, shares are
/// of other customers.
#[must_use]
pub fn dispatch(share: u8, of: u8) -> String {
    format!("dispatch-{share}-of-{of}")
}

/// The lease of a place among the nodes that have shares. A node has one as long as it takes part, by which the others know it.
#[must_use]
pub fn dispatch_node(place: u8, of: u8) -> String {
    format!("dispatch-node-{place}-of-{of}")
}

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
    /// The time until it ends, by the store's clock; not above zero if it has ended.
    pub left: TimeDelta,
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
    Lease { name, holder, term, since, is_held: remaining > 0, left: TimeDelta::microseconds(remaining) }
}

fn micros(lasting: Duration) -> i64 {
    i64::try_from(lasting.as_micros()).unwrap_or(i64::MAX / 4)
}
