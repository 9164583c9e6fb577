use commlog::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use commlog::domain::value::Channel;
use commlog::queries::Page;
use commlog::queries::conversations::{self, ConversationFilter, ConversationOrder};
use commlog::sql::Engine;

use super::events::conversation_changed;
use super::story::{Story, TENANT, conversation, customer, minute};
use super::{check, on_both_engines};

on_both_engines! {
    a_conversation_stands_as_its_newest_event_says,
    the_inbox_is_filtered_and_shows_the_latest_first,
    a_customer_waits_from_the_first_message_that_nobody_answered,
    conversations_are_ordered_by_waiting_urgency_and_beginning,
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
            let rows = conversations::list(db, TENANT, &filter, ConversationOrder::default(), &Page::default())
                .await
                .unwrap()
                .into_rows();
            assert_eq!(
                conversations::count(db, TENANT, &filter, ConversationOrder::default()).await.unwrap(),
                rows.len() as u64
            );
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

async fn a_customer_waits_from_the_first_message_that_nobody_answered(engine: Engine) {
    use ConversationCause::{Agent, Inbound, Outbound};
    use ConversationState::{Open, Resolved};
    let moves = [
        (1, Open, Inbound, Some(1)),
        (2, Open, Inbound, Some(1)),
        (3, Open, Agent, Some(1)),
        (4, Open, Outbound, None),
        (5, Open, Outbound, None),
        (6, Open, Inbound, Some(6)),
        (7, Resolved, Agent, None),
        (8, Open, Inbound, Some(8)),
        (9, Open, Inbound, Some(8)),
    ];
    let mut story = Story::new();
    for (at, state, cause, waiting) in moves {
        story.tell(customer(1), at, conversation_changed(conversation(1), state, cause, 0));
        check(engine, &story, async |db| {
            let row = conversations::by_id(db, TENANT, conversation(1)).await.unwrap().unwrap();
            assert_eq!(row.waiting_since, waiting.map(minute), "minute {at}");
        })
        .await;
    }
}

async fn conversations_are_ordered_by_waiting_urgency_and_beginning(engine: Engine) {
    use ConversationCause::{Inbound, Outbound};
    use ConversationOrder::{LongestWaiting, MostUrgent, Newest, RecentlyActive};
    use ConversationState::{Open, Resolved};
    let mut story = Story::new();
    for (number, at, state, cause, priority) in [
        (1, 1, Open, Inbound, "normal"),
        (2, 2, Open, Outbound, "urgent"),
        (3, 3, Open, Inbound, "low"),
        (4, 4, Resolved, Inbound, "urgent"),
        (1, 5, Open, Inbound, "normal"),
        (5, 6, Open, Inbound, "normal"),
    ] {
        let changed = conversation_changed(conversation(number), state, cause, 0);
        story.tell(customer(number), at, ConversationChanged { priority: priority.to_owned(), ..changed });
    }
    check(engine, &story, async |db| {
        let filter = ConversationFilter::default();
        let orders = [
            (RecentlyActive, &[5, 1, 4, 3, 2][..]),
            (Newest, &[5, 4, 3, 2, 1]),
            (LongestWaiting, &[1, 3, 5]),
            (MostUrgent, &[2, 5, 1, 3]),
        ];
        for (order, expected) in orders {
            let list = async |page: Page| conversations::list(db, TENANT, &filter, order, &page).await.unwrap();
            let whole = list(Page::default()).await;
            let (second, _) = whole.rows[1].clone();
            let ids: Vec<_> = whole.into_rows().into_iter().map(|row| row.conversation_id).collect();
            assert_eq!(ids, expected.iter().map(|&number| conversation(number)).collect::<Vec<_>>(), "{order:?}");
            let rest = list(Page::first(9).after(second.clone())).await.into_rows();
            assert_eq!(rest.iter().map(|row| row.conversation_id).collect::<Vec<_>>(), ids[2..], "{order:?}");
            let head = list(Page::last(9).before(second)).await.into_rows();
            assert_eq!(head.iter().map(|row| row.conversation_id).collect::<Vec<_>>(), ids[..1], "{order:?}");
            assert_eq!(conversations::count(db, TENANT, &filter, order).await.unwrap(), ids.len() as u64, "{order:?}");
        }
    })
    .await;
}
