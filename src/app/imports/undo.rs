//! Undoing an import: what it brought is found by its correlation id and taken back; what stood before stands again.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::app::addresses::{Because, address_stream};
use crate::app::customers::customer_stream;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::engine::states::{StateAt, decode};
use crate::app::imports::import_stream;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::state::Address;
use crate::domain::address::words::retracted;
use crate::domain::consent::event::{ConsentEvent, ConsentState};
use crate::domain::consent::state::Standing;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::decision::{Context, Decided};
use crate::domain::import::decide::{self, UndoImport, UndoneImport};
use crate::domain::import::event::ImportKind;
use crate::domain::import::state::Import;
use crate::domain::import::undo::{ProfileChange, corrected, identity, restoration, retraction, take_back};
use crate::domain::refusal::Refusal;
use crate::ids::{CustomerId, ImportId, Position};
use crate::log::{Append, AppendError, Category, Expected, ReadLimit, RecordedEvent, StreamId};

/// How many events are read at once.
const PAGE: usize = 2_000;
/// How many customers are decided at once: their appends share commits.
const CUSTOMERS_AT_ONCE: usize = 128;

/// What an import brought to one customer, beside activities and messages.
#[derive(Debug, Clone, Default)]
struct Brought {
    registered: bool,
    addresses: u64,
    profile_changes: Option<(u64, u64)>,
    consents: u64,
    opt_outs: u64,
    corrections: Vec<Correction>,
}

/// The retraction of an order or message that the import recorded otherwise.
#[derive(Debug, Clone, Copy)]
struct Correction {
    /// The activity or message.
    fact: Uuid,
    /// The version of the retraction.
    version: u64,
}

impl App {
    /// Takes back what an import brought. Importing the file again then brings it back. After a crash,
    /// the command can be given again and goes on.
    pub async fn undo_import(&self, caller: &Caller, command: UndoImport) -> Result<Outcome<UndoneImport>, AppError> {
        Stop::outcome(self.undo(caller, command).await)
    }

