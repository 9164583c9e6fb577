use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::message::event::{
    BounceKind, CallResult, EngagementClass, MessageKey, MessageQueued, MessageReceived,
};
use commlog::domain::value::message::MessageState;
use commlog::domain::value::{Channel, Direction};
use commlog::ids::MessageId;
use commlog::queries::messages::{self, MessageFilter, MessageOrder, MessageRow};
use commlog::queries::{Page, customers};
use commlog::sql::{Db, Engine};
use serde_json::json;

use super::events::{
    bounced, call_ended, cancelled, clicked, complained, deferred, delivered, dispatch_failed, dispatch_started,
    failed, held, in_doubt, key, opened, opted_out_by, queued, received, registered, released, sent, suppressed,
    taken_back,
};
use super::story::{Story, TENANT, campaign, conversation, customer, import, message, minute};
use super::{check, on_both_engines, told};

on_both_engines! {
    a_message_keeps_what_was_asked_for,
    the_state_is_the_furthest_that_was_reported,
    late_reports_neither_lower_the_state_nor_wipe_reasons,
    first_times_and_counts_are_kept_per_state,
    holds_and_attempts_are_told_apart_from_their_ends,
    a_call_tells_how_it_ended_and_how_long_it_was,
    what_is_not_settled_is_listed_for_the_dispatcher,
    calls_that_have_not_ended_are_listed_by_their_time,
    replies_count_for_the_message_that_they_answer,
    a_conversation_lists_its_messages,
    messages_of_all_customers_are_found_by_what_is_known_of_them,
    a_list_of_messages_is_paged_in_both_orders,
}

async fn row(db: &Db, id: MessageId) -> MessageRow {
    messages::by_id(db, TENANT, id).await.unwrap().unwrap()
}

async fn a_message_keeps_what_was_asked_for(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 1, MessageQueued { send_at: Some(minute(9)), ..queued(&key(message(1))) });
    story.tell(customer(1), 2, received(&key(message(2)), "Héllo \u{1F4E8}\r\n\t'quoted' \"too\" \\ and \u{0}"));
    check(engine, &story, async |db| {
        let asked = row(db, message(1)).await;
        assert_eq!((asked.direction.word(), asked.state.word(), asked.channel.word()), ("outbound", "queued", "email"));
        assert_eq!(
            (asked.class.map(commlog::domain::message::event::MessageClass::word), asked.topic.as_deref()),
            (Some("marketing"), Some("news"))
        );
        assert_eq!((asked.to_address.as_deref(), asked.subject.as_deref()), (Some("ann@example.com"), Some("Hello")));
        assert_eq!((asked.body.as_deref(), asked.from_address), (Some("Dear Ann"), None));
        assert_eq!((asked.send_at, asked.created_at, asked.actor.as_str()), (Some(minute(9)), minute(1), "key:test"));
        let came = row(db, message(2)).await;
        assert_eq!((came.direction.word(), came.state.word()), ("inbound", "received"));
        assert_eq!(came.body.as_deref(), Some("Héllo \u{1F4E8}\r\n\t'quoted' \"too\" \\ and \u{FFFD}"));
        assert_eq!((came.provider.as_deref(), came.class), (Some("simulator"), None));
    })
    .await;
}

