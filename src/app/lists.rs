//! Commands on lists, and what the evaluator records of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{Attempted, CommandRun, MAX_ATTEMPTS, refused};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::command::Command;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::list::criteria::Criterion;
use crate::domain::list::decide::{
    self, ChangeMembers, ChangedList, CreateList, DeleteList, Evaluated, MOST_AT_ONCE, UpdateList,
};
use crate::domain::list::event::{ListEvaluated, ListEvent, MemberCause, MembersEvent};
use crate::domain::list::state::List;
use crate::domain::refusal::Refusal;
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::log::journal::JournalError;
use crate::log::{
    Append, AppendError, Appended, Category, CommandKey, Expected, MAX_EVENT_BYTES, NewEvent, Precondition, StreamId,
};

/// How many lists may ask for each other's members in a row.
const LONGEST_CHAIN: usize = 10;
/// How many events one append has: the readers of a list see so many members change at once.
const EVENTS_AT_ONCE: usize = 40;

impl App {
    /// Makes a list: a smart one if there are criteria.
    pub async fn create_list(&self, caller: &Caller, command: CreateList) -> Result<Outcome<ChangedList>, AppError> {
        let uses = command.criteria.as_ref().map(Criterion::lists).unwrap_or_default();
        let list_id = command.list_id;
        Stop::outcome(self.on_list(caller, list_id, command, &uses, decide::create).await)
    }

    /// Changes a list's name or criteria.
    pub async fn update_list(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: UpdateList,
    ) -> Result<Outcome<ChangedList>, AppError> {
        let uses = command.criteria.as_ref().map(Criterion::lists).unwrap_or_default();
        Stop::outcome(self.on_list(caller, list_id, command, &uses, decide::update).await)
    }

    /// Deletes a list that no other one asks for.
    pub async fn delete_list(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: DeleteList,
    ) -> Result<Outcome<ChangedList>, AppError> {
        let delete =
            |state: &List, command: DeleteList, context: &Context<'_>| decide::delete(state, &command, context);
        Stop::outcome(self.on_list(caller, list_id, command, &[], delete).await)
    }

