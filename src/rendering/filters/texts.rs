//! Filters that depend on the reader's language and clock, and those that could multiply what they are given.

use liquid_core::model::{ScalarCow, Value, ValueView};
use liquid_core::{Result, Runtime};

use super::formats;
use crate::rendering::fault::FaultKind;
use crate::rendering::steps::{Run, fail};

/// The longest text that a filter makes here, in bytes; `steps` has the same limit for all others.
const MAX_TEXT: usize = 64 * 1024;

fn too_long(runtime: &dyn Runtime) -> liquid_core::Error {
    fail(runtime, FaultKind::Limit, &format!("makes a value of more than {MAX_TEXT} bytes"))
}

/// A moment, or `'now'`. `date: "long"`, `"short"`, `"time"`, `"datetime"` or a pattern of strftime; then a time zone, if not the customer's.
pub(super) fn date(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let style = arguments.first().map_or_else(|| "long".to_owned(), |style| style.to_kstr().into_string());
    let (locale, mut zone) = {
        let run = runtime.registers().get_mut::<Run>();
        (run.locale, run.zone)
    };
    if let Some(name) = arguments.get(1) {
        zone = crate::domain::value::place::time_zone(&name.to_kstr())
            .map_err(|reason| fail(runtime, FaultKind::Value, &format!("names a time zone that {reason}")))?;
    }
    if !formats::is_pattern(&style) {
        return Err(fail(runtime, FaultKind::Value, "has a date pattern that cannot be read"));
    }
    let written = input.to_kstr();
    // As in Liquid elsewhere: the moment at which the message is made.
    let now = match written.as_str() {
        "now" | "today" => Some(runtime.get(&[ScalarCow::new("now")])?.to_kstr().into_string()),
        _ => None,
    };
    let date = formats::date(now.as_deref().unwrap_or(&written), &style, locale, zone);
    date.map(Value::scalar).ok_or_else(|| fail(runtime, FaultKind::Value, "writes a date, and the value is not one"))
}

fn locale_of(arguments: &[Value], index: usize, runtime: &dyn Runtime) -> Result<pure_rust_locales::Locale> {
    match arguments.get(index) {
        Some(name) => formats::locale(&name.to_kstr())
            .ok_or_else(|| fail(runtime, FaultKind::Value, "names a locale that is not known")),
        None => Ok(runtime.registers().get_mut::<Run>().locale),
    }
}

/// `money: "EUR"`, or `money: order.currency`; then a locale, if not the text's.
pub(super) fn money(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let currency = arguments[0].to_kstr();
    let currency =
        currency.parse().map_err(|_| fail(runtime, FaultKind::Value, "needs a currency, such as money: \"EUR\""))?;
    let locale = locale_of(arguments, 1, runtime)?;
    let amount = formats::micros(&input.to_kstr());
    let amount =
        amount.ok_or_else(|| fail(runtime, FaultKind::Value, "writes an amount, and the value is not a number"))?;
    Ok(Value::scalar(formats::money(amount, currency, locale)))
}

/// A number as the reader's country writes it, with as many decimals as are asked for, otherwise with those that it has.
pub(super) fn number(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let wrong = |message: &str| fail(runtime, FaultKind::Value, message);
    let decimals = match arguments.first() {
        Some(decimals) => {
            let decimals = decimals.to_kstr().parse::<usize>().ok().filter(|decimals| *decimals <= 6);
            Some(decimals.ok_or_else(|| wrong("takes 0 to 6 decimals"))?)
        }
        None => None,
    };
    let locale = runtime.registers().get_mut::<Run>().locale;
    let number = formats::micros(&input.to_kstr()).ok_or_else(|| wrong("writes a number, and the value is not one"))?;
    Ok(Value::scalar(formats::number(number, decimals, locale)))
}

