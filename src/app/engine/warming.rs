//! Loading states before they are needed.

use crate::app::engine::deciding::Cached;
use crate::app::engine::states;
use crate::app::{App, AppError};
use crate::log::StreamId;

impl App {
    /// Loads the states of many streams that are looked at next: together, where one by one would be a read for each. Those
    /// in memory, and long ones, are left alone.
    pub(crate) async fn warm<A: Cached>(&self, streams: Vec<StreamId>) -> Result<(), AppError> {
        let states = A::states(self);
        let is_cold = |stream: &StreamId| {
            let cell = states.existing(*stream);
            // One in use is being loaded, or was.
            cell.is_none_or(|cell| cell.try_lock().is_some_and(|slot| slot.is_none()))
        };
        let cold: Vec<StreamId> = streams.into_iter().filter(is_cold).collect();
        for (stream, loaded) in states::load_short::<A>(&self.shared.journal, &cold).await?.found {
            let cell = states.cell(stream);
            if let Some(mut slot) = cell.try_lock().filter(|slot| slot.is_none() && loaded.version > 0) {
                states.weigh(stream, &cell, &loaded);
                *slot = Some(loaded);
            }
        }
        Ok(())
    }
}
