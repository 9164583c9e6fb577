//! The log in KurrentDB, on a double of the server in a process of its own: what commlog and its client do around each call, beside
//! bare gRPC calls with the same records. A real server is slower than the double, which keeps everything in memory.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use commlog::boot::Stores;
use commlog::clock::Ambient;
use commlog::config::{Config, LogUrl};
use commlog::ids::{CustomerId, Position};
use commlog::log::ReadLimit;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tonic::Request;
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use uuid::Uuid;

use crate::commands::{append_bare, concurrently};
use crate::doubles::kurrentdb::messages::{
    AllOptions, AppendRecords, Appended, Beginning, Content, Count, Empty, Event, Place as At, ReadOptions, ReadReq,
    ReadResp, Record, Schema, Value, What,
};
use crate::doubles::kurrentdb::{KurrentDouble, Version};
use crate::events::Events;
use crate::log::{per_second, read_stored};
use crate::report::{Goal, Measurement};
use crate::stores::{Own, Place};
use crate::{Result, Size};

const APPEND: &str = "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords";
const READ: &str = "/event_store.client.streams.Streams/Read";

/// Events in a bulk append by commlog, and in a bare one: a server takes a megabyte at once.
const PER_CALL: u64 = 1_000;
const PER_BARE_CALL: usize = 500;

/// Events of one read.
const PAGE: u64 = 4_096;

/// Which page is taken for what events are like.
const SAMPLED_PAGE: usize = 5;

/// Customers of single appends, who share no stream by chance alone.
const CUSTOMERS: u64 = 4_000;

/// Appends one after the other.
const ALONE: u64 = 300;

/// The double, as the section that is measured sees it. It ends with this.
pub struct Remote {
    address: String,
    /// The pipe to it keeps it alive.
    _child: Child,
}

impl Remote {
    pub async fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--kurrentdb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("no pipe")?;
        let address = BufReader::new(output).lines().next_line().await?.ok_or("the double did not start")?;
        Ok(Self { address, _child: child })
    }

    /// A configuration whose log is here.
    pub fn config(&self, mut config: Config) -> Result<Config> {
        config.log = LogUrl::parse(&self.address)?;
        Ok(config)
    }
}

