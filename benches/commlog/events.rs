//! Events of about 300 bytes of data and personal part, as a CRM with one very talkative customer would have them. All
//! of them are sealed.

use chrono::{DateTime, Duration, Utc};
use commlog::clock::Ambient;
use commlog::config::DEFAULT_TENANT;
use commlog::domain::activity::event::{ActivityKind, ActivityRecorded, ActivityRecordedPersonal};
use commlog::domain::customer::event::{
    CustomerEvent, CustomerRegistered, CustomerRegisteredPersonal, NoteAdded, NoteAddedPersonal, PersonalProfile,
    Profile, Source,
};
use commlog::domain::message::event::{
    EngagementClass, MessageClass, MessageClicked, MessageClickedPersonal, MessageOpened, MessageOpenedPersonal,
    MessageQueued, MessageQueuedPersonal, MessageReceived, MessageReceivedPersonal,
};
use commlog::domain::value::Channel;
use commlog::domain::value::message::{MessageKey, Route};
use commlog::ids::{ActivityId, CampaignId, CustomerId, EventId, MessageId, NoteId, SubjectId};
use commlog::log::{Append, Category, Cause, Expected, NewEvent, StreamId};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

/// The customer with a tenth of all events.
pub const TALKATIVE: CustomerId = CustomerId(Uuid::from_u128(0x7a1c));

const BODY: &str = "Thank you for your order. It left our cellar this morning and should reach you within two working \
                    days; you will get a link to follow it.";

/// Makes events, always the same ones.
pub struct Events {
    random: SmallRng,
    ambient: Ambient,
    start: DateTime<Utc>,
    made: u64,
    customers: Vec<Customer>,
}

struct Customer {
    id: CustomerId,
    stage: u8,
    message: MessageKey,
}

impl Events {
    /// For `customers` customers beside the talkative one.
    pub fn new(customers: usize) -> Self {
        let customer = |id| Customer { id, stage: 0, message: message(id, 0) };
        let ids = (1..=customers as u128).map(|number| CustomerId(Uuid::from_u128(number << 64)));
        Self {
            random: SmallRng::seed_from_u64(7),
            ambient: Ambient::system(),
            start: DateTime::UNIX_EPOCH + Duration::days(20_000),
            made: 0,
            customers: std::iter::once(TALKATIVE).chain(ids).map(customer).collect(),
        }
    }

