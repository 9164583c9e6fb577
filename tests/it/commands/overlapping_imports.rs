//! Imports that speak of the same people: at once they make nobody twice, and undoing one leaves what others have said.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use commlog::app::App;
use commlog::app::imports::Ground;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::import::decide::{
    ConsentRow, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, StartImport,
};
use commlog::domain::import::event::ImportKind;
use commlog::domain::message::decide::{ReceiveMessage, SendDecision, SendMessage};
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::{AddressKind, Channel, Source};
use commlog::ids::CustomerId;

use super::imports::{customer, external, undo};
use super::on_both;
use super::world::{World, email};

/// An import of a file of its own.
async fn start(world: &World, app: &App, file: u8) -> ImportRun {
    let start = StartImport {
        kind: ImportKind::Customers,
        file_digest: format!("{file:02x}").repeat(32),
        file_name: format!("{file}.csv"),
    };
    world.done(app.start_import(&world.agent(), start).await).value
}

async fn taken(world: &World, app: &App, run: &ImportRun, rows: Vec<CustomerRow>) -> ImportedChunk {
    let options = CustomerOptions { by_field: BTreeMap::new(), ..CustomerOptions::default() };
    app.import_customers(&world.agent(), run, &options, rows, Ground::Log).await.expect("the log answers")
}

async fn imported(world: &World, file: u8, rows: Vec<CustomerRow>) -> ImportRun {
    world.advance(TimeDelta::minutes(1));
    let run = start(world, &world.app, file).await;
    taken(world, &world.app, &run, rows).await;
    run
}

/// Grace with a word about email, said at no time that the file knows.
fn grace(state: ConsentState, topic: &str) -> CustomerRow {
    let word = ConsentRow { channel: Channel::Email, topic: topic.to_owned(), state, said_at: None };
    CustomerRow { consents: vec![word], ..customer(1, "7", "Grace") }
}

fn out() -> Vec<CustomerRow> {
    vec![grace(ConsentState::OptedOut, "all")]
}

async fn undone(world: &World, run: &ImportRun) {
    world.advance(TimeDelta::minutes(1));
    undo(world, run).await;
}

async fn marketing(world: &World, id: CustomerId) -> SendDecision {
    let command = SendMessage { topic: "news".to_owned(), ..email(id, MessageClass::Marketing) };
    world.done(world.elsewhere().await.send_message(&world.agent(), command, None).await).value.decision
}

fn refused() -> SendDecision {
    SendDecision::Suppressed { rule: "consent".to_owned() }
}

/// Somebody else with the same mailbox: what holds there is the address's word alone.
async fn of_the_mailbox(world: &World) -> SendDecision {
    let (other, _) = world.customer("c7@example.org").await;
    marketing(world, other).await
}

