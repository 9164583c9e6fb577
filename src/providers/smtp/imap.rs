//! A mailbox over IMAP (RFC 3501): what is unseen is read without being marked, and marked or moved once the log has it.
//!
//! Nothing is kept between two looks but the numbers of what was taken in and still comes up, should a server not keep
//! its marks. After a restart such a mail is read again, which is harmless: the log refuses what it has.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_imap::error::Error;
use async_imap::types::{Fetch, Uid};
use async_imap::{Authenticator, Client};
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::oauth::Tokens;
use super::settings::ImapSettings;
use super::wire::{self, DialError, Lent, Security, Wire};
use crate::domain::value::message::RetryClass;
use crate::providers::{Mailbox, MailboxError, OpenMailbox, Secret, SendError};

/// The longest mail that is read; of a longer one, its beginning.
const MAX_MAIL: u32 = 32 * 1024 * 1024;
/// How much a server may say in response to a command that asks for no mail.
const MAX_WORDS: usize = 4 * 1024 * 1024;
/// How many mails are taken in one look.
const ONE_LOOK: usize = 500;
/// How many times as long as another command reading a mail may take.
const READING: u32 = 4;

type Session = async_imap::Session<Wire>;

/// The mailbox of one account.
pub(super) struct ImapMailbox {
    settings: ImapSettings,
    trust: Arc<ClientConfig>,
    tokens: Option<Arc<Tokens>>,
    taken: Arc<Mutex<Taken>>,
}

/// What was taken in and still comes up. Numbers hold for one life of the folder (`UIDVALIDITY`).
#[derive(Default)]
struct Taken {
    validity: Option<u32>,
    numbers: BTreeSet<Uid>,
}

/// Answers the server's challenges with an access token; what follows is its refusal.
struct XOauth2(Option<String>);

impl Authenticator for XOauth2 {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}

/// Runs a command within the time that it may take.
async fn within<T>(limit: Duration, doing: impl Future<Output = Result<T, Error>>) -> Result<T, MailboxError> {
    timeout(limit, doing).await.map_err(|_| MailboxError::Late)?.map_err(|error| failure(&error))
}

/// Errors of the library quote what the server wrote, which is somebody's mail: only their kind is passed on.
fn failure(error: &Error) -> MailboxError {
    match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => MailboxError::Odd,
        Error::Io(_) | Error::ConnectionLost => MailboxError::Unreachable("the connection was lost"),
        Error::No(_) | Error::Bad(_) => MailboxError::Refused("a command"),
        _ => MailboxError::Odd,
    }
}

fn undialled(error: &DialError) -> MailboxError {
    match error {
        DialError::Unknown(_) => MailboxError::Unreachable("its name was not found"),
        DialError::NotPublic => MailboxError::Unreachable("it is in a network that accounts may not name"),
        DialError::Refused(_) => MailboxError::Unreachable("it takes no connection"),
        DialError::Late => MailboxError::Late,
        DialError::Tls(_) => MailboxError::Unreachable("no TLS connection came about"),
    }
}

impl ImapMailbox {
    pub(super) fn new(settings: ImapSettings, trust: Arc<ClientConfig>, tokens: Option<Arc<Tokens>>) -> Self {
        Self { settings, trust, tokens, taken: Arc::default() }
    }

    /// Tests whether the mailbox can be looked into.
    pub(super) async fn check(&self) -> Result<(), SendError> {
        let error = match self.look().await {
            Ok(looking) => {
                Box::new(looking).close().await;
                return Ok(());
            }
            Err(error) => error,
        };
        let (class, code) = match &error {
            MailboxError::Refused(_) => (RetryClass::Configuration, "imap_refused"),
            MailboxError::Odd => (RetryClass::Configuration, "not_imap"),
            MailboxError::Unreachable(_) | MailboxError::Late => (RetryClass::Transient, "imap_unreachable"),
        };
        Err(SendError::refused(class, Some(code.to_owned()), error.to_string()))
    }

    /// Connects, with TLS as the settings want it, and waits for the greeting.
    async fn greet(&self) -> Result<Client<Wire>, MailboxError> {
        let ImapSettings { server, timeout: limit, .. } = &self.settings;
        let (tcp, _progress) = wire::dial(server).await.map_err(|error| undialled(&error))?;
        let secure = async |tcp| wire::secure(tcp, server, &self.trust).await.map_err(|error| undialled(&error));
        let lent = Lent::default();
        let mut wire = match server.security {
            Security::Tls => secure(tcp).await?,
            _ => Wire::plain(tcp, Some(lent.clone())),
        };
        wire.allow(MAX_WORDS);
        let mut client = Client::new(wire);
        let greeting = timeout(*limit, client.read_response()).await.map_err(|_| MailboxError::Late)?;
        greeting.map_err(|error| failure(&error.into()))?.ok_or(MailboxError::Unreachable("it hung up at once"))?;
        let wants_tls = matches!(server.security, Security::StartTls | Security::Opportunistic);
        if !wants_tls {
            return Ok(client);
        }
        match within(*limit, client.run_command_and_check_ok("STARTTLS", None)).await {
            Ok(()) => {}
            // A password follows, which is never sent in clear text unless the settings say so.
            Err(MailboxError::Refused(_)) => return Err(MailboxError::Refused("STARTTLS")),
            Err(error) => return Err(error),
        }
        // What was read ahead in clear text is dropped with the old client.
        drop(client);
        let tcp = lent.take_back().ok_or(MailboxError::Unreachable("the connection was lost"))?;
        let mut wire = secure(tcp).await?;
        wire.allow(MAX_WORDS);
        Ok(Client::new(wire))
    }

