//! Which column holds which field: as `--map` asks, as the system's preset says, or by its usual names.

mod seen;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::import::event::ImportKind;
use crate::files::consent::{self, Known, Meaning};
use crate::files::fields::{Several, fields, plain};
use crate::files::presets::Preset;
use crate::files::values::filled;

use seen::Holds;
pub use seen::Seen;

/// The columns in front of a file's own in a file of refused lines.
pub const REFUSED: [&str; 2] = ["refused_line", "refused_reason"];

/// A header that cannot be mapped. Says which columns and fields there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// `--map` names a column that the file does not have.
    #[error("the file has no column {column:?}; its columns are {columns}")]
    NoColumn {
        /// The name in `--map`.
        column: String,
        /// The header.
        columns: String,
    },
    /// `--map` names a field that this import does not have.
    #[error("{field:?} is not a field of this import; the fields are {fields}")]
    NoField {
        /// The name in `--map`.
        field: String,
        /// Those that exist.
        fields: String,
    },
    /// Two columns hold the same field.
    #[error("the columns {first:?} and {second:?} both hold the field {field}; choose one with --map {first}={field}")]
    Twice {
        /// The field.
        field: &'static str,
        /// A column.
        first: String,
        /// Another one.
        second: String,
    },
    /// Nothing can be imported without this field.
    #[error(
        "no column holds the field {field} ({meaning}); name it with --map COLUMN={field}; the columns are {columns}"
    )]
    Missing {
        /// The field.
        field: &'static str,
        /// What it holds.
        meaning: &'static str,
        /// The header.
        columns: String,
    },
    /// Columns that seem to be about consent, and nobody said what they mean.
    #[error(
        "{columns} may be about consent, and an opt-out that is overlooked is a message to someone who refused it; \
         say what each means: --map {first:?}=opt_out_email (yes: opted out), ={first_in} (yes: agreed), \
         =subscription (subscribed, unsubscribed …), or =ignore if it is not about consent"
    )]
    UnclearConsent {
        /// The columns, quoted.
        columns: String,
        /// The first one, for the example.
        first: String,
        /// A field of the other sense, for the example.
        first_in: &'static str,
        /// Their names.
        unclear: Vec<String>,
    },
}

/// What `--map COLUMN=FIELD` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The column's name.
    pub column: String,
    /// A field, `attribute.NAME`, or `-` to leave the column out.
    pub field: String,
}

/// A column about consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentColumn {
    /// Its place.
    pub index: usize,
    /// What it means.
    pub meaning: Meaning,
}

/// A header whose columns have found their fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    header: Vec<String>,
    by_field: BTreeMap<&'static str, Vec<usize>>,
    /// Columns that hold a free attribute, with its name.
    attributes: Vec<(usize, String)>,
    /// Columns that hold whether something was done, with its name.
    activities: Vec<(usize, String)>,
    consents: Vec<ConsentColumn>,
    /// Columns that hold a subscription's state if their values are such words.
    statuses: Vec<usize>,
    /// Columns that seem to be about consent.
    unclear: Vec<usize>,
    /// Attributes that nobody asked for.
    kept: Vec<usize>,
    unused: Vec<usize>,
    keeps_attributes: bool,
}

/// What a column turned out to be.
enum Place {
    Field(&'static str),
    Consent(Meaning),
    Attribute(String),
    Activity(String),
    Unused,
}

impl Columns {
    /// Maps a header: first as `--map` asks (a field, `attribute.NAME`, or `-` or `ignore` for "leave it out"), then as
    /// the preset says, then by the columns' names. Of customers, every other column becomes a free attribute.
    pub fn map(
        kind: ImportKind,
        header: &[String],
        preset: Option<&Preset>,
        mappings: &[Mapping],
    ) -> Result<Self, MapError> {
        let header = told_apart(header);
        let mut columns = Self {
            by_field: BTreeMap::new(),
            attributes: Vec::new(),
            activities: Vec::new(),
            consents: Vec::new(),
            statuses: Vec::new(),
            unclear: Vec::new(),
            kept: Vec::new(),
            unused: Vec::new(),
            keeps_attributes: kind == ImportKind::Customers,
            header,
        };
        let mut decided = vec![false; columns.header.len()];
        for Mapping { column, field } in mappings {
            let index = columns.find(column)?;
            decided[index] = true;
            let place = place(kind, field)?;
            columns.put(index, place)?;
        }
        let mapped: Vec<&'static str> = columns.by_field.keys().copied().collect();
        for (column, field) in preset.map_or(&[][..], |preset| preset.columns) {
            let Some(index) = (0..columns.header.len()).find(|&index| plain(&columns.header[index]) == *column) else {
                continue;
            };
            let taken = columns.by_field.contains_key(field) && !matches!(*field, "email" | "phone");
            if !decided[index] && !mapped.contains(field) && !taken {
                decided[index] = true;
                let place = place(kind, field)?;
                columns.put(index, place)?;
            }
        }
        columns.by_names(kind, &mut decided)?;
        for index in (0..decided.len()).filter(|&index| !decided[index]) {
            columns.place_rest(kind, index);
        }
        Ok(columns)
    }

