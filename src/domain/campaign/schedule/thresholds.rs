//! When a campaign pauses itself: too many bounces, complaints or errors.
//!
//! Google asks bulk senders to keep complaints below 0.1 % and never to reach 0.3 % ("Email sender guidelines"); Yahoo
//! asks to stay below 0.3 % ("Sender Best Practices").

use std::fmt;

use serde::{Deserialize, Serialize};

/// The whole, in basis points.
const WHOLE: u32 = 10_000;

/// From which share a campaign pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The share that must not be exceeded, in basis points (hundredths of a percent); 0: off.
    pub basis_points: u32,
    /// How many attempts there must be at least, as a share of few says little.
    #[serde(default = "default_minimum")]
    pub minimum: u32,
}

/// From which shares a campaign pauses. Absent ones are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Complaints: 0.1 %.
    pub complaints: Threshold,
    /// Hard bounces: 5 %.
    pub hard_bounces: Threshold,
    /// Errors of the provider or of ours: 10 %.
    pub errors: Threshold,
}

const fn default_minimum() -> u32 {
    100
}

const fn share(basis_points: u32) -> Threshold {
    Threshold { basis_points, minimum: default_minimum() }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { complaints: share(10), hard_bounces: share(500), errors: share(1_000) }
    }
}

/// What became of a campaign's messages so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Messages that were handed to a provider, or could not be.
    pub attempts: u64,
    /// Those of which a recipient complained.
    pub complaints: u64,
    /// Those that came back for good.
    pub hard_bounces: u64,
    /// Those that failed for another reason.
    pub errors: u64,
}

impl Counts {
    /// What was added since an earlier moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            attempts: self.attempts.saturating_sub(earlier.attempts),
            complaints: self.complaints.saturating_sub(earlier.complaints),
            hard_bounces: self.hard_bounces.saturating_sub(earlier.hard_bounces),
            errors: self.errors.saturating_sub(earlier.errors),
        }
    }
}

/// Which threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Complaints.
    Complaints,
    /// Hard bounces.
    HardBounces,
    /// Errors.
    Errors,
}

impl ThresholdKind {
    const fn place(self) -> &'static str {
        match self {
            Self::Complaints => "complaints",
            Self::HardBounces => "hard_bounces",
            Self::Errors => "errors",
        }
    }
}

impl fmt::Display for ThresholdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place())
    }
}

/// A threshold that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which one.
    pub threshold: ThresholdKind,
    /// The share that it allows, in basis points.
    pub allowed_basis_points: u32,
    /// How many messages counted.
    pub count: u64,
    /// Of how many attempts.
    pub attempts: u64,
    /// The share that was measured, in parts per million, rounded down.
    pub measured_ppm: u64,
}

/// Why thresholds cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// More than the whole.
    #[error("{}.basis_points: must be at most {WHOLE} (100 %); is {found}", .threshold.place())]
    Share {
        /// Which one.
        threshold: ThresholdKind,
        /// What was asked for.
        found: u32,
    },
}

impl Thresholds {
    /// Says if the thresholds cannot be kept.
    pub fn check(&self) -> Result<(), ThresholdError> {
        let wrong = self.all().into_iter().find(|(_, threshold)| threshold.basis_points > WHOLE);
        wrong.map_or(Ok(()), |(kind, threshold)| {
            Err(ThresholdError::Share { threshold: kind, found: threshold.basis_points })
        })
    }

    /// The first threshold that is exceeded: complaints harm a sender most, then hard bounces.
    #[must_use]
    pub fn breach(&self, counts: Counts) -> Option<Breach> {
        self.all().into_iter().find_map(|(kind, threshold)| threshold.breach(kind, counts))
    }

    const fn all(&self) -> [(ThresholdKind, Threshold); 3] {
        [
            (ThresholdKind::Complaints, self.complaints),
            (ThresholdKind::HardBounces, self.hard_bounces),
            (ThresholdKind::Errors, self.errors),
        ]
    }
}

