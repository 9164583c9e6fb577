//! Follows the read tables for subscriptions.

use std::collections::HashSet;
use std::time::Duration;

use async_graphql::Result;
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::api::{Api, Reading, Tables};
use super::audit::version_at;
use super::failure::opaque;
use super::model::inbox::InboxChange;
use super::model::timeline::TimelineEntry;
use super::principal::{Permission, Principal};
use crate::ids::{CustomerId, Position};
use crate::log::{Category, ReadLimit, SealedEvent, StreamId};
use crate::queries::conversations::ConversationFilter;
use crate::queries::inbox;
use crate::queries::timeline::{self, TimelineRow};

/// How many events are looked through at a time for what changed.
const CHUNK: usize = 1_000;

/// How many conversations that moved are told at a time.
const MOVED_AT_ONCE: usize = 200;

/// An inbox is looked at most this often: nobody reads faster, and a burst is told as its outcome.
const INBOX_PACE: Duration = Duration::from_millis(200);

/// Ticks at once, and then whenever the read tables move, but no faster than its pace.
pub struct Live {
    applied: watch::Receiver<Position>,
    log: Option<watch::Receiver<Position>>,
    pace: Duration,
    last: Option<Instant>,
}

impl Live {
    /// Follows applied positions.
    #[must_use]
    pub const fn new(applied: watch::Receiver<Position>, pace: Duration) -> Self {
        Self { applied, log: None, pace, last: None }
    }

    /// Follows the log's end too.
    #[must_use]
    pub fn with_log(mut self, log: watch::Receiver<Position>) -> Self {
        self.log = Some(log);
        self
    }

    /// The position that the read tables show; [`None`] when the projector has stopped.
    pub async fn next(&mut self) -> Option<Position> {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + self.pace).await;
            match &mut self.log {
                None => self.applied.changed().await.ok()?,
                Some(log) => tokio::select! {
                    moved = self.applied.changed() => moved.ok()?,
                    moved = log.changed() => moved.ok()?,
                },
            }
        }
        self.last = Some(Instant::now());
        Some(*self.applied.borrow_and_update())
    }
}

/// What changes in one customer's timeline.
pub struct Changes {
    api: Api,
    principal: Principal,
    customer: CustomerId,
    live: Live,
    /// Version of the customer's stream up to which changes were told.
    version: u64,
    /// Position up to which changes were told.
    position: Position,
}

impl Changes {
    /// Tells what comes after a position; without one, what comes after what the tables show now.
    pub async fn begin(reading: Reading<'_>, customer: CustomerId, after: Option<Position>) -> Result<Self> {
        let applied = reading.api.reads.applied();
        let position = after.unwrap_or(*applied.borrow());
        let principal = reading.session.principal;
        let stream = StreamId::new(principal.tenant, Category::Customer, customer.uuid());
        let version = version_at(reading.api.reads.journal().backend().as_ref(), stream, position)
            .await
            .map_err(|error| opaque(reading.api.ambient(), &error))?;
        let live = Live::new(applied, Duration::ZERO);
        Ok(Self { api: reading.api.clone(), principal, customer, live, version, position })
    }

    /// The changed entries, oldest first.
    pub fn entries(self) -> impl Stream<Item = Result<TimelineEntry>> {
        stream::unfold(self, |mut changes| async move {
            let applied = changes.live.next().await?;
            let found = changes.until(applied).await;
            Some((found, changes))
        })
        .flat_map(|found| match found {
            Ok(entries) => stream::iter(entries.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        })
    }

    async fn until(&mut self, applied: Position) -> Result<Vec<TimelineEntry>> {
        let stream = StreamId::new(self.principal.tenant, Category::Customer, self.customer.uuid());
        let mut changed = HashSet::new();
        let begin = self.position;
        'reading: loop {
            let log = self.api.reads.journal().backend();
            let chunk = log
                .read_stream(stream, self.version, ReadLimit::events(CHUNK))
                .await
                .map_err(|error| opaque(self.api.ambient(), &error))?;
            let ended = chunk.len() < CHUNK;
            for event in chunk {
                if event.envelope.position > applied {
                    break 'reading;
                }
                self.version = event.envelope.version;
                self.position = event.envelope.position;
                changed.extend(entries_of(&event));
            }
            if ended {
                break;
            }
        }
        if self.position == begin {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = changed.into_iter().collect();
        let rows = timeline::changed(&self.api.reads.db(), self.principal.tenant, self.customer, begin, &ids)
            .await
            .map_err(|error| self.api.failed(&error))?;
        let personal = self.principal.may(Permission::SeePersonal);
        rows.into_iter().map(|row: TimelineRow| TimelineEntry::new(row, personal, &Tables::Live)).collect()
    }
}

/// Tells which conversations of an inbox move after a position; without one, after what the tables show now. Asks the read
/// table, by its index over positions: many agents who look at one busy log must not each read all of it.
pub fn inbox_changes(
    reading: Reading<'_>,
    filter: ConversationFilter,
    after: Option<Position>,
) -> impl Stream<Item = Result<InboxChange>> + use<> {
    let (api, tenant) = (reading.api.clone(), reading.session.principal.tenant);
    let applied = api.reads.applied();
    let begin = after.unwrap_or(*applied.borrow());
    let live = Live::new(applied, INBOX_PACE);
    stream::unfold((live, begin, true), move |(mut live, mut position, mut wait)| {
        let (api, filter) = (api.clone(), filter.clone());
        async move {
            if wait {
                live.next().await?;
            }
            let changes = match inbox::moved(&api.reads.db(), tenant, &filter, position, MOVED_AT_ONCE).await {
                Ok(moved) => {
                    wait = moved.len() < MOVED_AT_ONCE;
                    position = moved.last().map_or(position, |last| last.position);
                    moved.into_iter().map(InboxChange::new).collect()
                }
                Err(error) => {
                    wait = true;
                    vec![Err(api.failed(&error))]
                }
            };
            Some((stream::iter(changes), (live, position, wait)))
        }
    })
    .flatten()
}

/// The entries that an event changes. What begins an entry of its own is found by its position.
fn entries_of(event: &SealedEvent) -> Vec<Uuid> {
    #[derive(Deserialize)]
    struct About {
        message_id: Option<Uuid>,
        activity_id: Option<Uuid>,
        note_id: Option<Uuid>,
        in_reply_to: Option<Uuid>,
    }
    serde_json::from_slice::<About>(&event.data).map_or_else(
        |_| Vec::new(),
        |about| [about.message_id, about.activity_id, about.note_id, about.in_reply_to].into_iter().flatten().collect(),
    )
}
