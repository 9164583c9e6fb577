//! An OpenID Connect issuer: where people sign in, and what it says of them. Authorization code with PKCE (OpenID Connect Core
//! 1.0, section 3.1; RFC 7636); the ID token's signature, issuer, audience, time and nonce are checked by the library.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::app::signing_in::SignIn;
use crate::clock::Ambient;
use crate::domain::tenant::event::Role;

/// How long what the issuer says of itself, its keys among it, is believed.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// What an operator says of an issuer.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// The issuer's URL, as in its tokens.
    pub issuer: String,
    /// The name that it knows this server by.
    pub client_id: String,
    /// The secret that this server shows it, if it has one.
    pub client_secret: Option<String>,
    /// The claim of the ID token with a person's groups or roles there.
    pub role_claim: String,
    /// What these mean here.
    pub roles: BTreeMap<String, Role>,
    /// How long a sign-in lasts.
    pub lasts: TimeDelta,
    /// Where this server is reached, without a slash at its end.
    pub public_url: String,
}

/// What an issuer says of itself, and when it was asked.
type Described = (DateTime<Utc>, CoreProviderMetadata);

/// An issuer; cheap to clone.
#[derive(Clone)]
pub struct Issuer {
    settings: Arc<IssuerSettings>,
    client: reqwest::Client,
    ambient: Ambient,
    described: Arc<Mutex<Option<Described>>>,
}

/// What a browser keeps between leaving for the issuer and coming back.
#[derive(Debug, Serialize, Deserialize)]
pub struct Leaving {
    state: String,
    nonce: String,
    verifier: String,
    /// The page that the person came from.
    pub to: String,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The issuer does not answer, or not as issuers do.
    #[error("the issuer's description cannot be fetched")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The browser brought nothing back that fits what it left with.
    #[error("the sign-in was not begun with this browser, or too long ago")]
    Unknown,
    /// The issuer gives no token for the code.
    #[error("the issuer does not accept the code")]
    Code(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The token proves nothing.
    #[error("the ID token is not valid")]
    Token(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The person has no role here.
    #[error("none of the person's groups has a role here")]
    NoRole,
}

/// An answer of the issuer that could not be had.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the call failed")]
    Call(#[from] reqwest::Error),
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("the answer cannot be read")]
    Answer(#[from] axum::http::Error),
}

/// The longest answer of an issuer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// All claims of the token that the standard does not name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Others(HashMap<String, Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Tokens = StandardTokenResponse<Fields, CoreTokenType>;

type Relying = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Issuer {
    /// An issuer that `client` calls; nothing is called before somebody signs in.
    #[must_use]
    pub fn new(settings: IssuerSettings, client: reqwest::Client, ambient: Ambient) -> Self {
        Self { settings: Arc::new(settings), client, ambient, described: Arc::default() }
    }

    /// What it was set up with.
    #[must_use]
    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// Where a person is to go to sign in, and what the browser keeps meanwhile.
    pub async fn leave(&self, to: String) -> Result<(String, Leaving), SignInError> {
        let random = || URL_SAFE_NO_PAD.encode(self.ambient.bytes::<32>());
        let leaving = Leaving { state: random(), nonce: random(), verifier: random(), to };
        let verifier = PkceCodeVerifier::new(leaving.verifier.clone());
        let (state, nonce) = (CsrfToken::new(leaving.state.clone()), Nonce::new(leaving.nonce.clone()));
        let relying = self.relying().await?;
        let (url, _, _) = relying
            .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, || state, || nonce)
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok((url.into(), leaving))
    }

    /// Who came back with a code.
    pub async fn come_back(&self, leaving: &Leaving, state: &str, code: String) -> Result<SignIn, SignInError> {
        if state.is_empty() || state != leaving.state {
            return Err(SignInError::Unknown);
        }
        let relying = self.relying().await?;
        let verifier = PkceCodeVerifier::new(leaving.verifier.clone());
        let answer = exchange(relying.clone(), AuthorizationCode::new(code), verifier, self.calls()).await?;
        let now = self.ambient.now();
        let verifier = relying.id_token_verifier().set_time_fn(move || now);
        let token = answer.id_token().ok_or_else(|| SignInError::Token("there is none".into()))?;
        let claims: &IdTokenClaims<Others, CoreGenderClaim> = token
            .claims(&verifier, &Nonce::new(leaving.nonce.clone()))
            .map_err(|error| SignInError::Token(error.into()))?;
        Ok(SignIn {
            issuer: self.settings.issuer.clone(),
            subject: claims.subject().to_string(),
            name: name(claims),
            role: self.role(&claims.additional_claims().0).ok_or(SignInError::NoRole)?,
            expires_at: now + self.settings.lasts,
        })
    }

    /// The mightiest role of those that the person's groups have here.
    fn role(&self, claims: &HashMap<String, Value>) -> Option<Role> {
        let groups: Vec<&str> = match claims.get(&self.settings.role_claim)? {
            Value::String(group) => vec![group],
            Value::Array(groups) => groups.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
        };
        let theirs = groups.into_iter().filter_map(|group| self.settings.roles.get(group).copied());
        theirs.min_by_key(|role| MIGHTIEST_FIRST.iter().position(|known| known == role))
    }

    async fn relying(&self) -> Result<Relying, SignInError> {
        let described = self.described().await?;
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let back = RedirectUrl::new(format!("{}/auth/callback", self.settings.public_url))
            .map_err(|error| SignInError::Unreachable(error.into()))?;
        let client_id = ClientId::new(self.settings.client_id.clone());
        Ok(Relying::from_provider_metadata(described, client_id, secret).set_redirect_uri(back))
    }

    /// What the issuer says of itself; fetched by one caller at a time.
    async fn described(&self) -> Result<CoreProviderMetadata, SignInError> {
        let mut known = self.described.lock().await;
        let now = self.ambient.now();
        if let Some((fetched_at, described)) = &*known
            && (now - *fetched_at).abs() < FRESH
        {
            return Ok(described.clone());
        }
        let issuer =
            IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| SignInError::Unreachable(error.into()))?;
        let described = discover(issuer, self.calls()).await?;
        *known = Some((now, described.clone()));
        Ok(described)
    }

