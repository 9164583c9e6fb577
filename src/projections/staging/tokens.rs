//! Search tokens of names, external ids and addresses.

use crate::domain::search::{FROM_END, MIDDLE, SHORTEST_PART, digits_from_end, fold};

/// More words than this of one field are not found by search: a bound on what one event can cost.
const MOST: usize = 64;

/// The middle of a word is found from one of its first letters on.
const MOST_MIDDLES: usize = 12;

/// The tokens of a text: its folded words, each once.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in crate::domain::search::words(&fold(text)) {
        if words.len() < MOST && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// The tokens of a name: its words, and what they end with, so that they are found by their middle too.
pub fn name(text: &str) -> Vec<String> {
    let mut tokens = words(text);
    let whole = tokens.len();
    for index in 0..whole {
        let word = tokens[index].clone();
        let length = word.chars().count();
        for (number, (at, _)) in word.char_indices().enumerate().skip(1).take(MOST_MIDDLES) {
            if length - number < SHORTEST_PART || tokens.len() >= 2 * MOST {
                break;
            }
            let token = format!("{MIDDLE}{}", &word[at..]);
            if !tokens[whole..].contains(&token) {
                tokens.push(token);
            }
        }
    }
    tokens
}

/// The tokens of an address: itself; of a mailbox its words and its domain after `@`; of a phone number its digits from
/// the end.
pub fn address(text: &str) -> Vec<String> {
    let whole = fold(text.trim());
    let mut tokens = Vec::new();
    if let Some((_, domain)) = whole.split_once('@') {
        tokens = words(&whole);
        tokens.push(format!("@{domain}"));
    } else if whole.starts_with('+') {
        tokens.push(format!("{FROM_END}{}", digits_from_end(&whole)));
    }
    tokens.push(whole);
    tokens.retain(|token| !token.is_empty());
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_accents_and_addresses_stay_whole_too() {
        assert_eq!(words("José  O'Neil, JOSÉ"), ["jose", "o", "neil"]);
        assert_eq!(
            address("Ann.Lee@Example.com"),
            ["@example.com", "ann", "ann.lee@example.com", "com", "example", "lee"]
        );
        assert_eq!(address("+447911123456"), ["+447911123456", "~654321119744"]);
    }

    #[test]
    fn the_middle_of_a_name_has_tokens_where_four_letters_are_left() {
        assert_eq!(name("Eva Svoboda"), ["eva", "svoboda", "*voboda", "*oboda", "*boda"]);
        assert_eq!(name("Łukaszów"), ["lukaszow", "*ukaszow", "*kaszow", "*aszow", "*szow"]);
        assert!(name(&"abcdefghijklmnopqrstuvwxyz ".repeat(9)).len() < 20);
    }
}
