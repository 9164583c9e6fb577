//! Re-classing: what today's rule says of opens and clicks that an earlier one classed. The events stay as they are;
//! corrections follow them.

use std::collections::{BTreeSet, HashMap};
use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::customer::event::CustomerEvent;
use crate::domain::decision::{Context, Decided};
use crate::domain::event::Event;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::{EngagementReclassified, MessageClicked, MessageOpened};
use crate::domain::refusal::Refusal;
use crate::domain::value::engagement::{Rule, Signs, flag_in};
use crate::domain::value::message::{EngagementClass, EngagementKind, MessageKey, Route};
use crate::ids::{CampaignId, CustomerId, EventId, Label, MessageId};

/// The types of events that re-classing looks at.
pub const TYPES: [&str; 3] = [MessageOpened::TYPE, MessageClicked::TYPE, EngagementReclassified::TYPE];

/// Asks for opens and clicks to be classed by today's rule: those that meet everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReclassEngagement {
    /// Of this customer's messages.
    pub customer_id: Option<CustomerId>,
    /// Of this message; only with its customer.
    pub message_id: Option<MessageId>,
    /// Of this campaign's messages.
    pub campaign_id: Option<CampaignId>,
    /// That happened from this time on.
    pub since: Option<DateTime<Utc>>,
    /// That happened before this time.
    pub until: Option<DateTime<Utc>>,
}

impl ReclassEngagement {
    /// Refuses what cannot be meant: a message without its customer, a period that ends before it begins, or nothing at
    /// all, which would be everything.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.message_id.is_some() && self.customer_id.is_none() {
            return Err(Refusal::invalid("customer_id", "is required with a message"));
        }
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(Refusal::invalid("until", "must be later than since"));
        }
        if *self == Self::default() {
            let message = "name a customer, a message, a campaign or a period; since 1970 is everything";
            return Err(Refusal::new("SCOPE_MISSING", message));
        }
        Ok(())
    }

    /// Whether an open or click at a time, of a message, is meant. The customer is whose stream is read.
    #[must_use]
    pub fn means(&self, message_id: MessageId, campaign_id: Option<CampaignId>, occurred_at: DateTime<Utc>) -> bool {
        self.message_id.is_none_or(|id| id == message_id)
            && (self.campaign_id.is_none() || self.campaign_id == campaign_id)
            && self.since.is_none_or(|since| occurred_at >= since)
            && self.until.is_none_or(|until| occurred_at < until)
    }
}

/// What came of judging again, in opens and clicks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Looked at.
    pub judged: u64,
    /// Of these, classed otherwise now.
    pub corrected: u64,
    /// Left as they are: the signs were forgotten with the person.
    pub erased: u64,
}

impl AddAssign for Judged {
    fn add_assign(&mut self, other: Self) {
        self.judged += other.judged;
        self.corrected += other.corrected;
        self.erased += other.erased;
    }
}

/// What a stream tells of an open or a click beside its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed<'a> {
    /// Nothing is sealed, or it was opened; with the callback's own text, where it was kept.
    Open {
        /// As it came.
        raw: Option<&'a str>,
    },
    /// The person was forgotten.
    Erased,
}

/// The opens and clicks of one customer, as the stream tells them so far.
#[derive(Debug)]
pub struct Engagements<'r> {
    rule: &'r Rule,
    engagements: Vec<Engagement>,
    by_event: HashMap<EventId, usize>,
    figures: HashMap<(MessageId, EngagementKind), Figures>,
    judged: Judged,
}

/// An open or a click. What a correction has to repeat is kept only of those that are to be judged.
#[derive(Debug)]
struct Engagement {
    event_id: EventId,
    message_id: MessageId,
    kind: EngagementKind,
    occurred_at: DateTime<Utc>,
    class: EngagementClass,
    /// The correction that gave it its class.
    corrected_by: Option<EventId>,
    verdict: Option<Box<Verdict>>,
}

#[derive(Debug)]
struct Verdict {
    class: EngagementClass,
    key: MessageKey,
    route: Route,
    /// That gave it the class that it has.
    rule: String,
}

/// Of the opens, or clicks, of one message.
#[derive(Debug, Default)]
struct Figures {
    humans: BTreeSet<(DateTime<Utc>, EventId)>,
    machines: u64,
}

impl Figures {
    fn add(&mut self, class: EngagementClass, at: DateTime<Utc>, id: EventId) {
        match class {
            EngagementClass::Human => _ = self.humans.insert((at, id)),
            EngagementClass::Machine => self.machines += 1,
        }
    }

    fn remove(&mut self, class: EngagementClass, at: DateTime<Utc>, id: EventId) {
        match class {
            EngagementClass::Human => _ = self.humans.remove(&(at, id)),
            EngagementClass::Machine => self.machines = self.machines.saturating_sub(1),
        }
    }
}

