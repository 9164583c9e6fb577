//! The evaluator: who meets the criteria of each smart list, as soon as something is recorded or time passes.
//!
//! It follows the log. Of each batch it looks again at the customers that the batch concerns, and only with the lists whose
//! criteria are answered from what changed. What time alone changes is found by the windows of the criteria: whose order is
//! thirty days old by now is read from an index. What it finds becomes events of the list, from which the members follow.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Caller, Touch};
use crate::domain::list::criteria::{Criterion, Source};
use crate::domain::list::decide::Evaluated;
use crate::domain::list::event::{ListEvaluated, MemberCause};
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::processes::every::JobError;
use crate::queries::lists::{self, ListRow, Moment, PIECE, Persons, Windows};
use crate::queries::{Db, QueryError, Reads};

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
/// A list that could not be evaluated is tried again after this.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// The process.
pub struct Evaluator {
    app: App,
    reads: Reads,
    lists: HashMap<(TenantId, ListId), Known>,
    /// The log was read up to here.
    after: Position,
    /// The last event of its own.
    own: Position,
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

/// What a batch of the log concerns.
#[derive(Default)]
struct Touched {
    customers: HashMap<TenantId, HashMap<CustomerId, BTreeSet<Source>>>,
    lists: bool,
}

impl Touched {
    fn add(&mut self, touches: Vec<Touch>) {
        for touch in touches {
            match touch {
                Touch::Customer { tenant, customer_id, source } => {
                    self.customers.entry(tenant).or_default().entry(customer_id).or_default().insert(source);
                }
                Touch::List { .. } => self.lists = true,
            }
        }
    }

