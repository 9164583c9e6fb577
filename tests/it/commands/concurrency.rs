//! Many commands at once.

use std::collections::HashSet;

use commlog::domain::customer::decide::{
    AddNote, ChangeProfile, PinNote, ProfileInput, ProfilePatch, RegisterCustomer,
};
use commlog::domain::customer::event::ProfileEvent;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::tenant::decide::CreateTenant;
use futures::future::join_all;

use super::on_both;

on_both! {
    async fn commands_of_two_processes_on_one_customer_are_all_carried_out(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let (here, there) = (world.app.clone(), world.elsewhere().await);
        let agent = world.agent();
        let notes = (0..40).map(|number| {
            let app = if number % 2 == 0 { &here } else { &there };
            app.add_note(&agent, AddNote { customer_id: ada, conversation_id: None, text: format!("note {number}"), pinned: false })
        });
        let ids: HashSet<_> = join_all(notes).await.into_iter().map(|outcome| world.done(outcome).value).collect();
        assert_eq!(ids.len(), 40);
        assert_eq!(world.types(ada).await.iter().filter(|name| *name == "NoteAdded").count(), 40);
    }

    async fn tags_added_at_once_are_all_kept(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let (here, there) = (world.app.clone(), world.elsewhere().await);
        let agent = world.agent();
        let changes = (0..20).map(|number| {
            let app = if number % 2 == 0 { &here } else { &there };
            let patch = ProfilePatch { add_tags: vec![format!("tag{number:02}")], ..ProfilePatch::default() };
            app.change_profile(&agent, ChangeProfile { customer_id: ada, patch, source: Source::Api, import_id: None })
        });
        for outcome in join_all(changes).await {
            world.done(outcome);
        }
        let last = world.events(ada).await.into_iter().rev().find_map(|event| match event {
            CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(changed)) => Some(changed.profile.tags),
            _ => None,
        });
        assert_eq!(last.map(|tags| tags.len()), Some(20));
    }

    async fn of_many_registrations_of_one_external_id_one_wins(world: World) {
        let (here, there) = (world.app.clone(), world.elsewhere().await);
        let agent = world.agent();
        let registrations = (0..10).map(|number| {
            let app = if number % 2 == 0 { &here } else { &there };
            let profile = ProfileInput { external_id: Some("17850".to_owned()), ..ProfileInput::default() };
            app.register_customer(&agent, RegisterCustomer { profile, addresses: vec![], source: Source::Api })
        });
        let outcomes = join_all(registrations).await;
        let done = outcomes.into_iter().filter(|outcome| {
            outcome.as_ref().expect("the log answers").clone().into_result().is_ok_and(|done| !done.repeated)
        });
        assert_eq!(done.count(), 1);
        assert_eq!(world.size().await, 1);
    }

    async fn a_tenant_is_created_once(world: World) {
        let create = || CreateTenant { name: "Wine & Co".to_owned() };
        world.done(world.app.create_tenant(&world.agent(), create()).await);
        assert_eq!(world.refused(world.app.create_tenant(&world.agent(), create()).await).code, "TENANT_EXISTS");
    }

    async fn a_long_stream_is_folded_from_its_snapshot_and_its_end(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let agent = world.agent();
        let mut first = None;
        for number in 0..700 {
            let note = AddNote { customer_id: ada, conversation_id: None, text: format!("note {number}"), pinned: false };
            let id = world.done(world.app.add_note(&agent, note).await).value;
            first = first.or(Some(id));
        }
        let elsewhere = world.elsewhere().await;
        let pin = PinNote { customer_id: ada, note_id: first.expect("a note"), pinned: true };
        world.done(elsewhere.pin_note(&agent, pin).await);
        let stranger = PinNote { customer_id: ada, note_id: uuid::Uuid::nil().into(), pinned: true };
        assert_eq!(world.refused(elsewhere.pin_note(&agent, stranger).await).code, "NOTE_UNKNOWN");
    }
}
