//! Whom a campaign goes to, part by part in the order of customers' ids.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::campaign::event::Exclusion;
use crate::domain::campaign::plan::Audience;
use crate::ids::{CustomerId, TenantId};
use crate::queries::campaigns::{audience_after, members_of_any};
use crate::queries::{Db, QueryError};

/// How many customers a part has at most.
pub const PART: usize = 1_000;

/// A part of an audience.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AudiencePart {
    /// Who is written to.
    pub recipients: Vec<CustomerId>,
    /// Who is left out, and why.
    pub excluded: BTreeMap<CustomerId, String>,
    /// The last customer of the part.
    pub last: Option<CustomerId>,
    /// Whether there may be more.
    pub more: bool,
}

/// The part of an audience that follows a customer, of so many customers at most.
pub async fn part_after(
    db: &Db,
    tenant: TenantId,
    audience: &Audience,
    after: Option<CustomerId>,
    most: usize,
) -> Result<AudiencePart, QueryError> {
    let found = audience_after(db, tenant, audience, after, most).await?;
    let left_out: BTreeSet<CustomerId> = members_of_any(db, tenant, &audience.exclude, &found).await?;
    let excluded = left_out.iter().map(|id| (*id, Exclusion::List.word().to_owned())).collect();
    let (last, more) = (found.last().copied(), found.len() == most);
    let recipients = found.into_iter().filter(|id| !left_out.contains(id)).collect();
    Ok(AudiencePart { recipients, excluded, last, more })
}
