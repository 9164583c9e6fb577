//! What the GraphQL specification and GraphQL over HTTP ask of a server.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp, on_both_engines};

const EDIT: &str = "mutation($id: ID!, $name: String, $industry: String, $owner: String, $tags: [String!]) { \
    changeCustomer(customerId: $id, changes: { name: $name, industry: $industry, owner: $owner, tags: $tags }) \
    { customer { name industry owner tags } refusal { code } } }";

async fn known(admin: &Actor) -> Value {
    let input = json!({ "name": "Ada Example", "industry": "tiles", "owner": "lee", "tags": ["vip"] });
    let register =
        "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId customer { id } } }";
    admin.data(register, json!({ "input": input })).await["registerCustomer"]["customerId"].take()
}

on_both_engines! {
    a_field_whose_variable_was_not_given_stays_as_it_is(app) {
        let admin = app.actor(Role::Admin).await;
        let id = known(&admin).await;
        let edited = admin.data(EDIT, json!({ "id": id, "industry": "lamps" })).await["changeCustomer"].take();
        let expected = json!({ "name": "Ada Example", "industry": "lamps", "owner": "lee", "tags": ["vip"] });
        assert_eq!(edited["customer"], expected);
        let cleared = admin.data(EDIT, json!({ "id": id, "name": null })).await["changeCustomer"]["customer"].take();
        assert_eq!((&cleared["name"], &cleared["industry"]), (&json!(null), &json!("lamps")));
    }

    fields_in_lists_and_deeper_inputs_may_be_left_to_variables_too(app) {
        let admin = app.actor(Role::Admin).await;
        let policy = "mutation($zone: String, $topic: String, $caps: Boolean!) { updatePolicy(changes: { timeZone: $zone, \
            caps: [{ topic: $topic, limit: 2, window: DAY }] }) { policy { timeZone caps { topic limit action } } } \
            viewer: __typename @include(if: $caps) }";
        let set = admin.data(policy, json!({ "zone": "Europe/London", "topic": "news", "caps": true })).await;
        assert_eq!(set["updatePolicy"]["policy"]["timeZone"], "Europe/London");
        let kept = admin.data(policy, json!({ "caps": false })).await["updatePolicy"]["policy"].take();
        assert_eq!(kept, json!({ "timeZone": "Europe/London", "caps": [{ "topic": null, "limit": 2, "action": "ABORT" }] }));
    }

    what_fails_is_null_beside_its_error_and_fields_keep_their_order(app) {
        let admin = app.actor(Role::Admin).await;
        let query = "{ last: viewer { maySend role } policy { timeZone } node(id: \"nothing\") { id } \
            customer(id: \"Customer:00000000-0000-7000-8000-000000000001\") { name } first: viewer { role } }";
        let answer = admin.post().json(&json!({ "query": query })).send().await.unwrap().text().await.unwrap();
        let expected = "{\"data\":{\"last\":{\"maySend\":true,\"role\":\"ADMIN\"},\"policy\":{\"timeZone\":null},\"node\":null,\
            \"customer\":null,\"first\":{\"role\":\"ADMIN\"}},\"errors\":[";
        assert!(answer.starts_with(expected), "{answer}");
        // `totalCount` must not be null: neither may what holds it.
        let failing = "{ viewer { role } customers(first: 0) { totalCount } }";
        let answer = admin.answer(failing, json!({})).await;
        assert_eq!((&answer["data"], &answer["errors"][0]["path"]), (&json!(null), &json!(["customers"])));
    }

    variables_deep_inside_inputs_are_checked_before_anything_runs(app) {
        let admin = app.actor(Role::Admin).await;
        let id = known(&admin).await;
        for (query, variables) in [
            ("mutation($id: ID!, $k: String!) { addAddress(customerId: $id, address: { kind: $k, address: \"a@example.org\" }) { position } }",
                json!({ "id": id, "k": "EMAIL" })),
            ("mutation($id: ID!, $t: Int!) { changeCustomer(customerId: $id, changes: { tags: [\"a\", $t] }) { position } }", json!({ "id": id, "t": 1 })),
            ("query($id: ID!, $p: Position) { customer(id: $id, asOf: { position: $p }) { name } }", json!({ "id": id, "p": null })),
        ] {
            assert_eq!(admin.error(query, variables).await, "INVALID_DOCUMENT", "{query}");
        }
        let tools = "{ __type(name: \"AsOfInput\") { isOneOf } }";
        assert_eq!(admin.data(tools, json!({})).await["__type"]["isOneOf"], true);
    }

    an_argument_whose_variable_was_not_given_has_its_default(app) {
        let admin = app.actor(Role::Admin).await;
        let query = "query($first: Int, $size: Int = 1) { customers(first: $first) { nodes { id } } \
            few: customers(first: $size) { nodes { id } } }";
        known(&admin).await;
        known(&admin).await;
        let seen = admin.data(query, json!({})).await;
        assert_eq!(seen["customers"]["nodes"].as_array().map(Vec::len), Some(2));
        assert_eq!(seen["few"]["nodes"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_the_specification_forbids_are_refused_without_data() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let cases = [
        ("query($i: String) { customers(first: $i) { totalCount } }", json!({ "i": "a" })),
        ("{ customers(filter: { owner: \"a\", owner: \"b\" }) { totalCount } }", json!({})),
        ("{ conversations(filter: { states: [\"OPEN\"] }) { totalCount } }", json!({})),
        ("query($b: Boolean) { viewer { role @include(if: $b) } }", json!({})),
        ("query($b: Boolean!) { viewer { role @include(if: $b) } }", json!({})),
        ("query($id: ID!) { customer(id: $id) { id } }", json!({})),
        ("query($n: Int) { customers(first: $n) { totalCount } }", json!({ "n": "many" })),
        ("query($f: CustomerFilterInput) { customers(filter: $f) { totalCount } }", json!({ "f": { "wrong": 1 } })),
        ("{ nothing }", json!({})),
        ("{ viewer { role }", json!({})),
        ("query A { viewer { role } } query B { viewer { role } }", json!({})),
    ];
    for (query, variables) in cases {
        let body = json!({ "query": query, "variables": variables });
        let modern =
            agent.post().header("accept", "application/graphql-response+json").json(&body).send().await.unwrap();
        assert_eq!(modern.status(), 400, "{query}");
        let answer: Value = modern.json().await.unwrap();
        assert!(answer.get("data").is_none(), "{query}: {answer}");
        assert!(
            answer["errors"][0]["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{query}: {answer}"
        );
        let plain: Value = agent.post().json(&body).send().await.unwrap().json().await.unwrap();
        assert!(plain.get("data").is_none(), "{query}: {plain}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_may_come_in_a_url_and_a_mutation_may_not() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let http = reqwest::Client::new();
    let get = |query: &str, variables: Value| {
        let parameters = [("query", query.to_owned()), ("variables", variables.to_string())];
        let url = reqwest::Url::parse_with_params(&agent.url("/graphql"), parameters).unwrap();
        http.get(url).bearer_auth(&agent.token).send()
    };
    let found =
        get("query($n: Int) { viewer { role } customers(first: $n) { totalCount } }", json!({ "n": 1 })).await.unwrap();
    assert_eq!(found.status(), 200);
    assert_eq!(found.json::<Value>().await.unwrap()["data"]["viewer"]["role"], "AGENT");
    let changed = get("mutation { registerCustomer(input: { name: \"Eve\" }) { position } }", json!({})).await.unwrap();
    assert_eq!((changed.status().as_u16(), changed.headers()["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(agent.data("{ customers { totalCount } }", json!({})).await["customers"]["totalCount"], 0);
    assert_eq!(get("", json!({})).await.unwrap().status(), 400);
    let malformed = agent.url("/graphql?query=%7Bviewer%7Brole%7D%7D&variables=%7B");
    assert_eq!(http.get(malformed).bearer_auth(&agent.token).send().await.unwrap().status(), 400);
    assert_eq!(http.get(agent.url("/graphql?query=%7Bviewer%7Brole%7D%7D")).send().await.unwrap().status(), 401);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_may_call_only_where_the_configuration_says_so() {
    let preflight = async |app: &TestApp, origin: &str| {
        let agent = app.actor(Role::Agent).await;
        let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, agent.url("/graphql"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let request = request.header("access-control-request-headers", "authorization,content-type");
        let answer = request.send().await.unwrap();
        answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let closed = TestApp::sqlite().await;
    assert_eq!(preflight(&closed, "https://app.example.com").await, None);
    closed.finish().await;
    let open = TestApp::with(Engine::Sqlite, "cors_origins = \"https://app.example.com, http://localhost:5173\"").await;
    assert_eq!(preflight(&open, "https://app.example.com").await.as_deref(), Some("https://app.example.com"));
    assert_eq!(preflight(&open, "https://evil.example.net").await, None);
    let agent = open.actor(Role::Agent).await;
    let answer =
        agent.post().header("origin", "http://localhost:5173").json(&json!({ "query": "{ viewer { role } }" }));
    assert_eq!(answer.send().await.unwrap().headers()["access-control-allow-origin"], "http://localhost:5173");
    open.finish().await;
    let any = TestApp::with(Engine::Sqlite, "cors_origins = \"*\"").await;
    assert_eq!(preflight(&any, "https://anything.example.net").await.as_deref(), Some("*"));
    any.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_process_issued_works_at_once() {
    use commlog::app::Caller;
    use commlog::domain::tenant::decide::IssueApiKey;

    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    // Another process with the same stores, such as `commlog keys issue`.
    let other = app.beside("projector").await;
    for number in 0..10 {
        let command = IssueApiKey::of(Role::Agent, format!("key {number}"));
        let outcome = other.stores().app.issue_api_key(&Caller::new(app.tenant, "test"), command).await.unwrap();
        let token = outcome.into_result().unwrap().value.token;
        let answer =
            agent.with_token(&token).post().json(&json!({ "query": "{ viewer { role } }" })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "key {number}");
    }
    other.finish().await;
    app.finish().await;
}
