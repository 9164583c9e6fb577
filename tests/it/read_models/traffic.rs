//! What came and went, by hour and channel.

use commlog::domain::consent::event::ConsentState;
use commlog::domain::message::event::{BounceKind, EngagementClass, MessageReceived};
use commlog::domain::value::Channel;
use commlog::queries::traffic;
use commlog::sql::Engine;
use uuid::Uuid;

use super::events::{
    bounced, clicked, complained, consent, delivered, dispatch_failed, failed, held, key, opened, queued, received,
    sent, suppressed,
};
use super::story::{Story, TENANT, customer, import, message, minute};
use super::{check, on_both_engines};

on_both_engines! {
    reports_are_counted_by_hour_and_channel,
}

async fn reports_are_counted_by_hour_and_channel(engine: Engine) {
    let (first, sms) = (key(message(1)), Channel::Sms);
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&first));
    story.tell(customer(1), 1, held(&first, 30));
    story.tell(customer(1), 58, sent(&first));
    story.tell(customer(1), 59, delivered(&first));
    story.tell(customer(1), 60, opened(&first, EngagementClass::Machine));
    story.tell(customer(1), 61, opened(&first, EngagementClass::Human));
    story.tell(customer(1), 62, clicked(&first, EngagementClass::Human));
    story.tell(customer(2), 60, suppressed(&key(message(2))));
    story.tell(customer(3), 61, bounced(&key(message(3)), BounceKind::Soft));
    story.tell(customer(4), 61, failed(&key(message(4))));
    // An attempt that is made again later is no failure.
    story.tell(customer(4), 61, dispatch_failed(&key(message(5)), 1, Some(90)));
    story.tell(customer(4), 62, dispatch_failed(&key(message(5)), 2, None));
    story.tell(customer(5), 62, complained(&key(message(6))));
    story.tell(customer(6), 62, received(&key(message(7)), "hello"));
    // What an import brings was not ours.
    story.tell(
        customer(6),
        62,
        MessageReceived { import_id: Some(import(1)), ..received(&key(message(8)), "long ago") },
    );
    story.tell(customer(7), 63, consent(sms, "all", ConsentState::OptedOut));
    story.tell(customer(7), 64, consent(sms, "all", ConsentState::OptedIn));
    check(engine, &story, async |db| {
        let hours = async |until| traffic::by_hour(db, TENANT, minute(0), minute(until)).await.unwrap();
        let rows = hours(121).await;
        let [zero, one, opt_outs] = &rows[..] else { panic!("{rows:#?}") };
        assert_eq!((zero.hour, one.hour, opt_outs.hour), (minute(0), minute(60), minute(60)));
        assert_eq!((zero.queued, zero.held, zero.sent, zero.delivered, zero.opened), (1, 1, 1, 1, 0));
        assert_eq!((one.opened, one.clicked, one.suppressed, one.bounced), (2, 1, 1, 1));
        assert_eq!((one.failed, one.complained, one.received, one.opted_out), (2, 1, 1, 0));
        assert_eq!((opt_outs.channel, opt_outs.opted_out, opt_outs.queued), (sms, 1, 0));
        assert_eq!(hours(60).await.len(), 1, "the end is exclusive");
        let stranger = Uuid::from_u128(99).into();
        assert!(traffic::by_hour(db, stranger, minute(0), minute(121)).await.unwrap().is_empty());
    })
    .await;
}
