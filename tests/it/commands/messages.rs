//! Deciding on messages.

use chrono::TimeDelta;
use commlog::domain::address::decide::{AddressRef, LiftSuppression, SuppressAddress};
use commlog::domain::address::event::SuppressionReason;
use commlog::domain::consent::decide::SetConsent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::conversation::decide::UpdateConversation;
use commlog::domain::conversation::event::ConversationEvent;
use commlog::domain::conversation::event::ConversationState;
use commlog::domain::customer::decide::Patch;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::message::decide::{CancelMessage, ReceiveMessage, SendDecision, SendMessage};
use commlog::domain::message::event::MessageClass;
use commlog::domain::message::event::MessageEvent;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::CustomerId;

use super::on_both;
use super::world::email;

fn opt_out(customer_id: CustomerId, topic: &str) -> SetConsent {
    SetConsent {
        customer_id,
        channel: Channel::Email,
        topic: topic.to_owned(),
        state: ConsentState::OptedOut,
        method: "form".to_owned(),
        wording: Some("No more news".to_owned()),
        ip: None,
        user_agent: None,
        message_id: None,
        source: Source::Api,
    }
}

fn inbound(customer_id: Option<CustomerId>, id: &str) -> ReceiveMessage {
    ReceiveMessage {
        customer_id,
        channel: Channel::Sms,
        from: Some("+44 20 7946 0018".to_owned()),
        to: None,
        subject: None,
        body: "Is it \"in stock\"?\tYes/no\n".to_owned(),
        occurred_at: None,
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some(id.to_owned()),
        hint: None,
        source: Source::Provider,
        arrival: None,
    }
}

fn rule(decision: SendDecision) -> String {
    match decision {
        SendDecision::Suppressed { rule } => rule,
        SendDecision::Queued | SendDecision::Held { .. } => String::new(),
    }
}

on_both! {
    async fn an_opt_out_suppresses_marketing_and_lets_transactional_messages_pass(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        world.done(world.app.set_consent(&world.agent(), opt_out(ada, "all")).await);
        let news = world.done(world.app.send_message(&world.agent(), email(ada, MessageClass::Marketing), None).await).value;
        assert_eq!(rule(news.decision), "consent");
        let order = world.done(world.app.send_message(&world.agent(), email(ada, MessageClass::Transactional), None).await);
        assert_eq!(order.value.decision, SendDecision::Queued);
    }

    async fn a_suppressed_address_gets_nothing_until_the_suppression_is_lifted(world: World) {
        let (ada, address_id) = world.customer("ada@example.org").await;
        let address = AddressRef::Text { kind: AddressKind::Email, address: "ada@EXAMPLE.org ".to_owned() };
        let suppress = SuppressAddress {
            address: address.clone(),
            reason: SuppressionReason::Manual,
            message_id: None,
            customer_id: Some(ada),
            source: Source::Api,
        };
        let suppressed = world.done(world.app.suppress_address(&world.agent(), suppress).await).value;
        assert_eq!(suppressed, address_id);
        let transactional = email(ada, MessageClass::Transactional);
        let sent = world.done(world.elsewhere().await.send_message(&world.agent(), transactional.clone(), None).await).value;
        assert_eq!(rule(sent.decision), "suppressed_address");
        let note = "She asked us to.".to_owned();
        let lift = LiftSuppression { address, reason: SuppressionReason::Manual, note };
        world.done(world.app.lift_suppression(&world.agent(), lift.clone()).await);
        let sent = world.done(world.app.send_message(&world.agent(), transactional, None).await).value;
        assert_eq!(sent.decision, SendDecision::Queued);
        assert_eq!(world.refused(world.app.lift_suppression(&world.agent(), lift).await).code, "NOT_SUPPRESSED");
    }

    async fn a_customer_without_an_address_of_the_channel_gets_a_reason_in_the_log(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let sms = SendMessage { channel: Channel::Sms, ..email(ada, MessageClass::Transactional) };
        let sent = world.done(world.app.send_message(&world.agent(), sms, None).await).value;
        assert_eq!(rule(sent.decision), "unknown_address");
        assert_eq!(world.types(ada).await[2..], ["MessageQueued", "MessageSuppressed"]);
    }

    async fn a_message_for_later_is_held_and_can_be_cancelled(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let until = world.now() + TimeDelta::hours(2);
        let later = SendMessage { send_at: Some(until), ..email(ada, MessageClass::Marketing) };
        let held = world.done(world.app.send_message(&world.agent(), later, None).await).value;
        assert_eq!(held.decision, SendDecision::Held { until, rule: "scheduled".to_owned() });
        let cancel = CancelMessage { customer_id: ada, message_id: held.message_id, reason: "typo".to_owned() };
        world.done(world.app.cancel_message(&world.agent(), cancel.clone()).await);
        assert_eq!(world.refused(world.app.cancel_message(&world.agent(), cancel).await).code, "MESSAGE_NOT_PENDING");
    }

    async fn an_unknown_writer_becomes_one_customer_and_the_text_is_kept_exactly(world: World) {
        let first = world.done(world.app.receive_message(&world.agent(), inbound(None, "SM1")).await);
        let again = world.done(world.elsewhere().await.receive_message(&world.agent(), inbound(None, "SM1")).await);
        let second = world.done(world.app.receive_message(&world.agent(), inbound(None, "SM2")).await);
        assert_eq!((first.value.clone(), true), (again.value, again.repeated));
        assert_eq!(first.value.customer_id, second.value.customer_id);
        let texts: Vec<_> = world.events(first.value.customer_id).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Message(MessageEvent::MessageReceived(received)) => received.personal.map(|personal| personal.body),
            _ => None,
        }).collect();
        assert_eq!(texts, [inbound(None, "").body, inbound(None, "").body]);
    }

    async fn an_inbound_message_reopens_the_conversation_and_an_answer_ends_the_wait(world: World) {
        let received = world.done(world.app.receive_message(&world.agent(), inbound(None, "SM1")).await).value;
        let (ada, conversation_id) = (received.customer_id, received.conversation_id.expect("a conversation"));
        let resolve = UpdateConversation {
            customer_id: ada,
            conversation_id,
            state: Some(ConversationState::Resolved),
            snoozed_until: None,
            assignee: Patch::Set("grace".to_owned()),
            team: Patch::Keep,
            priority: None,
            mark_read: true,
        };
        world.done(world.app.update_conversation(&world.agent(), resolve).await);
        world.done(world.app.receive_message(&world.agent(), inbound(Some(ada), "SM2")).await);
        let answer = SendMessage { channel: Channel::Sms, ..email(ada, MessageClass::Transactional) };
        world.done(world.app.send_message(&world.agent(), answer, None).await);
        let course: Vec<_> = world.events(ada).await.into_iter().filter_map(|event| match event {
            CustomerEvent::Conversation(ConversationEvent::ConversationChanged(now)) => Some((now.state, now.unread, now.assignee)),
            _ => None,
        }).collect();
        let grace = Some("grace".to_owned());
        assert_eq!(course, [
            (ConversationState::Open, 1, None),
            (ConversationState::Resolved, 0, grace.clone()),
            (ConversationState::Open, 1, grace.clone()),
            (ConversationState::Pending, 0, grace),
        ]);
    }

    async fn a_nul_character_is_refused_with_the_name_of_the_field(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let nul = SendMessage { body: "a\0b".to_owned(), ..email(ada, MessageClass::Marketing) };
        let refusal = world.refused(world.app.send_message(&world.agent(), nul, None).await);
        assert_eq!(refusal.field.as_deref(), Some("body"));
    }
}