    fn find(&self, column: &str) -> Result<usize, MapError> {
        let header = &self.header;
        let exact = header.iter().position(|name| name == column);
        exact
            .or_else(|| header.iter().position(|name| plain(name) == plain(column)))
            .ok_or_else(|| MapError::NoColumn { column: column.to_owned(), columns: header.join(", ") })
    }

    fn put(&mut self, index: usize, place: Place) -> Result<(), MapError> {
        match place {
            Place::Unused => self.unused.push(index),
            Place::Attribute(name) => self.attributes.push((index, name)),
            Place::Activity(name) => self.activities.push((index, name)),
            Place::Consent(meaning) => self.consents.push(ConsentColumn { index, meaning }),
            Place::Field(name) => {
                let several = self.by_field.entry(name).or_default();
                let multiple = matches!(name, "email" | "phone");
                if let Some(&first) = several.first().filter(|_| !multiple) {
                    return Err(MapError::Twice {
                        field: name,
                        first: self.header[first].clone(),
                        second: self.header[index].clone(),
                    });
                }
                several.push(index);
            }
        }
        Ok(())
    }

    /// Finds the columns of fields that were not mapped, by their usual names.
    fn by_names(&mut self, kind: ImportKind, decided: &mut [bool]) -> Result<(), MapError> {
        let bare: Vec<String> = self.header.iter().map(|name| plain(&without_number(name))).collect();
        for field in fields(kind) {
            if self.by_field.contains_key(field.name) {
                continue;
            }
            // The second number of somebody is a number as well: `Phone 2`.
            let is_of = |name: &str, wanted: &str| {
                name == wanted
                    || field.several == Several::All
                        && name.trim_end_matches(|letter: char| letter.is_ascii_digit()) == wanted
            };
            let matching = |names: &[&str]| -> Vec<usize> {
                let of_name = |wanted: &&str| {
                    bare.iter()
                        .enumerate()
                        .filter(move |(_, name)| is_of(name, wanted))
                        .map(|(index, _)| index)
                        .collect::<Vec<_>>()
                };
                let mut found: Vec<usize> = vec![];
                for index in names.iter().flat_map(of_name).filter(|&index| !decided[index]) {
                    if !found.contains(&index) {
                        found.push(index);
                    }
                }
                found
            };
            let mut found = matching(field.names);
            if found.is_empty() {
                found = matching(field.weak);
            }
            let taken = match (field.several, found.as_slice()) {
                (_, []) => continue,
                (Several::Ask, [first, second, ..]) => {
                    return Err(MapError::Twice {
                        field: field.name,
                        first: self.header[*first.min(second)].clone(),
                        second: self.header[*first.max(second)].clone(),
                    });
                }
                (Several::All, all) => all.to_vec(),
                (Several::Ask | Several::First, [first, ..]) => vec![*first],
            };
            taken.iter().for_each(|&index| decided[index] = true);
            self.by_field.insert(field.name, taken);
        }
        Ok(())
    }

