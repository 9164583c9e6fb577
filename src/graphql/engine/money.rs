//! Money.

use async_graphql::{ComplexObject, SimpleObject};

use super::scalar::Micros;
use crate::domain::value::money::decimal;

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
    /// The amount in units of the currency, as a decimal number with two to six decimals: `269.87`.
    async fn amount(&self) -> String {
        decimal(self.micros.0, 2)
    }
}

impl Money {
    /// An amount, where there are both a number and a currency.
    #[must_use]
    pub fn of(micros: Option<i64>, currency: Option<String>) -> Option<Self> {
        Some(Self { micros: Micros(micros?.into()), currency: currency? })
    }
}
