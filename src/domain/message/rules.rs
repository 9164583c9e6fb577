//! May this message be sent now? The rules in their order; each verdict carries what the rule looked at.
//!
//! 1. `erased`, `unknown_address`: there is nobody, or nowhere, to send to.
//! 2. `suppressed_address`: bounced, complained, STOP; for everyone with the address. `invalid_address`: a check found in the
//!    last 90 days that nothing can arrive there.
//! 3. `consent` for channel and topic: of the customer, and of the address, whichever customer said it.
//! 4. `whatsapp_window`: free text by WhatsApp only within 24 hours of the customer's last message.
//! 5. `frequency_cap`.
//! 6. `quiet_hours`, `blackout`, `weekday`, by the customer's clock.
//!
//! Transactional messages are judged by 1, 2 and 4 only: they need no marketing consent, and are neither counted nor held.
//! An emergency override lifts 5 and 6 for marketing; nothing lifts 1 to 4.

mod caps;
mod hours;
mod window;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::policy::RuleAction;
use crate::domain::value::Channel;
use crate::ids::AddressId;

pub use window::Windows;

/// A message, as far as the rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How it travels.
    pub channel: Channel,
    /// Marketing or transactional.
    pub class: MessageClass,
    /// The topic that consent is judged for.
    pub topic: &'a str,
    /// Where it goes, if the customer has an address that its channel reaches.
    pub address_id: Option<AddressId>,
    /// It is made of a template, with which a conversation may be begun on channels where that is not free.
    pub is_template: bool,
    /// The version of its `MessageQueued`: those before it in the queue count against a cap. Absent: it is new.
    pub queued_version: Option<u64>,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It may be sent.
    Send,
    /// Not before a moment, at which it is judged again.
    Hold {
        /// Later than now.
        until: DateTime<Utc>,
        /// The rule and its inputs.
        because: Reason,
    },
    /// Never.
    Suppress(Reason),
}

/// The rule that stands against a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The rule's name.
    pub rule: &'static str,
    /// What it looked at; no personal data.
    pub inputs: Value,
}

/// What a rule on time or number finds against a message.
struct Obstacle {
    rule: &'static str,
    action: RuleAction,
    /// When it is gone; absent: not within years.
    until: Option<DateTime<Utc>>,
    inputs: Value,
}

/// Judges a message by every rule. `address` is the fold of the address that it goes to.
#[must_use]
pub fn judge(customer: &Customer, address: &Address, asked: Asked<'_>, context: &Context<'_>) -> Verdict {
    if let Some(reason) = forbidden(customer, address, asked, context) {
        return Verdict::Suppress(reason);
    }
    if let Some(reason) = window::closed(customer, asked, context.now) {
        return Verdict::Suppress(reason);
    }
    if asked.class == MessageClass::Transactional || context.policy.emergency_at(context.now).is_some() {
        return Verdict::Send;
    }
    match obstacle(customer, asked, context) {
        None => Verdict::Send,
        Some(Obstacle { rule, action: RuleAction::Hold, until: Some(until), inputs }) if until > context.now => {
            Verdict::Hold { until, because: Reason { rule, inputs } }
        }
        Some(Obstacle { rule, inputs, .. }) => Verdict::Suppress(Reason { rule, inputs }),
    }
}

/// Judges a message that is asked for. One that is planned for later is judged by the rules on time and number, and
/// by the window for free text, once its time has come.
#[must_use]
pub fn judge_request(
    customer: &Customer,
    address: &Address,
    asked: Asked<'_>,
    send_at: Option<DateTime<Utc>>,
    context: &Context<'_>,
) -> Verdict {
    let Some(until) = send_at.filter(|at| *at > context.now) else {
        return judge(customer, address, asked, context);
    };
    match forbidden(customer, address, asked, context) {
        Some(reason) => Verdict::Suppress(reason),
        None => Verdict::Hold { until, because: Reason { rule: "scheduled", inputs: json!({ "send_at": until }) } },
    }
}

fn obstacle(customer: &Customer, asked: Asked<'_>, context: &Context<'_>) -> Option<Obstacle> {
    let (policy, now) = (context.policy, context.now);
    let zone = policy.zone_of(customer.profile.time_zone.as_deref());
    caps::exceeded(customer, asked, &policy.caps, zone, now)
        .or_else(|| hours::quiet(asked, policy, zone, now))
        .or_else(|| hours::blackout(&policy.blackout, zone, now))
        .or_else(|| hours::weekday(&policy.weekdays, zone, now))
}

/// Judges a message by the rules that neither hours, caps nor an emergency lift; [`None`] if they let it pass.
#[must_use]
pub fn forbidden(customer: &Customer, address: &Address, asked: Asked<'_>, context: &Context<'_>) -> Option<Reason> {
    if customer.is_forgotten() {
        return Some(Reason { rule: "erased", inputs: json!({}) });
    }
    let own = asked.address_id.and_then(|id| customer.address(id));
    if own.is_none() {
        let inputs = json!({ "kind": asked.channel.address_kind(), "address_id": asked.address_id });
        return Some(Reason { rule: "unknown_address", inputs });
    }
    if !address.suppressions.is_empty() {
        let inputs = json!({ "address_id": asked.address_id, "reasons": address.suppressions });
        return Some(Reason { rule: "suppressed_address", inputs });
    }
    if let Some(found) = address.validation.as_ref().filter(|found| found.forbids(context.now)) {
        let inputs = json!({
            "address_id": asked.address_id,
            "validity": found.validity,
            "reason": found.reason,
            "validator": found.validator,
            "checked_at": found.checked_at,
            "counts_until": found.counts_until(),
        });
        return Some(Reason { rule: "invalid_address", inputs });
    }
    if asked.class == MessageClass::Marketing {
        let standing = customer.consents.effective(asked.channel, asked.topic);
        let state = standing.map_or(ConsentState::None, |standing| standing.state);
        let may = match state {
            ConsentState::OptedIn => true,
            ConsentState::OptedOut | ConsentState::Pending => false,
            ConsentState::None => !context.policy.require_opt_in,
        };
        if !may {
            let inputs = json!({
                "channel": asked.channel,
                "topic": asked.topic,
                "state": state,
                "told_for": standing.map(|standing| &standing.topic),
                "source": standing.map(|standing| standing.source),
                "version": standing.map(|standing| standing.version),
                "opt_in_required": context.policy.require_opt_in,
            });
            return Some(Reason { rule: "consent", inputs });
        }
        // What was said at the address holds for everybody who has it.
        if let Some(word) = address.words.opt_out(asked.channel, asked.topic) {
            let inputs = json!({
                "channel": asked.channel,
                "topic": asked.topic,
                "state": ConsentState::OptedOut,
                "told_for": word.topic,
                "source": word.source,
                "address_id": asked.address_id,
                "said_at": word.said_at,
                "opt_in_required": context.policy.require_opt_in,
            });
            return Some(Reason { rule: "consent", inputs });
        }
    }
    None
}

#[cfg(test)]
mod tests;
