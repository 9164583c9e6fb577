//! Events as lines.

use serde_json::value::RawValue;

use super::{ExportArgs, Format};
use crate::app::Caller;
use crate::boot::Stores;
use crate::cli::failure::Outcome;
use crate::cli::{print, progress};
use crate::exports::Output;
use crate::ids::{CustomerId, Position};
use crate::log::{Category, Personal, ReadLimit, RecordedEvent, StreamId};

const BATCH: usize = 2_000;

/// An event as a line of JSON; the payload in the newest version of its schema.
#[derive(serde::Serialize)]
struct Line<'a> {
    position: Position,
    stream: String,
    version: u64,
    id: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    schema_version: u16,
    occurred_at: chrono::DateTime<chrono::Utc>,
    recorded_at: chrono::DateTime<chrono::Utc>,
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
}

impl<'a> Line<'a> {
    fn new(event: &'a RecordedEvent, with_personal: bool) -> Result<Self, serde_json::Error> {
        let envelope = &event.envelope;
        let personal = match &event.personal {
            Personal::Clear(bytes) if with_personal => Some(serde_json::from_slice(bytes)?),
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
            data: serde_json::from_slice(&event.data)?,
            personal,
            erased: event.personal == Personal::Erased,
        })
    }
}

const COLUMNS: [&str; 12] = [
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
    "personal",
];

/// Writes a tenant's events in the log's order, up to where the log ends now; of one person, if one is asked for.
pub(super) async fn write(stores: &Stores, caller: &Caller, args: &ExportArgs, out: &mut Output) -> Outcome {
    if args.format == Some(Format::Csv) {
        out.record(&COLUMNS.map(str::to_owned))?;
    }
    let written = match args.customer {
        Some(customer) => write_customer(stores, caller, customer, args, out).await?,
        None => write_all(stores, caller, args, out).await?,
    };
    if written == 0 {
        print::note("no event matches");
    }
    Ok(())
}

async fn write_all(stores: &Stores, caller: &Caller, args: &ExportArgs, out: &mut Output) -> Outcome<u64> {
    let head = stores.journal.backend().head().await?.position;
    let bar = progress::bar("events", head.counter());
    let mut pages = stores.journal.pages(Position::START, ReadLimit::events(BATCH));
    let mut after = Position::START;
    let mut written = 0;
    while after < head && !out.is_closed() {
        let events = pages.next().await?;
        let Some(last) = events.last() else { break };
        after = last.envelope.position;
        let events = events.iter().filter(|event| event.envelope.position <= head);
        written += write_wanted(events, caller, args, out)?;
        bar.set_position(after.counter());
    }
    bar.finish_and_clear();
    Ok(written)
}

/// Writes the events of one person.
async fn write_customer(
    stores: &Stores,
    caller: &Caller,
    customer: CustomerId,
    args: &ExportArgs,
    out: &mut Output,
) -> Outcome<u64> {
    let person = stores.app.person_ids(caller, customer).await?;
    let streams: Vec<_> = person.iter().map(|id| StreamId::new(caller.tenant, Category::Customer, id.0)).collect();
    let mut events = stores.journal.read_streams(&streams, u64::MAX, None).await?;
    events.sort_by_key(|event| event.envelope.position);
    write_wanted(events.iter(), caller, args, out)
}

/// Writes those that were asked for, and returns how many they are.
fn write_wanted<'e>(
    events: impl Iterator<Item = &'e RecordedEvent>,
    caller: &Caller,
    args: &ExportArgs,
    out: &mut Output,
) -> Outcome<u64> {
    let mut written = 0;
    for event in events.filter(|event| wanted(event, caller, args)) {
        write_event(event, args, out)?;
        written += 1;
    }
    Ok(written)
}

fn wanted(event: &RecordedEvent, caller: &Caller, args: &ExportArgs) -> bool {
    let envelope = &event.envelope;
    envelope.stream.tenant == caller.tenant
        && args.since.is_none_or(|since| envelope.occurred_at >= since)
        && args.until.is_none_or(|until| envelope.occurred_at < until)
        && (args.types.is_empty() || args.types.contains(&envelope.event_type))
}

fn write_event(event: &RecordedEvent, args: &ExportArgs, out: &mut Output) -> Outcome {
    let damaged = |error| {
        crate::cli::failure::Failure::doing(
            crate::cli::failure::Exit::Unavailable,
            format!("event {} at position {} holds no JSON", event.envelope.id, event.envelope.position),
            error,
        )
    };
    let line = Line::new(event, args.personal).map_err(damaged)?;
    if args.format != Some(Format::Csv) {
        return Ok(out.line(&serde_json::to_string(&line).map_err(damaged)?)?);
    }
    Ok(out.record(&[
        line.position.to_string(),
        line.stream,
        line.version.to_string(),
        line.id,
        line.event_type.to_owned(),
        line.schema_version.to_string(),
        line.occurred_at.to_rfc3339(),
        line.recorded_at.to_rfc3339(),
        line.actor.to_owned(),
        line.hash,
        line.data.to_string(),
        line.personal.map_or_else(String::new, ToString::to_string),
    ])?)
}
