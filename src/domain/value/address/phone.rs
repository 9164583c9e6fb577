//! Phone numbers, by the data of libphonenumber. A number that has a length of its country's plan is taken, valid or not:
//! plans change faster than the data about them.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

use super::{region, visible};
use crate::domain::value::{InvalidValue, place};

/// The longest text of a number, in bytes.
const LONGEST: usize = 80;
/// A number in E.164 without its plus has at most so many digits.
const MOST_DIGITS: usize = 15;
/// Texts of up to so many digits are short codes, where they come from a sender.
const SHORT_CODE: usize = 6;
/// Schemes that programs write before a number.
const SCHEMES: &[&str] = &["tel:", "whatsapp:", "sms:", "smsto:", "callto:", "viber:", "mms:", "fax:"];

/// The spelling and the identity of a phone number.
pub(super) fn parse(text: &str, default_region: Option<&str>) -> Result<(String, String), InvalidValue> {
    let wrong = || {
        let hint = "must be a phone number with its country code, such as +44 20 7946 0000";
        InvalidValue::new("phone number", hint)
    };
    let default_region = match default_region {
        None => None,
        Some(code) => {
            place::region(code).map_err(|reason| InvalidValue::new("region", reason))?;
            region(code)
        }
    };
    let text = visible(text);
    let bare = bare(&text);
    if bare.is_empty() || bare.len() > LONGEST {
        return Err(wrong());
    }
    let international = bare.starts_with(['+', '＋']) || bare.contains("phone-context=+");
    if international {
        // The country code stands in the text: a region has nothing to add to it.
        return read(PhoneNumber::parse(bare, None).map_err(|_| wrong())?, true);
    }
    let digits = digits(bare);
    if let Some(rest) = digits.strip_prefix("00")
        && let Ok(number) = PhoneNumber::parse(format!("+{rest}"), None)
        && let Ok(found) = read(number, false)
    {
        return Ok(found);
    }
    let number = PhoneNumber::parse(bare, default_region).map_err(|_| wrong())?;
    if digits.len() <= SHORT_CODE && !number.is_valid() {
        return Err(wrong());
    }
    read(number, false)
}

/// Whether a sender's text is a short code or a name, which is never to be completed to a number.
pub(super) fn is_sender_code(text: &str) -> bool {
    let text = visible(text);
    let bare = bare(&text);
    !bare.starts_with(['+', '＋']) && (bare.chars().any(char::is_alphabetic) || digits(bare).len() <= SHORT_CODE)
}

fn bare(text: &str) -> &str {
    let mut bare = text.trim();
    while let Some(rest) = SCHEMES.iter().find_map(|scheme| {
        bare.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).map(|_| &bare[scheme.len()..])
    }) {
        bare = rest.trim_start();
    }
    // A spreadsheet's mark of text.
    bare.trim_start_matches(['\'', '’']).trim()
}

fn digits(text: &str) -> String {
    text.chars().filter_map(|letter| letter.to_digit(10)).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// Checks a number by its length. Where the country code was written, numbers of a length that the plan had before, or has
/// since, are taken too, except in North America, whose plan is closed at ten digits.
fn read(number: PhoneNumber, has_country_code: bool) -> Result<(String, String), InvalidValue> {
    let spelling = number.format_as(PhoneNumberFormat::E164).into_owned();
    let national = number.get_national_significant_number();
    let count = spelling.len() - 1;
    let is_open = has_country_code && number.country_code != 1 && national.len() >= SHORT_CODE && count >= 9;
    if count > MOST_DIGITS
        || !(is_open || number.is_possible_with_reason() == Ok(rlibphonenumber::NumberLengthType::IsPossible))
    {
        return Err(InvalidValue::new("phone number", "does not have as many digits as numbers of its country"));
    }
    // A number with zeros that its plan does not have would be read as another one the next time.
    let again =
        PhoneNumber::parse(&spelling, None).map(|number| number.format_as(PhoneNumberFormat::E164).into_owned());
    if again.ok().as_ref() != Some(&spelling) {
        return Err(InvalidValue::new("phone number", "has more zeros in front than numbers of its country"));
    }
    let identity = identity(number.country_code, &national).unwrap_or_else(|| spelling.clone());
    Ok((spelling, identity))
}

/// The one form of a number that networks and WhatsApp write in several; [`None`] if its spelling is the only one.
fn identity(country_code: i32, national: &str) -> Option<String> {
    let rest = |prefix: &str, count: usize| national.strip_prefix(prefix).filter(|rest| rest.len() == count);
    match country_code {
        // Mexico: mobiles had a 1 after the country code until 2019, and WhatsApp still writes it.
        52 => rest("1", 10).map(|rest| format!("+52{rest}")),
        // Argentina: a 9 marks a mobile that is called from abroad.
        54 => rest("9", 10).map(|rest| format!("+54{rest}")),
        // Brazil: mobiles got a ninth digit until 2016, and WhatsApp leaves it out of older accounts.
        55 if national.len() == 10 => {
            let (area, number) = national.split_at_checked(2)?;
            number.starts_with(['6', '7', '8', '9']).then(|| format!("+55{area}9{number}"))
        }
        _ => None,
    }
}
