use commlog::log::{AppendError, Expected, JournalError, Precondition};
use futures::future::join_all;

use crate::log_contract::World;
use crate::log_contract::world::fresh;

pub(crate) async fn a_precondition_that_does_not_hold_is_a_conflict_of_that_stream(world: &World) {
    let (judged, stream) = (world.stream(), world.stream());
    world.add(judged, 2).await;
    let mut append = world.append(stream, Expected::Exact(0), 1);
    append.preconditions.push(Precondition { stream: judged, version: 1 });
    let Err(JournalError::Append(error)) = world.journal.append(append).await else { panic!("is refused") };
    assert_eq!(error, AppendError::Conflict { stream: judged, expected: 1, actual: 2 });
    assert!(world.opened(stream).await.is_empty());
}

pub(crate) async fn a_precondition_that_holds_lets_the_append_through(world: &World) {
    let (judged, absent) = (world.stream(), world.stream());
    world.add(judged, 2).await;
    let mut append = world.append(world.stream(), Expected::Exact(0), 1);
    append.preconditions.push(Precondition { stream: judged, version: 2 });
    append.preconditions.push(Precondition { stream: absent, version: 0 });
    world.journal.append(append).await.expect("is appended");
    assert!(world.opened(absent).await.is_empty());
}

pub(crate) async fn a_precondition_sees_the_appends_before_it_in_the_call(world: &World) {
    let judged = world.stream();
    let mut append = world.append(world.stream(), Expected::Any, 1);
    append.preconditions.push(Precondition { stream: judged, version: 1 });
    let call = vec![world.append(judged, Expected::Exact(0), 1), append];
    let results = world.journal.append_all(call).await.expect("answers");
    assert_eq!(fresh(&results[1]), (1, 1));
}

pub(crate) async fn of_two_appends_that_judge_each_others_stream_one_wins(world: &World) {
    let elsewhere = world.elsewhere().await;
    for _ in 0..10 {
        let (one, other) = (world.stream(), world.stream());
        let attempts = [(&world.journal, one, other), (&elsewhere, other, one)].map(|(journal, stream, judged)| {
            let mut append = world.append(stream, Expected::Exact(0), 1);
            append.preconditions.push(Precondition { stream: judged, version: 0 });
            journal.append(append)
        });
        let won = join_all(attempts).await.iter().filter(|result| result.is_ok()).count();
        assert_eq!(won, 1);
    }
    elsewhere.backend().close().await;
}
