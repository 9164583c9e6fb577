//! A mail server: strict about syntax and order, in clear text, with STARTTLS or in TLS, and as rude as it is told to be.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use commlog::providers::kind::Reach;
use commlog::providers::smtp::{Security, Server as ServerSettings, SmtpSettings};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::tls::Authority;

pub(crate) const USER: &str = "news@shop.example";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const TOKEN: &str = "ya29.token";

/// Where in a conversation something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    Greeting,
    Hello,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// When the whole message has come.
    Dot,
    /// Before the first byte of the message is read.
    Body,
}

/// What happens there.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// These lines are the reply.
    Says(&'static str),
    /// The same, in bytes.
    SaysBytes(&'static [u8]),
    /// The connection ends.
    HangsUp,
    /// Half a reply comes, then the connection ends.
    SaysHalf,
    /// A reply comes that has no end.
    SaysForever,
    /// Nothing more comes.
    Sleeps,
    /// The message is taken, and then this happens.
    Takes(Box<Self>),
}

/// What the server offers.
#[derive(Debug, Clone)]
pub(crate) struct Offers {
    pub(crate) starttls: bool,
    /// Nothing else is taken in clear text.
    pub(crate) needs_tls: bool,
    pub(crate) auth: &'static str,
    pub(crate) needs_auth: bool,
    pub(crate) dsn: bool,
    pub(crate) utf8: bool,
    pub(crate) size: usize,
    /// Words that go with the reply to STARTTLS in clear text, as somebody in between would put them there.
    pub(crate) injected: &'static str,
    /// A connection ends after so many messages, when nobody asks.
    pub(crate) per_connection: usize,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            starttls: false,
            needs_tls: false,
            auth: "PLAIN LOGIN",
            needs_auth: false,
            dsn: true,
            utf8: false,
            size: 1_000_000,
            injected: "",
            per_connection: usize::MAX,
        }
    }
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The parameters of MAIL and RCPT.
    pub(crate) parameters: Vec<String>,
    pub(crate) content: String,
    pub(crate) was_secure: bool,
}

impl Mail {
    /// A header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = head.lines().find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)))?;
        Some(line.1.trim().to_owned())
    }
}

#[derive(Default)]
struct Book {
    connections: usize,
    said: Vec<String>,
    script: VecDeque<(At, Does)>,
    taken: Vec<Mail>,
}

/// The server.
pub(crate) struct SmtpDouble {
    address: SocketAddr,
    authority: Arc<Authority>,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpDouble {
    pub(crate) async fn start(offers: Offers) -> Self {
        Self::start_with(offers, false).await
    }

    /// In TLS from the first byte.
    pub(crate) async fn start_in_tls(offers: Offers) -> Self {
        Self::start_with(offers, true).await
    }

    async fn start_with(offers: Offers, is_tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (authority, book) = (Arc::new(Authority::new()), Arc::<Mutex<Book>>::default());
        let acceptor = authority.acceptor();
        let task = tokio::spawn({
            let book = Arc::clone(&book);
            async move {
                let mut talks = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    book.lock().expect("no panic before").connections += 1;
                    talks.spawn(serve(stream, offers.clone(), acceptor.clone(), is_tls, Arc::clone(&book)));
                }
            }
        });
        Self { address, authority, book, task }
    }

    /// Settings with which it is reached in clear text.
    pub(crate) fn settings(&self) -> SmtpSettings {
        self.settings_with(Security::None)
    }

    pub(crate) fn settings_with(&self, security: Security) -> SmtpSettings {
        let server = ServerSettings {
            host: "localhost".to_owned(),
            port: self.address.port(),
            security,
            reach: Reach::Anywhere,
            connect_timeout: Duration::from_millis(900),
        };
        let from = "Shop <news@shop.example>".parse().expect("a mailbox");
        let mut settings = SmtpSettings::new("main", server, from);
        settings.timeout = Duration::from_millis(900);
        settings.authority = Some(self.authority.pem());
        settings
    }

