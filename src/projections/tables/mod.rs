//! One set of read tables and how it is advanced: in batches, each in one transaction with the checkpoint.

mod apply;
mod create;
mod forget;
mod group;
mod history;
mod indexes;
mod isolate;
mod parked;
mod writer;

pub(super) use create::{Checkpoint, checkpoint, create, definitions};
pub(super) use forget::purge;
pub(super) use group::{Grouped, Most};
pub(super) use history::History;
pub(super) use indexes::{make as make_indexes, missing as missing_indexes};
pub(super) use parked::list as parked;
pub use parked::{Parked, ParkedStream};
pub(super) use writer::Writer;
