//! Imports: chunks of rows become bulk appends, which can be undone as a batch.

mod chunk;
mod results;
mod rows;
mod subject;
mod undo;
mod working;

pub use chunk::Ground;
pub use results::ImportedCampaign;
pub use working::Trial;

use crate::app::engine::deciding::CommandRun;
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::decision::Context;
use crate::domain::import::decide::{self, CompleteImport, ImportRun, StartImport};
use crate::domain::import::event::ImportKind;
use crate::domain::import::state::Import;
use crate::domain::refusal::Refusal;
use crate::ids::{ImportId, TenantId};
use crate::log::{Category, StreamId};

/// How often a file can be imported and undone.
const MAX_RUNS: u32 = 1_000;

impl App {
    /// Begins the import of a file, or goes on with it: the same file is the same import until it is undone.
    pub async fn start_import(&self, caller: &Caller, command: StartImport) -> Result<Outcome<ImportRun>, AppError> {
        Stop::outcome(self.start(caller, command).await)
    }

    async fn start(&self, caller: &Caller, command: StartImport) -> Result<Done<ImportRun>, Stop> {
        let basis = self.basis(caller).await?;
        let file_digest = decide::digest(command.file_digest.clone())?;
        for run in 0..MAX_RUNS {
            let import_id = decide::import_id(&basis.secret, command.kind, &file_digest, run);
            let stream = import_stream(caller.tenant, import_id);
            if self.read_state::<Import, _>(stream, |loaded| loaded.state.undone.is_some()).await? {
                continue;
            }
            // The stream's id says which file and run it is; an idempotency key has nothing to add.
            let caller = of_import(caller, import_id);
            let start = |state: &Import, context: &Context<'_>| decide::start(state, command.clone(), run, context);
            let made = self.decide(&CommandRun::new(&caller, stream, None), &basis, start).await?;
            let (started_at, completed_before) = self
                .read_state::<Import, _>(stream, |loaded| (loaded.state.started_at, loaded.state.completed))
                .await?;
            let answer =
                started_at.map(|started_at| ImportRun { import_id, run, started_at, completed_before, file_digest });
            return Ok(self.done(&made, |_| answer).await?);
        }
        Err(too_many_runs().into())
    }

    /// The run that the import of a file would be, for a trial of it. Nothing is recorded.
    pub async fn try_import(&self, caller: &Caller, command: StartImport) -> Result<Outcome<ImportRun>, AppError> {
        Stop::outcome(self.would_start(caller, command).await)
    }

    async fn would_start(&self, caller: &Caller, command: StartImport) -> Result<Done<ImportRun>, Stop> {
        let basis = self.basis(caller).await?;
        let file_digest = decide::digest(command.file_digest)?;
        for run in 0..MAX_RUNS {
            let import_id = decide::import_id(&basis.secret, command.kind, &file_digest, run);
            let stream = import_stream(caller.tenant, import_id);
            let import = self.read_state::<Import, _>(stream, |loaded| loaded.state.clone()).await?;
            if import.undone.is_none() {
                let started_at = import.started_at.unwrap_or_else(|| self.shared.ambient.now());
                let completed_before = import.completed;
                let value = ImportRun { import_id, run, started_at, completed_before, file_digest };
                let position = self.shared.journal.backend().head().await?.position;
                return Ok(Done { value, position, repeated: false });
            }
        }
        Err(too_many_runs().into())
    }

    /// Records that a file was read to its end. If it had been read before and brought nothing new, nothing is recorded.
    pub async fn complete_import(
        &self,
        caller: &Caller,
        command: CompleteImport,
    ) -> Result<Outcome<ImportId>, AppError> {
        let import_id = command.import_id;
        let stream = import_stream(caller.tenant, import_id);
        let decide = |state: &Import, command, context: &Context<'_>| decide::complete(state, &command, context);
        let caller = of_import(caller, import_id);
        if self.kind_of(stream).await? == Some(ImportKind::CampaignResults) {
            self.end_imported_campaign(&caller, import_id).await?;
        }
        self.run(&caller, stream, command, decide, |_| Some(import_id)).await
    }

    async fn kind_of(&self, import: StreamId) -> Result<Option<ImportKind>, AppError> {
        self.read_state::<Import, _>(import, |loaded| loaded.state.kind).await
    }
}

fn too_many_runs() -> Refusal {
    Refusal::new("TOO_MANY_RUNS", format!("this file was imported and undone {MAX_RUNS} times"))
}

/// The same caller, as part of an import.
fn of_import(caller: &Caller, import_id: ImportId) -> Caller {
    Caller { correlation: Some(import_id.into()), idempotency_key: None, ..caller.clone() }
}

/// An import's stream.
fn import_stream(tenant: TenantId, id: ImportId) -> StreamId {
    StreamId::new(tenant, Category::Import, id.0)
}