async fn the_state_is_the_furthest_that_was_reported(engine: Engine) {
    type Reports = fn(&MessageKey) -> Vec<CustomerEvent>;
    let cases: [(&str, Reports); 16] = [
        ("queued", |_| vec![]),
        ("held", |k| vec![held(k, 9)]),
        ("suppressed", |k| vec![suppressed(k)]),
        ("cancelled", |k| vec![held(k, 9), cancelled(k)]),
        ("dispatching", |k| vec![dispatch_started(k, 1)]),
        ("in_doubt", |k| vec![dispatch_started(k, 1), in_doubt(k, 1)]),
        ("failed", |k| vec![dispatch_started(k, 1), dispatch_failed(k, 1, None)]),
        ("sent", |k| vec![in_doubt(k, 1), sent(k)]),
        ("deferred", |k| vec![deferred(k), sent(k)]),
        ("failed", |k| vec![failed(k), sent(k)]),
        ("bounced", |k| vec![bounced(k, BounceKind::Soft), deferred(k)]),
        ("delivered", |k| vec![delivered(k), bounced(k, BounceKind::Soft), failed(k)]),
        ("bounced", |k| vec![bounced(k, BounceKind::Hard), delivered(k)]),
        ("delivered", |k| vec![opened(k, EngagementClass::Machine), clicked(k, EngagementClass::Machine)]),
        ("opened", |k| vec![opened(k, EngagementClass::Human), bounced(k, BounceKind::Hard)]),
        ("complained", |k| vec![complained(k), clicked(k, EngagementClass::Human), opted_out_by(k)]),
    ];
    let mut story = Story::new();
    for (number, (_, reports)) in (1..).zip(&cases) {
        let key = key(message(number));
        story.tell(customer(1), 0, queued(&key));
        for report in reports(&key) {
            story.tell(customer(1), 1, report);
        }
    }
    check(engine, &story, async |db| {
        for (number, (state, _)) in (1..).zip(&cases) {
            assert_eq!(row(db, message(number)).await.state.word(), *state, "case {number}");
        }
    })
    .await;
}

async fn late_reports_neither_lower_the_state_nor_wipe_reasons(engine: Engine) {
    let key = key(message(1));
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 5, bounced(&key, BounceKind::Hard));
    story.tell(customer(1), 4, held(&key, 9));
    story.tell(customer(1), 6, delivered(&key));
    story.tell(customer(1), 7, sent(&key));
    check(engine, &story, async |db| {
        assert_eq!(row(db, message(1)).await.state, MessageState::Bounced);
        let reasons = messages::reasons(db, TENANT, &[message(1)]).await.unwrap();
        let read: Vec<_> = reasons.iter().map(|r| (r.state.word(), r.reason.as_deref(), r.class.as_deref())).collect();
        assert_eq!(read, [("held", Some("quiet_hours"), None), ("bounced", None, Some("hard"))]);
        assert_eq!(
            (reasons[0].until, &reasons[0].inputs.as_ref().unwrap().0),
            (Some(minute(9)), &json!({"zone": "Europe/London"}))
        );
        assert_eq!(
            (reasons[1].code.as_deref(), reasons[1].detail.as_deref()),
            (Some("5.1.1"), Some("no such user: ann"))
        );
    })
    .await;
}

async fn a_call_tells_how_it_ended_and_how_long_it_was(engine: Engine) {
    let key = key(message(1));
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 2, call_ended(&key, CallResult::Voicemail, 14_000));
    story.tell(customer(1), 1, sent(&key));
    story.tell(customer(1), 2, delivered(&key));
    check(engine, &story, async |db| {
        let row = row(db, message(1)).await;
        assert_eq!((row.state, row.call_result), (MessageState::Delivered, Some(CallResult::Voicemail)));
        assert_eq!((row.call_seconds, row.call_answered_by.as_deref()), (Some(49), Some("human")));
        assert_eq!((row.call_ended_at, row.cost_micros), (Some(minute(2)), Some(14_000)));
    })
    .await;
}

