//! Loading states before they are needed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::engine::deciding::Cached;
use crate::app::engine::states::{self, Cell};
use crate::app::{App, AppError};
use crate::log::StreamId;

/// How many streams are loaded at once: who wants one of them waits for all of these.
const AT_ONCE: usize = 512;

impl App {
    /// Loads the states of many streams that are looked at next: together, where one by one would be a read for each. Those
    /// in memory, in use, and long ones, are left alone.
    ///
    /// The places are held while the log is read, as for a single one: what is appended meanwhile would otherwise be missing in
    /// states that are put there afterwards, and a dispatcher would believe that a message is still in a provider's call.
    pub(crate) async fn warm<A: Cached>(&self, streams: Vec<StreamId>) -> Result<(), AppError> {
        let states = A::states(self);
        for streams in streams.chunks(AT_ONCE) {
            let cells: Vec<(StreamId, Arc<Cell<A>>)> =
                streams.iter().map(|stream| (*stream, states.cell(*stream))).collect();
            let free = cells.iter().filter_map(|(stream, cell)| {
                let slot = cell.try_lock().filter(|slot| slot.is_none())?;
                Some((*stream, (cell, slot)))
            });
            let mut held: HashMap<StreamId, _> = free.collect();
            let cold: Vec<StreamId> = held.keys().copied().collect();
            for (stream, loaded) in states::load_short::<A>(&self.shared.journal, &cold).await?.found {
                if let Some((cell, slot)) = held.get_mut(&stream).filter(|_| loaded.version > 0) {
                    states.weigh(stream, cell, &loaded);
                    **slot = Some(loaded);
                }
            }
        }
        Ok(())
    }
}
