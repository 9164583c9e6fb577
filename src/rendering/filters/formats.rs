//! Amounts, numbers and dates as the reader's country writes them. The data are those of the GNU C Library's locales.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use pure_rust_locales::{Locale, locale_match};

use crate::domain::value::{Currency, money as amounts};

/// The longest pattern of a date.
const LONGEST_PATTERN: usize = 100;

/// The country whose writing a language without one follows.
const USUAL: [(&str, &str); 14] = [
    ("en", "en_GB"),
    ("cs", "cs_CZ"),
    ("da", "da_DK"),
    ("el", "el_GR"),
    ("et", "et_EE"),
    ("he", "he_IL"),
    ("ja", "ja_JP"),
    ("ko", "ko_KR"),
    ("nb", "nb_NO"),
    ("no", "nb_NO"),
    ("sl", "sl_SI"),
    ("sv", "sv_SE"),
    ("uk", "uk_UA"),
    ("zh", "zh_CN"),
];

/// The locale that writes as a language tag asks; [`None`] if none does.
pub(in crate::rendering) fn locale(tag: &str) -> Option<Locale> {
    let mut parts = tag.split(['-', '_']);
    let language = parts.next()?.to_ascii_lowercase();
    let region = parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase);
    let of_region = region.and_then(|region| Locale::try_from(format!("{language}_{region}").as_str()).ok());
    let usual = USUAL.iter().find(|(own, _)| *own == language).map(|(_, locale)| (*locale).to_owned());
    let usual = usual.unwrap_or_else(|| format!("{language}_{}", language.to_ascii_uppercase()));
    of_region.or_else(|| Locale::try_from(usual.as_str()).ok())
}

/// Millionths out of a decimal number as Liquid or an event writes it.
pub(super) fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(micros) = amounts::parse_micros(text) {
        return Some(micros);
    }
    // More decimals than micros have: what a division leaves.
    let real: f64 = text.parse().ok().filter(|real: &f64| real.is_finite() && real.abs() < 1e12)?;
    amounts::parse_micros(&format!("{real:.6}")).ok()
}

/// How a currency is shown, and how many decimals its amounts have (ISO 4217).
fn currency(code: &str) -> (&str, usize) {
    match code {
        "EUR" => ("€", 2),
        "USD" => ("$", 2),
        "GBP" => ("£", 2),
        "JPY" => ("¥", 0),
        "INR" => ("₹", 2),
        "ILS" => ("₪", 2),
        "PLN" => ("zł", 2),
        "CZK" => ("Kč", 2),
        "SEK" | "NOK" => ("kr", 2),
        "DKK" => ("kr.", 2),
        "HUF" => ("Ft", 2),
        "KRW" => ("₩", 0),
        "VND" => ("₫", 0),
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "KMF" | "PYG" | "RWF" | "UGX" | "VUV" | "XAF" | "XOF" | "XPF" => {
            (code, 0)
        }
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => (code, 3),
        _ => (code, 2),
    }
}

/// The whole part in groups, and the decimals: rounded half away from zero.
fn grouped(micros: i64, decimals: usize, point: &str, separator: &str, groups: &[i64]) -> String {
    let unit = 10_u64.pow(u32::try_from(6 - decimals.min(6)).unwrap_or(0));
    let rounded = (micros.unsigned_abs() + unit / 2) / unit;
    let scale = 10_u64.pow(u32::try_from(decimals.min(6)).unwrap_or(0));
    let (whole, rest) = ((rounded / scale).to_string(), rounded % scale);
    let size = groups.first().and_then(|size| usize::try_from(*size).ok()).filter(|size| *size > 0).unwrap_or(3);
    let next = groups.get(1).and_then(|size| usize::try_from(*size).ok()).filter(|size| *size > 0).unwrap_or(size);
    let mut parts = vec![];
    let (mut left, mut take) = (whole.as_str(), size);
    while left.len() > take {
        let (before, part) = left.split_at(left.len() - take);
        parts.push(part);
        (left, take) = (before, next);
    }
    parts.push(left);
    parts.reverse();
    let mut text = parts.join(separator);
    if decimals > 0 {
        text.push_str(point);
        text.push_str(&format!("{rest:0decimals$}"));
    }
    text
}

/// An amount with its currency: `€1,234.50`, `1.234,50 €`. What separates is a space that does not break.
pub(super) fn money(micros: i64, code: Currency, locale: Locale) -> String {
    let code = code.to_string();
    let (symbol, decimals) = currency(&code);
    let point = locale_match!(locale => LC_MONETARY::MON_DECIMAL_POINT);
    let separator = locale_match!(locale => LC_MONETARY::MON_THOUSANDS_SEP);
    let groups = locale_match!(locale => LC_MONETARY::MON_GROUPING);
    let precedes = locale_match!(locale => LC_MONETARY::P_CS_PRECEDES) == 1;
    let spaced = locale_match!(locale => LC_MONETARY::P_SEP_BY_SPACE) != 0;
    let point = if point.is_empty() { "." } else { point };
    let amount = grouped(micros, decimals, point, separator, groups);
    let is_word = symbol.ends_with(char::is_alphabetic) || symbol.ends_with('.');
    let space = if spaced || is_word { "\u{a0}" } else { "" };
    let sign = if micros < 0 { "-" } else { "" };
    if precedes { format!("{sign}{symbol}{space}{amount}") } else { format!("{sign}{amount}{space}{symbol}") }
}

/// A number without a unit.
pub(super) fn number(micros: i64, decimals: Option<usize>, locale: Locale) -> String {
    let point = locale_match!(locale => LC_NUMERIC::DECIMAL_POINT);
    let separator = locale_match!(locale => LC_NUMERIC::THOUSANDS_SEP);
    let groups = locale_match!(locale => LC_NUMERIC::GROUPING);
    let own = format!("{:06}", micros.unsigned_abs() % 1_000_000).trim_end_matches('0').len();
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(micros, decimals.unwrap_or(own), point, separator, groups))
}

