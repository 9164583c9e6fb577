//! Lists of customers: whatever happens in whatever pieces, the members are those who meet the criteria, and a rebuild finds
//! them without evaluating anything.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use commlog::app::Caller;
use commlog::domain::activity::decide::RecordActivity;
use commlog::domain::activity::event::ActivityKind;
use commlog::domain::customer::decide::{ForgetCustomer, ProfileInput};
use commlog::domain::customer::event::Source;
use commlog::domain::customer::merge::MergeCustomers;
use commlog::domain::list::criteria::{Criterion, read};
use commlog::domain::list::decide::{ChangeMembers, CreateList, UpdateList};
use commlog::ids::{CustomerId, ListId};
use commlog::processes::lists::Evaluator;
use commlog::projections::ReadStore;
use commlog::queries::Reads;
use commlog::queries::lists::{self, Moment};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::on_both;
use super::world::{World, registration};

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub fn one_of(&mut self, customers: &[CustomerId]) -> CustomerId {
        customers[usize::try_from(self.below(customers.len() as u64)).expect("fits")]
    }
}

fn criteria(json: &Value) -> Criterion {
    read(json).unwrap_or_else(|refusal| panic!("{json}: {refusal}"))
}

/// Read tables that follow the log until they are dropped.
pub(super) struct Following {
    pub reads: Reads,
    stop: CancellationToken,
}

impl Following {
    pub fn start(store: ReadStore) -> Self {
        let stop = CancellationToken::new();
        let (running, stopped) = (store.clone(), stop.clone());
        tokio::spawn(async move { running.run(stopped).await });
        Self { reads: Reads::new(store), stop }
    }