    async fn undo(&self, caller: &Caller, command: UndoImport) -> Result<Done<UndoneImport>, Stop> {
        let import_id = command.import_id;
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let stream = import_stream(caller.tenant, import_id);
        let first = self.shared.journal.read_stream(stream, 0, ReadLimit::events(1)).await?;
        let first = first.first().ok_or_else(|| Refusal::new("IMPORT_UNKNOWN", "this import does not exist"))?;
        let undone = self.read_state::<Import, _>(stream, |loaded| loaded.state.undone).await?;
        let counts = match undone {
            Some(counts) => counts,
            None => self.take_back_all(caller, &basis, import_id, first.envelope.position).await?,
        };
        if self.kind_of(stream).await? == Some(ImportKind::CampaignResults) {
            self.retract_imported_campaign(caller, import_id).await?;
        }
        let decide = |state: &Import, context: &Context<'_>| {
            let (retracted, kept) = counts;
            decide::undone(state, UndoneImport { import_id, retracted, kept }, context)
        };
        let made = self.decide(&CommandRun::new(caller, stream, key), &basis, decide).await?;
        let counts = self.read_state::<Import, _>(stream, |loaded| loaded.state.undone).await?.unwrap_or(counts);
        let (retracted, kept) = counts;
        let done = self.done(&made, |_| Some(UndoneImport { import_id, retracted, kept })).await?;
        Ok(Done { repeated: done.repeated || undone.is_some(), ..done })
    }

    /// Takes everything back; returns how many facts were, and how many were left standing.
    async fn take_back_all(
        &self,
        caller: &Caller,
        basis: &Basis,
        import_id: ImportId,
        start: Position,
    ) -> Result<(u64, u64), AppError> {
        // What is taken back belongs to the undo, not to the import: a second scan must not find it.
        let caller = &Caller { correlation: None, idempotency_key: None, ..caller.clone() };
        let mut brought: HashMap<CustomerId, Brought> = HashMap::new();
        let mut retracted = 0;
        let mut pages = self.shared.journal.pages(start, ReadLimit::events(PAGE));
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                break;
            }
            retracted += self.retract(caller, basis, import_id, &page, &mut brought).await?;
        }
        let counts: Vec<_> = futures::stream::iter(brought)
            .map(|(id, brought)| self.take_back_from(caller, basis, import_id, id, brought))
            .buffer_unordered(CUSTOMERS_AT_ONCE)
            .try_collect()
            .await?;
        let (others, kept) = counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        Ok((retracted + others, kept))
    }

    /// Retracts the activities and messages of a page, and notes what else the import brought.
    async fn retract(
        &self,
        caller: &Caller,
        basis: &Basis,
        import_id: ImportId,
        page: &[RecordedEvent],
        brought: &mut HashMap<CustomerId, Brought>,
    ) -> Result<u64, AppError> {
        let mut facts: Vec<(CustomerId, Decided<CustomerEvent>)> = vec![];
        for recorded in page {
            let envelope = &recorded.envelope;
            let is_ours = envelope.correlation_id == Some(import_id.into())
                && envelope.stream.tenant == caller.tenant
                && envelope.stream.category == Category::Customer;
            if !is_ours {
                continue;
            }
            let id = CustomerId(envelope.stream.key);
            let fact = decode::<Customer>(recorded)?;
            // What was corrected since does not stand any more; the correction does, until its own import is undone.
            let stream = customer_stream(caller.tenant, id);
            let standing = match identity(&fact.event) {
                Some(fact) => {
                    let version =
                        |loaded: &StateAt<Customer>| loaded.state.recorded.get(fact).map(|entry| entry.version);
                    self.read_state::<Customer, _>(stream, version).await?
                }
                None => None,
            };
            if standing.is_none_or(|version| version == envelope.version)
                && let Some(retraction) = self.deciding(basis, |context| retraction(&fact, import_id, context))
            {
                facts.push((id, retraction));
            }
            brought.entry(id).or_default().note(&fact.event, envelope.version);
        }
        let appends = facts
            .iter()
            .map(|(id, event)| {
                let stream = customer_stream(caller.tenant, *id);
                Append {
                    stream,
                    expected: Expected::Any,
                    preconditions: vec![],
                    cause: CommandRun::new(caller, stream, None).cause(),
                    events: vec![Customer::seal_ready(&stream, event)],
                }
            })
            .collect::<Vec<_>>();
        if appends.is_empty() {
            return Ok(0);
        }
        for ((id, event), result) in facts.iter().zip(self.shared.journal.append_all(appends).await?) {
            match result {
                Ok(appended) if appended.already => {}
                Ok(appended) => {
                    let stream = customer_stream(caller.tenant, *id);
                    self.apply_facts::<Customer>(stream, appended.first_version, std::slice::from_ref(event)).await;
                }
                // An earlier attempt took it back, at an earlier time.
                Err(AppendError::EventIdTaken { .. }) => {}
                Err(error) => return Err(AppError::Append(error)),
            }
        }
        Ok(facts.len() as u64)
    }

    /// Records again what the import had corrected, unless that was undone as well.
    async fn restore_corrected(
        &self,
        caller: &Caller,
        basis: &Basis,
        import_id: ImportId,
        id: CustomerId,
        corrections: &[Correction],
    ) -> Result<(), AppError> {
        let stream = customer_stream(caller.tenant, id);
        for correction in corrections {
            let Some(former) = self.before(caller, id, *correction).await? else { continue };
            let Some(brought_by) = former.event.import_id().filter(|brought_by| *brought_by != import_id) else {
                continue;
            };
            let import = import_stream(caller.tenant, brought_by);
            if self.read_state::<Import, _>(import, |loaded| loaded.state.undone.is_some()).await? {
                continue;
            }
            // It belongs to the import that brought it first: whose undoing takes it back.
            let caller = &Caller { correlation: Some(brought_by.into()), ..caller.clone() };
            let decide = |state: &Customer, context: &Context<'_>| Ok(restoration(state, &former, context));
            // Whoever was forgotten in the meantime gets nothing back.
            if let Err(Stop::Failed(error)) =
                self.decide::<Customer>(&CommandRun::new(caller, stream, None), basis, decide).await
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// What stood before a correction.
    async fn before(
        &self,
        caller: &Caller,
        id: CustomerId,
        correction: Correction,
    ) -> Result<Option<Decided<CustomerEvent>>, AppError> {
        let stream = customer_stream(caller.tenant, id);
        let (mut version, mut found) = (0, None);
        while version < correction.version {
            let events = self.shared.journal.read_stream(stream, version, ReadLimit::events(PAGE)).await?;
            let Some(last) = events.last() else { break };
            version = last.envelope.version;
            for recorded in events.iter().filter(|event| event.envelope.version < correction.version) {
                let decided = decode::<Customer>(recorded)?;
                if identity(&decided.event) == Some(correction.fact) {
                    found = Some(decided);
                }
            }
        }
        Ok(found)
    }

    async fn take_back_from(
        &self,
        caller: &Caller,
        basis: &Basis,
        import_id: ImportId,
        id: CustomerId,
        brought: Brought,
    ) -> Result<(u64, u64), AppError> {
        let stream = customer_stream(caller.tenant, id);
        self.restore_corrected(caller, basis, import_id, id, &brought.corrections).await?;
        let change = match brought.profile_changes {
            Some((first, last)) => self.profile_change(caller, id, first, last).await?,
            None => None,
        };
        let addresses = self
            .read_state::<Customer, _>(stream, |loaded| {
                loaded.state.addresses.iter().map(|own| own.address_id).collect::<Vec<_>>()
            })
            .await?;
        let undone = self.undone_below(caller, stream).await?;
        let decide = |state: &Customer, context: &Context<'_>| {
            Ok(take_back(state, import_id, &undone, change.as_ref(), context))
        };
        let made = self.decide::<Customer>(&CommandRun::new(caller, stream, None), basis, decide).await;
        if let Ok(made) = Stop::refusal(made)? {
            self.follow_addresses(caller, &made).await?;
            if let Some(gone) = made
                .events
                .iter()
                .find(|e| matches!(e.event, CustomerEvent::Profile(ProfileEvent::CustomerRetracted(_))))
            {
                let because = Because { event_id: gone.id, occurred_at: gone.occurred_at };
                self.release_addresses(caller, id, &addresses, because).await?;
            }
        }
        for &address_id in &addresses {
            let stream = address_stream(caller.tenant, address_id);
            let says = self.read_state::<Address, _>(stream, |loaded| loaded.state.words.has_of(import_id)).await?;
            if says {
                let event = self.deciding(basis, |context| retracted(address_id, import_id, context));
                match self.append_fact::<Address>(caller, stream, None, vec![event]).await {
                    // An earlier attempt took it back, at an earlier time.
                    Ok(_) | Err(AppError::Append(AppendError::EventIdTaken { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        // The survivor has taken over what the import had brought.
        let root = self.survivor(caller, id).await?;
        if root != id {
            let stream = customer_stream(caller.tenant, root);
            let run = CommandRun::new(caller, stream, None);
            let undone = self.undone_below(caller, stream).await?;
            let decide =
                |state: &Customer, context: &Context<'_>| Ok(take_back(state, import_id, &undone, None, context));
            if let Ok(made) = Stop::refusal(self.decide::<Customer>(&run, basis, decide).await)? {
                self.follow_addresses(caller, &made).await?;
            }
        }
        self.read_state::<Customer, _>(stream, |loaded| brought.counts(&loaded.state, import_id)).await
    }

    /// The imports that were undone of those whose words stand below a customer's present ones.
    async fn undone_below(&self, caller: &Caller, stream: StreamId) -> Result<HashSet<ImportId>, AppError> {
        let below = |loaded: &StateAt<Customer>| {
            let standings = loaded.state.consents.all().iter().flat_map(Standing::below);
            standings.filter_map(|standing| standing.import_id).collect::<HashSet<_>>()
        };
        let mut undone = HashSet::new();
        for id in self.read_state::<Customer, _>(stream, below).await? {
            let import = import_stream(caller.tenant, id);
            if self.read_state::<Import, _>(import, |loaded| loaded.state.undone.is_some()).await? {
                undone.insert(id);
            }
        }
        Ok(undone)
    }

    /// The profile before the import's first change and after its last one.
    async fn profile_change(
        &self,
        caller: &Caller,
        id: CustomerId,
        first: u64,
        last: u64,
    ) -> Result<Option<ProfileChange>, AppError> {
        let stream = customer_stream(caller.tenant, id);
        let mut loaded = StateAt::<Customer>::default();
        let mut before = None;
        while loaded.version < last {
            let events = self.shared.journal.read_stream(stream, loaded.version, ReadLimit::events(PAGE)).await?;
            if events.is_empty() {
                return Ok(None);
            }
            for recorded in &events {
                if loaded.version + 1 == first {
                    before = Some((loaded.state.profile.clone(), loaded.state.personal.clone()));
                }
                loaded.apply(&decode::<Customer>(recorded)?);
                if loaded.version == last {
                    break;
                }
            }
        }
        Ok(before.map(|before| ProfileChange { before, after: (loaded.state.profile, loaded.state.personal) }))
    }
}

impl Brought {
    fn note(&mut self, event: &CustomerEvent, version: u64) {
        if let Some(fact) = corrected(event) {
            self.corrections.push(Correction { fact, version });
        }
        match event {
            CustomerEvent::Profile(ProfileEvent::CustomerRegistered(_)) => self.registered = true,
            CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(_)) => self.addresses += 1,
            CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(_)) => {
                let first = self.profile_changes.map_or(version, |(first, _)| first);
                self.profile_changes = Some((first, version));
            }
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(e)) if e.state == ConsentState::OptedOut => {
                self.opt_outs += 1
            }
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(_)) => self.consents += 1,
            _ => {}
        }
    }

    /// How many facts beside activities and messages were taken back, and how many stand, now that all is done.
    fn counts(&self, state: &Customer, import_id: ImportId) -> (u64, u64) {
        let still_there =
            state.addresses.iter().filter(|own| own.import_id == Some(import_id)).count().try_into().unwrap_or(0);
        let gone = state.existence == Existence::Retracted;
        let registered = u64::from(self.registered);
        let retracted = self.addresses.saturating_sub(still_there)
            + self.consents
            + u64::from(self.profile_changes.is_some())
            + if gone { registered } else { 0 };
        (retracted, self.opt_outs + if gone { 0 } else { registered })
    }
}