    fn len(&self) -> usize {
        self.customers.values().map(HashMap::len).sum()
    }
}

impl Evaluator {
    /// Over the lists of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads) -> Self {
        Self { app, reads, lists: HashMap::new(), after: Position::START, own: Position::START }
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
            }
        }
        Ok(())
    }

    /// Reads on, and evaluates. Returns whether there may be more at once.
    ///
    /// # Errors
    /// If the log or the read tables do not respond.
    pub async fn step(&mut self) -> Result<bool, EvaluationError> {
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
        if self.reads.wait_for(until.max(self.own), PATIENCE).await.is_err() {
            return Ok(false);
        }
        if touched.lists {
            self.load().await?;
        }
        let now = self.app.ambient().now();
        let far = self.app.end_of_log().counter().saturating_sub(until.counter()) > FAR;
        let keys: Vec<(TenantId, ListId)> = self.lists.keys().copied().collect();
        for key in keys {
            if let Err(error) = self.evaluate(key, &touched, until, now, far).await {
                let cause = std::error::Error::source(&error);
                tracing::warn!(list = %key.1, %error, ?cause, "a list is evaluated again later");
                self.app.health().set_aside(NAME, 1);
                if let Some(known) = self.lists.get_mut(&key) {
                    known.whole = Some(now + AGAIN);
                }
            }
        }
        self.after = until;
        Ok(moved)
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

    async fn evaluate(
        &mut self,
        key: (TenantId, ListId),
        touched: &Touched,
        until: Position,
        now: DateTime<Utc>,
        far: bool,
    ) -> Result<(), EvaluationError> {
        let (tenant, list_id) = key;
        let today = self.app.local_day(tenant, now).await?;
        let db = self.reads.db();
        let Some(known) = self.lists.get_mut(&key) else { return Ok(()) };
        let none = HashMap::new();
        let customers = touched.customers.get(&tenant).unwrap_or(&none);
        let mut concerned: Vec<CustomerId> = customers
            .iter()
            .filter(|(_, sources)| sources.iter().any(|source| known.sources.contains(source)))
            .map(|(&customer, _)| customer)
            .collect();
        concerned.sort_unstable();
        let a_new_day = known.windows.daily && today != known.day;
        if a_new_day || concerned.len() > MOST_TOUCHED {
            known.whole = known.whole.or(Some(now));
        }
        let task = Task { app: &self.app, db: &db, tenant, list_id, known };
        let moment = Moment { now, today, past: false };
        if task.known.whole.is_some_and(|from| from <= now) {
            if far {
                // More is to come: looked at once it has been read.
                return Ok(());
            }
            self.own = self.own.max(task.whole(&moment, until).await?);
        } else {
            self.own = self.own.max(task.some(&concerned, &moment, MemberCause::Event).await?);
            if now > task.known.until && !task.known.windows.is_empty() {
                let mut moved = task.known.windows.moved(&db, tenant, task.known.until, now).await?;
                // Those were just looked at, and the tables need not show yet what came of it.
                moved.retain(|customer| concerned.binary_search(customer).is_err());
                self.own = self.own.max(task.some(&moved, &moment, MemberCause::Time).await?);
            }
        }
        if let Some(known) = self.lists.get_mut(&key) {
            known.whole = known.whole.filter(|from| *from > now);
            known.until = known.until.max(now);
            known.day = today;
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

/// One list's evaluation.
struct Task<'a> {
    app: &'a App,
    db: &'a Db,
    tenant: TenantId,
    list_id: ListId,
    known: &'a Known,
}

impl Task<'_> {
    fn caller(&self) -> Caller {
        Caller::new(self.tenant, ACTOR)
    }

    /// Looks at all customers. Returns the position of the last event.
    async fn whole(&self, moment: &Moment, until: Position) -> Result<Position, EvaluationError> {
        let members = lists::member_ids(self.db, self.tenant, self.list_id).await?;
        let found = match &self.known.criteria {
            Some(criteria) => {
                let meeting = lists::meeting(self.db, self.tenant, criteria, moment).await?;
                difference(&members, &meeting)
            }
            None => self.kept(&members).await?,
        };
        let rule_version = self.known.rule_version;
        let completed = self.known.criteria.is_some().then_some(ListEvaluated {
            list_id: self.list_id,
            rule_version,
            evaluated_at: moment.now,
            evaluated_position: until,
        });
        let cause = MemberCause::Criteria;
        let recorded =
            self.app.record_evaluation(&self.caller(), self.list_id, rule_version, &found, cause, completed).await?;
        Ok(recorded.unwrap_or(Position::START))
    }

    /// Looks at some customers. Returns the position of the last event.
    async fn some(
        &self,
        customers: &[CustomerId],
        moment: &Moment,
        cause: MemberCause,
    ) -> Result<Position, EvaluationError> {
        let mut found = Evaluated::default();
        for piece in customers.chunks(PIECE) {
            let persons: Persons = lists::persons(self.db, self.tenant, piece).await?;
            let members = lists::members_among(self.db, self.tenant, self.list_id, &persons.ids).await?;
            let changed = match &self.known.criteria {
                Some(criteria) => {
                    let meeting = lists::meeting_among(self.db, self.tenant, criteria, moment, &persons).await?;
                    difference(&members, &meeting)
                }
                None => self.kept(&members).await?,
            };
            found.entered.extend(changed.entered);
            found.left.extend(changed.left);
        }
        if found == Evaluated::default() {
            return Ok(Position::START);
        }
        let cause = if self.known.criteria.is_some() { cause } else { MemberCause::Customer };
        let version = self.known.rule_version;
        let recorded = self.app.record_evaluation(&self.caller(), self.list_id, version, &found, cause, None).await?;
        Ok(recorded.unwrap_or(Position::START))
    }

    /// Of a static list: members who no longer act leave, and who acts for them enters.
    async fn kept(&self, members: &[CustomerId]) -> Result<Evaluated, EvaluationError> {
        let mut found = Evaluated::default();
        for piece in members.chunks(PIECE) {
            let acting = lists::acting(self.db, self.tenant, piece).await?;
            let gone: Vec<CustomerId> =
                piece.iter().copied().filter(|member| acting.binary_search(member).is_err()).collect();
            if gone.is_empty() {
                continue;
            }
            let persons = lists::persons(self.db, self.tenant, &gone).await?;
            let roots: BTreeMap<CustomerId, CustomerId> = persons.acting.into_iter().collect();
            let survivors: BTreeSet<CustomerId> =
                gone.iter().filter_map(|member| roots.get(member).copied().filter(|root| root != member)).collect();
            let survivors: Vec<CustomerId> = survivors.into_iter().collect();
            let present = lists::members_among(self.db, self.tenant, self.list_id, &survivors).await?;
            let acting = lists::acting(self.db, self.tenant, &survivors).await?;
            found.entered.extend(acting.into_iter().filter(|id| present.binary_search(id).is_err()));
            found.left.extend(gone);
        }
        Ok(found)
    }
}

/// Who entered and left, of two sorted lists of ids.
fn difference(members: &[CustomerId], meeting: &[CustomerId]) -> Evaluated {
    let missing = |from: &[CustomerId], of: &[CustomerId]| -> Vec<CustomerId> {
        let mut rest = of.iter().peekable();
        let mut missing = Vec::new();
        for id in from {
            while rest.next_if(|other| *other < id).is_some() {}
            if rest.peek() != Some(&id) {
                missing.push(*id);
            }
        }
        missing
    };
    Evaluated { entered: missing(meeting, members), left: missing(members, meeting) }
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
    let task = Task { app, db: &db, tenant, list_id, known: &known };
    task.whole(&Moment { now, today, past: false }, until).await
}
