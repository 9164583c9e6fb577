//! Values out of text: ids as spreadsheets write them, tags, countries.

use serde_json::Value;

use crate::files::fields::plain;

/// An id as a file writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id<'t> {
    /// The cell is blank, or holds the word of a program for nothing.
    Blank,
    /// The id, without the `.0` that spreadsheets and data frames add to whole numbers.
    Given(&'t str),
    /// A spreadsheet wrote it with an exponent: its last digits are lost, and several ids look alike.
    Rounded,
}

/// Why an id with an exponent is refused.
pub const ROUNDED: &str = "was rounded by a spreadsheet (it has an exponent, so its last digits are lost); format the \
                           column as text there and export it again";

impl<'t> Id<'t> {
    /// Reads an id.
    #[must_use]
    pub fn read(text: &'t str) -> Self {
        let text = text.trim();
        if text.is_empty() || is_nothing(text) || matches!(text, "-" | "NA" | "none" | "Null" | "NAN") {
            return Self::Blank;
        }
        if has_exponent(text) {
            return Self::Rounded;
        }
        let whole = text
            .strip_suffix(".0")
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        Self::Given(whole.unwrap_or(text))
    }

    /// The id, if there is one; an error for one that was rounded.
    pub fn given(self) -> Result<Option<&'t str>, String> {
        match self {
            Self::Blank => Ok(None),
            Self::Given(id) => Ok(Some(id)),
            Self::Rounded => Err(ROUNDED.to_owned()),
        }
    }
}

/// True for numbers as spreadsheets write them when they round: `5.15123E+10`. `12E4`, which may be a code, is not one.
fn has_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let digits = exponent.strip_prefix(['-', '+']);
    let decimals = mantissa.split_once(['.', ',']);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = decimals.map_or(mantissa, |(whole, _)| whole);
    is_number(whole)
        && decimals.is_none_or(|(_, fraction)| is_number(fraction))
        && is_number(digits.unwrap_or(exponent))
        && (digits.is_some() || decimals.is_some())
}

/// The words that databases, spreadsheets and programs write for "no value", in their own spelling: `Null` and `Nan`
/// are names of people.
fn is_nothing(text: &str) -> bool {
    matches!(
        text,
        "NULL"
            | "null"
            | "\\N"
            | "#N/A"
            | "#REF!"
            | "#VALUE!"
            | "#NAME?"
            | "#DIV/0!"
            | "#NUM!"
            | "#NULL!"
            | "#SPILL!"
            | "nan"
            | "NaN"
            | "NaT"
            | "<NA>"
            | "None"
            | "undefined"
            | "nil"
            | "N/A"
            | "n/a"
            | "(null)"
            | "[null]"
    )
}

/// Text that is not blank, nor the word of a program for nothing; with its outer blanks as they are.
#[must_use]
pub fn filled(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    (!trimmed.is_empty() && !is_nothing(trimmed)).then_some(text)
}

/// Tags in the usual writings: `a, b`, `"a","b"`, `["a","b"]`, `{a,b}`, `a|b;c`, `a ::: b`. Separators inside quotes
/// belong to the tag.
#[must_use]
pub fn tags(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Ok(Value::Array(values)) = serde_json::from_str::<Value>(text) {
        return values.iter().filter_map(tag_of_json).collect();
    }
    let bare = [('[', ']'), ('{', '}')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .unwrap_or(text);
    let mut tags: Vec<String> = Vec::new();
    for part in bare.split(":::") {
        tags.extend(separated(part));
    }
    tags
}

fn tag_of_json(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => object.get("name").or_else(|| object.get("label")).and_then(tag_of_json),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// Splits at commas, semicolons and bars that do not stand between quotes.
fn separated(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quote: Option<char> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match quote {
            Some(open) if letter == open && letters.peek() == Some(&open) => part.extend(letters.next()),
            Some(open) if letter == open => quote = None,
            Some(_) => part.push(letter),
            None if matches!(letter, '"' | '\'') && part.trim().is_empty() => {
                part.clear();
                quote = Some(letter);
            }
            None if matches!(letter, ',' | ';' | '|') => parts.push(std::mem::take(&mut part)),
            None => part.push(letter),
        }
    }
    // A quote that is never closed is a letter, as in 'n Beetje.
    if let Some(open) = quote {
        let rest = std::mem::take(&mut part);
        parts.extend(format!("{open}{rest}").split([',', ';', '|']).map(str::to_owned));
    } else {
        parts.push(part);
    }
    parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The attributes in a cell that holds a JSON object, such as listmonk's column of that name.
#[must_use]
pub fn json_attributes(text: &str) -> Option<serde_json::Map<String, Value>> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(attributes)) => Some(attributes),
        _ => None,
    }
}

