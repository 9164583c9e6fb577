//! Money.

use async_graphql::SimpleObject;

use super::scalar::Micros;

/// An amount of money.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// Millionths of the currency's unit; negative for returns.
    pub micros: Micros,
    /// ISO 4217.
    pub currency: String,
}

impl Money {
    /// An amount, where there are both a number and a currency.
    #[must_use]
    pub fn of(micros: Option<i64>, currency: Option<String>) -> Option<Self> {
        Some(Self { micros: Micros(micros?.into()), currency: currency? })
    }
}
