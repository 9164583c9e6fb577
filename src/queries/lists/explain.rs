//! Why somebody meets criteria, or does not: each criterion with its truth, and what was seen of the customer.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};

use super::compile::{Compiler, Moment, Scope};
use super::fields::Field;
use super::{READING, meeting_among, persons};
use crate::domain::list::criteria::Criterion;
use crate::domain::value::money;
use crate::ids::{CustomerId, TenantId};
use crate::queries::customers::{self, CustomerRow};
use crate::queries::{QueryError, consents};
use crate::sql::{Db, row};

/// One criterion, as it is for one customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Its place, such as `criteria.all[0].highValue`.
    pub path: String,
    /// As JSON.
    pub criterion: Json,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen of the customer, as JSON.
    pub seen: Json,
}

row! {
    struct SeenRow {
        count: i64,
        last: Option<DateTime<Utc>>,
    }
}

/// Each criterion that combines no others, as it is for one customer; and whether all criteria together hold.
pub async fn explain(
    db: &Db,
    tenant: TenantId,
    criteria: &Criterion,
    moment: &Moment,
    customer: CustomerId,
) -> Result<(bool, Vec<Explained>), QueryError> {
    let person = persons(db, tenant, &[customer]).await?;
    let row = match person.records.first() {
        Some(&(root, _)) => customers::by_id(db, tenant, CustomerId(root)).await?,
        None => None,
    };
    let holds = !meeting_among(db, tenant, criteria, moment, &person).await?.is_empty();
    let mut explained = Vec::new();
    for (path, leaf) in criteria.leaves() {
        let holds = !meeting_among(db, tenant, leaf, moment, &person).await?.is_empty();
        let compiler = || Compiler::new(db.engine(), tenant, moment, Scope::Of(&person.records));
        let seen = match (leaf, &row) {
            (_, None) => Json::Null,
            (Criterion::HighValue { .. }, _) => revenue(db, compiler(), None).await?,
            (Criterion::Revenue { within_days, .. }, _) => revenue(db, compiler(), *within_days).await?,
            (Criterion::Consent { channel, .. }, Some(row)) => {
                let said = consents::of_customers(db, tenant, &[row.customer_id]).await?;
                let said = said.into_iter().filter(|said| said.channel == *channel);
                said.map(|said| json!({ "topic": said.topic, "state": said.state, "at": written(said.occurred_at) }))
                    .collect()
            }
            (Criterion::MemberOf { list_id }, Some(row)) => {
                let lists = super::of_customer(db, tenant, row.customer_id).await?;
                let since =
                    lists.iter().find(|member| member.list_id == *list_id).map(|member| written(member.entered_at));
                json!({ "memberSince": since })
            }
            (_, Some(row)) => match compiler().seen(leaf) {
                Some(select) => {
                    let seen: Option<SeenRow> = select.optional(db, READING).await?;
                    json!({ "count": seen.as_ref().map_or(0, |seen| seen.count), "last": seen.and_then(|seen| seen.last).map(written) })
                }
                None => of_profile(leaf, row),
            },
        };
        explained.push(Explained { path, criterion: leaf.to_json(), holds, seen });
    }
    Ok((holds, explained))
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn revenue(db: &Db, compiler: Compiler<'_>, within_days: Option<u32>) -> Result<Json, QueryError> {
    let Some(select) = compiler.revenue_seen(within_days) else { return Ok(Json::Null) };
    let sums: Vec<(Option<String>, i64, i64)> = select.all(db, READING).await?;
    let written = |(currency, thousands, rest): (Option<String>, i64, i64)| {
        let micros = i128::from(thousands) * 1_000_000_000 + i128::from(rest);
        json!({ "currency": currency, "amount": money::decimal(micros, 2) })
    };
    Ok(sums.into_iter().map(written).collect())
}

/// What the customer's own fields say.
fn of_profile(leaf: &Criterion, row: &CustomerRow) -> Json {
    match leaf {
        Criterion::AllInTerritory { .. } => json!({ "territory": row.territory }),
        Criterion::Industry(_) => json!({ "industry": row.industry }),
        Criterion::LeadScore { .. } => json!({ "leadScore": row.lead_score }),
        Criterion::HasEmail(_) => json!({ "hasEmail": row.has_email }),
        Criterion::HasPhone(_) => json!({ "hasPhone": row.has_phone }),
        Criterion::Tags { .. } => json!({ "tags": row.tags.0 }),
        Criterion::Custom(fields) => fields.keys().map(|name| (name.clone(), field(name, row))).collect(),
        Criterion::Field(test) => json!({ &test.name: field(&test.name, row) }),
        Criterion::Anniversary { of, .. } if of == "registered" => json!({ "registered": written(row.registered_at) }),
        Criterion::Anniversary { of, .. } => json!({ of: field(of, row) }),
        _ => Json::Null,
    }
}

fn field(name: &str, row: &CustomerRow) -> Json {
    match Field::of(name) {
        Field::Score => json!(row.lead_score),
        Field::Own(name) => {
            row.attributes.as_ref().and_then(|attributes| attributes.0.get(name)).cloned().unwrap_or_default()
        }
        Field::Column(column) => json!(match column {
            "territory" => row.territory.as_ref(),
            "account_type" => row.account_type.as_ref(),
            "priority" => row.priority.as_ref(),
            "owner" => row.owner.as_ref(),
            "industry" => row.industry.as_ref(),
            "locale" => row.locale.as_ref(),
            "time_zone" => row.time_zone.as_ref(),
            "preferred_hours" => row.preferred_hours.as_ref(),
            _ => None,
        }),
    }
}
