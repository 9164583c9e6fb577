//! What an append group does to the log, decided purely: who wins, who conflicts, who was there before.
//!
//! A backend holds the append lock, looks up what [`Known`] asks for, and stores what [`Plan`] says. Rows are inserted
//! optimistically, without a look-up of event ids; only when the database reports a taken id, or when a version does
//! not fit, are the ids looked up and the plan made again.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::ids::{CommandId, EventId, Position, TenantId};
use crate::log::cover::CommandRecord;
use crate::log::envelope::Content;
use crate::log::{
    AppendError, Appended, CommandKey, EventHash, Expected, MAX_EVENT_BYTES, Precondition, SealedAppend,
    SealedNewEvent, StreamId,
};

/// What one caller handed in, and the result that it gets.
pub(super) type Call = Vec<SealedAppend>;
pub(super) type Outcome = Vec<Result<Appended, AppendError>>;

/// A command's identity in the log.
pub(super) type CommandRef = (TenantId, CommandId);

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    /// Its interned number.
    pub number: i64,
    pub version: u64,
    pub hash: EventHash,
}

/// What one append of an earlier command made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandRow {
    /// Which append of the command's call.
    pub ordinal: usize,
    pub fingerprint: [u8; 32],
    pub stream: StreamId,
    pub first_version: u64,
    pub last_version: u64,
    pub position: Position,
}

impl CommandRow {
    fn appended(&self, already: bool) -> Appended {
        Appended {
            stream: self.stream,
            first_version: self.first_version,
            last_version: self.last_version,
            position: self.position,
            already,
        }
    }
}

/// As a checkpoint covers it.
pub(super) fn record(command: CommandRef, row: &CommandRow) -> CommandRecord {
    CommandRecord {
        command,
        ordinal: row.ordinal as u64,
        fingerprint: row.fingerprint,
        stream: row.stream,
        first_version: row.first_version,
        last_version: row.last_version,
        position: row.position,
    }
}

/// What an earlier command made, of the rows of its appends: the first append, and the position of the last event.
pub(super) fn command_outcome(id: CommandId, rows: &[CommandRow]) -> Option<(CommandKey, Appended)> {
    let first = rows.iter().min_by_key(|row| row.ordinal)?;
    let position = rows.iter().map(|row| row.position).max()?;
    Some((CommandKey { id, fingerprint: first.fingerprint }, Appended { position, ..first.appended(true) }))
}

/// A stored event: the part that shows whether a new one repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub stream: StreamId,
    pub version: u64,
    pub position: Position,
    pub event_type: String,
    pub schema_version: u16,
    pub occurred_at: DateTime<Utc>,
    pub data: Vec<u8>,
}

/// What the log holds, as far as a group asks for it, under the append lock.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The streams that exist.
    pub streams: HashMap<StreamId, Stand>,
    /// The commands that were carried out.
    pub commands: HashMap<CommandRef, Vec<CommandRow>>,
    /// The events that are stored under the ids of the group; [`None`] before they were looked up.
    pub events: Option<HashMap<EventId, Stored>>,
    /// The number for the next new stream.
    pub next_stream: i64,
    /// The counter of the log's last event.
    pub position: u64,
    /// Assigned to all events of the group.
    pub recorded_at: DateTime<Utc>,
    pub epoch: u32,
}

/// An event to insert.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub position: u64,
    pub stream: i64,
    pub version: u64,
    pub event: &'a SealedNewEvent,
    pub append: &'a SealedAppend,
    pub hash: EventHash,
}

/// What to store, and the results to return to the callers once it is durable.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub new_streams: Vec<(i64, StreamId)>,
    pub rows: Vec<Row<'a>>,
    pub commands: Vec<(CommandRef, CommandRow)>,
    /// The streams that moved, as they stand afterwards.
    pub moved: HashMap<StreamId, Stand>,
    pub outcomes: Vec<Outcome>,
    /// A version did not fit, and the event ids must be looked up to distinguish a repetition from a conflict.
    pub needs_events: bool,
}

/// Memory for appends that wait for a writer, in KiB. Who finds none left waits.
pub(super) const WAITING_KIB: usize = 64 * 1024;

/// What a call takes of that memory.
pub(super) fn weight(call: &Call) -> u32 {
    let bytes: usize = call
        .iter()
        .flat_map(|append| &append.events)
        .map(|event| 256 + event.data.len() + event.personal.as_ref().map_or(0, Vec::len))
        .sum();
    u32::try_from((bytes / 1024).clamp(1, WAITING_KIB)).unwrap_or(1)
}

/// Every stream that the group appends to or judges.
pub(super) fn streams(calls: &[Call]) -> impl Iterator<Item = StreamId> {
    calls.iter().flatten().flat_map(|append| {
        std::iter::once(append.stream).chain(append.preconditions.iter().map(|condition| condition.stream))
    })
}