    /// Adds members to a static list, or removes some. Who was merged is added as the survivor; who was forgotten or does
    /// not exist refuses the whole command.
    pub async fn change_list_members(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: ChangeMembers,
    ) -> Result<Outcome<ChangedList>, AppError> {
        let change = async {
            let basis = self.basis(caller).await?;
            let key = Self::command_key(caller, &basis.secret, &command)?;
            if let Some(earlier) = self.repeated(caller, key).await? {
                let value = ChangedList { list_id: ListId(earlier.stream.key) };
                return Ok(Done { value, position: earlier.position, repeated: true });
            }
            let members = match command.enter {
                true => self.survivors(caller, &command.members).await?,
                false => command.members,
            };
            let decide = |state: &List, context: &Context<'_>| {
                decide::change_members(state, ChangeMembers { enter: command.enter, members: members.clone() }, context)
            };
            let appended = self.on_members(caller, list_id, key, &basis, decide).await?;
            let (position, repeated) = match appended {
                Some(appended) => (appended.position, appended.already),
                None => (self.end().await?, false),
            };
            Ok(Done { value: ChangedList { list_id }, position, repeated })
        };
        Stop::outcome(change.await)
    }

    /// Appends to the members of a list what is decided on the list, at the version at which it was decided.
    async fn on_members(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: Option<CommandKey>,
        basis: &Basis,
        decide: impl Fn(&List, &Context<'_>) -> Decision<MembersEvent>,
    ) -> Result<Option<Appended>, Stop> {
        let list = list_stream(caller.tenant, list_id);
        let members = StreamId::new(caller.tenant, Category::ListMembers, list_id.0);
        for _ in 0..MAX_ATTEMPTS {
            let (version, state) =
                self.read_fresh_state::<List, _>(list, |loaded| (loaded.version, loaded.state.clone())).await?;
            let events = self.deciding(basis, |context| decide(&state, context))?;
            if events.is_empty() {
                return Ok(None);
            }
            let append = Append {
                stream: members,
                expected: Expected::Any,
                preconditions: vec![Precondition { stream: list, version }],
                cause: CommandRun::new(caller, members, command).cause(),
                events: events.iter().map(new_event).collect(),
            };
            match self.shared.journal.append(append).await {
                Ok(appended) => return Ok(Some(appended)),
                Err(JournalError::Append(AppendError::Conflict { .. })) => {}
                Err(JournalError::Append(error)) => return Err(refused(error)?.into()),
                Err(JournalError::Log(error)) => return Err(error.into()),
            }
        }
        Err(AppError::Contended { stream: list, attempts: MAX_ATTEMPTS }.into())
    }

    /// Decides on a list whose criteria ask for the members of others. These may change while it is decided: then they are
    /// looked at again.
    async fn on_list<C: Command<State = List>>(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: C,
        uses: &[ListId],
        decide: impl Fn(&List, C, &Context<'_>) -> Decision<ListEvent> + Send + Sync,
    ) -> Result<Done<ChangedList>, Stop> {
        let (basis, stream) = (self.basis(caller).await?, list_stream(caller.tenant, list_id));
        let key = Self::command_key(caller, &basis.secret, &command)?;
        for _ in 0..MAX_ATTEMPTS {
            let preconditions = self.used_lists(caller.tenant, list_id, uses).await?;
            let run = CommandRun { preconditions, ..CommandRun::new(caller, stream, key) };
            let decide = |state: &List, context: &Context<'_>| decide(state, command.clone(), context);
            match self.attempt::<List>(&run, &basis, decide).await? {
                Attempted::Done(made) => {
                    let list_id = ListId(made.stream.key);
                    return Ok(self.done(&made, |_| Some(ChangedList { list_id })).await?);
                }
                Attempted::Refused(refusal) => return Err(refusal.into()),
                Attempted::Moved => {}
            }
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS }.into())
    }

    /// The lists whose members criteria ask for: all exist, and none of them asks for those of the list itself.
    async fn used_lists(&self, tenant: TenantId, own: ListId, uses: &[ListId]) -> Result<Vec<Precondition>, Stop> {
        let in_criteria = |refusal: Refusal| Refusal { field: Some("criteria".to_owned()), ..refusal };
        let mut seen: BTreeMap<ListId, u64> = BTreeMap::new();
        let mut next: BTreeSet<ListId> = uses.iter().copied().collect();
        for _ in 0..LONGEST_CHAIN {
            if next.is_empty() {
                break;
            }
            let mut further = BTreeSet::new();
            for id in std::mem::take(&mut next) {
                if id == own {
                    let message = "the list would ask for its own members, directly or by way of other lists";
                    return Err(in_criteria(Refusal::new("LIST_CYCLE", message)).into());
                }
                if seen.contains_key(&id) {
                    continue;
                }
                let (version, further_uses) = self
                    .read_fresh_state::<List, _>(list_stream(tenant, id), |loaded| {
                        (loaded.version, loaded.state.current.as_ref().map(|list| list.uses.clone()))
                    })
                    .await?;
                further.extend(further_uses.ok_or_else(|| in_criteria(decide::unknown()))?);
                seen.insert(id, version);
            }
            next = further;
        }
        if !next.is_empty() {
            let message = format!("lists may ask for each other's members {LONGEST_CHAIN} times in a row at most");
            return Err(in_criteria(Refusal::new("LIST_CYCLE", message)).into());
        }
        Ok(seen.into_iter().map(|(id, version)| Precondition { stream: list_stream(tenant, id), version }).collect())
    }

    /// Those who act for customers, all of whom exist and were not forgotten.
    async fn survivors(&self, caller: &Caller, customers: &[CustomerId]) -> Result<Vec<CustomerId>, Stop> {
        if customers.len() > MOST_AT_ONCE {
            let message = format!("has {} customers; at most {MOST_AT_ONCE} are allowed", customers.len());
            return Err(Refusal::invalid("customer_ids", message).into());
        }
        let mut survivors = Vec::with_capacity(customers.len());
        for (index, &id) in customers.iter().enumerate() {
            let survivor = self.survivor(caller, id).await?;
            let stream = customer_stream(caller.tenant, survivor);
            let exists = self.read_state::<Customer, _>(stream, |loaded| loaded.state.must_exist().map(drop)).await?;
            exists.map_err(|refusal| Refusal { field: Some(format!("customer_ids[{index}]")), ..refusal })?;
            survivors.push(survivor);
        }
        Ok(survivors)
    }

    /// Records what an evaluation found, and with `completed`, that all customers were looked at. Nothing is recorded if the
    /// list has other criteria by now, or none. Returns the position of the last event.
    pub async fn record_evaluation(
        &self,
        caller: &Caller,
        list_id: ListId,
        rule_version: u32,
        found: &Evaluated,
        cause: MemberCause,
        completed: Option<ListEvaluated>,
    ) -> Result<Option<Position>, AppError> {
        let basis = self.basis(caller).await?;
        let mut position = None;
        let events = (self.shared.journal.backend().largest_append() / MAX_EVENT_BYTES).clamp(1, EVENTS_AT_ONCE);
        for found in pieces(found, events) {
            let decide = |state: &List, context: &Context<'_>| {
                Ok(decide::evaluated(state, rule_version, &found, cause, context))
            };
            let appended = self.on_members(caller, list_id, None, &basis, decide).await;
            position = position.max(unrefused(appended)?.map(|appended| appended.position));
        }
        if let Some(completed) = completed {
            let decide = |state: &List, context: &Context<'_>| Ok(decide::completed(state, &completed, context));
            let appended = self.on_members(caller, list_id, None, &basis, decide).await;
            position = position.max(unrefused(appended)?.map(|appended| appended.position));
        }
        Ok(position)
    }

    /// The tenant's time zone.
    pub async fn zone(&self, tenant: TenantId) -> Result<chrono_tz::Tz, AppError> {
        Ok(self.policy(tenant).await?.zone_of(None))
    }

    /// The day in the tenant's time zone.
    pub async fn local_day(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<NaiveDate, AppError> {
        Ok(now.with_timezone(&self.policy(tenant).await?.zone_of(None)).date_naive())
    }
}

