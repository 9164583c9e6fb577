//! Access tokens for XOAUTH2 (RFC 6749, section 6): Google and Microsoft take no passwords of programs any more.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::clock::Ambient;
use crate::domain::value::message::RetryClass;
use crate::providers::kind::Reach;
use crate::providers::kit::client::{HttpClient, call};
use crate::providers::kit::texts;
use crate::providers::{Secret, SendError};

/// A token is renewed this long before it ends.
const MARGIN: TimeDelta = TimeDelta::minutes(2);
/// How long a token is used whose server does not say; they say an hour.
const USUAL: i64 = 3_000;

/// What gets access tokens.
#[derive(Debug, Clone)]
pub struct OauthSettings {
    /// Where tokens are given out, such as `https://oauth2.googleapis.com/token`.
    pub token_url: Url,
    /// The application's id.
    pub client_id: String,
    /// Its secret; public applications have none.
    pub client_secret: Option<Secret>,
    /// What the mailbox's owner gave the application.
    pub refresh_token: Secret,
    /// What the token is for, where the server wants to be told.
    pub scope: Option<String>,
}

/// Gets access tokens, and keeps the newest one.
pub(super) struct Tokens {
    settings: OauthSettings,
    reach: Reach,
    client: HttpClient,
    ambient: Ambient,
    newest: Mutex<Option<(Secret, DateTime<Utc>)>>,
}

impl Tokens {
    pub(super) fn new(settings: OauthSettings, reach: Reach, client: HttpClient, ambient: Ambient) -> Self {
        Self { settings, reach, client, ambient, newest: Mutex::default() }
    }

    /// An access token. Nothing is sent before there is one, so that no failure leaves doubt.
    pub(super) async fn token(&self) -> Result<Secret, SendError> {
        let mut newest = self.newest.lock().await;
        if let Some((token, until)) = &*newest
            && *until > self.ambient.now()
        {
            return Ok(token.clone());
        }
        let (token, lasts) = self.renew().await?;
        *newest = Some((token.clone(), self.ambient.now() + lasts - MARGIN));
        Ok(token)
    }

    /// Uses the newest token no longer: a server refused it.
    pub(super) async fn forget(&self) {
        *self.newest.lock().await = None;
    }

    async fn renew(&self) -> Result<(Secret, TimeDelta), SendError> {
        let OauthSettings { client_id, client_secret, refresh_token, scope, .. } = &self.settings;
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", client_id.as_str()),
            ("refresh_token", refresh_token.expose()),
        ];
        form.extend(client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let later = |detail: &str| SendError::refused(RetryClass::Transient, Some("oauth".to_owned()), detail);
        let reply = match call(self.request().form(&form)).await {
            Err(SendError::Ambiguous { .. }) => return Err(later("the server of access tokens did not respond")),
            reply => reply?,
        };
        let answer = reply.json().unwrap_or_default();
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if let (200, Some(token)) = (reply.status, text("access_token")) {
            let lasts = answer.get("expires_in").and_then(Value::as_i64).filter(|lasts| (1..=86_400).contains(lasts));
            return Ok((Secret::new(token), TimeDelta::seconds(lasts.unwrap_or(USUAL))));
        }
        if (400..500).contains(&reply.status) && reply.status != 429 {
            let code = format!("oauth:{}", texts::bounded(text("error").unwrap_or("refused"), 100));
            return Err(SendError::refused(RetryClass::Configuration, Some(code), "no access token is given out"));
        }
        Err(later("the server of access tokens gives none at the moment"))
    }

    fn request(&self) -> RequestBuilder {
        let url = self.settings.token_url.clone();
        match self.reach {
            Reach::Anywhere => self.client.request(Method::POST, url),
            Reach::Public => self.client.public_post(url),
        }
    }
}
