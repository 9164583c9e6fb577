//! Forgetting a person of whom several customers were merged: every stream, every key, every address; a crash at any
//! step is made good by the next start.

use commlog::app::App;
use commlog::domain::customer::decide::{AddAddress, AddressInput, ForgetCustomer};
use commlog::domain::customer::event::CustomerForgotten;
use commlog::domain::event::Event;
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::AddressKind;
use commlog::ids::{AddressId, CustomerId, Position};
use commlog::log::{Category, Personal, ReadLimit, StreamId};
use commlog::processes::backlog::Backlog;
use commlog::processes::{erasure, merges};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::merging::{appended, half_merged, merge};
use super::on_both;
use super::world::{World, email};

/// Three customers of whom the first stands for all, by a chain; and the mailboxes of all.
async fn family(world: &World) -> ([CustomerId; 3], Vec<AddressId>) {
    let mut ids = vec![];
    let mut mailboxes = vec![];
    for name in ["ada", "augusta", "byron"] {
        let (id, mailbox) = world.customer(&format!("{name}@example.org")).await;
        world.done(world.app.send_message(&world.agent(), email(id, MessageClass::Marketing), None).await);
        ids.push(id);
        mailboxes.push(mailbox);
    }
    merge(world, ids[2], ids[1]).await;
    merge(world, ids[1], ids[0]).await;
    ([ids[0], ids[1], ids[2]], mailboxes)
}

fn forget(customer_id: CustomerId) -> ForgetCustomer {
    ForgetCustomer { customer_id, reason: "request".to_owned() }
}

/// The first step alone, in any of the streams.
async fn half_forgotten(world: &World, id: CustomerId) {
    let event = CustomerForgotten { reason: "request".to_owned(), addresses: vec![] };
    appended(world, id, event.encode()).await;
}

async fn is_erased(world: &World, ids: &[CustomerId]) -> bool {
    for id in ids {
        if !world.types(*id).await.contains(&"ErasureCompleted".to_owned()) {
            return false;
        }
    }
    true
}

/// Runs the processes of another node, over read tables that follow the log at once, until all are erased.
async fn run_processes(world: &World, ids: &[CustomerId]) {
    let app: App = world.elsewhere().await;
    let backlog = Backlog::from_log(&app).await.expect("the log answers");
    let shutdown = CancellationToken::new();
    let (show, applied) = watch::channel(Position::START);
    let erasing = erasure::run(app.clone(), applied, backlog.position, backlog.erasures, shutdown.clone());
    let merging = merges::run(app, backlog.position, backlog.merges, shutdown.clone());
    let watched = async {
        let mut grown = world.journal.backend().watch();
        loop {
            grown.mark_unchanged();
            show.send_replace(world.app.end().await.expect("the log answers"));
            if is_erased(world, ids).await {
                break;
            }
            grown.changed().await.expect("the log is open");
        }
        shutdown.cancel();
    };
    tokio::join!(erasing, merging, watched);
}

async fn assert_nothing_left(world: &World, ids: &[CustomerId], mailboxes: &[AddressId]) {
    let journal = world.journal_elsewhere().await;
    for id in ids {
        let stream = StreamId::new(world.tenant, Category::Customer, id.0);
        let recorded = journal.read_stream(stream, 0, ReadLimit::events(1_000)).await.expect("the log answers");
        assert!(recorded.iter().all(|event| !matches!(event.personal, Personal::Clear(_))));
        let count = |name: &str| recorded.iter().filter(|event| event.envelope.event_type == name).count();
        assert_eq!((count("CustomerForgotten"), count("ErasureCompleted")), (1, 1));
    }
    for &mailbox in mailboxes {
        let stream = StreamId::new(world.tenant, Category::Address, mailbox.0);
        let events = journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
        let count = |name: &str| events.iter().filter(|event| event.envelope.event_type == name).count();
        assert_eq!(count("AddressClaimed"), count("AddressReleased"), "nobody has the address any more");
    }
}

