//! Criteria out of JSON, with the path of a mistake.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Amount, Criterion, DEEPEST};
use crate::domain::refusal::Refusal;
use crate::domain::value::money;
use crate::ids::{CampaignId, ListId};

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&money::decimal(self.0.into(), 2))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(D::Error::custom("must be an amount in units, such as 1000 or \"99.50\"")),
        };
        money::parse_micros(&text).map(Self).map_err(|invalid| D::Error::custom(invalid.reason))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_zero(days: &u32) -> bool {
    *days == 0
}

/// A word of ours in any case: `OPTED_IN` as in GraphQL, `opted_in` as everywhere else.
pub(super) fn word<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err = crate::domain::value::InvalidValue>,
{
    let text = String::deserialize(deserializer)?;
    text.to_lowercase().parse().map_err(|invalid: T::Err| D::Error::custom(invalid.reason))
}

pub(super) fn optional_word<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err = crate::domain::value::InvalidValue>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| text.to_lowercase().parse().map_err(|invalid: T::Err| D::Error::custom(invalid.reason));
    text.map(read).transpose()
}

/// Absent and null are the same as none.
pub(super) fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list's id, bare or as the API writes it.
pub(super) fn list_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ListId, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bare = text.strip_prefix("List:").unwrap_or(&text);
    bare.parse().map_err(|_| D::Error::custom("must be the id of a list"))
}

/// A campaign's id, bare or as the API writes it.
pub(super) fn campaign_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CampaignId>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let bare = text.strip_prefix("Campaign:").unwrap_or(&text);
    bare.parse().map(Some).map_err(|_| D::Error::custom("must be the id of a campaign"))
}

/// Reads criteria.
///
/// # Errors
/// `INVALID_INPUT`; its field is the path to the mistake, such as `criteria.all[1].leadScore.min`.
pub fn read(criteria: &Value) -> Result<Criterion, Refusal> {
    if is_deeper(criteria, DEEPEST * 2 + 6) {
        return Err(Refusal::invalid("criteria", format!("are nested deeper than {DEEPEST} times")));
    }
    let read: Result<Criterion, _> = serde_path_to_error::deserialize(&without_nulls(criteria));
    let criterion = read.map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => "criteria".to_owned(),
            path => format!("criteria.{path}"),
        };
        Refusal::invalid(path, error.inner().to_string())
    })?;
    criterion.check()?;
    Ok(criterion)
}

/// Null is as if it were not there.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_nulls).collect(),
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        value => value.clone(),
    }
}

/// Whether a value is nested deeper than so many times; looks no deeper.
fn is_deeper(value: &Value, than: usize) -> bool {
    let Some(than) = than.checked_sub(1) else { return true };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper(value, than)),
        Value::Object(fields) => fields.values().any(|value| is_deeper(value, than)),
        _ => false,
    }
}
