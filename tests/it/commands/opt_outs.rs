//! The word that was said last holds, at the address, for everybody who has it: in any order and repetition.

use chrono::{DateTime, TimeDelta, Utc};
use commlog::config::DEFAULT_TENANT;
use commlog::domain::address::event::AddressEvent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::RemoveAddress;
use commlog::domain::customer::event::Source;
use commlog::domain::import::decide::{ConsentRow, CustomerOptions, CustomerRow};
use commlog::domain::message::decide::{ReceiveMessage, RecordProviderFact, SendDecision};
use commlog::domain::message::event::{MessageClass, MessageKey, Route};
use commlog::domain::value::Channel;
use commlog::domain::value::message::{Report, group_topic};
use commlog::domain::value::token::Correlation;
use commlog::ids::{AddressId, CustomerId, MessageId};
use commlog::log::{Category, ReadLimit, StreamId};
use uuid::Uuid;

use super::on_both;
use super::world::{World, email};

const NUMBER: &str = "+442079460018";

/// What a provider reports of a message to the customer, said some seconds after the epoch.
fn report(who: (CustomerId, AddressId), id: &str, second: i64, report: Report) -> RecordProviderFact {
    let (customer_id, address_id) = who;
    let key = MessageKey {
        message_id: MessageId(Uuid::from_u128(77)),
        channel: Channel::Email,
        campaign_id: None,
        variant: None,
        conversation_id: None,
    };
    RecordProviderFact {
        correlation: Correlation {
            tenant: DEFAULT_TENANT,
            customer_id,
            key,
            address_id: Some(address_id),
            route: Route { provider: "sendgrid".to_owned(), account: "main".to_owned(), domain: None },
            called_at: DateTime::UNIX_EPOCH,
        },
        occurred_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
        provider_event_id: Some(id.to_owned()),
        report,
        raw: None,
    }
}

fn unsubscribed() -> Report {
    Report::OptedOut { method: "one_click".to_owned(), topic: None }
}

fn resubscribed(topic: &str) -> Report {
    Report::OptedIn { method: "provider".to_owned(), topic: topic.to_owned() }
}

async fn tell(world: &World, fact: RecordProviderFact) {
    world.done(world.app.record_provider_fact(&world.agent(), fact).await);
}

async fn consent(world: &World, customer_id: CustomerId, state: ConsentState) {
    super::merging::says(world, customer_id, "all", state).await;
}

async fn marketing(world: &World, customer_id: CustomerId) -> SendDecision {
    let command = email(customer_id, MessageClass::Marketing);
    world.done(world.elsewhere().await.send_message(&world.agent(), command, None).await).value.decision
}

fn refused() -> SendDecision {
    SendDecision::Suppressed { rule: "consent".to_owned() }
}

fn text(body: &str, id: &str, occurred_at: Option<DateTime<Utc>>) -> ReceiveMessage {
    ReceiveMessage {
        customer_id: None,
        channel: Channel::Sms,
        from: Some(NUMBER.to_owned()),
        to: None,
        subject: None,
        body: body.to_owned(),
        occurred_at,
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some(id.to_owned()),
        hint: None,
        source: Source::Provider,
        arrival: None,
    }
}

async fn receive(world: &World, message: ReceiveMessage) -> (CustomerId, MessageId) {
    let received = world.done(world.elsewhere().await.receive_message(&world.agent(), message).await).value;
    (received.customer_id, received.message_id)
}

async fn is_stopped(world: &World, id: CustomerId) -> bool {
    let command = commlog::domain::message::decide::SendMessage {
        channel: Channel::Sms,
        ..email(id, MessageClass::Transactional)
    };
    let sent = world.done(world.elsewhere().await.send_message(&world.agent(), command, None).await).value.decision;
    sent == SendDecision::Suppressed { rule: "suppressed_address".to_owned() }
}

async fn said_at_address(world: &World, id: AddressId) -> usize {
    let stream = StreamId::new(world.tenant, Category::Address, id.0);
    let recorded = world.journal.read_stream(stream, 0, ReadLimit::events(1_000)).await.expect("the log answers");
    let events = recorded
        .iter()
        .map(|event| AddressEvent::decode(&event.envelope.event_type, &event.data, None).expect("an address's event"));
    events.filter(|event| matches!(event, AddressEvent::AddressOptedOut(_) | AddressEvent::AddressOptedIn(_))).count()
}

