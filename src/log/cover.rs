//! What a checkpoint covers beside the events in their order: the commands that were carried out, the streams in the order in
//! which they were opened, and the log's epochs. `docs/proofs.md` has the encoding of each entry.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{CommandId, Position, TenantId};
use crate::log::load::Portion;
use crate::log::merkle::{Tree, TreeHash};
use crate::log::{EventLog, LogError, SealedEvent, StreamId};

/// What one append of an earlier command made, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// The tenant and the command's id.
    pub command: (TenantId, CommandId),
    /// Which append of the command's call, from 0.
    pub ordinal: u64,
    /// HMAC of the command's input.
    pub fingerprint: [u8; 32],
    /// The stream that was appended to.
    pub stream: StreamId,
    /// Version of the append's first event.
    pub first_version: u64,
    /// Version of its last event.
    pub last_version: u64,
    /// Position of its last event.
    pub position: Position,
}

/// Where a log comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Given to the log when it was made; copies keep it.
    pub log_id: Uuid,
    /// Its epochs, from the first.
    pub epochs: Vec<EpochRecord>,
}

/// An epoch as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub number: u64,
    /// When it was started; microseconds.
    pub started_at: DateTime<Utc>,
    /// The store that it was started on.
    pub system_id: String,
}

/// A Merkle root (RFC 6962), with the number of its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooted {
    /// Number of entries.
    pub entries: u64,
    /// The root.
    #[serde(with = "crate::log::checkpoint::in_hex")]
    pub root: TreeHash,
}

impl From<&Tree> for Rooted {
    fn from(tree: &Tree) -> Self {
        Self { entries: tree.size(), root: tree.root() }
    }
}

impl Origin {
    /// Stands for the first epochs, at most so many.
    #[must_use]
    pub fn rooted(&self, most: u64) -> Rooted {
        let mut tree = Tree::default();
        for epoch in self.epochs.iter().take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let started_at = epoch.started_at.timestamp_micros();
            tree.add(
                &[&epoch.number.to_be_bytes()[..], &started_at.to_be_bytes(), epoch.system_id.as_bytes()].concat(),
            );
        }
        Rooted::from(&tree)
    }
}

/// An event, as far as its command and stream matter.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    position: Position,
    stream: StreamId,
    version: u64,
    command: Option<CommandId>,
}

impl From<&SealedEvent> for Step {
    fn from(event: &SealedEvent) -> Self {
        let envelope = &event.envelope;
        let (position, stream, version) = (envelope.position, envelope.stream, envelope.version);
        Self { position, stream, version, command: envelope.command_id }
    }
}

/// Events whose command the log does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log does not know the command {command} any more, by which the event at position {position} was appended")]
pub struct UnknownCommand {
    /// The command.
    pub command: CommandId,
    /// The event.
    pub position: Position,
}

/// What a log has beside some events.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// What the commands made that the events were appended by.
    pub commands: Vec<CommandRecord>,
    /// The streams that the events opened, in the order in which the log numbers them.
    pub streams: Vec<StreamId>,
}

impl Beside {
    /// Reads it; `opened` is the number of streams that were opened before the events.
    pub async fn read(log: &dyn EventLog, steps: &[Step], opened: u64) -> Result<Self, LogError> {
        let asked: HashSet<_> = steps.iter().filter_map(|step| Some((step.stream.tenant, step.command?))).collect();
        let asked: Vec<_> = asked.into_iter().collect();
        let commands = if asked.is_empty() { Vec::new() } else { log.commands(&asked).await? };
        let new = steps.iter().filter(|step| step.version == 1).count();
        let streams = if new == 0 { Vec::new() } else { log.streams_after(opened, new).await? };
        Ok(Self { commands, streams })
    }

    /// What a portion says: streams are numbered in the order in which events open them.
    #[must_use]
    pub fn of(portion: &Portion) -> Self {
        let opening = portion.events.iter().filter(|event| event.envelope.version == 1);
        Self { commands: portion.commands.clone(), streams: opening.map(|event| event.envelope.stream).collect() }
    }
}

/// The trees over commands and streams up to an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// A command's append stands where its last event does.
    pub commands: Tree,
    /// In the order of their numbers; as many as events have opened.
    pub streams: Tree,
}

/// What trees stand for at an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    /// The commands' appends up to it.
    pub commands: Rooted,
    /// The streams that were opened up to it.
    pub streams: Rooted,
}

impl Cover {
    /// Takes the next events of the log. Returns what stood at `note`, if that event is among them, and the first event
    /// whose command the log does not know.
    pub async fn extend(
        &mut self,
        log: &dyn EventLog,
        steps: &[Step],
        note: Option<Position>,
    ) -> Result<(Option<Covered>, Option<UnknownCommand>), LogError> {
        let beside = Beside::read(log, steps, self.streams.size()).await?;
        Ok(self.take(steps, &beside, note))
    }

    /// As [`Self::extend`], with what the log has beside the events.
    pub fn take(
        &mut self,
        steps: &[Step],
        beside: &Beside,
        note: Option<Position>,
    ) -> (Option<Covered>, Option<UnknownCommand>) {
        let (mut noted, mut unknown) = (None, None);
        let mut records: HashMap<_, Vec<&CommandRecord>> = HashMap::new();
        for record in &beside.commands {
            records.entry(record.command).or_default().push(record);
        }
        let mut streams = beside.streams.iter();
        for step in steps {
            if step.version == 1
                && let Some(stream) = streams.next()
            {
                self.streams.add(&stream_entry(stream));
            }
            if let Some(command) = step.command {
                let made = records.get(&(step.stream.tenant, command)).map_or(&[][..], Vec::as_slice);
                let is_made = |record: &&&CommandRecord| {
                    record.stream == step.stream && (record.first_version..=record.last_version).contains(&step.version)
                };
                match made.iter().find(is_made) {
                    Some(record) if record.position == step.position => self.commands.add(&record.entry()),
                    Some(_) => {}
                    None => _ = unknown.get_or_insert(UnknownCommand { command, position: step.position }),
                }
            }
            if note == Some(step.position) {
                noted = Some(self.covered());
            }
        }
        (noted, unknown)
    }

    /// What the trees stand for now.
    pub fn covered(&self) -> Covered {
        Covered { commands: Rooted::from(&self.commands), streams: Rooted::from(&self.streams) }
    }
}

impl CommandRecord {
    fn entry(&self) -> Vec<u8> {
        let (tenant, id) = self.command;
        [
            &tenant.0.as_bytes()[..],
            id.0.as_bytes(),
            &self.ordinal.to_be_bytes(),
            &self.fingerprint,
            &self.first_version.to_be_bytes(),
            &self.last_version.to_be_bytes(),
            &self.position.counter().to_be_bytes(),
            &stream_entry(&self.stream),
        ]
        .concat()
    }
}

fn stream_entry(stream: &StreamId) -> Vec<u8> {
    [&stream.tenant.0.as_bytes()[..], stream.key.as_bytes(), stream.category.name().as_bytes()].concat()
}
