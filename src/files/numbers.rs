//! Numbers as people and programs write them, read exactly: `1234.56`, `1.234,56`, `$1,234.56`, `1'234.56 CHF`, `(5.00)`.
//!
//! Which sign separates the decimals is shown by the values of each column: `1,50` and `1.234,5` leave no choice, `1.234`
//! does. A column that leaves one goes by the other columns of the file; if these show nothing either, or a column shows both,
//! the import stops and asks.

use std::collections::HashMap;

use crate::domain::value::Currency;

/// Which character separates the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalMark {
    /// 1234.56
    Point,
    /// 1234,56
    Comma,
}

impl DecimalMark {
    const fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    const fn grouping(self) -> char {
        match self {
            Self::Point => ',',
            Self::Comma => '.',
        }
    }
}

/// The fields that hold numbers.
pub const FIELDS: &[&str] = &[
    "quantity",
    "unit_price",
    "line_amount",
    "amount",
    "discount",
    "shipping",
    "tax",
    "refunded",
    "lead_score",
    "spend",
];

/// How the numbers of a file are written.
#[derive(Debug, Clone)]
pub struct Numbers {
    usual: DecimalMark,
    by_field: HashMap<&'static str, DecimalMark>,
}

impl Numbers {
    /// All of them alike.
    #[must_use]
    pub fn all(mark: DecimalMark) -> Self {
        Self { usual: mark, by_field: HashMap::new() }
    }

    /// How a field's numbers are written.
    #[must_use]
    pub fn mark(&self, field: &str) -> DecimalMark {
        self.by_field.get(field).copied().unwrap_or(self.usual)
    }
}

/// A value that shows something of how its column writes numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    line: u64,
    value: String,
}

/// What the values of one column show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Signs {
    point: Option<Shown>,
    comma: Option<Shown>,
    /// It could be read either way.
    either: Option<Shown>,
}

/// What the values of a file's columns show of how numbers are written.
#[derive(Debug, Default)]
pub struct Seen(HashMap<&'static str, Signs>);

/// Why it cannot be known what a column's numbers mean.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NumberError {
    /// Every value could be read either way.
    #[error(
        "{field} is {value} in line {line}, and no other line shows whether that has decimals or thousands; say it with \
         --decimal point (1234.56) or --decimal comma (1234,56)"
    )]
    Either {
        /// The field.
        field: &'static str,
        /// The first such line.
        line: u64,
        /// Its value.
        value: String,
    },
    /// Some values can be read in one way only, and some in the other only.
    #[error(
        "{field} is {point} in line {point_line} and {comma} in line {comma_line}: these are written in different ways; \
         say which is right with --decimal point (1234.56) or --decimal comma (1234,56), and the others are refused"
    )]
    Both {
        /// The field.
        field: &'static str,
        /// The first line with a decimal point.
        point_line: u64,
        /// Its value.
        point: String,
        /// The first line with a decimal comma.
        comma_line: u64,
        /// Its value.
        comma: String,
    },
}

impl Seen {
    /// Takes a value in.
    pub fn note(&mut self, field: &'static str, line: u64, value: &str) {
        let signs = self.0.entry(field).or_default();
        let slot = match shape(value) {
            Some(Shape::Of(DecimalMark::Point)) => &mut signs.point,
            Some(Shape::Of(DecimalMark::Comma)) => &mut signs.comma,
            Some(Shape::Either) => &mut signs.either,
            None => return,
        };
        if slot.is_none() {
            *slot = Some(Shown { line, value: value.trim().chars().take(40).collect() });
        }
    }

    /// How the numbers are written: as was asked for, or as the values show.
    pub fn settle(self, asked: Option<DecimalMark>) -> Result<Numbers, NumberError> {
        if let Some(asked) = asked {
            return Ok(Numbers::all(asked));
        }
        let mut fields: Vec<_> = self.0.into_iter().collect();
        fields.sort_unstable_by_key(|(field, _)| *field);
        let shows = |of: fn(&Signs) -> bool| fields.iter().any(|(_, signs)| of(signs));
        let usual = match (shows(|signs| signs.point.is_some()), shows(|signs| signs.comma.is_some())) {
            (true, false) => Some(DecimalMark::Point),
            (false, true) => Some(DecimalMark::Comma),
            (true, true) | (false, false) => None,
        };
        let mut by_field = HashMap::new();
        for (field, signs) in fields {
            let mark = match (signs.point, signs.comma, signs.either) {
                (Some(point), Some(comma), _) => {
                    return Err(NumberError::Both {
                        field,
                        point_line: point.line,
                        point: point.value,
                        comma_line: comma.line,
                        comma: comma.value,
                    });
                }
                (Some(_), None, _) => Some(DecimalMark::Point),
                (None, Some(_), _) => Some(DecimalMark::Comma),
                (None, None, Some(Shown { line, value })) => {
                    Some(usual.ok_or(NumberError::Either { field, line, value })?)
                }
                (None, None, None) => None,
            };
            by_field.extend(mark.map(|mark| (field, mark)));
        }
        Ok(Numbers { usual: usual.unwrap_or(DecimalMark::Point), by_field })
    }
}

/// How a value can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Only with this sign before the decimals.
    Of(DecimalMark),
    /// With either.
    Either,
}

/// What a value shows; [`None`] if it shows nothing, as it has neither sign, or is no number.
fn shape(text: &str) -> Option<Shape> {
    if !text.contains(['.', ',']) {
        return None;
    }
    // Most numbers are written like this.
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.len() <= 2
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Some(Shape::Of(DecimalMark::Point));
    }
    let bare = bare(text);
    let digits = bare.digits.as_str();
    let is_read = |mark| is_decimal(digits, mark);
    match (is_read(DecimalMark::Point), is_read(DecimalMark::Comma)) {
        (true, true) => Some(Shape::Either),
        (true, false) => Some(Shape::Of(DecimalMark::Point)),
        (false, true) => Some(Shape::Of(DecimalMark::Comma)),
        (false, false) => None,
    }
}

