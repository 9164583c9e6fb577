//! Customers with orders and messages, as many of each as the customers of a real shop have.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use commlog::clock::Ambient;
use commlog::domain::activity::event::{ActivityKind, ActivityRecorded, ActivityRecordedPersonal, LineItem};
use commlog::domain::consent::event::{ConsentChanged, ConsentChangedPersonal, ConsentState};
use commlog::domain::customer::event::{
    CustomerAddressAdded, CustomerAddressAddedPersonal, CustomerRegistered, CustomerRegisteredPersonal,
    PersonalProfile, Profile, Source,
};
use commlog::domain::message::event::{
    EngagementClass, MessageOpened, MessageOpenedPersonal, MessageQueued, MessageSent,
};
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::value::message::{MessageKey, Route};
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{ActivityId, AddressId, CustomerId, MessageId};
use commlog::log::Append;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Result;
use crate::events::{append, queued};
use crate::log::per_second;
use crate::report::{Goal, Measurement};
use crate::stores::{Own, Place, caller};

/// Twentieths of the customers of the Online Retail data set (UCI, 2011): how many orders each placed, how many days before the
/// end of the data the last one was, and tenths of what an order was worth.
const ORDERS: [u32; 20] = [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 8, 11, 19];
const RECENCY: [i64; 20] = [1, 3, 7, 10, 15, 19, 23, 29, 36, 44, 54, 64, 76, 94, 125, 160, 197, 241, 282, 356];
const VALUE: [i64; 10] = [90, 140, 178, 217, 263, 313, 360, 430, 546, 938];
/// Appends of one call.
const GROUP: u64 = 200;
pub const TERRITORIES: u64 = 50;
pub const ARTICLES: u64 = 3_000;

/// The id of a customer.
pub fn customer(number: u64) -> CustomerId {
    CustomerId(Uuid::from_u128(u128::from(number) << 64 | 0x11))
}

/// Fills a log, and builds the read tables.
pub async fn run(place: &Place, customers: u64) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Lists).await?;
    stores.app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?.into_result()?;
    let (ambient, started) = (Ambient::system(), Instant::now());
    let mut maker = Maker { random: SmallRng::seed_from_u64(11), now: ambient.now(), ambient, activities: 0 };
    let mut events = 0;
    for first in (0..customers).step_by(usize::try_from(GROUP)?) {
        let group: Vec<Append> = (first..customers.min(first + GROUP)).map(|number| maker.customer(number)).collect();
        events += group.iter().map(|append| append.events.len() as u64).sum::<u64>();
        for result in stores.journal.append_all(group).await? {
            result?;
        }
    }
    let appended = started.elapsed();
    let head = stores.journal.backend().head().await?.position;
    let (reads, stop, started) = (stores.read_store().await?, CancellationToken::new(), Instant::now());
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let mut applied = reads.applied();
    while *applied.borrow_and_update() < head {
        applied.changed().await?;
    }
    let took = started.elapsed();
    stop.cancel();
    projector.await??;
    stores.close().await;
    on_disk(&place.config(Own::Lists)?.data_dir)?;
    let name = "lists: catch-up of customers, orders, consents and messages";
    Ok(vec![Measurement::new(place.engine, name, per_second(events, took), "events/s", Goal::None).note(format!(
        "{customers} customers, {} orders and messages, {events} events appended at {:.0}/s",
        maker.activities,
        per_second(events, appended)
    ))])
}

/// Waits until the system has written a folder's files: what is measured next must not wait for them.
fn on_disk(folder: &Path) -> Result {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            on_disk(&path)?;
        } else {
            File::open(&path)?.sync_all()?;
        }
    }
    Ok(())
}

struct Maker {
    random: SmallRng,
    ambient: Ambient,
    now: DateTime<Utc>,
    activities: u64,
}

