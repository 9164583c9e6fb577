//! Lists of customers, newest first.
//!
//! A list whose conditions many customers meet is read in order until its page is full. Where few meet one of them, those
//! are found by that condition and sorted: a list that finds little costs as little as one that finds much.

use chrono::{DateTime, Utc};

use super::customers::{COLUMNS, CustomerRow, READING};
use super::select::{Key, Select};
use super::{Page, QueryError, Slice, customer_roots, search};
use crate::domain::consent::event::ConsentState;
use crate::domain::value::{Channel, Direction};
use crate::ids::{ImportId, TenantId};
use crate::sql::{Db, Value};

/// The order of a list of customers, by the time at which they became known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CustomerOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl CustomerOrder {
    const fn key(self) -> Key {
        Key { columns: "c.registered_at, c.customer_id", shape: "tu", ascending: matches!(self, Self::OldestFirst) }
    }
}

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

/// So many customers are sorted in a few milliseconds.
const FEW: u64 = 10_000;

/// Which customers are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CustomerFilter {
    /// Parts of the name, of an address or of the external id, as `search` reads them; all must occur.
    pub search: Option<String>,
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
    let conditions = Conditions::of(tenant, filter);
    let narrowest = conditions.narrowest(db).await?;
    let mut select = Select::new(&format!("{COLUMNS} ("), []);
    select.begin("SELECT c.* FROM ");
    conditions.restrict(&mut select, narrowest);
    select.page(order.key(), page)?;
    select.push(") c", []);
    select.order(order.key(), page.from_end);
    let key = |row: &CustomerRow| vec![row.registered_at.into(), row.customer_id.into()];
    let mut slice = select.slice(db, READING, page, key).await?;
    let ids: Vec<_> = slice.rows.iter().map(|(_, row)| row.customer_id).collect();
    for ((_, row), whole) in slice.rows.iter_mut().zip(customer_roots::wholes(db, tenant, &ids).await?) {
        row.merged = whole.merged;
    }
    Ok(slice)
}

/// How many customers a filter finds.
pub async fn count(db: &Db, tenant: TenantId, filter: &CustomerFilter) -> Result<u64, QueryError> {
    let conditions = Conditions::of(tenant, filter);
    let narrowest = conditions.narrowest(db).await?;
    let mut select = Select::new("SELECT COUNT(*) AS count FROM ", []);
    conditions.restrict(&mut select, narrowest);
    select.count(db, READING).await
}

