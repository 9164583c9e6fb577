//! Exports that a node carries out: one after the other, each with figures that can be watched, and a file to
//! download. A file holds personal data in clear: it is removed after a week, and as soon as somebody of its tenant
//! is forgotten.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::fs;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{ExportError, Output, ReadModel, RowFormat};
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::refusal::Refusal;
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::ids::TenantId;
use crate::ledger::{Asked, Begun, Ledger, Run};
use crate::projections::Registry;
use crate::queries::customers::{self, CustomerFilter};
use crate::queries::{QueryError, Reads};

/// How long a file is kept.
pub const KEPT: Duration = Duration::from_hours(7 * 24);
/// How many exports that have ended are known.
const KNOWN: usize = 100;
/// How many may wait, or be on their way.
const WAITING: usize = 20;
/// How long an export waits for the read tables to show what was recorded before it was asked for.
const BEHIND: Duration = Duration::from_secs(10);

/// What is to be exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// A read model, by name.
    pub what: String,
    /// How its rows are written.
    pub format: RowFormat,
    /// Whether cells that begin as formulas are made harmless; of CSV only.
    pub spreadsheet: bool,
}

/// Where an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Behind others.
    Waiting,
    /// On its way.
    Running,
    /// The file can be downloaded.
    Done,
    /// There is no file.
    Failed,
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportProblem {
    /// The tables could not be read, or the file not be written.
    Unavailable,
    /// The node was stopped.
    Interrupted,
    /// Somebody was forgotten since, who may be in it.
    SomebodyForgotten,
}

/// An export, as it is at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// Whose data it is.
    pub tenant: TenantId,
    /// Who asked for it.
    pub actor: String,
    /// What was asked for.
    pub wanted: Wanted,
    /// Where it is.
    pub state: ExportState,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Rows that were written so far.
    pub rows: u64,
    /// Rows that there were when it began.
    pub total: Option<u64>,
    /// The size of the file, once it is complete.
    pub bytes: Option<u64>,
    /// Why there is no file.
    pub problem: Option<ExportProblem>,
}

impl Export {
    /// Until when the file is kept, if there is one.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at.filter(|_| self.state == ExportState::Done).map(|ended| ended + KEPT)
    }

    /// The name under which it is saved.
    #[must_use]
    pub fn file_name(&self) -> String {
        let ending = match self.wanted.format {
            RowFormat::Csv => "csv",
            RowFormat::Jsonl => "jsonl",
        };
        format!("{}-{}.{ending}", self.wanted.what, self.asked_at.format("%Y-%m-%d"))
    }

    fn fail(&mut self, problem: ExportProblem, now: DateTime<Utc>) {
        (self.state, self.problem) = (ExportState::Failed, Some(problem));
        self.ended_at = Some(self.ended_at.unwrap_or(now));
    }
}

impl Run for Export {
    fn id(&self) -> Uuid {
        self.id
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    fn interrupt(&mut self, now: DateTime<Utc>) {
        self.fail(ExportProblem::Interrupted, now);
    }
}

/// A file that can be downloaded.
#[derive(Debug)]
pub struct Ready {
    /// The export.
    pub export: Export,
    /// The file.
    pub file: fs::File,
}

/// Why an export, or its file, is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The rows cannot be read or written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The log does not record that personal data is read.
    #[error(transparent)]
    App(#[from] AppError),
    /// The log refuses to record it.
    #[error("the read was not recorded: {}", .0.message)]
    Unrecorded(Refusal),
    /// The folder of exports cannot be read or written.
    #[error("cannot keep exports in {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The read tables did not respond.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The export panicked.
    #[error("the export panicked")]
    Panicked,
}

/// The exports of a node. Cheap to clone.
#[derive(Clone)]
pub struct Exports(Arc<Shared>);

struct Shared {
    ledger: Ledger<Export>,
    folder: PathBuf,
    models: Vec<ReadModel>,
    app: App,
    reads: Reads,
    shutdown: CancellationToken,
    /// What stops those that have not ended.
    stops: Mutex<HashMap<Uuid, CancellationToken>>,
    /// One at a time: two would only take the tables from each other.
    turn: Semaphore,
}

impl Exports {
    /// Exports of the read models that a registry documents, with files in `folder`. They end with `shutdown`.
    #[must_use]
    pub fn new(app: App, reads: Reads, registry: &Registry, folder: PathBuf, shutdown: CancellationToken) -> Self {
        let ledger = Ledger::open(folder.join("list.json"), KNOWN, app.ambient().now());
        let (models, stops, turn) = (ReadModel::documented(registry), Mutex::default(), Semaphore::new(1));
        Self(Arc::new(Shared { ledger, folder, models, app, reads, shutdown, stops, turn }))
    }

