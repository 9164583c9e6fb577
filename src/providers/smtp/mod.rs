//! SMTP: email through any server that takes it (RFC 5321, RFC 6409), and the mail that comes back, out of a mailbox
//! (IMAP) or as the server posts it.
//!
//! What comes back carries our reply token: in the address that it returns to (`return_path`), in the envelope's id where
//! the server offers DSN (RFC 3461), and in the `Message-ID`. The token is authenticated, so that no forged bounce counts.

mod imap;
mod keys;
mod mail;
mod oauth;
mod pool;
mod replies;
mod session;
mod settings;
mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use lettre::Address;
use lettre::message::dkim::DkimConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

pub use oauth::OauthSettings;
pub use settings::{Dkim, ImapSettings, SmtpSettings};
pub use webhook::SmtpWebhook;
pub use wire::{Security, Server};

use crate::clock::Ambient;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::domain::value::message::{RetryClass, Route};
use crate::domain::value::token::{reply_token_in, reply_token_in_mail_id};
use crate::providers::kind::{Built, Kind, Setup};
use crate::providers::kit::client::HttpClient;
use crate::providers::{Accepted, Content, EmailContent, Mailbox, OutboundMessage, Provider, SendError, SettingsError};
use imap::ImapMailbox;
use mail::{Draft, Written};
use oauth::Tokens;
use pool::Pool;
use replies::{Cause, Failure, Stage};
use session::{Envelope, Line, Session, SignIn};

/// The provider's name in routes, URLs and events.
pub const PROVIDER: &str = "smtp";

/// What SMTP is to those who set its accounts up.
pub const KIND: Kind = Kind {
    name: PROVIDER,
    title: "SMTP",
    channels: &[Channel::Email],
    settings: settings::SETTINGS,
    // Any server may be named: administrators, only ones of the public network.
    domains: &[],
    callbacks: &[
        "Nothing has to be registered: bounces and replies are read from the mailbox of `imap_host`.",
        "A mail server of your own may post raw mail instead, from a pipe: curl --data-binary @- -H 'Authorization: Bearer …' {url}, with your `inbound_secret`.",
    ],
    // What a server takes (its size, mailboxes beyond ASCII) it says itself, connection by connection.
    limits: &[Limits::none(Channel::Email)],
    parser: 1,
    build,
};

fn build(setup: Setup<'_>) -> Result<Built, SettingsError> {
    let settings = SmtpSettings::read(&setup)?;
    let own_address = Some(settings.from.email.to_string());
    let webhook = Arc::new(SmtpWebhook::try_new(&settings)?);
    let provider = Arc::new(Smtp::try_new(settings, setup.client, setup.ambient)?);
    Ok(Built { provider, webhook, own_address })
}

/// How long a server may take for a goodbye.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);

/// One SMTP account.
///
/// A message in doubt cannot be looked up: servers offer no search. Its bounce, or a reply, is the evidence.
pub struct Smtp {
    settings: SmtpSettings,
    ambient: Ambient,
    route: Route,
    trust: Arc<ClientConfig>,
    hello: ClientId,
    dkim: Option<DkimConfig>,
    tokens: Option<Arc<Tokens>>,
    pool: Pool,
    mailbox: Option<Arc<ImapMailbox>>,
}

impl Smtp {
    /// Checks the settings; calls nothing.
    pub fn try_new(settings: SmtpSettings, client: HttpClient, ambient: Ambient) -> Result<Self, SettingsError> {
        settings.validate()?;
        let wrong = |setting, reason| SettingsError::new(PROVIDER, setting, reason);
        let trust = wire::trust(settings.authority.as_deref())
            .map_err(|_| wrong("ca_certificate", "cannot be used: no TLS connections can be made"))?;
        let dkim = match &settings.dkim {
            Some(dkim) => {
                let key = keys::read(&dkim.key).ok_or_else(|| wrong("dkim_key", "must be a private key"))?;
                Some(mail::signing(dkim.selector.clone(), settings.domain.clone(), key))
            }
            None => None,
        };
        let route = Route {
            provider: PROVIDER.to_owned(),
            account: settings.account_name.clone(),
            domain: Some(settings.domain.clone()),
        };
        let reach = settings.server.reach;
        let tokens = settings.oauth.clone().map(|oauth| Arc::new(Tokens::new(oauth, reach, client, ambient.clone())));
        let mailbox =
            settings.imap.clone().map(|imap| Arc::new(ImapMailbox::new(imap, Arc::clone(&trust), tokens.clone())));
        Ok(Self {
            hello: ClientId::Domain(settings.hello_name.clone()),
            pool: Pool::new(settings.connections),
            settings,
            ambient,
            route,
            trust,
            dkim,
            tokens,
            mailbox,
        })
    }

