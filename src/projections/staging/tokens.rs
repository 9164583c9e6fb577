//! Search tokens of names, external ids and addresses.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// More words than this of one field are not found by search: a bound on what one event can cost.
const MOST: usize = 64;

/// The tokens of a text: decomposed, without accents, lower-case, split at everything that is no letter or digit, each
/// once.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in fold(text).split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if words.len() < MOST && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// The tokens of an address: itself, and for a mailbox the parts of its local part and its domain.
pub fn address(text: &str) -> Vec<String> {
    let whole = fold(text.trim());
    let mut tokens = if whole.contains('@') { words(&whole) } else { Vec::new() };
    if let Some((local, domain)) = whole.split_once('@') {
        tokens.extend([local.to_owned(), domain.to_owned()]);
    }
    tokens.push(whole);
    tokens.retain(|token| !token.is_empty());
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|&letter| !is_combining_mark(letter)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_accents_and_addresses_stay_whole_too() {
        assert_eq!(words("José  O'Neil, JOSÉ"), ["jose", "o", "neil"]);
        assert_eq!(
            address("Ann.Lee@Example.com"),
            ["ann", "ann.lee", "ann.lee@example.com", "com", "example", "example.com", "lee"]
        );
        assert_eq!(address("+447911123456"), ["+447911123456"]);
    }
}
