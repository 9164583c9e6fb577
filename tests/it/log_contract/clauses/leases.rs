use std::time::Duration;

use commlog::ids::Position;
use commlog::log::Expected;
use commlog::log::keys::lease::{PROCESSES, dispatch};
use commlog::log::keys::{KeyStoreError, Term};
use commlog::log::mark::MarkError;

use crate::log_contract::World;

const LONG: Duration = Duration::from_mins(10);
const NOT_AT_ALL: Duration = Duration::ZERO;

async fn take(world: &World, holder: &str, lasting: Duration) -> Option<Term> {
    world.journal.key_store().take_lease(PROCESSES, holder, lasting).await.expect("the store answers")
}

fn number(term: Option<&Term>) -> Option<i64> {
    term.map(|term| term.number)
}

pub(crate) async fn a_lease_has_one_holder_until_it_ends_and_each_has_a_term_of_its_own(world: &World) {
    let first = take(world, "first", NOT_AT_ALL).await;
    let second = take(world, "second", LONG).await;
    assert_eq!((number(first.as_ref()), number(second.as_ref())), (Some(1), Some(2)));
    assert_eq!(take(world, "third", LONG).await, None);

    let store = world.elsewhere().await;
    let (first, second) = (first.expect("was taken"), second.expect("was taken"));
    let renew = async |term: &Term, lasting| store.key_store().renew_lease(term, lasting).await;
    assert!(!renew(&first, LONG).await.expect("answers"), "another term has begun");
    assert!(renew(&second, LONG).await.expect("answers"));
    store.key_store().give_lease_back(&first).await.expect("answers");
    let known = store.key_store().leases().await.expect("answers");
    let [lease] = &known[..] else { panic!("{known:?}") };
    assert_eq!((lease.name.as_str(), lease.holder.as_str(), lease.term, lease.is_held), (PROCESSES, "second", 2, true));

    store.key_store().give_lease_back(&second).await.expect("answers");
    assert!(!store.key_store().leases().await.expect("answers")[0].is_held);
    // Nobody has taken it: who gave it back may still say so.
    assert!(renew(&second, NOT_AT_ALL).await.expect("answers"));
    assert_eq!(number(take(world, "third", LONG).await.as_ref()), Some(3));
    store.backend().close().await;
}

pub(crate) async fn of_many_nodes_that_want_a_lease_one_gets_it(world: &World) {
    for round in 1..=5 {
        let stores = [world.elsewhere().await, world.elsewhere().await, world.elsewhere().await];
        let takes = stores.iter().map(|store| store.key_store().take_lease(PROCESSES, "one", LONG));
        let taken: Vec<Term> =
            futures::future::try_join_all(takes).await.expect("the stores answer").into_iter().flatten().collect();
        let [term] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!(term.number, round);
        stores[0].key_store().give_lease_back(term).await.expect("answers");
        for store in stores {
            store.backend().close().await;
        }
    }
}

pub(crate) async fn a_lease_from_before_the_clock_was_put_back_is_nobodys(world: &World) {
    take(world, "first", LONG).await.expect("is free");
    assert_eq!(take(world, "second", LONG).await, None);
    world.store.tamper_keys("UPDATE leases SET until = until + 3600000000").await.expect("is changed");
    assert_eq!(number(take(world, "second", LONG).await.as_ref()), Some(2));
}

pub(crate) async fn terms_never_fall_and_leases_are_never_deleted(world: &World) {
    take(world, "first", LONG).await.expect("is free");
    for sql in ["UPDATE leases SET term = term - 1", "DELETE FROM leases"] {
        assert!(world.store.tamper_keys(sql).await.is_err(), "{sql}");
    }
}

pub(crate) async fn the_mark_that_permits_a_call_is_refused_to_who_was_replaced(world: &World) {
    let append = async || {
        let append = world.append_of(world.stream(), Expected::Any, vec![world.event(1)]);
        world.journal.append(append).await.expect("is appended").position
    };
    let mark = async |position: Position, term: &Term| world.journal.reach_mark(position, Some(term)).await;
    let first = take(world, "first", NOT_AT_ALL).await.expect("is free");
    mark(append().await, &first).await.expect("nobody else has begun");
    let second = take(world, "second", LONG).await.expect("has ended");
    let refused = mark(append().await, &first).await;
    assert!(matches!(refused, Err(MarkError::Keys(KeyStoreError::Fenced { .. }))), "{refused:?}");
    mark(append().await, &second).await.expect("it is the newest term");
    // Without a lease, as where one node sends.
    world.journal.reach_mark(append().await, None).await.expect("is marked");
}

pub(crate) async fn marks_in_terms_of_several_leases_are_written_together_and_each_term_counts_for_itself(
    world: &World,
) {
    let store = world.journal.key_store();
    let take = async |share, lasting| {
        store.take_lease(&dispatch(share, 4), "a node", lasting).await.expect("answers").expect("is free")
    };
    let replaced = take(1, NOT_AT_ALL).await;
    take(1, LONG).await;
    let mut terms = vec![replaced.clone()];
    for share in 2..=4 {
        terms.push(take(share, LONG).await);
    }
    let mut positions = vec![];
    for _ in 0..40 {
        let append = world.append_of(world.stream(), Expected::Any, vec![world.event(1)]);
        positions.push(world.journal.append(append).await.expect("is appended").position);
    }
    let marks = positions
        .iter()
        .zip(terms.iter().cycle())
        .map(async |(position, term)| (term.clone(), world.journal.reach_mark(*position, Some(term)).await));
    for (term, marked) in futures::future::join_all(marks).await {
        match marked {
            Err(MarkError::Keys(KeyStoreError::Fenced { term: fenced, .. })) => {
                assert_eq!((&term, &fenced), (&replaced, &replaced))
            }
            marked => assert!(marked.is_ok() && term != replaced, "{term:?}: {marked:?}"),
        }
    }
    let mark = store.log_mark().await.expect("answers").expect("is marked").mark;
    assert_eq!(positions.last(), Some(&mark.position));
    // A lease that nobody ever had permits nothing.
    let never = Term { lease: dispatch(1, 8), number: 1 };
    let refused = world.journal.reach_mark(mark.position, Some(&never)).await;
    assert!(matches!(refused, Err(MarkError::Keys(KeyStoreError::Fenced { .. }))), "{refused:?}");
}