fn is_decimal(digits: &str, mark: DecimalMark) -> bool {
    let (whole, fraction) = digits.split_once(mark.sign()).unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    is_number(fraction)
        && ungrouped(whole, mark).is_some_and(|whole| is_number(&whole) && !(whole + fraction).is_empty())
}

/// The digits before the decimals without the signs between thousands (or lakhs), which must stand where such signs do.
fn ungrouped(whole: &str, mark: DecimalMark) -> Option<String> {
    // What else stands between thousands became an apostrophe.
    let between = if whole.contains('\'') { '\'' } else { mark.grouping() };
    if !whole.contains(between) {
        return Some(whole.to_owned());
    }
    let groups: Vec<&str> = whole.split(between).collect();
    let (first, last) = (groups.first()?, groups.last()?);
    let are_groups = groups[1..].iter().all(|group| (2..=3).contains(&group.len())) && last.len() == 3;
    let begins = (1..=3).contains(&first.len()) && !first.starts_with('0');
    (are_groups && begins).then(|| groups.concat())
}

/// More bytes than a number has with all that may stand around it. What does is taken away step by step.
const LONGEST: usize = 200;

/// A number without what stands around it.
struct Bare {
    is_negative: bool,
    /// Digits with points, commas and apostrophes; nothing else, if it is a number.
    digits: String,
}

/// Takes away a currency before or behind a number, spaces and apostrophes between its digits, and its sign, which may be a
/// minus before or behind it, or brackets around it.
fn bare(text: &str) -> Bare {
    if text.len() > LONGEST {
        return Bare { is_negative: false, digits: text.to_owned() };
    }
    let is_currency = |c: char| "$€£¥₹₽₩₺₴₦₫₪฿₱".contains(c);
    let mut rest = text.trim();
    let mut is_negative = false;
    loop {
        let before = rest;
        if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (rest, is_negative) = (inner, true);
        }
        for minus in ['-', '\u{2212}'] {
            let without = rest.strip_prefix(minus).or_else(|| rest.strip_suffix(minus));
            if let Some(without) = without.filter(|_| !is_negative) {
                (rest, is_negative) = (without, true);
            }
        }
        // The dollar of a country: `US$`, `R$`.
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters <= 3 && rest[letters..].starts_with('$') {
            rest = &rest[letters..];
        }
        rest = rest.strip_prefix('+').unwrap_or(rest).trim_matches(is_currency).trim();
        for code in [rest.get(..3), rest.len().checked_sub(3).and_then(|at| rest.get(at..))].into_iter().flatten() {
            if code.parse::<Currency>().is_ok() {
                rest = rest.strip_prefix(code).or_else(|| rest.strip_suffix(code)).unwrap_or(rest);
            }
        }
        rest = rest.trim();
        if rest == before {
            break;
        }
    }
    let is_between = |c: char| matches!(c, ' ' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '\u{2019}');
    Bare { is_negative, digits: rest.chars().map(|c| if is_between(c) { '\'' } else { c }).collect() }
}

/// The currency that a value names beyond doubt: a code, `€` or `£`. A dollar may be anybody's.
#[must_use]
pub fn currency_of(text: &str) -> Option<Currency> {
    let text = text.trim();
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() == 3);
    let code = words.into_iter().find_map(|word| word.parse::<Currency>().ok());
    let sign = [('€', "EUR"), ('£', "GBP")].into_iter().find(|(sign, _)| text.contains(*sign));
    code.or_else(|| sign.and_then(|(_, code)| code.parse().ok()))
}

/// Reads a decimal number as a whole number of `10^-places`, exactly: nothing is rounded. Digits beyond `places` must be
/// zeros. Exponents are not accepted.
pub fn decimal(text: &str, places: u32, mark: DecimalMark) -> Result<i64, String> {
    let text = text.trim();
    let separator = mark.sign();
    let minus = text.strip_prefix('-');
    let unsigned = minus.unwrap_or(text);
    let Bare { is_negative, digits } = match unsigned.chars().all(|c| c.is_ascii_digit() || c == separator) {
        true => Bare { is_negative: minus.is_some(), digits: unsigned.to_owned() },
        false => bare(text),
    };
    let (whole, fraction) = digits.split_once(separator).unwrap_or((digits.as_str(), ""));
    let whole = ungrouped(whole, mark).unwrap_or_else(|| whole.to_owned());
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(&whole) || !all_digits(fraction) {
        return Err(format!("is not a decimal number such as -1234{separator}56"));
    }
    let places = places as usize;
    let (kept, beyond) = fraction.split_at(fraction.len().min(places));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(format!("has more than {places} decimals"));
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', places - kept.len());
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value =
            value.checked_mul(10).and_then(|value| value.checked_sub(i64::from(digit - b'0'))).ok_or("is too large")?;
    }
    // Summed up below zero, where there is room for one more.
    if is_negative { Ok(value) } else { value.checked_neg().ok_or_else(|| "is too large".to_owned()) }
}

/// A price in micros of the currency's unit.
pub fn micros(text: &str, mark: DecimalMark) -> Result<i64, String> {
    decimal(text, 6, mark)
}

/// A quantity in thousandths.
pub fn milli(text: &str, mark: DecimalMark) -> Result<i64, String> {
    decimal(text, 3, mark)
}

#[cfg(test)]
mod tests;
