//! Messages of KurrentDB's gRPC interface that its client does not offer, as far as they are used here: atomic appends to several
//! streams (`kurrentdb.protocol.v2.streams`, server 25.1 and later), and a subscription (`event_store.client.streams`), because
//! the client's own spins for ever once the server ends one gracefully. Fields that are not read are left out.

use std::collections::HashMap;

use prost::{Message, Oneof};

/// Of a stream that must not exist, in place of a revision.
pub(super) const NO_STREAM: i64 = -1;

/// `AppendRecordsRequest`: server 26.1 and later.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendRecords {
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<Record>,
    #[prost(message, repeated, tag = "2")]
    pub checks: Vec<Check>,
}

/// `AppendRecordsResponse` and `AppendSessionResponse`: what was appended is seen in the index.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Appended {}

/// `AppendRequest`: all records of one stream, in a session that is atomic. Server 25.1 and later.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamRecords {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(message, repeated, tag = "2")]
    pub records: Vec<Record>,
    #[prost(sint64, optional, tag = "3")]
    pub expected: Option<i64>,
}

/// `AppendRecord`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    #[prost(map = "string, message", tag = "2")]
    pub properties: HashMap<String, Value>,
    #[prost(message, optional, tag = "3")]
    pub schema: Option<Schema>,
    #[prost(bytes = "bytes", tag = "4")]
    pub data: bytes::Bytes,
    #[prost(string, tag = "5")]
    pub stream: String,
}

/// `google.protobuf.Value`: only texts are used.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, optional, tag = "3")]
    pub text: Option<String>,
}

/// `SchemaInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Schema {
    #[prost(int32, tag = "1")]
    pub format: i32,
    #[prost(string, tag = "2")]
    pub name: String,
}

impl Schema {
    /// `SCHEMA_FORMAT_JSON`.
    pub(super) const JSON: i32 = 1;
    /// `SCHEMA_FORMAT_BYTES`.
    pub(super) const BYTES: i32 = 4;
}

/// `ConsistencyCheck` of a stream's state.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Check {
    #[prost(message, optional, tag = "1")]
    pub state: Option<StreamState>,
}

/// A stream's last revision, or [`NO_STREAM`].
#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamState {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(sint64, tag = "2")]
    pub revision: i64,
}

/// `ReadReq` of a subscription to all streams.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Subscribe {
    #[prost(message, optional, tag = "1")]
    pub options: Option<SubscribeOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SubscribeOptions {
    #[prost(message, optional, tag = "2")]
    pub all: Option<Begin>,
    #[prost(message, optional, tag = "6")]
    pub subscription: Option<Empty>,
    #[prost(message, optional, tag = "7")]
    pub filter: Option<Filter>,
    #[prost(message, optional, tag = "9")]
    pub uuids: Option<UuidsAsText>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Empty {}

/// Where it begins: after a place, or with the first event.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Begin {
    #[prost(message, optional, tag = "1")]
    pub after: Option<Place>,
    #[prost(message, optional, tag = "2")]
    pub start: Option<Empty>,
}

/// Where an event stands in the server's log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Message)]
pub(super) struct Place {
    #[prost(uint64, tag = "1")]
    pub commit: u64,
    #[prost(uint64, tag = "2")]
    pub prepare: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Filter {
    #[prost(message, optional, tag = "1")]
    pub streams: Option<Prefixes>,
    /// How many events are looked at before the server says how far it is.
    #[prost(uint32, optional, tag = "3")]
    pub window: Option<u32>,
    #[prost(uint32, tag = "5")]
    pub windows: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Prefixes {
    #[prost(string, repeated, tag = "2")]
    pub prefixes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct UuidsAsText {
    #[prost(message, optional, tag = "2")]
    pub text: Option<Empty>,
}

/// `ReadResp`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Told {
    #[prost(oneof = "Content", tags = "1, 3")]
    pub content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(message, tag = "1")]
    Event(ToldEvent),
    /// Everything up to here was looked at.
    #[prost(message, tag = "3")]
    Checkpoint(Place),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ToldEvent {
    #[prost(message, optional, tag = "1")]
    pub event: Option<Event>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    #[prost(message, optional, tag = "1")]
    pub id: Option<UuidText>,
    #[prost(message, optional, tag = "2")]
    pub stream: Option<StreamName>,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(uint64, tag = "4")]
    pub prepare: u64,
    #[prost(uint64, tag = "5")]
    pub commit: u64,
    #[prost(map = "string, string", tag = "6")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub custom_metadata: bytes::Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub data: bytes::Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UuidText {
    #[prost(string, tag = "2")]
    pub text: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamName {
    #[prost(bytes = "vec", tag = "3")]
    pub name: Vec<u8>,
}
