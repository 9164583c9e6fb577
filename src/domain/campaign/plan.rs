//! What a campaign is to do, as colleagues write it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::experiment::shares::{Shares, WHOLE};
use crate::domain::campaign::schedule::{Calendar, Rate, Schedule, Thresholds, When, is_zero};
use crate::domain::campaign::winner::WinnerRule;
use crate::domain::refusal::Refusal;
use crate::domain::template::decide::code;
use crate::domain::text;
use crate::domain::value::Channel;
use crate::ids::ListId;

/// How many lists a plan names at most.
const MOST_LISTS: usize = 50;

/// The longest time in which a campaign's messages are sent, in minutes: 60 days.
const LONGEST_MINUTES: u32 = 60 * 24 * 60;

/// What a campaign is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignPlan {
    /// For people.
    pub name: String,
    /// How its messages travel.
    pub channel: Channel,
    /// The topic that consent is judged for.
    pub topic: String,
    /// The template's code.
    pub template: String,
    /// The published version; absent: the newest when it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Other channels, in the order in which they are tried for a customer whom those before do not reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
    /// Values of the templates' variables, which stand before those of the customer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// Whom it goes to.
    pub audience: Audience,
    /// When.
    #[serde(default = "now")]
    pub schedule: Schedule,
    /// How long after its start messages may be sent, in minutes; 0: without end. What still waits then is cancelled.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stop_after_minutes: u32,
    /// How fast; 0 messages: as fast as accounts and rules allow.
    pub rate: Rate,
    /// How fast on some days of the tenant's calendar, in place of the rate.
    #[serde(default, skip_serializing_if = "Calendar::is_empty")]
    pub seasons: Calendar,
    /// What of its messages may go wrong before it is paused.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// What it may cost; absent: as much as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Variants and hold-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
}

fn now() -> Schedule {
    Schedule { when: When::Now {}, spread_minutes: 0 }
}

/// Whom a campaign goes to: members of any of the lists when it starts, without those of the excluded lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// All customers; then there are no lists.
    #[serde(default)]
    pub everybody: bool,
    /// Who is a member of any of these.
    #[serde(default)]
    pub lists: Vec<ListId>,
    /// Who is a member of none of these.
    #[serde(default)]
    pub exclude: Vec<ListId>,
}

/// A channel for customers whom those before do not reach: without an address there, or suppressed by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// How its messages travel.
    pub channel: Channel,
    /// The template's code.
    pub template: String,
    /// The published version; absent: the newest when the campaign starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A variant's own text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantText {
    /// The template's code.
    pub template: String,
    /// The published version; absent: the newest when the campaign starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// Variants that are compared, and those who get nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Who gets which variant.
    pub shares: Shares,
    /// The text of each variant, by its name; those without one get the campaign's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, VariantText>,
    /// How the text for the rest is found, where only a part of the audience is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerRule>,
}

impl CampaignPlan {
    /// The plan as it is kept.
    ///
    /// # Errors
    /// What is wrong with it, and in which field.
    pub fn checked(self) -> Result<Self, Refusal> {
        let Self {
            name,
            channel,
            topic,
            template,
            version,
            fallbacks,
            variables,
            audience,
            schedule,
            stop_after_minutes,
            rate,
            seasons,
            thresholds,
            budget,
            experiment,
        } = self;
        let mut channels = vec![channel];
        channels.extend(fallbacks.iter().map(|fallback| fallback.channel));
        for (index, channel) in channels.iter().enumerate() {
            let field = if index == 0 { "channel".to_owned() } else { format!("fallbacks[{}].channel", index - 1) };
            if matches!(channel, Channel::Push | Channel::InApp) {
                return Err(Refusal::invalid(field, "campaigns are sent by EMAIL, SMS, WHATSAPP and VOICE only"));
            }
            if channels[..index].contains(channel) {
                return Err(Refusal::invalid(field, format!("{channel} is tried before")));
            }
        }
        // The zone does not matter for what can be wrong.
        schedule.check(Tz::UTC).map_err(|error| Refusal::invalid("schedule", error.to_string()))?;
        if stop_after_minutes > LONGEST_MINUTES {
            return Err(Refusal::invalid("stop_after_minutes", format!("must be at most {LONGEST_MINUTES}")));
        }
        rate.check().map_err(|error| Refusal::invalid("rate", error.to_string()))?;
        seasons.check().map_err(|error| Refusal::invalid("seasons", error.to_string()))?;
        thresholds.check().map_err(|error| Refusal::invalid("thresholds", error.to_string()))?;
        Ok(Self {
            name: text::required("name", name, text::SHORT)?,
            channel,
            topic: text::word("topic", &topic)?,
            template: checked_code("template", &template)?,
            version: checked_version("version", version)?,
            fallbacks: checked_fallbacks(fallbacks)?,
            variables: text::attributes("variables", variables)?,
            audience: audience.checked()?,
            schedule,
            stop_after_minutes,
            rate,
            seasons,
            thresholds,
            budget: budget.map(Budget::checked).transpose()?.flatten(),
            experiment: experiment.map(Experiment::checked).transpose()?,
        })
    }

