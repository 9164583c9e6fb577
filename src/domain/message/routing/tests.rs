use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn route(account: &str) -> Route {
    Route { provider: "twilio".to_owned(), account: account.to_owned(), domain: None }
}

struct Offer {
    route: Route,
    priority: i32,
    cost_micros: i64,
    terms: RoutingTerms,
    measured: Measured,
    is_open: bool,
}

fn offer(account: &str, cost_micros: i64) -> Offer {
    let (terms, measured) = (RoutingTerms::default(), Measured::default());
    Offer { route: route(account), priority: 0, cost_micros, terms, measured, is_open: false }
}

fn ask(offers: &[Offer], sent: Sent<'_>) -> (Vec<String>, RouteChoice) {
    let candidates: Vec<Candidate<'_>> = offers
        .iter()
        .map(|offer| Candidate {
            route: &offer.route,
            priority: offer.priority,
            cost_micros: offer.cost_micros,
            terms: &offer.terms,
            measured: offer.measured,
            is_open: offer.is_open,
        })
        .collect();
    let (order, choice) = order(&candidates, sent);
    (order.into_iter().map(|index| offers[index].route.account.clone()).collect(), choice)
}

const fn text(number: u128) -> Sent<'static> {
    Sent { message_id: MessageId(Uuid::from_u128(number)), country: Some("GB"), domain: None }
}

#[test]
fn priority_comes_first_then_the_price_of_the_country() {
    let mut offers = [offer("a", 50), offer("b", 40), offer("c", 1)];
    offers[2].priority = 1;
    assert_eq!(ask(&offers, text(1)).0, ["b", "a", "c"]);
    offers[0].terms.prices.insert("GB".to_owned(), 30);
    let (order, choice) = ask(&offers, text(1));
    assert_eq!((order, choice.by), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], ChosenBy::Price));
    assert_eq!((choice.considered[0].price_micros, choice.country.as_deref()), (30, Some("GB")));
    assert_eq!(ask(&offers, Sent { country: Some("FR"), ..text(1) }).0, ["b", "a", "c"]);
}

#[test]
fn what_does_not_arrive_makes_an_account_dear() {
    let mut offers = [offer("cheap", 80), offer("dear", 100)];
    offers[0].measured = Measured { taken: 1_000, delivered: 700, latency_ms: Some(900), ..Measured::default() };
    // 80 / 0.7 is more than 100.
    let (order, choice) = ask(&offers, text(1));
    assert_eq!((order[0].as_str(), choice.by), ("dear", ChosenBy::Price));
    offers[0].measured.taken = ENOUGH - 1;
    assert_eq!(ask(&offers, text(1)).0[0], "cheap", "too few to judge by");
    offers[0].measured = Measured { taken: 1_000, delivered: 0, latency_ms: None, ..Measured::default() };
    assert_eq!(ask(&offers, text(1)).0[0], "cheap", "it does not report");
    let mut free = [offer("a", 0), offer("b", 0)];
    free[0].measured = Measured { taken: 1_000, delivered: 900, latency_ms: None, ..Measured::default() };
    let (order, choice) = ask(&free, text(1));
    assert_eq!((order[0].as_str(), choice.by), ("b", ChosenBy::Delivery));
}

#[test]
fn who_is_excluded_is_named_with_the_reason() {
    let mut offers = [offer("uk", 1), offer("us", 1), offer("mail", 1), offer("resting", 1)];
    offers[0].terms.countries.insert("GB".to_owned());
    offers[1].terms.countries.insert("US".to_owned());
    offers[2].terms.domains.insert("example.org".to_owned());
    offers[3].is_open = true;
    let (order, choice) = ask(&offers, text(1));
    assert_eq!((order, choice.by), (vec!["uk".to_owned()], ChosenBy::Only));
    let out: Vec<_> = choice.considered.iter().map(|one| one.left_out.as_deref()).collect();
    assert_eq!(out, [None, Some("country"), Some("domain"), Some("circuit")]);
    let mail = |domain| Sent { country: None, domain: Some(domain), ..text(1) };
    assert_eq!(ask(&offers, mail("mail.example.org")).0, ["mail"]);
    assert!(ask(&offers, mail("notexample.org")).0.is_empty());
}

#[test]
fn shares_are_met_and_a_message_keeps_its_way() {
    let mut offers = [offer("a", 9), offer("b", 5), offer("c", 1)];
    for (offer, share) in offers.iter_mut().zip([50, 30, 20]) {
        offer.terms.share = share;
    }
    let mut counts = BTreeMap::<String, u32>::new();
    for number in 0..10_000 {
        let (order, choice) = ask(&offers, text(number));
        assert_eq!((order.len(), choice.by), (3, ChosenBy::Share));
        assert_eq!(choice.considered[0].account, order[0]);
        *counts.entry(order[0].clone()).or_default() += 1;
    }
    // Four standard deviations.
    for (account, expected) in [("a", 5_000), ("b", 3_000), ("c", 2_000)] {
        assert!(counts[account].abs_diff(expected) < 200, "{counts:?}");
    }
    let before = ask(&offers, text(7)).0;
    offers.iter_mut().for_each(|offer| offer.cost_micros += 3);
    assert_eq!(ask(&offers, text(7)).0, before);
}

proptest! {
    #[test]
    fn the_order_holds_each_account_that_serves_once(
        drawn in prop::collection::vec((0..3_i32, 0..5_i64, 0..4_u32, any::<bool>(), 0..300_u64), 0..8),
        number in any::<u128>(),
    ) {
        let offers: Vec<Offer> = drawn.iter().enumerate().map(|(index, one)| {
            let (priority, cost, share, is_open, delivered) = *one;
            let mut offer = Offer { priority, is_open, ..offer(&format!("account{index}"), cost) };
            offer.terms.share = share;
            offer.measured = Measured { taken: 300, delivered, latency_ms: None, ..Measured::default() };
            offer
        }).collect();
        let (order, choice) = ask(&offers, text(number));
        let serving = offers.iter().filter(|offer| !offer.is_open).count();
        prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), serving);
        prop_assert_eq!(order.len(), serving);
        prop_assert_eq!(choice.considered.len(), offers.len());
        let priority = |name: &String| offers.iter().find(|offer| offer.route.account == *name).map(|offer| offer.priority);
        prop_assert!(order.is_sorted_by_key(priority));
    }
}
