//! Lists of customers, newest first.
//!
//! A list whose conditions many customers meet is read in order until its page is full. Where few meet one of them, those
//! are found by that condition and sorted: a list that finds little costs as little as one that finds much.

use chrono::{DateTime, Utc};

use super::customer_condition::{Condition, bounds};
use super::customer_order::{CustomerOrder, Ranked, Source};
use super::customers::{COLUMNS, CustomerRow, READING};
use super::select::{Counted, Select};
use super::{Page, QueryError, Slice, customer_roots, search};
use crate::domain::consent::event::ConsentState;
use crate::domain::value::address::calling_code;
use crate::domain::value::{Channel, Direction};
use crate::ids::{ImportId, TenantId};
use crate::sql::{Db, Value};

/// When we last heard of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFilter {
    /// The customer's messages, or ours that a provider took.
    pub direction: Direction,
    /// On this channel only.
    pub channel: Option<Channel>,
    pub since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
    /// There was no such message.
    pub never: bool,
}

/// What somebody allows on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentFilter {
    pub channel: Channel,
    pub state: ConsentState,
    /// On this topic; otherwise on any.
    pub topic: Option<String>,
}

/// So many customers are sorted in a few milliseconds; fewer where their rank is looked up first, or where the names of all
/// are in one index.
const FEW: u64 = 10_000;
const FEW_RANKED: u64 = 5_000;
const FEW_NAMED: u64 = 1_000;

/// Counting for a page of a list ends here.
const MOST_COUNTED: u64 = 10_000;

/// Which customers are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CustomerFilter {
    /// Parts of the name, of an address or of the external id, as `search` reads them; all must occur.
    pub search: Option<String>,
    /// The country of phone numbers in `search` that are begun as inside a country: its code of two letters.
    pub region: Option<String>,
    pub territory: Option<String>,
    pub account_type: Option<String>,
    pub priority: Option<String>,
    pub owner: Option<String>,
    pub industry: Option<String>,
    /// All of these.
    pub tags: Vec<String>,
    pub lead_score_min: Option<i64>,
    pub lead_score_max: Option<i64>,
    pub has_email: Option<bool>,
    pub has_phone: Option<bool>,
    pub anonymous: Option<bool>,
    pub import_id: Option<ImportId>,
    pub registered_since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub registered_until: Option<DateTime<Utc>>,
    /// BCP 47, exactly.
    pub locale: Option<String>,
    /// All of these.
    pub contacts: Vec<ContactFilter>,
    /// All of these, as they were said last.
    pub consents: Vec<ConsentFilter>,
    pub last_order_since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub last_order_until: Option<DateTime<Utc>>,
    /// Forgotten customers are left out unless this is set.
    pub include_forgotten: bool,
}

/// The most tags of a filter.
const MOST_TAGS: usize = 20;

/// The most contacts, and the most consents, of a filter.
const MOST_CONTACTS: usize = 5;

impl CustomerFilter {
    /// Says which part of the filter costs more than a query may, and what would be right.
    ///
    /// # Errors
    /// The part's name in the API, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.search.as_deref().map_or(Ok(()), search::check).map_err(|reason| ("search", reason))?;
        if self.tags.len() > MOST_TAGS {
            return Err(("tags", format!("has {} tags; at most {MOST_TAGS} are allowed", self.tags.len())));
        }
        for (part, count) in [("contacts", self.contacts.len()), ("consents", self.consents.len())] {
            if count > MOST_CONTACTS {
                return Err((part, format!("has {count} entries; at most {MOST_CONTACTS} are allowed")));
            }
        }
        let both = |contact: &ContactFilter| contact.never && (contact.since.is_some() || contact.until.is_some());
        if self.contacts.iter().any(both) {
            return Err(("contacts", "`never` leaves nothing for `since` and `until`".to_owned()));
        }
        Ok(())
    }
}

