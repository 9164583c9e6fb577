//! A tenant's policy: where it counts, and what becomes of messages that it holds.

use chrono::{NaiveTime, TimeDelta};
use commlog::app::{App, DispatchDecision};
use commlog::domain::consent::decide::SetConsent;
use commlog::domain::consent::event::ConsentEvent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::Patch;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::message::decide::{SendDecision, SendMessage};
use commlog::domain::message::dispatch::CallOutcome;
use commlog::domain::message::event::MessageEvent;
use commlog::domain::message::event::{MessageClass, Route};
use commlog::domain::tenant::change_policy::{Emergency, UpdatePolicy};
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::tenant::policy::{CapWindow, FrequencyCap, QuietHours, RuleAction};
use commlog::domain::value::Channel;
use commlog::ids::{CampaignId, CustomerId, MessageId};
use uuid::Uuid;

use super::on_both;
use super::world::{World, email};

async fn tenant(world: &World) {
    world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
}

async fn update(world: &World, command: UpdatePolicy) {
    world.done(world.app.update_policy(&world.agent(), command).await);
}

/// Marketing is quiet from `from` to `to` o'clock.
fn quiet(from: u32, to: u32) -> UpdatePolicy {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
    let hours = QuietHours { channel: None, from: time(from), to: time(to), action: RuleAction::Hold };
    UpdatePolicy { quiet_hours: Some(vec![hours]), ..UpdatePolicy::default() }
}

fn one_a_day(action: RuleAction) -> UpdatePolicy {
    let window = CapWindow::Rolling { hours: 24 };
    let cap = FrequencyCap { channel: Some(Channel::Email), topic: None, limit: 1, window, action };
    UpdatePolicy { caps: Some(vec![cap]), ..UpdatePolicy::default() }
}

fn route() -> Route {
    Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None }
}

async fn ask(world: &World, app: &App, id: CustomerId) -> (MessageId, SendDecision) {
    let sent = world.done(app.send_message(&world.agent(), email(id, MessageClass::Marketing), None).await).value;
    (sent.message_id, sent.decision)
}

async fn begin(world: &World, customer: CustomerId, message: MessageId) -> DispatchDecision {
    world.app.begin_dispatch(&world.agent(), customer, message, &[route()], None).await.expect("the log answers")
}

/// Takes a message through a provider that accepts it.
async fn dispatch(world: &World, customer: CustomerId, message: MessageId) {
    let DispatchDecision::Go(ticket) = begin(world, customer, message).await else { panic!("it may go") };
    let accepted = CallOutcome::Accepted { provider_message_id: None, segments: 1, cost_micros: None, currency: None };
    world.app.finish_dispatch(&world.agent(), *ticket, accepted).await.expect("the log answers");
}

