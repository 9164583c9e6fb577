//! Files that name customers who were merged since: facts are found again, what is about the person goes to the survivor.

use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::customer::event::ProfileEvent;
use commlog::domain::import::decide::{ConsentRow, CustomerOptions, CustomerRow};
use commlog::domain::message::decide::SendDecision;
use commlog::domain::message::event::MessageClass;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::CustomerId;

use super::imports::{count, customer, external, import_customers, import_orders, order, orders, undo};
use super::merging::{ask, merge, suppressed};
use super::on_both;
use super::world::{World, email};

fn says(topic: &str, state: ConsentState) -> ConsentRow {
    ConsentRow { channel: Channel::Email, topic: topic.to_owned(), state, said_at: None }
}

/// How many mailboxes a customer has, by its events.
async fn mailboxes(world: &World, id: CustomerId) -> usize {
    let events = world.events(id).await.into_iter();
    events.fold(0, |count, event| match event {
        CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) if added.kind == AddressKind::Email => {
            count + 1
        }
        CustomerEvent::Profile(ProfileEvent::CustomerAddressRemoved(removed)) if removed.kind == AddressKind::Email => {
            count - 1
        }
        _ => count,
    })
}

on_both! {
    async fn orders_that_were_imported_before_the_merge_are_not_counted_again(world: World) {
        import_orders(&world, &world.app, orders()).await;
        let (other, survivor) = (external(&world, "13047").await, external(&world, "17850").await);
        merge(&world, other, survivor).await;
        let (_, again) = import_orders(&world, &world.elsewhere().await, orders()).await;
        assert_eq!((again.appended, again.already, again.refused.len()), (0, 3, 0));
        let (_, more) = import_orders(&world, &world.app, vec![order(1, Some("13047"), "536399")]).await;
        assert_eq!((more.appended, more.already), (1, 0));
        assert_eq!(count(&world.types(other).await, "ActivityRecorded"), 2);
        assert_eq!(count(&world.types(survivor).await, "ActivityRecorded"), 2);
    }

    async fn rows_of_a_merged_customer_go_to_the_survivor_and_their_opt_outs_count(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let options = CustomerOptions::default();
        import_customers(&world, vec![customer(1, "7", "Grace")], &options).await;
        let grace = external(&world, "7").await;
        merge(&world, grace, ada).await;
        let before = world.types(grace).await.len();
        let out = CustomerRow { consents: vec![says("news", ConsentState::OptedOut)], ..customer(1, "7", "Grace") };
        let (_, chunk) = import_customers(&world, vec![out], &options).await;
        assert!(chunk.refused.is_empty() && chunk.appended > 0, "{chunk:?}");
        assert_eq!(world.types(grace).await.len(), before);
        let (_, decision) = ask(&world, &world.elsewhere().await, email(ada, MessageClass::Marketing)).await;
        assert_eq!(decision, suppressed("consent"));
    }

    async fn undoing_an_import_takes_back_what_the_survivor_took_over(world: World) {
        let (ada, _) = world.customer("ada@example.org").await;
        let row = CustomerRow {
            consents: vec![says("offers", ConsentState::OptedIn), says("news", ConsentState::OptedOut)],
            ..customer(1, "7", "Grace")
        };
        let (run, _) = import_customers(&world, vec![row], &CustomerOptions::default()).await;
        let grace = external(&world, "7").await;
        merge(&world, grace, ada).await;
        assert_eq!((mailboxes(&world, ada).await, mailboxes(&world, grace).await), (2, 1));
        undo(&world, &run).await;
        assert_eq!((mailboxes(&world, ada).await, mailboxes(&world, grace).await), (1, 0));
        // The import was all that spoke of the opt-out: silence stands again.
        assert_eq!(ask(&world, &world.app, email(ada, MessageClass::Marketing)).await.1, SendDecision::Queued);
        let offers = commlog::domain::message::decide::SendMessage {
            topic: "offers".to_owned(),
            ..email(ada, MessageClass::Marketing)
        };
        assert_eq!(ask(&world, &world.app, offers).await.1, SendDecision::Queued);
        let size = world.size().await;
        undo(&world, &run).await;
        assert_eq!(world.size().await, size);
    }
}
