//! How an SMTP account is set up: the server that takes its mail, and the mailbox that its mail comes back to.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use url::Url;

use super::keys;
use super::oauth::OauthSettings;
use super::wire::{self, Security, Server};
use crate::domain::value::token::REPLY_TOKEN;
use crate::providers::kind::{OWN_ADDRESSES, REPLY_DOMAIN, Reach, Setting, Setup};
use crate::providers::kit::settings::Settings;
use crate::providers::{Secret, SettingsError};

const HOST: Setting =
    Setting::new("host", "The server that takes mail, such as `smtp.example.com`.").required().variable("SMTP_HOST");
const PORT: Setting = Setting::new("port", "Its port: 587 for STARTTLS, 465 for TLS from the first byte.")
    .default("587")
    .variable("SMTP_PORT");
const SECURITY: Setting = Setting::new(
    "security",
    "`tls`, `starttls` (required), `opportunistic` (if offered; no password without it) or `none`. Left out: `tls` on port \
     465, otherwise `starttls`.",
)
.variable("SMTP_SECURITY");
const USERNAME: Setting = Setting::new("username", "Who signs in; left out: nobody does.").variable("SMTP_USERNAME");
const PASSWORD: Setting = Setting::new("password", "The password, or the app password, for PLAIN or LOGIN.")
    .secret()
    .variable("SMTP_PASSWORD");
const FROM: Setting =
    Setting::new("from", "Who sends: an address such as `news@example.com`.").required().variable("SMTP_FROM");
const FROM_NAME: Setting =
    Setting::new("from_name", "The name that stands before the sender's address.").variable("SMTP_FROM_NAME");
const DOMAIN: Setting = Setting::new("domain", "The sending domain; left out: the one of `from`.");
const RETURN_PATH: Setting = Setting::new(
    "return_path",
    "The mailbox that mail comes back to, at most 11 characters before the @, such as `bounce@example.com`: each message \
     has its own address in it (`bounce+…@example.com`). Left out: `from`, for servers that demand it.",
)
.variable("SMTP_RETURN_PATH");
const RETURN_TOKEN: Setting = Setting::new(
    "return_token",
    "Whether each message has an address of its own in `return_path`; `false` where the server has no `+` addresses.",
)
.default("true");
const HELLO: Setting =
    Setting::new("hello_name", "The name by which this server introduces itself; left out: the sending domain.");
const CONNECTIONS: Setting = Setting::new("connections", "Connections to the server at once, 1 to 100.").default("4");
const TIMEOUT: Setting = Setting::new(
    "timeout_seconds",
    "How long handing over a message may take, and as long again until the server says that it has it: 1 to 25 seconds.",
)
.default("25");
const CA_CERTIFICATE: Setting = Setting::new(
    "ca_certificate",
    "The certificate (PEM) of an authority of your own, beside those that this server's system trusts.",
);
const DKIM_SELECTOR: Setting = Setting::new(
    "dkim_selector",
    "The selector of the DKIM key; needed where `dkim_key` is set, and signs for `domain`.",
);
const DKIM_KEY: Setting = Setting::new(
    "dkim_key",
    "The private key that signs (DKIM), where the server does not do it: RSA in PEM, or Ed25519 as 32 bytes in base64.",
)
.secret();
const OAUTH_TOKEN_URL: Setting = Setting::new(
    "oauth_token_url",
    "Where access tokens for XOAUTH2 are given out, instead of a password: such as `https://oauth2.googleapis.com/token`.",
);
const OAUTH_CLIENT_ID: Setting = Setting::new("oauth_client_id", "The id of the application that gets them.");
const OAUTH_CLIENT_SECRET: Setting = Setting::new("oauth_client_secret", "Its secret, if it has one.").secret();
const OAUTH_REFRESH_TOKEN: Setting =
    Setting::new("oauth_refresh_token", "What the mailbox's owner gave the application.").secret();
const OAUTH_SCOPE: Setting =
    Setting::new("oauth_scope", "What the tokens are for; Microsoft wants to be told, with `offline_access`.");
