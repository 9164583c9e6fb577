//! Finds events in the log: by stream, type, actor and time, in the log's order, a bounded part at a time.
//!
//! The log has no index over such things, on purpose: it is written more often than it is searched. A stream is found
//! at once; everything else is filtered while reading. Sealed events are filtered before they are opened.

use std::collections::{BTreeSet, HashSet};

use async_graphql::{Context, Result};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::tenant::decide::RecordPersonalRead;
use crate::graphql::engine::connection::of_page;
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::reading::Reading;
use crate::ids::{CustomerId, MessageId, Position};
use crate::log::{Category, EventLog, LogError, ReadLimit, RecordedEvent, SealedEvent, StreamId};
use crate::queries::PageError;
use crate::queries::page::PAGE;

/// How many events one page reads at most to find those that it shows.
const MOST_READ: usize = 50_000;

/// How many are read at a time.
const CHUNK: usize = 2_000;

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// In any of these streams; empty: in all.
    pub streams: Vec<(Category, Uuid)>,
    /// Of any of these types; empty: of all.
    pub types: Vec<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Belonging to this piece of work.
    pub correlation: Option<Uuid>,
    /// About this message.
    pub message: Option<MessageId>,
    /// Recorded from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Recorded before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Wanted {
    fn matches(&self, event: &SealedEvent) -> bool {
        let envelope = &event.envelope;
        (self.types.is_empty() || self.types.contains(&envelope.event_type))
            && self.actor.as_ref().is_none_or(|actor| *actor == envelope.actor)
            && self.correlation.is_none_or(|id| envelope.correlation_id.is_some_and(|found| found.0 == id))
            && self.since.is_none_or(|since| envelope.recorded_at >= since)
            && self.until.is_none_or(|until| envelope.recorded_at < until)
            && self.message.is_none_or(|message| names(&event.data, message))
    }
}

/// Whether a payload names a message as the one that it is about. The bytes are searched for the id before they are
/// parsed: almost no event of a long stream is about one message.
fn names(data: &[u8], message: MessageId) -> bool {
    #[derive(serde::Deserialize)]
    struct About {
        message_id: Option<Uuid>,
    }
    let id = message.to_string();
    data.windows(id.len()).any(|window| window == id.as_bytes())
        && serde_json::from_slice::<About>(data).is_ok_and(|about| about.message_id == Some(message.0))
}

/// Which part of the list is asked for: some events from one of its ends, between two positions.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    size: usize,
    backwards: bool,
    after: Option<Position>,
    before: Option<Position>,
}

impl Range {
    /// In the terms of Relay's connections.
    pub fn new(
        first: Option<i32>,
        after: Option<Position>,
        last: Option<i32>,
        before: Option<Position>,
    ) -> Result<Self> {
        let (asked, backwards) = match (first, last) {
            (Some(_), Some(_)) => return Err(of_page(&PageError::BothEnds)),
            (None, Some(last)) => (Some(last), true),
            (first, None) => (first, false),
        };
        let size = PAGE.size(asked.map(Into::into)).map_err(|error| of_page(&error))?;
        Ok(Self { size, backwards, after, before })
    }
}

/// A page of events.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the log.
    pub events: Vec<RecordedEvent>,
    /// Whether events may follow.
    pub has_next: bool,
    /// Whether events may precede.
    pub has_previous: bool,
    /// Where the page begins.
    pub start: Option<Position>,
    /// Where the page ends: at its last event, or where reading stopped.
    pub end: Option<Position>,
}

/// The position just before another, for reading "from it on" with a read that begins after.
#[must_use]
pub fn just_before(position: Position) -> Position {
    let number = u128::from_be_bytes(position.bytes()).saturating_sub(1);
    Position::try_from_bytes(&number.to_be_bytes()).unwrap_or(Position::START)
}

/// Finds a page of the tenant's events.
pub async fn find(reading: Reading<'_>, wanted: &Wanted, range: Range) -> Result<Found> {
    let journal = reading.api.reads.journal();
    let scan = Scan { log: journal.backend().as_ref(), tenant: reading.session.principal.tenant, wanted, range };
    let (kept, stopped, exhausted) = scan.run().await.map_err(|error| opaque(reading.api.ambient(), &error))?;
    let mut events = journal.open_events(kept).await.map_err(|error| opaque(reading.api.ambient(), &error))?;
    if range.backwards {
        events.reverse();
    }
    let first = events.first().map(|event| event.envelope.position);
    let last = events.last().map(|event| event.envelope.position);
    // Where nothing or too little was found, the page ends where reading stopped, so that the next one goes on there.
    let (start, end) = if range.backwards { (stopped.or(first), last) } else { (first, stopped.or(last)) };
    Ok(if range.backwards {
        Found { events, has_next: range.before.is_some(), has_previous: !exhausted, start, end }
    } else {
        Found { events, has_next: !exhausted, has_previous: range.after.is_some(), start, end }
    })
}