    pub async fn caught_up(&self) {
        let end = self.reads.journal().backend().head().await.expect("the log answers").position;
        self.reads.wait_for(end, std::time::Duration::from_secs(30)).await.expect("the tables follow");
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn register(world: &World, number: u64, dice: &mut Dice) -> CustomerId {
    let territory = ["north", "south"][usize::from(dice.below(2) == 0)];
    let mut command = registration(&format!("person{number}@example.com"));
    command.profile = ProfileInput {
        name: Some(format!("Person {number}")),
        territory: Some(territory.to_owned()),
        lead_score: (dice.below(3) > 0).then(|| i64::try_from(dice.below(100)).expect("fits")),
        tags: if dice.below(2) == 0 { vec!["wine".to_owned()] } else { vec![] },
        attributes: BTreeMap::from([
            ("visits".to_owned(), json!(dice.below(9))),
            ("vip".to_owned(), json!(dice.below(2) == 0)),
        ]),
        ..ProfileInput::default()
    };
    world.done(world.app.register_customer(&world.agent(), command).await).value
}

async fn order(world: &World, customer_id: CustomerId, dice: &mut Dice) {
    let at = world.now() - TimeDelta::hours(i64::try_from(dice.below(24 * 50)).expect("fits"));
    order_of(world, customer_id, at, i64::try_from(dice.below(200)).expect("fits") * 1_000_000 - 20_000_000).await;
}

async fn order_of(world: &World, customer_id: CustomerId, at: DateTime<Utc>, amount_micros: i64) {
    let command = RecordActivity {
        customer_id,
        kind: ActivityKind::Order,
        name: None,
        reference: None,
        status: None,
        occurred_at: Some(at),
        amount_micros: Some(amount_micros),
        currency: Some("EUR".to_owned()),
        lines: vec![],
        due_at: None,
        message_id: None,
        title: None,
        attributes: BTreeMap::new(),
        source: Source::Api,
    };
    world.done(world.app.record_activity(&world.agent(), command).await);
}

async fn create(world: &World, name: &str, criteria: Option<Criterion>) -> ListId {
    let list_id = ListId(world.app.ambient().uuid());
    let command = CreateList { list_id, name: name.to_owned(), criteria };
    world.done(world.app.create_list(&world.agent(), command).await).value.list_id
}

/// Lets the evaluator work until nothing is left.
async fn settle(world: &World, evaluator: &mut Evaluator, tables: &Following) {
    loop {
        tables.caught_up().await;
        let before = world.app.end().await.expect("the log answers");
        evaluator.step().await.expect("lists are evaluated");
        if world.app.end().await.expect("the log answers") == before && !evaluator.step().await.expect("evaluated") {
            tables.caught_up().await;
            return;
        }
    }
}

/// The members of all lists, by list.
async fn members(world: &World, tables: &Following) -> Vec<(ListId, i64, Vec<CustomerId>)> {
    let db = tables.reads.db();
    let mut all = Vec::new();
    for row in lists::all(&db).await.expect("is read") {
        let members = lists::member_ids(&db, world.tenant, row.list_id).await.expect("is read");
        all.push((row.list_id, row.members, members));
    }
    all
}

async fn as_from_scratch(world: &World, tables: &Following, round: usize) {
    let (db, now) = (tables.reads.db(), world.now());
    let moment = Moment { now, today: now.date_naive(), past: false };
    for row in lists::all(&db).await.expect("is read") {
        let Some(stored) = &row.criteria else { continue };
        let criteria = criteria(&stored.0);
        let meeting = lists::meeting(&db, world.tenant, &criteria, &moment).await.expect("is read");
        let members = lists::member_ids(&db, world.tenant, row.list_id).await.expect("is read");
        assert_eq!(members, meeting, "round {round}, {}: {}", row.name, stored.0);
        assert_eq!(usize::try_from(row.members), Ok(members.len()), "round {round}, {}", row.name);
        // What is kept of orders says the same as the orders, of which none is ahead of now.
        let by_orders = Moment { past: true, ..moment.clone() };
        let by_orders = lists::meeting(&db, world.tenant, &criteria, &by_orders).await.expect("is read");
        assert_eq!(by_orders, meeting, "round {round}, {}", row.name);
        // The question about everybody and the one about some persons agree.
        let nearly = self::criteria(&json!({"not": {"bucket": {"from": 0, "to": 1, "salt": "x"}}}));
        let everybody = lists::meeting(&db, world.tenant, &nearly, &moment).await.expect("is read");
        let persons = lists::persons(&db, world.tenant, &everybody).await.expect("is read");
        let among = lists::meeting_among(&db, world.tenant, &criteria, &moment, &persons).await.expect("is read");
        let expected: Vec<_> = meeting.into_iter().filter(|id| everybody.binary_search(id).is_ok()).collect();
        assert_eq!(among, expected, "round {round}, {}", row.name);
    }
}

/// Whoever entered leaves before entering again, and the last change says who is a member.
async fn changes_alternate(world: &World, tables: &Following) {
    let db = tables.reads.db();
    for (list, count, members) in members(world, tables).await {
        let changes = lists::changes_after(&db, world.tenant, list, None, usize::MAX >> 1).await.expect("is read");
        let mut inside: BTreeMap<CustomerId, bool> = BTreeMap::new();
        for change in changes {
            let before = inside.insert(change.customer_id, change.entered).unwrap_or(false);
            assert_ne!(before, change.entered, "{list}: {change:?} changes nothing");
        }
        inside.retain(|_, is_inside| *is_inside);
        assert_eq!(inside.into_keys().collect::<Vec<_>>(), members, "{list}");
        assert_eq!(usize::try_from(count), Ok(members.len()), "{list}");
    }
}

on_both! {
    async fn a_list_is_made_of_one_whose_members_change_all_the_time(world: World) {
        let busy = create(&world, "busy", None).await;
        let (customer, _) = world.customer("ada@example.com").await;
        let mine = async {
            for number in 0..20 {
                let asks = criteria(&json!({"memberOf": {"listId": busy.0}}));
                create(&world, &format!("asks {number}"), Some(asks)).await;
            }
        };
        // Another process, so that nothing is known of its changes here.
        let elsewhere = world.elsewhere().await;
        let theirs = async {
            for number in 0..200 {
                let change = ChangeMembers { enter: number % 2 == 0, members: vec![customer] };
                world.done(elsewhere.change_list_members(&world.agent(), busy, change).await);
            }
        };
        tokio::join!(mine, theirs);
    }

    async fn who_was_merged_since_is_still_the_same_command(world: World) {
        let guests = create(&world, "guests", None).await;
        let (ada, _) = world.customer("ada@example.com").await;
        let (bob, _) = world.customer("bob@example.com").await;
        let caller = world.agent().with_key("k");
        let change = || ChangeMembers { enter: true, members: vec![ada] };
        let first = world.done(world.app.change_list_members(&caller, guests, change()).await);
        world.done(world.app.merge_customers(&world.agent(), MergeCustomers { from: ada, into: bob }).await);
        let again = world.done(world.app.change_list_members(&caller, guests, change()).await);
        assert_eq!((again.position, again.repeated), (first.position, true));
    }

    async fn an_order_ahead_of_now_counts_as_recent_once_it_is_there(world: World) {
        let tables = Following::start(world.read_store().await);
        let (ahead, _) = world.customer("ahead@example.com").await;
        let (both, _) = world.customer("both@example.com").await;
        let (cancelled, _) = world.customer("cancelled@example.com").await;
        let at = |days: i64| world.now() + TimeDelta::days(days);
        order_of(&world, ahead, at(2), 5_000_000).await;
        order_of(&world, both, at(2), 5_000_000).await;
        order_of(&world, both, at(-5), 5_000_000).await;
        order_of(&world, cancelled, at(-5), -5_000_000).await;
        let quiet = create(&world, "quiet", Some(criteria(&json!({"noOrderInDays": {"days": 30}})))).await;
        let lapsed = json!({"noOrderInDays": {"days": 30, "ordered_before": true}});
        let lapsed = create(&world, "lapsed", Some(criteria(&lapsed))).await;
        let once = create(&world, "once", Some(criteria(&json!({"orders": {"atLeast": 1, "atMost": 1}})))).await;
        let mut evaluator = Evaluator::new(world.app.clone(), tables.reads.clone());
        evaluator.begin().await.expect("lists are read");
        let sorted = |mut ids: Vec<CustomerId>| {
            ids.sort_unstable();
            ids
        };
        for (passed, expected) in [
            (0, [vec![ahead, cancelled], vec![ahead], vec![ahead]]),
            (3, [vec![cancelled], vec![], vec![ahead]]),
            (40, [vec![ahead, both, cancelled], vec![ahead, both], vec![ahead]]),
        ] {
            world.advance(TimeDelta::days(passed));
            settle(&world, &mut evaluator, &tables).await;
            for (list, expected) in [quiet, lapsed, once].into_iter().zip(expected) {
                let members = lists::member_ids(&tables.reads.db(), world.tenant, list).await.expect("is read");
                assert_eq!(members, sorted(expected), "after {passed} days");
            }
        }
    }

    async fn members_are_those_who_meet_the_criteria_whatever_happens(world: World) {
        let tables = Following::start(world.read_store().await);
        let mut dice = Dice(42);
        let mut customers = Vec::new();
        for number in 0..12 {
            customers.push(register(&world, number, &mut dice).await);
        }
        let quiet = create(&world, "quiet", Some(criteria(&json!({"noOrderInDays": {"days": 30}})))).await;
        let changing = create(&world, "changing", Some(criteria(&json!({"orders": {"atLeast": 2, "withinDays": 20}})))).await;
        for (name, json) in [
            ("rich of late", json!({"revenue": {"min": "100", "withinDays": 25}})),
            ("poor", json!({"revenue": {"max": "150"}})),
            ("rich", json!({"highValue": {"minRevenue": "200", "currency": "EUR"}})),
            ("north and not quiet", json!({"all": [{"allInTerritory": {"territory": "north"}}, {"not": {"memberOf": {"listId": quiet.0}}}]})),
            ("either", json!({"any": [{"tags": {"allOf": ["wine"]}}, {"memberOf": {"listId": changing.0}}, {"leadScore": {"min": 80}}]})),
            ("own fields", json!({"any": [{"field": {"name": "visits", "min": 5, "max": 7}}, {"custom": {"vip": true, "visits": 3}}]})),
            ("lapsed", json!({"noOrderInDays": {"days": 14, "ordered_before": true}})),
            ("half", json!({"all": [{"bucket": {"from": 0, "to": 50}}, {"hasEmail": true}, {"hasPhone": false}]})),
            ("some", json!({"orders": {"atMost": 1, "withinDays": 40}})),
            ("few ever", json!({"orders": {"atMost": 2}})),
            ("two or three ever", json!({"orders": {"atLeast": 2, "atMost": 3}})),
            ("ever", json!({"orders": {"atLeast": 1}})),
            ("birthday", json!({"anniversary": {"of": "registered", "daysBefore": 3}})),
        ] {
            create(&world, name, Some(criteria(&json))).await;
        }
        let by_hand = create(&world, "by hand", None).await;
        let mut evaluator = Evaluator::new(world.app.clone(), tables.reads.clone()).in_ranges_of(8);
        evaluator.begin().await.expect("lists are read");
        let mut beside = Evaluator::new(world.elsewhere().await, tables.reads.clone()).in_ranges_of(9);
        beside.begin().await.expect("lists are read");
        for round in 0..120 {
            let gone = |outcome: &str| ["CUSTOMER_FORGOTTEN", "SAME_CUSTOMER", "CUSTOMER_MERGED", "MERGED_ELSEWHERE"].contains(&outcome);
            match dice.below(12) {
                0 => customers.push(register(&world, 100 + round, &mut dice).await),
                1 => {
                    let (from, into) = (dice.one_of(&customers), dice.one_of(&customers));
                    let merged = world.app.merge_customers(&world.agent(), MergeCustomers { from, into }).await;
                    if let Err(refusal) = merged.expect("the log answers").into_result() {
                        assert!(gone(refusal.code), "{refusal:?}");
                    }
                }
                2 => {
                    let customer_id = dice.one_of(&customers);
                    let command = ForgetCustomer { customer_id, reason: "request".to_owned() };
                    world.done(world.app.forget_customer(&world.agent(), command).await);
                    customers.retain(|known| *known != customer_id);
                }
                3 | 4 => {
                    let members = vec![dice.one_of(&customers), dice.one_of(&customers)];
                    let change = ChangeMembers { enter: dice.below(3) > 0, members };
                    let changed = world.app.change_list_members(&world.agent(), by_hand, change).await;
                    if let Err(refusal) = changed.expect("the log answers").into_result() {
                        assert!(gone(refusal.code), "{refusal:?}");
                    }
                }
                5 => {
                    let json = json!({"orders": {"atLeast": 1 + dice.below(3), "withinDays": 5 + dice.below(40)}});
                    let command = UpdateList { name: None, criteria: Some(criteria(&json)) };
                    world.done(world.app.update_list(&Caller::new(world.tenant, "test"), changing, command).await);
                }
                6 | 7 => world.advance(TimeDelta::hours(i64::try_from(dice.below(24 * 8)).expect("fits"))),
                _ => {
                    let survivor = dice.one_of(&customers);
                    let known = lists::acting(&tables.reads.db(), world.tenant, &[survivor]).await.expect("is read");
                    if known == [survivor] {
                        tables.caught_up().await;
                        if lists::acting(&tables.reads.db(), world.tenant, &[survivor]).await.expect("is read") == [survivor] {
                            order(&world, survivor, &mut dice).await;
                        }
                    }
                }
            }
            match dice.below(6) {
                0 => drop(evaluator.step().await.expect("lists are evaluated")),
                // Two nodes find the same at once.
                1 => {
                    let (mine, other) = tokio::join!(evaluator.step(), beside.step());
                    mine.and(other).expect("lists are evaluated");
                }
                _ => {}
            }
            if dice.below(5) == 0 {
                settle(&world, &mut evaluator, &tables).await;
                as_from_scratch(&world, &tables, usize::try_from(round).expect("fits")).await;
            }
            if dice.below(20) == 0 {
                // Another process takes over, and goes on where the lists say.
                evaluator = Evaluator::new(world.app.clone(), tables.reads.clone()).in_ranges_of(7);
                evaluator.begin().await.expect("lists are read");
            }
        }
        let last = register(&world, 1_000, &mut dice).await;
        let change = ChangeMembers { enter: true, members: vec![last] };
        world.done(world.app.change_list_members(&world.agent(), by_hand, change).await);
        settle(&world, &mut evaluator, &tables).await;
        as_from_scratch(&world, &tables, 1_000).await;
        let by_hand = lists::member_ids(&tables.reads.db(), world.tenant, by_hand).await.expect("is read");
        assert!(!by_hand.is_empty(), "somebody is left");
        let acting = lists::acting(&tables.reads.db(), world.tenant, &by_hand).await.expect("is read");
        assert_eq!(by_hand, acting, "whoever is on the list acts for themself");

        changes_alternate(&world, &tables).await;

        // New read tables find the same members; nobody evaluates.
        let expected = members(&world, &tables).await;
        let rebuilt = Following::start(world.read_store().await);
        rebuilt.caught_up().await;
        assert_eq!(members(&world, &rebuilt).await, expected);
    }
}
