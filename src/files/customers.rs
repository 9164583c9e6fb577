//! Customers, one a line. Pure.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::domain::customer::decide::ProfileInput;
use crate::domain::import::decide::CustomerRow;
use crate::files::columns::Columns;
use crate::files::identities::Identities;
use crate::files::numbers::decimal;
use crate::files::records::Record;
use crate::files::row::{
    Addresses, HeaderError, LeftOut, Parsed, RefusedLine, RowReader, Settings, attributes, consents, in_field,
};
use crate::files::values::{Id, tags};

/// Reads customers.
pub struct CustomerReader {
    columns: Columns,
    settings: Settings,
    identities: Identities,
    hasher: RandomState,
    seen: HashSet<u64>,
}

impl CustomerReader {
    /// Prepares for a file whose columns are mapped and whose ids are known.
    pub fn try_new(columns: Columns, settings: Settings, identities: Identities) -> Result<Self, HeaderError> {
        let identified = ["customer", "email", "phone", "addresses"].iter().any(|field| columns.index(field).is_some());
        if !identified && settings.number_rows.is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column identifies the customers: none holds the field customer, email or phone",
                advice: "name it with --map COLUMN=customer, or number the lines with --number-rows PREFIX",
            });
        }
        Ok(Self { columns, settings, identities, hasher: RandomState::new(), seen: HashSet::new() })
    }

    fn parse(&self, record: &Record) -> Result<(CustomerRow, Vec<LeftOut>), String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let text = |field| self.columns.value(field, &record.fields).map(str::trim);
        let owned = |field| text(field).map(str::to_owned);
        if let Some(conflict) = self.identities.conflict(&self.columns, record) {
            return Err(
                conflict.reason(self.columns.index("customer").map_or("the id", |index| self.columns.name(index)))
            );
        }
        let numbered = || self.settings.number_rows.as_ref().map(|prefix| format!("{prefix}-{}", record.line));
        let external_id = match self.columns.text("customer", &record.fields) {
            Some(text) => in_field("customer", Id::read(text).given())?,
            None => None,
        };
        let external_id = external_id.map(str::to_owned).or_else(numbered);
        let addresses = Addresses::read(&self.columns, record, &self.settings)?;
        if external_id.is_none() && addresses.good.is_empty() {
            let reason = match addresses.left_out.into_iter().next() {
                Some(left_out) => left_out.reason,
                None => "the line has neither a customer id nor an address".to_owned(),
            };
            return Err(reason);
        }
        let mut attributes = attributes(&self.columns, &record.fields);
        let name = owned("name").or_else(|| joined(text("first_name"), text("last_name")));
        let company = owned("company");
        if name.is_some()
            && let Some(company) = &company
        {
            attributes.entry("company".to_owned()).or_insert_with(|| company.as_str().into());
        }
        let territory = owned("territory");
        if territory.is_some()
            && let Some(country) = owned("country")
        {
            attributes.entry("country".to_owned()).or_insert_with(|| country.into());
        }
        let profile = ProfileInput {
            name: name.or(company),
            external_id,
            territory: territory.or_else(|| owned("country")),
            account_type: owned("account_type"),
            priority: owned("priority"),
            owner: owned("owner"),
            lead_score: text("lead_score")
                .map(|score| in_field("lead_score", decimal(score, 0, self.settings.numbers.mark("lead_score"))))
                .transpose()?,
            industry: owned("industry"),
            locale: owned("locale"),
            time_zone: owned("time_zone"),
            preferred_hours: owned("preferred_hours"),
            tags: text("tags").map_or_else(Vec::new, tags),
            attributes,
        };
        let consents = consents(&self.columns, record, &self.settings)?;
        Ok((CustomerRow { line: record.line, profile, addresses: addresses.good, consents }, addresses.left_out))
    }

    /// Whether commlog's own export names somebody who is no person of their own: merged, forgotten, the placeholder.
    fn is_nobody(&self, record: &Record) -> bool {
        let value = |field| self.columns.value(field, &record.fields).map(str::trim);
        value("merged_into").is_some() || value("forgotten").is_some() || value("anonymous") == Some("true")
    }

    /// Files of orders name a customer on many lines; only lines that say something new are handed on.
    fn says_something_new(&mut self, row: &CustomerRow) -> bool {
        let content = format!("{:?}{:?}{:?}", row.profile, row.addresses, row.consents);
        self.seen.insert(self.hasher.hash_one(content))
    }
}

impl RowReader for CustomerReader {
    type Row = CustomerRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<CustomerRow>>, String> {
        if self.is_nobody(&record) {
            return Ok(None);
        }
        Ok(match self.parse(&record) {
            Ok((row, left_out)) if self.says_something_new(&row) => {
                Some(Parsed::Row { row, raw: vec![record.into()], left_out })
            }
            Ok(_) => None,
            Err(reason) => Some(Parsed::Refused(vec![RefusedLine { raw: record.into(), reason }])),
        })
    }
}

fn joined(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = first.into_iter().chain(last).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests;
