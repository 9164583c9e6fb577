//! Events as lines, records or columns.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::cells::{Cell, CellFile, Heading};
use super::{ExportError, Output};
use crate::app::{App, Caller};
use crate::ids::{CustomerId, Position};
use crate::log::{Category, Journal, Personal, ReadLimit, RecordedEvent, StreamId};
use crate::projections::views::ColumnKind;

/// What events are called where read models have names.
pub const EVENTS: &str = "events";
/// The one of [`COLUMNS`] that is left out of an export without personal data.
pub const PERSONAL: &str = "personal";
/// What a row of them is.
pub const QUESTION: &str = "What happened? A row for each event of the log, in its order.";

const BATCH: usize = 2_000;

/// Which events are wanted; what is not given does not restrict them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// In the streams of this customer, and of all records of the same person.
    pub customer: Option<CustomerId>,
    /// In this stream.
    pub stream: Option<(Category, Uuid)>,
    /// Of any of these types; empty: of all.
    pub types: Vec<String>,
    /// Caused by this actor.
    pub actor: Option<String>,
    /// Belonging to this piece of work.
    pub correlation: Option<Uuid>,
    /// When they were recorded.
    pub recorded: Period,
    /// When what they report happened.
    pub happened: Period,
}

/// From a time on, and before another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// From this time on.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Period {
    fn contains(&self, time: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

impl Selection {
    fn matches(&self, event: &RecordedEvent) -> bool {
        let envelope = &event.envelope;
        (self.types.is_empty() || self.types.contains(&envelope.event_type))
            && self.actor.as_ref().is_none_or(|actor| *actor == envelope.actor)
            && self.correlation.is_none_or(|id| envelope.correlation_id.is_some_and(|found| found.0 == id))
            && self.recorded.contains(envelope.recorded_at)
            && self.happened.contains(envelope.occurred_at)
    }

    /// The streams that it is about; empty: all.
    async fn streams(&self, app: &App, caller: &Caller) -> Result<Vec<StreamId>, ExportError> {
        let own = |&(category, key): &(Category, Uuid)| StreamId::new(caller.tenant, category, key);
        let mut streams: Vec<StreamId> = self.stream.iter().map(own).collect();
        if let Some(customer) = self.customer {
            let person = app.person_ids(caller, customer).await?;
            streams.extend(person.iter().map(|id| StreamId::new(caller.tenant, Category::Customer, id.0)));
        }
        Ok(streams)
    }
}

/// How far an export of events is.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    /// Events that were written.
    pub written: u64,
    /// Up to where the log was read.
    pub position: Position,
    /// Up to where it is read.
    pub end: Position,
}

/// Where events go.
pub enum EventFile {
    /// An object a line.
    Jsonl(Output),
    /// A header, then a record a line.
    Csv(Output),
    /// By columns.
    Parquet(CellFile),
}

impl EventFile {
    /// A file of columns.
    ///
    /// # Errors
    /// The beginning cannot be written.
    pub fn parquet(file: std::fs::File, with_personal: bool) -> Result<Self, ExportError> {
        let kind = |name: &str| match name {
            "version" | "schema_version" => ColumnKind::Integer,
            "occurred_at" | "recorded_at" => ColumnKind::Time,
            "data" | "personal" => ColumnKind::Json,
            _ => ColumnKind::Text,
        };
        let headings: Vec<_> = columns(with_personal).iter().map(|name| Heading { name, kind: kind(name) }).collect();
        Ok(Self::Parquet(CellFile::parquet(file, EVENTS, &headings)?))
    }

    fn begin(&mut self, with_personal: bool) -> Result<(), ExportError> {
        if let Self::Csv(out) = self {
            let names: Vec<String> = columns(with_personal).iter().map(|name| (*name).to_owned()).collect();
            out.record(&names)?;
        }
        Ok(())
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Jsonl(out) | Self::Csv(out) => out.is_closed(),
            Self::Parquet(_) => false,
        }
    }

    async fn write(self, line: Line<'_>) -> Result<Self, ExportError> {
        Ok(match self {
            Self::Jsonl(mut out) => {
                out.line(&serde_json::to_string(&line).map_err(|source| line.damaged(source))?)?;
                Self::Jsonl(out)
            }
            Self::Csv(mut out) => {
                out.record(&line.record())?;
                Self::Csv(out)
            }
            Self::Parquet(mut file) => {
                let is_full = file.add(line.cells());
                Self::Parquet(if is_full { file.write_group().await? } else { file })
            }
        })
    }

    async fn end(self) -> Result<(), ExportError> {
        match self {
            Self::Jsonl(out) | Self::Csv(out) => Ok(out.finish()?),
            Self::Parquet(file) => file.end().await,
        }
    }
}

/// The columns of records and files of columns; the last one is [`PERSONAL`].
pub const COLUMNS: [&str; 12] = [
    "position",
    "stream",
    "version",
    "id",
    "type",
    "schema_version",
    "occurred_at",
    "recorded_at",
    "actor",
    "hash",
    "data",
    PERSONAL,
];

/// The columns of a file with the personal part of events, or without.
const fn columns(with_personal: bool) -> &'static [&'static str] {
    let [without @ .., _personal] = &COLUMNS;
    if with_personal { &COLUMNS } else { without }
}

/// An event as a line of JSON; the payload in the newest version of its schema.
#[derive(Serialize)]
struct Line<'a> {
    position: Position,
    stream: String,
    version: u64,
    id: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    schema_version: u16,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    actor: &'a str,
    command_id: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    epoch: u32,
    hash: String,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
    #[serde(skip)]
    with_personal: bool,
}