    /// What happens to the next conversations.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = (At, Does)>) {
        self.book.lock().expect("no panic before").script.extend(acts);
    }

    pub(crate) fn taken(&self) -> Vec<Mail> {
        self.book.lock().expect("no panic before").taken.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.book.lock().expect("no panic before").connections
    }

    /// The commands that came, passwords too.
    pub(crate) fn said(&self) -> Vec<String> {
        self.book.lock().expect("no panic before").said.clone()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn serve(stream: TcpStream, offers: Offers, acceptor: TlsAcceptor, is_tls: bool, book: Arc<Mutex<Book>>) {
    let stream: Box<dyn Stream> = match is_tls {
        false => Box::new(stream),
        true => match acceptor.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(_) => return,
        },
    };
    let mut talk = Talk { stream: BufReader::new(stream), offers, book, is_secure: is_tls, is_signed_in: false };
    // An error is a client that went away.
    if talk.act(At::Greeting, "220 mx.double.example ESMTP ready").await.is_ok() {
        while let Ok(true) = talk.converse().await {
            let mut stream = talk.stream.into_inner();
            let _gone = stream.flush().await;
            let Ok(secure) = acceptor.accept(stream).await else { return };
            talk.stream = BufReader::new(Box::new(secure));
            talk.is_secure = true;
        }
    }
}

struct Talk {
    stream: BufReader<Box<dyn Stream>>,
    offers: Offers,
    book: Arc<Mutex<Book>>,
    is_secure: bool,
    is_signed_in: bool,
}

