//! What becomes of one message.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Planned, SimulatorOptions};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{self, Signs};
use crate::domain::value::message::{BounceKind, Report, RetryClass, Route};
use crate::domain::value::token::Correlation;
use crate::providers::{Accepted, Callback, Content, OutboundMessage, SendError};

/// What people answer.
const REPLIES: [&str; 8] = [
    "Thank you, that is just what I was looking for!",
    "Could you call me about this tomorrow?",
    "How long does delivery take?",
    "Please send me the price list.",
    "Great, I'll take two.",
    "Not this time, but keep me posted.",
    "Is this also available in a larger size?",
    "Got it, thanks.",
];

/// The answer to the call, and what happens later. Depends on seed, message and attempt alone, but for the times.
pub(super) fn of(
    message: &OutboundMessage,
    route: &Route,
    options: &SimulatorOptions,
    now: DateTime<Utc>,
) -> (Result<Accepted, SendError>, Vec<Planned>) {
    let audience = &options.audience;
    let mut chance = dice(options.seed, message, message.attempt);
    if chance.random_bool(audience.transient) {
        let detail = "the simulated carrier is busy".to_owned();
        return (Err(SendError::refused(RetryClass::Transient, Some("busy".to_owned()), detail)), vec![]);
    }
    let is_answer_lost = chance.random_bool(audience.lost_answer);
    // Attempts share their fate from here on: it is the message's.
    let mut story = Story { message, route, options, now, chance: dice(options.seed, message, 0), planned: vec![] };
    story.unfold();
    let planned = story.planned;
    let answer = if is_answer_lost {
        Err(SendError::Ambiguous { cause: "connection_lost" })
    } else {
        Ok(Accepted {
            provider_message_id: Some(format!("sim-{}", message.key.message_id.0.simple())),
            segments: message.content.segments(),
            cost: None,
        })
    };
    (answer, planned)
}

fn dice(seed: u64, message: &OutboundMessage, attempt: u32) -> StdRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..24].copy_from_slice(message.key.message_id.0.as_bytes());
    bytes[24..28].copy_from_slice(&attempt.to_le_bytes());
    StdRng::from_seed(bytes)
}

struct Story<'a> {
    message: &'a OutboundMessage,
    route: &'a Route,
    options: &'a SimulatorOptions,
    now: DateTime<Utc>,
    chance: StdRng,
    planned: Vec<Planned>,
}

impl Story<'_> {
    fn unfold(&mut self) {
        let audience = self.options.audience;
        let channel = self.message.key.channel;
        let arrival = self.wait(1.0);
        if self.chance.random_bool(audience.hard_bounce) {
            return self.undelivered(arrival, BounceKind::Hard);
        }
        if self.chance.random_bool(audience.soft_bounce) {
            return self.undelivered(arrival, BounceKind::Soft);
        }
        self.report(arrival, Report::Delivered);
        let tells_opens = matches!(channel, Channel::Email | Channel::Whatsapp | Channel::Push | Channel::InApp);
        if channel == Channel::Email && self.chance.random_bool(audience.machine_open) {
            let at = arrival + self.wait(0.2);
            self.report(at, opened(true));
        }
        let mut last = arrival;
        if self.chance.random_bool(audience.open) {
            last += self.wait(3.0);
            if tells_opens {
                self.report(last, opened(false));
                if self.chance.random_bool(audience.click) {
                    last += self.wait(1.0);
                    self.report(last, clicked());
                }
            }
            if channel != Channel::Push && self.chance.random_bool(audience.reply) {
                last += self.wait(3.0);
                self.reply(last);
            }
        }
        if self.chance.random_bool(audience.complaint) && channel == Channel::Email {
            last += self.wait(2.0);
            self.report(last, Report::Complained { kind: Some("abuse".to_owned()) });
        } else if self.chance.random_bool(audience.opt_out) {
            last += self.wait(2.0);
            let method = if channel == Channel::Email { "one_click" } else { "keyword" };
            self.report(last, Report::OptedOut { method: method.to_owned(), topic: None });
        }
    }

    /// About so many times the pace.
    fn wait(&mut self, times: f64) -> Duration {
        self.options.pace.mul_f64(times * self.chance.random_range(0.5..1.5))
    }

    fn report(&mut self, after: Duration, report: Report) {
        let number = self.planned.len();
        let callback = Callback::Report {
            correlation: Correlation {
                tenant: self.message.tenant,
                customer_id: self.message.customer_id,
                key: self.message.key.clone(),
                address_id: self.message.address_id,
                route: self.route.clone(),
                called_at: self.at(Duration::ZERO),
            },
            occurred_at: self.at(after),
            provider_event_id: Some(format!("sim-{}-{number}", self.message.key.message_id.0.simple())),
            report,
        };
        self.planned.push(Planned { after, callback });
    }

    fn undelivered(&mut self, after: Duration, bounce: BounceKind) {
        let is_email = self.message.key.channel == Channel::Email;
        let report = match (is_email, bounce) {
            (true, _) => Report::Bounced {
                bounce,
                code: Some(if bounce == BounceKind::Hard { "5.1.1" } else { "4.2.2" }.to_owned()),
                diagnostic: Some("the simulated mailbox does not take it".to_owned()),
            },
            (false, BounceKind::Hard) => Report::Bounced {
                bounce,
                code: Some("30005".to_owned()),
                diagnostic: Some("the simulated number does not exist".to_owned()),
            },
            (false, BounceKind::Soft) => Report::Failed {
                class: RetryClass::Transient,
                code: Some("30003".to_owned()),
                detail: Some("the simulated device is switched off".to_owned()),
            },
        };
        self.report(after, report);
    }

    fn reply(&mut self, after: Duration) {
        let text = REPLIES[self.chance.random_range(0..REPLIES.len())];
        let message = self.message;
        let subject = match &message.content {
            Content::Email(email) => email.subject.as_ref().map(|subject| format!("Re: {subject}")),
            Content::Text(_) | Content::Whatsapp(_) | Content::Voice(_) | Content::Push(_) | Content::InApp(_) => None,
        };
        let callback = Callback::Inbound {
            tenant: message.tenant,
            customer_id: Some(message.customer_id),
            channel: message.key.channel,
            provider: self.route.provider.clone(),
            provider_message_id: format!("sim-{}-reply", message.key.message_id.0.simple()),
            from: message.to.clone(),
            subject,
            body: text.to_owned(),
            in_reply_to: Some(message.key.message_id),
            occurred_at: self.at(after),
        };
        self.planned.push(Planned { after, callback });
    }

    fn at(&self, after: Duration) -> DateTime<Utc> {
        crate::clock::to_micros(self.now + TimeDelta::from_std(after).unwrap_or_default())
    }
}

