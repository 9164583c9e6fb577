//! What changes in the timeline of one person.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::Result;
use futures::stream;
use futures::stream::{Stream, StreamExt};
use serde::Deserialize;
use uuid::Uuid;

use super::object::TimelineEntry;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::{field_refused, opaque};
use crate::graphql::engine::live::Live;
use crate::graphql::engine::loaders::OneCustomer;
use crate::graphql::engine::principal::{Permission, Principal};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::resume::Resume;
use crate::graphql::log::audit::{just_before, version_at};
use crate::ids::{CustomerId, Position};
use crate::log::{Category, LogError, ReadLimit, SealedEvent, StreamId};
use crate::queries::timeline::TimelineRow;
use crate::queries::{customer_roots, timeline};

/// How many events are looked through at a time for what changed, in all streams of the person.
const CHUNK: usize = 1_000;

/// What changes in the timeline of one person.
pub struct Changes {
    api: Api,
    principal: Principal,
    customer: CustomerId,
    live: Live,
    /// The versions up to which changes were reported, by stream of the person.
    versions: HashMap<CustomerId, u64>,
    /// Where the reports continue.
    resume: Resume,
    /// Whether the tables already show more than was reported.
    is_behind: bool,
}

/// What comes next in one stream of the person.
struct Next {
    customer: CustomerId,
    version: u64,
    events: Vec<SealedEvent>,
}

/// The last event that changed an entry, and which of the event's entries it is.
type LastChange = (Position, usize);

impl Changes {
    /// Reports what comes after a position; without one, what comes after what the tables show now. Refuses a customer who
    /// does not exist, and a position that the log does not have.
    pub async fn begin(reading: Reading<'_>, customer: CustomerId, after: Option<Resume>) -> Result<Self> {
        let api = reading.api;
        let applied = api.reads.applied();
        let resume = after.unwrap_or_else(|| (*applied.borrow()).into());
        api.wait_for_after(resume.after).await?;
        if OneCustomer(customer).load(reading, &Tables::Live).await?.is_none() {
            // Perhaps the customer was registered a moment ago.
            let head = api.reads.journal().backend().head().await.map_err(|error| opaque(api.ambient(), &error))?;
            api.wait_for(Some(head.position.into())).await?;
            if OneCustomer(customer).load(reading, &Tables::Live).await?.is_none() {
                return Err(field_refused("CUSTOMER_UNKNOWN", "this customer does not exist"));
            }
        }
        let (principal, live) = (reading.session.principal, Live::new(applied, Duration::ZERO));
        Ok(Self { api: api.clone(), principal, customer, live, versions: HashMap::new(), resume, is_behind: false })
    }

    /// The changed entries, in the order of the events that changed them last.
    pub fn entries(self) -> impl Stream<Item = Result<TimelineEntry>> {
        stream::unfold(self, |mut changes| async move {
            let applied = if changes.is_behind { changes.live.shown() } else { changes.live.next().await? };
            // What fails is tried again when the tables move.
            changes.is_behind = false;
            let found = changes.until(applied).await;
            Some((found, changes))
        })
        .flat_map(|found| match found {
            Ok(entries) => stream::iter(entries.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        })
    }

    async fn until(&mut self, applied: Position) -> Result<Vec<TimelineEntry>> {
        let (tenant, begin) = (self.principal.tenant, self.resume.after);
        if applied <= begin {
            return Ok(Vec::new());
        }
        // Somebody may have been merged since the last look.
        let person = customer_roots::whole(&self.api.reads.db(), tenant, self.customer).await;
        let ids = person.map_err(|error| self.api.failed(&error))?.ids();
        let next = self.next(&ids).await.map_err(|error| opaque(self.api.ambient(), &error))?;
        // A stream of which only a part was read bounds what can be reported in order.
        let size = chunk_size(&ids);
        let read =
            |next: &Next| next.events.last().filter(|_| next.events.len() == size).map(|event| event.envelope.position);
        let until = next.iter().filter_map(read).min().map_or(applied, |position| position.min(applied));
        let (mut changed, mut versions, mut any) = (HashMap::new(), Vec::new(), false);
        for Next { customer, mut version, events } in next {
            for event in events.iter().take_while(|event| event.envelope.position <= until) {
                (version, any) = (event.envelope.version, true);
                self.note(event, &mut changed);
            }
            versions.push((customer, version));
        }
        let mut rows = Vec::new();
        if any {
            let entries: Vec<Uuid> = changed.keys().copied().collect();
            rows = timeline::changed(&self.api.reads.db(), tenant, &ids, begin..=until, &entries)
                .await
                .map_err(|error| self.api.failed(&error))?;
        }
        self.versions.extend(versions);
        self.resume = until.into();
        self.is_behind = until < applied;
        Ok(self.in_order(rows, &changed))
    }

    /// The next events of each stream of the person.
    async fn next(&self, ids: &[CustomerId]) -> Result<Vec<Next>, LogError> {
        let log = self.api.reads.journal().backend().clone();
        let mut next = Vec::with_capacity(ids.len());
        for &customer in ids {
            let stream = StreamId::new(self.principal.tenant, Category::Customer, customer.uuid());
            let version = match self.versions.get(&customer) {
                Some(version) => *version,
                None => version_at(log.as_ref(), stream, self.resume.after).await?,
            };
            let events = log.read_stream(stream, version, ReadLimit::events(chunk_size(ids))).await?;
            next.push(Next { customer, version, events });
        }
        Ok(next)
    }

    /// Notes the entries that an event changes, without those that a broken connection already had.
    fn note(&self, event: &SealedEvent, changed: &mut HashMap<Uuid, LastChange>) {
        let position = event.envelope.position;
        let known = if just_before(position) == self.resume.after { self.resume.entries } else { 0 };
        for (ordinal, entry) in entries_of(event).into_iter().enumerate().skip(known) {
            changed.insert(entry, (position, ordinal));
        }
    }

    /// The rows as entries, each with the position after which a subscription continues once it has this entry.
    fn in_order(&self, rows: Vec<TimelineRow>, changed: &HashMap<Uuid, LastChange>) -> Vec<TimelineEntry> {
        let mut found: Vec<(LastChange, TimelineRow)> = rows
            .into_iter()
            .filter_map(|row| {
                let last = if row.kind.begins_with_each_event() {
                    Some((row.position, LAST))
                } else {
                    changed.get(&row.entry_id).copied()
                };
                last.map(|last| (last, row))
            })
            .collect();
        found.sort_by_key(|(last, _)| *last);
        let next: Vec<Position> = found.iter().skip(1).map(|((position, _), _)| *position).collect();
        let personal = self.principal.may(Permission::SeePersonal);
        let entries = found.into_iter().enumerate().map(|(index, ((position, ordinal), row))| {
            let mut entry = TimelineEntry::new(row, personal, &Tables::Live);
            // Between two entries of one event, a subscription continues within the event.
            entry.position = match next.get(index) {
                Some(next) if *next == position => Resume { after: just_before(position), entries: ordinal + 1 },
                _ => position.into(),
            };
            entry
        });
        entries.collect()
    }
}

/// How many events are read of each stream of a person.
fn chunk_size(ids: &[CustomerId]) -> usize {
    (CHUNK / ids.len().max(1)).max(2)
}

/// The place of the entry that an event begins, behind those that it changes.
const LAST: usize = usize::MAX - 1;

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
