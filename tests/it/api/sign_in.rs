//! Signing in at an OpenID Connect issuer: a browser's cookie instead of an API key.

use chrono::TimeDelta;
use commlog::clock::Ambient;
use commlog::domain::tenant::event::Role;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, StatusCode, redirect};
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp};
use crate::support::doubles::issuer::{CLIENT, IssuerDouble, Lie, SECRET};

/// A node with an issuer, and a browser that has not signed in.
struct Desk {
    app: TestApp,
    issuer: IssuerDouble,
    /// Follows no redirects and keeps no cookies: the test does.
    http: reqwest::Client,
    anybody: Actor,
}

impl Desk {
    async fn start(engine: Engine, public_url: &str) -> Self {
        let issuer = IssuerDouble::start(Ambient::system()).await;
        issuer.sign_in_as(json!({ "sub": "248289761001", "name": "Jane Doe", "groups": ["staff", "help-desk"] }));
        let file = format!(
            "public_url = '{public_url}'\noidc_issuer = '{}'\noidc_client_id = '{CLIENT}'\noidc_client_secret = '{SECRET}'\n\
             oidc_roles = 'crm-admins=admin, help-desk=agent, numbers=analyst'\noidc_hours = 8\n",
            issuer.url()
        );
        let app = TestApp::with(engine, &file).await;
        let anybody = app.actor(Role::Admin).await;
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Self { app, issuer, http, anybody }
    }

    /// A call with cookies, from a page of ours.
    async fn get(&self, path: &str, cookies: &str) -> Response {
        self.http.get(self.anybody.url(path)).header(COOKIE, cookies).send().await.expect("an answer")
    }

    /// Leaves for the issuer and comes back: the callback's path with the code, and the cookie for it.
    async fn come_back(&self, to: &str) -> (String, String) {
        let left = self.get(&format!("/auth/sign-in?to={to}"), "").await;
        assert_eq!(left.status(), StatusCode::SEE_OTHER, "{}", left.text().await.unwrap());
        let kept = cookies(&left);
        let back = self.http.get(header(&left, LOCATION.as_str())).send().await.expect("an answer");
        assert_eq!(back.status(), StatusCode::SEE_OTHER, "{}", back.text().await.unwrap());
        let back = url::Url::parse(&header(&back, LOCATION.as_str())).expect("a URL");
        (format!("{}?{}", back.path(), back.query().expect("a code")), kept)
    }

    /// Signs in; where the person was led to, and the cookie.
    async fn sign_in(&self, to: &str) -> (String, String) {
        let (path, kept) = self.come_back(to).await;
        let signed_in = self.get(&path, &kept).await;
        (header(&signed_in, LOCATION.as_str()), cookies(&signed_in))
    }

    /// What the API says to a page of ours with a cookie.
    async fn ask(&self, session: &str, query: &str) -> Response {
        let post = self.http.post(self.anybody.url("/graphql")).header(COOKIE, session).header("commlog-console", "1");
        post.json(&json!({ "query": query })).send().await.expect("an answer")
    }
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).expect(name).to_str().expect("text").to_owned()
}

/// What a browser keeps of a response, as it sends it.
fn cookies(response: &Response) -> String {
    let kept = response.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().expect("text"));
    let kept = kept.filter(|cookie| !cookie.contains("Max-Age=0"));
    kept.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_works_under_their_name_and_signs_out() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        signs_in_works_and_signs_out(engine).await;
    }
}

