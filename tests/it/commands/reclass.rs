//! Classing opens and clicks again: corrections are appended once, wherever and however often it is asked for.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use commlog::app::{Reclassed, Step};
use commlog::domain::customer::decide::ForgetCustomer;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::message::decide::{RecordProviderFact, SendMessage};
use commlog::domain::message::event::MessageEvent;
use commlog::domain::message::event::{EngagementClass, EngagementReclassified, MessageClass};
use commlog::domain::message::reclass::{Judged, ReclassEngagement};
use commlog::domain::value::engagement::{CURRENT, Rule};
use commlog::domain::value::message::{MessageKey, Report, Route};
use commlog::domain::value::token::Correlation;
use commlog::ids::{CampaignId, CustomerId, Position};

use super::on_both;
use super::world::{World, email};

const STERN: Rule = Rule { name: "stern/1", class: |_| EngagementClass::Machine };

const CAMPAIGN: CampaignId = CampaignId(uuid::Uuid::from_u128(0xca));

/// A customer who was sent a message; the key that callbacks about it carry.
async fn sent(world: &World, address: &str, campaign_id: Option<CampaignId>) -> (CustomerId, MessageKey) {
    let (id, _) = world.customer(address).await;
    let command = SendMessage { campaign_id, ..email(id, MessageClass::Transactional) };
    world.done(world.app.send_message(&world.agent(), command, None).await);
    let key = world.events(id).await.iter().find_map(|event| event.message_key().cloned());
    (id, key.expect("the message was queued"))
}

/// The provider tells of an open by a person.
async fn opens(world: &World, id: CustomerId, key: &MessageKey, number: u32, raw: Option<&str>) {
    let fact = RecordProviderFact {
        correlation: Correlation {
            tenant: world.agent().tenant,
            customer_id: id,
            key: key.clone(),
            address_id: None,
            route: Route { provider: "sendgrid".to_owned(), account: "main".to_owned(), domain: None },
            called_at: world.now() + TimeDelta::seconds(i64::from(number)),
        },
        occurred_at: world.now() + TimeDelta::seconds(i64::from(number)),
        provider_event_id: Some(format!("open {number}")),
        report: Report::Opened {
            class: EngagementClass::Human,
            rule: "engagement/0".to_owned(),
            flagged: None,
            ip: Some("192.0.2.7".to_owned()),
            user_agent: Some("Mail 1.0".to_owned()),
        },
        raw: raw.map(str::to_owned),
    };
    world.done(world.app.record_provider_fact(&world.agent(), fact).await);
}

async fn reclass(world: &World, command: &ReclassEngagement, step: Step, rule: &Rule) -> Reclassed {
    world.done(world.app.reclass_engagement(&world.agent(), command, step, rule).await).value
}

fn of(id: CustomerId) -> ReclassEngagement {
    ReclassEngagement { customer_id: Some(id), ..ReclassEngagement::default() }
}

async fn corrections(world: &World, id: CustomerId) -> Vec<EngagementReclassified> {
    let events = world.events(id).await.into_iter();
    events
        .filter_map(|event| match event {
            CustomerEvent::Message(MessageEvent::EngagementReclassified(event)) => Some(event),
            _ => None,
        })
        .collect()
}

