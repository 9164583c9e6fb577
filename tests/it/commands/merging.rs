//! Two customers become one person: who survives, what is refused, and merges that race or that a crash cut in two.

use commlog::app::App;
use commlog::domain::activity::decide::RecordActivity;
use commlog::domain::activity::event::ActivityKind;
use commlog::domain::consent::decide::SetConsent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::conversation::decide::UpdateConversation;
use commlog::domain::conversation::event::ConversationState;
use commlog::domain::customer::decide::{AddAddress, AddNote, AddressInput, Patch, PinNote, id_of_external};
use commlog::domain::customer::event::{CustomerMergedInto, Source};
use commlog::domain::customer::merge::MergeCustomers;
use commlog::domain::event::{Event, Payload};
use commlog::domain::message::decide::{CancelMessage, ReceiveMessage, SendDecision, SendMessage};
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{AddressId, CustomerId, EventId, MessageId, Position, TenantId};
use commlog::log::{Append, Category, Cause, Expected, NewEvent, StreamId};
use commlog::processes::backlog::Backlog;
use commlog::processes::merges;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::on_both;
use super::world::{World, email};

const NUMBER: &str = "+442079460018";

pub(super) async fn merge(world: &World, from: CustomerId, into: CustomerId) -> CustomerId {
    world.done(world.app.merge_customers(&world.agent(), MergeCustomers { from, into }).await).value
}

async fn refused(world: &World, from: CustomerId, into: CustomerId) -> &'static str {
    world.refused(world.app.merge_customers(&world.agent(), MergeCustomers { from, into }).await).code
}

/// Two customers, each with a mailbox.
pub(super) async fn two(world: &World) -> (CustomerId, CustomerId) {
    (world.customer("ada@example.org").await.0, world.customer("augusta@example.org").await.0)
}

pub(super) async fn add_number(world: &World, customer_id: CustomerId) -> AddressId {
    let address =
        AddressInput { kind: AddressKind::Phone, address: NUMBER.to_owned(), region: None, label: None, primary: true };
    world.done(world.app.add_address(&world.agent(), AddAddress { customer_id, address }).await).value
}

pub(super) async fn ask(world: &World, app: &App, command: SendMessage) -> (MessageId, SendDecision) {
    let sent = world.done(app.send_message(&world.agent(), command, None).await).value;
    (sent.message_id, sent.decision)
}

/// A text from the number.
pub(super) fn text(world: &World, body: &str, id: &str) -> ReceiveMessage {
    ReceiveMessage {
        customer_id: None,
        channel: Channel::Sms,
        from: Some(NUMBER.to_owned()),
        to: None,
        subject: None,
        body: body.to_owned(),
        occurred_at: Some(world.now()),
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some(id.to_owned()),
        hint: None,
        source: Source::Provider,
        arrival: None,
    }
}

/// The decision alone, as a crash would leave it before the survivor is told.
pub(super) async fn half_merged(world: &World, from: CustomerId, into_id: CustomerId) {
    appended(world, from, CustomerMergedInto { into_id }.encode()).await;
}

/// One event in a customer's stream, without what the use case would do beside it.
pub(super) async fn appended(world: &World, id: CustomerId, payload: Payload) {
    let event = NewEvent {
        id: EventId(world.app.ambient().uuid()),
        event_type: payload.event_type,
        schema_version: payload.schema_version,
        occurred_at: world.now(),
        data: payload.data,
        personal: None,
        subject: None,
    };
    let cause = Cause { actor: "key:agent".to_owned(), command: None, correlation: None, causation: None };
    let stream = StreamId::new(world.tenant, Category::Customer, id.0);
    let append = Append { stream, expected: Expected::Any, preconditions: vec![], cause, events: vec![event] };
    world.journal.append(append).await.expect("is appended");
}

pub(super) async fn count(world: &World, id: CustomerId, event_type: &str) -> usize {
    world.types(id).await.into_iter().filter(|name| name == event_type).count()
}

