//! What the doubles of mail are asked for in the story.

use chrono::{DateTime, SecondsFormat, Utc};
use commlog::clock::Ambient;
use serde_json::{Value, json};

use super::mails::{Letter, Mails, Reply, Told};
use super::{Odd, hook};
use crate::support::doubles::mailgun::{self, MailgunDouble};
use crate::support::doubles::resend::{self, ResendDouble};
use crate::support::doubles::ses::{self, SesDouble};
use crate::support::doubles::{Act, Signed};

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0)";
const VISITOR: &str = "203.0.113.9";
const LINK: &str = "https://shop.example/wine";

pub(in crate::sending) struct Mailgun(MailgunDouble);

impl Mails for Mailgun {
    const PROVIDER: &'static str = "mailgun";

    async fn start() -> Self {
        Self(MailgunDouble::start(Ambient::system()).await)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.0.account()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Letter> {
        let letter = |mail: mailgun::MailgunMail| {
            let named = mail.fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("h:")?, value)));
            let headers = named.map(|(name, value)| (name.to_owned(), value.clone())).collect();
            Letter { to: mail.field("to").unwrap_or_default().to_owned(), headers, id: mail.id }
        };
        self.0.taken().into_iter().map(letter).collect()
    }

    fn tell(&self, number: usize, told: Told, at: DateTime<Utc>) -> Signed {
        let seen = json!({ "client-info": { "user-agent": BROWSER, "bot": "" }, "ip": VISITOR, "url": LINK });
        let status = json!({ "code": 550, "enhanced-code": "5.1.1", "message": "User unknown" });
        let (kind, more) = match told {
            Told::Sent => ("accepted", json!({})),
            Told::Delivered => ("delivered", json!({})),
            Told::Opened => ("opened", seen),
            Told::Clicked => ("clicked", seen),
            Told::Bounced => {
                ("failed", json!({ "severity": "permanent", "reason": "bounce", "delivery-status": status }))
            }
            Told::Complained => ("complained", json!({})),
        };
        let event = self.0.taken()[number].event(kind, &format!("{kind}-{number}"), at.timestamp(), more);
        self.0.event(&hook("mailgun"), &event)
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let kind = if odd == Odd::UnknownState { "vaporised" } else { "delivered" };
        let mut event = self.0.taken()[number].event(kind, &format!("odd-{number}"), now.timestamp(), json!({}));
        if odd == Odd::OfNobody {
            event["user-variables"] = json!({ "commlog_token": "AAAA" });
            event["message"]["headers"]["message-id"] = json!("nobodys@mg.shop.example");
        }
        self.0.event(&hook("mailgun"), &event)
    }

    fn receive(&self, reply: &Reply<'_>) -> Signed {
        let headers = json!(reply.headers()).to_string();
        let fields = [
            ("recipient", reply.to),
            ("sender", reply.from),
            ("from", reply.from),
            ("subject", "Re: A new vintage"),
            ("body-plain", reply.text),
            ("message-headers", &headers),
        ];
        self.0.inbound(&hook("mailgun"), &fields)
    }
}

pub(in crate::sending) struct Resend(ResendDouble);

impl Mails for Resend {
    const PROVIDER: &'static str = "resend";

    async fn start() -> Self {
        Self(ResendDouble::start(Ambient::system()).await)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.0.account()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Letter> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let letter = |mail: resend::ResendMail| {
            let given = mail.request["headers"].as_object().into_iter().flatten();
            let mut headers: Vec<_> = given.map(|(name, value)| (name.clone(), text(value))).collect();
            headers.push(("Reply-To".to_owned(), text(&mail.request["reply_to"][0])));
            Letter { to: text(&mail.request["to"][0]), headers, id: mail.id }
        };
        self.0.taken().into_iter().map(letter).collect()
    }

