//! Merged customers read as one: nothing moves in the tables, and every read of the person covers all of it.

use commlog::domain::consent::event::ConsentState;
use commlog::domain::conversation::event::{ConversationCause, ConversationState};
use commlog::domain::customer::event::{CustomerAbsorbed, CustomerMergedInto};
use commlog::domain::value::Channel;
use commlog::ids::CustomerId;
use commlog::queries::activities::{self, ActivityFilter};
use commlog::queries::conversations::{self, ConversationFilter, ConversationOrder};
use commlog::queries::customers::{self, CustomerFilter, CustomerOrder};
use commlog::queries::timeline::{self, TimelineFilter, TimelineKind};
use commlog::queries::{Page, consents, customer_roots};
use commlog::sql::{Db, Engine};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::events::{address_added, consent, conversation_changed, key, note_added, order, received, registered, sent};
use super::story::{Story, TENANT, activity, address, conversation, customer, message, minute, note};
use super::{check, dump, on_both_engines, told};

on_both_engines! {
    a_merged_id_stands_for_the_survivor,
    the_list_holds_survivors_and_a_search_finds_them_by_every_name,
    figures_are_those_of_the_whole,
    one_timeline_in_one_order_on_every_page,
    whoever_came_along_has_the_later_root,
    a_merge_that_is_half_done_waits_to_be_gone_on_with,
}

/// As the streams tell it, once `from` is a part of `into`; `parts` came with it.
fn merged(story: &mut Story, from: u128, into: u128, parts: &[u128]) {
    story.tell(customer(from), 500, CustomerMergedInto { into_id: customer(into) });
    for &part in parts.iter().chain([&from]) {
        story.tell(customer(into), 500, CustomerAbsorbed { absorbed_id: customer(part) });
    }
}

/// A customer with an order, a message from it, a note, a consent and a conversation, at minutes of its own.
fn a_life(story: &mut Story, number: u128, name: &str) {
    let (who, at) = (customer(number), 10 * i64::try_from(number).expect("a small number"));
    story.tell(who, 0, registered(name));
    story.tell(who, 1, address_added(address(number), &format!("{}@example.com", name.to_lowercase()), true));
    story.tell(who, at + 2, order(activity(number), 1_000_000 * i64::try_from(number).expect("small"), None));
    story.tell(who, at + 3, received(&key(message(number)), "Hi"));
    story.tell(who, at + 4, note_added(note(number), name));
    story.tell(who, at + 5, consent(Channel::Email, "news", ConsentState::OptedIn));
    let (open, agent) = (ConversationState::Open, ConversationCause::Agent);
    story.tell(who, at + 6, conversation_changed(conversation(number), open, agent, 0));
    story.tell(who, at + 7, sent(&key(message(number + 50))));
}

/// Ann, with Bea and Cleo, who came with Bea; and Dora, who is somebody else.
fn story() -> Story {
    let mut story = Story::new();
    for (number, name) in [(1, "Ann"), (2, "Bea"), (3, "Cleo"), (4, "Dora")] {
        a_life(&mut story, number, name);
    }
    merged(&mut story, 3, 2, &[]);
    merged(&mut story, 2, 1, &[3]);
    story
}

async fn a_merged_id_stands_for_the_survivor(engine: Engine) {
    check(engine, &story(), async |db| {
        for asked in 1..=3 {
            let row = customers::by_id(db, TENANT, customer(asked)).await.unwrap().unwrap();
            assert_eq!((row.customer_id, row.asked), (customer(1), customer(asked)));
            assert_eq!(row.merged, [customer(2), customer(3)]);
            assert_eq!(row.name.as_deref(), Some("Ann"));
        }
        let all: Vec<_> = (1..=4).map(customer).collect();
        let rows = customers::by_ids(db, TENANT, &all).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.asked).collect::<Vec<_>>(), all);
        assert_eq!(rows[3].merged, []);
    })
    .await;
}

async fn the_list_holds_survivors_and_a_search_finds_them_by_every_name(engine: Engine) {
    check(engine, &story(), async |db| {
        let found = async |search: Option<&str>| {
            let filter = CustomerFilter { search: search.map(str::to_owned), ..CustomerFilter::default() };
            let rows = customers::list(db, TENANT, &filter, CustomerOrder::default(), &Page::default())
                .await
                .unwrap()
                .into_rows();
            assert_eq!(customers::count(db, TENANT, &filter).await.unwrap(), rows.len() as u64);
            rows.into_iter().map(|row| (row.customer_id, row.merged.len())).collect::<Vec<_>>()
        };
        assert_eq!(found(None).await, [(customer(4), 0), (customer(1), 2)]);
        for search in ["ann", "bea", "cleo", "cleo@example.com", "ann cleo"] {
            assert_eq!(found(Some(search)).await, [(customer(1), 2)], "{search}");
        }
        assert_eq!(found(Some("bea dora")).await, []);
    })
    .await;
}

