//! `/auth/…`: leaving for the issuer, coming back, what a browser is signed in as, and signing out.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;

use super::issuer::{Issuer, Leaving, SignInError};
use super::{COOKIE, PLAIN_COOKIE, cookie, is_of_our_page, token};
use crate::app::{Caller, Outcome};
use crate::domain::tenant::decide::RevokeApiKey;
use crate::graphql::Gateway;
use crate::graphql::engine::failure::chain;
use crate::http::auth::check;
use crate::http::body::refusal;
use crate::ids::TenantId;

/// The cookie with what the browser keeps until the person comes back; only `/auth` sees it.
const LEAVING: &str = "commlog-signing-in";
/// How long somebody may take at the issuer, in seconds.
const PATIENCE: u32 = 900;

/// Signing in with a browser. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    gateway: Gateway,
    issuer: Option<Issuer>,
    tenant: TenantId,
}

impl Sessions {
    /// People of `tenant` sign in at an issuer; without one, with API keys only.
    #[must_use]
    pub fn new(gateway: Gateway, issuer: Option<Issuer>, tenant: TenantId) -> Self {
        Self { gateway, issuer, tenant }
    }

    /// What serves the API.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

/// The routes.
pub fn router<S: Clone + Send + Sync + 'static>(sessions: Sessions) -> Router<S> {
    Router::new()
        .route("/auth/session", get(session))
        .route("/auth/sign-in", get(sign_in))
        .route("/auth/callback", get(callback))
        .route("/auth/sign-out", post(sign_out))
        .with_state(sessions)
}

/// `GET /auth/session`: whether people can sign in at an issuer, and whether this browser is signed in.
async fn session(State(sessions): State<Sessions>, headers: HeaderMap) -> Response {
    let is_signed_in = match token(&headers) {
        Some(token) => check(&sessions.gateway, token).await.is_ok(),
        None => false,
    };
    let mut response =
        Json(json!({ "openIdConnect": sessions.issuer.is_some(), "signedIn": is_signed_in })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize)]
struct From {
    /// The page to come back to.
    to: Option<String>,
}

/// `GET /auth/sign-in`: leads to the issuer.
async fn sign_in(State(sessions): State<Sessions>, Query(from): Query<From>) -> Response {
    let Some(issuer) = &sessions.issuer else {
        return refusal(
            StatusCode::NOT_FOUND,
            "NO_ISSUER",
            "this server has no OpenID Connect issuer: set oidc_issuer",
        );
    };
    match issuer.leave(own_page(from.to.as_deref())).await {
        Ok((url, leaving)) => {
            let kept = URL_SAFE_NO_PAD.encode(json!(leaving).to_string());
            let secure = secure(issuer);
            let cookie = format!("{LEAVING}={kept}; Path=/auth; Max-Age={PATIENCE}; HttpOnly; SameSite=Lax{secure}");
            with_cookies(Redirect::to(&url), &[cookie])
        }
        Err(error) => problem(&error),
    }
}

#[derive(Deserialize)]
struct Back {
    state: Option<String>,
    code: Option<String>,
    /// Why the issuer sends the person back without a code (OpenID Connect Core 1.0, section 3.1.2.6).
    error: Option<String>,
}

