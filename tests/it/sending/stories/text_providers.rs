//! What the doubles of texts are asked for in the story.

use chrono::{DateTime, Utc};
use commlog::clock::Ambient;
use serde_json::json;

use super::texts::{Fate, Taken, Texts};
use super::{Odd, hook};
use crate::support::doubles::bird::{self, BirdDouble};
use crate::support::doubles::messagebird::{self, MessagebirdDouble};
use crate::support::doubles::vonage::{self, VonageDouble};
use crate::support::doubles::{Act, Signed};

/// Vonage by its SMS API.
pub(in crate::sending) struct VonageSms(VonageDouble);

/// Vonage by its Messages API.
pub(in crate::sending) struct VonageMessages(VonageDouble);

fn taken_by_vonage(double: &VonageDouble) -> Vec<Taken> {
    let text = |message: &vonage::VonageMessage, name| message.field(name).unwrap_or_default().to_owned();
    let taken = double.taken().into_iter();
    taken.map(|taken| Taken { to: text(&taken, "to"), text: text(&taken, "text"), id: taken.ids[0].clone() }).collect()
}

impl VonageSms {
    /// A genuine receipt that names a message by its id.
    pub(in crate::sending) fn receipt_of(&self, id: &str, now: DateTime<Utc>) -> Signed {
        let fields =
            json!({ "to": "14155550101", "from": &vonage::NUMBER[1..], "client-ref": id, "callback": hook("vonage") });
        let message = vonage::VonageMessage { ids: vec![format!("0A{id}")], fields };
        VonageDouble::receipt(&message, 0, "delivered", 0, now)
    }
}

impl Texts for VonageSms {
    const PROVIDER: &'static str = "vonage";

    async fn start() -> Self {
        Self(VonageDouble::start(Ambient::system()).await)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.0.sms_account()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        taken_by_vonage(&self.0)
    }

    fn report(&self, number: usize, fate: Fate, now: DateTime<Utc>) -> Signed {
        let (status, code) = match fate {
            Fate::Sent => ("accepted", 0),
            Fate::Delivered => ("delivered", 0),
            Fate::OptedOut => ("failed", 9),
            Fate::Dead => ("failed", 3),
        };
        VonageDouble::receipt(&self.0.taken()[number], 0, status, code, now)
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let mut message = self.0.taken().swap_remove(number);
        if odd == Odd::UnknownState {
            return VonageDouble::receipt(&message, 0, "vaporised", 0, now);
        }
        message.ids = vec!["nobodys".to_owned()];
        message.fields["client-ref"] = json!(Ambient::system().uuid());
        VonageDouble::receipt(&message, 0, "delivered", 0, now)
    }

    fn inbound(&self, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        VonageDouble::text(&hook("vonage"), id, text, &[], now)
    }
}

impl Texts for VonageMessages {
    const PROVIDER: &'static str = "vonage";
    const KNOWS_DEAD_NUMBERS: bool = false;

    async fn start() -> Self {
        Self(VonageDouble::start(Ambient::system()).await)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.0.messages_account()
    }

    fn script(&self, act: Act) {
        self.0.script([act]);
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn taken(&self) -> Vec<Taken> {
        taken_by_vonage(&self.0)
    }

    fn report(&self, number: usize, fate: Fate, now: DateTime<Utc>) -> Signed {
        let refused = json!({ "error": { "type": "https://developer.vonage.com/api-errors/messages#1240",
            "title": 1240, "detail": "The user has opted out" } });
        let (status, more) = match fate {
            Fate::Sent => ("submitted", json!({})),
            Fate::Delivered => ("delivered", json!({})),
            Fate::OptedOut => ("rejected", refused),
            Fate::Dead => panic!("it has no word for it"),
        };
        VonageDouble::status(&self.0.taken()[number], status, more, now)
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let mut message = self.0.taken().swap_remove(number);
        if odd == Odd::UnknownState {
            return VonageDouble::status(&message, "vaporised", json!({}), now);
        }
        message.ids = vec!["nobodys".to_owned()];
        message.fields["client_ref"] = json!(Ambient::system().uuid());
        message.fields["webhook_url"] = json!(hook("vonage"));
        VonageDouble::status(&message, "delivered", json!({}), now)
    }

    fn inbound(&self, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        VonageDouble::inbound(&hook("vonage"), id, text, now)
    }
}

pub(in crate::sending) struct Messagebird(MessagebirdDouble);

impl Texts for Messagebird {
    const PROVIDER: &'static str = "messagebird";

