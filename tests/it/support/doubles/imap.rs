//! A mailbox over IMAP: folders with mails that bear numbers and marks, as quiet or as odd as it is told to be.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use commlog::providers::Secret;
use commlog::providers::kind::Reach;
use commlog::providers::smtp::{ImapSettings, Security, Server};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::smtp::{PASSWORD, TOKEN, USER};
use super::tls::Authority;

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// In TLS from the first byte; otherwise STARTTLS is needed.
    pub(crate) is_tls: bool,
    /// Mails can be moved (RFC 6851).
    pub(crate) can_move: bool,
    /// Marks are taken and not kept.
    pub(crate) forgets_marks: bool,
    /// The command at which nothing comes back any more.
    pub(crate) sleeps_at: Option<&'static str>,
    /// The command at which the connection ends.
    pub(crate) hangs_up_at: Option<&'static str>,
    /// What it says instead of a greeting.
    pub(crate) greeting: Option<&'static str>,
}

/// A mail in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) content: String,
    pub(crate) is_seen: bool,
}

#[derive(Default)]
struct Store {
    validity: u32,
    next: u32,
    folders: BTreeMap<String, BTreeMap<u32, Held>>,
    said: Vec<String>,
    manner: Manner,
    /// Rings whenever a mail is marked.
    marked: Arc<Notify>,
    /// Rings whenever somebody is kept waiting for ever.
    slept: Arc<Notify>,
    /// Rings whenever the manner changes: who is kept waiting is let go.
    woken: Arc<Notify>,
}

type Shared = Arc<Mutex<Store>>;

/// The server.
pub(crate) struct ImapDouble {
    address: SocketAddr,
    authority: Authority,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Drop for ImapDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ImapDouble {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let authority = Authority::new();
        let folders = [("INBOX", BTreeMap::new()), ("Done", BTreeMap::new())];
        let folders = folders.into_iter().map(|(name, held)| (name.to_owned(), held)).collect();
        let shared = Arc::new(Mutex::new(Store { validity: 7, next: 1, folders, manner, ..Store::default() }));
        let task = tokio::spawn({
            let (shared, acceptor) = (Arc::clone(&shared), authority.acceptor());
            async move {
                let mut talks = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    talks.spawn(serve(stream, acceptor.clone(), Arc::clone(&shared)));
                }
            }
        });
        Self { address, authority, shared, task }
    }

    /// What settings name it, and the authority that they must trust.
    pub(crate) fn settings(&self) -> (ImapSettings, String) {
        let is_tls = self.shared.lock().expect("no panic before").manner.is_tls;
        let settings = ImapSettings {
            server: Server {
                host: "localhost".to_owned(),
                port: self.address.port(),
                security: if is_tls { Security::Tls } else { Security::StartTls },
                reach: Reach::Anywhere,
                connect_timeout: Duration::from_millis(900),
            },
            username: USER.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            folder: "INBOX".to_owned(),
            move_to: None,
            pause: Duration::from_millis(50),
            timeout: Duration::from_millis(900),
        };
        (settings, self.authority.pem())
    }

    /// A mail comes in.
    pub(crate) fn deliver(&self, content: &str) {
        let mut shared = self.shared.lock().expect("no panic before");
        let number = shared.next;
        shared.next += 1;
        let held = Held { content: content.replace('\n', "\r\n"), is_seen: false };
        shared.folders.get_mut("INBOX").expect("is there").insert(number, held);
    }

    pub(crate) fn folder(&self, name: &str) -> Vec<Held> {
        self.shared.lock().expect("no panic before").folders[name].values().cloned().collect()
    }

    /// Waits until all that came in is marked.
    pub(crate) async fn until_all_are_seen(&self) {
        let marked = Arc::clone(&self.shared.lock().expect("no panic before").marked);
        loop {
            let rings = marked.notified();
            if self.folder("INBOX").iter().all(|held| held.is_seen) {
                return;
            }
            rings.await;
        }
    }

    /// Waits until somebody is kept waiting for ever.
    pub(crate) async fn until_it_sleeps(&self) {
        let slept = Arc::clone(&self.shared.lock().expect("no panic before").slept);
        slept.notified().await;
    }

    /// The commands that came, passwords too.
    pub(crate) fn said(&self) -> Vec<String> {
        self.shared.lock().expect("no panic before").said.clone()
    }

    pub(crate) fn behave(&self, manner: Manner) {
        let mut shared = self.shared.lock().expect("no panic before");
        shared.manner = manner;
        shared.woken.notify_waiters();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Talk {
    stream: BufReader<Box<dyn Stream>>,
    shared: Shared,
    is_secure: bool,
    folder: Option<String>,
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Shared) {
    let manner = shared.lock().expect("no panic before").manner.clone();
    let stream: Box<dyn Stream> = match manner.is_tls {
        false => Box::new(stream),
        true => match acceptor.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(_) => return,
        },
    };
    let mut talk = Talk { stream: BufReader::new(stream), shared, is_secure: manner.is_tls, folder: None };
    if manner.sleeps_at == Some("GREETING") {
        std::future::pending::<()>().await;
    }
    let greeting = manner.greeting.unwrap_or("* OK IMAP4rev1 ready\r\n");
    if talk.say(greeting).await.is_err() {
        return;
    }
    while let Ok(true) = talk.converse().await {
        let Ok(secure) = acceptor.accept(talk.stream.into_inner()).await else { return };
        talk.stream = BufReader::new(Box::new(secure));
        talk.is_secure = true;
    }
}

