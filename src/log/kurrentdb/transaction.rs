//! How a plan is stored. Servers from 26.1 on append to several streams and check others, all or nothing; those from 25.1 on append
//! to several streams; older ones append to one. What a server cannot check together with an append is read just before it: in
//! the time between the two, another process may append there unnoticed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use eventstore::{Error, StreamState};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};
use tonic::Code;

use super::connection::{CallError, Direction, Most};
use super::index;
use super::names::Names;
use super::record::{COMMAND_CARRIED_OUT, Claim, Proposed};
use super::writer::{AT_ONCE, Progress, Writer};
use super::{channel, wire};
use crate::log::plan::{Call, CommandRef, CommandRow, Known, Plan, Row};
use crate::log::{LogError, StreamId};

/// Bytes that are appended together. A server takes 1 MiB unless its `MaxAppendSize` says otherwise.
pub(super) const TRANSACTION_BYTES: usize = 768 * 1024;

/// What an event takes beside its payload, roughly.
pub(super) const EVENT_BYTES: usize = 640;

/// How long a process that has claimed a command may take to append.
const CLAIM_PATIENCE: Duration = Duration::from_secs(3);

/// How often the index is looked at meanwhile.
const CLAIM_LOOK: Duration = Duration::from_millis(20);

/// How appends to several streams are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `AppendRecords`: atomic, with checks of streams that nothing is appended to.
    Checked,
    /// `AppendSession`: atomic.
    Atomic,
    /// One stream after the other.
    Single,
}

/// What became of a plan.
#[derive(Debug)]
pub(super) enum Stored {
    /// Everything stands.
    All,
    /// Another process was faster: the rest must be decided again.
    Lost(CallError),
    /// The server offers less than was thought.
    Again,
}

/// Which append of which call of the group.
type At = (usize, usize);

/// Rows that stand or fall together.
struct Unit<'p> {
    rows: &'p [Row<'p>],
    appends: Vec<(At, StreamId)>,
    commands: Vec<(CommandRef, Vec<&'p CommandRow>)>,
}

/// What is appended in one go.
#[derive(Default)]
struct Transaction<'p> {
    rows: Vec<&'p Row<'p>>,
    appends: Vec<(At, StreamId)>,
    commands: Vec<(CommandRef, Vec<&'p CommandRow>)>,
    bytes: usize,
}

impl Writer {
    /// Stores a plan, in as few transactions as its size allows.
    pub(super) async fn store(
        &mut self,
        calls: &[Call],
        plan: &Plan<'_>,
        known: &Known,
        progress: &mut Progress,
    ) -> Result<Stored, CallError> {
        for transaction in transactions(calls, plan) {
            let done = match self.mode {
                Mode::Checked => self.checked(&transaction, known).await,
                Mode::Atomic => self.atomic(&transaction, known).await,
                Mode::Single => self.single(&transaction, known, progress).await,
            };
            match done {
                Ok(()) => {}
                Err(CallError::Status(status)) if status.code() == Code::Unimplemented && self.mode != Mode::Single => {
                    self.mode = if self.mode == Mode::Checked { Mode::Atomic } else { Mode::Single };
                    tracing::info!(url = self.connection.address.url, mode = ?self.mode, "the server is an older one");
                    return Ok(Stored::Again);
                }
                Err(error) if is_lost(&error) => return Ok(Stored::Lost(error)),
                Err(error) => return Err(error),
            }
            progress.made.extend(transaction.appends.iter().map(|(at, _)| *at));
        }
        Ok(Stored::All)
    }

    /// Everything and every check in one call.
    async fn checked(&self, transaction: &Transaction<'_>, known: &Known) -> Result<(), CallError> {
        let names = &self.connection.address.names;
        let mut records: Vec<_> = transaction
            .rows
            .iter()
            .map(|row| Proposed::of_row(row, known).into_record(names.stream(&row.append.stream)))
            .collect();
        let mut checks: Vec<_> =
            transaction.bases().into_iter().map(|(stream, version)| check(names.stream(&stream), version)).collect();
        // An epoch that begins meanwhile ends this group.
        checks.push(check(names.log(), u64::from(known.epoch) + 1));
        for (name, claims, claim) in self.claims(transaction).await? {
            checks.push(check(name.clone(), claims));
            records.push(claim.into_record(name));
        }
        let request = wire::AppendRecords { records, checks };
        tracing::trace!(bytes = channel::size(&request), "appends");
        Ok(self.connection.channel().await?.append_records(request).await?)
    }