struct Scan<'a> {
    log: &'a dyn EventLog,
    tenant: crate::ids::TenantId,
    wanted: &'a Wanted,
    range: Range,
}

impl Scan<'_> {
    /// The matching events in the order read, where reading stopped short of a full page, and whether the end of the
    /// list was reached.
    async fn run(&self) -> Result<(Vec<SealedEvent>, Option<Position>, bool), LogError> {
        let Range { size, backwards, after, before } = self.range;
        let mut kept: Vec<SealedEvent> = Vec::new();
        let mut place = self.begin().await?;
        let mut read = 0;
        let mut stopped = None;
        loop {
            let chunk = self.read(&place).await?;
            let ended = chunk.is_empty();
            read += chunk.len();
            for event in chunk {
                let position = event.envelope.position;
                place.move_to(&event);
                let beyond = if backwards {
                    after.is_some_and(|after| position <= after)
                        || self.wanted.since.is_some_and(|since| event.envelope.recorded_at < since)
                } else {
                    before.is_some_and(|before| position >= before)
                        || self.wanted.until.is_some_and(|until| event.envelope.recorded_at >= until)
                };
                if beyond {
                    return Ok((kept, None, true));
                }
                let skipped = if backwards {
                    before.is_some_and(|before| position >= before)
                } else {
                    after.is_some_and(|after| position <= after)
                };
                if !skipped && event.envelope.stream.tenant == self.tenant && self.wanted.matches(&event) {
                    if kept.len() == size {
                        return Ok((kept, None, false));
                    }
                    kept.push(event);
                }
                stopped = Some(position);
            }
            if ended {
                return Ok((kept, None, true));
            }
            if read >= MOST_READ {
                return Ok((kept, stopped, false));
            }
        }
    }

    async fn begin(&self) -> Result<Place, LogError> {
        let Range { backwards, after, before, .. } = self.range;
        if !self.wanted.streams.is_empty() {
            let mut streams = Vec::new();
            for &(category, key) in &self.wanted.streams {
                let stream = StreamId::new(self.tenant, category, key);
                let bound = if backwards { before } else { after };
                let version = match (bound, backwards) {
                    (None, false) => Version::After(0),
                    (None, true) => Version::Before(None),
                    (Some(after), false) => Version::After(version_at(self.log, stream, after).await?),
                    (Some(before), true) => {
                        Version::Before(Some(version_at(self.log, stream, just_before(before)).await? + 1))
                    }
                };
                streams.push((stream, version));
            }
            return Ok(Place::Streams(streams));
        }
        Ok(if backwards {
            let until = match self.wanted.until {
                // The first position recorded at or after `until` bounds the search.
                Some(until) => Some(self.log.position_at(until).await?),
                None => None,
            };
            let until = until.map(just_after);
            Place::BeforePosition(match (before, until) {
                (Some(before), Some(until)) => Some(before.min(until)),
                (before, until) => before.or(until),
            })
        } else {
            let since = match self.wanted.since {
                Some(since) => self.log.position_at(since - chrono::TimeDelta::microseconds(1)).await?,
                None => Position::START,
            };
            Place::Position(after.unwrap_or(Position::START).max(since))
        })
    }

    async fn read(&self, place: &Place) -> Result<Vec<SealedEvent>, LogError> {
        // A page without filters needs no more than its own size and one.
        let limit = ReadLimit::events(if self.is_plain() { self.range.size + 1 } else { CHUNK });
        match place {
            Place::Streams(streams) => self.read_streams(streams, limit).await,
            Place::Position(after) => self.log.read_all(*after, limit).await,
            Place::BeforePosition(before) => self.log.read_all_backwards(*before, limit).await,
        }
    }

    /// What comes next in several streams, in the order of the log. What lies beyond the end of a part that was read of
    /// one of them is left for the next time: that stream may have more before it.
    async fn read_streams(
        &self,
        streams: &[(StreamId, Version)],
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError> {
        let backwards = self.range.backwards;
        let mut all: Vec<SealedEvent> = Vec::new();
        let mut known: Option<Position> = None;
        for (stream, version) in streams {
            let part = match version {
                Version::After(after) => self.log.read_stream(*stream, *after, limit).await?,
                Version::Before(before) => self.log.read_stream_backwards(*stream, *before, limit).await?,
            };
            // A part may be cut short by its bytes, so only an empty one is surely the end.
            if let Some(last) = part.last().map(|event| event.envelope.position) {
                known = Some(known.map_or(last, |known| if backwards { known.max(last) } else { known.min(last) }));
            }
            all.extend(part);
        }
        if streams.len() > 1 {
            all.sort_by_key(|event| event.envelope.position);
            if backwards {
                all.reverse();
            }
            let beyond = |event: &SealedEvent| {
                let position = event.envelope.position;
                known.is_some_and(|known| if backwards { position < known } else { position > known })
            };
            all.retain(|event| !beyond(event));
        }
        Ok(all)
    }

    fn is_plain(&self) -> bool {
        let wanted = self.wanted;
        wanted.types.is_empty() && wanted.actor.is_none() && wanted.correlation.is_none() && wanted.message.is_none()
    }
}

