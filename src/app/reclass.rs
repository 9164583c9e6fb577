//! Classing opens and clicks again, by the rule that holds now.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;

use crate::app::customers::customer_stream;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::policies::Basis;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::customer::state::Customer;
use crate::domain::event::Event as _;
use crate::domain::message::event::{MessageClicked, MessageOpened};
use crate::domain::message::reclass::{Engagements, Judged, ReclassEngagement, Sealed, TYPES};
use crate::domain::refusal::Refusal;
use crate::domain::value::engagement::Rule;
use crate::ids::{CampaignId, CustomerId, MessageId, Position};
use crate::log::journal::JournalError;
use crate::log::{Append, AppendError, Category, Expected, Personal, ReadLimit, SealedEvent};

/// How many events are read at once.
const PAGE: usize = 2_000;
/// A step over the whole log looks at no more events than these.
const STEP_EVENTS: usize = 50_000;
/// How many customers are judged at once.
const CUSTOMERS_AT_ONCE: usize = 16;
/// How many corrections are one append.
const CORRECTIONS: usize = 500;
/// How often a customer is judged again when others keep writing to the stream.
const MAX_ATTEMPTS: u32 = 20;
/// By how much a reporter's clock may be ahead of the log's: what happened at a time may have been recorded so much
/// before it.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(25);

/// Which part of the log is looked at for customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// After this position; [`None`]: from the beginning.
    pub after: Option<Position>,
    /// At most so many customers, at least one; a bounded number of events in any case.
    pub customers: usize,
}

impl Step {
    /// A step of usual size.
    #[must_use]
    pub const fn after(after: Option<Position>) -> Self {
        Self { after, customers: 500 }
    }
}

/// What came of one step of re-classing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclassed {
    /// What came of it.
    pub judged: Judged,
    /// Customers whose opens and clicks were looked at.
    pub customers: u64,
    /// Where the next step begins; [`None`]: this was the last one.
    pub next: Option<Position>,
}

impl App {
    /// Judges opens and clicks by a rule, and appends a correction for each whose class differs. Of one customer: all at
    /// once. Of several: a bounded part of the log after a position; the answer names where the next part begins. A step
    /// may be given again, after a crash or for no reason: what is classed right stays.
    pub async fn reclass_engagement(
        &self,
        caller: &Caller,
        command: &ReclassEngagement,
        step: Step,
        rule: &Rule,
    ) -> Result<Outcome<Reclassed>, AppError> {
        if let Err(refusal) = command.check() {
            return Ok(Outcome::Refused(refusal));
        }
        let basis = self.basis(caller).await?;
        if let Some(id) = command.customer_id
            && self.shared.journal.backend().stream_heads(&[customer_stream(caller.tenant, id)]).await? == [None]
        {
            return Ok(Outcome::Refused(Refusal::customer_unknown()));
        }
        let (customers, range) = match command.customer_id {
            Some(id) => (BTreeSet::from([id]), Range { after: Position::START, until: None, next: None }),
            None => self.part(caller, command, step).await?,
        };
        let judged: Vec<_> = futures::stream::iter(customers.iter().copied())
            .map(|id| self.reclass_customer(caller, &basis, id, Meant { command, range: &range }, rule))
            .buffer_unordered(CUSTOMERS_AT_ONCE)
            .try_collect()
            .await?;
        let mut step = Reclassed { customers: customers.len() as u64, next: range.next, ..Reclassed::default() };
        let mut position = None;
        for (of_customer, last) in judged {
            step.judged += of_customer;
            position = position.max(last);
        }
        let position = match position {
            Some(position) => position,
            None => self.end().await?,
        };
        Ok(Outcome::Done(Done { value: step, position, repeated: false }))
    }

    /// The customers with opens or clicks that are meant in the next part of the log.
    async fn part(
        &self,
        caller: &Caller,
        command: &ReclassEngagement,
        step: Step,
    ) -> Result<(BTreeSet<CustomerId>, Range), AppError> {
        let log = self.shared.journal.backend();
        let after = match (step.after, command.since.and_then(|since| since.checked_sub_signed(CLOCKS_DIFFER))) {
            (Some(after), _) => after,
            (None, Some(since)) => log.position_at(since).await?,
            (None, None) => Position::START,
        };
        let (mut customers, mut reached, mut read) = (BTreeSet::new(), after, 0);
        while read < STEP_EVENTS {
            let events = log.read_all(reached, ReadLimit::events(PAGE)).await?;
            if events.is_empty() {
                return Ok((customers, Range { after, until: Some(reached), next: None }));
            }
            read += events.len();
            for event in &events {
                if event.envelope.stream.tenant == caller.tenant && is_meant(event, command) {
                    let id = CustomerId(event.envelope.stream.key);
                    if customers.len() >= step.customers.max(1) && !customers.contains(&id) {
                        return Ok((customers, Range { after, until: Some(reached), next: Some(reached) }));
                    }
                    customers.insert(id);
                }
                reached = event.envelope.position;
            }
        }
        Ok((customers, Range { after, until: Some(reached), next: Some(reached) }))
    }

