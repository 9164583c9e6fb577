//! Commands on lists, and what the evaluator records of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::list::criteria::Criterion;
use crate::domain::list::decide::{
    self, ChangeMembers, ChangedList, CreateList, DeleteList, Evaluated, MOST_AT_ONCE, UpdateList,
};
use crate::domain::list::event::{ListEvaluated, ListEvent, MemberCause};
use crate::domain::list::state::List;
use crate::domain::refusal::Refusal;
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::log::{Category, Precondition, StreamId};

/// How many lists may ask for each other's members in a row.
const LONGEST_CHAIN: usize = 10;
/// How many events one append has: the readers of a list see so many members change at once.
const EVENTS_AT_ONCE: usize = 40;

impl App {
    /// Makes a list: a smart one if there are criteria.
    pub async fn create_list(&self, caller: &Caller, command: CreateList) -> Result<Outcome<ChangedList>, AppError> {
        Stop::outcome(self.try_create_list(caller, command).await)
    }

    async fn try_create_list(&self, caller: &Caller, command: CreateList) -> Result<Done<ChangedList>, Stop> {
        let uses = command.criteria.as_ref().map(Criterion::lists).unwrap_or_default();
        let preconditions = self.used_lists(caller.tenant, command.list_id, &uses).await?;
        let stream = list_stream(caller.tenant, command.list_id);
        self.on_list(caller, stream, command, preconditions, decide::create).await
    }

    /// Changes a list's name or criteria.
    pub async fn update_list(
        &self,
        caller: &Caller,
        list_id: ListId,
        command: UpdateList,
    ) -> Result<Outcome<ChangedList>, AppError> {
        let change = async {
            let uses = command.criteria.as_ref().map(Criterion::lists).unwrap_or_default();
            let preconditions = self.used_lists(caller.tenant, list_id, &uses).await?;
            self.on_list(caller, list_stream(caller.tenant, list_id), command, preconditions, decide::update).await
        };
        Stop::outcome(change.await)
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
        let stream = list_stream(caller.tenant, list_id);
        Stop::outcome(self.on_list(caller, stream, command, vec![], delete).await)
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
            let members = match command.enter {
                true => self.survivors(caller, &command.members).await?,
                false => command.members,
            };
            let command = ChangeMembers { members, ..command };
            self.on_list(caller, list_stream(caller.tenant, list_id), command, vec![], decide::change_members).await
        };
        Stop::outcome(change.await)
    }

    async fn on_list<C: crate::domain::command::Command<State = List>>(
        &self,
        caller: &Caller,
        stream: StreamId,
        command: C,
        preconditions: Vec<Precondition>,
        decide: impl Fn(&List, C, &Context<'_>) -> Decision<ListEvent> + Send + Sync,
    ) -> Result<Done<ChangedList>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let run = CommandRun { preconditions, ..CommandRun::new(caller, stream, key) };
        let decide = |state: &List, context: &Context<'_>| decide(state, command.clone(), context);
        let made = self.decide::<List>(&run, &basis, decide).await?;
        let list_id = ListId(made.stream.key);
        Ok(self.done(&made, |_| Some(ChangedList { list_id })).await?)
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
        let stream = list_stream(caller.tenant, list_id);
        let run = CommandRun::new(caller, stream, None);
        let mut position = None;
        for found in pieces(found) {
            let decide = |state: &List, context: &Context<'_>| {
                Ok(decide::evaluated(state, rule_version, &found, cause, context).unwrap_or_default())
            };
            position = position.max(self.settled(&run, &basis, decide).await?);
        }
        if let Some(completed) = completed {
            let decide = |state: &List, context: &Context<'_>| {
                Ok(decide::completed(state, &completed, context).into_iter().collect())
            };
            position = position.max(self.settled(&run, &basis, decide).await?);
        }
        Ok(position)
    }

    /// The day in the tenant's time zone.
    pub async fn local_day(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<NaiveDate, AppError> {
        Ok(now.with_timezone(&self.policy(tenant).await?.zone_of(None)).date_naive())
    }

    async fn settled(
        &self,
        run: &CommandRun<'_>,
        basis: &Basis,
        decide: impl FnMut(&List, &Context<'_>) -> Decision<ListEvent> + Send,
    ) -> Result<Option<Position>, AppError> {
        match self.decide::<List>(run, basis, decide).await {
            Ok(Committed { position, .. }) => Ok(position),
            Err(Stop::Refused(_)) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// What is recorded at once.
fn pieces(found: &Evaluated) -> Vec<Evaluated> {
    let most = decide::CHUNK * EVENTS_AT_ONCE;
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
