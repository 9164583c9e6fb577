//! Whether messages can arrive at addresses: what is known already, what can be seen without asking anybody, and then what
//! a service says that is paid for it.
//!
//! Services are those of the configuration, and act for the tenant that it names. What a service may make in a day is
//! reserved in the log before it is asked, so that neither a restart nor another node forgets it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore};

use crate::app::{App, AppError, Caller, Done, Outcome, Question, Standing};
use crate::domain::address::decide::AddressRef;
use crate::domain::address::validation::{OFFLINE, RecordValidation, ValidateAddress, Validation};
use crate::domain::refusal::Refusal;
use crate::domain::value::AddressKind;
use crate::domain::value::validation::{ValidityReason, Verdict};
use crate::ids::{AddressId, TenantId};
use crate::providers::{Validator, ValidatorError};

/// The most addresses that can be asked about together.
pub const MOST_TOGETHER: usize = 200;
/// How long a question about several addresses is worked on.
const TOGETHER: Duration = Duration::from_secs(20);
/// How many questions a node has under way at services, so that a long list does not become a burst.
const QUESTIONS_AT_ONCE: usize = 8;
/// The longest that a service is left alone because it asked for it.
const LONGEST_REST: TimeDelta = TimeDelta::minutes(5);

/// A service that addresses are checked at.
#[derive(Clone)]
pub struct CheckingService {
    /// What asks it.
    pub validator: Arc<dyn Validator>,
    /// Its name for people.
    pub title: &'static str,
    /// The most checks of a day of UTC; absent: no limit.
    pub daily: Option<u64>,
    /// What a check costs, in micros; 0: it is not said.
    pub cost_micros: u64,
}

/// A service, and what it did today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Its name in the configuration and in events.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it can check.
    pub checks: Vec<AddressKind>,
    /// The most checks of a day of UTC; absent: no limit.
    pub daily: Option<u64>,
    /// The checks of today.
    pub made_today: u64,
    /// What a check costs, in micros; 0: it is not said.
    pub cost_micros: u64,
}

/// What is to be said of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// The address; absent if the text is not written as one.
    pub address_id: Option<AddressId>,
    /// What was found.
    pub validation: Validation,
    /// Whether a service was asked for it now, and may be paid.
    pub is_asked: bool,
}

/// What it would take to check addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Of so many, what is known counts.
    pub known: u64,
    /// So many can be told without asking anybody.
    pub offline: u64,
    /// So many would be asked about, by the name of the service.
    pub asked: BTreeMap<&'static str, u64>,
    /// For so many there is no service, or none that has checks left today.
    pub left_out: u64,
    /// So many are written twice, or cannot be looked up.
    pub others: u64,
}

/// Checks addresses. Cheap to clone.
#[derive(Clone)]
pub struct ValidationService(Arc<Inner>);

/// A check that is under way: whoever asks meanwhile waits for it, and gets its refusal, if that is what came of it.
type UnderWay = Arc<AsyncMutex<Option<Refusal>>>;

struct Inner {
    app: App,
    services: Vec<CheckingService>,
    /// Whose services they are.
    tenant: TenantId,
    /// The addresses that somebody asks about at the moment.
    under_way: Mutex<HashMap<(TenantId, AddressId), UnderWay>>,
    questions: Semaphore,
    /// Until when a service asked to be left alone.
    resting: Mutex<HashMap<&'static str, DateTime<Utc>>>,
}

impl ValidationService {
    /// Over the services of the configuration, in the order in which they are asked, which act for `tenant`.
    #[must_use]
    pub fn new(app: App, services: Vec<CheckingService>, tenant: TenantId) -> Self {
        let (under_way, resting) = (Mutex::default(), Mutex::default());
        let questions = Semaphore::new(QUESTIONS_AT_ONCE);
        Self(Arc::new(Inner { app, services, tenant, under_way, questions, resting }))
    }

    /// The services that act for a tenant, and what they did today.
    pub async fn services(&self, caller: &Caller) -> Result<Vec<ServiceStatus>, AppError> {
        let mut list = vec![];
        for service in self.0.services_of(caller.tenant) {
            let name = service.validator.name();
            list.push(ServiceStatus {
                name,
                title: service.title,
                checks: service.validator.checks().to_vec(),
                daily: service.daily,
                made_today: self.0.app.checks_today(caller, name).await?,
                cost_micros: service.cost_micros,
            });
        }
        Ok(list)
    }

