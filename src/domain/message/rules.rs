//! May this message be sent now? The rules in their order; each verdict carries what the rule looked at.

use serde_json::{Value, json};

use crate::domain::consent::event::ConsentState;
use crate::domain::consent::state::Address;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Policy;
use crate::domain::message::event::MessageClass;
use crate::domain::value::Channel;
use crate::ids::AddressId;

/// A message, as far as the rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How it travels.
    pub channel: Channel,
    /// What it is for.
    pub class: MessageClass,
    /// The topic that consent is judged for.
    pub topic: &'a str,
    /// Where it goes, if the customer has an address that its channel reaches.
    pub address_id: Option<AddressId>,
}

/// Why a message is not sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Forbidden {
    /// The rule's name: `erased`, `unknown_address`, `suppressed_address`, `consent`.
    pub rule: &'static str,
    /// What it looked at; no personal data.
    pub inputs: Value,
}

/// Judges a message; [`None`] if it may be sent. `address` is the fold of the address that it goes to.
#[must_use]
pub fn judge(customer: &Customer, address: &Address, asked: Asked<'_>, policy: &Policy) -> Option<Forbidden> {
    if customer.is_forgotten() {
        return Some(Forbidden { rule: "erased", inputs: json!({}) });
    }
    let own = asked.address_id.and_then(|id| customer.address(id));
    if own.is_none() {
        let inputs = json!({ "kind": asked.channel.address_kind(), "address_id": asked.address_id });
        return Some(Forbidden { rule: "unknown_address", inputs });
    }
    if !address.suppressions.is_empty() {
        let inputs = json!({ "address_id": asked.address_id, "reasons": address.suppressions });
        return Some(Forbidden { rule: "suppressed_address", inputs });
    }
    if asked.class == MessageClass::Marketing {
        let standing = customer.consents.effective(asked.channel, asked.topic);
        let state = standing.map_or(ConsentState::None, |standing| standing.state);
        let may = match state {
            ConsentState::OptedIn => true,
            ConsentState::OptedOut | ConsentState::Pending => false,
            ConsentState::None => !policy.require_opt_in,
        };
        if !may {
            let inputs = json!({
                "channel": asked.channel,
                "topic": asked.topic,
                "state": state,
                "told_for": standing.map(|standing| &standing.topic),
                "source": standing.map(|standing| standing.source),
                "version": standing.map(|standing| standing.version),
                "opt_in_required": policy.require_opt_in,
            });
            return Some(Forbidden { rule: "consent", inputs });
        }
    }
    None
}
