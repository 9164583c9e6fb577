//! Our token in Resend's tags, which come back with every event.
//!
//! A tag holds at most 256 letters, digits, `_` and `-`. Tokens are of these characters, and longer at times: the pieces go
//! into several tags.

use serde_json::{Value, json};

/// The first piece's tag; those that follow have a number.
const TAG: &str = "commlog_token";
/// The longest value of a tag.
const LONGEST: usize = 256;
/// How many pieces are read: no token that we made has more.
const MAX_PIECES: usize = 16;

fn name(number: usize) -> String {
    if number == 0 { TAG.to_owned() } else { format!("{TAG}_{}", number + 1) }
}

/// The tags of a message.
pub(super) fn of(token: &str) -> Vec<Value> {
    let pieces = token.as_bytes().chunks(LONGEST).map(String::from_utf8_lossy);
    pieces.enumerate().map(|(number, value)| json!({ "name": name(number), "value": value })).collect()
}

/// The token in tags, as events (an object) or the API (a list of names and values) have them.
pub(super) fn token_in(tags: &Value) -> Option<String> {
    let value = |name: &str| match tags {
        Value::Array(tags) => tags.iter().find(|tag| tag["name"] == name).and_then(|tag| tag["value"].as_str()),
        tags => tags[name].as_str(),
    };
    let pieces: Vec<_> = (0..MAX_PIECES).map_while(|number| value(&name(number))).collect();
    (!pieces.is_empty()).then(|| pieces.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_any_length_comes_back_as_it_went() {
        for length in [1, 231, 256, 257, 700, 4_096] {
            let token: String = "Az09-_".chars().cycle().take(length).collect();
            let sent = Value::Array(of(&token));
            for tag in sent.as_array().expect("a list") {
                let value = tag["value"].as_str().expect("a text");
                assert!(value.len() <= LONGEST && tag["name"].as_str().expect("a text").len() <= LONGEST);
            }
            assert_eq!(token_in(&sent).as_deref(), Some(token.as_str()));
            let pairs = sent.as_array().expect("a list").iter();
            let back: Value =
                pairs.map(|tag| (tag["name"].as_str().expect("a text").to_owned(), tag["value"].clone())).collect();
            assert_eq!(token_in(&back).as_deref(), Some(token.as_str()));
        }
    }

    #[test]
    fn tags_of_others_hold_no_token() {
        for tags in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "category": "news" }),
            json!("commlog_token"),
            json!({ "commlog_token": 1 }),
        ] {
            assert_eq!(token_in(&tags), None, "{tags}");
        }
    }
}