on_both! {
    async fn an_opt_out_that_a_second_file_repeats_stands_until_both_are_undone(world: World) {
        for first_undone in [0_usize, 1] {
            let base = u8::try_from(first_undone * 10).expect("small");
            imported(&world, base + 1, vec![customer(1, "7", "Grace")]).await;
            let id = external(&world, "7").await;
            let runs = [imported(&world, base + 2, out()).await, imported(&world, base + 3, out()).await];
            let size = world.size().await;
            for (file, run) in [(base + 2, &runs[0]), (base + 3, &runs[1])] {
                assert_eq!(imported(&world, file, out()).await.import_id, run.import_id);
            }
            assert_eq!(world.size().await, size, "each says it once");
            undone(&world, &runs[first_undone]).await;
            assert_eq!((marketing(&world, id).await, of_the_mailbox(&world).await), (refused(), refused()));
            undone(&world, &runs[1 - first_undone]).await;
            assert_eq!(marketing(&world, id).await, SendDecision::Queued, "nobody said it but these");
            assert_eq!(of_the_mailbox(&world).await, SendDecision::Queued);
        }
    }

    async fn an_opt_out_of_everything_that_a_second_file_repeats_for_one_topic_stands_for_it(world: World) {
        imported(&world, 1, vec![customer(1, "7", "Grace")]).await;
        let id = external(&world, "7").await;
        let all = imported(&world, 2, out()).await;
        imported(&world, 3, vec![grace(ConsentState::OptedOut, "news")]).await;
        undone(&world, &all).await;
        assert_eq!((marketing(&world, id).await, of_the_mailbox(&world).await), (refused(), refused()));
    }

    async fn undoing_an_opt_out_opts_nobody_in_whom_only_undone_files_have_opted_in(world: World) {
        let opted_in = imported(&world, 1, vec![grace(ConsentState::OptedIn, "news")]).await;
        let id = external(&world, "7").await;
        let note = commlog::domain::customer::decide::AddNote {
            customer_id: id, conversation_id: None, text: "A regular.".to_owned(), pinned: false,
        };
        world.done(world.app.add_note(&world.agent(), note).await);
        let opted_out = imported(&world, 2, vec![grace(ConsentState::OptedOut, "news")]).await;
        undone(&world, &opted_in).await;
        undone(&world, &opted_out).await;
        let states: Vec<_> = consents(&world, id).await;
        assert_eq!(states.last(), Some(&ConsentState::None), "{states:?}");
    }

    async fn a_stop_of_the_customers_own_stands_whatever_is_undone(world: World) {
        const NUMBER: &str = "+442079460018";
        let number = commlog::domain::customer::decide::AddressInput {
            region: None, kind: AddressKind::Phone, address: NUMBER.to_owned(), label: None, primary: true,
        };
        let word = |channel: Channel| ConsentRow { channel, topic: "all".to_owned(), state: ConsentState::OptedOut, said_at: None };
        let row = CustomerRow { addresses: vec![number], consents: vec![word(Channel::Sms)], ..customer(1, "7", "Grace") };
        let run = imported(&world, 1, vec![row]).await;
        let id = external(&world, "7").await;
        world.advance(TimeDelta::minutes(1));
        let stop = ReceiveMessage {
            customer_id: None, channel: Channel::Sms, from: Some(NUMBER.to_owned()), to: None, subject: None,
            body: "STOP".to_owned(), occurred_at: None, in_reply_to: None, provider: "twilio".to_owned(),
            provider_message_id: Some("SM1".to_owned()), hint: None, source: Source::Provider, arrival: None,
        };
        world.done(world.app.receive_message(&world.agent(), stop).await);
        undone(&world, &run).await;
        let text = |class| SendMessage { channel: Channel::Sms, ..email(id, class) };
        for class in [MessageClass::Marketing, MessageClass::Transactional] {
            let sent = world.done(world.elsewhere().await.send_message(&world.agent(), text(class), None).await).value;
            assert!(matches!(sent.decision, SendDecision::Suppressed { .. }), "{:?}", sent.decision);
        }
    }

    async fn an_unsubscription_by_link_stands_although_a_file_had_said_so_before(world: World) {
        use commlog::domain::consent::choice::Evidence;
        use commlog::domain::consent::token::{Purpose, Token};
        imported(&world, 1, vec![customer(1, "7", "Grace")]).await;
        let run = imported(&world, 2, out()).await;
        let id = external(&world, "7").await;
        world.advance(TimeDelta::minutes(1));
        let token = Token {
            purpose: Purpose::Unsubscribe, tenant: world.tenant, customer_id: id, channel: Channel::Email,
            topic: "all".to_owned(), message_id: None, expires_at: None,
        };
        for _ in 0..2 {
            world.done(world.app.unsubscribe(&token, &Evidence::default()).await);
        }
        assert_eq!(consents(&world, id).await.len(), 2, "the file's word, and the person's own once");
        undone(&world, &run).await;
        assert_eq!((marketing(&world, id).await, of_the_mailbox(&world).await), (refused(), refused()));
    }

    async fn two_imports_of_the_same_new_people_at_once_register_each_once(world: World) {
        const PEOPLE: u64 = 120;
        let other = world.elsewhere().await;
        let rows = |system: &'static str, people: std::ops::Range<u64>| -> Vec<CustomerRow> {
            let row = |n: u64| {
                let mut row = customer(n + 1, &format!("{system}-{n}"), &format!("Person {n} Smith"));
                row.addresses[0].address = format!("p{n}@example.org");
                // A couple that shares a mailbox is two people, whichever file is faster.
                let mut partner = customer(n + 1, &format!("{system}-{n}b"), &format!("Zoe{n} Jones"));
                partner.addresses[0].address = format!("p{n}@example.org");
                [row, partner]
            };
            people.flat_map(row).collect()
        };
        let file = async |app: &App, system: &'static str, number: u8| {
            let run = start(&world, app, number).await;
            let mut refused = vec![];
            for from in (0..PEOPLE).step_by(8) {
                refused.extend(taken(&world, app, &run, rows(system, from..from + 8)).await.refused);
            }
            refused
        };
        let (one, two) = tokio::join!(file(&world.app, "crm", 1), file(&other, "shop", 2));
        assert!(one.is_empty() && two.is_empty(), "{one:?} {two:?}");
        let types: Vec<_> = world.all().await.into_iter().map(|event| event.envelope.event_type).collect();
        let count = |name: &str| types.iter().filter(|event| *event == name).count() as u64;
        assert_eq!((count("CustomerRegistered"), count("ExternalIdAssigned")), (2 * PEOPLE, 2 * PEOPLE));
        assert_eq!(count("AddressClaimed"), 2 * PEOPLE);
        // Either file again finds them.
        let size = world.size().await;
        for (system, number) in [("crm", 1), ("shop", 2)] {
            let run = start(&world, &world.app, number).await;
            let again = taken(&world, &world.app, &run, rows(system, 0..PEOPLE)).await;
            assert_eq!((again.appended, again.refused.len()), (0, 0));
        }
        assert_eq!(world.size().await, size);
    }
}

/// The states that a customer's consent took.
async fn consents(world: &World, id: CustomerId) -> Vec<ConsentState> {
    use commlog::domain::consent::event::ConsentEvent;
    use commlog::domain::customer::event::CustomerEvent;
    let state = |event| match event {
        CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => Some(changed.state),
        _ => None,
    };
    world.events(id).await.into_iter().filter_map(state).collect()
}
