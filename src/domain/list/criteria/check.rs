//! What criteria may not be: without bounds, without end, against themselves, or about one person.

use super::{BUCKETS, Count, Criterion, DEEPEST, FieldTest, LONGEST_DAYS, MOST, MOST_VALUES, Scalar, Words};
use crate::domain::activity::event::ActivityKind;
use crate::domain::refusal::Refusal;
use crate::domain::text;

/// The farthest that an anniversary may lie before or behind, in days.
const FARTHEST_ANNIVERSARY: u32 = 60;

/// Fields that every customer has, in camel case and in snake case. None of them is personal.
const COMMON_FIELDS: [(&str, &str); 9] = [
    ("territory", "territory"),
    ("accountType", "account_type"),
    ("accountPriority", "account_priority"),
    ("owner", "owner"),
    ("industry", "industry"),
    ("locale", "locale"),
    ("timeZone", "time_zone"),
    ("leadScore", "lead_score"),
    ("source", "source"),
];

pub(super) fn is_common(name: &str) -> bool {
    COMMON_FIELDS.iter().any(|(camel, snake)| *camel == name || *snake == name)
}

/// Names of fields by which one person is found: criteria are kept in the clear, and must not hold them.
const IDENTIFYING: [&str; 6] = ["name", "externalId", "external_id", "email", "phone", "customer_name"];

/// The name of a field that criteria may ask for.
fn field_name(path: &str, name: &str) -> Result<(), Refusal> {
    if IDENTIFYING.contains(&name) {
        let message = "identifies a person, and criteria are not sealed: add the customer to a static list";
        return Err(Refusal::invalid(path, message));
    }
    if name.contains('"') {
        return Err(Refusal::invalid(path, "must not contain quotes"));
    }
    filled(path, name)
}

impl Criterion {
    /// Makes sure that they can be met and evaluated.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let count = self.leaves().len();
        if count > MOST {
            return Err(Refusal::invalid("criteria", format!("are {count}; at most {MOST} are allowed")));
        }
        self.check_at("criteria", 1)
    }

    fn check_at(&self, path: &str, depth: usize) -> Result<(), Refusal> {
        if depth > DEEPEST {
            return Err(Refusal::invalid(path, format!("is nested deeper than {DEEPEST} times")));
        }
        let own = format!("{path}.{}", self.name());
        match self {
            Self::All(parts) | Self::Any(parts) if parts.is_empty() => {
                return Err(Refusal::invalid(own, "must have one criterion at least"));
            }
            Self::All(parts) => contradiction(&own, parts)?,
            _ => self.check_leaf(&own)?,
        }
        for (place, part) in self.parts() {
            part.check_at(&format!("{path}.{place}"), depth + 1)?;
        }
        Ok(())
    }

    fn check_leaf(&self, own: &str) -> Result<(), Refusal> {
        let at = |field: &str| format!("{own}.{field}");
        match self {
            Self::All(_)
            | Self::Any(_)
            | Self::Not(_)
            | Self::HasEmail(_)
            | Self::HasPhone(_)
            | Self::MemberOf { .. }
            | Self::HighValue { .. } => Ok(()),
            Self::AllInTerritory { territory } => filled(&at("territory"), territory),
            Self::OrderedProduct { sku_id, within_days } => {
                filled(&at("skuId"), sku_id)?;
                days(&at("withinDays"), *within_days)
            }
            Self::NoOrderInDays { days: number, .. } => days(&at("days"), Some(*number)),
            Self::Custom(fields) if fields.is_empty() => Err(Refusal::invalid(own, "must name one field at least")),
            Self::Custom(fields) => fields.iter().try_for_each(|(name, values)| {
                field_name(&at(name), name)?;
                number_of(&at(name), values.values().len())?;
                values.values().iter().try_for_each(|value| scalar(&at(name), value))
            }),
            Self::Industry(Words { one_of }) => texts(&at("in"), one_of),
            Self::LeadScore { min, max } => range(own, min.as_ref(), max.as_ref()),
            Self::Tags { all_of, any_of, none_of } => {
                if all_of.is_empty() && any_of.is_empty() && none_of.is_empty() {
                    return Err(Refusal::invalid(own, "must name one tag at least"));
                }
                for (field, tags) in [("allOf", all_of), ("anyOf", any_of), ("noneOf", none_of)] {
                    if !tags.is_empty() {
                        texts(&at(field), tags)?;
                    }
                }
                match all_of.iter().find(|tag| none_of.contains(tag)) {
                    Some(_) => Err(Refusal::invalid(at("noneOf"), "names a tag that allOf requires")),
                    None => Ok(()),
                }
            }
            Self::Field(test) => test.check(own),
            Self::Consent { topic, .. } => topic.as_deref().map_or(Ok(()), |topic| filled(&at("topic"), topic)),
            Self::Contact { within_days, .. } => days(&at("withinDays"), *within_days),
            Self::Engagement(test) => {
                if test.is_ours() && test.count().within_days.is_some() {
                    let message = "is not known of what was sent: ask for `contact` within days instead";
                    return Err(Refusal::invalid(at("withinDays"), message));
                }
                test.count().check(own)
            }
            Self::Orders(count) => count.check(own),
            Self::Activity(test) => {
                if test.name.is_some() && test.kind != ActivityKind::Custom {
                    return Err(Refusal::invalid(at("name"), "only custom activities have a name"));
                }
                test.name.as_deref().map_or(Ok(()), |name| filled(&at("name"), name))?;
                test.count().check(own)
            }
            Self::Revenue { min, max, within_days, .. } => {
                range(own, min.as_ref(), max.as_ref())?;
                days(&at("withinDays"), *within_days)
            }
            Self::Anniversary { of, days_before, days_after } => {
                field_name(&at("of"), of)?;
                for (field, days) in [("daysBefore", days_before), ("daysAfter", days_after)] {
                    if *days > FARTHEST_ANNIVERSARY {
                        return Err(Refusal::invalid(at(field), format!("must be at most {FARTHEST_ANNIVERSARY}")));
                    }
                }
                Ok(())
            }
            Self::Bucket { from, to, salt } => {
                if from >= to || *to > BUCKETS {
                    let message = format!("must lie between from (which is part of it) and {BUCKETS}");
                    return Err(Refusal::invalid(at("to"), message));
                }
                text::exact(&at("salt"), salt.clone(), text::SHORT).map(drop)
            }
        }
    }
}

