//! Commands on customers.

use crate::app::engine::deciding::{CommandRun, Committed};
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::customer::decide::{
    self, AddAddress, AddNote, ChangeProfile, PinNote, RegisterCustomer, Registration, RemoveAddress, id_of_external,
};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::event::NoteEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::value::address::Address;
use crate::ids::{AddressId, CustomerId, NoteId, TenantId};
use crate::log::{Category, ReadLimit, StreamId};

impl App {
    /// Registers a customer. With an external id, the customer's id derives from it.
    pub async fn register_customer(
        &self,
        caller: &Caller,
        command: RegisterCustomer,
    ) -> Result<Outcome<CustomerId>, AppError> {
        Stop::outcome(self.register(caller, command).await)
    }

    async fn register(&self, caller: &Caller, command: RegisterCustomer) -> Result<Done<CustomerId>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let external = command.profile.external_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        let id =
            external.map_or_else(|| CustomerId(self.shared.ambient.uuid()), |id| id_of_external(&basis.secret, id));
        let stream = customer_stream(caller.tenant, id);
        let run = CommandRun { is_new: true, ..CommandRun::new(caller, stream, key) };
        let made = self
            .decide::<Customer>(&run, &basis, |state, context| {
                decide::register(state, command.clone(), Registration::default(), context)
            })
            .await?;
        self.follow_addresses(caller, &made).await?;
        Ok(self.done(&made, |made| Some(CustomerId(made.stream.key))).await?)
    }

    /// Changes a customer's profile.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        command: ChangeProfile,
    ) -> Result<Outcome<CustomerId>, AppError> {
        self.run_on_person(caller, command, decide::change_profile, |made| Some(CustomerId(made.stream.key))).await
    }

    /// Adds an address, or changes its label, or makes it primary.
    pub async fn add_address(&self, caller: &Caller, command: AddAddress) -> Result<Outcome<AddressId>, AppError> {
        let basis = self.basis(caller).await?;
        let region = basis.policy.default_region.as_deref();
        let input = &command.address;
        let address_id = Address::parse(input.kind, &input.address, region).ok().map(|a| a.id(&basis.secret));
        self.run_on_person(caller, command, decide::add_address, |_| address_id).await
    }

    /// Removes an address.
    pub async fn remove_address(
        &self,
        caller: &Caller,
        command: RemoveAddress,
    ) -> Result<Outcome<AddressId>, AppError> {
        let address_id = command.address_id;
        let decide = |state: &Customer, command: RemoveAddress, context: &Context<'_>| {
            decide::remove_address(state, &command, context)
        };
        self.run_on_person(caller, command, decide, |_| Some(address_id)).await
    }

    /// Adds a private note.
    pub async fn add_note(&self, caller: &Caller, command: AddNote) -> Result<Outcome<NoteId>, AppError> {
        self.run_on_person(caller, command, decide::add_note, |made: &Committed<CustomerEvent>| {
            made.events.iter().find_map(|decided| match &decided.event {
                CustomerEvent::Note(NoteEvent::NoteAdded(note)) => Some(note.note_id),
                _ => None,
            })
        })
        .await
    }

    /// Pins a note to the top of the timeline, or releases it.
    pub async fn pin_note(&self, caller: &Caller, command: PinNote) -> Result<Outcome<NoteId>, AppError> {
        let note_id = command.note_id;
        // The note may stand in the stream of any of the person's merged records.
        let ids = self.person_ids(caller, command.customer_id).await?;
        let (mut holder, mut is_known) = (ids[0], false);
        for id in ids {
            if self.has_note(customer_stream(caller.tenant, id), note_id).await? {
                (holder, is_known) = (id, true);
                break;
            }
        }
        let decide =
            |state: &Customer, command, context: &Context<'_>| decide::pin_note(state, &command, is_known, context);
        self.run(caller, customer_stream(caller.tenant, holder), command, decide, |_| Some(note_id)).await
    }

    async fn has_note(&self, stream: StreamId, note_id: NoteId) -> Result<bool, AppError> {
        let remembered = self
            .read_state::<Customer, _>(stream, |loaded| {
                let recent = &loaded.state.recent_notes;
                let is_there = recent.contains(&note_id) || loaded.state.pinned_notes.contains(&note_id);
                (is_there || loaded.state.notes <= recent.len() as u64).then_some(is_there)
            })
            .await?;
        // Only a note older than those that the state remembers is worth reading the stream for.
        if let Some(is_there) = remembered {
            return Ok(is_there);
        }
        let mut before = None;
        loop {
            let events = self.shared.journal.read_stream_backwards(stream, before, ReadLimit::events(1024)).await?;
            for recorded in &events {
                if let CustomerEvent::Note(NoteEvent::NoteAdded(note)) =
                    crate::app::engine::states::decode::<Customer>(recorded)?.event
                    && note.note_id == note_id
                {
                    return Ok(true);
                }
            }
            match events.last() {
                Some(oldest) => before = Some(oldest.envelope.version),
                None => return Ok(false),
            }
        }
    }
}

/// A customer's stream.
pub(crate) fn customer_stream(tenant: TenantId, id: CustomerId) -> StreamId {
    StreamId::new(tenant, Category::Customer, id.0)
}