/// From a moment, and before one.
fn bounds(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Vec<(&'static str, DateTime<Utc>)> {
    [(">=", since), ("<", until)].into_iter().filter_map(|(sign, moment)| Some((sign, moment?))).collect()
}

/// A condition by which customers can be found.
struct Condition {
    /// Holds for a customer `c`.
    holds: String,
    /// Finds the ids of those for whom it holds, as `customer_id`; it may find more, and some of them twice. Empty where no index
    /// finds them.
    find: String,
    /// Of `find`.
    find_values: Vec<Value>,
    /// Of `holds`.
    values: Vec<Value>,
    /// Whether an index gives those for whom it holds in the order of the list.
    ordered: bool,
}

/// What a filter asks for.
struct Conditions<'a> {
    tenant: TenantId,
    filter: &'a CustomerFilter,
    finding: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    fn of(tenant: TenantId, filter: &'a CustomerFilter) -> Self {
        let mut finding = Vec::new();
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
        let terms = filter.search.iter().flat_map(|text| search::terms(text));
        finding.extend(terms.map(|term| Condition::term(tenant, &term)));
        Self { tenant, filter, finding }
    }

    /// The condition that few customers meet, if there is one.
    async fn narrowest(&self, db: &Db) -> Result<Option<usize>, QueryError> {
        // In order, and nothing else to look for.
        if let [only] = &*self.finding
            && only.ordered
            && [self.filter.has_email, self.filter.has_phone, self.filter.anonymous].iter().all(Option::is_none)
        {
            return Ok(None);
        }
        let mut narrowest: Option<(u64, usize)> = None;
        for (index, condition) in self.finding.iter().enumerate().filter(|(_, condition)| !condition.find.is_empty()) {
            let mut select = Select::new("SELECT COUNT(*) AS count FROM (SELECT 1 AS one FROM (", []);
            select.push(&condition.find, condition.find_values.iter().cloned());
            select.push(&format!(") f LIMIT {}) n", FEW + 1), []);
            let found = select.count(db, READING).await?;
            if found <= FEW && narrowest.is_none_or(|(least, _)| found < least) {
                narrowest = Some((found, index));
            }
        }
        Ok(narrowest.map(|(_, index)| index))
    }

    /// Adds the tables and all conditions.
    fn restrict(&self, select: &mut Select, narrowest: Option<usize>) {
        if let Some(found) = narrowest.and_then(|index| self.finding.get(index)) {
            select.push("(SELECT DISTINCT f.customer_id FROM (", []);
            select.push(&found.find, found.find_values.iter().cloned());
            // On SQLite, the order of a cross join is the order of reading.
            select.push(") f) n CROSS JOIN customers c", []);
            select.and_equal("c.tenant_id", Some(self.tenant.0));
            select.and("c.customer_id = n.customer_id", []);
        } else {
            select.push("customers c", []);
            select.and_equal("c.tenant_id", Some(self.tenant.0));
        }
        select.and("c.merged = FALSE", []);
        for condition in &self.finding {
            select.and(&condition.holds, condition.values.iter().cloned());
        }
        let filter = self.filter;
        for (column, value) in
            [("c.anonymous", filter.anonymous), ("c.has_email", filter.has_email), ("c.has_phone", filter.has_phone)]
        {
            // Written out: an index of those alone is found by it.
            match value {
                Some(true) => select.and(&format!("{column} = TRUE"), []),
                Some(false) => select.and(&format!("{column} = FALSE"), []),
                None => {}
            }
        }
        for (condition, value) in [
            ("c.registered_at >= ?", filter.registered_since.map(Value::from)),
            ("c.registered_at < ?", filter.registered_until.map(Value::from)),
        ] {
            if let Some(value) = value {
                select.and(condition, [value]);
            }
        }
        if !filter.include_forgotten {
            select.and("c.forgotten_at IS NULL", []);
        }
    }
}

impl Condition {
    /// On columns of `customers`.
    fn column(tenant: TenantId, text: &str, values: Vec<Value>, ordered: bool) -> Self {
        let on = |alias: &str| {
            let parts: Vec<String> = text.split(" AND ").map(|part| format!("{alias}.{part}")).collect();
            parts.join(" AND ")
        };
        Self {
            holds: on("c"),
            find: format!(
                "SELECT m.customer_id FROM customers m WHERE m.tenant_id = ? AND m.merged = FALSE AND {}",
                on("m")
            ),
            find_values: std::iter::once(tenant.0.into()).chain(values.iter().cloned()).collect(),
            values,
            ordered,
        }
    }

    fn contact(tenant: TenantId, contact: &ContactFilter) -> Self {
        let column = match contact.direction {
            Direction::Inbound => "last_inbound_at",
            Direction::Outbound => "last_outbound_at",
        };
        // No message is older than 1970.
        let any = contact.since.is_none() && contact.until.is_none() && !contact.never;
        let since = if any { Some(DateTime::UNIX_EPOCH) } else { contact.since };
        Self::latest(tenant, "customer_contacts", column, contact.channel, &bounds(since, contact.until))
    }

    /// On the latest moment in a column of all of a person's rows of a table; without bounds, that there is none.
    fn latest(
        tenant: TenantId,
        table: &str,
        column: &str,
        channel: Option<Channel>,
        bounds: &[(&str, DateTime<Utc>)],
    ) -> Self {
        let on_channel = if channel.is_some() { " AND t.channel = ?" } else { "" };
        let latest = format!(
            "(SELECT MAX(t.{column}) FROM (SELECT c.customer_id AS id UNION ALL SELECT r.customer_id \
             FROM customer_roots r WHERE r.tenant_id = c.tenant_id AND r.root_id = c.customer_id) p \
             CROSS JOIN {table} t WHERE t.tenant_id = c.tenant_id AND t.customer_id = p.id{on_channel})"
        );
        let channel: Vec<Value> = channel.map(Value::from).into_iter().collect();
        if bounds.is_empty() {
            let holds = format!("{latest} IS NULL");
            return Self { holds, find: String::new(), find_values: vec![], values: channel, ordered: false };
        }
        let (mut holds, mut values) = (Vec::new(), Vec::new());
        let mut find = format!(
            "SELECT COALESCE(r.root_id, t.customer_id) AS customer_id FROM {table} t \
             LEFT JOIN customer_roots r ON r.tenant_id = t.tenant_id AND r.customer_id = t.customer_id \
             WHERE t.tenant_id = ?{on_channel} AND t.{column} IS NOT NULL"
        );
        let mut find_values: Vec<Value> = std::iter::once(tenant.0.into()).chain(channel.iter().cloned()).collect();
        for &(sign, moment) in bounds {
            holds.push(format!("{latest} {sign} ?"));
            values.extend(channel.iter().cloned().chain([moment.into()]));
            find.push_str(&format!(" AND t.{column} {sign} ?"));
            find_values.push(moment.into());
        }
        Self { holds: holds.join(" AND "), find, find_values, values, ordered: false }
    }

