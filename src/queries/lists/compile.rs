//! Criteria as SQL: one text for both engines, with bound values.
//!
//! Each criterion on what was recorded of customers becomes a set of persons that is joined; the others are conditions on the
//! customer's row. What nothing is known of meets no criterion, and meets its negation.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::piece::Piece;
use super::range::Range;
use super::rows::{ORDERS, Rows, activities, contacted_at, engaged_at, ordered, totals};
use crate::domain::list::criteria::{Amount, Count, Criterion, Engagement};
use crate::domain::value::{Channel, Currency};
use crate::ids::TenantId;
use crate::queries::select::{Select, padded_length};
use crate::sql::{Engine, Value};

/// What criteria are read at.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Windows of time end here.
    pub now: DateTime<Utc>,
    /// The day of the tenant's time zone, for anniversaries.
    pub today: NaiveDate,
    /// Whether orders and contacts after `now` are left out: for a look at an earlier moment.
    pub past: bool,
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// The customers of a range, each with what was recorded under the customer's own id.
    Range(Range),
    /// Some persons, each with the customers whose records count as theirs.
    Of(&'a [(Uuid, Uuid)]),
}

/// A question about customers in the making.
pub(super) struct Compiler<'a> {
    pub(super) engine: Engine,
    tenant: TenantId,
    pub(super) moment: &'a Moment,
    scope: Scope<'a>,
    joins: Vec<(String, Vec<Value>)>,
}

/// A person and a record that nobody is.
const NOBODY: (Uuid, Uuid) = (Uuid::nil(), Uuid::nil());

impl<'a> Compiler<'a> {
    pub fn new(engine: Engine, tenant: TenantId, moment: &'a Moment, scope: Scope<'a>) -> Self {
        Self { engine, tenant, moment, scope, joins: Vec::new() }
    }

    /// `SELECT columns` of the customers `c` who meet the criteria; the caller adds order and limit.
    pub fn select(mut self, columns: &str, criteria: &Criterion) -> Select {
        let holds = self.condition(criteria, true);
        let mut select = Select::new("", []);
        if let Scope::Of(persons) = self.scope {
            // Up to a length that texts have with nobody's id.
            let length = padded_length(persons.len());
            let rows = vec!["(?, ?)"; length].join(", ");
            let nobody = std::iter::repeat_n(&NOBODY, length - persons.len());
            let ids = persons.iter().chain(nobody).flat_map(|&(person, record)| [person.into(), record.into()]);
            select.push(&format!("WITH scope (person_id, customer_id) AS (VALUES {rows}) "), ids);
        }
        // SQLite would rather read all customers of a territory or an industry.
        let by_id = match self.engine {
            Engine::Sqlite => " INDEXED BY sqlite_autoindex_customers_1",
            Engine::Postgres => "",
        };
        select.push(&format!("SELECT {columns} FROM customers c{by_id}"), []);
        for (text, values) in std::mem::take(&mut self.joins) {
            select.push(&text, values);
        }
        select.and("c.tenant_id = ?", [self.tenant.into()]);
        select.and(super::ACTING, []);
        match self.scope {
            Scope::Of(_) => select.and("c.customer_id IN (SELECT person_id FROM scope)", []),
            Scope::Range(range) => {
                let within = range.of("c.customer_id");
                select.push(&within.text, within.values);
            }
        }
        select.and(&holds.text, holds.values);
        select
    }