/// The conversation ends.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Talk {
    /// Replies as the script says for this place, or as usual. False: what was asked for did not happen.
    async fn act(&mut self, at: At, usual: &str) -> Result<bool, Over> {
        let does = {
            let mut book = self.book.lock().expect("no panic before");
            let is_now = book.script.front().is_some_and(|(when, _)| *when == at);
            is_now.then(|| book.script.pop_front()).flatten().map(|(_, does)| does)
        };
        let does = does.map(|does| if let Does::Takes(then) = does { *then } else { does });
        match does {
            None if usual.is_empty() => Ok(true),
            None => self.say(usual).await.map(|()| true),
            Some(Does::Says(lines)) => {
                let is_yes = lines.starts_with(['2', '3']);
                let is_over = lines.starts_with("421");
                self.say(lines).await?;
                if is_over { Err(Over) } else { Ok(is_yes) }
            }
            Some(Does::SaysBytes(bytes)) => {
                self.stream.write_all(bytes).await?;
                self.stream.flush().await?;
                Ok(bytes.starts_with(b"2"))
            }
            Some(Does::SaysHalf) => {
                self.stream.write_all(b"250-half of").await?;
                self.stream.flush().await?;
                Err(Over)
            }
            Some(Does::SaysForever) => loop {
                self.stream.write_all(b"250-and more\r\n").await?;
            },
            Some(Does::HangsUp) => Err(Over),
            Some(Does::Sleeps) => std::future::pending().await,
            Some(Does::Takes(_)) => unreachable!("a message is taken once"),
        }
    }

    async fn say(&mut self, lines: &str) -> Result<(), Over> {
        let lines = lines.split('\n').collect::<Vec<_>>().join("\r\n");
        self.stream.write_all(format!("{lines}\r\n").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let line = line.strip_suffix("\r\n").ok_or(Over)?.to_owned();
        self.book.lock().expect("no panic before").said.push(line.clone());
        Ok(line)
    }

    /// Talks until the end, or until TLS begins (true).
    async fn converse(&mut self) -> Result<bool, Over> {
        let (mut from, mut to, mut parameters) = (None::<String>, None::<String>, vec![]);
        let (mut has_met, mut count) = (false, 0);
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let is_locked = self.offers.needs_tls && !self.is_secure;
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    (has_met, from, to) = (true, None, None);
                    let hello = self.hello();
                    self.act(At::Hello, &hello).await?;
                }
                "NOOP" => self.say("250 OK").await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Err(Over);
                }
                "RSET" => {
                    (from, to) = (None, None);
                    self.say("250 2.0.0 flushed").await?;
                }
                "STARTTLS" if self.offers.starttls && !self.is_secure => {
                    let words = format!("220 2.0.0 go ahead{}", self.offers.injected);
                    self.say(&words).await?;
                    return Ok(true);
                }
                "AUTH" if has_met && !is_locked => self.auth(rest).await?,
                _ if !has_met => self.say("503 5.5.1 say EHLO first").await?,
                _ if is_locked => self.say("530 5.7.0 Must issue a STARTTLS command first").await?,
                "MAIL" if self.offers.needs_auth && !self.is_signed_in => {
                    self.say("530 5.7.0 Authentication required").await?;
                }
                "MAIL" if count >= self.offers.per_connection => return Err(Over),
                "MAIL" => match path(rest, "FROM:") {
                    _ if from.is_some() => self.say("503 5.5.1 nested MAIL").await?,
                    Some((address, given)) if self.knows(&given, true) => {
                        if self.act(At::Mail, "250 2.1.0 Ok").await? {
                            (from, parameters) = (Some(address), given);
                        }
                    }
                    _ => self.say("501 5.5.4 Syntax error in parameters").await?,
                },
                "RCPT" => match path(rest, "TO:") {
                    _ if from.is_none() => self.say("503 5.5.1 need MAIL").await?,
                    Some((address, given)) if self.knows(&given, false) => {
                        if self.act(At::Rcpt, "250 2.1.5 Ok").await? {
                            to = Some(address);
                            parameters.extend(given);
                        }
                    }
                    _ => self.say("501 5.1.3 Bad recipient address syntax").await?,
                },
                "DATA" => {
                    let (Some(from_path), Some(to_path)) = (from.clone(), to.clone()) else {
                        self.say("503 5.5.1 need RCPT").await?;
                        continue;
                    };
                    if !self.act(At::Data, "354 go ahead").await? || !self.act(At::Body, "").await? {
                        continue;
                    }
                    let content = self.content().await?;
                    (from, to) = (None, None);
                    count += 1;
                    let mail = Mail {
                        from: from_path,
                        to: to_path,
                        parameters: std::mem::take(&mut parameters),
                        content,
                        was_secure: self.is_secure,
                    };
                    self.dot(mail).await?;
                }
                _ => self.say("502 5.5.2 unknown command").await?,
            }
        }
    }

    async fn dot(&mut self, mail: Mail) -> Result<(), Over> {
        let takes = |book: &Book| match book.script.front() {
            Some((At::Dot, Does::Says(lines))) => lines.starts_with('2'),
            Some((At::Dot, does)) => matches!(does, Does::Takes(_)),
            _ => true,
        };
        {
            let mut book = self.book.lock().expect("no panic before");
            if takes(&book) {
                book.taken.push(mail);
            }
        }
        self.act(At::Dot, "250 2.0.0 Ok: queued as 4ABC").await.map(|_| ())
    }

    /// The message up to its last dot, with doubled dots undone.
    async fn content(&mut self) -> Result<String, Over> {
        let mut content = Vec::new();
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line).await?;
            match line.strip_suffix(b"\r\n") {
                Some(b".") => return String::from_utf8(content).map_err(|_| Over),
                Some(_) => content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line)),
                // A bare line feed, or the end.
                None => return Err(Over),
            }
        }
    }

    fn hello(&self) -> String {
        let mut words = vec!["mx.double.example at your service".to_owned(), "PIPELINING".to_owned()];
        if self.offers.starttls && !self.is_secure {
            words.push("STARTTLS".to_owned());
        }
        // As Postfix does with smtpd_tls_auth_only.
        if !self.offers.needs_tls || self.is_secure {
            words.push(format!("AUTH {}", self.offers.auth));
            words.push(format!("SIZE {}", self.offers.size));
            words.push("8BITMIME".to_owned());
            words.extend(self.offers.dsn.then(|| "DSN".to_owned()));
            words.extend(self.offers.utf8.then(|| "SMTPUTF8".to_owned()));
        }
        let last = words.len() - 1;
        let line = |(at, word): (usize, &String)| format!("250{}{word}", if at == last { ' ' } else { '-' });
        words.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Whether parameters are those that were offered.
    fn knows(&self, parameters: &[String], is_mail: bool) -> bool {
        let is_xtext = |text: &str| text.bytes().all(|byte| (33..=126).contains(&byte) && byte != b'=');
        parameters.iter().all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (name, is_mail) {
                ("SIZE", true) => value.parse::<usize>().is_ok_and(|size| size <= self.offers.size),
                ("BODY", true) => matches!(value, "7BIT" | "8BITMIME"),
                ("SMTPUTF8", true) => self.offers.utf8,
                ("RET", true) => self.offers.dsn && matches!(value, "HDRS" | "FULL"),
                ("ENVID", true) => self.offers.dsn && is_xtext(value) && (1..=100).contains(&value.len()),
                ("NOTIFY", false) => self.offers.dsn && !value.is_empty(),
                ("ORCPT", false) => self.offers.dsn && value.starts_with("rfc822;") && is_xtext(value),
                _ => false,
            }
        })
    }

    async fn auth(&mut self, rest: &str) -> Result<(), Over> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        if !self.offers.auth.split(' ').any(|offered| offered == mechanism) {
            return self.say("504 5.5.4 Unrecognized authentication type").await;
        }
        let decoded = |text: &str| STANDARD.decode(text).ok().and_then(|text| String::from_utf8(text).ok());
        let is_right = match mechanism {
            "PLAIN" => decoded(initial) == Some(format!("\0{USER}\0{PASSWORD}")),
            "LOGIN" => {
                self.say("334 VXNlcm5hbWU6").await?;
                let name = decoded(&self.line().await?);
                self.say("334 UGFzc3dvcmQ6").await?;
                let password = decoded(&self.line().await?);
                name.as_deref() == Some(USER) && password.as_deref() == Some(PASSWORD)
            }
            _ => {
                let is_right = decoded(initial) == Some(format!("user={USER}\u{1}auth=Bearer {TOKEN}\u{1}\u{1}"));
                if !is_right {
                    // {"status":"400"}, and the client is to answer with nothing.
                    self.say("334 eyJzdGF0dXMiOiI0MDAifQ==").await?;
                    self.line().await?;
                }
                is_right
            }
        };
        if is_right {
            self.is_signed_in = self.act(At::Auth, "235 2.7.0 Authentication successful").await?;
            Ok(())
        } else {
            self.say("535 5.7.8 Authentication credentials invalid").await
        }
    }
}

/// The address in `FROM:<a@b>` and the parameters behind it.
fn path(rest: &str, word: &str) -> Option<(String, Vec<String>)> {
    let (address, parameters) = rest.strip_prefix(word)?.strip_prefix('<')?.split_once('>')?;
    let (local, domain) = address.rsplit_once('@')?;
    let is_right = (1..=64).contains(&local.len()) && !domain.is_empty() && !address.contains(char::is_whitespace);
    is_right.then(|| (address.to_owned(), parameters.split_ascii_whitespace().map(str::to_owned).collect()))
}

/// Reads what comes and says nothing: a port behind which something else stands.
pub(crate) async fn something_else(greeting: &'static str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let mut open = vec![];
        while let Ok((mut stream, _)) = listener.accept().await {
            let _gone = stream.write_all(greeting.as_bytes()).await;
            let mut ignored = [0; 16];
            let _gone = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut ignored)).await;
            open.push(stream);
        }
    });
    (address, task)
}
