//! The definition of an experiment: its variants, their shares, and who gets which.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The fewest variants of an experiment without a hold-out.
pub const FEWEST_VARIANTS: usize = 2;
/// The most variants of an experiment.
pub const MOST_VARIANTS: usize = 8;
/// The longest name of a variant, in characters.
pub const LONGEST_NAME: usize = 40;
/// All, in basis points: one is a hundredth of a percent.
pub const WHOLE: u32 = 10_000;

/// A variant and how much of the test part gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// 1 to [`LONGEST_NAME`] characters, unlike every other one's.
    pub name: String,
    /// Its part of the test part, in basis points.
    pub share: u32,
}

/// The valid shares of an experiment. As JSON: `{"variants": [{"name": "A", "share": 5000}, …], "hold_out": 1000,
/// "test": 2000}`; reading it refuses what [`Shares::try_new`] refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft")]
pub struct Shares {
    variants: Vec<Variant>,
    hold_out: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<u32>,
}

/// Shares as they are written, before they are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    variants: Vec<Variant>,
    #[serde(default)]
    hold_out: u32,
    #[serde(default)]
    test: Option<u32>,
}

impl TryFrom<Draft> for Shares {
    type Error = InvalidShares;

    fn try_from(draft: Draft) -> Result<Self, InvalidShares> {
        Self::try_new(draft.variants, draft.hold_out, draft.test)
    }
}

/// What is wrong with shares. [`Self::place`] says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShares {
    /// Too few or too many variants.
    #[error("there must be {FEWEST_VARIANTS} to {MOST_VARIANTS} variants, not {given}")]
    Number {
        /// How many were given.
        given: usize,
    },
    /// A name is empty, too long, padded or has control characters.
    #[error(
        "the name of variant {} must be 1 to {LONGEST_NAME} characters, without control characters and without spaces \
         at its ends", index + 1
    )]
    Name {
        /// Which variant, from 0.
        index: usize,
    },
    /// Two variants have the same name.
    #[error("variants {} and {} are both named \"{name}\"", first + 1, index + 1)]
    SameName {
        /// The variant that had the name first, from 0.
        first: usize,
        /// The variant that has it too, from 0.
        index: usize,
        /// The name.
        name: String,
    },
    /// A variant gets nobody, or more than all.
    #[error("the share of variant {} must be above 0 % and at most 100 %, not {}", index + 1, Percent(u64::from(*given)))]
    Share {
        /// Which variant, from 0.
        index: usize,
        /// The given share, in basis points.
        given: u32,
    },
    /// The variants' shares are not the whole.
    #[error("the shares of the variants must add up to 100 %, not {}", Percent(*sum))]
    Sum {
        /// What they add up to, in basis points.
        sum: u64,
    },
    /// The hold-out leaves nobody.
    #[error("the hold-out must be below 100 %, not {}", Percent(u64::from(*given)))]
    HoldOut {
        /// The given share, in basis points.
        given: u32,
    },
    /// The test part is more than all.
    #[error("the test part must be at most 100 %, not {}", Percent(u64::from(*given)))]
    Test {
        /// The given share, in basis points.
        given: u32,
    },
}

impl InvalidShares {
    /// Where it is wrong, as a path into the JSON of [`Shares`], such as `variants[1].share`.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Number { .. } | Self::Sum { .. } => "variants".to_owned(),
            Self::Name { index } | Self::SameName { index, .. } => format!("variants[{index}].name"),
            Self::Share { index, .. } => format!("variants[{index}].share"),
            Self::HoldOut { .. } => "hold_out".to_owned(),
            Self::Test { .. } => "test".to_owned(),
        }
    }
}

/// Basis points as a percentage: `101 %`, `99.5 %`.
struct Percent(u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole} %"),
            (_, 0) => write!(f, "{whole}.{} %", rest / 10),
            _ => write!(f, "{whole}.{rest:02} %"),
        }
    }
}

/// What a person gets in an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assignment {
    /// Nothing, so that those who got something can be compared with them.
    HoldOut,
    /// The variant with this index, from 0, as a part of the test.
    Variant(usize),
    /// The winner, once there is one.
    Rest,
}

