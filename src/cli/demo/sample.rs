//! Sample data of the demo: a small wine merchant. Made from tables and a seeded generator, so that every start of a
//! new demo tells the same story.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::domain::activity::event::LineItem;
use crate::domain::customer::decide::{AddressInput, ProfileInput};
use crate::domain::value::{AddressKind, Channel};

/// How many customers there are.
pub const CUSTOMERS: usize = 120;

/// Of each five customers, two live in Germany and Austria.
const FIRST: [[&str; 12]; 2] = [
    ["Amara", "Ben", "Chiara", "Farid", "Grace", "Ines", "Liam", "Mei", "Nadia", "Priya", "Samir", "Zoe"],
    [
        "Anna",
        "Jonas",
        "Katharina",
        "Lukas",
        "Marlene",
        "Paul",
        "Renate",
        "Stefan",
        "Theresa",
        "Uwe",
        "Vera",
        "Wolfgang",
    ],
];
const LAST: [[&str; 11]; 2] = [
    ["Okafor", "Whitfield", "Ricci", "Haddad", "Kim", "Carvalho", "Byrne", "Tanaka", "Rahman", "Nair", "Campbell"],
    ["Weber", "Lindner", "Gruber", "Hofer", "Köhler", "Brandt", "Maier", "Schäfer", "Vogel", "Winkler", "Zimmermann"],
];

/// The name of a customer, and whether German is their language. No two have the same name.
fn name(number: usize) -> (String, bool) {
    let is_german = number % 5 > 2;
    let set = usize::from(is_german);
    (format!("{} {}", FIRST[set][number % 12], LAST[set][number % 11]), is_german)
}

const TERRITORIES: [&str; 4] = ["North", "South", "Midlands", "London"];
const GERMAN_TERRITORIES: [&str; 2] = ["Bavaria", "Vienna"];

/// Article code, description, price in micros.
const WINES: [(&str, &str, i64); 8] = [
    ("RIO-19", "Rioja Reserva 2019", 14_500_000),
    ("SAN-23", "Sancerre 2023", 19_900_000),
    ("PRO-NV", "Prosecco Extra Dry", 11_250_000),
    ("BAR-18", "Barolo 2018", 38_000_000),
    ("RIE-22", "Riesling Kabinett 2022", 13_750_000),
    ("CHA-NV", "Champagne Brut", 32_400_000),
    ("MAL-21", "Malbec 2021", 10_990_000),
    ("POR-10", "Tawny Port 10 Years", 24_600_000),
];

const OFFERS: [(&str, &str, &str); 4] = [
    ("weekly_specials", "This week: Riesling and oysters", "Three Rieslings that love the sea, 15 % off until Sunday."),
    (
        "new_products",
        "New in: Tawny Port",
        "Ten years in small casks. The first twelve bottles go out with free shipping.",
    ),
    ("tastings", "Tasting on Thursday", "Six Barolos, one long table. Will you join us on Thursday at seven?"),
    ("weekly_specials", "The Malbec is back", "It was gone in four days last time."),
];

const SERVICE: [&str; 4] = [
    "Your order is on its way and should arrive tomorrow.",
    "We have put your case aside; pick it up when you like.",
    "A gentle reminder: the invoice of last month is still open.",
    "How did you like the Sancerre? A short answer helps us choose.",
];

/// A customer of the sample.
pub struct SampleCustomer {
    /// What is known.
    pub profile: ProfileInput,
    /// Where to reach them.
    pub addresses: Vec<AddressInput>,
    /// What they bought, oldest first.
    pub orders: Vec<SampleOrder>,
    /// Whether they refused advertising by email.
    pub opted_out: bool,
}

/// An order of the sample.
#[derive(Clone)]
pub struct SampleOrder {
    /// Its number.
    pub reference: String,
    /// When it was placed.
    pub at: DateTime<Utc>,
    /// What was bought.
    pub lines: Vec<LineItem>,
}

