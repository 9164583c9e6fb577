//! A chunk of rows: decided on copies of the customers' states, appended at once, decided again where others were faster.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt};

use crate::app::customers::customer_stream;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::{Cached, CommandRun};
use crate::app::engine::policies::Basis;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller};
use crate::domain::activity::event::ActivityEvent;
use crate::domain::address::event::{AddressClaimed, AddressEvent};
use crate::domain::address::state::Address;
use crate::domain::address::words::{at_address, word_of};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided};
use crate::domain::import::decide::{ImportedChunk, RefusedRow};
use crate::domain::message::event::MessageEvent;
use crate::domain::refusal::Refusal;
use crate::ids::{AddressId, CustomerId, EventId, Label, TenantSecret};
use crate::log::{Append, AppendError, Appended, Expected};

/// How often a chunk is decided again when others change the same customers.
const MAX_ROUNDS: u32 = 10;
/// How many streams are loaded at once.
const LOADS: usize = 8;

/// Events that one row brings to a customer's stream.
pub(super) struct Part {
    /// True if they were decided on the state; false for facts that find their place anywhere.
    pub decided: bool,
    /// The events.
    pub events: Vec<Decided<CustomerEvent>>,
}

/// A row of a file.
pub(super) trait Row: Clone + Send + Sync {
    /// Its (first) line, and how many lines of the file it was made of.
    fn lines(&self) -> (u64, u64);
    /// The customer's id.
    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal>;
    /// True if it is about the person, so that it goes to the survivor. Otherwise it is a fact: that
    /// is found again by the customer that it was first recorded for.
    fn is_about_person(&self) -> bool {
        false
    }
}

/// A customer's state as the chunk changes it.
struct WorkingCopy {
    base: u64,
    loaded: StateAt<Customer>,
    fresh: bool,
    stale: bool,
}

struct Planned<R> {
    row: R,
    customer: CustomerId,
    /// Where its parts stand among the appends.
    parts: Vec<usize>,
}