impl<'a> Line<'a> {
    fn new(event: &'a RecordedEvent, with_personal: bool) -> Result<Self, ExportError> {
        let envelope = &event.envelope;
        let json = |bytes: &'a [u8]| {
            let damaged =
                |source| ExportError::Event { id: envelope.id.to_string(), position: envelope.position, source };
            serde_json::from_slice::<&RawValue>(bytes).map_err(damaged)
        };
        let personal = match &event.personal {
            Personal::Clear(bytes) if with_personal => Some(json(bytes)?),
            _ => None,
        };
        Ok(Self {
            position: envelope.position,
            stream: envelope.stream.to_string(),
            version: envelope.version,
            id: envelope.id.to_string(),
            event_type: &envelope.event_type,
            schema_version: envelope.schema_version,
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at,
            actor: &envelope.actor,
            command_id: envelope.command_id.map(|id| id.to_string()),
            correlation_id: envelope.correlation_id.map(|id| id.to_string()),
            causation_id: envelope.causation_id.map(|id| id.to_string()),
            epoch: envelope.epoch,
            hash: hex::encode(envelope.hash),
            data: json(&event.data)?,
            personal,
            erased: event.personal == Personal::Erased,
            with_personal,
        })
    }

    fn damaged(&self, source: serde_json::Error) -> ExportError {
        ExportError::Event { id: self.id.clone(), position: self.position, source }
    }

    /// In the order of [`columns`].
    fn record(self) -> Vec<String> {
        let mut record = vec![
            self.position.to_string(),
            self.stream,
            self.version.to_string(),
            self.id,
            self.event_type.to_owned(),
            self.schema_version.to_string(),
            self.occurred_at.to_rfc3339(),
            self.recorded_at.to_rfc3339(),
            self.actor.to_owned(),
            self.hash,
            self.data.to_string(),
        ];
        if self.with_personal {
            record.push(self.personal.map_or_else(String::new, ToString::to_string));
        }
        record
    }

    /// In the order of [`columns`].
    fn cells(self) -> Vec<Cell> {
        let mut cells = vec![
            Cell::Text(self.position.to_string()),
            Cell::Text(self.stream),
            Cell::Integer(i64::try_from(self.version).unwrap_or(i64::MAX)),
            Cell::Text(self.id),
            Cell::Text(self.event_type.to_owned()),
            Cell::Integer(self.schema_version.into()),
            Cell::Time(self.occurred_at.timestamp_micros()),
            Cell::Time(self.recorded_at.timestamp_micros()),
            Cell::Text(self.actor.to_owned()),
            Cell::Text(self.hash),
            Cell::Text(self.data.to_string()),
        ];
        if self.with_personal {
            cells.push(self.personal.map_or(Cell::Null, |personal| Cell::Text(personal.to_string())));
        }
        cells
    }
}

/// What reads events for an export.
pub struct Reader<'a> {
    /// The log.
    pub journal: &'a Journal,
    /// Knows which records belong to a person.
    pub app: &'a App,
    /// Who asks.
    pub caller: &'a Caller,
    /// Which events.
    pub selection: &'a Selection,
    /// Whether their personal part is written too.
    pub with_personal: bool,
}

impl Reader<'_> {
    /// Writes a tenant's events in the log's order, up to where the log ends now, and ends the file. Returns how many
    /// they are.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub async fn write(&self, mut file: EventFile, progress: impl FnMut(Reached) + Send) -> Result<u64, ExportError> {
        file.begin(self.with_personal)?;
        let streams = self.selection.streams(self.app, self.caller).await?;
        let (file, written) = match streams.is_empty() {
            true => self.write_log(file, progress).await?,
            false => self.write_streams(&streams, file).await?,
        };
        file.end().await?;
        Ok(written)
    }

    async fn write_log(
        &self,
        mut file: EventFile,
        mut progress: impl FnMut(Reached) + Send,
    ) -> Result<(EventFile, u64), ExportError> {
        let log = self.journal.backend();
        let end = log.head().await?.position;
        let Period { since, until } = self.selection.recorded;
        let mut position = match since {
            Some(since) => log.position_at(since - chrono::TimeDelta::microseconds(1)).await?,
            None => Position::START,
        };
        let mut pages = self.journal.pages(position, ReadLimit::events(BATCH));
        let mut written = 0;
        while position < end && !file.is_closed() {
            let events = pages.next().await?;
            let Some(last) = events.last() else { break };
            position = last.envelope.position;
            let is_beyond = log.orders_times() && until.is_some_and(|until| last.envelope.recorded_at >= until);
            for event in events.iter().filter(|event| event.envelope.position <= end) {
                if event.envelope.stream.tenant == self.caller.tenant && self.selection.matches(event) {
                    file = file.write(Line::new(event, self.with_personal)?).await?;
                    written += 1;
                }
            }
            progress(Reached { written, position, end });
            if is_beyond {
                break;
            }
        }
        Ok((file, written))
    }

    async fn write_streams(&self, streams: &[StreamId], mut file: EventFile) -> Result<(EventFile, u64), ExportError> {
        let mut events = self.journal.read_streams(streams, u64::MAX, None).await?;
        events.sort_by_key(|event| event.envelope.position);
        let mut written = 0;
        for event in events.iter().filter(|event| self.selection.matches(event)) {
            file = file.write(Line::new(event, self.with_personal)?).await?;
            written += 1;
        }
        Ok((file, written))
    }
}
