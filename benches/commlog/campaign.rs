//! A campaign to everybody by the simulator: how fast its recipients are decided on while their messages go out, what is served
//! meanwhile, how soon it pauses, and what a recipient costs in the store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use commlog::boot::Node;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::ids::Position;
use commlog::log::{Journal, ReadLimit};
use commlog::projections::ReadStore;
use commlog::queries::messages::undispatched;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::load::{self, percentile};
use crate::report::{Goal, Measurement};
use crate::sending::register;
use crate::stores::{Own, Place, admin_key, caller};
use crate::{Engine, Result};

/// Between two requests of somebody who watches.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After asking for a pause, nobody else may be decided on after this.
const PAUSED_WITHIN: Duration = Duration::from_secs(1);
/// Beyond this, nothing is waited for.
const LONGEST: Duration = Duration::from_hours(1);

const PAGE: &str = "<p>Spring is here, {{ customer_name }}</p><p><a href=\"{{ unsubscribe_url }}\">Unsubscribe</a></p>";
const LOOK: &str = "query($id: ID!) { campaign(campaignId: $id) { state progress { decided queued } \
    metrics { totals { sent delivered } } } customers(first: 20) { nodes { id name } } }";

pub async fn run(place: &Place, recipients: u64) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Campaign).await?;
    stores.app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?.into_result()?;
    register(&stores.app, recipients).await?;
    let token = admin_key(&stores).await?;
    let stop = CancellationToken::new();
    let journal = stores.journal.clone();
    let node = Node::start(stores, stop.clone()).await?;
    let reads = node.reads().clone();
    reads.wait_for(token.position, LONGEST).await?;
    let before = Stored::look(place)?;
    let api = Arc::new(Api { address: node.address(), token: token.value.token });
    let id = plan(&api).await?;

    let watching = CancellationToken::new();
    let looks = tokio::spawn(watch(api.clone(), id.clone(), watching.clone()));
    let lag = tokio::spawn(follow(reads.clone(), journal.clone(), watching.clone()));
    let started = Instant::now();
    let start = "mutation($id: ID!) { startCampaign(campaignId: $id, everybody: true) { refusal { message } } }";
    api.mutate("startCampaign", start, json!({ "id": id })).await?;
    until(&api, &id, |campaign| campaign["progress"]["decided"].as_u64() >= Some(recipients / 2)).await?;
    let paused = Instant::now();
    let late = pause(&api, &journal, &id).await?;
    let rest = paused.elapsed();
    let ended = until(&api, &id, |campaign| campaign["state"] == "COMPLETED").await?;
    if ended["progress"]["queued"].as_u64() != Some(recipients) {
        return Err(format!("not everybody is written to: {ended}").into());
    }
    let deciding = started.elapsed() - rest;
    settle(&reads, &journal).await?;
    let sending = started.elapsed() - rest;
    watching.cancel();
    let (latencies, lag) = (looks.await??, lag.await??);
    let stored = Stored::look(place)?;
    node.finish().await?;

    let engine = place.engine;
    let per_second = |took: Duration| recipients as f64 / took.as_secs_f64();
    let p99 = percentile(&latencies, 0.99).as_secs_f64() * 1e3;
    let mut measured = vec![
        Measurement::new(
            engine,
            "campaign: recipients decided on, while their messages go out",
            per_second(deciding),
            "recipients/s",
            Goal::AtLeast(5_000.0),
        )
        .note(format!("{recipients} recipients, simulator, with deliveries and opens")),
        Measurement::new(engine, "campaign: all sent and reported", per_second(sending), "messages/s", Goal::None),
        Measurement::new(engine, "campaign: read tables behind, the most", lag.as_secs_f64(), "s", Goal::Below(5.0)),
        Measurement::new(engine, "campaign: last recipient after a pause", late.as_secs_f64(), "s", Goal::Below(1.0)),
        Measurement::new(engine, "campaign: the API meanwhile, p99", p99, "ms", Goal::Below(100.0))
            .note(format!("{} requests for its figures and the first customers", latencies.len())),
    ];
    measured.extend(stored.since(&before, recipients).map(|row| row(engine)));
    Ok(measured)
}

/// Writes the template and the plan; the campaign's id.
async fn plan(api: &Api) -> Result<String> {
    let save = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { message } } }";
    let texts = json!({ "email": { "subject": "Spring", "markup": "HTML", "source": PAGE } });
    let template = json!({ "code": "spring", "title": "Spring", "class": "MARKETING", "defaultLocale": "en",
        "contents": [{ "locale": "en", "texts": texts }] });
    api.mutate("saveTemplate", save, json!({ "input": template })).await?;
    let publish = "mutation { publishTemplate(code: \"spring\") { refusal { message } } }";
    api.mutate("publishTemplate", publish, json!({})).await?;
    let create =
        "mutation($input: CampaignInput!) { createCampaign(input: $input) { campaignId refusal { message } } }";
    let plan = json!({ "name": "Spring", "channel": "EMAIL", "topic": "news", "template": "spring",
        "audience": { "everybody": true }, "rate": { "messages": 0, "per": "SECOND" },
        "thresholds": { "complaints": 0, "hardBounces": 0, "errors": 0 } });
    let made = api.mutate("createCampaign", create, json!({ "input": plan })).await?;
    made["campaignId"].as_str().map(str::to_owned).ok_or_else(|| made.to_string().into())
}

