//! Queries of customers.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::{Customer, CustomerConnection};
use crate::domain::value::Currency;
use crate::graphql::engine::connection::{count_later, page, page_cost};
use crate::graphql::engine::failure::{bad_argument, field_refused, opaque};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{AsOfInput, Reading, Tables};
use crate::graphql::engine::scalar::{Cursor, Long};
use crate::graphql::engine::words::{Channel, ConsentState, Direction};
use crate::ids::{CustomerId, ImportId};
use crate::queries::customers;
use crate::queries::customers::{ConsentFilter, ContactFilter, CustomerFilter};
use crate::queries::search;

/// The last message in one direction. With neither `since`, `until` nor `never`: there was one, at any time.
#[derive(InputObject)]
pub struct ContactFilterInput {
    /// `INBOUND`: the customer's last message, a machine's aside; `OUTBOUND`: our last message that a provider accepted.
    direction: Direction,
    /// On this channel; by default on any.
    channel: Option<Channel>,
    /// It was at this time or later.
    since: Option<DateTime<Utc>>,
    /// It was before this time.
    until: Option<DateTime<Utc>>,
    /// True: there was none. Checked customer by customer, in the order of the list.
    never: Option<bool>,
}

impl From<ContactFilterInput> for ContactFilter {
    fn from(input: ContactFilterInput) -> Self {
        let ContactFilterInput { direction, channel, since, until, never } = input;
        Self {
            direction: direction.into(),
            channel: channel.map(Into::into),
            since,
            until,
            never: never.unwrap_or(false),
        }
    }
}

/// What a customer said last about messages on a channel.
#[derive(InputObject)]
pub struct ConsentFilterInput {
    /// The channel.
    channel: Channel,
    /// The state.
    state: ConsentState,
    /// About this topic; by default about any.
    topic: Option<String>,
}

impl From<ConsentFilterInput> for ConsentFilter {
    fn from(input: ConsentFilterInput) -> Self {
        Self { channel: input.channel.into(), state: input.state.into(), topic: input.topic }
    }
}

/// The order of a list of customers.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerOrder {
    /// The most recently registered first.
    NewestFirst,
    /// The earliest registered first.
    OldestFirst,
    /// By the first 64 characters of the name, without regard to case and accents. Customers without a name come last;
    /// forgotten ones are left out. Requires permission to see personal data.
    NameAscending,
    /// The reverse of `NAME_ASCENDING`: customers without a name come first.
    NameDescending,
    /// The most recent last message, in either direction, first. Customers without any message are left out: find them with
    /// the filter `contacts: [{direction: INBOUND, never: true}, {direction: OUTBOUND, never: true}]`.
    LastContactNewest,
    /// The reverse of `LAST_CONTACT_NEWEST`: the longest silence first.
    LastContactOldest,
    /// The highest revenue in `revenueCurrency` first: the sum of all orders, cancellations subtracted. Customers without
    /// orders in that currency are left out.
    RevenueHighest,
    /// The reverse of `REVENUE_HIGHEST`.
    RevenueLowest,
}

impl CustomerOrder {
    /// The order; one by revenue has a currency, and no other has.
    fn read(self, currency: Option<&str>) -> Result<customers::CustomerOrder> {
        let wrong = |reason: String| bad_argument("revenueCurrency", reason);
        let by_revenue = |of: fn(Currency) -> customers::CustomerOrder| {
            let code = currency.ok_or_else(|| {
                wrong("is required with REVENUE_HIGHEST and REVENUE_LOWEST, such as \"EUR\"".to_owned())
            })?;
            code.parse()
                .map(of)
                .map_err(|_| wrong(format!("{code:?} is not an ISO 4217 code of three letters, such as \"EUR\"")))
        };
        let order = match self {
            Self::RevenueHighest => return by_revenue(customers::CustomerOrder::RevenueHighest),
            Self::RevenueLowest => return by_revenue(customers::CustomerOrder::RevenueLowest),
            Self::NewestFirst => customers::CustomerOrder::NewestFirst,
            Self::OldestFirst => customers::CustomerOrder::OldestFirst,
            Self::NameAscending => customers::CustomerOrder::NameAscending,
            Self::NameDescending => customers::CustomerOrder::NameDescending,
            Self::LastContactNewest => customers::CustomerOrder::LastContactNewest,
            Self::LastContactOldest => customers::CustomerOrder::LastContactOldest,
        };
        match currency {
            Some(_) => Err(wrong("is allowed only with REVENUE_HIGHEST and REVENUE_LOWEST".to_owned())),
            None => Ok(order),
        }
    }
}

