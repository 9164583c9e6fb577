//! Rates: one with its interval, two against each other, and how many people it takes to tell two apart.
//!
//! All is stated under the normal approximation or by score methods, for people who decide independently of each other.

use super::level::{Interval, Level};
use super::normal;

/// How many of a group did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    successes: u64,
    trials: u64,
}

/// Counts that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{successes} of {trials} cannot have done it")]
pub struct InvalidCounts {
    /// The given number of people who did it.
    pub successes: u64,
    /// The given number of people.
    pub trials: u64,
}

impl Counts {
    /// `successes` of `trials` people; there may be none.
    pub fn try_new(successes: u64, trials: u64) -> Result<Self, InvalidCounts> {
        if successes <= trials { Ok(Self { successes, trials }) } else { Err(InvalidCounts { successes, trials }) }
    }

    /// How many did it.
    #[must_use]
    pub fn successes(self) -> u64 {
        self.successes
    }

    /// How many there are.
    #[must_use]
    pub fn trials(self) -> u64 {
        self.trials
    }

    /// The share that did it, from 0 to 1; [`None`] of nobody.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| real(self.successes) / real(self.trials))
    }
}

/// A test of two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZTest {
    /// The difference in standard errors; positive if the first rate is the higher one.
    pub z: f64,
    /// How likely so large a difference is, to either side, if both rates are the same.
    pub p_value: f64,
}

/// A number with the interval that it is likely to be in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The interval at the level that was asked for.
    pub interval: Interval,
}

/// By which share one rate is above another: 0.25 is a quarter more, -1 is nothing left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// The estimate.
    pub value: f64,
    /// The interval; [`None`] where the method has none: nobody of the first group did it, or all of both groups did.
    pub interval: Option<Interval>,
}

/// Wilson's score interval of one rate, without continuity correction; [`None`] of nobody.
///
/// Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927); it is method 3 of Newcombe,
/// Statistics in Medicine 17, 857-872 (1998).
#[must_use]
pub fn wilson(counts: Counts, level: Level) -> Option<Interval> {
    let rate = counts.rate()?;
    let (n, z) = (real(counts.trials), level.z());
    let middle = 2.0 * n * rate + z * z;
    let half = z * (z * z + 4.0 * n * rate * (1.0 - rate)).sqrt();
    let whole = 2.0 * (n + z * z);
    // At both borders the method gives the border itself; rounding would miss it by a little.
    let low = if counts.successes == 0 { 0.0 } else { (middle - half) / whole };
    let high = if counts.successes == counts.trials { 1.0 } else { (middle + half) / whole };
    Some(Interval { low, high })
}

/// The two-proportion z-test with the pooled variance, two-sided; [`None`] if either group is empty.
///
/// Where all did it, or nobody, nothing speaks for a difference: z is 0 and the p-value 1.
/// Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd edition (2003), chapter 3, without
/// continuity correction.
#[must_use]
pub fn z_test(one: Counts, base: Counts) -> Option<ZTest> {
    let difference = one.rate()? - base.rate()?;
    let (n, m) = (real(one.trials), real(base.trials));
    let pooled = (real(one.successes) + real(base.successes)) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    let z = if variance > 0.0 { difference / variance.sqrt() } else { 0.0 };
    Some(ZTest { z, p_value: normal::two_sided(z) })
}

/// The first rate minus the second one, from -1 to 1; [`None`] if either group is empty.
///
/// The interval is Newcombe's hybrid score interval, method 10 of "Interval estimation for the difference between
/// independent proportions: comparison of eleven methods", Statistics in Medicine 17, 873-890 (1998).
#[must_use]
pub fn difference(one: Counts, base: Counts, level: Level) -> Option<Estimate> {
    let (p, q) = (one.rate()?, base.rate()?);
    let (first, second) = (wilson(one, level)?, wilson(base, level)?);
    let value = p - q;
    let low = value - (p - first.low).hypot(second.high - q);
    let high = value + (first.high - p).hypot(q - second.low);
    Some(Estimate { value, interval: Interval { low: low.max(-1.0), high: high.min(1.0) } })
}

/// By which share the first rate is above the second one; [`None`] if either group is empty or nobody of the second
/// group did it.
///
/// The interval is that of the logarithm of the ratio: Katz, Baptista, Azen and Pike, Biometrics 34, 469-474 (1978).
#[must_use]
pub fn lift(one: Counts, base: Counts, level: Level) -> Option<Lift> {
    let (p, q) = (one.rate()?, base.rate()?);
    if base.successes == 0 {
        return None;
    }
    let ratio = p / q;
    let part = |counts: Counts| real(counts.trials - counts.successes) / real(counts.trials) / real(counts.successes);
    let variance = part(one) + part(base);
    let interval = (one.successes > 0 && variance > 0.0).then(|| {
        let width = level.z() * variance.sqrt();
        Interval { low: ratio * (-width).exp() - 1.0, high: ratio * width.exp() - 1.0 }
    });
    Some(Lift { value: ratio - 1.0, interval })
}

/// The smallest difference for which a sample is computed: a ten-thousandth of a percentage point.
pub const SMALLEST_DIFFERENCE: f64 = 1e-6;

/// What no sample can be computed for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidSample {
    /// The baseline is not between 0 and 1.
    #[error("the baseline must be a rate above 0 and below 1, not {given}")]
    Baseline {
        /// What was given.
        given: f64,
    },
    /// The difference is too small, or leads to a rate that cannot be.
    #[error(
        "the difference must be at least {SMALLEST_DIFFERENCE} up or down and leave a rate above 0 and below 1, \
         not {given}"
    )]
    Difference {
        /// What was given.
        given: f64,
    },
    /// The power is below one half, or certain.
    #[error("the power must be at least 0.5 and below 1, not {given}")]
    Power {
        /// What was given.
        given: f64,
    },
}

/// How many people each variant needs, so that [`z_test`] at `alpha` finds the difference with probability `power`.
///
/// `baseline` is the rate of one variant, `minimal_detectable_difference` what the other one's is above it (or below, if
/// negative), both as shares of 1. With k variants, give `alpha` as [`Level::shared_by`] k - 1; with several looks, as
/// [`Moment::level`](super::decide::Moment::level) of the last one, which is cautious.
///
/// Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd edition (2003), chapter 4,
/// without continuity correction; R's `power.prop.test` solves the same equation.
pub fn smallest_sample(
    baseline: f64,
    minimal_detectable_difference: f64,
    alpha: Level,
    power: f64,
) -> Result<u64, InvalidSample> {
    let is_rate = |rate: f64| rate > 0.0 && rate < 1.0;
    if !is_rate(baseline) {
        return Err(InvalidSample::Baseline { given: baseline });
    }
    let difference = minimal_detectable_difference;
    let other = baseline + difference;
    // Negated, so that a difference that is not a number is refused too.
    if !(difference.abs() >= SMALLEST_DIFFERENCE && is_rate(other)) {
        return Err(InvalidSample::Difference { given: difference });
    }
    if !(0.5..1.0).contains(&power) {
        return Err(InvalidSample::Power { given: power });
    }
    let spread = |rate: f64| rate * (1.0 - rate);
    let by_chance = alpha.z() * (2.0 * spread(f64::midpoint(baseline, other))).sqrt();
    let by_power = normal::upper_quantile(1.0 - power) * (spread(baseline) + spread(other)).sqrt();
    let people = ((by_chance + by_power) / difference).powi(2).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a square, bounded by the checks above"
    )]
    Ok(people as u64)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^53")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}
