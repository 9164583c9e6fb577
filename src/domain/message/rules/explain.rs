//! What each rule finds in a message, and not only the first one that stands against it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Asked, Case, ORDER, Verdict};
use crate::domain::address::state::Address;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;

/// What a rule finds in a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// What it finds.
    pub found: Found,
    /// What it looked at; no personal data.
    pub inputs: Value,
}

/// What a rule says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It lets it pass.
    Passes,
    /// It holds it.
    Holds {
        /// The moment at which it is judged again.
        until: DateTime<Utc>,
    },
    /// It forbids it.
    Suppresses,
    /// It does not concern it.
    NotAsked(NotAsked),
}

/// Why a rule does not concern a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    /// There is nobody, or nowhere, to send to.
    Nowhere,
    /// It concerns marketing, and the message is transactional.
    Transactional,
    /// The message is planned for later: the rule is asked then.
    Planned,
    /// It concerns messages that are planned for later.
    NotPlanned,
    /// An emergency lifts it.
    Emergency,
    /// It concerns another channel.
    OtherChannel,
    /// It concerns free text, and the message is made of a template.
    Template,
}

/// What every rule finds in a message that is asked for, in their order. The first that holds or forbids it is the
/// verdict of [`super::judge_request`].
#[must_use]
pub fn explain(
    customer: &Customer,
    address: &Address,
    asked: Asked<'_>,
    send_at: Option<DateTime<Utc>>,
    context: &Context<'_>,
) -> Vec<Finding> {
    let case = Case { customer, address, asked, planned: send_at.filter(|at| *at > context.now), context };
    let mut is_somewhere = true;
    let findings = ORDER.iter().map(|rule| {
        let spared = if is_somewhere { rule.spares(&case) } else { Some(NotAsked::Nowhere) };
        let (found, inputs) = match spared {
            Some(why) => (Found::NotAsked(why), json!({})),
            None => match (rule.against)(&case).map(|obstacle| obstacle.verdict(rule.name, context.now)) {
                None | Some(Verdict::Send) => (Found::Passes, (rule.looks_at)(&case)),
                Some(Verdict::Hold { until, because }) => (Found::Holds { until }, because.inputs),
                Some(Verdict::Suppress(because)) => (Found::Suppresses, because.inputs),
            },
        };
        is_somewhere &= found != Found::Suppresses || !["erased", "unknown_address"].contains(&rule.name);
        Finding { rule: rule.name, found, inputs }
    });
    findings.collect()
}
