//! What campaigns achieved equals a plain computation over the events, whatever came in, in whatever order and however often:
//! callbacks, opens that are classed again, late, corrected and cancelled orders, merged and forgotten customers.
//! `COMMLOG_ACHIEVED_RECIPIENTS=5000` makes the story that large.

mod plain;

use std::collections::{BTreeMap, HashMap, HashSet};

use commlog::campaigns::attribution::{Amounts, Prices, attribution};
use commlog::campaigns::rates::Rates;
use commlog::campaigns::recipients;
use commlog::domain::account::event::AccountName;
use commlog::domain::campaign::attribution::{Touch, Windows};
use commlog::domain::customer::event::{CustomerAbsorbed, CustomerEvent, CustomerMergedInto};
use commlog::domain::message::event::{
    BounceKind, EngagementClass, MessageClickedPersonal, MessageEvent, MessageKey, MessageReceived, MessageSent,
};
use commlog::log::Personal;
use commlog::queries::{Page, campaign_groups, campaign_metrics, messages::Outcome};
use commlog::sql::{Db, Engine};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::plain::{Brought, Costs, Counts, Hours, brought, costs, counted, domains, exported, facts, hours, links};
use super::story::{Story, TENANT, activity, campaign, customer, import, message, minute};
use super::{check, events, on_both_engines, told};
use crate::support::times;

on_both_engines! {
    what_was_reported_of_other_software_gives_no_rate_over_one,
    money_of_several_currencies_is_never_added_and_estimates_are_told_apart,
}

type Step = (u128, i64, u8); // who, when, and what
fn key_of(who: u128, of: u128) -> MessageKey {
    let variant = (of == 1).then(|| if who.is_multiple_of(2) { "even" } else { "odd" }.to_owned());
    MessageKey { campaign_id: Some(campaign(of)), variant, ..events::key(message(of * 1_000_000 + who)) }
}

fn clicked(key: &MessageKey, class: EngagementClass, url: &str) -> CustomerEvent {
    let mut event = events::clicked(key, class);
    if let CustomerEvent::Message(MessageEvent::MessageClicked(click)) = &mut event {
        click.personal = Some(MessageClickedPersonal { url: Some(url.to_owned()), ip: None, user_agent: None });
    }
    event
}

fn unpriced(key: &MessageKey) -> CustomerEvent {
    MessageSent {
        key: key.clone(),
        route: events::route(),
        provider_message_id: Some("p-1".to_owned()),
        segments: 2,
        cost_micros: None,
        currency: None,
        mail_id: None,
    }
    .into()
}

/// A provider's callbacks about one message.
fn callback(key: &MessageKey, kind: u8) -> CustomerEvent {
    let (human, machine) = (EngagementClass::Human, EngagementClass::Machine);
    match kind {
        0 => events::sent(key),
        1 => unpriced(key),
        2 => events::delivered(key),
        3 => events::deferred(key),
        4 => events::bounced(key, BounceKind::Soft),
        5 => events::bounced(key, BounceKind::Hard),
        6 => events::opened(key, human),
        7 => events::opened(key, machine),
        8 => clicked(key, human, "https://shop.example/a"),
        9 => clicked(key, machine, "https://shop.example/b"),
        10 => events::complained(key),
        11 => events::opted_out_by(key),
        _ => events::failed(key),
    }
}

