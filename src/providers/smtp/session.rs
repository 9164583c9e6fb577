//! One conversation with a server (RFC 5321): greeting, TLS, sign-in, then message after message.
//!
//! lettre speaks; the steps are ours, because its transports do not say at which one a connection was lost, and that is
//! what tells a refusal from doubt. They offer no DSN (RFC 3461) either.

use std::future::Future;
use std::sync::Arc;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use super::replies::{Cause, Failure, Stage, cause_of};
use super::wire::{self, Lent, Progress, Security, Server, Wire};
use crate::domain::value::message::RetryClass;

/// No reply of a server, and no greeting, is longer than this with all of its lines. It is little, as lettre reads a reply from
/// its beginning with each line that comes.
const MAX_REPLY: usize = 32 * 1024;

/// How an account signs in.
#[derive(Clone)]
pub(super) enum SignIn {
    /// With a password: AUTH PLAIN, or LOGIN where the server has nothing else.
    Password(Credentials),
    /// With an access token: XOAUTH2, and nothing else is tried (symfony/symfony#49701).
    Token(Credentials),
}

/// What a conversation needs.
pub(super) struct Line<'a> {
    pub(super) server: &'a Server,
    pub(super) trust: &'a Arc<ClientConfig>,
    pub(super) hello: &'a ClientId,
    pub(super) sign_in: Option<SignIn>,
}

/// The envelope of a message.
pub(super) struct Envelope<'a> {
    /// Where it comes back to.
    pub(super) from: Address,
    pub(super) to: &'a Address,
    /// What a delivery status repeats (RFC 3461), where the server offers it.
    pub(super) id: Option<&'a str>,
}

/// What a server offers beside lettre's own list.
#[derive(Debug, Clone, Copy, Default)]
struct Offers {
    dsn: bool,
    /// The largest message, in bytes.
    size: Option<usize>,
}

/// A conversation in which messages can be handed over.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    progress: Arc<Progress>,
    offers: Offers,
    /// When it was last used.
    pub(super) used: Instant,
    /// How many messages it has carried.
    pub(super) carried: u32,
}

/// Takes a step within the time that is left.
async fn step<T>(
    stage: Stage,
    until: Instant,
    progress: &Progress,
    doing: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match timeout_at(until, doing).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::at(stage, cause_of(&error), progress)),
        Err(_) => Err(Failure::at(stage, Cause::Late, progress)),
    }
}

impl Session {
    /// Connects and signs in.
    pub(super) async fn open(line: &Line<'_>, until: Instant) -> Result<Self, Failure> {
        let (connection, progress, is_secure) = timeout_at(until, connect(line, until))
            .await
            .unwrap_or_else(|_| Err(Failure::new(Stage::Hello, Cause::Late)))?;
        let offers = Offers::default();
        let mut session = Self { connection, progress, offers, used: Instant::now(), carried: 0 };
        if let Some(sign_in) = &line.sign_in {
            if !is_secure && line.server.security != Security::None {
                let why = "the server offers no TLS, and the password is not sent without it";
                return Err(Failure::new(Stage::Auth, Cause::Unusable("no_tls", why)));
            }
            session.sign_in(sign_in, until).await?;
        }
        // What a server offers may change when it knows who speaks; and lettre's list lacks DSN and SIZE.
        let hello = Ehlo::new(line.hello.clone());
        let reply = step(Stage::Hello, until, &session.progress, session.connection.command(hello)).await?;
        session.offers = Offers::of(&reply);
        Ok(session)
    }

