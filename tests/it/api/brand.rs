//! How a tenant appears to its customers, over the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::on_both_engines;

const UPDATE: &str = "mutation($changes: BrandPatch!, $key: String) { updateBrand(changes: $changes, idempotencyKey: $key) \
    { repeated refusal { code field message } brand { name shownName accent banner imprint privacyUrl language \
    logo { mediaType width height url } topics { topic language name } } } }";

/// The head of a PNG of a size, in base64.
fn png(width: u32, height: u32) -> String {
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    STANDARD.encode([head.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat())
}

on_both_engines! {
    the_brand_is_changed_by_admins_and_read_by_all(app) {
        let (admin, agent) = (app.actor(Role::Admin).await, app.actor(Role::Agent).await);
        let update = async |changes: Value| admin.data(UPDATE, json!({ "changes": changes })).await["updateBrand"].take();
        let plain = agent.data("{ brand { name shownName accent language logo { url } topics { name } } }", json!({})).await;
        let expected = json!({ "name": null, "shownName": "Test", "accent": null, "language": "ENGLISH", "logo": null, "topics": [] });
        assert_eq!(plain["brand"], expected);

        let changes = json!({
            "name": " Weingut Rebstock ", "accent": "#7A1F3D", "banner": "#fff", "logo": png(320, 80), "language": "GERMAN",
            "imprint": "Rebstock GmbH\nAm Hang 1", "privacyUrl": "https://rebstock.example/datenschutz",
            "topics": [{ "topic": "News", "language": "GERMAN", "name": "Neues" }, { "topic": "news", "name": "News" }],
        });
        assert_eq!(agent.error(UPDATE, json!({ "changes": changes })).await, "FORBIDDEN");
        let keyed = json!({ "changes": changes, "key": "b" });
        let done = admin.data(UPDATE, keyed.clone()).await["updateBrand"].take();
        let again = admin.data(UPDATE, keyed).await["updateBrand"].take();
        assert_eq!((&done["brand"], &again["repeated"]), (&again["brand"], &json!(true)));
        let logo = json!({ "mediaType": "image/png", "width": 320, "height": 80, "url": format!("data:image/png;base64,{}", png(320, 80)) });
        let expected = json!({
            "name": "Weingut Rebstock", "shownName": "Weingut Rebstock", "accent": "#7a1f3d", "banner": "#ffffff", "logo": logo,
            "language": "GERMAN", "imprint": "Rebstock GmbH\nAm Hang 1", "privacyUrl": "https://rebstock.example/datenschutz",
            "topics": [{ "topic": "news", "language": "GERMAN", "name": "Neues" }, { "topic": "news", "language": null, "name": "News" }],
        });
        assert_eq!(done["brand"], expected);

        let kept = update(json!({ "name": null })).await["brand"].take();
        assert_eq!((&kept["shownName"], &kept["accent"], &kept["logo"]), (&json!("Test"), &json!("#7a1f3d"), &logo));
        let cleared = update(json!({ "logo": null, "topics": [] })).await["brand"].take();
        assert_eq!((&cleared["logo"], &cleared["topics"]), (&json!(null), &json!([])));
        let events = admin.data("{ events(filter: { types: [\"BrandChanged\"] }) { nodes { data } } }", json!({})).await;
        let changed: Vec<_> = events["events"]["nodes"].as_array().expect("events").iter().map(|event| &event["data"]["changed"]).collect();
        assert_eq!(changed.len(), 3, "{events:#}");
        assert!(changed.contains(&&json!(["logo", "topics"])), "{changed:?}");
    }

    what_no_page_could_show_is_refused_by_its_field(app) {
        let admin = app.actor(Role::Admin).await;
        let svg = STANDARD.encode("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>");
        for (changes, field) in [
            (json!({ "accent": "wine" }), "accent"),
            (json!({ "banner": "#12345" }), "banner"),
            (json!({ "privacyUrl": "javascript:alert(1)" }), "privacyUrl"),
            (json!({ "logo": svg }), "logo"),
            (json!({ "logo": png(5_000, 10) }), "logo"),
            (json!({ "logo": "A".repeat(200_000) }), "logo"),
            (json!({ "topics": [{ "topic": "a", "name": "x" }, { "topic": "two words", "name": "x" }] }), "topics[1].topic"),
        ] {
            let refused = admin.data(UPDATE, json!({ "changes": changes })).await["updateBrand"].take();
            assert_eq!((&refused["refusal"]["code"], &refused["refusal"]["field"]), (&json!("INVALID_INPUT"), &json!(field)));
            assert_eq!(refused["brand"], json!(null));
        }
        let kept = admin.data("{ brand { accent banner } }", json!({})).await;
        assert_eq!(kept["brand"], json!({ "accent": null, "banner": null }), "a refusal changes nothing");
    }
}
