//! The recipients of a campaign: what is loaded before they are decided on, and what becomes of them.

use std::collections::BTreeSet;

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller, CampaignText};
use crate::domain::address::state::Address;
use crate::domain::campaign::event::Exclusion;
use crate::domain::customer::state::{Customer, OwnAddress};
use crate::domain::message::recipient::prefers_mobile;
use crate::domain::value::Channel;
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

/// What is known of recipients once they are loaded.
#[derive(Debug)]
pub struct Warmed {
    /// Those who are to be asked for in turn, after the others: somebody before them may get the message that theirs would be.
    pub in_turn: BTreeSet<CustomerId>,
    /// Where all of them are written to.
    pub addresses: BTreeSet<AddressId>,
}

impl App {
    /// Loads what the decisions on some recipients look at, all at once.
    pub async fn warm_recipients(
        &self,
        caller: &Caller,
        text: &CampaignText,
        recipients: &[CustomerId],
    ) -> Result<Warmed, AppError> {
        let stream = |id: CustomerId| customer_stream(caller.tenant, id);
        self.warm::<Customer>(recipients.iter().map(|id| stream(*id)).collect()).await?;
        let channels = text.channels();
        let (mut addresses, mut in_turn) = (BTreeSet::new(), BTreeSet::new());
        for &id in recipients {
            let look = |loaded: &StateAt<Customer>| {
                let is_used = |own: &&OwnAddress, channel: &Channel| {
                    own.kind == channel.address_kind() && (own.primary || prefers_mobile(*channel))
                };
                let own = loaded.state.addresses.iter().filter(|own| channels.iter().any(|one| is_used(own, one)));
                let own: Vec<_> = own.map(|own| own.address_id).collect();
                (own, loaded.state.is_alone())
            };
            let (own, is_alone) = self.read_state::<Customer, _>(stream(id), look).await?;
            let shared = own.into_iter().filter(|address| !addresses.insert(*address)).count();
            if shared > 0 || !is_alone {
                in_turn.insert(id);
            }
        }
        self.warm::<Address>(addresses.iter().map(|id| address_stream(caller.tenant, *id)).collect()).await?;
        Ok(Warmed { in_turn, addresses })
    }
}
