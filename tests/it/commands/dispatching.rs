//! The dispatcher: at most once, whatever happens.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use commlog::accounts::{Account, Accounts, Terms};
use commlog::app::{App, Caller};
use commlog::clock::Ambient;
use commlog::domain::address::decide::{AddressRef, SuppressAddress};
use commlog::domain::address::event::SuppressionReason;
use commlog::domain::consent::decide::SetConsent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::event::Source;
use commlog::domain::message::decide::SendMessage;
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::message::{RetryClass, Route};
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{CampaignId, CustomerId, Position};
use commlog::intake::simulated;
use commlog::log::ReadLimit;
use commlog::processes::Processes;
use commlog::processes::backlog::Backlog;
use commlog::processes::dispatcher::{Dispatcher, DispatcherOptions};
use commlog::processes::hold::{self, Hold};
use commlog::providers::simulator::{Audience, Simulator, SimulatorOptions};
use commlog::providers::{Accepted, Content, OutboundMessage, Provider, SendError};
use futures::StreamExt;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::on_both;
use super::world::{World, email, registration};
use crate::support::times;

/// A provider that counts its calls, answers them when the gate lets it, and refuses the first few.
pub(super) struct Counting {
    route: Route,
    calls: AtomicUsize,
    refusals: AtomicUsize,
    gate: Semaphore,
    called: watch::Sender<usize>,
}

impl Counting {
    pub(super) fn new(open: usize, refusals: usize) -> Arc<Self> {
        Arc::new(Self {
            route: Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None },
            calls: AtomicUsize::new(0),
            refusals: AtomicUsize::new(refusals),
            gate: Semaphore::new(open),
            called: watch::channel(0).0,
        })
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn is_called(&self) {
        self.called.subscribe().wait_for(|calls| *calls > 0).await.expect("the provider is there");
    }
}

#[async_trait]
impl Provider for Counting {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        Channel::ALL
    }

    async fn send(&self, _message: OutboundMessage) -> Result<Accepted, SendError> {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.called.send_replace(calls);
        self.gate.acquire().await.expect("the gate is not closed").forget();
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(SendError::refused(RetryClass::Transient, None, "busy"));
        }
        Ok(Accepted { provider_message_id: None, segments: 1, cost: None })
    }
}

pub(super) fn options() -> DispatcherOptions {
    DispatcherOptions { tick: Duration::from_millis(5), ..DispatcherOptions::default() }
}

async fn dispatcher(app: App, provider: Arc<dyn Provider>, shutdown: &CancellationToken) -> JoinHandle<()> {
    let backlog = Backlog::from_log(&app).await.expect("the log answers");
    let dispatcher = Dispatcher::new(app, accounts(provider), options());
    tokio::spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()))
}

pub(super) fn accounts(provider: Arc<dyn Provider>) -> Accounts {
    Accounts::new(vec![Account::new(provider, None, Terms::default())])
}

/// Waits until a customer's stream holds an event of a type.
pub(super) async fn until(world: &World, id: CustomerId, event_type: &str) {
    let mut grown = world.journal.backend().watch();
    while !world.types(id).await.iter().any(|name| name == event_type) {
        grown.changed().await.expect("the log is open");
    }
}

async fn queue(world: &World, id: CustomerId, class: MessageClass) {
    world.done(world.app.send_message(&world.agent(), email(id, class), None).await);
}

fn opt_out(customer_id: CustomerId) -> SetConsent {
    super::merging::consent(customer_id, "all", ConsentState::OptedOut)
}

