//! What staging reads out of payloads, and how it cleans them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::domain::activity::event::ActivityRecorded;
use crate::domain::customer::event::{CustomerEvent, CustomerForgotten};
use crate::domain::event::Event;
use crate::domain::search::sort_key;
use crate::domain::tenant::event::{ParkedEventSkipped, UserForgotten};

/// The ids and words that many read models need as columns of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Keys<'a> {
    pub customer_id: Option<Uuid>,
    pub message_id: Option<Uuid>,
    pub campaign_id: Option<Uuid>,
    pub conversation_id: Option<Uuid>,
    pub activity_id: Option<Uuid>,
    pub address_id: Option<Uuid>,
    pub note_id: Option<Uuid>,
    pub import_id: Option<Uuid>,
    pub key_id: Option<Uuid>,
    #[serde(borrow)]
    pub channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub variant: Option<Cow<'a, str>>,
    pub in_reply_to: Option<Uuid>,
    #[serde(borrow)]
    pub class: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub provider: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub account: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub domain: Option<Cow<'a, str>>,
}

/// A line of an order or invoice.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    pub sku: String,
    pub description: Option<String>,
    pub quantity_milli: i64,
    pub unit_price_micros: i64,
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Addresses {
    addresses: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Subject {
    subject_id: Uuid,
}

/// The texts that events declare as searchable.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Searched<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    external_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    address: Option<Cow<'a, str>>,
}

/// Which operator's decision a `ParkedEventSkipped` is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Skip {
    pub projection: String,
    pub event_id: Uuid,
}

/// What an event brings beside its columns.
#[derive(Debug, Default)]
pub struct Extra {
    pub lines: Vec<Line>,
    pub tokens: Vec<(&'static str, String)>,
    /// Beside the stream's own: whose keys are destroyed. Of `CustomerForgotten` addresses, of `UserForgotten` the user.
    pub erased: Vec<Uuid>,
    pub skip: Option<Skip>,
}

/// Reads what only some types have.
pub fn extra(event_type: &str, data: &str, personal: Option<&str>) -> Result<Extra, serde_json::Error> {
    let mut extra = Extra::default();
    match event_type {
        ActivityRecorded::TYPE => extra.lines = serde_json::from_str::<Lines>(data)?.lines,
        CustomerForgotten::TYPE => extra.erased = serde_json::from_str::<Addresses>(data)?.addresses,
        UserForgotten::TYPE => extra.erased = vec![serde_json::from_str::<Subject>(data)?.subject_id],
        ParkedEventSkipped::TYPE => extra.skip = Some(serde_json::from_str(data)?),
        _ => {}
    }
    let Some(personal) = personal else { return Ok(extra) };
    let searchable = CustomerEvent::searchable(event_type);
    if searchable.is_empty() {
        serde_json::from_str::<IgnoredAny>(personal)?;
        return Ok(extra);
    }
    let texts: Searched<'_> = serde_json::from_str(personal)?;
    for &field in searchable {
        let tokens = match field {
            "name" => {
                extra.tokens.push(("sort_name", sort_key(texts.name.as_deref())));
                texts.name.as_deref().map(super::tokens::name)
            }
            "external_id" => texts.external_id.as_deref().map(super::tokens::words),
            "address" => texts.address.as_deref().map(super::tokens::address),
            _ => return Err(serde::de::Error::custom(format_args!("{field} cannot be searched"))),
        };
        extra.tokens.extend(tokens.into_iter().flatten().map(|token| (field, token)));
    }
    Ok(extra)
}

/// JSON text without `\u0000`, which PostgreSQL cannot hold: it becomes U+FFFD.
pub fn clean_json(bytes: &[u8]) -> Result<String, std::str::Utf8Error> {
    let text = std::str::from_utf8(bytes)?;
    if !text.contains("\\u0000") {
        return Ok(text.to_owned());
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        cleaned.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\u0000") {
            cleaned.push('\u{FFFD}');
            rest = after;
        } else {
            // An escape of two characters is taken whole, so that the second backslash of `\\u0000` starts nothing.
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            cleaned.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    cleaned.push_str(rest);
    Ok(cleaned)
}

/// Text without NUL.
pub fn clean_text(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::event::{CustomerRegistered, NoteAdded};
    use crate::domain::import::event::ImportCompleted;

    #[test]
    fn nul_escapes_are_replaced_and_nothing_else() {
        let cleaned = clean_json(br#"{"a":"x\u0000y","b":"\\u0000","c":"\\\u0000\n"}"#).unwrap();
        assert_eq!(cleaned, "{\"a\":\"x\u{FFFD}y\",\"b\":\"\\\\u0000\",\"c\":\"\\\\\u{FFFD}\\n\"}");
    }

    #[test]
    fn every_field_that_an_event_declares_as_searchable_can_be_read() {
        let declared = CustomerEvent::TYPES.iter().filter(|(name, _)| !CustomerEvent::searchable(name).is_empty());
        for (name, _) in declared {
            assert!(extra(name, r#"{"lines":[],"addresses":[]}"#, Some("{}")).is_ok(), "{name}");
        }
    }

    #[test]
    fn tokens_and_lines_are_read_from_the_types_that_have_them() {
        let order = r#"{"lines":[{"sku":"A","description":null,"quantity_milli":1000,"unit_price_micros":5}]}"#;
        assert_eq!(extra(ActivityRecorded::TYPE, order, None).unwrap().lines[0].sku, "A");
        let tokens =
            extra(CustomerRegistered::TYPE, "{}", Some(r#"{"name":"Ann Lee","external_id":null}"#)).unwrap().tokens;
        assert_eq!(
            tokens,
            [("sort_name", "ann lee".to_owned()), ("name", "ann".to_owned()), ("name", "lee".to_owned())]
        );
        assert!(extra(ImportCompleted::TYPE, r#"{"lines":3}"#, None).unwrap().lines.is_empty());
        assert!(extra(NoteAdded::TYPE, "{}", Some("{")).is_err());
    }
}
