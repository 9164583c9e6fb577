//! Follows the log into the index: a subscription from where the index stands, begun again whenever it ends, fails, or is silent
//! although the log has grown.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::codec::Streaming;

use super::TOMBSTONE;
use super::connection::{CallError, Connection, Direction, Most, place_of};
use super::index::{self, Index, Seen, SeenEvent, What};
use super::names::{Named, Names};
use super::record::{self, Claim, EPOCH_STARTED, EpochStarted, Metadata};
use super::wire::{self, Content, Place};
use crate::ids::Position;
use crate::log::{LogError, StreamId};

/// Events that go into the index together, at most.
const BATCH: usize = 2_048;

/// How long the subscription may be silent before the end of the log is looked at.
const LOOK_AROUND: Duration = Duration::from_secs(5);

/// How long to wait before a subscription that failed is begun again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the index may take to reach an event that is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many events the server looks at before it says how far it is.
const WINDOW: u32 = 4_096;

/// What the index has reached, for who waits for it.
#[derive(Clone)]
pub(super) struct Reached {
    connection: Arc<Connection>,
    index: Index,
    place: watch::Receiver<Place>,
}

/// Brings the index up to date.
pub(super) struct Follower {
    connection: Arc<Connection>,
    index: Index,
    place: watch::Sender<Place>,
    end: watch::Sender<Position>,
}

impl Follower {
    /// Starts where the index stands.
    pub(super) async fn new(
        connection: Arc<Connection>,
        index: Index,
        end: watch::Sender<Position>,
    ) -> Result<(Self, Reached), LogError> {
        let (place, reached) = watch::channel(index.reached().await?);
        let head = index.run("be read", index::head).await?;
        end.send_replace(head.position);
        let reached = Reached { connection: connection.clone(), index: index.clone(), place: reached };
        Ok((Self { connection, index, place, end }, reached))
    }

