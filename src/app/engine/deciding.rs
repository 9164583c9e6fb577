//! Load, decide, append: the way of every command.

use std::sync::Arc;

use tracing::Instrument;

use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::engine::states::{self, Cell, SNAPSHOT_EVERY, StateAt, States};
use crate::app::engine::traced;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::account::state::ProviderAccounts;
use crate::domain::address::event::AddressEvent;
use crate::domain::address::state::Address;
use crate::domain::callback::state::KeptCallbacks;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::state::Campaign;
use crate::domain::canned::state::CannedReply;
use crate::domain::check::state::DayOfChecks;
use crate::domain::command::Command;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::import::state::Import;
use crate::domain::list::state::List;
use crate::domain::refusal::Refusal;
use crate::domain::template::state::Template;
use crate::domain::tenant::state::Tenant;
use crate::ids::{AddressId, CommandId, EventId, Label, Position, TenantSecret};
use crate::log::journal::JournalError;
use crate::log::{
    Append, AppendError, Appended, Category, Cause, CommandKey, Expected, Precondition, ReadLimit, StreamId,
};

/// How often a command is decided again when others change the same stream.
pub(crate) const MAX_ATTEMPTS: u32 = 20;

/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// Which states are kept where.
pub(crate) trait Cached: Aggregate {
    /// The states of this kind.
    fn states(app: &App) -> &States<Self>;

    /// What the streams of addresses record because of events.
    fn at_addresses(
        &self,
        run: &CommandRun<'_>,
        events: &[Decided<Self::Event>],
        context: &Context<'_>,
    ) -> Vec<AtAddress> {
        let _ = (run, events, context);
        vec![]
    }
}

/// An event of an address's stream.
pub(crate) type AtAddress = (AddressId, Decided<AddressEvent>);

/// At which addresses a command's words about messages are recorded, together with the customer's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordsAt {
    /// At all that the customer has of the channel's kind.
    All,
    /// At the one that they were said from.
    From(AddressId),
}

macro_rules! kept {
    ($($state:ident $field:ident $(addresses $at_addresses:path)?,)*) => {$(
        impl Cached for $state {
            fn states(app: &App) -> &States<Self> {
                &app.shared.$field
            }
            $(
                fn at_addresses(
                    &self,
                    run: &CommandRun<'_>,
                    events: &[Decided<Self::Event>],
                    context: &Context<'_>,
                ) -> Vec<AtAddress> {
                    $at_addresses(self, run, events, context)
                }
            )?
        }
    )*

        impl App {
            /// Forgets a stream's state in memory: it is known to be out of date.
            pub(crate) fn forget_state(&self, stream: StreamId) {
                match stream.category {
                    $($state::CATEGORY => self.shared.$field.forget(stream),)*
                    // Nothing has such streams yet.
                    Category::ListMembers | Category::Journey => {}
                }
            }
        }
    };
}

kept!(Customer customers addresses crate::app::addresses::because_of_customer, Address addresses, Tenant tenants, Import imports,
    ProviderAccounts accounts, CannedReply canned, List lists, Template templates, Campaign campaigns, CampaignRun campaign_runs, KeptCallbacks callbacks,
    DayOfChecks checks,);

/// Where a command decides, and on whose behalf.
#[derive(Clone)]
pub(crate) struct CommandRun<'a> {
    /// Who gave the command.
    pub caller: &'a Caller,
    /// The stream that is decided on.
    pub stream: StreamId,
    /// Makes the command repeatable.
    pub command: Option<CommandKey>,
    /// Other streams that must not move before the append.
    pub preconditions: Vec<Precondition>,
    /// The stream most likely does not exist: it is not looked up first.
    pub is_new: bool,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// Where words about messages are recorded in the same transaction; absent: the caller sees to it.
    pub words: Option<WordsAt>,
}

impl<'a> CommandRun<'a> {
    /// A command on an existing stream.
    pub fn new(caller: &'a Caller, stream: StreamId, command: Option<CommandKey>) -> Self {
        Self { caller, stream, command, preconditions: vec![], is_new: false, causation: None, words: None }
    }

    /// The cause that its events carry.
    pub fn cause(&self) -> Cause {
        Cause {
            actor: self.caller.actor.clone(),
            command: self.command,
            correlation: self.caller.correlation,
            causation: self.causation,
        }
    }
}

/// What came of deciding once.
pub(crate) enum Attempted<E> {
    /// The command's events stand in the log.
    Done(Committed<E>),
    /// The domain said no.
    Refused(Refusal),
    /// A stream moved: decide again.
    Moved,
}

