//! What stands in JSON of providers: texts that are written as numbers now and then, and prices with more decimals than
//! money has here.

use serde_json::Value;

use super::texts;
use crate::domain::value::Currency;

/// A text, number or truth value as text; [`None`] for all else.
pub(in crate::providers) fn of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // Some languages write a large id as a number with a point.
        Value::Number(number) => Some(number.to_string().trim_end_matches(".0").to_owned()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A member of an object as short text; a blank one is absent.
pub(in crate::providers) fn text(object: &Value, name: &str) -> Option<String> {
    texts::short(&of(object.get(name)?)?)
}

/// A decimal number as micros, rounded half away from zero; [`None`] if it is not one, or too large.
pub(in crate::providers) fn micros(text: &str) -> Option<i64> {
    let (is_negative, digits) = text.trim().strip_prefix('-').map_or((false, text.trim()), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digit = |byte: Option<u8>| i64::from(byte.unwrap_or(b'0') - b'0');
    let decimals = (0..6).map(|place| fraction.as_bytes().get(place).copied());
    let all = whole.bytes().map(Some).chain(decimals);
    let micros = all.map(digit).try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(digit))?;
    let rounded = micros.checked_add(i64::from(digit(fraction.as_bytes().get(6).copied()) >= 5))?;
    Some(if is_negative { -rounded } else { rounded })
}

/// A price, in micros of its currency. Absent if either cannot be read.
pub(in crate::providers) fn price(amount: Option<&str>, currency: Option<&str>) -> Option<(i64, Currency)> {
    let currency = currency.and_then(|currency| currency.to_ascii_uppercase().parse().ok());
    amount.and_then(micros).zip(currency)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_are_rounded_to_micros() {
        let cases = [
            ("0.04120000", Some(41_200)),
            ("0.0333", Some(33_300)),
            ("0.03333333", Some(33_333)),
            ("0.00000050", Some(1)),
            ("-0.0000015", Some(-2)),
            ("12", Some(12_000_000)),
            (".5", Some(500_000)),
            ("", None),
            (".", None),
            ("1e-7", None),
            ("0,5", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(micros(text), expected, "{text}");
        }
    }

    #[test]
    fn a_price_needs_both_amount_and_currency() {
        let eur = "EUR".parse().expect("a currency");
        assert_eq!(price(Some("0.5"), Some("eur")), Some((500_000, eur)));
        assert_eq!(price(Some("0.5"), None), None);
        assert_eq!(price(None, Some("EUR")), None);
    }

    #[test]
    fn numbers_and_truth_values_are_texts_too() {
        let object = json!({ "a": 31_612_345_678_u64, "b": true, "c": " ", "d": null, "e": [1], "f": "x" });
        let read = |name| text(&object, name);
        assert_eq!(of(&json!(9_779_868_156_047.0)).as_deref(), Some("9779868156047"));
        assert_eq!(["a", "b", "f"].map(read), [Some("31612345678".into()), Some("true".into()), Some("x".into())]);
        assert_eq!(["c", "d", "e", "g"].map(read), [None, None, None, None]);
    }
}