async fn until(api: &Api, id: &str, met: impl Fn(&Value) -> bool) -> Result<Value> {
    let started = Instant::now();
    loop {
        let campaign = api.ask(LOOK, json!({ "id": id })).await?["campaign"].take();
        if met(&campaign) {
            return Ok(campaign);
        }
        if started.elapsed() > LONGEST || campaign["state"] == "FAILED" {
            return Err(format!("the campaign stands at {campaign}").into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Somebody who watches: how long each answer took.
async fn watch(api: Arc<Api>, id: String, stop: CancellationToken) -> Result<Vec<Duration>> {
    let request = api.request(LOOK, &json!({ "id": id }));
    let mut latencies = vec![];
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let asked = Instant::now();
        load::once(api.address, &request).await?;
        latencies.push(asked.elapsed());
    }
    latencies.sort();
    Ok(latencies)
}

/// How long the read tables took at most to show what stood in the log.
async fn follow(reads: ReadStore, journal: Journal, stop: CancellationToken) -> Result<Duration> {
    let mut most = Duration::ZERO;
    let mut applied = reads.applied();
    while !stop.is_cancelled() {
        let (head, since) = (*journal.backend().watch().borrow(), Instant::now());
        applied.wait_for(|applied| *applied >= head).await?;
        most = most.max(since.elapsed());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(most)
}

/// Pauses and resumes; how long after the pause the last message was asked for.
async fn pause(api: &Api, journal: &Journal, id: &str) -> Result<Duration> {
    let pause = "mutation($id: ID!) { pauseCampaign(campaignId: $id, reason: \"a look\") { refusal { message } } }";
    let from = *journal.backend().watch().borrow();
    api.mutate("pauseCampaign", pause, json!({ "id": id })).await?;
    tokio::time::sleep(PAUSED_WITHIN * 2).await;
    let late = last_after_pause(journal, from).await?;
    let resume = "mutation($id: ID!) { resumeCampaign(campaignId: $id) { refusal { message } } }";
    api.mutate("resumeCampaign", resume, json!({ "id": id })).await?;
    Ok(late)
}

async fn last_after_pause(journal: &Journal, mut from: Position) -> Result<Duration> {
    let (mut paused_at, mut last) = (None, None);
    loop {
        let page = journal.read_all(from, ReadLimit::events(10_000)).await?;
        let Some(end) = page.last() else { break };
        from = end.envelope.position;
        for event in page {
            match event.envelope.event_type.as_ref() {
                "CampaignPaused" => paused_at = Some(event.envelope.recorded_at),
                "MessageQueued" if paused_at.is_some() => last = Some(event.envelope.recorded_at),
                _ => {}
            }
        }
    }
    let paused_at = paused_at.ok_or("the pause is not in the log")?;
    Ok(last.map_or(Duration::ZERO, |last| (last - paused_at).to_std().unwrap_or_default()))
}

/// Waits until nothing is left to send, and the read tables show what was reported.
async fn settle(reads: &ReadStore, journal: &Journal) -> Result {
    let mut applied = reads.applied();
    loop {
        applied.mark_unchanged();
        let head = *journal.backend().watch().borrow();
        if *applied.borrow() >= head && undispatched(&reads.db(), None, 1).await?.rows.is_empty() {
            return Ok(());
        }
        applied.changed().await?;
    }
}

/// What stands on the disk, and what was written for it.
struct Stored {
    /// Of an embedded store: the files; the server's disk is not looked at.
    bytes: Option<u64>,
    /// What this process gave to the disk; known on Linux.
    written: Option<u64>,
}

impl Stored {
    fn look(place: &Place) -> Result<Self> {
        let bytes = match place.engine {
            Engine::Sqlite => Some(bytes_in(&place.config(Own::Campaign)?.data_dir)?),
            Engine::Postgres => None,
        };
        let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        Ok(Self { bytes, written: written.and_then(|written| written.trim().parse().ok()) })
    }

    /// What came since, by recipient.
    fn since(&self, before: &Self, recipients: u64) -> impl Iterator<Item = impl FnOnce(Engine) -> Measurement> {
        let grown = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?) as f64 / recipients as f64);
        let rows = [
            ("campaign: the store grows by recipient", grown(self.bytes, before.bytes)),
            ("campaign: written to disk by recipient", grown(self.written, before.written)),
        ];
        rows.into_iter().filter_map(|(work, bytes)| {
            let bytes = bytes?;
            Some(move |engine| Measurement::new(engine, work, bytes, "bytes", Goal::None))
        })
    }
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { bytes_in(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}
