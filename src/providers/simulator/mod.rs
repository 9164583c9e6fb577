//! A provider that reaches nobody: messages are taken, delivered, opened, answered, bounced or reported by chance.
//!
//! Chance is a seed: what becomes of a message depends on the seed and the message's id alone, so tests are exact and a
//! demo can be shown again.

mod fate;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::message::Route;
use crate::providers::{Accepted, Callback, Callbacks, OutboundMessage, Provider, SendError};

/// How a simulated audience behaves: chances between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audience {
    /// A call is refused for the moment.
    pub transient: f64,
    /// A call's answer is lost, though the message was taken.
    pub lost_answer: f64,
    /// The address does not exist.
    pub hard_bounce: f64,
    /// The mailbox is full.
    pub soft_bounce: f64,
    /// A proxy opens it, whether or not a person reads it.
    pub machine_open: f64,
    /// A person opens it.
    pub open: f64,
    /// A person who opened it follows a link.
    pub click: f64,
    /// A person answers.
    pub reply: f64,
    /// A person opts out.
    pub opt_out: f64,
    /// A person reports it as spam.
    pub complaint: f64,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            transient: 0.01,
            lost_answer: 0.0,
            hard_bounce: 0.01,
            soft_bounce: 0.015,
            machine_open: 0.2,
            open: 0.5,
            click: 0.25,
            reply: 0.12,
            opt_out: 0.015,
            complaint: 0.003,
        }
    }
}

impl Audience {
    /// Everything arrives, and nobody reacts.
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            transient: 0.0,
            lost_answer: 0.0,
            hard_bounce: 0.0,
            soft_bounce: 0.0,
            machine_open: 0.0,
            open: 0.0,
            click: 0.0,
            reply: 0.0,
            opt_out: 0.0,
            complaint: 0.0,
        }
    }
}

/// How the simulator works.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// Determines the fate of each message.
    pub seed: u64,
    /// How people behave.
    pub audience: Audience,
    /// About how long a delivery takes; people take a multiple of it. Zero: everything happens at once, in order.
    pub pace: Duration,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self { seed: 1, audience: Audience::default(), pace: Duration::from_secs(2) }
    }
}

/// The simulated provider; serves every channel.
pub struct Simulator {
    options: SimulatorOptions,
    ambient: Ambient,
    route: Route,
    planned: mpsc::UnboundedSender<Vec<Planned>>,
}

/// The answer to a call, and what comes back later, with its moments.
pub type Fate = (Result<Accepted, SendError>, Vec<(DateTime<Utc>, Callback)>);

/// Something that will happen after a while.
#[derive(Debug, Clone, PartialEq)]
struct Planned {
    after: Duration,
    callback: Callback,
}

impl Simulator {
    /// A simulator, and what will come back from it. The callbacks end when the simulator is dropped and everything has
    /// happened.
    #[must_use]
    pub fn new(options: SimulatorOptions, ambient: Ambient) -> (Arc<Self>, Callbacks) {
        let (planned, plans) = mpsc::unbounded_channel();
        (Arc::new(Self { options, ambient, route: Self::usual_route(), planned }), happen(plans).boxed())
    }

    /// The account that a simulator is.
    #[must_use]
    pub fn usual_route() -> Route {
        Route {
            provider: "simulator".to_owned(),
            account: "default".to_owned(),
            domain: Some("simulator.example".to_owned()),
        }
    }

    /// What becomes of a message that is sent now.
    pub fn fate(message: &OutboundMessage, options: &SimulatorOptions, now: DateTime<Utc>) -> Fate {
        let (answer, planned) = fate::of(message, &Self::usual_route(), options, now);
        let at = |after| crate::clock::to_micros(now + TimeDelta::from_std(after).unwrap_or_default());
        (answer, planned.into_iter().map(|Planned { after, callback }| (at(after), callback)).collect())
    }
}

/// What is planned, in the order in which it comes due.
fn happen(plans: mpsc::UnboundedReceiver<Vec<Planned>>) -> impl futures::Stream<Item = Callback> + Send {
    let waiting = FuturesUnordered::new();
    futures::stream::unfold((plans, waiting), |(mut plans, mut waiting)| async move {
        loop {
            tokio::select! {
                biased;
                plan = plans.recv(), if !plans.is_closed() || !plans.is_empty() => {
                    for Planned { after, callback } in plan.unwrap_or_default() {
                        waiting.push(async move {
                            if !after.is_zero() {
                                tokio::time::sleep(after).await;
                            }
                            callback
                        });
                    }
                }
                Some(callback) = waiting.next(), if !waiting.is_empty() => return Some((callback, (plans, waiting))),
                else => return None,
            }
        }
    })
}

#[async_trait]
impl Provider for Simulator {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        Channel::ALL
    }

    fn carries_files(&self, channel: Channel) -> bool {
        matches!(channel, Channel::Email | Channel::Sms | Channel::Whatsapp)
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        let (answer, planned) = fate::of(&message, &self.route, &self.options, self.ambient.now());
        if !planned.is_empty() {
            // Nobody listens any more only when the process ends.
            let _unheard = self.planned.send(planned);
        }
        answer
    }
}
