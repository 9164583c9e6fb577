//! What the readers of all kinds of files have in common: settings, rows with the lines that they came from, refusals.

use std::collections::BTreeMap;

use crate::domain::customer::decide::AddressInput;
use crate::domain::import::decide::ConsentRow;
use crate::domain::value::address::Address;
use crate::domain::value::{AddressKind, Channel, Currency};
use crate::files::columns::{Columns, MapError};
use crate::files::exported;
use crate::files::groups::GroupsError;
use crate::files::numbers::Numbers;
use crate::files::records::Record;
use crate::files::times::TimeReader;
use crate::files::values;

/// How the values of a file are read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How times are written.
    pub times: TimeReader,
    /// How numbers are written.
    pub numbers: Numbers,
    /// The currency of prices without one.
    pub currency: Option<Currency>,
    /// The channel of messages without one.
    pub channel: Option<Channel>,
    /// Whether rows without a customer go to the anonymous one.
    pub anonymous: bool,
    /// Rows without any id are numbered by their line, with this in front.
    pub number_rows: Option<String>,
    /// The country of phone numbers that name none, in rows that name none.
    pub region: Option<String>,
    /// What everybody in the file agreed to or refused.
    pub consents: Vec<ConsentRow>,
}

/// A value that is not imported although its row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The line.
    pub line: u64,
    /// Which value and why, without the value itself.
    pub reason: String,
}

/// The addresses of a record.
#[derive(Debug, Default)]
pub struct Addresses {
    /// Those that can be used: numbers in E.164.
    pub good: Vec<AddressInput>,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

impl Addresses {
    /// The addresses in a record's columns of emails and phones. A mailbox that cannot be used is an error; a phone
    /// number that cannot be used is left out.
    pub fn read(columns: &Columns, record: &Record, settings: &Settings) -> Result<Self, String> {
        let mut addresses = Self::default();
        if let Some(list) = columns.value("addresses", &record.fields) {
            let (good, reasons) = exported::addresses(list)?;
            addresses.good = good;
            addresses.left_out.extend(reasons.into_iter().map(|reason| LeftOut { line: record.line, reason }));
        }
        for cell in columns.all("email", &record.fields) {
            for text in mailboxes(cell) {
                Address::parse(AddressKind::Email, text, None).map_err(|error| format!("email {}", error.reason))?;
                addresses.add(AddressKind::Email, text.to_owned());
            }
        }
        let own = columns.value("country", &record.fields).and_then(values::region);
        let region = own.or(settings.region.as_deref());
        for cell in columns.all("phone", &record.fields) {
            for text in numbers(cell) {
                if text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.' | b' ')) {
                    continue;
                }
                // Spreadsheets keep a number's sign off with an apostrophe.
                let text = text.trim_start_matches('\'');
                match Address::parse(AddressKind::Phone, text, region) {
                    Ok(number) => addresses.add(AddressKind::Phone, number.text().to_owned()),
                    Err(error) => addresses
                        .left_out
                        .push(LeftOut { line: record.line, reason: format!("phone {}", error.reason) }),
                }
            }
        }
        Ok(addresses)
    }

    fn add(&mut self, kind: AddressKind, address: String) {
        if !self.good.iter().any(|own| own.kind == kind && own.address.eq_ignore_ascii_case(&address)) {
            self.good.push(AddressInput { kind, address, region: None, label: None, primary: false });
        }
    }
}

