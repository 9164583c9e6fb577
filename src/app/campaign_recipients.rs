//! What becomes of the recipients of a campaign.

use crate::domain::campaign::event::Exclusion;
use crate::ids::{AddressId, CustomerId};

/// What became of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The message goes out.
    Queued,
    /// It waits.
    Held,
    /// It is not sent.
    Suppressed {
        /// By this rule.
        rule: String,
    },
    /// No message is asked for.
    Excluded {
        /// Why: an [`Exclusion`], or the code of a refusal.
        by: String,
    },
}

/// What was found of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What became of the recipient.
    pub outcome: Recipient,
    /// True if an earlier call asked for the message.
    pub repeated: bool,
    /// The address that the message goes to.
    pub address_id: Option<AddressId>,
    /// SMS segments; on other channels 1.
    pub segments: u32,
    /// Who stands for the recipient, if anybody is written to.
    pub person: Option<CustomerId>,
    /// What a refusal says.
    pub refusal: Option<String>,
}

impl Judged {
    /// A person who gets nothing, to be compared with the others.
    pub(super) fn held_out(person: CustomerId) -> Self {
        Self { person: Some(person), ..Self::left_out(Exclusion::HoldOut.word().to_owned()) }
    }

    /// A recipient who is left out: by an [`Exclusion`], or the code of a refusal.
    #[must_use]
    pub const fn left_out(by: String) -> Self {
        let outcome = Recipient::Excluded { by };
        Self { outcome, repeated: false, address_id: None, segments: 0, person: None, refusal: None }
    }
}
