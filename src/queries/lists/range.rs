//! Everybody who meets criteria, range by range: each is read in the order of ids, with little in memory.

use super::compile::{Compiler, Moment, Scope};
use super::piece::Piece;
use super::{IdRow, PIECE, READING, ids, meeting_among, persons};
use crate::domain::list::criteria::Criterion;
use crate::ids::{CustomerId, TenantId};
use crate::queries::QueryError;
use crate::queries::select::Select;
use crate::sql::Db;

/// How many customers a range has: enough that its questions are few, and so few that what these keep in memory is little.
pub const RANGE: usize = 50_000;

/// Customers whose ids follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// They follow this one; [`None`]: from the first one on.
    pub after: Option<CustomerId>,
    /// And end with this one; [`None`]: up to the last one.
    pub until: Option<CustomerId>,
}

impl Range {
    /// The condition on a column, from ` AND` on.
    pub(super) fn of(self, column: &str) -> Piece {
        let bounds = [(">", self.after), ("<=", self.until)];
        bounds.into_iter().fold(Piece::default(), |piece, (sign, bound)| match bound {
            Some(bound) => piece.and(&format!(" AND {column} {sign} ?"), bound.0),
            None => piece,
        })
    }
}

/// Everybody who meets criteria, by id.
pub async fn meeting(
    db: &Db,
    tenant: TenantId,
    criteria: &Criterion,
    moment: &Moment,
) -> Result<Vec<CustomerId>, QueryError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let range = range_after(db, tenant, after, RANGE).await?;
        found.extend(meeting_in(db, tenant, criteria, moment, range).await?);
        after = range.until;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The next so many of a tenant's customers; the last range has no end.
pub async fn range_after(
    db: &Db,
    tenant: TenantId,
    after: Option<CustomerId>,
    most: usize,
) -> Result<Range, QueryError> {
    let mut select = Select::new("SELECT c.customer_id FROM customers c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    if let Some(after) = after {
        select.and("c.customer_id > ?", [after.into()]);
    }
    select.push(&format!(" ORDER BY c.customer_id LIMIT 1 OFFSET {}", most.saturating_sub(1)), []);
    let last: Option<IdRow> = select.optional(db, READING).await?;
    Ok(Range { after, until: last.map(|row| row.customer_id) })
}

/// Those of a range who meet criteria, by id.
pub async fn meeting_in(
    db: &Db,
    tenant: TenantId,
    criteria: &Criterion,
    moment: &Moment,
    range: Range,
) -> Result<Vec<CustomerId>, QueryError> {
    let mut found =
        ids(db, Compiler::new(db.engine(), tenant, moment, Scope::Range(range)).select("c.customer_id", criteria))
            .await?;
    // What was recorded of those whom they took over counts too.
    let survivors = survivors_in(db, tenant, range).await?;
    if !survivors.is_empty() {
        found.retain(|id| survivors.binary_search(id).is_err());
        for piece in survivors.chunks(PIECE) {
            let persons = persons(db, tenant, piece).await?;
            found.extend(meeting_among(db, tenant, criteria, moment, &persons).await?);
        }
        found.sort_unstable();
    }
    Ok(found)
}

/// Those of a range whom others were merged into, by id.
async fn survivors_in(db: &Db, tenant: TenantId, range: Range) -> Result<Vec<CustomerId>, QueryError> {
    let mut select = Select::new("SELECT DISTINCT r.root_id AS customer_id FROM customer_roots r", []);
    select.and_equal("r.tenant_id", Some(tenant.0));
    let within = range.of("r.root_id");
    select.push(&within.text, within.values);
    ids(db, select).await
}
