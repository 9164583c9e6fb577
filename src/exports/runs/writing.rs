//! The rows of an export, from where they are into its file.

use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use tokio::fs;

use super::{Export, RunError, Shared, Wanted};
use crate::app::Caller;
use crate::exports::cells::{self, CellFile};
use crate::exports::events::{EVENTS, EventFile, Reached, Reader};
use crate::exports::{ExportError, LineFormat, Output, ReadModel, RowFormat};
use crate::projections::views::View;

/// How long an export waits for the read tables to show what was recorded before it was asked for.
const BEHIND: Duration = Duration::from_secs(10);

/// Where rows come from.
pub(super) enum Source {
    /// The log.
    Events,
    /// A table, with all that `commlog import` makes the same of.
    Rows(ReadModel, LineFormat),
    /// The view for analysts over a table: typed columns, and, if so wanted, none of them personal.
    View(View),
}

impl Shared {
    /// Where the rows come from that are wanted; nothing if there are none of this name.
    pub(super) fn source_of(&self, wanted: &Wanted) -> Option<Source> {
        if wanted.what == EVENTS {
            return Some(Source::Events);
        }
        let model = self.models.iter().find(|model| model.name() == wanted.what)?;
        let lines = match wanted.format {
            RowFormat::Jsonl => Some(LineFormat::Jsonl),
            RowFormat::Csv => Some(LineFormat::Csv),
            RowFormat::Parquet => None,
        };
        if let Some(lines) = lines.filter(|_| !wanted.without_personal) {
            return Some(Source::Rows(model.clone(), lines));
        }
        over(&self.reads.views(), &wanted.what, !wanted.without_personal).cloned().map(Source::View)
    }

    /// Writes the file; its size.
    pub(super) async fn write(&self, export: &Export, source: &Source) -> Result<u64, RunError> {
        let path = self.file_of(export.tenant, export.id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await.map_err(|source| self.failed(source))?;
        }
        let file = File::create(&path).map_err(|source| self.failed(source))?;
        match source {
            Source::Events => self.write_events(export, file).await?,
            Source::Rows(model, lines) => self.write_rows(export, model, *lines, file).await?,
            Source::View(view) => self.write_view(export, view, file).await?,
        }
        Ok(fs::metadata(&path).await.map_err(|source| self.failed(source))?.len())
    }

    async fn write_events(&self, export: &Export, file: File) -> Result<(), ExportError> {
        let wanted = &export.wanted;
        let caller = Caller::new(export.tenant, export.actor.clone());
        let reader = Reader {
            journal: self.reads.journal(),
            app: &self.app,
            caller: &caller,
            selection: &wanted.events,
            with_personal: !wanted.without_personal,
        };
        let lines = |file| Output::new(Box::new(BufWriter::new(file)), wanted.spreadsheet);
        let file = match wanted.format {
            RowFormat::Jsonl => EventFile::Jsonl(lines(file)),
            RowFormat::Csv => EventFile::Csv(lines(file)),
            RowFormat::Parquet => EventFile::parquet(file, !wanted.without_personal)?,
        };
        let reached = |Reached { written, position, end }| {
            self.ledger.progress(export.id, |run| {
                run.rows = written;
                run.percent = percent(position.counter(), end.counter());
            });
        };
        let written = reader.write(file, reached).await?;
        self.ledger.progress(export.id, |run| run.rows = written);
        Ok(())
    }

    async fn write_rows(
        &self,
        export: &Export,
        model: &ReadModel,
        lines: LineFormat,
        file: File,
    ) -> Result<(), ExportError> {
        self.await_tables().await;
        let db = self.reads.db();
        let total = model.count(&db, export.tenant).await?;
        self.begin_rows(export, total);
        let mut out = Output::new(Box::new(BufWriter::new(file)), export.wanted.spreadsheet);
        let progress = |rows| self.count_rows(export, rows, total);
        model.write(&db, export.tenant, lines, &mut out, progress).await?;
        Ok(out.finish()?)
    }

    async fn write_view(&self, export: &Export, view: &View, file: File) -> Result<(), ExportError> {
        self.await_tables().await;
        let unreadable = |source| ExportError::Table { table: view.name.clone(), source };
        let mut session = self.reads.db().session().await.map_err(unreadable)?;
        let total = cells::count(&mut session, view, export.tenant).await?;
        self.begin_rows(export, total);
        let headings = cells::headings(view);
        let file = match export.wanted.format {
            RowFormat::Parquet => CellFile::parquet(file, &view.name, &headings)?,
            RowFormat::Csv | RowFormat::Jsonl => CellFile::csv(file, &headings, export.wanted.spreadsheet)?,
        };
        let progress = |rows| self.count_rows(export, rows, total);
        cells::write(&mut session, view, export.tenant, file, progress).await.map(drop)
    }

    /// If the tables stay behind, they are exported as they stand.
    async fn await_tables(&self) {
        let _ = self.reads.wait_for(self.app.end_of_log(), BEHIND).await;
    }

    fn begin_rows(&self, export: &Export, total: u64) {
        self.ledger.progress(export.id, |run| run.total = Some(total));
    }

    fn count_rows(&self, export: &Export, rows: u64, total: u64) {
        self.ledger.progress(export.id, |run| {
            run.rows = rows;
            run.percent = percent(rows, total);
        });
    }
}

/// The view for analysts over a table, with the columns that are personal data or without.
pub(super) fn over<'v>(views: &'v [View], table: &str, with_personal: bool) -> Option<&'v View> {
    // The one with personal data, if there is one, comes last.
    views.iter().rfind(|view| view.table == table && (with_personal || !view.is_personal))
}

/// How much of a whole a part is, in hundredths.
fn percent(part: u64, whole: u64) -> Option<u8> {
    u8::try_from(u128::from(part.min(whole)) * 100 / u128::from(whole.max(1))).ok()
}
