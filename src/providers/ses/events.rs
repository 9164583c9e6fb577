//! What SES reports: the events of a configuration set (`eventType`), and the notifications of an identity
//! (`notificationType`), which have the same objects and no tags.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{bounces, endpoints, inbound, token};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{self, Signs};
use crate::domain::value::message::{Report, RetryClass, group_topic};
use crate::providers::kit::texts;
use crate::providers::{Notice, NoticeKind};

/// What SNS and SES write when a topic is connected; both are no events.
const CONNECTED: &str = "Successfully validated SNS topic";
const CONNECTED_KIND: &str = "AmazonSnsSubscriptionSucceeded";
/// How many topics of a contact list are read: SES has 20 at most.
const MAX_TOPICS: usize = 100;
/// An opt-out from a list concerns consent only, and not the address: what is not marketing may still go.
const ONE_CLICK: &str = "one_click";

/// Takes apart the message of a notification. `region` is the one that sends.
pub(super) fn parse(message: &[u8], region: &str, now: DateTime<Utc>) -> Vec<Notice> {
    let event = match serde_json::from_slice::<Value>(message) {
        Ok(Value::Object(fields)) => Event { fields, message, region, now },
        Err(_) if message.starts_with(CONNECTED.as_bytes()) => return vec![],
        Ok(_) | Err(_) => return vec![Notice::unclear(texts::raw(message), "a message that is not an event")],
    };
    let kind = event.text("eventType").or_else(|| event.text("notificationType")).unwrap_or_default();
    if kind == inbound::KIND {
        return vec![inbound::parse(event.fields, now)];
    }
    match event.kinds(&kind) {
        Ok(kinds) => kinds.into_iter().map(|kind| Notice { raw: texts::raw(message), kind }).collect(),
        Err(reason) => vec![Notice::unclear(texts::raw(message), reason)],
    }
}

struct Event<'a> {
    fields: Map<String, Value>,
    message: &'a [u8],
    region: &'a str,
    now: DateTime<Utc>,
}

