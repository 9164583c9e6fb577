//! What each provider's own client costs: messages handed over to its double, beside bare requests (or a bare SMTP
//! conversation) with the same content to the same double.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use bytes::Bytes;
use commlog::clock::Ambient;
use commlog::domain::value::Channel;
use commlog::domain::value::message::{MessageKey, Route};
use commlog::domain::value::token::{Correlation, seal};
use commlog::ids::TenantSecret;
use commlog::providers::kind::{Kind, Reach, Setup};
use commlog::providers::kit::client::{ClientOptions, HttpClient};
use commlog::providers::kit::settings::Settings;
use commlog::providers::{Content, OutboundMessage, Provider};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

use crate::log::per_second;
use crate::report::{Goal, Measurement};
use crate::sinks::{Sink, WAYS, Way};
use crate::stores::Place;
use crate::{Result, Size};

/// Messages at once, as over as many connections.
const AT_ONCE: usize = 16;
/// Connections of an SMTP account, which is what its messages at once come to.
const SMTP_CONNECTIONS: usize = 4;
const WORDS: &str =
    "A new vintage is in. Answer this mail to put a case aside for yourself until Friday. Your wine merchant";

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    // Another part of the process may have chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let length = Duration::from_millis(100 * size.seconds);
    let mut measured = vec![];
    for way in WAYS {
        measured.push(measure(place, *way, length).await?);
    }
    Ok(measured)
}

/// How often something was done in a time, and what it cost.
struct Rate {
    count: u64,
    took: Duration,
    cpu: Duration,
}

impl Rate {
    fn per_second(&self) -> f64 {
        per_second(self.count, self.took)
    }

    fn cpu_millis(&self) -> f64 {
        self.cpu.as_secs_f64() * 1_000.0 / self.count.max(1) as f64
    }
}

/// The processor time of this process; the doubles run in others.
fn cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default())
}

/// Does something again and again for a while, at as many places at once as there are makers.
async fn repeat<F, D>(makers: Vec<F>, length: Duration) -> Result<Rate>
where
    F: FnOnce(Instant) -> D + Send + 'static,
    D: Future<Output = Result<u64>> + Send + 'static,
{
    let (began, before) = (Instant::now(), cpu());
    let mut running = JoinSet::new();
    for maker in makers {
        running.spawn(maker(began + length));
    }
    let mut count = 0;
    while let Some(ended) = running.join_next().await {
        count += ended??;
    }
    Ok(Rate { count, took: began.elapsed(), cpu: cpu().saturating_sub(before) })
}

fn provider(way: Way, account: &BTreeMap<String, String>, proxy: Option<Url>) -> Result<Arc<dyn Provider>> {
    let kind = Kind::of(way.provider).ok_or("no such provider")?;
    let setup = Setup {
        account: "main",
        webhook_url: Some(format!("https://commlog.example/webhooks/{}/main", way.provider).parse()?),
        settings: Settings::try_new(kind, account.clone())?,
        reach: Reach::Anywhere,
        client: HttpClient::new(ClientOptions { proxy, ..ClientOptions::default() })?,
        ambient: Ambient::system(),
    };
    Ok((kind.build)(setup)?.provider)
}

/// A message of its own with each number.
fn message(way: Way, number: u64) -> OutboundMessage {
    let key = MessageKey {
        message_id: Uuid::from_u128(u128::from(number) + 1).into(),
        channel: way.channel,
        campaign_id: Some(Uuid::from_u128(50).into()),
        variant: None,
        conversation_id: None,
    };
    let (tenant, customer_id) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
    let route = Route { provider: way.provider.to_owned(), account: "main".to_owned(), domain: None };
    let called_at = Ambient::system().now();
    let correlation = Correlation { tenant, customer_id, key: key.clone(), address_id: None, route, called_at };
    let (to, subject) = match way.channel {
        Channel::Email => ("ada@example.org", Some("A new vintage".to_owned())),
        Channel::Push => ("bk3RNwTe3H0:CI2k_EXAMPLE", Some("A new vintage".to_owned())),
        _ => ("+14155550101", None),
    };
    let content = Content::of(way.channel, subject, WORDS.to_owned());
    let token = Some(seal(&correlation, &TenantSecret::new([7; 32])));
    OutboundMessage { token, ..OutboundMessage::new(tenant, customer_id, key, to.to_owned(), content) }
}

