//! The calls that a node of the double answers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tonic::codec::ProstCodec;
use tonic::codegen::{Service, http};
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::messages;
use super::messages::{
    AppendContent, AppendRecords, AppendReq, AppendResp, AppendResult, Appended, Beginning, ClusterInfo, Confirmation,
    Content, Count, Empty, EndPoint, Event, Expected, Expression, Member, NotFound, Place, ReadEvent, ReadOptions,
    ReadReq, ReadResp, Record, Revision, StreamName, StreamRecords, Success, SupportedMethods, What, Wrong,
};
use super::prompt::Prompt;
use super::store::{ANY, EXISTS, Moved, NO_STREAM, NewEvent, Required, StoredEvent, TOMBSTONE};
use super::{Faults, Node, Version};

/// Answers calls until the node is stopped.
pub(super) async fn serve(listener: TcpListener, node: Node) {
    loop {
        let accepted = tokio::select! {
            () = node.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((connection, _)) = accepted else { continue };
        // The double is not what is measured.
        connection.set_nodelay(true).expect("a connection of loopback");
        tokio::spawn(answer(Prompt(connection), node.clone()));
    }
}

async fn answer(connection: Prompt, node: Node) {
    match node.cluster.tls.clone() {
        // A client that does not trust the certificate goes away.
        Some(tls) => {
            if let Ok(secured) = tls.accept(connection).await {
                answer_on(secured, node).await;
            }
        }
        None => answer_on(connection, node).await,
    }
}

async fn answer_on(connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, node: Node) {
    let stop = node.stop.clone();
    let service = service_fn(move |request| {
        let node = node.clone();
        async move { Ok::<_, Infallible>(node.call(request).await) }
    });
    let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(connection), service);
    tokio::select! {
        () = stop.cancelled() => {}
        // A client that goes away is no failure of the double.
        _ = served => {}
    }
}

/// A function as a service of one call.
struct Handler<F>(F);

impl<F, A, Q, R> Service<Request<Q>> for Handler<F>
where
    F: FnMut(Request<Q>) -> A,
    A: Future<Output = Result<Response<R>, Status>>,
{
    type Response = Response<R>;
    type Error = Status;
    type Future = A;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> A {
        (self.0)(request)
    }
}

type Answer<R> = Pin<Box<dyn Future<Output = Result<Response<R>, Status>> + Send>>;