    /// Everything in one call; other streams that must not have moved are read just before.
    async fn atomic(&self, transaction: &Transaction<'_>, known: &Known) -> Result<(), CallError> {
        self.look_at_others(transaction).await?;
        let names = &self.connection.address.names;
        let mut streams: Vec<_> = transaction
            .by_stream()
            .into_iter()
            .map(|(stream, rows)| {
                let name = names.stream(&stream);
                let expected = rows.first().map(|row| revision(row.version - 1));
                let records = rows.iter().map(|row| Proposed::of_row(row, known).into_record(name.clone())).collect();
                wire::StreamRecords { stream: name, records, expected }
            })
            .collect();
        for (name, claims, claim) in self.claims(transaction).await? {
            let records = vec![claim.into_record(name.clone())];
            streams.push(wire::StreamRecords { stream: name, records, expected: Some(revision(claims)) });
        }
        Ok(self.connection.channel().await?.append_session(streams).await?)
    }

    /// Commands are claimed first, then every stream is appended to by itself: many at a time, for each takes its while.
    async fn single(
        &self,
        transaction: &Transaction<'_>,
        known: &Known,
        progress: &mut Progress,
    ) -> Result<(), CallError> {
        self.look_at_others(transaction).await?;
        let (connection, names) = (&self.connection, &self.connection.address.names);
        let claims = self.claims(transaction).await?;
        let commands = transaction.commands.iter().map(|(command, _)| *command);
        let claims: Vec<_> = commands.zip(claims).collect();
        if claims.iter().any(|(command, (_, claims, _))| *claims > 0 && !progress.claimed.contains(command)) {
            self.let_others_finish(transaction, progress).await?;
        }
        let claim = |(command, (name, claims, claim)): (CommandRef, (String, u64, Proposed))| async move {
            connection.append(&name, state(claims), vec![claim]).await.map(|()| command)
        };
        let claims: Vec<_> = claims.into_iter().map(claim).collect();
        let mut failed = None;
        for claimed in stream::iter(claims).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            match claimed {
                Ok(command) => _ = progress.claimed.insert(command),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        // One that fails does not keep the others from being made.
        let append = |(stream, rows): (StreamId, Vec<&Row<'_>>)| {
            let expected = rows.first().map_or(0, |row| row.version - 1);
            let events = rows.into_iter().map(|row| Proposed::of_row(row, known)).collect();
            let name = names.stream(&stream);
            async move {
                let done = connection.append(&name, state(expected), events).await;
                done.map(|()| stream)
            }
        };
        // A command's last append comes last, so that its position is that of the whole.
        let last = transaction.last_streams();
        let (ends, begins): (Vec<_>, Vec<_>) =
            transaction.by_stream().into_iter().partition(|(stream, _)| last.contains(stream));
        let mut appended = Vec::new();
        for part in [begins, ends] {
            let appends: Vec<_> = part.into_iter().map(append).collect();
            appended.extend(stream::iter(appends).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        }
        let mut failed = None;
        for done in appended {
            match done {
                Ok(stream) => {
                    let made = transaction.appends.iter().filter(|(_, of)| *of == stream);
                    progress.made.extend(made.map(|(at, _)| *at));
                }
                // What cannot be repeated is the one to report.
                Err(error) if failed.as_ref().is_none_or(is_lost) => failed = Some(error),
                Err(_) => {}
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Another process has claimed one of these commands and not appended yet: it gets the time to do so. One that was killed in
    /// between has left a claim that stands for nothing.
    async fn let_others_finish(&self, transaction: &Transaction<'_>, progress: &Progress) -> Result<(), CallError> {
        let commands = transaction.commands.iter().map(|(command, _)| *command);
        let commands: Vec<_> = commands.filter(|command| !progress.claimed.contains(command)).collect();
        let began = Instant::now();
        while began.elapsed() < CLAIM_PATIENCE {
            let asked = commands.clone();
            let index = self.reached.index();
            let made = index.run("be read", move |connection| index::command_rows(connection, &asked)).await;
            if !made.map_err(|error| CallError::Log(Box::new(error)))?.is_empty() {
                return Err(lost("a command"));
            }
            sleep(CLAIM_LOOK).await;
        }
        Ok(())
    }

    /// Makes sure that streams which are only judged stand where they did.
    async fn look_at_others(&self, transaction: &Transaction<'_>) -> Result<(), CallError> {
        let names = &self.connection.address.names;
        let written: HashSet<StreamId> = transaction.rows.iter().map(|row| row.append.stream).collect();
        let look = |(stream, version): (StreamId, u64)| {
            let name = names.stream(&stream);
            async move {
                let last = self.connection.read_stream(&name, Direction::Backwards(None), Most::events(1)).await;
                let last = last.map_err(|error| CallError::Log(Box::new(error)))?;
                let actual = last.first().map_or(0, |event| event.revision + 1);
                if actual == version { Ok(()) } else { Err(lost(&name)) }
            }
        };
        let others = transaction.bases().into_iter().filter(|(stream, _)| !written.contains(stream));
        let looks: Vec<_> = others.map(look).collect();
        stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The events of commands' streams: a stream's name, how many events it holds, and the next one.
    async fn claims(&self, transaction: &Transaction<'_>) -> Result<Vec<(String, u64, Proposed)>, CallError> {
        let commands: Vec<CommandRef> = transaction.commands.iter().map(|(command, _)| *command).collect();
        let counted = self.reached.index().run("be read", move |connection| {
            commands.iter().map(|command| index::claims_under(connection, *command)).collect::<Result<Vec<_>, _>>()
        });
        let counted = counted.await.map_err(|error: LogError| CallError::Log(Box::new(error)))?;
        let names: &Names = &self.connection.address.names;
        let ids: HashMap<_, _> =
            transaction.rows.iter().map(|row| ((row.append.stream, row.version), row.event.id.0)).collect();
        let last = |row: &CommandRow| ids.get(&(row.stream, row.last_version)).copied().unwrap_or_default();
        let claim = |((tenant, id), rows): &(CommandRef, Vec<&CommandRow>)| {
            let claim = Proposed::of_own(self.ambient.uuid(), COMMAND_CARRIED_OUT, &Claim::of_rows(rows, last));
            (names.command(*tenant, *id), claim)
        };
        let made = transaction.commands.iter().map(claim).zip(counted);
        Ok(made.map(|((name, claim), claims)| (name, claims, claim)).collect())
    }
}

impl<'p> Transaction<'p> {
    fn add(&mut self, unit: &Unit<'p>, bytes: usize) {
        self.rows.extend(unit.rows);
        self.appends.extend(&unit.appends);
        self.commands.extend(unit.commands.iter().cloned());
        self.bytes += bytes;
    }

    /// The versions at which streams stand before it: those that are appended to, and those that are only judged.
    fn bases(&self) -> BTreeMap<StreamId, u64> {
        let mut bases = BTreeMap::new();
        for row in &self.rows {
            bases.entry(row.append.stream).or_insert(row.version - 1);
        }
        let written: HashSet<StreamId> = bases.keys().copied().collect();
        for condition in self.rows.iter().flat_map(|row| &row.append.preconditions) {
            if !written.contains(&condition.stream) {
                bases.insert(condition.stream, condition.version);
            }
        }
        bases
    }

    /// Its rows by stream, in order; streams in the order of their last rows.
    fn by_stream(&self) -> Vec<(StreamId, Vec<&'p Row<'p>>)> {
        let mut streams: HashMap<StreamId, (usize, Vec<&'p Row<'p>>)> = HashMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            let (last, rows) = streams.entry(row.append.stream).or_default();
            *last = index;
            rows.push(*row);
        }
        let mut streams: Vec<_> = streams.into_iter().collect();
        streams.sort_unstable_by_key(|(_, (last, _))| *last);
        streams.into_iter().map(|(stream, (_, rows))| (stream, rows)).collect()
    }

    /// The streams in which commands over several streams end.
    fn last_streams(&self) -> HashSet<StreamId> {
        let over_several = |rows: &Vec<&CommandRow>| {
            let last = rows.last()?.stream;
            rows.iter().any(|row| row.stream != last).then_some(last)
        };
        self.commands.iter().filter_map(|(_, rows)| over_several(rows)).collect()
    }
}

/// Takes a plan apart into as few transactions as their size allows.
fn transactions<'p>(calls: &[Call], plan: &'p Plan<'_>) -> Vec<Transaction<'p>> {
    let mut transactions: Vec<Transaction<'p>> = Vec::new();
    for unit in units(calls, plan) {
        let bytes = unit.rows.iter().map(|row| size(row)).sum();
        match transactions.last_mut() {
            Some(last) if last.bytes + bytes <= TRANSACTION_BYTES => last.add(&unit, bytes),
            _ => {
                let mut next = Transaction::default();
                next.add(&unit, bytes);
                transactions.push(next);
            }
        }
    }
    transactions
}

/// An append is a unit, unless it shares a call and a command with others: then those are, with all between them.
fn units<'p>(calls: &[Call], plan: &'p Plan<'_>) -> Vec<Unit<'p>> {
    let mut commands: HashMap<CommandRef, Vec<&'p CommandRow>> = HashMap::new();
    for (command, row) in &plan.commands {
        commands.entry(*command).or_default().push(row);
    }
    let (mut units, mut rest) = (Vec::new(), &plan.rows[..]);
    for (number, (call, outcome)) in calls.iter().zip(&plan.outcomes).enumerate() {
        let command = |index: usize| {
            let append = call.get(index)?;
            Some((append.stream.tenant, append.cause.command?.id))
        };
        let mut ends: HashMap<CommandRef, usize> = HashMap::new();
        for index in 0..call.len() {
            if let Some(command) = command(index) {
                ends.insert(command, index);
            }
        }
        let mut index = 0;
        while index < call.len() {
            let (mut end, mut rows, mut appends, mut carried) = (index, 0, Vec::new(), Vec::new());
            while index <= end {
                if matches!(&outcome[index], Ok(appended) if !appended.already) {
                    rows += call[index].events.len();
                    appends.push(((number, index), call[index].stream));
                    if let Some(command) = command(index)
                        && let Some(made) = commands.remove(&command)
                    {
                        carried.push((command, made));
                    }
                }
                end = command(index).and_then(|command| ends.get(&command)).map_or(end, |last| end.max(*last));
                index += 1;
            }
            let (own, others) = rest.split_at(rows.min(rest.len()));
            rest = others;
            if !own.is_empty() {
                units.push(Unit { rows: own, appends, commands: carried });
            }
        }
    }
    units
}

fn size(row: &Row<'_>) -> usize {
    // The sealed part is in base64.
    EVENT_BYTES
        + row.event.data.len()
        + row.event.personal.as_ref().map_or(0, |personal| personal.len().div_ceil(3) * 4)
}

/// The revision of a stream with so many events.
pub(super) fn revision(version: u64) -> i64 {
    i64::try_from(version).map_or(i64::MAX, |version| if version == 0 { wire::NO_STREAM } else { version - 1 })
}

/// The state of a stream with so many events.
pub(super) fn state(version: u64) -> StreamState {
    version.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision)
}

pub(super) fn check(stream: String, version: u64) -> wire::Check {
    wire::Check { state: Some(wire::StreamState { stream, revision: revision(version) }) }
}

/// A stream that moved before it was appended to.
fn lost(name: &str) -> CallError {
    tonic::Status::failed_precondition(format!("{name} has moved")).into()
}

/// Whether others appended first.
pub(super) fn is_lost(error: &CallError) -> bool {
    match error {
        CallError::Client(error) => matches!(error, Error::WrongExpectedVersion { .. }),
        // A stream that was deleted for good is refused with the same code.
        CallError::Status(status) if status.message().contains("tombstoned") => false,
        CallError::Status(status) => matches!(status.code(), Code::FailedPrecondition | Code::AlreadyExists),
        CallError::Channel(_) | CallError::Unreachable { .. } | CallError::Silence(_) | CallError::Log(_) => false,
    }
}
