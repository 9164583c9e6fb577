//! Forgetting: nothing of the person is left, and a crash at any step is made good.

use commlog::app::{App, Caller};
use commlog::domain::customer::decide::{AddAddress, AddressInput, ForgetCustomer};
use commlog::domain::customer::event::CustomerForgotten;
use commlog::domain::event::Event;
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::AddressKind;
use commlog::ids::{AddressId, CustomerId, Position};
use commlog::log::{Append, Category, Cause, Expected, NewEvent, Personal, ReadLimit, StreamId};
use commlog::processes::backlog::Backlog;
use commlog::processes::erasure;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::on_both;
use super::world::{World, email};

fn forget(customer_id: CustomerId) -> ForgetCustomer {
    ForgetCustomer { customer_id, reason: "request".to_owned() }
}

/// Runs the erasure process of another node until the log holds `ErasureCompleted`.
async fn run_process(world: &World, app: App, applied: watch::Receiver<Position>, id: CustomerId) {
    let backlog = Backlog::from_log(&app).await.expect("the log answers");
    let shutdown = CancellationToken::new();
    let process = erasure::run(app, applied, backlog.position, backlog.erasures, shutdown.clone());
    let watched = async {
        let mut grown = world.journal.backend().watch();
        while !world.types(id).await.contains(&"ErasureCompleted".to_owned()) {
            grown.changed().await.expect("the log is open");
        }
        shutdown.cancel();
    };
    tokio::join!(process, watched);
}

async fn assert_nothing_left(world: &World, id: CustomerId) {
    let stream = StreamId::new(world.tenant, Category::Customer, id.0);
    let journal = world.journal_elsewhere().await;
    let recorded = journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
    assert!(recorded.iter().all(|event| !matches!(event.personal, Personal::Clear(_))));
    let types: Vec<_> = recorded.into_iter().map(|event| event.envelope.event_type).collect();
    assert_eq!(types.iter().filter(|name| *name == "ErasureCompleted").count(), 1);
    assert_eq!(types.iter().filter(|name| *name == "CustomerForgotten").count(), 1);
}

async fn address_types(world: &World, id: AddressId) -> Vec<String> {
    let stream = StreamId::new(world.tenant, Category::Address, id.0);
    let events = world.journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
    events.into_iter().map(|event| event.envelope.event_type).collect()
}

on_both! {
    async fn a_forgotten_customer_leaves_facts_and_no_person(world: World) {
        let (ada, address_id) = world.customer("ada@example.org").await;
        world.done(world.app.send_message(&world.agent(), email(ada, MessageClass::Marketing), None).await);
        world.done(world.app.forget_customer(&world.agent(), forget(ada)).await);
        world.done(world.app.complete_erasure(&world.agent(), ada).await);
        assert_nothing_left(&world, ada).await;
        assert_eq!(world.types(ada).await, [
            "CustomerRegistered", "CustomerAddressAdded", "MessageQueued", "MessageCancelled", "CustomerForgotten",
            "ErasureCompleted",
        ]);
        assert_eq!(address_types(&world, address_id).await, ["AddressClaimed", "AddressReleased"]);
        let again = world.done(world.elsewhere().await.forget_customer(&world.agent(), forget(ada)).await);
        assert_eq!(again.value, ada);
        assert_nothing_left(&world, ada).await;
    }

    async fn forgetting_resumes_after_a_crash_before_the_key_was_destroyed(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let stream = StreamId::new(world.tenant, Category::Customer, ada.0);
        let payload = CustomerForgotten { reason: "request".to_owned(), addresses: vec![] }.encode();
        let event = NewEvent {
            id: commlog::ids::EventId(world.app.ambient().uuid()),
            event_type: payload.event_type,
            schema_version: payload.schema_version,
            occurred_at: world.now(),
            data: payload.data,
            personal: None,
            subject: None,
        };
        let cause = Cause { actor: "key:agent".to_owned(), command: None, correlation: None, causation: None };
        let append = Append { stream, expected: Expected::Exact(2), preconditions: vec![], cause, events: vec![event] };
        world.journal.append(append).await.expect("is appended");
        let (_purged, applied) = watch::channel(world.app.end().await.expect("the log answers"));
        run_process(&world, world.elsewhere().await, applied, ada).await;
        assert_nothing_left(&world, ada).await;
    }

    async fn forgetting_resumes_after_a_crash_once_the_key_was_destroyed(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        world.done(world.app.forget_customer(&world.agent(), forget(ada)).await);
        let (_purged, applied) = watch::channel(world.app.end().await.expect("the log answers"));
        run_process(&world, world.elsewhere().await, applied, ada).await;
        assert_nothing_left(&world, ada).await;
        let backlog = Backlog::from_log(&world.app).await.expect("the log answers");
        assert!(backlog.erasures.is_empty());
    }

    async fn an_erasure_is_complete_only_once_the_read_tables_are_purged(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let (purged, applied) = watch::channel(Position::START);
        let app = world.elsewhere().await;
        let end = {
            world.done(world.app.forget_customer(&world.agent(), forget(ada)).await);
            world.app.end().await.expect("the log answers")
        };
        assert!(!world.types(ada).await.contains(&"ErasureCompleted".to_owned()));
        let process = tokio::spawn({
            let backlog = Backlog::from_log(&app).await.expect("the log answers");
            erasure::run(app, applied, backlog.position, backlog.erasures, CancellationToken::new())
        });
        purged.send(end).expect("the process listens");
        let mut grown = world.journal.backend().watch();
        while !world.types(ada).await.contains(&"ErasureCompleted".to_owned()) {
            grown.changed().await.expect("the log is open");
        }
        process.abort();
    }

    async fn an_address_that_another_customer_shares_keeps_its_key(world: World) {
        let (ada, address_id) = world.customer("office@example.org").await;
        let (grace, _) = world.customer("grace@example.org").await;
        let address = AddressInput {
            kind: AddressKind::Email,
            address: "office@example.org".to_owned(),
            region: None, label: None,
            primary: false,
        };
        world.done(world.app.add_address(&world.agent(), AddAddress { customer_id: grace, address }).await);
        world.done(world.app.forget_customer(&world.agent(), forget(ada)).await);
        assert_eq!(address_types(&world, address_id).await, ["AddressClaimed", "AddressClaimed", "AddressReleased"]);
        let forgotten = world.recorded(ada).await.into_iter().find(|e| e.envelope.event_type == "CustomerForgotten");
        let data: serde_json::Value = serde_json::from_slice(&forgotten.expect("is there").data).expect("JSON");
        assert_eq!(data["addresses"], serde_json::json!([]));
    }

    async fn a_stranger_cannot_be_forgotten(world: World) {
        let caller = Caller::new(world.tenant, "key:agent");
        let refusal = world.refused(world.app.forget_customer(&caller, forget(uuid::Uuid::nil().into())).await);
        assert_eq!(refusal.code, "CUSTOMER_UNKNOWN");
    }
}