    /// What can be exported, by name.
    #[must_use]
    pub fn models(&self) -> &[ReadModel] {
        &self.0.models
    }

    /// Begins an export. It goes on by itself. [`Begun::Full`] if too many wait.
    pub async fn begin(&self, caller: &Caller, wanted: Wanted) -> Result<Begun<Export>, Refusal> {
        let model = self.0.models.iter().find(|model| model.name() == wanted.what);
        let Some(model) = model.cloned() else {
            return Err(Refusal::invalid("what", "is not one of the read models that `exportables` lists"));
        };
        if wanted.spreadsheet && wanted.format != RowFormat::Csv {
            return Err(Refusal::invalid("spreadsheet", "is for CSV only"));
        }
        let input = format!("{} {:?} {}", wanted.what, wanted.format, wanted.spreadsheet);
        let asked = Asked { actor: caller.actor.clone(), key: caller.idempotency_key.clone(), input };
        let ambient = self.0.app.ambient();
        let export = Export {
            id: ambient.uuid(),
            tenant: caller.tenant,
            actor: caller.actor.clone(),
            wanted,
            state: ExportState::Waiting,
            asked_at: ambient.now(),
            ended_at: None,
            rows: 0,
            total: None,
            bytes: None,
            problem: None,
        };
        let begun = self.0.ledger.begin(asked, WAITING, export).await;
        if let Begun::New(export) = &begun {
            let (shared, export, stop) = (Arc::clone(&self.0), export.clone(), self.0.shutdown.child_token());
            self.stops().insert(export.id, stop.clone());
            tokio::spawn(async move {
                shared.carry_out(&export, &model, &stop).await;
                shared.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(&export.id);
            });
        }
        Ok(begun)
    }

    fn stops(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.0.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An export, and the changes of it.
    #[must_use]
    pub fn watch(&self, tenant: TenantId, id: Uuid) -> Option<watch::Receiver<Export>> {
        self.0.ledger.watch(tenant, id)
    }

    /// The exports of a tenant, newest first.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<Export> {
        self.0.ledger.list(tenant)
    }

    /// Stops an export if it has not ended, and removes its file. What it was; nothing if there is none.
    pub async fn remove(&self, tenant: TenantId, id: Uuid) -> Result<Option<Export>, RunError> {
        let Some(mut run) = self.watch(tenant, id) else { return Ok(None) };
        let stop = self.stops().get(&id).cloned();
        if let Some(stop) = stop {
            stop.cancel();
            // The sender lives as long as the ledger knows the run.
            let _ = run.wait_for(Run::has_ended).await;
        }
        self.0.remove_file(tenant, id).await?;
        self.0.ledger.forget(|export| export.id == id).await;
        let export = run.borrow().clone();
        Ok(Some(export))
    }

    /// The file of an export, opened; the log has then that its personal data was read. Nothing if there is no file,
    /// or none any more.
    pub async fn open(&self, caller: &Caller, id: Uuid) -> Result<Option<Ready>, RunError> {
        let Some(run) = self.watch(caller.tenant, id) else { return Ok(None) };
        let export = run.borrow().clone();
        if self.0.is_out_of_date(&export).await? {
            self.0.retire(&export).await?;
            return Ok(None);
        }
        let path = self.0.file_of(export.tenant, id);
        let file = match fs::File::open(&path).await {
            Ok(file) if export.state == ExportState::Done => file,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.0.failed(source)),
        };
        let everybody = CustomerFilter::default();
        let count = customers::count(&self.0.reads.db(), caller.tenant, &everybody).await?;
        let filter = Some(export.wanted.what.clone());
        let read = RecordPersonalRead { what: "export".to_owned(), count, customer_ids: vec![], filter };
        match self.0.app.record_personal_read(caller, read).await? {
            Outcome::Done(_) => Ok(Some(Ready { export, file })),
            Outcome::Refused(refusal) => Err(RunError::Unrecorded(refusal)),
        }
    }

    /// Removes files that are older than a week, of whose tenant somebody was forgotten since, or that no list names.
    /// Returns how many those were.
    pub async fn sweep(&self) -> Result<usize, RunError> {
        let mut removed = 0;
        for export in self.0.ledger.all() {
            if self.0.is_out_of_date(&export).await? {
                self.0.retire(&export).await?;
                removed += 1;
            }
        }
        Ok(removed + self.0.remove_unlisted().await?)
    }
}

