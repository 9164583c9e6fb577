//! Verifications of the log.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};

use crate::domain::refusal::Refusal;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::guard::{May, principal, require};
use crate::graphql::engine::id::{Of, VerificationId, global};
use crate::graphql::engine::live::until_ended;
use crate::graphql::engine::payload::{Answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::{EventId, TenantId};
use crate::ledger::{Asked, Begun};
use crate::log::checkpoint::Checkpoint;
use crate::verification;

/// Where a verification is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "verification::VerificationState")]
pub enum VerificationState {
    /// On its way.
    Running,
    /// Every event is what was appended, and nothing is missing.
    Whole,
    /// The log was changed, or something of it is missing; `problem` says what.
    Broken,
    /// It did not come to an end; `problem` says why.
    Failed,
}

/// What a verification found, or why it did not come to an end.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "verification::ProblemCode")]
pub enum VerificationProblemCode {
    /// An event is not what was appended, or not where it was.
    Broken,
    /// Events at the end are missing, or what refuses changes and repetitions is.
    Incomplete,
    /// The log is not the one that the checkpoint in the key store was made of.
    OtherThanCheckpoint,
    /// The log did not respond.
    Unavailable,
    /// The server was stopped.
    Interrupted,
}

/// What is wrong with the log, or why it was not verified.
#[derive(SimpleObject, Debug, Clone)]
pub struct VerificationProblem {
    /// The kind.
    code: VerificationProblemCode,
    /// In words.
    message: String,
    /// The position of the first event that is broken or missing.
    position: Option<Cursor>,
    /// That event, if it can be read and is the tenant's.
    event_id: Option<Of<EventId>>,
    /// That event's type.
    event_type: Option<String>,
}

/// What the log was at some time, signed. Kept elsewhere, it catches a log that was cut short or rewritten as a whole.
#[derive(SimpleObject, Debug, Clone)]
pub struct LogCheckpoint {
    /// The position of the last event that it covers.
    position: Cursor,
    /// How many events it covers.
    events: i64,
    /// When the last of them was recorded.
    recorded_at: DateTime<Utc>,
    /// The Merkle root (RFC 6962) of the hashes of all of them, in hex.
    root: String,
    /// The whole checkpoint in one line, for a file that `commlog verify --against` takes.
    text: String,
}

/// A verification of the whole log, of all tenants.
#[derive(SimpleObject, Debug, Clone)]
pub struct Verification {
    /// The global id.
    pub id: ID,
    /// Where it is.
    state: VerificationState,
    /// Who asked for it.
    author: Author,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Events that were verified so far.
    events: i64,
    /// Events of the log when it began; null if the log does not count them.
    total: Option<i64>,
    /// Streams that the events are in, once it has ended.
    streams: Option<i64>,
    /// How many of the events are those of the checkpoint in the key store; null if there was none, or the log does
    /// not contain it.
    matches_kept: Option<i64>,
    /// The checkpoint that was signed of a whole log.
    checkpoint: Option<LogCheckpoint>,
    /// What is wrong.
    problem: Option<VerificationProblem>,
}

impl Verification {
    fn new(run: verification::Verification) -> Self {
        let tenant = run.tenant;
        Self {
            id: global(VerificationId(run.id)),
            state: run.state.into(),
            author: Author::new(run.actor),
            started_at: run.started_at,
            ended_at: run.ended_at,
            events: count(run.events),
            total: run.total.map(count),
            streams: run.streams.map(count),
            matches_kept: run.matches.map(count),
            checkpoint: run.checkpoint.as_ref().map(Into::into),
            problem: run.problem.map(|problem| VerificationProblem::new(problem, tenant)),
        }
    }

    /// A verification that this server knows.
    pub fn load(ctx: &Context<'_>, id: VerificationId) -> Result<Option<Self>> {
        require(ctx, Permission::ReadEvents)?;
        let run = Api::of(ctx)?.verifications.watch(principal(ctx)?.tenant, id.0);
        Ok(run.map(|run| Self::new(run.borrow().clone())))
    }
}

impl VerificationProblem {
    /// The event of another tenant is not named.
    fn new(problem: verification::VerificationProblem, tenant: TenantId) -> Self {
        let event = problem.event.filter(|event| event.tenant == tenant);
        Self {
            code: problem.code.into(),
            message: problem.message,
            position: problem.position.map(Into::into),
            event_id: event.as_ref().map(|event| Of(event.id)),
            event_type: event.map(|event| event.event_type),
        }
    }
}

impl From<&Checkpoint> for LogCheckpoint {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            position: checkpoint.position.into(),
            events: count(checkpoint.events),
            recorded_at: checkpoint.recorded_at,
            root: hex::encode(checkpoint.root),
            text: checkpoint.to_string(),
        }
    }
}