    /// Says whether messages can arrive at an address. What counts already is the answer; what nobody needs to be asked for
    /// comes next; then the first service that checks its kind and may make a check today. What is found is recorded.
    pub async fn validate(&self, caller: &Caller, asked: ValidateAddress) -> Result<Outcome<Validated>, AppError> {
        let question = match self.0.app.question(caller, &asked).await? {
            Outcome::Done(done) => done.value,
            Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let address_id = match (&question.standing, question.address_id) {
            (Standing::Known(_), _) => return Ok(known(question)),
            (Standing::Open, Some(id)) => id,
            // Nothing has this address, so nothing can be recorded of it.
            (Standing::Open, None) => {
                let now = self.0.app.ambient().now();
                let validation = Verdict::undeliverable(ValidityReason::Syntax).checked(OFFLINE, now);
                let value = Validated { address_id: None, validation, is_asked: false };
                return Ok(Outcome::Done(Done { value, position: self.0.app.end_of_log(), repeated: false }));
            }
        };
        let (turn, waited) = self.0.turn((caller.tenant, address_id)).await;
        // Who asked before may have found it, or been refused: the same question would end in the same way.
        if waited && let Some(refusal) = turn.as_ref() {
            return Ok(Outcome::Refused(refusal.clone()));
        }
        let (inner, caller) = (Arc::clone(&self.0), caller.clone());
        // A caller who goes away must not lose what is paid for.
        let answered = tokio::spawn(async move { inner.find(&caller, &asked, turn).await });
        answered.await.unwrap_or_else(|_| Ok(Outcome::Refused(no_answer("this server", "it was stopped"))))
    }

    /// As [`Self::validate`] for several addresses, in their order. What is not answered in time is refused; what was asked
    /// by then is found all the same.
    pub async fn validate_all(
        &self,
        caller: &Caller,
        addresses: Vec<AddressRef>,
    ) -> Result<Vec<Result<Outcome<Validated>, AppError>>, Refusal> {
        if addresses.len() > MOST_TOGETHER {
            let message = format!("at most {MOST_TOGETHER} addresses can be checked together");
            return Err(Refusal::invalid("input", message));
        }
        // Under one key, the same addresses are one command.
        let among = serde_json::to_vec(&addresses).map(|list| hex::encode(Sha256::digest(list))).ok();
        let among = among.filter(|_| caller.idempotency_key.is_some());
        let end = tokio::time::Instant::now() + TOGETHER;
        let asked = addresses.into_iter().enumerate().map(|(index, address)| {
            let idempotency_key = caller.idempotency_key.as_ref().map(|key| format!("{key}/{index}"));
            let (caller, among) = (Caller { idempotency_key, ..caller.clone() }, among.clone());
            async move {
                let answer = self.validate(&caller, ValidateAddress { address, among });
                tokio::time::timeout_at(end, answer).await.unwrap_or_else(|_| {
                    let message = "not all addresses were checked in time: ask again, and the rest is checked";
                    Ok(Outcome::Refused(Refusal::new("VALIDATION_UNFINISHED", message)))
                })
            }
        });
        Ok(futures::stream::iter(asked).buffered(QUESTIONS_AT_ONCE).collect().await)
    }

    /// What it would take to check addresses. Asks nobody and records nothing.
    pub async fn plan(&self, caller: &Caller, addresses: &[AddressRef]) -> Result<Plan, AppError> {
        let mut left: Vec<(CheckingService, u64)> = vec![];
        for service in self.0.services_of(caller.tenant) {
            let made = self.0.app.checks_today(caller, service.validator.name()).await?;
            left.push((service.clone(), service.daily.map_or(u64::MAX, |most| most.saturating_sub(made))));
        }
        let (mut plan, mut seen) = (Plan::default(), std::collections::HashSet::new());
        for address in addresses {
            let asked = ValidateAddress { address: address.clone(), among: None };
            let Outcome::Done(done) = self.0.app.question(caller, &asked).await? else {
                plan.others += 1;
                continue;
            };
            let question = done.value;
            if question.address_id.is_some_and(|id| !seen.insert(id)) {
                plan.others += 1;
            } else if matches!(question.standing, Standing::Known(_)) {
                plan.known += 1;
            } else if offline(&question).is_some() {
                plan.offline += 1;
            } else if let Some((service, left)) =
                left.iter_mut().find(|(service, left)| service.validator.checks().contains(&question.kind) && *left > 0)
            {
                *left -= 1;
                *plan.asked.entry(service.validator.name()).or_default() += 1;
            } else {
                plan.left_out += 1;
            }
        }
        Ok(plan)
    }
}

impl Inner {
    fn services_of(&self, tenant: TenantId) -> &[CheckingService] {
        if tenant == self.tenant { &self.services } else { &[] }
    }

    /// Waits until nobody else asks about an address; true if somebody did.
    async fn turn(&self, of: (TenantId, AddressId)) -> (OwnedMutexGuard<Option<Refusal>>, bool) {
        let place = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.retain(|_, place| Arc::strong_count(place) > 1);
            Arc::clone(under_way.entry(of).or_default())
        };
        match Arc::clone(&place).try_lock_owned() {
            Ok(turn) => (turn, false),
            Err(_) => (place.lock_owned().await, true),
        }
    }

    /// Finds out about an address, at one's turn.
    async fn find(
        &self,
        caller: &Caller,
        asked: &ValidateAddress,
        mut turn: OwnedMutexGuard<Option<Refusal>>,
    ) -> Result<Outcome<Validated>, AppError> {
        *turn = None;
        let found = self.find_now(caller, asked).await;
        if let Ok(Outcome::Refused(refusal)) = &found {
            *turn = Some(refusal.clone());
        }
        found
    }

