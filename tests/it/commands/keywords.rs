//! STOP, START and HELP; soft bounces; who an unknown number is.

use std::collections::HashSet;

use chrono::TimeDelta;
use commlog::config::DEFAULT_TENANT;
use commlog::domain::address::decide::{AddressRef, LiftSuppression, SuppressAddress};
use commlog::domain::address::event::{AddressEvent, SuppressionReason};
use commlog::domain::consent::event::ConsentEvent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::{AddressInput, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::ProfileEvent;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::message::decide::{ReceiveMessage, RecordProviderFact, SendDecision, SendMessage};
use commlog::domain::message::event::MessageEvent;
use commlog::domain::message::event::{BounceKind, MessageClass, MessageKey, Route};
use commlog::domain::value::Keyword;
use commlog::domain::value::message::Report;
use commlog::domain::value::token::Correlation;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{AddressId, CustomerId, MessageId};
use commlog::log::{Category, Personal, ReadLimit, StreamId};
use futures::future::join_all;
use uuid::Uuid;

use super::on_both;
use super::world::{World, email};

const NUMBER: &str = "+442079460018";

/// A customer with the number.
async fn caller_with_number(world: &World, name: &str) -> CustomerId {
    let command = RegisterCustomer {
        profile: ProfileInput { name: Some(name.to_owned()), ..ProfileInput::default() },
        addresses: vec![AddressInput {
            kind: AddressKind::Phone,
            address: NUMBER.to_owned(),
            region: None,
            label: None,
            primary: true,
        }],
        source: Source::Api,
    };
    world.done(world.app.register_customer(&world.agent(), command).await).value
}

async fn number_of(world: &World, id: CustomerId) -> AddressId {
    let added = world.events(id).await.into_iter().find_map(|event| match event {
        CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) => Some(added.address_id),
        _ => None,
    });
    added.expect("the customer has the number")
}

fn text(world: &World, body: &str, id: &str) -> ReceiveMessage {
    ReceiveMessage {
        customer_id: None,
        channel: Channel::Sms,
        from: Some(NUMBER.to_owned()),
        to: None,
        subject: None,
        body: body.to_owned(),
        occurred_at: Some(world.now()),
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some(id.to_owned()),
        hint: None,
        source: Source::Provider,
        arrival: None,
    }
}

async fn receive(world: &World, message: ReceiveMessage) -> (CustomerId, MessageId) {
    let received = world.done(world.app.receive_message(&world.agent(), message).await).value;
    (received.customer_id, received.message_id)
}

async fn sms(world: &World, customer_id: CustomerId) -> SendDecision {
    let command = SendMessage { channel: Channel::Sms, ..email(customer_id, MessageClass::Transactional) };
    world.done(world.elsewhere().await.send_message(&world.agent(), command, None).await).value.decision
}

fn suppressed() -> SendDecision {
    SendDecision::Suppressed { rule: "suppressed_address".to_owned() }
}

async fn address_events(world: &World, id: AddressId) -> Vec<AddressEvent> {
    let stream = StreamId::new(world.tenant, Category::Address, id.0);
    let recorded = world.journal.read_stream(stream, 0, ReadLimit::events(1_000)).await.expect("the log answers");
    let decode = |event: &commlog::log::RecordedEvent| {
        assert!(matches!(event.personal, Personal::None));
        AddressEvent::decode(&event.envelope.event_type, &event.data, None).expect("an address's event")
    };
    recorded.iter().map(decode).collect()
}

async fn opted(world: &World, id: CustomerId) -> Vec<(ConsentState, Option<String>)> {
    let events = world.events(id).await.into_iter();
    events
        .filter_map(|event| match event {
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => {
                assert_eq!((changed.channel, changed.topic.as_str()), (Channel::Sms, "all"));
                assert_eq!(changed.method, "keyword");
                Some((changed.state, changed.personal.and_then(|personal| personal.wording)))
            }
            _ => None,
        })
        .collect()
}

fn report(customer_id: CustomerId, address_id: AddressId, number: u128, at: i64, report: Report) -> RecordProviderFact {
    let key = MessageKey {
        message_id: MessageId(Uuid::from_u128(number)),
        channel: Channel::Email,
        campaign_id: None,
        variant: None,
        conversation_id: None,
    };
    let occurred_at = chrono::DateTime::UNIX_EPOCH + TimeDelta::minutes(at);
    RecordProviderFact {
        correlation: Correlation {
            tenant: DEFAULT_TENANT,
            customer_id,
            key,
            address_id: Some(address_id),
            route: Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None },
            called_at: occurred_at,
        },
        occurred_at,
        provider_event_id: None,
        report,
        raw: None,
    }
}

fn soft() -> Report {
    Report::Bounced { bounce: BounceKind::Soft, code: None, diagnostic: None }
}

