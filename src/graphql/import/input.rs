//! What is said about a file that is imported.

use async_graphql::{Enum, ID, InputObject, Result};
use uuid::Uuid;

use crate::domain::import::decide::{ConsentRow, CustomerOptions};
use crate::domain::refusal::Refusal;
use crate::domain::value::{Currency, place};
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::words::{Channel, ConsentState, ImportKind};
use crate::imports::Plan;

/// How bytes become text.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::imports::Encoding")]
pub enum FileEncoding {
    /// UTF-8; a line that is not is read as Windows-1252.
    Auto,
    /// UTF-8; a line that is not is refused.
    Utf8,
    /// Windows-1252, which holds all of Latin-1's letters.
    Windows1252,
}

/// What separates decimals.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::imports::DecimalMark")]
pub enum DecimalMark {
    /// 1234.56
    Point,
    /// 1234,56
    Comma,
}

/// What happens when a customer already has a value. An opt-out is never overwritten.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::import::decide::Collision")]
pub enum CollisionRule {
    /// It stays.
    Never,
    /// It stays, unless it is empty.
    IfBlank,
    /// The file's value takes its place.
    Overwrite,
}

/// A column that is read as something.
#[derive(InputObject, Debug)]
pub struct ColumnMappingInput {
    /// The column's name.
    pub column: String,
    /// A field of `importFields`, `attribute.NAME` for a free attribute, or `ignore`.
    pub field: String,
}

/// What everybody in a file said.
#[derive(InputObject, Debug)]
pub struct FileConsentInput {
    /// On which channel.
    pub channel: Channel,
    /// What.
    pub state: ConsentState,
}

/// What happens to one field that a customer already has.
#[derive(InputObject, Debug)]
pub struct CollisionInput {
    /// The field; left out: all fields without a rule of their own.
    pub field: Option<String>,
    /// What happens.
    pub rule: CollisionRule,
}

/// A file, and how it is read. What is left out, the file shows, or the tenant's policy.
#[derive(InputObject, Debug)]
pub struct ImportInput {
    /// The file's id, as `POST /import-files` returned it.
    pub file_id: ID,
    /// What the file holds: customers, orders or messages.
    pub kind: ImportKind,
    /// The system that exported it, as `commlog import` names it; `none`: the columns are read by their names alone.
    pub from: Option<String>,
    /// Columns that are read as something else than their names say.
    #[graphql(default)]
    pub mappings: Vec<ColumnMappingInput>,
    /// What everybody in the file said.
    #[graphql(default)]
    pub consents: Vec<FileConsentInput>,
    /// The country of phone numbers that name none (ISO 3166, two letters).
    pub region: Option<String>,
    /// The currency of prices that have none (ISO 4217).
    pub currency: Option<String>,
    /// The zone of times that name none (IANA); left out: UTC.
    pub time_zone: Option<String>,
    /// The format of times that are not ISO 8601, in strftime notation: `%d/%m/%Y %H:%M`.
    pub time_format: Option<String>,
    /// What separates decimals.
    pub decimal: Option<DecimalMark>,
    /// How bytes become text.
    #[graphql(default_with = "FileEncoding::Auto")]
    pub encoding: FileEncoding,
    /// The channel of messages that name none.
    pub channel: Option<Channel>,
    /// What happens when a customer already has a value; left out: it stays unless it is empty.
    #[graphql(default)]
    pub collisions: Vec<CollisionInput>,
    /// Whether rows without a customer go to the tenant's anonymous placeholder; otherwise they are refused.
    #[graphql(default)]
    pub anonymous: bool,
    /// Numbers customers or orders that have no id: this, and the number of the line.
    pub number_rows: Option<String>,
}

impl ImportInput {
    /// The file's id, and the plan; or the refusal of a value.
    pub fn plan(self) -> Result<std::result::Result<(Uuid, Plan), Refusal>> {
        let file_id = self.file_id.parse().map_err(|_| bad_argument("fileId", "is not an id of a file"))?;
        Ok(self.planned().map(|plan| (file_id, plan)))
    }

    fn planned(self) -> std::result::Result<Plan, Refusal> {
        let mut customers = CustomerOptions::default();
        for CollisionInput { field, rule } in self.collisions {
            match field {
                None => customers.collision = rule.into(),
                Some(field) => drop(customers.by_field.insert(field, rule.into())),
            }
        }
        let currency = self.currency.map(|code| code.parse::<Currency>());
        let currency = currency.transpose().map_err(|error| Refusal::of_value("currency", &error))?;
        let region = self.region.map(|code| place::region(&code)).transpose();
        let time_zone = self.time_zone.map(|name| place::time_zone(&name)).transpose();
        let consents = self.consents.into_iter().map(|said| ConsentRow {
            channel: said.channel.into(),
            topic: "all".to_owned(),
            state: said.state.into(),
            said_at: None,
        });
        Ok(Plan {
            mappings: self
                .mappings
                .into_iter()
                .map(|own| crate::imports::Mapping { column: own.column, field: own.field })
                .collect(),
            from: self.from,
            consents: consents.collect(),
            region: region.map_err(|error| Refusal::invalid("region", error))?,
            currency,
            time_zone: time_zone.map_err(|error| Refusal::invalid("time_zone", error))?,
            time_format: self.time_format,
            decimal: self.decimal.map(Into::into),
            encoding: self.encoding.into(),
            channel: self.channel.map(Into::into),
            customers,
            anonymous: self.anonymous,
            number_rows: self.number_rows,
            ..Plan::of(self.kind.into())
        })
    }
}
