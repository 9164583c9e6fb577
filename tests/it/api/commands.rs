//! Mutations: idempotency, refusals as data, positions to wait for.

use commlog::domain::tenant::event::Role;
use serde_json::json;

use crate::support::app::on_both_engines;

const REGISTER: &str = "mutation($input: CustomerInput!, $key: String) { registerCustomer(input: $input, idempotencyKey: $key) \
    { customerId position repeated refusal { code message field } } }";

on_both_engines! {
    a_repeated_mutation_gives_the_first_answer_and_other_input_is_refused(app) {
        let admin = app.actor(Role::Admin).await;
        let input = json!({ "name": "Dan Example", "externalId": "D-1" });
        let first = admin.data(REGISTER, json!({ "input": input, "key": "k1" })).await["registerCustomer"].take();
        assert_eq!(first["repeated"], false);
        let again = admin.data(REGISTER, json!({ "input": input, "key": "k1" })).await["registerCustomer"].take();
        assert_eq!(again["repeated"], true);
        assert_eq!((&again["customerId"], &again["position"]), (&first["customerId"], &first["position"]));
        let other = admin.data(REGISTER, json!({ "input": { "name": "Eva" }, "key": "k1" })).await["registerCustomer"].take();
        assert_eq!(other["refusal"]["code"], "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(other["refusal"]["field"], "idempotencyKey");
        assert_eq!(other["customerId"], json!(null));
    }

    a_query_that_waits_for_a_mutation_sees_what_it_did(app) {
        let admin = app.actor(Role::Admin).await;
        for round in 0..20 {
            let input = json!({ "name": format!("Customer {round}") });
            let done = admin.data(REGISTER, json!({ "input": input })).await["registerCustomer"].take();
            let query = "query($id: ID!, $position: Position) { customer(id: $id, waitFor: $position) { name } }";
            let seen = admin.data(query, json!({ "id": done["customerId"], "position": done["position"] })).await;
            assert_eq!(seen["customer"]["name"], format!("Customer {round}"));
        }
    }

    what_the_domain_refuses_is_data_and_names_the_field(app) {
        let admin = app.actor(Role::Admin).await;
        let bad_phone = json!({ "name": "Fay", "addresses": [{ "kind": "PHONE", "address": "not a number" }] });
        let refused = admin.data(REGISTER, json!({ "input": bad_phone })).await["registerCustomer"]["refusal"].take();
        assert_eq!(refused["code"], "INVALID_INPUT");
        assert!(refused["field"].as_str().unwrap().contains("address"), "{refused}");
        assert!(!refused.to_string().contains("not a number"), "a refusal repeats no input: {refused}");

        let nobody = "mutation { addNote(customerId: \"Customer:00000000-0000-7000-8000-000000000001\", text: \"x\") \
            { noteId refusal { code } } }";
        let refused = admin.data(nobody, json!({})).await;
        assert_eq!(refused["addNote"]["refusal"]["code"], "CUSTOMER_UNKNOWN");
    }

    a_message_that_is_not_sent_tells_why(app) {
        let agent = app.actor(Role::Agent).await;
        let id = agent.customer("Gil Example").await;
        let consent = "mutation($id: ID!) { setConsent(input: { customerId: $id, channel: EMAIL, topic: \"all\", \
            state: OPTED_OUT, method: \"form\" }) { state refusal { message } } }";
        assert_eq!(agent.data(consent, json!({ "id": id })).await["setConsent"]["state"], "OPTED_OUT");
        let send = "mutation($id: ID!) { sendMessage(input: { customerId: $id, channel: EMAIL, class: MARKETING, \
            topic: \"news\", subject: \"s\", body: \"b\" }) { decision rule refusal { code } message { state reasons { state reason inputs } } } }";
        let sent = agent.data(send, json!({ "id": id })).await["sendMessage"].take();
        assert_eq!(sent["decision"], "SUPPRESSED");
        assert_eq!(sent["message"]["state"], "SUPPRESSED");
        assert_eq!(sent["message"]["reasons"][0]["reason"], sent["rule"]);
    }
    the_simulator_is_tested_as_every_other_account(app) {
        let admin = app.actor(Role::Admin).await;
        let accounts = admin.data("{ accounts { provider name source } }", json!({})).await["accounts"].take();
        assert_eq!(accounts[0]["source"], "SIMULATOR", "{accounts:#}");
        let test = "mutation($provider: String!, $name: String!) { testAccount(provider: $provider, name: $name) \
            { passed errorCode refusal { code } } }";
        let tested = admin.data(test, json!({ "provider": accounts[0]["provider"], "name": accounts[0]["name"] })).await;
        assert_eq!(tested["testAccount"], json!({ "passed": true, "errorCode": null, "refusal": null }));
        let unknown = admin.data(test, json!({ "provider": "simulator", "name": "other" })).await;
        assert_eq!(unknown["testAccount"]["refusal"]["code"], "ACCOUNT_UNKNOWN");
    }
}
