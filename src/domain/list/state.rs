//! The fold of a list. Its members are not part of it: they are as many as there are customers.

use serde::{Deserialize, Serialize};

use crate::domain::decision::Meta;
use crate::domain::list::criteria::Criterion;
use crate::domain::list::event::{ListEvent, ListKind};
use crate::ids::ListId;

/// A list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// What it is; absent before it was made, and once it was deleted.
    pub current: Option<Described>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// What a list is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The list's id.
    pub list_id: ListId,
    /// How it gets its members.
    pub kind: ListKind,
    /// For people.
    pub name: String,
    /// Of a smart list.
    pub criteria: Option<Criterion>,
    /// The lists whose members the criteria ask for.
    pub uses: Vec<ListId>,
    /// Of the criteria, from 1; 0 of a static list.
    pub rule_version: u32,
}

impl List {
    /// Folds an event in.
    pub fn apply(&mut self, event: &ListEvent, _meta: Meta) {
        match event {
            ListEvent::ListCreated(e) => {
                self.current = Some(Described {
                    list_id: e.list_id,
                    kind: e.kind,
                    name: e.name.clone(),
                    criteria: e.criteria.clone(),
                    uses: e.uses.clone(),
                    rule_version: u32::from(e.criteria.is_some()),
                });
            }
            ListEvent::ListRenamed(e) => {
                if let Some(current) = &mut self.current {
                    current.name.clone_from(&e.name);
                }
            }
            ListEvent::ListCriteriaChanged(e) => {
                if let Some(current) = &mut self.current {
                    current.criteria = Some(e.criteria.clone());
                    current.uses.clone_from(&e.uses);
                    current.rule_version = e.rule_version;
                }
            }
            ListEvent::ListDeleted(_) => {
                self.current = None;
                self.deleted = true;
            }
        }
    }
}
