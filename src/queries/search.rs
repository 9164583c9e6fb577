//! How text that people search for becomes beginnings of tokens.

use crate::domain::search::{self, FROM_END, MIDDLE, SHORTEST_PART, digits_from_end, fold};

/// A part of what is searched for: of one of these groups, every token must begin so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term(pub Vec<Vec<String>>);

/// The terms to look for, folded as the tokens are. A mailbox stays one word, digits that stand together are a phone number
/// as well as words, in whatever way they are grouped.
///
/// `calling_code` is that of numbers that are begun as inside a country: `49` reads `0171 12` as `+4917112` too.
pub(super) fn terms(text: &str, calling_code: Option<&str>) -> Vec<Term> {
    let folded = fold(text);
    let mut terms = Vec::new();
    let mut number: Vec<&str> = Vec::new();
    for piece in folded.split_whitespace() {
        if is_of_number(piece) {
            number.push(piece);
            continue;
        }
        terms.extend(number_term(&std::mem::take(&mut number), calling_code));
        if piece.contains('@') {
            terms.extend((piece != "@").then(|| Term(vec![vec![piece.to_owned()]])));
        } else {
            terms.extend(search::words(piece).map(word_term));
        }
    }
    terms.extend(number_term(&number, calling_code));
    terms
}

/// Whether a piece may be a part of a phone number, as people group them.
fn is_of_number(piece: &str) -> bool {
    piece.chars().all(|letter| letter.is_ascii_digit() || "+-()./".contains(letter))
}

/// The beginning of a word, or what stands inside of one.
fn word_term(word: &str) -> Term {
    let mut groups = vec![vec![word.to_owned()]];
    if word.chars().count() >= SHORTEST_PART {
        groups.push(vec![format!("{MIDDLE}{word}")]);
    }
    Term(groups)
}

/// A phone number: from its beginning with the country, or its last digits, with or without the zero that is dialled inside a
/// country. The same digits may be words, of an external id.
fn number_term(pieces: &[&str], calling_code: Option<&str>) -> Option<Term> {
    let text = pieces.concat().replace("(0)", "");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return None;
    }
    if text.starts_with('+') {
        return Some(Term(vec![vec![format!("+{digits}")]]));
    }
    let mut groups: Vec<Vec<String>> =
        vec![pieces.iter().flat_map(|piece| search::words(piece)).map(str::to_owned).collect()];
    if digits.len() >= SHORTEST_PART {
        groups.push(vec![format!("{FROM_END}{}", digits_from_end(&digits))]);
        let national = digits.trim_start_matches('0');
        if national.len() < digits.len() && national.len() >= SHORTEST_PART {
            groups.push(vec![format!("{FROM_END}{}", digits_from_end(national))]);
        }
        if let Some(code) = calling_code
            && !digits.starts_with("00")
        {
            // Italian numbers keep their zero abroad.
            groups.push(vec![format!("+{code}{digits}")]);
            if digits.starts_with('0') && !national.is_empty() {
                groups.push(vec![format!("+{code}{national}")]);
            }
        }
        // Abroad is dialled as 00, in North America as 011.
        let international = digits.strip_prefix("00").or_else(|| digits.strip_prefix("011")).unwrap_or(&digits);
        if !international.starts_with('0') && international.len() >= SHORTEST_PART {
            groups.push(vec![format!("+{international}")]);
        }
    }
    Some(Term(groups))
}

fn count(text: &str) -> usize {
    fold(text).split_whitespace().map(|piece| if piece.contains('@') { 1 } else { search::words(piece).count() }).sum()
}

/// How many words a text is searched for by; at most one more than is allowed.
#[must_use]
pub fn count_words(text: &str) -> usize {
    if text.len() > 4 * LONGEST { MOST_WORDS + 1 } else { count(text).min(MOST_WORDS + 1) }
}

/// The longest text to search for, in characters, and its most words: each is a query within the query.
const LONGEST: usize = 300;
const MOST_WORDS: usize = 12;

/// Says what is wrong with a text that is too long to be searched for.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > LONGEST && text.chars().count() > LONGEST {
        return Err(format!("must have at most {LONGEST} characters"));
    }
    let count = count(text);
    if count > MOST_WORDS { Err(format!("has {count} words; at most {MOST_WORDS} are allowed")) } else { Ok(()) }
}

/// The first text, in the order of bytes, after every text that begins with `prefix`.
pub(super) fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups as text: `a b | c` is a and b, or c.
    fn read(text: &str) -> Vec<String> {
        let read = |term: &Term| term.0.iter().map(|group| group.join(" ")).collect::<Vec<_>>().join(" | ");
        terms(text, None).iter().map(read).collect()
    }

    #[test]
    fn a_number_begun_as_inside_the_country_is_found_while_it_is_typed() {
        let read = |text: &str| terms(text, Some("49")).into_iter().flat_map(|term| term.0).collect::<Vec<_>>();
        let has = |text: &str, prefix: &str| read(text).contains(&vec![prefix.to_owned()]);
        assert!(has("0171 12", "+4917112") && has("171 12", "+4917112") && has("(0171) 1-2", "+4917112"));
        assert!(!has("0049 171", "+490049171") && has("0049 171", "+49171"));
        assert!(!has("017", "+4917"), "three digits are too many people's");
    }

    #[test]
    fn a_search_has_a_few_words() {
        assert_eq!(check("ann example +4479 ann@example.com"), Ok(()));
        assert_eq!(check(&"org ".repeat(13)), Err("has 13 words; at most 12 are allowed".to_owned()));
        assert_eq!(check(&"x".repeat(301)), Err("must have at most 300 characters".to_owned()));
    }

    #[test]
    fn words_are_folded_and_addresses_stay_whole() {
        assert_eq!(
            read("  José O'Neil ann@Example.com +4479"),
            ["jose | *jose", "o", "neil | *neil", "ann@example.com", "+4479"]
        );
        assert_eq!(read("@Example.com ł"), ["@example.com", "l"]);
        assert_eq!(read(" -- @ ()"), Vec::<String>::new());
    }

    #[test]
    fn a_number_is_read_however_it_is_grouped() {
        assert_eq!(read("+44 (0)20 7946-0033"), ["+442079460033"]);
        assert_eq!(read("020 7946 0033"), ["020 7946 0033 | ~33006497020 | ~3300649702"]);
        assert_eq!(read("0044 20 7946"), ["0044 20 7946 | ~6497024400 | ~64970244 | +44207946"]);
        assert_eq!(read("ann 0033"), ["ann", "0033 | ~3300"]);
        assert_eq!(read("inv-2024 12"), ["inv", "2024 | *2024", "12"]);
    }
}
