//! What the demo's shop and its customers do, as commands.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use rand::RngExt;
use rand::rngs::SmallRng;
use serde_json::json;

use super::sample::{SampleCustomer, SampleMessage, SampleOrder, customer};
use crate::app::{App, Caller};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::templates::starter;
use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::ActivityKind;
use crate::domain::consent::decide::SetConsent;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::decide::{AddNote, Patch, RegisterCustomer};
use crate::domain::customer::event::Source;
use crate::domain::list::decide::CreateList;
use crate::domain::message::decide::SendMessage;
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::brand::{Language, TopicName};
use crate::domain::tenant::change_brand::UpdateBrand;
use crate::domain::tenant::decide::NameUser;
use crate::domain::value::Channel;
use crate::ids::{CustomerId, ListId};
use crate::providers::Callback;

/// Who answers customers: the front end's id, and the name.
pub const AGENTS: [(&str, &str); 2] = [("mara", "Mara Lindholm"), ("tom", "Tom Achterberg")];

const QUESTIONS: [&str; 8] = [
    "Do you have the Barolo in half bottles?",
    "One bottle arrived broken, could you send another?",
    "Can I move my delivery to Friday?",
    "Lovely wine, thank you! Same again for next month please.",
    "Is the tasting on Thursday still on?",
    "Please call me about a larger order for our restaurant.",
    "Haben Sie den Riesling auch in der Magnumflasche?",
    "Wann kommt meine Bestellung an?",
];

const ANSWERS: [&str; 6] = [
    "Thank you for writing! I have set it aside for you.",
    "Of course, it is done.",
    "I am sorry about that. A new bottle goes out today, free of charge.",
    "Yes, we look forward to seeing you.",
    "I will call you tomorrow morning.",
    "Gern, ich habe es notiert.",
];

/// What its customers know topics by, in English and German.
const TOPICS: [(&str, &str, &str); 3] = [
    ("weekly_specials", "Weekly specials", "Angebote der Woche"),
    ("new_products", "New in the cellar", "Neu im Keller"),
    ("tastings", "Tastings", "Verkostungen"),
];

/// What the shop has before anybody buys: texts, a brand, agents and lists.
pub async fn open(app: &App, caller: &Caller) -> Outcome {
    starter::publish(app, caller).await?;
    app.update_brand(caller, brand()).await?.into_result()?;
    for (user_id, name) in AGENTS {
        let command = NameUser { user_id: user_id.to_owned(), name: name.to_owned() };
        app.name_user(caller, command).await?.into_result()?;
    }
    let lists = [
        ("Quiet for 60 days", json!({ "noOrderInDays": { "days": 60, "orderedBefore": true } })),
        ("Best customers", json!({ "highValue": { "minRevenue": "800", "currency": "GBP" } })),
        ("London", json!({ "allInTerritory": { "territory": "London" } })),
    ];
    for (name, criteria) in lists {
        let criteria = serde_json::from_value(criteria).map_err(|error| Failure::from_error(Exit::Internal, error))?;
        let command =
            CreateList { list_id: ListId(app.ambient().uuid()), name: name.to_owned(), criteria: Some(criteria) };
        app.create_list(&caller.clone().with_key(format!("demo: list {name}")), command).await?.into_result()?;
    }
    Ok(())
}

/// The shop's pages have the colours of its letters.
fn brand() -> UpdateBrand {
    let names = TOPICS.iter().flat_map(|&(topic, english, german)| {
        [(None, english), (Some(Language::German), german)].map(|(language, name)| TopicName {
            topic: topic.to_owned(),
            language,
            name: name.to_owned(),
        })
    });
    UpdateBrand {
        accent: Patch::Set("#7a2a40".to_owned()),
        banner: Patch::Set("#f3eee6".to_owned()),
        topics: Some(names.collect()),
        ..UpdateBrand::default()
    }
}

/// How a customer is registered.
#[must_use]
pub fn registration(sample: SampleCustomer) -> RegisterCustomer {
    RegisterCustomer { profile: sample.profile, addresses: sample.addresses, source: Source::Demo }
}