/// Restricts customers; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct CustomerFilterInput {
    /// Beginnings of words of the name, an address or the external id, four or more letters from inside a word of the name, a
    /// phone number as it is dialled abroad or inside the country of the policy's `defaultRegion`, its first or last four digits
    /// or more, or a domain as `@example.com`; all must occur.
    /// Requires permission to see personal data.
    search: Option<String>,
    /// Sales territory.
    territory: Option<String>,
    /// Such as `retail`, `wholesale`.
    account_type: Option<String>,
    /// Such as `high`, `normal`.
    priority: Option<String>,
    /// The user who looks after the customer.
    owner: Option<String>,
    /// Industry.
    industry: Option<String>,
    /// All of these tags.
    tags: Option<Vec<String>>,
    /// At least this lead score.
    lead_score_min: Option<Long>,
    /// At most this lead score.
    lead_score_max: Option<Long>,
    /// true: only customers with an email address; false: only those without.
    has_email: Option<bool>,
    /// true: only customers with a phone number; false: only those without.
    has_phone: Option<bool>,
    /// true: only the anonymous placeholder; false: everyone else.
    anonymous: Option<bool>,
    /// Registered by this import.
    import_id: Option<Of<ImportId>>,
    /// Registered from this time on.
    registered_since: Option<DateTime<Utc>>,
    /// Registered before this time.
    registered_until: Option<DateTime<Utc>>,
    /// BCP 47, such as `en-GB`.
    locale: Option<String>,
    /// The last messages in a direction; all of these, at most 5.
    contacts: Option<Vec<ContactFilterInput>>,
    /// What the customer said last; all of these, at most 5.
    consents: Option<Vec<ConsentFilterInput>>,
    /// The latest order was made from this time on. Cancellations are left out.
    last_order_since: Option<DateTime<Utc>>,
    /// The latest order was made before this time. Cancellations are left out.
    last_order_until: Option<DateTime<Utc>>,
    /// Includes forgotten customers.
    include_forgotten: Option<bool>,
}

impl From<CustomerFilterInput> for CustomerFilter {
    fn from(input: CustomerFilterInput) -> Self {
        Self {
            search: input.search,
            region: None,
            territory: input.territory,
            account_type: input.account_type,
            priority: input.priority,
            owner: input.owner,
            industry: input.industry,
            tags: input.tags.unwrap_or_default(),
            lead_score_min: input.lead_score_min.map(|score| score.0),
            lead_score_max: input.lead_score_max.map(|score| score.0),
            has_email: input.has_email,
            has_phone: input.has_phone,
            anonymous: input.anonymous,
            import_id: input.import_id.map(|id| id.0),
            registered_since: input.registered_since,
            registered_until: input.registered_until,
            locale: input.locale,
            contacts: input.contacts.unwrap_or_default().into_iter().map(Into::into).collect(),
            consents: input.consents.unwrap_or_default().into_iter().map(Into::into).collect(),
            last_order_since: input.last_order_since,
            last_order_until: input.last_order_until,
            include_forgotten: input.include_forgotten.unwrap_or(false),
        }
    }
}

/// What one word of a search costs, in fields.
const WORD_COST: usize = 100;

/// What a search costs: each word is a query within the query.
fn search_cost(filter: Option<&CustomerFilterInput>) -> usize {
    filter.and_then(|filter| filter.search.as_deref()).map_or(0, |text| search::count_words(text) * WORD_COST)
}

/// Queries of customers.
#[derive(Default)]
pub struct CustomerQueries;

#[Object]
impl CustomerQueries {
    /// One customer, also a forgotten one; null if it does not exist. The id of a merged customer returns its survivor.
    /// With `asOf`: the customer and everything below it as of that moment (later erasures apply); before a merge, each
    /// record separately.
    #[graphql(guard = "May(Permission::Read)")]
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id.")] id: Of<CustomerId>,
        #[graphql(desc = "Shows the state of an earlier moment: a time or a position. By default the present one.")]
        as_of: Option<AsOfInput>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Customer>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        Customer::load_from(ctx, id.0, reading.tables(id.0, as_of).await?).await
    }

    /// Customers, by default newest first.
    #[graphql(
        guard = "May(Permission::Read)",
        complexity = "search_cost(filter.as_ref()) + page_cost(first, last, child_complexity)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<CustomerFilterInput>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<CustomerOrder>,
        #[graphql(
            desc = "ISO 4217, such as EUR: the currency for `REVENUE_HIGHEST` and `REVENUE_LOWEST`, which need it."
        )]
        revenue_currency: Option<String>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<CustomerConnection>> {
        let reading = Reading::of(ctx)?;
        let mut filter: CustomerFilter = filter.unwrap_or_default().into();
        filter.check().map_err(|(part, reason)| bad_argument(&format!("filter.{part}"), reason))?;
        if filter.search.is_some() && !reading.personal() {
            // Otherwise names could be guessed a letter at a time without permission to see them.
            return Err(field_refused("PERSONAL_DATA_REFUSED", "this API key may not search by personal data"));
        }
        if filter.search.is_some() {
            let policy = reading.api.app.policy(reading.session.principal.tenant).await;
            let policy = policy.map_err(|error| opaque(reading.api.ambient(), &error))?;
            filter.region.clone_from(&policy.default_region);
        }
        let order = order_by.unwrap_or(CustomerOrder::NewestFirst).read(revenue_currency.as_deref())?;
        let by_name = matches!(order_by, Some(CustomerOrder::NameAscending | CustomerOrder::NameDescending));
        if by_name && !reading.personal() {
            // The place in the list shows what the name begins with.
            return Err(field_refused("PERSONAL_DATA_REFUSED", "this API key may not order by personal data"));
        }
        if by_name && filter.include_forgotten {
            return Err(bad_argument("filter.includeForgotten", "forgotten customers have no name to be ordered by"));
        }
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let db = reading.api.reads.db();
        let slice =
            customers::list(&db, tenant, &filter, order, &page).await.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move {
            customers::count_list(&db, tenant, &filter, order).await.map_err(|error| api.failed(&error))
        });
        Ok(CustomerConnection::new(slice, count, |row| Customer::new(row, reading, Tables::Live)))
    }
}
