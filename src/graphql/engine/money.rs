//! Money.

use async_graphql::{ComplexObject, SimpleObject};

use super::scalar::Micros;

/// An amount of money.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
#[graphql(complex)]
pub struct Money {
    /// Millionths of the currency's unit; negative for returns.
    pub micros: Micros,
    /// ISO 4217.
    pub currency: String,
}

#[ComplexObject]
impl Money {
    /// The same as a decimal number, for people: `269.87`, with two to six decimals.
    async fn amount(&self) -> String {
        decimal(self.micros.0)
    }
}

/// Micros in units, with two to six decimals.
fn decimal(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let rest = format!("{rest:06}");
    let shown = rest.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", &rest[..shown])
}

impl Money {
    /// An amount, where there are both a number and a currency.
    #[must_use]
    pub fn of(micros: Option<i64>, currency: Option<String>) -> Option<Self> {
        Some(Self { micros: Micros(micros?.into()), currency: currency? })
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn an_amount_is_written_with_two_to_six_decimals() {
        let written = [269_870_000, -5_000_000, 1, 0, -1_234_500, i128::from(i64::MAX) * 3].map(decimal);
        assert_eq!(written, ["269.87", "-5.00", "0.000001", "0.00", "-1.2345", "27670116110564.327421"]);
    }
}
