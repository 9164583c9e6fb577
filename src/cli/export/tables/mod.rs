//! `commlog export tables`: every view for analysts as a file, all of one moment.

mod columns;
mod parquet;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use futures::TryStreamExt;

use super::{ExportArgs, Format};
use crate::app::Caller;
use crate::boot::ReadStore;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{print, progress};
use crate::projections::views::View;
use crate::sql::{self, Session, Value};
use columns::Select;

/// How many rows a file's writer holds, and how many bytes of their texts.
const GROUP: (usize, usize) = (50_000, 16 * 1024 * 1024);

/// Where the files go.
pub(super) struct Target {
    folder: PathBuf,
    format: Format,
    with_personal: bool,
}

impl Target {
    /// Checks the arguments, before anything is read.
    pub(super) fn new(args: &ExportArgs) -> Outcome<Self> {
        let Some(folder) = args.into.clone() else {
            return Err(Failure::usage("`export tables` needs --into FOLDER: it writes a file for each view"));
        };
        let for_rows = args.customer.is_some()
            || args.since.is_some()
            || args.until.is_some()
            || !args.types.is_empty()
            || args.personal;
        if for_rows || args.output.is_some() || args.spreadsheet {
            return Err(Failure::usage(
                "--customer, --since, --until, --type, --personal, --spreadsheet and --output are not for `export tables`",
            ));
        }
        let format = args.format.unwrap_or(Format::Parquet);
        if format == Format::Jsonl {
            return Err(Failure::usage("`export tables` writes --format parquet or csv"));
        }
        Ok(Self { folder, format, with_personal: !args.without_personal_data })
    }

    /// Whether any of it is personal data.
    pub(super) const fn is_personal(&self) -> bool {
        self.with_personal
    }

    /// Writes a tenant's rows of all views. What was written is removed if a view cannot be.
    pub(super) async fn write(&self, reads: &ReadStore, caller: &Caller) -> Outcome {
        let views = reads.views();
        let views: Vec<&View> = views.iter().filter(|view| self.with_personal || !view.is_personal).collect();
        // The process makes nothing that others may read.
        fs::create_dir_all(&self.folder).map_err(|error| unwritable(&self.folder, error))?;
        let files: Vec<PathBuf> = views.iter().map(|view| self.file(view)).collect();
        if let Some(existing) = files.iter().find(|file| file.exists()) {
            let text = format!("{} already exists; name another folder", existing.display());
            return Err(Failure::new(Exit::Refused, text));
        }
        let failed = |error| Failure::doing(Exit::Unavailable, "cannot read the tables", error);
        let mut session = reads.db().session().await.map_err(failed)?;
        session.begin_snapshot().await.map_err(failed)?;
        let bar = progress::counter("rows");
        let mut rows = 0;
        for (number, view) in views.iter().enumerate() {
            match self.write_view(&mut session, view, caller, |more| bar.inc(more)).await {
                Ok(written) => rows += written,
                Err(failure) => {
                    // The first error is the one to report.
                    files[..=number].iter().for_each(|file| drop(std::fs::remove_file(file)));
                    return Err(failure);
                }
            }
        }
        session.rollback().await.map_err(failed)?;
        bar.finish_and_clear();
        print::note(format!("{rows} rows of {} views are in {}", views.len(), self.folder.display()));
        Ok(())
    }

    fn file(&self, view: &View) -> PathBuf {
        let extension = if self.format == Format::Csv { "csv" } else { "parquet" };
        self.folder.join(format!("{}.{extension}", view.name))
    }

    async fn write_view(
        &self,
        session: &mut Session,
        view: &View,
        caller: &Caller,
        counted: impl Fn(u64),
    ) -> Outcome<u64> {
        let path = self.file(view);
        let file = File::create_new(&path).map_err(|error| unwritable(&path, error))?;
        let select = Select::new(view, session.engine());
        let tenant = match session.engine() {
            sql::Engine::Sqlite => Value::from(caller.tenant.0.to_string()),
            sql::Engine::Postgres => Value::from(caller.tenant.0),
        };
        let failed = |error| Failure::doing(Exit::Unavailable, format!("cannot read {}", view.name), error);
        let mut writer: Box<dyn Rows> = match self.format {
            Format::Csv => Box::new(Csv::new(file, &path, view)?),
            Format::Parquet | Format::Jsonl => Box::new(parquet::Writer::new(file, &path, view)?),
        };
        let (mut group, mut bytes, mut all) = (Vec::new(), 0, 0);
        let mut rows = session.texts(&select.sql, &[tenant], select.width);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let cells = select.cells(&row).map_err(|column| {
                Failure::new(Exit::Internal, format!("{}.{column} does not hold what it should", view.name))
            })?;
            bytes += cells.iter().map(columns::Cell::size).sum::<usize>();
            group.push(cells);
            if group.len() >= GROUP.0 || bytes >= GROUP.1 {
                all += group.len() as u64;
                counted(group.len() as u64);
                writer.write(std::mem::take(&mut group))?;
                bytes = 0;
            }
        }
        drop(rows);
        all += group.len() as u64;
        counted(group.len() as u64);
        writer.write(group)?;
        writer.end()?;
        Ok(all)
    }
}

/// A file of rows.
trait Rows: Send {
    /// Writes some rows.
    fn write(&mut self, rows: Vec<Vec<columns::Cell>>) -> Outcome;

    /// Completes the file.
    fn end(self: Box<Self>) -> Outcome;
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::doing(Exit::Unavailable, format!("cannot write {}", path.display()), error)
}

struct Csv {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Csv {
    fn new(file: File, path: &Path, view: &View) -> Outcome<Self> {
        let mut csv = Self { path: path.to_owned(), writer: csv::Writer::from_writer(file) };
        csv.record(view.columns.iter().map(|column| column.name.clone()))?;
        Ok(csv)
    }

    fn record(&mut self, cells: impl Iterator<Item = String>) -> Outcome {
        self.writer.write_record(cells).map_err(|error| unwritable(&self.path, error.into()))
    }
}

impl Rows for Csv {
    fn write(&mut self, rows: Vec<Vec<columns::Cell>>) -> Outcome {
        rows.iter().try_for_each(|row| self.record(row.iter().map(ToString::to_string)))
    }

    fn end(mut self: Box<Self>) -> Outcome {
        self.writer.flush().map_err(|error| unwritable(&self.path, error))
    }
}