/// A customer joins, with consent and what was bought before.
pub async fn join(app: &App, caller: &Caller, number: usize, sample: SampleCustomer) -> Outcome<CustomerId> {
    let key = |what: &str| caller.clone().with_key(format!("demo: {what} {number}"));
    let (orders, opted_out) = (sample.orders.clone(), sample.opted_out);
    let customer_id = app.register_customer(&key("customer"), registration(sample)).await?.into_result()?.value;
    for channel in [Channel::Email, Channel::Sms] {
        let consent = SetConsent {
            customer_id,
            channel,
            topic: "all".to_owned(),
            state: if opted_out { ConsentState::OptedOut } else { ConsentState::OptedIn },
            method: "form".to_owned(),
            wording: Some("Yes, please tell me about new wines and tastings.".to_owned()),
            ip: None,
            user_agent: None,
            message_id: None,
            source: Source::Demo,
        };
        app.set_consent(&key(&format!("consent {channel}")), consent).await?.into_result()?;
    }
    for bought in orders {
        order(app, caller, customer_id, bought).await?;
    }
    if number.is_multiple_of(9) {
        let text = "Prefers deliveries after five.".to_owned();
        let note = AddNote { customer_id, conversation_id: None, text, pinned: true };
        app.add_note(&key("note"), note).await?.into_result()?;
    }
    Ok(customer_id)
}

/// A customer buys.
pub async fn order(app: &App, caller: &Caller, customer_id: CustomerId, order: SampleOrder) -> Outcome {
    let key = caller.clone().with_key(format!("demo: order {}", order.reference));
    let activity = RecordActivity {
        customer_id,
        kind: ActivityKind::Order,
        name: None,
        reference: Some(order.reference),
        status: Some("paid".to_owned()),
        occurred_at: Some(order.at),
        amount_micros: None,
        currency: Some("GBP".to_owned()),
        lines: order.lines,
        due_at: None,
        message_id: None,
        title: None,
        attributes: BTreeMap::new(),
        source: Source::Demo,
    };
    app.record_activity(&key, activity).await?.into_result()?;
    Ok(())
}

/// A message of the shop as it is asked for.
#[must_use]
pub fn letter_of_ours(customer_id: CustomerId, message: &SampleMessage) -> SendMessage {
    SendMessage {
        customer_id,
        channel: message.channel,
        class: if message.topic.is_some() { MessageClass::Marketing } else { MessageClass::Transactional },
        topic: message.topic.unwrap_or("service").to_owned(),
        address_id: None,
        subject: message.subject.map(str::to_owned),
        body: message.body.to_owned(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    }
}

/// A message of a customer, as a provider hands it over.
#[must_use]
pub fn letter(
    caller: &Caller,
    number: usize,
    customer_id: CustomerId,
    text: &str,
    occurred_at: DateTime<Utc>,
) -> Callback {
    let sample = customer(number, occurred_at);
    let channel = match number % 3 {
        0 => Channel::Email,
        1 if sample.addresses.len() > 1 => Channel::Whatsapp,
        2 if sample.addresses.len() > 1 => Channel::Sms,
        _ => Channel::Email,
    };
    let from = sample.addresses.into_iter().find(|address| address.kind == channel.address_kind());
    Callback::Inbound {
        tenant: caller.tenant,
        customer_id: Some(customer_id),
        channel,
        provider: "simulator".to_owned(),
        provider_message_id: format!("demo-{number}"),
        from: from.map(|address| address.address).unwrap_or_default(),
        subject: (channel == Channel::Email).then(|| "A question".to_owned()),
        body: text.to_owned(),
        in_reply_to: None,
        occurred_at,
    }
}

/// What a customer asks.
#[must_use]
pub fn question(random: &mut SmallRng) -> &'static str {
    QUESTIONS[random.random_range(0..QUESTIONS.len())]
}

/// What the shop answers.
#[must_use]
pub fn answer(die: u64) -> &'static str {
    ANSWERS[usize::try_from(die / 7).unwrap_or(0) % ANSWERS.len()]
}

/// A moment of the day at which a shop is open.
#[must_use]
pub fn open_hour(day: DateTime<Utc>, random: &mut SmallRng) -> DateTime<Utc> {
    let midnight = day - TimeDelta::seconds(i64::from(day.num_seconds_from_midnight()));
    midnight + TimeDelta::minutes(random.random_range(8 * 60..18 * 60))
}
