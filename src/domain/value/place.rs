//! Countries and time zones, and what to write instead of what people write for them.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::address::is_region;

/// What is written for countries that have another code.
const USUAL: &[(&str, &str)] = &[
    ("UK", "GB"),
    ("EN", "GB"),
    ("GBR", "GB"),
    ("ENG", "GB"),
    ("GREAT BRITAIN", "GB"),
    ("UNITED KINGDOM", "GB"),
    ("EL", "GR"),
    ("GRC", "GR"),
    ("USA", "US"),
    ("UNITED STATES", "US"),
    ("DEU", "DE"),
    ("GER", "DE"),
    ("GERMANY", "DE"),
    ("AUT", "AT"),
    ("CHE", "CH"),
    ("FRA", "FR"),
    ("FRANCE", "FR"),
    ("ESP", "ES"),
    ("SPAIN", "ES"),
    ("ITA", "IT"),
    ("ITALY", "IT"),
    ("NLD", "NL"),
    ("POL", "PL"),
    ("IRL", "IE"),
    ("SWE", "SE"),
    ("DNK", "DK"),
];

/// Reads the code of a country whose phone numbers are known; small letters do.
///
/// # Errors
/// What is wrong with it, and where it can be guessed, what is right.
pub fn region(text: &str) -> Result<String, String> {
    let code = text.trim().to_uppercase();
    if is_region(&code) {
        return Ok(code);
    }
    Err(match USUAL.iter().find(|(usual, _)| *usual == code) {
        Some((_, right)) => format!("{code:?} is not a country code of ISO 3166; write {right}"),
        None => "must be a country code of two letters, such as GB".to_owned(),
    })
}

/// Reads the name of a time zone.
///
/// # Errors
/// What is wrong with it, and where it can be guessed, what is right.
pub fn time_zone(text: &str) -> Result<Tz, String> {
    if let Ok(zone) = text.parse() {
        return Ok(zone);
    }
    let wanted = text.trim().replace(' ', "_");
    let is_it = |zone: &&Tz| zone.name().eq_ignore_ascii_case(&wanted);
    let city = |zone: &&Tz| zone.name().rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&wanted));
    Err(match TZ_VARIANTS.iter().find(is_it).or_else(|| TZ_VARIANTS.iter().find(city)) {
        Some(zone) => format!("{text:?} is not a name of the IANA time zone database; write {}", zone.name()),
        None => "must be an IANA name, such as Europe/London".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_mistake_is_named_with_what_is_right() {
        assert_eq!(region(" gb "), Ok("GB".to_owned()));
        assert_eq!(region("UK"), Err("\"UK\" is not a country code of ISO 3166; write GB".to_owned()));
        assert_eq!(region("Atlantis"), Err("must be a country code of two letters, such as GB".to_owned()));
        assert!(USUAL.iter().all(|(usual, right)| !is_region(usual) && is_region(right)));
        assert_eq!(time_zone("Europe/London"), Ok(Tz::Europe__London));
        for (text, right) in
            [("europe/london", "Europe/London"), ("Berlin", "Europe/Berlin"), ("New York", "America/New_York")]
        {
            let wrong = format!("{text:?} is not a name of the IANA time zone database; write {right}");
            assert_eq!(time_zone(text), Err(wrong));
        }
        assert!(time_zone("GMT+1").is_err());
    }
}