    /// `required`: nobody can be found for whom it does not hold.
    fn condition(&mut self, criterion: &Criterion, required: bool) -> Piece {
        match criterion {
            Criterion::All(parts) => {
                Piece::joined(parts.iter().map(|part| self.condition(part, required)).collect(), " AND ")
            }
            Criterion::Any(parts) => {
                let required = required && parts.len() == 1;
                Piece::joined(parts.iter().map(|part| self.condition(part, required)).collect(), " OR ")
            }
            Criterion::Not(part) => self.condition(part, false).negated(),
            Criterion::AllInTerritory { territory } => Piece::new("c.territory = ?", [territory.as_str().into()]),
            Criterion::HighValue { min_revenue, currency } => {
                self.revenue(Some(*min_revenue), None, *currency, None, required)
            }
            Criterion::OrderedProduct { .. } | Criterion::Contact { .. } => self.has_rows(criterion, required),
            Criterion::NoOrderInDays { days, ordered_before } => self.no_order(*days, *ordered_before, required),
            Criterion::Custom(fields) => Piece::joined(
                fields.iter().map(|(name, values)| self.is_one_of(name, values.values())).collect(),
                " AND ",
            ),
            Criterion::Industry(words) => one_of("c.industry", words.one_of.iter().map(|word| word.as_str().into())),
            Criterion::LeadScore { min, max } => {
                let bounds = [(">=", min), ("<=", max)].into_iter();
                let bounds = bounds.filter_map(|(sign, bound)| {
                    Some(Piece::new(format!("c.lead_score {sign} ?"), [Value::Int((*bound)?)]))
                });
                Piece::joined(bounds.collect(), " AND ")
            }
            Criterion::HasEmail(has) => Piece::new("c.has_email = ?", [Value::Bool(*has)]),
            Criterion::HasPhone(has) => Piece::new("c.has_phone = ?", [Value::Bool(*has)]),
            Criterion::Tags { all_of, any_of, none_of } => self.tags(all_of, any_of, none_of, required),
            Criterion::Field(test) => self.field(test),
            Criterion::Consent { channel, topic, state } => {
                let mut set = Piece::new(
                    "SELECT DISTINCT t.customer_id AS id FROM consents t WHERE t.tenant_id = ? AND t.channel = ? AND t.state = ?",
                    [self.tenant.into(), (*channel).into(), (*state).into()],
                );
                if let Some(topic) = topic {
                    set = set.and(" AND t.topic = ?", topic.as_str());
                }
                self.member_of(self.own(set), required)
            }
            Criterion::Engagement(test) => self.counted(criterion, test.count(), required),
            Criterion::Orders(count) => self.counted(criterion, *count, required),
            Criterion::Activity(test) => self.counted(criterion, test.count(), required),
            Criterion::Revenue { min, max, currency, within_days } => {
                self.revenue(*min, *max, *currency, *within_days, required)
            }
            Criterion::MemberOf { list_id } => {
                let set = Piece::new(
                    "SELECT t.customer_id AS id FROM list_members t WHERE t.tenant_id = ? AND t.list_id = ?",
                    [self.tenant.into(), list_id.0.into()],
                );
                self.member_of(self.own(set), required)
            }
            Criterion::Anniversary { of, days_before, days_after } => self.anniversary(of, *days_before, *days_after),
            Criterion::Bucket { from, to, salt } => self.bucket(*from, *to, salt),
        }
    }

    /// Whether the customer is in a set: `SELECT … AS id` that has each person once.
    ///
    /// SQLite gives the set of `IN` an index, and takes joined sets for so small that it walks them once for each customer.
    /// PostgreSQL hashes joined sets of any size.
    fn member_of(&mut self, set: Piece, required: bool) -> Piece {
        if self.engine == Engine::Sqlite {
            return Piece::new(format!("c.customer_id IN ({})", set.text), set.values);
        }
        let name = format!("k{}", self.joins.len());
        let kind = if required { "JOIN" } else { "LEFT JOIN" };
        self.joins.push((format!(" {kind} ({}) {name} ON {name}.id = c.customer_id", set.text), set.values));
        if required { Piece::always() } else { Piece::new(format!("{name}.id IS NOT NULL"), []) }
    }

    /// Restricts a set that only the acting record has rows in.
    fn own(&self, set: Piece) -> Piece {
        match self.scope {
            Scope::Of(_) => set.then(Piece::new(" AND t.customer_id IN (SELECT person_id FROM scope)", [])),
            Scope::Range(range) => set.then(range.of("t.customer_id")),
        }
    }

    /// The persons who have rows, grouped, of whom `having` holds.
    fn persons(&self, rows: Rows, having: Piece) -> Piece {
        let (index, Rows { table, only, .. }) = (self.index(&rows), rows);
        let (from, person, within) = match self.scope {
            Scope::Range(range) => {
                (format!("{table} t{index} WHERE t.tenant_id = ?"), "t.customer_id", range.of("t.customer_id"))
            }
            Scope::Of(_) => (
                format!("scope s CROSS JOIN {table} t{index} WHERE t.tenant_id = ? AND t.customer_id = s.customer_id"),
                "s.person_id",
                Piece::default(),
            ),
        };
        Piece::new(format!("SELECT {person} AS id FROM {from}"), [self.tenant.into()])
            .then(within)
            .then(only)
            .then(Piece::new(format!(" GROUP BY {person}"), []))
            .then(having)
    }