impl Node {
    async fn call(self, request: http::Request<Incoming>) -> http::Response<tonic::body::Body> {
        tokio::time::sleep(self.faults.slowness()).await;
        let path = request.uri().path().to_owned();
        let version = self.cluster.version;
        match path.as_str() {
            "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
                let handler =
                    Handler(move |_: Request<Empty>| -> Answer<_> { Box::pin(async move { Ok(features(version)) }) });
                Grpc::new(ProstCodec::default()).unary(handler, request).await
            }
            "/event_store.client.gossip.Gossip/Read" => {
                let handler = Handler(move |_: Request<Empty>| -> Answer<_> {
                    let node = self.clone();
                    Box::pin(async move { Ok(node.gossip()) })
                });
                Grpc::new(ProstCodec::default()).unary(handler, request).await
            }
            "/event_store.client.streams.Streams/Read" => {
                let handler = Handler(move |asked: Request<ReadReq>| -> Answer<_> {
                    let node = self.clone();
                    Box::pin(async move { node.read(asked.into_inner()).map(Response::new) })
                });
                Grpc::new(ProstCodec::default()).server_streaming(handler, request).await
            }
            "/event_store.client.streams.Streams/Append" => {
                let handler = Handler(move |asked: Request<Streaming<AppendReq>>| -> Answer<_> {
                    let node = self.clone();
                    Box::pin(async move { node.append(asked.into_inner()).await.map(Response::new) })
                });
                Grpc::new(ProstCodec::default()).client_streaming(handler, request).await
            }
            "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords" if version >= Version::Records => {
                let handler = Handler(move |asked: Request<AppendRecords>| -> Answer<_> {
                    let node = self.clone();
                    Box::pin(async move { node.append_records(asked.into_inner()).map(Response::new) })
                });
                Grpc::new(ProstCodec::default()).max_decoding_message_size(16 << 20).unary(handler, request).await
            }
            "/kurrentdb.protocol.v2.streams.StreamsService/AppendSession" if version >= Version::Session => {
                let handler = Handler(move |asked: Request<Streaming<StreamRecords>>| -> Answer<_> {
                    let node = self.clone();
                    Box::pin(async move { node.append_session(asked.into_inner()).await.map(Response::new) })
                });
                Grpc::new(ProstCodec::default())
                    .max_decoding_message_size(16 << 20)
                    .client_streaming(handler, request)
                    .await
            }
            _ => Status::unimplemented(path).into_http(),
        }
    }

    fn gossip(&self) -> Response<ClusterInfo> {
        let leader = *self.cluster.leader.borrow();
        let nodes = self.cluster.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let member = |port: u16| Member {
            id: Some(messages::Uuid::of(Uuid::from_u128(u128::from(port)))),
            state: if port == leader { 8 } else { 6 },
            is_alive: true,
            end_point: Some(EndPoint { address: "127.0.0.1".to_owned(), port: port.into() }),
        };
        Response::new(ClusterInfo { members: nodes.into_iter().map(member).collect() })
    }

    /// Refuses what only the leader may do.
    fn check_leads(&self) -> Result<(), Status> {
        let leader = *self.cluster.leader.borrow();
        if leader == self.port {
            return Ok(());
        }
        let mut status = Status::not_found("Leader info available");
        let headers = status.metadata_mut();
        headers.insert("exception", "not-leader".parse().expect("a word"));
        headers.insert("leader-endpoint-host", "127.0.0.1".parse().expect("a host"));
        headers.insert("leader-endpoint-port", leader.to_string().parse().expect("a port"));
        Err(status)
    }

    fn read(&self, asked: ReadReq) -> Result<BoxStream<'static, Result<ReadResp, Status>>, Status> {
        let options = asked.options.ok_or_else(|| Status::invalid_argument("no options"))?;
        match options.count {
            Some(Count::Subscription(_)) => Ok(self.subscribe(&options).boxed()),
            Some(Count::Most(most)) => self.read_once(&options, usize::try_from(most).unwrap_or(usize::MAX)),
            None => Err(Status::invalid_argument("no count")),
        }
    }

    fn read_once(
        &self,
        options: &ReadOptions,
        most: usize,
    ) -> Result<BoxStream<'static, Result<ReadResp, Status>>, Status> {
        let (store, is_forwards) = (&self.cluster.store, options.direction == 0);
        let events = match &options.what {
            Some(What::Stream(stream)) => {
                let name = stream.stream.as_ref().expect("a stream's name").read();
                if store.is_entombed(&name) {
                    return Err(deleted(&name));
                }
                if !store.has(&name) {
                    let content = Content::NotFound(NotFound { stream: stream.stream.clone() });
                    return Ok(stream::iter([Ok(ReadResp { content: Some(content) })]).boxed());
                }
                let (from, to) = match stream.from {
                    Some(Revision::At(revision)) if is_forwards => (revision, u64::MAX),
                    Some(Revision::At(revision)) => (0, revision),
                    _ => (0, u64::MAX),
                };
                let fits = |event: &StoredEvent| event.stream == name && (from..=to).contains(&event.revision);
                if is_forwards { store.forwards(0, most, fits) } else { store.backwards(u64::MAX, most, fits) }
            }
            Some(What::All(all)) => {
                let fits = |event: &StoredEvent| fits(options, event);
                match (all.from, is_forwards) {
                    (Some(Beginning::At(place)), true) => store.forwards(place.commit, most, fits),
                    (Some(Beginning::At(place)), false) => store.backwards(place.commit, most, fits),
                    (_, true) => store.forwards(0, most, fits),
                    (_, false) => store.backwards(u64::MAX, most, fits),
                }
            }
            None => return Err(Status::invalid_argument("nothing to read")),
        };
        let told = events.into_iter().map(|event| Ok(told(event)));
        if Faults::take(&self.faults.broken_reads) {
            let broken = Err(Status::unavailable("the connection was lost"));
            return Ok(stream::iter(told.take(2).chain([broken]).collect::<Vec<_>>()).boxed());
        }
        Ok(stream::iter(told.collect::<Vec<_>>()).boxed())
    }

    /// Tells of events after a place, and of how far it is.
    fn subscribe(&self, options: &ReadOptions) -> mpsc::Receiver<Result<ReadResp, Status>> {
        let (mut tell, messages) = mpsc::channel(64);
        let (node, options) = (self.clone(), options.clone());
        let mut from = match &options.what {
            Some(What::All(all)) => match all.from {
                Some(Beginning::At(place)) => place.commit + 1,
                Some(Beginning::End(_)) => *self.cluster.store.end.borrow(),
                _ => 0,
            },
            _ => 0,
        };
        let (mut end, mut endings) = (self.cluster.store.end.subscribe(), self.faults.endings.subscribe());
        endings.borrow_and_update();
        tokio::spawn(async move {
            let content = Content::Confirmation(Confirmation { id: "1".to_owned() });
            let mut next = vec![Ok(ReadResp { content: Some(content) })];
            loop {
                for message in next.drain(..) {
                    if tell.send(message).await.is_err() {
                        return;
                    }
                }
                end.borrow_and_update();
                if !node.faults.deaf.load(Ordering::SeqCst) {
                    let seen = node.cluster.store.forwards(from, TOLD_AT_ONCE, |_| true);
                    if let Some(last) = seen.last() {
                        from = last.place + 1;
                        let checkpoint = Place { commit: last.place, prepare: last.place };
                        next.extend(
                            seen.into_iter().filter(|event| fits(&options, event)).map(|event| Ok(told(event))),
                        );
                        next.push(Ok(ReadResp { content: Some(Content::Checkpoint(checkpoint)) }));
                        continue;
                    }
                }
                tokio::select! {
                    () = node.stop.cancelled() => return,
                    ended = endings.changed() => {
                        ended.expect("the double lives");
                        return;
                    }
                    appended = end.changed() => appended.expect("the double lives"),
                }
            }
        });
        messages
    }

    async fn append(&self, mut asked: Streaming<AppendReq>) -> Result<AppendResp, Status> {
        let (mut name, mut required, mut events) = (String::new(), ANY, Vec::new());
        while let Some(message) = asked.message().await? {
            match message.content {
                Some(AppendContent::Options(options)) => {
                    name = options.stream.map(|stream| stream.read()).unwrap_or_default();
                    required = match options.expected {
                        Some(Expected::Revision(revision)) => revision.cast_signed(),
                        Some(Expected::NoStream(_)) => NO_STREAM,
                        Some(Expected::Exists(_)) => EXISTS,
                        Some(Expected::Any(_)) | None => ANY,
                    };
                }
                Some(AppendContent::Proposed(event)) => events.push((
                    name.clone(),
                    NewEvent {
                        id: event.id.expect("an id").read(),
                        metadata: event.metadata,
                        custom_metadata: event.custom_metadata,
                        data: event.data,
                    },
                )),
                None => return Err(Status::invalid_argument("an empty message")),
            }
        }
        self.check_leads()?;
        if events.iter().any(|(stream, _)| self.cluster.store.is_entombed(stream)) {
            return Err(deleted(&name));
        }
        if size(&events) > MOST_APPENDED {
            return Err(Status::invalid_argument("Maximum Append Size of 1048576 Exceeded"));
        }
        let done = match Faults::take(&self.faults.wrong_versions) {
            true => Err(Moved { actual: i64::MAX }),
            false => self.cluster.store.append(&events, &[(name, required)]),
        };
        self.lose_answer()?;
        let result = match done {
            Ok((place, revision)) => AppendResult::Success(Success {
                revision: Some(revision),
                place: Some(Place { commit: place, prepare: place }),
            }),
            Err(Moved { actual }) => AppendResult::Wrong(Wrong {
                current: u64::try_from(actual).ok(),
                no_stream: (actual == NO_STREAM).then_some(Empty {}),
                expected: u64::try_from(required).ok(),
                expected_no_stream: (required < 0).then_some(Empty {}),
            }),
        };
        Ok(AppendResp { result: Some(result) })
    }

    fn append_records(&self, asked: AppendRecords) -> Result<Appended, Status> {
        let required: Vec<_> =
            asked.checks.into_iter().filter_map(|check| check.state).map(|state| (state.stream, state.state)).collect();
        let events = asked.records.into_iter().map(|record| (record.stream.clone(), new_event(record))).collect();
        self.append_atomically(events, &required)
    }

    async fn append_session(&self, asked: Streaming<StreamRecords>) -> Result<Appended, Status> {
        let (mut events, mut required): (Vec<_>, Vec<(String, Required)>) = (Vec::new(), Vec::new());
        for part in asked.try_collect::<Vec<_>>().await? {
            if required.iter().any(|(stream, _)| *stream == part.stream) {
                return Err(Status::aborted(format!("{} is already in this session", part.stream)));
            }
            events.extend(part.records.into_iter().map(|record| (part.stream.clone(), new_event(record))));
            required.push((part.stream, part.expected.unwrap_or(ANY)));
        }
        self.append_atomically(events, &required)
    }

    fn append_atomically(
        &self,
        events: Vec<(String, NewEvent)>,
        required: &[(String, Required)],
    ) -> Result<Appended, Status> {
        // The newer interface says it in the same way as a stream that has moved.
        self.check_leads().map_err(|_| Status::failed_precondition("the server is not the leader node"))?;
        if size(&events) > MOST_APPENDED {
            return Err(Status::aborted("the transaction is larger than 1 MiB"));
        }
        if events.is_empty() {
            return Err(Status::invalid_argument("nothing to append"));
        }
        if Faults::take(&self.faults.wrong_versions) {
            return Err(Status::failed_precondition("a stream is in another state"));
        }
        let done = self.cluster.store.append(&events, required);
        self.lose_answer()?;
        match done {
            Ok((place, _)) => Ok(Appended { place: place.cast_signed() }),
            Err(Moved { actual }) if actual.unsigned_abs() == TOMBSTONE => {
                Err(Status::failed_precondition("a stream is tombstoned"))
            }
            Err(Moved { actual }) => Err(Status::failed_precondition(format!("a stream is at {actual}"))),
        }
    }

    fn lose_answer(&self) -> Result<(), Status> {
        match Faults::take(&self.faults.lost_answers) {
            true => Err(Status::unavailable("the connection was lost")),
            false => Ok(()),
        }
    }
}

