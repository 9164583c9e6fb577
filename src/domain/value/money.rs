//! Amounts of money as text.

use crate::domain::value::InvalidValue;

/// Reads a decimal number with up to six decimals, such as `12.50` or `-3`, as integer micros.
pub fn parse_micros(text: &str) -> Result<i64, InvalidValue> {
    parse_scaled(text, 6, "amount")
}

/// Reads a decimal quantity with up to three decimals as integer thousandths.
pub fn parse_milli(text: &str) -> Result<i64, InvalidValue> {
    parse_scaled(text, 3, "quantity")
}

fn parse_scaled(text: &str, decimals: usize, what: &'static str) -> Result<i64, InvalidValue> {
    let invalid = || {
        let reason = format!("must be a decimal number with a point and at most {decimals} decimals, such as 12.5");
        InvalidValue::new(what, reason)
    };
    let text = text.trim();
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && !digits.contains(|c: char| c.is_ascii_digit()))
        || !is_number(whole)
        || !is_number(fraction)
        || fraction.len() > decimals
    {
        return Err(invalid());
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', decimals - fraction.len());
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        value = value.checked_mul(10).and_then(|v| v.checked_add(i64::from(digit - b'0'))).ok_or_else(invalid)?;
    }
    Ok(if negative { -value } else { value })
}

/// Writes micros as a decimal number of the unit, with as many decimals as it has, but no fewer than `fewest`: `12.50` with two.
#[must_use]
pub fn decimal(micros: i128, fewest: usize) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let rest = format!("{rest:06}");
    let shown = rest.trim_end_matches('0').len().max(fewest.min(rest.len()));
    format!("{sign}{whole}.{}", &rest[..shown])
}

/// What `quantity_milli` thousandths at `unit_price_micros` cost, in micros; rounded half away from zero where a
/// thousandth of a micro is left over. [`None`] if it does not fit.
#[must_use]
pub fn line_total(quantity_milli: i64, unit_price_micros: i64) -> Option<i64> {
    let exact = i128::from(quantity_milli) * i128::from(unit_price_micros);
    let half = if exact < 0 { -500 } else { 500 };
    i64::try_from((exact + half) / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_with_the_decimals_that_it_has() {
        let written =
            [269_870_000, -5_000_000, 1, 0, -1_234_500, i128::from(i64::MAX) * 3].map(|micros| decimal(micros, 2));
        assert_eq!(written, ["269.87", "-5.00", "0.000001", "0.00", "-1.2345", "27670116110564.327421"]);
        assert_eq!([decimal(-35_750_001, 6), decimal(10_500_000, 6)], ["-35.750001", "10.500000"]);
    }

    #[test]
    fn decimals_are_read_to_the_last_micro() {
        assert_eq!(parse_micros("2.55"), Ok(2_550_000));
        assert_eq!(parse_micros("-0.000001"), Ok(-1));
        assert_eq!(parse_micros("9747747.934"), Ok(9_747_747_934_000));
        assert_eq!(parse_micros(".5"), Ok(500_000));
        assert_eq!(parse_milli("-12"), Ok(-12_000));
        assert_eq!(parse_milli("1.5000"), Ok(1_500));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".", "-", "1,5", "1e3", "0.0000001", "NaN", "99999999999999999999", "1 000", "--1"] {
            assert!(parse_micros(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_costs_quantity_times_price() {
        assert_eq!(line_total(6_000, 2_550_000), Some(15_300_000));
        assert_eq!(line_total(-1_500, 3), Some(-5));
        assert_eq!(line_total(i64::MAX, i64::MAX), None);
    }
}
