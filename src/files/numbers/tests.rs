//! Numbers in all their dresses.

use proptest::prelude::*;

use super::*;
use DecimalMark::{Comma, Point};

#[test]
fn decimals_are_exact() {
    for (text, mark, expected) in [
        ("2.55", Point, 2_550_000),
        ("2,55", Comma, 2_550_000),
        ("-11062.06", Point, -11_062_060_000),
        ("5", Point, 5_000_000),
        (".5", Point, 500_000),
        ("1.50000000", Point, 1_500_000),
        ("0.000001", Point, 1),
        ("9223372036854.775807", Point, i64::MAX),
        ("-9223372036854.775808", Point, i64::MIN),
    ] {
        assert_eq!(micros(text, mark), Ok(expected), "{text}");
    }
    assert_eq!(milli("-0.25", Point), Ok(-250));
}

#[test]
fn thousands_currencies_and_signs_around_a_number_are_understood() {
    for (text, mark, expected) in [
        ("1.234,56", Comma, 1_234_560_000),
        ("1,234.56", Point, 1_234_560_000),
        ("$1,234.56", Point, 1_234_560_000),
        ("1.234.567,89 €", Comma, 1_234_567_890_000),
        ("1\u{A0}234,5", Comma, 1_234_500_000),
        ("1\u{202F}234\u{202F}567", Comma, 1_234_567_000_000),
        ("1'234.50", Point, 1_234_500_000),
        ("CHF 1’234.50", Point, 1_234_500_000),
        ("1234.50 USD", Point, 1_234_500_000),
        ("-$5.00", Point, -5_000_000),
        ("$-5.00", Point, -5_000_000),
        ("($5.00)", Point, -5_000_000),
        ("5,00-", Comma, -5_000_000),
        ("\u{2212}5", Point, -5_000_000),
        ("1,23,456.78", Point, 123_456_780_000),
        ("R$ 12", Point, 12_000_000),
        ("US$12.50", Point, 12_500_000),
        (" 0.001 ", Point, 1_000),
        ("+7", Point, 7_000_000),
    ] {
        assert_eq!(micros(text, mark), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_number_in_this_notation_is_refused() {
    for (text, mark) in [
        ("", Point),
        ("-", Point),
        ("2,55", Point),
        ("1.234,56", Point),
        ("1,234.56", Comma),
        ("1e5", Point),
        ("1.2.3", Point),
        ("12,34,5.0", Point),
        ("0,123.4", Point),
        ("1,2345.6", Point),
        ("$", Point),
        ("12 apples", Point),
        ("12 34", Point),
        ("0x1", Point),
        ("NaN", Point),
        (".", Point),
        ("١", Point),
        ("--5", Point),
        ("9223372036854.775808", Point),
    ] {
        assert!(micros(text, mark).is_err(), "{text:?} gives {:?}", micros(text, mark));
    }
    assert_eq!(micros("0.0000001", Point), Err("has more than 6 decimals".to_owned()));
}

fn settled(values: &[(&'static str, &str)]) -> Result<Numbers, NumberError> {
    let mut seen = Seen::default();
    for (line, (field, value)) in (2..).zip(values) {
        seen.note(field, line, value);
    }
    seen.settle(None)
}

#[test]
fn a_column_shows_by_its_values_how_it_writes_numbers() {
    let mark = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| ("amount", *value)).collect();
        settled(&values).map(|numbers| numbers.mark("amount"))
    };
    assert_eq!(mark(&["12", "7"]), Ok(Point));
    assert_eq!(mark(&["1,234", "2,50"]), Ok(Comma), "the second leaves no choice");
    assert_eq!(mark(&["1.234", "2.50"]), Ok(Point));
    assert_eq!(mark(&["1.234.567"]), Ok(Comma));
    assert_eq!(mark(&["1,234,567"]), Ok(Point));
    assert_eq!(mark(&["0.125"]), Ok(Point), "no thousands begin with 0");
    assert_eq!(mark(&["1234.567"]), Ok(Point));
    assert_eq!(mark(&["$1,234.56", "n/a"]), Ok(Point));
    let error = mark(&["12", "1.234"]).expect_err("a question").to_string();
    assert!(error.starts_with("amount is 1.234 in line 3,") && error.contains("--decimal comma"), "{error}");
    let error = mark(&["1.50", "1,50"]).expect_err("a question").to_string();
    assert!(error.starts_with("amount is 1.50 in line 2 and 1,50 in line 3"), "{error}");
}

#[test]
fn a_column_that_leaves_a_choice_goes_by_the_others() {
    let numbers = settled(&[("quantity", "1.000"), ("unit_price", "2,50")]).expect("it is clear");
    assert_eq!((numbers.mark("quantity"), numbers.mark("unit_price")), (Comma, Comma));
    let two = settled(&[("quantity", "1.5"), ("unit_price", "2,50")]).expect("each is clear by itself");
    assert_eq!((two.mark("quantity"), two.mark("unit_price")), (Point, Comma));
    assert!(settled(&[("quantity", "1.5"), ("unit_price", "2,50"), ("tax", "1.000")]).is_err());
}

#[test]
fn a_currency_that_a_value_names_is_known() {
    let code = |text: &str| currency_of(text).map(|currency| currency.to_string());
    assert_eq!(code("12 €").as_deref(), Some("EUR"));
    assert_eq!(code("GBP12").as_deref(), Some("GBP"));
    assert_eq!(code("$12"), None);
    assert_eq!(code("12"), None);
}

proptest! {
    #[test]
    fn whatever_is_written_reads_the_same_in_either_notation(value in any::<i64>(), grouped in any::<bool>()) {
        let (sign, value) = (if value < 0 { "-" } else { "" }, i128::from(value).abs());
        let (whole, fraction) = (value / 1_000_000, value % 1_000_000);
        let digits = whole.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
        for (mark, separator, between) in [(Point, '.', ","), (Comma, ',', ".")] {
            let whole = if grouped { groups.join(between) } else { digits.clone() };
            let text = format!("{sign}{whole}{separator}{fraction:06}");
            let expected = if sign.is_empty() { value } else { -value };
            prop_assert_eq!(micros(&text, mark).map(i128::from), Ok(expected));
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "[-+$€(),.' 0-9A-Z]{0,20}") {
        let _ = (micros(&text, Point), milli(&text, Comma), shape(&text), currency_of(&text));
    }
}