    /// The index by which SQLite finds rows. It keeps no statistics and takes a tenant to have ten rows, so that it would read
    /// an index by time as a whole, once for each person.
    fn index(&self, rows: &Rows) -> String {
        let index = match (self.engine, self.scope) {
            (Engine::Postgres, _) => return String::new(),
            (Engine::Sqlite, Scope::Range(_)) => rows.by_range,
            (Engine::Sqlite, Scope::Of(_)) => rows.by_customer,
        };
        format!(" INDEXED BY {index}")
    }

    /// The rows of a window that ends now.
    fn within(&self, rows: Rows, days: Option<u32>) -> Rows {
        let mut only =
            Piece::new(format!("{} AND t.{} IS NOT NULL", rows.only.text, rows.at), rows.only.values.clone());
        if let Some(days) = days {
            let since = self.moment.now - TimeDelta::days(days.into());
            only = only.and(&format!(" AND t.{} > ?", rows.at), since);
        }
        if days.is_some() || self.moment.past {
            only = only.and(&format!(" AND t.{} <= ?", rows.at), self.moment.now);
        }
        Rows { only, ..rows }
    }

    /// The rows that a criterion looks at, in its window.
    fn rows_of(&self, leaf: &Criterion) -> Option<Rows> {
        let on_channel = |channel: Option<Channel>| match channel {
            Some(channel) => Piece::default().and(" AND t.channel = ?", channel),
            None => Piece::default(),
        };
        let (rows, days) = match leaf {
            // From the article's lines for a range, from the customer's orders for some.
            Criterion::OrderedProduct { sku_id, within_days } => {
                let rows = activities(self.orders_of(sku_id));
                (Rows { by_range: "sqlite_autoindex_activities_1", ..rows }, *within_days)
            }
            Criterion::NoOrderInDays { .. } => (activities(Piece::new(ORDERS, [])), None),
            Criterion::Orders(count) => (activities(Piece::new(ORDERS, [])), count.within_days),
            Criterion::Activity(test) => {
                let mut only = Piece::new(" AND t.kind = ?", [test.kind.into()]);
                if let Some(name) = &test.name {
                    only = only.and(" AND t.name = ?", name.as_str());
                }
                (activities(only), test.count().within_days)
            }
            Criterion::Contact { direction, channel, within_days } => {
                let (at, only) = (contacted_at(*direction), on_channel(*channel));
                let by_customer = "sqlite_autoindex_customer_contacts_1";
                (Rows { table: "customer_contacts", at, only, by_customer, by_range: by_customer }, *within_days)
            }
            Criterion::Engagement(test) => {
                let (at, mut only) = (engaged_at(test.kind), on_channel(test.channel));
                if let Some(campaign) = test.campaign_id {
                    only = only.and(" AND t.campaign_id = ?", campaign);
                }
                let by_customer = "messages_of_customer";
                // These have the few messages that somebody did something with.
                let by_range = match test.kind {
                    Engagement::Opened => "messages_opened",
                    Engagement::Clicked => "messages_clicked",
                    Engagement::Replied => "messages_replied",
                    Engagement::Sent | Engagement::Delivered => by_customer,
                };
                (Rows { table: "messages", at, only, by_customer, by_range }, test.count().within_days)
            }
            _ => return None,
        };
        Some(self.within(rows, days))
    }

    /// `SELECT count, last` of the rows that a criterion looks at.
    pub fn seen(self, leaf: &Criterion) -> Option<Select> {
        let rows = self.rows_of(leaf)?;
        let Scope::Of(persons) = self.scope else { return None };
        let index = self.index(&rows);
        let text = format!("SELECT COUNT(*) AS count, MAX(t.{}) AS last FROM {} t{index}", rows.at, rows.table);
        let mut select = Select::new(&text, []);
        select.and("t.tenant_id = ?", [self.tenant.into()]);
        select.and_in("t.customer_id", persons.iter().map(|&(_, record)| record.into()));
        select.push(&rows.only.text, rows.only.values);
        Some(select)
    }