    async fn line(&self) -> Result<Line<'_>, SendError> {
        let sign_in = match (&self.settings.username, &self.settings.password, &self.tokens) {
            (Some(name), _, Some(tokens)) => {
                let token = tokens.token().await?;
                Some(SignIn::Token(Credentials::new(name.clone(), token.expose().to_owned())))
            }
            (Some(name), Some(password), None) => {
                Some(SignIn::Password(Credentials::new(name.clone(), password.expose().to_owned())))
            }
            (_, _, _) => None,
        };
        Ok(Line { server: &self.settings.server, trust: &self.trust, hello: &self.hello, sign_in })
    }

    async fn open(&self, until: Instant) -> Result<Session, SendError> {
        let late = || SendError::from(Failure::new(Stage::Auth, Cause::Late));
        let line = timeout_at(until, self.line()).await.map_err(|_| late())??;
        match Session::open(&line, until).await {
            Ok(session) => Ok(session),
            Err(failure) => {
                if let (Stage::Auth, Some(tokens)) = (failure.stage, &self.tokens) {
                    tokens.forget().await;
                }
                Err(failure.into())
            }
        }
    }

    async fn hand_over(&self, envelope: &Envelope<'_>, mail: &[u8]) -> Result<(), SendError> {
        let until = Instant::now() + self.settings.timeout;
        let body_until = || Instant::now() + self.settings.timeout;
        let place = self.pool.place(until).await?;
        let mut session;
        let mut handed_over;
        match place.idle() {
            Some(idle) => {
                session = idle;
                handed_over = session.send(envelope, mail, until, body_until).await;
                // The server closed it while nobody looked: nothing was begun.
                if handed_over.as_ref().is_err_and(Failure::is_of_stale_connection) {
                    session = self.open(until).await?;
                    handed_over = session.send(envelope, mail, until, body_until).await;
                }
            }
            None => {
                session = self.open(until).await?;
                handed_over = session.send(envelope, mail, until, body_until).await;
            }
        }
        match &handed_over {
            Ok(()) => place.keep(session),
            Err(failure) if failure.leaves_connection() => {
                if session.reset(Instant::now() + GOODBYE).await.is_ok() {
                    place.keep(session);
                }
            }
            Err(_) => {}
        }
        Ok(handed_over?)
    }

    /// The address that a message comes back to, with its token where it has one.
    fn return_to(&self, from: &Address, token: Option<&str>) -> Result<Address, SendError> {
        let Some(path) = &self.settings.return_path else { return Ok(from.clone()) };
        match token.filter(|_| self.settings.has_return_token) {
            Some(token) => {
                Address::new(format!("{}+{token}", path.user()), path.domain()).map_err(|_| no_address("return_path"))
            }
            None => Ok(path.clone()),
        }
    }
}

/// The reply token that a mail carries already.
fn reply_token(email: &EmailContent) -> Option<String> {
    let id = email.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("message-id"));
    let in_id = id.and_then(|(_, id)| reply_token_in_mail_id(id));
    in_id.or_else(|| email.reply_to.as_deref().and_then(|to| reply_token_in(super::kit::texts::address_in(to))))
}

fn no_address(code: &'static str) -> SendError {
    let detail = "an address of the message cannot be written";
    SendError::refused(RetryClass::Permanent, Some(code.to_owned()), detail)
}

#[async_trait]
impl Provider for Smtp {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        KIND.channels
    }

    fn limits(&self, channel: Channel) -> Limits {
        KIND.limits_on(channel)
    }

    fn carries_files(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    async fn send(&self, message: OutboundMessage) -> Result<Accepted, SendError> {
        let Content::Email(email) = &message.content else { return Err(SendError::channel_not_served()) };
        let to = mail::receiver(&message.to).ok_or_else(|| no_address("to"))?;
        let from = match &message.from {
            Some(from) => mail::mailbox(from).map_err(|_| no_address("from"))?,
            None => self.settings.from.clone(),
        };
        let token = reply_token(email);
        let return_to = self.return_to(&from.email, token.as_deref())?;
        let id = format!("<{}@{}>", self.ambient.uuid().simple(), self.settings.domain);
        let draft = Draft { from, to: &to, content: email, id, now: self.ambient.now() };
        let written = mail::write(draft, self.dkim.as_ref());
        let Written { bytes, id } = written.map_err(|cause| Failure::new(Stage::Mail, cause))?;
        let envelope = Envelope { from: return_to, to: &to, id: token.as_deref() };
        self.hand_over(&envelope, &bytes).await?;
        // Servers give mail no id that anybody could ask for; its own comes back in bounces and replies.
        Ok(Accepted { provider_message_id: Some(id), segments: 1, cost: None })
    }

    async fn check(&self) -> Result<(), SendError> {
        let until = Instant::now() + self.settings.timeout;
        let mut session = self.open(until).await?;
        session.asks_for_more(until).await?;
        session.quit(Instant::now() + GOODBYE).await;
        match &self.mailbox {
            Some(mailbox) => mailbox.check().await,
            None => Ok(()),
        }
    }

    fn mailbox(&self) -> Option<Arc<dyn Mailbox>> {
        self.mailbox.clone().map(|mailbox| mailbox as Arc<dyn Mailbox>)
    }
}

#[cfg(test)]
mod tests;
