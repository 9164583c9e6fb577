//! Imports of files: how a file is read ([`Plan`]), its rows on their way into the log ([`Carrier`]), files that were uploaded
//! ([`Uploads`]) and the runs that a server carries out ([`Runs`]). The command line and the API do the same by it.

mod carrying;
mod plan;
mod preview;
mod runs;
mod totals;
mod uploads;

pub use crate::files::columns::Mapping;
pub use crate::files::numbers::DecimalMark;
pub use crate::files::records::Encoding;
pub use carrying::{Carrier, CarryError, Ended, Watch};
pub use plan::{Plan, PlanError, Rows, TakenIn};
pub use preview::{Column, Preview, PreviewRow, Problem};
pub use runs::{Figures, Reason, Run, RunId, RunState, Runs, RunsError};
pub use totals::{LeftOutCount, Totals};
pub use uploads::{LARGEST, Upload, UploadError, Uploaded, Uploads};

use crate::domain::import::event::ImportKind;
use crate::files::{consent, fields};

/// The fields that columns of a kind of file can be read as, with what they hold.
#[must_use]
pub fn fields_of(kind: ImportKind) -> Vec<(&'static str, &'static str)> {
    let own = fields::fields(kind).iter().map(|field| (field.name, field.meaning));
    let consents = consent::FIELDS.iter().filter(|_| kind != ImportKind::Messages);
    own.chain(consents.map(|field| (field.name, field.meaning))).collect()
}
