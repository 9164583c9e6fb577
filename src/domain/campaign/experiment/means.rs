//! Money per customer: the difference between two groups, from exact sums.

use super::level::{Interval, Level};
use super::normal;
use super::proportions::real;

/// What the customers of a group spent: enough to know the mean and the spread. Those who spent nothing count too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    customers: u64,
    sum: i128,
    sum_of_squares: i128,
}

/// Sums that are of no amounts, or too large to calculate with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpend {
    /// No amounts of so many customers have this sum and this sum of squares.
    #[error("no amounts of {customers} customers add up to {sum} micros and their squares to {sum_of_squares}")]
    Impossible {
        /// The given number of customers.
        customers: u64,
        /// The given sum, in micros.
        sum: i128,
        /// The given sum of squares, in micros squared.
        sum_of_squares: i128,
    },
    /// A sum does not fit into 127 bits.
    #[error("the amounts are too large to add up")]
    TooLarge,
}

impl Spend {
    /// `customers` with the `sum` of their amounts in micros of the currency, and the `sum_of_squares` of the amounts in
    /// micros squared. Amounts may be negative, where customers return more than they buy.
    pub fn try_new(customers: u64, sum: i128, sum_of_squares: i128) -> Result<Self, InvalidSpend> {
        let spend = Self { customers, sum, sum_of_squares };
        let impossible = InvalidSpend::Impossible { customers, sum, sum_of_squares };
        if sum_of_squares < 0 {
            return Err(impossible);
        }
        if customers == 0 {
            return if sum == 0 && sum_of_squares == 0 { Ok(spend) } else { Err(impossible) };
        }
        let around = spend.around_floor().ok_or(InvalidSpend::TooLarge)?;
        // The squares around the mean add up to `around - rest² / customers`, which nothing makes negative. The rest is
        // below 2^64.
        let least = spend.rest().unsigned_abs().pow(2);
        let enough = |around: u128| around.checked_mul(u128::from(customers)).is_none_or(|all| all >= least);
        if u128::try_from(around).is_ok_and(enough) { Ok(spend) } else { Err(impossible) }
    }

    /// With one more customer, who spent `micros`.
    pub fn with(self, micros: i64) -> Result<Self, InvalidSpend> {
        let micros = i128::from(micros);
        Ok(Self {
            customers: self.customers.checked_add(1).ok_or(InvalidSpend::TooLarge)?,
            sum: self.sum.checked_add(micros).ok_or(InvalidSpend::TooLarge)?,
            sum_of_squares: self.sum_of_squares.checked_add(micros * micros).ok_or(InvalidSpend::TooLarge)?,
        })
    }

    /// How many customers there are.
    #[must_use]
    pub fn customers(self) -> u64 {
        self.customers
    }

    /// What they spent, in micros of the currency.
    #[must_use]
    pub fn sum(self) -> i128 {
        self.sum
    }

    /// The sum of the squares of what each spent, in micros squared.
    #[must_use]
    pub fn sum_of_squares(self) -> i128 {
        self.sum_of_squares
    }

    /// What a customer spent on average, in micros of the currency; [`None`] of nobody.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.customers > 0).then(|| wide(self.floor()) + wide(self.rest()) / real(self.customers))
    }

    /// The variance of what customers spend, in micros squared, with n - 1 in the denominator; [`None`] of fewer than
    /// two.
    #[must_use]
    pub fn variance(self) -> Option<f64> {
        if self.customers < 2 {
            return None;
        }
        let n = real(self.customers);
        let squares = wide(self.around_floor()?) - wide(self.rest()).powi(2) / n;
        Some(squares.max(0.0) / (n - 1.0))
    }

    /// The mean, rounded down to a whole micro; there must be customers.
    fn floor(self) -> i128 {
        self.sum.div_euclid(i128::from(self.customers))
    }

    /// What of the sum is above [`Self::floor`]: less than the number of customers.
    fn rest(self) -> i128 {
        self.sum.rem_euclid(i128::from(self.customers))
    }

    /// The sum of squares around [`Self::floor`]. Exact: the sum of squares and the square of the sum are large and
    /// nearly equal where amounts are alike, so subtracting them as floating-point numbers would leave noise.
    fn around_floor(self) -> Option<i128> {
        let correction = self.floor().checked_mul(self.sum.checked_add(self.rest())?)?;
        self.sum_of_squares.checked_sub(correction)
    }
}

/// How much more the customers of one group spent than those of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanDifference {
    /// The first mean minus the second one, in micros of the currency.
    pub value: f64,
    /// Its interval at the level that was asked for, in micros of the currency.
    pub interval: Interval,
    /// The difference in standard errors.
    pub z: f64,
    /// How likely so large a difference is, to either side, if both means are the same.
    pub p_value: f64,
}

/// The difference of two means with Welch's standard error, under the normal approximation: for large samples, some
/// hundreds of customers on each side and more where few of them buy.
///
/// [`None`] if a side has fewer than two customers, or if neither side's amounts differ at all.
/// Source: B. L. Welch, Biometrika 34, 28-35 (1947), with the quantile of the normal distribution in place of Student's,
/// which it approaches.
#[must_use]
pub fn difference(one: Spend, base: Spend, level: Level) -> Option<MeanDifference> {
    let value = one.mean()? - base.mean()?;
    let error = (one.variance()? / real(one.customers) + base.variance()? / real(base.customers)).sqrt();
    if error <= 0.0 {
        return None;
    }
    let (z, half) = (value / error, level.z() * error);
    let interval = Interval { low: value - half, high: value + half };
    Some(MeanDifference { value, interval, z, p_value: normal::two_sided(z) })
}

/// An exact sum as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "rounded once, after all that is exact")]
fn wide(sum: i128) -> f64 {
    sum as f64
}
