//! A message that came in names the account that heard it and the provider's id, so that it can be found again there.

use serde_json::json;

use super::mailroom::Mailroom;
use crate::sending::story::{Accounts, PHONE, PUBLIC, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::twilio::{Media, TwilioDouble};

async fn of_two_accounts_the_one_that_heard_a_picture_message_is_named(engine: Engine) {
    let room = Mailroom { wire: Wire::with(engine, Accounts::OverApi).await };
    room.wire.set_up("twilio", "second").await;
    let ada = room.wire.ada().await;
    room.wire.app.visible(room.wire.app.head().await).await;
    let tenant = room.wire.app.tenant.0.simple().to_string();
    let picture = room.wire.twilio.host("ME1", Media::Content(vec![7; 2_000].into()));
    for (number, account) in ["second", "main"].into_iter().enumerate() {
        let hook = format!("{PUBLIC}/webhooks/twilio/{tenant}.{account}");
        let sid = format!("MMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0{number}");
        let more = [("NumMedia", "1"), ("MediaUrl0", picture.as_str()), ("MediaContentType0", "image/png")];
        // The text is left out, as phones do with a picture.
        let message = TwilioDouble::inbound(&hook, &sid, PHONE, "", &more);
        for _ in 0..2 {
            room.take(&message).await;
        }
        let found = room.received().await.remove(number);
        assert_eq!((&found["account"], &found["providerMessageId"]), (&json!(account), &json!(sid)), "{found:#}");
        assert_eq!(found["customerId"], format!("Customer:{ada}"));
        let (data, personal) = room.events("MessageReceived").await.remove(number);
        assert_eq!((&data["provider"], &data["account"]), (&json!("twilio"), &json!(account)));
        assert!(personal.to_string().contains(&sid), "the export of the log has it: {personal:#}");
    }
    room.wire.app.until(ada, |types| count(types, "AttachmentFetched") == 2).await;
    assert_eq!(room.received().await.len(), 2, "a repetition is none");
    room.wire.app.finish().await;
}

on_each_engine! {
    of_two_accounts_the_one_that_heard_a_picture_message_is_named
}
