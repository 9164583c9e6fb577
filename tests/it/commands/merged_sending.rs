//! Consent, sending, caps and callbacks of two customers who were merged.

use chrono::TimeDelta;
use commlog::app::{App, DispatchDecision};
use commlog::domain::consent::choice::Evidence;
use commlog::domain::consent::event::ConsentEvent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::consent::token::{Purpose, Token};
use commlog::domain::customer::decide::RemoveAddress;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::message::decide::{RecordProviderFact, SendDecision, SendMessage};
use commlog::domain::message::dispatch::CallOutcome;
use commlog::domain::message::event::{MessageClass, MessageKey, Route};
use commlog::domain::tenant::change_policy::UpdatePolicy;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::tenant::policy::{CapWindow, FrequencyCap, RuleAction};
use commlog::domain::value::Channel;
use commlog::domain::value::message::Report;
use commlog::domain::value::token::Correlation;
use commlog::ids::{AddressId, CustomerId, MessageId};
use commlog::log::{Category, ReadLimit, StreamId};

use super::merging::{add_number, ask, consent, count, merge, position, says, suppressed, text, two};
use super::on_both;
use super::world::{World, email};

fn route() -> Route {
    Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None }
}

async fn begin(world: &World, app: &App, customer: CustomerId, message: MessageId) -> DispatchDecision {
    app.begin_dispatch(&world.agent(), customer, message, &[route()], None).await.expect("the log answers")
}

/// Takes a message through a provider that accepts it.
async fn dispatch(world: &World, customer: CustomerId, message: MessageId) {
    let DispatchDecision::Go(ticket) = begin(world, &world.app, customer, message).await else { panic!("it may go") };
    let accepted = CallOutcome::Accepted { provider_message_id: None, segments: 1, cost_micros: None, currency: None };
    world.app.finish_dispatch(&world.agent(), *ticket, accepted).await.expect("the log answers");
}

async fn writer(world: &World, body: &str, id: &str) -> CustomerId {
    world.done(world.elsewhere().await.receive_message(&world.agent(), text(world, body, id)).await).value.customer_id
}

async fn claims(world: &World, id: AddressId) -> Vec<String> {
    let stream = StreamId::new(world.tenant, Category::Address, id.0);
    let events = world.journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
    events.into_iter().map(|event| event.envelope.event_type).collect()
}

fn one_a_day() -> UpdatePolicy {
    let window = CapWindow::Rolling { hours: 24 };
    let cap = FrequencyCap { channel: None, topic: None, limit: 1, window, action: RuleAction::Abort };
    UpdatePolicy { caps: Some(vec![cap]), ..UpdatePolicy::default() }
}

async fn cap_at_one(world: &World) {
    world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
    world.done(world.app.update_policy(&world.agent(), one_a_day()).await);
}