/// The double itself: answers until its input ends.
pub async fn serve() -> Result {
    let double = KurrentDouble::start(Version::Records).await;
    println!("{}", double.address());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// A connection without commlog.
#[derive(Clone)]
struct Bare(Grpc<Client<HttpConnector, tonic::body::Body>>);

impl Bare {
    fn to(double: &Remote) -> Result<Self> {
        let address: url::Url = double.address.parse()?;
        let uri: Uri = format!("http://127.0.0.1:{}", address.port().ok_or("no port")?).parse()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build(connector);
        Ok(Self(Grpc::with_origin(client, uri)))
    }

    async fn append(&mut self, records: Vec<Record>) -> Result {
        self.0.ready().await?;
        let request = Request::new(AppendRecords { records, checks: Vec::new() });
        let (path, codec) = (PathAndQuery::from_static(APPEND), ProstCodec::<AppendRecords, Appended>::default());
        self.0.unary(request, path, codec).await?;
        Ok(())
    }

    /// A page of all events, from a place on.
    async fn read(&mut self, from: Option<At>) -> Result<Vec<Event>> {
        self.0.ready().await?;
        let from = Some(from.map_or(Beginning::Start(Empty {}), Beginning::At));
        let what = Some(What::All(AllOptions { from }));
        let options = ReadOptions { what, direction: 0, count: Some(Count::Most(PAGE)), filter: None };
        let request = Request::new(ReadReq { options: Some(options) });
        let (path, codec) = (PathAndQuery::from_static(READ), ProstCodec::<ReadReq, ReadResp>::default());
        let mut told = self.0.server_streaming(request, path, codec).await?.into_inner();
        let mut events = Vec::new();
        while let Some(message) = told.message().await? {
            if let Some(Content::Event(read)) = message.content {
                events.extend(read.event);
            }
        }
        Ok(events)
    }
}

/// Where the next page begins.
fn behind(last: &Event) -> At {
    At { commit: last.commit + 1, prepare: last.prepare + 1 }
}

/// Records as commlog wrote them, out of a log of its own.
pub struct Sample(Arc<Vec<Event>>);

impl Sample {
    pub async fn of(double: &Remote) -> Result<Self> {
        let (mut bare, mut events) = (Bare::to(double)?, Vec::new());
        // At first everybody is registered: what comes later is more like the rest.
        for _ in 0..SAMPLED_PAGE {
            let page = bare.read(events.last().map(behind)).await?;
            if page.is_empty() {
                break;
            }
            events = page;
        }
        let ours: Vec<Event> = events.into_iter().filter(|event| event.custom_metadata.len() > b"{}".len()).collect();
        if ours.is_empty() { Err("the double holds no event of commlog".into()) } else { Ok(Self(Arc::new(ours))) }
    }

    /// One more like the others, in a stream of few.
    fn record(&self, number: u64) -> Result<Record> {
        let event = &self.0[usize::try_from(number)? % self.0.len()];
        let metadata: HashMap<String, serde_json::Value> = serde_json::from_slice(&event.custom_metadata)?;
        let text = |value: serde_json::Value| Value { text: value.as_str().map(str::to_owned) };
        Ok(Record {
            id: Some(Uuid::from_u128(u128::from(number) | 1 << 100).to_string()),
            properties: metadata.into_iter().map(|(name, value)| (name, text(value))).collect(),
            schema: Some(Schema { format: 1, name: event.metadata.get("type").cloned().unwrap_or_default() }),
            data: event.data.clone(),
            stream: format!("bare-{}", number % CUSTOMERS),
        })
    }
}

/// The limit of bulk appends: the same records in bare calls, to a double of its own. Events a second.
pub async fn bare_bulk(sample: &Sample, count: u64) -> Result<f64> {
    let double = Remote::start().await?;
    let mut bare = Bare::to(&double)?;
    let records = (0..count).map(|number| sample.record(number)).collect::<Result<Vec<_>>>()?;
    let calls: Vec<Vec<Record>> = records.chunks(PER_BARE_CALL).map(<[Record]>::to_vec).collect();
    let started = Instant::now();
    for records in calls {
        bare.append(records).await?;
    }
    Ok(per_second(count, started.elapsed()))
}

/// The limits of single appends: many at once, and one after the other.
async fn bare_single(sample: Sample, count: u64) -> Result<[f64; 2]> {
    let double = Remote::start().await?;
    let (bare, sample) = (Bare::to(&double)?, Arc::new(sample));
    let started = Instant::now();
    concurrently(count, {
        let (bare, sample) = (bare.clone(), sample.clone());
        move |number| {
            let (mut bare, record) = (bare.clone(), sample.record(number));
            async move { bare.append(vec![record?]).await }
        }
    })
    .await?;
    let at_once = per_second(count, started.elapsed());
    let (started, mut bare) = (Instant::now(), bare);
    for number in 0..ALONE {
        bare.append(vec![sample.record(count + number)?]).await?;
    }
    Ok([at_once, per_second(ALONE, started.elapsed())])
}

/// The limit of reading: all events in bare calls. Events a second.
async fn bare_reading(double: &Remote) -> Result<f64> {
    let mut bare = Bare::to(double)?;
    let (mut from, mut read) = (None, 0);
    let started = Instant::now();
    loop {
        let page = bare.read(from).await?;
        read += page.len() as u64;
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => from = Some(behind(last)),
            _ => return Ok(per_second(read, started.elapsed())),
        }
    }
}

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let (bulk, single) = (size.events / 10, size.commands / 5);
    let double = Remote::start().await?;
    let ambient = Ambient::system();
    let stores = Stores::open(&double.config(place.config(Own::KurrentDb)?)?, &ambient).await?;
    let mut events = Events::new(usize::try_from(CUSTOMERS)?);
    let groups: Vec<_> = (0..bulk / PER_CALL).map(|_| events.take(PER_CALL)).collect();
    let started = Instant::now();
    for group in groups {
        for result in stores.journal.append_all(group).await? {
            result?;
        }
    }
    let in_bulk = per_second(bulk, started.elapsed());

    let started = Instant::now();
    concurrently(single, {
        let (journal, ambient) = (stores.journal.clone(), ambient.clone());
        move |number| {
            let (journal, ambient) = (journal.clone(), ambient.clone());
            async move { append_bare(&journal, customer(number), &ambient).await }
        }
    })
    .await?;
    let at_once = per_second(single, started.elapsed());
    let started = Instant::now();
    for number in 0..ALONE {
        append_bare(&stores.journal, customer(number), &ambient).await?;
    }
    let alone = per_second(ALONE, started.elapsed());

    let started = Instant::now();
    let stored = read_stored(stores.journal.backend().as_ref()).await?;
    let reading = per_second(stored, started.elapsed());
    let started = Instant::now();
    let mut pages = stores.journal.pages(Position::START, ReadLimit::events(usize::try_from(PAGE)?));
    while !pages.next().await?.is_empty() {}
    let opening = per_second(stored, started.elapsed());
    stores.close().await;

    let sample = Sample::of(&double).await?;
    let (bare_bulk, bare_reading) = (bare_bulk(&sample, bulk).await?, bare_reading(&double).await?);
    let [bare_at_once, bare_alone] = bare_single(sample, single).await?;
    let row = |work: &str, value: f64, limit: f64, what: &str| {
        Measurement::new(place.engine, format!("KurrentDB (double): {work}"), value, "events/s", Goal::None)
            .limit(limit, format!("{what}/s in bare gRPC calls"))
    };
    Ok(vec![
        row("256 single appends at once", at_once, bare_at_once, "single appends")
            .note("sealed and hashed; those that wait go together"),
        row("single appends one after the other", alone, bare_alone, "single appends"),
        row("bulk append, 1,000 events per call", in_bulk, bare_bulk, "events"),
        row("reading everything", reading, bare_reading, "events").note(format!("opened, {opening:.0} events/s")),
    ])
}

fn customer(number: u64) -> CustomerId {
    CustomerId(Uuid::from_u128(u128::from(1 + number % CUSTOMERS) << 64))
}
