//! Callbacks that cannot be recorded as what they are: shown, read whole, and looked at again by newer parsers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use commlog::app::{Caller, KeepCallback};
use commlog::clock::Ambient;
use commlog::domain::callback::event::KeptRequest;
use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::mailroom::Mailroom;
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridDouble;

const PAGE: &str = "query($filter: KeptCallbackFilterInput) { keptCallbacks(filter: $filter, first: 10) { totalCount \
    nodes { callbackId provider account reason parser raw } } }";
const ONE: &str = "query($id: ID!) { keptCallback(callbackId: $id) { reason raw body resolvedAt } }";

async fn kept(room: &Mailroom, filter: Value) -> Value {
    room.wire.app.visible(room.wire.app.head().await).await;
    room.wire.agent.data(PAGE, json!({ "filter": filter })).await["keptCallbacks"].take()
}

async fn what_was_kept_is_listed_by_filter_and_read_whole(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let hook = Mailroom::hook();
    let strange = json!({ "event": "vaporised", "email": "ada@example.org", "sg_event_id": "v1" });
    room.take(&room.wire.sendgrid.events(&hook, &[strange])).await;
    // Nobody wrote it, and it has a file.
    let file = format!("{}the end of the file", "x".repeat(100_000)).into_bytes();
    let files = [("notes.txt", "text/plain", &file[..])];
    let mail = SendgridDouble::inbound_with_files(&hook, ("nobody", "hello@reply.shop.example"), "Words", "", &files);
    for _ in 0..2 {
        room.take(&mail).await;
    }
    assert_eq!(kept(&room, json!({})).await["totalCount"], 2);
    assert_eq!(kept(&room, json!({ "provider": "twilio" })).await["totalCount"], 0);
    assert_eq!(
        kept(&room, json!({ "account": "main", "reason": "an unknown event: vaporised" })).await["totalCount"],
        1
    );
    let of_nobody = kept(&room, json!({ "reason": "an incoming mail without a sender" })).await;
    assert_eq!(of_nobody["totalCount"], 1);
    let node = &of_nobody["nodes"][0];
    assert!(node["raw"].as_str().is_some_and(|raw| raw.contains("Words")), "{node:#}");
    let one = room.wire.agent.data(ONE, json!({ "id": node["callbackId"] })).await["keptCallback"].take();
    let body = STANDARD.decode(one["body"].as_str().expect("a body")).expect("base64");
    assert!(body == mail.body[..], "the request is not as it came");
    // Without the right to see personal data only the outside is shown.
    let auditor = room.wire.app.actor_of(room.wire.app.tenant, Role::Auditor, Some(false)).await;
    let one = auditor.data(ONE, json!({ "id": node["callbackId"] })).await["keptCallback"].take();
    assert!(one["raw"].is_null() && one["body"].is_null());
    assert_eq!(one["reason"], "an incoming mail without a sender");
    assert!(!room.events("PersonalDataRead").await.is_empty());
    room.wire.app.finish().await;
}

async fn a_newer_parser_records_what_an_older_one_kept_and_looks_once_at_the_rest(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    let delivered = letter.event("delivered", "e1", Ambient::system().now().timestamp(), json!({}));
    let caller = Caller::new(room.wire.app.tenant, "provider:sendgrid");
    for raw in [delivered.to_string(), json!({ "event": "vaporised" }).to_string()] {
        let kept = KeepCallback {
            provider: "sendgrid".to_owned(),
            account: "main".to_owned(),
            reason: "an unknown event".to_owned(),
            provider_message_id: None,
            report: None,
            parser: 0,
            request: Some(KeptRequest { content_type: Some("application/json".to_owned()), ..KeptRequest::default() }),
            raw,
            body: None,
        };
        room.wire.app.stores().app.keep_callback(&caller, kept).await.expect("the log answers");
    }
    for _ in 0..3 {
        room.wire.app.visible(room.wire.app.head().await).await;
        room.wire.app.intake().review_kept().await.expect("the log answers");
        for (name, times) in [("CallbackResolved", 1), ("CallbackReviewed", 1), ("MessageDelivered", 1)] {
            assert_eq!(room.events(name).await.len(), times, "{name}");
        }
    }
    assert_eq!(room.message(&sent).await["state"], "DELIVERED");
    let open = kept(&room, json!({})).await;
    assert_eq!((&open["totalCount"], &open["nodes"][0]["parser"]), (&json!(1), &json!(1)));
    let all = kept(&room, json!({ "includeEnded": true })).await;
    assert_eq!(all["totalCount"], 2);
    room.wire.app.finish().await;
}

on_each_engine! {
    what_was_kept_is_listed_by_filter_and_read_whole
    a_newer_parser_records_what_an_older_one_kept_and_looks_once_at_the_rest
}
