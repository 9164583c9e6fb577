//! Criteria as an input of the schema. What they mean is read in one place, from their JSON.

use async_graphql::{Enum, ID, InputObject, InputType, OneofObject, Result};

use crate::domain::list::criteria::{self, Criterion};
use crate::domain::refusal::Refusal;
use crate::graphql::engine::failure::field_refused;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::{Attributes, FieldValue};
use crate::graphql::engine::words::{ActivityKind, Channel, ConsentState, Direction};

/// One criterion, or several that are combined. The same as JSON works on the command line. Nested at most 8 deep, 50 criteria
/// in all.
#[derive(OneofObject, Debug, Clone)]
#[graphql(name = "ListCriteriaInput")]
pub enum CriteriaInput {
    /// All of these hold.
    All(Vec<CriteriaInput>),
    /// One of these holds, or several.
    Any(Vec<CriteriaInput>),
    /// It does not hold.
    Not(Box<CriteriaInput>),
    /// The customer is in a sales territory.
    AllInTerritory(TerritoryInput),
    /// All orders together, cancellations subtracted, brought at least so much in one currency.
    HighValue(HighValueInput),
    /// An order, cancellations left out, has an article.
    OrderedProduct(OrderedProductInput),
    /// There was no order in the last days; customers who never ordered are included.
    NoOrderInDays(NoOrderInput),
    /// Fields of the customer have values: `accountPriority`, `accountType`, and any other by its name. A list of values means
    /// one of them.
    Custom(Attributes),
    /// The customer's industry.
    Industry(OneOfTexts),
    /// The lead score is in a range.
    LeadScore(ScoreInput),
    /// Whether an email address is known.
    HasEmail(bool),
    /// Whether a phone number is known.
    HasPhone(bool),
    /// The customer's tags.
    Tags(TagsInput),
    /// One field of the customer.
    Field(FieldInput),
    /// The customer's latest choice about messages.
    Consent(ConsentInput),
    /// There was contact.
    Contact(ContactInput),
    /// A number of our messages was opened, clicked or replied to.
    Engagement(EngagementInput),
    /// A number of orders; cancellations are left out.
    Orders(CountInput),
    /// A number of activities of a kind.
    Activity(ActivityInput),
    /// The orders of one currency add up to an amount in a range; cancellations are subtracted.
    Revenue(RevenueInput),
    /// The customer is a member of another list.
    MemberOf(MemberOfInput),
    /// The anniversary of a date, in the tenant's time zone.
    Anniversary(AnniversaryInput),
    /// A random part of all customers, always the same ones.
    Bucket(BucketInput),
}

/// A sales territory.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "TerritoryCriterionInput")]
pub struct TerritoryInput {
    /// The territory, exactly.
    territory: String,
}

/// A least revenue.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "HighValueCriterionInput")]
pub struct HighValueInput {
    /// In units of the currency, such as "1000" or "99.50".
    min_revenue: String,
    /// ISO 4217, such as EUR; by default any one currency.
    currency: Option<String>,
}

/// An article that was ordered.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "OrderedProductCriterionInput")]
pub struct OrderedProductInput {
    /// The article's number, exactly.
    sku_id: String,
    /// In the last so many days, 1 to 3650; by default ever.
    within_days: Option<i32>,
}

/// A time without orders.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "NoOrderCriterionInput")]
pub struct NoOrderInput {
    /// How many days, 1 to 3650.
    days: i32,
    /// True: only customers who ordered before.
    ordered_before: Option<bool>,
}

/// Texts of which one must be met.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "OneOfTextsInput")]
pub struct OneOfTexts {
    /// One of these, exactly.
    #[graphql(name = "in")]
    one_of: Vec<String>,
}

/// A range of lead scores.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "LeadScoreCriterionInput")]
pub struct ScoreInput {
    /// At least this.
    min: Option<i32>,
    /// At most this.
    max: Option<i32>,
}

/// Tags.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "TagsCriterionInput")]
pub struct TagsInput {
    /// Every one of these.
    all_of: Option<Vec<String>>,
    /// One of these at least.
    any_of: Option<Vec<String>>,
    /// None of these.
    none_of: Option<Vec<String>>,
}

/// One test of a field.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "FieldCriterionInput")]
pub struct FieldInput {
    /// A field of every customer (`territory`, `accountType`, `accountPriority`, `owner`, `industry`, `locale`, `timeZone`,
    /// `leadScore`, `source`), or one of the customer's own.
    name: String,
    /// The field is this text, number or truth value.
    equals: Option<FieldValue>,
    /// The field is one of these.
    #[graphql(name = "in")]
    one_of: Option<Vec<FieldValue>>,
    /// The field contains this text, without regard to case.
    contains: Option<String>,
    /// The field is a number of at least this.
    min: Option<f64>,
    /// The field is a number of at most this.
    max: Option<f64>,
    /// True: the field has a value; false: it has none.
    exists: Option<bool>,
}

