//! The runs of imports that a server carries out: one after the other, each with figures that can be watched.
//!
//! A run is known to its node until a hundred newer ones have ended. What it brought stands in the log, batch by batch, whatever
//! becomes of the node: the same file, uploaded again, goes on where the run was cut off.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::plan::TakenIn;
use super::preview::{self, Preview, Problem};
use super::{Carrier, CarryError, Ended, Plan, PlanError, Rows, Totals, UploadError, Uploaded, Uploads, Watch};
use crate::app::imports::{Ground, Trial};
use crate::app::{App, AppError, Caller};
use crate::domain::import::decide::{CompleteImport, ImportRun, StartImport};
use crate::domain::import::event::ImportKind;
use crate::domain::refusal::Refusal;
use crate::files::chunks;
use crate::files::refused::{RefusedLines, WriteError};
use crate::files::row::RowReader;
use crate::files::source::{FileError, Source};
use crate::files::survey::Survey;
use crate::ids::{ImportId, TenantId};

/// How many runs that have ended are known.
const KNOWN: usize = 100;
/// How many runs may wait.
const WAITING: usize = 20;
/// How many reasons are told, the commonest first.
const REASONS: usize = 100;

/// The id of a run.
pub type RunId = Uuid;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Behind others.
    Waiting,
    /// On its way.
    Running,
    /// The whole file was read.
    Done,
    /// Somebody stopped it, or the server ended. What is in the log stands.
    Stopped,
    /// It cannot go on.
    Failed,
}

/// Why lines or values were left aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// The line of the first one.
    pub first_line: u64,
}

/// What became of the file so far. A dry run says what would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Lines that were read, without the header.
    pub lines_read: u64,
    /// Customers, orders or messages that could be read.
    pub rows: u64,
    /// Those of them that are in the log now.
    pub taken: u64,
    /// Those that it knew already.
    pub already: u64,
    /// Those that it knew otherwise.
    pub corrected: u64,
    /// Events that were appended.
    pub appended: u64,
    /// New customers.
    pub registered: u64,
    /// Ids that were joined to customers who have the address already.
    pub joined: u64,
    /// Opt-outs that were recorded.
    pub opt_outs: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// Why, the commonest reasons first.
    pub refusals: Vec<Reason>,
    /// Values that were left out of rows that are imported.
    pub left_out: Vec<Reason>,
}

/// A run, as it is at a moment.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who began it.
    pub actor: String,
    /// What the file holds.
    pub kind: ImportKind,
    /// Whether nothing goes into the log.
    pub is_dry_run: bool,
    /// The file.
    pub file_id: Uuid,
    /// The file's name.
    pub file_name: String,
    /// Where it is.
    pub state: RunState,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The import, once it has begun.
    pub import_id: Option<ImportId>,
    /// Lines of the whole file, without the header, once they are counted.
    pub lines: Option<u64>,
    /// What became of it so far.
    pub figures: Figures,
    /// Why it failed.
    pub problem: Option<Problem>,
}

/// Why a run cannot be begun, or a file not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The file is not there.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The log does not answer.
    #[error(transparent)]
    App(#[from] AppError),
    /// Reading ended without an answer.
    #[error("reading the file ended without an answer")]
    Task(#[from] tokio::task::JoinError),
}

/// Why a run ends before the end of its file.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Carry(#[from] CarryError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Refused(#[from] WriteError),
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error("{}", .0.message)]
    Refusal(Refusal),
    #[error("reading the file ended without an answer")]
    Task(#[from] tokio::task::JoinError),
}

/// The runs of a node.
#[derive(Clone)]
pub struct Runs(Arc<Shared>);

struct Shared {
    app: App,
    uploads: Uploads,
    shutdown: CancellationToken,
    known: Mutex<VecDeque<Known>>,
    /// One at a time: two would only take the log from each other.
    turn: Semaphore,
}

struct Known {
    run: watch::Sender<Run>,
    stop: CancellationToken,
    /// The idempotency key that it was begun with.
    key: Option<String>,
}