impl Count {
    fn check(&self, own: &str) -> Result<(), Refusal> {
        days(&format!("{own}.withinDays"), self.within_days)?;
        if self.at_least.is_none() && self.at_most.is_none() {
            return Ok(());
        }
        range_named(own, ("atLeast", self.at_least.as_ref()), ("atMost", self.at_most.as_ref()))
    }
}

impl FieldTest {
    fn check(&self, own: &str) -> Result<(), Refusal> {
        let at = |field: &str| format!("{own}.{field}");
        field_name(&at("name"), &self.name)?;
        let range_given = self.min.is_some() || self.max.is_some();
        let tests =
            [self.equals.is_some(), self.one_of.is_some(), self.contains.is_some(), range_given, self.exists.is_some()];
        match tests.into_iter().filter(|given| *given).count() {
            1 => {}
            0 => return Err(Refusal::invalid(own, "must have one of equals, in, contains, min, max, exists")),
            _ => return Err(Refusal::invalid(own, "must have only one test; combine several with all")),
        }
        if let Some(values) = &self.one_of {
            number_of(&at("in"), values.len())?;
            values.iter().try_for_each(|value| scalar(&at("in"), value))?;
        }
        if let Some(value) = &self.equals {
            scalar(&at("equals"), value)?;
        }
        if let Some(part) = &self.contains {
            filled(&at("contains"), part)?;
        }
        if range_given { range(own, self.min.as_ref(), self.max.as_ref()) } else { Ok(()) }
    }
}

/// Finds criteria that cannot hold together.
fn contradiction(own: &str, parts: &[Criterion]) -> Result<(), Refusal> {
    let opposed = |a: &Criterion, b: &Criterion| match (a, b) {
        (Criterion::Not(a), b) | (b, Criterion::Not(a)) if **a == *b => true,
        (Criterion::HasEmail(a), Criterion::HasEmail(b)) | (Criterion::HasPhone(a), Criterion::HasPhone(b)) => a != b,
        (Criterion::AllInTerritory { territory: a }, Criterion::AllInTerritory { territory: b }) => a != b,
        (Criterion::Industry(a), Criterion::Industry(b)) => !a.one_of.iter().any(|word| b.one_of.contains(word)),
        _ => false,
    };
    for (index, part) in parts.iter().enumerate() {
        if let Some(other) = parts[..index].iter().position(|earlier| opposed(earlier, part)) {
            let message = format!("contradicts {own}[{other}]: nobody can meet both");
            return Err(Refusal::invalid(format!("{own}[{index}]"), message));
        }
    }
    Ok(())
}

fn filled(path: &str, given: &str) -> Result<(), Refusal> {
    text::required(path, given.to_owned(), text::SHORT).map(drop)
}

fn scalar(path: &str, value: &Scalar) -> Result<(), Refusal> {
    match value {
        Scalar::Text(value) => text::exact(path, value.clone(), text::SHORT).map(drop),
        Scalar::Float(value) if !value.is_finite() => Err(Refusal::invalid(path, "must be a number")),
        Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) => Ok(()),
    }
}

fn number_of(path: &str, values: usize) -> Result<(), Refusal> {
    if (1..=MOST_VALUES).contains(&values) {
        return Ok(());
    }
    Err(Refusal::invalid(path, format!("has {values} values; 1 to {MOST_VALUES} are allowed")))
}

fn texts(path: &str, values: &[String]) -> Result<(), Refusal> {
    number_of(path, values.len())?;
    values.iter().try_for_each(|value| filled(path, value))
}

fn days(path: &str, days: Option<u32>) -> Result<(), Refusal> {
    match days {
        Some(days) if days == 0 || days > LONGEST_DAYS => {
            Err(Refusal::invalid(path, format!("must be a number of days from 1 to {LONGEST_DAYS}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn range<T: PartialOrd>(own: &str, min: Option<&T>, max: Option<&T>) -> Result<(), Refusal> {
    range_named(own, ("min", min), ("max", max))
}

fn range_named<T: PartialOrd>(own: &str, min: (&str, Option<&T>), max: (&str, Option<&T>)) -> Result<(), Refusal> {
    match (min.1, max.1) {
        (None, None) => Err(Refusal::invalid(own, format!("must have {} or {}", min.0, max.0))),
        (Some(least), Some(most)) if least > most => {
            Err(Refusal::invalid(format!("{own}.{}", max.0), format!("is less than {}", min.0)))
        }
        _ => Ok(()),
    }
}