/// The most events that a subscription takes out of the store at once.
const TOLD_AT_ONCE: usize = 4_096;

/// What a server takes at once unless it is told otherwise, in bytes.
const MOST_APPENDED: usize = 1 << 20;

fn size(events: &[(String, NewEvent)]) -> usize {
    events.iter().map(|(_, event)| event.data.len() + event.custom_metadata.len()).sum()
}

/// What the older interface says of a stream that was deleted for good.
fn deleted(stream: &str) -> Status {
    let mut status = Status::failed_precondition(format!("Event stream '{stream}' is deleted."));
    status.metadata_mut().insert("exception", "stream-deleted".parse().expect("a word"));
    status
}

fn features(version: Version) -> Response<SupportedMethods> {
    let version = match version {
        Version::Single => "24.10.5",
        Version::Session => "25.1.0",
        Version::Records => "26.1.0",
    };
    Response::new(SupportedMethods { version: version.to_owned() })
}

fn fits(options: &ReadOptions, event: &StoredEvent) -> bool {
    let begins = |text: &str, with: &Expression| with.prefixes.iter().any(|prefix| text.starts_with(prefix));
    let event_type = event.metadata.get("type").map(String::as_str).unwrap_or_default();
    options.filter.as_ref().is_none_or(|filter| {
        filter.streams.as_ref().is_none_or(|streams| begins(&event.stream, streams))
            && filter.types.as_ref().is_none_or(|types| begins(event_type, types))
    })
}