    /// Follows until it is closed.
    pub(super) async fn run(self, closing: CancellationToken) {
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                followed = self.follow() => {
                    match followed {
                        Ok(()) => tracing::debug!("the subscription to the log ended, and is begun again"),
                        Err(error) => {
                            tracing::warn!(%error, "the subscription to the log is interrupted");
                            self.connection.forget();
                        }
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Follows until the subscription ends.
    async fn follow(&self) -> Result<(), LogError> {
        let connection = &self.connection;
        let failed = |error| connection.failed("follow it", error);
        let mut stands = self.index.reached().await?;
        self.announce(stands).await?;
        let opened =
            async { Ok(connection.channel().await?.subscribe(subscribe(&connection.address.names, stands)).await?) };
        let mut told = opened.await.map_err(failed)?;
        loop {
            let Ok(first) = timeout(LOOK_AROUND, told.message()).await else {
                // A connection that was lost without a word is as silent as a log that nobody appends to.
                if end_of(connection).await?.is_some_and(|end| end > stands) {
                    return Err(failed(CallError::Silence(LOOK_AROUND)));
                }
                continue;
            };
            let Some(first) = first.map_err(|status| failed(status.into()))? else { return Ok(()) };
            let (seen, to) = self.gather(first, &mut told, stands).map_err(|status| failed(status.into()))?;
            if !self.index.apply(stands, seen, to).await? {
                // Another process that uses the same index was faster.
                return Ok(());
            }
            stands = to;
            self.announce(stands).await?;
        }
    }

    /// Takes what has arrived, without waiting for more.
    fn gather(
        &self,
        first: wire::Told,
        told: &mut Streaming<wire::Told>,
        stands: Place,
    ) -> Result<(Vec<Seen>, Place), tonic::Status> {
        let (mut seen, mut to, mut next) = (Vec::new(), stands, Some(first));
        while let Some(message) = next.take() {
            match message.content {
                Some(Content::Event(wire::ToldEvent { event: Some(event) })) => {
                    let place = Place { commit: event.commit, prepare: event.prepare };
                    if place > to {
                        to = place;
                        seen.extend(see(&self.connection.address.names, place, &event));
                    }
                }
                Some(Content::Checkpoint(place)) => to = to.max(place),
                Some(Content::Event(wire::ToldEvent { event: None })) | None => {}
            }
            if seen.len() < BATCH {
                // What ended or failed meanwhile does so again when it is waited for.
                next = match told.message().now_or_never() {
                    Some(Ok(next)) => next,
                    Some(Err(status)) if seen.is_empty() => return Err(status),
                    Some(Err(_)) | None => None,
                };
            }
        }
        Ok((seen, to))
    }

    async fn announce(&self, place: Place) -> Result<(), LogError> {
        let head = self.index.run("be read", index::head).await?;
        self.place.send_replace(place);
        self.end.send_if_modified(|end| std::mem::replace(end, head.position) != head.position);
        Ok(())
    }
}

impl Reached {
    /// Waits until the index has reached a place where an event stands, as long as it comes nearer.
    pub(super) async fn reach(&self, place: Place) -> Result<(), LogError> {
        let mut reached = self.place.clone();
        while *reached.borrow_and_update() < place {
            match timeout(PATIENCE, reached.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(LogError::Closed),
                Err(_) => return Err(self.connection.failed("follow it", CallError::Silence(PATIENCE))),
            }
        }
        Ok(())
    }

    /// Waits until the index has reached the end of the log as it is now, whoever appended to it.
    pub(super) async fn reach_end(&self) -> Result<(), LogError> {
        match end_of(&self.connection).await? {
            Some(end) => self.reach(end).await,
            None => Ok(()),
        }
    }

    /// Waits until the index holds events, by stream and version; their positions, in the order asked.
    pub(super) async fn positions(&self, asked: Vec<(StreamId, u64)>) -> Result<Vec<u64>, LogError> {
        let mut reached = self.place.clone();
        loop {
            reached.borrow_and_update();
            let looked_up = asked.clone();
            let found = self.index.run("be read", move |connection| index::positions(connection, &looked_up)).await?;
            if let Some(found) = found.into_iter().collect::<Option<Vec<u64>>>() {
                return Ok(found);
            }
            match timeout(PATIENCE, reached.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(LogError::Closed),
                Err(_) => return Err(self.connection.failed("follow it", CallError::Silence(PATIENCE))),
            }
        }
    }

    /// What the index holds.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }
}

/// Where the last event of this log stands.
async fn end_of(connection: &Connection) -> Result<Option<Place>, LogError> {
    let names = &connection.address.names;
    let last = connection.read_all(&[names.events(), names.own()], Direction::Backwards(None), Most::events(1)).await?;
    Ok(last.first().map(place_of))
}

fn subscribe(names: &Names, after: Place) -> wire::Subscribe {
    let all = match after {
        Place { commit: 0, .. } => wire::Begin { after: None, start: Some(wire::Empty {}) },
        place => wire::Begin { after: Some(place), start: None },
    };
    let streams = wire::Prefixes { prefixes: vec![names.events(), names.own()] };
    let options = wire::SubscribeOptions {
        all: Some(all),
        subscription: Some(wire::Empty {}),
        filter: Some(wire::Filter { streams: Some(streams), window: Some(WINDOW), windows: 1 }),
        uuids: Some(wire::UuidsAsText { text: Some(wire::Empty {}) }),
    };
    wire::Subscribe { options: Some(options) }
}

/// What an event is to the index; [`None`] if it is somebody else's.
fn see(names: &Names, place: Place, event: &wire::Event) -> Option<Seen> {
    let name = std::str::from_utf8(&event.stream.as_ref()?.name).ok()?;
    let id = event.id.as_ref()?.text.parse().ok()?;
    if event.revision == TOMBSTONE {
        return None;
    }
    let what = match names.read(name)? {
        Named::Stream(stream) => {
            let metadata: Option<Metadata> = serde_json::from_slice(&event.custom_metadata).ok();
            let metadata = metadata.as_ref();
            let recorded_at = metadata.and_then(|metadata| record::time(&metadata.recorded_at));
            What::Event(SeenEvent {
                stream,
                id,
                hash: metadata.and_then(Metadata::hash).unwrap_or_default(),
                recorded_at: recorded_at.unwrap_or_default().timestamp_micros(),
                sealed_for: metadata
                    .filter(|metadata| metadata.personal.is_some())
                    .and_then(|metadata| metadata.subject),
            })
        }
        Named::Command(tenant, id) => What::Claim(tenant, id, serde_json::from_slice::<Claim>(&event.data).ok()?),
        Named::Log if event.metadata.get("type").is_some_and(|name| name == EPOCH_STARTED) => {
            let EpochStarted { epoch, started_at, system_id, loaded } = serde_json::from_slice(&event.data).ok()?;
            What::Epoch { epoch, started_at: record::time(&started_at)?.timestamp_micros(), system_id, loaded }
        }
        Named::Log => return None,
    };
    Some(Seen { place, revision: event.revision, what })
}