impl Shares {
    /// Checks the shares of `variants`, which are parts of the test part; the `hold_out`, a part of the audience; and the
    /// `test` part, of those who are not held out. All are in basis points. Without a test part, or with one of 0,
    /// everybody who is not held out is tested.
    pub fn try_new(variants: Vec<Variant>, hold_out: u32, test: Option<u32>) -> Result<Self, InvalidShares> {
        // One variant is compared with those who are held out.
        let fewest = if hold_out > 0 { 1 } else { FEWEST_VARIANTS };
        if !(fewest..=MOST_VARIANTS).contains(&variants.len()) {
            return Err(InvalidShares::Number { given: variants.len() });
        }
        for (index, variant) in variants.iter().enumerate() {
            check(index, variant)?;
            if let Some(first) = variants[..index].iter().position(|before| before.name == variant.name) {
                return Err(InvalidShares::SameName { first, index, name: variant.name.clone() });
            }
        }
        let sum = variants.iter().map(|variant| u64::from(variant.share)).sum();
        if sum != u64::from(WHOLE) {
            return Err(InvalidShares::Sum { sum });
        }
        if hold_out >= WHOLE {
            return Err(InvalidShares::HoldOut { given: hold_out });
        }
        match test {
            Some(given) if given > WHOLE => Err(InvalidShares::Test { given }),
            // One way to write that all are tested.
            Some(0 | WHOLE) => Ok(Self { variants, hold_out, test: None }),
            test => Ok(Self { variants, hold_out, test }),
        }
    }

    /// The variants, in the order of their indices.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The part of the audience that gets nothing, in basis points.
    #[must_use]
    pub fn hold_out(&self) -> u32 {
        self.hold_out
    }

    /// The part of those not held out that is tested, in basis points; [`WHOLE`] if all are.
    #[must_use]
    pub fn test(&self) -> u32 {
        self.test.unwrap_or(WHOLE)
    }

    /// What a person gets, the same for ever.
    ///
    /// Hold-out, test part and variant depend on hashes of their own, and each on the experiment: who is in one experiment's
    /// test part is as likely as anybody else to be in another's. A larger hold-out or test part only adds people to it.
    #[must_use]
    pub fn assign(&self, experiment_id: Uuid, person: Uuid) -> Assignment {
        let position = |purpose: &[u8]| position(purpose, experiment_id, person);
        if position(b"hold-out") < self.hold_out {
            return Assignment::HoldOut;
        }
        if position(b"test") >= self.test() {
            return Assignment::Rest;
        }
        let position = position(b"variant");
        let mut until = 0;
        let covers = |variant: &Variant| {
            until += variant.share;
            position < until
        };
        // The shares add up to the whole and positions are below it, so there is always one.
        Assignment::Variant(self.variants.iter().position(covers).unwrap_or(self.variants.len() - 1))
    }
}

/// Checks a variant on its own.
fn check(index: usize, variant: &Variant) -> Result<(), InvalidShares> {
    let Variant { name, share } = variant;
    let has_length = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !has_length || name.trim() != name || name.chars().any(char::is_control) {
        return Err(InvalidShares::Name { index });
    }
    if (1..=WHOLE).contains(share) { Ok(()) } else { Err(InvalidShares::Share { index, given: *share }) }
}

/// Where a person is on a line of [`WHOLE`] places, for one purpose in one experiment.
///
/// The first 64 bits of a SHA-256 are a fraction of 1, and `fraction × WHOLE`, rounded down, is the place: exact in
/// integers, so it is the same on every machine. The purposes have no zero byte and the ids a fixed length, so no two
/// inputs are alike.
fn position(purpose: &[u8], experiment_id: Uuid, person: Uuid) -> u32 {
    let hash = Sha256::new()
        .chain_update(b"commlog experiment 1\0")
        .chain_update(purpose)
        .chain_update(b"\0")
        .chain_update(experiment_id.as_bytes())
        .chain_update(person.as_bytes())
        .finalize();
    let fraction = hash.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let place = (u128::from(fraction) * u128::from(WHOLE)) >> u64::BITS;
    u32::try_from(place).unwrap_or(WHOLE - 1)
}
