//! What a smart list asks of its members: a tree of criteria, the same as JSON and in GraphQL.
//!
//! An object with one key is one criterion: `{"all": [{"allInTerritory": {"territory": "West"}}, {"noOrderInDays": {"days":
//! 30}}]}`. Keys are read in camel case and in snake case, words in any case.

mod check;
mod counted;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::consent::event::ConsentState;
use crate::domain::value::{Channel, Currency, Direction, words};
use crate::ids::ListId;
use read::{is_zero, list_id, listed, optional_word, word};

pub use counted::{ActivityTest, Count, EngagementTest};
pub use read::read;

/// How deep criteria may be nested.
pub const DEEPEST: usize = 8;
/// How many criteria a list may have in all.
pub const MOST: usize = 50;
/// How many values one criterion may name.
pub const MOST_VALUES: usize = 200;
/// The longest window, in days: ten years.
pub const LONGEST_DAYS: u32 = 3650;
/// Buckets are numbered from 0 to 99.
pub const BUCKETS: u32 = 100;

/// One criterion, or several that are combined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Criterion {
    /// All of these hold.
    All(Vec<Criterion>),
    /// One of these holds, or several.
    Any(Vec<Criterion>),
    /// It does not hold.
    Not(Box<Criterion>),
    /// The customer is in a sales territory.
    #[serde(alias = "all_in_territory")]
    AllInTerritory {
        /// The territory, exactly.
        territory: String,
    },
    /// All orders together brought at least so much, in one currency.
    #[serde(alias = "high_value")]
    HighValue {
        /// In units of the currency.
        #[serde(alias = "min_revenue")]
        min_revenue: Amount,
        /// Orders in this currency; absent: in any one of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// An order has an article.
    #[serde(alias = "ordered_product")]
    OrderedProduct {
        /// The article's number, exactly.
        #[serde(alias = "sku_id")]
        sku_id: String,
        /// In the last so many days; absent: ever.
        #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
        within_days: Option<u32>,
    },
    /// There was no order in the last so many days; who never ordered is among them.
    #[serde(alias = "no_order_in_days")]
    NoOrderInDays {
        /// How many days.
        days: u32,
        /// True: only who ordered before.
        #[serde(default, alias = "ordered_before", skip_serializing_if = "std::ops::Not::not")]
        ordered_before: bool,
    },
    /// Fields of the customer have values: `accountPriority`, `accountType`, and any other by its name.
    Custom(BTreeMap<String, OneOrMore>),
    /// The customer's industry is one of these.
    Industry(Words),
    /// The lead score is in a range.
    #[serde(alias = "lead_score")]
    LeadScore {
        /// At least this; absent: no lower bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<i64>,
        /// At most this; absent: no upper bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<i64>,
    },
    /// Whether a mailbox is known.
    #[serde(alias = "has_email")]
    HasEmail(bool),
    /// Whether a phone number is known.
    #[serde(alias = "has_phone")]
    HasPhone(bool),
    /// The customer has tags.
    Tags {
        /// Every one of these.
        #[serde(default, alias = "all_of", skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
        all_of: Vec<String>,
        /// One of these at least.
        #[serde(default, alias = "any_of", skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
        any_of: Vec<String>,
        /// None of these.
        #[serde(default, alias = "none_of", skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
        none_of: Vec<String>,
    },
    /// One field of the customer.
    Field(FieldTest),
    /// What the customer said last about messages.
    Consent {
        /// On this channel.
        #[serde(deserialize_with = "word")]
        channel: Channel,
        /// About this topic; absent: about any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        /// What it was.
        #[serde(deserialize_with = "word")]
        state: ConsentState,
    },
    /// There was contact.
    Contact {
        /// Inbound: the customer wrote; outbound: a message of ours was sent.
        #[serde(deserialize_with = "word")]
        direction: Direction,
        /// On this channel; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_word")]
        channel: Option<Channel>,
        /// In the last so many days; absent: ever.
        #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
        within_days: Option<u32>,
    },
    /// So many of our messages were opened, clicked or replied to.
    Engagement(EngagementTest),
    /// So many orders; cancellations are left out.
    Orders(Count),
    /// So many activities of a kind.
    Activity(ActivityTest),
    /// The orders of one currency add up to an amount in a range; cancellations are subtracted.
    Revenue {
        /// At least this, in units.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Amount>,
        /// At most this, in units; who never ordered has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Amount>,
        /// The currency; absent: any one of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
        /// Orders of the last so many days; absent: all.
        #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
        within_days: Option<u32>,
    },
    /// The customer is a member of another list.
    #[serde(alias = "member_of")]
    MemberOf {
        /// The list.
        #[serde(alias = "list_id", deserialize_with = "list_id")]
        list_id: ListId,
    },
    /// The day of a date comes round, each year; days are those of the tenant's time zone.
    Anniversary {
        /// `registered`, or the name of a field that holds a date such as 1980-12-24.
        of: String,
        /// From so many days before.
        #[serde(default, alias = "days_before", skip_serializing_if = "is_zero")]
        days_before: u32,
        /// Until so many days after.
        #[serde(default, alias = "days_after", skip_serializing_if = "is_zero")]
        days_after: u32,
    },
    /// A random part of all customers, the same ones every time.
    Bucket {
        /// The first of the hundredths, from 0.
        from: u32,
        /// Behind the last one, at most 100.
        to: u32,
        /// Another salt makes another division.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        salt: String,
    },
}

