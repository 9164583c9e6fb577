//! What changes in the timeline of one person.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_graphql::Result;
use futures::stream;
use futures::stream::{Stream, StreamExt};
use serde::Deserialize;
use uuid::Uuid;

use super::object::TimelineEntry;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::live::Live;
use crate::graphql::engine::principal::{Permission, Principal};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::log::audit::version_at;
use crate::ids::{CustomerId, Position};
use crate::log::{Category, LogError, ReadLimit, SealedEvent, StreamId};
use crate::queries::timeline::TimelineRow;
use crate::queries::{customer_roots, timeline};

/// How many events are looked through at a time for what changed.
const CHUNK: usize = 1_000;

/// What changes in the timeline of one person.
pub struct Changes {
    api: Api,
    principal: Principal,
    customer: CustomerId,
    live: Live,
    /// The versions up to which changes were reported, by stream of the person.
    versions: HashMap<CustomerId, u64>,
    /// The position up to which changes were reported.
    position: Position,
}

impl Changes {
    /// Tells what comes after a position; without one, what comes after what the tables show now.
    #[must_use]
    pub fn begin(reading: Reading<'_>, customer: CustomerId, after: Option<Position>) -> Self {
        let applied = reading.api.reads.applied();
        let position = after.unwrap_or(*applied.borrow());
        let principal = reading.session.principal;
        let live = Live::new(applied, Duration::ZERO);
        Self { api: reading.api.clone(), principal, customer, live, versions: HashMap::new(), position }
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
        let (tenant, begin) = (self.principal.tenant, self.position);
        // Somebody may have been merged since the last look.
        let person = customer_roots::whole(&self.api.reads.db(), tenant, self.customer).await;
        let ids = person.map_err(|error| self.api.failed(&error))?.ids();
        let (mut changed, mut any) = (HashSet::new(), false);
        for &id in &ids {
            let stream = StreamId::new(tenant, Category::Customer, id.uuid());
            let (entries, found) = self.read(id, stream, applied).await.map_err(|e| opaque(self.api.ambient(), &e))?;
            changed.extend(entries);
            any |= found;
        }
        self.position = self.position.max(applied);
        if !any {
            return Ok(Vec::new());
        }
        let changed: Vec<Uuid> = changed.into_iter().collect();
        let rows = timeline::changed(&self.api.reads.db(), tenant, &ids, begin, &changed)
            .await
            .map_err(|error| self.api.failed(&error))?;
        let personal = self.principal.may(Permission::SeePersonal);
        Ok(rows.into_iter().map(|row: TimelineRow| TimelineEntry::new(row, personal, &Tables::Live)).collect())
    }

    /// The entries that the events of one stream change up to a position, and whether there are any events.
    async fn read(
        &mut self,
        id: CustomerId,
        stream: StreamId,
        applied: Position,
    ) -> Result<(HashSet<Uuid>, bool), LogError> {
        let log = self.api.reads.journal().backend().clone();
        let (mut changed, mut any) = (HashSet::new(), false);
        let mut version = match self.versions.get(&id) {
            Some(version) => *version,
            None => version_at(log.as_ref(), stream, self.position).await?,
        };
        'reading: loop {
            let chunk = log.read_stream(stream, version, ReadLimit::events(CHUNK)).await?;
            let ended = chunk.len() < CHUNK;
            for event in chunk {
                if event.envelope.position > applied {
                    break 'reading;
                }
                version = event.envelope.version;
                any = true;
                changed.extend(entries_of(&event));
            }
            if ended {
                break;
            }
        }
        self.versions.insert(id, version);
        Ok((changed, any))
    }
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
