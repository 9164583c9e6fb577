//! What is read for a customer's page, and noted as delivered by being read.

use async_graphql::Result;
use futures::{StreamExt, stream};

use super::caller;
use super::object::Inbox;
use crate::app::InAppReport;
use crate::domain::customer::token::CustomerToken;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::ids::{CustomerId, MessageId, Position};
use crate::queries::messages::MessageRow;
use crate::queries::{customer_roots, in_app};

/// The most messages of an inbox: a page shows what is new, not an archive.
pub(super) const MOST: usize = 50;
/// Messages that are reported at once.
const AT_ONCE: usize = 8;

/// The number of messages that is asked for.
pub(super) fn size(first: i32) -> Result<usize> {
    usize::try_from(first)
        .ok()
        .filter(|size| (1..=MOST).contains(size))
        .ok_or_else(|| bad_argument("first", format!("must be from 1 to {MOST}")))
}

/// All ids under which something of the customer is recorded: somebody may have been merged since the last look.
pub(super) async fn person(api: &Api, holder: &CustomerToken) -> Result<Vec<CustomerId>> {
    let whole = customer_roots::whole(&api.reads.db(), holder.tenant, holder.customer_id).await;
    Ok(whole.map_err(|error| api.failed(&error))?.ids())
}

/// The customer's inbox. What it shows for the first time is delivered by that.
pub(super) async fn inbox(api: &Api, holder: &CustomerToken, size: usize) -> Result<Inbox> {
    let ids = person(api, holder).await?;
    let db = api.reads.db();
    let rows = in_app::list(&db, holder.tenant, &ids, size).await.map_err(|error| api.failed(&error))?;
    let unread = in_app::unread(&db, holder.tenant, &ids).await.map_err(|error| api.failed(&error))?;
    let new: Vec<&MessageRow> = rows.iter().filter(|row| row.delivered_count == 0).collect();
    report(api, holder, &new, |_| InAppReport::Delivered).await?;
    Ok(Inbox { unread, messages: rows.into_iter().map(Into::into).collect() })
}

/// The customer's messages of these ids; others do not exist for them.
pub(super) async fn own(api: &Api, holder: &CustomerToken, messages: &[MessageId]) -> Result<Vec<MessageRow>> {
    if messages.len() > MOST {
        return Err(bad_argument("ids", format!("must be at most {MOST}")));
    }
    let ids = person(api, holder).await?;
    let rows = in_app::some(&api.reads.db(), holder.tenant, &ids, messages).await;
    rows.map_err(|error| api.failed(&error))
}

/// Reports of messages; the position of the last event.
pub(super) async fn report(
    api: &Api,
    holder: &CustomerToken,
    rows: &[&MessageRow],
    what: impl Fn(&MessageRow) -> InAppReport,
) -> Result<Option<Position>> {
    let caller = caller(holder);
    let facts: Vec<_> = rows.iter().filter_map(|row| Some((in_app::correlation(row)?, what(row)))).collect();
    let mut recording = stream::iter(facts)
        .map(|(correlation, report)| api.app.report_in_app(&caller, correlation, report))
        .buffer_unordered(AT_ONCE);
    let mut last = None;
    while let Some(recorded) = recording.next().await {
        last = last.max(recorded.map_err(|error| opaque(api.ambient(), &error))?);
    }
    Ok(last)
}
