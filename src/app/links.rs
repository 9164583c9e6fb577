//! Links in messages: who made them, what they are about, and what their holders decide.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::WordsAt;
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::tenants::tenant_stream;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::consent::choice::{self, Evidence, Preferences, RequestOptIn, Settings};
use crate::domain::consent::token::{Purpose, Token};
use crate::domain::customer::decide::{ChangeProfile, ProfilePatch, change_profile};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::state::Tenant;
use crate::domain::text;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId, TenantId};

/// The actor of what a page records.
const ACTOR: &str = "customer:page";

/// The headers of a marketing email that let mail programs offer "unsubscribe" (RFC 2369, RFC 8058). Both must be
/// covered by the DKIM signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUnsubscribe {
    /// The value of `List-Unsubscribe`.
    pub list_unsubscribe: String,
    /// The value of `List-Unsubscribe-Post`.
    pub list_unsubscribe_post: &'static str,
}

/// A confirmation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptInRequest {
    /// Where the customer confirms; to be sent to the customer.
    pub url: String,
    /// The time at which the link expires.
    pub expires_at: DateTime<Utc>,
}

/// What the text of a link turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A link of ours.
    Valid(Token),
    /// A link of ours that says nothing any more.
    Expired(Token),
    /// Nobody of ours made it, or it is for another page.
    Unknown,
}

impl App {
    /// The same use cases with the address at which people reach this installation.
    #[must_use]
    pub fn with_public_url(self, url: &str) -> Self {
        Self { public_url: Arc::from(url.trim_end_matches('/')), ..self }
    }