    fn calls(&self) -> Calls {
        Calls(self.client.clone())
    }
}

/// What the library makes its calls with.
struct Calls(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Calls {
    type Error = CallError;
    type Future = BoxFuture<'c, Result<HttpResponse, CallError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        call(self.0.clone(), request).boxed()
    }
}

/// On its own, so that the compiler sees that it may move between threads.
fn discover(issuer: IssuerUrl, calls: Calls) -> BoxFuture<'static, Result<CoreProviderMetadata, SignInError>> {
    let described = async move { CoreProviderMetadata::discover_async(issuer, &calls).await };
    described.map_err(|error| SignInError::Unreachable(error.into())).boxed()
}

/// On its own for the same reason.
fn exchange(
    relying: Relying,
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    calls: Calls,
) -> BoxFuture<'static, Result<Tokens, SignInError>> {
    let exchanged = async move {
        let exchange = relying.exchange_code(code).map_err(|error| SignInError::Code(error.into()))?;
        let answer = exchange.set_pkce_verifier(verifier).request_async(&calls).await;
        answer.map_err(|error| SignInError::Code(error.into()))
    };
    exchanged.boxed()
}

async fn call(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, CallError> {
    let mut response = client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let mut built = axum::http::Response::builder().status(response.status());
    if let Some(headers) = built.headers_mut() {
        headers.clone_from(response.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(built.body(body)?)
}

const MIGHTIEST_FIRST: [Role; 6] =
    [Role::Admin, Role::Marketer, Role::Agent, Role::Auditor, Role::Analyst, Role::Ingest];

/// As the person is shown: the name, or else what they sign in with.
fn name(claims: &IdTokenClaims<Others, CoreGenderClaim>) -> Option<String> {
    let name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let user = || claims.preferred_username().map(|name| name.to_string());
    let email = || claims.email().map(|email| email.to_string());
    name.or_else(user).or_else(email).filter(|name| !name.trim().is_empty())
}