impl Known {
    fn is_of(&self, tenant: TenantId) -> bool {
        self.run.borrow().tenant == tenant
    }

    fn is(&self, tenant: TenantId, id: RunId) -> bool {
        self.is_of(tenant) && self.run.borrow().id == id
    }
}

impl Runs {
    /// Runs that end with `shutdown`.
    #[must_use]
    pub fn new(app: App, uploads: Uploads, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Shared { app, uploads, shutdown, known: Mutex::default(), turn: Semaphore::new(1) }))
    }

    /// The uploaded files.
    #[must_use]
    pub fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    /// How a file would be read: its columns, and the first rows as they are understood.
    pub async fn preview(
        &self,
        caller: &Caller,
        plan: Plan,
        file_id: Uuid,
        rows: usize,
    ) -> Result<Result<Preview, Refusal>, RunsError> {
        let Some(file) = self.0.uploads.find(caller.tenant, file_id).await? else { return Ok(Err(no_file())) };
        let plan = self.0.completed(caller, plan).await?;
        Ok(Ok(tokio::task::spawn_blocking(move || preview::preview(&file, &plan, rows)).await?))
    }

    /// Begins a run. It goes on by itself.
    pub async fn begin(
        &self,
        caller: &Caller,
        plan: Plan,
        file_id: Uuid,
        is_dry_run: bool,
    ) -> Result<Result<Run, Refusal>, RunsError> {
        let Some(file) = self.0.uploads.find(caller.tenant, file_id).await? else { return Ok(Err(no_file())) };
        let plan = self.0.completed(caller, plan).await?;
        let ambient = self.0.app.ambient();
        let run = Run {
            id: ambient.uuid(),
            tenant: caller.tenant,
            actor: caller.actor.clone(),
            kind: plan.kind,
            is_dry_run,
            file_id,
            file_name: file.name.clone(),
            state: RunState::Waiting,
            asked_at: ambient.now(),
            ended_at: None,
            import_id: None,
            lines: None,
            figures: Figures::default(),
            problem: None,
        };
        let (sender, stop) = (watch::Sender::new(run.clone()), self.0.shutdown.child_token());
        {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            // The same request, repeated, is the same run.
            let key = caller.idempotency_key.as_ref();
            let is_same = |known: &&Known| key.is_some() && known.key.as_ref() == key && known.is_of(caller.tenant);
            if let Some(same) = known.iter().find(is_same) {
                return Ok(Ok(same.run.borrow().clone()));
            }
            let is_waiting = |known: &&Known| known.run.borrow().state == RunState::Waiting;
            if known.iter().filter(is_waiting).count() >= WAITING {
                return Ok(Err(Refusal::new("TOO_MANY_RUNS", format!("{WAITING} imports wait already"))));
            }
            known.push_front(Known { run: sender.clone(), stop: stop.clone(), key: key.cloned() });
            let mut ended = 0;
            known.retain(|known| {
                ended += usize::from(known.run.borrow().ended_at.is_some());
                known.run.borrow().ended_at.is_none() || ended <= KNOWN
            });
        }
        let (shared, caller) = (Arc::clone(&self.0), Caller { idempotency_key: None, ..caller.clone() });
        tokio::spawn(async move { shared.carry_out(caller, plan, file, sender, stop).await });
        Ok(Ok(run))
    }

    /// A run, and the changes of it.
    #[must_use]
    pub fn watch(&self, tenant: TenantId, id: RunId) -> Option<watch::Receiver<Run>> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.iter().find(|known| known.is(tenant, id))?;
        Some(own.run.subscribe())
    }

    /// The runs of a tenant that are known, newest first.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<Run> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|known| known.is_of(tenant)).map(|known| known.run.borrow().clone()).collect()
    }

    /// Asks a run to stop behind the rows that it is at. False: there is none.
    #[must_use]
    pub fn stop(&self, tenant: TenantId, id: RunId) -> bool {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.iter().find(|known| known.is(tenant, id));
        own.map(|own| own.stop.cancel()).is_some()
    }

    /// The file with the refused lines of a run, if it has any.
    #[must_use]
    pub fn refused_lines(&self, tenant: TenantId, id: RunId) -> Option<PathBuf> {
        let run = self.watch(tenant, id)?;
        let has_some = run.borrow().ended_at.is_some() && run.borrow().figures.refused > 0;
        has_some.then(|| self.0.uploads.refused_of(tenant, id))
    }
}

