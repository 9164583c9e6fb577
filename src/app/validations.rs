//! What checks found of addresses, and how many checks services made. The checks themselves are made outside: nothing here
//! calls anybody.

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed};
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::decide::AddressRef;
use crate::domain::address::event::AddressEvent;
use crate::domain::address::state::Address;
use crate::domain::address::validation::{RecordValidation, ValidateAddress, Validation, record};
use crate::domain::check::decide::{ReserveCheck, release, reserve};
use crate::domain::check::event::CheckEvent;
use crate::domain::check::state::DayOfChecks;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::value::validation::Verdict;
use crate::domain::value::{AddressKind, address};
use crate::ids::{AddressId, Label, TenantId, TenantSecret};
use crate::log::{Category, StreamId};

/// What is asked about an address, and what the log knows of it.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whether it is a phone number, a mailbox or a device.
    pub kind: AddressKind,
    /// The address; absent if the text is not written as one.
    pub address: Option<address::Address>,
    /// Under what the log knows it; absent where no text and no id leads to it.
    pub address_id: Option<AddressId>,
    /// What is known of it.
    pub standing: Standing,
}

/// Whether somebody has to look at an address.
#[derive(Debug, Clone)]
pub enum Standing {
    /// Nothing that counts is known.
    Open,
    /// This counts: nobody needs to be asked, and paid, again. Or it is what the same command found before.
    Known(Done<Validation>),
}

impl App {
    /// Looks up what is known of an address.
    pub async fn question(&self, caller: &Caller, asked: &ValidateAddress) -> Result<Outcome<Question>, AppError> {
        let found = Stop::refusal(self.try_question(caller, asked).await)?;
        let position = self.end_of_log();
        Ok(match found {
            Ok(value) => Outcome::Done(Done { value, position, repeated: false }),
            Err(refusal) => Outcome::Refused(refusal),
        })
    }

    async fn try_question(&self, caller: &Caller, asked: &ValidateAddress) -> Result<Question, Stop> {
        let basis = self.basis(caller).await?;
        let (kind, address_id, address) = match &asked.address {
            AddressRef::Text { kind, address } => {
                let region = basis.policy.default_region.as_deref();
                let read = match address::Address::parse(*kind, address, region) {
                    Ok(read) => Some(read),
                    // It may be a number of some country: nobody says which.
                    Err(error)
                        if *kind == AddressKind::Phone && region.is_none() && !address.trim().starts_with('+') =>
                    {
                        return Err(Refusal::of_value("address", &error).into());
                    }
                    Err(_) => None,
                };
                (*kind, read.as_ref().map(|address| address.id(&basis.secret)), read)
            }
            AddressRef::Id { address_id, .. } => {
                let (kind, spelling) = self.spelling(caller, *address_id).await?.ok_or_else(|| {
                    let field = Some("address_id".to_owned());
                    let message = "nobody has this address, so it is not known how it is written";
                    Refusal { field, ..Refusal::new("ADDRESS_UNKNOWN", message) }
                })?;
                (kind, Some(*address_id), address::Address::parse(kind, &spelling, None).ok())
            }
        };
        let key = Self::command_key(caller, &basis.secret, asked)?;
        if let Some(before) = self.repeated(caller, key).await? {
            let made = self.original::<Address>(&before).await?;
            let standing = Standing::Known(self.done(&made, found).await?);
            return Ok(Question { kind, address, address_id, standing });
        }
        let standing = match address_id {
            Some(id) => self.counting(caller, id).await?.map_or(Standing::Open, Standing::Known),
            None => Standing::Open,
        };
        Ok(Question { kind, address, address_id, standing })
    }

    /// What was found of an address, as long as it counts.
    async fn counting(&self, caller: &Caller, address_id: AddressId) -> Result<Option<Done<Validation>>, AppError> {
        let (stream, now) = (address_stream(caller.tenant, address_id), self.ambient().now());
        let found = self.read_fresh_state::<Address, _>(stream, |loaded| loaded.state.validation.clone()).await?;
        let position = self.end_of_log();
        Ok(found.filter(|found| found.counts_at(now)).map(|value| Done { value, position, repeated: false }))
    }

