//! A dry run says what the run will do, for tenants of every kind: rules, spellings, tests and fallbacks drawn at random.

use chrono::{Duration, Timelike};
use commlog::ids::CustomerId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::campaigns::{DRY_RUN, mail_to, outcomes_of_dry_run, outcomes_of_run};
use super::story::Wire;
use crate::support::app::Engine;
use crate::support::times;

const ZONES: [Option<&str>; 5] =
    [None, Some("Europe/Berlin"), Some("America/New_York"), Some("Asia/Kolkata"), Some("Pacific/Auckland")];

/// A customer as a tenant has them.
#[derive(Debug, Clone)]
struct Person {
    /// Which of a few mailboxes, in which spelling; most have one of their own.
    mailbox: Option<(u8, bool)>,
    has_phone: bool,
    zone: usize,
    consent: Option<&'static str>,
    written_to_before: bool,
    is_staff: bool,
}

/// A tenant's rules, and a campaign.
#[derive(Debug, Clone)]
struct Plan {
    people: Vec<Person>,
    opt_in: bool,
    cap: u8,
    cap_holds: bool,
    quiet: Option<(i64, i64, bool)>,
    hold_out: u16,
    fallback: bool,
    spread: bool,
}

fn person() -> impl Strategy<Value = Person> {
    let consent = prop_oneof![3 => Just(None), 4 => Just(Some("OPTED_IN")), 2 => Just(Some("OPTED_OUT"))];
    let mailbox = prop_oneof![1 => Just(None), 5 => (10..250_u8, any::<bool>()).prop_map(Some), 3 => (0..4_u8, any::<bool>()).prop_map(Some)];
    (mailbox, any::<bool>(), 0..ZONES.len(), consent, prop::bool::weighted(0.3), prop::bool::weighted(0.15)).prop_map(
        |drawn| {
            let (mailbox, has_phone, zone, consent, written_to_before, is_staff) = drawn;
            Person { mailbox, has_phone, zone, consent, written_to_before, is_staff }
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    let quiet = prop::option::of((-20..4_i64, 1..20_i64, any::<bool>()));
    let rules = (any::<bool>(), 0..3_u8, any::<bool>(), quiet);
    let campaign = (prop_oneof![Just(0), Just(2_500_u16)], any::<bool>(), prop::bool::weighted(0.3));
    (prop::collection::vec(person(), 12..28), rules, campaign).prop_map(|(people, rules, campaign)| {
        let ((opt_in, cap, cap_holds, quiet), (hold_out, fallback, spread)) = (rules, campaign);
        Plan { people, opt_in, cap, cap_holds, quiet, hold_out, fallback, spread }
    })
}

/// The same tenants in each run.
fn plans(count: usize) -> Vec<Plan> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[14; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| plan().new_tree(&mut runner).expect("a plan").current()).collect()
}

async fn ask(wire: &Wire, mutation: &str, variables: Value) -> Value {
    let mut answer = wire.agent.data(mutation, variables).await;
    let answer = answer.as_object_mut().and_then(|fields| fields.values_mut().next()).expect("an answer").take();
    assert!(answer["refusal"].is_null(), "{answer:#}");
    answer
}

impl Plan {
    /// The rules, away from any moment at which one begins or ends.
    async fn rules(&self, wire: &Wire) {
        let now = wire.app.now().with_minute((wire.app.now().minute() + 30) % 60).expect("a minute");
        let quiet = self.quiet.iter().map(|(from, hours, holds)| {
            let time = |hours| (now + Duration::hours(hours)).format("%H:%M:00").to_string();
            let action = if *holds { "HOLD" } else { "ABORT" };
            json!({ "from": time(*from), "to": time(from + hours), "action": action })
        });
        let cap_action = if self.cap_holds { "HOLD" } else { "ABORT" };
        let caps = json!([{ "limit": self.cap, "window": "ROLLING_HOURS", "hours": 48, "action": cap_action }]);
        let changes = json!({ "requireOptIn": self.opt_in, "caps": caps, "quietHours": quiet.collect::<Vec<_>>() });
        let mutation = "mutation($changes: PolicyPatch!) { updatePolicy(changes: $changes) { refusal { message } } }";
        ask(wire, mutation, json!({ "changes": changes })).await;
    }

    async fn customers(&self, wire: &Wire, round: usize) -> Vec<CustomerId> {
        let mut customers = Vec::new();
        for (number, person) in self.people.iter().enumerate() {
            let mut addresses = vec![];
            if let Some((which, loud)) = person.mailbox {
                // Of the first few, several customers have one each.
                let mailbox = if which < 4 {
                    format!("shared{which}.r{round}@example.org")
                } else {
                    format!("p{number}.r{round}@example.org")
                };
                let mailbox = if loud { mailbox.to_uppercase() } else { mailbox };
                addresses.push(json!({ "kind": "EMAIL", "address": mailbox }));
            }
            if person.has_phone {
                addresses.push(json!({ "kind": "PHONE", "address": format!("+4474001{:05}", round * 100 + number) }));
            }
            let input =
                json!({ "name": format!("Person {number}"), "timeZone": ZONES[person.zone], "addresses": addresses });
            let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId refusal { message } } }";
            let made = ask(wire, mutation, json!({ "input": input })).await;
            let id = made["customerId"].as_str().and_then(|id| id.strip_prefix("Customer:")?.parse().ok());
            let id: CustomerId = id.expect("an id");
            if let Some(state) = person.consent {
                wire.consents(id, state).await;
            }
            customers.push(id);
        }
        for (id, _) in customers.iter().zip(&self.people).filter(|(_, person)| person.written_to_before) {
            // Where nothing forbids it, it counts against the cap.
            wire.send(*id, "EMAIL", "MARKETING").await;
        }
        customers
    }
}

async fn a_dry_run_says_what_the_run_does(engine: Engine) {
    for (round, plan) in plans(times("COMMLOG_DRY_RUNS", 5)).into_iter().enumerate() {
        let wire = Wire::start(engine).await;
        wire.text("spring", "Spring is here").await;
        let customers = plan.customers(&wire, round).await;
        plan.rules(&wire).await;
        let all = wire.list_of("All", &customers).await;
        let staff: Vec<_> =
            customers.iter().zip(&plan.people).filter(|(_, person)| person.is_staff).map(|(id, _)| *id).collect();
        let mut input = mail_to(&[&all]);
        if !staff.is_empty() {
            input["audience"]["exclude"] = json!([wire.list_of("Staff", &staff).await]);
        }
        if plan.hold_out > 0 {
            input["experiment"] = json!({ "holdOut": plan.hold_out, "variants": [{ "name": "a", "share": 10_000 }] });
        }
        if plan.fallback {
            input["fallbacks"] = json!([{ "channel": "SMS" }]);
        }
        if plan.spread {
            input["spreadMinutes"] = json!(10_080);
        }
        let id = wire.create(input).await;
        let dry = wire.agent.data(DRY_RUN, json!({ "id": id })).await["dryRunCampaign"].take();
        assert!(dry["refusal"].is_null(), "{plan:?} {dry:#}");
        let expected = outcomes_of_dry_run(&dry["dryRun"]);
        assert_eq!(expected.values().sum::<i64>(), customers.len() as i64, "{plan:?} {dry:#}");
        wire.begin(&id).await;
        let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
        assert_eq!(outcomes_of_run(&campaign), expected, "{plan:?}");
        wire.app.finish().await;
    }
}

on_each_engine! {
    a_dry_run_says_what_the_run_does
}