/// Everybody is written to in two campaigns; then happens what the steps say.
fn told_by(recipients: u128, steps: &[Step]) -> Story {
    let mut story = Story::new();
    for who in 1..=recipients {
        for of in [1, 2] {
            let mut queued = events::queued(&key_of(who, of));
            if let Some(personal) = &mut queued.personal {
                personal.to = Some(format!("c{who}@{}.example", if who.is_multiple_of(3) { "three" } else { "other" }));
            }
            story.tell(customer(who), 0, queued);
        }
    }
    let (mut told, mut forgotten, mut merged) = (HashSet::new(), HashSet::new(), HashMap::<u128, u128>::new());
    let mut orders: HashMap<u128, Vec<commlog::domain::activity::event::ActivityRecorded>> = HashMap::new();
    for (number, &(who, at, kind)) in (1_u128..).zip(steps) {
        let amount = (i64::try_from(number % 3).expect("small") + 1) * 1_000_000;
        let own = orders.entry(who).or_default();
        let before = story.events.len();
        match kind {
            0..=14 => {
                let (of, kind) = match kind {
                    13 => (2, 0),
                    14 => (2, 6),
                    kind => (1, kind),
                };
                // A repetition is known by its id, which the log keeps once.
                if told.insert((who, of, kind, at % 3)) {
                    let event = events::flagged(callback(&key_of(who, of), kind), at % 5 == 0);
                    story.tell(customer(who), at, event);
                }
            }
            15 | 16 => {
                let amount = if kind == 15 { amount } else { -amount };
                let order = events::order(activity(number), amount, Some(import(1)));
                story.tell(customer(who), at, order.clone());
                own.push(order);
            }
            17 | 18 => {
                if let Some(order) = own.pop() {
                    story.tell(customer(who), at, events::retracted(&order));
                    if kind == 17 {
                        let corrected = events::order(order.activity_id, amount, order.import_id);
                        story.tell(customer(who), at - 60, corrected.clone());
                        own.push(corrected);
                    }
                }
            }
            19 => {
                story.reclass(customer(who), if at % 2 == 0 { &events::BY_FLAG } else { &events::AGAINST_FLAG });
            }
            20 => {
                if forgotten.insert(who) {
                    story.tell(customer(who), at, events::forgotten());
                }
            }
            21 => {
                let answered = key_of(who, 1).message_id;
                let reply = events::received(&events::key(message(9_000_000 + number)), "Yes, please");
                story.tell(customer(who), at, MessageReceived { in_reply_to: Some(answered), ..reply });
            }
            _ => {
                let into = who % recipients + 1;
                if into != who && !merged.contains_key(&who) && !merged.contains_key(&into) {
                    story.tell(customer(who), at, CustomerMergedInto { into_id: customer(into) });
                    let parts: Vec<u128> =
                        merged.iter().filter(|(_, root)| **root == who).map(|(part, _)| *part).collect();
                    for part in parts.into_iter().chain([who]) {
                        story.tell(customer(into), at, CustomerAbsorbed { absorbed_id: customer(part) });
                        merged.insert(part, into);
                    }
                }
            }
        }
        // What comes after the key is gone cannot be read.
        for event in &mut story.events[before..] {
            let is_gone = forgotten.iter().any(|who| event.envelope.stream.key == customer(*who).0);
            if is_gone && event.personal != Personal::None {
                event.personal = Personal::Erased;
            }
        }
    }
    story
}

async fn hours_by_query(db: &Db) -> Hours {
    let mut hours = Hours::new();
    for row in campaign_metrics::by_hour(db, TENANT, campaign(1), None, None).await.expect("hours") {
        let named = [
            ("queued", row.queued),
            ("sent", row.sent),
            ("deferred", row.deferred),
            ("delivered", row.delivered),
            ("hard_bounced", row.hard_bounced),
            ("soft_bounced", row.soft_bounced),
            ("failed", row.failed),
            ("complained", row.complained),
            ("opted_out", row.opted_out),
            ("replied", row.replied),
            ("opens_human", row.opens_human),
            ("opens_machine", row.opens_machine),
            ("clicks_human", row.clicks_human),
            ("clicks_machine", row.clicks_machine),
        ];
        let counts: Counts = named.into_iter().filter(|(_, count)| *count != 0).collect();
        if !counts.is_empty() {
            hours.insert((row.variant, row.hour), counts);
        }
    }
    hours
}

async fn costs_by_query(db: &Db) -> Costs {
    let found = campaign_metrics::costs(db, TENANT, &[campaign(1)]).await.expect("costs");
    let by_variant = |row: campaign_metrics::CostRow| {
        let sums = (row.cost(), row.segments);
        ((row.variant, row.currency), sums)
    };
    found.into_iter().map(by_variant).collect()
}

async fn by_query(db: &Db) -> BTreeMap<String, Counts> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for row in campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.expect("totals") {
        for rate in every(Rates::from(&row)) {
            assert!((0.0..=1.0).contains(&rate), "{row:?}");
        }
        let named = [
            ("queued", row.queued),
            ("sent", row.sent),
            ("delivered", row.delivered),
            ("arrived", row.arrived),
            ("bounced", row.bounced),
            ("failed", row.failed),
            ("opened", row.unique_opens_human),
            ("clicked", row.unique_clicks_human),
            ("engaged", row.engaged_human),
            ("complained", row.complained),
            ("opted_out", row.opted_out),
            ("replied", row.replied),
        ];
        counts.entry(row.variant).or_default().extend(named.into_iter().filter(|(_, count)| *count != 0));
    }
    counts
}