    /// Who has rows that a criterion looks at.
    fn has_rows(&mut self, leaf: &Criterion, required: bool) -> Piece {
        match self.rows_of(leaf) {
            Some(rows) => {
                let set = self.persons(rows, Piece::default());
                self.member_of(set, required)
            }
            None => Piece::new("FALSE", []),
        }
    }

    /// Who has so many rows that a criterion looks at.
    fn counted(&mut self, leaf: &Criterion, count: Count, required: bool) -> Piece {
        let orders = matches!(leaf, Criterion::Orders(_)) && count.within_days.is_none() && !self.moment.past;
        let (rows, number) = match orders {
            true => (Some(ordered()), "SUM(t.orders - t.cancellations)"),
            false => (self.rows_of(leaf), "COUNT(*)"),
        };
        let Some(rows) = rows else { return Piece::always() };
        let having = match count.bounds() {
            (0, None) => return Piece::always(),
            (0, Some(most)) => {
                let set = self.persons(rows, Piece::new(format!(" HAVING {number} > ?"), [Value::from(most)]));
                return self.member_of(set, false).negated();
            }
            (1, None) => Piece::default(),
            (fewest, None) => Piece::new(format!(" HAVING {number} >= ?"), [Value::from(fewest)]),
            (fewest, Some(most)) => {
                Piece::new(format!(" HAVING {number} BETWEEN ? AND ?"), [fewest.into(), most.into()])
            }
        };
        let set = self.persons(rows, having);
        self.member_of(set, required)
    }

    /// The condition on an activity that it is an order of an article.
    fn orders_of(&self, sku: &str) -> Piece {
        let only = Piece::new(ORDERS, []);
        match self.scope {
            Scope::Range(range) => only
                .and(
                    " AND t.activity_id IN (SELECT l.activity_id FROM activity_lines l WHERE l.tenant_id = ?",
                    self.tenant,
                )
                .and(" AND l.sku = ?", sku)
                .then(range.of("l.customer_id"))
                .then(Piece::new(")", [])),
            Scope::Of(_) => only.and(
                " AND EXISTS (SELECT 1 FROM activity_lines l WHERE l.tenant_id = t.tenant_id \
                 AND l.activity_id = t.activity_id AND l.sku || '' = ?)",
                sku,
            ),
        }
    }

    fn no_order(&mut self, days: u32, ordered_before: bool, required: bool) -> Piece {
        let orders = || activities(Piece::new(ORDERS, []));
        let (recent, ever) = match self.moment.past {
            true => (self.within(orders(), Some(days)), self.within(orders(), None)),
            false => (self.ordered_lately(days), ordered()),
        };
        let recent = self.persons(recent, Piece::default());
        let mut parts = vec![self.member_of(recent, false).negated()];
        if ordered_before {
            let ever = self.persons(ever, Piece::default());
            parts.push(self.member_of(ever, required));
        }
        Piece::joined(parts, " AND ")
    }

    /// The totals of those who ordered in the last so many days. Where the last order is ahead of now, the orders themselves say
    /// whether there is one in between.
    fn ordered_lately(&self, days: u32) -> Rows {
        let (since, now) = (self.moment.now - TimeDelta::days(days.into()), self.moment.now);
        let only = Piece::default().and(" AND t.last_order_at > ?", since).and(" AND (t.last_order_at <= ?", now);
        let between = Piece::new(
            " OR EXISTS (SELECT 1 FROM activities a WHERE a.tenant_id = t.tenant_id AND a.customer_id = t.customer_id \
             AND a.kind = 'order' AND COALESCE(a.amount_micros, 0) >= 0 AND a.occurred_at > ? AND a.occurred_at <= ?))",
            [since.into(), now.into()],
        );
        totals(only.then(between))
    }

