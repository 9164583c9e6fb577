//! A campaign's figures by what its own tables do not know: the domain of the address, the lists of its audience, and the link.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::ids::{CampaignId, ListId, TenantId};
use crate::sql::{Db, Engine, row};

const READING: &str = "campaign figures";

row! {
    /// Messages of a group, each once in a column. By the same marks as the totals of the campaign.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct GroupFigures {
        /// What the messages have in common; absent for what is not known, or not any more.
        pub label: Option<String>,
        pub queued: i64,
        pub suppressed: i64,
        pub sent: i64,
        pub arrived: i64,
        pub bounced: i64,
        pub failed: i64,
        pub opened: i64,
        pub clicked: i64,
        pub engaged: i64,
        pub replied: i64,
        pub complained: i64,
        pub opted_out: i64,
    }
}

row! {
    /// What was done with a link.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LinkRow {
        /// Absent where the recipient was forgotten, or the provider named no link.
        pub url: Option<String>,
        /// Clicks by people.
        pub clicks_human: i64,
        /// Clicks by machines.
        pub clicks_machine: i64,
        /// Messages in which a person followed it.
        pub messages_human: i64,
    }
}

/// Counts marks as `projections/campaign_metrics.sql` does.
const FIGURES: &str = "\
    COUNT(*) FILTER (WHERE (c.marks & 1) <> 0) AS queued, COUNT(*) FILTER (WHERE (c.marks & 2) <> 0) AS suppressed, \
    COUNT(*) FILTER (WHERE (c.marks & 130552) <> 0) AS sent, COUNT(*) FILTER (WHERE (c.marks & 130064) <> 0) AS arrived, \
    COUNT(*) FILTER (WHERE (c.marks & 192) <> 0) AS bounced, COUNT(*) FILTER (WHERE (c.marks & 768) <> 0) AS failed, \
    COUNT(*) FILTER (WHERE (c.marks & 16384) <> 0) AS opened, COUNT(*) FILTER (WHERE (c.marks & 65536) <> 0) AS clicked, \
    COUNT(*) FILTER (WHERE (c.marks & 81920) <> 0) AS engaged, COUNT(*) FILTER (WHERE (c.marks & 4096) <> 0) AS replied, \
    COUNT(*) FILTER (WHERE (c.marks & 1024) <> 0) AS complained, \
    COUNT(*) FILTER (WHERE (c.marks & 2048) <> 0) AS opted_out";

/// The messages of a campaign, read by its index.
fn of_campaign(db: &Db) -> String {
    let by_campaign = if db.engine() == Engine::Sqlite { " INDEXED BY messages_of_campaign" } else { "" };
    format!(
        "messages m{by_campaign} CROSS JOIN campaign_messages c WHERE m.tenant_id = ? AND m.campaign_id = ? \
         AND c.tenant_id = m.tenant_id AND c.message_id = m.message_id AND c.campaign_id = m.campaign_id"
    )
}

/// By the domain of the mailbox, the one with most messages first. Reads every message of the campaign.
pub async fn by_domain(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    most: usize,
) -> Result<Vec<GroupFigures>, QueryError> {
    let domain = match db.engine() {
        Engine::Sqlite => "lower(substr(m.to_address, instr(m.to_address, '@') + 1))",
        Engine::Postgres => "lower(split_part(m.to_address, '@', 2))",
    };
    let text = format!(
        "SELECT CASE WHEN m.channel = 'email' THEN {domain} END AS label, {FIGURES} FROM {} \
         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}",
        of_campaign(db)
    );
    Select::new(&text, [tenant.into(), campaign.0.into()]).all(db, READING).await
}

/// The recipients who were members of a list at a time. A list that was deleted has none.
pub async fn of_list(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    list: ListId,
    at: DateTime<Utc>,
) -> Result<GroupFigures, QueryError> {
    let text = format!(
        "SELECT NULL AS label, {FIGURES} FROM {} AND m.customer_id IN (\
         SELECT k.customer_id FROM (SELECT l.customer_id, l.entered, ROW_NUMBER() OVER (\
         PARTITION BY l.customer_id ORDER BY l.changed_at DESC, l.position DESC) AS place FROM list_changes l \
         WHERE l.tenant_id = ? AND l.list_id = ? AND l.changed_at <= ?) k WHERE k.place = 1 AND k.entered = TRUE)",
        of_campaign(db)
    );
    let values = [tenant.into(), campaign.0.into(), tenant.into(), list.0.into(), at.into()];
    let found: Option<GroupFigures> = Select::new(&text, values).optional(db, READING).await?;
    Ok(found.unwrap_or_default())
}

/// By link, the one that most people followed first.
pub async fn by_link(db: &Db, tenant: TenantId, campaign: CampaignId, most: usize) -> Result<Vec<LinkRow>, QueryError> {
    let mut select = Select::new(
        "SELECT c.url, COUNT(*) FILTER (WHERE c.class = 'human') AS clicks_human, \
         COUNT(*) FILTER (WHERE c.class <> 'human') AS clicks_machine, \
         COUNT(DISTINCT CASE WHEN c.class = 'human' THEN c.message_id END) AS messages_human FROM campaign_clicks c",
        [],
    );
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_equal("c.campaign_id", Some(campaign.0));
    select.push(&format!(" GROUP BY c.url ORDER BY 4 DESC, 2 DESC, 1 LIMIT {most}"), []);
    select.all(db, READING).await
}
