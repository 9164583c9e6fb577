//! Verifications of the whole log that a node carries out beside its requests: as `commlog verify` does it, with
//! progress that can be watched. One at a time: it reads every event.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Ambient;
use crate::ids::{EventId, Position, TenantId};
use crate::ledger::{Asked, Begun, Ledger, Run};
use crate::log::LogError;
use crate::log::chain::{Broken, VerifyError};
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::keeper::Keeper;

/// How many verifications that have ended are known.
const KNOWN: usize = 50;

/// Where a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// On its way.
    Running,
    /// Every event is what was appended.
    Whole,
    /// The log was changed, or something of it is missing.
    Broken,
    /// It did not come to an end: the log did not respond, or the node was stopped.
    Failed,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationProblem {
    /// For programs.
    pub code: ProblemCode,
    /// In words.
    pub message: String,
    /// The position of the first event that is broken or missing.
    pub position: Option<Position>,
    /// That event, if it can be read.
    pub event: Option<BrokenEvent>,
}

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// An event is not what was appended, or not where it was.
    Broken,
    /// Events at the end are missing, or what refuses changes and repetitions is.
    Incomplete,
    /// The log is not the one that the kept checkpoint was made of.
    OtherThanCheckpoint,
    /// The log did not respond.
    Unavailable,
    /// The node was stopped.
    Interrupted,
}

/// The first event that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenEvent {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its type.
    pub event_type: String,
}

/// A verification, as it is at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Its id.
    pub id: Uuid,
    /// The tenant of who asked for it; the log is that of all tenants.
    pub tenant: TenantId,
    /// Who asked for it.
    pub actor: String,
    /// Where it is.
    pub state: VerificationState,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Events that were verified so far.
    pub events: u64,
    /// Events of the log when it began; absent if its positions do not count them.
    pub total: Option<u64>,
    /// Streams that the events are in, once it has ended.
    pub streams: Option<u64>,
    /// Events of the checkpoint in the key store, which the log contains; absent: there was none.
    pub matches: Option<u64>,
    /// What it signed of a whole log.
    pub checkpoint: Option<Checkpoint>,
    /// What is wrong.
    pub problem: Option<VerificationProblem>,
}

impl Run for Verification {
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
        self.state = VerificationState::Failed;
        self.ended_at = Some(now);
        self.problem = Some(VerificationProblem::new(ProblemCode::Interrupted, "the server was stopped"));
    }
}

impl VerificationProblem {
    fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None, event: None }
    }

    /// What a verification found, as far as its reader may know it: nothing of the server.
    fn of(error: &CheckpointError) -> (VerificationState, Self) {
        let found = match error {
            CheckpointError::Verify(VerifyError::Log(_)) => {
                let problem = Self::new(ProblemCode::Unavailable, "the log did not respond; try again");
                return (VerificationState::Failed, problem);
            }
            CheckpointError::Verify(VerifyError::Broken(Broken { position, event, reason })) => Self {
                position: Some(*position),
                event: event.as_ref().map(|event| BrokenEvent {
                    id: event.id,
                    tenant: event.stream.tenant,
                    event_type: event.event_type.clone(),
                }),
                ..Self::new(ProblemCode::Broken, reason.clone())
            },
            CheckpointError::Verify(VerifyError::Incomplete(incomplete)) => {
                Self::new(ProblemCode::Incomplete, incomplete.to_string())
            }
            CheckpointError::Forged
            | CheckpointError::Shortened { .. }
            | CheckpointError::Rewritten { .. }
            | CheckpointError::Other { .. }
            | CheckpointError::Changed { .. } => Self::new(ProblemCode::OtherThanCheckpoint, error.to_string()),
        };
        (VerificationState::Broken, found)
    }
}

/// The verifications of a node. Cheap to clone.
#[derive(Clone)]
pub struct Verifications {
    ledger: Ledger<Verification>,
    keeper: Arc<Keeper>,
    ambient: Ambient,
    shutdown: CancellationToken,
}

impl Verifications {
    /// Over the log of a keeper; `file` lists them. They end with `shutdown`.
    #[must_use]
    pub fn new(keeper: Keeper, ambient: Ambient, file: PathBuf, shutdown: CancellationToken) -> Self {
        let ledger = Ledger::open(file, KNOWN, ambient.now());
        Self { ledger, keeper: Arc::new(keeper), ambient, shutdown }
    }

    /// Begins a verification. It goes on by itself. [`Begun::Full`] if one is on its way.
    pub async fn begin(&self, tenant: TenantId, asked: Asked) -> Result<Begun<Verification>, LogError> {
        let total = self.keeper.events().await?;
        let run = Verification {
            id: self.ambient.uuid(),
            tenant,
            actor: asked.actor.clone(),
            state: VerificationState::Running,
            started_at: self.ambient.now(),
            ended_at: None,
            events: 0,
            total,
            streams: None,
            matches: None,
            checkpoint: None,
            problem: None,
        };
        let begun = self.ledger.begin(asked, 1, run).await;
        if let Begun::New(run) = &begun {
            let (verifications, id) = (self.clone(), run.id);
            tokio::spawn(async move { verifications.carry_out(id).await });
        }
        Ok(begun)
    }

    async fn carry_out(&self, id: Uuid) {
        let progress = |events| self.ledger.progress(id, |run| run.events = events);
        // A panic ends the verification, and nothing else.
        let verified = AssertUnwindSafe(self.keeper.verify(progress)).catch_unwind();
        let verified = tokio::select! {
            verified = verified => verified,
            () = self.shutdown.cancelled() => {
                let now = self.ambient.now();
                return self.ledger.change(id, |run| run.interrupt(now)).await;
            }
        };
        let now = self.ambient.now();
        let outcome = verified.unwrap_or(Err(LogError::Closed.into()));
        if let Err(error) = &outcome {
            tracing::warn!(error = error as &dyn std::error::Error, run = %id, "the log was not verified as whole");
        }
        let change = |run: &mut Verification| {
            run.ended_at = Some(now);
            match outcome {
                Ok((verified, kept)) => {
                    run.state = VerificationState::Whole;
                    run.events = verified.events;
                    run.streams = Some(verified.streams);
                    run.matches = kept.map(|kept| kept.events);
                    run.checkpoint = Some(self.keeper.sign(&verified));
                }
                Err(error) => {
                    let (state, problem) = VerificationProblem::of(&error);
                    (run.state, run.problem) = (state, Some(problem));
                }
            }
        };
        self.ledger.change(id, change).await;
    }

    /// A verification, and the changes of it.
    #[must_use]
    pub fn watch(&self, tenant: TenantId, id: Uuid) -> Option<watch::Receiver<Verification>> {
        self.ledger.watch(tenant, id)
    }

    /// The verifications that users of a tenant asked for, newest first.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<Verification> {
        self.ledger.list(tenant)
    }

    /// The one that is on its way, of whichever tenant.
    #[must_use]
    pub fn running(&self) -> Option<Verification> {
        self.ledger.all().into_iter().find(|run| !run.has_ended())
    }

    /// The checkpoint in the key store; nothing if none was kept.
    ///
    /// # Errors
    /// As [`Keeper::last`].
    pub async fn kept(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        self.keeper.last().await
    }
}
