//! Campaigns: which there are, where each stands, and whom it goes to.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Json, Page, QueryError, Slice};
use crate::domain::campaign::plan::{Audience, CampaignPlan};
use crate::domain::campaign::state::CampaignState;
use crate::ids::{CampaignId, CustomerId, ImportId, ListId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "campaigns";

/// The one that began last first.
const KEY: Key = Key::descending("c.began_at, c.campaign_id", "tu");

row! {
    /// A campaign. What is planned elsewhere has neither name nor state.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CampaignRow {
        pub tenant_id: TenantId,
        pub campaign_id: CampaignId,
        /// The import that brought it.
        pub import_id: Option<ImportId>,
        /// When it was made, or its first message was asked for.
        pub began_at: DateTime<Utc>,
        pub name: Option<String>,
        pub state: Option<CampaignState>,
        pub plan: Option<Json>,
        pub rate: Option<Json>,
        /// JSON null: none.
        pub budget: Option<Json>,
        pub budget_noticed_at: Option<DateTime<Utc>>,
        /// While it is scheduled.
        pub start_at: Option<DateTime<Utc>>,
        pub started_at: Option<DateTime<Utc>>,
        /// When it was completed or cancelled.
        pub ended_at: Option<DateTime<Utc>>,
        /// Of its templates, by code.
        pub versions: Option<Json>,
        /// Why it was paused or cancelled.
        pub reason: Option<String>,
        /// `manual`, `failure`, `threshold`, `budget`, `winner`, `overdue`.
        pub cause: Option<String>,
        pub changed_at: Option<DateTime<Utc>>,
        pub changed_by: Option<String>,
        /// Who approved the plan as it is.
        pub approved_by: Option<String>,
        /// The recurring campaign that it is an occurrence of.
        pub series_id: Option<CampaignId>,
        /// Occurrences that were left out.
        pub missed: i64,
        /// Of the event by which a variant was chosen for the rest.
        pub winner: Option<Json>,
        pub winner_at: Option<DateTime<Utc>>,
        /// Who is written to, of the audience as far as it is chosen.
        pub recipients: i64,
        pub audience_chosen: bool,
        /// Recipients that were decided on.
        pub decided: i64,
        pub queued: i64,
        pub held: i64,
        pub suppressed: i64,
        /// Who was left out.
        pub excluded: i64,
        pub first_message_at: Option<DateTime<Utc>>,
        pub last_message_at: Option<DateTime<Utc>>,
    }
}

row! {
    /// How many recipients a rule suppressed.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SuppressedRow {
        pub rule: String,
        pub recipients: i64,
    }
}

row! {
    /// Who was left out of a campaign.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ExcludedRow {
        pub customer_id: CustomerId,
        /// `list`, `duplicate_person`, `duplicate_address`, `forgotten`, or the code of a refusal.
        pub reason: String,
    }
}

row! {
    struct IdRow {
        customer_id: CustomerId,
    }
}

/// A page of campaigns, the one that began last first.
pub async fn list(db: &Db, tenant: TenantId, page: &Page) -> Result<Slice<CampaignRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM campaigns c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.page(KEY, page)?;
    select.slice(db, READING, page, |row: &CampaignRow| vec![row.began_at.into(), row.campaign_id.into()]).await
}

/// How many campaigns there are.
pub async fn count(db: &Db, tenant: TenantId) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM campaigns c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.count(db, READING).await
}

/// One campaign.
pub async fn by_id(db: &Db, tenant: TenantId, id: CampaignId) -> Result<Option<CampaignRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM campaigns c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.campaign_id", Some(id.0));
    select.optional(db, READING).await
}

/// The campaigns of all tenants that go out, or will at a time.
pub async fn active(db: &Db) -> Result<Vec<CampaignRow>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM campaigns c", []);
    select.and_in("c.state", [CampaignState::Scheduled, CampaignState::Running].map(Into::into));
    select.all(db, READING).await
}

