//! Whether the ids of a file are ids of people: noted while it is read for the first time.
//!
//! Two lines with one id, two names and two mailboxes are two people; the column holds something else, such as the id of
//! their company. Nothing is imported of such lines, for one of the people would be lost in the other one.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::files::columns::Columns;
use crate::files::records::Record;
use crate::files::values::Id;

/// The people behind the ids of a file. Ids, names and mailboxes are distinguished by a hash.
#[derive(Debug, Default)]
pub struct Identities {
    hasher: RandomState,
    first: HashMap<u64, Person>,
    conflicts: HashMap<u64, Conflict>,
}

#[derive(Debug, Clone, Copy)]
struct Person {
    line: u64,
    name: u64,
    mailbox: u64,
}

/// Two lines that one id would join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// The first line.
    pub first: u64,
    /// The first line that is about somebody else.
    pub second: u64,
}

impl Conflict {
    /// What is wrong, and what would be right.
    #[must_use]
    pub fn reason(&self, column: &str) -> String {
        format!(
            "{column} is the same in lines {} and {}, with different names and mailboxes: it would join two people; if it \
             is not the person's id (but a company's), leave it out with --map {column:?}=-",
            self.first, self.second
        )
    }
}

impl Identities {
    /// Notes a line.
    pub fn note(&mut self, columns: &Columns, record: &Record) {
        let Some(id) = id(columns, record) else { return };
        let text = |field| columns.value(field, &record.fields).map(|text| text.trim().to_lowercase());
        let names = [text("name"), text("first_name"), text("last_name")];
        let Some(mailbox) = text("email") else { return };
        if names.iter().all(Option::is_none) {
            return;
        }
        let person =
            Person { line: record.line, name: self.hasher.hash_one(&names), mailbox: self.hasher.hash_one(&mailbox) };
        let key = self.hasher.hash_one(id);
        let first = *self.first.entry(key).or_insert(person);
        if first.name != person.name && first.mailbox != person.mailbox {
            self.conflicts.entry(key).or_insert(Conflict { first: first.line, second: person.line });
        }
    }

    /// The conflict that a line is part of, once all lines were noted.
    #[must_use]
    pub fn conflict(&self, columns: &Columns, record: &Record) -> Option<Conflict> {
        if self.conflicts.is_empty() {
            return None;
        }
        self.conflicts.get(&self.hasher.hash_one(id(columns, record)?)).copied()
    }

    /// Keeps only what [`Self::conflict`] needs.
    pub fn finish(&mut self) {
        let kept: HashSet<u64> = self.conflicts.keys().copied().collect();
        self.first.retain(|key, _| kept.contains(key));
        self.first.shrink_to_fit();
    }
}

fn id<'r>(columns: &Columns, record: &'r Record) -> Option<&'r str> {
    match Id::read(record.fields.get(columns.index("customer")?)?) {
        Id::Given(id) => Some(id),
        Id::Blank | Id::Rounded => None,
    }
}