impl Maker {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    fn customer(&mut self, number: u64) -> Append {
        let id = customer(number);
        let mut happened = vec![(self.now - Duration::days(500), registered(number).into())];
        let address_id = AddressId(Uuid::from_u128(u128::from(number) << 64 | 0xad));
        if !number.is_multiple_of(10) {
            let address = CustomerAddressAdded {
                address_id,
                kind: AddressKind::Email,
                primary: true,
                import_id: None,
                personal: Some(CustomerAddressAddedPersonal {
                    address: format!("customer.{number}@mail.example"),
                    label: None,
                }),
            };
            happened.push((self.now - Duration::days(500), address.into()));
        }
        if self.random.random_ratio(1, 2) {
            happened.push((self.now - Duration::days(400), consent(number).into()));
        }
        let last = self.pick(&RECENCY);
        for order in 0..self.pick(&ORDERS) {
            let days = last + i64::from(order) * 23;
            let at = self.now - Duration::days(days) - Duration::seconds(self.random.random_range(0..40_000));
            happened.push((at, self.order(number, order).into()));
        }
        for round in 0..self.random.random_range(0..3_u32) {
            let days = self.random.random_range(1..300);
            let (queued, sent, opened) = self.message(number, round, days);
            happened.push((self.now - Duration::days(days), queued.into()));
            happened.push((self.now - Duration::days(days) + Duration::seconds(1), sent.into()));
            if self.random.random_ratio(1, 3) {
                happened.push((self.now - Duration::days(days) + Duration::hours(2), opened.into()));
            }
        }
        happened.sort_by_key(|(at, _)| *at);
        let mut all: Option<Append> = None;
        for (at, event) in happened {
            let one = append(id, event, at, &self.ambient);
            match &mut all {
                None => all = Some(one),
                Some(all) => all.events.extend(one.events),
            }
        }
        all.unwrap_or_else(|| append(id, registered(number).into(), self.now, &self.ambient))
    }

    fn order(&mut self, number: u64, order: u32) -> ActivityRecorded {
        self.activities += 1;
        let amount = self.pick(&VALUE) * 1_000_000;
        ActivityRecorded {
            activity_id: ActivityId(Uuid::from_u128(u128::from(number) << 64 | u128::from(order) << 8 | 0xac)),
            kind: ActivityKind::Order,
            name: None,
            reference: Some(format!("O{number}-{order}")),
            status: None,
            amount_micros: Some(amount),
            currency: "GBP".parse().ok(),
            lines: vec![LineItem {
                sku: format!("A{}", self.random.random_range(0..ARTICLES)),
                quantity_milli: 1_000,
                unit_price_micros: amount,
                description: None,
            }],
            due_at: None,
            message_id: None,
            source: Source::Api,
            import_id: None,
            personal: Some(ActivityRecordedPersonal { title: None, attributes: std::collections::BTreeMap::new() }),
        }
    }

    fn message(&mut self, number: u64, round: u32, days: i64) -> (MessageQueued, MessageSent, MessageOpened) {
        self.activities += 1;
        let at = u64::try_from((self.now - Duration::days(days)).timestamp_millis()).unwrap_or_default();
        let mut salt = [0; 10];
        salt[..8].copy_from_slice(&number.to_be_bytes());
        salt[8] = u8::try_from(round).unwrap_or_default();
        let key = MessageKey {
            message_id: MessageId(uuid::Builder::from_unix_timestamp_millis(at, &salt).into_uuid()),
            channel: Channel::Email,
            campaign_id: None,
            variant: None,
            conversation_id: None,
        };
        let queued = queued(key.clone(), "news", "News", "A new vintage is in.");
        let route = Route { provider: "simulator".into(), account: "default".into(), domain: None };
        let sent = MessageSent {
            key: key.clone(),
            route: route.clone(),
            provider_message_id: None,
            segments: 1,
            cost_micros: None,
            currency: None,
            mail_id: None,
        };
        let opened = MessageOpened {
            key,
            route,
            class: EngagementClass::Human,
            rule: "engagement/1".into(),
            flagged: None,
            personal: Some(MessageOpenedPersonal { ip: None, user_agent: None }),
        };
        (queued, sent, opened)
    }
}

fn registered(number: u64) -> CustomerRegistered {
    let tag = if number.is_multiple_of(997) { "vip" } else { "retail" };
    CustomerRegistered {
        source: Source::Api,
        anonymous: false,
        import_id: None,
        profile: Profile {
            territory: Some(format!("T{}", number % TERRITORIES)),
            industry: Some(
                ["wine", "food", "events", "hotels"][usize::try_from(number % 4).unwrap_or_default()].into(),
            ),
            lead_score: i64::try_from(number % 101).ok(),
            tags: vec![tag.into()],
            ..Profile::default()
        },
        personal: Some(CustomerRegisteredPersonal {
            profile: PersonalProfile {
                name: Some(format!("First{} Last{}", number % 1_000, number * 7_919 % 20_011)),
                external_id: Some(format!("M{number}")),
                attributes: [("city".to_owned(), format!("C{}", number % 300).into())].into(),
            },
        }),
    }
}

fn consent(number: u64) -> ConsentChanged {
    let state = if number.is_multiple_of(8) { ConsentState::OptedOut } else { ConsentState::OptedIn };
    ConsentChanged {
        channel: Channel::Email,
        topic: "news".into(),
        state,
        source: Source::Api,
        method: "form".into(),
        message_id: None,
        campaign_id: None,
        variant: None,
        import_id: None,
        personal: Some(ConsentChangedPersonal { wording: None, ip: None, user_agent: None }),
    }
}