/// No log has more events than this can say.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Queries of verifications.
#[derive(Default)]
pub struct VerificationQueries;

#[Object]
impl VerificationQueries {
    /// A verification of the log that this server knows; null if it knows none. Requires a role that may read events.
    #[graphql(guard = "May(Permission::ReadEvents)")]
    async fn verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification's global id.")] id: Of<VerificationId>,
    ) -> Result<Option<Verification>> {
        Verification::load(ctx, id.0)
    }

    /// The verifications that users of the tenant asked this server for, newest first, at most 50. Requires a role
    /// that may read events.
    #[graphql(guard = "May(Permission::ReadEvents)", complexity = "20 * child_complexity")]
    async fn verifications(&self, ctx: &Context<'_>) -> Result<Vec<Verification>> {
        let runs = Api::of(ctx)?.verifications.list(principal(ctx)?.tenant);
        Ok(runs.into_iter().map(Verification::new).collect())
    }

    /// The signed checkpoints that this server has, newest first: the one that it keeps in the key store while the
    /// log grows, and those of verifications. Requires a role that may read events.
    #[graphql(guard = "May(Permission::ReadEvents)", complexity = "20 * child_complexity")]
    async fn checkpoints(&self, ctx: &Context<'_>) -> Result<Vec<LogCheckpoint>> {
        let api = Api::of(ctx)?;
        let kept = api.verifications.kept().await.map_err(|error| opaque(api.ambient(), &error))?;
        let signed = api.verifications.list(principal(ctx)?.tenant).into_iter().filter_map(|run| run.checkpoint);
        let mut all: Vec<Checkpoint> = kept.into_iter().chain(signed).collect();
        all.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.position));
        all.dedup();
        Ok(all.iter().map(Into::into).collect())
    }
}

payload! {
    /// The result of `verifyLog`.
    VerificationPayload: verification::Verification {
        /// The verification; it goes on by itself.
        verification: Verification = |run| Some(Verification::new(run.clone())),
    }
}

/// Mutations on verifications.
#[derive(Default)]
pub struct VerificationMutations;

#[Object]
impl VerificationMutations {
    /// Verifies the whole log: every hash, version and position, its end, its triggers, and the checkpoint in the key
    /// store. The verification goes on by itself; `verificationProgress` and `verification` show it. One at a time.
    /// Requires a role that may read events.
    #[graphql(guard = "May(Permission::ReadEvents)")]
    async fn verify_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Makes the mutation repeatable: the same key is the same verification, as long as the server knows it."
        )]
        idempotency_key: Option<String>,
    ) -> Result<VerificationPayload> {
        let api = Api::of(ctx)?;
        let caller = caller(ctx, idempotency_key)?;
        let asked = Asked { actor: caller.actor, key: caller.idempotency_key, input: String::new() };
        let begun = api.verifications.begin(caller.tenant, asked).await;
        let (value, repeated, refusal) = match begun.map_err(|error| opaque(api.ambient(), &error))? {
            Begun::New(run) => (Some(run), false, None),
            Begun::Repeated(run) => (Some(run), true, None),
            Begun::KeyReused => (None, false, Some(Refusal::key_reused())),
            Begun::Full => {
                let running = api.verifications.running().filter(|run| run.tenant == caller.tenant);
                let message = "the log is being verified: wait until that has ended";
                (running, false, Some(Refusal::new("VERIFICATION_RUNNING", message)))
            }
        };
        Ok(Answer { value, position: None, repeated, refusal: refusal.map(Into::into) }.into())
    }
}

/// Subscriptions to verifications.
#[derive(Default)]
pub struct VerificationSubscriptions;

#[Subscription]
impl VerificationSubscriptions {
    /// A verification: at once, and after every change of it, until it has ended.
    #[graphql(guard = "May(Permission::ReadEvents)")]
    async fn verification_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification's global id.")] id: Of<VerificationId>,
    ) -> Result<impl Stream<Item = Verification> + use<>> {
        let run = Api::of(ctx)?.verifications.watch(principal(ctx)?.tenant, id.0.0);
        let run = run.ok_or_else(|| bad_argument("id", "names no verification that this server knows"))?;
        Ok(until_ended(run, |run| run.ended_at.is_some()).map(Verification::new))
    }
}