/// A moment or day as text: RFC 3339, a day as `2026-11-29`, or what Liquid makes of a moment.
enum Moment {
    Instant(DateTime<Utc>),
    /// A day is the same everywhere.
    Day(NaiveDate),
}

fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Moment::Day(day));
    }
    let offset = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z"));
    if let Ok(instant) = offset {
        return Some(Moment::Instant(instant.to_utc()));
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().map(|naive| Moment::Instant(naive.and_utc()))
}

/// How a language writes a day in full.
fn long(locale: Locale) -> &'static str {
    let name = format!("{locale:?}");
    match name.split('_').next().unwrap_or_default() {
        "en" if matches!(locale, Locale::en_US) => "%B %-d, %Y",
        "de" | "da" | "nb" | "nn" | "fi" | "cs" | "sk" | "sl" | "hr" | "et" | "is" => "%-d. %B %Y",
        "es" | "pt" | "ca" | "gl" => "%-d de %B de %Y",
        "hu" => "%Y. %B %-d.",
        "ja" | "zh" => "%Y年%-m月%-d日",
        "ko" => "%Y년 %-m월 %-d일",
        _ => "%-d %B %Y",
    }
}

fn pattern(style: &str, locale: Locale) -> String {
    // The day before the month in figures is read the other way round elsewhere: English has words.
    let short = match locale {
        Locale::en_GB => "%-d %b %Y",
        _ => locale_match!(locale => LC_TIME::D_FMT),
    };
    let time = if matches!(locale, Locale::en_US) { "%-I:%M %p" } else { "%H:%M" };
    match style {
        "long" => long(locale).to_owned(),
        "short" => short.to_owned(),
        "time" => time.to_owned(),
        "datetime" => format!("{} {time}", long(locale)),
        pattern => pattern.to_owned(),
    }
}

/// Whether a style is one of ours or a pattern of strftime.
pub(super) fn is_pattern(style: &str) -> bool {
    style.len() <= LONGEST_PATTERN && !StrftimeItems::new(style).any(|item| matches!(item, Item::Error))
}

/// A date in a language, by a zone's clock; [`None`] if the text is none.
pub(in crate::rendering) fn date(text: &str, style: &str, locale: Locale, zone: Tz) -> Option<String> {
    let pattern = pattern(style, locale);
    if !is_pattern(&pattern) {
        return None;
    }
    let local = match moment(text)? {
        Moment::Instant(instant) => instant.with_timezone(&zone),
        Moment::Day(day) => zone.from_local_datetime(&day.and_hms_opt(12, 0, 0)?).earliest()?,
    };
    Some(local.format_localized(&pattern, locale).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money_in(tag: &str, amount: &str, code: &str) -> String {
        money(micros(amount).unwrap(), code.parse().unwrap(), locale(tag).unwrap())
    }

    #[test]
    fn amounts_are_written_as_each_country_writes_them() {
        let cases = [
            ("de-DE", "1234.5", "EUR", "1.234,50\u{a0}€"),
            ("de", "1234.5", "EUR", "1.234,50\u{a0}€"),
            ("en", "1234.5", "EUR", "€1,234.50"),
            ("en-US", "-1234567.891", "USD", "-$1,234,567.89"),
            ("en-GB", "0.005", "GBP", "£0.01"),
            ("de-CH", "1234.5", "CHF", "CHF\u{a0}1’234.50"),
            ("nl", "1234.5", "EUR", "€\u{a0}1.234,50"),
            ("fr", "1234.5", "EUR", "1\u{202f}234,50\u{a0}€"),
            ("ja", "1234.5", "JPY", "¥1,235"),
            ("en", "12", "CHF", "CHF\u{a0}12.00"),
            ("en", "1.2345", "KWD", "KWD\u{a0}1.235"),
            ("en-IN", "1234567", "INR", "₹12,34,567.00"),
        ];
        for (tag, amount, code, expected) in cases {
            assert_eq!(money_in(tag, amount, code), expected, "{tag} {amount}");
        }
    }

    #[test]
    fn dates_are_written_by_language_and_by_the_readers_clock() {
        let at = |tag, style, zone: Tz| date("2026-11-28T23:30:00Z", style, locale(tag).unwrap(), zone).unwrap();
        assert_eq!(at("de", "long", Tz::Europe__Berlin), "29. November 2026");
        assert_eq!(at("en", "long", Tz::UTC), "28 November 2026");
        assert_eq!(at("en-US", "datetime", Tz::America__New_York), "November 28, 2026 6:30 PM");
        assert_eq!(at("de", "short", Tz::UTC), "28.11.2026");
        assert_eq!(at("fr", "%A", Tz::UTC), "samedi");
        assert_eq!(date("2026-11-28", "long", Locale::de_DE, Tz::Pacific__Kiritimati).unwrap(), "28. November 2026");
        assert_eq!(date("soon", "long", Locale::de_DE, Tz::UTC), None);
        assert!(!is_pattern("%Q") && is_pattern("%d.%m."));
    }

    #[test]
    fn numbers_have_the_marks_of_the_country() {
        assert_eq!(number(1_234_500_000, None, Locale::de_DE), "1.234,5");
        assert_eq!(number(1_234_500_000, Some(0), Locale::en_GB), "1,235");
        assert_eq!(number(-2_000_000, None, Locale::en_GB), "-2");
        assert!(locale("xx").is_none() && locale("de-XX") == Some(Locale::de_DE));
    }
}