async fn figures_are_those_of_the_whole(engine: Engine) {
    check(engine, &story(), async |db| {
        let row = customers::by_id(db, TENANT, customer(2)).await.unwrap().unwrap();
        assert_eq!((row.orders, row.cancellations), (3, 0));
        assert_eq!((row.last_order_at, row.last_inbound_at), (Some(minute(32)), Some(minute(33))));
        assert_eq!(row.last_outbound_at, Some(minute(37)));
        let both = [customer(1), customer(4)];
        let revenue = customers::revenue(db, TENANT, &both).await.unwrap();
        let sums: Vec<_> = revenue.iter().map(|row| (row.customer_id, row.revenue_micros)).collect();
        assert_eq!(sums, [(customer(1), 6_000_000), (customer(4), 4_000_000)]);
        assert_eq!((revenue[0].first_order_at, revenue[0].last_order_at), (Some(minute(12)), Some(minute(32))));
        let listed =
            customers::list(db, TENANT, &CustomerFilter::default(), CustomerOrder::default(), &Page::default())
                .await
                .unwrap();
        assert_eq!(listed.into_rows()[1].orders, 3);
    })
    .await;
}

async fn pages(db: &Db, size: usize, backwards: bool) -> Vec<(CustomerId, TimelineKind)> {
    let (filter, mut seen) = (TimelineFilter::default(), Vec::new());
    let mut page = if backwards { Page::last(size) } else { Page::first(size) };
    loop {
        let slice = timeline::of_customer(db, TENANT, customer(3), &filter, &page).await.unwrap();
        let more = if backwards { slice.has_previous } else { slice.has_next };
        let edge = if backwards { slice.rows.first() } else { slice.rows.last() }.map(|(cursor, _)| cursor.clone());
        let rows: Vec<_> = slice.into_rows().into_iter().map(|row| (row.customer_id, row.kind)).collect();
        seen = if backwards { [rows, seen].concat() } else { [seen, rows].concat() };
        match edge.filter(|_| more) {
            None => return seen,
            Some(edge) if backwards => page = Page::last(size).before(edge),
            Some(edge) => page = Page::first(size).after(edge),
        }
    }
}

async fn one_timeline_in_one_order_on_every_page(engine: Engine) {
    check(engine, &story(), async |db| {
        use TimelineKind::{Consent, Conversation, Message, Note, Order, Registered};
        let kinds = [Conversation, Consent, Note, Message, Order];
        let lives = [3, 2, 1].into_iter().flat_map(|number| kinds.map(|kind| (customer(number), kind)));
        // All were registered in the same minute: the log's order tells them apart.
        let all: Vec<_> = lives.chain([3, 2, 1].map(|number| (customer(number), Registered))).collect();
        for size in [1, 4, 100] {
            assert_eq!(pages(db, size, false).await, all);
            assert_eq!(pages(db, size, true).await, all);
        }
        let filter = TimelineFilter { kinds: vec![TimelineKind::Note], ..TimelineFilter::default() };
        assert_eq!(timeline::count_of_customer(db, TENANT, customer(1), &filter).await.unwrap(), 3);
        let rows = activities::of_customer(db, TENANT, customer(2), &ActivityFilter::default(), &Page::first(2)).await;
        let rows = rows.unwrap();
        assert!(rows.has_next);
        assert_eq!(rows.into_rows().iter().map(|row| row.activity_id).collect::<Vec<_>>(), [3, 2].map(activity));
        let none = ActivityFilter::default();
        assert_eq!(activities::count_of_customer(db, TENANT, customer(2), &none).await.unwrap(), 3);
        let filter = ConversationFilter { customer_id: Some(customer(1)), ..ConversationFilter::default() };
        let rows = conversations::list(db, TENANT, &filter, ConversationOrder::default(), &Page::default())
            .await
            .unwrap()
            .into_rows();
        let threads: Vec<_> = rows.iter().map(|row| row.conversation_id).collect();
        assert_eq!(threads, [3, 2, 1].map(conversation));
        assert_eq!(conversations::count(db, TENANT, &filter, ConversationOrder::default()).await.unwrap(), 3);
        let changes = consents::history(db, TENANT, customer(1), None, &Page::default()).await.unwrap().into_rows();
        assert_eq!(changes.iter().map(|row| row.customer_id).collect::<Vec<_>>(), [3, 2, 1].map(customer));
        assert_eq!(consents::count_history(db, TENANT, customer(1), Some(Channel::Sms)).await.unwrap(), 0);
    })
    .await;
}

