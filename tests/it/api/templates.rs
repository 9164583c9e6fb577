//! Templates: saved, published, previewed, archived; and what is refused.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::on_both_engines;

const SAVE: &str = "mutation($input: TemplateInput!) { saveTemplate(input: $input) \
    { code revision version template { title archived } refusal { code message field } } }";
const PUBLISH: &str = "mutation($code: String!) { publishTemplate(code: $code) \
    { version position template { version } refusal { code message field } } }";
const ARCHIVE: &str = "mutation { archiveTemplate(code: \"welcome\") { template { archived } refusal { code } } }";
const PREVIEW: &str = "query($input: PreviewTemplateInput!) { previewTemplate(input: $input) \
    { preview { locale version body segments ucs2 } refusal { code message field } } }";
const VERSIONS: &str = "{ template(code: \"welcome\") { revision versions { version contentHash } } }";

fn input(body: &str, revision: Option<u32>) -> Value {
    json!({ "code": "welcome", "title": "Welcome", "revision": revision,
        "contents": [{ "locale": "en", "texts": { "sms": { "body": body } } }] })
}

fn preview(template: &Value) -> Value {
    json!({ "input": { "template": template, "channel": "SMS", "variables": { "name": "Ann" } } })
}

on_both_engines! {
    a_published_version_stays_as_it_is_while_the_draft_changes(app) {
        let (marketer, agent) = (app.actor(Role::Marketer).await, app.actor(Role::Agent).await);
        assert_eq!(agent.error(SAVE, json!({ "input": input("Hi", None) })).await, "FORBIDDEN");
        let made = marketer.data(SAVE, json!({ "input": input("Hi {{ name }}", None) })).await["saveTemplate"].take();
        assert_eq!((&made["revision"], &made["refusal"]), (&json!(1), &json!(null)));
        let twice = marketer.data(SAVE, json!({ "input": input("Ho", None) })).await["saveTemplate"]["refusal"].take();
        assert_eq!(twice["code"], "TEMPLATE_EXISTS");
        let published = marketer.data(PUBLISH, json!({ "code": "welcome" })).await["publishTemplate"].take();
        assert_eq!(published["template"]["version"], json!(1));
        let changed = marketer.data(SAVE, json!({ "input": input("Hi ✓\n{{ nick }}", Some(1)) })).await;
        assert_eq!(changed["saveTemplate"]["revision"], json!(2));

        let newest = json!({ "published": { "code": "welcome" } });
        let shown = agent.data(PREVIEW, preview(&newest)).await["previewTemplate"]["preview"].take();
        assert_eq!(shown, json!({ "locale": "en", "version": 1, "body": "Hi Ann", "segments": 1, "ucs2": false }));
        let missing = agent.data(PREVIEW, preview(&json!({ "draft": "welcome" }))).await["previewTemplate"]["refusal"].take();
        assert_eq!(missing["code"], "TEMPLATE_VALUE_MISSING");
        assert!(missing["message"].as_str().is_some_and(|message| message.contains("line 2, column 1")), "{missing}");

        let archived = marketer.data(ARCHIVE, json!({})).await["archiveTemplate"].take();
        assert_eq!(archived["template"]["archived"], json!(true));
        let kept = agent.data(VERSIONS, json!({})).await["template"]["versions"].take();
        assert_eq!(kept.as_array().map(Vec::len), Some(1));
    }

    a_preview_as_a_customer_has_their_values_and_needs_the_right_to_see_them(app) {
        let (admin, analyst) = (app.actor(Role::Admin).await, app.actor_of(app.tenant, Role::Analyst, Some(false)).await);
        let customer = admin.customer("Ada Lovelace").await;
        let order = "mutation($input: ActivityInput!) { recordActivity(input: $input) { position refusal { code } } }";
        let ordered = json!({ "customerId": customer, "kind": "ORDER", "reference": "A-7", "amountMicros": "1234500000",
            "currency": "EUR", "occurredAt": "2026-03-01T10:00:00Z" });
        let position = admin.data(order, json!({ "input": ordered })).await["recordActivity"]["position"].take();
        let seen = "query($id: ID!, $at: Position) { customer(id: $id, waitFor: $at) { orders } }";
        admin.data(seen, json!({ "id": customer, "at": position })).await;
        let body = "Hi {{ customer_name }} of {{ territory }}: {{ last_order_date | date: '%d.%m.%Y' }}\
            {% for o in customer.orders %} {{ o.reference }} {{ o.total | money: o.currency }}{% endfor %}";
        let as_customer = json!({ "input": { "template": { "unsaved": input(body, None) }, "channel": "SMS", "customerId": customer } });
        let shown = admin.data(PREVIEW, as_customer.clone()).await["previewTemplate"].take();
        assert_eq!(shown["preview"]["body"], "Hi Ada Lovelace of north: 01.03.2026 A-7 €1,234.50", "{shown:#}");
        assert_eq!(analyst.error(PREVIEW, as_customer).await, "PERSONAL_DATA_REFUSED");
    }

    what_cannot_be_read_is_saved_as_a_draft_but_not_published(app) {
        let marketer = app.actor(Role::Marketer).await;
        marketer.data(SAVE, json!({ "input": input("Hi\n{{ name | nonsense }}", None) })).await;
        let refused = marketer.data(PUBLISH, json!({ "code": "welcome" })).await["publishTemplate"]["refusal"].take();
        assert_eq!(refused["code"], "TEMPLATE_SYNTAX");
        assert!(refused["message"].as_str().is_some_and(|message| message.contains("line 2")), "{refused}");
        let unknown = marketer.data(PUBLISH, json!({ "code": "nobody" })).await["publishTemplate"]["refusal"].take();
        assert_eq!(unknown["code"], "TEMPLATE_UNKNOWN");
    }
}
