//! Forgetting a customer leaves the tables as if nothing personal had ever been there; figures stay.

use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::event::Profile;
use commlog::domain::message::event::{BounceKind, MessageKey};
use commlog::domain::value::Channel;
use commlog::queries::customers::{CustomerFilter, CustomerOrder};
use commlog::queries::{Page, campaign_metrics, customers};
use commlog::sql::Engine;

use super::events::{
    address_added, bounced, consent, dispatch_failed, forgotten, key, note_added, order, profile_changed, queued,
    received, registered, sent,
};
use super::story::{Story, TENANT, activity, address, campaign, customer, message, minute, note};
use super::{check, difference, dump, on_both_engines, told};

on_both_engines! {
    purged_tables_equal_those_built_without_the_key,
    nothing_personal_is_left_and_figures_stay,
}

fn a_life(number: u128) -> Story {
    let mut story = Story::new();
    let who = customer(number);
    let message_key = MessageKey { campaign_id: Some(campaign(1)), ..key(message(number)) };
    story.tell(who, 0, registered("Secret Name"));
    story.tell(who, 1, address_added(address(number), "secret@example.com", true));
    story.tell(who, 2, profile_changed("Secret Person", Profile { tags: vec!["t".into()], ..Profile::default() }));
    story.tell(who, 3, order(activity(number), 2_000_000, None));
    story.tell(who, 4, note_added(note(number), "secret note"));
    story.tell(who, 5, consent(Channel::Email, "news", ConsentState::OptedIn));
    story.tell(who, 6, queued(&message_key));
    story.tell(who, 7, dispatch_failed(&message_key, 1, Some(9)));
    story.tell(who, 8, sent(&message_key));
    story.tell(who, 9, bounced(&message_key, BounceKind::Soft));
    story.tell(who, 10, received(&key(message(number + 100)), "secret answer"));
    story
}

async fn purged_tables_equal_those_built_without_the_key(engine: Engine) {
    let mut story = a_life(1);
    story.tell(customer(2), 0, registered("Somebody Else"));
    story.tell(customer(1), 11, forgotten());
    story.tell(customer(1), 12, order(activity(9), 1_000_000, None));
    let story = {
        // What comes after the key is gone comes without personal data.
        let mut late = story.clone();
        let last = late.events.len() - 1;
        late.events[last] = late.without_personal_data_of(customer(1)).events[last].clone();
        late
    };
    let rebuilt = dump(told(engine, &story.without_personal_data_of(customer(1)), 3).await.db()).await;
    check(engine, &story, async |db| assert_eq!(difference(dump(db).await, &rebuilt), [""; 0])).await;
}

async fn nothing_personal_is_left_and_figures_stay(engine: Engine) {
    let mut story = a_life(1);
    story.tell(customer(1), 11, forgotten());
    check(engine, &story, async |db| {
        for line in dump(db).await {
            let lower = line.to_lowercase();
            for word in ["secret", "ann@", "lantern", "192.0.2.1", "i agree", "crm", "vip", "hello"] {
                assert!(!lower.contains(word), "{word}: {line}");
            }
        }
        let row = customers::by_id(db, TENANT, customer(1)).await.unwrap().unwrap();
        assert_eq!((row.forgotten_at, row.name, row.attributes), (Some(minute(11)), None, None));
        assert_eq!((row.orders, row.last_inbound_at), (1, Some(minute(10))));
        assert_eq!(campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap()[0].sent, 1);
        let search = CustomerFilter { search: Some("secret".into()), include_forgotten: true, ..Default::default() };
        assert!(
            customers::list(db, TENANT, &search, CustomerOrder::default(), &Page::default())
                .await
                .unwrap()
                .rows
                .is_empty()
        );
    })
    .await;
}
