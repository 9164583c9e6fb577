//! The evaluator: who meets the criteria of each smart list, as soon as something is recorded or time passes.
//!
//! It follows the log. Of each batch it looks again at the customers that the batch concerns, and only with the lists whose
//! criteria are answered from what changed. What time alone changes is found by the windows of the criteria: whose order is
//! thirty days old by now is read from an index. What it finds becomes events of the list, from which the members follow.
//!
//! A list is looked at as a whole in steps, one list at a time: between them, whatever happens is followed in all the others.

mod round;
mod task;
mod whole;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError};
use crate::domain::list::criteria::{Criterion, Source};
use crate::domain::list::decide::Evaluated;
use crate::domain::list::event::MemberCause;
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::processes::every::JobError;
use crate::processes::lease::Tenure;
use crate::queries::lists::{self, ListRow, Moment, Persons, RANGE, Windows};
use crate::queries::{QueryError, Reads};
use round::{Round, Touched};
use task::Task;
use whole::Whole;

/// The actor that its events name.
const ACTOR: &str = "process:lists";
/// The name in metrics.
const NAME: &str = "lists";
/// How many events are read at once.
const PAGE: usize = 2_000;
/// Beyond so many customers at once, all are looked at.
const MOST_TOUCHED: usize = 20_000;
/// So far behind the log, lists are looked at as a whole once it has been read.
const FAR: u64 = 20_000;
/// How often time is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long the read tables may take to follow before the log is read again.
const PATIENCE: Duration = Duration::from_secs(10);
/// While fewer customers a second are concerned, the read tables are brought up to date at once. Imports and campaigns concern
/// more: then lists follow at the tables' own pace, which is much less work.
const FEW: usize = 1_000;
/// How many pieces of the customers are looked at at the same time, each with a connection of its own.
const LOOKS_AT_ONCE: usize = 3;
/// How many lists record at the same time what they found: they share commits.
const RECORDED_AT_ONCE: usize = 16;
/// A list that was not gone on with for so long is looked at from the beginning.
const STALLED: TimeDelta = TimeDelta::minutes(5);
/// A list that could not be evaluated is tried again after this.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

type Key = (TenantId, ListId);

/// The process.
pub struct Evaluator {
    app: App,
    reads: Reads,
    lists: HashMap<Key, Known>,
    /// The list that is looked at as a whole, so many customers at a time.
    whole: Option<Whole>,
    range: usize,
    /// The log was read up to here.
    after: Position,
    /// The last event of its own.
    own: Position,
    /// When it last looked at what was read.
    looked: DateTime<Utc>,
    tenure: Tenure,
}

/// A list as it is evaluated.
struct Known {
    criteria: Option<Criterion>,
    rule_version: u32,
    sources: BTreeSet<Source>,
    windows: Windows,
    /// What time changed until then was seen.
    until: DateTime<Utc>,
    day: NaiveDate,
    /// All customers are to be looked at, from a moment on.
    whole: Option<DateTime<Utc>>,
}

/// What a list found among the customers of a round. Two records of one person may stand in two pieces of it.
#[derive(Default)]
struct Found {
    entered: BTreeSet<CustomerId>,
    left: BTreeSet<CustomerId>,
    error: Option<EvaluationError>,
}

impl Found {
    fn add(&mut self, looked: Result<Evaluated, EvaluationError>) {
        match looked {
            Ok(Evaluated { entered, left }) => {
                self.entered.extend(entered);
                self.left.extend(left);
            }
            Err(error) => self.error = Some(error),
        }
    }

    fn all(self) -> Result<Evaluated, EvaluationError> {
        let (entered, left) = (self.entered.into_iter().collect(), self.left.into_iter().collect());
        self.error.map_or(Ok(Evaluated { entered, left }), Err)
    }
}

/// Why lists could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The log did not answer.
    #[error("the log did not respond")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not respond")]
    Query(#[from] QueryError),
}