on_both! {
    async fn the_stricter_word_counts_for_the_whole_whoever_is_written_to(world: World) {
        let (ada, augusta) = two(&world).await;
        says(&world, ada, "news", ConsentState::OptedIn).await;
        says(&world, augusta, "news", ConsentState::OptedOut).await;
        assert_eq!(ask(&world, &world.app, email(ada, MessageClass::Marketing)).await.1, SendDecision::Queued);
        merge(&world, augusta, ada).await;
        for id in [ada, augusta] {
            assert_eq!(ask(&world, &world.app, email(id, MessageClass::Marketing)).await.1, suppressed("consent"));
        }
        says(&world, augusta, "news", ConsentState::OptedIn).await;
        assert_eq!(ask(&world, &world.app, email(ada, MessageClass::Marketing)).await.1, SendDecision::Queued);
        assert_eq!(count(&world, augusta, "ConsentChanged").await, 1, "commands act on the survivor");
    }

    async fn stop_from_the_merged_number_stops_the_survivor(world: World) {
        let (ada, augusta) = two(&world).await;
        let number = add_number(&world, augusta).await;
        merge(&world, augusta, ada).await;
        let sms = SendMessage { channel: Channel::Sms, ..email(ada, MessageClass::Transactional) };
        assert_eq!(ask(&world, &world.app, sms.clone()).await.1, SendDecision::Queued);
        assert_eq!(writer(&world, "STOP", "SM1").await, ada);
        assert_eq!(ask(&world, &world.elsewhere().await, sms).await.1, suppressed("suppressed_address"));
        assert_eq!(count(&world, ada, "ConsentChanged").await, 1);
        assert_eq!(claims(&world, number).await, ["AddressClaimed", "AddressClaimed", "AddressSuppressed", "AddressOptedOut"]);
    }

    async fn a_stop_before_the_merge_counts_after_it(world: World) {
        let (ada, augusta) = two(&world).await;
        add_number(&world, augusta).await;
        assert_eq!(writer(&world, "STOP", "SM1").await, augusta);
        merge(&world, augusta, ada).await;
        let sms = |class| SendMessage { channel: Channel::Sms, ..email(ada, class) };
        let decided = ask(&world, &world.app, sms(MessageClass::Transactional)).await.1;
        assert_eq!(decided, suppressed("suppressed_address"));
        // Of two words of one moment, the opt-out counts.
        world.advance(TimeDelta::seconds(1));
        assert_eq!(writer(&world, "START", "SM2").await, ada);
        assert_eq!(ask(&world, &world.elsewhere().await, sms(MessageClass::Marketing)).await.1, SendDecision::Queued);
    }

    async fn whoever_shares_the_number_later_does_not_get_the_survivors_messages(world: World) {
        let (ada, augusta) = two(&world).await;
        let number = add_number(&world, augusta).await;
        let (grace, _) = world.customer("grace@example.org").await;
        add_number(&world, grace).await;
        merge(&world, augusta, ada).await;
        assert_eq!(writer(&world, "Hello", "SM1").await, ada, "the merged one's place in the order of claims counts");
        let remove = RemoveAddress { customer_id: augusta, address_id: number };
        world.done(world.app.remove_address(&world.agent(), remove).await);
        assert_eq!(writer(&world, "Hello", "SM2").await, grace, "what the survivor gives up, its parts give up");
    }

    async fn what_waited_before_the_merge_is_judged_by_what_the_survivor_said(world: World) {
        let (ada, augusta) = two(&world).await;
        says(&world, ada, "news", ConsentState::OptedOut).await;
        let (message, decision) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
        assert_eq!(decision, SendDecision::Queued);
        merge(&world, augusta, ada).await;
        assert_eq!(begin(&world, &world.app, augusta, message).await, DispatchDecision::Nothing);
        assert_eq!(world.types(augusta).await[2..], ["MessageQueued", "CustomerMergedInto", "MessageSuppressed"]);
    }

    async fn what_waited_before_the_merge_goes_out_to_its_own_stream(world: World) {
        let (ada, augusta) = two(&world).await;
        let (message, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
        merge(&world, augusta, ada).await;
        dispatch(&world, augusta, message).await;
        assert_eq!(world.types(augusta).await[4..], ["DispatchStarted", "MessageSent"]);
    }

    async fn no_dispatch_of_a_merged_stream_stands_after_an_opt_out_of_the_survivor(world: World) {
        let there = world.elsewhere().await;
        for round in 0..15 {
            let (ada, _) = world.customer(&format!("ada{round}@example.org")).await;
            let (augusta, _) = world.customer(&format!("augusta{round}@example.org")).await;
            let (message, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
            merge(&world, augusta, ada).await;
            let agent = world.agent();
            let (out, _) = tokio::join!(
                world.app.set_consent(&agent, consent(ada, "all", ConsentState::OptedOut)),
                begin(&world, &there, augusta, message),
            );
            let out = world.done(out).position;
            let started = position(&world, augusta, "DispatchStarted").await;
            assert!(started.is_none_or(|started| started < out), "round {round}: {started:?} after {out:?}");
        }
    }

    async fn no_dispatch_stands_after_a_merge_that_brought_an_opt_out(world: World) {
        let there = world.elsewhere().await;
        for round in 0..15 {
            let (ada, _) = world.customer(&format!("ada{round}@example.org")).await;
            let (augusta, _) = world.customer(&format!("augusta{round}@example.org")).await;
            says(&world, augusta, "all", ConsentState::OptedOut).await;
            let (message, _) = ask(&world, &world.app, email(ada, MessageClass::Marketing)).await;
            tokio::join!(merge(&world, augusta, ada), begin(&world, &there, ada, message));
            let merged = position(&world, ada, "CustomerAbsorbed").await;
            let started = position(&world, ada, "DispatchStarted").await;
            assert!(started.is_none() || started < merged, "round {round}");
        }
    }

    async fn a_cap_counts_what_either_was_sent(world: World) {
        cap_at_one(&world).await;
        let (ada, augusta) = two(&world).await;
        let (message, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
        dispatch(&world, augusta, message).await;
        merge(&world, augusta, ada).await;
        let there = world.elsewhere().await;
        assert_eq!(ask(&world, &there, email(ada, MessageClass::Marketing)).await.1, suppressed("frequency_cap"));
        world.advance(TimeDelta::hours(25));
        assert_eq!(ask(&world, &there, email(augusta, MessageClass::Marketing)).await.1, SendDecision::Queued);
        assert_eq!(ask(&world, &there, email(ada, MessageClass::Marketing)).await.1, suppressed("frequency_cap"));
    }

    async fn of_messages_in_both_queues_one_goes_out_below_a_cap_of_one(world: World) {
        cap_at_one(&world).await;
        let there = world.elsewhere().await;
        for round in 0..10 {
            let (ada, _) = world.customer(&format!("ada{round}@example.org")).await;
            let (augusta, _) = world.customer(&format!("augusta{round}@example.org")).await;
            let (first, _) = ask(&world, &world.app, email(ada, MessageClass::Marketing)).await;
            let (second, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
            merge(&world, augusta, ada).await;
            let (one, other) =
                tokio::join!(begin(&world, &world.app, ada, first), begin(&world, &there, augusta, second));
            let gone = [&one, &other].into_iter().filter(|begun| matches!(begun, DispatchDecision::Go(_))).count();
            assert_eq!(gone, 1, "round {round}: {one:?} {other:?}");
        }
    }

    async fn late_callbacks_stay_in_their_stream_and_their_opt_outs_count_for_the_whole(world: World) {
        let (ada, augusta) = two(&world).await;
        let (message_id, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
        dispatch(&world, augusta, message_id).await;
        merge(&world, augusta, ada).await;
        let key =
            MessageKey { message_id, channel: Channel::Email, campaign_id: None, variant: None, conversation_id: None };
        let told = |report| RecordProviderFact {
            correlation: Correlation {
                tenant: world.agent().tenant,
                customer_id: augusta,
                key: key.clone(),
                address_id: None,
                route: route(),
                called_at: world.now(),
            },
            occurred_at: world.now(),
            provider_event_id: None,
            report,
            raw: None,
        };
        let there = world.elsewhere().await;
        world.done(there.record_provider_fact(&world.agent(), told(Report::Delivered)).await);
        assert_eq!(count(&world, augusta, "MessageDelivered").await, 1);
        let unsubscribed = told(Report::OptedOut { method: "one_click".to_owned(), topic: None });
        for _ in 0..3 {
            world.done(there.record_provider_fact(&world.agent(), unsubscribed.clone()).await);
        }
        let passed_on: Vec<_> = world.events(ada).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => Some((changed.state, changed.method, changed.message_id)),
            _ => None,
        }).collect();
        assert_eq!(passed_on, [(ConsentState::OptedOut, "one_click".to_owned(), None)]);
        let its_own = world.events(augusta).await.into_iter().find_map(|event| match event {
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => changed.message_id,
            _ => None,
        });
        assert_eq!(its_own, Some(message_id), "it counts for its message");
        assert_eq!(ask(&world, &world.app, email(ada, MessageClass::Marketing)).await.1, suppressed("consent"));
    }

    async fn an_opt_out_that_races_the_merge_counts_for_the_whole(world: World) {
        let there = world.elsewhere().await;
        for round in 0..15 {
            let (ada, _) = world.customer(&format!("ada{round}@example.org")).await;
            let (augusta, _) = world.customer(&format!("augusta{round}@example.org")).await;
            let key = MessageKey {
                message_id: MessageId(world.app.ambient().uuid()),
                channel: Channel::Email,
                campaign_id: None,
                variant: None,
                conversation_id: None,
            };
            let fact = RecordProviderFact {
                correlation: Correlation {
                    tenant: world.agent().tenant,
                    customer_id: augusta,
                    key,
                    address_id: None,
                    route: route(),
                    called_at: world.now(),
                },
                occurred_at: world.now(),
                provider_event_id: None,
                report: Report::OptedOut { method: "one_click".to_owned(), topic: None },
                raw: None,
            };
            let agent = world.agent();
            let (_, told) = tokio::join!(merge(&world, augusta, ada), there.record_provider_fact(&agent, fact));
            world.done(told);
            let (_, decision) = ask(&world, &world.elsewhere().await, email(ada, MessageClass::Marketing)).await;
            assert_eq!(decision, suppressed("consent"), "round {round}");
        }
    }

    async fn a_link_in_an_old_message_speaks_for_the_whole(world: World) {
        let (ada, augusta) = two(&world).await;
        let (message_id, _) = ask(&world, &world.app, email(augusta, MessageClass::Marketing)).await;
        dispatch(&world, augusta, message_id).await;
        merge(&world, augusta, ada).await;
        let token = Token {
            purpose: Purpose::Unsubscribe,
            tenant: world.tenant,
            customer_id: augusta,
            channel: Channel::Email,
            topic: "news".to_owned(),
            message_id: Some(message_id),
            expires_at: None,
        };
        world.done(world.elsewhere().await.unsubscribe(&token, &Evidence::default()).await);
        assert_eq!(ask(&world, &world.app, email(ada, MessageClass::Marketing)).await.1, suppressed("consent"));
        assert_eq!(count(&world, augusta, "ConsentChanged").await, 0);
        let settings = world.app.settings(&token).await.expect("the log answers").expect("there is somebody");
        assert!(settings.choices.iter().any(|choice| choice.topic == "news" && !choice.chosen));
    }
}