    /// On what a person, or somebody who was merged into it, said last.
    fn consent(tenant: TenantId, consent: &ConsentFilter) -> Self {
        let on_topic = if consent.topic.is_some() { " AND t.topic = ?" } else { "" };
        let mut values = vec![consent.channel.into(), consent.state.into()];
        values.extend(consent.topic.as_deref().map(Value::from));
        Self {
            holds: format!(
                "EXISTS (SELECT 1 FROM consents t WHERE t.tenant_id = c.tenant_id AND t.customer_id = c.customer_id \
                 AND t.channel || '' = ? AND t.state || '' = ?{})",
                on_topic.replace("t.topic", "t.topic || ''")
            ),
            find: format!(
                "SELECT t.customer_id FROM consents t \
                 WHERE t.tenant_id = ? AND t.channel = ? AND t.state = ?{on_topic}"
            ),
            find_values: std::iter::once(tenant.0.into()).chain(values.iter().cloned()).collect(),
            values,
            ordered: false,
        }
    }

    fn tag(tenant: TenantId, tag: &str) -> Self {
        Self {
            holds: "EXISTS (SELECT 1 FROM customer_tags g \
                    WHERE g.tenant_id = c.tenant_id AND g.customer_id = c.customer_id AND g.tag = ?)"
                .to_owned(),
            find: "SELECT g.customer_id FROM customer_tags g WHERE g.tenant_id = ? AND g.tag = ?".to_owned(),
            find_values: vec![tenant.0.into(), tag.into()],
            values: vec![tag.into()],
            ordered: false,
        }
    }

    /// The beginnings of tokens of the customer, or of somebody who was merged into it.
    fn term(tenant: TenantId, term: &search::Term) -> Self {
        // By the customer's own tokens: the index of all tokens would be searched for each customer.
        const HOLDS: &str = "EXISTS (SELECT 1 FROM (SELECT c.customer_id AS id UNION ALL \
            SELECT r.customer_id FROM customer_roots r \
            WHERE r.tenant_id = c.tenant_id AND r.root_id = c.customer_id) p \
            CROSS JOIN customer_tokens s WHERE s.tenant_id = c.tenant_id AND s.customer_id = p.id \
            AND s.token || '' >= ? AND s.token || '' < ?)";
        const FIND: &str = "SELECT COALESCE(r.root_id, s.customer_id) AS customer_id FROM customer_tokens s \
            LEFT JOIN customer_roots r ON r.tenant_id = s.tenant_id AND r.customer_id = s.customer_id \
            WHERE s.tenant_id = ? AND s.token >= ? AND s.token < ?";
        let range = |prefix: &str| [prefix.into(), search::end_of_prefix(prefix).into()];
        let groups: Vec<String> = term.0.iter().map(|group| vec![HOLDS; group.len()].join(" AND ")).collect();
        // Of what must all be there, the longest is the rarest.
        let longest = term.0.iter().filter_map(|group| group.iter().max_by_key(|prefix| prefix.len()));
        Self {
            holds: format!("({})", groups.join(" OR ")),
            find: vec![FIND; term.0.len()].join(" UNION ALL "),
            find_values: longest.flat_map(|prefix| std::iter::once(tenant.0.into()).chain(range(prefix))).collect(),
            values: term.0.iter().flatten().flat_map(|prefix| range(prefix)).collect(),
            ordered: false,
        }
    }
}
