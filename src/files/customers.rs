//! Customers, one a line. Pure.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::domain::consent::event::ConsentState;
use crate::domain::customer::decide::{AddressInput, ProfileInput};
use crate::domain::import::decide::{ConsentRow, CustomerRow};
use crate::domain::value::{AddressKind, Channel};
use crate::files::columns::Columns;
use crate::files::records::Record;
use crate::files::row::{HeaderError, Parsed, RefusedLine, RowReader, Settings, in_field};
use crate::files::values::{decimal, external_id};

/// The columns that hold consent, with their channels.
const CONSENTS: [(&str, Channel); 3] =
    [("consent_email", Channel::Email), ("consent_sms", Channel::Sms), ("consent_whatsapp", Channel::Whatsapp)];

/// Reads customers.
pub struct CustomerReader {
    columns: Columns,
    settings: Settings,
    hasher: RandomState,
    seen: HashSet<u64>,
}

impl CustomerReader {
    /// Prepares for a file whose columns are mapped.
    pub fn try_new(columns: Columns, settings: Settings) -> Result<Self, HeaderError> {
        let identified = ["customer", "email", "phone"].iter().any(|field| columns.index(field).is_some());
        if !identified && settings.number_rows.is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column identifies the customers: none holds the field customer, email or phone",
                advice: "name it with --map COLUMN=customer, or number the lines with --number-rows PREFIX",
            });
        }
        Ok(Self { columns, settings, hasher: RandomState::new(), seen: HashSet::new() })
    }

    fn parse(&self, record: &Record) -> Result<CustomerRow, String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let text = |field| self.columns.value(field, &record.fields).map(str::trim);
        let owned = |field| text(field).map(str::to_owned);
        let address = |kind, field| {
            text(field).map(|address| AddressInput { kind, address: address.to_owned(), label: None, primary: false })
        };
        let addresses: Vec<_> = [address(AddressKind::Email, "email"), address(AddressKind::Phone, "phone")]
            .into_iter()
            .flatten()
            .collect();
        let numbered = || self.settings.number_rows.as_ref().map(|prefix| format!("{prefix}-{}", record.line));
        let external_id = text("customer").and_then(external_id).map(str::to_owned).or_else(numbered);
        if external_id.is_none() && addresses.is_empty() {
            return Err("the line has neither a customer id nor an address".to_owned());
        }
        let profile = ProfileInput {
            name: owned("name").or_else(|| joined(text("first_name"), text("last_name"))),
            external_id,
            territory: owned("territory"),
            account_type: owned("account_type"),
            priority: owned("priority"),
            owner: owned("owner"),
            lead_score: text("lead_score")
                .map(|score| in_field("lead_score", decimal(score, 0, self.settings.decimal_mark)))
                .transpose()?,
            industry: owned("industry"),
            locale: owned("locale"),
            time_zone: owned("time_zone"),
            tags: text("tags").map_or_else(Vec::new, tags),
            attributes: self
                .columns
                .attributes(&record.fields)
                .map(|(name, value)| (name.to_owned(), value.trim().into()))
                .collect(),
        };
        let mut consents = Vec::new();
        for (field, channel) in CONSENTS {
            if let Some(word) = text(field) {
                consents.push(ConsentRow { channel, topic: "all".to_owned(), state: in_field(field, consent(word))? });
            }
        }
        Ok(CustomerRow { line: record.line, profile, addresses, consents })
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
        Ok(match self.parse(&record) {
            Ok(row) if self.says_something_new(&row) => Some(Parsed::Row(row, vec![record.into()])),
            Ok(_) => None,
            Err(reason) => Some(Parsed::Refused(vec![RefusedLine { raw: record.into(), reason }])),
        })
    }
}

