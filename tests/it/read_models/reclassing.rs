//! What corrections of opens and clicks change, and what they leave.

use commlog::domain::message::event::{EngagementClass, MessageKey};
use commlog::domain::value::engagement::Rule;
use commlog::domain::value::message::MessageState;
use commlog::queries::{campaign_metrics, messages};
use commlog::sql::Engine;

use super::events::{AGAINST_FLAG, BY_FLAG, clicked, delivered, flagged, key, opened, queued, sent};
use super::story::{Story, TENANT, campaign, customer, message, minute};
use super::{check, on_both_engines};

on_both_engines! {
    a_machines_open_no_longer_counts_as_a_persons,
    a_persons_click_that_was_taken_for_a_machines_moves_the_state,
    callbacks_after_a_correction_are_added_to_it,
    figures_of_a_campaign_follow,
}

fn of_campaign() -> MessageKey {
    MessageKey { campaign_id: Some(campaign(1)), variant: Some("a".to_owned()), ..key(message(1)) }
}

/// Delivered, opened at minutes 70 (by a machine, says the provider) and 200, both taken for a person's.
fn story() -> Story {
    let (key, human) = (of_campaign(), EngagementClass::Human);
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 1, sent(&key));
    story.tell(customer(1), 2, delivered(&key));
    story.tell(customer(1), 70, flagged(opened(&key, human), true));
    story.tell(customer(1), 200, flagged(opened(&key, human), false));
    story
}

async fn a_machines_open_no_longer_counts_as_a_persons(engine: Engine) {
    let mut story = story();
    assert_eq!(story.reclass(customer(1), &BY_FLAG), 1);
    check(engine, &story, async |db| {
        let row = messages::by_id(db, TENANT, message(1)).await.unwrap().unwrap();
        assert_eq!((row.opened_human_at, row.opened_human_count), (Some(minute(200)), 1));
        assert_eq!(row.opened_machine_count, 1);
        assert_eq!((row.opened_at, row.opened_count), (Some(minute(70)), 2), "what was reported stays");
        assert_eq!(row.state, MessageState::Opened);
    })
    .await;
    assert_eq!(story.reclass(customer(1), &AGAINST_FLAG), 2);
    check(engine, &story, async |db| {
        let row = messages::by_id(db, TENANT, message(1)).await.unwrap().unwrap();
        assert_eq!((row.opened_human_at, row.opened_human_count), (Some(minute(70)), 1));
        assert_eq!(row.opened_machine_count, 1);
    })
    .await;
}

async fn a_persons_click_that_was_taken_for_a_machines_moves_the_state(engine: Engine) {
    let mut story = story();
    story.tell(customer(1), 300, flagged(clicked(&of_campaign(), EngagementClass::Machine), false));
    let before = story.clone();
    assert_eq!(story.reclass(customer(1), &BY_FLAG), 2);
    for (story, state, clicked_at) in [(before, "opened", None), (story, "clicked", Some(minute(300)))] {
        check(engine, &story, async |db| {
            let row = messages::by_id(db, TENANT, message(1)).await.unwrap().unwrap();
            assert_eq!((row.state.word(), row.clicked_human_at), (state, clicked_at));
        })
        .await;
    }
}

async fn callbacks_after_a_correction_are_added_to_it(engine: Engine) {
    let mut story = story();
    story.reclass(customer(1), &BY_FLAG);
    // Late, though it happened first.
    story.tell(customer(1), 60, flagged(opened(&of_campaign(), EngagementClass::Human), false));
    story.tell(customer(1), 61, flagged(opened(&of_campaign(), EngagementClass::Machine), true));
    check(engine, &story, async |db| {
        let row = messages::by_id(db, TENANT, message(1)).await.unwrap().unwrap();
        assert_eq!((row.opened_human_at, row.opened_human_count), (Some(minute(60)), 2));
        assert_eq!((row.opened_machine_count, row.opened_count), (2, 4));
    })
    .await;
}

async fn figures_of_a_campaign_follow(engine: Engine) {
    let stern = Rule { name: "stern/1", class: |_| EngagementClass::Machine };
    let mut story = story();
    story.tell(customer(1), 210, flagged(opened(&of_campaign(), EngagementClass::Machine), true));
    let before = story.clone();
    assert_eq!(story.reclass(customer(1), &stern), 2);
    for (story, unique_human, human, machine) in [(before, 1, 2, 1), (story, 0, 0, 3)] {
        check(engine, &story, async |db| {
            let row = campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap().remove(0);
            let unique = (row.unique_opens, row.unique_opens_human, row.unique_opens_machine);
            assert_eq!(unique, (1, unique_human, 1));
            assert_eq!((row.opens, row.opens_human, row.opens_machine), (3, human, machine));
            assert_eq!((row.sent, row.delivered), (1, 1));
            let hours = campaign_metrics::by_hour(db, TENANT, campaign(1), None, None).await.unwrap();
            let of_first = hours.iter().find(|row| row.hour == minute(60)).unwrap();
            assert_eq!((of_first.opens_human, of_first.opens_machine), (human.min(1), 1 - human.min(1)));
        })
        .await;
    }
}
