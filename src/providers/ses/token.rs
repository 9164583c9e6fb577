//! Our token in the tags of a mail, which every event of a configuration set repeats.
//!
//! A tag's value has at most 256 characters of letters, digits, `_` and `-`: those of base64url. A token with long names in
//! it is longer, and goes on in further tags.

use serde_json::{Map, Value, json};

/// The first tag; further ones have a number behind it.
const TAG: &str = "commlog_token";
/// The longest value of a tag, in bytes.
const LONGEST: usize = 256;
/// How many tags are read: more than the longest token fills.
const MAX_TAGS: usize = 20;

/// The tags that carry a token.
pub(super) fn tags(token: &str) -> Vec<Value> {
    // A token of ours is ASCII; any other text is refused by SES, not cut in the middle of a letter here.
    let pieces = token.as_bytes().chunks(LONGEST).map(String::from_utf8_lossy);
    (1..).zip(pieces).map(|(number, piece)| json!({ "Name": name(number), "Value": piece })).collect()
}

/// The token in the tags of an event, which lists the values of each.
pub(super) fn in_tags(tags: &Map<String, Value>) -> Option<String> {
    let piece = |number: usize| tags.get(&name(number))?.get(0)?.as_str();
    let token: String = (1..=MAX_TAGS).map_while(piece).collect();
    (!token.is_empty() && token.len() <= MAX_TAGS * LONGEST).then_some(token)
}

fn name(number: usize) -> String {
    if number == 1 { TAG.to_owned() } else { format!("{TAG}_{number}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(token: &str) -> Map<String, Value> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        tags(token).iter().map(|tag| (text(&tag["Name"]), json!([text(&tag["Value"])]))).collect()
    }

    #[test]
    fn a_token_of_any_length_comes_back() {
        for length in [1, 240, 256, 257, 512, 4_096] {
            let token: String = "aZ09-_".chars().cycle().take(length).collect();
            let tags = echoed(&token);
            assert!(tags.values().all(|value| value[0].as_str().is_some_and(|value| value.len() <= 256)));
            assert_eq!((tags.len(), in_tags(&tags)), (length.div_ceil(256), Some(token)));
        }
    }

    #[test]
    fn other_tags_are_no_token() {
        let tags = json!({ "ses:configuration-set": ["news"], "commlog_token_2": ["half"], "commlog_token": [] });
        assert_eq!(in_tags(tags.as_object().expect("an object")), None);
    }
}
