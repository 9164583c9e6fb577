//! Messages as the server takes and gives them, as far as clients of this program use them.

use std::collections::HashMap;

use prost::{Message, Oneof};

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SupportedMethods {
    #[prost(string, tag = "2")]
    pub version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub members: Vec<Member>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    /// 6: follower, 8: leader.
    #[prost(int32, tag = "3")]
    pub state: i32,
    #[prost(bool, tag = "4")]
    pub is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub end_point: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Uuid {
    #[prost(oneof = "UuidValue", tags = "1, 2")]
    pub value: Option<UuidValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum UuidValue {
    #[prost(message, tag = "1")]
    Structured(Structured),
    #[prost(string, tag = "2")]
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Structured {
    #[prost(int64, tag = "1")]
    pub most: i64,
    #[prost(int64, tag = "2")]
    pub least: i64,
}

impl Uuid {
    pub(crate) fn of(id: uuid::Uuid) -> Self {
        Self { value: Some(UuidValue::Text(id.to_string())) }
    }

    pub(crate) fn read(&self) -> uuid::Uuid {
        match self.value.as_ref().expect("an id") {
            UuidValue::Structured(id) => uuid::Uuid::from_u64_pair(id.most.cast_unsigned(), id.least.cast_unsigned()),
            UuidValue::Text(text) => text.parse().expect("an id"),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamName {
    #[prost(bytes = "vec", tag = "3")]
    pub name: Vec<u8>,
}

impl StreamName {
    pub(crate) fn read(&self) -> String {
        String::from_utf8(self.name.clone()).expect("a stream's name is text")
    }
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Place {
    #[prost(uint64, tag = "1")]
    pub commit: u64,
    #[prost(uint64, tag = "2")]
    pub prepare: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "What", tags = "1, 2")]
    pub what: Option<What>,
    /// 0: forwards, 1: backwards.
    #[prost(int32, tag = "3")]
    pub direction: i32,
    #[prost(oneof = "Count", tags = "5, 6")]
    pub count: Option<Count>,
    #[prost(message, optional, tag = "7")]
    pub filter: Option<Filter>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum What {
    #[prost(message, tag = "1")]
    Stream(StreamOptions),
    #[prost(message, tag = "2")]
    All(AllOptions),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Count {
    #[prost(uint64, tag = "5")]
    Most(u64),
    #[prost(message, tag = "6")]
    Subscription(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
    #[prost(oneof = "Revision", tags = "2, 3, 4")]
    pub from: Option<Revision>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Revision {
    #[prost(uint64, tag = "2")]
    At(u64),
    #[prost(message, tag = "3")]
    Start(Empty),
    #[prost(message, tag = "4")]
    End(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AllOptions {
    #[prost(oneof = "Beginning", tags = "1, 2, 3")]
    pub from: Option<Beginning>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Beginning {
    #[prost(message, tag = "1")]
    At(Place),
    #[prost(message, tag = "2")]
    Start(Empty),
    #[prost(message, tag = "3")]
    End(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Filter {
    #[prost(message, optional, tag = "1")]
    pub streams: Option<Expression>,
    #[prost(message, optional, tag = "2")]
    pub types: Option<Expression>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Expression {
    #[prost(string, tag = "1")]
    pub regex: String,
    #[prost(string, repeated, tag = "2")]
    pub prefixes: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadResp {
    #[prost(oneof = "Content", tags = "1, 2, 3, 4")]
    pub content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "2")]
    Confirmation(Confirmation),
    #[prost(message, tag = "3")]
    Checkpoint(Place),
    #[prost(message, tag = "4")]
    NotFound(NotFound),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Confirmation {
    #[prost(string, tag = "1")]
    pub id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NotFound {
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub event: Option<Event>,
    #[prost(uint64, optional, tag = "3")]
    pub commit: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
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
    #[prost(bytes = "vec", tag = "7")]
    pub custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendReq {
    #[prost(oneof = "AppendContent", tags = "1, 2")]
    pub content: Option<AppendContent>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum AppendContent {
    #[prost(message, tag = "1")]
    Options(AppendOptions),
    #[prost(message, tag = "2")]
    Proposed(Proposed),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamName>,
    #[prost(oneof = "Expected", tags = "2, 3, 4, 5")]
    pub expected: Option<Expected>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Expected {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(Empty),
    #[prost(message, tag = "4")]
    Any(Empty),
    #[prost(message, tag = "5")]
    Exists(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "3")]
    pub custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendResp {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub result: Option<AppendResult>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(Success),
    #[prost(message, tag = "2")]
    Wrong(Wrong),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Success {
    #[prost(uint64, optional, tag = "1")]
    pub revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub place: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Wrong {
    #[prost(uint64, optional, tag = "6")]
    pub current: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub no_stream: Option<Empty>,
    #[prost(uint64, optional, tag = "8")]
    pub expected: Option<u64>,
    #[prost(message, optional, tag = "11")]
    pub expected_no_stream: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendRecords {
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<Record>,
    #[prost(message, repeated, tag = "2")]
    pub checks: Vec<Check>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamRecords {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(message, repeated, tag = "2")]
    pub records: Vec<Record>,
    #[prost(sint64, optional, tag = "3")]
    pub expected: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    #[prost(map = "string, message", tag = "2")]
    pub properties: HashMap<String, Value>,
    #[prost(message, optional, tag = "3")]
    pub schema: Option<Schema>,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
    #[prost(string, tag = "5")]
    pub stream: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Value {
    #[prost(string, optional, tag = "3")]
    pub text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Schema {
    /// 1: JSON, 4: bytes.
    #[prost(int32, tag = "1")]
    pub format: i32,
    #[prost(string, tag = "2")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Check {
    #[prost(message, optional, tag = "1")]
    pub state: Option<StreamState>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamState {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(sint64, tag = "2")]
    pub state: i64,
}

/// Of both atomic appends.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Appended {
    #[prost(sint64, tag = "2")]
    pub place: i64,
}