/// A page of customers; a merged customer is found as its survivor.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &CustomerFilter,
    order: CustomerOrder,
    page: &Page,
) -> Result<Slice<CustomerRow>, QueryError> {
    let conditions = Conditions::of(tenant, filter, order);
    let narrowest = conditions.narrowest(db).await?;
    let mut select = Select::new(&format!("{COLUMNS} ("), []);
    if order.is_ranked() {
        conditions.ranked(&mut select, narrowest, order, page)?;
    } else if order.is_by_name() && narrowest.is_none() {
        conditions.named(&mut select, order, page)?;
    } else {
        select.begin("SELECT c.* FROM ");
        conditions.restrict(&mut select, narrowest);
        select.page(order.key(), page)?;
    }
    select.push(") c", []);
    select.order(order.key(), page.from_end);
    let mut slice = if order.has_revenue() {
        let slice = select.slice(db, READING, page, Ranked::key).await?;
        slice.map(|ranked| ranked.row)
    } else {
        select.slice(db, READING, page, |row| order.key_of(row)).await?
    };
    let ids: Vec<_> = slice.rows.iter().map(|(_, row)| row.customer_id).collect();
    for ((_, row), whole) in slice.rows.iter_mut().zip(customer_roots::wholes(db, tenant, &ids).await?) {
        row.merged = whole.merged;
    }
    Ok(slice)
}

/// How many customers a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &CustomerFilter) -> Result<u64, QueryError> {
    count_to(db, tenant, filter, CustomerOrder::default(), None).await
}

/// How many customers a list has, counted up to 10,000.
pub async fn count_list(
    db: &Db,
    tenant: TenantId,
    filter: &CustomerFilter,
    order: CustomerOrder,
) -> Result<Counted, QueryError> {
    let count = count_to(db, tenant, filter, order, Some(MOST_COUNTED + 1)).await?;
    Ok(Counted { count: count.min(MOST_COUNTED), exact: count <= MOST_COUNTED })
}

async fn count_to(
    db: &Db,
    tenant: TenantId,
    filter: &CustomerFilter,
    order: CustomerOrder,
    most: Option<u64>,
) -> Result<u64, QueryError> {
    let mut conditions = Conditions::of(tenant, filter, CustomerOrder::default());
    conditions.finding.extend(order.condition(tenant));
    let narrowest = conditions.narrowest(db).await?;
    let mut select = Select::new("SELECT COUNT(*) AS count FROM ", []);
    if most.is_some() {
        select.begin("(SELECT 1 AS one FROM ");
    }
    conditions.restrict(&mut select, narrowest);
    if let Some(most) = most {
        select.push(&format!(" LIMIT {most}) n"), []);
    }
    select.count(db, READING).await
}

