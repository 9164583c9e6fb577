use commlog::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use commlog::domain::value::Channel;
use commlog::queries::Page;
use commlog::queries::conversations::{self, ConversationFilter};
use commlog::sql::Engine;

use super::events::conversation_changed;
use super::story::{Story, TENANT, conversation, customer, minute};
use super::{check, on_both_engines};

on_both_engines! {
    a_conversation_stands_as_its_newest_event_says,
    the_inbox_is_filtered_and_shows_the_latest_first,
}

async fn a_conversation_stands_as_its_newest_event_says(engine: Engine) {
    use ConversationCause::{Agent, Inbound, Outbound};
    let changed = |state, cause, unread| conversation_changed(conversation(1), state, cause, unread);
    let mut story = Story::new();
    story.tell(customer(1), 1, changed(ConversationState::Open, Inbound, 1));
    story.tell(customer(1), 2, changed(ConversationState::Open, Inbound, 2));
    story.tell(customer(1), 3, changed(ConversationState::Pending, Outbound, 0));
    let snoozed = ConversationChanged {
        snoozed_until: Some(minute(60)),
        assignee: Some("bob".to_owned()),
        priority: "high".to_owned(),
        ..changed(ConversationState::Snoozed, Agent, 0)
    };
    story.tell(customer(1), 4, snoozed);
    check(engine, &story, async |db| {
        let row = conversations::by_id(db, TENANT, conversation(1)).await.unwrap().unwrap();
        assert_eq!((row.state.word(), row.priority.as_str(), row.unread), ("snoozed", "high", 0));
        assert_eq!((row.assignee.as_deref(), row.snoozed_until), (Some("bob"), Some(minute(60))));
        assert_eq!((row.started_at, row.changed_at), (minute(1), minute(4)));
        assert_eq!((row.last_inbound_at, row.last_outbound_at), (Some(minute(2)), Some(minute(3))));
        assert_eq!((row.customer_id, row.channel.word()), (customer(1), "sms"));
    })
    .await;
}

async fn the_inbox_is_filtered_and_shows_the_latest_first(engine: Engine) {
    use ConversationState::{Open, Resolved};
    let mut story = Story::new();
    for number in 1..=4 {
        let state = if number == 4 { Resolved } else { Open };
        let unread = u32::try_from(number).unwrap() % 2;
        let changed = conversation_changed(conversation(number), state, ConversationCause::Inbound, unread);
        let assignee = (number == 2).then(|| "bob".to_owned());
        story.tell(customer(number), 10 - i64::try_from(number).unwrap(), ConversationChanged { assignee, ..changed });
    }
    check(engine, &story, async |db| {
        let all = ConversationFilter::default;
        let ids = async |filter: ConversationFilter| {
            let rows = conversations::list(db, TENANT, &filter, &Page::default()).await.unwrap().into_rows();
            assert_eq!(conversations::count(db, TENANT, &filter).await.unwrap(), rows.len() as u64);
            rows.into_iter().map(|row| row.conversation_id).collect::<Vec<_>>()
        };
        let numbers = |numbers: &[u128]| numbers.iter().map(|&number| conversation(number)).collect::<Vec<_>>();
        assert_eq!(ids(all()).await, numbers(&[1, 2, 3, 4]));
        let open = ConversationFilter { states: vec![ConversationState::Open, ConversationState::Pending], ..all() };
        assert_eq!(ids(open).await, numbers(&[1, 2, 3]));
        assert_eq!(ids(ConversationFilter { unread: true, ..all() }).await, numbers(&[1, 3]));
        assert_eq!(ids(ConversationFilter { unassigned: true, ..all() }).await, numbers(&[1, 3, 4]));
        let bobs = ConversationFilter { assignee: Some("bob".to_owned()), ..all() };
        assert_eq!(ids(bobs).await, numbers(&[2]));
        let of_one = ConversationFilter { customer_id: Some(customer(3)), ..all() };
        assert_eq!(ids(of_one).await, numbers(&[3]));
        let email = ConversationFilter { channels: vec![Channel::Email], ..all() };
        assert_eq!(ids(email).await, numbers(&[]));
    })
    .await;
}