impl Shared {
    /// The plan with what the tenant's policy says.
    async fn completed(&self, caller: &Caller, plan: Plan) -> Result<Plan, AppError> {
        let region = match plan.region {
            Some(region) => Some(region),
            None => self.app.policy(caller.tenant).await?.default_region.clone(),
        };
        Ok(Plan { region, ..plan })
    }

    async fn carry_out(
        &self,
        caller: Caller,
        plan: Plan,
        file: Uploaded,
        run: watch::Sender<Run>,
        stop: CancellationToken,
    ) {
        let turn = tokio::select! {
            turn = self.turn.acquire() => turn.ok(),
            () = stop.cancelled() => None,
        };
        let outcome = match turn {
            None => Ok(Ended::Stopped),
            Some(_turn) => {
                run.send_modify(|run| run.state = RunState::Running);
                let on_its_way = OnItsWay { shared: self, plan: &plan, run: &run, stop: &stop };
                on_its_way.carry_out(caller, &file).await
            }
        };
        if let Err(error) = &outcome {
            tracing::warn!(error = error as &dyn std::error::Error, run = %run.borrow().id, "an import failed");
        }
        let is_imported = matches!(outcome, Ok(Ended::Whole)) && !run.borrow().is_dry_run;
        if is_imported && let Err(error) = self.uploads.remove(caller_tenant(&run), file.id).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an imported file is left, for a day");
        }
        let now = self.app.ambient().now();
        run.send_modify(|run| {
            run.ended_at = Some(now);
            (run.state, run.problem) = match outcome {
                Ok(Ended::Whole) => (RunState::Done, None),
                Ok(Ended::Stopped) => (RunState::Stopped, None),
                Err(error) => (RunState::Failed, Some(error.problem())),
            };
        });
    }
}

fn caller_tenant(run: &watch::Sender<Run>) -> TenantId {
    run.borrow().tenant
}

fn no_file() -> Refusal {
    Refusal::new("FILE_UNKNOWN", "there is no such file: it was imported, or is older than a day; upload it again")
}

impl Failure {
    /// As users see it: what the file or the log says of the file, and nothing of this server.
    fn problem(&self) -> Problem {
        match self {
            Self::Plan(error) => Problem::of(error),
            Self::File(error) => Problem::of_file(error),
            Self::Refusal(refusal) => Problem::new(refusal.code, refusal.message.clone()),
            Self::Carry(CarryError::File(error)) => Problem::of_chunk(error),
            Self::Carry(CarryError::App(_) | CarryError::Refused(_))
            | Self::App(_)
            | Self::Refused(_)
            | Self::Upload(_)
            | Self::Task(_) => Problem::new("UNAVAILABLE", "the server could not go on; try again, nothing is lost"),
        }
    }
}

/// A run whose turn it is.
struct OnItsWay<'a> {
    shared: &'a Shared,
    plan: &'a Plan,
    run: &'a watch::Sender<Run>,
    stop: &'a CancellationToken,
}

