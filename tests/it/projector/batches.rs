//! A batch's size changes nothing, and both engines come to the same rows.

use commlog::ids::CustomerId;
use commlog::log::RecordedEvent;
use commlog::projections::Scratch;
use commlog::sql::Engine;
use proptest::prelude::*;

use super::world::{World, dump, registry};
use crate::support::postgres;

/// What happens to one of a few customers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Register,
    Rename,
    Order(i64),
    Poison,
    Note,
    Forget,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        3 => Just(Step::Register),
        3 => Just(Step::Rename),
        6 => (0i64..1000).prop_map(Step::Order),
        1 => Just(Step::Poison),
        2 => Just(Step::Note),
        1 => Just(Step::Forget),
    ];
    (0usize..4, step)
}

async fn play(world: &World, customers: &[CustomerId], steps: &[(usize, Step)]) {
    for (number, &(who, step)) in steps.iter().enumerate() {
        let customer = customers[who];
        match step {
            Step::Register => world.register(customer, "Ann Lee").await,
            Step::Rename => world.rename(customer, &format!("Ann {number}"), Some("olga")).await,
            Step::Order(micros) => world.order(customer, micros, "paid").await,
            Step::Poison => world.order(customer, 1, "poison").await,
            Step::Note => world.note(customer, "hm").await,
            Step::Forget => world.forget(customer).await,
        };
        world.wait();
    }
}

/// The rows after applying events in batches of a size, and what is parked.
async fn rows(scratch: &mut Scratch, events: &[RecordedEvent], size: usize) -> Vec<String> {
    for batch in events.chunks(size) {
        scratch.apply(batch).await.expect("a batch is applied");
    }
    let mut rows = dump(scratch.db(), &registry()).await;
    let parked = scratch.parked().await.expect("parked work is listed");
    rows.extend(parked.iter().map(|parked| format!("parked {} {}", parked.projection, parked.event_id)));
    rows
}

/// Shows only what differs: there are many rows.
fn assert_same(rows: &[String], expected: &[String], size: usize) {
    let more: Vec<_> = rows.iter().filter(|row| !expected.contains(row)).collect();
    let less: Vec<_> = expected.iter().filter(|row| !rows.contains(row)).collect();
    assert!(more.is_empty() && less.is_empty(), "batches of {size} give {more:#?} instead of {less:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_size_gives_equal_tables(steps in prop::collection::vec(step(), 1..40), size in 2usize..12) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new(Engine::Sqlite).await;
            let customers: Vec<CustomerId> = (0..4).map(|_| world.customer()).collect();
            play(&world, &customers, &steps).await;
            let events = world.events().await;
            let mut one = Scratch::in_memory(&registry()).await.expect("tables in memory");
            let expected = rows(&mut one, &events, 1).await;
            for size in [size, events.len()] {
                let mut other = Scratch::in_memory(&registry()).await.expect("tables in memory");
                assert_same(&rows(&mut other, &events, size).await, &expected, size);
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_come_to_the_same_rows_with_any_batch_size() {
    let world = World::new(Engine::Sqlite).await;
    world.history().await;
    let poisoned = world.customer();
    world.register(poisoned, "Zoë").await;
    world.order(poisoned, 3, "poison").await;
    world.order(poisoned, 4, "paid").await;
    let events = world.events().await;
    let mut memory = Scratch::in_memory(&registry()).await.expect("tables in memory");
    let expected = rows(&mut memory, &events, 7).await;
    assert!(expected.iter().any(|row| row.starts_with("people_words") && row.ends_with("jose")), "{expected:#?}");
    let url = postgres::database().await;
    for size in [1, 5, events.len()] {
        let mut schema =
            Scratch::in_schema(&url, &format!("scratch_{size}"), &registry()).await.expect("tables in a schema");
        assert_same(&rows(&mut schema, &events, size).await, &expected, size);
    }
}