/// The mailboxes of a cell: one, or several with separators or as a JSON list.
fn mailboxes(cell: &str) -> Vec<&str> {
    let is_list = cell.matches('@').count() > 1;
    let pieces: Vec<&str> = match cell.contains(":::") {
        true => cell.split(":::").collect(),
        false if is_list => {
            cell.split([',', ';', '|', '\n', '\r', ' ', '[', ']', '"']).filter(|piece| piece.contains('@')).collect()
        }
        false => vec![cell],
    };
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// The numbers of a cell: one, or several with separators. What follows a comma may be an extension.
fn numbers(cell: &str) -> Vec<&str> {
    let separated = match cell.contains(":::") {
        true => cell.split(":::").collect::<Vec<_>>(),
        false => cell.split([',', ';', '|', '/', '\n', '\r']).collect(),
    };
    let pieces: Vec<&str> = separated.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect();
    let is_number = |piece: &&str| piece.bytes().filter(u8::is_ascii_digit).count() >= 7;
    match cell.contains(":::") || pieces.iter().all(is_number) {
        true => pieces,
        false => vec![cell.trim()],
    }
}

/// What a record says about consent, beside what holds for the whole file.
pub fn consents(columns: &Columns, record: &Record, settings: &Settings) -> Result<Vec<ConsentRow>, String> {
    use crate::files::consent::{Sense, strictest};
    let mut rows = match columns.value("consents", &record.fields) {
        Some(list) => exported::consents(list)?,
        None => Vec::new(),
    };
    let mut since = None;
    for column in columns.consents() {
        let Some(text) = record.fields.get(column.index).and_then(|text| values::filled(text)) else { continue };
        let named = |reason: String| format!("{} {reason}", columns.name(column.index));
        let time = || settings.times.read(text).ok();
        match column.meaning.sense {
            Sense::Since => since = time(),
            Sense::OutSince => rows.extend(column.meaning.rows(text, time()).map_err(named)?),
            _ => rows.extend(column.meaning.rows(text, None).map_err(named)?),
        }
    }
    rows.iter_mut()
        .filter(|row| row.state == crate::domain::consent::event::ConsentState::OptedIn)
        .for_each(|row| row.said_at = row.said_at.or(since));
    rows.extend(settings.consents.iter().cloned());
    Ok(strictest(rows))
}

/// The free attributes of a record. A cell of a column of attributes that holds a JSON object gives its members.
#[must_use]
pub fn attributes(columns: &Columns, values: &[String]) -> BTreeMap<String, serde_json::Value> {
    let mut attributes = BTreeMap::new();
    for (name, value) in columns.attributes(values) {
        let holds_several = matches!(
            crate::files::fields::plain(name).as_str(),
            "attributes" | "attribs" | "properties" | "customfields"
        );
        match values::json_attributes(value).filter(|_| holds_several) {
            Some(members) => attributes.extend(members.into_iter().filter(|(_, member)| !member.is_null())),
            None => drop(attributes.insert(name.to_owned(), value.trim().into())),
        }
    }
    attributes
}

/// Why a file's header is not enough for the import.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// A column is missing or ambiguous.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The groups of a campaign cannot be compared.
    #[error(transparent)]
    Groups(#[from] GroupsError),
    /// Something is missing that neither a column nor an option gives.
    #[error("{what}; {advice}")]
    Incomplete {
        /// What is missing.
        what: &'static str,
        /// How to give it.
        advice: &'static str,
    },
}

/// A line of the file that is part of a row, kept to be written out should the row be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Its number.
    pub number: u64,
    /// Its values as they were read.
    pub fields: Vec<String>,
}

impl From<Record> for RawLine {
    fn from(record: Record) -> Self {
        Self { number: record.line, fields: record.fields }
    }
}

/// A line that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// The line.
    pub raw: RawLine,
    /// Why: one short sentence without the line's own values.
    pub reason: String,
}

/// What a reader makes of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed<T> {
    /// A row for the log.
    Row {
        /// The row.
        row: T,
        /// The lines that it was made of.
        raw: Vec<RawLine>,
        /// Values of these lines that it does not have.
        left_out: Vec<LeftOut>,
    },
    /// Lines that cannot be imported.
    Refused(Vec<RefusedLine>),
}

/// Turns records into rows. Pure: the same records give the same rows.
pub trait RowReader: Send {
    /// What `app` takes in.
    type Row: Send;

    /// Which column is read as what.
    fn columns(&self) -> &Columns;

    /// Takes the next record; may give a row at once, later, or never.
    fn push(&mut self, record: Record) -> Result<Option<Parsed<Self::Row>>, String>;
}

/// Puts the field's name before what is wrong with its value.
pub fn in_field<T>(field: &str, value: Result<T, String>) -> Result<T, String> {
    value.map_err(|reason| format!("{field} {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_in_a_cell_are_several() {
        for cell in [
            "a@x.example, b@y.example",
            "a@x.example;b@y.example",
            "a@x.example ::: b@y.example",
            "[\"a@x.example\",\"b@y.example\"]",
            "a@x.example b@y.example",
        ] {
            assert_eq!(mailboxes(cell), ["a@x.example", "b@y.example"], "{cell}");
        }
        assert_eq!(mailboxes("Jo Lee <a@x.example>"), ["Jo Lee <a@x.example>"]);
        assert_eq!(numbers("+447911123456;+44 20 7946 0190"), ["+447911123456", "+44 20 7946 0190"]);
        assert_eq!(numbers("+447911123456 / 02079460190"), ["+447911123456", "02079460190"]);
        for one in ["+1 415 555 2671, ext. 5", "0171/1234567", "+1 (415) 555-2671"] {
            assert_eq!(numbers(one), [one]);
        }
    }
}