impl OnItsWay<'_> {
    async fn carry_out(&self, caller: Caller, file: &Uploaded) -> Result<Ended, Failure> {
        let (plan, looked_at) = (self.plan.clone(), file.source()?);
        let survey = tokio::task::spawn_blocking(move || plan.survey(&looked_at, |_| {})).await?;
        let survey = survey.map_err(PlanError::from)?;
        let (digest, lines) = (survey.digest.clone(), survey.records);
        self.run.send_modify(|run| run.lines = Some(lines));
        let start = StartImport { kind: self.plan.kind, file_digest: digest, file_name: file.name.clone() };
        let app = &self.shared.app;
        let is_dry_run = self.run.borrow().is_dry_run;
        let begun = match is_dry_run {
            true => app.try_import(&caller, start).await?,
            false => app.start_import(&caller, start).await?,
        };
        let begun = begun.into_result().map_err(Failure::Refusal)?.value;
        self.run.send_modify(|run| run.import_id = (!is_dry_run).then_some(begun.import_id));
        let caller = Caller { correlation: Some(begun.import_id.into()), ..caller };
        let mut totals = self.totals(&survey).await?;
        let settings = self.plan.settings(&survey).map_err(PlanError::from)?;
        let source = file.source()?;
        let ended = match Rows::try_new(self.plan, survey, settings)? {
            Rows::Customers(reader) => self.carry(&caller, &begun, source, reader, &mut totals).await?,
            Rows::Orders(reader) => self.carry(&caller, &begun, source, reader, &mut totals).await?,
            Rows::Messages(reader) => self.carry(&caller, &begun, source, reader, &mut totals).await?,
        };
        if ended == Ended::Whole && !is_dry_run {
            let complete = CompleteImport {
                import_id: begun.import_id,
                lines,
                appended: totals.appended,
                already: totals.already,
                refused: totals.refused.total(),
            };
            app.complete_import(&caller, complete).await?.into_result().map_err(Failure::Refusal)?;
        }
        Ok(ended)
    }

    /// Figures that begin at nothing, with a file for refused lines.
    async fn totals(&self, survey: &Survey) -> Result<Totals, Failure> {
        let path = self.shared.uploads.refused_of(caller_tenant(self.run), self.run.borrow().id);
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|source| self.shared.uploads.failed(source))?;
        }
        Ok(Totals::new(RefusedLines::try_new(Some(&path), survey.columns.header())?))
    }

    async fn carry<R>(
        &self,
        caller: &Caller,
        begun: &ImportRun,
        source: Source,
        reader: R,
        totals: &mut Totals,
    ) -> Result<Ended, Failure>
    where
        R: RowReader + 'static,
        R::Row: crate::files::preview::Preview + TakenIn,
    {
        let rows = chunks::start(source, self.plan.encoding, reader, true);
        let mut trial = self.run.borrow().is_dry_run.then(Trial::default);
        let mut carrier = Carrier::new(rows, totals, Seen { run: self.run, stop: self.stop });
        while let Some(rows) = carrier.next().await? {
            let ground = trial.as_mut().map_or(Ground::Log, Ground::Trial);
            let taken = R::Row::take_in(&self.shared.app, caller, begun, self.plan, rows, ground).await?;
            carrier.took(&taken)?;
        }
        Ok(carrier.ended())
    }
}

/// Tells those who watch.
struct Seen<'a> {
    run: &'a watch::Sender<Run>,
    stop: &'a CancellationToken,
}

impl Watch for Seen<'_> {
    fn rows(&mut self, _rows: &[impl crate::files::preview::Preview]) {}

    fn lines(&mut self, lines: u64, totals: &Totals) {
        let reasons = totals.refused.summary(REASONS).into_iter().map(|(count, first_line, reason)| Reason {
            reason: reason.to_owned(),
            count,
            first_line,
        });
        let left_out = totals.left_out().take(REASONS).map(|(reason, counted)| Reason {
            reason: reason.to_owned(),
            count: counted.values,
            first_line: counted.first_line,
        });
        let (refusals, left_out) = (reasons.collect(), left_out.collect());
        self.run.send_modify(|run| {
            run.figures = Figures {
                lines_read: run.figures.lines_read + lines,
                rows: totals.rows,
                taken: totals.taken(),
                already: totals.already,
                corrected: totals.corrected,
                appended: totals.appended,
                registered: totals.registered,
                joined: totals.joined,
                opt_outs: totals.opt_outs,
                refused: totals.refused.total(),
                refusals,
                left_out,
            };
        });
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}