/// Every command of the group.
pub(super) fn commands(calls: &[Call]) -> impl Iterator<Item = CommandRef> {
    calls.iter().flatten().filter_map(|append| Some((append.stream.tenant, append.cause.command?.id)))
}

/// Every event id of the group.
pub(super) fn event_ids(calls: &[Call]) -> impl Iterator<Item = EventId> {
    calls.iter().flatten().flat_map(|append| &append.events).map(|event| event.id)
}

/// Decides a group.
pub(super) fn plan<'a>(calls: &'a [Call], known: &Known) -> Plan<'a> {
    // The appends of one call under one command stand or fall together: when one falls, the group is decided again
    // without them. Each round removes a command, so this ends; nearly always there is one round.
    let mut fallen = HashMap::new();
    loop {
        let before = fallen.len();
        let plan = Planner::new(known, &mut fallen).run(calls);
        if fallen.len() == before {
            return plan;
        }
    }
}

type Fallen = HashMap<(usize, CommandRef), AppendError>;

struct Planner<'a, 'k> {
    known: &'k Known,
    fallen: &'k mut Fallen,
    plan: Plan<'a>,
    /// Commands that this group carries out, with the call that does.
    carried: HashMap<CommandRef, (usize, Vec<CommandRow>)>,
    /// Events that this group appends.
    added: HashMap<EventId, usize>,
}

impl<'a, 'k> Planner<'a, 'k> {
    fn new(known: &'k Known, fallen: &'k mut Fallen) -> Self {
        Self { known, fallen, plan: Plan::default(), carried: HashMap::new(), added: HashMap::new() }
    }

