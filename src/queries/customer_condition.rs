//! Conditions by which customers are found.

use chrono::{DateTime, Utc};

use super::customer_list::{ConsentFilter, ContactFilter};
use super::search;
use crate::domain::value::{Channel, Direction};
use crate::ids::TenantId;
use crate::sql::Value;

/// From a moment, and before one.
pub(super) fn bounds(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Vec<(&'static str, DateTime<Utc>)> {
    [(">=", since), ("<", until)].into_iter().filter_map(|(sign, moment)| Some((sign, moment?))).collect()
}

/// A condition by which customers can be found.
pub(super) struct Condition {
    /// Holds for a customer `c`.
    pub holds: String,
    /// The same where no index of its columns is to be taken.
    pub holds_unindexed: Option<String>,
    /// Finds the ids of those for whom it holds, as `customer_id`; it may find more, and some of them twice. Empty where no index
    /// finds them.
    pub find: String,
    /// Of `find`.
    pub find_values: Vec<Value>,
    /// Of `holds`.
    pub values: Vec<Value>,
    /// Whether an index gives those for whom it holds in the order of the list.
    pub ordered: bool,
}

impl Condition {
    /// On columns of `customers`.
    pub fn column(tenant: TenantId, text: &str, values: Vec<Value>, ordered: bool) -> Self {
        let on = |alias: &str| {
            let parts: Vec<String> = text.split(" AND ").map(|part| format!("{alias}.{part}")).collect();
            parts.join(" AND ")
        };
        let unindexed = |part: &str| match part.split_once(' ') {
            Some((column, rest)) => format!("COALESCE(c.{column}, NULL) {rest}"),
            None => format!("c.{part}"),
        };
        Self {
            holds: on("c"),
            holds_unindexed: Some(text.split(" AND ").map(unindexed).collect::<Vec<_>>().join(" AND ")),
            find: format!(
                "SELECT m.customer_id FROM customers m WHERE m.tenant_id = ? AND m.merged = FALSE AND {}",
                on("m")
            ),
            find_values: std::iter::once(tenant.0.into()).chain(values.iter().cloned()).collect(),
            values,
            ordered,
        }
    }

    pub fn contact(tenant: TenantId, contact: &ContactFilter) -> Self {
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
    pub fn latest(
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
            return Self {
                holds,
                holds_unindexed: None,
                find: String::new(),
                find_values: vec![],
                values: channel,
                ordered: false,
            };
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
        Self { holds: holds.join(" AND "), holds_unindexed: None, find, find_values, values, ordered: false }
    }

    /// On what a person, or somebody who was merged into it, said last.
    pub fn consent(tenant: TenantId, consent: &ConsentFilter) -> Self {
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
            holds_unindexed: None,
            ordered: false,
        }
    }

    pub fn tag(tenant: TenantId, tag: &str) -> Self {
        Self {
            holds: "EXISTS (SELECT 1 FROM customer_tags g \
                    WHERE g.tenant_id = c.tenant_id AND g.customer_id = c.customer_id AND g.tag = ?)"
                .to_owned(),
            find: "SELECT g.customer_id FROM customer_tags g WHERE g.tenant_id = ? AND g.tag = ?".to_owned(),
            find_values: vec![tenant.0.into(), tag.into()],
            values: vec![tag.into()],
            holds_unindexed: None,
            ordered: false,
        }
    }

    /// The beginnings of tokens of the customer, or of somebody who was merged into it.
    pub fn term(tenant: TenantId, term: &search::Term) -> Self {
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
            holds_unindexed: None,
            ordered: false,
        }
    }
}
