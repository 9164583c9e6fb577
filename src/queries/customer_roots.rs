//! The survivor of a customer's id. What was recorded of a merged customer keeps its id:
//! reads of a person ask for all ids that the person is made of.

use std::collections::HashMap;

use super::QueryError;
use super::select::{Select, padded};
use crate::ids::{CustomerId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "merged customers";

/// The person that a customer's id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The id that was asked for.
    pub asked: CustomerId,
    /// The survivor: the given id, unless it was merged.
    pub root: CustomerId,
    /// Those who are part of it, by id; most often nobody.
    pub merged: Vec<CustomerId>,
}

impl Whole {
    /// Every id under which something of the person is recorded.
    #[must_use]
    pub fn ids(&self) -> Vec<CustomerId> {
        std::iter::once(self.root).chain(self.merged.iter().copied()).collect()
    }
}

row! {
    struct RootRow {
        customer_id: CustomerId,
        root_id: CustomerId,
    }
}

/// The person of one id: as it is, if nobody was merged.
pub async fn whole(db: &Db, tenant: TenantId, id: CustomerId) -> Result<Whole, QueryError> {
    let mut wholes = wholes(db, tenant, &[id]).await?;
    Ok(wholes.pop().unwrap_or(Whole { asked: id, root: id, merged: Vec::new() }))
}

/// The persons of several ids, one for each that is asked for.
pub async fn wholes(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<Vec<Whole>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = padded(ids.iter().map(|id| id.0.into()));
    let marks = vec!["?"; asked.len()].join(", ");
    // Those merged into the ones that are asked for, and, where one of these was merged itself, all of its person.
    let text = format!(
        "SELECT r.customer_id, r.root_id FROM customer_roots r WHERE r.tenant_id = ? AND r.root_id IN ({marks}) \
         UNION SELECT s.customer_id, s.root_id FROM customer_roots k JOIN customer_roots s \
         ON s.tenant_id = k.tenant_id AND s.root_id = k.root_id WHERE k.tenant_id = ? AND k.customer_id IN ({marks}) \
         ORDER BY customer_id"
    );
    let values = || std::iter::once(tenant.0.into()).chain(asked.iter().cloned());
    let select = Select::new(&text, values().chain(values()));
    let rows: Vec<RootRow> = select.all(db, READING).await?;
    let mut merged: HashMap<CustomerId, Vec<CustomerId>> = HashMap::new();
    for row in &rows {
        merged.entry(row.root_id).or_default().push(row.customer_id);
    }
    let roots: HashMap<CustomerId, CustomerId> = rows.into_iter().map(|row| (row.customer_id, row.root_id)).collect();
    let whole = |id: &CustomerId| {
        let root = roots.get(id).copied().unwrap_or(*id);
        Whole { asked: *id, root, merged: merged.get(&root).cloned().unwrap_or_default() }
    };
    Ok(ids.iter().map(whole).collect())
}

/// Customers of all tenants whose merge is half done, by id; for the start of processes. `after` continues.
pub async fn open_merges(
    db: &Db,
    after: Option<(TenantId, CustomerId)>,
    limit: usize,
) -> Result<Vec<(TenantId, CustomerId)>, QueryError> {
    let mut select = Select::new("SELECT m.tenant_id, m.customer_id FROM open_merges m", []);
    if let Some((tenant, customer)) = after {
        select.and("(m.tenant_id, m.customer_id) > (?, ?)", [tenant.0.into(), customer.0.into()]);
    }
    select.push(&format!(" ORDER BY m.tenant_id, m.customer_id LIMIT {limit}"), []);
    select.all(db, READING).await
}
