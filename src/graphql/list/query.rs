//! Queries of lists.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::criteria::{CriteriaInput, read};
use super::object::{List, ListComparison, ListConnection, ListExplanation, ListPreview};
use crate::domain::list::criteria::Criterion;
use crate::graphql::engine::connection::{count_later, page, page_cost};
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::Refusal;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::{CustomerId, ListId};
use crate::queries::lists::{self, Moment};

/// What a preview costs, in fields: criteria may look at many customers.
const PREVIEW_COST: usize = 500;

/// Queries of lists.
#[derive(Default)]
pub struct ListQueries;

/// A preview, or why the criteria were refused.
#[derive(SimpleObject)]
pub struct ListPreviewResult {
    /// Null if the criteria were refused.
    preview: Option<ListPreview>,
    /// Why the criteria were refused; `field` is the path to the mistake.
    refusal: Option<Refusal>,
}

/// A comparison, or why criteria were refused.
#[derive(SimpleObject)]
pub struct ListComparisonResult {
    /// Null if criteria were refused.
    comparison: Option<ListComparison>,
    /// Why criteria were refused; `field` is the path to the mistake.
    refusal: Option<Refusal>,
}

#[Object]
impl ListQueries {
    /// Lists, by name.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    async fn lists(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ListConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let (db, tenant) = (reading.api.reads.db(), reading.session.principal.tenant);
        let slice = lists::list(&db, tenant, &page).await.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move { lists::count(&db, tenant).await.map_err(|error| api.failed(&error)) });
        Ok(ListConnection::new(slice, count, List::new))
    }

    /// One list; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] id: Of<ListId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<List>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        List::load(ctx, id.0).await
    }

    /// Counts the customers who meet criteria: exactly for up to 20,000 customers, by an estimate for more. With `at`, orders
    /// and messages after that moment are left out; profiles, consents and lists are those of now.
    #[graphql(guard = "May(Permission::Read)", complexity = "PREVIEW_COST + child_complexity")]
    async fn preview_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The criteria.")] criteria: CriteriaInput,
        #[graphql(desc = "The moment that windows of time end at; by default now.")] at: Option<DateTime<Utc>>,
    ) -> Result<ListPreviewResult> {
        let reading = Reading::of(ctx)?;
        let criteria = match read(reading, &criteria)? {
            Ok(criteria) => criteria,
            Err(refusal) => return Ok(ListPreviewResult { preview: None, refusal: Some(refusal.into()) }),
        };
        let moment = moment(reading, at).await?;
        Ok(ListPreviewResult { preview: Some(preview(reading, &criteria, &moment).await?), refusal: None })
    }

    /// Compares two criteria.
    #[graphql(guard = "May(Permission::Read)", complexity = "3 * PREVIEW_COST + child_complexity")]
    async fn compare_list_criteria(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first criteria.")] first: CriteriaInput,
        #[graphql(desc = "The second criteria.")] second: CriteriaInput,
    ) -> Result<ListComparisonResult> {
        let reading = Reading::of(ctx)?;
        let refused = |argument: &str, refusal: crate::domain::refusal::Refusal| {
            let field = refusal.field.as_deref().map(|field| field.replacen("criteria", argument, 1));
            ListComparisonResult {
                comparison: None,
                refusal: Some(Refusal::new(refusal.code, refusal.message, field.as_deref())),
            }
        };
        let first = match read(reading, &first)? {
            Ok(criteria) => criteria,
            Err(refusal) => return Ok(refused("first", refusal)),
        };
        let second = match read(reading, &second)? {
            Ok(criteria) => criteria,
            Err(refusal) => return Ok(refused("second", refusal)),
        };
        let moment = moment(reading, None).await?;
        let not = |criteria: &Criterion| Criterion::Not(Box::new(criteria.clone()));
        let only_first = Criterion::All(vec![first.clone(), not(&second)]);
        let only_second = Criterion::All(vec![second.clone(), not(&first)]);
        let both = Criterion::All(vec![first, second]);
        let comparison = ListComparison {
            only_first: preview(reading, &only_first, &moment).await?,
            only_second: preview(reading, &only_second, &moment).await?,
            both: preview(reading, &both, &moment).await?,
        };
        Ok(ListComparisonResult { comparison: Some(comparison), refusal: None })
    }

    /// Explains why a customer is a member of a list or not: each criterion, whether it holds, and the values of the customer.
    /// Null if the list does not exist. Requires permission to see personal data if the criteria ask for some.
    #[graphql(guard = "May(Permission::Read)", complexity = "PREVIEW_COST + child_complexity")]
    async fn explain_list_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list's global id.")] list_id: Of<ListId>,
        #[graphql(desc = "The customer's global id.")] customer_id: Of<CustomerId>,
    ) -> Result<Option<ListExplanation>> {
        let reading = Reading::of(ctx)?;
        let Some(list) = List::load(ctx, list_id.0).await? else { return Ok(None) };
        let (db, tenant) = (reading.api.reads.db(), reading.session.principal.tenant);
        let failed = |error| reading.api.failed(&error);
        let members = lists::of_customer(&db, tenant, customer_id.0).await.map_err(failed)?;
        let is_member = Some(members.iter().any(|member| member.list_id == list_id.0));
        let Some(criteria) = list.row().read_criteria()? else {
            return Ok(Some(ListExplanation { holds: is_member == Some(true), is_member, criteria: vec![] }));
        };
        if criteria.reads_personal() && !reading.personal() {
            let message = "the list's criteria ask for personal data, which this API key may not see";
            return Err(crate::graphql::engine::failure::field_refused("PERSONAL_DATA_REFUSED", message));
        }
        let moment = moment(reading, None).await?;
        let (holds, explained) =
            lists::explain(&db, tenant, &criteria, &moment, customer_id.0).await.map_err(failed)?;
        Ok(Some(ListExplanation { holds, is_member, criteria: explained.into_iter().map(Into::into).collect() }))
    }
}

async fn moment(reading: Reading<'_>, at: Option<DateTime<Utc>>) -> Result<Moment> {
    let present = reading.api.ambient().now();
    if at.is_some_and(|at| at > present) {
        return Err(bad_argument("at", "must not be in the future"));
    }
    let now = at.unwrap_or(present);
    let today = reading.api.app.local_day(reading.session.principal.tenant, now).await;
    let today = today.map_err(|error| opaque(reading.api.ambient(), &error))?;
    Ok(Moment { now, today, past: at.is_some() })
}

async fn preview(reading: Reading<'_>, criteria: &Criterion, moment: &Moment) -> Result<ListPreview> {
    let (reads, tenant) = (&reading.api.reads, reading.session.principal.tenant);
    let preview = lists::preview(&reads.db(), reads.samples(), tenant, criteria, moment).await;
    preview.map(ListPreview::new).map_err(|error| reading.api.failed(&error))
}
