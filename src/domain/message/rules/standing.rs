//! The rules that neither hours, caps nor an emergency lift: is there somebody, may they be written to?

use serde_json::{Value, json};

use super::{Case, Obstacle};
use crate::domain::consent::event::ConsentState;

/// There is nobody.
pub(super) fn erased(case: &Case<'_>) -> Option<Obstacle> {
    case.customer.is_forgotten().then(|| Obstacle::lasting(json!({})))
}

/// There is nowhere to send to.
pub(super) fn unknown_address(case: &Case<'_>) -> Option<Obstacle> {
    let own = case.asked.address_id.and_then(|id| case.customer.address(id));
    own.is_none().then(|| Obstacle::lasting(receiver(case)))
}

/// Where the message goes.
pub(super) fn receiver(case: &Case<'_>) -> Value {
    json!({ "kind": case.asked.channel.address_kind(), "address_id": case.asked.address_id })
}

/// Nothing may go to the address, for anybody who has it.
pub(super) fn suppressed_address(case: &Case<'_>) -> Option<Obstacle> {
    let reasons = &case.address.suppressions;
    let inputs = || json!({ "address_id": case.asked.address_id, "reasons": reasons });
    (!reasons.is_empty()).then(|| Obstacle::lasting(inputs()))
}

/// A check found that nothing can arrive at the address.
pub(super) fn invalid_address(case: &Case<'_>) -> Option<Obstacle> {
    let found = case.address.validation.as_ref().filter(|found| found.forbids(case.context.now));
    found.map(|_| Obstacle::lasting(validation(case)))
}

/// What a check found of the address.
pub(super) fn validation(case: &Case<'_>) -> Value {
    let address_id = case.asked.address_id;
    match &case.address.validation {
        None => json!({ "address_id": address_id }),
        Some(found) => json!({
            "address_id": address_id,
            "validity": found.validity,
            "reason": found.reason,
            "validator": found.validator,
            "checked_at": found.checked_at,
            "counts_until": found.counts_until(),
        }),
    }
}

/// The customer, or whoever else has the address, does not want the message.
pub(super) fn no_consent(case: &Case<'_>) -> Option<Obstacle> {
    let Case { customer, address, asked, context, .. } = case;
    let standing = customer.consents.effective(asked.channel, asked.topic);
    let may = match standing.map_or(ConsentState::None, |standing| standing.state) {
        ConsentState::OptedIn => true,
        ConsentState::OptedOut | ConsentState::Pending => false,
        ConsentState::None => !context.policy.require_opt_in,
    };
    if !may {
        return Some(Obstacle::lasting(consent(case)));
    }
    // What was said at the address holds for everybody who has it.
    let word = address.words.opt_out(asked.channel, asked.topic)?;
    Some(Obstacle::lasting(json!({
        "channel": asked.channel,
        "topic": asked.topic,
        "state": ConsentState::OptedOut,
        "told_for": word.topic,
        "source": word.source,
        "address_id": asked.address_id,
        "said_at": word.said_at,
        "opt_in_required": context.policy.require_opt_in,
    })))
}

/// What the customer said of the channel and the topic.
pub(super) fn consent(case: &Case<'_>) -> Value {
    let Case { customer, asked, context, .. } = case;
    let standing = customer.consents.effective(asked.channel, asked.topic);
    json!({
        "channel": asked.channel,
        "topic": asked.topic,
        "state": standing.map_or(ConsentState::None, |standing| standing.state),
        "told_for": standing.map(|standing| &standing.topic),
        "source": standing.map(|standing| standing.source),
        "version": standing.map(|standing| standing.version),
        "opt_in_required": context.policy.require_opt_in,
    })
}