    /// How an address is written by one of those who have it, and what it is.
    async fn spelling(
        &self,
        caller: &Caller,
        address_id: AddressId,
    ) -> Result<Option<(AddressKind, String)>, AppError> {
        let stream = address_stream(caller.tenant, address_id);
        let owners = self.read_fresh_state::<Address, _>(stream, |loaded| loaded.state.claims.clone()).await?;
        for owner in owners {
            let stream = customer_stream(caller.tenant, self.survivor(caller, owner).await?);
            let look = |state: &Customer| {
                let own = state.address(address_id)?;
                Some((own.kind, own.address.clone()?))
            };
            let found = self.read_state::<Customer, _>(stream, |loaded| look(&loaded.state)).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Records what a check found of an address, as the answer to what was asked; from then on the rules go by it.
    pub async fn record_validation(
        &self,
        caller: &Caller,
        asked: &ValidateAddress,
        command: RecordValidation,
    ) -> Result<Outcome<Validation>, AppError> {
        Stop::outcome(self.try_record_validation(caller, asked, command).await)
    }

    async fn try_record_validation(
        &self,
        caller: &Caller,
        asked: &ValidateAddress,
        command: RecordValidation,
    ) -> Result<Done<Validation>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, asked)?;
        let run = CommandRun::new(caller, address_stream(caller.tenant, command.address_id), key);
        let with = |command: &RecordValidation| {
            let command = command.clone();
            move |state: &Address, context: &Context<'_>| record(state, command.clone(), context)
        };
        let made = match Stop::refusal(self.decide::<Address>(&run, &basis, with(&command)).await)? {
            Ok(made) => made,
            // Somebody who had this address was forgotten. Its key is gone for good: nothing personal is kept of it.
            Err(refusal) if refusal == Refusal::customer_forgotten() && command.verdict.carrier.is_some() => {
                let verdict = Verdict { carrier: None, ..command.verdict.clone() };
                let command = RecordValidation { verdict, ..command.clone() };
                self.decide::<Address>(&run, &basis, with(&command)).await?
            }
            Err(refusal) => return Err(refusal.into()),
        };
        // No event: somebody else has recorded the same check.
        let RecordValidation { verdict, validator, checked_at, .. } = command;
        Ok(self.done(&made, |made| found(made).or(Some(verdict.checked(validator, checked_at)))).await?)
    }

    /// Reserves one of a service's checks of today, before it is asked.
    pub async fn reserve_check(
        &self,
        caller: &Caller,
        validator: &'static str,
        daily: Option<u64>,
    ) -> Result<Outcome<ReserveCheck>, AppError> {
        let command = ReserveCheck { validator, day: self.ambient().now().date_naive(), daily };
        let decide = |state: &DayOfChecks, context: &Context<'_>| reserve(state, &command, context);
        Ok(self.on_checks(caller, &command, decide).await?.map(|()| command))
    }

    /// Gives back a check that the service definitely refused to make.
    pub async fn release_check(&self, caller: &Caller, reserved: &ReserveCheck) -> Result<Outcome<()>, AppError> {
        self.on_checks(caller, reserved, |_: &DayOfChecks, context: &Context<'_>| release(reserved, context)).await
    }

    async fn on_checks(
        &self,
        caller: &Caller,
        command: &ReserveCheck,
        decide: impl Fn(&DayOfChecks, &Context<'_>) -> Decision<CheckEvent> + Send + Sync,
    ) -> Result<Outcome<()>, AppError> {
        let basis = self.basis(caller).await?;
        let stream = checks_stream(caller.tenant, &basis.secret, command);
        let made = Stop::refusal(self.decide(&CommandRun::new(caller, stream, None), &basis, decide).await)?;
        Ok(match made {
            Ok(made) => Outcome::Done(self.done(&made, |_| Some(())).await?),
            Err(refusal) => Outcome::Refused(refusal),
        })
    }

    /// How many checks a service made today, or is making.
    pub async fn checks_today(&self, caller: &Caller, validator: &'static str) -> Result<u64, AppError> {
        let basis = self.basis(caller).await?;
        let today = ReserveCheck { validator, day: self.ambient().now().date_naive(), daily: None };
        let stream = checks_stream(caller.tenant, &basis.secret, &today);
        self.read_fresh_state::<DayOfChecks, _>(stream, |loaded| loaded.state.made).await
    }
}

/// Where a day's checks at a service are: a stream for each day, so that none grows without end.
fn checks_stream(tenant: TenantId, secret: &TenantSecret, checks: &ReserveCheck) -> StreamId {
    let day = checks.day.to_string();
    let key = secret.derive(Label::CheckStream, &[checks.validator.as_bytes(), day.as_bytes()]);
    StreamId::new(tenant, Category::Check, key)
}

/// What the events of a command say that was found.
fn found(made: &Committed<AddressEvent>) -> Option<Validation> {
    made.events.iter().find_map(|decided| match &decided.event {
        AddressEvent::AddressValidated(event) => Some(Validation::of(event, decided.occurred_at)),
        _ => None,
    })
}