impl Shared {
    async fn carry_out(&self, export: &Export, model: &ReadModel, stop: &CancellationToken) {
        let written = async {
            let Ok(_turn) = self.turn.acquire().await else { return Err(RunError::Panicked) };
            self.ledger.progress(export.id, |run| run.state = ExportState::Running);
            // A panic ends the export, and nothing else.
            let written = AssertUnwindSafe(self.write(export, model)).catch_unwind().await;
            written.unwrap_or(Err(RunError::Panicked))
        };
        let outcome = tokio::select! {
            written = written => Some(written),
            () = stop.cancelled() => None,
        };
        let now = self.app.ambient().now();
        let change = |run: &mut Export| match &outcome {
            Some(Ok(bytes)) => {
                (run.state, run.ended_at, run.bytes) = (ExportState::Done, Some(now), Some(*bytes));
            }
            Some(Err(_)) => run.fail(ExportProblem::Unavailable, now),
            None => run.interrupt(now),
        };
        if let Some(Err(error)) = &outcome {
            tracing::warn!(error = error as &dyn std::error::Error, run = %export.id, "an export failed");
        }
        if !matches!(outcome, Some(Ok(_)))
            && let Err(error) = self.remove_file(export.tenant, export.id).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "half an export is left, until it is swept");
        }
        self.ledger.change(export.id, change).await;
    }

    /// Writes the file; its size.
    async fn write(&self, export: &Export, model: &ReadModel) -> Result<u64, RunError> {
        // If the tables stay behind, they are exported as they stand.
        let _ = self.reads.wait_for(self.app.end_of_log(), BEHIND).await;
        let db = self.reads.db();
        let total = model.count(&db, export.tenant).await?;
        self.ledger.progress(export.id, |run| run.total = Some(total));
        let path = self.file_of(export.tenant, export.id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await.map_err(|source| self.failed(source))?;
        }
        let file = File::create(&path).map_err(|source| self.failed(source))?;
        let mut out = Output::new(Box::new(BufWriter::new(file)), export.wanted.spreadsheet);
        let progress = |rows| self.ledger.progress(export.id, |run| run.rows = rows);
        model.write(&db, export.tenant, export.wanted.format, &mut out, progress).await?;
        out.finish().map_err(ExportError::Write)?;
        Ok(fs::metadata(&path).await.map_err(|source| self.failed(source))?.len())
    }

    /// Whether a file may not be kept any longer.
    async fn is_out_of_date(&self, export: &Export) -> Result<bool, QueryError> {
        let Some(expires_at) = export.expires_at() else { return Ok(false) };
        if expires_at <= self.app.ambient().now() {
            return Ok(true);
        }
        customers::forgotten_since(&self.reads.db(), export.tenant, export.asked_at).await
    }

    /// Removes a file that may not be kept any longer.
    async fn retire(&self, export: &Export) -> Result<(), RunError> {
        self.remove_file(export.tenant, export.id).await?;
        let now = self.app.ambient().now();
        if export.expires_at().is_some_and(|expires_at| expires_at <= now) {
            self.ledger.forget(|run| run.id == export.id).await;
        } else {
            self.ledger.change(export.id, |run| run.fail(ExportProblem::SomebodyForgotten, now)).await;
        }
        Ok(())
    }

    /// Removes the files of exports that are not known any more.
    async fn remove_unlisted(&self) -> Result<usize, RunError> {
        let (known, mut removed) = (self.ledger.all(), 0);
        for tenant in self.entries(&self.folder).await? {
            for folder in self.entries(&tenant).await? {
                let id = folder.file_name().and_then(|name| Uuid::try_parse(&name.to_string_lossy()).ok());
                if !known.iter().any(|export| Some(export.id) == id) {
                    fs::remove_dir_all(&folder).await.map_err(|source| self.failed(source))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// The folders in a folder, which need not exist.
    async fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, RunError> {
        let mut entries = match fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(source) => return Err(self.failed(source)),
        };
        let mut found = vec![];
        while let Some(entry) = entries.next_entry().await.map_err(|source| self.failed(source))? {
            if entry.file_type().await.is_ok_and(|kind| kind.is_dir()) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    async fn remove_file(&self, tenant: TenantId, id: Uuid) -> Result<(), RunError> {
        match fs::remove_dir_all(self.folder_of(tenant, id)).await {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(self.failed(source)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn folder_of(&self, tenant: TenantId, id: Uuid) -> PathBuf {
        self.folder.join(tenant.to_string()).join(id.to_string())
    }

    fn file_of(&self, tenant: TenantId, id: Uuid) -> PathBuf {
        self.folder_of(tenant, id).join("rows")
    }

    fn failed(&self, source: io::Error) -> RunError {
        RunError::Folder { folder: self.folder.clone(), source }
    }
}
