//! Providers against their doubles: what leaves us, what every failure comes to, and what comes back.

mod bird;
mod contract;
mod fcm;
mod imap;
mod mail_servers;
mod mailgun;
mod messagebird;
mod resend;
mod sendgrid;
mod ses;
mod smtp;
mod twilio;
mod validators;
mod voice;
mod vonage;
mod whatsapp;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use commlog::clock::{Ambient, ManualClock, SeededEntropy};
use commlog::domain::value::Channel;
use commlog::domain::value::message::{MessageKey, RetryClass, Route};
use commlog::domain::value::token::{Correlation, seal};
use commlog::ids::TenantSecret;
use commlog::providers::kit::client::{ClientOptions, HttpClient};
use commlog::providers::{Content, OutboundMessage, SendError};
use uuid::Uuid;

/// The moment at which these tests happen.
const NOW: i64 = 1_790_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

fn ambient(seed: u64) -> Ambient {
    Ambient::new(Arc::new(ManualClock::new(now())), Arc::new(SeededEntropy::new(seed)))
}

/// A client that soon loses patience.
fn client() -> HttpClient {
    let timeout = Duration::from_millis(600);
    HttpClient::new(ClientOptions { connect_timeout: Duration::from_millis(300), timeout, proxy: None })
        .expect("a client")
}

fn secret() -> TenantSecret {
    TenantSecret::new([7; 32])
}

fn key(channel: Channel, number: u128) -> MessageKey {
    MessageKey {
        message_id: Uuid::from_u128(number).into(),
        channel,
        campaign_id: Some(Uuid::from_u128(50).into()),
        variant: Some("b".to_owned()),
        conversation_id: None,
    }
}

fn correlation(channel: Channel, number: u128) -> Correlation {
    let route = Route { provider: "double".to_owned(), account: "main".to_owned(), domain: None };
    Correlation {
        tenant: Uuid::from_u128(1).into(),
        customer_id: Uuid::from_u128(2).into(),
        key: key(channel, number),
        address_id: None,
        route,
        called_at: now(),
    }
}

/// A message with a token, to somebody who can be reached.
fn message(channel: Channel, number: u128) -> OutboundMessage {
    let to = if channel == Channel::Email { "ada@example.org" } else { "+14155550101" };
    let (tenant, customer) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
    let content = Content::of(channel, Some("News".to_owned()), "Hello".to_owned());
    let mut message = OutboundMessage::new(tenant, customer, key(channel, number), to.to_owned(), content);
    message.token = Some(seal(&correlation(channel, number), &secret()));
    message
}

fn class_of(error: &SendError) -> Option<RetryClass> {
    match error {
        SendError::Refused { class, .. } => Some(*class),
        SendError::Ambiguous { .. } => None,
    }
}

fn cause_of(error: &SendError) -> Option<&'static str> {
    match error {
        SendError::Ambiguous { cause } => Some(cause),
        SendError::Refused { .. } => None,
    }
}
