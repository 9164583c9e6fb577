//! Imports: twice changes nothing, undo takes back, opt-outs stay.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use commlog::app::App;
use commlog::app::imports::Ground;
use commlog::domain::activity::event::ActivityEvent;
use commlog::domain::activity::event::LineItem;
use commlog::domain::address::decide::{AddressRef, SuppressAddress};
use commlog::domain::address::event::SuppressionReason;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::{AddNote, AddressInput, ProfileInput, id_of_external};
use commlog::domain::customer::event::ProfileEvent;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::import::decide::{
    Collision, CompleteImport, ConsentRow, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions,
    MessageRow, OrderOptions, OrderRow, StartImport, UndoImport,
};
use commlog::domain::import::event::ImportKind;
use commlog::domain::message::decide::SendDecision;
use commlog::domain::message::event::MessageClass;
use commlog::domain::message::event::MessageEvent;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::CustomerId;

use super::on_both;
use super::world::{World, decode, email};

pub(super) fn order(line: u64, customer: Option<&str>, reference: &str) -> OrderRow {
    OrderRow {
        line,
        file_lines: 1,
        customer: customer.map(str::to_owned),
        addresses: vec![],
        consents: vec![],
        reference: reference.to_owned(),
        occurred_at: "2010-12-01T08:26:00Z".parse::<DateTime<Utc>>().expect("a time"),
        currency: "GBP".to_owned(),
        amount_micros: None,
        status: None,
        lines: vec![LineItem {
            sku: "85123A".to_owned(),
            description: Some("WHITE HANGING HEART".to_owned()),
            quantity_milli: 6_000,
            unit_price_micros: 2_550_000,
        }],
        attributes: BTreeMap::new(),
        customer_attributes: BTreeMap::from([("country".to_owned(), "United Kingdom".into())]),
    }
}

pub(super) fn orders() -> Vec<OrderRow> {
    vec![order(1, Some("17850"), "536365"), order(2, Some("13047"), "536367"), order(3, Some("17850"), "536366")]
}

pub(super) fn customer(line: u64, id: &str, name: &str) -> CustomerRow {
    CustomerRow {
        line,
        profile: ProfileInput {
            external_id: Some(id.to_owned()),
            name: Some(name.to_owned()),
            industry: Some("wine".to_owned()),
            ..ProfileInput::default()
        },
        addresses: vec![AddressInput {
            region: None,
            kind: AddressKind::Email,
            address: format!("c{id}@example.org"),
            label: None,
            primary: true,
        }],
        consents: vec![],
    }
}

fn message(line: u64, body: &str) -> MessageRow {
    MessageRow {
        line,
        customer: None,
        reference: None,
        channel: Channel::Sms,
        from: None,
        to: None,
        occurred_at: None,
        subject: None,
        body: body.to_owned(),
    }
}

async fn start(world: &World, kind: ImportKind) -> ImportRun {
    let start = StartImport { kind, file_digest: "ab".repeat(32), file_name: "file.csv".to_owned() };
    world.done(world.app.start_import(&world.agent(), start).await).value
}

async fn complete(world: &World, run: &ImportRun, chunk: &ImportedChunk) {
    let complete = CompleteImport {
        import_id: run.import_id,
        lines: 3,
        appended: chunk.appended,
        already: chunk.already,
        refused: chunk.refused.len() as u64,
    };
    world.done(world.app.complete_import(&world.agent(), complete).await);
}

pub(super) async fn import_orders(world: &World, app: &App, rows: Vec<OrderRow>) -> (ImportRun, ImportedChunk) {
    let run = start(world, ImportKind::Orders).await;
    let options = OrderOptions::default();
    let chunk = app.import_orders(&world.agent(), &run, &options, rows, Ground::Log).await.expect("the log answers");
    complete(world, &run, &chunk).await;
    (run, chunk)
}

