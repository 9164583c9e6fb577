//! Lists of customers, their members, and who meets criteria.

mod compile;
mod explain;
mod fields;
mod growth;
mod piece;
#[cfg(test)]
mod plans;
mod preview;
mod range;
mod rows;
mod windows;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use compile::Moment;
pub use explain::{Explained, explain};
pub use growth::{Growth, growth};
pub use preview::{Preview, Samples, preview};
pub use range::{RANGE, Range, meeting, meeting_in, range_after};
pub use windows::{Window, Windows, moved};

use super::select::{Key, Select};
use super::{Json, Page, QueryError, Slice, customer_roots};
use crate::domain::list::criteria::Criterion;
use crate::domain::list::event::{ListKind, MemberCause};
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::sql::{Db, row};
use compile::{Compiler, Scope};

/// The condition on a customer `c` who can be a member of a smart list.
pub(super) const ACTING: &str = "c.merged = FALSE AND c.anonymous = FALSE AND c.forgotten_at IS NULL";

pub(super) const READING: &str = "lists";

/// How many customers are looked at with one question, if it names them.
pub const PIECE: usize = 500;

const BY_NAME: Key = Key { columns: "l.name, l.list_id", shape: "su", ascending: true };
const NEWEST_MEMBER: Key = Key::descending("m.entered_at, m.customer_id", "tu");
const NEWEST_CHANGE: Key = Key::descending("h.changed_at, h.position, h.customer_id", "tpu");

row! {
    /// A list.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ListRow {
        pub tenant_id: TenantId,
        pub list_id: ListId,
        pub kind: ListKind,
        pub name: String,
        /// Of a smart list.
        pub criteria: Option<Json>,
        /// The ids of the lists that the criteria ask for.
        pub uses: Option<Json>,
        /// Of the criteria, from 1; 0 of a static list.
        pub rule_version: i64,
        /// Of the criteria that the members meet.
        pub evaluated_version: i64,
        /// When all customers were looked at last.
        pub evaluated_at: Option<DateTime<Utc>>,
        /// What had been recorded then.
        pub evaluated_position: Option<Position>,
        /// How many.
        pub members: i64,
        pub created_at: DateTime<Utc>,
        pub changed_at: DateTime<Utc>,
        pub changed_by: String,
    }
}

impl ListRow {
    /// The criteria of a smart list; [`None`] of a static one.
    ///
    /// # Errors
    /// If another version of commlog wrote criteria that this one does not know.
    pub fn read_criteria(&self) -> Result<Option<Criterion>, serde_json::Error> {
        self.criteria.as_ref().map(|criteria| serde_json::from_value(criteria.0.clone())).transpose()
    }

    /// The lists whose members the criteria ask for.
    #[must_use]
    pub fn used(&self) -> Vec<ListId> {
        let uses = self.uses.as_ref().and_then(|uses| uses.0.as_array());
        uses.into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect()
    }
}

row! {
    /// A member of a list.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct MemberRow {
        pub tenant_id: TenantId,
        pub list_id: ListId,
        pub customer_id: CustomerId,
        pub entered_at: DateTime<Utc>,
        /// Why.
        pub cause: MemberCause,
        /// Of the criteria that were met then.
        pub rule_version: i64,
    }
}

row! {
    /// That somebody entered a list or left it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ChangeRow {
        pub list_id: ListId,
        pub customer_id: CustomerId,
        pub changed_at: DateTime<Utc>,
        pub position: Position,
        /// Or else left.
        pub entered: bool,
        /// Why.
        pub cause: MemberCause,
        /// Of the criteria.
        pub rule_version: i64,
    }
}

row! {
    struct MembershipRow {
        list_id: ListId,
        customer_id: CustomerId,
    }
}

row! {
    pub(super) struct IdRow {
        pub customer_id: CustomerId,
    }
}

/// All lists of all tenants.
pub async fn all(db: &Db) -> Result<Vec<ListRow>, QueryError> {
    Select::new("SELECT l.* FROM lists l ORDER BY l.tenant_id, l.list_id", []).all(db, READING).await
}

