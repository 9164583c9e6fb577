//! What checks found of addresses.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::mutation::AddressRefInput;
use crate::accounts::validation::Validated;
use crate::app::{Done, Outcome};
use crate::domain::address::validation::{ValidateAddress, Validation};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Answer, answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Long;
use crate::graphql::engine::words::{AddressKind, LineType, Validity, ValidityReason};
use crate::ids::AddressId;
use crate::queries::address_validations::{ValidationFilter, ValidationRow};
use crate::queries::{Page, address_validations};

connection!(
    /// What checks found of addresses, newest first.
    ValidatedAddressConnection,
    ValidatedAddressEdge,
    ValidatedAddress
);

/// What a check found of an address. It holds for everybody who has the address.
#[derive(SimpleObject, Debug, Clone)]
pub struct AddressValidation {
    /// Whether messages can arrive.
    validity: Validity,
    /// Why not, or why perhaps not.
    reason: Option<ValidityReason>,
    /// What a phone number leads to, where that was asked for.
    line_type: Option<LineType>,
    /// Who runs the line. Personal: beside a number it says something of its owner.
    carrier: Option<String>,
    /// Who checked: the name of a service, or `offline`.
    validator: String,
    /// When it was checked.
    checked_at: DateTime<Utc>,
    /// Until when it counts: then a check asks again, and nothing is suppressed because of it any more.
    counts_until: DateTime<Utc>,
}

/// An address that was checked.
#[derive(SimpleObject, Debug, Clone)]
pub struct ValidatedAddress {
    /// The address's id.
    address_id: Of<AddressId>,
    /// Whether it is a phone number or an email address.
    kind: AddressKind,
    /// What was found.
    validation: Flat<AddressValidation>,
}

/// Restricts addresses that were checked; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct ValidationFilterInput {
    /// Any of these verdicts.
    validities: Option<Vec<Validity>>,
    /// Any of these types of line.
    line_types: Option<Vec<LineType>>,
    /// Only addresses of this kind.
    kind: Option<AddressKind>,
    /// Includes verdicts that do not count any more.
    include_expired: Option<bool>,
}

/// A service that addresses are checked at.
#[derive(SimpleObject, Debug, Clone)]
pub struct ValidatorService {
    /// Its name in the configuration and in events, such as `neverbounce`.
    name: String,
    /// Its name for people.
    title: String,
    /// What it can check.
    checks: Vec<AddressKind>,
    /// The most checks of a day of UTC; null: no limit.
    daily: Option<Long>,
    /// The checks of today that are paid, or may be.
    made_today: Long,
    /// What a check costs, in micros; null if the configuration does not say.
    cost_micros: Option<Long>,
}

impl AddressValidation {
    /// Out of a row, as a key may see it.
    pub fn new(row: ValidationRow, personal: bool) -> Self {
        Self {
            validity: row.validity.into(),
            reason: row.reason.map(Into::into),
            line_type: row.line_type.map(Into::into),
            carrier: row.carrier.filter(|_| personal),
            validator: row.validator,
            checked_at: row.checked_at,
            counts_until: row.counts_until,
        }
    }

    fn found(found: &Validation, personal: bool) -> Self {
        Self {
            validity: found.validity.into(),
            reason: found.reason.map(Into::into),
            line_type: found.line_type.map(Into::into),
            carrier: found.carrier.clone().filter(|_| personal),
            validator: found.validator.clone(),
            checked_at: found.checked_at,
            counts_until: found.counts_until(),
        }
    }
}

/// An answer, and whether its personal part may be seen.
pub struct Shown {
    found: Validated,
    personal: bool,
}

payload! {
    /// The result of checking an address.
    ValidateAddressPayload: Shown {
        /// The address's id; null if the text is not written as an address: then nothing is recorded.
        address_id: Of<AddressId> = |shown| shown.found.address_id.map(Of),
        /// What is to be said of the address.
        validation: AddressValidation = |shown| Some(AddressValidation::found(&shown.found.validation, shown.personal)),
        /// True if a service was asked for it now, and may be paid; false if it was known, or needed no service.
        asked: bool = |shown| Some(shown.found.is_asked),
    }
}

payload! {
    /// The result of checking several addresses.
    ValidateAddressesPayload: Vec<ValidateAddressPayload> {
        /// The result for each address, in the order of the input. Each has a refusal of its own.
        results: Vec<ValidateAddressPayload> = |results| Some(results.clone()),
    }
}