async fn first_times_and_counts_are_kept_per_state(engine: Engine) {
    let key = key(message(1));
    let (human, machine) = (EngagementClass::Human, EngagementClass::Machine);
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 1, sent(&key));
    for at in [7, 3, 5] {
        story.tell(customer(1), at, opened(&key, human));
    }
    story.tell(customer(1), 2, opened(&key, machine));
    story.tell(customer(1), 9, clicked(&key, machine));
    story.tell(customer(1), 4, deferred(&key));
    story.tell(customer(1), 6, bounced(&key, BounceKind::Soft));
    story.tell(customer(1), 8, complained(&key));
    story.tell(customer(1), 8, opted_out_by(&key));
    check(engine, &story, async |db| {
        let row = row(db, message(1)).await;
        assert_eq!((row.opened_at, row.opened_count), (Some(minute(2)), 4));
        assert_eq!((row.opened_human_at, row.opened_human_count, row.opened_machine_count), (Some(minute(3)), 3, 1));
        assert_eq!((row.clicked_at, row.clicked_count, row.clicked_human_count), (Some(minute(9)), 1, 0));
        assert_eq!((row.clicked_human_at, row.clicked_machine_count), (None, 1));
        assert_eq!((row.deferred_at, row.deferred_count), (Some(minute(4)), 1));
        assert_eq!((row.bounced_at, row.bounced_count, row.hard_bounced_count), (Some(minute(6)), 1, 0));
        assert_eq!((row.complained_count, row.opted_out_count, row.opted_out_at), (1, 1, Some(minute(8))));
        assert_eq!((row.delivered_at, row.delivered_count, row.replied_count), (None, 0, 0));
        assert_eq!(
            (row.sent_at, row.provider.as_deref(), row.account.as_deref()),
            (Some(minute(1)), Some("simulator"), Some("main"))
        );
        assert_eq!(
            (row.domain.as_deref(), row.provider_message_id.as_deref()),
            (Some("mail.example.com"), Some("p-1"))
        );
        assert_eq!((row.segments, row.cost_micros, row.currency.as_deref()), (Some(1), Some(700), Some("EUR")));
    })
    .await;
}

async fn holds_and_attempts_are_told_apart_from_their_ends(engine: Engine) {
    type Stage = fn(&MessageKey) -> CustomerEvent;
    let stages: [(&str, Stage); 8] = [
        ("held", |k| held(k, 9)),
        ("queued", released),
        ("held", |k| held(k, 12)),
        ("queued", released),
        ("dispatching", |k| dispatch_started(k, 1)),
        ("queued", |k| dispatch_failed(k, 1, Some(20))),
        ("dispatching", |k| dispatch_started(k, 2)),
        ("in_doubt", |k| in_doubt(k, 2)),
    ];
    let key = key(message(1));
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    for (state, event) in stages {
        story.tell(customer(1), 1, event(&key));
        assert_eq!(row(told(engine, &story, 3).await.db(), message(1)).await.state.word(), state);
    }
    check(engine, &story, async |db| {
        let row = row(db, message(1)).await;
        assert_eq!((row.held_count, row.released_count, row.held_until), (2, 2, Some(minute(12))));
        assert_eq!((row.dispatching_count, row.refused_count, row.retry_at), (2, 1, Some(minute(20))));
    })
    .await;
}

async fn what_is_not_settled_is_listed_for_the_dispatcher(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=6 {
        story.tell(customer(1), 0, queued(&key(message(number))));
    }
    story.tell(customer(1), 1, held(&key(message(2)), 9));
    story.tell(customer(1), 1, dispatch_started(&key(message(3)), 1));
    story.tell(customer(1), 1, suppressed(&key(message(4))));
    story.tell(customer(1), 1, dispatch_started(&key(message(5)), 1));
    story.tell(customer(1), 2, sent(&key(message(5))));
    story.tell(customer(1), 3, received(&key(message(7)), "Hi"));
    check(engine, &story, async |db| {
        let rows = messages::undispatched(db, None, 3).await.unwrap().rows;
        let read: Vec<_> = rows.iter().map(|row| (row.message_id, row.state.word())).collect();
        assert_eq!(read, [(message(1), "queued"), (message(2), "held"), (message(3), "dispatching")]);
        let rest = messages::undispatched(db, Some((TENANT, message(3))), 3).await.unwrap().rows;
        assert_eq!(rest.iter().map(|row| row.message_id).collect::<Vec<_>>(), [message(6)]);
    })
    .await;
}

async fn calls_that_have_not_ended_are_listed_by_their_time(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell(customer(1), 1, queued(&key(message(number))));
    }
    story.tell(customer(1), 2, dispatch_started(&key(message(1)), 1));
    story.tell(customer(1), 3, dispatch_started(&key(message(2)), 1));
    story.tell(customer(1), 4, sent(&key(message(1))));
    check(engine, &story, async |db| {
        let called_by = async |at| messages::dispatching(db, minute(at), 10).await.unwrap();
        assert_eq!(called_by(2).await.rows, []);
        let ids: Vec<_> = called_by(3).await.rows.iter().map(|row| row.message_id).collect();
        assert_eq!(ids, [message(2)]);
    })
    .await;
}