    fn run(mut self, calls: &'a [Call]) -> Plan<'a> {
        self.plan.rows.reserve(calls.iter().flatten().map(|append| append.events.len()).sum());
        for (number, call) in calls.iter().enumerate() {
            let mut ordinals = HashMap::new();
            let mut outcome = Vec::with_capacity(call.len());
            for append in call {
                let command = append.cause.command.map(|key| {
                    let command = (append.stream.tenant, key.id);
                    let ordinal = ordinals.entry(command).or_insert(0_usize);
                    *ordinal += 1;
                    (command, key.fingerprint, *ordinal - 1)
                });
                let result = self.append(number, append, command);
                if let (Err(error), Some((command, ..))) = (&result, command)
                    && !self.plan.needs_events
                {
                    self.fallen.entry((number, command)).or_insert_with(|| error.clone());
                }
                outcome.push(result);
            }
            self.plan.outcomes.push(outcome);
        }
        self.plan
    }

    fn append(
        &mut self,
        call: usize,
        append: &'a SealedAppend,
        command: Option<(CommandRef, [u8; 32], usize)>,
    ) -> Result<Appended, AppendError> {
        check_size(append)?;
        if let Some((command, fingerprint, ordinal)) = command {
            if let Some(error) = self.fallen.get(&(call, command)) {
                return Err(error.clone());
            }
            let (same_call, rows) = match (self.known.commands.get(&command), self.carried.get(&command)) {
                (Some(rows), _) => (false, rows),
                (None, Some((by, rows))) => (*by == call, rows),
                (None, None) => return self.judge(call, append, Some((command, fingerprint, ordinal))),
            };
            if rows.iter().any(|row| row.fingerprint != fingerprint) {
                return Err(AppendError::CommandReused);
            }
            if !same_call {
                let row = rows.iter().find(|row| row.ordinal == ordinal).or(rows.first());
                return row.map(|row| row.appended(true)).ok_or(AppendError::CommandReused);
            }
        }
        self.judge(call, append, command)
    }

    fn judge(
        &mut self,
        call: usize,
        append: &'a SealedAppend,
        command: Option<(CommandRef, [u8; 32], usize)>,
    ) -> Result<Appended, AppendError> {
        if let Some(repeated) = self.repeated(append)? {
            return Ok(repeated);
        }
        let expected = match append.expected {
            Expected::Any => None,
            Expected::Exact(version) => Some(Precondition { stream: append.stream, version }),
        };
        for Precondition { stream, version } in append.preconditions.iter().copied().chain(expected) {
            let actual = self.stand(&stream).map_or(0, |stand| stand.version);
            if actual != version {
                self.plan.needs_events |= self.known.events.is_none();
                return Err(AppendError::Conflict { stream, expected: version, actual });
            }
        }
        let appended = self.add(append);
        if let Some((command, fingerprint, ordinal)) = command {
            let Appended { stream, first_version, last_version, position, .. } = appended;
            let row = CommandRow { ordinal, fingerprint, stream, first_version, last_version, position };
            self.carried.entry(command).or_insert_with(|| (call, Vec::new())).1.push(row.clone());
            self.plan.commands.push((command, row));
        }
        Ok(appended)
    }

    /// The earlier append that this one repeats, by its event ids.
    fn repeated(&self, append: &SealedAppend) -> Result<Option<Appended>, AppendError> {
        // A database refuses the second use of an id, but only the plan can see that both are in the same append.
        let mut own = HashSet::new();
        if self.known.events.is_some()
            && let Some(twice) = append.events.iter().find(|event| !own.insert(event.id))
        {
            return Err(AppendError::EventIdTaken { id: twice.id });
        }
        let mut first: Option<(u64, EventId)> = None;
        let mut last = (0, Position::START);
        let mut missing = None;
        for event in &append.events {
            let Some((same, stream, version, position)) = self.find(event) else {
                missing = Some(event.id);
                continue;
            };
            if !same || stream != append.stream || version <= last.0 {
                return Err(AppendError::EventIdTaken { id: event.id });
            }
            first.get_or_insert((version, event.id));
            last = (version, position);
        }
        match (first, missing) {
            (None, _) => Ok(None),
            (Some((_, id)), Some(_)) => Err(AppendError::PartlyAppended { id }),
            (Some((first_version, _)), None) => Ok(Some(Appended {
                stream: append.stream,
                first_version,
                last_version: last.0,
                position: last.1,
                already: true,
            })),
        }
    }

    /// What is stored under a new event's id: whether it is the same event, and where it is.
    fn find(&self, event: &SealedNewEvent) -> Option<(bool, StreamId, u64, Position)> {
        if let Some(stored) = self.known.events.as_ref().and_then(|events| events.get(&event.id)) {
            // The personal part is sealed with a fresh nonce each time, and a newer binary may write another schema:
            // neither can be compared.
            let same = stored.event_type == event.event_type
                && stored.occurred_at.timestamp_micros() == event.occurred_at.timestamp_micros()
                && (stored.schema_version != event.schema_version || stored.data == event.data);
            return Some((same, stored.stream, stored.version, stored.position));
        }
        let row = &self.plan.rows[*self.added.get(&event.id)?];
        let same = row.event.event_type == event.event_type
            && row.event.occurred_at == event.occurred_at
            && row.event.data == event.data;
        Some((same, row.append.stream, row.version, Position::from_counter(row.position)))
    }

    fn stand(&self, stream: &StreamId) -> Option<Stand> {
        self.plan.moved.get(stream).or_else(|| self.known.streams.get(stream)).copied()
    }

    fn add(&mut self, append: &'a SealedAppend) -> Appended {
        let mut stand = self.stand(&append.stream).unwrap_or_else(|| {
            let number = self.known.next_stream + i64::try_from(self.plan.new_streams.len()).unwrap_or(i64::MAX);
            self.plan.new_streams.push((number, append.stream));
            Stand { number, version: 0, hash: EventHash::default() }
        });
        let first_version = stand.version + 1;
        for event in &append.events {
            stand.version += 1;
            stand.hash = content(append, event, stand.version, self.known).hash(&stand.hash);
            self.added.insert(event.id, self.plan.rows.len());
            self.plan.rows.push(Row {
                position: self.last_position() + 1,
                stream: stand.number,
                version: stand.version,
                event,
                append,
                hash: stand.hash,
            });
        }
        self.plan.moved.insert(append.stream, stand);
        Appended {
            stream: append.stream,
            first_version,
            last_version: stand.version,
            position: Position::from_counter(self.last_position()),
            already: false,
        }
    }

    fn last_position(&self) -> u64 {
        self.plan.rows.last().map_or(self.known.position, |row| row.position)
    }
}

fn check_size(append: &SealedAppend) -> Result<(), AppendError> {
    if append.events.is_empty() {
        return Err(AppendError::Empty);
    }
    for event in &append.events {
        let bytes = event.data.len() + event.personal.as_ref().map_or(0, Vec::len);
        if bytes > MAX_EVENT_BYTES {
            return Err(AppendError::TooLarge { event_type: event.event_type, bytes });
        }
    }
    Ok(())
}

fn content<'a>(append: &'a SealedAppend, event: &'a SealedNewEvent, version: u64, known: &Known) -> Content<'a> {
    Content {
        stream: append.stream,
        version,
        id: event.id,
        event_type: event.event_type,
        schema_version: event.schema_version,
        occurred_at: event.occurred_at,
        recorded_at: known.recorded_at,
        actor: &append.cause.actor,
        command_id: append.cause.command.map(|command| command.id),
        correlation_id: append.cause.correlation,
        causation_id: append.cause.causation,
        subject: event.subject,
        epoch: known.epoch,
        data: &event.data,
        personal: event.personal.as_deref(),
    }
}
