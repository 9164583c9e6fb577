//! The client under a supervisor. A client whose first connection failed never connects again, and one that lost its node may wait
//! for it for ever: a client that failed is replaced, and every call has a deadline.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventstore::{
    AppendToStreamOptions, Client, Error, ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent, StreamPosition,
    StreamState, SubscriptionFilter, operations,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

use super::address::Address;
use super::channel::{self, Channel, ChannelError};
use super::record::Proposed;
use super::wire::Place;
use crate::ids::Position;
use crate::log::LogError;

/// How long a call is tried again before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before a call is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where a read begins and which way it goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction<P> {
    /// From here on, what stands here included; [`None`]: from the first.
    Forwards(Option<P>),
    /// From here back; [`None`]: from the last, that one included.
    Backwards(Option<P>),
}

/// How much is read: so many events, and no more once these are so many bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub events: usize,
    pub bytes: usize,
    /// The event at this place is left out: a read begins with the event that it begins at.
    pub but: Option<Place>,
}

impl Most {
    /// So many events.
    pub(super) const fn events(events: usize) -> Self {
        Self { events, bytes: usize::MAX, but: None }
    }
}

/// Connections to a server or cluster.
pub(super) struct Connection {
    pub address: Address,
    client: Mutex<Option<Client>>,
    channel: Mutex<Option<Channel>>,
}

/// A failed call: what the client, or the server, says.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The client.
    #[error(transparent)]
    Client(#[from] Error),
    /// The server, over our own connection. Its own message is long and holds what was sent along.
    #[error("{}: {}", .0.code(), .0.message())]
    Status(#[from] tonic::Status),
    /// No connection can be made.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// No connection can be opened.
    #[error("{node} cannot be reached")]
    Unreachable {
        /// Host and port.
        node: String,
        /// What became of it: a refused connection, say, or a certificate that is not trusted.
        #[source]
        cause: io::Error,
    },
    /// Another call, or the index.
    #[error(transparent)]
    Log(Box<LogError>),
    /// Nothing was heard for too long.
    #[error("the server did not respond within {} s", .0.as_secs())]
    Silence(Duration),
}

impl CallError {
    /// Whether the call may succeed when it is made again. Whether it was carried out is not known then.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Client(Error::Grpc { code, .. }) => is_passing(*code),
            Self::Client(error) => matches!(
                error,
                Error::ServerError(_)
                    | Error::NotLeaderException(_)
                    | Error::ConnectionClosed
                    | Error::GrpcConnectionError(_)
                    | Error::DeadlineExceeded
            ),
            // Another node leads by now.
            Self::Status(status) if status.metadata().get("exception").is_some_and(|what| what == "not-leader") => true,
            Self::Status(status) => is_passing(status.code()),
            // A certificate that is not trusted stays so.
            Self::Unreachable { cause, .. } => {
                !matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
            }
            Self::Channel(_) | Self::Log(_) => false,
            Self::Silence(_) => true,
        }
    }

    /// Whether the server refuses the call, and would again.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Status(_)) && !self.is_passing()
    }
}

/// Whether a call that ended so may succeed later.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}

impl Connection {
    /// Connects when it is first used.
    pub(super) fn new(address: Address) -> Self {
        Self { address, client: Mutex::default(), channel: Mutex::default() }
    }

    /// An error of this log.
    pub(super) fn failed(&self, doing: &'static str, error: CallError) -> LogError {
        match error {
            CallError::Log(error) => *error,
            error => LogError::Database { url: self.address.url.clone(), doing, source: Arc::new(error) },
        }
    }

