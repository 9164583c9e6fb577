//! A repeated command is answered, not carried out again.

use commlog::app::AppError;
use commlog::domain::activity::decide::RecordActivity;
use commlog::domain::activity::event::ActivityKind;
use commlog::domain::customer::decide::{AddNote, ForgetCustomer};
use commlog::domain::customer::event::Source;
use commlog::domain::tenant::decide::{CreateTenant, IssueApiKey, read_token};
use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;

use super::on_both;
use super::world::registration;

fn note(customer_id: CustomerId, text: &str) -> AddNote {
    AddNote { customer_id, conversation_id: None, text: text.to_owned(), pinned: false }
}

fn invoice(customer_id: CustomerId, amount_micros: i64) -> RecordActivity {
    RecordActivity {
        customer_id,
        kind: ActivityKind::Invoice,
        name: None,
        reference: Some("R-17".to_owned()),
        status: None,
        occurred_at: Some("2026-01-05T12:00:00Z".parse().expect("a time")),
        amount_micros: Some(amount_micros),
        currency: Some("EUR".to_owned()),
        lines: vec![],
        due_at: None,
        message_id: None,
        title: None,
        attributes: Default::default(),
        source: Source::Api,
    }
}

on_both! {
    async fn the_same_key_with_the_same_input_gets_the_first_answer(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let caller = world.agent().with_key("k1");
        let first = world.done(world.app.add_note(&caller, note(ada, "Called her.")).await);
        let again = world.done(world.app.add_note(&caller, note(ada, "Called her.")).await);
        let elsewhere = world.done(world.elsewhere().await.add_note(&caller, note(ada, "Called her.")).await);
        assert!(!first.repeated && again.repeated && elsewhere.repeated);
        assert_eq!((first.value, first.position), (again.value, again.position));
        assert_eq!((first.value, first.position), (elsewhere.value, elsewhere.position));
        assert_eq!(world.types(ada).await.iter().filter(|name| *name == "NoteAdded").count(), 1);
    }

    async fn the_same_key_with_other_input_is_an_error(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let caller = world.agent().with_key("k1");
        world.done(world.app.add_note(&caller, note(ada, "Called her.")).await);
        let other = world.app.add_note(&caller, note(ada, "Wrote to her.")).await;
        assert!(matches!(other, Err(AppError::KeyReused)), "{other:?}");
        let other = world.app.register_customer(&caller, registration("b@example.org")).await;
        assert!(matches!(other, Err(AppError::KeyReused)), "{other:?}");
    }

    async fn a_customer_registered_twice_with_one_key_is_one_customer(world: World) {
        let caller = world.agent().with_key("k1");
        let first = world.done(world.app.register_customer(&caller, registration("ada@example.org")).await);
        let again = world.done(world.app.register_customer(&caller, registration("ada@example.org")).await);
        assert_eq!(first.value, again.value);
        assert!(again.repeated);
    }

    async fn a_repeated_command_is_answered_even_if_it_would_be_refused_now(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let caller = world.agent().with_key("k1");
        let first = world.done(world.app.add_note(&caller, note(ada, "Called her.")).await);
        let forget = ForgetCustomer { customer_id: ada, reason: "request".to_owned() };
        world.done(world.app.forget_customer(&world.agent(), forget).await);
        let again = world.done(world.app.add_note(&caller, note(ada, "Called her.")).await);
        assert_eq!((again.value, again.repeated), (first.value, true));
        let refusal = world.refused(world.app.add_note(&world.agent(), note(ada, "Again.")).await);
        assert_eq!(refusal.code, "CUSTOMER_FORGOTTEN");
    }

    async fn a_repeated_key_issue_tells_the_same_token(world: World) {
        let name = "Wine & Co".to_owned();
        world.done(world.app.create_tenant(&world.agent(), CreateTenant { name }).await);
        let caller = world.agent().with_key("k1");
        let issue = IssueApiKey::of(Role::Agent, "desk");
        let first = world.done(world.app.issue_api_key(&caller, issue.clone()).await).value;
        let again = world.done(world.app.issue_api_key(&caller, issue).await).value;
        assert_eq!(first.token, again.token);
        assert_eq!(read_token(&first.token).map(|(key_id, _)| key_id), Some(first.key_id));
    }

    async fn an_activity_with_a_reference_is_recorded_once(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let first = world.done(world.app.record_activity(&world.agent(), invoice(ada, 5_000_000)).await);
        let again = world.done(world.app.record_activity(&world.agent(), invoice(ada, 5_000_000)).await);
        assert_eq!((first.value, false, true), (again.value, first.repeated, again.repeated));
        let other = world.refused(world.app.record_activity(&world.agent(), invoice(ada, 6_000_000)).await);
        assert_eq!(other.code, "RECORDED_DIFFERENTLY");
    }
}
