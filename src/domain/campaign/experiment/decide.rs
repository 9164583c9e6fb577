//! Choosing the winner among variants by a rate.
//!
//! A false winner is a variant that is chosen although another one's true rate is as high or higher. The rate of false
//! winners is at most the level, over all comparisons and all looks together:
//!
//! - A winner must beat each other variant. Comparing the leader with the runner-up two-sided holds the level although
//!   the leader was picked after the fact (Gutmann and Maymin, Annals of Statistics 15, 456-461, 1987; Hung and Fithian,
//!   Annals of Statistics 47, 758-782, 2019; both for groups of the same size). The comparisons are corrected by Holm on
//!   top (Scandinavian Journal of Statistics 6, 65-70, 1979), which only makes a winner rarer. Groups of unequal sizes
//!   are covered by simulation, in the tests.
//! - Whoever looks often finds something by chance. With several equally spaced looks, each has its own part of the
//!   level: what the spending function of O'Brien-Fleming type (Biometrika 70, 659-663, 1983) spends on each side between
//!   the look before and this one, with half the level to each side. The parts add up to the level, so by Bonferroni's
//!   inequality the rate holds however the looks depend on each other. This is stricter than boundaries that use the
//!   dependence: at 5 % with five looks the last one is at 2.6 % instead of 4.2 %. In exchange it needs no assumption
//!   about that dependence, which nobody knows of opens and clicks that trickle in.
//!
//! The number of looks and the sample are fixed before the first message goes out, and each look is taken once.

use super::level::Level;
use super::normal;
use super::proportions::{Counts, z_test};
use super::shares::{FEWEST_VARIANTS, MOST_VARIANTS};

/// The most looks at one experiment.
pub const MOST_LOOKS: u32 = 20;

/// How many successes and how many failures the pooled rate must promise for each of two compared variants. The usual
/// rule for the normal approximation of rates is 5 (Cochran, Biometrics 10, 417-451, 1954); twice that, because the
/// first of several looks reads far tails.
pub const EXPECTED: u64 = 10;

/// When a winner may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Once, when it was planned.
    Planned,
    /// At one of several equally spaced looks.
    Looks {
        /// Which look this is, from 1.
        number: u32,
        /// How many there are, the last one included.
        of: u32,
    },
}

impl Moment {
    /// The part of `level` that a decision at this moment may use.
    pub fn level(self, level: Level) -> Result<Level, InvalidDecision> {
        let Self::Looks { number, of } = self else { return Ok(level) };
        if of == 0 || of > MOST_LOOKS || number == 0 || number > of {
            return Err(InvalidDecision::Look { number, of });
        }
        let z = level.shared_by(2).z();
        let spent = |looks: u32| match looks {
            0 => 0.0,
            // As it is, not through the distribution and back.
            all if all == of => level.get(),
            looks => 2.0 * normal::two_sided(z / (f64::from(looks) / f64::from(of)).sqrt()),
        };
        Ok(Level::derived(spent(number) - spent(number - 1)))
    }
}

/// By which rule a winner is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The rate of false winners over the whole experiment.
    pub level: Level,
    /// The moment of this decision.
    pub moment: Moment,
    /// How many trials were planned for each variant by the end; see
    /// [`smallest_sample`](super::proportions::smallest_sample). An earlier look needs its part of them. With 0, only the
    /// normal approximation sets a bound.
    pub sample: u64,
}

/// Whether there is a winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// One variant is better than each other one.
    Winner {
        /// Which one, from 0.
        index: usize,
        /// The largest p-value of its comparisons, corrected by Holm.
        p_value: f64,
        /// What the p-value was compared with: the part of the level for this moment.
        level: f64,
        /// With how many variants it was compared.
        compared: usize,
    },
    /// There is none, or not yet.
    Undecided {
        /// Why.
        reason: Reason,
        /// Which variant has the highest rate so far; [`None`] if several have it, or none has trials.
        leader: Option<usize>,
    },
}

/// Why there is no winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// There are too few trials to say anything.
    TooFew {
        /// How many trials each variant must have. Where it follows from the rates so far, it changes with them.
        needed: u64,
    },
    /// The differences may well be chance.
    NotSignificant {
        /// The largest p-value of the leader's comparisons, corrected by Holm.
        p_value: f64,
    },
}