/// How many of a stream's events lie at or before a position: a binary search over its versions.
pub async fn version_at(log: &dyn EventLog, stream: StreamId, position: Position) -> Result<u64, LogError> {
    let head = log.stream_heads(&[stream]).await?.into_iter().next().flatten();
    let (mut low, mut high) = (0, head.map_or(0, |head| head.version));
    while low < high {
        let middle = low + (high - low) / 2;
        let found = log.read_stream(stream, middle, ReadLimit::events(1)).await?;
        match found.first() {
            Some(event) if event.envelope.position <= position => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Where reading goes on.
enum Place {
    Streams(Vec<(StreamId, Version)>),
    Position(Position),
    BeforePosition(Option<Position>),
}

/// Where reading a stream goes on.
enum Version {
    After(u64),
    Before(Option<u64>),
}

impl Place {
    fn move_to(&mut self, event: &SealedEvent) {
        let envelope = &event.envelope;
        match self {
            Self::Streams(streams) => match streams.iter_mut().find(|(stream, _)| *stream == envelope.stream) {
                Some((_, Version::After(after))) => *after = envelope.version,
                Some((_, Version::Before(before))) => *before = Some(envelope.version),
                None => {}
            },
            Self::Position(after) => *after = envelope.position,
            Self::BeforePosition(before) => *before = Some(envelope.position),
        }
    }
}

fn just_after(position: Position) -> Position {
    let number = u128::from_be_bytes(position.bytes()).saturating_add(1);
    Position::try_from_bytes(&number.to_be_bytes()).unwrap_or(position)
}

/// Records that a key read personal data in bulk, of which customers, and where in the log.
pub async fn record_read(ctx: &Context<'_>, what: &str, events: &[RecordedEvent]) -> Result<()> {
    let shown = || events.iter().filter(|event| matches!(event.personal, crate::log::Personal::Clear(_)));
    let people: HashSet<_> = shown().filter_map(|event| event.envelope.subject).collect();
    if people.is_empty() {
        return Ok(());
    }
    let of_customers =
        shown().map(|event| event.envelope.stream).filter(|stream| stream.category == Category::Customer);
    let customers: BTreeSet<_> = of_customers.map(|stream| CustomerId(stream.key)).collect();
    let positions = shown().map(|event| event.envelope.position);
    let filter = match (positions.clone().min(), positions.max()) {
        (Some(first), Some(last)) if first != last => Some(format!("positions {first} to {last}")),
        (first, _) => first.map(|position| format!("position {position}")),
    };
    let reading = Reading::of(ctx)?;
    let command = RecordPersonalRead {
        what: what.to_owned(),
        count: people.len() as u64,
        customer_ids: customers.into_iter().collect(),
        filter,
    };
    let outcome = reading.api.app.record_personal_read(&caller(ctx, None)?, command).await;
    match outcome {
        Ok(crate::app::Outcome::Done(_)) => Ok(()),
        Ok(crate::app::Outcome::Refused(refusal)) => Err(bad_argument("personal", refusal)),
        Err(error) => Err(opaque(reading.api.ambient(), &error)),
    }
}