words! {
    /// What was done with a message.
    Engagement, "engagement" {
        /// It was sent to the customer.
        Sent = "sent",
        /// It was reported as delivered.
        Delivered = "delivered",
        /// Opened it.
        Opened = "opened",
        /// Followed a link.
        Clicked = "clicked",
        /// Wrote back.
        Replied = "replied",
    }
}

/// What a criterion is answered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// That the customer exists and acts for itself; every list depends on it.
    Customer,
    /// The profile, tags and the customer's own fields.
    Profile,
    /// Addresses.
    Addresses,
    /// Orders and other activities.
    Activities,
    /// What the customer said about messages.
    Consents,
    /// Messages sent and received.
    Contacts,
    /// What the customer did with messages.
    Engagements,
    /// Membership of another list.
    Members(ListId),
}

/// A test of one field of the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldTest {
    /// The field: one that every customer has, or one of the customer's own.
    pub name: String,
    /// Is this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Scalar>,
    /// Is one of these.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Scalar>>,
    /// Contains this text, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Is a number of at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Is a number of at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Has a value, or has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// Texts of which one must be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// One of these, exactly.
    #[serde(rename = "in")]
    pub one_of: Vec<String>,
}

/// A text, a number or a truth value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a text, a number, true or false")]
pub enum Scalar {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(String),
}

/// A value, or several of which one must be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a text, a number, true, false, or a list of these")]
pub enum OneOrMore {
    /// This value.
    One(Scalar),
    /// One of these.
    More(Vec<Scalar>),
}

impl OneOrMore {
    /// The values.
    #[must_use]
    pub fn values(&self) -> &[Scalar] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::More(values) => values,
        }
    }
}

/// An amount of money, in micros; written as a decimal number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub i64);

impl Criterion {
    /// As JSON, in camel case.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The criterion's name in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Not(_) => "not",
            Self::AllInTerritory { .. } => "allInTerritory",
            Self::HighValue { .. } => "highValue",
            Self::OrderedProduct { .. } => "orderedProduct",
            Self::NoOrderInDays { .. } => "noOrderInDays",
            Self::Custom(_) => "custom",
            Self::Industry(_) => "industry",
            Self::LeadScore { .. } => "leadScore",
            Self::HasEmail(_) => "hasEmail",
            Self::HasPhone(_) => "hasPhone",
            Self::Tags { .. } => "tags",
            Self::Field(_) => "field",
            Self::Consent { .. } => "consent",
            Self::Contact { .. } => "contact",
            Self::Engagement(_) => "engagement",
            Self::Orders(_) => "orders",
            Self::Activity(_) => "activity",
            Self::Revenue { .. } => "revenue",
            Self::MemberOf { .. } => "memberOf",
            Self::Anniversary { .. } => "anniversary",
            Self::Bucket { .. } => "bucket",
        }
    }

    /// The criteria that it combines, each with its place below it.
    fn parts(&self) -> Vec<(String, &Self)> {
        let name = self.name();
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().enumerate().map(|(index, part)| (format!("{name}[{index}]"), part)).collect()
            }
            Self::Not(part) => vec![(name.to_owned(), part)],
            _ => vec![],
        }
    }

    /// Every criterion that combines no others, with its path from the root.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Self)> {
        let mut leaves = Vec::new();
        self.gather("criteria", &mut leaves);
        leaves
    }

    fn gather<'c>(&'c self, path: &str, leaves: &mut Vec<(String, &'c Self)>) {
        if !matches!(self, Self::All(_) | Self::Any(_) | Self::Not(_)) {
            leaves.push((format!("{path}.{}", self.name()), self));
        }
        for (place, part) in self.parts() {
            part.gather(&format!("{path}.{place}"), leaves);
        }
    }

    /// The lists whose members it asks for.
    #[must_use]
    pub fn lists(&self) -> Vec<ListId> {
        let mut lists: Vec<ListId> = self
            .leaves()
            .into_iter()
            .filter_map(|(_, leaf)| match leaf {
                Self::MemberOf { list_id } => Some(*list_id),
                _ => None,
            })
            .collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    /// Whether they ask for something that is personal: fields of the customer's own.
    #[must_use]
    pub fn reads_personal(&self) -> bool {
        self.leaves().into_iter().any(|(_, leaf)| match leaf {
            Self::Custom(fields) => fields.keys().any(|name| !check::is_common(name)),
            Self::Field(test) => !check::is_common(&test.name),
            Self::Anniversary { of, .. } => of != "registered",
            _ => false,
        })
    }

    /// What the criteria are answered from: nothing else changes who meets them, but time.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<Source> {
        let of_leaf = |leaf: &Self| match leaf {
            Self::All(_) | Self::Any(_) | Self::Not(_) | Self::Bucket { .. } => Source::Customer,
            Self::AllInTerritory { .. }
            | Self::Custom(_)
            | Self::Industry(_)
            | Self::LeadScore { .. }
            | Self::Tags { .. }
            | Self::Field(_)
            | Self::Anniversary { .. } => Source::Profile,
            Self::HasEmail(_) | Self::HasPhone(_) => Source::Addresses,
            Self::HighValue { .. }
            | Self::OrderedProduct { .. }
            | Self::NoOrderInDays { .. }
            | Self::Orders(_)
            | Self::Activity(_)
            | Self::Revenue { .. } => Source::Activities,
            Self::Consent { .. } => Source::Consents,
            Self::Contact { .. } => Source::Contacts,
            Self::Engagement(test) if test.is_ours() => Source::Contacts,
            Self::Engagement(_) => Source::Engagements,
            Self::MemberOf { list_id } => Source::Members(*list_id),
        };
        self.leaves().into_iter().map(|(_, leaf)| of_leaf(leaf)).chain([Source::Customer]).collect()
    }
}
