//! The provider's double in a process of its own, so that the memory that is measured is commlog's alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use commlog::clock::Ambient;
use commlog::providers::sendgrid::SendgridSettings;
use commlog::providers::{Secret, WebhookRequest};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Result;
use crate::doubles::sendgrid::{KEY, SendgridDouble};

/// Events of one webhook.
pub const BATCH: usize = 500;
const HOOK: &str = "https://commlog.example/webhooks/sendgrid/main";

/// The double, as the section that is measured sees it. It ends with this.
pub struct Remote {
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// With which it accepts mails, and is believed.
    pub settings: SendgridSettings,
    _child: Child,
}

/// What the double prints first.
#[derive(serde::Serialize, serde::Deserialize)]
struct Hello {
    base_url: String,
    public_keys: Vec<String>,
    from: String,
}

/// What it took, and what it tells about that.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// Mails.
    pub mails: u64,
    /// The most often that one was taken.
    pub most: usize,
    /// Events, all batches together.
    pub events: u64,
    /// Webhooks, to be read with [`webhook`].
    pub batches: usize,
}

impl Remote {
    pub async fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--double")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let asks = child.stdin.take().ok_or("no pipe")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let hello: Hello = serde_json::from_str(&answers.next_line().await?.ok_or("the double did not start")?)?;
        let from = commlog::providers::sendgrid::Mailbox { email: hello.from, name: None };
        let mut settings = SendgridSettings::new("main", Secret::new(KEY), from, hello.base_url.parse()?);
        settings.event_public_keys = hello.public_keys;
        Ok(Self { asks, answers, settings, _child: child })
    }

    /// Lets it write three events for each mail that it took, in signed batches, into a folder.
    pub async fn tell(&mut self, folder: &Path) -> Result<Told> {
        self.asks.write_all(format!("{}\n", folder.display()).as_bytes()).await?;
        Ok(serde_json::from_str(&self.answers.next_line().await?.ok_or("the double is gone")?)?)
    }
}

/// One of the webhooks that the double wrote.
pub fn webhook(folder: &Path, number: usize) -> Result<WebhookRequest> {
    let headers: Vec<(String, String)> = serde_json::from_slice(&std::fs::read(head(folder, number))?)?;
    let headers = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
    let body = Bytes::from(std::fs::read(body(folder, number))?);
    Ok(WebhookRequest { method: "POST".to_owned(), url: HOOK.to_owned(), headers, body })
}

fn head(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.json"))
}

fn body(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.body"))
}

/// The double itself: answers until its input ends.
pub async fn serve() -> Result {
    let double = SendgridDouble::with(Ambient::system(), false).await;
    let settings = double.settings();
    let hello = Hello {
        base_url: settings.base_url.to_string(),
        public_keys: settings.event_public_keys,
        from: settings.from.email,
    };
    println!("{}", serde_json::to_string(&hello)?);
    let mut asked = BufReader::new(tokio::io::stdin()).lines();
    while let Some(folder) = asked.next_line().await? {
        println!("{}", serde_json::to_string(&write(&double, Path::new(&folder))?)?);
    }
    Ok(())
}

fn write(double: &SendgridDouble, folder: &Path) -> Result<Told> {
    let mails = double.taken();
    let at = Ambient::system().now().timestamp();
    let more = json!({ "useragent": "Mozilla/5.0 (X11; Linux x86_64)", "ip": "192.0.2.17", "response": "250 OK" });
    let mut events = ["processed", "delivered", "open"]
        .iter()
        .flat_map(|kind| mails.iter().map(move |mail| (kind, mail)))
        .enumerate()
        .map(|(number, (kind, mail))| mail.event(kind, &format!("event-{number}"), at, more.clone()));
    let (mut batches, mut count) = (0, 0);
    loop {
        let batch: Vec<_> = events.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(Told { mails: mails.len() as u64, most: double.most_per_token(), events: count, batches });
        }
        let signed = double.events(HOOK, &batch);
        std::fs::write(head(folder, batches), serde_json::to_vec(&signed.headers)?)?;
        std::fs::write(body(folder, batches), &signed.body)?;
        batches += 1;
        count += batch.len() as u64;
    }
}
