//! What only the values of a file can say of its columns.

use super::Columns;
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::files::consent;
use crate::files::fields::plain;
use crate::files::values::filled;

/// What the values of a file's columns say, by their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) filled: Vec<bool>,
    pub(super) telling: Vec<bool>,
    refusing: Vec<bool>,
    holds: Vec<Option<Holds>>,
}

/// What all cells of a column hold that are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Mailboxes,
    Numbers,
    Else,
}

impl Holds {
    /// What a cell of a column holds, as far as the column's name lets it.
    fn of(name: &str, cell: &str) -> Self {
        let name = plain(name);
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let is_number = |letter: char| letter.is_ascii_digit() || "+-() ./".contains(letter);
        if has(OTHERS) {
            Self::Else
        } else if has(&["mail"]) && Address::parse(AddressKind::Email, cell, None).is_ok() {
            Self::Mailboxes
        } else if has(&["phone", "mobile", "cell", "contactnumber"])
            && (7..=15).contains(&digits)
            && cell.trim().chars().all(is_number)
        {
            Self::Numbers
        } else {
            Self::Else
        }
    }
}

/// Whose addresses are not the customer's, by the name of their column.
const OTHERS: &[&str] = &[
    "owner",
    "manager",
    "agent",
    "salesrep",
    "createdby",
    "modifiedby",
    "updatedby",
    "assigned",
    "parent",
    "emergency",
    "referr",
    "company",
    "supervisor",
    "partner",
    "spouse",
    "sender",
    "fax",
];

impl Seen {
    /// Looks at a record's values in the columns that only values can explain.
    pub fn note(&mut self, columns: &Columns, values: &[String]) {
        self.filled.resize(columns.header.len(), false);
        self.telling.resize(columns.header.len(), false);
        self.refusing.resize(columns.header.len(), false);
        self.holds.resize(columns.header.len(), None);
        for &index in &columns.unclear {
            self.filled[index] |= values.get(index).is_some_and(|value| filled(value).is_some());
        }
        for &index in &columns.statuses {
            self.telling[index] |= values.get(index).is_some_and(|value| consent::is_telling(value));
        }
        for &index in &columns.kept {
            let Some(value) = values.get(index).and_then(|value| filled(value)) else { continue };
            self.refusing[index] |= consent::is_refusing(value);
            // Once it holds something else, it stays so.
            if self.holds[index] != Some(Holds::Else) {
                let holds = Holds::of(&columns.header[index], value);
                let is_same = self.holds[index].is_none_or(|before| before == holds);
                self.holds[index] = Some(if is_same { holds } else { Holds::Else });
            }
        }
    }

    pub(super) fn of(&self, wanted: Holds) -> Vec<usize> {
        (0..self.holds.len()).filter(|&index| self.holds[index] == Some(wanted)).collect()
    }

    pub(super) fn refuses(&self, index: usize) -> bool {
        self.refusing.get(index).copied().unwrap_or(false)
    }
}