const INBOUND_SECRET: Setting = Setting::new(
    "inbound_secret",
    "What those show who post raw mail to the account's webhook, as `Authorization: Bearer …`: 16 characters or more.",
)
.secret()
.variable("SMTP_INBOUND_SECRET");
const IMAP_HOST: Setting = Setting::new(
    "imap_host",
    "The server of a mailbox that bounces and replies come to. Everything unseen in its folder is taken in, once.",
)
.variable("IMAP_HOST");
const IMAP_PORT: Setting = Setting::new("imap_port", "Its port.").default("993").variable("IMAP_PORT");
const IMAP_SECURITY: Setting =
    Setting::new("imap_security", "As `security`. Left out: `tls` on port 993, otherwise `starttls`.");
const IMAP_USERNAME: Setting =
    Setting::new("imap_username", "Who signs in; left out: `username`.").variable("IMAP_USERNAME");
const IMAP_PASSWORD: Setting = Setting::new("imap_password", "The password; left out: `password`, or an access token.")
    .secret()
    .variable("IMAP_PASSWORD");
const IMAP_FOLDER: Setting = Setting::new("imap_folder", "The folder that is read.").default("INBOX");
const IMAP_MOVE_TO: Setting = Setting::new(
    "imap_move_to",
    "The folder that mail goes to once it is taken in; left out: it stays, marked as seen. Nothing is ever deleted.",
);
const IMAP_SECONDS: Setting =
    Setting::new("imap_seconds", "The pause between two looks into the mailbox, 5 to 86400 seconds.").default("60");

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &HOST,
    &PORT,
    &SECURITY,
    &USERNAME,
    &PASSWORD,
    &FROM,
    &FROM_NAME,
    &DOMAIN,
    &Setting { variable: Some("SMTP_REPLY_DOMAIN"), ..REPLY_DOMAIN },
    &RETURN_PATH,
    &RETURN_TOKEN,
    &HELLO,
    &CONNECTIONS,
    &TIMEOUT,
    &CA_CERTIFICATE,
    &DKIM_SELECTOR,
    &DKIM_KEY,
    &OAUTH_TOKEN_URL,
    &OAUTH_CLIENT_ID,
    &OAUTH_CLIENT_SECRET,
    &OAUTH_REFRESH_TOKEN,
    &OAUTH_SCOPE,
    &INBOUND_SECRET,
    &IMAP_HOST,
    &IMAP_PORT,
    &IMAP_SECURITY,
    &IMAP_USERNAME,
    &IMAP_PASSWORD,
    &IMAP_FOLDER,
    &IMAP_MOVE_TO,
    &IMAP_SECONDS,
    &OWN_ADDRESSES,
];

/// The longest local part of a mailbox (RFC 5321).
const MAX_LOCAL: usize = 64;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A key that signs mail, with its selector.
#[derive(Debug, Clone)]
pub struct Dkim {
    /// Where its public half stands: `selector._domainkey.domain`.
    pub selector: String,
    /// RSA in PEM, or Ed25519 as 32 bytes in base64.
    pub key: Secret,
}

/// A mailbox that is looked into.
#[derive(Debug, Clone)]
pub struct ImapSettings {
    /// Its server.
    pub server: Server,
    /// Who signs in.
    pub username: String,
    /// The password; absent: an access token.
    pub password: Option<Secret>,
    /// The folder that is read.
    pub folder: String,
    /// The folder that mail goes to once it is taken in; absent: it is marked as seen.
    pub move_to: Option<String>,
    /// The pause between two looks.
    pub pause: Duration,
    /// How long the server may take for one command.
    pub timeout: Duration,
}

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// The server that takes mail.
    pub server: Server,
    /// Who signs in; absent: nobody does.
    pub username: Option<String>,
    /// The password; absent with a user name: an access token.
    pub password: Option<Secret>,
    /// What gets access tokens.
    pub oauth: Option<OauthSettings>,
    /// Who sends, where a message does not say.
    pub from: Mailbox,
    /// The sending domain, for routes: what reputation belongs to.
    pub domain: String,
    /// The mailbox that mail comes back to; absent: `from`.
    pub return_path: Option<Address>,
    /// Whether each message has an address of its own in it.
    pub has_return_token: bool,
    /// The name by which this server introduces itself.
    pub hello_name: String,
    /// Connections at once.
    pub connections: usize,
    /// How long everything before the message may take, and then the message.
    pub timeout: Duration,
    /// The certificate (PEM) of an authority beside the system's.
    pub authority: Option<String>,
    /// What signs, if anything does.
    pub dkim: Option<Dkim>,
    /// What those show who post raw mail. Without it none is believed.
    pub inbound_secret: Option<Secret>,
    /// The mailbox that bounces and replies come to.
    pub imap: Option<ImapSettings>,
}