/// The events of a command.
pub(crate) struct Committed<E> {
    /// The stream that they are in.
    pub stream: StreamId,
    /// The events, in order; none if all was as asked.
    pub events: Vec<Decided<E>>,
    /// The position of the last of them; [`None`] if there are none.
    pub position: Option<Position>,
    /// True if an earlier call made them.
    pub repeated: bool,
}

impl App {
    /// Identifies a command by the caller's idempotency key, if there is one. Each caller has its own keys: nobody uses up
    /// another's.
    pub(crate) fn command_key<C: Command>(
        caller: &Caller,
        secret: &TenantSecret,
        command: &C,
    ) -> Result<Option<CommandKey>, Refusal> {
        // The request that it came with says what it asked for.
        tracing::Span::current().record("command", C::NAME);
        let Some(key) = &caller.idempotency_key else { return Ok(None) };
        if key.is_empty() || key.len() > MAX_KEY_BYTES || key.contains('\0') {
            let message = format!("must have 1 to {MAX_KEY_BYTES} bytes and no NUL character");
            return Err(Refusal::invalid("idempotency_key", message));
        }
        let input = serde_json::to_vec(command)
            .map_err(|_| Refusal::invalid("idempotency_key", "the command's input has no canonical form"))?;
        Ok(Some(CommandKey {
            id: CommandId(secret.derive(Label::CommandId, &[caller.actor.as_bytes(), key.as_bytes()])),
            fingerprint: secret.fingerprint(Label::CommandInput, &[C::NAME.as_bytes(), &input]),
        }))
    }