async fn replies_count_for_the_message_that_they_answer(engine: Engine) {
    let key1 = key(message(1));
    let reply = |number, import_id| MessageReceived {
        in_reply_to: Some(message(1)),
        import_id,
        ..received(&key(message(number)), "Yes")
    };
    let imported = reply(2, Some(import(1)));
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 0, queued(&key1));
    story.tell(customer(1), 3, imported.clone());
    story.tell(customer(1), 8, reply(3, None));
    check(engine, &story, async |db| {
        let row = row(db, message(1)).await;
        assert_eq!((row.state.word(), row.replied_count, row.replied_at), ("replied", 2, Some(minute(3))));
    })
    .await;
    story.tell(customer(1), 9, taken_back(&imported));
    check(engine, &story, async |db| {
        let row = row(db, message(1)).await;
        assert_eq!((row.state.word(), row.replied_count, row.replied_at), ("replied", 1, Some(minute(8))));
        assert!(messages::by_id(db, TENANT, message(2)).await.unwrap().is_none());
    })
    .await;
    story.tell(customer(1), 3, imported.clone());
    story.tell(customer(1), 9, taken_back(&imported));
    let late = MessageReceived { import_id: Some(import(2)), ..reply(4, None) };
    story.tell(customer(1), 12, late.clone());
    story.tell(customer(1), 13, taken_back(&late));
    check(engine, &story, async |db| {
        assert_eq!(row(db, message(1)).await.replied_count, 1);
        let customer = customers::by_id(db, TENANT, customer(1)).await.unwrap().unwrap();
        assert_eq!(customer.last_inbound_at, Some(minute(8)));
    })
    .await;
}

async fn a_conversation_lists_its_messages(engine: Engine) {
    let within = |number| MessageKey { conversation_id: Some(conversation(1)), ..key(message(number)) };
    let mut story = Story::new();
    story.tell(customer(1), 1, received(&within(1), "Hi"));
    story.tell(customer(1), 3, queued(&within(2)));
    story.tell(customer(1), 2, received(&key(message(3)), "elsewhere"));
    check(engine, &story, async |db| {
        let page = messages::of_conversation(db, TENANT, conversation(1), &Page::first(10)).await.unwrap();
        let ids: Vec<_> = page.into_rows().into_iter().map(|row| row.message_id).collect();
        assert_eq!(ids, [message(2), message(1)]);
        assert_eq!(messages::count_of_conversation(db, TENANT, conversation(1)).await.unwrap(), 2);
    })
    .await;
}

async fn found(db: &Db, filter: MessageFilter) -> Vec<u128> {
    let newest = messages::list(db, TENANT, &filter, MessageOrder::NewestFirst, &Page::default()).await.unwrap();
    let oldest = messages::list(db, TENANT, &filter, MessageOrder::OldestFirst, &Page::default()).await.unwrap();
    let numbers = |rows: Vec<MessageRow>| rows.iter().map(|row| row.message_id.0.as_u128() & 0xFF).collect::<Vec<_>>();
    let (newest, mut oldest) = (numbers(newest.into_rows()), numbers(oldest.into_rows()));
    oldest.reverse();
    assert_eq!(newest, oldest);
    let counted = messages::count(db, TENANT, &filter).await.unwrap();
    assert_eq!((counted.count, counted.exact), (newest.len() as u64, true));
    newest
}