impl SmtpSettings {
    /// Settings with which mail can be sent to a server without signing in, and none comes back yet.
    #[must_use]
    pub fn new(account_name: &str, server: Server, from: Mailbox) -> Self {
        let domain = from.email.domain().to_ascii_lowercase();
        Self {
            account_name: account_name.to_owned(),
            server,
            username: None,
            password: None,
            oauth: None,
            from,
            hello_name: domain.clone(),
            domain,
            return_path: None,
            has_return_token: true,
            connections: 4,
            timeout: Duration::from_secs(25),
            authority: None,
            dkim: None,
            inbound_secret: None,
            imap: None,
        }
    }

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let from = address(settings, &FROM)?.ok_or_else(|| settings.wrong(&FROM, "must be given"))?;
        let server = server(settings, [&HOST, &PORT, &SECURITY], 465, setup.reach)?;
        let server = server.ok_or_else(|| settings.wrong(&HOST, "must be given"))?;
        let mut read = Self::new(setup.account, server, Mailbox::new(settings.text(&FROM_NAME), from));
        if let Some(domain) = settings.text(&DOMAIN) {
            read.hello_name.clone_from(&domain);
            read.domain = domain;
        }
        if let Some(name) = settings.text(&HELLO) {
            read.hello_name = name;
        }
        read.username = settings.text(&USERNAME);
        read.password = settings.secret(&PASSWORD);
        read.oauth = oauth(settings)?;
        read.return_path = address(settings, &RETURN_PATH)?;
        read.has_return_token = settings.flag(&RETURN_TOKEN)?.unwrap_or(true);
        read.connections = number(settings, &CONNECTIONS, 1, 100)?;
        read.timeout = Duration::from_secs(number(settings, &TIMEOUT, 1, 25)?);
        read.authority = settings.text(&CA_CERTIFICATE);
        read.dkim = match (settings.text(&DKIM_SELECTOR), settings.secret(&DKIM_KEY)) {
            (Some(selector), Some(key)) => Some(Dkim { selector, key }),
            (None, None) => None,
            (Some(_), None) => return Err(settings.wrong(&DKIM_KEY, "must be given with a selector")),
            (None, Some(_)) => return Err(settings.wrong(&DKIM_SELECTOR, "must be given with a key")),
        };
        read.inbound_secret = settings.secret(&INBOUND_SECRET);
        read.imap = read.read_imap(settings, setup.reach)?;
        read.validate()?;
        Ok(read)
    }

    fn read_imap(&self, settings: &Settings, reach: Reach) -> Result<Option<ImapSettings>, SettingsError> {
        let Some(server) = server(settings, [&IMAP_HOST, &IMAP_PORT, &IMAP_SECURITY], 993, reach)? else {
            return Ok(None);
        };
        let username = settings.text(&IMAP_USERNAME).or_else(|| self.username.clone());
        Ok(Some(ImapSettings {
            server,
            username: username.ok_or_else(|| settings.wrong(&IMAP_USERNAME, "must be given"))?,
            password: settings.secret(&IMAP_PASSWORD).or_else(|| self.password.clone()),
            folder: settings.required(&IMAP_FOLDER)?,
            move_to: settings.text(&IMAP_MOVE_TO),
            pause: Duration::from_secs(number(settings, &IMAP_SECONDS, 5, 86_400)?),
            timeout: Duration::from_secs(30),
        }))
    }

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if self.account_name.is_empty() || !self.account_name.bytes().all(is_plain) {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        if !is_host(&self.server.host) {
            return wrong("host", "must be a host's name or address, without port");
        }
        if !is_host(&self.domain) || !self.domain.contains('.') {
            return wrong("domain", "must be the sending domain, such as example.com");
        }
        if !is_host(&self.hello_name) {
            return wrong("hello_name", "must be a host's name");
        }
        let too_long = |path: &Address| path.user().len() + 1 + REPLY_TOKEN > MAX_LOCAL;
        if self.has_return_token && self.return_path.as_ref().is_some_and(too_long) {
            return wrong("return_path", "must have at most 11 characters before the @, or return_token be false");
        }
        if self.username.is_none() && (self.password.is_some() || self.oauth.is_some()) {
            return wrong("username", "must be given to sign in");
        }
        if self.username.is_some() && self.password.is_none() && self.oauth.is_none() {
            return wrong("password", "must be given, or oauth_token_url, to sign in");
        }
        if self.dkim.as_ref().is_some_and(|dkim| !is_host(&dkim.selector)) {
            return wrong("dkim_selector", "must be a name in the DNS");
        }
        if self.dkim.as_ref().is_some_and(|dkim| keys::read(&dkim.key).is_none()) {
            return wrong("dkim_key", "must be a private RSA key in PEM, or Ed25519 as 32 bytes in base64");
        }
        if self.authority.as_deref().is_some_and(|pem| wire::authorities(pem).is_none()) {
            return wrong("ca_certificate", "must be a certificate in PEM");
        }
        if self.inbound_secret.as_ref().is_some_and(|secret| secret.expose().len() < 16) {
            return wrong("inbound_secret", "must have at least 16 characters");
        }
        match &self.imap {
            Some(imap) if !is_host(&imap.server.host) => wrong("imap_host", "must be a host's name, without port"),
            Some(imap) if imap.password.is_none() && self.oauth.is_none() => wrong("imap_password", "must be given"),
            Some(imap) if imap.move_to.as_ref() == Some(&imap.folder) => {
                wrong("imap_move_to", "must be another folder than the one that is read")
            }
            _ => Ok(()),
        }
    }
}