/// The events of the last commit that holds one of a type, by their types.
async fn last_commit(world: &World, with: &str) -> Vec<String> {
    let all = world.all().await;
    let last = all.iter().rfind(|event| event.envelope.event_type == with).expect("an event of the type");
    let of_commit = all.iter().filter(|event| event.envelope.recorded_at == last.envelope.recorded_at);
    of_commit.map(|event| event.envelope.event_type.clone()).collect()
}

on_both! {
    async fn an_address_is_claimed_and_released_in_the_commit_that_adds_and_removes_it(world: World) {
        world.tell_commits_apart();
        let (nora, mailbox) = world.customer("nora@x.example").await;
        // A crash leaves both or neither: nobody has an address that is not claimed.
        let commit = last_commit(&world, "CustomerAddressAdded").await;
        assert_eq!(commit, ["CustomerRegistered", "CustomerAddressAdded", "AddressClaimed"]);
        let command = RemoveAddress { customer_id: nora, address_id: mailbox };
        world.done(world.app.remove_address(&world.agent(), command).await);
        let commit = last_commit(&world, "CustomerAddressRemoved").await;
        assert_eq!(commit, ["CustomerAddressRemoved", "AddressReleased"]);
        let claims = world.all().await.iter().filter(|event| event.envelope.event_type == "AddressClaimed").count();
        assert_eq!(claims, 1, "nothing is claimed twice");
    }

    async fn an_opt_out_is_recorded_at_the_customer_and_at_its_addresses_in_one_commit(world: World) {
        world.tell_commits_apart();
        let (nora, _) = world.customer("nora@x.example").await;
        world.advance(TimeDelta::seconds(1));
        consent(&world, nora, ConsentState::OptedOut).await;
        // A crash leaves both or neither.
        assert_eq!(last_commit(&world, "ConsentChanged").await, ["ConsentChanged", "AddressOptedOut"]);
        world.advance(TimeDelta::seconds(1));
        crate::commands::imports::import_customers(
            &world,
            vec![CustomerRow {
                consents: vec![ConsentRow {
                    channel: Channel::Email,
                    topic: "all".to_owned(),
                    state: ConsentState::OptedOut,
                    said_at: None,
                }],
                ..crate::commands::imports::customer(1, "7", "Grace")
            }],
            &CustomerOptions::default(),
        )
        .await;
        let commit = last_commit(&world, "ConsentChanged").await;
        for wanted in ["CustomerAddressAdded", "ConsentChanged", "AddressClaimed", "AddressOptedOut"] {
            assert!(commit.iter().any(|name| name == wanted), "{wanted} is not in {commit:?}");
        }
    }

    async fn an_opt_out_holds_for_everybody_who_has_the_mailbox(world: World) {
        let (nora, _) = world.customer("nora@example.org").await;
        let (again, _) = world.customer("nora@example.org").await;
        assert_eq!(marketing(&world, again).await, SendDecision::Queued);
        consent(&world, nora, ConsentState::OptedOut).await;
        assert_eq!((marketing(&world, nora).await, marketing(&world, again).await), (refused(), refused()));
        world.advance(TimeDelta::minutes(1));
        consent(&world, nora, ConsentState::OptedIn).await;
        assert_eq!(marketing(&world, again).await, SendDecision::Queued);
    }

    async fn a_late_or_repeated_resubscription_does_not_end_a_later_opt_out(world: World) {
        let (nora, address_id) = world.customer("nora@example.org").await;
        let who = (nora, address_id);
        tell(&world, report(who, "e2", 200, unsubscribed())).await;
        for id in ["e1", "e1", "e1 under another id"] {
            tell(&world, report(who, id, 100, resubscribed("all"))).await;
            assert_eq!(marketing(&world, nora).await, refused());
        }
        tell(&world, report(who, "e3", 300, resubscribed("all"))).await;
        assert_eq!(marketing(&world, nora).await, SendDecision::Queued);
        tell(&world, report(who, "e2 under another id", 200, unsubscribed())).await;
        assert_eq!(marketing(&world, nora).await, SendDecision::Queued);
        consent(&world, nora, ConsentState::OptedOut).await;
        tell(&world, report(who, "e3", 300, resubscribed("all"))).await;
        assert_eq!(marketing(&world, nora).await, refused());
    }

    async fn a_group_of_a_provider_is_a_topic_and_never_everything(world: World) {
        let (nora, address_id) = world.customer("nora@example.org").await;
        let who = (nora, address_id);
        consent(&world, nora, ConsentState::OptedOut).await;
        world.advance(TimeDelta::days(1));
        let later = (world.now() - DateTime::UNIX_EPOCH).num_seconds();
        tell(&world, report(who, "e1", later, resubscribed(&group_topic("10")))).await;
        assert_eq!(marketing(&world, nora).await, refused());
    }

    async fn a_start_that_is_handed_over_again_lifts_no_later_stop_though_it_names_no_time(world: World) {
        let (nora, first) = receive(&world, text("STOP", "SM1", None)).await;
        world.advance(TimeDelta::minutes(1));
        receive(&world, text("START", "SM2", None)).await;
        assert!(!is_stopped(&world, nora).await);
        world.advance(TimeDelta::minutes(1));
        receive(&world, text("STOP", "SM3", None)).await;
        world.advance(TimeDelta::minutes(1));
        receive(&world, text("START", "SM2", None)).await;
        assert!(is_stopped(&world, nora).await);
        world.advance(TimeDelta::minutes(1));
        receive(&world, text("START", "SM4", None)).await;
        world.advance(TimeDelta::minutes(1));
        let (_, again) = receive(&world, text("STOP", "SM1", None)).await;
        receive(&world, text("STOP", "SM3", None)).await;
        assert_eq!(again, first, "the same message");
        assert!(!is_stopped(&world, nora).await);
    }

    async fn a_stop_that_comes_in_late_does_not_end_a_start_that_was_said_after_it(world: World) {
        let at = |minutes| Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
        let (nora, _) = receive(&world, text("START", "SM2", at(2))).await;
        receive(&world, text("STOP", "SM1", at(1))).await;
        assert!(!is_stopped(&world, nora).await);
        receive(&world, text("STOP", "SM3", at(3))).await;
        assert!(is_stopped(&world, nora).await);
    }

    async fn two_senders_of_one_message_id_are_two_mails_and_a_repetition_is_one(world: World) {
        let mail = |from: &str, body: &str| ReceiveMessage {
            channel: Channel::Email,
            from: Some(from.to_owned()),
            ..text(body, "<same@mailer.example>", None)
        };
        let (_, nora) = receive(&world, mail("nora@example.org", "One")).await;
        let (_, ilya) = receive(&world, mail("ilya@example.org", "Two")).await;
        let (_, other) = receive(&world, mail("nora@example.org", "Three")).await;
        let (_, again) = receive(&world, mail("nora@example.org", "One")).await;
        assert_eq!(nora, again);
        assert!(nora != ilya && nora != other);
    }

    async fn one_open_under_another_id_counts_once(world: World) {
        let (nora, address_id) = world.customer("nora@example.org").await;
        let opened = |ip: &str| Report::Opened {
            class: commlog::domain::value::message::EngagementClass::Human,
            rule: "engagement/1".to_owned(),
            flagged: None,
            ip: Some(ip.to_owned()),
            user_agent: Some("Mail".to_owned()),
        };
        for (id, ip) in [("a", "192.0.2.1"), ("b", "192.0.2.1"), ("c", "192.0.2.2")] {
            tell(&world, report((nora, address_id), id, 5, opened(ip))).await;
        }
        assert_eq!(world.types(nora).await.iter().filter(|name| *name == "MessageOpened").count(), 2);
    }

    async fn in_any_order_and_repetition_the_word_that_was_said_last_holds(world: World) {
        // Every order of four words, each told twice.
        let words = [(1, true), (2, false), (3, true), (4, false)];
        for (number, order) in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]].into_iter().enumerate() {
            for last in [3_usize, 4] {
                let (who, address_id) = world.customer(&format!("w{number}.{last}@example.org")).await;
                let (shared, _) = world.customer(&format!("w{number}.{last}@example.org")).await;
                for index in order.into_iter().chain(order).filter(|index| *index < last) {
                    let (second, is_out) = words[index];
                    let word = if is_out { unsubscribed() } else { resubscribed("all") };
                    tell(&world, report((who, address_id), &format!("e{second}"), second, word)).await;
                }
                let expected = if words[last - 1].1 { refused() } else { SendDecision::Queued };
                assert_eq!(marketing(&world, who).await, expected, "{order:?} of {last}");
                assert_eq!(marketing(&world, shared).await, expected, "{order:?} of {last}, who shares the mailbox");
                assert_eq!(said_at_address(&world, address_id).await, last, "each word once");
            }
        }
    }
}
