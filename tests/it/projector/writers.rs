//! Exactly once: through crashes, and with several writers.

use commlog::projections::Limits;
use commlog::sql::Engine;

use super::on_both_engines;
use super::world::{LONG, Projector, World, catch_up, registry, tally};

on_both_engines! {
    a_projector_that_dies_in_the_middle_counts_every_event_once;
    of_two_projectors_one_writes_and_the_other_takes_over;
    a_second_start_goes_on_where_the_first_one_ended;
}

const SMALL: Limits = Limits::single(3);

async fn a_projector_that_dies_in_the_middle_counts_every_event_once(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    // Each life is a little longer than the one before, so that death comes at many different steps.
    for life in 0..40 {
        let store = world.open_with(registry(), SMALL).await;
        let projector = Projector::start(&store);
        for _ in 0..life * 20 {
            tokio::task::yield_now().await;
        }
        projector.kill();
    }
    let store = world.open_with(registry(), SMALL).await;
    catch_up(&store, head).await;
    assert_eq!(tally(&store.db()).await, world.events().await.len() as i64);
}

async fn of_two_projectors_one_writes_and_the_other_takes_over(engine: Engine) {
    let world = World::new(engine).await;
    let (one, other) = (world.open_with(registry(), SMALL).await, world.open_with(registry(), SMALL).await);
    assert_eq!(one.live().id, other.live().id);
    let (first, second) = (Projector::start(&one), Projector::start(&other));
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    one.wait_for(head, LONG).await.expect("one node gets there");
    other.wait_for(head, LONG).await.expect("the other node sees it");
    assert_eq!(tally(&other.db()).await, world.events().await.len() as i64);

    first.stop().await;
    let position = world.register(world.customer(), "Late").await;
    other.wait_for(position, LONG).await.expect("the other one takes over");
    one.wait_for(position, LONG).await.expect("a node without a projector sees it too");
    assert_eq!(tally(&one.db()).await, world.events().await.len() as i64);
    second.stop().await;
}

async fn a_second_start_goes_on_where_the_first_one_ended(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let head = world.journal.backend().head().await.expect("a head").position;
    let first = world.open().await;
    catch_up(&first, head).await;
    let second = world.open().await;
    assert_eq!(second.live().id, first.live().id);
    assert_eq!(*second.applied().borrow(), head);
    let position = world.note(world.customer(), "hm").await;
    catch_up(&second, position).await;
    assert_eq!(tally(&second.db()).await, world.events().await.len() as i64);
}