async fn messages_of_all_customers_are_found_by_what_is_known_of_them(engine: Engine) {
    let of_campaign = |number| MessageKey { campaign_id: Some(campaign(1)), ..key(message(number)) };
    let mut story = Story::new();
    story.tell(customer(1), 1, queued(&key(message(1))));
    story.tell(customer(1), 2, held(&key(message(1)), 9));
    story.tell(customer(1), 3, held(&key(message(1)), 12));
    story.tell(customer(2), 4, queued(&of_campaign(2)));
    story.tell(customer(2), 5, sent(&of_campaign(2)));
    story.tell(customer(2), 6, bounced(&of_campaign(2), BounceKind::Hard));
    story.tell(customer(2), 7, queued(&of_campaign(3)));
    story.tell(customer(2), 7, suppressed(&of_campaign(3)));
    story.tell(customer(3), 8, received(&key(message(4)), "Hello"));
    check(engine, &story, async |db| {
        let all = MessageFilter::default;
        assert_eq!(found(db, all()).await, [4, 3, 2, 1]);
        assert_eq!(found(db, MessageFilter { direction: Some(Direction::Inbound), ..all() }).await, [4]);
        assert_eq!(found(db, MessageFilter { direction: Some(Direction::Outbound), ..all() }).await, [3, 2, 1]);
        assert_eq!(found(db, MessageFilter { channels: vec![Channel::Push], ..all() }).await, [0; 0]);
        let states = vec![MessageState::Bounced, MessageState::Held];
        assert_eq!(found(db, MessageFilter { states: states.clone(), ..all() }).await, [2, 1]);
        assert_eq!(
            found(db, MessageFilter { states: states.clone(), direction: Some(Direction::Inbound), ..all() }).await,
            [0; 0]
        );
        let campaign = || MessageFilter { campaign_id: Some(campaign(1)), ..all() };
        assert_eq!(found(db, campaign()).await, [3, 2]);
        assert_eq!(found(db, MessageFilter { states, ..campaign() }).await, [2]);
        assert_eq!(found(db, MessageFilter { customer_id: Some(customer(2)), ..all() }).await, [3, 2]);
        let failing = MessageFilter { states: vec![MessageState::Bounced], customer_id: Some(customer(2)), ..all() };
        assert_eq!(found(db, failing).await, [2]);
        let reason = |reason: &str| MessageFilter { reason: Some(reason.to_owned()), ..all() };
        assert_eq!(found(db, reason("quiet_hours")).await, [1]);
        assert_eq!(found(db, reason("5.1.1")).await, [2]);
        assert_eq!(found(db, MessageFilter { channels: vec![Channel::Sms], ..reason("quiet_hours") }).await, [0; 0]);
        let since = MessageFilter { created_since: Some(minute(4)), created_until: Some(minute(8)), ..all() };
        assert_eq!(found(db, since).await, [3, 2]);
        let taken = row(db, message(2)).await;
        let (provider, account) = (taken.provider.unwrap(), taken.account.unwrap());
        assert_eq!(found(db, MessageFilter { account: Some(account.clone()), ..campaign() }).await, [2]);
        let by = MessageFilter { provider: Some(provider), account: Some(account), ..all() };
        assert!(found(db, by.clone()).await.contains(&2));
        assert_eq!(found(db, MessageFilter { provider: Some("nobody".to_owned()), ..by }).await, [0; 0]);
    })
    .await;
}

async fn a_list_of_messages_is_paged_in_both_orders(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=7 {
        story.tell(customer(number % 3), (number / 2) as i64, queued(&key(message(number))));
    }
    let tables = told(engine, &story, 3).await;
    for order in [MessageOrder::NewestFirst, MessageOrder::OldestFirst] {
        let list = async |page: Page| {
            messages::list(tables.db(), TENANT, &MessageFilter::default(), order, &page).await.unwrap()
        };
        let whole: Vec<_> = list(Page::default()).await.into_rows();
        let (mut seen, mut page) = (Vec::new(), Page::first(3));
        loop {
            let slice = list(page).await;
            let next = slice.next(3);
            seen.extend(slice.into_rows());
            match next {
                Some(following) => page = following,
                None => break,
            }
        }
        assert_eq!(seen, whole);
        let last = list(Page::last(2)).await;
        let before = last.rows[0].0.clone();
        assert_eq!(last.into_rows(), whole[5..]);
        assert_eq!(list(Page::last(2).before(before)).await.into_rows(), whole[3..5]);
    }
}