async fn measure(place: &Place, way: Way, length: Duration) -> Result<Measurement> {
    let mut sink = Sink::start(way).await?;
    let sender = provider(way, &sink.account, None)?;
    let is_smtp = way.provider == "smtp";
    let at_once = if is_smtp { SMTP_CONNECTIONS } else { AT_ONCE };
    let numbers = Arc::new(AtomicU64::new(0));
    let makers = (0..at_once).map(|_| {
        let (sender, numbers) = (Arc::clone(&sender), Arc::clone(&numbers));
        async move |until: Instant| -> Result<u64> {
            let mut count = 0;
            while Instant::now() < until {
                sender.send(message(way, numbers.fetch_add(1, Ordering::Relaxed))).await?;
                count += 1;
            }
            Ok(count)
        }
    });
    let ours = repeat(makers.collect(), length).await?;
    let taken = sink.taken().await?;
    if taken.count != ours.count {
        return Err(format!("{}: {} messages were sent, {} taken", way.name, ours.count, taken.count).into());
    }
    let bare = match taken.mail {
        Some(mail) => bare_mail(&sink, mail, length).await?,
        None => bare_requests(way, &sink, length).await?,
    };
    let (what, goal) = if is_smtp {
        ("mails/s of a bare conversation over as many connections", Goal::AtLeast(500.0))
    } else {
        ("bare requests/s of the same content", Goal::None)
    };
    let note = format!(
        "{at_once} at once; {:.2} ms of processor each, {:.2} of the bare ones",
        ours.cpu_millis(),
        bare.cpu_millis()
    );
    Ok(Measurement::new(place.engine, format!("{} to its double", way.name), ours.per_second(), "messages/s", goal)
        .limit(bare.per_second(), what)
        .note(note))
}

/// The last request that a provider's client made.
type Recorded = Arc<Mutex<Option<(axum::http::request::Parts, Bytes)>>>;

/// A proxy that remembers the last request.
#[derive(Clone)]
struct Recorder {
    recorded: Recorded,
    client: reqwest::Client,
}

/// What belongs to a connection, and not to the request.
const OF_CONNECTION: [&str; 2] = ["content-length", "transfer-encoding"];

async fn pass_on(
    State(recorder): State<Recorder>,
    request: axum::extract::Request,
) -> std::result::Result<(axum::http::StatusCode, Bytes), axum::http::StatusCode> {
    let failed = axum::http::StatusCode::BAD_GATEWAY;
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.map_err(|_| failed)?;
    for name in OF_CONNECTION {
        parts.headers.remove(name);
    }
    let onwards = recorder.client.request(parts.method.clone(), parts.uri.to_string());
    let answer = onwards.headers(parts.headers.clone()).body(body.clone()).send().await.map_err(|_| failed)?;
    let status = answer.status();
    let said = answer.bytes().await.map_err(|_| failed)?;
    *recorder.recorded.lock().map_err(|_| failed)? = Some((parts, body));
    Ok((status, said))
}

async fn bare_requests(way: Way, sink: &Sink, length: Duration) -> Result<Rate> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let recorded = Recorded::default();
    let recorder = Recorder { recorded: Arc::clone(&recorded), client: client.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = format!("http://{}", listener.local_addr()?).parse()?;
    let router = axum::Router::new().fallback(pass_on).with_state(recorder);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    provider(way, &sink.account, Some(proxy))?.send(message(way, u64::from(u32::MAX))).await?;
    server.abort();
    let last = recorded.lock().map_err(|_| "a request was not recorded")?.take();
    let (parts, body) = last.ok_or("nothing was recorded")?;
    let (url, headers): (Url, _) = (parts.uri.to_string().parse()?, parts.headers);
    let makers = (0..AT_ONCE).map(|_| {
        let (client, url, headers, body) = (client.clone(), url.clone(), headers.clone(), body.clone());
        async move |until: Instant| -> Result<u64> {
            let mut count = 0;
            while Instant::now() < until {
                let request = client.post(url.clone()).headers(headers.clone()).body(body.clone());
                request.send().await?.error_for_status()?.bytes().await?;
                count += 1;
            }
            Ok(count)
        }
    });
    repeat(makers.collect(), length).await
}

/// Writes one mail again and again, and reads what is said to it, as slowly as the protocol is.
async fn bare_mail(sink: &Sink, mail: (String, String, String), length: Duration) -> Result<Rate> {
    let address = format!("127.0.0.1:{}", sink.account.get("port").ok_or("an account without a port")?);
    let (from, to, content) = mail;
    let lines = Arc::new([
        format!("MAIL FROM:<{from}>\r\n"),
        format!("RCPT TO:<{to}>\r\n"),
        "DATA\r\n".to_owned(),
        format!("{content}.\r\n"),
    ]);
    let makers = (0..SMTP_CONNECTIONS).map(|_| {
        let (address, lines) = (address.clone(), Arc::clone(&lines));
        async move |until: Instant| -> Result<u64> {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut stream = BufReader::new(stream);
            reply(&mut stream).await?;
            stream.write_all(b"EHLO bench.example\r\n").await?;
            reply(&mut stream).await?;
            let mut count = 0;
            while Instant::now() < until {
                for line in lines.iter() {
                    stream.write_all(line.as_bytes()).await?;
                    reply(&mut stream).await?;
                }
                count += 1;
            }
            Ok(count)
        }
    });
    repeat(makers.collect(), length).await
}

/// Reads one reply, which must be a yes.
async fn reply(stream: &mut BufReader<TcpStream>) -> Result {
    let mut line = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        if !line.starts_with(['2', '3']) {
            return Err(format!("the server said {line:?}").into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}