impl Evaluator {
    /// Over the lists of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads) -> Self {
        Self {
            app,
            reads,
            lists: HashMap::new(),
            whole: None,
            range: RANGE,
            after: Position::START,
            own: Position::START,
            looked: DateTime::UNIX_EPOCH,
            tenure: Tenure::sole(),
        }
    }

    /// The same, for as long as this node may act.
    #[must_use]
    pub fn during(self, tenure: Tenure) -> Self {
        Self { tenure, ..self }
    }

    /// Looks at so many customers at a time when it looks at all.
    #[must_use]
    pub fn in_ranges_of(self, range: usize) -> Self {
        Self { range, ..self }
    }

    /// Runs until `shutdown`.
    ///
    /// # Errors
    /// If the log or the read tables do not respond when it starts.
    pub async fn run(mut self, shutdown: &CancellationToken) -> Result<(), JobError> {
        let work = async {
            self.begin().await?;
            let mut grown = self.app.watch();
            loop {
                grown.mark_unchanged();
                if self.step().await? {
                    continue;
                }
                tokio::select! {
                    changed = grown.changed() => if changed.is_err() { return Ok(()) },
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        };
        match shutdown.run_until_cancelled(work).await {
            Some(ended) => ended,
            None => Ok(()),
        }
    }

    /// Goes on where the lists say that they were evaluated; what is too far behind is looked at as a whole.
    pub async fn begin(&mut self) -> Result<(), EvaluationError> {
        let end = self.app.end().await?;
        while let Err(error) = self.reads.wait_for(end, PATIENCE).await {
            tracing::info!(%error, "lists wait for the read tables");
            tokio::time::sleep(TICK).await;
        }
        self.load().await?;
        let near = |position: Position| end.counter().saturating_sub(position.counter()) <= FAR;
        let db = self.reads.db();
        let rows = lists::all(&db).await?;
        let positions = rows.iter().filter_map(|row| row.evaluated_position).filter(|position| near(*position));
        self.after = positions.min().unwrap_or(end);
        let now = self.app.ambient().now();
        for row in rows {
            let evaluated = row.evaluated_version == row.rule_version && row.evaluated_position.is_some_and(near);
            if let Some(known) = self.lists.get_mut(&(row.tenant_id, row.list_id)) {
                known.whole = (!evaluated).then_some(now);
                known.until = row.evaluated_at.unwrap_or(now);
                // A day that began since then was not looked at.
                known.day = self.app.local_day(row.tenant_id, known.until).await?;
            }
        }
        Ok(())
    }

    /// Reads on, and evaluates. Returns whether there may be more at once.
    ///
    /// # Errors
    /// If the log or the read tables do not respond.
    pub async fn step(&mut self) -> Result<bool, EvaluationError> {
        // Looked at before the log is read: what was recorded until then is read there, and is not taken for what time moves.
        let now = self.app.ambient().now();
        let (mut touched, mut until) = (Touched::default(), self.after);
        // Lists that are made from now on are looked at as a whole.
        let followed = self.followed();
        loop {
            let (found, read) = self.app.touches(until, PAGE, &followed).await?;
            touched.add(found);
            let more = read != until;
            until = read;
            if !more || touched.len() > MOST_TOUCHED {
                break;
            }
        }
        let moved = until != self.after;
        let read = Instant::now();
        if !self.shown(until.max(self.own), touched.len(), now).await {
            return Ok(false);
        }
        if touched.lists {
            self.load().await?;
        }
        let shown = Instant::now();
        self.follow(&touched, now).await?;
        (self.after, self.looked) = (until, now);
        let (waited, followed) = (shown - read, shown.elapsed());
        tracing::debug!(customers = touched.len(), ?waited, ?followed, "lists follow");
        // While more is to come, it is read first.
        let far = self.app.end_of_log().counter().saturating_sub(until.counter()) > FAR;
        let advanced = !far && self.go_on(until, now).await?;
        Ok(moved || advanced)
    }

    /// Waits for the read tables to show what was read, which concerns so many customers. False if they do not follow.
    async fn shown(&self, position: Position, concerned: usize, now: DateTime<Utc>) -> bool {
        let since = (now - self.looked).num_milliseconds().clamp(50, 1_000);
        let few = FEW * usize::try_from(since).unwrap_or(1_000) / 1_000;
        let shown = if self.lists.is_empty() || concerned > few {
            self.reads.wait_for(position, PATIENCE).await
        } else {
            self.reads.hurry_to(position, PATIENCE).await
        };
        shown.is_ok()
    }

    /// Looks at the customers that something concerns, or the passing of time.
    async fn follow(&mut self, touched: &Touched, now: DateTime<Utc>) -> Result<(), EvaluationError> {
        let mut concerned = HashMap::new();
        for (&key, known) in &mut self.lists {
            let customers = touched.of(key.0, &known.sources);
            if let Some(whole) = self.whole.as_mut().filter(|whole| whole.key == key) {
                whole.concerns(customers);
                continue;
            }
            let today = self.app.local_day(key.0, now).await?;
            let a_new_day = known.windows.daily && today != known.day;
            if a_new_day || customers.len() > MOST_TOUCHED {
                known.whole = known.whole.or(Some(now));
            }
            if known.whole.is_none_or(|from| from > now) {
                concerned.insert(key, (customers, today));
            }
        }
        let round = Round::new(&self.reads.db(), &self.lists, concerned, now).await?;
        let looked = self.look(&round).await?;
        for (key, looked) in looked {
            match looked {
                Ok(recorded) => {
                    self.own = self.own.max(recorded);
                    if let Some(known) = self.lists.get_mut(&key) {
                        known.until = known.until.max(now);
                    }
                }
                Err(error) => self.set_aside(key, &error, now),
            }
        }
        Ok(())
    }

    /// Looks at the customers of a round with all of its lists, and records for each list what it found.
    async fn look(&self, round: &Round) -> Result<Vec<(Key, Result<Position, EvaluationError>)>, EvaluationError> {
        let mut found: HashMap<Key, Found> = round.lists().map(|key| (key, Found::default())).collect();
        let pieces: Vec<_> = round.pieces().map(|(tenant, piece)| self.look_at(round, tenant, piece)).collect();
        let mut looks = futures::stream::iter(pieces).buffer_unordered(LOOKS_AT_ONCE);
        while let Some(looked) = looks.next().await {
            for (key, looked) in looked? {
                found.entry(key).or_default().add(looked);
            }
        }
        let work: Vec<_> = found.into_iter().map(|(key, found)| self.record(key, found)).collect();
        let recorded: Vec<_> = futures::stream::iter(work).buffer_unordered(RECORDED_AT_ONCE).collect().await;
        let work: Vec<_> = recorded.into_iter().map(|(key, recorded)| self.move_on(round, key, recorded)).collect();
        Ok(futures::stream::iter(work).buffer_unordered(LOOKS_AT_ONCE).collect().await)
    }

    /// Looks at some of a tenant's customers with all of its lists, as they are at one moment: what was read of them for one
    /// list is at hand for the next one.
    async fn look_at(
        &self,
        round: &Round,
        tenant: TenantId,
        piece: &Persons,
    ) -> Result<Vec<(Key, Result<Evaluated, EvaluationError>)>, EvaluationError> {
        let snapshot = self.reads.snapshot().await?;
        let members = lists::memberships(snapshot.db(), tenant, &piece.ids).await?;
        let mut looked = Vec::new();
        for key in round.lists().filter(|key| key.0 == tenant) {
            let Some(known) = self.lists.get(&key) else { continue };
            let task = Task::new(&self.app, snapshot.db(), key, known);
            let members = members.get(&key.1).map_or(&[][..], Vec::as_slice);
            looked.push((key, round.look(&task, piece, members).await));
        }
        if let Err(error) = snapshot.end().await {
            tracing::debug!(%error, "a moment of the read tables ends with the next one");
        }
        Ok(looked)
    }

    /// Records what a list found.
    async fn record(&self, key: Key, found: Found) -> (Key, Result<Position, EvaluationError>) {
        let Some(known) = self.lists.get(&key) else { return (key, Ok(Position::START)) };
        let db = self.reads.db();
        let task = Task::new(&self.app, &db, key, known).during(&self.tenure);
        let recorded = match found.all() {
            Ok(found) => task.record(&found, MemberCause::Event, None).await,
            Err(error) => Err(error),
        };
        (key, recorded)
    }

    /// Looks at those whom the passing of time concerns, once a list has recorded the rest.
    async fn move_on(
        &self,
        round: &Round,
        key: Key,
        recorded: Result<Position, EvaluationError>,
    ) -> (Key, Result<Position, EvaluationError>) {
        let (Ok(last), Some(known)) = (&recorded, self.lists.get(&key)) else { return (key, recorded) };
        let db = self.reads.db();
        let task = Task::new(&self.app, &db, key, known).during(&self.tenure);
        (key, round.move_on(&task).await.map(|moved| moved.max(*last)))
    }

    /// A step of the list that is looked at as a whole. Returns whether there was one.
    async fn go_on(&mut self, until: Position, now: DateTime<Utc>) -> Result<bool, EvaluationError> {
        // What was found long ago may be out of date by now, as another process knows: it is not recorded.
        if let Some(whole) = self.whole.take_if(|whole| now - whole.last > STALLED)
            && let Some(known) = self.lists.get_mut(&whole.key)
        {
            known.whole = Some(now);
        }
        if self.whole.is_none() {
            let due = self.lists.iter().filter(|(_, known)| known.whole.is_some_and(|from| from <= now));
            let Some((&key, known)) = due.min_by_key(|(key, known)| (known.whole, **key)) else { return Ok(false) };
            let moment = Moment { now, today: self.app.local_day(key.0, now).await?, past: false };
            self.whole = Some(Whole::new(key, known.rule_version, moment, until, self.range));
        }
        let Some(mut whole) = self.whole.take() else { return Ok(false) };
        let key = whole.key;
        let Some(known) = self.lists.get_mut(&key).filter(|known| known.rule_version == whole.rule_version) else {
            return Ok(true);
        };
        known.whole = None;
        whole.last = now;
        let db = self.reads.db();
        match whole.step(&Task::new(&self.app, &db, key, known).during(&self.tenure)).await {
            Ok(step) => {
                self.own = self.own.max(step.recorded);
                if step.is_last {
                    // From there on, as any other list.
                    (known.until, known.day) = (whole.moment.now, whole.moment.today);
                } else {
                    self.whole = Some(whole);
                }
            }
            Err(error) => self.set_aside(key, &error, now),
        }
        Ok(true)
    }

    fn set_aside(&mut self, key: Key, error: &EvaluationError, now: DateTime<Utc>) {
        let cause = std::error::Error::source(error);
        tracing::warn!(list = %key.1, %error, ?cause, "a list is evaluated again later");
        self.app.health().set_aside(NAME, 1);
        if let Some(known) = self.lists.get_mut(&key) {
            known.whole = Some(now + AGAIN);
        }
    }

    /// The lists whose members others ask for.
    fn followed(&self) -> BTreeSet<ListId> {
        let sources = self.lists.values().flat_map(|known| &known.sources);
        sources.filter_map(|source| if let Source::Members(list) = source { Some(*list) } else { None }).collect()
    }

    /// Learns which lists there are.
    async fn load(&mut self) -> Result<(), EvaluationError> {
        let rows = lists::all(&self.reads.db()).await?;
        let mut before = std::mem::take(&mut self.lists);
        let now = self.app.ambient().now();
        for row in rows {
            let key = (row.tenant_id, row.list_id);
            let known = match before.remove(&key) {
                Some(known) if known.rule_version == version_of(&row) => known,
                _ => {
                    let day = self.app.local_day(row.tenant_id, now).await?;
                    let Some(mut known) = Known::of(&row, now, day) else {
                        self.app.health().set_aside(NAME, 1);
                        continue;
                    };
                    known.whole = (row.evaluated_version != row.rule_version).then_some(now);
                    known
                }
            };
            self.lists.insert(key, known);
        }
        Ok(())
    }
}

impl Known {
    /// Of a list whose criteria this version of commlog can read; the others stay as they are.
    fn of(row: &ListRow, now: DateTime<Utc>, day: NaiveDate) -> Option<Self> {
        let criteria = match row.read_criteria() {
            Ok(criteria) => criteria,
            Err(error) => {
                tracing::error!(list = %row.list_id, %error, "a list's criteria cannot be read; its members stay");
                return None;
            }
        };
        Some(Self {
            sources: criteria.as_ref().map_or_else(|| BTreeSet::from([Source::Customer]), Criterion::sources),
            windows: criteria.as_ref().map(Windows::of).unwrap_or_default(),
            criteria,
            rule_version: version_of(row),
            until: now,
            day,
            whole: None,
        })
    }
}

fn version_of(row: &ListRow) -> u32 {
    u32::try_from(row.rule_version).unwrap_or(0)
}

/// Evaluates one list as a whole: for a command that does not stay to serve.
///
/// # Errors
/// If the log or the read tables do not respond.
pub async fn evaluate_now(
    app: &App,
    reads: &Reads,
    tenant: TenantId,
    list_id: ListId,
) -> Result<Position, EvaluationError> {
    let db = reads.db();
    let Some(row) = lists::by_id(&db, tenant, list_id).await? else { return Ok(Position::START) };
    let (now, until) = (app.ambient().now(), app.end().await?);
    let today = app.local_day(tenant, now).await?;
    let Some(known) = Known::of(&row, now, today) else { return Ok(Position::START) };
    let key = (tenant, list_id);
    let task = Task::new(app, &db, key, &known);
    let mut whole = Whole::new(key, known.rule_version, Moment { now, today, past: false }, until, RANGE);
    let mut last = Position::START;
    loop {
        let step = whole.step(&task).await?;
        last = last.max(step.recorded);
        if step.is_last {
            return Ok(last);
        }
    }
}
