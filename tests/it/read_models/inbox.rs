//! The figures of an inbox, and what moved in it.

use commlog::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use commlog::domain::value::Channel;
use commlog::ids::Position;
use commlog::queries::conversations::ConversationFilter;
use commlog::queries::inbox::{self, Tally};
use commlog::sql::Engine;

use super::events::conversation_changed;
use super::story::{Story, TENANT, conversation, customer};
use super::{check, on_both_engines};

on_both_engines! {
    the_figures_are_those_of_the_conversations_as_they_stand,
    figures_follow_the_filter,
    what_moved_is_told_once_and_what_left_the_filter_without_its_content,
}

/// Number 1 is open and Bob's, 2 is open and nobody's, 3 is snoozed and Eve's, on email, 4 is resolved.
fn story() -> Story {
    use ConversationState::{Open, Pending, Resolved, Snoozed};
    let mut story = Story::new();
    let mut tell = |number: u128, at: i64, state, unread, assignee: Option<&str>| {
        let cause = ConversationCause::Agent;
        let changed = ConversationChanged {
            assignee: assignee.map(str::to_owned),
            team: (number != 2).then(|| "sales".to_owned()),
            channel: if number == 3 { Channel::Email } else { Channel::Sms },
            ..conversation_changed(conversation(number), state, cause, unread)
        };
        story.tell(customer(number), at, changed);
    };
    tell(1, 1, Open, 1, None);
    tell(2, 2, Open, 1, None);
    tell(4, 3, Open, 1, Some("bob"));
    tell(1, 4, Open, 2, Some("bob"));
    tell(3, 5, Pending, 0, Some("eve"));
    tell(3, 6, Snoozed, 0, Some("eve"));
    tell(4, 7, Resolved, 0, Some("bob"));
    story
}

fn none() -> Tally {
    Tally::default()
}

async fn the_figures_are_those_of_the_conversations_as_they_stand(engine: Engine) {
    check(engine, &story(), async |db| {
        let counts = inbox::counts(db, TENANT, &ConversationFilter::default()).await.unwrap();
        let all = Tally { open: 2, snoozed: 1, resolved: 1, unread: 2, unread_messages: 3, ..none() };
        assert_eq!(counts.tally(|_| true), all);
        let nobodys = Tally { open: 1, unread: 1, unread_messages: 1, ..none() };
        assert_eq!(counts.tally(|row| row.assignee.is_none()), nobodys);
        let bobs = Tally { open: 1, resolved: 1, unread: 1, unread_messages: 2, ..none() };
        let by_assignee: Vec<_> = counts.by(|row| row.assignee.as_deref()).into_iter().collect();
        let eves = Tally { snoozed: 1, ..none() };
        assert_eq!(by_assignee, [(None, nobodys), (Some("bob"), bobs), (Some("eve"), eves)]);
        let by_team: Vec<_> = counts.by(|row| row.team.as_deref()).into_keys().collect();
        assert_eq!(by_team, [None, Some("sales")]);
        let by_channel: Vec<_> = counts.by(|row| row.channel.word()).into_iter().collect();
        let sms = Tally { open: 2, resolved: 1, unread: 2, unread_messages: 3, ..none() };
        assert_eq!(by_channel, [("email", eves), ("sms", sms)]);
    })
    .await;
}

async fn figures_follow_the_filter(engine: Engine) {
    check(engine, &story(), async |db| {
        let tally =
            async |filter: ConversationFilter| inbox::counts(db, TENANT, &filter).await.unwrap().tally(|_| true);
        let all = ConversationFilter::default;
        let unread = Tally { open: 2, unread: 2, unread_messages: 3, ..none() };
        assert_eq!(tally(ConversationFilter { unread: true, ..all() }).await, unread);
        let sales =
            ConversationFilter { team: Some("sales".to_owned()), states: vec![ConversationState::Open], ..all() };
        assert_eq!(tally(sales).await, Tally { open: 1, unread: 1, unread_messages: 2, ..none() });
        let nobodys = ConversationFilter { unassigned: true, ..all() };
        assert_eq!(tally(nobodys).await, Tally { open: 1, unread: 1, unread_messages: 1, ..none() });
        let of_one = ConversationFilter { customer_id: Some(customer(3)), ..all() };
        assert_eq!(tally(of_one).await, Tally { snoozed: 1, ..none() });
        let urgent = ConversationFilter { priority: Some("urgent".to_owned()), ..all() };
        assert_eq!(tally(urgent).await, none());
    })
    .await;
}

async fn what_moved_is_told_once_and_what_left_the_filter_without_its_content(engine: Engine) {
    check(engine, &story(), async |db| {
        let waiting = ConversationFilter { states: vec![ConversationState::Open], ..ConversationFilter::default() };
        let moved = inbox::moved(db, TENANT, &waiting, Position::from_counter(2), 10).await.unwrap();
        let told: Vec<_> = moved.iter().map(|moved| (moved.conversation_id, moved.found.is_some())).collect();
        assert_eq!(told, [(conversation(1), true), (conversation(3), false), (conversation(4), false)]);
        assert_eq!(moved[0].found.as_ref().unwrap().assignee.as_deref(), Some("bob"));
        assert_eq!(moved[2].position, Position::from_counter(7));
        let next = inbox::moved(db, TENANT, &waiting, moved[0].position, 1).await.unwrap();
        assert_eq!(next[0].conversation_id, conversation(3));
        assert!(inbox::moved(db, TENANT, &waiting, moved[2].position, 10).await.unwrap().is_empty());
    })
    .await;
}
