use commlog::domain::consent::event::ConsentState;
use commlog::domain::conversation::event::{ConversationCause, ConversationState};
use commlog::domain::customer::event::{NotePinned, Profile};
use commlog::domain::message::event::{EngagementClass, MessageKey, MessageReceived};
use commlog::domain::value::{Channel, Direction};
use commlog::queries::timeline::{self, TimelineFilter, TimelineKind, TimelineRow};
use commlog::queries::{Cursor, Page};
use commlog::sql::{Db, Engine};

use super::events::{
    clicked, consent, conversation_changed, delivered, key, note_added, opened, order, profile_changed, queued,
    received, registered, sent, taken_back,
};
use super::story::{Story, TENANT, activity, campaign, conversation, customer, import, message, minute, note};
use super::{check, on_both_engines, told};

on_both_engines! {
    everything_stands_in_one_list_newest_first,
    opens_and_clicks_stand_under_their_message,
    notes_can_be_pinned_and_released,
    every_filter_restricts,
    a_page_starts_at_a_date,
    pages_meet_without_gap_or_overlap_also_at_equal_times,
    a_message_that_was_taken_back_is_gone,
}

async fn page(db: &Db, filter: &TimelineFilter) -> Vec<TimelineRow> {
    let rows = timeline::of_customer(db, TENANT, customer(1), filter, &Page::default()).await.unwrap().into_rows();
    let count = timeline::count_of_customer(db, TENANT, customer(1), filter).await.unwrap();
    assert_eq!(count, rows.len() as u64);
    rows
}

async fn kinds(db: &Db, filter: TimelineFilter) -> Vec<&'static str> {
    page(db, &filter).await.into_iter().map(|row| row.kind.word()).collect()
}

fn a_bit_of_everything() -> Story {
    let mut story = Story::new();
    let campaign_key = MessageKey { campaign_id: Some(campaign(1)), ..key(message(1)) };
    let sms = MessageKey { channel: Channel::Sms, conversation_id: Some(conversation(1)), ..key(message(2)) };
    let changed = |cause| conversation_changed(conversation(1), ConversationState::Resolved, cause, 0);
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 1, profile_changed("Anne", Profile::default()));
    story.tell(customer(1), 6, order(activity(1), 4_000_000, None));
    story.tell(customer(1), 2, queued(&campaign_key));
    story.tell(customer(1), 3, received(&sms, "Hi"));
    story.tell(customer(1), 3, changed(ConversationCause::Inbound));
    story.tell(customer(1), 4, note_added(note(1), "likes lanterns"));
    story.tell(customer(1), 5, consent(Channel::Email, "news", ConsentState::OptedIn));
    story.tell(customer(1), 7, changed(ConversationCause::Agent));
    story.tell(customer(2), 8, note_added(note(2), "somebody else"));
    story
}

async fn everything_stands_in_one_list_newest_first(engine: Engine) {
    check(engine, &a_bit_of_everything(), async |db| {
        let rows = page(db, &TimelineFilter::default()).await;
        let read: Vec<_> = rows.iter().map(|row| (row.kind.word(), row.occurred_at)).collect();
        let expected = ["conversation", "order", "consent", "note", "message", "message", "registered"];
        assert_eq!(read, expected.into_iter().zip([7, 6, 5, 4, 3, 2, 0].map(minute)).collect::<Vec<_>>());
        assert_eq!((rows[0].result.as_deref(), rows[0].entry_id), (Some("resolved"), conversation(1).0));
        assert_eq!((rows[1].amount_micros, rows[1].activity_title.as_deref()), (Some(4_000_000), Some("A lantern")));
        assert_eq!((rows[1].line_count, rows[1].activity_reference.as_deref()), (Some(1), Some("536365")));
        assert_eq!((rows[2].detail.as_deref(), rows[2].result.as_deref()), (Some("news"), Some("opted_in")));
        assert_eq!((rows[3].note.as_deref(), rows[3].author.as_str()), (Some("likes lanterns"), "key:test"));
        assert_eq!(
            (
                rows[4].direction.map(commlog::domain::value::Direction::word),
                rows[4].message_state.map(commlog::domain::value::message::MessageState::word)
            ),
            (Some("inbound"), Some("received"))
        );
        assert_eq!(
            (rows[4].message_preview.as_deref(), rows[4].channel.map(commlog::domain::value::Channel::word)),
            (Some("Hi"), Some("sms"))
        );
        assert_eq!(
            (rows[5].direction.map(commlog::domain::value::Direction::word), rows[5].message_subject.as_deref()),
            (Some("outbound"), Some("Hello"))
        );
        assert_eq!(rows[6].result.as_deref(), Some("api"));
    })
    .await;
}