fn joined(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = first.into_iter().chain(last).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn tags(text: &str) -> Vec<String> {
    text.split([';', ',']).map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn consent(word: &str) -> Result<ConsentState, String> {
    match word.to_lowercase().as_str() {
        "opted_in" | "yes" | "y" | "true" | "1" | "subscribed" => Ok(ConsentState::OptedIn),
        "opted_out" | "no" | "n" | "false" | "0" | "unsubscribed" => Ok(ConsentState::OptedOut),
        "pending" => Ok(ConsentState::Pending),
        _ => Err("must be opted_in, opted_out or pending (or yes, no)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::event::ImportKind;
    use crate::files::records::{Dialect, Encoding, Records};
    use crate::files::values::{DecimalMark, TimeReader};

    fn read(text: &str, number_rows: Option<&str>) -> Result<Vec<Parsed<CustomerRow>>, String> {
        let mut records = Records::new(text.as_bytes(), Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
        let header = records.read().unwrap().unwrap();
        let columns = Columns::map(ImportKind::Customers, &header.fields, &[]).map_err(|error| error.to_string())?;
        let settings = Settings {
            times: TimeReader { zone: chrono_tz::UTC, format: None },
            decimal_mark: DecimalMark::Point,
            currency: None,
            channel: None,
            anonymous: false,
            number_rows: number_rows.map(str::to_owned),
        };
        let mut reader = CustomerReader::try_new(columns, settings).map_err(|error| error.to_string())?;
        let records = std::iter::from_fn(|| records.read().unwrap());
        Ok(records.filter_map(|record| reader.push(record).unwrap()).collect())
    }

    fn rows(parsed: &[Parsed<CustomerRow>]) -> Vec<&CustomerRow> {
        parsed.iter().filter_map(|p| if let Parsed::Row(row, _) = p { Some(row) } else { None }).collect()
    }

    fn reason(parsed: &Parsed<CustomerRow>) -> &str {
        match parsed {
            Parsed::Row(row, _) => panic!("not refused: {row:?}"),
            Parsed::Refused(lines) => &lines[0].reason,
        }
    }

    #[test]
    fn a_line_becomes_profile_addresses_and_consent() {
        let text = "id_ignored,Customer ID,First name,Last name,E-mail,Mobile,Tags,Lead score,consent_sms\n\
                    x,7.0,Ada,Lovelace,ada@example.org,+44 20 7946 0958,\"vip; wine,\",12,no\n";
        let parsed = read(text, None).unwrap();
        let row = rows(&parsed)[0];
        assert_eq!(row.profile.external_id.as_deref(), Some("7"));
        assert_eq!(row.profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(row.profile.tags, ["vip", "wine"]);
        assert_eq!(row.profile.lead_score, Some(12));
        assert_eq!(row.profile.attributes["id_ignored"], "x");
        assert_eq!(row.addresses.len(), 2);
        assert_eq!(row.consents[0].state, ConsentState::OptedOut);
    }

    #[test]
    fn lines_that_repeat_a_customer_are_handed_on_once() {
        let parsed = read("customer,country\n1,UK\n1,UK\n1,France\n,UK\n", None).unwrap();
        assert_eq!(rows(&parsed).len(), 2);
        assert_eq!(reason(&parsed[2]), "the line has neither a customer id nor an address");
    }

    #[test]
    fn bad_values_are_refused_with_their_field() {
        let parsed = read("customer,lead_score,consent_email\n1,high,\n2,,maybe\n", None).unwrap();
        assert!(reason(&parsed[0]).starts_with("lead_score is not a decimal"));
        assert!(reason(&parsed[1]).starts_with("consent_email must be"));
    }

    #[test]
    fn a_file_without_any_id_can_be_numbered() {
        assert!(read("recency,history\n10,142.44\n", None).unwrap_err().contains("--number-rows"));
        let parsed = read("recency,history\n10,142.44\n10,142.44\n", Some("h")).unwrap();
        let ids: Vec<_> = rows(&parsed).iter().map(|row| row.profile.external_id.clone().unwrap()).collect();
        assert_eq!(ids, ["h-2", "h-3"]);
    }
}
