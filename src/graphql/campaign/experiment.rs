//! Variants of campaigns, as they are given and shown.

use std::collections::BTreeMap;

use async_graphql::{Enum, InputObject, SimpleObject};

use crate::domain::campaign::experiment::shares::{self, Shares};
use crate::domain::campaign::{plan, winner};
use crate::domain::refusal::Refusal;

/// What a variant wins by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::winner::WinnerMetric")]
pub enum WinnerMetric {
    /// People who opened their message.
    Opened,
    /// People who followed a link in it.
    Clicked,
    /// Customers who replied.
    Replied,
    /// Customers who ordered since the campaign started.
    Ordered,
}

/// What happens when the differences between the variants may be chance.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::winner::Undecided")]
pub enum UndecidedTest {
    /// The rest receives the variant with the highest rate, the first of equal ones.
    Leader,
    /// The campaign is paused until a colleague chooses.
    Ask,
}

/// How the variant for the rest of the audience is found, where only a part is tested.
#[derive(InputObject, Debug, Clone)]
pub struct WinnerInput {
    /// The share of those who are not held out that is tested, in basis points, below 10000.
    test: u32,
    /// What a variant wins by.
    metric: WinnerMetric,
    /// How long after the last message of the test was requested it is looked at, in minutes: 1 to 43200.
    wait_minutes: u32,
    /// What happens when the differences may be chance.
    #[graphql(default_with = "UndecidedTest::Leader")]
    undecided: UndecidedTest,
}

/// A variant of a campaign.
#[derive(InputObject, Debug, Clone)]
pub struct VariantInput {
    /// The name, unique in the campaign.
    name: String,
    /// The share of those who are not held out, in basis points; all shares add up to 10000.
    share: u32,
    /// The code of its template; by default the campaign's.
    template: Option<String>,
    /// The published version of its template; by default the newest when the campaign starts.
    version: Option<u32>,
}

/// Variants to compare, and customers who get nothing.
#[derive(InputObject, Debug, Clone)]
pub struct ExperimentInput {
    /// One to eight variants; one only with a hold-out.
    variants: Vec<VariantInput>,
    /// The share of the audience that gets nothing, in basis points.
    #[graphql(default)]
    hold_out: u32,
    /// Tests the variants on a part of the audience first; the rest receives the winner.
    winner: Option<WinnerInput>,
}

/// A variant of a campaign.
#[derive(SimpleObject, Clone)]
pub struct Variant {
    /// The name.
    name: String,
    /// The share of those who are not held out, in basis points.
    share: u32,
    /// The code of its template.
    template: String,
    /// The published version that was requested; null: the newest when the campaign starts.
    version: Option<u32>,
}

/// How the variant for the rest of the audience is found.
#[derive(SimpleObject, Clone)]
pub struct WinnerRule {
    /// The share of those who are not held out that is tested, in basis points.
    test: u32,
    /// What a variant wins by.
    metric: WinnerMetric,
    /// How long after the last message of the test was requested it is looked at, in minutes.
    wait_minutes: u32,
    /// What happens when the differences may be chance.
    undecided: UndecidedTest,
}

impl Variant {
    /// The variants of a plan.
    #[must_use]
    pub fn of(plan: &plan::CampaignPlan) -> Vec<Self> {
        let shares = plan.experiment.as_ref().map(|experiment| &experiment.shares);
        let variant = |variant: &shares::Variant| {
            let (template, version) = plan.text_of(Some(&variant.name));
            Self { name: variant.name.clone(), share: variant.share, template: template.to_owned(), version }
        };
        shares.map(Shares::variants).unwrap_or_default().iter().map(variant).collect()
    }
}

impl WinnerRule {
    /// The rule of an experiment.
    #[must_use]
    pub fn of(experiment: &plan::Experiment) -> Option<Self> {
        let rule = experiment.winner?;
        Some(Self {
            test: experiment.shares.test(),
            metric: rule.metric.into(),
            wait_minutes: rule.wait_minutes,
            undecided: rule.undecided.into(),
        })
    }
}

impl ExperimentInput {
    /// As the domain has it.
    pub fn read(self) -> std::result::Result<plan::Experiment, Refusal> {
        let mut texts = BTreeMap::new();
        let mut variants = Vec::with_capacity(self.variants.len());
        for VariantInput { name, share, template, version } in self.variants {
            if let Some(template) = template {
                texts.insert(name.clone(), plan::VariantText { template, version });
            }
            variants.push(shares::Variant { name, share });
        }
        // Without a test part everybody is tested; one of 0 is the same to [`Shares`], and a mistake here.
        let test = self.winner.as_ref().map(|winner| winner.test);
        if test == Some(0) {
            return Err(Refusal::invalid("experiment.winner.test", "nobody would be tested"));
        }
        let winner = self.winner.map(|winner| winner::WinnerRule {
            metric: winner.metric.into(),
            wait_minutes: winner.wait_minutes,
            undecided: winner.undecided.into(),
        });
        let shares = Shares::try_new(variants, self.hold_out, test)
            .map_err(|error| Refusal::invalid(format!("experiment.{}", error.place()), error.to_string()))?;
        Ok(plan::Experiment { shares, texts, winner })
    }
}