/// What an evaluation appended: one is never refused, only out of date.
fn unrefused(appended: Result<Option<Appended>, Stop>) -> Result<Option<Appended>, AppError> {
    match appended {
        Ok(appended) => Ok(appended),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// An event of members as the log takes it.
fn new_event(decided: &Decided<MembersEvent>) -> NewEvent {
    let payload = decided.event.encode();
    NewEvent {
        id: decided.id,
        event_type: payload.event_type,
        schema_version: payload.schema_version,
        occurred_at: decided.occurred_at,
        data: payload.data,
        subject: None,
        personal: payload.personal,
    }
}

/// What is recorded at once, in so many events.
fn pieces(found: &Evaluated, events: usize) -> Vec<Evaluated> {
    let most = decide::CHUNK * events;
    let left = found.left.chunks(most).map(|left| Evaluated { left: left.to_vec(), entered: vec![] });
    let entered = found.entered.chunks(most).map(|entered| Evaluated { left: vec![], entered: entered.to_vec() });
    if found.left.len() + found.entered.len() <= most {
        return vec![found.clone()];
    }
    left.chain(entered).collect()
}

/// The stream of a list.
pub(crate) fn list_stream(tenant: TenantId, list_id: ListId) -> StreamId {
    StreamId::new(tenant, Category::List, list_id.0)
}
