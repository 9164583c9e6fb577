//! Arithmetic: in whole numbers while they fit, which the library's does not check.

use liquid_core::model::{Value, ValueView};
use liquid_core::{Result, Runtime};

use crate::rendering::fault::FaultKind;
use crate::rendering::steps::fail;

#[derive(Clone, Copy)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    fn of(value: &dyn ValueView, runtime: &dyn Runtime) -> Result<Self> {
        let scalar = value.as_scalar();
        let text = value.to_kstr();
        if let Ok(whole) = text.trim().parse() {
            return Ok(Self::Whole(whole));
        }
        let real = scalar.and_then(|_| text.trim().parse::<f64>().ok()).filter(|real| real.is_finite());
        real.map(Self::Real).ok_or_else(|| fail(runtime, FaultKind::Value, "calculates with what is not a number"))
    }

    #[allow(clippy::cast_precision_loss, reason = "a template's figures are far smaller")]
    fn real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

fn calculate(
    input: &dyn ValueView,
    arguments: &[Value],
    runtime: &dyn Runtime,
    whole: fn(i64, i64) -> Option<i64>,
    real: fn(f64, f64) -> f64,
) -> Result<Value> {
    let (left, right) = (Number::of(input, runtime)?, Number::of(&arguments[0], runtime)?);
    if let (Number::Whole(left), Number::Whole(right)) = (left, right)
        && let Some(result) = whole(left, right)
    {
        return Ok(Value::scalar(result));
    }
    let result = real(left.real(), right.real());
    if result.is_finite() {
        return Ok(Value::scalar(result));
    }
    Err(fail(runtime, FaultKind::Value, "divides by zero, or the result is too large"))
}

pub(super) fn plus(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, i64::checked_add, |left, right| left + right)
}

pub(super) fn minus(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, i64::checked_sub, |left, right| left - right)
}

pub(super) fn times(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, i64::checked_mul, |left, right| left * right)
}

/// Of whole numbers the floor, as Liquid has it.
pub(super) fn divided_by(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    let whole = |left: i64, right: i64| {
        let quotient = left.checked_div_euclid(right)?;
        // Towards negative infinity, for negative divisors too.
        if right < 0 && left.checked_rem(right)? != 0 { quotient.checked_sub(1) } else { Some(quotient) }
    };
    calculate(input, arguments, runtime, whole, |left, right| left / right)
}

pub(super) fn modulo(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, i64::checked_rem_euclid, f64::rem_euclid)
}

pub(super) fn at_least(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, |left, right| Some(left.max(right)), f64::max)
}

pub(super) fn at_most(input: &dyn ValueView, arguments: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    calculate(input, arguments, runtime, |left, right| Some(left.min(right)), f64::min)
}

pub(super) fn abs(input: &dyn ValueView, _: &[Value], runtime: &dyn Runtime) -> Result<Value> {
    match Number::of(input, runtime)? {
        Number::Whole(whole) => Ok(Value::scalar(whole.saturating_abs())),
        Number::Real(real) => Ok(Value::scalar(real.abs())),
    }
}