    /// Runs a decision with what it may depend on.
    pub(crate) fn deciding<T>(&self, basis: &Basis, decide: impl FnOnce(&Context<'_>) -> T) -> T {
        let new_id = || self.shared.ambient.uuid();
        let now = self.shared.ambient.now();
        decide(&Context { now, new_id: &new_id, secret: &basis.secret, policy: &basis.policy })
    }

    /// Looks at a stream's state, loading it if it is not in memory.
    pub(crate) async fn read_state<A: Cached, T>(
        &self,
        stream: StreamId,
        look: impl FnOnce(&StateAt<A>) -> T,
    ) -> Result<T, AppError> {
        let cell = A::states(self).cell(stream);
        let mut slot = cell.lock().await;
        let loaded = match slot.take() {
            Some(loaded) => loaded,
            None => self.load(stream, &cell).await?,
        };
        let seen = look(&loaded);
        *slot = Some(loaded);
        Ok(seen)
    }

    /// As [`Self::read_state`], at a state that other processes' appends are folded into as well.
    pub(crate) async fn read_fresh_state<A: Cached, T>(
        &self,
        stream: StreamId,
        look: impl Fn(&StateAt<A>) -> T,
    ) -> Result<T, AppError> {
        let heads = self.shared.journal.backend().stream_heads(&[stream]).await?;
        let head = heads.first().copied().flatten().map_or(0, |head| head.version);
        let (version, seen) = self.read_state(stream, |loaded: &StateAt<A>| (loaded.version, look(loaded))).await?;
        if version >= head {
            return Ok(seen);
        }
        A::states(self).forget(stream);
        self.read_state(stream, look).await
    }

    async fn load<A: Cached>(&self, stream: StreamId, cell: &Arc<Cell<A>>) -> Result<StateAt<A>, AppError> {
        let mut loaded = states::load::<A>(&self.shared.journal, stream).instrument(traced::load(stream)).await?;
        A::states(self).weigh(stream, cell, &loaded);
        self.keep_snapshot(stream, &mut loaded);
        Ok(loaded)
    }

    /// Stores the state of a stream that has grown, beside the command that made it grow.
    fn keep_snapshot<A: Cached>(&self, stream: StreamId, loaded: &mut StateAt<A>) {
        if loaded.version < loaded.snapshot + SNAPSHOT_EVERY {
            return;
        }
        // One at a time: with many streams growing at once, the next command on a stream stores its state.
        let Ok(permit) = Arc::clone(&self.shared.snapshots).try_acquire_owned() else { return };
        loaded.snapshot = loaded.version;
        let (journal, kept) = (self.shared.journal.clone(), loaded.clone());
        tokio::spawn(async move {
            if let Err(error) = states::save(&journal, stream, &kept).await {
                tracing::debug!(%stream, %error, "a snapshot was not stored");
            }
            drop(permit);
        });
    }

    /// Decides once on a stream's state and appends what was decided.
    pub(crate) async fn attempt<A: Cached>(
        &self,
        run: &CommandRun<'_>,
        basis: &Basis,
        decide: impl FnOnce(&A, &Context<'_>) -> Decision<A::Event> + Send,
    ) -> Result<Attempted<A::Event>, AppError> {
        let span = traced::command(run);
        let tried = self.try_once::<A>(run, basis, decide).instrument(span.clone()).await;
        traced::note(&span, &tried);
        tried
    }

    async fn try_once<A: Cached>(
        &self,
        run: &CommandRun<'_>,
        basis: &Basis,
        decide: impl FnOnce(&A, &Context<'_>) -> Decision<A::Event> + Send,
    ) -> Result<Attempted<A::Event>, AppError> {
        let states = A::states(self);
        let cell = states.cell(run.stream);
        let mut slot = cell.lock().await;
        // The state leaves its place while it is used: if this future is dropped, it is loaded again.
        let (mut loaded, fresh) = match slot.take() {
            Some(loaded) => (loaded, false),
            None if run.is_new => (StateAt::default(), false),
            None => (self.load(run.stream, &cell).await?, true),
        };
        let decided = traced::decide().in_scope(|| self.deciding(basis, |context| decide(&loaded.state, context)));
        let events = match decided {
            Ok(events) => events,
            Err(refusal) => {
                if !fresh && self.has_moved(run.stream, loaded.version).await? {
                    return Ok(Attempted::Moved);
                }
                // The state is kept, except that of a stream that was only assumed to be new.
                if loaded.version > 0 {
                    *slot = Some(loaded);
                }
                return self.repeated_or::<A>(run, Attempted::Refused(refusal)).await;
            }
        };
        if events.is_empty() {
            if !fresh && self.has_moved(run.stream, loaded.version).await? {
                return Ok(Attempted::Moved);
            }
            *slot = Some(loaded);
            return self
                .repeated_or::<A>(
                    run,
                    Attempted::Done(Committed { stream: run.stream, events: vec![], position: None, repeated: false }),
                )
                .await;
        }
        let append = Append {
            stream: run.stream,
            expected: Expected::Exact(loaded.version),
            preconditions: run.preconditions.clone(),
            cause: run.cause(),
            events: events.iter().map(|event| A::seal_ready(&run.stream, event)).collect(),
        };
        let at_addresses = self.deciding(basis, |context| loaded.state.at_addresses(run, &events, context));
        match self.append_with_addresses(run, append, at_addresses).await {
            Ok(appended) if appended.already => {
                drop(slot);
                Ok(Attempted::Done(self.original::<A>(&appended).await?))
            }
            Ok(appended) => {
                for event in &events {
                    loaded.apply(event);
                }
                states.weigh(run.stream, &cell, &loaded);
                self.keep_snapshot(run.stream, &mut loaded);
                *slot = Some(loaded);
                let position = Some(appended.position);
                Ok(Attempted::Done(Committed { stream: run.stream, events, position, repeated: false }))
            }
            Err(JournalError::Append(AppendError::Conflict { stream, .. })) => {
                if stream != run.stream {
                    *slot = Some(loaded);
                    self.forget_state(stream);
                }
                Ok(Attempted::Moved)
            }
            Err(JournalError::Append(error)) => refused(error).map(Attempted::Refused),
            Err(JournalError::Log(error)) => Err(error.into()),
        }
    }

    /// Whether another node appended since a state was folded. An append finds that out by itself; an answer that
    /// appends nothing has to ask.
    pub(crate) async fn has_moved(&self, stream: StreamId, version: u64) -> Result<bool, AppError> {
        let heads = self.shared.journal.backend().stream_heads(&[stream]).await?;
        Ok(heads.first().copied().flatten().map_or(0, |head| head.version) != version)
    }

    /// A refusal, or that there is nothing to do, may only mean that the command was carried out before.
    async fn repeated_or<A: Cached>(
        &self,
        run: &CommandRun<'_>,
        otherwise: Attempted<A::Event>,
    ) -> Result<Attempted<A::Event>, AppError>
    where
        Attempted<A::Event>: Send,
    {
        match self.repeated(run.caller, run.command).await? {
            None => Ok(otherwise),
            Some(appended) => Ok(Attempted::Done(self.original::<A>(&appended).await?)),
        }
    }

    /// What a command appended when it was given before.
    pub(crate) async fn repeated(
        &self,
        caller: &Caller,
        command: Option<CommandKey>,
    ) -> Result<Option<Appended>, AppError> {
        let Some(key) = command else { return Ok(None) };
        match self.shared.journal.backend().find_command(caller.tenant, key.id).await? {
            Some((known, _)) if known.fingerprint != key.fingerprint => Err(AppError::KeyReused),
            found => Ok(found.map(|(_, appended)| appended)),
        }
    }

    /// The events of an earlier append.
    pub(crate) async fn original<A: Cached>(&self, appended: &Appended) -> Result<Committed<A::Event>, AppError> {
        let count = usize::try_from(appended.last_version + 1 - appended.first_version).unwrap_or(usize::MAX);
        let limit = ReadLimit::events(count);
        let recorded = self.shared.journal.read_stream(appended.stream, appended.first_version - 1, limit).await?;
        let events = recorded.iter().map(states::decode::<A>).collect::<Result<_, _>>()?;
        Ok(Committed { stream: appended.stream, events, position: Some(appended.position), repeated: true })
    }

    /// Decides until it is done or refused.
    pub(crate) async fn decide<A: Cached>(
        &self,
        run: &CommandRun<'_>,
        basis: &Basis,
        mut decide: impl FnMut(&A, &Context<'_>) -> Decision<A::Event> + Send,
    ) -> Result<Committed<A::Event>, Stop> {
        for attempt in 0..MAX_ATTEMPTS {
            // What was assumed to be new, and is not, is looked up from the second time on.
            let run = CommandRun { is_new: run.is_new && attempt == 0, ..run.clone() };
            match self.attempt::<A>(&run, basis, &mut decide).await? {
                Attempted::Done(made) => return Ok(made),
                Attempted::Refused(refusal) => return Err(refusal.into()),
                Attempted::Moved => {}
            }
        }
        Err(AppError::Contended { stream: run.stream, attempts: MAX_ATTEMPTS }.into())
    }

    /// The whole way of a command on one stream, with the answer read from its events.
    pub(crate) async fn run<A: Cached, C: Command<State = A>, T>(
        &self,
        caller: &Caller,
        stream: StreamId,
        command: C,
        decide: impl Fn(&A, C, &Context<'_>) -> Decision<A::Event> + Send + Sync,
        answer: impl FnOnce(&Committed<A::Event>) -> Option<T>,
    ) -> Result<Outcome<T>, AppError> {
        Stop::outcome(self.try_run(caller, stream, command, decide, answer).await)
    }

    /// As [`Self::run`], for a use case that goes on afterwards.
    pub(crate) async fn try_run<A: Cached, C: Command<State = A>, T>(
        &self,
        caller: &Caller,
        stream: StreamId,
        command: C,
        decide: impl Fn(&A, C, &Context<'_>) -> Decision<A::Event> + Send + Sync,
        answer: impl FnOnce(&Committed<A::Event>) -> Option<T>,
    ) -> Result<Done<T>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let run = CommandRun::new(caller, stream, key);
        let decide = |state: &A, context: &Context<'_>| decide(state, command.clone(), context);
        let made = self.decide(&run, &basis, decide).await?;
        Ok(self.done(&made, answer).await?)
    }

    /// The answer of a command that was carried out.
    pub(crate) async fn done<E, T>(
        &self,
        made: &Committed<E>,
        answer: impl FnOnce(&Committed<E>) -> Option<T>,
    ) -> Result<Done<T>, AppError> {
        let value = answer(made).ok_or(AppError::Unanswerable { stream: made.stream })?;
        let position = match made.position {
            Some(position) => position,
            None => self.shared.journal.backend().head().await?.position,
        };
        Ok(Done { value, position, repeated: made.repeated })
    }
}

/// What the log refuses for a reason that the caller can act on.
pub(crate) fn refused(error: AppendError) -> Result<Refusal, AppError> {
    match error {
        AppendError::CommandReused => Err(AppError::KeyReused),
        AppendError::SubjectErased { .. } => Ok(Refusal::customer_forgotten()),
        AppendError::TooLarge { .. } => Ok(Refusal::too_large(error.to_string())),
        AppendError::EventIdTaken { .. } | AppendError::PartlyAppended { .. } => {
            let message = "this is already recorded, with different content";
            Ok(Refusal::new("RECORDED_DIFFERENTLY", message))
        }
        AppendError::Conflict { .. } | AppendError::Empty | AppendError::NoSubject { .. } => {
            Err(AppError::Append(error))
        }
    }
}
