//! Events go into the index in the order of the log, each once.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{hash_of, signed, unsigned};
use crate::ids::{CommandId, TenantId};
use crate::log::kurrentdb::record::Claim;
use crate::log::kurrentdb::wire::Place;
use crate::log::{EventHash, StreamId};

/// An event of the log, as far as the index needs it.
#[derive(Debug)]
pub(in crate::log::kurrentdb) struct Seen {
    pub place: Place,
    /// Its number in its stream, from 0.
    pub revision: u64,
    pub what: What,
}

/// What was seen.
#[derive(Debug)]
pub(in crate::log::kurrentdb) enum What {
    /// An event of a stream of ours.
    Event(SeenEvent),
    /// A command was, or is about to be, carried out.
    Claim(TenantId, CommandId, Claim),
    /// An epoch began, in the log that this one was loaded out of, if `loaded` says so.
    Epoch { epoch: u64, started_at: i64, system_id: String, loaded: bool },
}

/// An event of a stream of ours. What cannot be read of a damaged one is left out: it keeps its place.
#[derive(Debug)]
pub(in crate::log::kurrentdb) struct SeenEvent {
    pub stream: StreamId,
    pub id: Uuid,
    pub hash: EventHash,
    pub recorded_at: i64,
    /// Whose key seals its personal part, if it has one.
    pub sealed_for: Option<Uuid>,
}

/// Up to where the log was read.
pub(super) fn reached(connection: &Connection) -> Result<Place, rusqlite::Error> {
    let number = |name: &str| {
        connection
            .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
            .query_row([name], |row| row.get::<_, i64>(0))
            .map(unsigned)
    };
    Ok(Place { commit: number("commit")?, prepare: number("prepare")? })
}

/// Takes events that follow `after`, and notes how far the log was read. False if that is not where the index stands.
pub(super) fn apply(connection: &Connection, after: Place, seen: &[Seen], to: Place) -> Result<bool, rusqlite::Error> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    if reached(&transaction)? != after {
        return Ok(false);
    }
    let last = "SELECT position, reached_at FROM events ORDER BY position DESC LIMIT 1";
    let last = transaction.prepare_cached(last)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (mut position, mut reached_at): (i64, i64) = last.unwrap_or_default();
    for seen in seen {
        match &seen.what {
            What::Event(event) => {
                position += 1;
                reached_at = reached_at.max(event.recorded_at);
                add(&transaction, seen, event, position, reached_at)?;
            }
            What::Claim(tenant, id, claim) => add_claim(&transaction, seen.revision, *tenant, *id, claim)?,
            What::Epoch { epoch, started_at, system_id, loaded } => {
                let insert = "INSERT OR IGNORE INTO epochs (epoch, started_at, system_id) VALUES (?1, ?2, ?3)";
                transaction.prepare_cached(insert)?.execute(params![signed(*epoch), started_at, system_id])?;
                if *loaded {
                    let mark = "INSERT OR REPLACE INTO meta (name, value) VALUES ('loaded_epoch', ?1)";
                    transaction.prepare_cached(mark)?.execute([signed(*epoch)])?;
                }
            }
        }
    }
    for (name, value) in [("commit", to.commit), ("prepare", to.prepare)] {
        let update = "UPDATE meta SET value = ?2 WHERE name = ?1";
        transaction.prepare_cached(update)?.execute(params![name, signed(value)])?;
    }
    transaction.commit()?;
    Ok(true)
}

fn add(
    transaction: &Transaction<'_>,
    seen: &Seen,
    event: &SeenEvent,
    position: i64,
    reached_at: i64,
) -> Result<(), rusqlite::Error> {
    let version = signed(seen.revision + 1);
    let stream = &event.stream;
    let upsert = "INSERT INTO streams (tenant_id, category, key, version, hash) VALUES (?1, ?2, ?3, ?4, ?5) \
                  ON CONFLICT (tenant_id, category, key) DO UPDATE SET version = excluded.version, hash = excluded.hash \
                  RETURNING stream";
    let (tenant, key) = (stream.tenant.0, stream.key);
    let number: i64 = transaction
        .prepare_cached(upsert)?
        .query_row(params![tenant.as_bytes(), stream.category.name(), key.as_bytes(), version, event.hash], |row| {
            row.get(0)
        })?;
    let insert = "INSERT INTO events (position, stream, version, event_id, commit_at, prepare_at, reached_at) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.prepare_cached(insert)?.execute(params![
        position,
        number,
        version,
        event.id.as_bytes(),
        signed(seen.place.commit),
        signed(seen.place.prepare),
        reached_at
    ])?;
    if let Some(subject) = event.sealed_for {
        let first = "INSERT OR IGNORE INTO meta (name, value) VALUES ('first_subject', ?1)";
        transaction.prepare_cached(first)?.execute([subject.as_bytes()])?;
    }
    Ok(())
}

fn add_claim(
    transaction: &Transaction<'_>,
    revision: u64,
    tenant: TenantId,
    id: CommandId,
    claim: &Claim,
) -> Result<(), rusqlite::Error> {
    let insert = "INSERT OR IGNORE INTO claims (tenant_id, command_id, claim, ordinal, fingerprint, category, key, \
                  first_version, last_version, last_event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let mut insert = transaction.prepare_cached(insert)?;
    let fingerprint = hash_of(&hex::decode(&claim.fingerprint).unwrap_or_default());
    for (place, append) in (0_i64..).zip(&claim.appends) {
        let ordinal = append.ordinal.map_or(place, signed);
        insert.execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            signed(revision),
            ordinal,
            fingerprint,
            append.category,
            append.key.as_bytes(),
            signed(append.first_version),
            signed(append.last_version),
            append.last_event.as_bytes()
        ])?;
    }
    Ok(())
}
