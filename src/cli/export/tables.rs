//! `commlog export tables`: every view for analysts as a file, all of one moment.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{ExportArgs, Format};
use crate::app::Caller;
use crate::boot::ReadStore;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{print, progress};
use crate::exports::{CellFile, ExportError, cells};
use crate::projections::views::View;
use crate::sql::Session;

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
        let unreadable = |error| Failure::doing(Exit::Unavailable, "cannot read the tables", error);
        let mut session = reads.db().session().await.map_err(unreadable)?;
        session.begin_snapshot().await.map_err(unreadable)?;
        let bar = progress::counter("rows");
        let mut rows = 0;
        for (number, view) in views.iter().enumerate() {
            let before = rows;
            match self.write_view(&mut session, view, caller, |written| bar.set_position(before + written)).await {
                Ok(written) => rows += written,
                Err(failure) => {
                    // The first error is the one to report.
                    files[..=number].iter().for_each(|file| drop(std::fs::remove_file(file)));
                    return Err(failure);
                }
            }
        }
        session.rollback().await.map_err(unreadable)?;
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
        progress: impl FnMut(u64) + Send,
    ) -> Outcome<u64> {
        let path = self.file(view);
        let file = File::create_new(&path).map_err(|error| unwritable(&path, error))?;
        let headings = cells::headings(view);
        let file = match self.format {
            Format::Csv => CellFile::csv(file, &headings, false),
            Format::Parquet | Format::Jsonl => CellFile::parquet(file, &view.name, &headings),
        };
        let of_file = |error| failed(&path, error);
        cells::write(session, view, caller.tenant, file.map_err(of_file)?, progress).await.map_err(of_file)
    }
}

/// What an export failed of, with the file's name where it is about that.
fn failed(path: &Path, error: ExportError) -> Failure {
    match error {
        ExportError::Write(error) => unwritable(path, error),
        ExportError::Parquet(error) => unwritable(path, error),
        other => other.into(),
    }
}

fn unwritable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::doing(Exit::Unavailable, format!("cannot write {}", path.display()), error)
}
