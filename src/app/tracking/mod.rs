//! Our own tracking: what links become as a message leaves, and what is recorded when they are followed.
//!
//! A message is rewritten on its way to the provider and never in the log. What a link or picture needs to be recorded is the
//! position of the `DispatchStarted` that the message left by: that event names message, campaign and route, so neither a
//! read table that lags nor a rebuild matters. What comes in is a report like a provider's one ([`App::record_provider_fact`]),
//! classed by the same rule and told from its repetitions by the same signs.

mod visits;
mod writing;

pub use visits::{ShortLink, TrackedPlace, Visit};

use crate::app::engine::states::decode;
use crate::app::{App, AppError};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::ids::Position;
use crate::log::{ReadLimit, StreamId};

/// How many events are read at once on the way back to one.
const PAGE: usize = 64;

impl App {
    /// The last event of a type in a stream, before a version, in which something is found. Only such events are opened.
    pub(super) async fn last_of<T>(
        &self,
        stream: StreamId,
        mut before: Option<u64>,
        event_type: &str,
        found: impl Fn(&CustomerEvent) -> Option<T>,
    ) -> Result<Option<(Position, T)>, AppError> {
        let journal = &self.shared.journal;
        loop {
            let mut page = journal.backend().read_stream_backwards(stream, before, ReadLimit::events(PAGE)).await?;
            let Some(last) = page.last().map(|event| event.envelope.version) else { return Ok(None) };
            page.retain(|event| event.envelope.event_type == event_type);
            for recorded in &journal.open_events(page).await? {
                if let Some(found) = found(&decode::<Customer>(recorded)?.event) {
                    return Ok(Some((recorded.envelope.position, found)));
                }
            }
            before = Some(last);
        }
    }
}