impl Threshold {
    fn breach(self, kind: ThresholdKind, counts: Counts) -> Option<Breach> {
        let attempts = counts.attempts;
        let count = match kind {
            ThresholdKind::Complaints => counts.complaints,
            ThresholdKind::HardBounces => counts.hard_bounces,
            ThresholdKind::Errors => counts.errors,
        };
        if self.basis_points == 0 || attempts < u64::from(self.minimum.max(1)) {
            return None;
        }
        let is_exceeded = u128::from(count) * u128::from(WHOLE) > u128::from(attempts) * u128::from(self.basis_points);
        let ppm = u128::from(count) * 1_000_000 / u128::from(attempts);
        is_exceeded.then(|| Breach {
            threshold: kind,
            allowed_basis_points: self.basis_points,
            count,
            attempts,
            measured_ppm: u64::try_from(ppm).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(attempts: u64, complaints: u64, hard_bounces: u64, errors: u64) -> Counts {
        Counts { attempts, complaints, hard_bounces, errors }
    }

    #[test]
    fn a_share_above_the_threshold_pauses_and_one_at_it_does_not() {
        let breach = |counts| Thresholds::default().breach(counts).map(|breach| breach.threshold);
        let table = [
            (counts(10_000, 10, 500, 1_000), None),
            (counts(10_000, 11, 0, 0), Some(ThresholdKind::Complaints)),
            (counts(10_000, 0, 501, 0), Some(ThresholdKind::HardBounces)),
            (counts(10_000, 0, 0, 1_001), Some(ThresholdKind::Errors)),
            (counts(10_000, 11, 501, 1_001), Some(ThresholdKind::Complaints)),
            (counts(u64::MAX, 0, u64::MAX, 0), Some(ThresholdKind::HardBounces)),
        ];
        for (counts, expected) in table {
            assert_eq!(breach(counts), expected, "{counts:?}");
        }
    }

    #[test]
    fn a_breach_says_what_was_measured() {
        let breach = Thresholds::default().breach(counts(1_999, 2, 0, 0));
        let expected = Breach {
            threshold: ThresholdKind::Complaints,
            allowed_basis_points: 10,
            count: 2,
            attempts: 1_999,
            measured_ppm: 1_000,
        };
        assert_eq!(breach, Some(expected));
    }

    #[test]
    fn of_too_few_attempts_nothing_follows() {
        assert_eq!(Thresholds::default().breach(counts(99, 99, 99, 99)), None);
        assert!(Thresholds::default().breach(counts(100, 1, 0, 0)).is_some());
        let none = Threshold { basis_points: 1, minimum: 0 };
        assert_eq!(Thresholds { errors: none, ..Thresholds::default() }.breach(counts(0, 0, 0, 0)), None);
    }

    #[test]
    fn a_threshold_of_zero_is_off() {
        let off = Threshold { basis_points: 0, minimum: 0 };
        let thresholds = Thresholds { complaints: off, hard_bounces: off, errors: off };
        assert_eq!(thresholds.breach(counts(1_000, 1_000, 1_000, 1_000)), None);
    }

    #[test]
    fn thresholds_that_are_absent_in_json_are_the_defaults() {
        let thresholds: Thresholds = serde_json::from_str(r#"{"complaints":{"basis_points":20}}"#).expect("thresholds");
        assert_eq!(thresholds, Thresholds { complaints: share(20), ..Thresholds::default() });
        assert!(serde_json::from_str::<Thresholds>(r#"{"soft_bounces":{"basis_points":20}}"#).is_err());
    }

    #[test]
    fn a_share_of_more_than_all_is_refused_with_the_place() {
        let thresholds = Thresholds { errors: share(10_001), ..Thresholds::default() };
        let error = thresholds.check().expect_err("too much");
        assert_eq!(error.to_string(), "errors.basis_points: must be at most 10000 (100 %); is 10001");
        assert_eq!(Thresholds::default().check(), Ok(()));
    }
}