fn every(rates: Rates) -> impl Iterator<Item = f64> {
    let Rates { delivery, bounce, open, click, click_to_open, reply, complaint, opt_out } = rates;
    [delivery, bounce, open, click, click_to_open, reply, complaint, opt_out].into_iter().flatten()
}

async fn brought_by_query(db: &Db) -> Brought {
    let found =
        attribution(db, TENANT, campaign(1), Touch::Sent, &Windows::default(), None).await.expect("attribution");
    let shares = found.shares.iter().filter(|(_, share)| share.orders > 0);
    let brought = shares.map(|((variant, _), share)| {
        let revenue = share.amounts.values().map(|amounts| amounts.revenue).sum();
        (variant.clone(), (usize::try_from(share.converted).expect("few"), share.orders, revenue))
    });
    brought.collect()
}

/// Everybody of an outcome, or those of one variant, read in small pages.
async fn listed(db: &Db, outcome: Outcome, variant: Option<&str>) -> Vec<String> {
    let wanted = recipients::Wanted { outcome, reason: None, channel: None, variant: variant.map(str::to_owned) };
    let (mut page, mut found) = (Some(Page::first(7)), Vec::new());
    while let Some(asked) = page.take() {
        let slice = recipients::list(db, TENANT, campaign(1), &wanted, &asked).await.expect("a page");
        page = slice.next(7);
        found.extend(slice.into_rows().iter().map(|row| row.message_id.0.to_string()));
    }
    found.sort();
    found
}

async fn compare(db: &Db, story: &Story) {
    let (events, of) = (exported(story), campaign(1).0.to_string());
    let gone = events.iter().filter(|event| event.kind == "CustomerForgotten");
    let forgotten: HashSet<&str> = gone.map(|event| event.who.as_str()).collect();
    let facts = facts(&events, &of);
    assert_eq!(by_query(db).await, counted(&facts));
    assert_eq!(hours_by_query(db).await, hours(&events, &of));
    assert_eq!(costs_by_query(db).await, costs(&events, &of));
    assert_eq!(brought_by_query(db).await, brought(&events, &of));
    let found = campaign_groups::by_link(db, TENANT, campaign(1), 200).await.expect("links");
    let found: BTreeMap<_, _> = found.into_iter().map(|row| (row.url, row.clicks_human)).collect();
    assert_eq!(found, links(&events, &of, &forgotten));
    let found = campaign_groups::by_domain(db, TENANT, campaign(1), 200).await.expect("domains");
    let of_domains: BTreeMap<_, _> = found.iter().map(|row| (row.label.clone(), row.queued)).collect();
    assert_eq!(of_domains, domains(&events, &of, &forgotten));
    let opened: i64 = found.iter().map(|row| row.opened).sum();
    assert_eq!(opened, counted(&facts).values().filter_map(|counts| counts.get("opened")).sum::<i64>());
    let outcomes = [
        (Outcome::Sent, "sent"),
        (Outcome::Delivered, "arrived"),
        (Outcome::Opened, "opened"),
        (Outcome::Clicked, "clicked"),
        (Outcome::OptedOut, "opted_out"),
        (Outcome::Complained, "complained"),
    ];
    for (outcome, name) in outcomes {
        for variant in [None, Some("even"), Some("odd"), Some("none")] {
            let is_it = |of: &String| variant.is_none_or(|variant| of == variant);
            let named = facts.iter().filter(|(_, (of, names))| names.contains(name) && is_it(of));
            let ids: Vec<_> = named.map(|(id, _)| id.clone()).collect();
            assert_eq!(listed(db, outcome, variant).await, ids, "{outcome} of {variant:?}");
        }
    }
    let converted: usize = brought(&events, &of).values().map(|(converted, ..)| *converted).sum();
    assert_eq!(listed(db, Outcome::Converted, None).await.len(), converted);
}

