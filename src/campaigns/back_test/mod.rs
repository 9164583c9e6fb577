//! A back-test: a change of the rules on sending, or lists that are left out, tried on the messages of a time. Who would not
//! have been written to? Nothing is recorded.
//!
//! The log says what is decided again; the read tables only say whose histories are read, and who was a member of a list. Persons
//! are read a part at a time, and of each only numbers stay.

mod report;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;

pub use report::{BackTest, Change, Counts, Example, Ruled};

use crate::app::{App, Caller, TriedPerson};
use crate::campaigns::CampaignError;
use crate::campaigns::service::unready;
use crate::domain::message::back_test::Proposal;
use crate::domain::refusal::Refusal;
use crate::domain::tenant::change_policy::UpdatePolicy;
use crate::ids::{CustomerId, ListId, TenantId};
use crate::queries::back_test::{count_messages, customers_after, memberships};
use crate::queries::{Db, QueryError, Reads, customer_roots};

/// How many persons' histories are read at once: of a few persons each message may have a page of text.
const PART: usize = 32;
/// How many parts are read ahead.
const AHEAD: usize = 2;
/// How many customers one look at the read tables finds.
const PAGE: usize = 480;
/// How many lists may be left out.
const MOST_LISTS: usize = 20;
/// How long the read tables may take to show what was recorded before.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be tried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// Changes of the rules on sending, as `update_policy` takes them; without any, the rules in force are tried.
    pub policy: UpdatePolicy,
    /// Lists whose members would have got no marketing while they were members.
    pub exclude: Vec<ListId>,
    /// From when; by default 30 days before the end.
    pub since: Option<DateTime<Utc>>,
    /// Until when, exclusive; by default now.
    pub until: Option<DateTime<Utc>>,
}

/// What was tried, checked, and how much there is to look at.
#[derive(Clone)]
pub struct Prepared {
    /// The rules and the time.
    pub proposal: Proposal,
    /// How many messages were asked for in the time; with a limit, at most one more than that.
    pub messages: u64,
    exclude: Vec<ListId>,
}

/// Checks what is to be tried. With a limit, more messages than that are refused.
pub async fn prepare(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    asked: Question,
    limit: Option<u64>,
) -> Result<Result<Prepared, Refusal>, CampaignError> {
    let Question { policy, mut exclude, since, until } = asked;
    let proposal = match app.propose(caller, policy, since, until).await? {
        Ok(proposal) => proposal,
        Err(refusal) => return Ok(Err(refusal)),
    };
    exclude.sort_unstable();
    exclude.dedup();
    if exclude.len() > MOST_LISTS {
        return Ok(Err(Refusal::invalid("exclude_lists", format!("has more than {MOST_LISTS} entries"))));
    }
    reads.wait_for(app.end().await?, PATIENCE).await?;
    let db = reads.db();
    if let Some(refusal) = unready(&db, caller.tenant, &exclude).await? {
        return Ok(Err(Refusal { field: Some("exclude_lists".to_owned()), ..refusal }));
    }
    let most = limit.map_or(u64::from(u32::MAX), |limit| limit + 1);
    let messages = count_messages(&db, caller.tenant, proposal.since, proposal.until, most).await?;
    if let Some(limit) = limit
        && messages > limit
    {
        let message = format!(
            "more than {limit} messages were asked for in this time: choose a shorter one, or use `commlog back-test`"
        );
        return Ok(Err(Refusal::new("BACK_TEST_TOO_LARGE", message)));
    }
    Ok(Ok(Prepared { proposal, messages, exclude }))
}

/// Tries it; `progress` is told how many messages were looked at. Dropping the future stops it.
pub async fn back_test(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    prepared: &Prepared,
    mut progress: impl FnMut(u64),
) -> Result<BackTest, CampaignError> {
    let Prepared { proposal, exclude, .. } = prepared;
    let (tenant, zone) = (caller.tenant, proposal.policy.zone_of(None));
    let mut found = BackTest::default();
    // Of persons that are made of several records, those that were looked at: each record may lead to them.
    let mut looked_at = HashSet::new();
    let mut after = None;
    loop {
        let db = reads.db();
        let page = customers_after(&db, tenant, proposal.since, proposal.until, after, PAGE).await?;
        after = page.last().copied();
        let persons = persons(&db, tenant, &page, exclude, proposal.until, &mut looked_at).await?;
        let parts: Vec<Vec<TriedPerson>> = persons.chunks(PART).map(<[_]>::to_vec).collect();
        let tried = futures::stream::iter(parts).map(|part| app.try_on(caller, proposal, part));
        let mut tried = tried.buffered(AHEAD);
        while let Some(part) = tried.next().await {
            part?.iter().for_each(|replayed| found.count(replayed, zone));
            progress(found.totals.messages + found.forgotten_messages);
        }
        if page.len() < PAGE {
            return Ok(found);
        }
    }
}

/// Of which list somebody was a member, from when on, and until when if it ended.
type Span = (ListId, DateTime<Utc>, Option<DateTime<Utc>>);

/// The persons of some customers, each once, with when they were members of lists.
async fn persons(
    db: &Db,
    tenant: TenantId,
    customers: &[CustomerId],
    exclude: &[ListId],
    until: DateTime<Utc>,
    looked_at: &mut HashSet<CustomerId>,
) -> Result<Vec<TriedPerson>, QueryError> {
    let wholes = customer_roots::wholes(db, tenant, customers).await?;
    let is_new = |whole: &customer_roots::Whole| whole.merged.is_empty() || looked_at.insert(whole.root);
    let person = |whole: customer_roots::Whole| TriedPerson { records: whole.ids(), excluded: vec![] };
    let mut persons: Vec<TriedPerson> = wholes.into_iter().filter(is_new).map(person).collect();
    if exclude.is_empty() {
        return Ok(persons);
    }
    let records: Vec<CustomerId> = persons.iter().flat_map(|person| &person.records).copied().collect();
    let mut spans: BTreeMap<CustomerId, Vec<Span>> = BTreeMap::new();
    for row in memberships(db, tenant, exclude, &records, until).await? {
        let spans = spans.entry(row.customer_id).or_default();
        let open = spans.iter_mut().find(|(list, _, to)| *list == row.list_id && to.is_none());
        match (row.entered, open) {
            (true, None) => spans.push((row.list_id, row.changed_at, None)),
            (false, Some((_, _, to))) => *to = Some(row.changed_at),
            (true, Some(_)) | (false, None) => {}
        }
    }
    for person in &mut persons {
        let own = person.records.iter().filter_map(|id| spans.get(id)).flatten();
        person.excluded = own.map(|(_, from, to)| (*from, *to)).collect();
    }
    Ok(persons)
}