    async fn sign_in(&self, client: Client<Wire>) -> Result<Session, MailboxError> {
        let ImapSettings { username, password, timeout: limit, .. } = &self.settings;
        let signed_in = match (password, &self.tokens) {
            (_, Some(tokens)) => {
                let token = tokens.token().await.map_err(|_| MailboxError::Refused("no access token"))?;
                let words = format!("user={username}\u{1}auth=Bearer {}\u{1}\u{1}", token.expose());
                timeout(*limit, client.authenticate("XOAUTH2", XOauth2(Some(words)))).await
            }
            (Some(password), None) => timeout(*limit, client.login(username, Secret::expose(password))).await,
            (None, None) => return Err(MailboxError::Refused("no password")),
        };
        let signed_in = signed_in.map_err(|_| MailboxError::Late)?;
        match signed_in {
            Ok(session) => Ok(session),
            Err((error, _)) => match failure(&error) {
                MailboxError::Refused(_) => {
                    if let Some(tokens) = &self.tokens {
                        tokens.forget().await;
                    }
                    Err(MailboxError::Refused("the sign-in"))
                }
                error => Err(error),
            },
        }
    }

    async fn look(&self) -> Result<Looking, MailboxError> {
        let limit = self.settings.timeout;
        let mut session = self.sign_in(self.greet().await?).await?;
        let can_move = match &self.settings.move_to {
            Some(_) => within(limit, session.capabilities()).await?.has_str("MOVE"),
            None => false,
        };
        let folder = within(limit, session.select(&self.settings.folder)).await.map_err(|error| match error {
            MailboxError::Refused(_) => MailboxError::Refused("the folder"),
            error => error,
        })?;
        // What is moved away was not taken in while it is there, whoever has seen it.
        let query = if can_move { "UNDELETED" } else { "UNSEEN UNDELETED" };
        let found: BTreeSet<Uid> = within(limit, session.uid_search(query)).await?.into_iter().collect();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.validity != folder.uid_validity {
            *taken = Taken { validity: folder.uid_validity, numbers: BTreeSet::new() };
        }
        taken.numbers.retain(|number| found.contains(number));
        let mut left: Vec<Uid> = found.difference(&taken.numbers).copied().take(ONE_LOOK).collect();
        drop(taken);
        // The oldest comes first, and is taken off the end.
        left.reverse();
        let (taken, move_to) = (Arc::clone(&self.taken), self.settings.move_to.clone());
        Ok(Looking { session, limit, left, last: None, move_to, can_move, taken })
    }
}

#[async_trait]
impl Mailbox for ImapMailbox {
    fn pause(&self) -> Duration {
        self.settings.pause
    }

    async fn open(&self) -> Result<Box<dyn OpenMailbox>, MailboxError> {
        Ok(Box::new(self.look().await?))
    }
}

struct Looking {
    session: Session,
    limit: Duration,
    left: Vec<Uid>,
    last: Option<Uid>,
    move_to: Option<String>,
    can_move: bool,
    taken: Arc<Mutex<Taken>>,
}

impl Looking {
    async fn fetch(&mut self, number: Uid, what: &str, limit: Duration) -> Result<Option<Fetch>, MailboxError> {
        let fetching = async {
            let fetched: Vec<Fetch> = self.session.uid_fetch(number.to_string(), what).await?.try_collect().await?;
            Ok(fetched.into_iter().find(|fetched| fetched.uid == Some(number)))
        };
        within(limit, fetching).await
    }

    async fn mark(&mut self, number: Uid) -> Result<(), MailboxError> {
        let marking = async {
            let marked = self.session.uid_store(number.to_string(), "+FLAGS.SILENT (\\Seen)").await?;
            marked.try_collect::<Vec<_>>().await.map(|_| ())
        };
        within(self.limit, marking).await
    }
}

#[async_trait]
impl OpenMailbox for Looking {
    async fn next(&mut self) -> Result<Option<Bytes>, MailboxError> {
        while let Some(number) = self.left.pop() {
            self.session.get_mut().allow(MAX_WORDS);
            let known = self.fetch(number, "(UID RFC822.SIZE)", self.limit).await?;
            // Somebody else moved or deleted it.
            let Some(known) = known else { continue };
            // `BODY.PEEK[]` marks nothing, and is read where `RFC822` is not (chatwoot/chatwoot#14589).
            let part = match known.size {
                Some(size) if size <= MAX_MAIL => "(UID BODY.PEEK[])".to_owned(),
                _ => format!("(UID BODY.PEEK[]<0.{MAX_MAIL}>)"),
            };
            self.session.get_mut().allow(MAX_MAIL as usize + MAX_WORDS);
            let fetched = self.fetch(number, &part, self.limit * READING).await?;
            if let Some(mail) = fetched.as_ref().and_then(Fetch::body) {
                self.last = Some(number);
                return Ok(Some(Bytes::copy_from_slice(mail)));
            }
        }
        Ok(None)
    }

    async fn taken(&mut self) -> Result<(), MailboxError> {
        let Some(number) = self.last.take() else { return Ok(()) };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).numbers.insert(number);
        self.session.get_mut().allow(MAX_WORDS);
        match self.move_to.clone() {
            None => self.mark(number).await,
            Some(folder) if self.can_move => within(self.limit, self.session.uid_mv(number.to_string(), folder)).await,
            Some(folder) => {
                within(self.limit, self.session.uid_copy(number.to_string(), folder)).await?;
                self.mark(number).await
            }
        }
    }

    async fn close(mut self: Box<Self>) {
        let _unheard = timeout(Duration::from_secs(2), self.session.logout()).await;
    }
}
