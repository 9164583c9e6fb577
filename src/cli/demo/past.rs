//! The demo's past: three months of the shop, lived through in a few seconds by a clock that is set from moment to
//! moment. Everything goes through the use cases, as it would have on the day: rules hold and suppress, the simulator
//! decides what becomes of each message, people answer what comes in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::sample::{self, CUSTOMERS};
use super::{campaigns, shop};
use crate::app::{App, Caller, DispatchDecision};
use crate::boot::{Simulation, Stores};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::{Session, progress};
use crate::clock::{Ambient, ManualClock, SystemEntropy};
use crate::domain::conversation::decide::UpdateConversation;
use crate::domain::conversation::event::ConversationState;
use crate::domain::customer::decide::Patch;
use crate::domain::message::decide::{ReceivedMessage, SendMessage};
use crate::domain::message::event::MessageClass;
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId};
use crate::intake::simulated;
use crate::processes::campaigns::Runner;
use crate::processes::dispatcher::outcome;
use crate::providers::{Callback, Content, OutboundMessage};
use crate::queries::Reads;

/// How much of the past there is.
pub const DAYS: i64 = 91;
/// What happens within this time happens at one setting of the clock.
const STEP: TimeDelta = TimeDelta::minutes(20);
/// How many things are done at once: their appends share a commit.
const AT_ONCE: usize = 64;
/// About how long a delivery takes; people take a multiple of it.
const PACE: std::time::Duration = std::time::Duration::from_mins(8);

/// Something that happens at a moment.
enum Act {
    /// A customer is registered, with what was bought before.
    Joins(usize),
    /// A customer writes by themselves.
    Writes(usize, &'static str),
    /// A customer buys.
    Orders(usize, sample::SampleOrder),
    /// The shop sends a message.
    Sends(u64),
    /// A message that was held, or refused for the moment, is looked at again.
    Goes(ToGo),
    /// A provider reports.
    Told(Box<Callback>),
    /// Somebody of the shop answers, or closes the case.
    Answers(ReceivedMessage, Channel, u64),
    /// A campaign starts.
    Campaign(usize),
}

/// A message that is to go.
#[derive(Clone, Copy)]
pub struct ToGo {
    pub customer_id: CustomerId,
    pub message_id: MessageId,
    pub channel: Channel,
}

/// What comes next, by its moment; of one moment in the order in which it was planned.
type Agenda = BTreeMap<(DateTime<Utc>, u64), Act>;

/// Whoever lives through it.
pub struct Past<'a> {
    app: &'a App,
    caller: &'a Caller,
    clock: &'a ManualClock,
    simulation: Simulation,
    seed: u64,
    people: Mutex<BTreeMap<usize, CustomerId>>,
    since: DateTime<Utc>,
}

/// Lives through the time before `until`. A start that was interrupted is taken up: what was done is not done again.
pub async fn live(session: &Session, caller: &Caller, name: &str, since: DateTime<Utc>) -> Outcome {
    let until = since + TimeDelta::days(DAYS);
    let clock = Arc::new(ManualClock::new(since));
    let ambient = Ambient::new(clock.clone(), Arc::new(SystemEntropy));
    let stores = Stores::open(&session.config, &ambient).await?;
    session.ensure_tenant(&stores, caller, name).await?;
    shop::open(&stores.app, caller).await?;
    let reads = stores.read_store().await?;
    let stop = CancellationToken::new();
    let projecting = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let seed = session.config.simulator_seed;
    let simulation = Simulation::new(seed, PACE);
    let (app, people) = (&stores.app, Mutex::default());
    let past = Past { app, caller, clock: &clock, simulation, seed, people, since };
    let tables = Reads::new(reads.clone());
    let lived = past.unfold(until, &tables, &mut Runner::new(app.clone(), tables.clone())).await;
    stop.cancel();
    let projected =
        projecting.await.map_err(|error| Failure::from_error(crate::cli::failure::Exit::Internal, error))?;
    stores.close().await;
    lived.and(projected.map_err(Failure::unavailable))
}

