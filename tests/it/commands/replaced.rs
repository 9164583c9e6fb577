//! What a node may still do that was replaced by another one, and does not know it.

use std::time::Duration;

use commlog::app::{DispatchDecision, Ticket};
use commlog::domain::message::dispatch::{CallOutcome, Resolution, ResolveInDoubt};
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::message::{RetryClass, Route};
use commlog::log::keys::lease::PROCESSES;
use commlog::processes::backlog::Backlog;
use commlog::processes::dispatcher::{Dispatcher, DispatcherOptions};
use commlog::processes::lease::Tenure;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dispatching::{Counting, accounts, options, until};
use super::on_both;
use super::world::email;

const LONG: Duration = Duration::from_mins(10);

on_both! {
    async fn it_calls_nobody_though_its_own_clock_leaves_it_time(world: World) {
        let store = world.journal.key_store();
        let take = async |lasting| {
            store.take_lease(PROCESSES, "a node", lasting).await.expect("the store answers").expect("it is free")
        };
        let replaced = take(Duration::ZERO).await;
        take(LONG).await;
        let (ada, _) = world.customer("ada@example.org").await;
        world.done(world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await);
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let app = world.elsewhere().await;
        let backlog = Backlog::from_log(&app).await.expect("the log answers");
        let tenure = Tenure::until(replaced, Instant::now() + LONG);
        let dispatcher = Dispatcher::new(app, accounts(provider.clone()), DispatcherOptions { tenure, ..options() });
        let running = tokio::spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()));
        until(&world, ada, "DispatchFailed").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(provider.calls(), 0);
        // It is certain that the provider was not called: the message waits for whoever sends now.
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "DispatchStarted", "DispatchFailed"]);
    }

    async fn how_an_earlier_attempt_failed_does_not_undo_a_later_one(world: World) {
        let (agent, (ada, _)) = (world.agent(), world.customer("ada@example.org").await);
        let asked = world.app.send_message(&agent, email(ada, MessageClass::Transactional), None).await;
        let message_id = world.done(asked).value.message_id;
        let route = Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None };
        let begin = async || {
            world.app.begin_dispatch(&agent, ada, message_id, std::slice::from_ref(&route), None).await.expect("answers")
        };
        let ticket = |decided| match decided {
            DispatchDecision::Go(ticket) => *ticket,
            other => panic!("{other:?}"),
        };
        let first: Ticket = ticket(begin().await);
        let now = world.app.ambient().now();
        assert!(world.app.doubt_dispatch(&agent, ada, message_id, now).await.expect("the log answers"));
        let resolve = ResolveInDoubt { customer_id: ada, message_id, resolution: Resolution::SendAgain };
        world.done(world.app.resolve_in_doubt(&agent, resolve).await);
        let second = ticket(begin().await);
        let known = world.types(ada).await;

        // The process of the first attempt was stopped all the time, and goes on.
        let detail = "busy".to_owned();
        let refused =
            CallOutcome::Refused { class: RetryClass::Transient, code: None, detail, retry_after: None, elsewhere: true };
        for outcome in [refused, CallOutcome::Unknown { cause: "timeout".to_owned() }] {
            world.app.finish_dispatch(&agent, first.clone(), outcome).await.expect("the log answers");
        }
        assert_eq!(world.types(ada).await, known);
        assert_eq!(begin().await, DispatchDecision::Nothing, "the second attempt is under way");
        let accepted =
            CallOutcome::Accepted { provider_message_id: None, segments: 1, cost_micros: None, currency: None };
        world.app.finish_dispatch(&agent, second, accepted).await.expect("the log answers");
        assert_eq!(world.types(ada).await.last().map(String::as_str), Some("MessageSent"));
    }
}