/// More bytes than the name of any country has.
const LONGEST_COUNTRY: usize = 200;

/// The code of a country that is given by its code of two or three letters, or its name.
#[must_use]
pub fn region(country: &str) -> Option<&'static str> {
    if country.len() > LONGEST_COUNTRY {
        return None;
    }
    let bare = plain(country);
    let own = match bare.as_str() {
        "uk" | "england" | "scotland" | "wales" | "northernireland" | "greatbritain" => "gb",
        "usa" | "us" | "unitedstates" | "unitedstatesofamerica" | "america" => "us",
        "deutschland" | "allemagne" | "alemania" => "de",
        "österreich" | "oesterreich" | "autriche" => "at",
        "schweiz" | "suisse" | "svizzera" => "ch",
        "españa" | "espana" | "espagne" => "es",
        "italia" | "italie" | "italien" => "it",
        "france" | "frankreich" => "fr",
        "nederland" | "holland" | "thenetherlands" => "nl",
        "brasil" => "br",
        "méxico" => "mx",
        "belgië" | "belgique" => "be",
        "sverige" => "se",
        "norge" => "no",
        "danmark" => "dk",
        "suomi" => "fi",
        "polska" => "pl",
        "czechia" | "česko" => "cz",
        "türkiye" => "tr",
        "vietnam" => "vn",
        "korea" | "southkorea" => "kr",
        "russia" => "ru",
        "taiwan" => "tw",
        other => other,
    };
    own.parse::<celes::Country>().ok().map(|country| country.alpha2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lose_the_decimals_of_data_frames_and_words_for_nothing() {
        assert_eq!(Id::read("17850.0"), Id::Given("17850"));
        assert_eq!(Id::read(" A-1.0 "), Id::Given("A-1.0"));
        assert_eq!(Id::read(".0"), Id::Given(".0"));
        for nothing in ["  ", "NULL", "\\N", "#N/A", "#REF!", "nan", "None", "undefined", "-"] {
            assert_eq!(Id::read(nothing), Id::Blank, "{nothing}");
        }
    }

    #[test]
    fn ids_that_a_spreadsheet_rounded_are_refused() {
        for rounded in ["5.15123E+10", "1.00023E+11", "5,12E+17", "1E+12", "5.15123e10"] {
            assert_eq!(Id::read(rounded), Id::Rounded, "{rounded}");
        }
        for code in ["12E4", "E10", "5E", "1.2.3E+4", "#1001", "SM5E+1"] {
            assert_eq!(Id::read(code), Id::Given(code), "{code}");
        }
    }

    #[test]
    fn people_may_be_called_null() {
        assert_eq!(filled("Null"), Some("Null"));
        assert_eq!(filled("Nan"), Some("Nan"));
        assert_eq!(filled("NULL"), None);
        assert_eq!(filled(" x "), Some(" x "));
    }

    #[test]
    fn tags_are_read_in_their_usual_writings() {
        for text in [
            "VIP, Trade",
            "\"VIP\",\"Trade\"",
            "[\"VIP\",\"Trade\"]",
            "{VIP,Trade}",
            "VIP|Trade",
            "VIP;Trade;",
            "['VIP', 'Trade']",
            "VIP ::: Trade",
            "{VIP,\"Trade\"}",
        ] {
            assert_eq!(tags(text), ["VIP", "Trade"], "{text}");
        }
        assert_eq!(tags("\"VIP\",\"Trade, wholesale\""), ["VIP", "Trade, wholesale"]);
        assert_eq!(tags("a|b;c"), ["a", "b", "c"]);
        assert_eq!(tags("rock 'n' roll, x"), ["rock 'n' roll", "x"]);
        assert_eq!(tags("\"open, b"), ["\"open", "b"]);
        assert_eq!(tags(""), [""; 0]);
    }

    #[test]
    fn countries_are_known_by_code_and_name() {
        for (text, code) in [
            ("GB", "GB"),
            ("gb", "GB"),
            ("UK", "GB"),
            ("DEU", "DE"),
            ("Deutschland", "DE"),
            ("Mexico", "MX"),
            ("United States", "US"),
            ("Österreich", "AT"),
            ("Venezuela", "VE"),
        ] {
            assert_eq!(region(text), Some(code), "{text}");
        }
        assert_eq!(region("Atlantis"), None);
    }
}