/// What nothing can be decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecision {
    /// Too few or too many variants.
    #[error("there must be {FEWEST_VARIANTS} to {MOST_VARIANTS} variants, not {given}")]
    Variants {
        /// How many were given.
        given: usize,
    },
    /// There is no such look.
    #[error("there is no look {number} of {of}: there are 1 to {MOST_LOOKS} looks, counted from 1")]
    Look {
        /// Which look was given.
        number: u32,
        /// Of how many.
        of: u32,
    },
}

/// Chooses the winner: the variant whose rate is higher than that of each other one, at the level of the rule.
pub fn decide(variants: &[Counts], rule: &Rule) -> Result<Verdict, InvalidDecision> {
    if !(FEWEST_VARIANTS..=MOST_VARIANTS).contains(&variants.len()) {
        return Err(InvalidDecision::Variants { given: variants.len() });
    }
    let level = rule.moment.level(rule.level)?.get();
    let best = first_of_the_best(variants);
    let ahead = |other: usize| other == best || is_higher(variants[best], variants[other]);
    let leader = (0..variants.len()).all(ahead).then_some(best);

    let others = || variants.iter().enumerate().filter(|(index, _)| *index != best).map(|(_, counts)| *counts);
    let missing = others().filter_map(|other| missing_to_approximate(variants[best], other));
    if let Some(needed) = missing.chain(missing_to_plan(variants, rule)).max() {
        return Ok(Verdict::Undecided { reason: Reason::TooFew { needed }, leader });
    }

    // Without trials on both sides nothing was compared, and too few were reported above.
    let p_values = others().map(|other| z_test(variants[best], other).map_or(1.0, |test| test.p_value)).collect();
    let p_value = largest_by_holm(p_values);
    Ok(match leader {
        Some(index) if p_value <= level => Verdict::Winner { index, p_value, level, compared: variants.len() - 1 },
        _ => Verdict::Undecided { reason: Reason::NotSignificant { p_value }, leader },
    })
}

/// The first variant that no other one is above.
fn first_of_the_best(variants: &[Counts]) -> usize {
    (1..variants.len()).fold(0, |best, index| if is_higher(variants[index], variants[best]) { index } else { best })
}

/// Whether one rate is above another, exactly. Where there are no trials, there is no rate: any rate is above it.
fn is_higher(one: Counts, other: Counts) -> bool {
    let cross = |a: Counts, b: Counts| u128::from(a.successes()) * u128::from(b.trials());
    match (one.trials(), other.trials()) {
        (0, _) => false,
        (_, 0) => true,
        _ => cross(one, other) > cross(other, one),
    }
}

/// The trials that each of two variants must have for the normal approximation, if one has fewer. While all did it, or
/// nobody, it is reckoned as if the next one were the first to differ.
fn missing_to_approximate(one: Counts, other: Counts) -> Option<u64> {
    let trials = u128::from(one.trials()) + u128::from(other.trials());
    let successes = u128::from(one.successes()) + u128::from(other.successes());
    let needed = match successes.min(trials - successes) {
        0 => u128::from(EXPECTED) * (trials + 1),
        rarer => (u128::from(EXPECTED) * trials).div_ceil(rarer),
    };
    (u128::from(one.trials().min(other.trials())) < needed).then(|| u64::try_from(needed).unwrap_or(u64::MAX))
}

/// The trials that each variant was planned to have by now, if one has fewer.
fn missing_to_plan(variants: &[Counts], rule: &Rule) -> Option<u64> {
    let needed = match rule.moment {
        Moment::Planned => rule.sample,
        Moment::Looks { number, of } => {
            let part = (u128::from(rule.sample) * u128::from(number)).div_ceil(u128::from(of.max(1)));
            u64::try_from(part).unwrap_or(u64::MAX)
        }
    };
    variants.iter().any(|counts| counts.trials() < needed).then_some(needed)
}

/// The largest of the p-values after Holm's correction: the level at which all comparisons are significant.
fn largest_by_holm(mut p_values: Vec<f64>) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let left = (1..=p_values.len()).rev();
    #[expect(clippy::cast_precision_loss, reason = "at most seven comparisons")]
    p_values.iter().zip(left).map(|(p_value, left)| (p_value * left as f64).min(1.0)).fold(0.0, f64::max)
}