    /// Whose orders add up to an amount in a range, in one currency.
    fn revenue(
        &mut self,
        min: Option<Amount>,
        max: Option<Amount>,
        currency: Option<Currency>,
        within_days: Option<u32>,
        required: bool,
    ) -> Piece {
        let ever = within_days.is_none() && !self.moment.past;
        // Without a window the sums are kept; thousands and what is left of them, so that nothing is too large.
        let (thousands, rest) = if ever {
            ("t.revenue_thousands", "t.revenue_micros")
        } else {
            ("t.amount_micros / 1000000000", "t.amount_micros % 1000000000")
        };
        let in_currency = match currency {
            Some(currency) => Piece::default().and(" AND t.currency = ?", currency.to_string()),
            None => Piece::default(),
        };
        let rows = if ever {
            totals(in_currency)
        } else {
            let amounts = Piece::new(" AND t.kind = 'order' AND t.amount_micros IS NOT NULL", []);
            self.within(activities(amounts.then(in_currency)), within_days)
        };
        // Exact near the bound, and far from it a number that is large enough.
        let compared = |sign: &str, Amount(micros): Amount| {
            let (whole, part) = (micros / 1_000_000_000, micros % 1_000_000_000);
            Piece::new(format!("((SUM({thousands}) - ({whole})) * 1000000000 + (SUM({rest}) - ({part})) {sign} 0)"), [])
        };
        let each = if currency.is_some() { "" } else { ", t.currency" };
        let by_currency = |having: Piece| Piece::new(format!("{each} HAVING {}", having.text), having.values);
        let mut parts = Vec::new();
        let distinct = |set: Piece| Piece::new(format!("SELECT DISTINCT id FROM ({}) u", set.text), set.values);
        if let Some(min) = min {
            let set = self.persons(rows.clone(), by_currency(compared(">=", min)));
            parts.push(self.member_of(distinct(set), required));
        }
        if let Some(max) = max {
            let set = self.persons(rows, by_currency(compared(">", max)));
            parts.push(self.member_of(distinct(set), false).negated());
        }
        Piece::joined(parts, " AND ")
    }

    /// `SELECT currency, thousands, rest` of the orders that a criterion on revenue adds up.
    pub fn revenue_seen(self, within_days: Option<u32>) -> Option<Select> {
        let Scope::Of(persons) = self.scope else { return None };
        let only = Piece::new(" AND t.kind = 'order' AND t.amount_micros IS NOT NULL", []);
        let rows = self.within(activities(only), within_days);
        let big = |sum: &str| match self.engine {
            Engine::Sqlite => sum.to_owned(),
            Engine::Postgres => format!("CAST({sum} AS bigint)"),
        };
        let text = format!(
            "SELECT t.currency, {}, {} FROM activities t",
            big("SUM(t.amount_micros / 1000000000)"),
            big("SUM(t.amount_micros % 1000000000)")
        );
        let mut select = Select::new(&text, []);
        select.and("t.tenant_id = ?", [self.tenant.into()]);
        select.and_in("t.customer_id", persons.iter().map(|&(_, record)| record.into()));
        select.push(&rows.only.text, rows.only.values);
        select.push(" GROUP BY t.currency ORDER BY t.currency", []);
        Some(select)
    }

    fn tags(&mut self, all_of: &[String], any_of: &[String], none_of: &[String], required: bool) -> Piece {
        let mut parts = Vec::new();
        let tagged = |this: &Self, tags: &[String], behind: Piece| {
            let marks = vec!["?"; tags.len()].join(", ");
            let mut set = Piece::new(
                format!("SELECT t.customer_id AS id FROM customer_tags t WHERE t.tenant_id = ? AND t.tag IN ({marks})"),
                std::iter::once(this.tenant.into()).chain(tags.iter().map(|tag| tag.as_str().into())),
            );
            set = this.own(set);
            set.text.push_str(" GROUP BY t.customer_id");
            set.text.push_str(&behind.text);
            set.values.extend(behind.values);
            set
        };
        if !all_of.is_empty() {
            let mut tags = all_of.to_vec();
            tags.sort_unstable();
            tags.dedup();
            let all = Piece::new(" HAVING COUNT(*) = ?", [Value::Int(i64::try_from(tags.len()).unwrap_or(i64::MAX))]);
            let set = tagged(self, &tags, all);
            parts.push(self.member_of(set, required));
        }
        if !any_of.is_empty() {
            let set = tagged(self, any_of, Piece::default());
            parts.push(self.member_of(set, required));
        }
        if !none_of.is_empty() {
            let set = tagged(self, none_of, Piece::default());
            parts.push(self.member_of(set, false).negated());
        }
        Piece::joined(parts, " AND ")
    }
}

fn one_of(column: &str, values: impl Iterator<Item = Value>) -> Piece {
    let values: Vec<Value> = values.collect();
    Piece::new(format!("{column} IN ({})", vec!["?"; values.len()].join(", ")), values)
}