impl<'r> Engagements<'r> {
    /// None so far, to be judged by a rule.
    #[must_use]
    pub fn new(rule: &'r Rule) -> Self {
        Self { rule, engagements: vec![], by_event: HashMap::new(), figures: HashMap::new(), judged: Judged::default() }
    }

    /// Takes the stream's next event in; `is_meant` says whether an open or click is to be judged. Other events change
    /// nothing.
    pub fn record(&mut self, event: &Decided<CustomerEvent>, sealed: Sealed<'_>, is_meant: bool) {
        let (kind, key, route, class, rule, flagged, seen) = match &event.event {
            CustomerEvent::Message(MessageEvent::MessageOpened(e)) => {
                let seen = e.personal.as_ref().map(|seen| (seen.user_agent.as_deref(), seen.ip.as_deref()));
                (EngagementKind::Opened, &e.key, &e.route, e.class, &e.rule, e.flagged, seen)
            }
            CustomerEvent::Message(MessageEvent::MessageClicked(e)) => {
                let seen = e.personal.as_ref().map(|seen| (seen.user_agent.as_deref(), seen.ip.as_deref()));
                (EngagementKind::Clicked, &e.key, &e.route, e.class, &e.rule, e.flagged, seen)
            }
            CustomerEvent::Message(MessageEvent::EngagementReclassified(e)) => return self.corrected(event.id, e),
            _ => return,
        };
        let verdict = match (is_meant, sealed) {
            (false, _) => None,
            (true, Sealed::Erased) => {
                self.judged.erased += 1;
                None
            }
            (true, Sealed::Open { raw }) => {
                self.judged.judged += 1;
                let (user_agent, ip) = seen.unwrap_or_default();
                let is_flagged = flagged.or_else(|| raw.and_then(flag_in)).unwrap_or(false);
                let class = (self.rule.class)(Signs { user_agent, ip, is_flagged });
                Some(Box::new(Verdict { class, key: key.clone(), route: route.clone(), rule: rule.clone() }))
            }
        };
        let (event_id, message_id, occurred_at) = (event.id, key.message_id, event.occurred_at);
        self.figures.entry((message_id, kind)).or_default().add(class, occurred_at, event_id);
        self.by_event.insert(event_id, self.engagements.len());
        self.engagements.push(Engagement {
            event_id,
            message_id,
            kind,
            occurred_at,
            class,
            corrected_by: None,
            verdict,
        });
    }

    fn corrected(&mut self, id: EventId, event: &EngagementReclassified) {
        let Some(told) = self.by_event.get(&event.corrects).and_then(|&index| self.engagements.get_mut(index)) else {
            return;
        };
        let figures = self.figures.entry((told.message_id, told.kind)).or_default();
        figures.remove(told.class, told.occurred_at, told.event_id);
        figures.add(event.class, told.occurred_at, told.event_id);
        told.class = event.class;
        told.corrected_by = Some(id);
        if let Some(verdict) = &mut told.verdict {
            verdict.rule.clone_from(&event.rule);
        }
    }

    /// At most `limit` corrections of those whose class is not what the rule says. They must be appended at the version
    /// up to which the stream was told; asked again, it gives those that follow.
    ///
    /// A correction's id derives from what it corrects, by which rule and after which earlier correction, so that no two
    /// runs can both make it.
    pub fn corrections(&mut self, limit: usize, context: &Context<'_>) -> Vec<Decided<CustomerEvent>> {
        let mut corrections = vec![];
        for told in &mut self.engagements {
            let Some(verdict) = told.verdict.as_ref().filter(|verdict| verdict.class != told.class) else { continue };
            if corrections.len() == limit {
                break;
            }
            let figures = self.figures.entry((told.message_id, told.kind)).or_default();
            figures.remove(told.class, told.occurred_at, told.event_id);
            figures.add(verdict.class, told.occurred_at, told.event_id);
            let event = EngagementReclassified {
                key: verdict.key.clone(),
                route: verdict.route.clone(),
                engagement: told.kind,
                corrects: told.event_id,
                class: verdict.class,
                rule: self.rule.name.to_owned(),
                previous_class: told.class,
                previous_rule: verdict.rule.clone(),
                human_count: figures.humans.len() as u64,
                machine_count: figures.machines,
                first_human_at: figures.humans.first().map(|(at, _)| *at),
            };
            let before = told.corrected_by.unwrap_or(told.event_id);
            let parts = [
                told.event_id.0.as_bytes().as_slice(),
                before.0.as_bytes(),
                self.rule.name.as_bytes(),
                verdict.class.word().as_bytes(),
            ];
            corrections.push(context.derived(told.occurred_at, Label::ReclassificationEvent, &parts, event));
            told.class = verdict.class;
        }
        self.judged.corrected += corrections.len() as u64;
        corrections
    }

    /// What came of it so far.
    #[must_use]
    pub const fn judged(&self) -> Judged {
        self.judged
    }
}

#[cfg(test)]
mod tests;
