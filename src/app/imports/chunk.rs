//! A chunk of rows: decided on copies of the customers' states, appended at once, decided again where others were faster.
//!
//! What rows bring to addresses (who has them, and what was said about messages to them) is appended together with what
//! they bring to customers, in one transaction: a crash leaves both or neither.
//!
//! Who is new is registered only as long as nobody else has claimed the addresses since they were looked up: of two imports of
//! the same people at once, one registers them, and the other finds them.

use std::collections::HashSet;

use uuid::Uuid;

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::policies::Basis;
use crate::app::imports::subject::{Resolved, Who};
use crate::app::imports::working::{Claims, Trial, Working};
use crate::app::{App, AppError, Caller};
use crate::domain::activity::event::ActivityEvent;
use crate::domain::address::event::{AddressClaimed, AddressEvent};
use crate::domain::address::state::Address;
use crate::domain::address::words::{at_address, word_of};
use crate::domain::consent::event::{ConsentEvent, ConsentState};
use crate::domain::customer::event::{
    CustomerAddressAdded, CustomerEvent, ExternalIdAssigned, IdentityEvent, ProfileEvent,
};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided};
use crate::domain::import::decide::{ImportedChunk, RefusedRow};
use crate::domain::message::event::MessageEvent;
use crate::domain::refusal::Refusal;
use crate::ids::{AddressId, CustomerId, ImportId, Label, Position, TenantSecret};
use crate::log::{Append, AppendError, Appended, Category, Expected, Precondition};

/// How often a chunk is decided again when others change the same customers.
const MAX_ROUNDS: u32 = 10;

/// Events that one row brings to a customer's stream.
pub(super) struct Part {
    /// Whose stream.
    pub on: CustomerId,
    /// The events.
    pub events: Vec<Decided<CustomerEvent>>,
    /// The address that words among them were said from; absent: they hold for all addresses of the customer.
    pub said_from: Option<AddressId>,
}

/// What a row is decided on.
pub(super) struct Subject<'a> {
    /// The customer who acts for the person.
    pub person_id: CustomerId,
    /// The fold of that customer's stream.
    pub person: &'a Customer,
    /// The record of the person whose stream holds what the row brings, as long as it is no decision of the person.
    pub holder_id: CustomerId,
    /// The fold of the holder's stream.
    pub holder: &'a Customer,
}

/// A row of a file.
pub(super) trait Row: Clone + Send + Sync {
    /// Its (first) line, and how many lines of the file it was made of.
    fn lines(&self) -> (u64, u64);
    /// Who it is about.
    fn who(&self, secret: &TenantSecret) -> Result<Who, Refusal>;
    /// The id of the order or message that it would record in a customer's stream; nothing if it records none.
    fn fact(&self, customer: CustomerId, secret: &TenantSecret) -> Option<Uuid> {
        let _ = (customer, secret);
        None
    }
}

/// Whether a chunk is appended, or only tried.
pub enum Ground<'a> {
    /// It goes into the log.
    Log,
    /// Nothing is appended; later chunks see what this one would have changed.
    Trial(&'a mut Trial),
}

impl Ground<'_> {
    fn trial(&self) -> Option<&Trial> {
        match self {
            Self::Log => None,
            Self::Trial(trial) => Some(trial),
        }
    }
}

/// A part as it is appended.
struct Planned {
    customer: CustomerId,
    expected: Expected,
    preconditions: Vec<Precondition>,
    events: Vec<Decided<CustomerEvent>>,
    /// What it brings to addresses.
    at_addresses: Vec<(AddressId, Decided<AddressEvent>)>,
}

struct PlannedRow<R> {
    row: R,
    /// Whose streams it was decided on.
    customers: Vec<CustomerId>,
    /// Where its parts stand.
    parts: std::ops::Range<usize>,
}

impl App {
    /// Takes in rows: `plan` decides on copies of the customers' states, which later rows of the chunk see changed.
    pub(super) async fn take_in<R: Row>(
        &self,
        caller: &Caller,
        import_id: ImportId,
        rows: Vec<R>,
        mut ground: Ground<'_>,
        plan: impl Fn(&Subject<'_>, R, &Context<'_>) -> Result<Vec<Part>, Refusal> + Send + Sync,
    ) -> Result<ImportedChunk, AppError> {
        let basis = self.basis(caller).await?;
        let mut chunk = ImportedChunk::default();
        let mut left = rows;
        for round in 0..MAX_ROUNDS {
            left = self.round(caller, &basis, import_id, left, round > 0, &mut ground, &plan, &mut chunk).await?;
            if left.is_empty() {
                return Ok(chunk);
            }
        }
        let stream = match left[0].who(&basis.secret) {
            Ok(who) => customer_stream(caller.tenant, who.own),
            Err(refusal) => {
                chunk.refused.extend(left.iter().map(|row| refused(row, refusal.clone())));
                return Ok(chunk);
            }
        };
        Err(AppError::Contended { stream, attempts: MAX_ROUNDS })
    }