pub(super) fn join(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let Some(list) = input.as_array() else {
        return Err(fail(runtime, FaultKind::Value, "joins a list, and the value is not one"));
    };
    let glue = arguments.first().map_or_else(|| " ".to_owned(), |glue| glue.to_kstr().into_string());
    let mut joined = String::new();
    for (index, value) in list.values().enumerate() {
        if index > 0 {
            joined.push_str(&glue);
        }
        joined.push_str(&value.to_kstr());
        if joined.len() > MAX_TEXT {
            return Err(too_long(runtime));
        }
    }
    Ok(Value::scalar(joined))
}

pub(super) fn replace(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let (text, wanted, by) = (input.to_kstr(), arguments[0].to_kstr(), arguments[1].to_kstr());
    if wanted.is_empty() {
        return Ok(Value::scalar(text.into_string()));
    }
    let mut replaced = String::with_capacity(text.len());
    let mut parts = text.split(wanted.as_str()).peekable();
    while let Some(part) = parts.next() {
        replaced.push_str(part);
        if parts.peek().is_some() {
            replaced.push_str(&by);
        }
        if replaced.len() > MAX_TEXT {
            return Err(too_long(runtime));
        }
    }
    Ok(Value::scalar(replaced))
}

fn count(value: &Value, runtime: &dyn Runtime) -> Result<i64> {
    let number = value.as_scalar().and_then(|number| number.to_integer());
    number.ok_or_else(|| fail(runtime, FaultKind::Value, "needs a whole number"))
}

/// Characters or entries from an offset on, which counts from the end if it is negative; one, if no length is given.
pub(super) fn slice(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let offset = count(&arguments[0], runtime)?;
    let length = arguments.get(1).map_or(Ok(1), |length| count(length, runtime))?;
    let length = usize::try_from(length).unwrap_or(0);
    let begin = |size: usize| {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let begin = if offset < 0 { size.saturating_add(offset) } else { offset };
        usize::try_from(begin).ok()
    };
    if let Some(list) = input.as_array() {
        let values: Vec<_> = list.values().map(ValueView::to_value).collect();
        let chosen =
            begin(values.len()).map_or_else(Vec::new, |begin| values.into_iter().skip(begin).take(length).collect());
        return Ok(Value::Array(chosen));
    }
    let text = input.to_kstr();
    let chosen: String =
        begin(text.chars().count()).map_or_else(String::new, |begin| text.chars().skip(begin).take(length).collect());
    Ok(Value::scalar(chosen))
}

/// At most so many characters, the mark that something is missing among them.
pub(super) fn truncate(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let most = usize::try_from(count(&arguments[0], runtime)?).unwrap_or(0);
    let text = input.to_kstr();
    if text.chars().count() <= most {
        return Ok(Value::scalar(text.into_string()));
    }
    let mark = arguments.get(1).map_or_else(|| "…".to_owned(), |mark| mark.to_kstr().into_string());
    let kept = most.saturating_sub(mark.chars().count());
    let short: String = text.chars().take(kept).chain(mark.chars()).take(most.max(1)).collect();
    Ok(Value::scalar(short))
}

/// Numbers before texts, each in order; by a field where the entries are objects.
pub(super) fn sort(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let Some(list) = input.as_array() else {
        return Err(fail(runtime, FaultKind::Value, "sorts a list, and the value is not one"));
    };
    let field = arguments.first().map(|field| field.to_kstr().into_string());
    let key = |value: &dyn ValueView| {
        let text = match (&field, value.as_object()) {
            (Some(field), Some(object)) => object.get(field).map(|value| value.to_kstr().into_string()),
            _ => Some(value.to_kstr().into_string()),
        };
        let text = text.unwrap_or_default();
        let number = text.parse::<f64>().unwrap_or(f64::INFINITY);
        (number, text)
    };
    let mut values: Vec<_> = list.values().map(|value| (key(value), value.to_value())).collect();
    values.sort_by(|((a, a_text), _), ((b, b_text), _)| a.total_cmp(b).then_with(|| a_text.cmp(b_text)));
    Ok(Value::Array(values.into_iter().map(|(_, value)| value).collect()))
}
