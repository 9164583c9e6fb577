use commlog::domain::message::event::{MessageClass, MessageQueued};
use commlog::domain::{event::Event, upcasters};
use commlog::log::{Expected, Journal, NewEvent, Personal, ReadLimit};

use crate::log_contract::World;

/// `MessageQueued` version 1, as it was stored.
const DATA: &str = include_str!("../samples/message_queued_v1_data.json");
const PERSONAL: &str = include_str!("../samples/message_queued_v1_personal.json");

pub(crate) async fn an_old_payload_is_read_in_the_newest_schema_and_stays_as_it_is(world: &World) {
    let customer = world.customer();
    let stream = world.stream_of(customer);
    let stored = NewEvent {
        event_type: MessageQueued::TYPE,
        schema_version: 1,
        data: DATA.trim().into(),
        ..world.personal_event(customer, PERSONAL.trim())
    };
    world.journal.append(world.append_of(stream, Expected::Exact(0), vec![stored])).await.expect("is appended");

    let keys = world.store.keys(&world.master, world.ambient.clone()).await.expect("opens");
    let journal = Journal::new(world.log.clone(), keys, upcasters(), world.ambient.clone());
    let read = journal.read_stream(stream, 0, ReadLimit::events(1)).await.expect("is read").remove(0);
    let Personal::Clear(personal) = &read.personal else { panic!("is sealed and opened") };
    let queued = MessageQueued::decode(&read.data, Some(personal)).expect("is of the newest schema");
    assert_eq!((queued.class, queued.topic.as_str()), (MessageClass::Marketing, "general"));
    assert_eq!(queued.personal.expect("is kept").body, "Fresh figs are in.");
    assert_eq!(read.envelope.schema_version, 1);

    let raw = world.all().await.remove(0);
    assert_eq!(raw.data, DATA.trim().as_bytes());
    commlog::log::chain::verify(&*world.log, |_| ()).await.expect("what is hashed is what is stored");
}