pub(super) async fn import_customers(
    world: &World,
    rows: Vec<CustomerRow>,
    options: &CustomerOptions,
) -> (ImportRun, ImportedChunk) {
    let run = start(world, ImportKind::Customers).await;
    let chunk =
        world.app.import_customers(&world.agent(), &run, options, rows, Ground::Log).await.expect("the log answers");
    complete(world, &run, &chunk).await;
    (run, chunk)
}

pub(super) async fn undo(world: &World, run: &ImportRun) -> (u64, u64, bool) {
    let undo = UndoImport { import_id: run.import_id };
    let done = world.done(world.app.undo_import(&world.agent(), undo).await);
    (done.value.retracted, done.value.kept, done.repeated)
}

pub(super) async fn external(world: &World, id: &str) -> CustomerId {
    id_of_external(&world.journal.tenant_secret(world.tenant).await.expect("a secret"), id)
}

pub(super) fn count(types: &[String], name: &str) -> usize {
    types.iter().filter(|event| *event == name).count()
}

on_both! {
    async fn importing_orders_registers_customers_and_importing_again_changes_nothing(world: World) {
        let (first_run, first) = import_orders(&world, &world.app, orders()).await;
        assert_eq!((first.appended, first.already, first.refused.len()), (5, 0, 0));
        let types = world.types(external(&world, "17850").await).await;
        assert_eq!(types, ["CustomerRegistered", "ActivityRecorded", "ActivityRecorded"]);
        let size = world.size().await;
        for app in [world.app.clone(), world.elsewhere().await] {
            let (run, again) = import_orders(&world, &app, orders()).await;
            assert_eq!((again.appended, again.already), (0, 3));
            assert_eq!((run.import_id, run.completed_before), (first_run.import_id, true));
        }
        assert_eq!(world.size().await, size);
    }

    async fn the_amount_of_an_order_is_the_sum_of_its_lines(world: World) {
        import_orders(&world, &world.app, orders()).await;
        let amounts: Vec<_> = world.events(external(&world, "17850").await).await.into_iter().filter_map(|event| {
            match event {
                CustomerEvent::Activity(ActivityEvent::ActivityRecorded(activity)) => activity.amount_micros,
                _ => None,
            }
        }).collect();
        assert_eq!(amounts, [15_300_000, 15_300_000]);
    }

    async fn orders_without_a_customer_are_refused_or_go_to_the_one_anonymous_customer(world: World) {
        let rows = || vec![order(1, None, "536544"), order(2, Some(" "), "536545"), order(3, Some("17850"), "536365")];
        let (run, chunk) = import_orders(&world, &world.app, rows()).await;
        assert_eq!(chunk.refused.iter().map(|row| (row.line, row.refusal.code)).collect::<Vec<_>>(), [
            (1, "NO_CUSTOMER"),
            (2, "NO_CUSTOMER"),
        ]);
        let options = OrderOptions { anonymous: true };
        let chunk = world.app.import_orders(&world.agent(), &run, &options, rows(), Ground::Log).await.expect("the log answers");
        assert_eq!((chunk.appended, chunk.already, chunk.refused.len()), (3, 1, 0));
        let anonymous = world.all().await.into_iter().filter(|event| event.envelope.event_type == "CustomerRegistered");
        assert_eq!(anonymous.count(), 2);
    }

    async fn undo_takes_everything_back_and_the_log_still_tells(world: World) {
        let (run, _) = import_orders(&world, &world.app, orders()).await;
        assert_eq!(undo(&world, &run).await, (5, 0, false));
        let types = world.types(external(&world, "17850").await).await;
        assert_eq!(types[3..], ["ActivityRetracted", "ActivityRetracted", "CustomerRetracted"]);
        let note = AddNote { customer_id: external(&world, "17850").await, conversation_id: None, text: "Hm".to_owned(), pinned: false };
        assert_eq!(world.refused(world.app.add_note(&world.agent(), note).await).code, "CUSTOMER_UNKNOWN");
        let size = world.size().await;
        assert_eq!(undo(&world, &run).await, (5, 0, true));
        assert_eq!(world.size().await, size);
    }

    async fn after_an_undo_the_file_can_be_imported_and_undone_again(world: World) {
        let (first, _) = import_orders(&world, &world.app, orders()).await;
        undo(&world, &first).await;
        let (second, chunk) = import_orders(&world, &world.app, orders()).await;
        assert_ne!(first.import_id, second.import_id);
        assert_eq!((second.run, chunk.appended, chunk.already), (1, 5, 0));
        let (_, again) = import_orders(&world, &world.elsewhere().await, orders()).await;
        assert_eq!((again.appended, again.already), (0, 3));
        assert_eq!(undo(&world, &second).await, (5, 0, false));
        let types = world.types(external(&world, "13047").await).await;
        assert_eq!((count(&types, "ActivityRecorded"), count(&types, "ActivityRetracted")), (2, 2));
        assert_eq!((count(&types, "CustomerRegistered"), count(&types, "CustomerRetracted")), (2, 2));
    }

    async fn a_customer_that_has_become_more_than_imported_stays(world: World) {
        let (run, _) = import_orders(&world, &world.app, orders()).await;
        let id = external(&world, "17850").await;
        let note = AddNote { customer_id: id, conversation_id: None, text: "A regular.".to_owned(), pinned: false };
        world.done(world.app.add_note(&world.agent(), note).await);
        assert_eq!(undo(&world, &run).await, (4, 1, false));
        assert_eq!(count(&world.types(id).await, "CustomerRetracted"), 0);
    }

    async fn undoing_an_import_takes_back_the_opt_outs_that_it_brought(world: World) {
        let out = ConsentRow { channel: Channel::Email, topic: "all".to_owned(), state: ConsentState::OptedOut, said_at: None };
        let row = CustomerRow { consents: vec![out], ..customer(1, "7", "Grace") };
        let (run, _) = import_customers(&world, vec![row], &CustomerOptions::default()).await;
        undo(&world, &run).await;
        let id = external(&world, "7").await;
        let types = world.types(id).await;
        assert_eq!(count(&types, "CustomerRetracted"), 1, "nothing but the import is known of the customer");
    }

    async fn an_import_never_overwrites_an_opt_out(world: World) {
        import_customers(&world, vec![customer(1, "7", "Grace")], &CustomerOptions::default()).await;
        let id = external(&world, "7").await;
        crate::commands::merging::says(&world, id, "all", ConsentState::OptedOut).await;
        let opted_in = |topic: &str| ConsentRow {
            channel: Channel::Email,
            topic: topic.to_owned(),
            state: ConsentState::OptedIn,
            said_at: None,
        };
        let row = CustomerRow { consents: vec![opted_in("all"), opted_in("news")], ..customer(1, "7", "Grace") };
        let options = CustomerOptions { collision: Collision::Overwrite, by_field: BTreeMap::new() };
        let (_, chunk) = import_customers(&world, vec![row], &options).await;
        assert_eq!((chunk.appended, chunk.already), (0, 1));
    }

    async fn an_import_does_not_lift_a_stop(world: World) {
        let stop = SuppressAddress {
            address: AddressRef::Text { kind: AddressKind::Email, address: "grace@example.org".to_owned() },
            reason: SuppressionReason::Stop,
            message_id: None,
            customer_id: None,
            source: Source::Api,
        };
        world.done(world.app.suppress_address(&world.agent(), stop).await);
        let opted_in = ConsentRow { channel: Channel::Email, topic: "all".to_owned(), state: ConsentState::OptedIn, said_at: None };
        let address =
            AddressInput { kind: AddressKind::Email, address: "grace@example.org".to_owned(), region: None, label: None, primary: true };
        let row = CustomerRow { addresses: vec![address], consents: vec![opted_in], ..customer(1, "7", "Grace") };
        let options = CustomerOptions { collision: Collision::Overwrite, by_field: BTreeMap::new() };
        import_customers(&world, vec![row], &options).await;
        let id = external(&world, "7").await;
        let sent = world.done(world.app.send_message(&world.agent(), email(id, MessageClass::Transactional), None).await).value;
        assert_eq!(sent.decision, SendDecision::Suppressed { rule: "suppressed_address".to_owned() });
    }

    async fn collision_rules_decide_field_by_field_and_undo_restores(world: World) {
        let old = CustomerRow {
            profile: ProfileInput { industry: None, ..customer(1, "7", "Grace").profile },
            ..customer(1, "7", "Grace")
        };
        let run = world.app.start_import(
            &world.agent(),
            StartImport { kind: ImportKind::Customers, file_digest: "cd".repeat(32), file_name: "old.csv".to_owned() },
        ).await;
        let run = world.done(run).value;
        let options = CustomerOptions::default();
        world.app.import_customers(&world.agent(), &run, &options, vec![old], Ground::Log).await.expect("the log answers");

        let new = CustomerRow {
            profile: ProfileInput {
                territory: Some("north".to_owned()),
                owner: Some("hopper".to_owned()),
                ..customer(1, "7", "Grace Hopper").profile
            },
            ..customer(1, "7", "Grace Hopper")
        };
        let by_field = BTreeMap::from([("owner".to_owned(), Collision::Never), ("name".to_owned(), Collision::Overwrite)]);
        let (second, _) = import_customers(&world, vec![new], &CustomerOptions { by_field, ..options }).await;
        let id = external(&world, "7").await;
        let changes = async || world.events(id).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(changed)) => Some(changed),
            _ => None,
        }).collect::<Vec<_>>();
        assert_eq!(changes().await[0].changed, ["name", "territory", "industry"]);
        undo(&world, &second).await;
        let restored = changes().await.pop().expect("restored");
        assert_eq!(restored.profile.territory, None);
        assert_eq!(restored.personal.expect("personal").profile.name.as_deref(), Some("Grace"));
    }

    async fn messages_come_in_once_with_their_text_unchanged(world: World) {
        let texts = ["Go until jurong point, crazy..", "\"quoted\" & <b>", "U dun say so early hor... ü"];
        let rows = || texts.iter().zip(1..).map(|(text, line)| message(line, text)).collect::<Vec<_>>();
        let run = start(&world, ImportKind::Messages).await;
        let options = MessageOptions { anonymous: true };
        let first = world.app.import_messages(&world.agent(), &run, &options, rows(), Ground::Log).await.expect("the log answers");
        let again = world.app.import_messages(&world.agent(), &run, &options, rows(), Ground::Log).await.expect("the log answers");
        assert_eq!((first.appended, again.appended, again.already), (4, 0, 3));
        let stored: Vec<_> = world.all().await.iter().filter(|event| event.envelope.event_type == "MessageReceived").filter_map(|event| {
            match decode(event) {
                CustomerEvent::Message(MessageEvent::MessageReceived(received)) => received.personal.map(|personal| personal.body),
                _ => None,
            }
        }).collect();
        assert_eq!(stored, texts);
        assert_eq!(undo(&world, &run).await.0, 4);
    }

    async fn an_undo_that_is_interrupted_again_and_again_ends_as_if_it_had_not_been(world: World) {
        let rows: Vec<_> = (0..300).map(|n| order(n + 1, Some(&format!("c{}", n % 40)), &format!("R{n}"))).collect();
        let (run, _) = import_orders(&world, &world.app, rows).await;
        let mut budget = Duration::from_millis(1);
        loop {
            let app = world.elsewhere().await;
            let caller = world.agent();
            let undo = app.undo_import(&caller, UndoImport { import_id: run.import_id });
            if let Ok(outcome) = tokio::time::timeout(budget, undo).await {
                let undone = world.done(outcome).value;
                assert_eq!((undone.retracted, undone.kept), (340, 0));
                break;
            }
            // Each attempt is another process with connections of its own: a few are enough.
            budget *= 5;
        }
        let types: Vec<_> = world.all().await.into_iter().map(|event| event.envelope.event_type).collect();
        assert_eq!(count(&types, "ActivityRetracted"), 300);
        assert_eq!(count(&types, "CustomerRetracted"), 40);
        assert_eq!(count(&types, "ImportUndone"), 1);
    }
}