    async fn find_now(&self, caller: &Caller, asked: &ValidateAddress) -> Result<Outcome<Validated>, AppError> {
        let question = match self.app.question(caller, asked).await? {
            Outcome::Done(done) => done.value,
            Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let (Standing::Open, Some(address_id)) = (&question.standing, question.address_id) else {
            return Ok(known(question));
        };
        let (verdict, validator) = match offline(&question) {
            Some(verdict) => (verdict, OFFLINE),
            None => match self.ask(caller, &question).await? {
                Ok(found) => found,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            },
        };
        let checked_at = self.app.ambient().now();
        let command =
            RecordValidation { address_id, kind: question.kind, verdict, validator: validator.to_owned(), checked_at };
        let recorded = self.app.record_validation(caller, asked, command).await?;
        let is_asked = validator != OFFLINE;
        Ok(recorded.map(|validation| Validated { address_id: Some(address_id), validation, is_asked }))
    }

    /// Asks the first service that checks addresses of this kind and may make a check today.
    async fn ask(
        &self,
        caller: &Caller,
        question: &Question,
    ) -> Result<Result<(Verdict, &'static str), Refusal>, AppError> {
        let mut refusal = no_validator(question.kind);
        let Some(address) = &question.address else { return Ok(Err(refusal)) };
        let caller = &Caller { idempotency_key: None, ..caller.clone() };
        for service in self.services_of(caller.tenant) {
            let validator = &service.validator;
            if !validator.checks().contains(&question.kind) {
                continue;
            }
            let name = validator.name();
            if let Some(until) = self.resting_until(name) {
                return Ok(Err(busy(name, until - self.app.ambient().now())));
            }
            let Ok(_permit) = self.questions.acquire().await else { return Ok(Err(refusal)) };
            let reserved = match self.app.reserve_check(caller, name, service.daily).await? {
                Outcome::Done(done) => done.value,
                Outcome::Refused(spent) => {
                    refusal = spent;
                    continue;
                }
            };
            let error = match validator.validate(address).await {
                Ok(verdict) => return Ok(Ok((verdict, name))),
                Err(error) => error,
            };
            tracing::warn!(validator = name, %error, "an address was not checked");
            return match error {
                // It may have been made all the same, and is paid then.
                ValidatorError::NoAnswer { cause } => Ok(Err(no_answer(name, cause))),
                ValidatorError::Refused { class, code, retry_after } => {
                    self.app.release_check(caller, &reserved).await?;
                    let rest = retry_after.and_then(|rest| TimeDelta::from_std(rest).ok());
                    if let Some(rest) = rest {
                        let until = self.app.ambient().now() + rest.min(LONGEST_REST);
                        self.resting.lock().unwrap_or_else(PoisonError::into_inner).insert(name, until);
                    }
                    let error = ValidatorError::Refused { class, code: code.clone(), retry_after };
                    let code = code.unwrap_or_else(|| "no code".to_owned());
                    Ok(Err(if error.is_passing() {
                        Refusal::new(
                            "VALIDATOR_BUSY",
                            format!("{name} did not check the address now: {class} ({code})"),
                        )
                    } else {
                        Refusal::new(
                            "VALIDATOR_REFUSED",
                            format!("{name} refused to check the address: {class} ({code})"),
                        )
                    }))
                }
            };
        }
        Ok(Err(refusal))
    }

    fn resting_until(&self, name: &str) -> Option<DateTime<Utc>> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(name).copied().filter(|until| *until > self.app.ambient().now())
    }
}

/// What can be told of an address without asking anybody.
fn offline(question: &Question) -> Option<Verdict> {
    match &question.address {
        None => Some(Verdict::undeliverable(ValidityReason::Syntax)),
        Some(address) => address.is_disposable().then(|| Verdict::risky(ValidityReason::Disposable)),
    }
}

fn known(question: Question) -> Outcome<Validated> {
    let address_id = question.address_id;
    match question.standing {
        Standing::Known(done) => {
            Outcome::Done(done).map(|validation| Validated { address_id, validation, is_asked: false })
        }
        Standing::Open => Outcome::Refused(no_validator(question.kind)),
    }
}

fn no_validator(kind: AddressKind) -> Refusal {
    let what = match kind {
        AddressKind::Email => "email addresses",
        AddressKind::Phone => "phone numbers",
        AddressKind::PushToken | AddressKind::InApp => {
            return Refusal::new("NO_VALIDATOR", "only phone numbers and email addresses can be checked");
        }
    };
    Refusal::new(
        "NO_VALIDATOR",
        format!("no service that checks {what} is configured for this tenant ([[validators]])"),
    )
}

fn busy(name: &str, rest: TimeDelta) -> Refusal {
    let seconds = rest.num_seconds().max(1);
    Refusal::new("VALIDATOR_BUSY", format!("{name} asked to be left alone for {seconds} s more"))
}

fn no_answer(name: &str, cause: &str) -> Refusal {
    let message = format!("{name} gave no answer ({cause}); the check may be paid for all the same");
    Refusal::new("VALIDATOR_SILENT", message)
}