/// A consent.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "ConsentCriterionInput")]
pub struct ConsentInput {
    /// On this channel.
    channel: Channel,
    /// About this topic; by default about any.
    topic: Option<String>,
    /// The customer's latest choice.
    state: ConsentState,
}

/// A contact.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "ContactCriterionInput")]
pub struct ContactInput {
    /// `INBOUND`: the customer wrote; `OUTBOUND`: a provider accepted a message of ours.
    direction: Direction,
    /// On this channel; by default on any.
    channel: Option<Channel>,
    /// In the last so many days, 1 to 3650; by default ever.
    within_days: Option<i32>,
}

/// What was done with a message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "EngagementAction")]
pub enum EngagementAction {
    /// The message was sent to the customer.
    Sent,
    /// It was reported as delivered.
    Delivered,
    /// Opened it.
    Opened,
    /// Followed a link.
    Clicked,
    /// Wrote back.
    Replied,
}

/// A number of messages. With neither `atLeast` nor `atMost`: one at least.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "EngagementCriterionInput")]
pub struct EngagementInput {
    /// The action; actions of machines are left out.
    kind: EngagementAction,
    /// Messages of this channel; by default of any.
    channel: Option<Channel>,
    /// Messages of this campaign; by default of any, or none.
    campaign_id: Option<ID>,
    /// At least so many.
    at_least: Option<i32>,
    /// At most so many; 0: never.
    at_most: Option<i32>,
    /// For the first time in the last so many days, 1 to 3650; by default ever. Not with `SENT` and `DELIVERED`.
    within_days: Option<i32>,
}

/// A number. With neither `atLeast` nor `atMost`: one at least.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "CountCriterionInput")]
pub struct CountInput {
    /// At least so many.
    at_least: Option<i32>,
    /// At most so many; 0: never.
    at_most: Option<i32>,
    /// In the last so many days, 1 to 3650; by default ever.
    within_days: Option<i32>,
}

/// A number of activities. With neither `atLeast` nor `atMost`: one at least.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "ActivityCriterionInput")]
pub struct ActivityInput {
    /// The kind.
    kind: ActivityKind,
    /// What a custom activity is called; by default any.
    name: Option<String>,
    /// At least so many.
    at_least: Option<i32>,
    /// At most so many; 0: never.
    at_most: Option<i32>,
    /// In the last so many days, 1 to 3650; by default ever.
    within_days: Option<i32>,
}

/// A range of revenue.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "RevenueCriterionInput")]
pub struct RevenueInput {
    /// At least this, in units of the currency, such as "99.50".
    min: Option<String>,
    /// At most this; customers who never ordered have none.
    max: Option<String>,
    /// ISO 4217, such as EUR; by default any one currency.
    currency: Option<String>,
    /// Orders of the last so many days, 1 to 3650; by default all.
    within_days: Option<i32>,
}

/// Membership of another list.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "MemberOfCriterionInput")]
pub struct MemberOfInput {
    /// The list's id.
    list_id: ID,
}

/// A day of each year.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "AnniversaryCriterionInput")]
pub struct AnniversaryInput {
    /// `registered`, or the name of a field of the customer that holds a date such as 1980-12-24.
    of: String,
    /// Begins so many days before the anniversary, 0 to 60.
    days_before: Option<i32>,
    /// Ends so many days after it, 0 to 60.
    days_after: Option<i32>,
}

/// Hundredths of all customers.
#[derive(InputObject, Debug, Clone)]
#[graphql(name = "BucketCriterionInput")]
pub struct BucketInput {
    /// The first hundredth, from 0.
    from: i32,
    /// The hundredth after the last, at most 100.
    to: i32,
    /// A different salt gives a different division.
    salt: Option<String>,
}

/// Reads criteria. Those on personal fields need permission to see them: whoever counts guesses otherwise sees them.
pub fn read(reading: Reading<'_>, input: &CriteriaInput) -> Result<Result<Criterion, Refusal>> {
    let json = InputType::to_value(input).into_json()?;
    let read = criteria::read(&json);
    if let Ok(criteria) = &read
        && criteria.reads_personal()
        && !reading.personal()
    {
        let message = "this API key may not ask for personal data, such as fields of the customer's own";
        return Err(field_refused("PERSONAL_DATA_REFUSED", message));
    }
    Ok(read)
}
