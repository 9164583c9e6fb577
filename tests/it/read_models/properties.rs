//! What must hold whatever the events are: order and repetition of callbacks, size of batches, forgetting.

use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::message::event::{BounceKind, EngagementClass, MessageKey};
use commlog::sql::Engine;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::story::{Story, campaign, customer, import, message};
use super::{difference, dump, events, told};
use crate::support::times;

/// A provider's callbacks about one message, at their times.
fn callbacks(key: &MessageKey) -> Vec<(i64, CustomerEvent)> {
    let (human, machine) = (EngagementClass::Human, EngagementClass::Machine);
    vec![
        (10, events::sent(key)),
        (12, events::deferred(key)),
        (14, events::bounced(key, BounceKind::Soft)),
        (130, events::delivered(key)),
        (131, events::opened(key, machine)),
        (70, events::opened(key, human)),
        (200, events::opened(key, human)),
        (135, events::clicked(key, machine)),
        (201, events::clicked(key, human)),
        (202, events::complained(key)),
        (203, events::failed(key)),
        (204, events::bounced(key, BounceKind::Hard)),
    ]
}

/// Rows of the read models that provider callbacks shape.
fn about_messages(dump: Vec<String>) -> Vec<String> {
    let tables = ["messages", "message_reasons", "customer_contacts", "campaign", "deliverability", "timeline"];
    dump.into_iter().filter(|line| tables.iter().any(|table| line.starts_with(table))).collect()
}

fn engines() -> impl Iterator<Item = (Engine, tokio::runtime::Runtime)> {
    [Engine::Sqlite, Engine::Postgres]
        .into_iter()
        .map(|engine| (engine, tokio::runtime::Runtime::new().expect("a runtime starts")))
}

/// `COMMLOG_CASES` says how many cases are tried on SQLite; fewer on PostgreSQL, where making tables for each takes longer.
fn runner(engine: Engine) -> TestRunner {
    let cases = u32::try_from(times("COMMLOG_CASES", 16)).expect("a number of cases");
    let cases = if engine == Engine::Sqlite { cases } else { cases.div_ceil(5) };
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// Some callbacks of two messages as they may come in: any of them, any number of times, in any order. The log keeps
/// each of them once (its id derives from what it reports), where it came first.
fn arrivals() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::sample::subsequence((0..24).collect::<Vec<usize>>(), 0..=24).prop_flat_map(|some| {
        let repeated = some.iter().chain(&some).copied().collect::<Vec<_>>();
        (Just(some), Just(repeated).prop_shuffle())
    })
}

fn arrived(order: &[usize]) -> Story {
    arriving(order, |event| event, |_, _| {})
}

/// Each callback once, in this order, changed in some way; `then` happens after each.
fn arriving(
    order: &[usize],
    change: impl Fn(CustomerEvent) -> CustomerEvent,
    then: impl Fn(&mut Story, usize),
) -> Story {
    let keys = [1, 2].map(|number| MessageKey {
        campaign_id: Some(campaign(1)),
        variant: Some("a".to_owned()),
        ..events::key(message(number))
    });
    let all: Vec<(i64, CustomerEvent)> = keys.iter().flat_map(callbacks).collect();
    let mut story = Story::new();
    for key in &keys {
        story.tell(customer(1), 0, events::queued(key));
        story.tell(customer(1), 1, events::dispatch_started(key, 1));
    }
    let mut kept = Vec::new();
    for &index in order {
        if !kept.contains(&index) {
            kept.push(index);
            let (at, event) = all[index].clone();
            // The provider's flag agrees with the class at times.
            story.tell(customer(1), at, change(events::flagged(event, index % 3 == 0)));
            // The id tells the callback, as it does in the log.
            let id = 0xCB_u128 << 64 | index as u128;
            story.events.last_mut().expect("just told").envelope.id = commlog::ids::EventId(uuid::Uuid::from_u128(id));
            then(&mut story, kept.len());
        }
    }
    story
}