    /// A column that holds no field.
    fn place_rest(&mut self, kind: ImportKind, index: usize) {
        let name = self.header[index].clone();
        if REFUSED.contains(&name.as_str()) || name.is_empty() {
            self.unused.push(index);
            return;
        }
        match consent::of_header(&without_number(&name)) {
            // A log of messages is not a list of who agreed to what.
            Known::Consent(_) | Known::Unclear if kind == ImportKind::Messages => self.unclear.push(index),
            Known::Consent(meaning) => self.consents.push(ConsentColumn { index, meaning }),
            Known::Unclear => self.unclear.push(index),
            Known::PerhapsStatus if kind == ImportKind::Customers => self.statuses.push(index),
            Known::PerhapsStatus | Known::No => self.keep_or_leave(kind, index),
        }
    }

    fn keep_or_leave(&mut self, kind: ImportKind, index: usize) {
        let of_orders = || {
            fields(ImportKind::Orders).iter().any(|field| field.names.contains(&plain(&self.header[index]).as_str()))
        };
        // The columns of orders tell nothing lasting about the customer who placed them.
        if kind == ImportKind::Customers && !of_orders() {
            self.kept.push(index);
            self.attributes.push((index, self.header[index].clone()));
        } else {
            self.unused.push(index);
        }
    }

    /// Settles what only the values can say, once the file was read: a column of states of subscriptions, and columns
    /// that seem to be about consent. Those of the latter that are empty hold no opt-out.
    pub fn settle(&mut self, seen: &Seen) -> Result<(), MapError> {
        for index in std::mem::take(&mut self.statuses) {
            if seen.telling.get(index).copied().unwrap_or(false) {
                self.consents.push(ConsentColumn { index, meaning: consent::status() });
            } else if self.keeps_attributes {
                self.attributes.push((index, self.header[index].clone()));
            } else {
                self.unused.push(index);
            }
        }
        for (field, addresses) in [("email", seen.of(Holds::Mailboxes)), ("phone", seen.of(Holds::Numbers))] {
            if self.by_field.contains_key(field) || addresses.is_empty() {
                continue;
            }
            // No usual name, but what stands in it leaves no doubt.
            self.attributes.retain(|(index, _)| !addresses.contains(index));
            self.by_field.insert(field, addresses);
        }
        let (full, empty): (Vec<usize>, Vec<usize>) =
            self.unclear.drain(..).partition(|&index| seen.filled.get(index).copied().unwrap_or(false));
        self.unused.extend(empty);
        // Whatever such a column is called: who refuses messages in it must not become somebody with an attribute.
        let full: Vec<usize> =
            full.into_iter().chain(self.kept.iter().copied().filter(|&index| seen.refuses(index))).collect();
        let Some(&first) = full.first() else { return Ok(()) };
        let columns = full.iter().map(|&index| format!("{:?}", self.header[index])).collect::<Vec<_>>().join(", ");
        let unclear = full.iter().map(|&index| self.header[index].clone()).collect();
        Err(MapError::UnclearConsent { columns, first: self.header[first].clone(), first_in: "consent_email", unclear })
    }

    /// The first column of a field.
    #[must_use]
    pub fn index(&self, field: &str) -> Option<usize> {
        self.by_field.get(field).and_then(|several| several.first()).copied()
    }

    /// The column of a field without which nothing can be imported.
    pub fn required(&self, kind: ImportKind, name: &'static str) -> Result<usize, MapError> {
        let meaning = fields(kind).iter().find(|field| field.name == name).map_or("", |field| field.meaning);
        self.index(name).ok_or_else(|| MapError::Missing { field: name, meaning, columns: self.header.join(", ") })
    }