/// A page of a tenant's lists, by name.
pub async fn list(db: &Db, tenant: TenantId, page: &Page) -> Result<Slice<ListRow>, QueryError> {
    let mut select = Select::new("SELECT l.* FROM lists l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.page(BY_NAME, page)?;
    select.slice(db, READING, page, |row: &ListRow| vec![row.name.as_str().into(), row.list_id.into()]).await
}

/// One list.
pub async fn by_id(db: &Db, tenant: TenantId, id: ListId) -> Result<Option<ListRow>, QueryError> {
    let mut select = Select::new("SELECT l.* FROM lists l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.and_equal("l.list_id", Some(id.0));
    select.optional(db, READING).await
}

/// The lists of a name; people may give one to several.
pub async fn by_name(db: &Db, tenant: TenantId, name: &str) -> Result<Vec<ListRow>, QueryError> {
    let mut select = Select::new("SELECT l.* FROM lists l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.and_equal("l.name", Some(name));
    select.push(" ORDER BY l.list_id LIMIT 10", []);
    select.all(db, READING).await
}

/// The lists that ask for a list's members.
pub async fn users_of(db: &Db, tenant: TenantId, id: ListId) -> Result<Vec<ListRow>, QueryError> {
    let mut select = Select::new("SELECT l.* FROM lists l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.and("l.uses IS NOT NULL", []);
    let rows: Vec<ListRow> = select.all(db, READING).await?;
    Ok(rows.into_iter().filter(|row| row.used().contains(&id)).collect())
}

/// A page of a list's members, who entered last first.
pub async fn members(db: &Db, tenant: TenantId, list: ListId, page: &Page) -> Result<Slice<MemberRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.list_id", Some(list.0));
    select.page(NEWEST_MEMBER, page)?;
    select.slice(db, READING, page, |row: &MemberRow| vec![row.entered_at.into(), row.customer_id.into()]).await
}

/// The lists that a person is a member of, by name.
pub async fn of_customer(db: &Db, tenant: TenantId, customer: CustomerId) -> Result<Vec<MemberRow>, QueryError> {
    let person = customer_roots::whole(db, tenant, customer).await?;
    // There are few lists: the person is looked up in each.
    let mut select = Select::new("SELECT m.* FROM lists l CROSS JOIN list_members m", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.and("m.tenant_id = l.tenant_id AND m.list_id = l.list_id", []);
    select.and_equal("m.customer_id", Some(person.root.0));
    select.push(" ORDER BY l.name, m.list_id LIMIT 1000", []);
    select.all(db, READING).await
}

/// A page of who entered and left a list, the last change first.
pub async fn changes(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    between: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    page: &Page,
) -> Result<Slice<ChangeRow>, QueryError> {
    let mut select = Select::new("SELECT h.* FROM list_changes h", []);
    of_list(&mut select, tenant, list, between);
    select.page(NEWEST_CHANGE, page)?;
    let key = |row: &ChangeRow| vec![row.changed_at.into(), row.position.into(), row.customer_id.into()];
    select.slice(db, READING, page, key).await
}

/// How many times somebody entered or left a list.
pub async fn count_changes(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    between: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM list_changes h", []);
    of_list(&mut select, tenant, list, between);
    select.count(db, READING).await
}

fn of_list(
    select: &mut Select,
    tenant: TenantId,
    list: ListId,
    between: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) {
    select.and_equal("h.tenant_id", Some(tenant.0));
    select.and_equal("h.list_id", Some(list.0));
    for (sign, moment) in [(">=", between.0), ("<", between.1)] {
        if let Some(moment) = moment {
            select.and(&format!("h.changed_at {sign} ?"), [moment.into()]);
        }
    }
}

/// The last change of a list.
pub async fn last_change(db: &Db, tenant: TenantId, list: ListId) -> Result<Option<ChangeRow>, QueryError> {
    let mut select = Select::new("SELECT h.* FROM list_changes h", []);
    of_list(&mut select, tenant, list, (None, None));
    select.order(NEWEST_CHANGE, false);
    select.push(" LIMIT 1", []);
    select.optional(db, READING).await
}

/// The changes of a list that follow one, in order.
pub async fn changes_after(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    after: Option<&ChangeRow>,
    limit: usize,
) -> Result<Vec<ChangeRow>, QueryError> {
    let mut select = Select::new("SELECT h.* FROM list_changes h", []);
    of_list(&mut select, tenant, list, (None, None));
    if let Some(row) = after {
        let key = [row.changed_at.into(), row.position.into(), row.customer_id.into()];
        select.and(&format!("({}) > (?, ?, ?)", NEWEST_CHANGE.columns), key);
    }
    select.order(NEWEST_CHANGE, true);
    select.push(&format!(" LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// How many lists a tenant has.
pub async fn count(db: &Db, tenant: TenantId) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM lists l", []);
    select.and_equal("l.tenant_id", Some(tenant.0));
    select.count(db, READING).await
}

/// The members of a list in a range, by id.
pub async fn members_in(db: &Db, tenant: TenantId, list: ListId, range: Range) -> Result<Vec<CustomerId>, QueryError> {
    let mut select = Select::new("SELECT m.customer_id FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.list_id", Some(list.0));
    let within = range.of("m.customer_id");
    select.push(&within.text, within.values);
    ids(db, select).await
}

/// All members of a list, by id.
pub async fn member_ids(db: &Db, tenant: TenantId, list: ListId) -> Result<Vec<CustomerId>, QueryError> {
    let mut select = Select::new("SELECT m.customer_id FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.list_id", Some(list.0));
    ids(db, select).await
}

/// Since when some customers are members of a list.
pub async fn entered_among(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    customers: &[CustomerId],
) -> Result<Vec<MemberRow>, QueryError> {
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT m.* FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.list_id", Some(list.0));
    select.and_in("m.customer_id", customers.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

/// Those of some customers who are members of a list, by id.
pub async fn members_among(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    customers: &[CustomerId],
) -> Result<Vec<CustomerId>, QueryError> {
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT m.customer_id FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.list_id", Some(list.0));
    select.and_in("m.customer_id", customers.iter().map(|id| id.0.into()));
    ids(db, select).await
}

/// Of each list with members among some customers, those members, by id.
pub async fn memberships(
    db: &Db,
    tenant: TenantId,
    customers: &[CustomerId],
) -> Result<HashMap<ListId, Vec<CustomerId>>, QueryError> {
    let mut lists: HashMap<ListId, Vec<CustomerId>> = HashMap::new();
    if customers.is_empty() {
        return Ok(lists);
    }
    let rows: Vec<MembershipRow> = of_members(tenant, customers).all(db, READING).await?;
    for row in rows {
        lists.entry(row.list_id).or_default().push(row.customer_id);
    }
    lists.values_mut().for_each(|members| members.sort_unstable());
    Ok(lists)
}

/// The question of [`memberships`].
fn of_members(tenant: TenantId, customers: &[CustomerId]) -> Select {
    let mut select = Select::new("SELECT m.list_id, m.customer_id FROM list_members m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_in("m.customer_id", customers.iter().map(|id| id.0.into()));
    select
}

async fn ids(db: &Db, select: Select) -> Result<Vec<CustomerId>, QueryError> {
    let rows: Vec<IdRow> = select.all(db, READING).await?;
    let mut ids: Vec<CustomerId> = rows.into_iter().map(|row| row.customer_id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Some persons, and the records that each is made of.
#[derive(Debug, Clone, Default)]
pub struct Persons {
    /// The acting record and one of the person's records.
    records: Vec<(Uuid, Uuid)>,
    /// The ids that have rows of lists: of those that act, and of those that acted before they were merged.
    pub ids: Vec<CustomerId>,
    /// Who acts for each customer that was asked for.
    pub acting: Vec<(CustomerId, CustomerId)>,
}

impl Persons {
    /// Of all, the persons of those who are asked for.
    #[must_use]
    pub fn among(&self, asked: &BTreeSet<CustomerId>) -> Self {
        let acting: Vec<_> = self.acting.iter().copied().filter(|(customer, _)| asked.contains(customer)).collect();
        let roots: BTreeSet<Uuid> = acting.iter().map(|(_, root)| root.0).collect();
        let records = self.records.iter().copied().filter(|(root, _)| roots.contains(root)).collect();
        let ids: BTreeSet<CustomerId> = acting.iter().flat_map(|&(customer, root)| [customer, root]).collect();
        Self { records, ids: ids.into_iter().collect(), acting }
    }
}

/// The persons of some customers.
pub async fn persons(db: &Db, tenant: TenantId, customers: &[CustomerId]) -> Result<Persons, QueryError> {
    let wholes = customer_roots::wholes(db, tenant, customers).await?;
    let (mut records, mut ids, mut acting) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for whole in wholes {
        acting.push((whole.asked, whole.root));
        records.extend(whole.ids().into_iter().map(|id| (whole.root.0, id.0)));
        ids.extend([whole.root, whole.asked]);
    }
    Ok(Persons { records: records.into_iter().collect(), ids: ids.into_iter().collect(), acting })
}

/// Those of some persons who meet criteria, by id.
pub async fn meeting_among(
    db: &Db,
    tenant: TenantId,
    criteria: &Criterion,
    moment: &Moment,
    persons: &Persons,
) -> Result<Vec<CustomerId>, QueryError> {
    if persons.records.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope::Of(&persons.records);
    ids(db, Compiler::new(db.engine(), tenant, moment, scope).select("c.customer_id", criteria)).await
}

/// Those of some customers who exist and act for themselves, by id.
pub async fn acting(db: &Db, tenant: TenantId, customers: &[CustomerId]) -> Result<Vec<CustomerId>, QueryError> {
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT c.customer_id FROM customers c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and("c.merged = FALSE AND c.forgotten_at IS NULL", []);
    select.and_in("c.customer_id", customers.iter().map(|id| id.0.into()));
    ids(db, select).await
}