async fn whoever_came_along_has_the_later_root(engine: Engine) {
    check(engine, &story(), async |db| {
        let whole = customer_roots::whole(db, TENANT, customer(3)).await.unwrap();
        assert_eq!((whole.root, whole.merged), (customer(1), vec![customer(2), customer(3)]));
        let other = customer_roots::whole(db, TENANT, customer(4)).await.unwrap();
        assert_eq!((other.root, other.merged), (customer(4), vec![]));
    })
    .await;
}

async fn a_merge_that_is_half_done_waits_to_be_gone_on_with(engine: Engine) {
    let mut half = Story::new();
    a_life(&mut half, 1, "Ann");
    a_life(&mut half, 2, "Bea");
    half.tell(customer(2), 500, CustomerMergedInto { into_id: customer(1) });
    check(engine, &half, async |db| {
        assert_eq!(customer_roots::open_merges(db, None, 10).await.unwrap(), [(TENANT, customer(2))]);
        let row = customers::by_id(db, TENANT, customer(2)).await.unwrap().unwrap();
        assert_eq!(row.customer_id, customer(2), "until the survivor is told, nothing has changed");
    })
    .await;
    half.tell(customer(1), 501, CustomerAbsorbed { absorbed_id: customer(2) });
    check(engine, &half, async |db| assert_eq!(customer_roots::open_merges(db, None, 10).await.unwrap(), [])).await;
}

/// Merges everybody into the first, in any order and grouping: each step makes one who stands for itself a part of
/// another one, the first only ever survives.
fn grouped(steps: &[(usize, usize)]) -> Story {
    const NAMES: [&str; 5] = ["Ann", "Bea", "Cleo", "Dora", "Emma"];
    let mut story = Story::new();
    for (number, name) in (1..).zip(NAMES) {
        a_life(&mut story, number, name);
    }
    let mut persons: Vec<(u128, Vec<u128>)> = (1..=NAMES.len() as u128).map(|number| (number, vec![])).collect();
    for &(from, into) in steps {
        if persons.len() == 1 {
            break;
        }
        let (from, parts) = persons.remove(1 + from % (persons.len() - 1));
        let into = into % persons.len();
        merged(&mut story, from, persons[into].0, &parts);
        persons[into].1.extend(parts.into_iter().chain([from]));
    }
    story
}

/// Everything that is read of the person, whoever of it is asked for.
async fn read(db: &Db) -> Vec<String> {
    let mut read = vec![];
    for asked in 1..=5 {
        let mut row = customers::by_id(db, TENANT, customer(asked)).await.unwrap().unwrap();
        row.asked = row.customer_id;
        read.push(format!("{row:?}"));
        read.push(format!("{:?}", customers::revenue(db, TENANT, &[row.customer_id]).await.unwrap()));
        let page = Page::first(200);
        let all = TimelineFilter::default();
        read.push(format!("{:?}", timeline::of_customer(db, TENANT, customer(asked), &all, &page).await.unwrap()));
    }
    let listed = customers::list(db, TENANT, &CustomerFilter::default(), CustomerOrder::default(), &Page::default())
        .await
        .unwrap();
    read.push(format!("{:?}", listed.into_rows()));
    read
}

#[test]
fn merging_in_any_order_and_grouping_gives_the_same_reads() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let cases = if engine == Engine::Sqlite { 24 } else { 4 };
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let expected = runtime.block_on(async { read(told(engine, &grouped(&[(0, 0); 4]), 100).await.db()).await });
        let steps = prop::collection::vec((0..10_usize, 0..10_usize), 4..5);
        let outcome = runner.run(&(steps, 1..30_usize), |(steps, batch)| {
            runtime.block_on(async {
                let tables = told(engine, &grouped(&steps), batch).await;
                prop_assert_eq!(read(tables.db()).await, expected.clone());
                let open: Vec<_> =
                    dump(tables.db()).await.into_iter().filter(|line| line.starts_with("open_merges")).collect();
                prop_assert_eq!(open, [""; 0]);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}
