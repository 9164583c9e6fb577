//! Exports that a node carries out: one after the other, each with figures that can be watched, and a file to
//! download. A file holds personal data in clear: it is removed after a week, and as soon as somebody of its tenant
//! is forgotten.

mod export;
mod writing;

use std::collections::HashMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use tokio::fs;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::writing::{Source, over};
use super::{ExportError, Exportable, ReadModel};
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::refusal::Refusal;
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::ids::TenantId;
use crate::ledger::{Asked, Begun, Ledger, Run};
use crate::projections::Registry;
use crate::queries::customers::{self, CustomerFilter};
use crate::queries::{QueryError, Reads};
pub use export::{Export, ExportProblem, ExportState, KEPT, Wanted};

/// How many exports that have ended are known.
const KNOWN: usize = 100;
/// How many may wait, or be on their way.
const WAITING: usize = 20;

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

    /// What can be exported: events, and read models by name.
    #[must_use]
    pub fn exportables(&self) -> Vec<Exportable> {
        let views = self.0.reads.views();
        let models = self.0.models.iter().map(|model| Exportable::model(model, over(&views, model.name(), true)));
        std::iter::once(Exportable::events()).chain(models).collect()
    }

    /// Begins an export. It goes on by itself. [`Begun::Full`] if too many wait.
    pub async fn begin(&self, caller: &Caller, wanted: Wanted) -> Result<Begun<Export>, Refusal> {
        wanted.check()?;
        let Some(source) = self.0.source_of(&wanted) else {
            return Err(Refusal::invalid("what", "is not one of those that `exportables` lists"));
        };
        let input = format!("{wanted:?}");
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
            percent: None,
            bytes: None,
            problem: None,
        };
        let begun = self.0.ledger.begin(asked, WAITING, export).await;
        if let Begun::New(export) = &begun {
            let (shared, export, stop) = (Arc::clone(&self.0), export.clone(), self.0.shutdown.child_token());
            self.stops().insert(export.id, stop.clone());
            tokio::spawn(async move {
                shared.carry_out(&export, &source, &stop).await;
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

    /// The file of an export, opened; the log has then that its personal data was read, if it holds any. Nothing if there
    /// is no file, or none any more.
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
        if !export.wanted.without_personal {
            self.0.record_read(caller, &export).await?;
        }
        Ok(Some(Ready { export, file }))
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
    async fn record_read(&self, caller: &Caller, export: &Export) -> Result<(), RunError> {
        let filter = Some(export.wanted.what.clone());
        let read = match export.wanted.events.customer {
            Some(id) => RecordPersonalRead { what: "export".to_owned(), count: 1, customer_ids: vec![id], filter },
            None => {
                let everybody = CustomerFilter::default();
                let count = customers::count(&self.reads.db(), caller.tenant, &everybody).await?;
                RecordPersonalRead { what: "export".to_owned(), count, customer_ids: vec![], filter }
            }
        };
        match self.app.record_personal_read(caller, read).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Refused(refusal) => Err(RunError::Unrecorded(refusal)),
        }
    }

    async fn carry_out(&self, export: &Export, source: &Source, stop: &CancellationToken) {
        let written = async {
            let Ok(_turn) = self.turn.acquire().await else { return Err(RunError::Panicked) };
            self.ledger.progress(export.id, |run| run.state = ExportState::Running);
            // A panic ends the export, and nothing else.
            let written = AssertUnwindSafe(self.write(export, source)).catch_unwind().await;
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
                run.percent = Some(100);
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

    /// Whether a file may not be kept any longer.
    async fn is_out_of_date(&self, export: &Export) -> Result<bool, QueryError> {
        let Some(expires_at) = export.expires_at() else { return Ok(false) };
        if expires_at <= self.app.ambient().now() {
            return Ok(true);
        }
        if export.wanted.without_personal {
            return Ok(false);
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