/// The customer with this number; `since` is when the demo was begun, and everything lies in the year before.
#[must_use]
pub fn customer(number: usize, since: DateTime<Utc>) -> SampleCustomer {
    let mut random = SmallRng::seed_from_u64(number as u64);
    let (name, is_german) = name(number);
    let mailbox = name.to_lowercase().replace('ö', "oe").replace('ä', "ae").replace(' ', ".");
    let wholesale = random.random_ratio(1, 5);
    let days_ago = |days: i64, minutes: i64| since - Duration::days(days) - Duration::minutes(minutes);
    let mut orders: Vec<SampleOrder> = (0..random.random_range(0..6))
        .map(|index| SampleOrder {
            reference: format!("W-{:04}-{}", number + 1, index + 1),
            at: days_ago(random.random_range(2..360), random.random_range(0..1_440)),
            lines: (0..random.random_range(1..4)).map(|_| line(&mut random, wholesale)).collect(),
        })
        .collect();
    orders.sort_by_key(|order| order.at);
    let mut tags = vec![if wholesale { "trade" } else { "private" }.to_owned()];
    if orders.len() > 3 {
        tags.push("regular".to_owned());
    }
    let territory = if is_german { GERMAN_TERRITORIES[number % 2] } else { TERRITORIES[number % TERRITORIES.len()] };
    let profile = ProfileInput {
        name: Some(name),
        external_id: Some(format!("demo-{:03}", number + 1)),
        territory: Some(territory.to_owned()),
        account_type: Some(if wholesale { "wholesale" } else { "retail" }.to_owned()),
        priority: Some(if orders.len() > 3 { "high" } else { "normal" }.to_owned()),
        owner: Some(["mara", "tom"][number % 2].to_owned()),
        lead_score: Some(random.random_range(0..100)),
        industry: wholesale.then(|| "restaurants".to_owned()),
        locale: Some(if is_german { "de-DE" } else { "en-GB" }.to_owned()),
        time_zone: Some(if is_german { "Europe/Berlin" } else { "Europe/London" }.to_owned()),
        preferred_hours: None,
        tags,
        attributes: BTreeMap::from([("favourite".to_owned(), WINES[number % WINES.len()].1.into())]),
    };
    let address = |kind, address: String| AddressInput { kind, address, region: None, label: None, primary: true };
    // Domains and numbers that are reserved for examples: nobody could ever be reached by them.
    let mut addresses = vec![address(AddressKind::Email, format!("{mailbox}@example.com"))];
    if number % 3 != 2 {
        // Ranges that regulators keep for films: Ofcom's, and the Bundesnetzagentur's.
        let phone = match is_german {
            true => format!("+4917139200{:02}", number / 5 * 2 + number % 5 - 3),
            false => format!("+447700900{number:03}"),
        };
        addresses.push(address(AddressKind::Phone, phone));
    }
    SampleCustomer { profile, addresses, orders, opted_out: number % 11 == 7 }
}

fn line(random: &mut SmallRng, wholesale: bool) -> LineItem {
    let (sku, description, price) = WINES[random.random_range(0..WINES.len())];
    let bottles = if wholesale { random.random_range(12..60) } else { random.random_range(1..7) };
    LineItem {
        sku: sku.to_owned(),
        description: Some(description.to_owned()),
        quantity_milli: bottles * 1_000,
        unit_price_micros: price,
    }
}

/// A message that the merchant sends.
pub struct SampleMessage {
    /// To which customer.
    pub customer: usize,
    /// The channel.
    pub channel: Channel,
    /// The topic; absent for messages about an order.
    pub topic: Option<&'static str>,
    /// The subject, for email.
    pub subject: Option<&'static str>,
    /// The text.
    pub body: &'static str,
}

/// The message with this number: offers by email, service by SMS in between.
#[must_use]
pub fn message(number: u64) -> SampleMessage {
    let mut random = SmallRng::seed_from_u64(number);
    let mut customer = random.random_range(0..CUSTOMERS);
    if number % 3 == 2 {
        // Every third customer has no telephone.
        customer -= usize::from(customer % 3 == 2);
        let body = SERVICE[random.random_range(0..SERVICE.len())];
        let channel = if number % 24 == 11 { Channel::Voice } else { Channel::Sms };
        return SampleMessage { customer, channel, topic: None, subject: None, body };
    }
    let (topic, subject, body) = OFFERS[random.random_range(0..OFFERS.len())];
    SampleMessage { customer, channel: Channel::Email, topic: Some(topic), subject: Some(subject), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_same_every_time() {
        let since = DateTime::UNIX_EPOCH + Duration::days(20_000);
        for number in 0..CUSTOMERS {
            let (once, again) = (customer(number, since), customer(number, since));
            assert_eq!(once.profile, again.profile);
            assert!(once.orders.iter().map(|order| order.at).eq(again.orders.iter().map(|order| order.at)));
            assert!(once.orders.iter().all(|order| order.at < since && !order.lines.is_empty()));
        }
        let names: std::collections::BTreeSet<_> = (0..CUSTOMERS).map(name).collect();
        assert_eq!(names.len(), CUSTOMERS);
    }

    #[test]
    fn messages_go_to_customers_who_have_an_address_for_them() {
        let since = DateTime::UNIX_EPOCH + Duration::days(20_000);
        for number in 0..200 {
            let message = message(number);
            let kind = message.channel.address_kind();
            let customer = customer(message.customer, since);
            assert!(customer.addresses.iter().any(|address| address.kind == kind), "message {number}");
        }
    }
}
