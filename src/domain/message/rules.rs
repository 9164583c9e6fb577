//! May this message be sent now? The rules in their order; each verdict carries what the rule looked at.
//!
//! 1. `erased`, `unknown_address`: there is nobody, or nowhere, to send to.
//! 2. `suppressed_address`: bounced, complained, STOP; for everyone with the address. `invalid_address`: a check found in the
//!    last 90 days that nothing can arrive there.
//! 3. `consent` for channel and topic: of the customer, and of the address, whichever customer said it.
//! 4. `whatsapp_window`: free text by WhatsApp only within 24 hours of the customer's last message.
//! 5. `frequency_cap`.
//! 6. `quiet_hours`, `blackout`, `weekday`, by the customer's clock; last `preferred_hours`, which are the customer's own wish.
//!
//! Transactional messages are judged by 1, 2 and 4 only: they need no marketing consent, and are neither counted nor held.
//! An emergency override lifts 5 and 6 for marketing; nothing lifts 1 to 4.

mod caps;
mod explain;
mod hours;
mod preferred;
mod standing;
mod window;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::address::state::Address;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::policy::RuleAction;
use crate::domain::value::Channel;
use crate::ids::AddressId;

pub use explain::{Finding, Found, NotAsked, explain};
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

/// A message that is judged, with all that the rules look at.
#[derive(Clone, Copy)]
struct Case<'a> {
    customer: &'a Customer,
    /// The fold of the address that it goes to.
    address: &'a Address,
    asked: Asked<'a>,
    /// When it is sent, if that is later than now.
    planned: Option<DateTime<Utc>>,
    context: &'a Context<'a>,
}

/// What a rule finds against a message.
struct Obstacle {
    action: RuleAction,
    /// When it is gone; absent: not within years.
    until: Option<DateTime<Utc>>,
    inputs: Value,
}

impl Obstacle {
    /// What no time removes.
    const fn lasting(inputs: Value) -> Self {
        Self { action: RuleAction::Abort, until: None, inputs }
    }

    fn verdict(self, rule: &'static str, now: DateTime<Utc>) -> Verdict {
        match self {
            Self { action: RuleAction::Hold, until: Some(until), inputs } if until > now => {
                Verdict::Hold { until, because: Reason { rule, inputs } }
            }
            Self { inputs, .. } => Verdict::Suppress(Reason { rule, inputs }),
        }
    }
}

/// One of the rules.
struct Rule {
    name: &'static str,
    scope: Scope,
    /// What it finds against a message.
    against: fn(&Case<'_>) -> Option<Obstacle>,
    /// What it looks at in a message that it lets pass; no personal data.
    looks_at: fn(&Case<'_>) -> Value,
}

/// The messages that a rule is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All of them. One that is planned for later is judged now, and again when its time has come.
    All,
    /// Those for marketing, as well.
    Marketing,
    /// Those that are planned for later.
    Planned,
    /// Free text by WhatsApp whose time has come.
    FreeWhatsapp,
    /// Those for marketing whose time has come; an emergency lifts it.
    Liftable,
}

const ORDER: &[Rule] = &[
    Rule { name: "erased", scope: Scope::All, against: standing::erased, looks_at: |_| json!({}) },
    Rule {
        name: "unknown_address",
        scope: Scope::All,
        against: standing::unknown_address,
        looks_at: standing::receiver,
    },
    Rule {
        name: "suppressed_address",
        scope: Scope::All,
        against: standing::suppressed_address,
        looks_at: standing::receiver,
    },
    Rule {
        name: "invalid_address",
        scope: Scope::All,
        against: standing::invalid_address,
        looks_at: standing::validation,
    },
    Rule { name: "consent", scope: Scope::Marketing, against: standing::no_consent, looks_at: standing::consent },
    Rule {
        name: "scheduled",
        scope: Scope::Planned,
        against: |case| {
            let inputs = json!({ "send_at": case.planned });
            case.planned.map(|until| Obstacle { action: RuleAction::Hold, until: Some(until), inputs })
        },
        looks_at: |_| json!({}),
    },
    Rule { name: "whatsapp_window", scope: Scope::FreeWhatsapp, against: window::closed, looks_at: window::inputs },
    Rule { name: "frequency_cap", scope: Scope::Liftable, against: caps::exceeded, looks_at: caps::counted },
    Rule { name: "quiet_hours", scope: Scope::Liftable, against: hours::quiet, looks_at: hours::clock },
    Rule { name: "blackout", scope: Scope::Liftable, against: hours::blackout, looks_at: hours::clock },
    Rule { name: "weekday", scope: Scope::Liftable, against: hours::weekday, looks_at: hours::clock },
    Rule {
        name: "preferred_hours",
        scope: Scope::Liftable,
        against: preferred::outside,
        looks_at: preferred::looked_at,
    },
];

impl Rule {
    /// Why it is not asked about a message; [`None`] if it is.
    fn spares(&self, case: &Case<'_>) -> Option<NotAsked> {
        let is_marketing = case.asked.class == MessageClass::Marketing;
        let now = case.context.now;
        match self.scope {
            Scope::All => None,
            Scope::Marketing => (!is_marketing).then_some(NotAsked::Transactional),
            Scope::Planned => case.planned.is_none().then_some(NotAsked::NotPlanned),
            Scope::FreeWhatsapp if case.asked.channel != Channel::Whatsapp => Some(NotAsked::OtherChannel),
            Scope::FreeWhatsapp if case.asked.is_template => Some(NotAsked::Template),
            Scope::FreeWhatsapp => case.planned.map(|_| NotAsked::Planned),
            Scope::Liftable if !is_marketing => Some(NotAsked::Transactional),
            Scope::Liftable if case.planned.is_some() => Some(NotAsked::Planned),
            Scope::Liftable => case.context.policy.emergency_at(now).map(|_| NotAsked::Emergency),
        }
    }
}

/// Judges a message by every rule. `address` is the fold of the address that it goes to.
#[must_use]
pub fn judge(customer: &Customer, address: &Address, asked: Asked<'_>, context: &Context<'_>) -> Verdict {
    judge_request(customer, address, asked, None, context)
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
    let case = Case { customer, address, asked, planned: send_at.filter(|at| *at > context.now), context };
    let asked = ORDER.iter().filter(|rule| rule.spares(&case).is_none());
    let mut against = asked.filter_map(|rule| Some((rule.name, (rule.against)(&case)?)));
    against.next().map_or(Verdict::Send, |(rule, obstacle)| obstacle.verdict(rule, context.now))
}

#[cfg(test)]
mod tests;