    /// The next `count` events, each as an append of its own.
    pub fn take(&mut self, count: u64) -> Vec<Append> {
        (0..count).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Append {
        let number = self.made;
        self.made += 1;
        let index = match usize::try_from(number) {
            // At first everybody is registered.
            Ok(index) if index < self.customers.len() => index,
            _ if self.random.random_ratio(1, 10) => 0,
            _ => self.random.random_range(1..self.customers.len()),
        };
        let customer = &mut self.customers[index];
        let event = customer.next(number);
        let occurred_at = self.start + Duration::seconds(i64::try_from(number).unwrap_or(i64::MAX) * 3);
        append(customer.id, event, occurred_at, &self.ambient)
    }
}

impl Customer {
    fn next(&mut self, number: u64) -> CustomerEvent {
        let stage = self.stage;
        self.stage = if stage == 6 { 1 } else { stage + 1 };
        if stage == 1 {
            self.message = message(self.id, number);
        }
        let key = self.message.clone();
        let route =
            || Route { provider: "simulator".into(), account: "default".into(), domain: Some("example.com".into()) };
        match stage {
            0 => registered(number).into(),
            1 => queued(key, "weekly_specials", "Your order is on its way", &BODY[..90]).into(),
            2 => MessageOpened {
                key,
                route: route(),
                class: EngagementClass::Human,
                rule: "engagement/1".into(),
                flagged: None,
                personal: Some(MessageOpenedPersonal {
                    ip: Some("192.0.2.17".into()),
                    user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101".into()),
                }),
            }
            .into(),
            3 => MessageClicked {
                key,
                route: route(),
                class: EngagementClass::Human,
                rule: "engagement/1".into(),
                flagged: None,
                personal: Some(MessageClickedPersonal {
                    url: Some("https://shop.example.com/weekly".into()),
                    ip: Some("192.0.2.17".into()),
                    user_agent: Some("Mozilla/5.0 (X11; Linux)".into()),
                }),
            }
            .into(),
            4 => MessageReceived {
                key: message(self.id, number),
                address_id: None,
                in_reply_to: Some(self.message.message_id),
                provider: "simulator".into(),
                keyword: None,
                import_id: None,
                account: None,
                automatic: None,
                about: None,
                personal: Some(MessageReceivedPersonal {
                    from: Some("somebody@example.com".into()),
                    to: None,
                    subject: None,
                    body: BODY[..100].into(),
                    details: Box::default(),
                    raw: None,
                }),
            }
            .into(),
            5 => ActivityRecorded {
                activity_id: ActivityId(Uuid::from_u128(u128::from(number) | 0xac << 100)),
                kind: ActivityKind::Payment,
                name: None,
                reference: Some(format!("P-{number}")),
                status: Some("paid".into()),
                amount_micros: Some(125_990_000),
                currency: "GBP".parse().ok(),
                lines: Vec::new(),
                due_at: None,
                message_id: None,
                source: Source::Api,
                import_id: None,
                personal: Some(ActivityRecordedPersonal {
                    title: Some("Paid by card".into()),
                    attributes: std::collections::BTreeMap::new(),
                }),
            }
            .into(),
            _ => NoteAdded {
                note_id: NoteId(Uuid::from_u128(u128::from(number) | 0xe0 << 100)),
                pinned: false,
                conversation_id: None,
                personal: Some(NoteAddedPersonal { text: BODY.into() }),
            }
            .into(),
        }
    }
}

fn message(customer: CustomerId, number: u64) -> MessageKey {
    MessageKey {
        // Time-ordered, as those that commlog gives.
        message_id: MessageId(
            uuid::Builder::from_unix_timestamp_millis(1_700_000_000_000 + number, &customer_bytes(customer))
                .into_uuid(),
        ),
        channel: Channel::Email,
        campaign_id: Some(CampaignId(Uuid::from_u128(0xca))),
        variant: Some(if number.is_multiple_of(2) { "a" } else { "b" }.into()),
        conversation_id: None,
    }
}

fn customer_bytes(customer: CustomerId) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&customer.0.as_bytes()[..10]);
    bytes
}

fn registered(number: u64) -> CustomerRegistered {
    CustomerRegistered {
        source: Source::Api,
        anonymous: false,
        import_id: None,
        profile: Profile { territory: Some("North".into()), ..Profile::default() },
        personal: Some(CustomerRegisteredPersonal {
            profile: PersonalProfile {
                name: Some(format!("Somebody Number {number}")),
                external_id: Some(format!("bench-{number}")),
                attributes: std::collections::BTreeMap::new(),
            },
        }),
    }
}

/// A marketing mail that was asked for.
pub fn queued(key: MessageKey, topic: &str, subject: &str, body: &str) -> MessageQueued {
    MessageQueued {
        key,
        class: MessageClass::Marketing,
        topic: topic.to_owned(),
        address_id: None,
        instead_of: None,
        send_at: None,
        in_reply_to: None,
        canned_reply: None,
        template: None,
        timing: None,
        import_id: None,
        personal: Some(MessageQueuedPersonal {
            to: Some("somebody@example.com".to_owned()),
            subject: Some(subject.to_owned()),
            body: body.to_owned(),
            html: None,
            variables: std::collections::BTreeMap::new(),
            form: None,
        }),
    }
}

/// An append of one event to a customer's stream.
pub fn append(customer: CustomerId, event: CustomerEvent, occurred_at: DateTime<Utc>, ambient: &Ambient) -> Append {
    let payload = event.encode();
    Append {
        stream: StreamId::new(DEFAULT_TENANT, Category::Customer, customer.0),
        expected: Expected::Any,
        preconditions: Vec::new(),
        cause: Cause { actor: "bench".to_owned(), command: None, correlation: None, causation: None },
        events: vec![NewEvent {
            id: EventId(ambient.uuid()),
            event_type: payload.event_type,
            schema_version: payload.schema_version,
            occurred_at,
            data: payload.data,
            subject: payload.personal.is_some().then_some(SubjectId::from(customer)),
            personal: payload.personal,
        }],
    }
}