async fn opens_and_clicks_stand_under_their_message(engine: Engine) {
    let mut story = Story::new();
    let key = key(message(1));
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 1, sent(&key));
    story.tell(customer(1), 2, delivered(&key));
    story.tell(customer(1), 3, opened(&key, EngagementClass::Machine));
    story.tell(customer(1), 4, opened(&key, EngagementClass::Human));
    story.tell(customer(1), 5, clicked(&key, EngagementClass::Human));
    check(engine, &story, async |db| {
        let rows = page(db, &TimelineFilter::default()).await;
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!(row.message_state.map(commlog::domain::value::message::MessageState::word), Some("clicked"));
        assert_eq!((row.opened_count, row.opened_machine_count, row.opened_human_count), (Some(2), Some(1), Some(1)));
        assert_eq!((row.clicked_count, row.delivered_at), (Some(1), Some(minute(2))));
    })
    .await;
}

async fn notes_can_be_pinned_and_released(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell(customer(1), 0, note_added(note(number), &number.to_string()));
    }
    for (number, pinned) in [(1, true), (2, true), (3, true), (2, false), (1, false), (1, true)] {
        story.tell(customer(1), 1, NotePinned { note_id: note(number), pinned });
    }
    check(engine, &story, async |db| {
        let pinned = page(db, &TimelineFilter { pinned: true, ..TimelineFilter::default() }).await;
        assert_eq!(pinned.iter().map(|row| row.note.as_deref().unwrap()).collect::<Vec<_>>(), ["3", "1"]);
    })
    .await;
}

async fn every_filter_restricts(engine: Engine) {
    check(engine, &a_bit_of_everything(), async |db| {
        let all = TimelineFilter::default;
        let (order, note) = (["order"], ["note"]);
        assert_eq!(
            kinds(db, TimelineFilter { kinds: vec![TimelineKind::Order, TimelineKind::Note], ..all() }).await,
            [order, note].concat()
        );
        let sms = TimelineFilter { channels: vec![Channel::Sms], ..all() };
        assert_eq!(kinds(db, sms).await, ["conversation", "message"]);
        let inbound = TimelineFilter { direction: Some(Direction::Inbound), ..all() };
        assert_eq!(kinds(db, inbound).await, ["message"]);
        assert_eq!(kinds(db, TimelineFilter { campaign_id: Some(campaign(1)), ..all() }).await, ["message"]);
        let thread = TimelineFilter { conversation_id: Some(conversation(1)), ..all() };
        assert_eq!(kinds(db, thread).await, ["conversation", "message"]);
        assert_eq!(kinds(db, TimelineFilter { author: Some("key:other".to_owned()), ..all() }).await, [""; 0]);
        assert_eq!(kinds(db, TimelineFilter { author: Some("key:test".to_owned()), ..all() }).await.len(), 7);
        let span = TimelineFilter { since: Some(minute(5)), until: Some(minute(7)), ..all() };
        assert_eq!(kinds(db, span).await, ["order", "consent"]);
    })
    .await;
}

async fn a_page_starts_at_a_date(engine: Engine) {
    let tables = told(engine, &a_bit_of_everything(), 100).await;
    let page = Page::first(2).after(timeline::cursor_at(minute(5)));
    let rows =
        timeline::of_customer(tables.db(), TENANT, customer(1), &TimelineFilter::default(), &page).await.unwrap();
    assert_eq!((rows.has_previous, rows.has_next), (true, true));
    assert_eq!(rows.into_rows().iter().map(|row| row.kind.word()).collect::<Vec<_>>(), ["consent", "note"]);
}

async fn pages_meet_without_gap_or_overlap_also_at_equal_times(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=11 {
        story.tell(customer(1), i64::try_from(number / 4).unwrap(), note_added(note(number), &number.to_string()));
    }
    let tables = told(engine, &story, 100).await;
    let (mut after, mut seen): (Option<Cursor>, Vec<String>) = (None, Vec::new());
    loop {
        let page = after.take().map_or(Page::first(3), |cursor| Page::first(3).after(cursor));
        let filter = TimelineFilter::default();
        let slice = timeline::of_customer(tables.db(), TENANT, customer(1), &filter, &page).await.unwrap();
        after = slice.rows.last().map(|(cursor, _)| cursor.clone()).filter(|_| slice.has_next);
        seen.extend(slice.into_rows().into_iter().filter_map(|row| row.note));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=11).rev().map(|number| number.to_string()).collect::<Vec<_>>());
}

async fn a_message_that_was_taken_back_is_gone(engine: Engine) {
    let imported = MessageReceived { import_id: Some(import(1)), ..received(&key(message(1)), "Hi") };
    let mut story = Story::new();
    story.tell(customer(1), 0, imported.clone());
    story.tell(customer(1), 1, taken_back(&imported));
    check(engine, &story, async |db| {
        assert!(page(db, &TimelineFilter::default()).await.is_empty());
        assert!(super::dump(db).await.is_empty());
    })
    .await;
    story.tell(customer(1), 0, imported);
    check(engine, &story, async |db| assert_eq!(kinds(db, TimelineFilter::default()).await, ["message"])).await;
}
