//! The variant that wins among a part of the audience, and is sent to the rest.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::experiment::decide::{InvalidDecision, Moment, Reason, Rule, Verdict, decide};
use crate::domain::campaign::experiment::level::Level;
use crate::domain::campaign::experiment::proportions::Counts;
use crate::domain::refusal::Refusal;
use crate::domain::value::words;

/// The longest wait, in minutes: 30 days.
pub const LONGEST_WAIT_MINUTES: u32 = 30 * 24 * 60;

words! {
    /// What a variant wins by.
    WinnerMetric, "metric" {
        /// People who opened their message.
        Opened = "opened",
        /// People who followed a link in it.
        Clicked = "clicked",
        /// Customers who replied.
        Replied = "replied",
        /// Customers who ordered since the campaign started.
        Ordered = "ordered",
    }
}

words! {
    /// What happens when the differences may be chance.
    Undecided, "choice" {
        /// The rest gets the variant with the highest rate, the first of equal ones.
        Leader = "leader",
        /// The campaign is paused, so that a colleague chooses.
        Ask = "ask",
    }
}

words! {
    /// How a variant was chosen.
    ChosenBy, "choice of a winner" {
        /// It is better than each other one, at a level of 5 %.
        Test = "test",
        /// The differences may be chance; it has the highest rate.
        Leader = "leader",
        /// A colleague chose it.
        Colleague = "colleague",
    }
}

/// How the text for the rest is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WinnerRule {
    /// What a variant wins by.
    pub metric: WinnerMetric,
    /// How long after the last message of the test was asked for it is looked at, in minutes. It is looked at once.
    pub wait_minutes: u32,
    /// What happens when the differences may be chance.
    #[serde(default = "leader")]
    pub undecided: Undecided,
}

const fn leader() -> Undecided {
    Undecided::Leader
}

/// What a variant achieved in the test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedVariant {
    /// Its name.
    pub variant: String,
    /// Customers who were assigned to it.
    pub customers: u64,
    /// Those of whom the metric holds.
    pub successes: u64,
}

/// The variant that the rest gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// Its name.
    pub variant: String,
    /// How it was chosen.
    pub chosen_by: ChosenBy,
    /// What the variants achieved when it was chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tested: Vec<TestedVariant>,
    /// The largest p-value of its comparisons with the others, corrected by Holm; absent where there was too little to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// How many customers each variant would have needed, where there was too little to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
}

/// What the test says.
#[derive(Debug, Clone, PartialEq)]
pub enum Tested {
    /// The rest gets this variant.
    Winner(Winner),
    /// A colleague has to choose.
    Ask {
        /// Why.
        reason: String,
    },
}

impl WinnerRule {
    /// Says if the rule cannot be kept.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(1..=LONGEST_WAIT_MINUTES).contains(&self.wait_minutes) {
            let message = format!("must be 1 to {LONGEST_WAIT_MINUTES} minutes");
            return Err(Refusal::invalid("experiment.winner.wait_minutes", message));
        }
        Ok(())
    }

    /// When the test is looked at, if its last message was asked for then.
    #[must_use]
    pub fn looks_at(&self, tested_at: DateTime<Utc>) -> DateTime<Utc> {
        tested_at + TimeDelta::minutes(self.wait_minutes.into())
    }

    /// What follows from what the variants achieved, in their order.
    pub fn judge(&self, tested: Vec<TestedVariant>) -> Result<Tested, InvalidDecision> {
        let of = |one: &TestedVariant| Counts::try_new(one.successes.min(one.customers), one.customers);
        let counts = tested.iter().map(of).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        let rule = Rule { level: Level::FIVE_PERCENT, moment: Moment::Planned, sample: 0 };
        let (index, chosen_by, p_value, needed) = match decide(&counts, &rule)? {
            Verdict::Winner { index, p_value, .. } => (index, ChosenBy::Test, Some(p_value), None),
            Verdict::Undecided { reason, .. } => {
                let (p_value, needed, why) = match reason {
                    Reason::NotSignificant { p_value } => {
                        (Some(p_value), None, "the differences may be chance".to_owned())
                    }
                    Reason::TooFew { needed } => {
                        (None, Some(needed), format!("too few to tell: {needed} customers of each variant are needed"))
                    }
                };
                if self.undecided == Undecided::Ask {
                    return Ok(Tested::Ask { reason: format!("no variant has won by {}: {why}", self.metric) });
                }
                (leading(&counts), ChosenBy::Leader, p_value, needed)
            }
        };
        let variant = tested.get(index).map(|one| one.variant.clone()).unwrap_or_default();
        Ok(Tested::Winner(Winner { variant, chosen_by, tested, p_value, needed }))
    }
}

/// The variant with the highest rate, the first of equal ones.
fn leading(counts: &[Counts]) -> usize {
    let mut best = 0;
    for (index, one) in counts.iter().enumerate() {
        let rate = |counts: &Counts| counts.rate().unwrap_or_default();
        if counts.get(best).is_some_and(|best| rate(one) > rate(best)) {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(undecided: Undecided, counts: [(u64, u64); 2]) -> Tested {
        let rule = WinnerRule { metric: WinnerMetric::Clicked, wait_minutes: 60, undecided };
        let tested = ["A", "B"].into_iter().zip(counts).map(|(variant, (successes, customers))| TestedVariant {
            variant: variant.to_owned(),
            customers,
            successes,
        });
        rule.judge(tested.collect()).expect("two variants")
    }

    fn winner(tested: &Tested) -> (&str, ChosenBy) {
        match tested {
            Tested::Winner(chosen) => (&chosen.variant, chosen.chosen_by),
            Tested::Ask { reason } => panic!("nobody was to be asked: {reason}"),
        }
    }

    #[test]
    fn a_variant_that_is_better_beyond_chance_wins_the_test() {
        let tested = judged(Undecided::Ask, [(50, 1_000), (90, 1_000)]);
        assert_eq!(winner(&tested), ("B", ChosenBy::Test));
        let Tested::Winner(chosen) = tested else { panic!("B won") };
        // Two-proportion test: z = 3.509.
        assert!(chosen.p_value.is_some_and(|p| (p - 0.000_450).abs() < 0.000_01), "{:?}", chosen.p_value);
    }

    #[test]
    fn given_chance_the_leader_goes_on_or_a_colleague_is_asked() {
        assert_eq!(winner(&judged(Undecided::Leader, [(52, 1_000), (50, 1_000)])), ("A", ChosenBy::Leader));
        assert_eq!(winner(&judged(Undecided::Leader, [(0, 0), (0, 0)])), ("A", ChosenBy::Leader));
        let asked = judged(Undecided::Ask, [(52, 1_000), (50, 1_000)]);
        assert_eq!(
            asked,
            Tested::Ask { reason: "no variant has won by clicked: the differences may be chance".to_owned() }
        );
        let Tested::Ask { reason } = judged(Undecided::Ask, [(1, 10), (0, 10)]) else { panic!("nobody was asked") };
        assert!(reason.contains("too few to tell"), "{reason}");
    }
}
