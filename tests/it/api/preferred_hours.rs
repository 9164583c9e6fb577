//! When a customer likes to be written to: set by colleagues, by the customer, by a file; and what becomes of messages.

use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::pages::{post, preferences, read};
use crate::support::app::{Actor, TestApp, on_both_engines};

async fn set(actor: &Actor, customer: &str, changes: Value) -> Value {
    let change = "mutation($id: ID!, $changes: CustomerPatch!) { changeCustomer(customerId: $id, changes: $changes) \
        { refusal { code field message } customer { preferredHours } } }";
    actor.data(change, json!({ "id": customer, "changes": changes })).await["changeCustomer"].take()
}

async fn send(actor: &Actor, customer: &str, class: &str) -> Value {
    let send = "mutation($id: ID!, $class: MessageClass!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: $class, \
        topic: \"news\", body: \"b\" }) { decision message { decisions { rule outcome inputs until } } } }";
    actor.data(send, json!({ "id": customer, "class": class })).await["sendMessage"].take()
}

/// An hour that begins in two hours, and its beginning.
fn later(app: &TestApp) -> (String, DateTime<Utc>) {
    let begins = app.now() + TimeDelta::hours(2);
    let hour = |at: DateTime<Utc>| at.format("%H:00").to_string();
    let window = format!("{}-{}", hour(begins), hour(begins + TimeDelta::hours(1)));
    let begins = begins.format("%Y-%m-%dT%H:00:00Z").to_string().parse().expect("a time");
    (window, begins)
}

on_both_engines! {
    marketing_waits_for_the_hours_and_nothing_else_does(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        let (window, begins) = later(app);
        let done = set(&admin, &customer, json!({ "timeZone": "UTC", "preferredHours": format!("  {window} ") })).await;
        let usual = window.replace("-00:00", "-24:00");
        assert_eq!(done["customer"]["preferredHours"], json!(usual), "{done}");
        let held = send(&admin, &customer, "MARKETING").await;
        let decision = &held["message"]["decisions"][0];
        assert_eq!((&held["decision"], &decision["rule"]), (&json!("HELD"), &json!("preferred_hours")), "{held}");
        assert_eq!(decision["inputs"]["preferred_hours"], json!(usual));
        let until: DateTime<Utc> = decision["until"].as_str().and_then(|at| at.parse().ok()).expect("a moment");
        assert_eq!(until, begins);
        assert_eq!(send(&admin, &customer, "TRANSACTIONAL").await["decision"], "QUEUED");
        let wrong = set(&admin, &customer, json!({ "preferredHours": "evenings" })).await["refusal"].take();
        assert_eq!((&wrong["code"], &wrong["field"]), (&json!("INVALID_INPUT"), &json!("preferredHours")), "{wrong}");
        let found = "query($criteria: ListCriteriaInput!) { previewList(criteria: $criteria) { preview { count } } }";
        let criteria = json!({ "field": { "name": "preferredHours", "equals": usual } });
        let found = admin.data(found, json!({ "criteria": criteria })).await["previewList"].take();
        assert_eq!(found["preview"]["count"], json!(1), "{found}");
        let cleared = set(&admin, &customer, json!({ "preferredHours": null })).await;
        assert_eq!(cleared["customer"]["preferredHours"], json!(null));
        assert_eq!(send(&admin, &customer, "MARKETING").await["decision"], "QUEUED");
    }

    a_reader_chooses_hours_and_days_on_the_preference_page_and_ends_it_there(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        let link = preferences(&admin, &customer).await;
        let page = read(&admin, &link, "de").await;
        assert!(page.contains("<legend>Wann Sie gern von uns hören</legend>") && page.contains("Donnerstag"), "{page}");
        let form = [("hours_shown", ""), ("hours_from", "18:00"), ("hours_until", "24:00"), ("hours_day", "6"), ("hours_day", "7")];
        let page = post(&admin, &link, &form).await;
        assert!(page.contains("<option value=\"24:00\" selected>24:00</option>"), "{page}");
        let query = "query($id: ID!) { customer(id: $id) { preferredHours } }";
        let shown = async || admin.data(query, json!({ "id": customer })).await["customer"]["preferredHours"].take();
        app.visible(app.head().await).await;
        assert_eq!(shown().await, json!("sat,sun 18:00-24:00"));
        let end = app.head().await;
        let same = [("hours_shown", "sat,sun 18:00-24:00"), ("hours_from", "18:00"), ("hours_until", "24:00"), ("hours_day", "6"), ("hours_day", "7")];
        post(&admin, &link, &same).await;
        post(&admin, &link, &[("hours_shown", "sat,sun 18:00-24:00"), ("hours_from", "<b>"), ("hours_until", "9")]).await;
        assert_eq!(app.head().await, end, "nothing to change, or nonsense");
        post(&admin, &link, &[("hours_shown", "sat,sun 18:00-24:00"), ("hours_from", ""), ("hours_until", "24:00")]).await;
        app.visible(app.head().await).await;
        assert_eq!(shown().await, json!(null));
    }
}