async fn signs_in_works_and_signs_out(engine: Engine) {
    let desk = Desk::start(engine, "http://commlog.internal").await;
    let (to, session) = desk.sign_in("/customers?q=a").await;
    assert_eq!(to, "/customers?q=a");
    let viewer = desk
        .ask(&session, "{ viewer { role userId author { name } tenantName } }")
        .await
        .json::<Value>()
        .await
        .unwrap();
    assert_eq!(viewer["data"]["viewer"]["role"], "AGENT");
    let user = viewer["data"]["viewer"]["userId"].as_str().expect("a user").to_owned();
    // What the person does stands under their id in the log, and their name beside it.
    let register =
        r#"mutation { registerCustomer(input: { name: "Ada" }) { customer { id } position refusal { message } } }"#;
    let done = desk.ask(&session, register).await.json::<Value>().await.unwrap();
    assert!(done["data"]["registerCustomer"]["refusal"].is_null(), "{done:#}");
    let position = done["data"]["registerCustomer"]["position"].clone();
    let query = "query($wait: Position) { apiKeys(waitFor: $wait) { role user { id name } expiresAt } }";
    let keys = desk.anybody.data(query, json!({ "wait": position })).await;
    let theirs = keys["apiKeys"].as_array().unwrap().iter().find(|key| key["user"]["id"] == user.as_str());
    let theirs = theirs.unwrap_or_else(|| panic!("{keys:#}"));
    assert_eq!((&theirs["role"], &theirs["user"]["name"]), (&json!("AGENT"), &json!("Jane Doe")));
    assert!(theirs["expiresAt"].is_string());
    let actors =
        "{ events(first: 10, filter: { types: [\"CustomerRegistered\"] }) { nodes { actor author { id name } } } }";
    let event = desk.anybody.data(actors, json!({})).await["events"]["nodes"][0].clone();
    assert_eq!(event["author"], json!({ "id": user, "name": "Jane Doe" }));
    assert!(event["actor"].as_str().unwrap().starts_with(&format!("user:{user}/key:")), "{event}");
    // The same person has the same id the next time, and a key of their own each time.
    let (_, again) = desk.sign_in("/").await;
    let second = desk.ask(&again, "{ viewer { userId keyId } }").await.json::<Value>().await.unwrap();
    assert_eq!(second["data"]["viewer"]["userId"], user.as_str());
    // Signing out ends this sign-in at once, and no other one.
    let out = desk.http.post(desk.anybody.url("/auth/sign-out")).header(COOKIE, &session);
    assert_eq!(out.try_clone().unwrap().send().await.unwrap().status(), StatusCode::FORBIDDEN, "from elsewhere");
    assert_eq!(out.header("commlog-console", "1").send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(desk.ask(&session, "{ viewer { role } }").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(desk.ask(&again, "{ viewer { role } }").await.status(), StatusCode::OK);
    // It ends by itself after the configured time.
    desk.app.advance(TimeDelta::hours(8));
    assert_eq!(desk.ask(&again, "{ viewer { role } }").await.status(), StatusCode::UNAUTHORIZED);
    desk.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_opens_the_api_to_our_pages_only() {
    let desk = Desk::start(Engine::Sqlite, "https://commlog.example").await;
    let (path, kept) = desk.come_back("//b.example").await;
    let signed_in = desk.get(&path, &kept).await;
    assert_eq!(header(&signed_in, LOCATION.as_str()), "/", "nobody is led to another site");
    let set = signed_in.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    let set: Vec<String> = set.filter(|cookie| cookie.starts_with("__Host-commlog=")).collect();
    let [cookie] = &set[..] else { panic!("{set:?}") };
    for part in ["; Path=/;", "; HttpOnly;", "; SameSite=Strict;", "; Secure", "; Max-Age=28800;"] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    let session = cookies(&signed_in);
    let body = json!({ "query": "{ viewer { role } }" });
    let post = || desk.http.post(desk.anybody.url("/graphql")).header(COOKIE, &session).json(&body);
    for (request, expected) in [
        (post(), 403),
        (post().header("sec-fetch-site", "cross-site").header("commlog-console", "1"), 403),
        (post().header("sec-fetch-site", "same-origin"), 200),
        (post().header("commlog-console", "1"), 200),
        // A key that is sent beside it is what counts.
        (post().bearer_auth("clk_wrong"), 401),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{}", answer.text().await.unwrap());
    }
    let state = desk.get("/auth/session", &session).await.json::<Value>().await.unwrap();
    assert_eq!(state, json!({ "openIdConnect": true, "signedIn": true }));
    desk.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_with_what_proves_nothing() {
    let desk = Desk::start(Engine::Sqlite, "http://commlog.internal").await;
    for lie in [Lie::Nonce, Lie::Audience, Lie::Issuer, Lie::Expired, Lie::Unsigned, Lie::OtherKey, Lie::NoToken] {
        desk.issuer.lie(Some(lie));
        assert_eq!(desk.sign_in("/").await, ("/sign-in?problem=not_proved".to_owned(), String::new()), "{lie:?}");
    }
    desk.issuer.lie(None);
    // Another browser, a code that was used, a state that is not the browser's, and no cookie.
    let (path, kept) = desk.come_back("/").await;
    let problem = async |path: &str, kept: &str| header(&desk.get(path, kept).await, LOCATION.as_str());
    assert_eq!(problem(&path, "").await, "/sign-in?problem=expired");
    assert_eq!(problem(&path, "commlog-signing-in=bm90IGpzb24").await, "/sign-in?problem=expired");
    let (_, other) = desk.come_back("/").await;
    assert_eq!(problem(&path, &other).await, "/sign-in?problem=expired");
    assert_eq!(problem("/auth/callback?state=&code=x", &kept).await, "/sign-in?problem=expired");
    assert_eq!(problem(&path, &kept).await, "/");
    assert_eq!(problem(&path, &kept).await, "/sign-in?problem=not_proved", "a code is good once");
    assert_eq!(problem("/auth/callback?error=access_denied&state=x", &kept).await, "/sign-in?problem=refused");
    // Groups decide; the mightiest one counts, and somebody without any stays outside.
    for (groups, expected) in [
        (json!(["numbers", "crm-admins"]), Some("ADMIN")),
        (json!("numbers"), Some("ANALYST")),
        (json!(["staff"]), None),
        (json!({ "admin": true }), None),
        (Value::Null, None),
    ] {
        desk.issuer.sign_in_as(json!({ "sub": "7", "groups": groups }));
        let (to, session) = desk.sign_in("/").await;
        match expected {
            None => assert_eq!((to.as_str(), session.as_str()), ("/sign-in?problem=no_role", ""), "{groups}"),
            Some(role) => {
                let viewer = desk.ask(&session, "{ viewer { role } }").await.json::<Value>().await.unwrap();
                assert_eq!(viewer["data"]["viewer"]["role"], role, "{groups}");
            }
        }
    }
    desk.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_not_there_keeps_nobody_with_a_key_out() {
    let file =
        format!("oidc_issuer = 'http://127.0.0.1:1'\noidc_client_id = '{CLIENT}'\noidc_roles = 'crm-admins=admin'\n");
    let app = TestApp::with(Engine::Sqlite, &file).await;
    let agent = app.actor(Role::Agent).await;
    let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let left = http.get(agent.url("/auth/sign-in")).send().await.expect("an answer");
    assert_eq!(header(&left, LOCATION.as_str()), "/sign-in?problem=unreachable");
    assert_eq!(agent.data("{ viewer { role } }", json!({})).await["viewer"]["role"], "AGENT");
    app.finish().await;
    let without = TestApp::sqlite().await;
    let agent = without.actor(Role::Agent).await;
    assert_eq!(agent.get("/auth/sign-in").await.status(), 404);
    assert_eq!(
        agent.get("/auth/session").await.json::<Value>().await.unwrap(),
        json!({ "openIdConnect": false, "signedIn": false })
    );
    without.finish().await;
}