    /// Decides and appends; returns the rows whose customers moved. `is_again`: others were faster in an earlier round.
    #[expect(clippy::too_many_arguments, reason = "one step of one loop")]
    async fn round<R: Row>(
        &self,
        caller: &Caller,
        basis: &Basis,
        import_id: ImportId,
        rows: Vec<R>,
        is_again: bool,
        ground: &mut Ground<'_>,
        plan: &(impl Fn(&Subject<'_>, R, &Context<'_>) -> Result<Vec<Part>, Refusal> + Send + Sync),
        chunk: &mut ImportedChunk,
    ) -> Result<Vec<R>, AppError> {
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            match row.who(&basis.secret) {
                Ok(who) => known.push((who, row)),
                Err(refusal) => chunk.refused.push(refused(&row, refusal)),
            }
        }
        let addresses = known.iter().flat_map(|(who, _)| who.addresses.iter().copied()).collect();
        let mut claims = self.claims(caller, addresses, is_again, ground.trial()).await?;
        let customers = known.iter().flat_map(|(who, _)| who.customers()).chain(claims.customers()).collect();
        let mut working = self.working(caller, customers, ground.trial()).await?;
        let mut planned = Vec::with_capacity(known.len());
        let mut parts: Vec<Planned> = Vec::with_capacity(known.len());
        self.deciding(basis, |context| {
            for (who, row) in known {
                let first = parts.len();
                let made =
                    Resolved::of(&who, &row, import_id, &claims, &working, context.secret).and_then(|resolved| {
                        let state = |id| working.state(id).ok_or_else(Refusal::customer_unknown);
                        let subject = Subject {
                            person_id: resolved.person,
                            person: state(resolved.person)?,
                            holder_id: resolved.holder,
                            holder: state(resolved.holder)?,
                        };
                        Ok((plan(&subject, row.clone(), context)?, resolved))
                    });
                let (made, resolved) = match made {
                    Ok(made) => made,
                    Err(refusal) => {
                        chunk.refused.push(refused(&row, refusal));
                        continue;
                    }
                };
                let mut preconditions = new_people(caller, &who, &resolved, &working, &claims);
                if let Some(assigned) = assignment(&resolved, import_id, context) {
                    let conditions = preconditions.clone();
                    parts.extend(self.planned(caller, assigned, conditions, &mut working, &mut claims, context));
                }
                // What is decided for the customer of an id that was just assigned holds only if it was.
                let alias = resolved.alias.and_then(|alias| standing(caller, alias, &working));
                preconditions.extend(alias);
                for part in made.into_iter().filter(|part| !part.events.is_empty()) {
                    let conditions = preconditions.clone();
                    parts.extend(self.planned(caller, part, conditions, &mut working, &mut claims, context));
                    // Its own claims have moved the addresses; what follows depends on this part.
                    preconditions.retain(|condition| condition.stream.category == Category::Customer);
                }
                let customers = [Some(resolved.person), Some(resolved.holder), resolved.alias];
                let customers = customers.into_iter().flatten().collect();
                planned.push(PlannedRow { row, customers, parts: first..parts.len() });
            }
        });
        let results = match ground {
            Ground::Log => self.append(caller, &parts).await?,
            Ground::Trial(_) => as_if_appended(caller, &parts),
        };
        let moved = judge(&parts, &results, &mut working, chunk);
        let mut again = vec![];
        for PlannedRow { row, customers, parts: own } in planned {
            if customers.iter().any(|customer| moved.contains(customer)) {
                again.push(row);
                continue;
            }
            let results = &results[own.clone()];
            match results.iter().find_map(|result| refusal(result.as_ref().err()?)) {
                Some(refusal) => chunk.refused.push(refused(&row, refusal)),
                None if results.iter().all(is_known) => chunk.already += 1,
                None if parts[own].iter().any(|part| is_correction(&part.events)) => chunk.corrected += 1,
                None => {}
            }
        }
        match ground {
            Ground::Log => self.keep(caller, working, &moved),
            Ground::Trial(trial) => trial.keep(working, claims),
        }
        Ok(again)
    }

    /// Folds a part into the copy of its customer's state, and works out what it brings to addresses.
    fn planned(
        &self,
        caller: &Caller,
        part: Part,
        mut preconditions: Vec<Precondition>,
        working: &mut Working,
        claims: &mut Claims,
        context: &Context<'_>,
    ) -> Option<Planned> {
        let Part { on: customer, events, said_from } = part;
        let own = working.get_mut(customer)?;
        let expected = Expected::Exact(own.loaded.version);
        // Its own version is expected anyway, and moves with each part.
        preconditions.retain(|condition| condition.stream != customer_stream(caller.tenant, customer));
        let is_new = |id: AddressId| own.loaded.state.address(id).is_none();
        let brought = events.iter().filter_map(|decided| Some((decided.id, added(&decided.event)?.address_id)));
        let new: Vec<_> = brought.filter(|(_, address)| is_new(*address)).map(|(event, _)| event).collect();
        events.iter().for_each(|event| own.loaded.apply(event));
        let mut at_addresses = vec![];
        for decided in &events {
            if let Some(word) = word_of(decided) {
                let kind = word.channel.address_kind();
                let own = own.loaded.state.addresses.iter().filter(|own| own.kind == kind);
                let all: Vec<_> = said_from.map_or_else(|| own.map(|own| own.address_id).collect(), |from| vec![from]);
                at_addresses.extend(all.into_iter().map(|id| (id, at_address(decided, word, customer, id, context))));
            }
            let Some(added) = added(&decided.event) else { continue };
            let (address_id, kind) = (added.address_id, added.kind);
            claims.add(address_id, customer);
            if new.contains(&decided.id) {
                let claimed = AddressClaimed { address_id, kind, customer_id: customer };
                let parts = [decided.id.0.as_bytes().as_slice(), address_id.0.as_bytes(), customer.0.as_bytes()];
                let claimed = context.derived(decided.occurred_at, Label::AddressClaimEvent, &parts, claimed);
                at_addresses.push((address_id, claimed));
            }
        }
        Some(Planned { customer, expected, preconditions, events, at_addresses })
    }

    /// Appends all parts, with what they bring to addresses; returns a result for each part.
    async fn append(&self, caller: &Caller, parts: &[Planned]) -> Result<Vec<Result<Appended, AppendError>>, AppError> {
        if parts.is_empty() {
            return Ok(vec![]);
        }
        let mut appends = Vec::with_capacity(parts.len() * 2);
        let mut places = Vec::with_capacity(parts.len());
        for part in parts {
            let stream = customer_stream(caller.tenant, part.customer);
            places.push(appends.len());
            appends.push(Append {
                stream,
                expected: part.expected,
                preconditions: part.preconditions.clone(),
                cause: CommandRun::new(caller, stream, None).cause(),
                events: part.events.iter().map(|event| Customer::seal_ready(&stream, event)).collect(),
            });
            let Expected::Exact(before) = part.expected else { continue };
            // Only with the part itself: if that is not appended now, its customer's stream stands at another version.
            let with_part = Precondition { stream, version: before + part.events.len() as u64 };
            for (address_id, event) in &part.at_addresses {
                let stream = address_stream(caller.tenant, *address_id);
                let causation = part.events.first().map(|event| event.id);
                appends.push(Append {
                    stream,
                    expected: Expected::Any,
                    preconditions: vec![with_part],
                    cause: CommandRun { causation, ..CommandRun::new(caller, stream, None) }.cause(),
                    events: vec![Address::seal_ready(&stream, event)],
                });
            }
        }
        let results = self.shared.journal.append_all(appends).await?;
        for (address_id, _) in parts.iter().flat_map(|part| &part.at_addresses) {
            // Somebody may have looked between the append and now.
            self.shared.addresses.forget(address_stream(caller.tenant, *address_id));
        }
        let mut results: Vec<_> = results.into_iter().map(Some).collect();
        let own: Vec<_> = places.iter().filter_map(|&place| results.get_mut(place)?.take()).collect();
        for result in results.into_iter().flatten() {
            match result {
                Ok(_)
                | Err(
                    AppendError::Conflict { .. }
                    | AppendError::EventIdTaken { .. }
                    | AppendError::PartlyAppended { .. },
                ) => {}
                Err(error) => return Err(AppError::Append(error)),
            }
        }
        Ok(own)
    }

    /// Puts the changed copies in the place of the states they were made of.
    fn keep(&self, caller: &Caller, working: Working, moved: &HashSet<CustomerId>) {
        for (id, own) in working.into_copies() {
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

/// Where a customer's stream stands, with what the chunk has decided so far.
fn standing(caller: &Caller, customer: CustomerId, working: &Working) -> Option<Precondition> {
    let version = working.get(customer)?.loaded.version;
    Some(Precondition { stream: customer_stream(caller.tenant, customer), version })
}

/// What must stand as it was found for a row to be about whom it is about: nobody else has claimed the addresses of
/// somebody who is new, and whoever the chunk itself registers on the way is registered.
fn new_people(
    caller: &Caller,
    who: &Who,
    resolved: &Resolved,
    working: &Working,
    claims: &Claims,
) -> Vec<Precondition> {
    let is_new = |id: CustomerId| working.get(id).is_some_and(|own| own.base == 0);
    let registered = [resolved.person, resolved.holder].into_iter().filter(|id| is_new(*id));
    let claimants = who.addresses.iter().flat_map(|id| claims.made_of(*id).iter().copied());
    let mut people: Vec<_> = registered.chain(claimants).collect();
    people.sort_unstable();
    people.dedup();
    let mut conditions: Vec<_> = people.into_iter().filter_map(|id| standing(caller, id, working)).collect();
    if working.get(resolved.person).is_some_and(|own| own.loaded.version == 0) {
        conditions.extend(who.addresses.iter().filter_map(|id| {
            Some(Precondition { stream: address_stream(caller.tenant, *id), version: claims.version_of(*id)? })
        }));
    }
    conditions
}

/// Assigns the row's id to the customer whom it was found by an address of.
fn assignment(resolved: &Resolved, import_id: ImportId, context: &Context<'_>) -> Option<Part> {
    let on = resolved.alias?;
    let assigned = ExternalIdAssigned { customer_id: resolved.person, import_id };
    Some(Part { on, events: vec![context.now(assigned)], said_from: None })
}

/// What a trial takes for the results of its appends.
fn as_if_appended(caller: &Caller, parts: &[Planned]) -> Vec<Result<Appended, AppendError>> {
    let appended = |part: &Planned| {
        let before = match part.expected {
            Expected::Exact(version) => version,
            Expected::Any => 0,
        };
        Ok(Appended {
            stream: customer_stream(caller.tenant, part.customer),
            first_version: before + 1,
            last_version: before + part.events.len() as u64,
            position: Position::START,
            already: false,
        })
    };
    parts.iter().map(appended).collect()
}

/// Counts what was appended, and returns the customers that moved. A copy of which some events were known before is stale: it
/// was folded with events that were not appended.
fn judge(
    parts: &[Planned],
    results: &[Result<Appended, AppendError>],
    working: &mut Working,
    chunk: &mut ImportedChunk,
) -> HashSet<CustomerId> {
    let mut moved = HashSet::new();
    let mut next = std::collections::HashMap::new();
    let mut known: HashSet<CustomerId> = HashSet::new();
    for (part, result) in parts.iter().zip(results) {
        let id = part.customer;
        let Some(own) = working.get_mut(id) else { continue };
        match result {
            Ok(appended) if appended.already => _ = known.insert(id),
            Ok(appended) => {
                chunk.appended += part.events.len() as u64;
                part.events.iter().for_each(|decided| count(&decided.event, chunk));
                chunk.position = chunk.position.max(appended.position);
                let next = next.entry(id).or_insert(own.base + 1);
                own.stale |= *next != appended.first_version;
                *next = appended.last_version + 1;
                own.fresh = true;
            }
            Err(AppendError::Conflict { stream, .. }) => {
                moved.insert(id);
                if stream.category == Category::Customer {
                    moved.insert(CustomerId(stream.key));
                }
            }
            Err(_) => _ = known.insert(id),
        }
    }
    for id in known {
        if let Some(own) = working.get_mut(id) {
            own.stale |= own.fresh;
        }
    }
    moved
}

fn count(event: &CustomerEvent, chunk: &mut ImportedChunk) {
    match event {
        CustomerEvent::Profile(ProfileEvent::CustomerRegistered(_)) => chunk.registered += 1,
        CustomerEvent::Identity(IdentityEvent::ExternalIdAssigned(_)) => chunk.joined += 1,
        CustomerEvent::Consent(ConsentEvent::ConsentChanged(e)) if e.state == ConsentState::OptedOut => {
            chunk.opt_outs += 1;
        }
        _ => {}
    }
}

fn added(event: &CustomerEvent) -> Option<&CustomerAddressAdded> {
    match event {
        CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) => Some(added),
        _ => None,
    }
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