    async fn sign_in(&mut self, sign_in: &SignIn, until: Instant) -> Result<(), Failure> {
        let (mechanisms, credentials, refused): (&[Mechanism], _, _) = match sign_in {
            SignIn::Password(credentials) => {
                (&[Mechanism::Plain, Mechanism::Login], credentials, "the server did not follow AUTH LOGIN")
            }
            // Its refusal is a challenge, which lettre does not respond to.
            SignIn::Token(credentials) => (&[Mechanism::Xoauth2], credentials, "the server refused the access token"),
        };
        if self.connection.server_info().get_auth_mechanism(mechanisms).is_none() {
            let why = "the server offers no way to sign in that the account can use";
            return Err(Failure::new(Stage::Auth, Cause::Unusable("no_auth", why)));
        }
        let signing = self.connection.auth(mechanisms, credentials);
        match step(Stage::Auth, until, &self.progress, signing).await {
            Ok(reply) if reply.has_code(235) => Ok(()),
            Ok(_) => Err(Failure::new(Stage::Auth, Cause::Odd)),
            Err(Failure { cause: Cause::Local, .. }) => {
                Err(Failure::new(Stage::Auth, Cause::Unusable("auth", refused)))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Hands a message over, the body within a time of its own. Success is the server's word that it has the message.
    pub(super) async fn send(
        &mut self,
        envelope: &Envelope<'_>,
        mail: &[u8],
        until: Instant,
        body_until: impl FnOnce() -> Instant,
    ) -> Result<(), Failure> {
        let (mail_parameters, rcpt_parameters) = self.parameters(envelope, mail)?;
        let command = Mail::new(Some(envelope.from.clone()), mail_parameters);
        step(Stage::Mail, until, &self.progress, self.connection.command(command)).await?;
        let command = Rcpt::new(envelope.to.clone(), rcpt_parameters);
        step(Stage::Rcpt, until, &self.progress, self.connection.command(command)).await?;
        let reply = step(Stage::Data, until, &self.progress, self.connection.command(Data)).await?;
        if !reply.has_code(354) {
            return Err(Failure::new(Stage::Data, Cause::Odd));
        }
        let reply = step(Stage::Body, body_until(), &self.progress, self.connection.message(mail)).await?;
        self.carried += 1;
        self.used = Instant::now();
        // 250, or another 2xx of a server that is generous with numbers; 354 once more says nothing.
        if reply.has_code(354) { Err(Failure::new(Stage::Body, Cause::Odd)) } else { Ok(()) }
    }

    fn parameters(
        &self,
        envelope: &Envelope<'_>,
        mail: &[u8],
    ) -> Result<(Vec<MailParameter>, Vec<RcptParameter>), Failure> {
        let info = self.connection.server_info();
        let unsendable = |class, code, why| Err(Failure::new(Stage::Mail, Cause::Unsendable(class, code, why)));
        let (mut of_mail, mut of_rcpt) = (vec![], vec![]);
        let is_ascii = envelope.from.to_string().is_ascii() && envelope.to.to_string().is_ascii();
        if !is_ascii {
            if !info.supports_feature(Extension::SmtpUtfEight) {
                let why = "the server takes no mailboxes beyond ASCII (SMTPUTF8)";
                return unsendable(RetryClass::Permanent, "smtputf8", why);
            }
            of_mail.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() {
            if !info.supports_feature(Extension::EightBitMime) {
                let why = "the server takes no text beyond ASCII (8BITMIME)";
                return unsendable(RetryClass::Permanent, "8bitmime", why);
            }
            of_mail.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if let Some(most) = self.offers.size {
            if most > 0 && mail.len() > most {
                return unsendable(RetryClass::ContentRefused, "size", "the message is larger than the server takes");
            }
            of_mail.push(MailParameter::Size(mail.len()));
        }
        if self.offers.dsn {
            let other = |keyword: &str, value: &str| MailParameter::Other {
                keyword: keyword.to_owned(),
                value: Some(value.to_owned()),
            };
            // The headers are enough to know the message by.
            of_mail.push(other("RET", "HDRS"));
            of_mail.extend(envelope.id.map(|id| other("ENVID", id)));
            of_rcpt.push(notify("NOTIFY", "FAILURE,DELAY".to_owned()));
            // RFC 6533 has a form of its own for others than ASCII's.
            if is_ascii {
                of_rcpt.push(notify("ORCPT", format!("rfc822;{}", envelope.to)));
            }
        }
        Ok((of_mail, of_rcpt))
    }

    /// Makes it ready for another message after a refusal.
    pub(super) async fn reset(&mut self, until: Instant) -> Result<(), Failure> {
        self.used = Instant::now();
        step(Stage::Mail, until, &self.progress, self.connection.command(Rset)).await.map(|_| ())
    }

    /// Whether the server still listens.
    pub(super) async fn asks_for_more(&mut self, until: Instant) -> Result<(), Failure> {
        step(Stage::Hello, until, &self.progress, self.connection.command(Noop)).await.map(|_| ())
    }

    /// Says goodbye; whether that is heard does not matter.
    pub(super) async fn quit(mut self, until: Instant) {
        let _unheard = timeout_at(until, self.connection.command(Quit)).await;
    }
}

fn notify(keyword: &str, value: String) -> RcptParameter {
    RcptParameter::Other { keyword: keyword.to_owned(), value: Some(value) }
}

/// Connects, with TLS as the account wants it. Whether TLS is on is told, too.
async fn connect(line: &Line<'_>, until: Instant) -> Result<(AsyncSmtpConnection, Arc<Progress>, bool), Failure> {
    let no_connection = |error| Failure::new(Stage::Hello, Cause::NoConnection(error));
    let (tcp, progress) = wire::dial(line.server).await.map_err(no_connection)?;
    let greet = |wire: Wire| {
        let wire = wire.in_ascii().with_replies_of(MAX_REPLY);
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(wire), line.hello);
        step(Stage::Hello, until, &progress, greeted)
    };
    let security = line.server.security;
    if security == Security::Tls {
        let wire = wire::secure(tcp, line.server, line.trust).await.map_err(no_connection)?;
        let connection = greet(wire).await?;
        return Ok((connection, Arc::clone(&progress), true));
    }
    let lent = Lent::default();
    let mut connection = greet(Wire::plain(tcp, Some(lent.clone()))).await?;
    let is_offered = connection.server_info().supports_feature(Extension::StartTls);
    if security == Security::None || (security == Security::Opportunistic && !is_offered) {
        return Ok((connection, Arc::clone(&progress), false));
    }
    if !is_offered {
        let why = "the server offers no STARTTLS, which the account requires";
        return Err(Failure::new(Stage::Hello, Cause::Unusable("no_starttls", why)));
    }
    step(Stage::Hello, until, &progress, connection.command(Starttls)).await?;
    // What was read ahead in clear text goes with the old connection: nobody in between puts words into the new one.
    drop(connection);
    let tcp = lent.take_back().ok_or_else(|| Failure::new(Stage::Hello, Cause::Lost))?;
    let wire = wire::secure(tcp, line.server, line.trust).await.map_err(no_connection)?;
    // lettre waits for a greeting, which a server does not repeat behind STARTTLS.
    let connection = greet(wire.beginning_with("220 TLS\r\n")).await?;
    Ok((connection, Arc::clone(&progress), true))
}

impl Offers {
    fn of(hello: &Response) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in hello.message().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().map(str::to_ascii_uppercase).as_deref() {
                Some("DSN") => offers.dsn = true,
                Some("SIZE") => offers.size = words.next().map_or(Some(0), |most| most.parse().ok()),
                _ => {}
            }
        }
        offers
    }
}
