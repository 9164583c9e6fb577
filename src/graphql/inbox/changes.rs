//! Which conversations of an inbox move.

use std::time::Duration;

use async_graphql::Result;
use futures::stream;
use futures::stream::{Stream, StreamExt};

use super::object::InboxChange;
use crate::graphql::engine::live::Live;
use crate::graphql::engine::reading::Reading;
use crate::ids::Position;
use crate::queries::conversations::ConversationFilter;
use crate::queries::inbox;
use crate::queries::page::PAGE;

/// The most changed conversations per batch.
const MOVED_AT_ONCE: usize = PAGE.largest;

/// The shortest interval between two reads of an inbox: nobody reads faster, and a burst becomes one change.
const INBOX_PACE: Duration = Duration::from_millis(200);

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
                    moved.into_iter().map(|moved| Ok(InboxChange::new(moved))).collect()
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