#[test]
fn what_campaigns_achieved_equals_a_plain_computation_over_the_events() {
    let people = times("COMMLOG_ACHIEVED_RECIPIENTS", 12);
    let (is_whole, most, recipients) = (people > 12, people * 10, people as u128);
    for (engine, cases) in [(Engine::Sqlite, 24), (Engine::Postgres, 6)] {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let cases = if is_whole { 1 } else { cases };
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let least = if is_whole { most } else { 1 };
        let steps = prop::collection::vec((1..=recipients, 1_i64..12_000, 0_u8..23), least..=most);
        let outcome = runner.run(&(steps, 1..40_usize), |(steps, batch)| {
            let story = told_by(recipients, &steps);
            let batch = if is_whole { 5_000 } else { batch };
            runtime.block_on(async { compare(told(engine, &story, batch).await.db(), &story).await });
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}

/// Inputs like those of public reports: clicks without opens (images are blocked), many opens of one message, opens whose
/// delivery nobody reported, a soft and a hard bounce of one message, and a sending that was reported again.
async fn what_was_reported_of_other_software_gives_no_rate_over_one(engine: Engine) {
    let (human, machine) = (EngagementClass::Human, EngagementClass::Machine);
    let mut story = Story::new();
    for who in [2, 4, 6] {
        story.tell(customer(who), 0, events::queued(&key_of(who, 1)));
        story.tell(customer(who), 1, events::sent(&key_of(who, 1)));
        story.tell(customer(who), 3, unpriced(&key_of(who, 1)));
    }
    for at in 4..9 {
        story.tell(customer(2), at, clicked(&key_of(2, 1), human, "https://shop.example/a"));
        story.tell(customer(2), at, clicked(&key_of(2, 1), machine, "https://shop.example/a"));
        story.tell(customer(4), at, events::opened(&key_of(4, 1), human));
    }
    story.tell(customer(6), 5, events::bounced(&key_of(6, 1), BounceKind::Soft));
    story.tell(customer(6), 6, events::bounced(&key_of(6, 1), BounceKind::Hard));
    check(engine, &story, async |db| {
        let row = campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.expect("totals").remove(0);
        assert_eq!((row.sent, row.delivered, row.arrived, row.bounced, row.engaged_human), (3, 0, 2, 1, 2));
        let rates = Rates::from(&row);
        assert_eq!((rates.open, rates.click, rates.click_to_open), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!(rates.bounce, Some(1.0 / 3.0));
        let links = campaign_groups::by_link(db, TENANT, campaign(1), 9).await.expect("links");
        assert_eq!((links[0].messages_human, links[0].clicks_human, links[0].clicks_machine), (1, 5, 5));
    })
    .await;
}

async fn money_of_several_currencies_is_never_added_and_estimates_are_told_apart(engine: Engine) {
    let mut story = Story::new();
    for who in [2, 4] {
        story.tell(customer(who), 0, events::queued(&key_of(who, 1)));
    }
    story.tell(customer(2), 1, events::sent_for(&key_of(2, 1), 300_000));
    story.tell(customer(4), 1, unpriced(&key_of(4, 1)));
    let mut order = events::order(activity(1), 2_000_000, None);
    order.currency = Some("EUR".parse().expect("a currency"));
    story.tell(customer(4), 90, order);
    let name = AccountName { provider: "simulator".to_owned(), account: "main".to_owned() };
    let prices = |currency: &str| Prices { currency: currency.to_owned(), micros: [(name.clone(), 100_000)].into() };
    let eur = prices("EUR");
    check(engine, &story, async |db| {
        let found = async |prices: Option<&Prices>| {
            attribution(db, TENANT, campaign(1), Touch::Sent, &Windows::default(), prices)
                .await
                .expect("attribution")
                .total
        };
        let unknown = found(None).await;
        assert_eq!((unknown.converted, unknown.orders, unknown.unpriced, unknown.roi()), (1, 1, 1, None));
        let known = found(Some(&eur)).await;
        let amounts = Amounts { revenue: 2_000_000, cost: 300_000, estimated_cost: 200_000 };
        assert_eq!(known.amounts, [("EUR".to_owned(), amounts)].into());
        assert_eq!((known.unpriced, known.roi()), (0, Some(3.0)));
        let other = found(Some(&prices("USD"))).await;
        assert_eq!((other.amounts.len(), other.roi()), (2, None));
    })
    .await;
    story.tell(customer(2), 60, events::order(activity(2), 5_000_000, None));
    check(engine, &story, async |db| {
        let found = attribution(db, TENANT, campaign(1), Touch::Sent, &Windows::default(), Some(&eur)).await;
        let total = found.expect("attribution").total;
        assert_eq!(total.amounts.keys().collect::<Vec<_>>(), ["EUR", "GBP"]);
        assert_eq!((total.converted, total.roi()), (2, None));
        let nobody = attribution(db, TENANT, campaign(1), Touch::Opened, &Windows::default(), None).await;
        assert_eq!(nobody.expect("attribution").total.orders, 0, "nobody opened it: {}", minute(0));
    })
    .await;
}