on_both! {
    async fn a_held_message_goes_out_when_the_quiet_hours_end(world: World) {
        tenant(&world).await;
        let (ada, _) = world.customer("ada@example.org").await;
        // It is ten in the morning.
        update(&world, quiet(9, 12)).await;
        let (message, decision) = ask(&world, &world.app, ada).await;
        let until = world.now() + TimeDelta::hours(2);
        assert_eq!(decision, SendDecision::Held { until, rule: "quiet_hours".to_owned() });
        assert_eq!(begin(&world, ada, message).await, DispatchDecision::NotBefore(until));
        world.advance(TimeDelta::hours(2));
        dispatch(&world, ada, message).await;
        assert_eq!(
            world.types(ada).await[2..],
            ["MessageQueued", "MessageHeld", "MessageReleased", "DispatchStarted", "MessageSent"]
        );
    }

    async fn a_released_message_is_judged_again_and_another_rule_may_hold_it(world: World) {
        tenant(&world).await;
        let (ada, _) = world.customer("ada@example.org").await;
        update(&world, quiet(9, 12)).await;
        let (message, _) = ask(&world, &world.app, ada).await;
        update(&world, UpdatePolicy { quiet_hours: Some(vec![]), ..one_a_day(RuleAction::Hold) }).await;
        let (first, decision) = ask(&world, &world.app, ada).await;
        assert_eq!(decision, SendDecision::Queued);
        world.advance(TimeDelta::hours(2));
        dispatch(&world, ada, first).await;
        assert_eq!(begin(&world, ada, message).await, DispatchDecision::Nothing);
        let until = world.now() + TimeDelta::hours(24);
        assert_eq!(begin(&world, ada, message).await, DispatchDecision::NotBefore(until));
        let held: Vec<_> = world.events(ada).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Message(MessageEvent::MessageHeld(held)) => Some((held.rule, held.until)),
            _ => None,
        }).collect();
        assert_eq!(held[1], ("frequency_cap".to_owned(), until));
        world.advance(TimeDelta::hours(24));
        dispatch(&world, ada, message).await;
    }

    async fn a_cap_counts_what_waits_and_says_so_and_spares_transactional_messages(world: World) {
        tenant(&world).await;
        let (ada, _) = world.customer("ada@example.org").await;
        update(&world, one_a_day(RuleAction::Abort)).await;
        assert_eq!(ask(&world, &world.app, ada).await.1, SendDecision::Queued);
        assert_eq!(ask(&world, &world.app, ada).await.1, SendDecision::Suppressed { rule: "frequency_cap".to_owned() });
        let order = world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await;
        assert_eq!(world.done(order).value.decision, SendDecision::Queued);
        let inputs = world.events(ada).await.into_iter().find_map(|event| match event {
            CustomerEvent::Message(MessageEvent::MessageSuppressed(suppressed)) => Some(suppressed.inputs),
            _ => None,
        }).expect("it is suppressed");
        assert_eq!((inputs["limit"].as_u64(), inputs["counted"].as_u64()), (Some(1), Some(1)));
    }

    async fn a_change_counts_at_once_here_and_within_a_second_elsewhere(world: World) {
        tenant(&world).await;
        let (ada, _) = world.customer("ada@example.org").await;
        let there = world.elsewhere().await;
        assert_eq!(ask(&world, &there, ada).await.1, SendDecision::Queued);
        let strict = UpdatePolicy { require_opt_in: Some(true), ..UpdatePolicy::default() };
        update(&world, strict).await;
        let consent = SendDecision::Suppressed { rule: "consent".to_owned() };
        assert_eq!(ask(&world, &world.app, ada).await.1, consent);
        world.advance(TimeDelta::seconds(1));
        assert_eq!(ask(&world, &there, ada).await.1, consent);
        let policy = there.policy(world.tenant).await.expect("the log answers");
        assert_eq!(policy.default_region.as_deref(), Some("GB"), "what it leaves open, the configuration says");
    }

    async fn an_emergency_is_declared_on_the_record_and_repeating_the_command_changes_nothing(world: World) {
        tenant(&world).await;
        let (ada, _) = world.customer("ada@example.org").await;
        update(&world, quiet(9, 12)).await;
        let until = world.now() + TimeDelta::hours(1);
        let emergency = Emergency { until, reason: "Recall of lot 7.".to_owned() };
        let command = UpdatePolicy { emergency_override: Patch::Set(emergency), ..UpdatePolicy::default() };
        let caller = world.agent().with_key("emergency");
        world.done(world.app.update_policy(&caller, command.clone()).await);
        assert!(world.done(world.elsewhere().await.update_policy(&caller, command).await).repeated);
        assert_eq!(ask(&world, &world.app, ada).await.1, SendDecision::Queued);
        let recorded = world.all().await.into_iter().rfind(|event| event.envelope.event_type == "PolicyChanged");
        let data: serde_json::Value = serde_json::from_slice(&recorded.expect("is recorded").data).expect("JSON");
        assert_eq!(data["policy"]["emergency_override"]["actor"], "key:agent");
        assert_eq!(data["policy"]["emergency_override"]["reason"], "Recall of lot 7.");
    }

    async fn an_opt_out_counts_for_the_campaign_of_the_message_that_led_to_it(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let campaign_id = Some(CampaignId(Uuid::from_u128(7)));
        let command = SendMessage { campaign_id, variant: Some("b".to_owned()), ..email(ada, MessageClass::Marketing) };
        let message_id = world.done(world.app.send_message(&world.agent(), command, None).await).value.message_id;
        dispatch(&world, ada, message_id).await;
        let out = SetConsent {
            customer_id: ada,
            channel: Channel::Email,
            topic: "all".to_owned(),
            state: ConsentState::OptedOut,
            method: "form".to_owned(),
            wording: None,
            ip: None,
            user_agent: None,
            message_id: Some(message_id),
            source: Source::Api,
        };
        world.done(world.app.set_consent(&world.agent(), out.clone()).await);
        let unknown = SetConsent { message_id: Some(MessageId(Uuid::nil())), ..out };
        world.done(world.app.set_consent(&world.agent(), unknown).await);
        let told: Vec<_> = world.events(ada).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => Some((changed.campaign_id, changed.variant)),
            _ => None,
        }).collect();
        assert_eq!(told, [(campaign_id, Some("b".to_owned())), (None, None)]);
    }
}