    async fn start() -> Self {
        Self(MessagebirdDouble::start(Ambient::system()).await)
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

    fn taken(&self) -> Vec<Taken> {
        let text = |taken: &messagebird::MessagebirdMessage| taken.field("body").unwrap_or_default().to_owned();
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { to: taken.recipient().to_owned(), text: text(&taken), id: taken.id }).collect()
    }

    fn report(&self, number: usize, fate: Fate, now: DateTime<Utc>) -> Signed {
        let (status, more): (_, &[_]) = match fate {
            Fate::Sent => ("sent", &[]),
            Fate::Delivered => ("delivered", &[]),
            Fate::OptedOut => ("delivery_failed", &[("statusErrorCode", "103")]),
            Fate::Dead => ("delivery_failed", &[("statusErrorCode", "1")]),
        };
        MessagebirdDouble::report(&self.0.taken()[number], status, more, now)
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let mut message = self.0.taken().swap_remove(number);
        if odd == Odd::UnknownState {
            return MessagebirdDouble::report(&message, "vaporised", &[], now);
        }
        "nobodys".clone_into(&mut message.id);
        message.fields["reference"] = json!("nobodys");
        message.fields["reportUrl"] = json!(hook("messagebird"));
        MessagebirdDouble::report(&message, "delivered", &[], now)
    }

    fn inbound(&self, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        MessagebirdDouble::inbound(&hook("messagebird"), id, text, now)
    }
}

pub(in crate::sending) struct Bird(BirdDouble);

impl Texts for Bird {
    const PROVIDER: &'static str = "bird";

    async fn start() -> Self {
        Self(BirdDouble::start(Ambient::system()).await)
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

    fn taken(&self) -> Vec<Taken> {
        let text = |taken: &bird::BirdMessage, name| taken.field(name).unwrap_or_default().to_owned();
        let taken = self.0.taken().into_iter();
        taken.map(|taken| Taken { to: text(&taken, "to"), text: text(&taken, "text"), id: taken.id }).collect()
    }

    fn report(&self, number: usize, fate: Fate, now: DateTime<Utc>) -> Signed {
        let failed = |code: &str| json!({ "error": { "code": code, "description": "as the code says" } });
        let (kind, more) = match fate {
            Fate::Sent => ("sms.sent", json!({})),
            Fate::Delivered => ("sms.delivered", json!({})),
            Fate::OptedOut => ("sms.rejected", failed("recipient_opted_out")),
            Fate::Dead => ("sms.undelivered", failed("invalid_destination")),
        };
        // An endpoint's URL is no part of what is signed.
        Signed { url: hook("bird"), ..BirdDouble::event(&self.0.taken()[number], kind, more, now) }
    }

    fn odd(&self, number: usize, odd: Odd, now: DateTime<Utc>) -> Signed {
        let mut message = self.0.taken().swap_remove(number);
        let kind = if odd == Odd::UnknownState { "sms.vaporised" } else { "sms.delivered" };
        if odd == Odd::OfNobody {
            "nobodys".clone_into(&mut message.id);
            message.fields["metadata"]["token"] = json!("AAAA");
        }
        Signed { url: hook("bird"), ..BirdDouble::event(&message, kind, json!({}), now) }
    }

    fn inbound(&self, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        Signed { url: hook("bird"), ..BirdDouble::inbound(id, text, now) }
    }
}
