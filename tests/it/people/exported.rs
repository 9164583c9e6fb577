//! What is exported of customers makes the same people of an empty tenant.

use serde_json::Value;

use super::rows;
use crate::cli::Place;

const CRM: &str = "id,email,phone,name,owner,industry,tags,score,consent_email,consent_at,Opted out of email: News\n\
                   77,Nora.Varga@x.example,+442079460101,\"Varga, \"\"Nora\"\"\",mara,bricks,\"vip, trade\",7,no,,\n\
                   78,ilya@x.example,,Ilya Petrov,,,,,yes,2023-03-14 09:14:00,true\n\
                   ,maja@x.example,,=Maja,,,,,,,\n";

/// A customer without the ids that each tenant makes for itself.
fn people(place: &Place) -> Vec<String> {
    let addresses = rows(place, "customer_addresses");
    let consents = rows(place, "consents");
    let of = |all: &[Value], id: &Value, names: &[&str]| {
        let mut own: Vec<_> = all
            .iter()
            .filter(|row| row["customer_id"] == *id)
            .map(|row| names.iter().map(|name| row[*name].to_string()).collect::<Vec<_>>().join(" "))
            .collect();
        own.sort();
        own.join("; ")
    };
    let mut people: Vec<_> = rows(place, "customers")
        .iter()
        .map(|row| {
            let names = ["name", "external_id", "owner", "industry", "lead_score", "tags", "attributes"];
            let profile: Vec<_> = names.iter().map(|name| row[*name].to_string()).collect();
            let id = &row["customer_id"];
            let addresses = of(&addresses, id, &["kind", "address", "label"]);
            let said = of(&consents, id, &["channel", "topic", "state", "occurred_at"]);
            format!("{} | {addresses} | {said}", profile.join(" "))
        })
        .collect();
    people.sort();
    people
}

fn check(one: &Place, other: &Place) {
    one.file("crm.csv", CRM);
    one.ok(&["import", "customers", "crm.csv"]);
    let before = people(one);
    assert_eq!(before.len(), 3);
    assert!(before.iter().any(|person| person.contains("\"2023-03-14T09:14:00.000000Z\"")), "{before:#?}");
    let exported = one.ok(&["export", "customers", "--format", "csv"]);
    other.file("customers.csv", &exported);
    let dry = other.ok(&["import", "customers", "customers.csv", "--dry-run"]);
    assert!(dry.contains("3 customers can be imported, 0 lines are refused"), "{dry}");
    let run = other.run(&["import", "customers", "customers.csv"]);
    assert!(run.stderr.contains("read as commlog customers ("), "{}", run.stderr);
    assert!(run.stdout.contains("3 new customers") && run.stdout.contains("2 opt-outs"), "{}", run.stdout);
    assert_eq!(people(other), before);
    // And back to where they came from: nothing is new, but that another file says the opt-outs.
    let back = one.ok(&["import", "customers", one.file("customers.csv", &exported)]);
    assert!(back.contains("2 events appended") && back.contains("2 opt-outs"), "{back}");
    let again = one.ok(&["import", "customers", one.file("customers.csv", &exported)]);
    assert!(again.contains("3 of them known already, 0 events appended"), "{again}");
}

#[test]
fn customers_come_in_again_as_they_went_out_on_sqlite() {
    check(&Place::new(), &Place::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_come_in_again_as_they_went_out_on_postgres() {
    let (one, other) = (Place::postgres().await, Place::postgres().await);
    tokio::task::spawn_blocking(move || check(&one, &other)).await.unwrap();
}
