//! Texts from outside: limits, and characters that no text may hold.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::refusal::Refusal;

/// The longest name, label, reference or word, in characters.
pub const SHORT: usize = 200;
/// The longest note, subject, reason or wording, in characters.
pub const LONG: usize = 10_000;
/// The longest body of a message, in characters.
pub const BODY: usize = 100_000;
/// The longest page of a mail, in characters.
pub const PAGE: usize = 400_000;
/// How many free attributes one record holds at most.
pub const MAX_ATTRIBUTES: usize = 100;
/// How large the free attributes of one record are at most, in bytes of JSON.
pub const MAX_ATTRIBUTES_BYTES: usize = 32 * 1024;
/// How deep lists and objects may nest in an attribute. Far below the 128 levels at which an event could not be decoded.
pub const MAX_ATTRIBUTE_DEPTH: usize = 16;

/// Checks a text that is kept exactly as it is.
pub fn exact(field: &str, text: String, max: usize) -> Result<String, Refusal> {
    if text.contains('\0') {
        return Err(Refusal::invalid(field, "must not contain the NUL character"));
    }
    // A text of no more bytes than `max` cannot have more characters.
    if text.len() > max {
        let characters = text.chars().count();
        if characters > max {
            return Err(Refusal::invalid(field, format!("has {characters} characters; at most {max} are allowed")));
        }
    }
    Ok(text)
}

/// Checks a text of which the white space around it does not matter; a blank one is absent.
pub fn optional(field: &str, text: Option<String>, max: usize) -> Result<Option<String>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    if trimmed.is_empty() && !text.contains('\0') {
        return Ok(None);
    }
    let text = if trimmed.len() == text.len() { text } else { trimmed.to_owned() };
    exact(field, text, max).map(Some)
}

/// Checks a text that must not be blank; white space around it does not matter.
pub fn required(field: &str, text: String, max: usize) -> Result<String, Refusal> {
    optional(field, Some(text), max)?.ok_or_else(|| Refusal::invalid(field, "must not be blank"))
}

/// Checks a word that rules and read models compare: not blank, no white space inside, lower case.
pub fn word(field: &str, text: &str) -> Result<String, Refusal> {
    let word = required(field, text.to_lowercase(), SHORT)?;
    if word.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Refusal::invalid(field, "must be one word without white space"));
    }
    Ok(word)
}

/// Sorts tags and drops repetitions and blanks.
pub fn tags(field: &str, tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    let mut clean = Vec::with_capacity(tags.len());
    for tag in tags {
        clean.extend(optional(field, Some(tag), SHORT)?);
    }
    clean.sort_unstable();
    clean.dedup();
    if clean.len() > MAX_ATTRIBUTES {
        return Err(Refusal::invalid(field, format!("has {} tags; at most {MAX_ATTRIBUTES} are allowed", clean.len())));
    }
    Ok(clean)
}

/// Checks free attributes: names, number, size, and no NUL anywhere. Null values are dropped.
pub fn attributes(field: &str, attributes: BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, Refusal> {
    if attributes.len() > MAX_ATTRIBUTES {
        let count = attributes.len();
        return Err(Refusal::invalid(field, format!("has {count} attributes; at most {MAX_ATTRIBUTES} are allowed")));
    }
    let mut clean = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in attributes {
        let name = required(field, name, SHORT)?;
        if !nests_within(&value, MAX_ATTRIBUTE_DEPTH) {
            let message = format!("nests deeper than {MAX_ATTRIBUTE_DEPTH} levels of lists and objects");
            return Err(Refusal::invalid(field, message));
        }
        if has_nul(&value) {
            return Err(Refusal::invalid(field, "must not contain the NUL character"));
        }
        if value.is_null() {
            continue;
        }
        bytes += name.len() + value.to_string().len() + 4;
        clean.insert(name, value);
    }
    if bytes > MAX_ATTRIBUTES_BYTES {
        let message = format!("takes {bytes} bytes of JSON; at most {MAX_ATTRIBUTES_BYTES} are allowed");
        return Err(Refusal::invalid(field, message));
    }
    Ok(clean)
}

fn nests_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(|value| nests_within(value, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|value| nests_within(value, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_character_is_refused_with_the_name_of_the_field() {
        let refusal = exact("body", "a\0b".to_owned(), BODY).unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("body"));
        assert_eq!(refusal.message, "body: must not contain the NUL character");
        assert!(optional("name", Some("\0".to_owned()), SHORT).is_err());
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(exact("name", "ü".repeat(200), SHORT).is_ok());
        let refusal = exact("name", "ü".repeat(201), SHORT).unwrap_err();
        assert_eq!(refusal.message, "name: has 201 characters; at most 200 are allowed");
    }

    #[test]
    fn a_blank_optional_text_is_absent_and_a_blank_required_one_is_refused() {
        assert_eq!(optional("name", Some("  ".to_owned()), SHORT), Ok(None));
        assert_eq!(optional("name", Some(" Ada ".to_owned()), SHORT), Ok(Some("Ada".to_owned())));
        assert!(required("name", " \t".to_owned(), SHORT).is_err());
    }

    #[test]
    fn tags_are_sorted_without_repetitions() {
        let given = ["b", " a ", "", "b"].map(str::to_owned).to_vec();
        assert_eq!(tags("tags", given), Ok(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn attributes_may_nest_but_hold_no_nul() {
        let nested = BTreeMap::from([("a".to_owned(), serde_json::json!({"b": ["x\0"]}))]);
        assert!(attributes("attributes", nested).is_err());
        let null = BTreeMap::from([("a".to_owned(), Value::Null)]);
        assert_eq!(attributes("attributes", null), Ok(BTreeMap::new()));
    }

    #[test]
    fn attributes_that_nest_deeper_than_an_event_can_be_decoded_are_refused() {
        let nested = |levels| {
            let value = (0..levels).fold(Value::Null, |value, _| serde_json::json!([value]));
            attributes("attributes", BTreeMap::from([("a".to_owned(), value)]))
        };
        assert!(nested(MAX_ATTRIBUTE_DEPTH).is_ok());
        let refusal = nested(MAX_ATTRIBUTE_DEPTH + 1).expect_err("too deep");
        assert!(refusal.message.contains("nests deeper than 16 levels"), "{}", refusal.message);
    }
}