/// Where the first event of a type stands in a customer's stream.
pub(super) async fn position(world: &World, id: CustomerId, event_type: &str) -> Option<Position> {
    let found = world.recorded(id).await.into_iter().find(|event| event.envelope.event_type == event_type);
    found.map(|event| event.envelope.position)
}

pub(super) fn consent(customer_id: CustomerId, topic: &str, state: ConsentState) -> SetConsent {
    SetConsent {
        customer_id,
        channel: Channel::Email,
        topic: topic.to_owned(),
        state,
        method: "form".to_owned(),
        wording: None,
        ip: None,
        user_agent: None,
        message_id: None,
        source: Source::Api,
    }
}

pub(super) async fn says(world: &World, customer: CustomerId, topic: &str, state: ConsentState) {
    world.done(world.app.set_consent(&world.agent(), consent(customer, topic, state)).await);
}

pub(super) fn suppressed(rule: &str) -> SendDecision {
    SendDecision::Suppressed { rule: rule.to_owned() }
}

on_both! {
    async fn both_streams_are_told_once_however_often_it_is_asked(world: World) {
        let (ada, augusta) = two(&world).await;
        let caller = world.agent().with_key("merge");
        let command = MergeCustomers { from: augusta, into: ada };
        let first = world.done(world.app.merge_customers(&caller, command.clone()).await);
        assert_eq!((first.value, first.repeated), (ada, false));
        assert_eq!(world.types(augusta).await[2..], ["CustomerMergedInto"]);
        assert_eq!(world.types(ada).await[2..], ["CustomerAbsorbed", "CustomerAddressAdded"]);
        assert!(Some(first.position) > position(&world, augusta, "CustomerMergedInto").await);
        let size = world.size().await;
        let again = world.done(world.elsewhere().await.merge_customers(&caller, command.clone()).await);
        assert_eq!((again.value, again.repeated), (ada, true));
        assert!(again.position >= first.position);
        assert_eq!(merge(&world, augusta, ada).await, ada, "without the key it is as asked already");
        assert_eq!(world.size().await, size);
    }

    async fn what_cannot_be_merged_is_refused_and_leaves_no_trace(world: World) {
        let (ada, augusta) = two(&world).await;
        let (grace, _) = world.customer("grace@example.org").await;
        let nobody = CustomerId(uuid::Uuid::nil());
        merge(&world, augusta, ada).await;
        let size = world.size().await;
        assert_eq!(refused(&world, ada, ada).await, "SAME_CUSTOMER");
        assert_eq!(refused(&world, ada, augusta).await, "SAME_CUSTOMER");
        assert_eq!(refused(&world, augusta, grace).await, "MERGED_ELSEWHERE");
        assert_eq!(refused(&world, nobody, ada).await, "CUSTOMER_UNKNOWN");
        assert_eq!(refused(&world, ada, nobody).await, "CUSTOMER_UNKNOWN");
        let stranger = commlog::app::Caller::new(TenantId(world.app.ambient().uuid()), "key:stranger");
        let other = world.app.merge_customers(&stranger, MergeCustomers { from: grace, into: ada }).await;
        assert_eq!(world.refused(other).code, "CUSTOMER_UNKNOWN");
        assert_eq!(world.size().await, size);
    }

    async fn a_chain_stands_for_its_end(world: World) {
        let (ada, augusta) = two(&world).await;
        let (byron, _) = world.customer("byron@example.org").await;
        merge(&world, byron, augusta).await;
        assert_eq!(merge(&world, augusta, ada).await, ada);
        let (_, decision) = ask(&world, &world.elsewhere().await, email(byron, MessageClass::Transactional)).await;
        assert_eq!(decision, SendDecision::Queued);
        assert_eq!((count(&world, byron, "MessageQueued").await, count(&world, ada, "MessageQueued").await), (0, 1));
        assert_eq!(count(&world, ada, "CustomerAbsorbed").await, 2);
        assert_eq!(merge(&world, byron, ada).await, ada, "part of the same person already");
    }

    async fn of_two_who_are_merged_into_each_other_at_once_one_survives(world: World) {
        let there = world.elsewhere().await;
        for round in 0..10 {
            let (ada, _) = world.customer(&format!("ada{round}@example.org")).await;
            let (augusta, _) = world.customer(&format!("augusta{round}@example.org")).await;
            let agent = world.agent();
            let (one, other) = tokio::join!(
                world.app.merge_customers(&agent, MergeCustomers { from: ada, into: augusta }),
                there.merge_customers(&agent, MergeCustomers { from: augusta, into: ada }),
            );
            let outcomes = [one, other].map(|outcome| outcome.expect("the log answers").into_result());
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
            let code = outcomes.iter().find_map(|outcome| outcome.as_ref().err().map(|refusal| refusal.code));
            assert_eq!(code, Some("SAME_CUSTOMER"));
            let told = count(&world, ada, "CustomerMergedInto").await + count(&world, augusta, "CustomerMergedInto").await;
            assert_eq!(told, 1);
        }
    }

    async fn three_who_are_merged_in_a_ring_at_once_become_one(world: World) {
        let there = world.elsewhere().await;
        for round in 0..5 {
            let mut ring = vec![];
            for name in ["a", "b", "c"] {
                ring.push(world.customer(&format!("{name}{round}@example.org")).await.0);
            }
            let merges = (0..3).map(|index| {
                let app = if index == 1 { there.clone() } else { world.app.clone() };
                let command = MergeCustomers { from: ring[index], into: ring[(index + 1) % 3] };
                let agent = world.agent();
                async move { app.merge_customers(&agent, command).await.expect("the log answers").into_result() }
            });
            let outcomes = join_all(merges).await;
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2, "{outcomes:?}");
            // Whoever is asked tells the same survivor, who knows of both others.
            let mut survivors = vec![];
            for &id in &ring {
                let note = AddNote { customer_id: id, text: "x".to_owned(), pinned: false, conversation_id: None };
                world.done(world.elsewhere().await.add_note(&world.agent(), note).await);
            }
            for &id in &ring {
                if count(&world, id, "NoteAdded").await == 3 {
                    survivors.push(id);
                    assert_eq!(count(&world, id, "CustomerAbsorbed").await, 2);
                }
            }
            assert_eq!(survivors.len(), 1);
        }
    }

    async fn a_merge_that_a_crash_cut_in_two_is_completed_by_the_next_start(world: World) {
        let (ada, augusta) = two(&world).await;
        says(&world, augusta, "news", ConsentState::OptedOut).await;
        half_merged(&world, augusta, ada).await;
        let app = world.elsewhere().await;
        let backlog = Backlog::from_log(&app).await.expect("the log answers");
        assert_eq!(backlog.merges, [(world.tenant, augusta)]);
        let shutdown = CancellationToken::new();
        let process = merges::run(app.clone(), backlog.position, backlog.merges, shutdown.clone());
        let watched = async {
            let mut grown = world.journal.backend().watch();
            while count(&world, ada, "CustomerAbsorbed").await == 0 {
                grown.changed().await.expect("the log is open");
            }
            shutdown.cancel();
        };
        tokio::join!(process, watched);
        assert_eq!(world.types(ada).await[2..], ["CustomerAbsorbed", "ConsentChanged", "CustomerAddressAdded"]);
        assert!(Backlog::from_log(&app).await.expect("the log answers").merges.is_empty());
        app.complete_merge(&world.agent(), augusta).await.expect("the log answers");
        assert_eq!(count(&world, ada, "CustomerAbsorbed").await, 1);
    }

    async fn whoever_finds_a_merge_half_done_completes_it_before_deciding(world: World) {
        let (ada, augusta) = two(&world).await;
        says(&world, augusta, "news", ConsentState::OptedOut).await;
        half_merged(&world, augusta, ada).await;
        let (_, decision) = ask(&world, &world.elsewhere().await, email(augusta, MessageClass::Marketing)).await;
        assert_eq!(decision, suppressed("consent"));
        assert_eq!(count(&world, augusta, "MessageQueued").await, 0);
    }

    async fn commands_on_things_find_the_stream_that_holds_them(world: World) {
        let (ada, augusta) = two(&world).await;
        add_number(&world, augusta).await;
        let received = world.done(world.app.receive_message(&world.agent(), text(&world, "Hi", "SM1")).await).value;
        let note = AddNote { customer_id: augusta, text: "call back".to_owned(), pinned: false, conversation_id: None };
        let note_id = world.done(world.app.add_note(&world.agent(), note).await).value;
        let (message_id, _) = ask(&world, &world.app, email(augusta, MessageClass::Transactional)).await;
        merge(&world, augusta, ada).await;
        let before = world.types(ada).await.len();
        let there = world.elsewhere().await;
        world.done(there.pin_note(&world.agent(), PinNote { customer_id: ada, note_id, pinned: true }).await);
        let cancel = CancelMessage { customer_id: ada, message_id, reason: "typo".to_owned() };
        world.done(there.cancel_message(&world.agent(), cancel).await);
        let resolve = UpdateConversation {
            customer_id: ada,
            conversation_id: received.conversation_id.expect("a conversation"),
            state: Some(ConversationState::Resolved),
            snoozed_until: None,
            assignee: Patch::Keep,
            team: Patch::Keep,
            priority: None,
            mark_read: true,
        };
        world.done(there.update_conversation(&world.agent(), resolve).await);
        assert_eq!(world.types(ada).await.len(), before);
        let last: Vec<_> = world.types(augusta).await.into_iter().rev().take(3).collect();
        assert_eq!(last, ["ConversationChanged", "MessageCancelled", "NotePinned"]);
        let stranger = PinNote { customer_id: ada, note_id: uuid::Uuid::nil().into(), pinned: true };
        assert_eq!(world.refused(there.pin_note(&world.agent(), stranger).await).code, "NOTE_UNKNOWN");
    }

    async fn an_activity_is_found_again_after_the_merge(world: World) {
        let (ada, augusta) = two(&world).await;
        let order = RecordActivity {
            customer_id: augusta,
            kind: ActivityKind::Order,
            name: None,
            reference: Some("536365".to_owned()),
            status: None,
            occurred_at: Some(world.now()),
            amount_micros: Some(5_000_000),
            currency: Some("GBP".to_owned()),
            lines: vec![],
            due_at: None,
            message_id: None,
            title: None,
            attributes: [].into(),
            source: Source::Api,
        };
        let first = world.done(world.app.record_activity(&world.agent(), order.clone()).await).value;
        merge(&world, augusta, ada).await;
        let again = world.done(world.elsewhere().await.record_activity(&world.agent(), order.clone()).await).value;
        assert_eq!(first, again);
        let next = RecordActivity { reference: Some("536366".to_owned()), ..order };
        world.done(world.app.record_activity(&world.agent(), next).await);
        assert_eq!(count(&world, augusta, "ActivityRecorded").await, 2);
        assert_eq!(count(&world, ada, "ActivityRecorded").await, 0);
    }

    async fn the_external_id_of_a_merged_customer_stays_taken(world: World) {
        use commlog::domain::customer::decide::{ProfileInput, RegisterCustomer};
        let register = |id: &str| RegisterCustomer {
            profile: ProfileInput { external_id: Some(id.to_owned()), ..ProfileInput::default() },
            addresses: vec![],
            source: Source::Api,
        };
        let (ada, _) = world.customer("ada@example.org").await;
        let other = world.done(world.app.register_customer(&world.agent(), register("17850")).await).value;
        let secret = world.journal.tenant_secret(world.tenant).await.expect("the keys answer");
        assert_eq!(other, id_of_external(&secret, "17850"));
        merge(&world, other, ada).await;
        let again = world.app.register_customer(&world.agent(), register("17850")).await;
        assert_eq!(world.refused(again).code, "CUSTOMER_EXISTS");
    }
}
