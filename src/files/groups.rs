//! The groups of a campaign of the past, and customers whom the file names more than once: noted while it is read for the first
//! time.
//!
//! A customer in two groups says nothing of either; all lines about that customer are refused. Of several lines in one group the
//! first one counts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::domain::campaign::experiment::shares::{LONGEST_NAME, MOST_VARIANTS};
use crate::files::columns::Columns;
use crate::files::records::Record;
use crate::files::values::Id;

/// So many groups are named where there are too many of them.
const SHOWN: usize = MOST_VARIANTS + 4;

/// The groups of a file. Customers are distinguished by a hash of their ids and mailboxes.
#[derive(Debug, Default)]
pub struct Groups {
    hasher: RandomState,
    /// Their names, as far as there are not too many.
    names: BTreeSet<String>,
    too_many: bool,
    /// The first line of each customer, and a hash of the group in it.
    first: HashMap<u64, (u64, u64)>,
    /// Customers with several lines: the first one, and whether another one names another group.
    several: HashMap<u64, Several>,
}

/// The lines of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Several {
    first: u64,
    /// The first line with another group.
    other_group: Option<u64>,
}

/// The groups of a campaign do not allow a comparison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupsError {
    /// There is one, or none.
    #[error("the column {column:?} has {names}: it takes at least two groups to compare them")]
    TooFew {
        /// The column.
        column: String,
        /// What is in it.
        names: String,
    },
    /// There are more than a campaign has.
    #[error(
        "the column {column:?} has too many values for the groups of a campaign ({names}, …); at most {MOST_VARIANTS} \
         variants and a hold-out are compared"
    )]
    TooMany {
        /// The column.
        column: String,
        /// Some of them.
        names: String,
    },
    /// No line has the value that stands for the hold-out.
    #[error("no line has {hold_out:?} in the column {column:?}, which has {names}")]
    NoHoldOut {
        /// The column.
        column: String,
        /// What was asked for.
        hold_out: String,
        /// What is in it.
        names: String,
    },
    /// A group's name is too long.
    #[error("the column {column:?} has a value of more than {LONGEST_NAME} characters, which is no name of a group")]
    LongName {
        /// The column.
        column: String,
    },
}

/// The group that a record names, if it names one.
pub fn group<'r>(columns: &Columns, record: &'r Record) -> Option<&'r str> {
    columns.text("arm", &record.fields).map(str::trim)
}

impl Groups {
    /// Notes a line.
    pub fn note(&mut self, columns: &Columns, record: &Record) {
        let Some(group) = group(columns, record).filter(|_| record.malformed.is_none()) else { return };
        if !self.names.contains(group) {
            match self.names.len() == SHOWN {
                true => self.too_many = true,
                false => drop(self.names.insert(group.to_owned())),
            }
        }
        let own_group = self.hasher.hash_one(group);
        for key in self.keys(columns, record) {
            let (first, first_group) = *self.first.entry(key).or_insert((record.line, own_group));
            if first == record.line {
                continue;
            }
            let several = self.several.entry(key).or_insert(Several { first, other_group: None });
            if first_group != own_group {
                several.other_group.get_or_insert(record.line);
            }
        }
    }

    /// Keeps only what [`Self::repeated`] needs.
    pub fn finish(&mut self) {
        self.first = HashMap::new();
    }

    /// Why a line does not count: its customer has other lines. Once all lines were noted.
    #[must_use]
    pub fn repeated(&self, columns: &Columns, record: &Record) -> Option<String> {
        if self.several.is_empty() {
            return None;
        }
        let keys = self.keys(columns, record);
        let several: Vec<_> = keys.iter().filter_map(|key| self.several.get(key)).collect();
        if let Some(own) = several.iter().find(|own| own.other_group.is_some()) {
            let (first, other) = (own.first, own.other_group.unwrap_or_default());
            return Some(format!("the customer is in different groups in lines {first} and {other}"));
        }
        let again = several.iter().find(|own| own.first != record.line)?;
        Some(format!("the customer is in line {} already", again.first))
    }

    /// The variants, once it is known which value stands for the hold-out.
    ///
    /// # Errors
    /// If there is nothing to compare.
    pub fn variants(&self, column: &str, hold_out: Option<&str>) -> Result<Vec<String>, GroupsError> {
        let column = column.to_owned();
        let quoted: Vec<String> = self.names.iter().map(|name| format!("{name:?}")).collect();
        let names = if quoted.is_empty() { "no values".to_owned() } else { quoted.join(", ") };
        if self.names.iter().any(|name| name.chars().count() > LONGEST_NAME) {
            return Err(GroupsError::LongName { column });
        }
        if let Some(hold_out) = hold_out.filter(|hold_out| !self.names.contains(*hold_out) && !self.too_many) {
            return Err(GroupsError::NoHoldOut { column, hold_out: hold_out.to_owned(), names });
        }
        let variants: Vec<String> = self.names.iter().filter(|name| hold_out != Some(name.as_str())).cloned().collect();
        if self.too_many || variants.len() > MOST_VARIANTS {
            return Err(GroupsError::TooMany { column, names });
        }
        if self.names.len() < 2 {
            return Err(GroupsError::TooFew { column, names });
        }
        Ok(variants)
    }

    /// What a line's customer is known by.
    fn keys(&self, columns: &Columns, record: &Record) -> HashSet<u64> {
        let id = columns.text("customer", &record.fields).map(Id::read);
        let id = id.and_then(|id| id.given().ok().flatten()).map(|id| self.hasher.hash_one(("id", id)));
        let mailbox = columns.value("email", &record.fields).map(|mailbox| mailbox.trim().to_lowercase());
        id.into_iter().chain(mailbox.map(|mailbox| self.hasher.hash_one(("email", mailbox)))).collect()
    }
}
