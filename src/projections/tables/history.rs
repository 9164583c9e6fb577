//! Where parked events are read again from.

use crate::ids::EventId;
use crate::log::{Journal, ReadLimit, RecordedEvent, StreamId};
use crate::projections::error::ProjectionError;

/// The log, or events that a caller holds.
#[derive(Clone, Copy)]
pub enum History<'a> {
    Journal(&'a Journal),
    Events(&'a [RecordedEvent]),
}

impl History<'_> {
    /// The events of a stream that have these ids, in order. `first` is the version of the first of them.
    pub async fn events(
        self,
        stream: StreamId,
        first: u64,
        ids: &[EventId],
    ) -> Result<Vec<RecordedEvent>, ProjectionError> {
        let mut found: Vec<RecordedEvent> = Vec::with_capacity(ids.len());
        let wanted = |event: &RecordedEvent| event.envelope.stream == stream && ids.contains(&event.envelope.id);
        match self {
            Self::Events(events) => found.extend(events.iter().filter(|event| wanted(event)).cloned()),
            Self::Journal(journal) => {
                let mut after = first.saturating_sub(1);
                while found.len() < ids.len() {
                    let page = journal.read_stream(stream, after, ReadLimit::events(1000)).await?;
                    let Some(last) = page.last() else { break };
                    after = last.envelope.version;
                    found.extend(page.into_iter().filter(|event| wanted(event)));
                }
            }
        }
        Ok(found)
    }
}
