//! Consent, and what is known of addresses: suppressions and claims.

use commlog::domain::address::event::{
    AddressClaimed, AddressReleased, AddressSuppressed, SuppressionLifted, SuppressionReason,
};
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::event::Source;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{AddressId, CustomerId};
use commlog::queries::suppressions::{self, SuppressionFilter};
use commlog::queries::{Page, consents};
use commlog::sql::Engine;

use super::events::{consent, key, opted_out_by, queued};
use super::story::{Story, TENANT, address, customer, message, minute};
use super::{check, on_both_engines};

on_both_engines! {
    consent_is_what_was_said_last_for_channel_and_topic,
    every_change_of_consent_is_kept_with_its_evidence,
    a_suppression_lasts_until_it_is_lifted,
    every_suppression_and_lifting_is_kept,
    suppressions_are_filtered_and_paged,
    an_address_knows_who_has_it,
}

async fn consent_is_what_was_said_last_for_channel_and_topic(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 1, consent(Channel::Email, "news", ConsentState::Pending));
    story.tell(customer(1), 2, consent(Channel::Email, "news", ConsentState::OptedIn));
    story.tell(customer(1), 2, consent(Channel::Sms, "news", ConsentState::OptedIn));
    story.tell(customer(1), 9, consent(Channel::Sms, "news", ConsentState::OptedOut));
    // Recorded later, though it was said earlier: the word that was said last counts.
    story.tell(customer(1), 3, consent(Channel::Email, "offers", ConsentState::OptedOut));
    story.tell(customer(1), 2, consent(Channel::Email, "offers", ConsentState::OptedIn));
    check(engine, &story, async |db| {
        let rows = consents::of_customers(db, TENANT, &[customer(1), customer(2)]).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.channel.word(), row.topic.as_str(), row.state.word())).collect();
        let expected = [("email", "news", "opted_in"), ("email", "offers", "opted_out"), ("sms", "news", "opted_out")];
        assert_eq!(read, expected);
        assert_eq!((rows[0].wording.as_deref(), rows[0].method.as_str()), (Some("I agree"), "form"));
    })
    .await;
}

async fn every_change_of_consent_is_kept_with_its_evidence(engine: Engine) {
    let mut story = Story::new();
    let key = key(message(1));
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 1, consent(Channel::Email, "news", ConsentState::OptedIn));
    story.tell(customer(1), 2, consent(Channel::Sms, "news", ConsentState::OptedIn));
    story.tell(customer(1), 3, opted_out_by(&key));
    check(engine, &story, async |db| {
        let first = consents::history(db, TENANT, customer(1), None, &Page::first(2)).await.unwrap();
        assert!(first.has_next);
        let after = first.rows[1].0.clone();
        let rows = first.into_rows();
        assert_eq!((rows[0].state.word(), rows[0].topic.as_str()), ("opted_out", "all"));
        assert_eq!((rows[0].message_id, rows[1].channel.word()), (Some(message(1)), "sms"));
        let rest = consents::history(db, TENANT, customer(1), None, &Page::first(2).after(after)).await.unwrap();
        assert_eq!(rest.into_rows()[0].ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(consents::count_history(db, TENANT, customer(1), Some(Channel::Email)).await.unwrap(), 2);
    })
    .await;
}

fn suppressed(address_id: AddressId, reason: SuppressionReason) -> AddressSuppressed {
    let (message_id, customer_id) = (Some(message(1)), Some(customer(1)));
    AddressSuppressed {
        address_id,
        kind: AddressKind::Email,
        reason,
        message_id,
        customer_id,
        source: Source::Provider,
    }
}

fn lifted(address_id: AddressId, reason: SuppressionReason) -> SuppressionLifted {
    SuppressionLifted { address_id, kind: AddressKind::Email, reason, note: "a mistake".to_owned() }
}

