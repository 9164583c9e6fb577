//! Where streams stand, remembered by the one writer of a process for as long as nobody else appends.

use std::collections::HashMap;

use crate::log::StreamId;
use crate::log::plan::Stand;

/// Streams per generation; about 150 bytes each.
const GENERATION: usize = 25_000;

/// A bounded memory of stream heads: two generations, the older of which is dropped when the younger is full.
#[derive(Debug, Default)]
pub(super) struct Heads {
    young: HashMap<StreamId, Stand>,
    old: HashMap<StreamId, Stand>,
}

impl Heads {
    pub(super) fn get(&mut self, stream: &StreamId) -> Option<Stand> {
        if let Some(stand) = self.young.get(stream) {
            return Some(*stand);
        }
        let stand = self.old.remove(stream)?;
        self.set(*stream, stand);
        Some(stand)
    }

    pub(super) fn set(&mut self, stream: StreamId, stand: Stand) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&stream);
        self.young.insert(stream, stand);
    }

    /// Somebody else appended: nothing is known any more.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
