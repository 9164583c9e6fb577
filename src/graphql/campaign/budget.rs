//! Budgets of campaigns, as they are given and shown.

use async_graphql::{InputObject, SimpleObject};

use crate::domain::campaign::budget::Budget;
use crate::domain::refusal::Refusal;
use crate::graphql::engine::money::Money;
use crate::graphql::engine::scalar::Micros;

/// What a campaign may cost.
#[derive(InputObject, Debug, Clone)]
pub struct BudgetInput {
    /// Millionths of the currency's unit; 0: as much as it does.
    micros: Micros,
    /// ISO 4217. What is charged in another currency pauses the campaign.
    currency: String,
    /// The part of it, in percent, from which on `budgetNoticedAt` is set.
    #[graphql(default = 80)]
    warn_percent: u32,
    /// What a message, or a segment of an SMS, is expected to cost until its provider reports a price, in micros. With it, no message is
    /// requested that the budget does not cover, an SMS taken for one segment until it is sent; without it, messages on their way may
    /// exceed it.
    price_micros: Option<Micros>,
}

/// What a campaign may cost.
#[derive(SimpleObject, Clone)]
pub struct CampaignBudget {
    /// All of it.
    amount: Money,
    /// The part of it, in percent, from which on `budgetNoticedAt` is set.
    warn_percent: u32,
    /// What a message, or a segment of an SMS, is expected to cost until its provider reports a price.
    price: Money,
}

impl BudgetInput {
    /// As the domain has it.
    pub fn read(self) -> Result<Budget, Refusal> {
        let currency = self.currency.parse();
        let micros = |field: &str, Micros(micros): Micros| {
            i64::try_from(micros).map_err(|_| Refusal::invalid(field, "is too much"))
        };
        Ok(Budget {
            micros: micros("budget.micros", self.micros)?,
            currency: currency.map_err(|error| Refusal::invalid("budget.currency", format!("{error}")))?,
            warn_percent: self.warn_percent,
            price_micros: self.price_micros.map_or(Ok(0), |price| micros("budget.price_micros", price))?,
        })
    }
}

impl CampaignBudget {
    /// As it is shown.
    #[must_use]
    pub fn of(budget: &Budget) -> Self {
        let money = |micros: i64| Money { micros: Micros(micros.into()), currency: budget.currency.to_string() };
        Self { amount: money(budget.micros), warn_percent: budget.warn_percent, price: money(budget.price_micros) }
    }
}