    fn client(&self) -> Result<Client, CallError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let made = Client::new(self.address.settings.clone());
        let made = made.map_err(|error| Error::InitializationError(error.to_string()))?;
        *client = Some(made.clone());
        Ok(made)
    }

    /// Lets go of what failed: the next call connects anew, to whatever node leads by then.
    pub(super) fn forget(&self) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A connection of our own to the node that the client chose.
    pub(super) async fn channel(&self) -> Result<Channel, CallError> {
        if let Some(channel) = self.channel.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(channel.clone());
        }
        let client = operations::Client::from(self.client()?);
        let node = self.timely(client.current_selected_node()).await??;
        let channel = Channel::new(&self.address.settings, &node, self.address.deadline)?;
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
        Ok(channel)
    }

    /// Makes a call that may be repeated, until it is answered.
    pub(super) async fn patiently<T, F>(
        &self,
        doing: &'static str,
        call: impl Fn(Client) -> F + Send + Sync,
    ) -> Result<T, LogError>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        let began = Instant::now();
        loop {
            let done = match self.client() {
                Ok(client) => call(client).await,
                Err(error) => Err(error),
            };
            let error = match done {
                Ok(done) => return Ok(done),
                Err(error @ CallError::Client(Error::GrpcConnectionError(_))) => {
                    let wrong = channel::what_is_wrong(&self.address.settings).await;
                    wrong.map_or(error, |(node, cause)| CallError::Unreachable { node, cause })
                }
                Err(error) => error,
            };
            if !error.is_passing() || began.elapsed() >= PATIENCE {
                return Err(self.failed(doing, error));
            }
            tracing::debug!(url = self.address.url, %error, doing, "a call is made again");
            self.forget();
            sleep(PAUSE).await;
        }
    }

    /// A stream's events; none of one that does not exist.
    pub(super) async fn read_stream(
        &self,
        name: &str,
        direction: Direction<u64>,
        most: Most,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let options = ReadStreamOptions::default().max_count(most.events);
        let options = match direction {
            Direction::Forwards(from) => {
                options.position(from.map_or(StreamPosition::Start, StreamPosition::Position)).forwards()
            }
            Direction::Backwards(from) => {
                options.position(from.map_or(StreamPosition::End, StreamPosition::Position)).backwards()
            }
        };
        self.patiently("read a stream", |client| {
            let options = options.clone();
            async move {
                match self.gather(self.timely(client.read_stream(name, &options)).await?, most).await {
                    Err(CallError::Client(Error::ResourceDeleted)) => {
                        let reason = format!("the stream {name} was deleted for good");
                        Err(CallError::Log(Box::new(LogError::Damaged { position: Position::START, reason })))
                    }
                    read => read,
                }
            }
        })
        .await
    }

    /// Events of all streams whose names begin with one of these.
    pub(super) async fn read_all(
        &self,
        prefixes: &[String],
        direction: Direction<Place>,
        most: Most,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let filter = prefixes.iter().fold(SubscriptionFilter::on_stream_name(), SubscriptionFilter::add_prefix);
        self.read_filtered(filter, direction, most).await
    }

    /// The last events of all streams that were deleted for good, whosever they are.
    pub(super) async fn read_deletions(&self) -> Result<Vec<RecordedEvent>, LogError> {
        let filter = SubscriptionFilter::on_event_type().add_prefix("$streamDeleted");
        self.read_filtered(filter, Direction::Forwards(None), Most::events(usize::MAX)).await
    }

    async fn read_filtered(
        &self,
        filter: SubscriptionFilter,
        direction: Direction<Place>,
        most: Most,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let options = ReadAllOptions::default().filter(filter).max_count(most.events.saturating_add(1));
        let at = |place: Place| {
            StreamPosition::Position(eventstore::Position { commit: place.commit, prepare: place.prepare })
        };
        let options = match direction {
            Direction::Forwards(from) => options.position(from.map_or(StreamPosition::Start, at)).forwards(),
            Direction::Backwards(from) => options.position(from.map_or(StreamPosition::End, at)).backwards(),
        };
        self.patiently("read events", |client| {
            let options = options.clone();
            async move { self.gather(self.timely(client.read_all(&options)).await?, most).await }
        })
        .await
    }

    /// Appends to one stream that must be in this state.
    pub(super) async fn append(&self, name: &str, state: StreamState, events: Vec<Proposed>) -> Result<(), CallError> {
        let options = AppendToStreamOptions::default().stream_state(state);
        let events: Vec<_> = events.into_iter().map(Proposed::into_event_data).collect();
        let client = self.client()?;
        self.timely(client.append_to_stream(name, &options, events)).await??;
        Ok(())
    }

    /// The outcome of what must not take longer than the deadline.
    async fn timely<T>(&self, work: impl Future<Output = T>) -> Result<T, CallError> {
        timeout(self.address.deadline, work).await.map_err(|_| CallError::Silence(self.address.deadline))
    }

    /// What a read brings, up to a limit; what it would bring beyond it is let go of.
    async fn gather(&self, begun: Result<ReadStream, Error>, most: Most) -> Result<Vec<RecordedEvent>, CallError> {
        let mut stream = match begun {
            Err(Error::ResourceNotFound) => return Ok(Vec::new()),
            begun => begun?,
        };
        let (mut events, mut bytes) = (Vec::new(), 0_usize);
        while events.len() < most.events && bytes < most.bytes {
            match self.timely(stream.next()).await? {
                Ok(Some(resolved)) => {
                    if let Some(event) = resolved.event.filter(|event| Some(place_of(event)) != most.but) {
                        bytes = bytes.saturating_add(event.data.len() + super::record::personal_bytes(&event));
                        events.push(event);
                    }
                }
                Ok(None) | Err(Error::ResourceNotFound) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(events)
    }
}

/// Where an event stands.
pub(super) fn place_of(event: &RecordedEvent) -> Place {
    Place { commit: event.position.commit, prepare: event.position.prepare }
}