    /// The text of a variant, or of a campaign without variants: the template's code, and the version that was asked for.
    #[must_use]
    pub fn text_of(&self, variant: Option<&str>) -> (&str, Option<u32>) {
        let own = self.experiment.as_ref().zip(variant).and_then(|(experiment, name)| experiment.texts.get(name));
        own.map_or((&self.template, self.version), |text| (&text.template, text.version))
    }
}

impl Experiment {
    fn checked(self) -> Result<Self, Refusal> {
        let Self { shares, texts, winner } = self;
        match &winner {
            None if shares.test() < WHOLE => {
                return Err(Refusal::invalid("experiment.winner", "say how the text for the rest is found"));
            }
            Some(_) if shares.test() == WHOLE => {
                return Err(Refusal::invalid("experiment.test", "nobody is left for the winner: test a part only"));
            }
            Some(_) if shares.variants().len() < 2 => {
                return Err(Refusal::invalid("experiment.variants", "a winner needs two variants at least"));
            }
            Some(rule) => rule.check()?,
            None => {}
        }
        for (name, text) in &texts {
            let field = format!("experiment.texts.{name}");
            if shares.variants().iter().all(|variant| variant.name != *name) {
                return Err(Refusal::invalid(field, "no variant has this name"));
            }
            checked_code(&field, &text.template)?;
            checked_version(&field, text.version)?;
        }
        Ok(Self { shares, texts, winner })
    }
}

fn checked_fallbacks(mut fallbacks: Vec<Fallback>) -> Result<Vec<Fallback>, Refusal> {
    for (index, fallback) in fallbacks.iter_mut().enumerate() {
        let field = |name: &str| format!("fallbacks[{index}].{name}");
        fallback.template = checked_code(&field("template"), &fallback.template)?;
        fallback.version = checked_version(&field("version"), fallback.version)?;
    }
    Ok(fallbacks)
}

fn checked_code(field: &str, template: &str) -> Result<String, Refusal> {
    code(template).map_err(|refusal| Refusal { field: Some(field.to_owned()), ..refusal })
}

fn checked_version(field: &str, version: Option<u32>) -> Result<Option<u32>, Refusal> {
    match version {
        Some(0) => Err(Refusal::invalid(field, "versions of templates are counted from 1")),
        version => Ok(version),
    }
}

impl Audience {
    /// The lists that it names, each once.
    #[must_use]
    pub fn all_lists(&self) -> Vec<ListId> {
        let mut lists = [self.lists.as_slice(), &self.exclude].concat();
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    fn checked(self) -> Result<Self, Refusal> {
        let sorted = |mut lists: Vec<ListId>| {
            lists.sort_unstable();
            lists.dedup();
            lists
        };
        let Self { everybody, lists, exclude } = self;
        let (lists, exclude) = (sorted(lists), sorted(exclude));
        for (field, lists) in [("audience.lists", &lists), ("audience.exclude", &exclude)] {
            if lists.len() > MOST_LISTS {
                return Err(Refusal::invalid(field, format!("names at most {MOST_LISTS} lists")));
            }
        }
        match (everybody, lists.is_empty()) {
            (true, false) => Err(Refusal::invalid("audience.lists", "leave the lists out if it goes to everybody")),
            (false, true) => Err(Refusal::invalid("audience.lists", "name the lists that it goes to, or everybody")),
            _ => match lists.iter().find(|list| exclude.contains(list)) {
                Some(list) => {
                    Err(Refusal::invalid("audience.exclude", format!("the list {list} is included and excluded")))
                }
                None => Ok(Self { everybody, lists, exclude }),
            },
        }
    }
}