    fn tell(&self, number: usize, told: Told, at: DateTime<Utc>) -> Signed {
        let (kind, more) = match told {
            Told::Sent => ("email.sent", json!({})),
            Told::Delivered => ("email.delivered", json!({})),
            Told::Opened => ("email.opened", json!({})),
            Told::Clicked => {
                let click = json!({ "ipAddress": VISITOR, "userAgent": BROWSER, "link": LINK });
                ("email.clicked", json!({ "click": click }))
            }
            Told::Bounced => {
                let bounce = json!({ "type": "Permanent", "subType": "NoEmail", "message": "User unknown" });
                ("email.bounced", json!({ "bounce": bounce }))
            }
            Told::Complained => ("email.complained", json!({})),
        };
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let event = self.0.taken()[number].event(kind, &at, more);
        self.0.event(&hook("resend"), &format!("{kind}-{number}"), &event)
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let kind = if odd == Odd::UnknownState { "email.vaporised" } else { "email.delivered" };
        let at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut event = self.0.taken()[number].event(kind, &at, json!({}));
        if odd == Odd::OfNobody {
            event["data"]["tags"] = json!({ "commlog_token": "AAAA" });
            event["data"]["email_id"] = json!("00000000-nobodys");
        }
        self.0.event(&hook("resend"), &format!("{kind}-{number}"), &event)
    }

    fn receive(&self, reply: &Reply<'_>) -> Signed {
        let headers: Value = reply.headers().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let id = reply.id.trim_matches(['<', '>']).replace(['@', '.'], "-");
        let said = json!({
            "object": "email", "id": id, "from": reply.from, "to": [reply.to], "subject": "Re: A new vintage",
            "text": reply.text, "html": null, "headers": headers, "message_id": reply.id, "attachments": [],
        });
        let event = self.0.receive(&id, said);
        self.0.event(&hook("resend"), &format!("received-{id}"), &event)
    }
}

pub(in crate::sending) struct Ses(SesDouble);

impl Mails for Ses {
    const PROVIDER: &'static str = "ses";
    const HAS_FEEDBACK_ID: bool = true;

    async fn start() -> Self {
        Self(SesDouble::start(Ambient::system()).await)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.0.account()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Letter> {
        let names = [
            "Message-ID",
            "Reply-To",
            "In-Reply-To",
            "References",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "Feedback-ID",
        ];
        let letter = |mail: ses::SesMail| {
            let headers = names.iter().filter_map(|name| Some(((*name).to_owned(), mail.header(name)?))).collect();
            Letter { to: mail.to, headers, id: mail.id }
        };
        self.0.taken().into_iter().map(letter).collect()
    }

    fn tell(&self, number: usize, told: Told, at: DateTime<Utc>) -> Signed {
        let mail = &self.0.taken()[number];
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let seen = json!({ "timestamp": at, "ipAddress": VISITOR, "userAgent": BROWSER, "link": LINK });
        let receiver = json!([{ "emailAddress": mail.to, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1" }]);
        let event = match told {
            Told::Sent => mail.event("Send", "send", &json!({})),
            Told::Delivered => mail.event("Delivery", "delivery", &json!({ "timestamp": at, "recipients": [mail.to] })),
            Told::Opened => mail.event("Open", "open", &seen),
            Told::Clicked => mail.event("Click", "click", &seen),
            Told::Bounced => {
                let bounce = json!({ "bounceType": "Permanent", "bounceSubType": "General", "timestamp": at,
                    "bouncedRecipients": receiver, "feedbackId": format!("bounce-{number}") });
                mail.event("Bounce", "bounce", &bounce)
            }
            Told::Complained => {
                let complaint = json!({ "complainedRecipients": receiver, "complaintFeedbackType": "abuse",
                    "timestamp": at, "feedbackId": format!("complaint-{number}") });
                mail.event("Complaint", "complaint", &complaint)
            }
        };
        SesDouble::raw(&hook("ses"), &event)
    }

    fn odd(&self, number: usize, odd: Odd, _now: DateTime<Utc>) -> Signed {
        let kind = if odd == Odd::UnknownState { "Vaporised" } else { "Delivery" };
        let mut event = self.0.taken()[number].event(kind, "delivery", &json!({}));
        if odd == Odd::OfNobody {
            event["mail"]["tags"] = json!({ "commlog_token": ["AAAA"] });
            event["mail"]["messageId"] = json!("0102-nobodys");
        }
        SesDouble::raw(&hook("ses"), &event)
    }

    fn receive(&self, reply: &Reply<'_>) -> Signed {
        let mut received = SesDouble::received(reply.to, Ok(&reply.raw()));
        received["mail"]["source"] = json!(reply.from);
        received["mail"]["messageId"] = json!(reply.id.trim_matches(['<', '>']));
        SesDouble::raw(&hook("ses"), &received)
    }
}
