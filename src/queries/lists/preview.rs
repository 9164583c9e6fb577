//! How many customers meet criteria, before there is a list.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::compile::Moment;
use super::{ACTING, IdRow, PIECE, READING, meeting, meeting_among, persons};
use crate::domain::list::criteria::Criterion;
use crate::ids::{CustomerId, TenantId};
use crate::queries::QueryError;
use crate::queries::select::Select;
use crate::sql::Db;

/// Up to so many customers, all are looked at; of more, so many that stand for the others.
const ALL: u64 = 20_000;
const SAMPLED: u64 = 2_000;
/// How long a sample serves.
const SERVES: Duration = Duration::from_mins(5);
/// How many tenants' samples are kept.
const KEPT: u64 = 100;
/// How many customers a preview names.
const EXAMPLES: usize = 10;

/// How many customers meet criteria.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Their number, or an estimate.
    pub count: u64,
    /// False: an estimate from a sample.
    pub exact: bool,
    /// How far off an estimate may be, in 19 of 20 cases; 0 of an exact count.
    pub margin: u64,
    /// How many customers were looked at.
    pub looked_at: u64,
    /// How many customers there are.
    pub of: u64,
    /// Up to ten who meet the criteria.
    pub examples: Vec<CustomerId>,
}

/// Customers of a tenant who stand for all: every so-manieth.
#[derive(Debug)]
struct Sample {
    of: u64,
    customers: Vec<CustomerId>,
}

/// The samples that were taken. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Samples(Cache<TenantId, Arc<Sample>>);

impl Default for Samples {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT).time_to_live(SERVES).build())
    }
}

impl Samples {
    /// How many customers a tenant has; and if there are too many to look at all of them, a sample.
    async fn of(&self, db: &Db, tenant: TenantId) -> Result<(u64, Option<Arc<Sample>>), QueryError> {
        if let Some(sample) = self.0.get(&tenant) {
            return Ok((sample.of, Some(sample)));
        }
        let mut select = Select::new("SELECT COUNT(*) AS count FROM customers c", []);
        select.and_equal("c.tenant_id", Some(tenant.0));
        select.and(ACTING, []);
        let customers = select.count(db, READING).await?;
        if customers <= ALL {
            return Ok((customers, None));
        }
        let mut select = Select::new(
            "SELECT c.customer_id, ROW_NUMBER() OVER (ORDER BY c.registered_at, c.customer_id) AS number FROM customers c",
            [],
        );
        select.and_equal("c.tenant_id", Some(tenant.0));
        select.and(ACTING, []);
        let every = customers.div_ceil(SAMPLED);
        let behind = format!(") n WHERE n.number % {every} = {}", every / 2);
        let rows: Vec<IdRow> = select.wrapped("SELECT n.customer_id FROM (", &behind).all(db, READING).await?;
        let mut ids: Vec<CustomerId> = rows.into_iter().map(|row| row.customer_id).collect();
        ids.sort_unstable();
        let sample = Arc::new(Sample { of: customers, customers: ids });
        self.0.insert(tenant, Arc::clone(&sample));
        Ok((customers, Some(sample)))
    }
}

/// Counts who meets criteria: exactly where there are few customers, else by a sample, which is taken every few minutes.
pub async fn preview(
    db: &Db,
    samples: &Samples,
    tenant: TenantId,
    criteria: &Criterion,
    moment: &Moment,
) -> Result<Preview, QueryError> {
    let (of, sample) = samples.of(db, tenant).await?;
    let Some(sample) = sample else {
        let mut found = meeting(db, tenant, criteria, moment).await?;
        let count = found.len() as u64;
        found.truncate(EXAMPLES);
        return Ok(Preview { count, exact: true, margin: 0, looked_at: of, of, examples: found });
    };
    // Pieces at the same time: whoever previews waits for it.
    let pieces = sample.customers.chunks(PIECE).map(async |piece| {
        let persons = persons(db, tenant, piece).await?;
        meeting_among(db, tenant, criteria, moment, &persons).await
    });
    let mut found: Vec<CustomerId> = futures::future::try_join_all(pieces).await?.concat();
    let looked_at = sample.customers.len() as u64;
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let (hits, looked, of) = (found.len() as f64, looked_at.max(1) as f64, of as f64);
    let share = hits / looked;
    // Wilson's half width, which is more than nothing where nobody was found.
    let z = 1.96_f64;
    let half = z / (1.0 + z * z / looked) * (share * (1.0 - share) / looked + z * z / (4.0 * looked * looked)).sqrt();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of customers")]
    let (count, margin) = ((share * of).round() as u64, (half * of).ceil() as u64);
    found.truncate(EXAMPLES);
    Ok(Preview { count, exact: false, margin, looked_at, of: sample.of, examples: found })
}