impl Event<'_> {
    fn text(&self, name: &str) -> Option<String> {
        texts::short(self.fields.get(name)?.as_str()?)
    }

    /// A text somewhere inside, such as `/mail/messageId`.
    fn at(&self, pointer: &str) -> Option<&Value> {
        let (first, rest) = pointer.trim_start_matches('/').split_once('/')?;
        self.fields.get(first)?.pointer(&format!("/{rest}"))
    }

    fn text_at(&self, pointer: &str) -> Option<String> {
        texts::short(self.at(pointer)?.as_str()?)
    }

    /// When it happened; what says no time of its own happened when the mail was handed over.
    fn time(&self, object: &str) -> Option<DateTime<Utc>> {
        let text = self.text_at(&format!("/{object}/timestamp")).or_else(|| self.text_at("/mail/timestamp"))?;
        texts::plausible(DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc()), self.now)
    }

    fn message_id(&self) -> Option<String> {
        self.text_at("/mail/messageId")
    }

    fn token(&self) -> Option<String> {
        token::in_tags(self.at("/mail/tags")?.as_object()?)
    }

    /// The same in each repetition, also in one that SES itself makes: bounces and complaints have an id, and a mail is sent,
    /// delivered or rejected once. Whatever may happen twice is named by all that is said of it.
    fn id(&self, kind: &str, object: &str) -> String {
        if let Some(id) = self.text_at(&format!("/{object}/feedbackId")) {
            return texts::bounded(&format!("{kind}:{id}"), texts::MAX_SHORT);
        }
        match self.message_id().filter(|_| matches!(kind, "Send" | "Delivery" | "Reject" | "Rendering Failure")) {
            Some(id) => texts::bounded(&format!("{kind}:{id}"), texts::MAX_SHORT),
            None => format!("{kind}:{}", hex::encode(&Sha256::digest(self.message)[..16])),
        }
    }

    fn kinds(&self, kind: &str) -> Result<Vec<NoticeKind>, String> {
        let (object, report) = match kind {
            "" => return Err("a message without a kind".to_owned()),
            CONNECTED_KIND => return Ok(vec![]),
            "Subscription" => return Ok(self.subscription()),
            // The evidence that SES took the mail, should the answer to the call have been lost.
            "Send" => ("send", Some(self.sent())),
            "Delivery" => ("delivery", Some(Report::Delivered)),
            "DeliveryDelay" => ("deliveryDelay", Some(self.delayed())),
            "Bounce" => ("bounce", self.fields.get("bounce").map(bounces::bounced)),
            "Complaint" => match self.fields.get("complaint") {
                Some(complaint) => match bounces::complained(complaint) {
                    None => return Ok(vec![]),
                    report => ("complaint", report),
                },
                None => ("complaint", None),
            },
            "Reject" => ("reject", Some(self.refused("reject", "/reject/reason"))),
            "Rendering Failure" => ("failure", Some(self.refused("rendering_failure", "/failure/errorMessage"))),
            "Open" => ("open", Some(self.opened())),
            "Click" => ("click", Some(self.clicked())),
            other => return Err(format!("an unknown event: {}", texts::bounded(other, 40))),
        };
        let report = report.ok_or_else(|| format!("an event without its object: {object}"))?;
        Ok(vec![self.report(report, object, self.id(kind, object))])
    }

    fn report(&self, report: Report, object: &str, id: String) -> NoticeKind {
        NoticeKind::Report {
            token: self.token(),
            provider_message_id: self.message_id(),
            to: self.receiver(object),
            channel: Channel::Email,
            occurred_at: self.time(object),
            provider_event_id: Some(id),
            report,
        }
    }

    fn receiver(&self, object: &str) -> Option<String> {
        let lists = [
            format!("/{object}/bouncedRecipients/0/emailAddress"),
            format!("/{object}/complainedRecipients/0/emailAddress"),
            format!("/{object}/delayedRecipients/0/emailAddress"),
            format!("/{object}/recipients/0"),
            "/mail/destination/0".to_owned(),
        ];
        let written = lists.iter().find_map(|list| self.text_at(list))?;
        texts::short(texts::address_in(&written))
    }

    fn sent(&self) -> Report {
        let provider_message_id = self.message_id();
        let mail_id = provider_message_id.as_deref().map(|id| endpoints::mail_id(id, self.region));
        Report::Sent { provider_message_id, segments: 1, cost_micros: None, currency: None, mail_id }
    }

    fn delayed(&self) -> Report {
        let of = |name: &str| self.text_at(&format!("/deliveryDelay/delayedRecipients/0/{name}"));
        Report::Deferred {
            code: of("status").or_else(|| self.text_at("/deliveryDelay/delayType")),
            detail: of("diagnosticCode"),
        }
    }

    /// SES took the mail, and then did not send it.
    fn refused(&self, code: &str, words: &str) -> Report {
        Report::Failed { class: RetryClass::ContentRefused, code: Some(code.to_owned()), detail: self.text_at(words) }
    }

    fn opened(&self) -> Report {
        let (ip, user_agent) = (self.text_at("/open/ipAddress"), self.text_at("/open/userAgent"));
        let rule = engagement::CURRENT;
        let class = (rule.class)(Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged: false });
        Report::Opened { class, rule: rule.name.to_owned(), flagged: None, ip, user_agent }
    }

    fn clicked(&self) -> Report {
        let (ip, user_agent) = (self.text_at("/click/ipAddress"), self.text_at("/click/userAgent"));
        let rule = engagement::CURRENT;
        let class = (rule.class)(Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged: false });
        let url = self.text_at("/click/link");
        Report::Clicked { class, rule: rule.name.to_owned(), flagged: None, url, ip, user_agent }
    }

    /// What a receiver changed on SES's own page: of each topic, what was not so before.
    fn subscription(&self) -> Vec<NoticeKind> {
        let is_out = |when: &str| self.at(&format!("/subscription/{when}/unsubscribeAll")) == Some(&Value::Bool(true));
        if is_out("newTopicPreferences") {
            return vec![self.opted_out(None)];
        }
        let topics = |when: &str| -> Vec<(&str, bool)> {
            let list = self.at(&format!("/subscription/{when}/topicSubscriptionStatus")).and_then(Value::as_array);
            let topics = list.into_iter().flatten().filter_map(|topic| {
                let name = topic.get("topicName")?.as_str()?;
                Some((name, topic.get("subscriptionStatus")?.as_str()? == "OptIn"))
            });
            topics.take(MAX_TOPICS).collect()
        };
        let (before, was_out) = (topics("oldTopicPreferences"), is_out("oldTopicPreferences"));
        let changed = topics("newTopicPreferences").into_iter().filter(|topic| was_out || !before.contains(topic));
        changed
            .map(|(topic, is_in)| if is_in { self.resubscribed(topic) } else { self.opted_out(Some(topic)) })
            .collect()
    }

    fn opted_out(&self, topic: Option<&str>) -> NoticeKind {
        let report = Report::OptedOut { method: ONE_CLICK.to_owned(), topic: topic.map(group_topic) };
        self.report(report, "subscription", self.id_of_topic(topic.unwrap_or("all")))
    }

    fn resubscribed(&self, topic: &str) -> NoticeKind {
        NoticeKind::Resubscribed {
            token: self.token(),
            address: self.receiver("subscription"),
            channel: Channel::Email,
            occurred_at: self.time("subscription"),
            provider_event_id: Some(self.id_of_topic(topic)),
            group: Some(texts::bounded(topic, 100)),
        }
    }

    /// One event may say something of several topics.
    fn id_of_topic(&self, topic: &str) -> String {
        texts::bounded(&format!("{}:{topic}", self.id("Subscription", "subscription")), texts::MAX_SHORT)
    }
}

#[cfg(test)]
mod tests;