/// Mutations that check addresses.
#[derive(Default)]
pub struct ValidationMutations;

#[Object]
impl ValidationMutations {
    /// Says whether messages can arrive at an address. What is known and still counts is the answer; then what can be told
    /// offline; then the first configured service is asked, which may cost money. What is found is recorded and used by the
    /// rules. Refused if no service can be asked, or none says anything.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn validate_address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address, by its id or its text.")] input: AddressRefInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ValidateAddressPayload> {
        let asked = ValidateAddress { address: input.into(), among: None };
        let outcome = Api::of(ctx)?.validations.validate(&caller(ctx, idempotency_key)?, asked).await;
        let personal = Reading::of(ctx)?.personal();
        Ok(answer(ctx, outcome)?.map(|found| Shown { found, personal }).into())
    }

    /// As `validateAddress`, for at most 200 addresses. Those that are not answered for within 20 seconds are refused with
    /// `VALIDATION_UNFINISHED`; asking again continues.
    #[graphql(guard = "May(Permission::Edit)")]
    async fn validate_addresses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The addresses, by their ids or their texts; at most 200.")] input: Vec<AddressRefInput>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<ValidateAddressesPayload> {
        let caller = caller(ctx, idempotency_key)?;
        let addresses = input.into_iter().map(Into::into).collect();
        let outcomes = match Api::of(ctx)?.validations.validate_all(&caller, addresses).await {
            Ok(outcomes) => outcomes,
            Err(refusal) => return Ok(Answer::refused(refusal.into()).into()),
        };
        let personal = Reading::of(ctx)?.personal();
        let (mut results, mut last, mut repeated) = (vec![], None, true);
        for outcome in outcomes {
            if let Ok(Outcome::Done(Done { position, repeated: again, .. })) = &outcome {
                last = last.max(Some(*position));
                repeated &= again;
            }
            results.push(answer(ctx, outcome)?.map(|found| Shown { found, personal }).into());
        }
        let repeated = repeated && last.is_some();
        Ok(Answer { value: Some(results), position: last, repeated, refusal: None }.into())
    }
}

/// The services that act for the tenant.
pub async fn services(ctx: &Context<'_>) -> Result<Vec<ValidatorService>> {
    let (api, caller) = (Api::of(ctx)?, caller(ctx, None)?);
    let list = api.validations.services(&caller).await;
    let list = list.map_err(|error| crate::graphql::engine::failure::opaque(api.ambient(), &error))?;
    let long = |number: u64| Long(i64::try_from(number).unwrap_or(i64::MAX));
    let shown = list.into_iter().map(|service| ValidatorService {
        name: service.name.to_owned(),
        title: service.title.to_owned(),
        checks: service.checks.into_iter().map(Into::into).collect(),
        daily: service.daily.map(long),
        made_today: long(service.made_today),
        cost_micros: Some(service.cost_micros).filter(|cost| *cost > 0).map(long),
    });
    Ok(shown.collect())
}

/// A page of the tenant's addresses that were checked.
pub async fn list(
    reading: Reading<'_>,
    filter: Option<ValidationFilterInput>,
    page: &Page,
) -> Result<Boxed<ValidatedAddressConnection>> {
    let (tenant, personal) = (reading.session.principal.tenant, reading.personal());
    let filter = filter.unwrap_or_default();
    let filter = ValidationFilter {
        validities: filter.validities.unwrap_or_default().into_iter().map(Into::into).collect(),
        line_types: filter.line_types.unwrap_or_default().into_iter().map(Into::into).collect(),
        kind: filter.kind.map(Into::into),
        counts_at: (!filter.include_expired.unwrap_or(false)).then(|| reading.api.ambient().now()),
    };
    let db = reading.api.reads.db();
    let slice = address_validations::list(&db, tenant, &filter, page).await;
    let slice = slice.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move {
        address_validations::count(&db, tenant, &filter).await.map_err(|error| api.failed(&error))
    });
    let show = move |row: ValidationRow| ValidatedAddress {
        address_id: Of(row.address_id),
        kind: row.kind.into(),
        validation: Flat(AddressValidation::new(row, personal)),
    };
    Ok(ValidatedAddressConnection::new(slice, count, show))
}