/// The names of the campaigns that have not ended, and name a list.
pub async fn naming_list(db: &Db, tenant: TenantId, list: ListId) -> Result<Vec<String>, QueryError> {
    let mut select = Select::new("SELECT c.* FROM campaigns c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    let open = CampaignState::ALL.iter().filter(|state| !state.has_ended());
    select.and_in("c.state", open.map(|state| (*state).into()));
    let rows: Vec<CampaignRow> = select.all(db, READING).await?;
    let names_it = |row: &CampaignRow| {
        let plan = row.plan.as_ref().and_then(|plan| serde_json::from_value::<CampaignPlan>(plan.0.clone()).ok());
        plan.is_some_and(|plan| plan.audience.all_lists().contains(&list))
    };
    Ok(rows.into_iter().filter(names_it).filter_map(|row| row.name).collect())
}

/// How many recipients each rule suppressed.
pub async fn suppressed(db: &Db, tenant: TenantId, id: CampaignId) -> Result<Vec<SuppressedRow>, QueryError> {
    let mut select = Select::new("SELECT s.rule, s.recipients FROM campaign_suppressed s", []);
    select.and_equal("s.tenant_id", Some(tenant.0));
    select.and_equal("s.campaign_id", Some(id.0));
    select.push(" ORDER BY s.rule", []);
    select.all(db, READING).await
}

/// A page of those who were left out, by customer.
pub async fn excluded(
    db: &Db,
    tenant: TenantId,
    id: CampaignId,
    page: &Page,
) -> Result<Slice<ExcludedRow>, QueryError> {
    let mut select = Select::new("SELECT e.customer_id, e.reason FROM campaign_excluded e", []);
    select.and_equal("e.tenant_id", Some(tenant.0));
    select.and_equal("e.campaign_id", Some(id.0));
    select.page(Key { columns: "e.customer_id", shape: "u", ascending: true }, page)?;
    select.slice(db, READING, page, |row: &ExcludedRow| vec![row.customer_id.into()]).await
}

/// The next customers of an audience by id, without regard to the lists that it excludes.
pub async fn audience_after(
    db: &Db,
    tenant: TenantId,
    audience: &Audience,
    after: Option<CustomerId>,
    most: usize,
) -> Result<Vec<CustomerId>, QueryError> {
    let mut found = BTreeSet::new();
    let each: Vec<Option<ListId>> =
        if audience.everybody { vec![None] } else { audience.lists.iter().copied().map(Some).collect() };
    for list in each {
        let mut select = match list {
            Some(list) => {
                let mut select = Select::new("SELECT a.customer_id FROM list_members a", []);
                select.and_equal("a.tenant_id", Some(tenant.0));
                select.and_equal("a.list_id", Some(list.0));
                select
            }
            None => {
                let mut select = Select::new("SELECT a.customer_id FROM customers a", []);
                select.and_equal("a.tenant_id", Some(tenant.0));
                // Expressions, so that customers are read in their order.
                select.and(
                    "COALESCE(a.merged, FALSE) = FALSE AND COALESCE(a.anonymous, FALSE) = FALSE \
                     AND COALESCE(a.forgotten_at, NULL) IS NULL",
                    [],
                );
                select
            }
        };
        if let Some(after) = after {
            select.and("a.customer_id > ?", [after.into()]);
        }
        select.push(&format!(" ORDER BY a.customer_id LIMIT {most}"), []);
        let rows: Vec<IdRow> = select.all(db, READING).await?;
        found.extend(rows.into_iter().map(|row| row.customer_id));
    }
    Ok(found.into_iter().take(most).collect())
}

/// Those of some customers who are members of any of some lists.
pub async fn members_of_any(
    db: &Db,
    tenant: TenantId,
    lists: &[ListId],
    customers: &[CustomerId],
) -> Result<BTreeSet<CustomerId>, QueryError> {
    let mut found = BTreeSet::new();
    for list in lists {
        found.extend(super::lists::members_among(db, tenant, *list, customers).await?);
    }
    Ok(found)
}