on_both! {
    async fn a_stop_counts_for_everybody_who_shares_the_number_and_is_evidence(world: World) {
        let ada = caller_with_number(&world, "Ada").await;
        let bob = caller_with_number(&world, "Bob").await;
        let (writer, message_id) = receive(&world, text(&world, " Stop! ", "SM1")).await;
        assert_eq!(writer, ada, "the first who claimed the number");
        assert_eq!(opted(&world, ada).await, [(ConsentState::OptedOut, Some(" Stop! ".to_owned()))]);
        assert_eq!((sms(&world, ada).await, sms(&world, bob).await), (suppressed(), suppressed()));
        let events = address_events(&world, number_of(&world, ada).await).await;
        let [_, _, AddressEvent::AddressSuppressed(stop), AddressEvent::AddressOptedOut(_)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((stop.reason, stop.message_id, stop.customer_id), (SuppressionReason::Stop, Some(message_id), Some(ada)));
    }

    async fn a_start_lifts_the_stop_and_nothing_else(world: World) {
        let ada = caller_with_number(&world, "Ada").await;
        receive(&world, text(&world, "STOP", "SM1")).await;
        world.advance(TimeDelta::minutes(1));
        receive(&world, text(&world, "START", "SM2")).await;
        assert_eq!(sms(&world, ada).await, SendDecision::Queued);
        assert_eq!(opted(&world, ada).await.len(), 2);
        let suppress = SuppressAddress {
            address: AddressRef::Text { kind: AddressKind::Phone, address: NUMBER.to_owned() },
            reason: SuppressionReason::Manual,
            message_id: None,
            customer_id: None,
            source: Source::Api,
        };
        world.done(world.app.suppress_address(&world.agent(), suppress).await);
        receive(&world, text(&world, "START", "SM3")).await;
        assert_eq!(sms(&world, ada).await, suppressed());
    }

    async fn a_stop_that_is_handed_over_again_does_not_end_a_later_start(world: World) {
        let ada = caller_with_number(&world, "Ada").await;
        let stop = text(&world, "STOP", "SM1");
        receive(&world, stop.clone()).await;
        world.advance(TimeDelta::minutes(1));
        let start = text(&world, "START", "SM2");
        receive(&world, start.clone()).await;
        let again = world.done(world.elsewhere().await.receive_message(&world.agent(), stop).await);
        assert!(again.repeated);
        assert_eq!(sms(&world, ada).await, SendDecision::Queued);
        world.advance(TimeDelta::minutes(1));
        receive(&world, text(&world, "STOP", "SM3")).await;
        let again = world.done(world.elsewhere().await.receive_message(&world.agent(), start).await);
        assert!(again.repeated);
        assert_eq!(sms(&world, ada).await, suppressed());
    }

    async fn help_is_only_marked_a_hint_counts_first_and_email_has_no_keywords(world: World) {
        let ada = caller_with_number(&world, "Ada").await;
        receive(&world, text(&world, "help", "SM1")).await;
        receive(&world, ReceiveMessage { hint: Some(Keyword::Help), ..text(&world, "STOP", "SM2") }).await;
        let mail = ReceiveMessage {
            customer_id: Some(ada),
            channel: Channel::Email,
            from: Some("ada@example.org".to_owned()),
            ..text(&world, "STOP", "M3")
        };
        receive(&world, mail).await;
        assert_eq!(sms(&world, ada).await, SendDecision::Queued);
        let marks: Vec<_> = world.events(ada).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Message(MessageEvent::MessageReceived(received)) => Some(received.keyword),
            _ => None,
        }).collect();
        assert_eq!(marks, [Some(Keyword::Help), Some(Keyword::Help), None]);
        receive(&world, ReceiveMessage { hint: Some(Keyword::Stop), ..text(&world, "opt me out", "SM4") }).await;
        assert_eq!(sms(&world, ada).await, suppressed());
    }

    async fn of_many_messages_from_an_unknown_number_one_customer_comes(world: World) {
        let (here, there) = (world.app.clone(), world.elsewhere().await);
        let agent = world.agent();
        let callbacks = (0..50).map(|number| {
            let app = if number % 2 == 0 { &here } else { &there };
            app.receive_message(&agent, text(&world, "Hello?", &format!("SM{number}")))
        });
        let who: HashSet<_> =
            join_all(callbacks).await.into_iter().map(|outcome| world.done(outcome).value.customer_id).collect();
        assert_eq!(who.len(), 1);
        let registered = world.all().await.into_iter().filter(|event| event.envelope.event_type == "CustomerRegistered");
        assert_eq!(registered.count(), 1);
        let id = who.into_iter().next().expect("somebody");
        assert_eq!(world.types(id).await.iter().filter(|name| *name == "MessageReceived").count(), 50);
    }

    async fn three_soft_bounces_make_an_address_unreachable_until_a_delivery(world: World) {
        let (ada, address_id) = world.customer("ada@example.org").await;
        let record = async |number, at, told| {
            world.done(world.app.record_provider_fact(&world.agent(), report(ada, address_id, number, at, told)).await);
        };
        record(1, 1, Report::Delivered).await;
        assert_eq!(address_events(&world, address_id).await.len(), 1, "an ordinary delivery is not the address's matter");
        for (number, at) in [(2, 2), (3, 3), (3, 3), (4, 4), (4, 4)] {
            record(number, at, soft()).await;
        }
        let events = address_events(&world, address_id).await;
        assert_eq!(events.len(), 5, "{events:?}");
        let sent = world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await;
        assert_eq!(world.done(sent).value.decision, suppressed());
        record(5, 5, Report::Delivered).await;
        let sent = world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await;
        assert_eq!(world.done(sent).value.decision, SendDecision::Queued);
    }

    async fn an_operator_who_lifts_it_gives_an_unreachable_address_a_new_start(world: World) {
        let (ada, address_id) = world.customer("ada@example.org").await;
        let record = async |number: u128| {
            let at = i64::try_from(number).expect("small");
            let fact = report(ada, address_id, number, at, soft());
            world.done(world.app.record_provider_fact(&world.agent(), fact).await);
        };
        for number in 1..=3 {
            record(number).await;
        }
        let address = AddressRef::Id { address_id, kind: AddressKind::Email };
        let lift = LiftSuppression { address, reason: SuppressionReason::Unreachable, note: "A new server.".to_owned() };
        world.done(world.app.lift_suppression(&world.agent(), lift).await);
        record(4).await;
        let sent = world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await;
        assert_eq!(world.done(sent).value.decision, SendDecision::Queued);
    }
}