on_both! {
    async fn a_customers_opens_are_judged_again_once(world: World) {
        let (id, key) = sent(&world, "ada@example.org", None).await;
        opens(&world, id, &key, 1, None).await;
        opens(&world, id, &key, 2, None).await;
        let first = reclass(&world, &of(id), Step::after(None), &STERN).await;
        assert_eq!(first.judged, Judged { judged: 2, corrected: 2, erased: 0 });
        assert_eq!((first.customers, first.next), (1, None));
        let made = corrections(&world, id).await;
        let figures: Vec<_> = made.iter().map(|event| (event.human_count, event.machine_count)).collect();
        assert_eq!(figures, [(1, 1), (0, 2)]);
        let size = world.size().await;
        let again = reclass(&world, &of(id), Step::after(None), &STERN).await;
        assert_eq!(again.judged, Judged { judged: 2, corrected: 0, erased: 0 });
        assert_eq!(world.size().await, size);
        // What was corrected can be corrected back, and the correction tells by which rule it had been.
        let back = reclass(&world, &of(id), Step::after(None), &CURRENT).await;
        assert_eq!(back.judged.corrected, 2);
        assert_eq!(corrections(&world, id).await[3].previous_rule, "stern/1");
        // The customer's state is not harmed by it.
        world.done(world.app.send_message(&world.agent(), email(id, MessageClass::Transactional), None).await);
    }

    async fn the_flag_of_old_events_is_read_from_what_the_provider_said(world: World) {
        let (id, key) = sent(&world, "ada@example.org", None).await;
        opens(&world, id, &key, 1, Some(r#"{"event":"open","sg_machine_open":true}"#)).await;
        opens(&world, id, &key, 2, Some(r#"{"event":"open","sg_machine_open":false}"#)).await;
        let judged = reclass(&world, &of(id), Step::after(None), &CURRENT).await.judged;
        assert_eq!(judged, Judged { judged: 2, corrected: 1, erased: 0 });
    }

    async fn a_campaign_is_judged_in_steps_and_only_it(world: World) {
        let mut customers = BTreeSet::new();
        for number in 0..5 {
            let (id, key) = sent(&world, &format!("c{number}@example.org"), Some(CAMPAIGN)).await;
            opens(&world, id, &key, 1, None).await;
            customers.insert(id);
        }
        let (other, key) = sent(&world, "other@example.org", None).await;
        opens(&world, other, &key, 1, None).await;
        let command = ReclassEngagement { campaign_id: Some(CAMPAIGN), ..ReclassEngagement::default() };
        let (mut after, mut steps, mut total) = (None, 0, Judged::default());
        loop {
            let step = reclass(&world, &command, Step { after, customers: 2 }, &STERN).await;
            assert!(step.customers <= 2, "{step:?}");
            (steps, after) = (steps + 1, step.next);
            total += step.judged;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((steps, total), (3, Judged { judged: 5, corrected: 5, erased: 0 }));
        assert!(corrections(&world, other).await.is_empty());
        for id in customers {
            assert_eq!(corrections(&world, id).await.len(), 1);
        }
    }

    async fn a_period_goes_by_when_it_happened_and_a_later_step_by_the_log(world: World) {
        let (id, key) = sent(&world, "ada@example.org", None).await;
        opens(&world, id, &key, 1, None).await;
        world.advance(TimeDelta::hours(2));
        let noon = world.now();
        let before = world.all().await.last().expect("events").envelope.position;
        opens(&world, id, &key, 2, None).await;
        let period = ReclassEngagement { until: Some(noon), ..ReclassEngagement::default() };
        assert_eq!(reclass(&world, &period, Step::after(Some(before)), &STERN).await.judged, Judged::default());
        assert_eq!(reclass(&world, &period, Step::after(None), &STERN).await.judged.corrected, 1);
        let later = ReclassEngagement { since: Some(noon), ..ReclassEngagement::default() };
        assert_eq!(reclass(&world, &later, Step::after(None), &STERN).await.judged.corrected, 1);
        let human: Vec<_> = corrections(&world, id).await.iter().map(|event| event.human_count).collect();
        assert_eq!(human, [1, 0], "figures are of all opens, whichever were meant");
    }

    async fn what_was_forgotten_is_skipped_and_counted(world: World) {
        let (id, key) = sent(&world, "ada@example.org", Some(CAMPAIGN)).await;
        opens(&world, id, &key, 1, None).await;
        let forget = ForgetCustomer { customer_id: id, reason: "request".to_owned() };
        world.done(world.app.forget_customer(&world.agent(), forget).await);
        let size = world.size().await;
        let command = ReclassEngagement { campaign_id: Some(CAMPAIGN), ..ReclassEngagement::default() };
        let judged = reclass(&world, &command, Step::after(None), &STERN).await.judged;
        assert_eq!(judged, Judged { judged: 0, corrected: 0, erased: 1 });
        assert_eq!(world.size().await, size);
    }

    async fn two_runs_at_once_correct_each_open_once(world: World) {
        let (id, key) = sent(&world, "ada@example.org", None).await;
        for number in 0..20 {
            opens(&world, id, &key, number, None).await;
        }
        let (agent, command, elsewhere) = (world.agent(), of(id), world.elsewhere().await);
        let (here, there) = tokio::join!(
            world.app.reclass_engagement(&agent, &command, Step::after(None), &STERN),
            elsewhere.reclass_engagement(&agent, &command, Step::after(None), &STERN),
        );
        let corrected = world.done(here).value.judged.corrected + world.done(there).value.judged.corrected;
        assert_eq!(corrected, 20);
        let made = corrections(&world, id).await;
        let once: BTreeSet<_> = made.iter().map(|event| event.corrects).collect();
        assert_eq!((made.len(), once.len()), (20, 20));
        assert_eq!(made.last().map(|event| (event.human_count, event.machine_count)), Some((0, 20)));
    }

    async fn what_cannot_be_meant_is_refused(world: World) {
        let nothing = ReclassEngagement::default();
        let outcome = world.app.reclass_engagement(&world.agent(), &nothing, Step::after(None), &CURRENT).await;
        assert_eq!(world.refused(outcome).code, "SCOPE_MISSING");
        let nobody = of(CustomerId(uuid::Uuid::from_u128(7)));
        let outcome = world.app.reclass_engagement(&world.agent(), &nobody, Step::after(None), &CURRENT).await;
        assert_eq!(world.refused(outcome).code, "CUSTOMER_UNKNOWN");
        let end = world.app.end().await.expect("the log answers");
        let period = ReclassEngagement { since: Some(world.now()), ..ReclassEngagement::default() };
        let step = world.done(world.app.reclass_engagement(&world.agent(), &period, Step::after(Some(end)), &CURRENT).await);
        assert_eq!((step.value, step.position >= Position::START), (Reclassed::default(), true));
    }
}