on_both! {
    async fn whoever_of_a_person_is_forgotten_the_whole_person_is(world: World) {
        for asked in 0..3 {
            let (ids, mailboxes) = family(&world).await;
            let caller = world.agent().with_key(format!("forget {asked}"));
            let first = world.done(world.app.forget_customer(&caller, forget(ids[asked])).await);
            assert_eq!(first.value, ids[0]);
            let journal = world.journal_elsewhere().await;
            for id in ids {
                let stream = StreamId::new(world.tenant, Category::Customer, id.0);
                let events = journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
                assert!(events.iter().all(|event| !matches!(event.personal, Personal::Clear(_))), "keys go at once");
            }
            assert!(!is_erased(&world, &ids[..1]).await);
            world.done(world.app.complete_erasure(&world.agent(), ids[asked]).await);
            assert_nothing_left(&world, &ids, &mailboxes).await;
            for id in ids {
                let types = world.types(id).await;
                let count = |name: &str| types.iter().filter(|found| *found == name).count();
                assert_eq!(count("MessageQueued"), count("MessageCancelled"), "nothing waits");
            }
            let size = world.size().await;
            world.done(world.elsewhere().await.forget_customer(&caller, forget(ids[asked])).await);
            assert_eq!(world.size().await, size);
            for id in ids {
                let sent = world.app.send_message(&world.agent(), email(id, MessageClass::Transactional), None).await;
                assert_eq!(world.refused(sent).code, "CUSTOMER_FORGOTTEN");
            }
        }
    }

    async fn forgetting_resumes_from_the_first_step_in_whichever_stream(world: World) {
        for begun in 0..3 {
            let (ids, mailboxes) = family(&world).await;
            half_forgotten(&world, ids[begun]).await;
            run_processes(&world, &ids).await;
            assert_nothing_left(&world, &ids, &mailboxes).await;
        }
    }

    async fn forgetting_resumes_when_only_some_streams_were_forgotten_or_completed(world: World) {
        let (ids, mailboxes) = family(&world).await;
        half_forgotten(&world, ids[0]).await;
        half_forgotten(&world, ids[2]).await;
        run_processes(&world, &ids).await;
        assert_nothing_left(&world, &ids, &mailboxes).await;

        let (ids, mailboxes) = family(&world).await;
        world.done(world.app.forget_customer(&world.agent(), forget(ids[1])).await);
        run_processes(&world, &ids).await;
        assert_nothing_left(&world, &ids, &mailboxes).await;
        assert!(Backlog::from_log(&world.app).await.expect("the log answers").erasures.is_empty());
    }

    async fn a_merge_that_was_half_done_when_the_person_was_forgotten_is_forgotten_too(world: World) {
        let (ids, mailboxes) = family(&world).await;
        let (late, mailbox) = world.customer("late@example.org").await;
        half_merged(&world, late, ids[0]).await;
        half_forgotten(&world, ids[0]).await;
        let all = [ids[0], ids[1], ids[2], late];
        run_processes(&world, &all).await;
        assert_nothing_left(&world, &all, &[mailboxes, vec![mailbox]].concat()).await;
    }

    async fn a_mailbox_that_somebody_else_shares_keeps_its_key(world: World) {
        let (ids, mailboxes) = family(&world).await;
        let (grace, _) = world.customer("grace@example.org").await;
        let (kind, address) = (AddressKind::Email, "byron@example.org".to_owned());
        let address = AddressInput { kind, address, region: None, label: None, primary: false };
        world.done(world.app.add_address(&world.agent(), AddAddress { customer_id: grace, address }).await);
        world.done(world.app.forget_customer(&world.agent(), forget(ids[0])).await);
        for id in ids {
            let told = world.recorded(id).await.into_iter().find(|e| e.envelope.event_type == "CustomerForgotten");
            let data: serde_json::Value = serde_json::from_slice(&told.expect("is there").data).expect("JSON");
            let addresses = data["addresses"].as_array().expect("a list").clone();
            assert!(!addresses.contains(&serde_json::json!(mailboxes[2])), "{data}");
        }
    }
}
