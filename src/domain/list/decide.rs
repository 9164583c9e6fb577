//! Commands on lists.

use serde::Serialize;

use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::list::criteria::Criterion;
use crate::domain::list::event::{
    ListCreated, ListCriteriaChanged, ListDeleted, ListEvaluated, ListEvent, ListKind, ListRenamed, MemberCause,
    MembersEntered, MembersEvent, MembersLeft,
};
use crate::domain::list::state::{Described, List};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::ids::{CustomerId, ListId};

/// How many members one event names at most.
pub const CHUNK: usize = 5_000;
/// How many members a command of a colleague adds or removes at most.
pub const MOST_AT_ONCE: usize = 1_000;

/// Makes a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateList {
    /// The list's id; not part of what a repetition must repeat.
    #[serde(skip)]
    pub list_id: ListId,
    /// For people.
    pub name: String,
    /// Of a smart list; absent: the list is static.
    pub criteria: Option<Criterion>,
}

/// Changes a list; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpdateList {
    /// Another name.
    pub name: Option<String>,
    /// Other criteria.
    pub criteria: Option<Criterion>,
}

/// Deletes a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeleteList {
    /// Names of what asks for its members, which then could not be answered.
    #[serde(skip)]
    pub used_by: Vec<String>,
}

/// Adds members to a static list, or removes some.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeMembers {
    /// Whether they enter, or else leave.
    pub enter: bool,
    /// Who.
    pub members: Vec<CustomerId>,
}

/// What a list's evaluation found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluated {
    /// Who entered.
    pub entered: Vec<CustomerId>,
    /// Who left.
    pub left: Vec<CustomerId>,
}

/// The answer to a command on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedList {
    /// The list's id.
    pub list_id: ListId,
}

/// Makes a list. `uses` are the lists whose members its criteria ask for, all of which exist.
pub fn create(state: &List, command: CreateList, context: &Context<'_>) -> Decision<ListEvent> {
    if state.current.is_some() || state.deleted {
        return Err(Refusal::new("LIST_EXISTS", "a list with this id already exists"));
    }
    let CreateList { list_id, name, criteria } = command;
    let name = text::required("name", name, text::SHORT)?;
    let kind = if criteria.is_some() { ListKind::Smart } else { ListKind::Static };
    let uses = criteria.as_ref().map(Criterion::lists).unwrap_or_default();
    Ok(vec![context.now(ListCreated { list_id, kind, name, criteria, uses })])
}

/// Changes a list.
pub fn update(state: &List, command: UpdateList, context: &Context<'_>) -> Decision<ListEvent> {
    let list = existing(state)?;
    let mut events = vec![];
    if let Some(name) = command.name {
        let name = text::required("name", name, text::SHORT)?;
        if name != list.name {
            events.push(context.now(ListRenamed { list_id: list.list_id, name }));
        }
    }
    if let Some(criteria) = command.criteria {
        if list.kind == ListKind::Static {
            return Err(Refusal::invalid("criteria", "a static list has none"));
        }
        if list.criteria.as_ref() != Some(&criteria) {
            let uses = criteria.lists();
            let rule_version = list.rule_version + 1;
            events.push(context.now(ListCriteriaChanged { list_id: list.list_id, criteria, uses, rule_version }));
        }
    }
    Ok(events)
}

/// Deletes a list that nothing asks for.
pub fn delete(state: &List, command: &DeleteList, context: &Context<'_>) -> Decision<ListEvent> {
    let list = existing(state)?;
    if !command.used_by.is_empty() {
        let names = command.used_by.join(", ");
        return Err(Refusal::new("LIST_IN_USE", format!("its members are asked for by {names}")));
    }
    Ok(vec![context.now(ListDeleted { list_id: list.list_id })])
}

/// Adds members to a static list, or removes some.
pub fn change_members(state: &List, command: ChangeMembers, context: &Context<'_>) -> Decision<MembersEvent> {
    let list = existing(state)?;
    if list.kind == ListKind::Smart {
        let message = "a smart list's members are those who meet its criteria: change the criteria";
        return Err(Refusal::new("LIST_IS_SMART", message));
    }
    let ChangeMembers { enter, mut members } = command;
    if members.len() > MOST_AT_ONCE {
        let message = format!("has {} customers; at most {MOST_AT_ONCE} are allowed", members.len());
        return Err(Refusal::invalid("customer_ids", message));
    }
    members.sort_unstable();
    members.dedup();
    let moved = Moved { enter, cause: MemberCause::Manual };
    Ok(chunks(list, moved, &members, context).collect())
}

/// Records what an evaluation of the criteria of a version found; nothing if the list has other criteria by now, or is gone.
pub fn evaluated(
    state: &List,
    rule_version: u32,
    found: &Evaluated,
    cause: MemberCause,
    context: &Context<'_>,
) -> Vec<Decided<MembersEvent>> {
    let Some(list) = state.current.as_ref().filter(|list| list.rule_version == rule_version) else { return vec![] };
    let left = chunks(list, Moved { enter: false, cause }, &found.left, context);
    let entered = chunks(list, Moved { enter: true, cause }, &found.entered, context);
    left.chain(entered).collect()
}

/// Records that all customers were looked at; nothing if the list has other criteria by now, or is gone.
pub fn completed(state: &List, evaluated: &ListEvaluated, context: &Context<'_>) -> Vec<Decided<MembersEvent>> {
    let list = state.current.as_ref().filter(|list| list.rule_version == evaluated.rule_version);
    list.map(|_| context.now(evaluated.clone())).into_iter().collect()
}

#[derive(Clone, Copy)]
struct Moved {
    enter: bool,
    cause: MemberCause,
}

fn chunks<'a>(
    list: &'a Described,
    moved: Moved,
    members: &'a [CustomerId],
    context: &'a Context<'_>,
) -> impl Iterator<Item = Decided<MembersEvent>> + 'a {
    let (list_id, rule_version) = (list.list_id, list.rule_version);
    members.chunks(CHUNK).map(move |members| {
        let (members, cause) = (members.to_vec(), moved.cause);
        if moved.enter {
            context.now(MembersEntered { list_id, members, cause, rule_version })
        } else {
            context.now(MembersLeft { list_id, members, cause, rule_version })
        }
    })
}

/// The list as it stands.
pub fn existing(state: &List) -> Result<&Described, Refusal> {
    state.current.as_ref().ok_or_else(unknown)
}

/// There is no such list.
#[must_use]
pub fn unknown() -> Refusal {
    Refusal::new("LIST_UNKNOWN", "this list does not exist")
}