async fn a_suppression_lasts_until_it_is_lifted(engine: Engine) {
    use SuppressionReason::{Complaint, HardBounce, Manual};
    let mut story = Story::new();
    story.tell_address(address(1), 1, suppressed(address(1), HardBounce));
    story.tell_address(address(1), 2, suppressed(address(1), Complaint));
    story.tell_address(address(1), 3, lifted(address(1), HardBounce));
    story.tell_address(address(1), 4, suppressed(address(1), Manual));
    story.tell_address(address(1), 5, lifted(address(1), Manual));
    story.tell_address(address(1), 6, suppressed(address(1), Manual));
    check(engine, &story, async |db| {
        let rows = suppressions::of_addresses(db, TENANT, &[address(1)]).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.reason.word(), row.active, row.suppressed_at)).collect();
        let expected = [("complaint", true, minute(2)), ("hard_bounce", false, minute(1)), ("manual", true, minute(6))];
        assert_eq!(read, expected);
        assert_eq!((rows[1].lifted_at, rows[1].note.as_deref()), (Some(minute(3)), Some("a mistake")));
        assert_eq!(rows[1].lifted_by.as_deref(), Some("key:test"));
        assert_eq!((rows[2].lifted_at, rows[2].lifted_by.as_deref(), rows[2].note.as_deref()), (None, None, None));
        assert_eq!((rows[0].customer_id, rows[0].message_id), (Some(customer(1)), Some(message(1))));
    })
    .await;
}

async fn every_suppression_and_lifting_is_kept(engine: Engine) {
    use SuppressionReason::{HardBounce, Manual};
    let mut story = Story::new();
    story.tell_address(address(1), 1, suppressed(address(1), Manual));
    story.tell_address(address(1), 2, lifted(address(1), Manual));
    story.tell_address(address(2), 2, suppressed(address(2), HardBounce));
    story.tell_address(address(1), 3, suppressed(address(1), Manual));
    check(engine, &story, async |db| {
        let rows = suppressions::histories(db, TENANT, &[address(1), address(2)]).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.address_id, row.suppressed, row.occurred_at)).collect();
        let (one, two) = (address(1), address(2));
        let expected =
            [(one, true, minute(1)), (one, false, minute(2)), (one, true, minute(3)), (two, true, minute(2))];
        assert_eq!(read, expected);
        assert_eq!(
            (rows[0].source.map(commlog::domain::value::Source::word), rows[0].message_id),
            (Some("provider"), Some(message(1)))
        );
        assert_eq!((rows[1].note.as_deref(), rows[1].actor.as_str()), (Some("a mistake"), "key:test"));
    })
    .await;
}

async fn suppressions_are_filtered_and_paged(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=5 {
        let reason = if number % 2 == 0 { SuppressionReason::Stop } else { SuppressionReason::HardBounce };
        story.tell_address(address(number), 7, suppressed(address(number), reason));
    }
    story.tell_address(address(5), 8, lifted(address(5), SuppressionReason::HardBounce));
    check(engine, &story, async |db| {
        let all = SuppressionFilter::default();
        let first = suppressions::list(db, TENANT, &all, &Page::first(3)).await.unwrap();
        let after = first.rows[2].0.clone();
        let rest = suppressions::list(db, TENANT, &all, &Page::first(3).after(after)).await.unwrap();
        let ids: Vec<_> = first.into_rows().into_iter().chain(rest.into_rows()).map(|row| row.address_id).collect();
        assert_eq!(ids, [4, 3, 2, 1].map(address));
        assert_eq!(suppressions::count(db, TENANT, &all).await.unwrap(), 4);
        let stops = SuppressionFilter { reasons: vec![SuppressionReason::Stop], ..all.clone() };
        assert_eq!(suppressions::count(db, TENANT, &stops).await.unwrap(), 2);
        let with_lifted = SuppressionFilter { include_lifted: true, ..all };
        assert_eq!(suppressions::count(db, TENANT, &with_lifted).await.unwrap(), 5);
    })
    .await;
}

async fn an_address_knows_who_has_it(engine: Engine) {
    let claimed =
        |customer_id: CustomerId| AddressClaimed { address_id: address(1), kind: AddressKind::Phone, customer_id };
    let released = |customer_id: CustomerId| AddressReleased { address_id: address(1), customer_id };
    let mut story = Story::new();
    story.tell_address(address(1), 1, claimed(customer(1)));
    story.tell_address(address(1), 2, claimed(customer(2)));
    story.tell_address(address(1), 3, released(customer(1)));
    story.tell_address(address(1), 4, claimed(customer(3)));
    story.tell_address(address(1), 5, released(customer(3)));
    story.tell_address(address(1), 6, claimed(customer(3)));
    check(engine, &story, async |db| {
        let rows = suppressions::claims(db, TENANT, address(1)).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.customer_id, row.claimed_at)).collect();
        assert_eq!(read, [(customer(2), minute(2)), (customer(3), minute(6))]);
    })
    .await;
}