on_both! {
    async fn a_queued_message_is_sent_once(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.app.clone(), provider.clone(), &shutdown).await;
        queue(&world, ada, MessageClass::Marketing).await;
        until(&world, ada, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "DispatchStarted", "MessageSent"]);
        assert_eq!(provider.calls(), 1);
    }

    async fn a_message_in_flight_at_a_crash_is_in_doubt_and_not_sent_again(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;
        let stuck = Counting::new(0, 0);
        let crashing = dispatcher(world.elsewhere().await, stuck.clone(), &CancellationToken::new()).await;
        stuck.is_called().await;
        crashing.abort();
        assert!(crashing.await.is_err_and(|ended| ended.is_cancelled()));

        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.elsewhere().await, provider.clone(), &shutdown).await;
        until(&world, ada, "DispatchInDoubt").await;
        let (grace, _) = world.customer("grace@example.org").await;
        queue(&world, grace, MessageClass::Marketing).await;
        until(&world, grace, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!((stuck.calls(), provider.calls()), (1, 1));
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "DispatchStarted", "DispatchInDoubt"]);
    }

    async fn another_nodes_call_is_in_doubt_only_once_it_must_have_ended(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let asked = world.app.send_message(&world.agent(), email(ada, MessageClass::Marketing), None).await;
        let message = world.done(asked).value.message_id;
        let before = world.app.ambient().now() - TimeDelta::seconds(1);
        let slow = Counting::new(0, 0);
        let first = dispatcher(world.elsewhere().await, slow.clone(), &CancellationToken::new()).await;
        slow.is_called().await;
        // To the log, a node that is gone looks like one that waits for an answer.
        first.abort();
        assert!(first.await.is_err_and(|ended| ended.is_cancelled()));

        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let app = world.elsewhere().await;
        let backlog = Backlog::from_log(&app).await.expect("the log answers");
        let options = DispatcherOptions { alone: false, ..options() };
        let second = Dispatcher::new(app, accounts(provider.clone()), options);
        let second = tokio::spawn(second.run(backlog.position, backlog.messages, shutdown.clone()));
        let (grace, _) = world.customer("grace@example.org").await;
        queue(&world, grace, MessageClass::Marketing).await;
        until(&world, grace, "MessageSent").await;
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "DispatchStarted"]);

        let doubt = async |called_by| world.app.doubt_dispatch(&world.agent(), ada, message, called_by).await;
        assert!(!doubt(before).await.expect("the log answers"), "the call may last still");
        assert!(doubt(world.app.ambient().now()).await.expect("the log answers"));
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "DispatchStarted", "DispatchInDoubt"]);
        shutdown.cancel();
        second.await.expect("the dispatcher ends");
        assert_eq!((slow.calls(), provider.calls()), (1, 1));
    }

    async fn a_node_that_queued_a_message_looks_for_it_after_others_called_for_it_and_put_it_in_doubt(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let asked = world.app.send_message(&world.agent(), email(ada, MessageClass::Marketing), None).await;
        let message = world.done(asked).value.message_id;
        let (elsewhere, stuck) = (world.elsewhere().await, Counting::new(0, 0));
        let crashing = dispatcher(elsewhere.clone(), stuck.clone(), &CancellationToken::new()).await;
        stuck.is_called().await;
        crashing.abort();
        assert!(crashing.await.is_err_and(|ended| ended.is_cancelled()));
        let now = elsewhere.ambient().now();
        assert!(elsewhere.doubt_dispatch(&world.agent(), ada, message, now).await.expect("the log answers"));

        let found = world.app.in_doubt(&world.agent(), ada, message, now).await.expect("the log answers");
        assert!(found.is_some_and(|found| found.key.message_id == message));
    }

    async fn what_was_queued_before_a_start_is_sent_after_it(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.elsewhere().await, provider.clone(), &shutdown).await;
        until(&world, ada, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
    }

    async fn a_shutdown_finishes_what_is_in_flight(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;
        let (provider, shutdown) = (Counting::new(0, 0), CancellationToken::new());
        let running = dispatcher(world.app.clone(), provider.clone(), &shutdown).await;
        provider.is_called().await;
        shutdown.cancel();
        provider.gate.add_permits(1);
        running.await.expect("the dispatcher ends");
        assert!(world.types(ada).await.contains(&"MessageSent".to_owned()));
    }

    async fn a_message_of_its_own_does_not_wait_behind_a_campaign(world: World) {
        // Calls that nobody answers: the campaign takes three of the four places, and leaves one.
        let (provider, shutdown) = (Counting::new(0, 0), CancellationToken::new());
        let backlog = Backlog::from_log(&world.app).await.expect("the log answers");
        let options = DispatcherOptions { concurrency: 4, ..options() };
        let dispatcher = Dispatcher::new(world.app.clone(), accounts(provider.clone()), options);
        let campaign_id = Some(CampaignId(world.app.ambient().uuid()));
        for number in 0..10 {
            let (id, _) = world.customer(&format!("c{number}@example.org")).await;
            let message = SendMessage { campaign_id, ..email(id, MessageClass::Marketing) };
            world.done(world.app.send_message(&world.agent(), message, None).await);
        }
        let running = tokio::spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()));
        provider.called.subscribe().wait_for(|calls| *calls == 3).await.expect("the provider is there");
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Transactional).await;
        until(&world, ada, "DispatchStarted").await;
        provider.called.subscribe().wait_for(|calls| *calls == 4).await.expect("the provider is there");
        shutdown.cancel();
        provider.gate.add_permits(4);
        running.await.expect("the dispatcher ends");
        assert_eq!(provider.calls(), 4);
    }

    async fn an_opt_out_after_queueing_still_suppresses(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;
        world.done(world.app.set_consent(&world.agent(), opt_out(ada)).await);
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.app.clone(), provider.clone(), &shutdown).await;
        until(&world, ada, "MessageSuppressed").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(provider.calls(), 0);
    }

    async fn no_dispatch_starts_after_an_opt_out_that_races_it(world: World) {
        let (provider, shutdown) = (Counting::new(Semaphore::MAX_PERMITS, 0), CancellationToken::new());
        let running = dispatcher(world.elsewhere().await, provider.clone(), &shutdown).await;
        let agent = world.agent();
        // `COMMLOG_RACES` says how many. Half of them withdraw their consent, half of them are struck from the list by their address.
        let raced = futures::stream::iter(0..times("COMMLOG_RACES", 300)).map(|number| {
            let (world, agent) = (&world, &agent);
            async move {
                let (id, address_id) = world.customer(&format!("c{number}@example.org")).await;
                queue(world, id, MessageClass::Marketing).await;
                let out = if number % 2 == 0 {
                    world.done(world.app.set_consent(agent, opt_out(id)).await).position
                } else {
                    let command = SuppressAddress {
                        address: AddressRef::Id { address_id, kind: AddressKind::Email },
                        reason: SuppressionReason::Stop,
                        message_id: None,
                        customer_id: Some(id),
                        source: Source::Api,
                    };
                    world.done(world.app.suppress_address(agent, command).await).position
                };
                (id, out)
            }
        });
        let out: HashMap<CustomerId, Position> = raced.buffer_unordered(64).collect().await;
        let mut grown = world.journal.backend().watch();
        let (mut after, mut settled) = (Position::START, 0);
        while settled < out.len() {
            grown.mark_unchanged();
            let events = world.journal.read_all(after, ReadLimit::events(5_000)).await.expect("the log answers");
            for event in &events {
                match event.envelope.event_type.as_str() {
                    "MessageSent" | "MessageSuppressed" => settled += 1,
                    "DispatchStarted" => {
                        let customer = CustomerId(event.envelope.stream.key);
                        assert!(event.envelope.position < out[&customer], "{customer} was written to after opting out");
                    }
                    _ => {}
                }
            }
            match events.last() {
                Some(last) => after = last.envelope.position,
                None => grown.changed().await.expect("the log is open"),
            }
        }
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
    }

    async fn a_definite_transient_refusal_is_tried_again_when_it_is_due(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;
        let (provider, shutdown) = (Counting::new(10, 1), CancellationToken::new());
        let running = dispatcher(world.app.clone(), provider.clone(), &shutdown).await;
        until(&world, ada, "DispatchFailed").await;
        assert_eq!(provider.calls(), 1);
        world.advance(TimeDelta::minutes(1));
        until(&world, ada, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(world.types(ada).await[2..], [
            "MessageQueued", "DispatchStarted", "DispatchFailed", "DispatchStarted", "MessageSent",
        ]);
    }

    async fn a_held_message_is_released_on_time(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let until_then = world.now() + TimeDelta::hours(1);
        let later = SendMessage { send_at: Some(until_then), ..email(ada, MessageClass::Marketing) };
        world.done(world.app.send_message(&world.agent(), later, None).await);
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.app.clone(), provider.clone(), &shutdown).await;
        let (grace, _) = world.customer("grace@example.org").await;
        queue(&world, grace, MessageClass::Marketing).await;
        until(&world, grace, "MessageSent").await;
        assert_eq!(provider.calls(), 1);
        world.advance(TimeDelta::hours(1));
        until(&world, ada, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(world.types(ada).await[3..], ["MessageHeld", "MessageReleased", "DispatchStarted", "MessageSent"]);
    }

    async fn a_log_with_sends_long_overdue_sends_nothing_before_an_operator_confirms_it(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let later = SendMessage { send_at: Some(world.now() + TimeDelta::hours(1)), ..email(ada, MessageClass::Marketing) };
        world.done(world.app.send_message(&world.agent(), later, None).await);
        world.advance(TimeDelta::hours(3));
        let backlog = Backlog::from_log(&world.app).await.expect("the log answers");
        assert_eq!(hold::signs_of_restore(&world.app, &backlog.messages).await.expect("the log answers"), Some(Hold::Overdue([(world.tenant, 1)].into())));

        let ended = CancellationToken::new();
        ended.cancel();
        let held = hold::wait_until_confirmed(&world.app, &backlog.messages, &ended).await;
        assert_eq!(held, Some([(world.tenant, 1)].into()));

        assert_eq!(world.app.confirm_dispatch().await.expect("the log answers"), 2);
        assert_eq!(hold::wait_until_confirmed(&world.app, &backlog.messages, &ended).await, Some([].into()));
        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.elsewhere().await, provider.clone(), &shutdown).await;
        until(&world, ada, "MessageSent").await;
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
        assert_eq!(provider.calls(), 1);
    }

    async fn who_only_watches_whether_the_log_may_send_ends_at_shutdown(world: World) {
        let shutdown = CancellationToken::new();
        let watching = hold::watch(world.app.clone(), shutdown.clone());
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(30), watching).await.expect("it ends");
    }

    async fn messages_long_overdue_of_one_tenant_hold_no_other_tenant(world: World) {
        let stranger = Caller::new(world.app.ambient().uuid().into(), "key:agent");
        let registered = world.app.register_customer(&stranger, registration("grace@example.org")).await;
        let grace = world.done(registered).value;
        let old = SendMessage { send_at: Some(world.now() + TimeDelta::hours(1)), ..email(grace, MessageClass::Marketing) };
        world.done(world.app.send_message(&stranger, old, None).await);
        world.advance(TimeDelta::hours(3));
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Marketing).await;

        let (provider, shutdown) = (Counting::new(10, 0), CancellationToken::new());
        let running = dispatcher(world.elsewhere().await, provider.clone(), &shutdown).await;
        until(&world, ada, "MessageSent").await;
        assert_eq!(provider.calls(), 1);

        world.app.confirm_dispatch().await.expect("the log answers");
        let mut grown = world.journal.backend().watch();
        let is_sent = async || {
            let events = world.all().await;
            events.iter().filter(|event| event.envelope.event_type == "MessageSent").count() == 2
        };
        while !is_sent().await {
            grown.changed().await.expect("the log is open");
        }
        assert_eq!(provider.calls(), 2);
        shutdown.cancel();
        running.await.expect("the dispatcher ends");
    }

    async fn the_simulator_brings_messages_to_life_and_repeated_callbacks_change_nothing(world: World) {
        let ambient: Ambient = world.app.ambient().clone();
        let audience = Audience { open: 1.0, click: 1.0, reply: 1.0, ..Audience::silent() };
        let options = SimulatorOptions { seed: 7, audience, pace: Duration::ZERO };
        let (simulator, callbacks) = Simulator::new(options.clone(), ambient.clone());
        let (_applied, watched) = watch::channel(Position::START);
        let shutdown = CancellationToken::new();
        let backlog = Backlog::from_log(&world.app).await.expect("the log answers");
        let (accounts, callbacks) = (accounts(simulator), vec![callbacks]);
        let processes = Processes::start(&world.app, watched, backlog, accounts, callbacks, Some(self::options()), &shutdown);
        let (ada, address_id) = world.customer("ada@example.org").await;
        let sent = world.done(world.app.send_message(&world.agent(), email(ada, MessageClass::Marketing), None).await).value;
        for happening in ["MessageSent", "MessageDelivered", "MessageOpened", "MessageClicked", "MessageReceived"] {
            until(&world, ada, happening).await;
        }
        shutdown.cancel();
        processes.finish().await;

        let size = world.size().await;
        let (again, stories) = Simulator::new(options, ambient);
        let queued = world.events(ada).await.into_iter().find_map(|event| event.message_key().cloned());
        let (key, to) = (queued.expect("the message"), "ada@example.org".to_owned());
        let content = Content::of(Channel::Email, Some("Hello".to_owned()), String::new());
        let mut message = OutboundMessage::new(world.tenant, ada, key, to, content);
        message.address_id = Some(address_id);
        assert_eq!(message.key.message_id, sent.message_id);
        again.send(message).await.expect("is accepted");
        drop(again);
        let elsewhere = world.elsewhere().await;
        let mut stories: Vec<_> = stories.collect().await;
        stories.reverse();
        for story in stories {
            simulated::record(&elsewhere, story).await.expect("the log answers");
        }
        assert_eq!(world.size().await, size);
    }

    async fn a_hard_bounce_suppresses_the_address_at_once(world: World) {
        let audience = Audience { hard_bounce: 1.0, ..Audience::silent() };
        let options = SimulatorOptions { seed: 7, audience, pace: Duration::ZERO };
        let (simulator, callbacks) = Simulator::new(options, world.app.ambient().clone());
        let (_applied, watched) = watch::channel(Position::START);
        let shutdown = CancellationToken::new();
        let (accounts, callbacks, backlog) = (accounts(simulator), vec![callbacks], Backlog::default());
        let processes = Processes::start(&world.app, watched, backlog, accounts, callbacks, Some(self::options()), &shutdown);
        let (ada, _) = world.customer("ada@example.org").await;
        queue(&world, ada, MessageClass::Transactional).await;
        until(&world, ada, "MessageBounced").await;
        queue(&world, ada, MessageClass::Transactional).await;
        assert_eq!(world.types(ada).await.last().map(String::as_str), Some("MessageSuppressed"));
        shutdown.cancel();
        processes.finish().await;
    }
}
