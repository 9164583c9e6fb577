//! Applies events to one projection so that those that cannot be applied stop only their own stream.

use std::collections::HashSet;

use super::parked::park;
use super::writer::Memory;
use crate::projections::error::{ProjectionError, database, is_poison};
use crate::projections::source::{Projection, Statement};
use crate::projections::staging::{self, Batch};
use crate::sql::{self, Session};

/// One projection at work on one batch, inside the batch's transaction.
pub struct Isolation<'a> {
    pub session: &'a mut Session,
    pub memory: &'a mut Memory,
    pub batch: &'a Batch,
    pub projection: &'a Projection,
}

impl Isolation<'_> {
    /// Stages and applies events (by index, in order), halving what fails until the poison event is alone. Returns how
    /// many were parked.
    pub async fn apply(&mut self, events: &[usize]) -> Result<usize, ProjectionError> {
        let mut parked = 0;
        let mut pending = vec![events.to_vec()];
        while let Some(part) = pending.pop() {
            let (part, waiting) = self.hold_back(&part).await?;
            parked += waiting;
            if part.is_empty() {
                continue;
            }
            match self.attempt(&part).await? {
                None => {}
                Some(reason) if part.len() == 1 => {
                    park(self.session, self.memory, self.projection, &self.batch.events[part[0]], Some(&reason))
                        .await?;
                    parked += 1;
                }
                Some(_) => {
                    let (left, right) = part.split_at(part.len() / 2);
                    pending.push(right.to_vec());
                    pending.push(left.to_vec());
                }
            }
        }
        Ok(parked)
    }

    /// Parks what belongs to a parked stream, and what cannot be staged at all; returns the rest.
    async fn hold_back(&mut self, part: &[usize]) -> Result<(Vec<usize>, usize), ProjectionError> {
        let (mut rest, mut parked) = (Vec::with_capacity(part.len()), 0);
        for &index in part {
            let event = &self.batch.events[index];
            let read = self.projection.events.contains(&event.event_type);
            let behind = read && is_parked(self.memory, self.projection, event.stream);
            if behind || (read && event.malformed.is_some()) {
                let reason = event.malformed.as_deref().filter(|_| !behind);
                park(self.session, self.memory, self.projection, event, reason).await?;
                parked += 1;
            } else if event.malformed.is_none() {
                rest.push(index);
            }
        }
        Ok((rest, parked))
    }

    /// Why the events could not be applied together, if they could not.
    async fn attempt(&mut self, part: &[usize]) -> Result<Option<String>, ProjectionError> {
        let savepoint = "SAVEPOINT attempt";
        self.session.run(savepoint).await.map_err(database("set a savepoint"))?;
        let done = match staging::fill(self.session, self.batch, part, &self.memory.forgotten).await {
            Ok(()) => run(self.session, self.projection, &self.batch.types(part)).await,
            Err(error) => Err(error),
        };
        settle(self.session, done).await
    }
}

/// Whether further events of the stream wait for this projection.
pub fn is_parked(memory: &Memory, projection: &Projection, stream: crate::log::StreamId) -> bool {
    memory.parked.get(&projection.name).is_some_and(|streams| streams.contains(&stream))
}

/// Keeps or undoes what was done since the savepoint. A failure that is not the events' own fault is passed on.
pub async fn settle(session: &mut Session, done: Result<(), sql::Error>) -> Result<Option<String>, ProjectionError> {
    match done {
        Ok(()) => session.run("RELEASE SAVEPOINT attempt").await.map(|()| None).map_err(database("keep a savepoint")),
        Err(error) if is_poison(&error) => {
            let undo = "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt";
            session.run(undo).await.map_err(database("undo a savepoint"))?;
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(database("apply a batch")(error)),
    }
}

/// Runs a projection's statements over what is staged: events of these types.
pub async fn run(session: &mut Session, projection: &Projection, types: &HashSet<&str>) -> Result<(), sql::Error> {
    let due: Vec<&Statement> = projection
        .apply
        .iter()
        .filter(|statement| statement.on.is_empty() || statement.on.iter().any(|name| types.contains(name.as_str())))
        .collect();
    match session {
        // Kept prepared: SQLite's plans do not depend on how full the tables are.
        Session::Sqlite(connection) => {
            let due: Vec<String> = due.into_iter().map(|statement| statement.sql.clone()).collect();
            connection
                .run(move |connection| {
                    due.iter().try_for_each(|sql| connection.prepare_cached(sql)?.raw_execute().map(drop))?;
                    Ok(())
                })
                .await
        }
        // One round trip, planned each time: a plan made for empty tables is a bad one for full tables.
        Session::Postgres(..) if due.is_empty() => Ok(()),
        Session::Postgres(..) => {
            let sql: Vec<&str> = due.iter().map(|statement| statement.sql.as_str()).collect();
            session.run(&sql.join(";\n")).await
        }
    }
}