/// `GET /auth/callback`: where the issuer sends people back to.
async fn callback(State(sessions): State<Sessions>, headers: HeaderMap, Query(back): Query<Back>) -> Response {
    let Some(issuer) = &sessions.issuer else {
        return refusal(
            StatusCode::NOT_FOUND,
            "NO_ISSUER",
            "this server has no OpenID Connect issuer: set oidc_issuer",
        );
    };
    if back.error.is_some() {
        tracing::warn!("the issuer sent somebody back without a code");
        return Redirect::to("/sign-in?problem=refused").into_response();
    }
    let leaving = cookie(&headers, LEAVING)
        .and_then(|kept| URL_SAFE_NO_PAD.decode(kept).ok())
        .and_then(|kept| serde_json::from_slice::<Leaving>(&kept).ok());
    let (Some(leaving), Some(state), Some(code)) = (leaving, back.state, back.code) else {
        return problem(&SignInError::Unknown);
    };
    let signed_in = match issuer.come_back(&leaving, &state, code).await {
        Ok(signed_in) => signed_in,
        Err(error) => return problem(&error),
    };
    let issued = match sessions.gateway.api().app.sign_in(sessions.tenant, signed_in).await {
        Ok(Outcome::Done(done)) => done.value,
        Ok(Outcome::Refused(refusal)) => {
            tracing::error!(code = refusal.code, "somebody signed in, and got no key");
            return Redirect::to("/sign-in?problem=unavailable").into_response();
        }
        Err(error) => {
            tracing::error!(error = chain(&error), "somebody signed in, and got no key");
            return Redirect::to("/sign-in?problem=unavailable").into_response();
        }
    };
    let (secure, seconds) = (secure(issuer), issuer.settings().lasts.num_seconds());
    let name = if secure.is_empty() { PLAIN_COOKIE } else { COOKIE };
    let session = format!("{name}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", issued.token);
    let spent = format!("{LEAVING}=; Path=/auth; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    with_cookies(Redirect::to(&own_page(Some(&leaving.to))), &[session, spent])
}

/// `POST /auth/sign-out`: revokes the key of the person who signed in, and takes the cookie back.
async fn sign_out(State(sessions): State<Sessions>, headers: HeaderMap) -> Response {
    let Some(token) = token(&headers) else { return StatusCode::NO_CONTENT.into_response() };
    if !is_of_our_page(&headers) {
        return refusal(StatusCode::FORBIDDEN, "CROSS_SITE", "this is asked by a page of another site");
    }
    if let Ok(principal) = check(&sessions.gateway, token).await {
        let api = sessions.gateway.api();
        let caller = Caller::new(principal.tenant, principal.actor());
        if let Err(error) = api.app.revoke_api_key(&caller, RevokeApiKey { key_id: principal.key }).await {
            tracing::error!(error = chain(&error), "somebody who signed out still has a key");
            return refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "the sign-in could not be ended; try again",
            );
        }
        api.keys.revoke(principal.key);
    }
    let spent = [COOKIE, PLAIN_COOKIE].map(|name| {
        let secure = if name == COOKIE { "; Secure" } else { "" };
        format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}")
    });
    with_cookies(StatusCode::NO_CONTENT, &spent)
}

fn problem(error: &SignInError) -> Response {
    let why = match error {
        SignInError::Unreachable(_) => "unreachable",
        SignInError::Unknown => "expired",
        SignInError::Code(_) | SignInError::Token(_) => "not_proved",
        SignInError::NoRole => "no_role",
    };
    tracing::warn!(error = chain(error), "nobody was signed in");
    Redirect::to(&format!("/sign-in?problem={why}")).into_response()
}

/// Cookies go over TLS only where that is how this server is reached.
fn secure(issuer: &Issuer) -> &'static str {
    if issuer.settings().public_url.starts_with("https://") { "; Secure" } else { "" }
}

/// A page of ours to come back to; anything that leads elsewhere leads to the first page.
fn own_page(to: Option<&str>) -> String {
    let is_ours = |to: &&str| {
        to.starts_with('/')
            && !to.starts_with("//")
            && to.len() < 2000
            && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    to.filter(is_ours).unwrap_or("/").to_owned()
}

fn with_cookies(response: impl IntoResponse, cookies: &[String]) -> Response {
    let mut response = response.into_response();
    let headers = response.headers_mut();
    for cookie in cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(own_page(Some("/customers?q=a%20b")), "/customers?q=a%20b");
        for elsewhere in ["https://b.example", "//b.example", "/\\b.example", "javascript:x", "", "/a\r\nb", "/ä"] {
            assert_eq!(own_page(Some(elsewhere)), "/", "{elsewhere}");
        }
    }
}
