//! How text that people search for becomes beginnings of tokens.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The words to look for, normalised as the tokens are: decomposed, without accents, lower-case, split at everything
/// that is no letter or digit. A whole mailbox or phone number stays one word.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .flat_map(|word| {
            let folded: String =
                word.nfkd().filter(|&letter| !is_combining_mark(letter)).flat_map(char::to_lowercase).collect();
            if folded.contains('@') || folded.starts_with('+') {
                vec![folded]
            } else {
                folded.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect()
            }
        })
        .filter(|word| !word.is_empty())
        .collect()
}

/// How many words a text is searched for by; at most one more than is allowed.
#[must_use]
pub fn count_words(text: &str) -> usize {
    if text.len() > 4 * LONGEST { MOST_WORDS + 1 } else { words(text).len().min(MOST_WORDS + 1) }
}

/// The longest text to search for, in characters, and its most words: each is a query within the query.
const LONGEST: usize = 300;
const MOST_WORDS: usize = 12;

/// Says what is wrong with a text that is too long to be searched for.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > LONGEST && text.chars().count() > LONGEST {
        return Err(format!("must have at most {LONGEST} characters"));
    }
    let count = words(text).len();
    if count > MOST_WORDS { Err(format!("has {count} words; at most {MOST_WORDS} are allowed")) } else { Ok(()) }
}

/// The first text, in the order of bytes, after every text that begins with `prefix`.
pub(super) fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_a_few_words() {
        assert_eq!(check("ann example +4479 ann@example.com"), Ok(()));
        assert_eq!(check(&"org ".repeat(13)), Err("has 13 words; at most 12 are allowed".to_owned()));
        assert_eq!(check(&"x".repeat(301)), Err("must have at most 300 characters".to_owned()));
    }

    #[test]
    fn words_are_folded_and_addresses_stay_whole() {
        assert_eq!(words("  José O'Neil ann@Example.com +4479"), ["jose", "o", "neil", "ann@example.com", "+4479"]);
        assert_eq!(words(" -- "), Vec::<String>::new());
    }
}
