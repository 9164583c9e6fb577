//! The standard normal distribution, to more than 12 significant digits in both tails.

use std::f64::consts::PI;

/// Where the series gives way to the continued fraction. The series loses digits above it, the fraction is slow below it.
const SPLIT: f64 = 2.0;

/// Terms of the continued fraction: at [`SPLIT`] more terms change nothing that a double holds.
const TERMS: u32 = 150;

/// The probability of a value above `x`.
///
/// Near the middle by the series that Marsaglia gives ("Evaluating the Normal Distribution", Journal of Statistical
/// Software 11(4), 2004); in the tail by Laplace's continued fraction (Abramowitz and Stegun, 26.2.14). The tail is
/// not one minus the rest, so that small p-values keep their digits.
pub(super) fn upper_tail(x: f64) -> f64 {
    if x < 0.0 {
        1.0 - upper_tail(-x)
    } else if x < SPLIT {
        0.5 - density(x) * series(x)
    } else {
        density(x) / (1..=TERMS).rev().fold(x, |below, term| x + f64::from(term) / below)
    }
}

/// The probability of a value that is further from zero than `z`, on either side.
pub(super) fn two_sided(z: f64) -> f64 {
    2.0 * upper_tail(z.abs())
}

/// The value that is exceeded with probability `tail`, which is above 0 and below 1.
///
/// Starts at Abramowitz and Stegun, 26.2.23, which is right to 4.5e-4, and takes three of Halley's steps; each triples
/// the number of right digits.
pub(super) fn upper_quantile(tail: f64) -> f64 {
    if tail > 0.5 {
        return -upper_quantile(1.0 - tail);
    }
    let t = (-2.0 * tail.ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (0..3).fold(t - numerator / denominator, |x, _| {
        let error = (upper_tail(x) - tail) / density(x);
        x + 2.0 * error / (2.0 - x * error)
    })
}

/// The density at `x`.
fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}

/// `x + x³/3 + x⁵/(3·5) + …`: the probability between zero and `x`, in units of the density at `x`.
fn series(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    sum
}
