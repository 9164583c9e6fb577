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

/// The first text, in the order of bytes, after every text that begins with `prefix`.
pub(super) fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_addresses_stay_whole() {
        assert_eq!(words("  José O'Neil ann@Example.com +4479"), ["jose", "o", "neil", "ann@example.com", "+4479"]);
        assert_eq!(words(" -- "), Vec::<String>::new());
    }
}