    /// The value of a field in a record, if there is such a column and it is not blank.
    #[must_use]
    pub fn value<'r>(&self, field: &str, values: &'r [String]) -> Option<&'r str> {
        values.get(self.index(field)?).and_then(|value| filled(value))
    }

    /// The text of a field in a record, whatever word it is, if it is not blank.
    #[must_use]
    pub fn text<'r>(&self, field: &str, values: &'r [String]) -> Option<&'r str> {
        values.get(self.index(field)?).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// The values of all columns of a field that are not blank.
    pub fn all<'r>(&self, field: &str, values: &'r [String]) -> impl Iterator<Item = &'r str> {
        let indices = self.by_field.get(field).map_or(&[][..], Vec::as_slice);
        indices.iter().filter_map(|&index| values.get(index).and_then(|value| filled(value)))
    }

    /// The columns about consent.
    #[must_use]
    pub fn consents(&self) -> &[ConsentColumn] {
        &self.consents
    }

    /// The name of a column.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        self.header.get(index).map_or("", String::as_str)
    }

    /// The free attributes of a record: column names and values that are not blank.
    pub fn attributes<'r>(&'r self, values: &'r [String]) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.attributes
            .iter()
            .filter_map(|(index, name)| Some((name.as_str(), values.get(*index).and_then(|value| filled(value))?)))
    }

    /// The columns of what was done, with their names.
    #[must_use]
    pub fn activities(&self) -> &[(usize, String)] {
        &self.activities
    }

    /// The header's names, each once.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Which column is read as what, in the file's order, in the words of [`Mapping`], or what it says of consent; nothing for
    /// what is left out.
    #[must_use]
    pub fn readings(&self) -> Vec<(&str, Option<String>)> {
        let fields =
            self.by_field.iter().flat_map(|(field, several)| several.iter().map(|&at| (at, (*field).to_owned())));
        let attributes = self.attributes.iter().map(|(at, name)| (*at, format!("attribute.{name}")));
        let activities = self.activities.iter().map(|(at, name)| (*at, format!("activity.{name}")));
        let consents = self.consents.iter().map(|own| (own.index, own.meaning.to_string()));
        let read = fields.chain(attributes).chain(activities).chain(consents).map(|(at, field)| (at, Some(field)));
        let mut all: Vec<_> = read.chain(self.unused.iter().map(|&at| (at, None))).collect();
        all.sort();
        all.into_iter().map(|(at, field)| (self.header[at].as_str(), field)).collect()
    }

    /// One line for people: which column is read as what.
    #[must_use]
    pub fn describe(&self) -> String {
        let part = |(column, field): (&str, Option<String>)| match field {
            Some(field) => format!("{column} → {field}"),
            None => format!("{column} is left out"),
        };
        self.readings().into_iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

fn place(kind: ImportKind, wish: &str) -> Result<Place, MapError> {
    if matches!(wish, "-" | "ignore") {
        return Ok(Place::Unused);
    }
    if let Some(name) = wish.strip_prefix("attribute.").filter(|name| !name.is_empty()) {
        return Ok(Place::Attribute(name.to_owned()));
    }
    let activity = wish.strip_prefix("activity.").filter(|name| !name.is_empty());
    if let Some(name) = activity.filter(|_| kind == ImportKind::CampaignResults) {
        return Ok(Place::Activity(name.to_owned()));
    }
    if let Some(field) = fields(kind).iter().find(|field| field.name == wish) {
        return Ok(Place::Field(field.name));
    }
    if let Some(meaning) = consent::field(wish).filter(|_| kind != ImportKind::Messages) {
        return Ok(Place::Consent(meaning));
    }
    let mut names: Vec<&str> = fields(kind).iter().map(|field| field.name).collect();
    if kind != ImportKind::Messages {
        names.extend(consent::FIELDS.iter().map(|field| field.name));
    }
    if kind == ImportKind::CampaignResults {
        names.push("activity.NAME");
    }
    names.extend(["attribute.NAME", "- (left out)"]);
    Err(MapError::NoField { field: wish.to_owned(), fields: names.join(", ") })
}

/// Trims the names, and numbers those that occur more than once: `Notes`, `Notes (2)`.
fn told_apart(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    // The numbers that were given to each name, so that a header of the same name over and over is not looked through again.
    let (mut taken, mut numbers) = (HashSet::new(), HashMap::<&str, usize>::new());
    for name in header {
        let name = name.trim();
        let mut own = name.to_owned();
        let number = numbers.entry(name).or_insert(1);
        while !own.is_empty() && taken.contains(&own) {
            *number += 1;
            own = format!("{name} ({number})");
        }
        taken.insert(own.clone());
        names.push(own);
    }
    names
}

/// A name without the number that [`told_apart`] gave it.
fn without_number(name: &str) -> String {
    match name.rsplit_once(" (") {
        Some((bare, number)) if number.strip_suffix(')').is_some_and(|n| n.parse::<u32>().is_ok()) => bare.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