fn told(event: StoredEvent) -> ReadResp {
    let place = event.place;
    let mut metadata = event.metadata;
    metadata.insert("created".to_owned(), "17000000000000000".to_owned());
    let event = Event {
        id: Some(messages::Uuid::of(event.id)),
        stream: Some(StreamName { name: event.stream.into_bytes() }),
        revision: event.revision,
        prepare: place,
        commit: place,
        metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    };
    ReadResp { content: Some(Content::Event(ReadEvent { event: Some(event), commit: Some(place) })) }
}

/// A record as readers see it: its properties are JSON beside the server's own.
fn new_event(record: Record) -> NewEvent {
    let schema = record.schema.unwrap_or_default();
    let mut properties: serde_json::Map<String, serde_json::Value> = record
        .properties
        .into_iter()
        .map(|(name, value)| (name, value.text.map_or(serde_json::Value::Null, serde_json::Value::String)))
        .collect();
    let is_json = schema.format == 1;
    if !is_json {
        properties.insert("$schema.format".to_owned(), "Bytes".into());
    }
    let kind = if is_json { "application/json" } else { "application/octet-stream" };
    NewEvent {
        id: record.id.and_then(|id| id.parse().ok()).expect("an id"),
        metadata: HashMap::from([("type".to_owned(), schema.name), ("content-type".to_owned(), kind.to_owned())]),
        custom_metadata: serde_json::to_vec(&properties).expect("JSON"),
        data: record.data,
    }
}