    /// The address at which people reach this installation, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The unsubscribe headers of a message that waits or is being sent; [`None`] unless it is marketing by email.
    pub async fn list_unsubscribe(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<Option<ListUnsubscribe>, AppError> {
        let stream = customer_stream(caller.tenant, customer_id);
        let topic = self
            .read_state::<Customer, _>(stream, |loaded| {
                let message = loaded.state.pending.get(message_id)?;
                let is_it = message.key.channel == Channel::Email && message.class == MessageClass::Marketing;
                is_it.then(|| message.topic.clone())
            })
            .await?;
        let Some(topic) = topic else { return Ok(None) };
        let token = Token {
            purpose: Purpose::Unsubscribe,
            tenant: caller.tenant,
            customer_id,
            channel: Channel::Email,
            topic,
            message_id: Some(message_id),
            expires_at: None,
        };
        let url = self.link("u", &token, &self.basis(caller).await?);
        Ok(Some(ListUnsubscribe {
            list_unsubscribe: format!("<{url}>"),
            list_unsubscribe_post: "List-Unsubscribe=One-Click",
        }))
    }

    /// The links that a text can name, for a message about a channel and topic.
    pub(super) fn links_in_message(
        &self,
        caller: &Caller,
        basis: &Basis,
        customer_id: CustomerId,
        channel: Channel,
        topic: &str,
        message_id: MessageId,
    ) -> [(&'static str, String); 2] {
        let token = |purpose, topic| Token {
            purpose,
            tenant: caller.tenant,
            customer_id,
            channel,
            topic,
            message_id: Some(message_id),
            expires_at: None,
        };
        let unsubscribe = token(Purpose::Unsubscribe, text::word("topic", topic).unwrap_or_default());
        let preferences = token(Purpose::Preferences, ALL_TOPICS.to_owned());
        [
            ("unsubscribe_url", self.link("u", &unsubscribe, basis)),
            ("preferences_url", self.link("preferences", &preferences, basis)),
        ]
    }

    /// The same links where there is no message; they lead nowhere.
    pub(super) fn sample_links(&self) -> [(&'static str, String); 2] {
        [("unsubscribe_url", "u"), ("preferences_url", "preferences")]
            .map(|(name, page)| (name, format!("{}/{page}/preview", self.public_url)))
    }

    /// Where a customer sees and changes what they agreed to; [`None`] if there is no such customer.
    pub async fn preferences_url(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: Option<MessageId>,
    ) -> Result<Option<String>, AppError> {
        let stream = customer_stream(caller.tenant, self.survivor(caller, customer_id).await?);
        let exists = self.read_state::<Customer, _>(stream, |loaded| loaded.state.must_exist().is_ok()).await?;
        let token = Token {
            purpose: Purpose::Preferences,
            tenant: caller.tenant,
            customer_id,
            channel: Channel::Email,
            topic: ALL_TOPICS.to_owned(),
            message_id,
            expires_at: None,
        };
        let basis = self.basis(caller).await?;
        Ok(exists.then(|| self.link("preferences", &token, &basis)))
    }

    /// Records that a customer was asked to confirm an opt-in, and returns where they do.
    pub async fn request_opt_in(
        &self,
        caller: &Caller,
        command: RequestOptIn,
    ) -> Result<Outcome<OptInRequest>, AppError> {
        let (customer_id, channel) = (command.customer_id, command.channel);
        let topic = text::word("topic", &command.topic).unwrap_or_default();
        let basis = self.basis(caller).await?;
        self.run_on_person(caller, command, choice::request, |made| {
            let expires_at = choice::confirm_until(made.events.first()?.occurred_at);
            let token = Token {
                purpose: Purpose::Confirm,
                tenant: caller.tenant,
                customer_id,
                channel,
                topic,
                message_id: None,
                expires_at: Some(expires_at),
            };
            Some(OptInRequest { url: self.link("confirm", &token, &basis), expires_at })
        })
        .await
    }

    /// What the link of a page with a purpose says. Records nothing.
    pub async fn open_link(&self, text: &str, purpose: Purpose) -> Result<Link, AppError> {
        let Some(tenant) = Token::claimed_tenant(text) else { return Ok(Link::Unknown) };
        // Asking for the secret of a tenant makes one: not for everybody who makes up an id.
        if !self.is_tenant(tenant).await? {
            return Ok(Link::Unknown);
        }
        let secret = self.shared.journal.tenant_secret(tenant).await?;
        Ok(match Token::prove(text, &secret).filter(|token| token.purpose == purpose) {
            None => Link::Unknown,
            Some(token) if token.has_expired(self.shared.ambient.now()) => Link::Expired(token),
            Some(token) => Link::Valid(token),
        })
    }

    /// Whether there is a tenant of this id.
    pub(crate) async fn is_tenant(&self, tenant: TenantId) -> Result<bool, AppError> {
        self.read_state::<Tenant, _>(tenant_stream(tenant), |loaded| loaded.state.exists).await
    }

    /// Ends messages about a link's channel and topic.
    pub async fn unsubscribe(&self, token: &Token, evidence: &Evidence) -> Result<Outcome<()>, AppError> {
        let decide = |state: &Customer, evidence: Evidence, context: &Context<'_>| {
            choice::unsubscribe(state, token, &evidence, context)
        };
        self.by_customer(token, evidence.clone(), decide).await
    }

    /// Confirms a pending opt-in.
    pub async fn confirm_opt_in(&self, token: &Token, evidence: &Evidence) -> Result<Outcome<()>, AppError> {
        let decide = |state: &Customer, evidence: Evidence, context: &Context<'_>| {
            choice::confirm(state, token, &evidence, context)
        };
        self.by_customer(token, evidence.clone(), decide).await
    }

    /// What a link's customer can choose, and has chosen; [`None`] if there is nobody any more.
    pub async fn settings(&self, token: &Token) -> Result<Option<Settings>, AppError> {
        let policy = self.policy(token.tenant).await?;
        let settings = |state: &Customer| Settings {
            choices: choice::choices(state, &policy),
            locale: state.profile.locale.clone(),
            time_zone: state.profile.time_zone.clone(),
            preferred_hours: state.profile.preferred_hours.clone(),
        };
        self.read_survivor(token, |state| state.must_exist().is_ok().then(|| settings(state))).await
    }

    /// The language of a link's customer (BCP 47), if it is known.
    pub async fn locale_of(&self, token: &Token) -> Result<Option<String>, AppError> {
        self.read_survivor(token, |state| state.profile.locale.clone()).await
    }

    async fn read_survivor<T>(&self, token: &Token, look: impl FnOnce(&Customer) -> T) -> Result<T, AppError> {
        let survivor = self.survivor(&Caller::new(token.tenant, ACTOR), token.customer_id).await?;
        let stream = customer_stream(token.tenant, survivor);
        self.read_state::<Customer, _>(stream, |loaded| look(&loaded.state)).await
    }

    /// Records what a customer chose, together with changes of their profile.
    pub async fn set_preferences(
        &self,
        token: &Token,
        preferences: &Preferences,
        profile: &ProfilePatch,
        evidence: &Evidence,
    ) -> Result<Outcome<()>, AppError> {
        let decide = |state: &Customer, evidence: Evidence, context: &Context<'_>| -> Decision<CustomerEvent> {
            let mut events = choice::prefer(state, token, preferences, &evidence, context)?;
            let change = ChangeProfile {
                customer_id: token.customer_id,
                patch: profile.clone(),
                source: Source::Customer,
                import_id: None,
            };
            events.extend(change_profile(state, change, context)?);
            Ok(events)
        };
        self.by_customer(token, evidence.clone(), decide).await
    }

    async fn by_customer(
        &self,
        token: &Token,
        evidence: Evidence,
        decide: impl Fn(&Customer, Evidence, &Context<'_>) -> Decision<CustomerEvent> + Send + Sync,
    ) -> Result<Outcome<()>, AppError> {
        let caller = Caller::new(token.tenant, ACTOR);
        let basis = self.basis(&caller).await?;
        let decide = |state: &Customer, _, context: &Context<'_>| decide(state, evidence.clone(), context);
        let words = Some(WordsAt::All);
        let decided = self.decide_on_survivor(&caller, &basis, token.customer_id, None, words, decide).await;
        match Stop::refusal(decided)? {
            Ok(made) => Ok(Outcome::Done(self.done(&made, |_| Some(())).await?)),
            Err(refusal) => Ok(Outcome::Refused(refusal)),
        }
    }

    fn link(&self, page: &str, token: &Token, basis: &Basis) -> String {
        format!("{}/{page}/{}", self.public_url, token.seal(&basis.secret))
    }
}