impl Past<'_> {
    async fn unfold(&self, until: DateTime<Utc>, reads: &Reads, runner: &mut Runner) -> Outcome {
        let mut agenda = self.plan(until);
        let bar = progress::counter("things happened in the demo's past");
        let mut number = agenda.len() as u64;
        while let Some((&(moment, _), _)) = agenda.first_key_value() {
            if moment >= until {
                break;
            }
            self.clock.set(moment);
            let later = agenda.split_off(&(moment + STEP, 0));
            let (campaigns, acts): (Vec<Act>, Vec<Act>) =
                std::mem::replace(&mut agenda, later).into_values().partition(|act| matches!(act, Act::Campaign(_)));
            let mut next = vec![];
            bar.inc(acts.len() as u64);
            for campaign in campaigns {
                if let Act::Campaign(number) = campaign {
                    let ready = campaigns::run(self.app, reads, runner, self.caller, number).await?;
                    next.extend(ready.into_iter().map(|to_go| (moment, Act::Goes(to_go))));
                }
            }
            let done = stream::iter(acts).map(|act| self.act(act)).buffered(AT_ONCE);
            next.extend(done.try_collect::<Vec<_>>().await?.into_iter().flatten());
            for (at, act) in next {
                number += 1;
                agenda.insert((at.max(moment + TimeDelta::seconds(1)), number), act);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// What the shop and its customers do by themselves.
    fn plan(&self, until: DateTime<Utc>) -> Agenda {
        let mut random = SmallRng::seed_from_u64(self.seed);
        let mut acts = vec![];
        for number in 0..CUSTOMERS {
            let sample = sample::customer(number, until);
            // Most were customers before; the others come in the course of the first weeks.
            let joined =
                if number % 5 == 4 { self.since + TimeDelta::days(3 + (number as i64 * 7) % 70) } else { self.since };
            acts.push((joined, Act::Joins(number)));
            let bought = sample.orders.into_iter().filter(|order| order.at > joined + STEP);
            acts.extend(bought.map(|order| (order.at, Act::Orders(number, order))));
            if number % 4 == 1 {
                let at = shop::open_hour(joined + TimeDelta::days(random.random_range(2..20)), &mut random);
                acts.push((at, Act::Writes(number, shop::question(&mut random))));
            }
        }
        for day in 1..DAYS {
            for _ in 0..random.random_range(5..14) {
                let at = shop::open_hour(self.since + TimeDelta::days(day), &mut random);
                acts.push((at, Act::Sends(random.random())));
            }
        }
        acts.extend(campaigns::DAYS.iter().enumerate().map(|(number, day)| {
            (shop::open_hour(self.since + TimeDelta::days(*day), &mut random), Act::Campaign(number))
        }));
        acts.into_iter().enumerate().map(|(number, (at, act))| ((at, number as u64), act)).collect()
    }

    async fn act(&self, act: Act) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        match act {
            Act::Joins(number) => {
                let mut sample = sample::customer(number, self.since + TimeDelta::days(DAYS));
                sample.orders.retain(|order| order.at <= self.now() + STEP);
                let id = shop::join(self.app, self.caller, number, sample).await?;
                self.people.lock().unwrap_or_else(PoisonError::into_inner).insert(number, id);
                Ok(vec![])
            }
            Act::Orders(number, order) => {
                if let Some(customer) = self.person(number) {
                    shop::order(self.app, self.caller, customer, order).await?;
                }
                Ok(vec![])
            }
            Act::Writes(number, text) => match self.person(number) {
                Some(customer) => self.wrote(shop::letter(self.caller, number, customer, text, self.now())).await,
                None => Ok(vec![]),
            },
            Act::Sends(number) => self.send(number).await,
            Act::Goes(to_go) => self.dispatch(to_go).await,
            Act::Told(callback) => match *callback {
                callback @ Callback::Inbound { .. } => self.wrote(callback).await,
                report @ Callback::Report { .. } => {
                    simulated::record(self.app, report).await?;
                    Ok(vec![])
                }
            },
            Act::Answers(received, channel, die) => self.answer(received, channel, die).await,
            // They are run one after the other.
            Act::Campaign(_) => Ok(vec![]),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.app.ambient().now()
    }

    fn person(&self, number: usize) -> Option<CustomerId> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).get(&(number % CUSTOMERS)).copied()
    }

    async fn send(&self, number: u64) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        let message = sample::message(number);
        let Some(customer_id) = self.person(message.customer) else { return Ok(vec![]) };
        let command = shop::letter_of_ours(customer_id, &message);
        self.ask(&self.caller.clone().with_key(format!("demo: past {number}")), command).await
    }

    /// Asks for a message, and sends it if it may go.
    async fn ask(&self, caller: &Caller, command: SendMessage) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        let (customer_id, channel) = (command.customer_id, command.channel);
        match self.app.send_message(caller, command, None).await?.into_result() {
            Ok(asked) => self.dispatch(ToGo { customer_id, message_id: asked.value.message_id, channel }).await,
            Err(refusal) => {
                tracing::debug!(code = refusal.code, "a message of the demo's past was refused");
                Ok(vec![])
            }
        }
    }

    async fn dispatch(&self, to_go: ToGo) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        let ToGo { customer_id, message_id, channel } = to_go;
        let caller = Caller::new(self.caller.tenant, "process:dispatcher");
        let routes = [Simulation::route()];
        let ticket = match self.app.begin_dispatch(&caller, customer_id, message_id, &routes, None).await? {
            DispatchDecision::Go(ticket) => *ticket,
            DispatchDecision::NotBefore(at) => return Ok(vec![(at, Act::Goes(to_go))]),
            DispatchDecision::Nothing => return Ok(vec![]),
        };
        let Some(to) = ticket.content.to.clone() else { return Ok(vec![]) };
        let content = Content::of(channel, ticket.content.subject.clone(), ticket.content.body.clone());
        let message = OutboundMessage {
            address_id: ticket.address_id,
            attempt: ticket.attempt.number,
            token: Some(ticket.token.clone()),
            ..OutboundMessage::new(caller.tenant, customer_id, ticket.attempt.key.clone(), to, content)
        };
        let (answer, planned) = self.simulation.fate(&message, self.now());
        self.app.finish_dispatch(&caller, ticket, outcome(answer, false)).await?;
        Ok(planned.into_iter().map(|(at, callback)| (at, Act::Told(Box::new(callback)))).collect())
    }

    /// Takes in what somebody wrote; most of it is answered within hours, some of it waits.
    async fn wrote(&self, callback: Callback) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        let Callback::Inbound { channel, .. } = &callback else { return Ok(vec![]) };
        let channel = *channel;
        let Some(received) = simulated::receive(self.app, callback).await? else { return Ok(vec![]) };
        let die = die(received.message_id.0);
        if die % 10 < 2 {
            return Ok(vec![]);
        }
        let at = self.now() + TimeDelta::minutes(10 + i64::try_from(die % 240).unwrap_or(0));
        Ok(vec![(at, Act::Answers(received, channel, die))])
    }

    async fn answer(
        &self,
        received: ReceivedMessage,
        channel: Channel,
        die: u64,
    ) -> Outcome<Vec<(DateTime<Utc>, Act)>> {
        let ReceivedMessage { customer_id, message_id, conversation_id } = received;
        let agent = shop::AGENTS[usize::try_from(die % 2).unwrap_or(0)];
        let caller = Caller::new(self.caller.tenant, format!("user:{}/cli", agent.0));
        let answer = SendMessage {
            customer_id,
            channel,
            class: MessageClass::Transactional,
            topic: "service".to_owned(),
            address_id: None,
            subject: (channel == Channel::Email).then(|| "Re: your message".to_owned()),
            body: shop::answer(die).to_owned(),
            send_at: None,
            in_reply_to: Some(message_id),
            campaign_id: None,
            variant: None,
            attachments: vec![],
        };
        let next = self.ask(&caller, answer).await?;
        if let Some(conversation_id) = conversation_id {
            let is_closed = die % 10 > 3;
            let update = UpdateConversation {
                customer_id,
                conversation_id,
                state: is_closed.then_some(ConversationState::Resolved),
                snoozed_until: None,
                assignee: Patch::Set(agent.0.to_owned()),
                team: Patch::Keep,
                priority: None,
                mark_read: true,
            };
            // A refusal: the answer was, and the case is closed already.
            let _closed = self.app.update_conversation(&caller, update).await?.into_result();
        }
        Ok(next)
    }
}

/// A number that an id decides.
fn die(id: Uuid) -> u64 {
    id.as_bytes()[8..].iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}