fn is_host(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !text.is_empty() && text.len() <= 253 && text.chars().all(is_part);
    is_name || text.parse::<IpAddr>().is_ok()
}

fn address(settings: &Settings, setting: &Setting) -> Result<Option<Address>, SettingsError> {
    let read =
        |text: String| text.parse().map_err(|_| settings.wrong(setting, "must be an address such as a@example.com"));
    settings.text(setting).map(read).transpose()
}

fn number<T: FromStr + PartialOrd>(
    settings: &Settings,
    setting: &Setting,
    least: T,
    most: T,
) -> Result<T, SettingsError> {
    let read = settings.required(setting)?.parse().ok().filter(|read| *read >= least && *read <= most);
    read.ok_or_else(|| settings.wrong(setting, "must be a number in its bounds"))
}

fn server(
    settings: &Settings,
    [host, port, security]: [&Setting; 3],
    tls_port: u16,
    reach: Reach,
) -> Result<Option<Server>, SettingsError> {
    let Some(name) = settings.text(host) else { return Ok(None) };
    let port: u16 = number(settings, port, 1, u16::MAX)?;
    let security = match settings.text(security).as_deref() {
        None if port == tls_port => Security::Tls,
        None => Security::StartTls,
        Some(word) => Security::parse(word)
            .ok_or_else(|| settings.wrong(security, "must be tls, starttls, opportunistic or none"))?,
    };
    Ok(Some(Server { host: name, port, security, reach, connect_timeout: CONNECT_TIMEOUT }))
}

fn oauth(settings: &Settings) -> Result<Option<OauthSettings>, SettingsError> {
    if settings.text(&OAUTH_TOKEN_URL).is_none() {
        return Ok(None);
    }
    let token_url: Url = settings.url(&OAUTH_TOKEN_URL)?;
    if token_url.scheme() != "https" {
        return Err(settings.wrong(&OAUTH_TOKEN_URL, "must begin with https"));
    }
    let refresh_token = settings.secret(&OAUTH_REFRESH_TOKEN);
    Ok(Some(OauthSettings {
        token_url,
        client_id: settings.required(&OAUTH_CLIENT_ID)?,
        client_secret: settings.secret(&OAUTH_CLIENT_SECRET),
        refresh_token: refresh_token.ok_or_else(|| settings.wrong(&OAUTH_REFRESH_TOKEN, "must be given"))?,
        scope: settings.text(&OAUTH_SCOPE),
    }))
}

#[cfg(test)]
pub(super) mod tests;
