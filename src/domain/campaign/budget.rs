//! What a campaign may cost.

use serde::{Deserialize, Serialize};

use crate::domain::refusal::Refusal;
use crate::domain::value::{Currency, words};

/// What a campaign may cost. It is told when most of it is spent, and pauses the campaign when all of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// In micros of the currency.
    pub micros: i64,
    /// What is charged in another currency pauses the campaign: it cannot be added up.
    pub currency: Currency,
    /// The part of it, in percent, from which on it is told.
    #[serde(default = "most_of_it")]
    pub warn_percent: u32,
    /// What a message, or a segment of an SMS, is expected to cost until its provider reports a price, in micros; 0: nothing. With it,
    /// no message is asked for that the budget does not cover.
    #[serde(default)]
    pub price_micros: i64,
}

const fn most_of_it() -> u32 {
    Budget::WARN_PERCENT
}

/// What a campaign has cost, and is about to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spending {
    /// What providers charged, in micros of the budget's currency.
    pub charged: i128,
    /// A currency that something else was charged in.
    pub other_currency: Option<String>,
    /// Messages, or segments of SMS, that were asked for and have no price yet.
    pub unpriced: u64,
}

words! {
    /// How much of a budget is left.
    Spent, "state of a budget" {
        /// Most of it.
        Little = "little",
        /// A part that is told.
        Most = "most",
        /// Nothing.
        All = "all",
    }
}

impl Budget {
    /// The part from which on a budget is told, unless it says otherwise.
    pub const WARN_PERCENT: u32 = 80;

    /// The budget as it is kept; one of 0 is none.
    pub(super) fn checked(self) -> Result<Option<Self>, Refusal> {
        if self.micros < 0 {
            return Err(Refusal::invalid("budget.micros", "must be 0 or more"));
        }
        if self.price_micros < 0 {
            return Err(Refusal::invalid("budget.price_micros", "must be 0 or more"));
        }
        if !(1..=100).contains(&self.warn_percent) {
            return Err(Refusal::invalid("budget.warn_percent", "must be 1 to 100"));
        }
        Ok((self.micros > 0).then_some(self))
    }

    /// What is spent, with what is expected of messages without a price, in micros.
    #[must_use]
    pub fn spent(&self, spending: &Spending) -> i128 {
        spending.charged + i128::from(self.price_micros) * i128::from(spending.unpriced)
    }

    /// How much of it is spent.
    #[must_use]
    pub fn state(&self, spending: &Spending) -> Spent {
        let spent = self.spent(spending);
        let covers_one_more = spent + i128::from(self.price_micros.max(1)) <= i128::from(self.micros);
        if !covers_one_more || spending.other_currency.is_some() {
            Spent::All
        } else if spent * 100 >= i128::from(self.micros) * i128::from(self.warn_percent) {
            Spent::Most
        } else {
            Spent::Little
        }
    }

    /// How many more messages of one segment it covers; [`None`]: any number, as far as is known.
    #[must_use]
    pub fn covers(&self, spending: &Spending) -> Option<u64> {
        let left = (i128::from(self.micros) - self.spent(spending)).max(0);
        let messages = left.checked_div(i128::from(self.price_micros))?;
        Some(u64::try_from(messages).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(micros: i64, price_micros: i64) -> Budget {
        let currency = "EUR".parse().expect("a currency");
        Budget { micros, currency, warn_percent: Budget::WARN_PERCENT, price_micros }
    }

    fn charged(charged: i128, unpriced: u64) -> Spending {
        Spending { charged, other_currency: None, unpriced }
    }

    #[test]
    fn most_is_told_and_all_is_the_end() {
        let budget = budget(100, 0);
        let states = [79, 80, 99, 100, 101].map(|spent| budget.state(&charged(spent, 5)));
        assert_eq!(states, [Spent::Little, Spent::Most, Spent::Most, Spent::All, Spent::All]);
        assert_eq!(budget.covers(&charged(0, 0)), None);
        let other = Spending { other_currency: Some("USD".to_owned()), ..charged(1, 0) };
        assert_eq!(budget.state(&other), Spent::All);
    }

    #[test]
    fn with_a_price_no_message_is_asked_for_that_is_not_covered() {
        let budget = budget(100, 7);
        assert_eq!((budget.covers(&charged(0, 0)), budget.covers(&charged(0, 14))), (Some(14), Some(0)));
        assert_eq!((budget.state(&charged(0, 13)), budget.state(&charged(0, 14))), (Spent::Most, Spent::All));
        // What was charged counts in place of what was expected.
        assert_eq!(budget.covers(&charged(60, 5)), Some(0));
        assert_eq!(budget.covers(&charged(500, 0)), Some(0));
    }

    #[test]
    fn a_budget_of_0_is_none() {
        assert_eq!(budget(0, 0).checked(), Ok(None));
        assert_eq!(budget(-1, 0).checked().map_err(|refusal| refusal.field), Err(Some("budget.micros".to_owned())));
        let never = Budget { warn_percent: 0, ..budget(1, 0) };
        assert_eq!(never.checked().map_err(|refusal| refusal.field), Err(Some("budget.warn_percent".to_owned())));
    }
}