/// What a filter asks for.
pub(super) struct Conditions<'a> {
    tenant: TenantId,
    filter: &'a CustomerFilter,
    order: CustomerOrder,
    finding: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    pub(super) fn of(tenant: TenantId, filter: &'a CustomerFilter, order: CustomerOrder) -> Self {
        let is_by_registration = !order.is_ranked() && !order.is_by_name();
        let mut finding = if is_by_registration { Vec::new() } else { Self::of_index(tenant, filter) };
        for (column, value) in [
            ("territory", filter.territory.clone().map(Value::from)),
            ("account_type", filter.account_type.clone().map(Value::from)),
            ("priority", filter.priority.clone().map(Value::from)),
            ("owner", filter.owner.clone().map(Value::from)),
            ("industry", filter.industry.clone().map(Value::from)),
            ("locale", filter.locale.clone().map(Value::from)),
            ("import_id", filter.import_id.map(Value::from)),
        ] {
            if let Some(value) = value {
                finding.push(Condition::column(tenant, &format!("{column} = ?"), vec![value], true));
            }
        }
        let scores: Vec<(&str, Value)> =
            [("lead_score >= ?", filter.lead_score_min), ("lead_score <= ?", filter.lead_score_max)]
                .into_iter()
                .filter_map(|(condition, score)| Some((condition, score?.into())))
                .collect();
        if !scores.is_empty() {
            let (texts, values): (Vec<_>, Vec<_>) = scores.into_iter().unzip();
            finding.push(Condition::column(tenant, &texts.join(" AND "), values, false));
        }
        finding.extend(filter.tags.iter().map(|tag| Condition::tag(tenant, tag)));
        finding.extend(filter.contacts.iter().map(|contact| Condition::contact(tenant, contact)));
        finding.extend(filter.consents.iter().map(|consent| Condition::consent(tenant, consent)));
        if filter.last_order_since.is_some() || filter.last_order_until.is_some() {
            let bounds = bounds(filter.last_order_since, filter.last_order_until);
            finding.push(Condition::latest(tenant, "customer_totals", "last_order_at", None, &bounds));
        }
        let code = filter.region.as_deref().and_then(calling_code);
        let terms = filter.search.iter().flat_map(|text| search::terms(text, code.as_deref()));
        finding.extend(terms.map(|term| Condition::term(tenant, &term)));
        Self { tenant, filter, order, finding }
    }

    /// What a list by registration needs no help with, as an index has those in order.
    fn of_index(tenant: TenantId, filter: &CustomerFilter) -> Vec<Condition> {
        let flags = [
            ("anonymous = TRUE", filter.anonymous == Some(true)),
            ("has_email = FALSE", filter.has_email == Some(false)),
            ("has_phone = TRUE", filter.has_phone == Some(true)),
        ];
        let mut conditions: Vec<Condition> = flags
            .into_iter()
            .filter(|(_, is_asked)| *is_asked)
            .map(|(text, _)| Condition::column(tenant, text, vec![], true))
            .collect();
        let (texts, values): (Vec<String>, Vec<Value>) = bounds(filter.registered_since, filter.registered_until)
            .into_iter()
            .map(|(sign, moment)| (format!("registered_at {sign} ?"), moment.into()))
            .unzip();
        if !texts.is_empty() {
            conditions.push(Condition::column(tenant, &texts.join(" AND "), values, true));
        }
        conditions
    }

    /// The condition that few customers meet, if there is one.
    async fn narrowest(&self, db: &Db) -> Result<Option<usize>, QueryError> {
        // In order, and nothing else to look for.
        if let [only] = &*self.finding
            && matches!(self.order, CustomerOrder::NewestFirst | CustomerOrder::OldestFirst)
            && only.ordered
            && [self.filter.has_email, self.filter.has_phone, self.filter.anonymous].iter().all(Option::is_none)
        {
            return Ok(None);
        }
        let few = match self.order {
            order if order.is_ranked() => FEW_RANKED,
            order if order.is_by_name() => FEW_NAMED,
            _ => FEW,
        };
        let mut narrowest: Option<(u64, usize)> = None;
        for (index, condition) in self.finding.iter().enumerate().filter(|(_, condition)| !condition.find.is_empty()) {
            let mut select = Select::new("SELECT COUNT(*) AS count FROM (SELECT 1 AS one FROM (", []);
            select.push(&condition.find, condition.find_values.iter().cloned());
            select.push(&format!(") f LIMIT {}) n", few + 1), []);
            let found = select.count(db, READING).await?;
            if found <= few && narrowest.is_none_or(|(least, _)| found < least) {
                narrowest = Some((found, index));
            }
        }
        Ok(narrowest.map(|(_, index)| index))
    }

    /// Adds a page in an order of which another table has an index: of those who are one record, and where figures are
    /// summed, of those whom several records stand for.
    fn ranked(
        &self,
        select: &mut Select,
        narrowest: Option<usize>,
        order: CustomerOrder,
        page: &Page,
    ) -> Result<(), QueryError> {
        select.push("SELECT * FROM (", []);
        for (index, source) in order.sources(self.tenant).into_iter().enumerate() {
            select.push(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" }, []);
            self.source(select, narrowest, &source, order);
            select.page(order.key_within(), page)?;
            select.push(&format!(") p{index}"), []);
        }
        select.push(") c", []);
        select.order(order.key(), page.from_end);
        select.push(&format!(" LIMIT {}", page.size + 1), []);
        Ok(())
    }

    /// Adds a page by name out of the index alone, and then its customers.
    pub(super) fn named(&self, select: &mut Select, order: CustomerOrder, page: &Page) -> Result<(), QueryError> {
        select.begin("SELECT c.* FROM (SELECT c.customer_id FROM customers c");
        self.conditions(select, None);
        select.page(order.key(), page)?;
        // On SQLite, the order of a cross join is the order of reading.
        select.begin(") k CROSS JOIN customers c");
        select.and_equal("c.tenant_id", Some(self.tenant.0));
        select.and("c.customer_id = k.customer_id", []);
        Ok(())
    }

    /// Adds the customers that one source ranks.
    pub(super) fn source(&self, select: &mut Select, narrowest: Option<usize>, source: &Source, order: CustomerOrder) {
        let ranks = |select: &mut Select, text: &str| select.push(text, source.table_values.iter().cloned());
        select.begin(&format!("SELECT c.*, {} FROM ", order.rank()));
        // On SQLite, the order of a cross join is the order of reading.
        if narrowest.is_some() {
            self.tables(select, narrowest);
            ranks(select, &format!(" CROSS JOIN {} k", source.table));
        } else {
            ranks(select, &format!("{} k CROSS JOIN ", source.table));
            self.tables(select, narrowest);
        }
        select.and("k.customer_id = c.customer_id", []);
        select.and(&source.holds, source.values.iter().cloned());
        self.conditions(select, narrowest);
    }

    /// Adds the tables and all conditions.
    fn restrict(&self, select: &mut Select, narrowest: Option<usize>) {
        self.tables(select, narrowest);
        self.conditions(select, narrowest);
    }

    fn tables(&self, select: &mut Select, narrowest: Option<usize>) {
        if let Some(found) = narrowest.and_then(|index| self.finding.get(index)) {
            select.push("(SELECT DISTINCT f.customer_id FROM (", []);
            select.push(&found.find, found.find_values.iter().cloned());
            // On SQLite, the order of a cross join is the order of reading.
            select.push(") f) n CROSS JOIN customers c", []);
        } else {
            select.push("customers c", []);
        }
    }

    fn conditions(&self, select: &mut Select, narrowest: Option<usize>) {
        select.and_equal("c.tenant_id", Some(self.tenant.0));
        if narrowest.is_some() {
            select.and("c.customer_id = n.customer_id", []);
        }
        select.and("c.merged = FALSE", []);
        let is_named = self.order.is_by_name();
        let is_walked = is_named && narrowest.is_none();
        if is_named {
            select.and("c.sort_name IS NOT NULL", []);
        }
        for condition in &self.finding {
            let unindexed = condition.holds_unindexed.as_ref().filter(|_| is_walked);
            select.and(unindexed.unwrap_or(&condition.holds), condition.values.iter().cloned());
        }
        let filter = self.filter;
        let column = |name: &str| if is_walked { format!("COALESCE(c.{name}, NULL)") } else { format!("c.{name}") };
        for (name, value) in
            [("anonymous", filter.anonymous), ("has_email", filter.has_email), ("has_phone", filter.has_phone)]
        {
            // Written out: an index of those alone is found by it.
            match value {
                Some(true) => select.and(&format!("{} = TRUE", column(name)), []),
                Some(false) => select.and(&format!("{} = FALSE", column(name)), []),
                None => {}
            }
        }
        for (sign, moment) in bounds(filter.registered_since, filter.registered_until) {
            select.and(&format!("{} {sign} ?", column("registered_at")), [moment.into()]);
        }
        if !filter.include_forgotten {
            select.and("c.forgotten_at IS NULL", []);
        }
    }
}
