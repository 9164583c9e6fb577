//! A strict OpenID Connect issuer: discovery, keys, authorization code with PKCE, ID tokens signed with RS256. Whoever comes is
//! signed in as the person that was set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use commlog::clock::Ambient;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Server;

pub(crate) const CLIENT: &str = "commlog";
/// As issuers make them: with letters that a header cannot have as they are.
pub(crate) const SECRET: &str = "s3cret+/%:ä";
const KEY_FILE: &str = include_str!("fcm_key.json");

/// What is wrong with the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Nonce,
    Audience,
    Issuer,
    Expired,
    Unsigned,
    OtherKey,
    NoToken,
}

pub(crate) struct IssuerDouble {
    shared: Arc<Shared>,
    server: Server,
}

struct Shared {
    url: Mutex<String>,
    pair: RsaKeyPair,
    ambient: Ambient,
    /// Claims of the person who signs in.
    person: Mutex<Value>,
    lie: Mutex<Option<Lie>>,
    /// By the code that was given for it.
    asked: Mutex<HashMap<String, HashMap<String, String>>>,
}

impl IssuerDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let file: Value = serde_json::from_str(KEY_FILE).expect("a key file");
        let pem = file["private_key"].as_str().expect("a key");
        let letters: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(letters).expect("base64")).expect("a key");
        let shared = Arc::new(Shared {
            url: Mutex::default(),
            pair,
            ambient,
            person: Mutex::default(),
            lie: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&shared));
        let server = Server::start(router).await;
        *shared.url.lock().expect("no panic") = format!("http://{}", server.address);
        Self { shared, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Who signs in from now on.
    pub(crate) fn sign_in_as(&self, person: Value) {
        *self.shared.person.lock().expect("no panic") = person;
    }

    pub(crate) fn lie(&self, lie: Option<Lie>) {
        *self.shared.lie.lock().expect("no panic") = lie;
    }
}

impl Shared {
    fn url(&self) -> String {
        self.url.lock().expect("no panic").clone()
    }
}

async fn describe(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let url = shared.url();
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let public: PublicKeyComponents<Vec<u8>> = shared.pair.public().into();
    Json(json!({ "keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
        "n": URL_SAFE_NO_PAD.encode(public.n),
        "e": URL_SAFE_NO_PAD.encode(public.e),
    }] }))
}

async fn authorize(State(shared): State<Arc<Shared>>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let given = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let is_right = given("client_id") == CLIENT
        && given("response_type") == "code"
        && given("scope").split(' ').any(|scope| scope == "openid")
        && given("code_challenge_method") == "S256"
        && given("state").len() >= 32
        && given("nonce").len() >= 32;
    if !is_right {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    }
    let code = hex::encode(shared.ambient.bytes::<16>());
    let back = format!("{}?code={code}&state={}", given("redirect_uri"), given("state"));
    shared.asked.lock().expect("no panic").insert(code, asked.clone());
    Redirect::to(&back).into_response()
}

async fn token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(given): Form<HashMap<String, String>>,
) -> Response {
    // RFC 6749, section 2.3.1: both parts are form-encoded before they are put together.
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}")));
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&expected) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let code = given.get("code").cloned().unwrap_or_default();
    let asked = shared.asked.lock().expect("no panic").remove(&code);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(given.get("code_verifier").cloned().unwrap_or_default()));
    let Some(asked) = asked
        .filter(|asked| asked["code_challenge"] == challenge && given.get("redirect_uri") == asked.get("redirect_uri"))
    else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    };
    let lie = *shared.lie.lock().expect("no panic");
    let mut answer = json!({ "access_token": "unused", "token_type": "Bearer", "expires_in": 300 });
    if lie != Some(Lie::NoToken) {
        answer["id_token"] = json!(id_token(&shared, &asked["nonce"], lie));
    }
    Json(answer).into_response()
}

fn id_token(shared: &Shared, nonce: &str, lie: Option<Lie>) -> String {
    let now = shared.ambient.now();
    let lasts = if lie == Some(Lie::Expired) { TimeDelta::hours(-1) } else { TimeDelta::minutes(5) };
    let mut claims = shared.person.lock().expect("no panic").clone();
    claims["iss"] = json!(if lie == Some(Lie::Issuer) { "https://b.example".to_owned() } else { shared.url() });
    claims["aud"] = json!(if lie == Some(Lie::Audience) { "other" } else { CLIENT });
    claims["nonce"] = json!(if lie == Some(Lie::Nonce) { "another-sign-in" } else { nonce });
    claims["iat"] = json!(now.timestamp());
    claims["exp"] = json!((now + lasts).timestamp());
    let header = match lie {
        Some(Lie::Unsigned) => json!({ "alg": "none" }),
        _ => json!({ "alg": "RS256", "kid": "1" }),
    };
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; shared.pair.public().modulus_len()];
    shared.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    match lie {
        Some(Lie::Unsigned) => signature.clear(),
        Some(Lie::OtherKey) => signature.reverse(),
        _ => {}
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