impl App {
    /// Takes in rows: `plan` decides on the copy of a customer's state, which later rows of the chunk see changed.
    pub(super) async fn take_in<R: Row>(
        &self,
        caller: &Caller,
        rows: Vec<R>,
        plan: impl Fn(&Customer, CustomerId, R, &Context<'_>) -> Result<Vec<Part>, Refusal> + Send + Sync,
    ) -> Result<ImportedChunk, AppError> {
        let basis = self.basis(caller).await?;
        let mut chunk = ImportedChunk::default();
        let mut left = rows;
        for _ in 0..MAX_ROUNDS {
            left = self.round(caller, &basis, left, &plan, &mut chunk).await?;
            if left.is_empty() {
                return Ok(chunk);
            }
        }
        let stream = match left[0].customer(&basis.secret) {
            Ok(id) => customer_stream(caller.tenant, id),
            Err(refusal) => {
                chunk.refused.extend(left.iter().map(|row| refused(row, refusal.clone())));
                return Ok(chunk);
            }
        };
        Err(AppError::Contended { stream, attempts: MAX_ROUNDS })
    }

    /// Decides and appends; returns the rows whose customers moved.
    async fn round<R: Row>(
        &self,
        caller: &Caller,
        basis: &Basis,
        rows: Vec<R>,
        plan: &(impl Fn(&Customer, CustomerId, R, &Context<'_>) -> Result<Vec<Part>, Refusal> + Send + Sync),
        chunk: &mut ImportedChunk,
    ) -> Result<Vec<R>, AppError> {
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            match row.customer(&basis.secret) {
                Ok(id) => known.push((id, row)),
                Err(refusal) => chunk.refused.push(refused(&row, refusal)),
            }
        }
        let mut working = self.working(caller, known.iter().map(|(id, _)| *id).collect()).await?;
        let mut roots = HashMap::new();
        for (id, own) in &working {
            if own.loaded.state.merged.is_some() {
                roots.insert(*id, self.survivor(caller, *id).await?);
            }
        }
        if !roots.is_empty() {
            for (id, row) in &mut known {
                *id = roots.get(id).copied().filter(|_| row.is_about_person()).unwrap_or(*id);
            }
            let missing = roots.into_values().filter(|root| !working.contains_key(root)).collect();
            working.extend(self.working(caller, missing).await?);
        }
        let mut planned = Vec::with_capacity(known.len());
        let mut parts: Vec<(CustomerId, Expected, Vec<Decided<CustomerEvent>>)> = Vec::with_capacity(known.len());
        self.deciding(basis, |context| {
            for (customer, row) in known {
                let Some(own) = working.get_mut(&customer) else { continue };
                let made = match plan(&own.loaded.state, customer, row.clone(), context) {
                    Ok(made) => made,
                    Err(refusal) => {
                        chunk.refused.push(refused(&row, refusal));
                        continue;
                    }
                };
                let first = parts.len();
                for part in made.into_iter().filter(|part| !part.events.is_empty()) {
                    let expected = if part.decided { Expected::Exact(own.loaded.version) } else { Expected::Any };
                    part.events.iter().for_each(|event| own.loaded.apply(event));
                    parts.push((customer, expected, part.events));
                }
                planned.push(Planned { row, customer, parts: (first..parts.len()).collect() });
            }
        });
        let run = |stream| CommandRun::new(caller, stream, None);
        let appends = parts
            .iter()
            .map(|(id, expected, events)| {
                let stream = customer_stream(caller.tenant, *id);
                Append {
                    stream,
                    expected: *expected,
                    preconditions: vec![],
                    cause: run(stream).cause(),
                    events: events.iter().map(|event| Customer::seal_ready(&stream, event)).collect(),
                }
            })
            .collect::<Vec<_>>();
        let results = if appends.is_empty() { vec![] } else { self.shared.journal.append_all(appends).await? };
        let moved = judge(&parts, &results, &mut working, chunk);
        let mut again = vec![];
        for Planned { row, customer, parts: plan } in planned {
            if moved.contains(&customer) {
                again.push(row);
                continue;
            }
            match plan.iter().find_map(|&part| results.get(part).and_then(|result| refusal(result.as_ref().err()?))) {
                Some(refusal) => chunk.refused.push(refused(&row, refusal)),
                None if plan.iter().all(|&part| results.get(part).is_some_and(is_known)) => chunk.already += 1,
                None if plan
                    .iter()
                    .any(|&part| parts.get(part).is_some_and(|(_, _, events)| is_correction(events))) =>
                {
                    chunk.corrected += 1;
                }
                None => {}
            }
        }
        self.claim(caller, basis, &working, &parts, &results).await?;
        self.keep(caller, working, &moved);
        Ok(again)
    }

    /// Copies of the customers' states. Of those that are not in memory, one query finds those that exist.
    async fn working(
        &self,
        caller: &Caller,
        customers: HashSet<CustomerId>,
    ) -> Result<HashMap<CustomerId, WorkingCopy>, AppError> {
        let mut working = HashMap::with_capacity(customers.len());
        let mut unseen = vec![];
        for id in customers {
            let cell = Customer::states(self).existing(customer_stream(caller.tenant, id));
            match cell.as_ref().and_then(|cell| cell.try_lock()).as_deref() {
                Some(Some(loaded)) => _ = working.insert(id, WorkingCopy::new(loaded.clone())),
                _ => unseen.push(id),
            }
        }
        let streams: Vec<_> = unseen.iter().map(|id| customer_stream(caller.tenant, *id)).collect();
        let heads =
            if streams.is_empty() { vec![] } else { self.shared.journal.backend().stream_heads(&streams).await? };
        let mut existing = vec![];
        for (id, head) in unseen.into_iter().zip(heads) {
            match head {
                None => _ = working.insert(id, WorkingCopy::new(StateAt::default())),
                Some(_) => existing.push(id),
            }
        }
        let loaded: Vec<_> = futures::stream::iter(existing)
            .map(|id| async move {
                let copy = self.read_state::<Customer, _>(customer_stream(caller.tenant, id), StateAt::clone).await?;
                Ok::<_, AppError>((id, WorkingCopy::new(copy)))
            })
            .buffer_unordered(LOADS)
            .try_collect()
            .await?;
        working.extend(loaded);
        Ok(working)
    }

    /// Tells the streams of addresses who has them now, and what the file says about messages to them.
    async fn claim(
        &self,
        caller: &Caller,
        basis: &Basis,
        working: &HashMap<CustomerId, WorkingCopy>,
        parts: &[(CustomerId, Expected, Vec<Decided<CustomerEvent>>)],
        results: &[Result<Appended, AppendError>],
    ) -> Result<(), AppError> {
        let mut appends = vec![];
        for ((customer_id, _, events), result) in parts.iter().zip(results) {
            if !result.as_ref().is_ok_and(|appended| !appended.already) {
                continue;
            }
            for decided in events {
                if let Some(word) = word_of(decided) {
                    let kind = word.channel.address_kind();
                    let own = working.get(customer_id).into_iter().flat_map(|own| &own.loaded.state.addresses);
                    for address in own.filter(|own| own.kind == kind) {
                        let id = address.address_id;
                        let event =
                            self.deciding(basis, |context| at_address(decided, word, *customer_id, id, context));
                        appends.push(self.on_address(caller, id, decided.id, &event));
                    }
                }
                let CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) = &decided.event else {
                    continue;
                };
                let (address_id, kind) = (added.address_id, added.kind);
                let claimed = AddressClaimed { address_id, kind, customer_id: *customer_id };
                let parts = [decided.id.0.as_bytes().as_slice(), address_id.0.as_bytes(), customer_id.0.as_bytes()];
                let event: Decided<AddressEvent> = self.deciding(basis, |context| {
                    context.derived(decided.occurred_at, Label::AddressClaimEvent, &parts, claimed)
                });
                appends.push(self.on_address(caller, address_id, decided.id, &event));
            }
        }
        if appends.is_empty() {
            return Ok(());
        }
        for result in self.shared.journal.append_all(appends).await? {
            result.map_err(AppError::Append)?;
        }
        Ok(())
    }

    /// An append of a fact to an address's stream.
    fn on_address(
        &self,
        caller: &Caller,
        address_id: AddressId,
        causation: EventId,
        event: &Decided<AddressEvent>,
    ) -> Append {
        let stream = crate::app::addresses::address_stream(caller.tenant, address_id);
        self.shared.addresses.forget(stream);
        Append {
            stream,
            expected: Expected::Any,
            preconditions: vec![],
            cause: CommandRun { causation: Some(causation), ..CommandRun::new(caller, stream, None) }.cause(),
            events: vec![Address::seal_ready(&stream, event)],
        }
    }

    /// Puts the changed copies in the place of the states they were made of.
    fn keep(&self, caller: &Caller, working: HashMap<CustomerId, WorkingCopy>, moved: &HashSet<CustomerId>) {
        for (id, own) in working {
            let stream = customer_stream(caller.tenant, id);
            if own.stale || moved.contains(&id) {
                self.shared.customers.forget(stream);
            } else if own.fresh {
                let cell = self.shared.customers.cell(stream);
                let Some(mut slot) = cell.try_lock() else { continue };
                if slot.as_ref().is_none_or(|loaded| loaded.version == own.base) {
                    self.shared.customers.weigh(stream, &cell, &own.loaded);
                    *slot = Some(own.loaded);
                }
            }
        }
    }
}

impl WorkingCopy {
    fn new(loaded: StateAt<Customer>) -> Self {
        Self { base: loaded.version, loaded, fresh: false, stale: false }
    }
}

/// Counts what was appended, and returns the customers that moved. A copy of which some events were known before is stale: it
/// was folded with events that were not appended.
fn judge(
    parts: &[(CustomerId, Expected, Vec<Decided<CustomerEvent>>)],
    results: &[Result<Appended, AppendError>],
    working: &mut HashMap<CustomerId, WorkingCopy>,
    chunk: &mut ImportedChunk,
) -> HashSet<CustomerId> {
    let mut moved = HashSet::new();
    let mut next: HashMap<CustomerId, u64> = HashMap::new();
    let mut known: HashSet<CustomerId> = HashSet::new();
    for ((id, _, events), result) in parts.iter().zip(results) {
        let Some(own) = working.get_mut(id) else { continue };
        match result {
            Ok(appended) if appended.already => _ = known.insert(*id),
            Ok(appended) => {
                chunk.appended += events.len() as u64;
                chunk.position = chunk.position.max(appended.position);
                let next = next.entry(*id).or_insert(own.base + 1);
                own.stale |= *next != appended.first_version;
                *next = appended.last_version + 1;
                own.fresh = true;
            }
            Err(AppendError::Conflict { .. }) => _ = moved.insert(*id),
            Err(_) => _ = known.insert(*id),
        }
    }
    for id in known {
        if let Some(own) = working.get_mut(&id) {
            own.stale |= own.fresh;
        }
    }
    moved
}

/// True if the events take something back to record it otherwise.
fn is_correction(events: &[Decided<CustomerEvent>]) -> bool {
    events.iter().any(|decided| {
        matches!(
            decided.event,
            CustomerEvent::Activity(ActivityEvent::ActivityRetracted(_))
                | CustomerEvent::Message(MessageEvent::MessageRetracted(_))
        )
    })
}

/// True if the log knew the fact: the same event, or the same activity from another file.
fn is_known(result: &Result<Appended, AppendError>) -> bool {
    match result {
        Ok(appended) => appended.already,
        Err(error) => matches!(error, AppendError::EventIdTaken { .. } | AppendError::PartlyAppended { .. }),
    }
}

fn refusal(error: &AppendError) -> Option<Refusal> {
    match error {
        AppendError::EventIdTaken { .. } | AppendError::PartlyAppended { .. } => None,
        error => crate::app::engine::deciding::refused(error.clone())
            .ok()
            .or_else(|| Some(Refusal::new("NOT_APPENDED", error.to_string()))),
    }
}

fn refused(row: &impl Row, refusal: Refusal) -> RefusedRow {
    let (line, file_lines) = row.lines();
    RefusedRow { line, file_lines, refusal }
}