#[test]
fn callbacks_in_any_order_and_number_give_equal_rows() {
    for (engine, runtime) in engines() {
        let outcome = runner(engine).run(&(arrivals(), 1..9_usize), |((ordered, shuffled), batch)| {
            runtime.block_on(async {
                let expected = about_messages(dump(told(engine, &arrived(&ordered), 100).await.db()).await);
                let rows = about_messages(dump(told(engine, &arrived(&shuffled), batch).await.db()).await);
                prop_assert_eq!(difference(rows, &expected), [""; 0]);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}

#[test]
fn what_is_classed_again_equals_what_was_classed_so_from_the_beginning() {
    for (engine, runtime) in engines() {
        let runs = (arrivals(), 1..9_usize, 1..9_usize);
        let outcome = runner(engine).run(&runs, |((ordered, shuffled), batch, every)| {
            runtime.block_on(async {
                let right = arriving(&ordered, events::classed_by_flag, |_, _| {});
                // Judged now and then while callbacks still come in, even by another rule, and once in the end.
                let mut corrected = arriving(
                    &shuffled,
                    |event| event,
                    |story, count| {
                        if count % every == 0 {
                            let rule = if count % 2 == 0 { events::BY_FLAG } else { events::AGAINST_FLAG };
                            story.reclass(customer(1), &rule);
                        }
                    },
                );
                corrected.reclass(customer(1), &events::BY_FLAG);
                prop_assert_eq!(corrected.clone().reclass(customer(1), &events::BY_FLAG), 0);
                let expected = about_messages(dump(told(engine, &right, 100).await.db()).await);
                let rows = about_messages(dump(told(engine, &corrected, batch).await.db()).await);
                prop_assert_eq!(difference(rows, &expected), [""; 0]);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}

/// A step of a story that mixes everything that read models take care of.
fn step() -> impl Strategy<Value = (u8, u128, u128, i64)> {
    (0..33_u8, 1..4_u128, 1..4_u128, 0..300_i64)
}

fn mixed(steps: &[(u8, u128, u128, i64)]) -> Story {
    use commlog::domain::consent::event::ConsentState;
    use commlog::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
    use commlog::domain::customer::event::{
        CustomerAbsorbed, CustomerAddressRemoved, CustomerMergedInto, CustomerRegistered, CustomerRetracted, NotePinned,
    };
    use commlog::domain::message::event::MessageReceived;
    use commlog::domain::value::{AddressKind, Channel};
    let mut story = Story::new();
    for &(kind, who, number, at) in steps {
        // Ids belong to one customer, as they do in the log.
        let id = who * 10 + number;
        let key = MessageKey { campaign_id: Some(campaign(number)), ..events::key(message(id)) };
        let imported = events::order(super::story::activity(id), at * 1_000_001 - 9_000_000, Some(import(1)));
        let answer = MessageReceived {
            in_reply_to: Some(message(id)),
            import_id: Some(import(1)),
            ..events::received(&events::key(message(100 + id)), "answer")
        };
        let recorded = |story: &Story, id: uuid::Uuid, first: &str, undone: &str| {
            let named = id.to_string();
            let mentions = |kind: &str| {
                let of_kind = story.events.iter().filter(|event| event.envelope.event_type == kind);
                of_kind.filter(|event| String::from_utf8_lossy(&event.data).contains(&named)).count()
            };
            mentions(first) > mentions(undone)
        };
        let event: CustomerEvent = match kind {
            0 => CustomerRegistered { import_id: Some(import(1)), ..events::registered("Ann Lee") }.into(),
            1 => CustomerRetracted { import_id: import(1) }.into(),
            2 => events::profile_changed(
                &format!("Name {number}"),
                commlog::domain::customer::event::Profile { tags: vec![number.to_string()], ..Default::default() },
            )
            .into(),
            3 => {
                events::address_added(super::story::address(id), &format!("a{number}@example.com"), at % 2 == 0).into()
            }
            4 => CustomerAddressRemoved {
                address_id: super::story::address(id),
                kind: AddressKind::Email,
                primary: (at % 3 == 0).then(|| super::story::address(id + 1)),
                import_id: None,
            }
            .into(),
            5..=7 if !recorded(&story, imported.activity_id.0, "ActivityRecorded", "ActivityRetracted") => {
                imported.into()
            }
            5..=7 => events::retracted(&imported).into(),
            8 => events::note_added(super::story::note(story.events.len() as u128), "note").into(),
            9 => NotePinned { note_id: super::story::note(story.events.len() as u128 / 2), pinned: at % 2 == 0 }.into(),
            10 => events::consent(Channel::Sms, "news", ConsentState::ALL[(at % 4) as usize]).into(),
            11 => ConversationChanged {
                assignee: (at % 5 != 0).then(|| format!("agent {}", at % 3)),
                team: (at % 2 == 0).then(|| "sales".to_owned()),
                ..events::conversation_changed(
                    super::story::conversation(id),
                    ConversationState::ALL[(at % 4) as usize],
                    ConversationCause::ALL[(at % 3) as usize],
                    u32::try_from(at % 3).expect("a small number"),
                )
            }
            .into(),
            12..=13 if !recorded(&story, answer.key.message_id.0, "MessageReceived", "MessageRetracted") => {
                answer.into()
            }
            12..=13 => events::taken_back(&answer).into(),
            29 => CustomerMergedInto { into_id: customer(number) }.into(),
            30 => CustomerAbsorbed { absorbed_id: customer(number) }.into(),
            _ if !recorded(&story, key.message_id.0, "MessageQueued", "-") => events::queued(&key).into(),
            14 => events::held(&key, at),
            15 => events::released(&key),
            16 => events::suppressed(&key),
            17 => events::cancelled(&key),
            18 => events::dispatch_started(&key, 1),
            19 => events::dispatch_failed(&key, 1, (at % 2 == 0).then_some(at)),
            20 => events::in_doubt(&key, 1),
            21 => events::opted_out_by(&key),
            31.. => {
                story.reclass(customer(who), if at % 2 == 0 { &events::BY_FLAG } else { &events::AGAINST_FLAG });
                continue;
            }
            _ => events::flagged(callbacks(&key).swap_remove((at % 12) as usize).1, at % 5 == 0),
        };
        story.tell(customer(who), at, event);
    }
    story
}

#[test]
fn the_size_of_batches_never_changes_a_row() {
    for (engine, runtime) in engines() {
        let stories = (prop::collection::vec(step(), 1..60), 1..20_usize);
        let outcome = runner(engine).run(&stories, |(steps, batch)| {
            runtime.block_on(async {
                let story = mixed(&steps);
                let expected = dump(told(engine, &story, 1).await.db()).await;
                let rows = dump(told(engine, &story, batch).await.db()).await;
                prop_assert_eq!(difference(rows, &expected), [""; 0]);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}

#[test]
fn purging_equals_rebuilding_without_the_key() {
    for (engine, runtime) in engines() {
        let stories = (prop::collection::vec(step(), 1..60), 1..20_usize);
        let outcome = runner(engine).run(&stories, |(steps, batch)| {
            runtime.block_on(async {
                let mut story = mixed(&steps);
                story.tell(customer(1), 400, events::forgotten());
                let rebuilt = story.without_personal_data_of(customer(1));
                let expected = dump(told(engine, &rebuilt, 7).await.db()).await;
                let rows = dump(told(engine, &story, batch).await.db()).await;
                prop_assert_eq!(difference(rows, &expected), [""; 0]);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{engine:?}: {failure}"));
    }
}