impl Talk {
    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Until the manner changes.
    async fn sleep(&mut self) {
        let (slept, woken) = {
            let shared = self.shared.lock().expect("no panic before");
            (Arc::clone(&shared.slept), Arc::clone(&shared.woken))
        };
        let wakes = woken.notified();
        slept.notify_one();
        wakes.await;
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let over = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(over)
    }

    /// Talks until the end, or until TLS begins (true).
    async fn converse(&mut self) -> std::io::Result<bool> {
        loop {
            let line = self.line().await?;
            let manner = {
                let mut shared = self.shared.lock().expect("no panic before");
                shared.said.push(line.clone());
                shared.manner.clone()
            };
            let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
            if manner.sleeps_at.is_some_and(|at| command.contains(at)) {
                self.sleep().await;
                return Ok(false);
            }
            if manner.hangs_up_at.is_some_and(|at| command.contains(at)) {
                return Ok(false);
            }
            if command == "STARTTLS" && !self.is_secure {
                self.say(&format!("{tag} OK begin\r\n")).await?;
                return Ok(true);
            }
            let reply = match command {
                "LOGOUT" => {
                    self.say(&format!("* BYE\r\n{tag} OK bye\r\n")).await?;
                    return Ok(false);
                }
                "CAPABILITY" => {
                    let more = if manner.can_move { " MOVE" } else { "" };
                    format!("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2{more}\r\n{tag} OK done\r\n")
                }
                _ if !self.is_secure => format!("{tag} NO [PRIVACYREQUIRED] not in clear text\r\n"),
                "AUTHENTICATE XOAUTH2" => {
                    self.say("+ \r\n").await?;
                    let given = STANDARD.decode(self.line().await?).unwrap_or_default();
                    let expected = format!("user={USER}\u{1}auth=Bearer {TOKEN}\u{1}\u{1}");
                    if given == expected.as_bytes() {
                        format!("{tag} OK signed in\r\n")
                    } else {
                        self.say("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n").await?;
                        self.line().await?;
                        format!("{tag} NO [AUTHENTICATIONFAILED] refused\r\n")
                    }
                }
                command => self.reply(tag, command, &manner),
            };
            self.say(&reply).await?;
        }
    }

    fn reply(&mut self, tag: &str, command: &str, manner: &Manner) -> String {
        if let Some(given) = command.strip_prefix("LOGIN ") {
            let is_right = given == format!("\"{USER}\" \"{PASSWORD}\"");
            return if is_right { format!("{tag} OK signed in\r\n") } else { format!("{tag} NO refused\r\n") };
        }
        let mut shared = self.shared.lock().expect("no panic before");
        if let Some(name) = command.strip_prefix("SELECT ") {
            let name = name.trim_matches('"');
            let Some(held) = shared.folders.get(name) else { return format!("{tag} NO no such folder\r\n") };
            let (count, validity) = (held.len(), shared.validity);
            self.folder = Some(name.to_owned());
            return format!(
                "* FLAGS (\\Seen)\r\n* {count} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {validity}] ok\r\n\
                 {tag} OK [READ-WRITE] selected\r\n"
            );
        }
        let Some(folder) = self.folder.clone() else { return format!("{tag} BAD select a folder\r\n") };
        let words: Vec<&str> = command.split(' ').collect();
        let number = words.get(2).and_then(|number| number.parse::<u32>().ok());
        let held = shared.folders.get_mut(&folder).expect("is there");
        match (words[..].get(..2).unwrap_or_default(), number) {
            (["UID", "SEARCH"], _) => {
                let wants_unseen = command.contains("UNSEEN");
                let found = held.iter().filter(|(_, held)| !(wants_unseen && held.is_seen));
                let found: String = found.map(|(number, _)| format!(" {number}")).collect();
                format!("* SEARCH{found}\r\n{tag} OK done\r\n")
            }
            (["UID", "FETCH"], Some(number)) => match held.get(&number) {
                None => format!("{tag} OK nothing\r\n"),
                Some(held) if command.contains("RFC822.SIZE") => {
                    format!("* 1 FETCH (UID {number} RFC822.SIZE {})\r\n{tag} OK done\r\n", held.content.len())
                }
                // `RFC822` and `BODY[]` would mark it.
                Some(held) if command.contains("BODY.PEEK[]") => {
                    let content = &held.content;
                    format!("* 1 FETCH (UID {number} BODY[] {{{}}}\r\n{content})\r\n{tag} OK done\r\n", content.len())
                }
                Some(_) => format!("{tag} BAD what?\r\n"),
            },
            (["UID", "STORE"], Some(number)) if command.ends_with("+FLAGS.SILENT (\\Seen)") => {
                if let Some(held) = held.get_mut(&number).filter(|_| !manner.forgets_marks) {
                    held.is_seen = true;
                }
                shared.marked.notify_one();
                format!("{tag} OK stored\r\n")
            }
            (["UID", verb @ ("MOVE" | "COPY")], Some(number)) if *verb == "COPY" || manner.can_move => {
                let to = words.last().unwrap_or(&"").trim_matches('"').to_owned();
                let moved = if *verb == "MOVE" { held.remove(&number) } else { held.get(&number).cloned() };
                match (moved, shared.folders.get_mut(&to)) {
                    (Some(moved), Some(folder)) => {
                        folder.insert(number, moved);
                        format!("{tag} OK done\r\n")
                    }
                    _ => format!("{tag} NO [TRYCREATE] no such folder\r\n"),
                }
            }
            _ => format!("{tag} BAD {command}\r\n"),
        }
    }
}