/// As reported by a provider that recognises machines.
fn opened(is_flagged: bool) -> Report {
    let user_agent = if is_flagged { "Simulated Image Proxy 1.0" } else { "Simulated Mail 1.0" };
    let rule = engagement::CURRENT;
    Report::Opened {
        class: (rule.class)(Signs { user_agent: Some(user_agent), is_flagged, ..Signs::default() }),
        rule: rule.name.to_owned(),
        flagged: Some(is_flagged),
        ip: Some("192.0.2.1".to_owned()),
        user_agent: Some(user_agent.to_owned()),
    }
}

fn clicked() -> Report {
    let (rule, user_agent) = (engagement::CURRENT, "Simulated Mail 1.0");
    Report::Clicked {
        class: (rule.class)(Signs { user_agent: Some(user_agent), ..Signs::default() }),
        rule: rule.name.to_owned(),
        flagged: Some(false),
        url: Some("https://shop.example/offer".to_owned()),
        ip: Some("192.0.2.1".to_owned()),
        user_agent: Some(user_agent.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::Audience;
    use super::*;
    use crate::domain::value::message::MessageKey;

    fn message(number: u128) -> OutboundMessage {
        let key = MessageKey {
            message_id: Uuid::from_u128(number).into(),
            channel: Channel::Email,
            campaign_id: None,
            variant: None,
            conversation_id: None,
        };
        let content = Content::of(Channel::Email, None, "Hello".to_owned());
        OutboundMessage::new(Uuid::nil().into(), Uuid::nil().into(), key, "ada@example.org".to_owned(), content)
    }

    fn fates(seed: u64) -> Vec<usize> {
        let route = Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None };
        let options = SimulatorOptions { seed, ..SimulatorOptions::default() };
        (0..200).map(|n| of(&message(n), &route, &options, DateTime::UNIX_EPOCH).1.len()).collect()
    }

    #[test]
    fn the_same_seed_tells_the_same_fates_and_another_one_others() {
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn a_silent_audience_only_gets_its_messages() {
        let route = Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None };
        let options = SimulatorOptions { audience: Audience::silent(), ..SimulatorOptions::default() };
        let (answer, planned) = of(&message(1), &route, &options, DateTime::UNIX_EPOCH);
        assert!(answer.is_ok());
        assert!(matches!(&planned[..], [Planned { callback: Callback::Report { report: Report::Delivered, .. }, .. }]));
    }
}
