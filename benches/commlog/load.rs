//! A small HTTP/1.1 client that costs little beside what it measures: requests are bytes made once, answers are read to
//! their length.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::Result;

/// A request, as bytes.
#[derive(Clone)]
pub struct Request(std::sync::Arc<Vec<u8>>);

impl Request {
    pub fn get(path: &str) -> Self {
        Self(std::sync::Arc::new(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()))
    }

    pub fn post(path: &str, token: &str, body: &str) -> Self {
        Self(std::sync::Arc::new(
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: \
                 application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        ))
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and returns the answer's body.
    async fn send(&mut self, request: &Request) -> Result<&[u8]> {
        self.stream.write_all(&request.0).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(head) = find(&self.buffer, b"\r\n\r\n") else { continue };
            let head_text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
            if !head_text.starts_with("http/1.1 200") {
                return Err(format!("the server answered {}", head_text.lines().next().unwrap_or_default()).into());
            }
            let length: usize = head_text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .ok_or("an answer without a length")?
                .trim()
                .parse()?;
            while self.buffer.len() < head + 4 + length {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err("the server closed the connection within an answer".into());
                }
            }
            return Ok(&self.buffer[head + 4..head + 4 + length]);
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Sends one request and returns the answer's body.
pub async fn once(address: SocketAddr, request: &Request) -> Result<String> {
    Ok(String::from_utf8_lossy(Connection::open(address).await?.send(request).await?).into_owned())
}

/// As many requests a second as `connections` connections get answered.
pub async fn highest_rate(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    lasting: Duration,
) -> Result<f64> {
    let end = Instant::now() + lasting;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let request = request.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answered = 0_u64;
            while Instant::now() < end {
                connection.send(&request).await?;
                answered += 1;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(answered)
        });
    }
    let started = Instant::now();
    let mut answered = 0;
    while let Some(done) = tasks.join_next().await {
        answered += done??;
    }
    Ok(answered as f64 / started.elapsed().as_secs_f64())
}

/// Latencies at a fixed rate, each counted from the moment at which the request was due, so that a slow answer does not
/// hide the ones that queue behind it.
pub async fn latencies(
    address: SocketAddr,
    request: &Request,
    per_second: u32,
    lasting: Duration,
) -> Result<Vec<Duration>> {
    const CONNECTIONS: usize = 32;
    let (due, queue) = mpsc::channel::<Instant>(1_024);
    let queue = std::sync::Arc::new(tokio::sync::Mutex::new(queue));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (request, queue) = (request.clone(), queue.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut latencies = Vec::new();
            loop {
                let next = queue.lock().await.recv().await;
                let Some(due) = next else { return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(latencies) };
                connection.send(&request).await?;
                latencies.push(due.elapsed());
            }
        });
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let start = Instant::now();
    while start.elapsed() < lasting {
        let due_at = ticks.tick().await.into_std();
        due.send(due_at).await?;
    }
    drop(due);
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    all.sort();
    Ok(all)
}

/// The latency that `share` of the requests stay below; `sorted` is not empty.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1;
    sorted[index]
}