    /// Judges one customer's opens and clicks; the position of the last correction.
    async fn reclass_customer(
        &self,
        caller: &Caller,
        basis: &Basis,
        id: CustomerId,
        meant: Meant<'_>,
        rule: &Rule,
    ) -> Result<(Judged, Option<Position>), AppError> {
        let stream = customer_stream(caller.tenant, id);
        let (mut corrected, mut position) = (0, None);
        for _ in 0..MAX_ATTEMPTS {
            let (mut engagements, mut version) = self.engagements(caller, id, meant, rule).await?;
            loop {
                let events = self.deciding(basis, |context| engagements.corrections(CORRECTIONS, context));
                if events.is_empty() {
                    return Ok((Judged { corrected, ..engagements.judged() }, position));
                }
                let append = Append {
                    stream,
                    // The corrections carry figures, which hold at this version.
                    expected: Expected::Exact(version),
                    preconditions: vec![],
                    cause: CommandRun::new(caller, stream, None).cause(),
                    events: events.iter().map(|event| Customer::seal_ready(&stream, event)).collect(),
                };
                match self.shared.journal.append(append).await {
                    Ok(appended) if !appended.already => {
                        self.apply_facts::<Customer>(stream, appended.first_version, &events).await;
                        version = appended.last_version;
                        position = Some(appended.position);
                        corrected += events.len() as u64;
                    }
                    // Somebody else wrote to the stream, perhaps the same corrections: look again.
                    Ok(_)
                    | Err(JournalError::Append(
                        AppendError::Conflict { .. }
                        | AppendError::EventIdTaken { .. }
                        | AppendError::PartlyAppended { .. },
                    )) => break,
                    Err(JournalError::Append(error)) => return Err(AppError::Append(error)),
                    Err(JournalError::Log(error)) => return Err(error.into()),
                }
            }
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS })
    }

    /// A customer's opens and clicks, and the version of the stream that holds them. Only what is about them is opened.
    async fn engagements<'r>(
        &self,
        caller: &Caller,
        id: CustomerId,
        meant: Meant<'_>,
        rule: &'r Rule,
    ) -> Result<(Engagements<'r>, u64), AppError> {
        let (journal, stream) = (&self.shared.journal, customer_stream(caller.tenant, id));
        let (mut engagements, mut version) = (Engagements::new(rule), 0);
        loop {
            let mut events = journal.backend().read_stream(stream, version, ReadLimit::events(PAGE)).await?;
            let Some(last) = events.last() else { return Ok((engagements, version)) };
            version = last.envelope.version;
            events.retain(|event| TYPES.contains(&event.envelope.event_type.as_str()));
            let are_meant: Vec<bool> = events.iter().map(|event| meant.holds(event)).collect();
            for (recorded, is_meant) in journal.open_events(events).await?.iter().zip(are_meant) {
                let sealed = match &recorded.personal {
                    Personal::Erased => Sealed::Erased,
                    Personal::None => Sealed::Open { raw: None },
                    Personal::Clear(personal) => {
                        let raw = serde_json::from_slice::<Raw<'_>>(personal).ok().and_then(|found| found.raw);
                        engagements.record(
                            &decode::<Customer>(recorded)?,
                            Sealed::Open { raw: raw.as_deref() },
                            is_meant,
                        );
                        continue;
                    }
                };
                engagements.record(&decode::<Customer>(recorded)?, sealed, is_meant);
            }
        }
    }
}

/// The opens and clicks that a step judges: those that the command means, in a part of the log.
#[derive(Clone, Copy)]
struct Meant<'a> {
    command: &'a ReclassEngagement,
    range: &'a Range,
}

impl Meant<'_> {
    fn holds(&self, event: &SealedEvent) -> bool {
        self.range.holds(event.envelope.position) && is_meant(event, self.command)
    }
}

/// A part of the log: what stands after one position, up to another.
struct Range {
    after: Position,
    until: Option<Position>,
    /// Where the next part begins.
    next: Option<Position>,
}

impl Range {
    fn holds(&self, position: Position) -> bool {
        position > self.after && self.until.is_none_or(|until| position <= until)
    }
}

/// The callback's own text, beside what was read from it.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    raw: Option<Cow<'a, str>>,
}

/// Whether an event is an open or click that is meant, by what is not sealed of it.
fn is_meant(event: &SealedEvent, command: &ReclassEngagement) -> bool {
    #[derive(Deserialize)]
    struct About {
        message_id: MessageId,
        campaign_id: Option<CampaignId>,
    }
    let envelope = &event.envelope;
    envelope.stream.category == Category::Customer
        && matches!(envelope.event_type.as_str(), MessageOpened::TYPE | MessageClicked::TYPE)
        && serde_json::from_slice::<About>(&event.data)
            .is_ok_and(|about| command.means(about.message_id, about.campaign_id, envelope.occurred_at))
}
