//! People who sign in elsewhere, at an OpenID Connect issuer, and work here.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::tenant::decide::{IssueApiKey, IssuedApiKey, NameUser};
use crate::domain::tenant::event::Role;
use crate::ids::{Label, TenantId};

/// Who signed in, as the issuer says.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The issuer's URL.
    pub issuer: String,
    /// Its name for the person: never given to somebody else.
    pub subject: String,
    /// As the person is shown.
    pub name: Option<String>,
    /// What the person may do here.
    pub role: Role,
    /// When the sign-in ends.
    pub expires_at: DateTime<Utc>,
}

impl App {
    /// Gives a person who signed in a key of their own until the sign-in ends. In the log the person stands under an id
    /// that says nothing: the same at each sign-in, made with the tenant's secret from the issuer's name for them.
    pub async fn sign_in(&self, tenant: TenantId, sign_in: SignIn) -> Result<Outcome<IssuedApiKey>, AppError> {
        let user = self.signed_in_user(tenant, &sign_in).await?;
        let caller = Caller::new(tenant, format!("user:{user}"));
        if let Some(name) = sign_in.name {
            let command = NameUser { user_id: user.to_string(), name };
            // A name that cannot be kept keeps nobody out: then the id is shown.
            if let Outcome::Refused(refusal) = self.name_user(&caller, command).await? {
                tracing::warn!(code = refusal.code, "the name of a user who signed in is not kept");
            }
        }
        let command = IssueApiKey {
            user_id: Some(user),
            expires_at: Some(sign_in.expires_at),
            ..IssueApiKey::of(sign_in.role, "signed in with OpenID Connect")
        };
        self.issue_api_key(&caller, command).await
    }

    async fn signed_in_user(&self, tenant: TenantId, sign_in: &SignIn) -> Result<Uuid, AppError> {
        let secret = self.shared.journal.tenant_secret(tenant).await?;
        Ok(secret.derive(Label::SignedInUser, &[sign_in.issuer.as_bytes(), sign_in.subject.as_bytes()]))
    }
}
